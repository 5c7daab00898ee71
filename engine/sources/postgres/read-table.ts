import { ChunkWriter, type FilledTable } from '../../duckdb/chunk-writer.ts';
import { identifier } from '../../duckdb/sql.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { ReadContext, ReadRequest, ReadSummary, Segment, SourceColumn } from '../source.ts';
import { planParts } from './partitions.ts';
import { fromClause, planRead, type ReadPlan, selectStatement, whereClause } from './read-plan.ts';
import { createRowDecoder } from './row-decoder.ts';
import type { PostgresSession } from './session.ts';
import { WatermarkTracker } from './watermark-tracker.ts';

/** Two of DuckDB's row groups, or 96 MiB in memory, whichever comes first; both are shared by the readers of one table. */
const SEGMENT_ROWS = 245_760;
const SEGMENT_BYTES = 96 << 20;
const MIN_SEGMENT_ROWS = 20_480;
/** Rows that are worth counting among those without a watermark. */
const NULL_COUNT_LIMIT = 10_000;

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
  let empty: FilledTable | null = null;
  let finished = false;
  try {
    await session.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', [], 'Beginning', signal);
    const plan = await planRead(session, request, signal);
    warnOfHiddenRows(plan, context);
    await handleNullWatermarks(session, plan, request, context);
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

    const counts = new Counts(context);
    for (const [index, part] of parts.entries()) {
      const select = selectStatement(plan, { part });
      readers.push(
        await PartReader.start(sessions[index] as PostgresSession, select, plan, parts.length, counts, context),
      );
    }
    const columns = plan.columns.map(sourceColumn);
    let rows = 0;
    for await (const table of interleave(readers)) {
      if (table.rows === 0) {
        await empty?.release();
        empty = table;
        continue;
      }
      await tracker.add(table);
      rows += table.rows;
      yield { ...table, columns };
      throwIfCancelled(signal);
    }
    // An empty table is a segment too where there is no other: it says which columns there are.
    if (empty && rows === 0) yield { ...empty, columns };
    counts.report();
    finished = true;
    return { watermark: await tracker.greatest(), verdict: verdict(plan, rows), retries: 0 };
  } finally {
    await Promise.all(sessions.map((each) => (finished ? each.close() : each.abort())));
    await Promise.all(readers.map((reader) => reader.close()));
    await empty?.release();
    await tracker?.close();
  }
}

/** Rows and bytes of all parts, for progress. */
class Counts {
  readonly #context: ReadContext;
  readonly #writers: ChunkWriter[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  watch(writer: ChunkWriter): void {
    this.#writers.push(writer);
  }

  /** A writer's table is complete: its rows are not the writer's any more. */
  add(table: FilledTable): void {
    this.#rows += table.rows;
    this.#bytes += table.bytes;
  }

  report(): void {
    let { rows, bytes } = { rows: this.#rows, bytes: this.#bytes };
    for (const writer of this.#writers) {
      rows += writer.rows;
      bytes += writer.bytes;
    }
    this.#context.progress({ rows, bytes });
  }
}

/**
 * Reads one part of the table into one in-memory table after another. The next is begun when it is asked for, which the caller does while it
 * uses the one before: two in flight, and the socket rests while nothing is asked for.
 */
class PartReader {
  readonly #writer: ChunkWriter;
  readonly #counts: Counts;
  #done: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;
  #full: PromiseWithResolvers<void> | null = Promise.withResolvers();
  #ended = false;

  private constructor(writer: ChunkWriter, counts: Counts) {
    this.#writer = writer;
    this.#counts = counts;
  }

  static async start(
    session: PostgresSession,
    select: string,
    plan: ReadPlan,
    readers: number,
    counts: Counts,
    context: ReadContext,
  ): Promise<PartReader> {
    const columns = plan.columns.map((column) => ({ name: column.name, type: column.segmentType }));
    const writer = await ChunkWriter.open(context.workspace, columns, {
      tableRows: Math.max(Math.floor(SEGMENT_ROWS / readers), MIN_SEGMENT_ROWS),
      tableBytes: Math.floor(SEGMENT_BYTES / readers),
    });
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

/** Tables of all readers as they become full. */
async function* interleave(readers: readonly PartReader[]): AsyncGenerator<FilledTable> {
  const waiting = new Map(readers.map((reader) => [reader, ask(reader)]));
  try {
    while (waiting.size > 0) {
      const { reader, table } = await Promise.race(waiting.values());
      waiting.delete(reader);
      if (!table) continue;
      yield table;
      waiting.set(reader, ask(reader));
    }
  } finally {
    for (const promise of waiting.values()) {
      promise.then(({ table }) => table?.release()).catch(() => undefined);
    }
  }
}

async function ask(reader: PartReader): Promise<{ reader: PartReader; table: FilledTable | null }> {
  return { reader, table: await reader.next() };
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
  const [row] = await (sessions[0] as PostgresSession).query('SELECT pg_export_snapshot() AS id', [], doing, signal);
  const id = row?.id ?? '';
  if (!/^[0-9A-Fa-f-]+$/.test(id)) throw new IngestError('SNAPSHOT_FAILED', `The server exported no snapshot (${id}).`);
  while (sessions.length < count) {
    const session = await open(signal);
    sessions.push(session);
    await session.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', [], doing, signal);
    await session.query(`SET TRANSACTION SNAPSHOT '${id}'`, [], doing, signal);
  }
}

/** Counts rows without a watermark: an error, or a warning for those that are left out. */
async function handleNullWatermarks(
  session: PostgresSession,
  plan: ReadPlan,
  { incremental }: ReadRequest,
  context: ReadContext,
): Promise<void> {
  const { watermark } = plan;
  // A sample is for looking at: it is not worth a scan of the table.
  if (!watermark || !incremental || plan.sampleRows !== null) return;
  if (!watermark.column.nullable || incremental.nullWatermarks === 'include') return;
  const column = watermark.column.name;
  const isNull = `q.${identifier(column)} IS NULL`;
  const [row] = await session.query(
    `SELECT count(*) AS count FROM (SELECT 1 ${fromClause(plan)} ${whereClause([isNull])} LIMIT ${NULL_COUNT_LIMIT + 1}) n`,
    [],
    `Counting rows of ${plan.name} without ${column}`,
    context.signal,
  );
  const found = Number(row?.count ?? 0);
  if (found === 0) return;
  const count = found > NULL_COUNT_LIMIT ? `more than ${NULL_COUNT_LIMIT}` : String(found);
  const message = `${plan.name}: ${count} ${found === 1 ? 'row has' : 'rows have'} no value in watermark_column "${column}"`;
  if (incremental.nullWatermarks === 'raise') {
    throw new IngestError('WATERMARK_NULL', `${message}.`, {
      hint: 'Correct the rows, or set null_watermarks to exclude (leave them out) or include (read them every time).',
    });
  }
  context.warn({
    code: 'WATERMARK_NULL',
    column,
    message: `${message}: left out.`,
    hint: 'null_watermarks = "include" reads them every time, "raise" stops the job.',
  });
}

function warnOfHiddenRows(plan: ReadPlan, context: ReadContext): void {
  if (!plan.object.rowSecurity) return;
  context.warn({
    code: 'ROW_SECURITY',
    message: `${plan.name} has row-level security: the connection's user sees only the rows that its policies allow.`,
    hint: 'If all rows are wanted, read with a user that has BYPASSRLS.',
  });
}

function sourceColumn(column: ReadPlan['columns'][number]): SourceColumn {
  const { name, sourceType, segmentType, landedType, nullable } = column;
  return { name, sourceType, segmentType, landedType, nullable };
}

function verdict(plan: ReadPlan, rows: number): ReadSummary['verdict'] {
  if (plan.sampleRows !== null && rows >= plan.sampleRows) {
    return { reason: 'sample', detail: `Stopped after ${rows} rows of ${plan.name}.`, records: rows };
  }
  return { reason: 'end_of_table', detail: `Read ${plan.name} to its end: ${rows} rows.`, records: rows };
}
