import { cancelled } from '../../errors.ts';
import type {
  DiscoveredObject,
  DiscoverFilter,
  Measured,
  MeasureRequest,
  Preview,
  PreviewLimits,
  ReadContext,
  ReadRequest,
  Source,
} from '../source.ts';
import type { TextRow } from './row-protocol.ts';

/** One connection to a database: statements run one after another. */
export interface DatabaseSession {
  /** Runs a small statement and gives its rows as texts, keyed by the names of its columns. `doing` is for errors. */
  query(sql: string, doing: string, signal: AbortSignal): Promise<TextRow[]>;
  /** Closes the connection. Safe to call twice. */
  close(): Promise<void>;
  /** Ends what runs, on the server too, and the connection; where {@link close} does not do so itself. Safe to call twice. */
  abort?(): Promise<void>;
  /** Called once the connection is gone. */
  onClose: () => void;
}

/** What a dialect does with sessions. */
export interface SessionWork<Session> {
  open(signal: AbortSignal): Promise<Session>;
  test: Source['test'];
  discover(session: Session, filter: DiscoverFilter, signal: AbortSignal): Promise<DiscoveredObject[]>;
  explain(session: Session, request: ReadRequest, signal: AbortSignal): Promise<string>;
  read(
    open: (signal: AbortSignal) => Promise<Session>,
    request: ReadRequest,
    context: ReadContext,
  ): ReturnType<Source['read']>;
  measure?(session: Session, request: MeasureRequest, signal: AbortSignal): Promise<Measured>;
  preview(session: Session, request: ReadRequest, context: ReadContext, limits: PreviewLimits): Promise<Preview>;
}

/**
 * A source over sessions: each call has its own, so that jobs may run at the same time and an abandoned read leaves nothing behind;
 * {@link Source.close} ends those that are still open.
 */
export function createSessionSource<Session extends DatabaseSession>(work: SessionWork<Session>): Source {
  const sessions = new Set<Session>();
  const closing = new AbortController();

  const open = async (signal: AbortSignal): Promise<Session> => {
    if (closing.signal.aborted) throw cancelled(closing.signal);
    const session = await work.open(signal);
    sessions.add(session);
    session.onClose = () => sessions.delete(session);
    return session;
  };
  const withSession = async <Result>(
    signal: AbortSignal,
    use: (session: Session) => Promise<Result>,
  ): Promise<Result> => {
    const session = await open(signal);
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  };

  const { measure } = work;
  return {
    ...(measure && {
      measure: (request, context) =>
        withSession(context.signal, (session) => measure(session, request, context.signal)),
    }),
    test: work.test,
    discover: (filter, signal) => withSession(signal, (session) => work.discover(session, filter, signal)),
    explain: (request, signal) => withSession(signal, (session) => work.explain(session, request, signal)),
    read: (request, context) => work.read(open, request, context),
    preview: (request, context, limits) =>
      withSession(context.signal, (session) => work.preview(session, request, context, limits)),
    close: async () => {
      closing.abort();
      await Promise.all([...sessions].map((session) => session.abort?.() ?? session.close()));
    },
  };
}
