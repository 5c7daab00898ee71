import { IngestError } from '../../errors.ts';
import { isExactNumber } from './json.ts';
import { compileJsonPath, isObject, type JsonPath } from './json-path.ts';

export type JsonRecord = Record<string, unknown>;

/** Keys under which APIs wrap their lists. */
const COMMON_KEYS = [
  'data',
  'items',
  'results',
  'records',
  'value',
  'values',
  'rows',
  'entries',
  'list',
  'content',
  'objects',
  'hits',
  'elements',
  'result',
];

const MAX_DEPTH = 3;

/**
 * Finds the records of each page: by data_selector, or by detection on the first page that has a list.
 * A record that is no object becomes `{value: …}`; null records are left out and counted.
 */
export class RecordSelector {
  readonly #configured: JsonPath | null;
  readonly #singlePage: boolean;
  #detected: JsonPath | null = null;
  /** Null entries that were left out. */
  nulls = 0;
  /** The last page had nothing at the selector, not even an empty list. */
  missed = false;

  /** @param singlePage an object without any list is then one record */
  constructor(dataSelector: string | null, singlePage: boolean) {
    this.#configured = dataSelector === null || dataSelector.trim() === '' ? null : compileJsonPath(dataSelector);
    this.#singlePage = singlePage;
  }

  /** The key of the list in the response: null for a list at the root, undefined where the selector is no plain path. */
  get listKey(): string | null | undefined {
    const selector = this.selector;
    return selector === '$' ? null : (/^(?:\$\.)?(?:[\w-]+\.)*([\w-]+)$/.exec(selector ?? '')?.[1] ?? undefined);
  }

  /** The selector in use; null before detection. */
  get selector(): string | null {
    return (this.#configured ?? this.#detected)?.text ?? null;
  }

  /** What the selector in use finds; nothing before detection. */
  find(body: unknown): unknown[] {
    return (this.#configured ?? this.#detected)?.all(body) ?? [];
  }

  /** @throws IngestError API_SELECTOR_NOT_FOUND, API_SELECTOR_AMBIGUOUS, API_RECORDS_NOT_FOUND */
  select(body: unknown, page: number): JsonRecord[] {
    this.missed = false;
    if (this.#configured) return this.#records(this.#bySelector(this.#configured, body, page));
    this.#detected ??= compileJsonPath(detectSelector(body, this.#singlePage));
    const found = this.#detected.all(body);
    this.missed = found.every((value) => value === null || value === undefined);
    return this.#records(flatten(found));
  }

  #bySelector(selector: JsonPath, body: unknown, page: number): unknown[] {
    const found = selector.all(body);
    this.missed = found.every((value) => value === null || value === undefined);
    if (found.length > 0) return flatten(found);
    // Some APIs leave the list out when it is empty; a misspelt selector shows by another list that is there.
    const candidates = listsOf(body);
    if (page > 1 || candidates.length === 0) return [];
    throw new IngestError('API_SELECTOR_NOT_FOUND', `data_selector "${selector.text}" finds nothing in the response.`, {
      hint: `Lists are at ${candidates.map(({ path }) => path).join(', ')}.`,
    });
  }

  #records(values: unknown[]): JsonRecord[] {
    let plain = true;
    for (const value of values) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || isExactNumber(value)) {
        plain = false;
        break;
      }
    }
    if (plain) return values as JsonRecord[];
    const kept = values.filter((value) => value !== null);
    this.nulls += values.length - kept.length;
    return kept.map((value) => (isObject(value) && !isExactNumber(value) ? value : { value }));
  }
}

/** One list found is the records; several values found are records each; lists among them are joined. */
function flatten(found: unknown[]): unknown[] {
  if (found.length === 1) {
    const only = found[0];
    return Array.isArray(only) ? only : only === null || only === undefined ? [] : [only];
  }
  return found.every((value) => Array.isArray(value)) ? found.flat() : found;
}

interface Candidate {
  path: string;
  key: string;
  list: unknown[];
}

/** The JSONPath of the records in a first page. */
export function detectSelector(body: unknown, singlePage: boolean): string {
  if (Array.isArray(body)) return '$';
  const lists = listsOf(body);
  const filled = lists.filter(({ list }) => list.some(isObject));
  const common = (candidates: Candidate[]) => candidates.filter(({ key }) => COMMON_KEYS.includes(key.toLowerCase()));
  const shallowest = (candidates: Candidate[]) => {
    const depth = Math.min(...candidates.map(({ path }) => path.split('.').length));
    return candidates.filter(({ path }) => path.split('.').length === depth);
  };
  for (const candidates of [common(filled), filled, common(lists), lists]) {
    if (candidates.length === 0) continue;
    const best = shallowest(candidates);
    if (best.length === 1) return (best[0] as Candidate).path;
    throw new IngestError(
      'API_SELECTOR_AMBIGUOUS',
      `The response has several lists: ${best.map(({ path }) => path).join(', ')}.`,
      {
        hint: 'Say in data_selector which one holds the records.',
      },
    );
  }
  if (singlePage && isObject(body)) return '$';
  throw new IngestError(
    'API_RECORDS_NOT_FOUND',
    `The response holds no list of records${isObject(body) ? ` (its keys: ${Object.keys(body).slice(0, 10).join(', ')})` : ''}.`,
    {
      hint: 'Set data_selector to the JSONPath of the records. One object is a record only with pagination_type single_page.',
    },
  );
}

/** Every list in objects of a response, down to three levels, not inside lists. */
function listsOf(body: unknown, prefix = '', depth = 1): Candidate[] {
  if (!isObject(body) || depth > MAX_DEPTH) return [];
  return Object.entries(body).flatMap(([key, value]) => {
    const path = /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(key)
      ? prefix === ''
        ? key
        : `${prefix}.${key}`
      : `${prefix}[${JSON.stringify(key)}]`;
    if (Array.isArray(value)) return [{ path, key, list: value }];
    return listsOf(value, path, depth + 1);
  });
}
