import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { cancelled, type IngestError, throwIfCancelled } from '../../errors.ts';
import type { TestStage } from '../source.ts';
import type { DatabaseSession } from './session-source.ts';
import { type TableChecks, TableProbe } from './table-probe.ts';

/** What a stage found, or that there was nothing to do. */
export type Outcome = { detail: string; skipped?: boolean };
/** Stages in their order. */
type Steps = readonly (readonly [stage: TestStage['stage'], run: () => Promise<Outcome>])[];

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

/** Runs the stages of a connection test, each timed; the first that fails ends it. `explain` says why, in words. */
export async function* runStages(
  steps: Steps,
  explain: (error: unknown) => IngestError,
  signal: AbortSignal,
): AsyncGenerator<TestStage> {
  for (const [stage, run] of steps) {
    throwIfCancelled(signal);
    const start = performance.now();
    try {
      const { detail, skipped } = await run();
      yield { stage, status: skipped ? 'skipped' : 'passed', durationMs: performance.now() - start, detail };
    } catch (error) {
      if (signal.aborted) throw cancelled(signal);
      const { code, message, hint } = explain(error);
      const durationMs = performance.now() - start;
      yield { stage, status: 'failed', durationMs, detail: message, error: { code, message, hint } };
      return;
    }
  }
}

/** Looks a host's addresses up. */
export async function resolveHost(host: string): Promise<Outcome> {
  if (isIP(host) !== 0) return { detail: `${host} is an address.`, skipped: true };
  const addresses = await lookup(host, { all: true });
  return { detail: addresses.map(({ address }) => address).join(', ') };
}

/** Opens a TCP connection. Its later errors reach whoever waits for something of it. */
export function openSocket(host: string, port: number, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, noDelay: true, signal });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('timeout expired')));
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.off('error', reject);
    socket.on('error', () => undefined);
    resolve(socket);
  });
  return promise;
}

/** Opens and closes a TCP connection. */
export async function reachPort(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Outcome> {
  const socket = await openSocket(host, port, timeoutMs, signal);
  const address = socket.remoteAddress;
  socket.destroy();
  return { detail: address === host ? `${host}:${port}` : `${host}:${port} (${address})` };
}

/** Protocol and certificate of an encrypted connection, for people. */
export function describeTls(socket: TLSSocket, options: Pick<ConnectionOptions, 'rejectUnauthorized'>): string {
  const subject = socket.getPeerCertificate().subject?.CN ?? 'no name';
  const trust = options.rejectUnauthorized ? 'checked' : 'not checked';
  return `${socket.getProtocol()}, certificate of ${subject} (${trust}).`;
}
