import { shake128, utf8 } from './shake128.ts';

/**
 * Names by dlt's default convention, `snake_case`, so that tables which dlt began go on under the same names.
 * Source of the rules: dlt, `common/normalizers/naming/snake_case.py` and `naming.py` (1.x).
 */
export const PATH_SEPARATOR = '__';

/** dlt swaps these one for one before anything else; every other character that is no letter, digit or `_` becomes `_`. */
const SWAPS: Record<string, string> = { '+': 'x', '*': 'x', '-': '_', '@': 'a', '|': 'l' };

/** Results by limit and name: jobs share columns, and a run normalises the same ones again and again. */
const caches = new Map<number, Map<string, string>>();
const CACHE_LIMIT = 50_000;

/**
 * Normalises a table, schema or column name: `createdAt` → `created_at`, `HTTPStatus` → `http_status`, `2fa` → `_2fa`, `a__b` → `a_b`,
 * `name_` → `namex`. A result longer than `maxLength` characters is cut in its middle, where a hash of the whole name takes the place.
 * A name of nothing but spaces stays as it is: callers refuse it.
 */
export function normalizeName(name: string, maxLength = Number.POSITIVE_INFINITY): string {
  let cache = caches.get(maxLength);
  if (cache === undefined) {
    cache = new Map();
    caches.set(maxLength, cache);
  }
  const known = cache.get(name);
  if (known !== undefined) return known;
  const trimmed = name.trim();
  const normalized = shortenName(snakeCase(trimmed), trimmed, maxLength);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(name, normalized);
  return normalized;
}

function snakeCase(name: string): string {
  const broken = name
    .replace(/[+*\-@|]/g, (character) => SWAPS[character] as string)
    // \p{Nd}: Python's \d takes the digits of every script.
    .replace(/[^a-zA-Z\p{Nd}_]+/gu, '_')
    .replace(/([^_])([A-Z][a-z]+)/gu, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
  const led = /^\p{Nd}/u.test(broken) ? `_${broken}` : broken;
  // A trailing underscore becomes an x, so that joining by `__` stays unambiguous; the rest of a run falls to one.
  return led.replace(/_+$/, (run) => 'x'.repeat(run.length)).replace(/_+/g, '_');
}

/**
 * Joins names that are normalised already (parent and list, object and field) with `__` and cuts the whole to `maxLength`.
 * The hash is taken over the joined path.
 */
export function joinNames(names: readonly string[], maxLength = Number.POSITIVE_INFINITY): string {
  const path = names.filter((name) => name.trim() !== '').join(PATH_SEPARATOR);
  return shortenName(path, path, maxLength);
}

/** Normalises each part of a nested path and joins them: `['orderLines', 'unitPrice']` → `order_lines__unit_price`. */
export function normalizePath(parts: readonly string[], maxLength = Number.POSITIVE_INFINITY): string {
  return joinNames(
    parts.filter((part) => part.trim() !== '').map((part) => normalizeName(part, maxLength)),
    maxLength,
  );
}

/** Cuts `normalized` to `maxLength` with a tag in its middle that stands for `original`; shorter names stay. */
function shortenName(normalized: string, original: string, maxLength: number): string {
  if (normalized.length <= maxLength) return normalized;
  const tag = nameTag(original);
  // No destination has so short a limit; the tag alone is the best that can be done there.
  if (tag.length >= maxLength) return tag.slice(0, maxLength);
  const kept = maxLength - tag.length;
  return normalized.slice(0, Math.ceil(kept / 2)) + tag + normalized.slice(normalized.length - Math.floor(kept / 2));
}

/** dlt's tag: four bytes of SHAKE-128 in base64, lower case, with `/` and `+` as `a` and `b`. */
function nameTag(original: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ba';
  let bits = 0;
  let held = 0;
  let tag = '';
  for (const byte of shake128(utf8(original), 4)) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      tag += alphabet[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) tag += alphabet[(held << (6 - bits)) & 63];
  return tag.toLowerCase();
}

/** Two or more source names that fall together under one normalised name. */
export interface NameCollision {
  normalized: string;
  /** At least two, in the order given. */
  names: string[];
}

/**
 * Normalises all names of one table (or all tables of one schema) and finds those that fall together, also by case alone.
 * The same name given twice is a collision too. `normalized[i]` belongs to `names[i]`.
 */
export function normalizeNames(
  names: readonly string[],
  maxLength = Number.POSITIVE_INFINITY,
): { normalized: string[]; collisions: NameCollision[] } {
  const normalized = names.map((name) => normalizeName(name, maxLength));
  const groups = Map.groupBy(names.keys(), (index) => (normalized[index] as string).toLowerCase());
  const collisions = [...groups.values()]
    .filter((indexes) => indexes.length > 1)
    .map((indexes) => ({
      normalized: normalized[indexes[0] as number] as string,
      names: indexes.map((index) => names[index] as string),
    }));
  return { normalized, collisions };
}
