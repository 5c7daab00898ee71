import { checksumSql } from '../duckdb/checksum.ts';
import { identifier } from '../duckdb/sql.ts';
import type { CheckDialect } from './check-runner.ts';

const FLOAT = /^(DOUBLE|FLOAT|REAL)$/i;
const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/i;
const DECIMAL = /^DECIMAL\b/i;
const ZONED = /^TIMESTAMP WITH TIME ZONE$/i;

/** DuckDB's SQL for checks; sessions are in UTC (see `Workspace.connect`). */
export const duckDbDialect: CheckDialect = {
  statement: 'sql',
  identifier,
  text: (expression) => `CAST(${expression} AS VARCHAR)`,
  isFloat: (type) => FLOAT.test(type),
  isNumber: (type) => FLOAT.test(type) || INTEGER.test(type) || DECIMAL.test(type),
  isNaN: (expression) => `isnan(${expression})`,
  epochMicros(expression, type) {
    // DuckDB's epoch_us of an infinite moment is null.
    if (/^(DATE|TIMESTAMP\w*)$/i.test(type)) return `epoch_us(CAST(${expression} AS TIMESTAMP))`;
    if (ZONED.test(type)) return `epoch_us(${expression})`;
    return /^VARCHAR\b/i.test(type) ? `epoch_us(TRY_CAST(${expression} AS TIMESTAMPTZ))` : null;
  },
  checksumKind(type) {
    if (INTEGER.test(type)) return 'integer';
    if (DECIMAL.test(type)) return 'decimal';
    if (/^VARCHAR\b/i.test(type)) return 'text';
    if (/^BOOLEAN$/i.test(type)) return 'boolean';
    if (/^DATE$/i.test(type)) return 'date';
    if (/^UUID$/i.test(type)) return 'uuid';
    return /^TIMESTAMP(_S|_MS)?$/i.test(type) || ZONED.test(type) ? 'timestamp' : null;
  },
  checksum: checksumSql,
};
