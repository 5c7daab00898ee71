import { setImmediate as immediate } from 'node:timers/promises';
import { setDefaultCACertificates } from 'node:tls';
import type oracledb from 'oracledb';
import { cancelled, IngestError, throwIfCancelled } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import { readAuthorities, trustedAuthorities } from '../../network/authorities.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import { queryTimeout } from '../database/explain-error.ts';
import type { RowQuery, TextRow } from '../database/row-protocol.ts';
import type { RowDialect, RowSession, RowSink } from '../database/serve-rows.ts';
import { connectString, targetOf } from './connect-options.ts';
import { explainError } from './errors.ts';

type Driver = typeof oracledb;

/** What every session is set to, so that texts and literals mean the same on every server. The territory comes first: it sets others. */
const SESSION_SETTINGS = `ALTER SESSION SET NLS_TERRITORY = 'AMERICA' NLS_LANGUAGE = 'AMERICAN' NLS_CALENDAR = 'GREGORIAN'
  NLS_NUMERIC_CHARACTERS = '.,' NLS_SORT = 'BINARY' NLS_COMP = 'BINARY'
  NLS_DATE_FORMAT = 'SYYYY-MM-DD HH24:MI:SS' NLS_TIMESTAMP_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9'
  NLS_TIMESTAMP_TZ_FORMAT = 'SYYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM' TIME_ZONE = '+00:00'`;

/** Bytes that one fetch should bring, in characters of its texts and bytes of its blobs. */
const FETCH_BYTES = 4 << 20;
/** Rows of the first fetch where a column may be of any length. */
const FIRST_ROWS_OF_LARGE = 16;
/** A server that was asked to end a call and does not say a word for so long is gone. */
const GRACE_SECONDS = 5;
/** Packets of 64 kB instead of 8: fewer that are cut in the middle of a row. */
const SESSION_DATA_UNIT = 65_535;

/** The slice of the driver's connection that has no type. */
interface ConnectionInternals {
  _impl: { nscon: { forceDisconnect(): void } };
}

/** Oracle's driver, node-oracledb in thin mode, in the worker thread. */
export const oracleDialect: RowDialect<OracleConnection> = {
  async connect(connection, signal) {
    const driver = await loadDriver('oracledb', async () => (await import('oracledb')).default);
    return await DriverSession.open(driver, connection, signal);
  },
};

/** One connection to a server. */
class DriverSession implements RowSession {
  readonly #driver: Driver;
  readonly #settings: OracleConnection;
  readonly #connection: oracledb.Connection;
  /** Round trips that wait for an answer. */
  #calls = 0;

  private constructor(driver: Driver, settings: OracleConnection, connection: oracledb.Connection) {
    this.#driver = driver;
    this.#settings = settings;
    this.#connection = connection;
  }

  static async open(driver: Driver, settings: OracleConnection, signal: AbortSignal): Promise<DriverSession> {
    const doing = `Connecting to ${settings.name}`;
    try {
      await trustAuthorities(settings);
      const connecting = driver.getConnection(connectAttributes(settings));
      const connection = await withinTime(connecting, settings.connect_timeout, signal);
      const session = new DriverSession(driver, settings, connection);
      connection.callTimeout = settings.query_timeout * 1000;
      await session.execute(SESSION_SETTINGS, doing, signal);
      return session;
    } catch (error) {
      throwIfCancelled(signal);
      throw explainError(error, { connection: settings, doing });
    }
  }

  async execute(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]> {
    return await this.#guard(doing, signal, async () => {
      const running = this.#connection.execute<unknown[]>(sql, [], {
        outFormat: this.#driver.OUT_FORMAT_ARRAY,
        fetchArraySize: 1000,
        fetchTypeHandler: this.#exactTypes(),
      });
      const result = await this.#heard(running, doing);
      const names = (result.metaData ?? []).map(({ name }) => name);
      return (result.rows ?? []).map((row) =>
        Object.fromEntries(names.map((name, index) => [name, textOf(row[index])])),
      );
    });
  }

  async stream(query: RowQuery, sink: RowSink, signal: AbortSignal): Promise<void> {
    const doing = `Reading ${query.object}`;
    await this.#guard(doing, signal, async () => {
      const pace = new FetchPace(query);
      const running = this.#connection.execute<unknown[]>(query.sql, [], {
        outFormat: this.#driver.OUT_FORMAT_ARRAY,
        resultSet: true,
        prefetchRows: 0,
        fetchArraySize: pace.rows,
        fetchTypeHandler: this.#exactTypes(),
      });
      const { resultSet } = await this.#heard(running, doing);
      if (resultSet === undefined) throw new TypeError('A query has a result set.');
      const isZoned = query.columns[query.watermark?.index ?? -1]?.type === 'TIMESTAMP WITH TIME ZONE';
      if (isZoned) sink.watermarkText = (value) => `${value}+00:00`;
      let wanted = pace.rows;
      let coming = this.#heard(resultSet.getRows(wanted), doing);
      try {
        for (;;) {
          const rows = await coming;
          const isLast = rows.length < wanted;
          if (!isLast) {
            pace.learn(rows);
            wanted = pace.rows;
            coming = this.#heard(resultSet.getRows(wanted), doing);
            coming.catch(() => undefined);
            // Sent at once: the next rows are on their way while these are written.
            await immediate();
          }
          for (const row of rows) sink.write(row);
          if (isLast) return await resultSet.close();
          await sink.drained();
          throwIfCancelled(signal);
        }
      } finally {
        await coming.catch(() => undefined);
      }
    });
  }

  async close(): Promise<void> {
    await this.#connection.close().catch(() => undefined);
  }

  /** Awaits a call; a cancel ends it on the server. */
  async #guard<Result>(doing: string, signal: AbortSignal, call: () => Promise<Result>): Promise<Result> {
    throwIfCancelled(signal);
    const interrupt = () => {
      // A break without a call would meet the next one.
      if (this.#calls > 0) void this.#connection.break().catch(() => undefined);
    };
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      return await call();
    } catch (error) {
      throwIfCancelled(signal);
      throw explainError(error, { connection: this.#settings, doing });
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
  }

  /**
   * Awaits one round trip. The driver's own time limit asks the server to end the call, which a server that is gone never answers: then
   * the connection is given up.
   */
  async #heard<Result>(call: Promise<Result>, doing: string): Promise<Result> {
    const { query_timeout: seconds } = this.#settings;
    let isOverdue = false;
    const timer = setTimeout(
      () => {
        isOverdue = true;
        (this.#connection as unknown as ConnectionInternals)._impl.nscon.forceDisconnect();
      },
      (seconds + GRACE_SECONDS) * 1000,
    );
    this.#calls += 1;
    try {
      return await call;
    } catch (error) {
      throw isOverdue ? queryTimeout(doing, seconds) : error;
    } finally {
      this.#calls -= 1;
      clearTimeout(timer);
    }
  }

  /** Numbers as the digits that the server sent, large objects as texts and bytes. Times are texts already: the statement sees to it. */
  #exactTypes(): NonNullable<oracledb.ExecuteOptions['fetchTypeHandler']> {
    const { DB_TYPE_NUMBER, DB_TYPE_CLOB, DB_TYPE_NCLOB, DB_TYPE_LONG, DB_TYPE_BLOB } = this.#driver;
    const asText = new Set<unknown>([DB_TYPE_NUMBER, DB_TYPE_CLOB, DB_TYPE_NCLOB, DB_TYPE_LONG]);
    return ({ dbType }) => {
      if (asText.has(dbType)) return { type: this.#driver.STRING };
      return dbType === DB_TYPE_BLOB ? { type: this.#driver.BUFFER } : undefined;
    };
  }
}

/** How many rows to fetch at a time: about {@link FETCH_BYTES}, as far as the rows so far tell. */
class FetchPace {
  rows: number;
  readonly #most: number;
  readonly #texts: number[];

  constructor({ columns, fetchRows }: RowQuery) {
    this.#texts = columns.flatMap(({ format }, index) => (format === 'text' || format === 'bytes' ? [index] : []));
    this.#most = Math.max(1, fetchRows);
    this.rows = this.#texts.length === 0 ? this.#most : Math.min(this.#most, FIRST_ROWS_OF_LARGE);
  }

  learn(rows: readonly unknown[][]): void {
    let size = 0;
    for (const row of rows) {
      for (const index of this.#texts) size += (row[index] as { length: number } | null)?.length ?? 0;
    }
    const fits = Math.floor((FETCH_BYTES / Math.max(size, 1)) * rows.length);
    // Grows step by step: the next rows may be longer than those that were seen.
    this.rows = Math.max(1, Math.min(this.#most, fits, rows.length * 16));
  }
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString('hex').toUpperCase() : String(value);
}

function connectAttributes(settings: OracleConnection): oracledb.ConnectionAttributes {
  const { connect_timeout: seconds, wallet_location: wallet, wallet_password: walletPassword } = settings;
  return {
    user: settings.username,
    password: settings.password,
    connectString: connectString(settings),
    connectTimeout: seconds,
    transportConnectTimeout: seconds,
    // Minutes: a firewall forgets a connection on which nothing moves.
    expireTime: 1,
    sdu: SESSION_DATA_UNIT,
    stmtCacheSize: 0,
    sslServerDNMatch: settings.ssl_server_dn_match,
    ...(settings.ssl_server_cert_dn === undefined ? {} : { sslServerCertDN: settings.ssl_server_cert_dn }),
    ...(wallet === undefined ? {} : { walletLocation: wallet, walletPassword: walletPassword ?? '' }),
  };
}

/** Who is trusted before a connection adds its own; kept, since Node's default is what was set last. */
let authorities: readonly string[] | null = null;

/** The driver takes this thread's authorities where there is no wallet; the next connection of this thread must not trust this one's. */
async function trustAuthorities(settings: OracleConnection): Promise<void> {
  if (targetOf(settings)?.isEncrypted !== true && settings.ssl_root_cert === undefined) return;
  const own = settings.ssl_root_cert === undefined ? [] : await readAuthorities(settings.ssl_root_cert);
  authorities ??= trustedAuthorities([]);
  setDefaultCACertificates([...authorities, ...own]);
}

/** The driver's own time limit ends with the listener's answer, and a connect cannot be cancelled: who comes too late is sent away. */
async function withinTime(
  connecting: Promise<oracledb.Connection>,
  seconds: number,
  signal: AbortSignal,
): Promise<oracledb.Connection> {
  const outcome = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      outcome.reject(
        new IngestError('CONNECTION_TIMEOUT', `The server did not let us in within ${seconds} s.`, {
          hint: 'The server is overloaded, or something on the way swallows its answers; connect_timeout sets how long is waited.',
          retryable: true,
        }),
      ),
    seconds * 1000 + 500,
  );
  const onAbort = () => outcome.reject(cancelled(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([connecting, outcome.promise]);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
