import { handleNullWatermarks, NULL_COUNT_LIMIT } from '../database/null-watermarks.ts';
import { whereClause } from '../database/read-plan.ts';
import { readRows, rowRead } from '../database/read-rows.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment } from '../source.ts';
import { partCount, planParts } from './partitions.ts';
import { fromClause, planRead, selectStatement } from './read-plan.ts';
import type { MssqlSession } from './session.ts';
import { beginParts, beginRead, consistencyOf, refuseWithoutSnapshot, warnOfMovingRows } from './snapshot.ts';

export type OpenSession = (signal: AbortSignal) => Promise<MssqlSession>;

/** Reads a job's table or view in one snapshot, where the database has snapshots: see {@link import('../source.ts').Source.read}. */
export async function* readTable(
  open: OpenSession,
  request: ReadRequest,
  context: ReadContext,
): AsyncGenerator<Segment, ReadSummary> {
  const { signal } = context;
  const { job } = request;
  const sessions = [await open(signal)];
  const session = sessions[0] as MssqlSession;
  try {
    const plan = await planRead(session, request, signal);
    for (const { warning } of plan.columns) if (warning) context.warn(warning);
    const consistency = await consistencyOf(session, plan, signal);
    const options = { partitions: job.options.partitions, partitionColumn: job.options.partition_column };
    if (options.partitions > 1 && plan.sampleRows === null) refuseWithoutSnapshot(plan, consistency);
    const parts = await planParts(session, plan, partCount(plan, options), options, signal);
    if (parts.length === 1) {
      warnOfMovingRows(plan, consistency, context);
      await beginRead(session, consistency, signal);
    } else {
      while (sessions.length < parts.length) sessions.push(await open(signal));
      const keeper = await open(signal);
      try {
        await beginParts(keeper, sessions, plan, signal);
      } finally {
        await keeper.close();
      }
      context.log('INFO', `${plan.name}: ${parts.length} readers in one snapshot.`);
    }
    await handleNullWatermarks(plan, request, context, async (condition, doing) => {
      const found = `SELECT TOP (${NULL_COUNT_LIMIT}) 1 AS [one] ${fromClause(plan)} ${whereClause([condition])}`;
      const [row] = await session.query(`SELECT COUNT(*) AS [count] FROM (${found}) n`, doing, signal);
      return row?.count;
    });
    const statements = parts.map((part) => selectStatement(plan, { part }));
    context.log('DEBUG', `${plan.name}: ${statements[0]}`);
    return yield* readRows(
      sessions.map(({ rows }) => rows),
      rowRead(plan, statements, job.chunk_size),
      context,
    );
  } finally {
    await Promise.all(sessions.map((each) => each.close()));
  }
}
