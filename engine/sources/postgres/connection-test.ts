import type { ConnectionOptions } from 'node:tls';
import { describeTls, type Outcome, openSocket, reachPort, resolveHost } from '../../connection-stages.ts';
import type { PostgresConnection } from '../../spec/connection.ts';
import { LOOKED_AT, type TableChecks } from '../database/table-probe.ts';
import { testStages } from '../database/test-stages.ts';
import type { TestStage } from '../source.ts';
import { startTls } from './cancel-request.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { PostgresSession, tlsAttempts } from './session.ts';

/** Tests a connection stage by stage. */
export function testConnection(connection: PostgresConnection, signal: AbortSignal): AsyncGenerator<TestStage> {
  const { host, port, username, database, connect_timeout: seconds } = connection;
  return testStages<PostgresSession>(
    {
      dns: () => resolveHost(host, signal),
      tcp: () => reachPort(host, port, seconds * 1000, signal),
      tls: () => negotiateTls(connection, signal),
      open: () => PostgresSession.open(connection, signal),
      greet: async ({ serverVersion, encrypted }) =>
        `PostgreSQL ${serverVersion}, user ${username}, database ${database}, ${encrypted ? 'encrypted' : 'not encrypted'}.`,
      tables: TABLES,
      explain: (error) => explainError(error, { connection, doing: `Testing ${connection.name}` }),
    },
    signal,
  );
}

async function negotiateTls(connection: PostgresConnection, signal: AbortSignal): Promise<Outcome> {
  const { host, port, ssl_mode: mode, connect_timeout: seconds } = connection;
  if (mode === 'disable') return { detail: 'ssl_mode is disable.', skipped: true };
  const attempts = await tlsAttempts(connection);
  const options = attempts.find((attempt): attempt is ConnectionOptions => attempt !== false) ?? {};
  const socket = await openSocket(host, port, seconds * 1000, signal);
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

const FROM = `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND NOT c.relispartition
    AND has_schema_privilege(n.oid, 'USAGE')`;

const TABLES: TableChecks = {
  count: `SELECT count(*) AS tables, count(*) FILTER (WHERE has_any_column_privilege(c.oid, 'SELECT')) AS readable ${FROM}`,
  candidates: `SELECT n.nspname AS schema, c.relname AS name ${FROM}
    ORDER BY has_any_column_privilege(c.oid, 'SELECT') DESC, c.relkind IN ('r', 'p') DESC, c.reltuples DESC, 1, 2 LIMIT ${LOOKED_AT}`,
  select: ({ schema, name }, rows) => `SELECT 1 FROM ${quoteName(schema, name)} LIMIT ${rows}`,
  nothing: 'SELECT 1',
  grant: 'Ask the owner for GRANT USAGE ON SCHEMA … and GRANT SELECT ON … TO the user of the connection.',
};
