import { RowClient } from './row-client.ts';
import type { TextRow } from './row-protocol.ts';
import type { DatabaseSession } from './session-source.ts';

/** One connection to a server, held by a worker thread. Statements run one after another; a cancelled one ends on the server too. */
export class ThreadSession<Options> implements DatabaseSession {
  /** For reads of many rows. */
  readonly rows: RowClient;
  /** What it was opened with. */
  readonly options: Options;
  onClose: () => void = () => undefined;
  #closed: Promise<void> | null = null;

  private constructor(rows: RowClient, options: Options) {
    this.rows = rows;
    this.options = options;
  }

  /** Connects and logs in. `worker` is the dialect's worker module: see {@link import('./row-client.ts').workerUrl}. */
  static async open<Options>(worker: URL, options: Options, signal: AbortSignal): Promise<ThreadSession<Options>> {
    const rows = RowClient.start(worker);
    await rows.open(options, signal);
    return new ThreadSession(rows, options);
  }

  query(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]> {
    return this.rows.execute(sql, doing, signal);
  }

  close(): Promise<void> {
    this.#closed ??= this.rows.close().finally(() => this.onClose());
    return this.#closed;
  }
}
