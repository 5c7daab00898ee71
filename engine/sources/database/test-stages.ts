import { type Outcome, runStages, type Steps } from '../../connection-stages.ts';
import type { IngestError } from '../../errors.ts';
import type { TestStage } from '../source.ts';
import type { DatabaseSession } from './session-source.ts';
import { type TableChecks, TableProbe } from './table-probe.ts';

/** What a dialect does in the stages of a test. */
export interface TestedConnection<Session extends DatabaseSession> {
  dns(): Promise<Outcome>;
  tcp(): Promise<Outcome>;
  tls(): Promise<Outcome>;
  /** Logs in. */
  open(): Promise<Session>;
  /** The server, who was let in, and the driver, for people. */
  greet(session: Session): Promise<string>;
  tables: TableChecks;
  /** Why something failed, in words. */
  explain(error: unknown): IngestError;
}

/** Tests a connection stage by stage, so that the first that fails says where the trouble is. */
export async function* testStages<Session extends DatabaseSession>(
  { dns, tcp, tls, open, greet, tables, explain }: TestedConnection<Session>,
  signal: AbortSignal,
): AsyncGenerator<TestStage> {
  let session: Session | null = null;
  const login = async (): Promise<Outcome> => {
    session = await open();
    return { detail: await greet(session) };
  };
  const probe = new TableProbe(tables, async (sql, doing) => {
    if (session === null) throw new TypeError('login comes first');
    return await session.query(sql, doing, signal);
  });
  const steps: Steps = [
    ['dns', dns],
    ['tcp', tcp],
    ['tls', tls],
    ['login', login],
    ['permission', () => probe.permission()],
    ['first_read', () => probe.firstRead()],
  ];
  try {
    yield* runStages(steps, explain, signal);
  } finally {
    await (session as Session | null)?.close();
  }
}
