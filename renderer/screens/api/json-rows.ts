import type { CutJson } from '../../../engine/contract.ts';
import { type PathStep, pointerText } from '../../../engine/spec/path-text.ts';

/** A line of the response's tree. */
export interface JsonRow {
  /** JSON Pointer; of a line that says what was cut, with `#` behind. */
  id: string;
  steps: readonly PathStep[];
  depth: number;
  /** Key or index; null at the root. */
  name: string | null;
  value: unknown;
  kind: 'object' | 'list' | 'text' | 'number' | 'boolean' | 'null' | 'more';
  /** Entries of an object or a list, as the response had them; of a `more` line: those that are not shown. */
  count: number;
  isOpen: boolean;
}

/** Open at first: the root, and what describes pages. Lists of many are closed but for the way to their first entry. */
export function initiallyOpen({ value }: CutJson): ReadonlySet<string> {
  const open = new Set<string>(['']);
  if (typeof value !== 'object' || value === null) return open;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) continue;
    const pointer = pointerText([key]);
    if (Object.keys(inner).length <= 200) open.add(pointer);
    if (Array.isArray(inner) && inner.length > 0) open.add(`${pointer}/0`);
  }
  return open;
}

/** The lines that are visible: those below open nodes. Costs only what is open. */
export function jsonRows({ value: root, cuts }: CutJson, open: ReadonlySet<string>): JsonRow[] {
  const rows: JsonRow[] = [];
  const add = (value: unknown, steps: readonly PathStep[], depth: number): void => {
    const id = pointerText(steps);
    const name = steps.length === 0 ? null : String(steps.at(-1));
    const cut = cuts[id];
    const isList = Array.isArray(value);
    if (typeof value !== 'object' || value === null) {
      const kind = value === null ? 'null' : cut?.kind === 'number' ? 'number' : scalarKind(value);
      rows.push({ id, steps, depth, name, value, kind, count: cut?.kind === 'text' ? cut.total : 0, isOpen: false });
      return;
    }
    const keys = isList ? value.length : Object.keys(value).length;
    const total = cut !== undefined && 'total' in cut ? cut.total : keys;
    const isOpen = open.has(id);
    rows.push({ id, steps, depth, name, value, kind: isList ? 'list' : 'object', count: total, isOpen });
    if (!isOpen) return;
    if (isList) for (const [index, item] of value.entries()) add(item, [...steps, index], depth + 1);
    else for (const [key, item] of Object.entries(value)) add(item, [...steps, key], depth + 1);
    if (total > keys) {
      rows.push({
        id: `${id}#`,
        steps,
        depth: depth + 1,
        name: null,
        value: null,
        kind: 'more',
        count: total - keys,
        isOpen: false,
      });
    }
  };
  add(root, [], 0);
  return rows;
}

function scalarKind(value: unknown): 'text' | 'number' | 'boolean' {
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'text';
}
