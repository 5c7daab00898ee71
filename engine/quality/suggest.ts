import type { ReadableTable } from '../destinations/reader.ts';
import { identifier } from '../duckdb/sql.ts';
import type { OpenResults } from '../results/open-results.ts';
import { kindOf } from '../results/value-text.ts';
import type { CheckColumnName } from '../spec/check.ts';
import type { Job } from '../spec/job.ts';
import type { CheckType } from '../spec/kinds.ts';
import { normalizeName } from '../spec/naming.ts';
import { targetOfJob } from './check-plan.ts';
import { countText } from './values.ts';

/** Columns of a table that are counted. */
const COLUMNS_LOOKED_AT = 24;
const KEY_NAME = /(^|_)(id|key|code|no|nr|number|uuid|guid|sku|email)$/;
const TIME_NAME = /(^|_)(updated|modified|changed|created|loaded|inserted|at|on|date|time|timestamp)(_|$)/;

/** A check that what was loaded would pass today. */
export interface CheckSuggestion {
  type: CheckType;
  /** Target table as a check names it. */
  table: string;
  columns: string[];
  /** Cells of a row of sheet `DataQuality`. */
  values: Partial<Record<CheckColumnName, string>>;
  /** What was seen, e.g. `order_id has no duplicates in 12,000 rows`. */
  reason: string;
}

interface Facts {
  rows: number;
  columns: { name: string; type: string; filled: number; distinct: number }[];
}

/**
 * Proposes checks from what a dry run (or any run) has loaded: keys without duplicates, columns without gaps, times that move on, rows that are there.
 * A sample tells of a job that was never loaded whole.
 */
export async function suggestChecks(
  results: OpenResults,
  jobs: readonly Job[],
  defaultSchema: string,
): Promise<CheckSuggestion[]> {
  const suggestions: CheckSuggestion[] = [];
  const seen = new Set<string>();
  for (const job of jobs) {
    const target = targetOfJob(job, defaultSchema);
    const key = `${target.schema}.${target.table}`;
    if (!job.enabled || seen.has(key)) continue;
    seen.add(key);
    const table =
      results.reader.tables.find((one) => one.schema === target.schema && one.table === target.table) ??
      results.reader.tables.find((one) => one.schema === `${target.schema}_sample` && one.table === target.table);
    if (table === undefined) continue;
    const name = job.target_schema === null ? target.table : key;
    suggestions.push(...suggestFor(job, name, await factsOf(results, table), table.schema !== target.schema));
  }
  return suggestions;
}

async function factsOf({ connection }: OpenResults, table: ReadableTable): Promise<Facts> {
  const columns = table.columns
    .filter(({ name, type }) => !name.startsWith('_dlt_') && !['nested', 'binary'].includes(kindOf(type)))
    .slice(0, COLUMNS_LOOKED_AT);
  const counts = columns.map(
    ({ name }, at) => `count(${identifier(name)}) AS f${at}, count(DISTINCT ${identifier(name)}) AS d${at}`,
  );
  const [row] = await connection.rows<Record<string, string>>(
    `SELECT ${['count(*) AS n', ...counts].join(', ')} FROM ${table.from} AS source`,
  );
  return {
    rows: Number(row?.['n'] ?? 0),
    columns: columns.map(({ name, type }, at) => ({
      name,
      type,
      filled: Number(row?.[`f${at}`] ?? 0),
      distinct: Number(row?.[`d${at}`] ?? 0),
    })),
  };
}

/** Pure. `isSample`: the rows are a part only. */
export function suggestFor(job: Job, table: string, { rows, columns }: Facts, isSample: boolean): CheckSuggestion[] {
  if (rows === 0) return [];
  const seen = `${countText(rows)} ${rows === 1 ? 'row' : 'rows'}${isSample ? ' of a sample' : ''}`;
  const suggestions: CheckSuggestion[] = [];
  const add = (type: CheckType, names: string[], values: CheckSuggestion['values'], reason: string) =>
    suggestions.push({ type, table, columns: names, values: { table, type, ...values }, reason });

  add('row_count', [], { min_rows: '1' }, `${table} has ${seen}`);
  const declared = job.primary_key.map((name) => normalizeName(name));
  const keys = columns.filter(({ filled, distinct }) => rows > 1 && filled === rows && distinct === rows);
  const key =
    (declared.length === 1 ? keys.find(({ name }) => name === declared[0]) : undefined) ??
    keys.find(({ name }) => KEY_NAME.test(name));
  if (declared.length > 1) {
    add('uniqueness', declared, { columns: declared.join(', ') }, `${declared.join(', ')} is the job’s primary key`);
  } else if (key !== undefined) {
    add('uniqueness', [key.name], { columns: key.name }, `${key.name} has no duplicates in ${seen}`);
  }
  for (const { name, filled } of columns) {
    if (filled < rows || !(KEY_NAME.test(name) || declared.includes(name))) continue;
    add('null_rate', [name], { column: name, max_null_rate: '0' }, `${name} has no nulls in ${seen}`);
  }
  const watermark = job.watermark_column === null ? null : normalizeName(job.watermark_column);
  const times = columns.filter(({ type, filled }) => kindOf(type) === 'time' && !/^TIME\b/.test(type) && filled > 0);
  const time = times.find(({ name }) => name === watermark) ?? times.find(({ name }) => TIME_NAME.test(name));
  if (time !== undefined && job.load_type === 'INCREMENTAL')
    add('freshness', [time.name], { column: time.name, max_age_hours: '24' }, `${time.name} is when rows change`);
  if (['postgresql', 'filesystem'].includes(job.source_type) && job.write_disposition !== 'append')
    add('reconcile', [], { compare: 'count' }, `${job.source_name} can be counted beside the target`);
  return suggestions;
}
