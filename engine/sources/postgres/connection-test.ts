import type { ConnectionOptions } from 'node:tls';
import type { PostgresConnection } from '../../spec/connection.ts';
import {
  describeTls,
  type Outcome,
  openSocket,
  reachPort,
  resolveHost,
  runStages,
  type Steps,
} from '../database/connection-stages.ts';
import type { TestStage } from '../source.ts';
import { startTls } from './cancel-request.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { PostgresSession, tlsAttempts } from './session.ts';

/** Tests a connection stage by stage, so that the first that fails says where the trouble is. */
export async function* testConnection(connection: PostgresConnection, signal: AbortSignal): AsyncGenerator<TestStage> {
  const steps = new ConnectionSteps(connection, signal);
  try {
    const doing = `Testing ${connection.name}`;
    yield* runStages(steps.all, (error) => explainError(error, { connection, doing }), signal);
  } finally {
    await steps.close();
  }
}

class ConnectionSteps {
  readonly #connection: PostgresConnection;
  readonly #signal: AbortSignal;
  #session: PostgresSession | null = null;

  constructor(connection: PostgresConnection, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
  }

  get all(): Steps {
    return [
      ['dns', () => resolveHost(this.#connection.host)],
      ['tcp', () => this.#tcp()],
      ['tls', () => this.#tls()],
      ['login', () => this.#login()],
      ['permission', () => this.#permission()],
      ['first_read', () => this.#firstRead()],
    ];
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #tcp(): Promise<Outcome> {
    const { host, port, connect_timeout: seconds } = this.#connection;
    return await reachPort(host, port, seconds * 1000, this.#signal);
  }

  async #tls(): Promise<Outcome> {
    const { host, ssl_mode: mode } = this.#connection;
    if (mode === 'disable') return { detail: 'ssl_mode is disable.', skipped: true };
    const attempts = await tlsAttempts(this.#connection);
    const options = attempts.find((attempt): attempt is ConnectionOptions => attempt !== false) ?? {};
    const socket = await this.#open();
    try {
      const secure = await startTls(socket, host, options);
      if (secure) return { detail: describeTls(secure, options) };
      if (mode === 'allow' || mode === 'prefer') {
        return { detail: `The server speaks no TLS: ssl_mode ${mode} goes on without it.`, skipped: true };
      }
      throw new Error('The server does not support SSL connections');
    } finally {
      socket.destroy();
    }
  }

  async #login(): Promise<Outcome> {
    this.#session = await PostgresSession.open(this.#connection, this.#signal);
    const { serverVersion, encrypted } = this.#session;
    const { username, database } = this.#connection;
    const secured = encrypted ? 'encrypted' : 'not encrypted';
    return { detail: `PostgreSQL ${serverVersion}, user ${username}, database ${database}, ${secured}.` };
  }

  async #permission(): Promise<Outcome> {
    const rows = await this.#query(
      `SELECT count(*) AS tables, count(*) FILTER (WHERE has_any_column_privilege(c.oid, 'SELECT')) AS readable
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         AND n.nspname NOT LIKE 'pg\\_toast%' AND has_schema_privilege(n.oid, 'USAGE')`,
      'Counting readable tables',
    );
    const { tables, readable } = rows[0] ?? {};
    return { detail: `${readable} of ${tables} tables and views can be read.` };
  }

  async #firstRead(): Promise<Outcome> {
    const [table] = await this.#query(
      `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       ORDER BY c.reltuples DESC, 1, 2 LIMIT 1`,
      'Finding a table to read',
    );
    if (!table) {
      await this.#query('SELECT 1', 'Reading one value');
      return { detail: 'One value read; this user can read no table yet.' };
    }
    const name = `${table.schema}.${table.name}`;
    const target = quoteName(table.schema as string, table.name as string);
    const rows = await this.#query(`SELECT 1 FROM ${target} LIMIT 1`, `Reading ${name}`);
    return { detail: rows.length === 0 ? `${name} read; it is empty.` : `First row of ${name} read.` };
  }

  async #query(sql: string, doing: string) {
    if (!this.#session) throw new Error('login comes first');
    return await this.#session.query(sql, [], doing, this.#signal);
  }

  #open() {
    const { host, port, connect_timeout: seconds } = this.#connection;
    return openSocket(host, port, seconds * 1000, this.#signal);
  }
}
