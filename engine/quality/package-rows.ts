import path from 'node:path';
import { identifier, literalList } from '../duckdb/sql.ts';
import type { LoadPackage } from '../load/load-package.ts';

/**
 * A FROM item for a table of a load package, with the types that it will have; null where the package has no such table.
 * A table that this load brings no rows of has none.
 */
export function packageRows(pack: LoadPackage, name: string): string | null {
  const table = pack.manifest.tables.find((candidate) => candidate.name === name);
  if (table === undefined) return null;
  const cast = (value: string, column: (typeof table.columns)[number]) =>
    `CAST(${value} AS ${column.type}) AS ${identifier(column.name)}`;
  if (table.files.length === 0)
    return `(SELECT ${table.columns.map((column) => cast('NULL', column)).join(', ')} WHERE false)`;
  // A path is no pattern, whatever characters a folder has.
  const files = table.files.map((file) => path.join(pack.folder, file.name).replaceAll(/[[*?]/g, '[$&]'));
  const columns = table.columns.map((column) => cast(identifier(column.name), column));
  return `(SELECT ${columns.join(', ')} FROM read_parquet(${literalList(files)}, union_by_name = true, hive_partitioning = false))`;
}
