import { cancelled } from '../../errors.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import type { Source } from '../source.ts';
import { testConnection } from './connection-test.ts';
import { discoverObjects } from './discover.ts';
import { previewTable } from './preview.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { readTable } from './read-table.ts';
import { OracleSession } from './session.ts';

/**
 * An Oracle database (12.1 or later) as a source. Each call has sessions of its own, so that jobs may run at the same time and an abandoned read
 * leaves nothing behind; {@link Source.close} ends those that are still open. Oracle knows no empty text: what was stored as one arrives as NULL.
 */
export function createOracleSource(connection: OracleConnection): Source {
  const sessions = new Set<OracleSession>();
  const closing = new AbortController();

  const open = async (signal: AbortSignal): Promise<OracleSession> => {
    if (closing.signal.aborted) throw cancelled(closing.signal);
    const session = await OracleSession.open(connection, signal);
    sessions.add(session);
    session.onClose = () => sessions.delete(session);
    return session;
  };
  const withSession = async <Result>(
    signal: AbortSignal,
    use: (session: OracleSession) => Promise<Result>,
  ): Promise<Result> => {
    const session = await open(signal);
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  };

  return {
    test: (signal) => testConnection(connection, signal),
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
