import type { ChecksumKind } from '../duckdb/checksum.ts';

/**
 * What checks need of the place where the data lies. Each implementation writes its own SQL dialect and runs it there:
 * DuckDB for files of its own and for Parquet (`duckdb-runner.ts`), a warehouse by its destination.
 */
export interface CheckRunner {
  readonly dialect: CheckDialect;
  /** A table, or of it only the rows of one load; null where there is no such table. @throws IngestError CHECK_SCOPE_UNKNOWN where its rows do not say which load they are from */
  table(ref: TableRef, scope: LoadScope | null): Promise<CheckedTable | null>;
  /** Rows of a statement that the engine wrote, every value as text. */
  rows(sql: string): Promise<Record<string, string | null>[]>;
  /**
   * The one value of a statement that a person wrote; `{table}` in it stands for the table. Only reading is possible.
   * @throws IngestError CHECK_SQL_NOT_READ_ONLY, CHECK_SQL_NOT_SCALAR, CHECK_SQL_FAILED
   */
  userValue(sql: string, table: CheckedTable): Promise<string | null>;
}

export interface TableRef {
  schema: string;
  table: string;
}

/** Rows of one load: its id, or those of the newest load in the table. */
export type LoadScope = { loadId: string } | 'newest';

export interface CheckedTable {
  ref: TableRef;
  /** A FROM item, ready to be put into a statement. */
  from: string;
  /** Names and types as the place itself prints them. */
  columns: { name: string; type: string }[];
}

/** What differs between SQL dialects. Expressions are quoted column references. */
export interface CheckDialect {
  /** Which of a custom_sql check's statements is meant for it. */
  readonly statement: 'sql' | 'sql_databricks';
  identifier(name: string): string;
  text(expression: string): string;
  /** True for binary floating point, which can hold NaN and whose sums depend on the order. */
  isFloat(type: string): boolean;
  isNumber(type: string): boolean;
  isNaN(expression: string): string;
  /** Microseconds since the epoch of a moment, or of a text that is one; values without a zone are UTC, infinite ones null. Null where the type holds no time. */
  epochMicros(expression: string, type: string): string | null;
  /** What a column's values are in a checksum; null where they cannot be compared exactly. */
  checksumKind(type: string): ChecksumKind | null;
  /** See {@link ChecksumKind}. */
  checksum(expression: string, kind: ChecksumKind): string;
}
