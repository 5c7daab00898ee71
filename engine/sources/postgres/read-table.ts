import { ChunkWriter, type FilledTable } from '../../duckdb/chunk-writer.ts';
import { IngestError } from '../../errors.ts';
import { readSegments, type TableReader } from '../database/interleave.ts';
import { handleNullWatermarks, NULL_COUNT_LIMIT } from '../database/null-watermarks.ts';
import { ReadCounts, segmentLimits } from '../database/read-counts.ts';
import { whereClause } from '../database/read-plan.ts';
import { sourceColumn, tableVerdict } from '../database/read-rows.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment } from '../source.ts';
import { planParts } from './partitions.ts';
import { fromClause, planRead, type ReadPlan, selectStatement } from './read-plan.ts';
import { createRowDecoder } from './row-decoder.ts';
import { BEGIN_READ, type PostgresSession } from './session.ts';
import { WatermarkTracker } from './watermark-tracker.ts';

export type OpenSession = (signal: AbortSignal) => Promise<PostgresSession>;

/** Reads a job's table or view in one snapshot: see {@link import('../source.ts').Source.read}. */
export async function* readTable(
  open: OpenSession,
  request: ReadRequest,
  context: ReadContext,
): AsyncGenerator<Segment, ReadSummary> {
  const { signal } = context;
  const sessions: PostgresSession[] = [await open(signal)];
  const session = sessions[0] as PostgresSession;
  const readers: PartReader[] = [];
  let tracker: WatermarkTracker | null = null;
  const leftovers: Promise<void>[] = [];
  let finished = false;
  try {
    await session.query(BEGIN_READ, 'Beginning', signal);
    const plan = await planRead(session, request, signal);
    warnOfHiddenRows(plan, context);
    await handleNullWatermarks(plan, request, context, async (condition, doing) => {
      const found = `SELECT 1 ${fromClause(plan)} ${whereClause([condition])} LIMIT ${NULL_COUNT_LIMIT}`;
      const [row] = await session.query(`SELECT count(*) AS count FROM (${found}) n`, doing, signal);
      return row?.count;
    });
    const parts = await planParts(
      session,
      plan,
      {
        partitions: request.job.options.partitions,
        partitionColumn: request.job.options.partition_column,
        primaryKey: request.job.primary_key,
      },
      signal,
    );
    tracker = await WatermarkTracker.open(session, plan, context);
    await joinSnapshot(open, sessions, parts.length, signal);
    context.log('DEBUG', `${plan.name}: ${selectStatement(plan, { part: parts[0] })}`);
    if (parts.length > 1) context.log('INFO', `${plan.name}: ${parts.length} readers in one snapshot.`);

    const counts = new ReadCounts(context);
    for (const [index, part] of parts.entries()) {
      const select = selectStatement(plan, { part });
      readers.push(
        await PartReader.start(sessions[index] as PostgresSession, select, plan, parts.length, counts, context),
      );
    }
    const greatest = tracker;
    const rows = yield* readSegments(readers, plan.columns.map(sourceColumn), {
      signal,
      leftovers,
      onTable: (table) => greatest.add(table),
    });
    counts.report();
    finished = true;
    return { watermark: await tracker.greatest(), verdict: tableVerdict(plan.name, plan.sampleRows, rows), retries: 0 };
  } finally {
    await Promise.all(sessions.map((each) => (finished ? each.close() : each.abort())));
    await Promise.all(readers.map((reader) => reader.close()));
    await Promise.all(leftovers);
    await tracker?.close();
  }
}

/**
 * Reads one part of the table into one in-memory table after another. The next is begun when it is asked for, which the caller does while it
 * uses the one before: two in flight, and the socket rests while nothing is asked for.
 */
class PartReader implements TableReader {
  readonly #writer: ChunkWriter;
  readonly #counts: ReadCounts;
  #done: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;
  #full: PromiseWithResolvers<void> | null = Promise.withResolvers();
  #ended = false;

  private constructor(writer: ChunkWriter, counts: ReadCounts) {
    this.#writer = writer;
    this.#counts = counts;
  }

  static async start(
    session: PostgresSession,
    select: string,
    plan: ReadPlan,
    readers: number,
    counts: ReadCounts,
    context: ReadContext,
  ): Promise<PartReader> {
    const columns = plan.columns.map((column) => ({ name: column.name, type: column.segmentType }));
    const writer = await ChunkWriter.open(context.workspace, columns, segmentLimits(readers));
    const reader = new PartReader(writer, counts);
    counts.watch(writer);
    try {
      await writer.begin();
      const decode = createRowDecoder(writer, plan.columns, { object: plan.name, onRows: () => counts.report() });
      const copy = await session.copyOut(
        select,
        (buffer, start, end) => {
          const goOn = decode(buffer, start, end);
          if (!goOn) reader.#full?.resolve();
          return goOn;
        },
        `Reading ${plan.name}`,
        context.signal,
      );
      reader.#done = copy.done;
      reader.#resume = copy.resume;
      return reader;
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** The next filled table; null after the last. */
  async next(): Promise<FilledTable | null> {
    if (this.#ended) return null;
    if (this.#full === null) {
      await this.#writer.begin();
      this.#full = Promise.withResolvers();
      this.#resume();
    }
    const isFull = await Promise.race([this.#full.promise.then(() => true), this.#done.then(() => false)]);
    this.#full = null;
    this.#ended = !isFull;
    const table = this.#writer.finish();
    this.#counts.add(table);
    return table;
  }

  /** Waits for the statement's end and drops what was not finished. */
  async close(): Promise<void> {
    await this.#done.catch(() => undefined);
    await this.#writer.close();
  }
}

/** Opens a session for each further part, all in the first one's snapshot. */
async function joinSnapshot(
  open: OpenSession,
  sessions: PostgresSession[],
  count: number,
  signal: AbortSignal,
): Promise<void> {
  if (count <= 1) return;
  const doing = 'Sharing the snapshot';
  const [row] = await (sessions[0] as PostgresSession).query('SELECT pg_export_snapshot() AS id', doing, signal);
  const id = row?.id ?? '';
  if (!/^[0-9A-Fa-f-]+$/.test(id)) throw new IngestError('SNAPSHOT_FAILED', `The server exported no snapshot (${id}).`);
  while (sessions.length < count) {
    const session = await open(signal);
    sessions.push(session);
    await session.query(BEGIN_READ, doing, signal);
    await session.query(`SET TRANSACTION SNAPSHOT '${id}'`, doing, signal);
  }
}

function warnOfHiddenRows(plan: ReadPlan, context: ReadContext): void {
  if (!plan.object.rowSecurity) return;
  context.warn({
    code: 'ROW_SECURITY',
    message: `${plan.name} has row-level security: the connection's user sees only the rows that its policies allow.`,
    hint: 'If all rows are wanted, read with a user that has BYPASSRLS.',
  });
}
