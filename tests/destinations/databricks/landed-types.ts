/** DuckDB types that Databricks does not have, and those that come back for them. */
export const LANDED: Readonly<Record<string, string>> = {
  INTERVAL: 'VARCHAR',
  TIME: 'VARCHAR',
  UUID: 'VARCHAR',
  UBIGINT: 'DECIMAL(20,0)',
  'STRUCT(a INTEGER, b VARCHAR)': 'STRUCT("a" INTEGER, "b" VARCHAR)',
};

/** One type of Databricks of each sort. */
export const TYPES: readonly string[] = [
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL(10,2)',
  'DECIMAL(38,0)',
  'STRING',
  'BINARY',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP_NTZ',
  'ARRAY<INT>',
  'STRUCT<a: INT>',
];
