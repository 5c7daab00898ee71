import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { namesBelow } from '../../object-stores/small-objects.ts';
import type { DestinationReader, ReadableTable, ReaderContext } from '../reader.ts';
import { localCopies } from './local-copies.ts';
import { Manifests, type StoredTable, tablePrefix } from './manifest.ts';
import { tableRows } from './stored-rows.ts';

/** Of a bucket, so many bytes are copied to this computer to be looked at; smaller tables first. */
const BYTES_COPIED = 256 * 2 ** 20;

/**
 * Opens a folder or bucket of Parquet files to look at. The newest manifest of each target says which files count;
 * each table is a view of its name, so that queries say `schema.table`. A bucket's tables are copied first, within bounds:
 * one that is too large is listed, and says so when it is selected from.
 */
export async function openObjectStoreReader(
  config: { schema: string },
  context: Pick<ReaderContext, 'connection'> & { store: ObjectStore; bytesCopied?: number },
): Promise<DestinationReader> {
  const { store, connection, bytesCopied = BYTES_COPIED } = context;
  const tables: (ReadableTable & { stored: StoredTable })[] = [];
  for (const schema of (await namesBelow(store, '')).folders) {
    for (const folder of (await namesBelow(store, `${schema}/`)).folders) {
      const manifest = await Manifests.at(store, `${schema}/${folder}/`).latest();
      for (const stored of manifest?.format === 'parquet' ? manifest.tables : []) {
        tables.push({
          schema: manifest!.schema,
          table: stored.name,
          parent: stored.parent,
          columns: stored.columns.map(({ name, type }) => ({ name, type })),
          rows: stored.files.reduce((sum, file) => sum + file.rows, 0),
          loadedAt: manifest!.loads.at(-1)?.inserted_at ?? null,
          from: `${identifier(manifest!.schema)}.${identifier(stored.name)}`,
          stored,
        });
      }
    }
  }
  const copies = store.localPath ? null : await mkdtemp(join(tmpdir(), 'ingest-look-'));
  const close = async () => {
    if (copies !== null) await rm(copies, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    await store.close();
  };
  try {
    const files: string[] = [];
    let left = copies === null ? Number.POSITIVE_INFINITY : bytesCopied;
    for (const { schema, from, stored } of tables.toSorted(
      (one, other) => bytesOf(one.stored) - bytesOf(other.stored),
    )) {
      left -= bytesOf(stored);
      const keys = left < 0 ? [] : stored.files.map((file) => tablePrefix(schema, stored.name) + file.name);
      const { paths } = await localCopies(store, keys, copies ?? '', new AbortController().signal);
      files.push(...paths);
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
      const rows = left < 0 ? tooLarge(stored, store.location) : tableRows(stored.columns, paths);
      await connection.run(`CREATE VIEW ${from} AS SELECT * FROM ${rows}`);
    }
    const present = new Set(tables.map((table) => table.schema));
    return {
      tables: tables.map(({ stored: _, ...table }) => table),
      location: store.location,
      searchPath: [...new Set([config.schema, `${config.schema}_sample`, ...present])]
        .filter((schema) => present.has(schema))
        .map(identifier),
      files,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function bytesOf(table: StoredTable): number {
  return table.files.reduce((sum, file) => sum + file.bytes, 0);
}

/** Without rows this would look like an empty table. */
function tooLarge(table: StoredTable, location: string): string {
  const megabytes = Math.round(bytesOf(table) / 2 ** 20);
  const message = `${table.name} in ${location} has ${megabytes} MiB, which is too much to copy here to look at. Query it where it lies, or dry-run the job into DuckDB with a sample.`;
  const columns = table.columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`);
  return `(SELECT ${columns.join(', ')} FROM (SELECT error(${literal(message)}) AS refusal) WHERE refusal IS NULL)`;
}
