import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { localCopies } from './local-copies.ts';
import { type StoredFile, type StoredTable, tablePrefix } from './manifest.ts';
import { FILE_COLUMN, storedColumns, storedFiles } from './stored-rows.ts';

/** Old files are looked into, and rewritten, in groups of about so many bytes: so much of a table is on this computer at a time. A group's rows go to one new file. */
const GROUP_BYTES = 256 * 2 ** 20;

export interface StoreLoadContext {
  store: ObjectStore;
  connection: WorkspaceConnection;
  /** Where rewritten files are made before they are copied to the store. */
  tempDirectory: string;
  /** A table name that nothing else in the workspace has. */
  uniqueName(prefix: string): string;
  signal: AbortSignal;
}

/** Tables whose files are written anew, in part. */
export interface Rewriting {
  schema: string;
  /** The job's own table first, parents before children. */
  tables: StoredTable[];
  /** Tables with a column that became wider: their old files are written anew, since not every reader mixes types. */
  rewrite: ReadonlySet<string>;
  /** Brings a file to the store; gives its name there. */
  put(table: string, path: string, bytes: number): Promise<string>;
  context: StoreLoadContext;
}

/** What comes in, to be merged on its key. */
export interface MergeKeys {
  columns: readonly string[];
  /** A FROM item with at least those columns. */
  rows: string;
}

/** The columns that a package's rows are merged on. Throws MERGE_WITHOUT_KEY. */
export function keyColumns({ manifest }: LoadPackage): string[] {
  if (manifest.primary_key.length > 0) return manifest.primary_key;
  throw new IngestError(
    'MERGE_WITHOUT_KEY',
    `${manifest.target_schema}.${manifest.target_table} has no primary key to merge on.`,
    {
      hint: 'Set primary_key, or write_disposition append.',
    },
  );
}

/** Takes out the rows whose key is in the package, and the child rows that hang on them: each table's files are those that stay. */
export async function takeOutMerged(work: Rewriting, keys: MergeKeys): Promise<void> {
  const { context } = work;
  const match = keys.columns.map((name) => `_old.${identifier(name)} IS NOT DISTINCT FROM _new.${identifier(name)}`);
  const goneTables: string[] = [];
  /** By table: the workspace table with `file` and `_dlt_id` of the rows that go. */
  const gone = new Map<string, string>();
  try {
    for (const table of work.tables) {
      const condition =
        table.parent === null
          ? `EXISTS (SELECT 1 FROM ${keys.rows} _new WHERE ${match.join(' AND ')})`
          : childCondition(table, work.tables, gone);
      const name = context.uniqueName('gone');
      goneTables.push(name);
      gone.set(table.name, name);
      await context.connection.run(`CREATE TABLE ${identifier(name)} (file VARCHAR, _dlt_id VARCHAR)`);
      const id = table.columns.some((column) => column.name === '_dlt_id') ? '_old._dlt_id' : 'NULL';
      table.files = await rewritten(work, table, table.files, condition, async (paths) => {
        const rows = storedFiles(table.columns, paths, true);
        const { rowsChanged } = await context.connection.run(
          `INSERT INTO ${identifier(name)} SELECT ${FILE_COLUMN}, ${id} FROM ${rows} _old WHERE ${condition}`,
        );
        if (rowsChanged === 0) return new Set();
        const found = await context.connection.rows<{ file: string }>(`SELECT DISTINCT file FROM ${identifier(name)}`);
        return new Set(found.map((row) => slashed(row.file)));
      });
    }
  } finally {
    // The job's own interruption must not keep its helpers.
    for (const name of goneTables)
      await context.connection.run(`DROP TABLE IF EXISTS ${identifier(name)}`).catch(() => undefined);
  }
}

/** By `_dlt_root_id` where the row has one (dlt writes it for merges), else by its parent. */
function childCondition(table: StoredTable, tables: StoredTable[], gone: Map<string, string>): string {
  const of = (name: string | undefined, column: string) =>
    `_old.${column} IN (SELECT _dlt_id FROM ${identifier(gone.get(name ?? '') ?? '')})`;
  const byParent = of(table.parent ?? undefined, '_dlt_parent_id');
  if (!table.columns.some((column) => column.name === '_dlt_root_id')) return `(${byParent}) IS TRUE`;
  return `(CASE WHEN _old._dlt_root_id IS NULL THEN ${byParent} ELSE ${of(tables[0]?.name, '_dlt_root_id')} END) IS TRUE`;
}

/**
 * A table's files, of which those that `touched` names (by default all) are new ones: with the rows of the old, without those that meet `gone`.
 * Files that end up empty are left out.
 */
export async function rewritten(
  work: Rewriting,
  table: StoredTable,
  files: StoredFile[],
  gone: string | null,
  touched?: (paths: string[]) => Promise<Set<string>>,
): Promise<StoredFile[]> {
  const { context } = work;
  const prefix = tablePrefix(work.schema, table.name);
  const result: StoredFile[] = [];
  for (const group of groups(files)) {
    throwIfCancelled(context.signal);
    const keys = group.map((file) => prefix + file.name);
    const copies = await localCopies(context.store, keys, context.tempDirectory, context.signal);
    const folder = await mkdtemp(join(context.tempDirectory, 'rewrite-'));
    try {
      const found = await touched?.(copies.paths);
      const isTouched = (path: string) => !found || work.rewrite.has(table.name) || found.has(slashed(path));
      result.push(...group.filter((_, at) => !isTouched(copies.paths[at] as string)));
      const paths = copies.paths.filter(isTouched);
      if (paths.length === 0) continue;
      const path = join(folder, 'rewritten.parquet');
      const where = gone === null ? '' : ` WHERE NOT ${gone}`;
      const copy = `COPY (SELECT ${storedColumns(table.columns)} FROM ${storedFiles(table.columns, paths)} _old${where}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`;
      const { rowsChanged } = await context.connection.run(copy);
      if (rowsChanged === 0) continue;
      const { size } = await stat(path);
      result.push({ name: await work.put(table.name, path, size), rows: rowsChanged, bytes: size });
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
      await copies.release().catch(() => undefined);
    }
  }
  return result;
}

function groups(files: StoredFile[]): StoredFile[][] {
  const all: StoredFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (bytes + file.bytes > GROUP_BYTES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(file);
    bytes += file.bytes;
  }
  return all;
}

/** DuckDB gives the path as it was asked for, on Windows with either separator. */
function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}
