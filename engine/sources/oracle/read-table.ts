import { NULL_COUNT_LIMIT, reportNullWatermarks } from '../database/null-watermarks.ts';
import { type RowRead, readRows } from '../database/read-rows.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment } from '../source.ts';
import { greatestWatermark, refuseEndless } from './greatest-watermark.ts';
import { type Parts, planParts } from './partitions.ts';
import { fromClause, planRead, type ReadPlan, selectStatement, whereClause } from './read-plan.ts';
import type { OracleSession } from './session.ts';

/** More rows at a time make no read faster, and only cost memory. */
const MAX_FETCH_ROWS = 5000;

export type OpenSession = (signal: AbortSignal) => Promise<OracleSession>;

/** Reads a job's table or view in one snapshot: see {@link import('../source.ts').Source.read}. */
export async function* readTable(
  open: OpenSession,
  request: ReadRequest,
  context: ReadContext,
): AsyncGenerator<Segment, ReadSummary> {
  const { signal } = context;
  const { job } = request;
  const session = await open(signal);
  const sessions = [session];
  try {
    const plan = await planRead(session, request, signal);
    for (const { warning } of plan.columns) if (warning) context.warn(warning);
    const options = { partitions: job.options.partitions, partitionColumn: job.options.partition_column };
    const parts = await planParts(session, plan, options, signal);
    // Several parts share a system change number; one has a moment of its own.
    if (parts.scn === undefined) await session.query('SET TRANSACTION READ ONLY', 'Beginning', signal);
    await handleNullWatermarks(session, plan, parts, request, context);
    const known = await greatestWatermark(session, plan, parts, signal);
    while (sessions.length < parts.conditions.length) sessions.push(await open(signal));

    const statements = parts.conditions.map((part) => selectStatement(plan, { part, scn: parts.scn }));
    context.log('DEBUG', `${plan.name}: ${statements[0]}`);
    if (statements.length > 1) {
      context.log('INFO', `${plan.name}: ${statements.length} readers at system change number ${parts.scn}.`);
    }
    const summary = yield* readRows(
      sessions.map(({ rows }) => rows),
      rowRead(plan, statements, Math.min(job.chunk_size, MAX_FETCH_ROWS)),
      context,
    );
    if (known !== undefined) summary.watermark = known;
    else if (summary.watermark !== undefined) summary.watermark = refuseEndless(summary.watermark, plan);
    return summary;
  } finally {
    await Promise.all(sessions.map((each) => each.close()));
  }
}

function rowRead(plan: ReadPlan, statements: string[], fetchRows: number): RowRead {
  const { watermark, name, columns, sampleRows } = plan;
  const order = sampleRows === null ? (watermark?.order ?? null) : null;
  return {
    name,
    columns,
    watermark: watermark && order ? { column: watermark.column.name, order } : null,
    statements,
    sampleRows,
    fetchRows,
  };
}

/** Counts rows without a watermark: an error, or a warning for those that are left out. */
async function handleNullWatermarks(
  session: OracleSession,
  plan: ReadPlan,
  { scn }: Parts,
  { incremental }: ReadRequest,
  context: ReadContext,
): Promise<void> {
  const { watermark, name } = plan;
  // A sample is for looking at: it is not worth a scan of the table.
  if (!watermark || !incremental || plan.sampleRows !== null) return;
  if (!watermark.column.nullable || incremental.nullWatermarks === 'include') return;
  const column = watermark.column.name;
  const [row] = await session.query(
    `SELECT COUNT(*) AS "count" FROM (SELECT 1 AS "one" ${fromClause(plan, { scn })} ${whereClause([`${watermark.reference} IS NULL`])}
     FETCH FIRST ${NULL_COUNT_LIMIT + 1} ROWS ONLY) n`,
    `Counting rows of ${name} without ${column}`,
    context.signal,
  );
  reportNullWatermarks(Number(row?.count ?? 0), { name, column }, incremental.nullWatermarks, context);
}
