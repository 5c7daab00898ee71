import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { PackageColumn } from '../../load/load-package.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { DestinationReader, ReadableTable, ReaderConnection } from '../reader.ts';
import { localCopies } from './local-copies.ts';
import { tableRows } from './stored-rows.ts';

/** Of a bucket, so many bytes are copied to this computer to be looked at; smaller tables first. */
const BYTES_COPIED = 256 * 2 ** 20;

/** A table as a format's manifests or logs have it. */
export interface ViewedTable {
  schema: string;
  name: string;
  parent: string | null;
  columns: PackageColumn[];
  /** Of its files. */
  keys: string[];
  bytes: number;
  /** Null where only the files tell. */
  rows: number | null;
  /** ISO 8601, UTC; null where no load is known. */
  loadedAt: string | null;
  /** Why it cannot be read here; null where it can. */
  refusal: string | null;
}

export interface StoreReaderContext {
  connection: ReaderConnection;
  store: ObjectStore;
  bytesCopied?: number;
}

/**
 * Shows tables as views of their names, so that queries say `schema.table`. A bucket's tables are copied first, within bounds:
 * one that is too large, or cannot be read, is listed and says so when it is selected from.
 * @param find reads what there is; it gets a folder for temporary files
 */
export async function openTableViews(
  config: { schema: string },
  { connection, store, bytesCopied = BYTES_COPIED }: StoreReaderContext,
  find: (tempDirectory: string) => Promise<ViewedTable[]>,
): Promise<DestinationReader> {
  const copies = store.localPath ? null : await mkdtemp(join(tmpdir(), 'ingest-look-'));
  const close = async () => {
    if (copies !== null) await rm(copies, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    await store.close();
  };
  try {
    const tables = await find(copies ?? '');
    const counted = new Map<ViewedTable, number>();
    const files: string[] = [];
    let left = copies === null ? Number.POSITIVE_INFINITY : bytesCopied;
    for (const table of tables.toSorted((one, other) => one.bytes - other.bytes)) {
      left -= table.bytes;
      const refusal = table.refusal ?? (left < 0 ? tooLarge(table, store.location) : null);
      const { paths } = await localCopies(
        store,
        refusal === null ? table.keys : [],
        copies ?? '',
        new AbortController().signal,
      );
      files.push(...paths);
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(table.schema)}`);
      const rows = refusal === null ? tableRows(table.columns, paths) : refusing(table, refusal);
      await connection.run(`CREATE VIEW ${nameOf(table)} AS SELECT * FROM ${rows}`);
      if (table.rows === null && refusal === null) {
        const [row] = await connection.rows<{ n: string }>(`SELECT count(*) AS n FROM ${nameOf(table)}`);
        counted.set(table, Number(row?.n));
      }
    }
    const present = new Set(tables.map((table) => table.schema));
    return {
      tables: tables.map(
        (table): ReadableTable => ({
          schema: table.schema,
          table: table.name,
          parent: table.parent,
          columns: table.columns.map(({ name, type }) => ({ name, type })),
          rows: table.rows ?? counted.get(table) ?? 0,
          loadedAt: table.loadedAt,
          from: nameOf(table),
        }),
      ),
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

function nameOf({ schema, name }: ViewedTable): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

function tooLarge({ name, bytes }: ViewedTable, location: string): string {
  const megabytes = Math.round(bytes / 2 ** 20);
  return `${name} in ${location} has ${megabytes} MiB, which is too much to copy here to look at. Query it where it lies, or dry-run the job into DuckDB with a sample.`;
}

/** Without rows this would look like an empty table. */
function refusing({ columns }: ViewedTable, message: string): string {
  const shown = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`);
  const select = shown.length > 0 ? shown.join(', ') : 'NULL AS unreadable';
  return `(SELECT ${select} FROM (SELECT error(${literal(message)}) AS refusal) WHERE refusal IS NULL)`;
}
