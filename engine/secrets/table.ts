import type { Table } from '../spec/project.ts';

/** True for a TOML table; arrays and dates are values. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The path of every value in a table, in the file's order. An array is one value, an empty table none. */
export function leafPaths(table: Table, prefix: readonly string[] = []): string[][] {
  return Object.entries(table).flatMap(([key, value]) =>
    isTable(value) ? leafPaths(value, [...prefix, key]) : [[...prefix, key]],
  );
}

/** The value at a path, or undefined. */
export function valueAt(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of path) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Sets the value at a path; tables on the way are made, a plain value that stands in the way gives place. */
export function setAt(table: Table, path: readonly string[], value: unknown): void {
  let at = table;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (isTable(next)) {
      at = next;
    } else {
      const made: Table = {};
      define(at, key, made);
      at = made;
    }
  }
  define(at, path.at(-1)!, value);
}

// A key named __proto__ is a key like any other and must not become the table's prototype.
function define(table: Table, key: string, value: unknown): void {
  Object.defineProperty(table, key, { value, writable: true, enumerable: true, configurable: true });
}
