import { IngestError } from '../../errors.ts';
import { whereClause } from '../database/read-plan.ts';
import { columnLanded } from '../database/table-columns.ts';
import type { Measured, MeasureRequest } from '../source.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier } from './literal.ts';
import { fromClause, planRead } from './read-plan.ts';
import type { MssqlSession } from './session.ts';
import { upTo } from './watermark.ts';

/**
 * Counts and sums on the server, over the rows that the job's reads give, in one statement. Checksums are over UTF-8 texts, which SQL Server has from
 * version 2019 on and in some collations only.
 */
export async function measureTable(
  session: MssqlSession,
  { read, loaded, measures }: MeasureRequest,
  signal: AbortSignal,
): Promise<Measured> {
  const incremental = loaded && { ...loaded, continued: false, lag: null, end: null };
  const plan = await planRead(session, { ...read, incremental }, signal);
  const sums = measures.map((measure) => {
    const column = columnLanded(plan.object, measure.column);
    const sum = measure.kind === 'sum' ? sumOf(column) : null;
    if (sum !== null) return sum;
    throw new IngestError(
      'MEASURE_COLUMN',
      `Column ${column.name} is ${column.sourceType} in the source: there is no ${measure.kind} of it that means the same on both sides.`,
      { hint: 'Use compare = sum for numbers, or compare = count.' },
    );
  });
  const list = ['COUNT_BIG(*) AS [rows]', ...sums.map((sum, index) => `${sum} AS [m${index}]`)].join(', ');
  const conditions = [...(plan.watermark?.conditions ?? [])];
  if (loaded !== null && plan.watermark !== null) {
    const { column, reference } = plan.watermark;
    const within = upTo(column, loaded.to);
    conditions.push(loaded.nullWatermarks === 'include' ? `(${reference} IS NULL OR ${within})` : within);
  }
  // A job's columns may leave out what is measured: the sum would be over a column that its subquery does not give.
  const wanted = new Set(plan.columns.map(({ name }) => name));
  const missing = measures
    .map(({ column }) => columnLanded(plan.object, column))
    .filter(({ name }) => !wanted.has(name));
  if (missing[0] !== undefined) {
    throw new IngestError('MEASURE_COLUMN', `Column ${missing[0].name} is not among the job's columns.`, {
      hint: 'Add it to columns, or leave it out of the check.',
    });
  }
  const [row] = await session.query(
    `SELECT ${list} ${fromClause(plan)} ${whereClause(conditions)}`,
    `Measuring ${plan.name}`,
    signal,
  );
  return { rows: Number(row?.['rows'] ?? 0), values: sums.map((_, index) => row?.[`m${index}`] ?? null) };
}

/** Sums as text; of whole numbers in decimal, where a server's own type would overflow; of money with all of its four digits. */
function sumOf({ name, baseType }: CatalogColumn): string | null {
  const reference = `q.${quoteIdentifier(name)}`;
  switch (baseType) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return `CAST(SUM(CAST(${reference} AS decimal(38,0))) AS varchar(64))`;
    case 'money':
    case 'smallmoney':
      return `CAST(SUM(CAST(${reference} AS decimal(19,4))) AS varchar(64))`;
    case 'decimal':
    case 'numeric':
      return `CAST(SUM(${reference}) AS varchar(64))`;
    case 'real':
    case 'float':
      // Style 3: the digits that give the same double again.
      return `CONVERT(varchar(64), SUM(CAST(${reference} AS float)), 3)`;
    default:
      return null;
  }
}
