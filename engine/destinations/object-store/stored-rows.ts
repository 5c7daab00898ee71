import { identifier, literal, literalList } from '../../duckdb/sql.ts';
import type { PackageColumn } from '../../load/load-package.ts';

/** The column in which {@link storedFiles} says which file a row is from. */
export const FILE_COLUMN = '_ingest_file';

/** Paths as DuckDB takes them: what would be a pattern stands for itself. */
export function exactPaths(paths: readonly string[]): string {
  return literalList(paths.map((path) => path.replaceAll(/[[*?]/g, '[$&]')));
}

/**
 * A FROM item: the rows of Parquet files with all of a table's columns in their stored types. Columns that a file does not have are null,
 * a type that the table outgrew is widened, and without files there are no rows.
 */
export function storedFiles(columns: readonly PackageColumn[], paths: readonly string[], withFile = false): string {
  const file = withFile ? [`NULL::VARCHAR AS ${FILE_COLUMN}`] : [];
  const typed = [...columns.map((column) => `NULL::${column.stored_type} AS ${identifier(column.name)}`), ...file].join(
    ', ',
  );
  const none = `SELECT ${typed} WHERE false`;
  if (paths.length === 0) return `(${none})`;
  const option = withFile ? `, filename = ${literal(FILE_COLUMN)}` : '';
  return `(${none} UNION ALL BY NAME SELECT * FROM read_parquet(${exactPaths(paths)}, union_by_name = true, hive_partitioning = false${option}))`;
}

/** A FROM item with the table's own types, for readers. */
export function tableRows(columns: readonly PackageColumn[], paths: readonly string[]): string {
  return `(SELECT ${columns.map((column) => cast(column, column.type)).join(', ')} FROM ${storedFiles(columns, paths)})`;
}

/** Select list that brings rows to a table's stored types. */
export function storedColumns(columns: readonly PackageColumn[]): string {
  return columns.map((column) => cast(column, column.stored_type)).join(', ');
}

function cast(column: PackageColumn, type: string): string {
  const name = identifier(column.name);
  return `CAST(${name} AS ${type}) AS ${name}`;
}
