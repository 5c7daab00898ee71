import { cancelled, throwIfCancelled } from '../../errors.ts';
import { BatchWriter } from './batch-writer.ts';
import {
  BATCHES_IN_FLIGHT,
  describeError,
  type RowQuery,
  type TextRow,
  type WorkerAnswer,
  type WorkerCommand,
} from './row-protocol.ts';
import { valueError } from './value-error.ts';
import { createValueWriter } from './value-writer.ts';
import { isGreater } from './watermark-order.ts';

/** A database's driver in the worker thread. Everything that it throws should be an IngestError already. */
export interface RowDialect<Options> {
  /** Opens a session; `options` came from {@link RowClient.open}. */
  connect(options: Options, signal: AbortSignal): Promise<RowSession>;
}

/** A session of a driver: one statement at a time. When the signal aborts, the statement is ended on the server and the promise settles. */
export interface RowSession {
  /** A small statement: its rows as texts. */
  execute(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]>;
  /** Gives each row to the sink, in the columns' order. */
  stream(query: RowQuery, sink: RowSink, signal: AbortSignal): Promise<void>;
  /** Closes politely, or at once where a statement was cancelled. */
  close(): Promise<void>;
}

/** Where a driver's rows go. */
export interface RowSink {
  /** Writes a row: `null` or `undefined` is NULL. False: rest until {@link drained}; rows that the driver holds already may still come. */
  write(values: ArrayLike<unknown>): boolean;
  /** Resolves when there is room again, at once where there is. */
  drained(): Promise<void>;
  /** A watermark's own text, where the value that the driver gives is not the text; default `String(value)`. */
  watermarkText?: (value: unknown) => string;
}

/** The slice of a MessagePort (or of `parentPort`) that is used. */
export interface AnswerPort {
  postMessage(answer: WorkerAnswer, transfer?: ArrayBuffer[]): void;
  on(event: 'message', listener: (command: WorkerCommand) => void): unknown;
}

/**
 * Serves a dialect's rows from this thread: a dialect's worker module is `serveRows(parentPort, dialect)` and nothing else. Commands come from a
 * {@link import('./row-client.ts').RowClient}, one at a time.
 */
export function serveRows<Options>(port: AnswerPort, dialect: RowDialect<Options>): void {
  let session: RowSession | null = null;
  let running: AbortController | null = null;
  let sink: BatchSink | null = null;

  const opened = (): RowSession => {
    if (session === null) throw new TypeError('open comes first');
    return session;
  };

  const answer = async (command: WorkerCommand, signal: AbortSignal): Promise<WorkerAnswer> => {
    switch (command.kind) {
      case 'open':
        session = await dialect.connect(command.options as Options, signal);
        return { kind: 'opened' };
      case 'execute':
        return { kind: 'executed', rows: await opened().execute(command.sql, command.doing, signal) };
      case 'query': {
        sink = new BatchSink(command.query, port, signal);
        await opened().stream(command.query, sink, signal);
        throwIfCancelled(signal);
        return sink.end();
      }
      case 'close':
        await session?.close();
        session = null;
        return { kind: 'closed' };
      default:
        throw new TypeError(`No command: ${command.kind}`);
    }
  };

  const run = async (command: WorkerCommand) => {
    const controller = new AbortController();
    running = controller;
    try {
      port.postMessage(await answer(command, controller.signal));
    } catch (error) {
      const reason = controller.signal.aborted ? cancelled(controller.signal) : error;
      port.postMessage({ kind: 'failed', error: describeError(reason) });
    } finally {
      running = null;
      sink = null;
    }
  };

  port.on('message', (command) => {
    if (command.kind === 'cancel') running?.abort();
    else if (command.kind === 'credit') sink?.credit(command.buffer);
    else void run(command);
  });
}

/** Writes rows into batches and posts them while there is credit. */
class BatchSink implements RowSink {
  watermarkText: (value: unknown) => string = String;
  readonly #port: AnswerPort;
  readonly #writer: BatchWriter;
  readonly #writers: ReturnType<typeof createValueWriter>[];
  readonly #watermark: RowQuery['watermark'];
  readonly #signal: AbortSignal;
  readonly #lossy = new Set<number>();
  readonly #free: ArrayBuffer[] = [];
  #credits = BATCHES_IN_FLIGHT;
  #room: PromiseWithResolvers<void> | null = null;
  #rows = 0;
  #greatest: string | null = null;
  #last: unknown = null;

  constructor(query: RowQuery, port: AnswerPort, signal: AbortSignal) {
    this.#port = port;
    this.#signal = signal;
    this.#watermark = query.watermark;
    this.#writer = new BatchWriter(query.columns);
    this.#writers = query.columns.map(({ name, type, format }, index) =>
      createValueWriter(
        this.#writer,
        this.#writer.columns[index] as BatchWriter['columns'][number],
        format,
        (value, why) => {
          throw valueError(query.object, name, type, value, why);
        },
        () => this.#lossy.add(index),
      ),
    );
    signal.addEventListener('abort', () => this.#room?.resolve(), { once: true });
  }

  write(values: ArrayLike<unknown>): boolean {
    const writer = this.#writer;
    const { columns, row } = writer;
    const writers = this.#writers;
    for (let index = 0; index < writers.length; index += 1) {
      const value = values[index];
      if (value === null || value === undefined) (columns[index] as (typeof columns)[number]).setNull(row);
      else (writers[index] as (typeof writers)[number])(value, row);
    }
    if (this.#watermark !== null) this.#track(values[this.#watermark.index]);
    if (!writer.endRow()) return this.#credits > 0;
    this.#post();
    return this.#credits > 0;
  }

  async drained(): Promise<void> {
    if (this.#credits > 0 || this.#signal.aborted) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }

  credit(buffer: ArrayBuffer): void {
    this.#credits += 1;
    this.#free.push(buffer);
    if (this.#credits <= 0) return;
    this.#room?.resolve();
    this.#room = null;
  }

  /** Posts the last rows. */
  end(): WorkerAnswer {
    if (this.#writer.row > 0) this.#post();
    return { kind: 'end', rows: this.#rows, watermark: this.#greatest };
  }

  #track(value: unknown): void {
    if (value === null || value === undefined || value === this.#last) return;
    this.#last = value;
    const text = this.watermarkText(value);
    if (isGreater(this.#watermark?.order ?? 'text', text, this.#greatest)) this.#greatest = text;
  }

  #post(): void {
    const batch = this.#writer.take(this.#free.pop());
    this.#rows += batch.rows;
    this.#credits -= 1;
    this.#port.postMessage({ kind: 'batch', batch, lossy: [...this.#lossy] }, [batch.buffer]);
    this.#lossy.clear();
  }
}
