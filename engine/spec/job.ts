import { z } from 'zod';
import { JOB_COLUMN_NAMES, type JobColumnName, jobColumns } from './job-columns.ts';
import { resourceOptionsModel } from './resource.ts';

export type { Lag } from './lag.ts';

type ColumnModels = { [Name in JobColumnName]: (typeof jobColumns)[Name]['model'] };

const columnModels = Object.fromEntries(JOB_COLUMN_NAMES.map((name) => [name, jobColumns[name].model])) as ColumnModels;

/**
 * One validated job: a row of `SourceConfig` after precedence (cell, then resource, then connection, then built-in default).
 * Derived from the table of columns. Text that is blank everywhere is null, lists are empty; `column_types` maps a column to DuckDB type text;
 * `target_schema` (null: the destination's own) and `target_table` are normalised names.
 * Validation builds jobs with compiled parsers, for speed; this model says what they build, and tests hold the two together.
 */
export const jobModel = z.object({
  /** 1-based row in the workbook. */
  row: z.int().min(1),
  ...columnModels,
  /** Everything that has no column: `[sources.X.resources.TABLE]` over the connection's own options. */
  options: resourceOptionsModel,
});
export type Job = z.infer<typeof jobModel>;

/** How a job is named to people and on the command line. */
export function jobName(job: Pick<Job, 'source_name' | 'table_name'>): string {
  return `${job.source_name}.${job.table_name}`;
}
