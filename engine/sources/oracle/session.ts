import type { OracleConnection } from '../../spec/connection.ts';
import { workerUrl } from '../database/row-client.ts';
import type { TextRow } from '../database/row-protocol.ts';
import { ThreadSession } from '../database/thread-session.ts';

export type { TextRow };

/** One connection to a server, held by a worker thread. */
export type OracleSession = ThreadSession<OracleConnection>;

/** Begins a transaction that sees one moment. */
export const BEGIN_READ = 'SET TRANSACTION READ ONLY';

/** Connects and logs in. */
export function openSession(connection: OracleConnection, signal: AbortSignal): Promise<OracleSession> {
  return ThreadSession.open(workerUrl('oracle-worker', import.meta.url), connection, signal);
}
