import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { cancelled, type IngestError, orCancelled, throwIfCancelled } from './errors.ts';

export interface ConnectionStage {
  stage: 'dns' | 'tcp' | 'tls' | 'login' | 'permission' | 'first_read';
  status: 'passed' | 'failed' | 'skipped';
  durationMs: number;
  /** e.g. the address, the server version, the number of files seen. */
  detail: string;
  error?: { code: string; message: string; hint?: string };
}

/** What a stage found, or that there was nothing to do. */
export type Outcome = { detail: string; skipped?: boolean };
/** Stages in their order. */
export type Steps = readonly (readonly [stage: ConnectionStage['stage'], run: () => Promise<Outcome>])[];

/** Runs the stages of a connection test, each timed; the first that fails ends it. `explain` says why, in words. */
export async function* runStages(
  steps: Steps,
  explain: (error: unknown) => IngestError,
  signal: AbortSignal,
): AsyncGenerator<ConnectionStage> {
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

/** Host and port of an http or https address. */
export function addressOf({ hostname, port, protocol }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

/** Looks a host's addresses up. */
export async function resolveHost(host: string, signal: AbortSignal): Promise<Outcome> {
  if (isIP(host) !== 0) return { detail: `${host} is an address.`, skipped: true };
  const addresses = await orCancelled(lookup(host, { all: true }), signal);
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
