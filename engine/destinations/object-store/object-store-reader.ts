import { identifier } from '../../duckdb/sql.ts';
import type { DestinationReader, ReadableTable, ReaderContext } from '../reader.ts';
import { Manifests, tablePrefix } from './manifest.ts';
import type { ObjectStore } from './object-store.ts';
import { tableRows } from './stored-rows.ts';

/**
 * Opens a folder or bucket of Parquet files to look at. The newest manifest of each target says which files count;
 * each table is a view of its name, so that queries say `schema.table`.
 */
export async function openObjectStoreReader(
  config: { schema: string },
  context: Pick<ReaderContext, 'connection'> & { store: ObjectStore },
): Promise<DestinationReader> {
  const { store, connection } = context;
  const tables: ReadableTable[] = [];
  const files: string[] = [];
  for (const schema of await store.folders('')) {
    for (const folder of await store.folders(`${schema}/`)) {
      const manifest = await Manifests.at(store, `${schema}/${folder}/`).latest();
      for (const table of manifest?.tables ?? []) {
        const prefix = tablePrefix(manifest!.schema, table.name);
        const paths = await Promise.all(table.files.map((file) => store.readablePath(prefix + file.name)));
        files.push(...paths);
        const name = `${identifier(manifest!.schema)}.${identifier(table.name)}`;
        await connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(manifest!.schema)}`);
        await connection.run(`CREATE VIEW ${name} AS SELECT * FROM ${tableRows(table.columns, paths)}`);
        tables.push({
          schema: manifest!.schema,
          table: table.name,
          parent: table.parent,
          columns: table.columns.map(({ name, type }) => ({ name, type })),
          rows: table.files.reduce((sum, file) => sum + file.rows, 0),
          loadedAt: manifest!.loads.at(-1)?.inserted_at ?? null,
          from: name,
        });
      }
    }
  }
  const present = new Set(tables.map((table) => table.schema));
  return {
    tables,
    location: store.location,
    searchPath: [...new Set([config.schema, `${config.schema}_sample`, ...present])]
      .filter((schema) => present.has(schema))
      .map(identifier),
    files,
    close: async () => undefined,
  };
}
