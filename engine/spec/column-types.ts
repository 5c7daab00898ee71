import { didYouMean } from './suggest.ts';

/**
 * Type names that `column_types` takes, by DuckDB's name. dlt's names, SQL's and Spark's are among them.
 * Widths that decide nothing in DuckDB (`varchar(20)`) are read and dropped.
 */
const TYPE_NAMES: Record<string, string> = {
  bool: 'BOOLEAN',
  boolean: 'BOOLEAN',
  bit: 'BOOLEAN',
  tinyint: 'TINYINT',
  byte: 'TINYINT',
  int1: 'TINYINT',
  smallint: 'SMALLINT',
  short: 'SMALLINT',
  int2: 'SMALLINT',
  int: 'INTEGER',
  integer: 'INTEGER',
  int4: 'INTEGER',
  bigint: 'BIGINT',
  long: 'BIGINT',
  int8: 'BIGINT',
  hugeint: 'HUGEINT',
  int128: 'HUGEINT',
  float: 'FLOAT',
  real: 'FLOAT',
  float4: 'FLOAT',
  double: 'DOUBLE',
  'double precision': 'DOUBLE',
  float8: 'DOUBLE',
  text: 'VARCHAR',
  string: 'VARCHAR',
  varchar: 'VARCHAR',
  char: 'VARCHAR',
  nvarchar: 'VARCHAR',
  varchar2: 'VARCHAR',
  nvarchar2: 'VARCHAR',
  'character varying': 'VARCHAR',
  clob: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  datetime: 'TIMESTAMP',
  datetime2: 'TIMESTAMP',
  'timestamp without time zone': 'TIMESTAMP',
  timestamp_ntz: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  'timestamp with time zone': 'TIMESTAMP WITH TIME ZONE',
  datetimeoffset: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ltz: 'TIMESTAMP WITH TIME ZONE',
  interval: 'INTERVAL',
  uuid: 'UUID',
  uniqueidentifier: 'UUID',
  json: 'JSON',
  jsonb: 'JSON',
  variant: 'JSON',
  complex: 'JSON',
  blob: 'BLOB',
  binary: 'BLOB',
  bytea: 'BLOB',
  varbinary: 'BLOB',
  bytes: 'BLOB',
};
const DECIMAL_NAMES = ['decimal', 'numeric', 'number', 'dec'];
const WIDTH_TYPES = new Set(['VARCHAR', 'BLOB']);

/** DuckDB's own widest decimal. */
const MAX_PRECISION = 38;

/** The names that people are shown. */
export const COLUMN_TYPE_NAMES = [
  'bigint',
  'integer',
  'smallint',
  'decimal(18,2)',
  'double',
  'boolean',
  'text',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
  'json',
  'binary',
] as const;

export type ColumnTypeResult = { ok: true; type: string } | { ok: false; problem: string; suggestion: string | null };

/** A type's DuckDB text: `decimal(18, 2)` → `DECIMAL(18,2)`, `int[]` → `INTEGER[]`. A decimal without precision is `DECIMAL(38,9)`, as in dlt. */
export function parseColumnType(text: string): ColumnTypeResult {
  const typed = text.trim();
  const match = /^([A-Za-z_][A-Za-z0-9_ ]*?)\s*(?:\(\s*(\d+|max)\s*(?:,\s*(\d+)\s*)?\))?\s*((?:\[\])*)$/i.exec(typed);
  const name = match?.[1]?.toLowerCase().replace(/\s+/g, ' ') ?? '';
  const [first, second, brackets] = [match?.[2], match?.[3], match?.[4] ?? ''];
  if (DECIMAL_NAMES.includes(name)) {
    if (first === undefined) return { ok: true, type: `DECIMAL(38,9)${brackets}` };
    const [precision, scale] = [Number(first), Number(second ?? 0)];
    if (!(precision >= 1 && precision <= MAX_PRECISION)) {
      return { ok: false, problem: `decimal has 1 to ${MAX_PRECISION} digits`, suggestion: null };
    }
    if (scale > precision)
      return { ok: false, problem: "a decimal's scale may not exceed its precision", suggestion: null };
    return { ok: true, type: `DECIMAL(${precision},${scale})${brackets}` };
  }
  const type = Object.hasOwn(TYPE_NAMES, name) ? TYPE_NAMES[name] : undefined;
  if (type === undefined || (first !== undefined && second !== undefined)) {
    const suggestion = didYouMean(name === '' ? typed : name, [...Object.keys(TYPE_NAMES), ...DECIMAL_NAMES]);
    return {
      ok: false,
      problem: `use ${COLUMN_TYPE_NAMES.slice(0, -1).join(', ')} or ${COLUMN_TYPE_NAMES.at(-1)}`,
      suggestion,
    };
  }
  if (first !== undefined && !WIDTH_TYPES.has(type) && !type.startsWith('TIME')) {
    return { ok: false, problem: `${name} takes no width`, suggestion: name };
  }
  return { ok: true, type: type + brackets };
}
