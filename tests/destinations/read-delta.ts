import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Action } from '../../engine/destinations/object-store/delta/actions.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { query } from './read-back.ts';

/** Commits of a Delta table on this disk, line by line, by version. */
export async function deltaCommits(folder: string): Promise<Action[][]> {
  const log = join(folder, '_delta_log');
  const names = (await readdir(log)).filter((name) => /^\d{20}\.json$/.test(name)).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(log, name), 'utf8')));
  return texts.map((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

/** Reads a Delta table from its commits alone, without the product's code. Rows are JSON values. */
export async function readDeltaTable(folder: string, select = '*'): Promise<Record<string, unknown>[]> {
  const files = new Set<string>();
  for (const commit of await deltaCommits(folder))
    for (const { add, remove } of commit) {
      if (remove) files.delete(remove.path);
      if (add) files.add(add.path);
    }
  const paths = [...files].map((path) => literal(join(folder, decodeURIComponent(path)).replaceAll('[', '[[]')));
  if (paths.length === 0) return [];
  const rows = `read_parquet([${paths.join(', ')}], union_by_name = true, hive_partitioning = false)`;
  return await query(null, `SET TimeZone = 'UTC'; SELECT ${select} FROM ${rows} ORDER BY ALL`);
}
