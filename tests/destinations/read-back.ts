import { DuckDBInstance } from '@duckdb/node-api';

/** Without a file one will do for all queries. */
const inMemory = DuckDBInstance.create(':memory:');

/** Runs a query in a DuckDB that knows nothing of the product; `path` is a file that it opens read-only. */
export async function query(path: string | null, sql: string): Promise<Record<string, unknown>[]> {
  const own = path === null ? null : await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const instance = own ?? (await inMemory);
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    own?.closeSync();
  }
}
