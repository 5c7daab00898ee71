import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { cancelled, IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import type { PostgresConnection } from '../../spec/connection.ts';
import { queryTimeout } from '../database/explain-error.ts';
import type { TextRow } from '../database/row-protocol.ts';
import type { DatabaseSession } from '../database/session-source.ts';
import { sendCancelRequest } from './cancel-request.ts';
import { CopyOut, type RowSink } from './copy-out.ts';
import { explainError, sqlState } from './errors.ts';

export type { TextRow };

/** Begins a transaction that sees one moment. */
export const BEGIN_READ = 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** What every session is set to, so that texts and literals mean the same on every server. */
const SESSION_SETTINGS = [
  "SET client_encoding = 'UTF8'",
  "SET TimeZone = 'UTC'",
  "SET DateStyle = 'ISO, MDY'",
  "SET IntervalStyle = 'postgres'",
  "SET bytea_output = 'hex'",
  'SET extra_float_digits = 3',
  'SET standard_conforming_strings = on',
  'SET idle_in_transaction_session_timeout = 0',
].join('; ');

/** The slice of node-postgres's client that has no type. */
interface ClientInternals {
  processID: number | null;
  secretKey: number | null;
  connection: { stream: Socket };
}

/**
 * One connection to a server. Statements run one after another; a cancelled or failed one that may still run on the server
 * is cancelled there too, and the session is closed.
 */
export class PostgresSession implements DatabaseSession {
  /** Whether the connection is encrypted. */
  readonly encrypted: boolean;
  /** e.g. `18.4` */
  readonly serverVersion: string;
  readonly #connection: PostgresConnection;
  readonly #client: pg.Client;
  readonly #tls: ConnectionOptions | false;
  #closed: Promise<void> | null = null;
  /** Called once the connection is gone. */
  onClose: () => void = () => undefined;

  private constructor(
    connection: PostgresConnection,
    client: pg.Client,
    tls: ConnectionOptions | false,
    serverVersion: string,
  ) {
    this.#connection = connection;
    this.#client = client;
    this.#tls = tls;
    this.encrypted = tls !== false;
    this.serverVersion = serverVersion;
  }

  /** Connects as `ssl_mode` says. Throws a plain IngestError. */
  static async open(connection: PostgresConnection, signal: AbortSignal): Promise<PostgresSession> {
    const doing = `Connecting to ${connection.host}:${connection.port}`;
    try {
      const attempts = await tlsAttempts(connection);
      for (const [index, tls] of attempts.entries()) {
        try {
          return await PostgresSession.#openWith(connection, tls, signal);
        } catch (error) {
          const isLast = index === attempts.length - 1;
          if (isLast || signal.aborted || !asksForOtherEncryption(error, tls)) throw error;
        }
      }
      throw new Error('unreachable');
    } catch (error) {
      throwIfCancelled(signal);
      throw explainError(error, { connection, doing });
    }
  }

  static async #openWith(
    connection: PostgresConnection,
    tls: ConnectionOptions | false,
    signal: AbortSignal,
  ): Promise<PostgresSession> {
    throwIfCancelled(signal);
    const client = new pg.Client({
      host: connection.host,
      port: connection.port,
      database: connection.database,
      user: connection.username,
      // A function: for an empty text the driver would look into PGPASSWORD.
      password: () => connection.password,
      ssl: tls,
      application_name: 'ingest-studio',
      connectionTimeoutMillis: connection.connect_timeout * 1000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
      types: { getTypeParser: () => (text: string | Buffer) => text },
    });
    // Losses are told to whoever waits for a statement; an idle client must not end the process.
    client.on('error', () => undefined);
    const destroy = () => (client as unknown as ClientInternals).connection.stream.destroy();
    signal.addEventListener('abort', destroy, { once: true });
    // The driver's own time limit ends with the login.
    const timer = setTimeout(destroy, connection.connect_timeout * 1000 + 1000);
    try {
      await client.connect();
      await client.query(`${SESSION_SETTINGS}; SET statement_timeout = ${connection.query_timeout * 1000}`);
      const shown = await client.query<TextRow>('SHOW server_version');
      return new PostgresSession(connection, client, tls, shown.rows[0]?.server_version?.split(' ')[0] ?? 'unknown');
    } catch (error) {
      destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', destroy);
    }
  }

  /** Every value as the server's own text, so that no driver touches it. */
  async query(sql: string, doing: string, signal: AbortSignal, values?: unknown[]): Promise<TextRow[]> {
    const { query_timeout: seconds } = this.#connection;
    const result = await this.#guard(doing, signal, (overdue) => {
      // The server's statement_timeout comes first; this is for a server that does not answer at all.
      const timer = setTimeout(overdue, (seconds + 5) * 1000);
      return this.#client.query<TextRow>(sql, values).finally(() => clearTimeout(timer));
    });
    return result.rows;
  }

  /**
   * Runs `COPY (select) TO STDOUT (FORMAT binary)`. `query_timeout` is the longest silence of the server while rows are wanted,
   * not the length of the whole read: a large table takes as long as it takes.
   */
  async copyOut(select: string, sink: RowSink, doing: string, signal: AbortSignal): Promise<RunningCopy> {
    await this.query('SET statement_timeout = 0', doing, signal);
    const { query_timeout: seconds } = this.#connection;
    let heardAt = Date.now();
    const copy = new CopyOut(`COPY (${select}) TO STDOUT (FORMAT binary)`, sink, () => {
      heardAt = Date.now();
    });
    const done = this.#guard(doing, signal, (overdue) => {
      const timer = setInterval(() => {
        if (copy.stopped) heardAt = Date.now();
        else if (Date.now() - heardAt > seconds * 1000) overdue();
      }, 1000);
      this.#client.query(copy);
      return copy.done.finally(() => clearInterval(timer));
    });
    done.catch(() => undefined);
    return {
      done,
      resume: () => {
        heardAt = Date.now();
        copy.resume();
      },
    };
  }

  /** Ends the statement on the server and the connection, whatever it is doing. Safe to call twice. */
  abort(): Promise<void> {
    this.#closed ??= (async () => {
      const { processID, secretKey, connection } = this.#client as unknown as ClientInternals;
      try {
        if (processID !== null && secretKey !== null) {
          await sendCancelRequest(this.#connection, this.#tls, processID, secretKey);
        }
      } catch {
        // The closed socket ends the statement too, as soon as the server writes to it.
      } finally {
        connection.stream.destroy();
        this.onClose();
      }
    })();
    return this.#closed;
  }

  /** Closes an idle session politely. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      const { stream } = (this.#client as unknown as ClientInternals).connection;
      // A server that does not answer must not hold up the end of a run.
      const timer = setTimeout(() => stream.destroy(), 5000);
      try {
        await this.#client.end();
      } catch {
        stream.destroy();
      } finally {
        clearTimeout(timer);
        this.onClose();
      }
    })();
    return this.#closed;
  }

  /** Awaits what `start` begins; a cancel or silence of the server ends it there and here. */
  async #guard<Result>(
    doing: string,
    signal: AbortSignal,
    start: (overdue: () => void) => Promise<Result>,
  ): Promise<Result> {
    throwIfCancelled(signal);
    const { query_timeout: seconds } = this.#connection;
    let ended: IngestError | null = null;
    const end = (reason: IngestError) => {
      ended ??= reason;
      void this.abort();
    };
    const onAbort = () => end(cancelled(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await start(() => end(queryTimeout(doing, seconds)));
    } catch (error) {
      if (ended) {
        await this.abort();
        throw ended;
      }
      if (sqlState(error) === '57014' && /statement timeout/.test(messageOf(error))) throw queryTimeout(doing, seconds);
      throw explainError(error, { connection: this.#connection, doing });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

export interface RunningCopy {
  /** Settles when the server has sent everything, or it failed. */
  done: Promise<void>;
  /** Goes on after the sink said false. */
  resume(): void;
}

/**
 * What to try in order, as libpq's sslmode means it: `allow` asks for TLS only where plain is refused, `prefer` takes plain where there is no TLS,
 * `require` encrypts without looking at the certificate (unless a root certificate is given: then it is verify-ca, for libpq as here),
 * `verify-ca` checks who signed it, `verify-full` the host too.
 */
export async function tlsAttempts(connection: PostgresConnection): Promise<(ConnectionOptions | false)[]> {
  const encrypted: ConnectionOptions = { rejectUnauthorized: false };
  const mode = connection.ssl_mode;
  const verifies = mode.startsWith('verify') || (mode === 'require' && connection.ssl_root_cert !== undefined);
  if (verifies) {
    const trusted: ConnectionOptions = { rejectUnauthorized: true };
    if (connection.ssl_root_cert !== undefined) trusted.ca = await readRootCertificate(connection.ssl_root_cert);
    if (mode !== 'verify-full') trusted.checkServerIdentity = () => undefined;
    return [trusted];
  }
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, encrypted];
    case 'prefer':
      return [encrypted, false];
    default:
      return [encrypted];
  }
}

async function readRootCertificate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new IngestError('CERTIFICATE_NOT_FOUND', `ssl_root_cert "${path}" cannot be read: ${messageOf(error)}`, {
      hint: 'Give the path of a PEM file with the certificate of the authority that signed the server’s.',
      cause: error,
    });
  }
}

/** Whether the other kind of connection may work: pg_hba.conf said no, there is no TLS, or the handshake failed. */
function asksForOtherEncryption(error: unknown, tls: ConnectionOptions | false): boolean {
  if (sqlState(error) === '28000') return true;
  if (tls === false) return false;
  const { code = '' } = error as { code?: string };
  return /does not support SSL|establishing an SSL/.test(messageOf(error)) || /^(ERR_(SSL|TLS|OSSL)|EPROTO)/.test(code);
}
