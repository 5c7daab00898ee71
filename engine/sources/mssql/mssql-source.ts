import { cancelled } from '../../errors.ts';
import type { Source } from '../source.ts';
import type { SqlServerConnection } from './connect-options.ts';
import { testConnection } from './connection-test.ts';
import { discoverObjects } from './discover.ts';
import { openTokenSource, type TokenSource } from './entra-token.ts';
import { previewTable } from './preview.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { readTable } from './read-table.ts';
import { MssqlSession } from './session.ts';

export interface MssqlDependencies {
  /** Where tokens of Entra ID come from; default: as the connection says. */
  tokens?: TokenSource | null;
}

/**
 * A SQL Server (2016 or later) or Azure SQL database as a source. Each call has sessions of its own, so that jobs may run at the same time and an
 * abandoned read leaves nothing behind; {@link Source.close} ends those that are still open.
 */
export function createMssqlSource(connection: SqlServerConnection, dependencies: MssqlDependencies = {}): Source {
  const tokens = dependencies.tokens === undefined ? openTokenSource(connection) : dependencies.tokens;
  const sessions = new Set<MssqlSession>();
  const closing = new AbortController();

  const open = async (signal: AbortSignal): Promise<MssqlSession> => {
    if (closing.signal.aborted) throw cancelled(closing.signal);
    const accessToken = (await tokens?.(signal)) ?? null;
    const session = await MssqlSession.open({ connection, accessToken }, signal);
    sessions.add(session);
    session.onClose = () => sessions.delete(session);
    return session;
  };
  const withSession = async <Result>(
    signal: AbortSignal,
    use: (session: MssqlSession) => Promise<Result>,
  ): Promise<Result> => {
    const session = await open(signal);
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  };

  return {
    test: (signal) => testConnection(connection, tokens, signal),
    discover: (filter, signal) => withSession(signal, (session) => discoverObjects(session, filter, signal)),
    explain: (request, signal) =>
      withSession(signal, async (session) => selectStatement(await planRead(session, request, signal))),
    read: (request, context) => readTable(open, request, context),
    preview: (request, context, limits) =>
      withSession(context.signal, (session) => previewTable(session, request, context, limits)),
    close: async () => {
      closing.abort();
      await Promise.all([...sessions].map((session) => session.close()));
    },
  };
}
