import { identifier } from '../duckdb/sql.ts';
import { parseType } from '../duckdb/type-text.ts';

/** Characters of a cell that a page shows; the rest is in the export. */
export const CELL_CHARACTERS = 20_000;

export type ValueKind = 'number' | 'time' | 'text' | 'boolean' | 'nested' | 'binary';

/** What a column of a DuckDB type holds, as far as showing it goes. */
export function kindOf(type: string): ValueKind {
  if (/^(MAP|UNION|VARIANT)\b/i.test(type) || parseType(type).kind !== 'scalar' || type === 'JSON') return 'nested';
  if (/^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT)\b/i.test(type)) return 'number';
  if (/^(DATE|TIMESTAMP|TIME)\b/i.test(type)) return 'time';
  if (/^BOOLEAN$/i.test(type)) return 'boolean';
  return /^(BLOB|BIT)$/i.test(type) ? 'binary' : 'text';
}

/** SQL for a value as exact text: every digit of numbers, nested values as JSON, time zones as UTC; null stays null. */
export function textOf(expression: string, type: string): string {
  const nested = kindOf(type) === 'nested' && type !== 'JSON';
  return nested ? `CAST(to_json(${expression}) AS VARCHAR)` : `CAST(${expression} AS VARCHAR)`;
}

/** The same, but a giant cell ends with its length, so that a page stays a page. */
export function cellTextOf(name: string, type: string): string {
  const column = identifier(name);
  const text = textOf(column, type);
  if (!['text', 'nested', 'binary'].includes(kindOf(type))) return text;
  return `CASE WHEN length(${text}) > ${CELL_CHARACTERS}
    THEN left(${text}, ${CELL_CHARACTERS}) || '… (' || length(${text}) || ' characters)' ELSE ${text} END`;
}
