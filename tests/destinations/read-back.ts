import { DuckDBInstance } from '@duckdb/node-api';

/** Runs a query in a DuckDB that knows nothing of the product; `path` is a file that it opens read-only. */
export async function query(path: string | null, sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path ?? ':memory:', path ? { access_mode: 'READ_ONLY' } : {});
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
