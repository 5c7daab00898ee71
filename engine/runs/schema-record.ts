import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Metrics, metricsModel } from '../spec/metrics.ts';
import type { LandedTable } from './events.ts';

/** Runs that are looked through: a job that did not load in any of them has no record. */
const RUNS_READ = 20;
/** Characters of a run id that tell when: `20260131_060000`. */
const SECOND = 15;
const METRICS_FILE = /^metrics_.+_(\d{8}_\d{6}_[0-9a-f]{6})\.json$/;

/**
 * What the newest recorded load of each target brought. Metrics say it, whichever run wrote them; a folder without any tells nothing.
 * @param targets `schema.table`: no more is read than it takes to know them
 */
export async function recordedSchemas(
  workDirectory: string,
  pipeline: string,
  targets: readonly string[],
): Promise<(target: { schema: string; table: string }) => LandedTable[] | null> {
  const folder = path.join(workDirectory, 'metadata');
  const names = (await readdir(folder).catch((): string[] => [])).flatMap((name) => {
    const runId = METRICS_FILE.exec(name)?.[1];
    return runId === undefined ? [] : [{ name, second: runId.slice(0, SECOND) }];
  });
  const newest = names.sort((a, b) => (a.second < b.second ? 1 : -1)).slice(0, RUNS_READ);
  const known = new Map<string, LandedTable[]>();
  // A run id tells seconds; runs of one second have an order, too.
  for (const together of Map.groupBy(newest, ({ second }) => second).values()) {
    if (targets.every((target) => known.has(target))) break;
    const read = await Promise.all(together.map(({ name }) => readMetrics(path.join(folder, name))));
    for (const { jobs, pipeline_name } of read
      .filter((metrics) => metrics !== null)
      .sort((a, b) => (a.run_timestamp < b.run_timestamp ? 1 : a.run_timestamp > b.run_timestamp ? -1 : 0))) {
      if (pipeline_name !== pipeline) continue;
      for (const { target, schema } of jobs) if (schema !== undefined && !known.has(target)) known.set(target, schema);
    }
  }
  return ({ schema, table }) => known.get(`${schema}.${table}`) ?? null;
}

async function readMetrics(file: string): Promise<Metrics | null> {
  return await readFile(file, 'utf8')
    .then((text) => metricsModel.parse(JSON.parse(text)))
    .catch(() => null);
}

/** Columns that the load before had and this one has not, of tables that both have. */
export function goneColumns(
  before: readonly LandedTable[],
  now: readonly LandedTable[],
): { table: string; column: string }[] {
  return before.flatMap(({ table, columns }) => {
    const same = now.find((candidate) => candidate.table === table);
    if (same === undefined) return [];
    const names = new Set(same.columns.map(({ name }) => name));
    return columns.filter(({ name }) => !names.has(name)).map(({ name }) => ({ table, column: name }));
  });
}
