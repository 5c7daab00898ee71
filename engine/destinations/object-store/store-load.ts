import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage, PackageColumn, PackageTable } from '../../load/load-package.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { SchemaChange } from '../destination.ts';
import { localCopies } from './local-copies.ts';
import { type StoredFile, type StoredTable, type StoreManifest, tablePrefix } from './manifest.ts';
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

/**
 * Brings a package's files, and rewritten old ones, to the store and gives the manifest that would make them visible.
 * Nothing that is visible changes before that manifest is committed. `written` collects the keys of what was written.
 */
export async function stageLoad(
  pack: LoadPackage,
  changes: SchemaChange[],
  current: StoreManifest,
  context: StoreLoadContext,
  written: string[],
): Promise<StoreManifest> {
  const next = structuredClone(current);
  const { load_id: loadId, target_schema: schema, write_disposition: disposition } = pack.manifest;
  const rewrite = new Set<string>();
  for (const change of changes) applyChange(next, change, pack, rewrite);
  const counters = new Map<string, number>();
  const put = async (table: string, path: string, bytes: number): Promise<string> => {
    throwIfCancelled(context.signal);
    const n = counters.get(table) ?? 0;
    counters.set(table, n + 1);
    const name = `${loadId}.${n}.parquet`;
    const key = `${tablePrefix(schema, table)}${name}`;
    written.push(key);
    await context.store.write(key, createReadStream(path), bytes, context.signal);
    return name;
  };
  const work: Work = { pack, next, schema, rewrite, put, context };

  switch (disposition) {
    case 'append':
      for (const table of next.tables)
        if (rewrite.has(table.name)) table.files = await rewritten(work, table, table.files, null);
      break;
    case 'replace':
      for (const table of next.tables) table.files = [];
      break;
    case 'merge':
      await merge(work);
      break;
    default:
      disposition satisfies never;
  }
  for (const part of pack.manifest.tables) {
    const table = tableOf(next, part.name);
    checkColumns(table, part);
    for (const file of part.files.filter((candidate) => candidate.rows > 0)) {
      const name = await put(part.name, join(pack.folder, file.name), file.bytes);
      table.files.push({ name, rows: file.rows, bytes: file.bytes });
    }
  }
  const kept = new Set(keysOf(next));
  next.garbage.push(...keysOf(current).filter((key) => !kept.has(key)));
  return next;
}

/** The keys of all files that a manifest names. */
export function keysOf(manifest: StoreManifest): string[] {
  return manifest.tables.flatMap((table) =>
    table.files.map((file) => tablePrefix(manifest.schema, table.name) + file.name),
  );
}

interface Work {
  pack: LoadPackage;
  next: StoreManifest;
  schema: string;
  /** Tables with a column that became wider: their old files are written anew, since not every reader mixes types. */
  rewrite: Set<string>;
  put(table: string, path: string, bytes: number): Promise<string>;
  context: StoreLoadContext;
}

function applyChange(next: StoreManifest, change: SchemaChange, pack: LoadPackage, rewrite: Set<string>): void {
  switch (change.kind) {
    case 'create_table': {
      const parent = pack.manifest.tables.find((table) => table.name === change.table)?.parent ?? null;
      next.tables.push({ name: change.table, parent, columns: structuredClone(change.columns), files: [] });
      return;
    }
    case 'add_column':
      tableOf(next, change.table).columns.push({ ...change.column, nullable: true });
      return;
    case 'retype_column':
    case 'widen_column': {
      const column = columnOf(tableOf(next, change.table), change.column);
      const packed = pack.manifest.tables.find((table) => table.name === change.table)?.columns;
      column.type = change.to;
      column.stored_type = packed?.find((candidate) => candidate.name === change.column)?.stored_type ?? change.to;
      rewrite.add(change.table);
      return;
    }
    case 'allow_null':
      columnOf(tableOf(next, change.table), change.column).nullable = true;
      return;
    default:
      change satisfies never;
  }
}

/** Takes out the rows whose key is in the package, and the child rows that hang on them. */
async function merge(work: Work): Promise<void> {
  const { pack, next, context } = work;
  const root = pack.manifest.tables[0];
  if (pack.manifest.primary_key.length === 0) {
    throw new IngestError(
      'MERGE_WITHOUT_KEY',
      `${work.schema}.${pack.manifest.target_table} has no primary key to merge on.`,
      {
        hint: 'Set primary_key, or write_disposition append.',
      },
    );
  }
  const keys =
    root &&
    storedFiles(
      root.columns,
      root.files.filter((file) => file.rows > 0).map((file) => join(pack.folder, file.name)),
    );
  const match = pack.manifest.primary_key.map(
    (name) => `_old.${identifier(name)} IS NOT DISTINCT FROM _new.${identifier(name)}`,
  );
  const goneTables: string[] = [];
  /** By table: the workspace table with `file` and `_dlt_id` of the rows that go. */
  const gone = new Map<string, string>();
  try {
    for (const table of next.tables) {
      const condition =
        table.parent === null
          ? `EXISTS (SELECT 1 FROM ${keys} _new WHERE ${match.join(' AND ')})`
          : childCondition(table, next, gone);
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
        return new Set(found.map((row) => fileName(row.file)));
      });
    }
  } finally {
    // The job's own interruption must not keep its helpers.
    for (const name of goneTables)
      await context.connection.run(`DROP TABLE IF EXISTS ${identifier(name)}`).catch(() => undefined);
  }
}

/** By `_dlt_root_id` where the row has one (dlt writes it for merges), else by its parent. */
function childCondition(table: StoredTable, next: StoreManifest, gone: Map<string, string>): string {
  const of = (name: string | undefined, column: string) =>
    `_old.${column} IN (SELECT _dlt_id FROM ${identifier(gone.get(name ?? '') ?? '')})`;
  const byParent = of(table.parent ?? undefined, '_dlt_parent_id');
  if (!table.columns.some((column) => column.name === '_dlt_root_id')) return `(${byParent}) IS TRUE`;
  return `(CASE WHEN _old._dlt_root_id IS NULL THEN ${byParent} ELSE ${of(next.tables[0]?.name, '_dlt_root_id')} END) IS TRUE`;
}

/**
 * A table's files, of which those that `touched` names (by default all) are new ones: with the rows of the old, without those that meet `gone`.
 * Files that end up empty are left out.
 */
async function rewritten(
  work: Work,
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
      const isTouched = ({ name }: StoredFile) => !found || work.rewrite.has(table.name) || found.has(name);
      result.push(...group.filter((file) => !isTouched(file)));
      const paths = copies.paths.filter((_, at) => isTouched(group[at] as StoredFile));
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
function fileName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

function checkColumns(table: StoredTable, part: PackageTable): void {
  for (const column of part.columns) columnOf(table, column.name);
}

function tableOf(manifest: StoreManifest, name: string): StoredTable {
  const table = manifest.tables.find((candidate) => candidate.name === name);
  if (!table) throw changedMeanwhile(`the table ${name} is not there`);
  return table;
}

function columnOf(table: StoredTable, name: string): PackageColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (!column) throw changedMeanwhile(`the table ${table.name} has no column ${name}`);
  return column;
}

function changedMeanwhile(what: string): IngestError {
  return new IngestError(
    'DESTINATION_CHANGED',
    `The destination is not as it was when the load was planned: ${what}.`,
    {
      hint: 'Run again.',
      retryable: true,
    },
  );
}
