import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage, PackageColumn, PackageTable } from '../../load/load-package.ts';
import type { SchemaChange } from '../destination.ts';
import { type StoredTable, type StoreManifest, tablePrefix } from './manifest.ts';
import {
  keyColumns,
  type MergeKeys,
  type Rewriting,
  rewritten,
  type StoreLoadContext,
  takeOutMerged,
} from './rewrite.ts';
import { storedFiles } from './stored-rows.ts';

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
  const work: Rewriting = { schema, tables: next.tables, rewrite, put, context };

  switch (disposition) {
    case 'append':
      for (const table of next.tables)
        if (rewrite.has(table.name)) table.files = await rewritten(work, table, table.files, null);
      break;
    case 'replace':
      for (const table of next.tables) table.files = [];
      break;
    case 'merge':
      await takeOutMerged(work, mergeKeys(pack));
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

/** The package's keys, as its files hold them. */
function mergeKeys(pack: LoadPackage): MergeKeys {
  const [root] = pack.manifest.tables;
  const paths = (root?.files ?? []).filter((file) => file.rows > 0).map((file) => join(pack.folder, file.name));
  return { columns: keyColumns(pack), rows: storedFiles(root?.columns ?? [], paths) };
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

export function changedMeanwhile(what: string): IngestError {
  return new IngestError(
    'DESTINATION_CHANGED',
    `The destination is not as it was when the load was planned: ${what}.`,
    {
      hint: 'Run again.',
      retryable: true,
    },
  );
}
