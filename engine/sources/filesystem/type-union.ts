import { identifier } from '../../duckdb/sql.ts';
import type { TypePolicy } from '../../spec/kinds.ts';

/** Integer types with the powers of two that bound them. */
const INTEGERS: Record<string, { bits: number; signed: boolean }> = {
  TINYINT: { bits: 7, signed: true },
  SMALLINT: { bits: 15, signed: true },
  INTEGER: { bits: 31, signed: true },
  BIGINT: { bits: 63, signed: true },
  HUGEINT: { bits: 127, signed: true },
  UTINYINT: { bits: 8, signed: false },
  USMALLINT: { bits: 16, signed: false },
  UINTEGER: { bits: 32, signed: false },
  UBIGINT: { bits: 64, signed: false },
};
/** Decimal digits that an integer type can need. */
const DIGITS: Record<string, number> = {
  TINYINT: 3,
  SMALLINT: 5,
  INTEGER: 10,
  BIGINT: 19,
  UTINYINT: 3,
  USMALLINT: 5,
  UINTEGER: 10,
  UBIGINT: 20,
};
const TIMESTAMPS = ['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP'];

/** The type that holds every value of both without a loss, or null. Structs are joined by their fields' names, lists by their elements. */
export function widen(one: string, other: string): string | null {
  if (one === other) return one;
  if (one === '"NULL"') return other;
  if (other === '"NULL"') return one;
  const a = INTEGERS[one];
  const b = INTEGERS[other];
  if (a !== undefined && b !== undefined) {
    const bits = Math.max(a.bits, b.bits);
    const signed = a.signed || b.signed;
    return (
      Object.keys(INTEGERS).find((name) => (INTEGERS[name]?.bits ?? 0) >= bits && INTEGERS[name]?.signed === signed) ??
      null
    );
  }
  const decimal = decimalUnion(one, other);
  if (decimal !== undefined) return decimal;
  for (const [small, large] of [
    [one, other],
    [other, one],
  ] as const) {
    if (small === 'FLOAT' && large === 'DOUBLE') return 'DOUBLE';
    if (large === 'DOUBLE' && (INTEGERS[small]?.bits ?? 99) <= 32) return 'DOUBLE';
    if (large === 'FLOAT' && (INTEGERS[small]?.bits ?? 99) <= 16) return 'FLOAT';
    if (large === 'FLOAT' && (INTEGERS[small]?.bits ?? 99) <= 32) return 'DOUBLE';
  }
  if (TIMESTAMPS.includes(one) && TIMESTAMPS.includes(other)) return 'TIMESTAMP';
  if (one.endsWith('[]') && other.endsWith('[]')) {
    const inner = widen(one.slice(0, -2), other.slice(0, -2));
    return inner === null ? null : `${inner}[]`;
  }
  const fields = structFields(one);
  const others = structFields(other);
  if (fields === null || others === null) return null;
  for (const [name, type] of others) {
    const key = [...fields.keys()].find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
    const wide = fields.has(key) ? widen(fields.get(key) as string, type) : type;
    if (wide === null) return null;
    fields.set(key, wide);
  }
  return structType(fields);
}

/** Undefined where neither is a decimal, null where no decimal holds both. */
function decimalUnion(one: string, other: string): string | null | undefined {
  const a = asDecimal(one);
  const b = asDecimal(other);
  if (a === null || b === null || (!one.startsWith('DECIMAL') && !other.startsWith('DECIMAL'))) return undefined;
  const scale = Math.max(a.scale, b.scale);
  const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
  return precision <= 38 ? `DECIMAL(${precision},${scale})` : null;
}

function asDecimal(type: string): { precision: number; scale: number } | null {
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (match !== null) return { precision: Number(match[1]), scale: Number(match[2]) };
  const digits = DIGITS[type];
  return digits === undefined ? null : { precision: digits, scale: 0 };
}

/** Fields of `STRUCT(a BIGINT, "b c" VARCHAR)` in order; null for other types. */
export function structFields(type: string): Map<string, string> | null {
  if (!type.startsWith('STRUCT(') || !type.endsWith(')')) return null;
  const fields = new Map<string, string>();
  const text = type.slice('STRUCT('.length, -1);
  let at = 0;
  while (at < text.length) {
    let name = '';
    if (text[at] === '"') {
      at += 1;
      while (at < text.length && (text[at] !== '"' || text[at + 1] === '"')) {
        if (text[at] === '"') at += 1;
        name += text[at++];
      }
      at += 1;
    } else {
      while (text[at] !== ' ' && at < text.length) name += text[at++];
    }
    const start = at + 1;
    let depth = 0;
    let quoted: string | null = null;
    while (at < text.length) {
      const character = text[at] as string;
      if (quoted !== null) {
        if (character === quoted) quoted = null;
      } else if (character === '"' || character === "'") quoted = character;
      else if (character === '(') depth += 1;
      else if (character === ')') depth -= 1;
      else if (character === ',' && depth === 0) break;
      at += 1;
    }
    fields.set(name, text.slice(start, at));
    at += 2;
  }
  return fields;
}

function structType(fields: ReadonlyMap<string, string>): string {
  return `STRUCT(${[...fields].map(([name, type]) => `${identifier(name)} ${type}`).join(', ')})`;
}

/** How a file's type is read and lands. Nanoseconds become microseconds; types that Spark does not read become text or the nearest exact type. */
export function landed(type: string, policy: TypePolicy): { segmentType: string; landedType: string } {
  if (type === 'TIMESTAMP_NS') return { segmentType: 'TIMESTAMP', landedType: 'TIMESTAMP' };
  if (policy === 'native') return { segmentType: type, landedType: type };
  if (
    ['TIME', 'TIME WITH TIME ZONE', 'TIME_NS', 'UUID', 'INTERVAL', 'BIT', 'BIGNUM'].includes(type) ||
    type.startsWith('ENUM(')
  )
    return { segmentType: type, landedType: 'VARCHAR' };
  if (type === 'HUGEINT' || type === 'UHUGEINT') return { segmentType: type, landedType: 'DECIMAL(38,0)' };
  if (type === 'UBIGINT') return { segmentType: type, landedType: 'DECIMAL(20,0)' };
  if (type === 'UTINYINT') return { segmentType: type, landedType: 'SMALLINT' };
  if (type === 'USMALLINT') return { segmentType: type, landedType: 'INTEGER' };
  if (type === 'UINTEGER') return { segmentType: type, landedType: 'BIGINT' };
  return { segmentType: type, landedType: type };
}
