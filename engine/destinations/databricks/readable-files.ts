import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import { canonicalType, parseType, printType, type TypeTree } from '../../duckdb/type-text.ts';
import type { Workspace } from '../../duckdb/workspace.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { LoadPackage, PackageTable } from '../../load/load-package.ts';

/** What Spark's Parquet reader refuses ("Illegal Parquet type"), and the type that carries the same values. */
const REPLACED: Readonly<Record<string, string>> = {
  TIME: 'VARCHAR',
  'TIME WITH TIME ZONE': 'VARCHAR',
  INTERVAL: 'VARCHAR',
  UUID: 'VARCHAR',
  BIT: 'VARCHAR',
  TIMESTAMP_NS: 'TIMESTAMP',
};

/** The type under which a column goes into a staged file; the same where Spark reads it as it is. */
export function stagedType(storedType: string): string {
  return canonicalType(printType(replaced(parseType(canonicalType(storedType)))));
}

function replaced(tree: TypeTree): TypeTree {
  switch (tree.kind) {
    case 'scalar':
      return { kind: 'scalar', text: REPLACED[tree.text] ?? tree.text };
    case 'list':
      return { kind: 'list', element: replaced(tree.element) };
    case 'struct':
      return { kind: 'struct', fields: tree.fields.map(({ name, type }) => ({ name, type: replaced(type) })) };
    default:
      return tree satisfies never;
  }
}

/**
 * The Parquet files of a package's table as Spark reads them: the package's own, or rewritten ones in `folder` where a column's type asks for it.
 * Rewritten files have the same names, since COPY INTO knows them by name.
 */
export async function readableFiles(
  pack: LoadPackage,
  table: PackageTable,
  workspace: Workspace,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const files = table.files.filter((file) => file.rows > 0);
  const types = table.columns.map(({ name, stored_type }) => ({
    name,
    to: stagedType(stored_type),
    from: canonicalType(stored_type),
  }));
  if (types.every(({ from, to }) => from === to)) return files.map((file) => join(pack.folder, file.name));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const columns = types.map(({ name, from, to }) =>
    from === to ? identifier(name) : `CAST(${identifier(name)} AS ${to}) AS ${identifier(name)}`,
  );
  const connection = await workspace.connect();
  const unwatch = connection.interruptOn(signal);
  try {
    const written: string[] = [];
    for (const file of files) {
      throwIfCancelled(signal);
      const path = join(folder, file.name);
      const rows = `read_parquet(${literal(join(pack.folder, file.name))}, hive_partitioning = false)`;
      await connection.run(
        `COPY (SELECT ${columns.join(', ')} FROM ${rows}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      written.push(path);
    }
    return written;
  } finally {
    unwatch();
    connection.close();
  }
}

/** A `_dlt_parent_id` of the package's rows of a child table; null where there is none. */
export async function someParentId(
  pack: LoadPackage,
  table: PackageTable,
  workspace: Workspace,
): Promise<string | null> {
  const files = table.files.filter((file) => file.rows > 0).map((file) => literal(join(pack.folder, file.name)));
  if (files.length === 0 || !table.columns.some(({ name }) => name === '_dlt_parent_id')) return null;
  const connection = await workspace.connect();
  try {
    const [row] = await connection.rows<{ id: string }>(
      `SELECT _dlt_parent_id AS id FROM read_parquet([${files.join(', ')}], hive_partitioning = false) WHERE _dlt_parent_id IS NOT NULL LIMIT 1`,
    );
    return row?.id ?? null;
  } finally {
    connection.close();
  }
}
