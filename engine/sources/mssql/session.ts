import { workerUrl } from '../database/row-client.ts';
import type { TextRow } from '../database/row-protocol.ts';
import { ThreadSession } from '../database/thread-session.ts';
import type { SessionOptions } from './connect-options.ts';

export type { TextRow };

/** One connection to a server, held by a worker thread. */
export type MssqlSession = ThreadSession<SessionOptions>;

/** Connects and logs in. */
export function openSession(options: SessionOptions, signal: AbortSignal): Promise<MssqlSession> {
  return ThreadSession.open(workerUrl('mssql-worker', import.meta.url), options, signal);
}
