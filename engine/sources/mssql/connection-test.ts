import type { TLSSocket } from 'node:tls';
import {
  describeTls,
  type Outcome,
  reachPort,
  resolveHost,
  runStages,
  type Steps,
} from '../database/connection-stages.ts';
import type { TestStage } from '../source.ts';
import { addressOf, instanceOf, type SessionOptions, type SqlServerConnection, userOf } from './connect-options.ts';
import { connectDriver, loadTedious } from './driver-session.ts';
import type { TokenSource } from './entra-token.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { MssqlSession } from './session.ts';

/** Tests a connection stage by stage, so that the first that fails says where the trouble is. */
export async function* testConnection(
  connection: SqlServerConnection,
  tokens: TokenSource | null,
  signal: AbortSignal,
): AsyncGenerator<TestStage> {
  const steps = new ConnectionSteps(connection, tokens, signal);
  try {
    const doing = `Testing ${connection.name}`;
    yield* runStages(steps.all, (error) => explainError(error, { connection, doing }), signal);
  } finally {
    await steps.close();
  }
}

class ConnectionSteps {
  readonly #connection: SqlServerConnection;
  readonly #tokens: TokenSource | null;
  readonly #signal: AbortSignal;
  #session: MssqlSession | null = null;

  constructor(connection: SqlServerConnection, tokens: TokenSource | null, signal: AbortSignal) {
    this.#connection = connection;
    this.#tokens = tokens;
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
    if (instanceOf(this.#connection) !== undefined) {
      return { detail: `SQL Server Browser tells the port of ${addressOf(this.#connection)}.`, skipped: true };
    }
    return await reachPort(host, port, seconds * 1000, this.#signal);
  }

  /** TLS begins inside the protocol: the driver connects, and hangs up before it says who it is. */
  async #tls(): Promise<Outcome> {
    const { encrypt, trust_server_certificate: trusts } = this.#connection;
    if (!encrypt) return { detail: 'encrypt is false.', skipped: true };
    const hangUp = new AbortController();
    let detail: string | null = null;
    const secure = (socket: TLSSocket) => {
      detail = describeTls(socket, { rejectUnauthorized: !trusts });
      hangUp.abort();
    };
    const options: SessionOptions = { connection: this.#connection, accessToken: this.#tokens === null ? null : '-' };
    const signal = AbortSignal.any([this.#signal, hangUp.signal]);
    try {
      const opened = await connectDriver(await loadTedious(), options, signal, secure as (socket: never) => void);
      opened.close();
    } catch (error) {
      if (detail === null) throw error;
    }
    return { detail: detail ?? 'encrypted' };
  }

  async #login(): Promise<Outcome> {
    const accessToken = (await this.#tokens?.(this.#signal)) ?? null;
    this.#session = await MssqlSession.open({ connection: this.#connection, accessToken }, this.#signal);
    const [server] = await this.#query(
      `SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS [version], CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS [edition]`,
      'Asking for the version',
    );
    const { encrypt, database } = this.#connection;
    const secured = encrypt ? 'encrypted' : 'not encrypted';
    return {
      detail: `SQL Server ${server?.version} (${server?.edition}), ${userOf(this.#connection)}, database ${database}, ${secured}; driver tedious ${await driverVersion()}.`,
    };
  }

  async #permission(): Promise<Outcome> {
    const [row] = await this.#query(
      `SELECT COUNT(*) AS [tables], SUM(HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT')) AS [readable]
       FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`,
      'Counting readable tables',
    );
    return { detail: `${row?.readable ?? 0} of ${row?.tables ?? 0} tables and views can be read.` };
  }

  async #firstRead(): Promise<Outcome> {
    const [table] = await this.#query(
      `SELECT TOP (1) s.name AS [schema], o.name AS [name] FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
       WHERE o.type = 'U' AND o.is_ms_shipped = 0 AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT') = 1
       ORDER BY s.name, o.name`,
      'Finding a table to read',
    );
    if (!table) {
      await this.#query('SELECT 1 AS [one]', 'Reading one value');
      return { detail: 'One value read; this user can read no table yet.' };
    }
    const name = `${table.schema}.${table.name}`;
    const target = quoteName(table.schema as string, table.name as string);
    const rows = await this.#query(`SELECT TOP (1) 1 AS [one] FROM ${target}`, `Reading ${name}`);
    return { detail: rows.length === 0 ? `${name} read; it is empty.` : `First row of ${name} read.` };
  }

  async #query(sql: string, doing: string) {
    if (!this.#session) throw new Error('login comes first');
    return await this.#session.query(sql, doing, this.#signal);
  }
}

async function driverVersion(): Promise<string> {
  const { default: manifest } = await import('tedious/package.json', { with: { type: 'json' } });
  return (manifest as { version: string }).version;
}
