import { RowClient, workerUrl } from '../database/row-client.ts';
import type { TextRow } from '../database/row-protocol.ts';
import type { SessionOptions } from './connect-options.ts';

export type { TextRow };

/** One connection to a server, held by a worker thread. Statements run one after another; a cancelled one ends on the server too. */
export class MssqlSession {
  /** For reads of many rows. */
  readonly rows: RowClient;
  #closed: Promise<void> | null = null;
  /** Called once the connection is gone. */
  onClose: () => void = () => undefined;

  private constructor(rows: RowClient) {
    this.rows = rows;
  }

  /** Connects and logs in. */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<MssqlSession> {
    const rows = RowClient.start(workerUrl('mssql-worker', import.meta.url));
    try {
      await rows.open(options, signal);
    } catch (error) {
      await rows.close();
      throw error;
    }
    return new MssqlSession(rows);
  }

  /** Runs a small statement and gives its rows as texts, keyed by the names of its columns. `doing` is for errors. */
  query(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]> {
    return this.rows.execute(sql, doing, signal);
  }

  /** Ends what runs and the connection. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.rows.close().finally(() => this.onClose());
    return this.#closed;
  }
}
