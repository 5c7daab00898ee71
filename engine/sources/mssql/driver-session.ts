import type { ConnectionConfiguration, Request } from 'tedious';
import { cancelled, type IngestError, throwIfCancelled } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import { queryTimeout } from '../database/explain-error.ts';
import type { RowQuery, TextRow } from '../database/row-protocol.ts';
import type { RowDialect, RowSession, RowSink } from '../database/serve-rows.ts';
import { driverConfiguration, type SessionOptions } from './connect-options.ts';
import { explainError, notEncrypted } from './errors.ts';
import { type ResultColumn, textOf } from './result-text.ts';

/** The slice of tedious' module that is used; it is CommonJS. */
export interface Driver {
  Connection: new (configuration: ConnectionConfiguration) => DriverConnection;
  Request: new (sql: string, callback: (error?: Error | null) => void) => Request;
}

/** The slice of tedious' connection that is used, with what has no type. */
export interface DriverConnection {
  connect(listener: (error?: Error) => void): void;
  execSqlBatch(request: Request): void;
  cancel(): boolean;
  close(): void;
  on(event: 'error' | 'end' | 'secure', listener: (value: never) => void): unknown;
  on(event: 'errorMessage', listener: (message: { number: number; message: string }) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
  sendLogin7Packet(): void;
  messageIo: { tlsNegotiationComplete: boolean };
}

export async function loadTedious(): Promise<Driver> {
  return (await loadDriver('tedious', async () => (await import('tedious')).default)) as unknown as Driver;
}

/** SQL Server's driver, tedious, in the worker thread. */
export const mssqlDialect: RowDialect<SessionOptions> = {
  connect: (options, signal) => DriverSession.open(options, signal),
};

/** A value of a row with its column. */
interface DriverValue {
  value: unknown;
  metadata: ResultColumn;
}

/** One connection to a server. */
export class DriverSession implements RowSession {
  readonly #driver: Driver;
  readonly #options: SessionOptions;
  readonly #connection: DriverConnection;
  #open = true;

  private constructor(driver: Driver, options: SessionOptions, connection: DriverConnection) {
    this.#driver = driver;
    this.#options = options;
    this.#connection = connection;
  }

  /** Connects and logs in. Throws a plain IngestError. */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<DriverSession> {
    const driver = await loadTedious();
    const connection = await connectDriver(driver, options, signal);
    const session = new DriverSession(driver, options, connection);
    connection.once('end', () => {
      session.#open = false;
    });
    return session;
  }

  async execute(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]> {
    const rows: TextRow[] = [];
    await this.#run(sql, doing, signal, (request) => {
      request.on('row', (values: DriverValue[]) => {
        rows.push(Object.fromEntries(values.map(({ value, metadata }) => [metadata.colName, textOf(value, metadata)])));
      });
    });
    return rows;
  }

  async stream(query: RowQuery, sink: RowSink, signal: AbortSignal): Promise<void> {
    await this.#run(query.sql, `Reading ${query.object}`, signal, (request, clock, fail) => {
      const values: unknown[] = new Array(query.columns.length);
      request.on('columnMetadata', (described) => {
        const columns = described as unknown as ResultColumn[];
        const column = query.watermark === null ? undefined : columns[query.watermark.index];
        if (column) sink.watermarkText = (value) => textOf(value, column) ?? '';
      });
      request.on('row', (row: DriverValue[]) => {
        clock.heard();
        for (let index = 0; index < row.length; index += 1) values[index] = (row[index] as DriverValue).value;
        try {
          if (sink.write(values)) return;
        } catch (error) {
          fail(error);
          return;
        }
        request.pause();
        clock.rest();
        void sink.drained().then(() => {
          clock.heard();
          request.resume();
        });
      });
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    const ended = new Promise<void>((resolve) => this.#connection.once('end', resolve));
    this.#connection.close();
    await ended;
  }

  /** Runs a statement; a cancel, a failure of who takes the rows, or silence of the server ends it there and here. */
  async #run(
    sql: string,
    doing: string,
    signal: AbortSignal,
    listen: (request: Request, clock: SilenceClock, fail: (error: unknown) => void) => void,
  ): Promise<void> {
    throwIfCancelled(signal);
    const { connection } = this.#options;
    let ended: unknown = null;
    const end = (reason: unknown) => {
      ended ??= reason;
      this.#connection.cancel();
    };
    const onAbort = () => end(cancelled(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    const clock = new SilenceClock(connection.query_timeout, () => end(queryTimeout(doing, connection.query_timeout)));
    try {
      await new Promise<void>((resolve, reject) => {
        const request = new this.#driver.Request(sql, (error) => (error ? reject(error) : resolve()));
        listen(request, clock, end);
        this.#connection.execSqlBatch(request);
      });
      if (ended !== null) throw ended;
    } catch (error) {
      throw (ended ?? explainError(error, { connection, doing })) as IngestError;
    } finally {
      clock.stop();
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/**
 * Connects and logs in. `onSecure` is told when TLS stands, before anything secret is sent; nothing is sent in plain text where the connection
 * says `encrypt`, which the driver itself would do if the server claims to know no TLS.
 */
export async function connectDriver(
  driver: Driver,
  options: SessionOptions,
  signal: AbortSignal,
  onSecure?: (socket: never) => void,
): Promise<DriverConnection> {
  const { connection } = options;
  const doing = `Connecting to ${connection.name}`;
  throwIfCancelled(signal);
  let refused: Error | null = null;
  try {
    const opened = new driver.Connection(await driverConfiguration(options));
    // Losses are told to whoever waits for a statement; an idle connection must not end the thread.
    opened.on('error', () => undefined);
    if (onSecure) opened.on('secure', onSecure);
    // The error of a login that failed has no number.
    opened.on('errorMessage', ({ number, message }) => {
      refused ??= Object.assign(new Error(message), { number });
    });
    const sendLogin = opened.sendLogin7Packet;
    opened.sendLogin7Packet = () => {
      if (!connection.encrypt || opened.messageIo.tlsNegotiationComplete) return sendLogin.call(opened);
      refused = notEncrypted(connection);
      throw refused;
    };
    const close = () => opened.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        opened.once('end', () => reject(new Error('Connection lost')));
        opened.connect((error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      close();
      throw error;
    } finally {
      signal.removeEventListener('abort', close);
    }
    return opened;
  } catch (error) {
    throwIfCancelled(signal);
    throw explainError(refused ?? error, { connection, doing });
  }
}

/** Calls out when the server is silent for so long while something is wanted of it. */
class SilenceClock {
  readonly #timer: NodeJS.Timeout;
  #heardAt = Date.now();
  #rests = false;

  constructor(seconds: number, onSilence: () => void) {
    this.#timer = setInterval(() => {
      if (!this.#rests && Date.now() - this.#heardAt > seconds * 1000) onSilence();
    }, 250);
  }

  heard(): void {
    this.#heardAt = Date.now();
    this.#rests = false;
  }

  rest(): void {
    this.#rests = true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
