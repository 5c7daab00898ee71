import { describe, expect, it } from 'vitest';
import { isNumericWidening, isSafeWidening } from '../../engine/duckdb/widening.ts';
import { query } from '../destinations/read-back.ts';

/** Values at the edges of each type, as SQL. */
const EDGES: Record<string, string[]> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-128', '127'],
  SMALLINT: ['-32768', '32767'],
  INTEGER: ['-2147483648', '2147483647'],
  BIGINT: ["'-9223372036854775808'", "'9223372036854775807'"],
  HUGEINT: ["'-170141183460469231731687303715884105728'", "'170141183460469231731687303715884105727'"],
  UTINYINT: ['0', '255'],
  USMALLINT: ['65535'],
  UINTEGER: ['4294967295'],
  UBIGINT: ["'18446744073709551615'"],
  UHUGEINT: ["'340282366920938463463374607431768211455'"],
  FLOAT: ["'3.4028235e38'", "'1.4e-45'", "'nan'", "'-inf'", '0.1'],
  DOUBLE: ["'1.7976931348623157e308'", "'5e-324'", "'nan'", '0.1'],
  'DECIMAL(4,2)': ["'99.99'", "'-99.99'"],
  'DECIMAL(10,2)': ["'99999999.99'"],
  'DECIMAL(18,4)': ["'99999999999999.9999'"],
  'DECIMAL(38,0)': ["'99999999999999999999999999999999999999'"],
  'DECIMAL(38,9)': ["'-99999999999999999999999999999.999999999'"],
  DATE: ["'0044-03-15 (BC)'", "'9999-12-31'", "'infinity'"],
  TIME: ["'23:59:59.999999'"],
  TIMESTAMP: ["'2024-02-29 12:34:56.123456'", "'-infinity'"],
  TIMESTAMP_S: ["'2024-02-29 12:34:56'"],
  TIMESTAMP_MS: ["'2024-02-29 12:34:56.789'"],
  TIMESTAMP_NS: ["'2024-02-29 12:34:56.123456789'"],
  'TIMESTAMP WITH TIME ZONE': ["'2024-02-29 12:34:56.123456+05:30'"],
  INTERVAL: ["INTERVAL '14 months -3 days 01:02:03.000004'"],
  UUID: ["'00112233-4455-6677-8899-aabbccddeeff'"],
  VARCHAR: ["'ü'"],
  BLOB: ["'\\x00\\xFF'"],
};
const TYPES = Object.keys(EDGES);
const pairs = TYPES.flatMap((from) => TYPES.filter((to) => to !== from).map((to) => [from, to] as const));

describe('widening', () => {
  it('keeps every value: there and back is the same, for each pair of types that it allows', async () => {
    const allowed = pairs.filter(([from, to]) => isSafeWidening(from, to));
    expect(allowed.length).toBeGreaterThan(60);
    const checks = allowed.flatMap(([from, to]) =>
      (EDGES[from] ?? []).map(
        (value) =>
          `SELECT '${from} to ${to}' AS pair, CAST(CAST(CAST(${value} AS ${from}) AS ${to}) AS ${from}) IS NOT DISTINCT FROM CAST(${value} AS ${from}) AS same`,
      ),
    );
    const rows = await query(null, checks.join(' UNION ALL '));
    expect(rows.filter((row) => row.same !== true)).toEqual([]);
  });

  it('never goes there and back', () => {
    expect(pairs.filter(([from, to]) => isSafeWidening(from, to) && isSafeWidening(to, from))).toEqual([]);
  });

  it('of a Parquet folder is a part of what DuckDB can', () => {
    const numeric = pairs.filter(([from, to]) => isNumericWidening(from, to));
    expect(numeric.filter(([from, to]) => !isSafeWidening(from, to))).toEqual([]);
    expect(numeric.map((pair) => pair.join(' → '))).toContain('DECIMAL(4,2) → DECIMAL(18,4)');
    expect(numeric.map(([, to]) => to)).not.toContain('VARCHAR');
  });

  it('reads a type however it is spelt', () => {
    expect(isSafeWidening('int4', 'int8')).toBe(true);
    expect(isSafeWidening('NUMERIC(10, 2)', 'decimal(12,2)')).toBe(true);
    expect(isSafeWidening("ENUM('a', 'b')", 'VARCHAR')).toBe(true);
    expect(isSafeWidening('INTEGER[]', 'VARCHAR')).toBe(false);
    expect(isSafeWidening('DECIMAL(10,2)', 'DECIMAL(10,4)')).toBe(false);
  });
});
