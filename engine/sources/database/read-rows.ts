import { ChunkWriter, type FilledTable } from '../../duckdb/chunk-writer.ts';
import type { RowBatch } from '../../duckdb/row-batch.ts';
import type { ReadContext, ReadSummary, Segment, SourceColumn } from '../source.ts';
import { readSegments, type TableReader } from './interleave.ts';
import { ReadCounts, segmentLimits } from './read-counts.ts';
import type { RowClient } from './row-client.ts';
import type { RowQuery } from './row-protocol.ts';
import type { ValueFormat } from './value-writer.ts';
import { isGreater, type WatermarkOrder } from './watermark-order.ts';

/** A column of a read: what lands, and how the driver gives it. */
export interface ReadColumn extends SourceColumn {
  format: ValueFormat;
}

/** A planned read, the same for every dialect. */
export interface RowRead {
  /** `schema.name`, for people. */
  name: string;
  /** Columns of the statements' results, in their order. */
  columns: readonly ReadColumn[];
  /** The column whose greatest value is the next watermark; null for a FULL read or a sample. */
  watermark: { column: string; order: WatermarkOrder } | null;
  /** One statement a part; each row is in exactly one. */
  statements: readonly string[];
  sampleRows: number | null;
  /** Rows that the driver fetches at a time. */
  fetchRows: number;
}

/** The slice of a plan that is read. */
interface ReadablePlan {
  name: string;
  columns: readonly ReadColumn[];
  /** Without an order only the server knows which is the greatest. */
  watermark: { column: { name: string }; order: WatermarkOrder | null } | null;
  sampleRows: number | null;
}

/** A plan with its statements. A sample leaves no watermark. */
export function rowRead(
  { name, columns, watermark, sampleRows }: ReadablePlan,
  statements: readonly string[],
  fetchRows: number,
): RowRead {
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

/** What a source's column says, without what only its reader needs. */
export function sourceColumn(column: SourceColumn): SourceColumn {
  const { name, sourceType, segmentType, landedType, nullable } = column;
  return { name, sourceType, segmentType, landedType, nullable };
}

/** Why the read of a table ended. */
export function tableVerdict(name: string, sampleRows: number | null, rows: number): ReadSummary['verdict'] {
  if (sampleRows !== null && rows >= sampleRows) {
    return { reason: 'sample', detail: `Stopped after ${rows} rows of ${name}.`, records: rows };
  }
  return { reason: 'end_of_table', detail: `Read ${name} to its end: ${rows} rows.`, records: rows };
}

/**
 * Reads a planned read, a statement through a client each, into segments: at most two in flight, and the servers rest while nothing is asked for.
 * The clients are open and the caller closes them. Warns once of each column that lost digits beyond microseconds.
 */
export async function* readRows(
  clients: readonly RowClient[],
  read: RowRead,
  context: ReadContext,
): AsyncGenerator<Segment, ReadSummary> {
  const counts = new ReadCounts(context);
  const warnOnce = { ...context, warn: onceEach(context.warn) };
  const readers: PartReader[] = [];
  const leftovers: Promise<void>[] = [];
  try {
    for (const [index, sql] of read.statements.entries()) {
      readers.push(await PartReader.start(clients[index] as RowClient, sql, read, counts, warnOnce));
    }
    const columns = read.columns.map(sourceColumn);
    const rows = yield* readSegments(readers, columns, { signal: context.signal, leftovers });
    counts.report();
    return {
      ...(read.watermark === null ? {} : { watermark: greatest(readers, read.watermark.order) }),
      verdict: tableVerdict(read.name, read.sampleRows, rows),
      retries: 0,
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(readers.map((reader) => reader.close()));
    await Promise.all(leftovers);
  }
}

/** The greatest watermark of all parts. */
function greatest(readers: readonly PartReader[], order: WatermarkOrder): string | null {
  let known: string | null = null;
  for (const { watermark } of readers) {
    if (watermark !== null && isGreater(order, watermark, known)) known = watermark;
  }
  return known;
}

/**
 * Reads one part into one in-memory table after another. The next is begun when it is asked for, which the caller does while it uses the one
 * before; until then batches wait here, as many as the worker has credit for.
 */
class PartReader implements TableReader {
  /** The greatest watermark, once the part was read. */
  watermark: string | null = null;
  readonly #writer: ChunkWriter;
  readonly #counts: ReadCounts;
  readonly #batches: { batch: RowBatch; release: () => void }[] = [];
  #wake: PromiseWithResolvers<void> | null = null;
  #asked: Promise<unknown> = Promise.resolve();
  #outcome: { failure: unknown } | null = null;
  #ended = false;

  private constructor(writer: ChunkWriter, counts: ReadCounts) {
    this.#writer = writer;
    this.#counts = counts;
  }

  static async start(
    client: RowClient,
    sql: string,
    read: RowRead,
    counts: ReadCounts,
    context: ReadContext,
  ): Promise<PartReader> {
    const { columns, watermark, name: object, fetchRows } = read;
    const writer = await ChunkWriter.open(
      context.workspace,
      columns.map((column) => ({ name: column.name, type: column.segmentType })),
      // The workers' heaps and batches lie beside: half of what a reader in this thread may hold.
      segmentLimits(2 * read.statements.length),
    );
    const reader = new PartReader(writer, counts);
    counts.watch(writer);
    const query: RowQuery = {
      sql,
      columns: columns.map(({ name, segmentType: type, format }) => ({ name, type, format })),
      object,
      fetchRows,
      watermark: watermark && {
        index: columns.findIndex((column) => column.name === watermark.column),
        order: watermark.order,
      },
    };
    const running = client.query(
      query,
      (batch, lossy, release) => {
        for (const index of lossy) warnOfDigits(read, index, context);
        reader.#add(batch, release);
      },
      context.signal,
    );
    running.done.then(
      (end) => {
        reader.watermark = end.watermark;
        reader.#settle(null);
      },
      (failure: unknown) => reader.#settle(failure),
    );
    return reader;
  }

  next(): Promise<FilledTable | null> {
    const asked = this.#fill();
    this.#asked = asked.catch(() => undefined);
    return asked;
  }

  /** Drops what was not finished. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#wake?.resolve();
    await this.#asked;
    await this.#writer.close();
  }

  async #fill(): Promise<FilledTable | null> {
    if (this.#ended) return null;
    await this.#writer.begin();
    while (!this.#ended) {
      const next = this.#batches.shift();
      if (next) {
        const isFull = this.#writer.appendBatch(next.batch);
        next.release();
        this.#counts.report();
        if (isFull) return this.#finish();
      } else if (this.#outcome) {
        if (this.#outcome.failure !== null) throw this.#outcome.failure;
        this.#ended = true;
        return this.#finish();
      } else {
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
      }
    }
    return null;
  }

  #finish(): FilledTable {
    const table = this.#writer.finish();
    this.#counts.add(table);
    return table;
  }

  #add(batch: RowBatch, release: () => void): void {
    this.#batches.push({ batch, release });
    this.#wake?.resolve();
  }

  #settle(failure: unknown): void {
    this.#outcome = { failure };
    this.#wake?.resolve();
  }
}

function warnOfDigits(read: RowRead, index: number, context: ReadContext): void {
  const column = read.columns[index];
  if (!column) return;
  context.warn({
    code: 'DIGITS_BEYOND_MICROSECONDS',
    column: column.name,
    message: `${read.name}, column "${column.name}": digits beyond microseconds were left out; ${column.landedType} has no place for them.`,
    hint: `column_types: ${column.name}:varchar keeps them, as text.`,
  });
}

/** Passes each code of each column on once. */
function onceEach(warn: ReadContext['warn']): ReadContext['warn'] {
  const known = new Set<string>();
  return (warning) => {
    const key = `${warning.code} ${warning.column}`;
    if (known.has(key)) return;
    known.add(key);
    warn(warning);
  };
}
