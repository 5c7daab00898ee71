import type { ChecksumKind } from '../../duckdb/checksum.ts';
import { IngestError } from '../../errors.ts';
import { columnLanded } from '../database/table-columns.ts';
import type { Measured, MeasureRequest } from '../source.ts';
import { type CatalogColumn, findObject } from './catalog.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import { planRead } from './read-plan.ts';
import { BEGIN_READ, type PostgresSession } from './session.ts';
import { watermarkLiteral } from './watermark.ts';

/** Counts and sums on the server, over the rows that the job's read gives. */
export async function measureTable(
  session: PostgresSession,
  request: MeasureRequest,
  signal: AbortSignal,
): Promise<Measured> {
  const { job } = request.read;
  const doing = `Measuring ${job.table_name}`;
  await session.query(BEGIN_READ, doing, signal);
  if (job.filter !== null) checkFilter(job.filter);
  const object = await findObject(session, job, signal);
  const measures = request.measures.map((measure) => {
    const column = columnLanded(object, measure.column);
    const expression = `q.${quoteIdentifier(column.name)}`;
    return measure.kind === 'sum' ? sumOf(expression, column) : checksumOf(expression, measure.of, column);
  });
  const list = ['count(*)::text AS rows', ...measures.map((sql, at) => `${sql} AS m${at}`)].join(', ');
  // The line break ends a comment that the filter may end with.
  const filter = job.filter === null ? '' : ` WHERE (${job.filter}\n)`;
  const conditions = await loadedConditions(session, request, signal);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const [row] = await session.query(
    `SELECT ${list} FROM (SELECT * FROM ${quoteName(object.schema, object.name)}${filter}) q${where}`,
    doing,
    signal,
  );
  return { rows: Number(row?.['rows'] ?? 0), values: measures.map((_, at) => row?.[`m${at}`] ?? null) };
}

/** The predicate of the job's reads so far, put together. */
async function loadedConditions(
  session: PostgresSession,
  { read, loaded }: MeasureRequest,
  signal: AbortSignal,
): Promise<string[]> {
  if (loaded === null) return [];
  const { column, from, to, nullWatermarks } = loaded;
  const incremental = { column, from, continued: false, lag: null, end: null, nullWatermarks };
  const { watermark } = await planRead(session, { ...read, incremental }, signal);
  if (watermark === null) return [];
  const reference = `q.${quoteIdentifier(watermark.column.name)}`;
  const upTo = `${watermark.comparable} <= ${watermarkLiteral(to, watermark.column)}`;
  return [...watermark.conditions, nullWatermarks === 'include' ? `(${reference} IS NULL OR ${upTo})` : upTo];
}

const NUMBERS = ['int2', 'int4', 'int8', 'oid', 'numeric', 'float4', 'float8'];

function sumOf(expression: string, column: CatalogColumn): string {
  if (column.isArray || !NUMBERS.includes(column.baseType)) throw noMeasure(column, 'a sum');
  const value =
    column.baseType === 'oid'
      ? `${expression}::int8`
      : column.baseType === 'float4'
        ? `${expression}::float8`
        : expression;
  return `sum(${value})::text`;
}

/** Which types of the server have the text that a kind of checksum is over. */
const TYPES_OF: Record<ChecksumKind, readonly string[]> = {
  integer: ['int2', 'int4', 'int8', 'oid'],
  decimal: ['numeric', 'int2', 'int4', 'int8'],
  text: ['text', 'varchar', 'name', 'uuid'],
  boolean: ['bool'],
  date: ['date'],
  timestamp: ['timestamp', 'timestamptz'],
  uuid: ['uuid'],
};

function checksumOf(expression: string, kind: ChecksumKind, column: CatalogColumn): string {
  if (column.isArray || !TYPES_OF[kind].includes(column.baseType)) throw noMeasure(column, 'a checksum');
  const text = textOf(expression, kind);
  return `sum(('x0' || substr(md5(${text}), 1, 15))::bit(64)::int8)::text`;
}

function textOf(expression: string, kind: ChecksumKind): string {
  switch (kind) {
    case 'decimal': {
      // trim_scale() came with version 13.
      const text = `(${expression})::numeric::text`;
      return `CASE WHEN position('.' IN ${text}) > 0 THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
    }
    case 'timestamp':
      return `(extract(epoch FROM ${expression})::numeric * 1000000)::int8::text`;
    case 'date':
      return `to_char(${expression}, 'YYYY-MM-DD')`;
    case 'integer':
    case 'text':
    case 'boolean':
    case 'uuid':
      return `${expression}::text`;
    default:
      return kind satisfies never;
  }
}

function noMeasure(column: CatalogColumn, what: string): IngestError {
  return new IngestError(
    'MEASURE_COLUMN',
    `Column ${column.name} is ${column.sourceType} in the source: ${what} of it would not mean the same on both sides.`,
    { hint: 'Leave the column out, or compare count only.' },
  );
}
