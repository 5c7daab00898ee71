import { type ColumnTypeResult, parseColumnType } from './column-types.ts';
import type { JobColumn } from './job-columns.ts';
import { type Lag, parseLag } from './lag.ts';
import { didYouMean } from './suggest.ts';

/**
 * Cells as typed values. A parser never throws: it gives a value, or a problem in the words of a finding.
 * Text arrives as a person meant it (`engine/bundle` settled dates, booleans and leading zeros).
 */
export type CellResult<T = unknown> = { ok: true; value: T } | { ok: false; problem: string; fix: string | null };

export type CellParser = (text: string) => CellResult;

const failed = (problem: string, fix: string | null = null): CellResult<never> => ({ ok: false, problem, fix });

/** `a, b or c`. */
export function alternatives(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

/** One of `values` in any case, or one of the `aliases` (lower case) for them. */
export function enumParser(values: readonly string[], aliases: Readonly<Record<string, string>> = {}): CellParser {
  const byName = new Map(Object.entries(aliases).map(([alias, value]) => [alias, { ok: true as const, value }]));
  for (const value of values) byName.set(value.toLowerCase(), { ok: true, value });
  return (text) => {
    const known = byName.get(text) ?? byName.get(text.trim().toLowerCase());
    return known ?? failed(`use ${alternatives(values)}`, didYouMean(text, values));
  };
}

const FLAGS = new Map<string, boolean>([
  ['y', true],
  ['yes', true],
  ['true', true],
  ['1', true],
  ['n', false],
  ['no', false],
  ['false', false],
  ['0', false],
]);

/** Y/N, yes/no, true/false, 1/0 in any case. */
export function parseFlag(text: string): CellResult<boolean> {
  const value = FLAGS.get(text.trim().toLowerCase());
  return value === undefined ? failed('use Y or N') : { ok: true, value };
}

/** A whole number; `100,000`, `100 000` and `1e5` are read as people mean them, `12.5` is not. */
export function integerParser(min: number, max: number): CellParser {
  const problem =
    max >= Number.MAX_SAFE_INTEGER ? `use a whole number from ${min} on` : `use a whole number from ${min} to ${max}`;
  return (text) => {
    const plain = text.trim().replace(/(?<=\d)[ ,_'\u00a0\u202f](?=\d{3}(?:\D|$))/g, '');
    if (!/^[+-]?\d+(\.0*)?(e\+?\d{1,2})?$/i.test(plain)) return failed(problem);
    const value = Number(plain);
    if (!Number.isSafeInteger(value)) return failed(problem);
    if (value < min) return failed(problem, String(min));
    return value > max ? failed(problem, String(max)) : { ok: true, value };
  };
}

/** A number, also as a percentage where `percent`: `5%` is 0.05. */
export function numberParser(min: number, max: number, percent = false): CellParser {
  const range = max === Number.POSITIVE_INFINITY ? `from ${min} on` : `from ${min} to ${max}`;
  return (text) => {
    const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)\s*(%?)$/i.exec(text.trim());
    if (match === null || (match[2] === '%' && !percent)) return failed(`use a number ${range}`);
    const value = match[2] === '%' ? Number(match[1]) / 100 : Number(match[1]);
    return value >= min && value <= max ? { ok: true, value } : failed(`use a number ${range}`);
  };
}

/**
 * Splits at commas that stand outside of quotes and brackets. A part in double quotes keeps commas and spaces, `""` in it is one quote.
 * Null where a quote is not closed.
 */
export function splitList(text: string): string[] | null {
  if (!text.includes('"') && !text.includes('('))
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && character === '(') depth++;
    else if (!quoted && character === ')') depth--;
    if (character === ',' && !quoted && depth <= 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  if (quoted) return null;
  parts.push(part.trim());
  return parts.filter((item) => item !== '');
}

function unquote(text: string): string {
  return /^"(?:[^"]|"")*"$/.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

/** Comma-separated names, each once. */
export function parseList(text: string): CellResult<string[]> {
  const parts = splitList(text);
  if (parts === null) return failed('close the quote');
  return uniqueNames(parts.map(unquote));
}

/** Names, each once; also for TOML arrays. */
export function uniqueNames(names: readonly string[]): CellResult<string[]> {
  if (names.some((name) => name.trim() === '')) return failed('leave no name blank');
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return failed(`name ${repeated} once`, [...new Set(names)].join(', '));
  return { ok: true, value: [...names] };
}

/** `id:bigint, amount:decimal(18,2)` as column → DuckDB type. */
export function parseColumnTypes(text: string): CellResult<Record<string, string>> {
  const parts = splitList(text);
  if (parts === null) return failed('close the quote');
  const pairs: [string, string][] = [];
  for (const part of parts) {
    // The last colon outside of quotes: a type has none, a name may.
    const colon = part.lastIndexOf(':');
    if (colon <= 0 || part.indexOf('"', colon) >= 0)
      return failed(`write ${part} as column:type, e.g. id:bigint, amount:decimal(18,2)`);
    pairs.push([unquote(part.slice(0, colon).trim()), part.slice(colon + 1).trim()]);
  }
  return columnTypesOf(pairs);
}

/** Columns and their type texts as column → DuckDB type; also for TOML tables. */
export function columnTypesOf(pairs: readonly (readonly [string, string])[]): CellResult<Record<string, string>> {
  // Without a prototype, a column may be called __proto__.
  const types: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, typeText] of pairs) {
    if (name === '') return failed('write a column before each colon');
    if (Object.hasOwn(types, name)) return failed(`name ${name} once`);
    const result: ColumnTypeResult = parseColumnType(typeText);
    if (!result.ok) {
      const meant = result.suggestion === null ? '' : ` (did you mean ${result.suggestion}?)`;
      return failed(
        `${name}: ${typeText === '' ? 'a type is missing' : `unknown type ${typeText}`}${meant}; ${result.problem}`,
      );
    }
    types[name] = result.type;
  }
  return { ok: true, value: types };
}

function lagParser(text: string): CellResult<Lag> {
  const lag = parseLag(text);
  return lag === null
    ? failed('use a duration like 2h, 30m or 1d, or a number for numeric watermarks')
    : { ok: true, value: lag };
}

function textParser(column: JobColumn): CellParser {
  const { maxLength = Number.POSITIVE_INFINITY, pattern, keepSpaces = false } = column;
  return (raw) => {
    const text = keepSpaces ? raw : raw.trim();
    if (text.length > maxLength) return failed(`use at most ${maxLength} characters; these are ${text.length}`);
    if (pattern !== undefined && !pattern.test(text)) {
      const fix = text.replace(/[^A-Za-z0-9_.]+/g, '_').replace(/^(?=[^A-Za-z_])/, '_');
      return failed('use letters, digits, _ and . only, and begin with a letter or _', pattern.test(fix) ? fix : null);
    }
    return { ok: true, value: text };
  };
}

/** The parser of a column's filled cells. Blank cells are not its business. */
export function cellParser(column: JobColumn): CellParser {
  switch (column.kind) {
    case 'enum':
      return enumParser(column.values ?? [], column.aliases);
    case 'flag':
      return parseFlag;
    case 'integer':
      return integerParser(column.min ?? 0, column.max ?? Number.MAX_SAFE_INTEGER);
    case 'list':
      return parseList;
    case 'types':
      return parseColumnTypes;
    case 'lag':
      return lagParser;
    case 'text':
      return textParser(column);
    default:
      return column.kind satisfies never;
  }
}
