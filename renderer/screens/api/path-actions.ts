import { absolutePathText, type PathStep, pathText } from '../../../engine/spec/path-text.ts';
import type { RequestDraft } from '../../stores/preview-store.ts';

/** Something that a clicked value can become of the job. */
export interface PathAction {
  id: string;
  label: string;
  /** What is written. */
  change: RequestDraft;
}

export interface PickedValue {
  steps: readonly PathStep[];
  value: unknown;
  /** Steps of the record's own field; null outside of records. */
  field: readonly PathStep[] | null;
}

/** Cut steps into the way to the record and the way in it. `selector` are the steps of the list of records, null where it is no plain path. */
export function fieldSteps(
  steps: readonly PathStep[],
  selector: readonly PathStep[] | null,
): readonly PathStep[] | null {
  if (selector === null || steps.length <= selector.length) return null;
  if (!selector.every((step, index) => steps[index] === step)) return null;
  return typeof steps[selector.length] === 'number' ? steps.slice(selector.length + 1) : null;
}

/** Steps of a plain path such as `data.items` or `$['a b']`; null for anything richer. */
export function plainSteps(path: string): PathStep[] | null {
  let rest = path
    .trim()
    .replace(/^\$/, '')
    .replace(/\[\*\]$/, '');
  const steps: PathStep[] = [];
  while (rest !== '') {
    const match =
      /^\[(-?\d+)\]/.exec(rest) ?? /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest) ?? /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest);
    const name = match === null ? /^\.?([^.[\]*?$'"\s]+)/.exec(rest) : null;
    const found = match ?? name;
    if (found === null) return null;
    const text = found[1] ?? '';
    steps.push(match !== null && /^\[-?\d/.test(rest) ? Number(text) : text.replace(/\\(.)/g, '$1'));
    rest = rest.slice(found[0].length);
  }
  return steps;
}

export function isTimeLike(value: unknown): boolean {
  if (typeof value === 'number') return value > 978_307_200 && Number.isInteger(value);
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value);
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && /^(https?:\/\/|\/|\?)/.test(value);
}

/** What can be made of a value, the most likely first. */
export function pathActions({ steps, value, field }: PickedValue, primaryKey: string): PathAction[] {
  const path = pathText(steps);
  const cell = (id: string, label: string, column: string, text: string): PathAction => ({
    id,
    label,
    change: { cells: { [column]: text }, options: {} },
  });
  const option = (id: string, label: string, key: string, type?: string, text = path): PathAction => ({
    id,
    label,
    change: { cells: type === undefined ? {} : { pagination_type: type }, options: { [key]: text } },
  });
  if (Array.isArray(value)) {
    return field === null || field.length > 0 ? [cell('selector', 'Use as data selector', 'data_selector', path)] : [];
  }
  if (typeof value === 'object' && value !== null) {
    return field === null && steps.length > 0 ? [cell('selector', 'Use as data selector', 'data_selector', path)] : [];
  }
  if (field !== null) {
    if (field.length === 0) return [];
    const own = pathText(field);
    const watermark = cell('watermark', 'Use as incremental field', 'watermark_column', own);
    const keys = primaryKey
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const key = cell('key', 'Use as primary key', 'primary_key', own);
    const actions = isTimeLike(value) ? [watermark, key] : [key, watermark];
    if (keys.length > 0 && !keys.includes(own)) {
      actions.push(
        cell('key_add', `Add to primary key (${keys.join(', ')})`, 'primary_key', [...keys, own].join(', ')),
      );
    }
    const list = steps.slice(0, steps.length - field.length - 1);
    actions.push(
      option(
        'cursor_last',
        'Use of the last record as cursor',
        'cursor_path',
        'cursor',
        pathText([...list, -1, ...field]),
      ),
    );
    return actions;
  }
  if (typeof value === 'boolean') return [option('has_more', 'Use as “more pages while”', 'has_more_path')];
  const link = option('next_link', 'Use as next link', 'next_url_path', 'json_link');
  const cursor = option('cursor', 'Use as cursor', 'cursor_path', 'cursor');
  if (isAddress(value)) return [link, cursor];
  if (typeof value === 'number') {
    return [
      option('total', 'Use as number of records', 'total_path'),
      option('total_pages', 'Use as number of pages', 'total_pages_path', 'page_number'),
      cursor,
    ];
  }
  return value === null ? [cursor, link] : [cursor, link];
}

/** `$.data[3].created`, as it is shown and copied. */
export function shownPath(steps: readonly PathStep[]): string {
  return absolutePathText(steps);
}

/**
 * Where a record stands in its list: in its own place, but where an incremental read left records out on this side.
 * @param list of the response, as far as it is here
 */
export function recordIndex(list: unknown, record: unknown, row: number): number {
  if (!Array.isArray(list)) return row;
  const text = JSON.stringify(record);
  if (JSON.stringify(list[row]) === text) return row;
  const found = list.findIndex((one) => JSON.stringify(one) === text);
  return found < 0 ? row : found;
}

/** The value at the end of steps; undefined where there is none. */
export function valueAt(root: unknown, steps: readonly PathStep[]): unknown {
  let at = root;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<PathStep, unknown>>)[step];
  }
  return at;
}
