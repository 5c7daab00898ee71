import { IngestError } from '../errors.ts';
import type { Measure, MeasureRequest, ReadContext, Source } from '../sources/source.ts';
import type { Job } from '../spec/job.ts';
import type { TypePolicy } from '../spec/kinds.ts';
import type { CheckedTable, CheckRunner } from './check-runner.ts';
import { columnOf, type Outcome, type ReconcileCheck, skipped, verdict } from './run-check.ts';
import { canonicalNumber, countText, nearlyEqual } from './values.ts';

export interface ReconcileOptions {
  job: Job;
  /** How far the job's loads have come; null where nothing is known. */
  watermark: string | null;
  types: TypePolicy;
  source(): Promise<Source>;
  context: ReadContext;
  runner: CheckRunner;
}

/**
 * Compares a table with its source: rows, and sums or checksums of columns (spec section 4). Of an incremental job those rows of the source are counted that its
 * loads can have brought; rows that were changed or deleted there since are a difference, which is what the check is for.
 */
export async function reconcile(
  check: ReconcileCheck,
  table: CheckedTable,
  options: ReconcileOptions,
): Promise<Outcome> {
  const { job, runner, context } = options;
  if (table.ref.table !== job.target_table)
    return skipped('A child table has no rows of its own in the source to compare with.');
  const source = await options.source();
  if (source.measure === undefined)
    return skipped(`A source of type ${job.source_type} cannot be counted without reading it again.`);
  const loaded = loadedRange(job, options.watermark);
  if (loaded === undefined) return skipped('Nothing was loaded yet that could be compared.');
  const columns = check.compare === 'count' ? [] : check.columns.map((name) => columnOf(table, name, runner));
  const measures = columns.map(({ column }): Measure => {
    if (check.compare === 'sum') {
      if (!runner.dialect.isNumber(column.type)) throw notComparable(column, 'a sum', 'compare = checksum');
      return { kind: 'sum', column: column.name };
    }
    const of = runner.dialect.checksumKind(column.type);
    if (of === null) throw notComparable(column, 'a checksum', 'compare = sum or count');
    return { kind: 'checksum', column: column.name, of };
  });
  const read = { job, types: options.types, incremental: null, sourceState: null, sampleRows: null };
  const there = await source.measure({ read, loaded, measures }, context);
  const sql = columns.map(({ expression, column }, at) => {
    const of = runner.dialect.checksumKind(column.type);
    const value =
      check.compare === 'checksum' && of !== null
        ? runner.dialect.checksum(expression, of)
        : runner.dialect.text(`sum(${expression})`);
    return `${value} AS m${at}`;
  });
  const [here] = await runner.rows(`SELECT ${['count(*) AS rows_', ...sql].join(', ')} FROM ${table.from}`);
  const rows = Number(here?.['rows_'] ?? 0);
  const differences = columns.flatMap(({ column }, at) => {
    const [left, right] = [there.values[at] ?? null, here?.[`m${at}`] ?? null];
    return isSame(left, right, runner.dialect.isFloat(column.type))
      ? []
      : [`${check.compare} of ${column.name}: source ${left ?? 'NULL'}, target ${right ?? 'NULL'}`];
  });
  if (rows !== there.rows) {
    const count = Math.abs(there.rows - rows);
    const noun = `${countText(count)} ${count === 1 ? 'row' : 'rows'}`;
    differences.unshift(
      rows < there.rows
        ? `${noun} ${count === 1 ? 'is' : 'are'} missing in the target`
        : `${noun} of the target ${count === 1 ? 'is' : 'are'} not in the source`,
    );
  }
  const what =
    columns.length === 0 ? '' : `, ${check.compare} of ${columns.map(({ column }) => column.name).join(', ')}`;
  return {
    ...verdict(
      differences.length === 0,
      `Source: ${countText(there.rows)} rows, target: ${countText(rows)} rows${what}: ${differences.length === 0 ? 'they agree' : differences.join('; ')}`,
    ),
    actual_value: rows,
    expected_value: there.rows,
  };
}

/** Null: all rows. Undefined: an incremental job that has not loaded yet. */
function loadedRange(job: Job, watermark: string | null): MeasureRequest['loaded'] | undefined {
  if (job.load_type === 'FULL' || job.source_type === 'filesystem' || job.watermark_column === null) return null;
  if (watermark === null) return undefined;
  return {
    column: job.watermark_column,
    from: job.last_watermark,
    to: watermark,
    nullWatermarks: job.options.null_watermarks,
  };
}

function isSame(left: string | null, right: string | null, float: boolean): boolean {
  if (left === null || right === null) return left === right;
  if (float) return nearlyEqual(Number(left), Number(right));
  return canonicalNumber(left) === canonicalNumber(right);
}

function notComparable(column: { name: string; type: string }, what: string, other: string): IngestError {
  return new IngestError(
    'CHECK_COLUMN_TYPE',
    `Column ${column.name} is ${column.type}, of which there is no ${what.replace(/^an? /, '')}.`,
    {
      hint: `Leave it out, or use ${other}.`,
    },
  );
}
