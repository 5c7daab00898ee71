import { compile } from 'json-p3';
import { IngestError } from '../../errors.ts';

/** A compiled JSONPath. */
export interface JsonPath {
  /** As it was written. */
  text: string;
  /** Every value that it finds; empty where it finds nothing. */
  all(root: unknown): unknown[];
  /** The first value that it finds; undefined where it finds nothing. */
  first(root: unknown): unknown;
}

type Step = string | number;

/**
 * Compiles the paths that people write: `data.items`, `$.data`, `data[-1].id`, `['odata.nextLink']`, `$`, and all of RFC 9535 (wildcards, slices, filters).
 * A key of the root that is spelled exactly like the path wins, so `@odata.nextLink` needs no brackets.
 * @throws IngestError API_JSONPATH_INVALID
 */
export function compileJsonPath(text: string): JsonPath {
  const trimmed = text.trim();
  const steps = simpleSteps(trimmed);
  const find = steps ? (root: unknown) => walk(root, steps) : general(trimmed);
  const all = (root: unknown): unknown[] => {
    if (isObject(root) && Object.hasOwn(root, trimmed)) return [root[trimmed]];
    return find(root);
  };
  return { text, all, first: (root) => all(root)[0] };
}

/** Names and indexes of a path that can find one value at most; null for anything richer. */
function simpleSteps(path: string): Step[] | null {
  let rest = path.startsWith('$') ? path.slice(1) : path;
  const steps: Step[] = [];
  while (rest !== '') {
    const match =
      /^\[\s*(-?\d+)\s*\]/.exec(rest) ??
      /^\[\s*'([^'\\]*)'\s*\]/.exec(rest) ??
      /^\[\s*"([^"\\]*)"\s*\]/.exec(rest) ??
      (rest.startsWith('.')
        ? /^\.([^.[\]*?$'"\s]+)/.exec(rest)
        : steps.length === 0 && !path.startsWith('$')
          ? /^([^.[\]*?$'"\s]+)/.exec(rest)
          : null);
    if (!match) return null;
    const name = match[1] ?? '';
    steps.push(rest.startsWith('[') && /^\[\s*-?\d/.test(rest) ? Number(name) : name);
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function walk(root: unknown, steps: readonly Step[]): unknown[] {
  let at = root;
  for (const step of steps) {
    if (typeof step === 'number') {
      if (!Array.isArray(at)) return [];
      at = at.at(step);
      if (at === undefined) return [];
    } else {
      if (!isObject(at) || !Object.hasOwn(at, step)) return [];
      at = at[step];
    }
  }
  return [at];
}

function general(path: string): (root: unknown) => unknown[] {
  const standard = path.startsWith('$') ? path : path.startsWith('[') ? `$${path}` : `$.${path}`;
  try {
    const query = compile(standard);
    return (root) => query.query(root as never).values() as unknown[];
  } catch (error) {
    throw new IngestError('API_JSONPATH_INVALID', `"${path}" is not a JSONPath.`, {
      hint: 'Write it like data.items, data[-1].id or $.data[*].',
      cause: error,
    });
  }
}

/** True for a JSON object (no list, no null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts a value at a dotted path of a copy-free JSON body, making the objects on the way. */
export function setAtPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const steps = simpleSteps(path.trim());
  if (!steps || steps.length === 0 || steps.some((step) => typeof step === 'number')) {
    throw new IngestError('API_JSONPATH_INVALID', `"${path}" does not name a place in the request body.`, {
      hint: 'Write it like page or query.page.',
    });
  }
  let at = target;
  for (const step of steps.slice(0, -1) as string[]) {
    if (!isObject(at[step])) at[step] = {};
    at = at[step] as Record<string, unknown>;
  }
  at[steps.at(-1) as string] = value;
}
