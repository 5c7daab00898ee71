import { type PathStep, pointerText } from '../../spec/path-text.ts';
import type { CutJson } from '../source.ts';
import { isExactNumber } from './json.ts';
import { isObject } from './json-path.ts';

/** What a window is given of one response, so that a page of 100 MB leaves it alive. */
export interface CutLimits {
  /** Values in all. */
  values: number;
  /** Entries of one list or object. */
  entries: number;
  /** Characters of one text. */
  text: number;
  /** Characters of all keys and texts together. */
  characters: number;
}

export const DEFAULT_CUT_LIMITS: CutLimits = { values: 20_000, entries: 1000, text: 4000, characters: 1_000_000 };

const DEEPEST = 60;

/**
 * A copy of a parsed response within limits, and where it was cut. Each list's beginning is kept, so that an index is the response's own.
 */
export function cutJson(root: unknown, limits: CutLimits = DEFAULT_CUT_LIMITS): CutJson {
  const cuts: CutJson['cuts'] = {};
  let values = limits.values;
  let characters = limits.characters;
  const copy = (value: unknown, steps: PathStep[], depth: number): unknown => {
    values -= 1;
    if (isExactNumber(value)) {
      cuts[pointerText(steps)] = { kind: 'number' };
      return value.rawJSON;
    }
    if (typeof value === 'string') {
      const most = Math.min(limits.text, Math.max(0, characters));
      if (value.length > most) cuts[pointerText(steps)] = { kind: 'text', total: value.length };
      const shown = value.length > most ? value.slice(0, most) : value;
      characters -= shown.length;
      return shown;
    }
    if (Array.isArray(value)) {
      const shown: unknown[] = [];
      const most = depth >= DEEPEST ? 0 : limits.entries;
      for (let index = 0; index < value.length && index < most && values > 0 && characters > 0; index += 1)
        shown.push(copy(value[index], [...steps, index], depth + 1));
      if (shown.length < value.length) cuts[pointerText(steps)] = { kind: 'list', total: value.length };
      return shown;
    }
    if (!isObject(value)) return value;
    const keys = Object.keys(value);
    const most = depth >= DEEPEST ? 0 : limits.entries;
    const copies = new Map<string, unknown>();
    const take = (key: string) => {
      // A key longer than a text may be is left out: its path could not be read anyway.
      if (copies.size >= most || values <= 0 || characters <= 0 || key.length > limits.text) return;
      characters -= key.length;
      copies.set(key, copy(value[key], [...steps, key], depth + 1));
    };
    // What describes a list often follows it (`data`, then `next_cursor`): it must not starve behind a long one.
    const isNested = (key: string) => isObject(value[key]) || Array.isArray(value[key]);
    for (const key of keys) if (!isNested(key)) take(key);
    for (const key of keys) if (isNested(key)) take(key);
    if (copies.size < keys.length) cuts[pointerText(steps)] = { kind: 'object', total: keys.length };
    return Object.fromEntries(keys.filter((key) => copies.has(key)).map((key) => [key, copies.get(key)]));
  };
  return { value: copy(root, [], 0), cuts };
}
