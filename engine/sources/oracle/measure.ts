import { IngestError } from '../../errors.ts';
import { whereClause } from '../database/read-plan.ts';
import { columnLanded } from '../database/table-columns.ts';
import type { Measured, MeasureRequest } from '../source.ts';
import { quoteIdentifier } from './literal.ts';
import { fromClause, planRead } from './read-plan.ts';
import { BEGIN_READ, type OracleSession } from './session.ts';
import { watermarkLiteral } from './watermark.ts';

const NUMBERS = ['number', 'float', 'binary_float', 'binary_double'];

/** Counts and sums on the server, over the rows that the job's reads give. Checksums would be over the bytes of the server's own character set. */
export async function measureTable(
  session: OracleSession,
  { read, loaded, measures }: MeasureRequest,
  signal: AbortSignal,
): Promise<Measured> {
  const doing = `Measuring ${read.job.table_name}`;
  const incremental = loaded && { ...loaded, continued: false, lag: null, end: null };
  const plan = await planRead(session, { ...read, incremental }, signal);
  const sums = measures.map((measure) => {
    const column = columnLanded(plan.object, measure.column);
    if (measure.kind === 'sum' && NUMBERS.includes(column.baseType)) {
      return `TO_CHAR(SUM(q.${quoteIdentifier(column.name)}), 'TM9')`;
    }
    throw new IngestError(
      'MEASURE_COLUMN',
      `Column ${column.name} is ${column.sourceType} in the source: there is no ${measure.kind} of it that means the same on both sides.`,
      { hint: 'Use compare = sum for numbers, or compare = count.' },
    );
  });
  const list = ['COUNT(*) AS "rows"', ...sums.map((sum, index) => `${sum} AS "m${index}"`)].join(', ');
  const conditions = [...(plan.watermark?.conditions ?? [])];
  if (loaded !== null && plan.watermark !== null) {
    const { column, reference } = plan.watermark;
    const upTo = `${reference} <= ${watermarkLiteral(column, loaded.to, 'the stored watermark')}`;
    conditions.push(loaded.nullWatermarks === 'include' ? `(${reference} IS NULL OR ${upTo})` : upTo);
  }
  await session.query(BEGIN_READ, doing, signal);
  const [row] = await session.query(`SELECT ${list} ${fromClause(plan)} ${whereClause(conditions)}`, doing, signal);
  const text = (value: string | null | undefined) => value?.replace(/^(-?)\./, '$10.') ?? null;
  return { rows: Number(row?.rows ?? 0), values: sums.map((_, index) => text(row?.[`m${index}`])) };
}
