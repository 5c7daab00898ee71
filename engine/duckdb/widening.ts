import { canonicalType, decimalOf } from './type-text.ts';

/** Signed integer types and how many decimal digits they may need. */
const SIGNED = new Map([
  ['TINYINT', 3],
  ['SMALLINT', 5],
  ['INTEGER', 10],
  ['BIGINT', 19],
  ['HUGEINT', 39],
]);
const UNSIGNED = new Map([
  ['UTINYINT', 3],
  ['USMALLINT', 5],
  ['UINTEGER', 10],
  ['UBIGINT', 20],
  ['UHUGEINT', 39],
]);
/** The signed type that holds every value of an unsigned one. */
const SIGNED_FOR = new Map([
  ['UTINYINT', 'SMALLINT'],
  ['USMALLINT', 'INTEGER'],
  ['UINTEGER', 'BIGINT'],
  ['UBIGINT', 'HUGEINT'],
]);
/** Integers that a DOUBLE (53 bits) holds exactly. */
const EXACT_IN_DOUBLE = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'FLOAT']);
/** Types whose text form gives the value back. */
const TEXTUAL = new Set([
  'BOOLEAN',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMP WITH TIME ZONE',
  'TIME WITH TIME ZONE',
  'INTERVAL',
  'UUID',
  'JSON',
]);
/** Widenings that keep a number a number of the same kind: what readers of Parquet files, Spark among them, can follow. */
export function isNumericWidening(from: string, to: string): boolean {
  const [a, b] = [canonicalType(from), canonicalType(to)];
  if (a === b) return true;
  if (isWiderInteger(a, b)) return b !== 'HUGEINT' && b !== 'UHUGEINT';
  if (a === 'FLOAT' && b === 'DOUBLE') return true;
  const [narrow, wide] = [decimalOf(a), decimalOf(b)];
  return narrow !== null && wide !== null && holdsDecimal(wide, narrow);
}

/** Every widening after which each value is still there, text included: what an `ALTER COLUMN … TYPE` of DuckDB can do without loss. */
export function isSafeWidening(from: string, to: string): boolean {
  const [a, b] = [canonicalType(from), canonicalType(to)];
  if (a === b || isWiderInteger(a, b) || isNumericWidening(a, b)) return true;
  if (b === 'DOUBLE') return EXACT_IN_DOUBLE.has(a);
  if (b === 'TIMESTAMP') return a === 'DATE' || a === 'TIMESTAMP_S' || a === 'TIMESTAMP_MS';
  const digits = SIGNED.get(a) ?? UNSIGNED.get(a);
  const wide = decimalOf(b);
  if (wide) return digits !== undefined && wide.precision - wide.scale >= digits;
  if (b === 'VARCHAR') return digits !== undefined || decimalOf(a) !== null || TEXTUAL.has(a) || a.startsWith('ENUM(');
  return false;
}

/**
 * Numbers whose declared types differ while their values may well fit: the exact cast judges each.
 * JSON numbers come as BIGINT today, DOUBLE tomorrow and DECIMAL once one has many digits.
 */
export function isValueChecked(batch: string, current: string): boolean {
  const isInteger = /^(BIGINT|HUGEINT)$/.test(batch);
  if (current === 'DOUBLE') return isInteger;
  return decimalOf(current) !== null && (isInteger || batch === 'DOUBLE' || decimalOf(batch) !== null);
}

/** The smallest DECIMAL that holds every value of both; null where 38 digits are too few, or one is no DECIMAL. */
export function commonDecimal(a: string, b: string): string | null {
  const left = decimalOf(a);
  const right = decimalOf(b);
  if (!left || !right) return null;
  const scale = Math.max(left.scale, right.scale);
  const precision = scale + Math.max(left.precision - left.scale, right.precision - right.scale);
  return precision <= 38 ? `DECIMAL(${precision},${scale})` : null;
}

function isWiderInteger(from: string, to: string): boolean {
  const ranks = (types: Map<string, number>, type: string) => [...types.keys()].indexOf(type);
  if (SIGNED.has(from)) return ranks(SIGNED, to) > ranks(SIGNED, from);
  if (!UNSIGNED.has(from)) return false;
  if (UNSIGNED.has(to)) return ranks(UNSIGNED, to) > ranks(UNSIGNED, from);
  const least = SIGNED_FOR.get(from);
  return least !== undefined && ranks(SIGNED, to) >= ranks(SIGNED, least);
}

function holdsDecimal(
  wide: { precision: number; scale: number },
  narrow: { precision: number; scale: number },
): boolean {
  return wide.scale >= narrow.scale && wide.precision - wide.scale >= narrow.precision - narrow.scale;
}
