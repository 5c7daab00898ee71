import type { TLSSocket } from 'node:tls';
import { describeTls, type Outcome, reachPort, resolveHost } from '../../connection-stages.ts';
import { LOOKED_AT, type TableChecks } from '../database/table-probe.ts';
import { testStages } from '../database/test-stages.ts';
import type { TestStage } from '../source.ts';
import { addressOf, instanceOf, type SessionOptions, type SqlServerConnection, userOf } from './connect-options.ts';
import { connectDriver, loadTedious } from './driver-session.ts';
import type { TokenSource } from './entra-token.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { type MssqlSession, openSession } from './session.ts';

/** Tests a connection stage by stage. */
export function testConnection(
  connection: SqlServerConnection,
  tokens: TokenSource | null,
  signal: AbortSignal,
): AsyncGenerator<TestStage> {
  const { host, port, connect_timeout: seconds } = connection;
  return testStages<MssqlSession>(
    {
      dns: () => resolveHost(host, signal),
      tcp: async () =>
        instanceOf(connection) === undefined
          ? await reachPort(host, port, seconds * 1000, signal)
          : { detail: `SQL Server Browser tells the port of ${addressOf(connection)}.`, skipped: true },
      tls: () => negotiateTls(connection, tokens !== null, signal),
      open: async () => openSession({ connection, accessToken: (await tokens?.(signal)) ?? null }, signal),
      greet: (session) => greet(session, signal),
      tables: TABLES,
      explain: (error) => explainError(error, { connection, doing: `Testing ${connection.name}` }),
    },
    signal,
  );
}

/** TLS begins inside the protocol: the driver connects, and hangs up before it says who it is. */
async function negotiateTls(
  connection: SqlServerConnection,
  hasToken: boolean,
  cancelled: AbortSignal,
): Promise<Outcome> {
  const { encrypt, trust_server_certificate: trusts } = connection;
  if (!encrypt) return { detail: 'encrypt is false.', skipped: true };
  const hangUp = new AbortController();
  let detail: string | null = null;
  const secure = (socket: TLSSocket) => {
    detail = describeTls(socket, { rejectUnauthorized: !trusts });
    hangUp.abort();
  };
  const options: SessionOptions = { connection, accessToken: hasToken ? '-' : null };
  const signal = AbortSignal.any([cancelled, hangUp.signal]);
  try {
    const opened = await connectDriver(await loadTedious(), options, signal, secure as (socket: never) => void);
    opened.close();
  } catch (error) {
    if (detail === null) throw error;
  }
  return { detail: detail ?? 'encrypted' };
}

async function greet(session: MssqlSession, signal: AbortSignal): Promise<string> {
  const [server] = await session.query(
    `SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS [version], CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS [edition]`,
    'Asking for the version',
    signal,
  );
  const { connection, accessToken } = session.options;
  const secured = connection.encrypt ? 'encrypted' : 'not encrypted';
  return `SQL Server ${server?.version} (${server?.edition}), ${userOf(connection, accessToken)}, database ${connection.database}, ${secured}; driver tedious ${await driverVersion()}.`;
}

async function driverVersion(): Promise<string> {
  const { default: manifest } = await import('tedious/package.json', { with: { type: 'json' } });
  return (manifest as { version: string }).version;
}

const FROM = `FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
  WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`;
const READABLE = `HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT')`;

const TABLES: TableChecks = {
  count: `SELECT COUNT(*) AS [tables], SUM(${READABLE}) AS [readable] ${FROM}`,
  candidates: `SELECT TOP (${LOOKED_AT}) s.name AS [schema], o.name AS [name] ${FROM}
    ORDER BY ${READABLE} DESC, CASE o.type WHEN 'U' THEN 0 ELSE 1 END, s.name, o.name`,
  select: ({ schema, name }, rows) => `SELECT TOP (${rows}) 1 AS [one] FROM ${quoteName(schema, name)}`,
  nothing: 'SELECT 1 AS [one]',
  grant: 'Ask the owner for GRANT SELECT ON … TO the user of the connection, or for the role db_datareader.',
};
