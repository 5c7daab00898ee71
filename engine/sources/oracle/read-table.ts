import { handleNullWatermarks, NULL_COUNT_LIMIT } from '../database/null-watermarks.ts';
import { whereClause } from '../database/read-plan.ts';
import { readRows, rowRead } from '../database/read-rows.ts';
import { refuseEndless } from '../database/watermark-predicate.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment } from '../source.ts';
import { greatestWatermark } from './greatest-watermark.ts';
import { planParts } from './partitions.ts';
import { fromClause, planRead, selectStatement } from './read-plan.ts';
import { BEGIN_READ, type OracleSession } from './session.ts';

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
    if (parts.scn === undefined) await session.query(BEGIN_READ, 'Beginning', signal);
    await handleNullWatermarks(plan, request, context, async (condition, doing) => {
      const found = `SELECT 1 AS "one" ${fromClause(plan, { scn: parts.scn })} ${whereClause([condition])}
        FETCH FIRST ${NULL_COUNT_LIMIT} ROWS ONLY`;
      const [row] = await session.query(`SELECT COUNT(*) AS "count" FROM (${found}) n`, doing, signal);
      return row?.count;
    });
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
    else if (summary.watermark !== undefined && plan.watermark !== null) {
      summary.watermark = refuseEndless(summary.watermark, plan.name, plan.watermark.column);
    }
    return summary;
  } finally {
    await Promise.all(sessions.map((each) => each.close()));
  }
}
