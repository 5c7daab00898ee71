import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identifier, literal } from '../../../duckdb/sql.ts';
import { canonicalType } from '../../../duckdb/type-text.ts';
import { throwIfCancelled } from '../../../errors.ts';
import type { LoadPackage, PackageColumn, PackageTable } from '../../../load/load-package.ts';
import type { StoreLoadContext } from '../rewrite.ts';
import { exactPaths } from '../stored-rows.ts';

export interface LandedFile {
  /** On this computer. */
  path: string;
  rows: number;
  bytes: number;
}

/** Files of a package as a table's readers want them. */
export interface LandedFiles {
  /** Those columns of the table that the files have. */
  columns: PackageColumn[];
  files: LandedFile[];
}

/**
 * The Parquet files of a package's table with the types and the spelling of the table's own columns: the package's files as they are,
 * or rewritten ones in `folder` where a column asks for it (a time without a zone, UUID, TIME, unsigned integers).
 */
export async function landedFiles(
  pack: LoadPackage,
  part: PackageTable,
  columns: readonly PackageColumn[],
  folder: string,
  { connection, signal }: StoreLoadContext,
): Promise<LandedFiles> {
  const pairs = part.columns.flatMap((from) => {
    const to = columns.find((column) => column.name.toLowerCase() === from.name.toLowerCase());
    return to ? [{ from, to }] : [];
  });
  const files = part.files.filter((file) => file.rows > 0);
  const landed: LandedFiles = { columns: pairs.map(({ to }) => to), files: [] };
  const isSame = pairs.every(
    ({ from, to }) => from.name === to.name && canonicalType(from.stored_type) === to.stored_type,
  );
  if (!isSame && files.length > 0) await mkdir(folder, { recursive: true, mode: 0o700 });
  const select = pairs.map(
    ({ from, to }) => `CAST(${identifier(from.name)} AS ${to.stored_type}) AS ${identifier(to.name)}`,
  );
  for (const { name, rows, bytes } of files) {
    throwIfCancelled(signal);
    const source = join(pack.folder, name);
    if (isSame) {
      landed.files.push({ path: source, rows, bytes });
      continue;
    }
    const path = join(folder, name);
    await connection.run(
      `COPY (SELECT ${select.join(', ')} FROM read_parquet(${exactPaths([source])}, hive_partitioning = false)) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    landed.files.push({ path, rows, bytes: (await stat(path)).size });
  }
  return landed;
}
