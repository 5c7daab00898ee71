import { Worker } from 'node:worker_threads';
import type { RowBatch } from '../../duckdb/row-batch.ts';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { errorFrom, type RowQuery, type TextRow, type WorkerAnswer, type WorkerCommand } from './row-protocol.ts';

/** A worker that did not end its statement so long after it was asked to is ended itself, milliseconds. */
const CANCEL_PATIENCE = 800;
/** A worker costs a tenth of a second and more to start: this many of a kind wait so long for the next read, milliseconds. */
const IDLE_WORKERS = 4;
const IDLE_TIME = 15_000;

/** The slice of a worker that is used. */
export interface RowWorker {
  postMessage(command: WorkerCommand, transfer?: ArrayBuffer[]): void;
  on(event: 'message', listener: (answer: WorkerAnswer) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  removeAllListeners(event: string): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** A statement that runs. */
export interface RunningQuery {
  /** Settles when all rows came, or it failed. */
  done: Promise<{ rows: number; watermark: string | null }>;
}

/** Told of each batch as it comes; `release` gives its buffer back, without which the worker rests after a few. */
export type OnBatch = (batch: RowBatch, lossy: number[], release: () => void) => void;

const idleWorkers = new Map<string, Set<RowWorker>>();

/**
 * The main thread's side of a dialect's worker: one session, one statement at a time. A worker that dies fails what waits for it; a signal that
 * aborts ends the statement on the server and the wait within a second.
 */
export class RowClient {
  readonly #worker: RowWorker;
  readonly #kind: string;
  #waiting: PromiseWithResolvers<WorkerAnswer> | null = null;
  #onBatch: OnBatch | null = null;
  #dead: IngestError | null = null;
  #closed: Promise<void> | null = null;

  private constructor(worker: RowWorker, kind: string) {
    this.#worker = worker;
    this.#kind = kind;
    worker.on('message', (answer) => this.#answered(answer));
    worker.on('error', (error) => this.#die(messageOf(error)));
    worker.on('exit', () => this.#die('it ended without an answer'));
    worker.ref();
  }

  /** Takes a waiting worker or starts one. `url` is the dialect's worker module beside the caller's: see {@link workerUrl}. */
  static start(url: URL): RowClient {
    const idle = idleWorkers.get(url.href);
    const [waiting] = idle ?? [];
    if (waiting !== undefined) idle?.delete(waiting);
    return new RowClient(waiting ?? (new Worker(url) as RowWorker), url.href);
  }

  /** A client of something that behaves like a worker. */
  static over(worker: RowWorker): RowClient {
    return new RowClient(worker, '');
  }

  /**
   * Opens the session; `options` are the dialect's own. Where that fails or is cancelled the worker is ended, and its sockets with it: a driver may
   * be unable to stop connecting.
   */
  async open(options: unknown, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    const onAbort = () => this.#die('it was not wanted any more');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#post({ kind: 'open', options });
    } catch (error) {
      this.#die('it could not connect');
      await this.#worker.terminate();
      throwIfCancelled(signal);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A small statement of the session. */
  async execute(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]> {
    const answer = await this.#ask({ kind: 'execute', sql, doing }, signal);
    return answer.kind === 'executed' ? answer.rows : [];
  }

  /** Runs a statement whose rows come as batches. */
  query(query: RowQuery, onBatch: OnBatch, signal: AbortSignal): RunningQuery {
    this.#onBatch = onBatch;
    const done = this.#ask({ kind: 'query', query }, signal).then((answer) => {
      this.#onBatch = null;
      if (answer.kind !== 'end') throw new TypeError(`The worker answered ${answer.kind}.`);
      return { rows: answer.rows, watermark: answer.watermark };
    });
    done.catch(() => undefined);
    return { done };
  }

  /** Ends what runs, closes the session and gives the worker back. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#waiting !== null) await this.#cancel(this.#waiting.promise);
    if (this.#dead !== null) return;
    const closing = this.#post({ kind: 'close' });
    const patience = AbortSignal.timeout(5 * CANCEL_PATIENCE);
    const ended = await Promise.race([closing.then(() => true), aborted(patience).then(() => false)]).catch(
      () => false,
    );
    // One by one: Node's worker listens to itself to know whether anybody waits for messages.
    for (const event of ['message', 'error', 'exit']) this.#worker.removeAllListeners(event);
    if (ended) this.#giveBack();
    else await this.#worker.terminate();
  }

  #giveBack(): void {
    const worker = this.#worker;
    const idle = idleWorkers.get(this.#kind) ?? new Set();
    if (this.#kind === '' || idle.size >= IDLE_WORKERS) {
      void worker.terminate();
      return;
    }
    idleWorkers.set(this.#kind, idle.add(worker));
    worker.unref();
    worker.on('error', () => idle.delete(worker));
    worker.on('exit', () => idle.delete(worker));
    setTimeout(() => {
      if (idle.delete(worker)) void worker.terminate();
    }, IDLE_TIME).unref();
  }

  async #ask(command: WorkerCommand, signal: AbortSignal): Promise<WorkerAnswer> {
    throwIfCancelled(signal);
    if (this.#dead !== null) throw this.#dead;
    if (this.#waiting !== null) throw new TypeError('One statement at a time.');
    const answer = this.#post(command);
    const onAbort = () => void this.#cancel(answer);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await answer;
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #post(command: WorkerCommand): Promise<WorkerAnswer> {
    const waiting = Promise.withResolvers<WorkerAnswer>();
    this.#waiting = waiting;
    this.#worker.postMessage(command);
    return waiting.promise;
  }

  #answered(answer: WorkerAnswer): void {
    if (answer.kind === 'batch') {
      const { batch, lossy } = answer;
      const { buffer } = batch;
      this.#onBatch?.(batch, lossy, () => this.#worker.postMessage({ kind: 'credit', buffer }, [buffer]));
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer.kind === 'failed') waiting?.reject(errorFrom(answer.error));
    else waiting?.resolve(answer);
  }

  /** Asks the worker to end its statement; one that cannot is ended itself. */
  async #cancel(answer: Promise<WorkerAnswer>): Promise<void> {
    this.#worker.postMessage({ kind: 'cancel' });
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), CANCEL_PATIENCE);
    await Promise.race([answer.catch(() => undefined), aborted(patience.signal)]);
    clearTimeout(timer);
    if (!patience.signal.aborted) return;
    this.#die('it did not end its statement');
    await this.#worker.terminate();
  }

  #die(why: string): void {
    this.#dead ??= new IngestError('READER_FAILED', `The thread that reads from the database failed: ${why}.`, {
      hint: 'Too little memory for very large values is a usual cause: read fewer columns, or set max_workers and partitions lower.',
      retryable: true,
    });
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(this.#dead);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Where a dialect's worker module lies: beside the module that asks (`import.meta.url`), TypeScript in a checkout, JavaScript where it was built. */
export function workerUrl(name: string, moduleUrl: string): URL {
  return new URL(`./${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
}
