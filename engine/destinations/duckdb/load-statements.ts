import { join } from 'node:path';
import { identifier, literalList } from '../../duckdb/sql.ts';
import type { LoadPackage, PackageColumn, PackageTable } from '../../load/load-package.ts';
import type { ExistingTable, SchemaChange } from '../destination.ts';

/** `"alias"."schema"."table"` for a table's name. */
export type Qualify = (table: string) => string;

/** The statements of one step of schema evolution. They come before any DELETE: DuckDB cannot commit an ALTER of a table that its transaction deleted from. */
export function changeStatements(change: SchemaChange, qualify: Qualify): string[] {
  const table = `ALTER TABLE ${qualify(change.table)}`;
  switch (change.kind) {
    case 'create_table':
      return [`CREATE TABLE ${qualify(change.table)} (${change.columns.map(columnDefinition).join(', ')})`];
    case 'add_column':
      // Rows that are there already have no value for it, whatever the package says.
      return [`${table} ADD COLUMN ${identifier(change.column.name)} ${change.column.type}`];
    case 'widen_column': {
      const column = identifier(change.column);
      return [`${table} ALTER COLUMN ${column} SET DATA TYPE ${change.to} USING CAST(${column} AS ${change.to})`];
    }
    case 'retype_column': {
      // Only a replace asks for it: the old values go in the same load and need not fit the new type.
      const column = identifier(change.column);
      return [
        `${table} ALTER COLUMN ${column} DROP NOT NULL`,
        `${table} ALTER COLUMN ${column} SET DATA TYPE ${change.to} USING CAST(NULL AS ${change.to})`,
      ];
    }
    case 'allow_null':
      return [`${table} ALTER COLUMN ${identifier(change.column)} DROP NOT NULL`];
    default:
      return change satisfies never;
  }
}

/** The package's rows of a table with the destination's types; null where it has none. */
export function packageRows(pack: LoadPackage, table: PackageTable): string | null {
  const files = table.files.filter((file) => file.rows > 0).map((file) => join(pack.folder, file.name));
  if (files.length === 0) return null;
  const columns = table.columns.map((column) => {
    const name = identifier(column.name);
    return column.stored_type === column.type ? name : `CAST(${name} AS ${column.type}) AS ${name}`;
  });
  return `SELECT ${columns.join(', ')} FROM read_parquet(${literalList(files)}, union_by_name = true, hive_partitioning = false)`;
}

export function insertStatement(pack: LoadPackage, table: PackageTable, qualify: Qualify): string | null {
  const rows = packageRows(pack, table);
  if (!rows) return null;
  return `INSERT INTO ${qualify(table.name)} (${table.columns.map((column) => identifier(column.name)).join(', ')}) ${rows}`;
}

/**
 * Removes what a merge replaces: the children first, deepest first, then the rows whose key is in the package.
 * `existing` are the target's table and its child tables as they are. Two empty keys are the same key.
 */
export function mergeDeletes(pack: LoadPackage, existing: ExistingTable[], qualify: Qualify): string[] {
  const { primary_key: key, target_table: target } = pack.manifest;
  const root = pack.manifest.tables[0];
  const rows = root && packageRows(pack, root);
  if (!root || !rows) return [];
  const match = key
    .map((name) => `_old.${identifier(name)} IS NOT DISTINCT FROM _new.${identifier(name)}`)
    .join(' AND ');
  const replaced = `EXISTS (SELECT 1 FROM (${rows}) _new WHERE ${match})`;
  const children = existing.filter((table) => table.name !== target);
  const ids = (table: string) => replacedIds(table, { target, replaced, children, qualify, declared: parents(pack) });
  const deepestFirst = children.toSorted((a, b) => b.name.length - a.name.length);
  return [
    ...deepestFirst.map(
      (child) =>
        `DELETE FROM ${qualify(child.name)} _child WHERE ${childCondition(child, ids, target, children, parents(pack))}`,
    ),
    `DELETE FROM ${qualify(target)} _old WHERE ${replaced}`,
  ];
}

interface Lineage {
  target: string;
  /** Condition on the target's row `_old`. */
  replaced: string;
  children: ExistingTable[];
  qualify: Qualify;
  declared: Map<string, string>;
}

/** A subquery: `_dlt_id` of the rows of a table that go. */
function replacedIds(table: string, lineage: Lineage): string {
  if (table === lineage.target)
    return `SELECT _old._dlt_id FROM ${lineage.qualify(table)} _old WHERE ${lineage.replaced}`;
  const child = lineage.children.find((candidate) => candidate.name === table);
  if (!child) return 'SELECT NULL WHERE false';
  const ids = (parent: string) => replacedIds(parent, lineage);
  return `SELECT _child._dlt_id FROM ${lineage.qualify(table)} _child WHERE ${childCondition(child, ids, lineage.target, lineage.children, lineage.declared)}`;
}

function childCondition(
  child: ExistingTable,
  ids: (table: string) => string,
  target: string,
  children: ExistingTable[],
  declared: Map<string, string>,
): string {
  const byParent = `_child._dlt_parent_id IN (${ids(declared.get(child.name) ?? parentOf(child.name, target, children))})`;
  if (!child.columns.some((column) => column.name === '_dlt_root_id')) return byParent;
  // Rows of a table begun by dlt have a root id (dlt writes it for merges), ours may have none.
  return `CASE WHEN _child._dlt_root_id IS NULL THEN ${byParent} ELSE _child._dlt_root_id IN (${ids(target)}) END`;
}

function parents(pack: LoadPackage): Map<string, string> {
  return new Map(
    pack.manifest.tables.flatMap((table) => (table.parent === null ? [] : [[table.name, table.parent] as const])),
  );
}

/** A child table's parent by its name: the longest `parent__` that is a table. */
function parentOf(name: string, target: string, children: ExistingTable[]): string {
  const candidates = children
    .map((child) => child.name)
    .filter((candidate) => candidate !== name && name.startsWith(`${candidate}__`));
  return candidates.toSorted((a, b) => b.length - a.length)[0] ?? target;
}

function columnDefinition(column: PackageColumn): string {
  return `${identifier(column.name)} ${column.type}${column.nullable ? '' : ' NOT NULL'}`;
}
