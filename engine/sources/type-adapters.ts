import type { TypePolicy } from '../spec/kinds.ts';

/**
 * The type adapters: what a source's type lands as. `native` keeps what DuckDB can hold exactly; `portable` is what Parquet readers
 * such as Spark can read too. One table a database; the rules are the specification's (section 2, "Type adapters").
 */
export interface DatabaseType {
  /** The type's own name in lower case, without parentheses: `numeric`, `number`, `datetimeoffset`. */
  name: string;
  precision: number | null;
  scale: number | null;
}

export interface AdaptedType {
  /** DuckDB type as DuckDB prints it. */
  landedType: string;
  /** A loss that is permitted with one warning a column a run. */
  loss?: 'unbounded_number_as_double' | 'offset_folded_into_utc' | 'digits_beyond_microseconds';
}

/** What a number without precision lands as, but Oracle's. A value that does not fit fails the job. */
export const UNBOUNDED_DECIMAL = 'DECIMAL(38,9)';
const MAX_PRECISION = 38;

const plain = (landedType: string): AdaptedType => ({ landedType });
const portableAs = (native: string, portable: string) => (policy: TypePolicy) =>
  plain(policy === 'native' ? native : portable);

/**
 * DECIMAL(p,s) for a declared number. A negative scale means whole thousands or the like, so its zeros count as digits; a scale
 * beyond the precision (PostgreSQL 15, Oracle) widens it; what has more than 38 digits keeps its scale, and a value too large for it fails.
 */
export function adaptDecimal(precision: number, scale: number): string {
  if (scale < 0) return precision - scale <= MAX_PRECISION ? `DECIMAL(${precision - scale},0)` : 'DECIMAL(38,0)';
  if (scale > MAX_PRECISION) return UNBOUNDED_DECIMAL;
  return `DECIMAL(${Math.min(Math.max(precision, scale), MAX_PRECISION)},${scale})`;
}

const POSTGRES_TYPES: Record<string, AdaptedType | ((policy: TypePolicy) => AdaptedType)> = {
  bool: plain('BOOLEAN'),
  int2: plain('SMALLINT'),
  int4: plain('INTEGER'),
  int8: plain('BIGINT'),
  oid: plain('BIGINT'),
  float4: plain('FLOAT'),
  float8: plain('DOUBLE'),
  date: plain('DATE'),
  time: portableAs('TIME', 'VARCHAR'),
  timestamp: plain('TIMESTAMP'),
  timestamptz: plain('TIMESTAMP WITH TIME ZONE'),
  interval: portableAs('INTERVAL', 'VARCHAR'),
  // Spark refuses Parquet's UUID.
  uuid: portableAs('UUID', 'VARCHAR'),
  bytea: plain('BLOB'),
  json: portableAs('JSON', 'VARCHAR'),
  jsonb: portableAs('JSON', 'VARCHAR'),
};

/** PostgreSQL: kept; rarer types are text, arrays (`isArray`) JSON text. */
export function adaptPostgresType(type: DatabaseType & { isArray: boolean }, policy: TypePolicy): AdaptedType {
  if (type.isArray) return plain(policy === 'native' ? 'JSON' : 'VARCHAR');
  if (type.name === 'numeric') {
    return plain(type.precision === null ? UNBOUNDED_DECIMAL : adaptDecimal(type.precision, type.scale ?? 0));
  }
  const adapted = Object.hasOwn(POSTGRES_TYPES, type.name) ? POSTGRES_TYPES[type.name] : undefined;
  if (adapted === undefined) return plain('VARCHAR');
  return typeof adapted === 'function' ? adapted(policy) : adapted;
}

const ORACLE_TYPES: Record<string, AdaptedType | ((policy: TypePolicy) => AdaptedType)> = {
  binary_float: plain('FLOAT'),
  binary_double: plain('DOUBLE'),
  // Oracle's FLOAT is a NUMBER with binary precision: up to 126 bits.
  float: { landedType: 'DOUBLE', loss: 'unbounded_number_as_double' },
  date: plain('TIMESTAMP'),
  timestamp: plain('TIMESTAMP'),
  'timestamp with time zone': { landedType: 'TIMESTAMP WITH TIME ZONE', loss: 'offset_folded_into_utc' },
  'timestamp with local time zone': plain('TIMESTAMP WITH TIME ZONE'),
  raw: plain('BLOB'),
  'long raw': plain('BLOB'),
  blob: plain('BLOB'),
  json: portableAs('JSON', 'VARCHAR'),
  boolean: plain('BOOLEAN'),
};

/** Oracle. `numbers: 'double'` is the plan's rule: every NUMBER is a DOUBLE. */
export function adaptOracleType(
  type: DatabaseType,
  policy: TypePolicy,
  numbers: 'exact' | 'double' = 'exact',
): AdaptedType {
  if (type.name === 'number') {
    if (numbers === 'double') return plain('DOUBLE');
    if (type.precision === null) {
      return type.scale === 0 ? plain('DECIMAL(38,0)') : { landedType: 'DOUBLE', loss: 'unbounded_number_as_double' };
    }
    const scale = type.scale ?? 0;
    if (scale === 0 && type.precision <= 18) return plain('BIGINT');
    return plain(adaptDecimal(type.precision, scale));
  }
  const adapted = Object.hasOwn(ORACLE_TYPES, type.name) ? ORACLE_TYPES[type.name] : undefined;
  if (adapted === undefined) return plain('VARCHAR');
  const result = typeof adapted === 'function' ? adapted(policy) : adapted;
  const hasFineDigits = type.name.startsWith('timestamp') && (type.scale ?? 6) > 6;
  return hasFineDigits && !result.loss ? { ...result, loss: 'digits_beyond_microseconds' } : result;
}

const SQL_SERVER_TYPES: Record<string, AdaptedType | ((policy: TypePolicy) => AdaptedType)> = {
  bit: plain('BOOLEAN'),
  tinyint: plain('SMALLINT'),
  smallint: plain('SMALLINT'),
  int: plain('INTEGER'),
  bigint: plain('BIGINT'),
  money: plain('DECIMAL(19,4)'),
  smallmoney: plain('DECIMAL(10,4)'),
  real: plain('FLOAT'),
  float: plain('DOUBLE'),
  date: plain('DATE'),
  time: portableAs('TIME', 'VARCHAR'),
  datetime: plain('TIMESTAMP'),
  smalldatetime: plain('TIMESTAMP'),
  datetime2: plain('TIMESTAMP'),
  uniqueidentifier: portableAs('UUID', 'VARCHAR'),
  binary: plain('BLOB'),
  varbinary: plain('BLOB'),
  image: plain('BLOB'),
  rowversion: plain('BLOB'),
  timestamp: plain('BLOB'),
};

/** SQL Server and Azure SQL. DATETIMEOFFSET lands in UTC: DuckDB keeps the instant, Parquet readers get TIMESTAMP. */
export function adaptSqlServerType(type: DatabaseType, policy: TypePolicy): AdaptedType {
  if (type.name === 'decimal' || type.name === 'numeric') {
    return plain(adaptDecimal(type.precision ?? 18, type.scale ?? 0));
  }
  if (type.name === 'datetimeoffset') return { landedType: 'TIMESTAMP WITH TIME ZONE', loss: 'offset_folded_into_utc' };
  const adapted = Object.hasOwn(SQL_SERVER_TYPES, type.name) ? SQL_SERVER_TYPES[type.name] : undefined;
  if (adapted === undefined) return plain('VARCHAR');
  const result = typeof adapted === 'function' ? adapted(policy) : adapted;
  const hasFineDigits =
    ['time', 'datetime2'].includes(type.name) && (type.scale ?? 7) > 6 && result.landedType !== 'VARCHAR';
  return hasFineDigits ? { ...result, loss: 'digits_beyond_microseconds' } : result;
}
