import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import type { ApiConnection } from '../../spec/connection.ts';
import type { TestStage } from '../source.ts';
import type { Authenticator } from './auth.ts';
import type { ApiClient } from './client.ts';
import { orCancelled } from './clock.ts';
import { connectionError } from './http-errors.ts';
import type { Redactor } from './redact.ts';
import { joinUrl } from './request.ts';

export interface TestDependencies {
  connection: ApiConnection;
  client(): ApiClient;
  authenticator(): Authenticator;
  redactor: Redactor;
  now(): number;
}

type StageName = TestStage['stage'];

/** Tests a connection stage by stage. The base URL is read once; an API without a resource there is still reachable. */
export async function* testConnection(deps: TestDependencies, signal: AbortSignal): AsyncGenerator<TestStage> {
  const { connection, redactor } = deps;
  const run = async (stage: StageName, work: () => Promise<string>): Promise<TestStage> => {
    const start = deps.now();
    try {
      return {
        stage,
        status: 'passed',
        detail: redactor.text(await orCancelled(work(), signal)),
        durationMs: deps.now() - start,
      };
    } catch (error) {
      throwIfCancelled(signal);
      const known = isIngestError(error)
        ? error
        : connectionError(error, connection.base_url, connection.timeout, redactor);
      const described = {
        code: known.code,
        message: redactor.text(messageOf(known)),
        ...(known.hint === undefined ? {} : { hint: known.hint }),
      };
      return { stage, status: 'failed', detail: described.message, durationMs: deps.now() - start, error: described };
    }
  };
  let url = new URL('http://localhost');
  const dns = await run('dns', async () => {
    url = joinUrl(connection.base_url, '', []);
    const { address } = await lookup(hostOf(url));
    return `${hostOf(url)} is ${address}`;
  });
  yield dns;
  if (dns.status === 'failed') return;
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const tcp = await run('tcp', () => reach(url, port, connection.timeout, false, signal));
  yield tcp;
  if (tcp.status === 'failed') return;
  if (url.protocol === 'https:') {
    const tls = await run('tls', () => reach(url, port, connection.timeout, true, signal));
    yield tls;
    if (tls.status === 'failed') return;
  } else
    yield {
      stage: 'tls',
      status: 'skipped',
      durationMs: 0,
      detail: 'base_url is http: what is sent and received is not encrypted',
    };

  const login = await run('login', async () => {
    if (connection.auth.type === 'none') return 'no sign-in is set';
    await deps.authenticator().credentials(signal);
    return connection.auth.type === 'oauth2' ? 'a token was issued' : `${connection.auth.type} credentials are set`;
  });
  if (login.status === 'failed') {
    yield login;
    return;
  }
  let nothingThere = false;
  let status = 0;
  const read = await run('first_read', async () => {
    try {
      const request = {
        method: 'GET' as const,
        url: withParams(url, connection.params),
        headers: lowerCase(connection.headers),
        body: undefined,
        encoding: 'utf-8',
      };
      const response = await deps.client().send(request, signal, () => undefined);
      status = response.status;
      return `${response.status}, ${response.bytes} bytes`;
    } catch (error) {
      // Most APIs have no resource at their root.
      if (isIngestError(error) && ['API_NOT_FOUND', 'API_METHOD_NOT_ALLOWED', 'API_BAD_REQUEST'].includes(error.code)) {
        nothingThere = true;
        return 'base_url itself has nothing to read: preview a job to test its resource';
      }
      throw error;
    }
  });
  if (read.error?.code === 'API_UNAUTHORIZED') {
    yield { ...read, stage: 'login' };
    return;
  }
  yield login;
  if (read.error?.code === 'API_FORBIDDEN') {
    yield { ...read, stage: 'permission' };
    return;
  }
  yield {
    stage: 'permission',
    status: status === 0 ? 'skipped' : 'passed',
    durationMs: 0,
    detail: status === 0 ? 'shows with the first resource that is read' : 'base_url may be read',
  };
  yield nothingThere ? { ...read, status: 'skipped' } : read;
}

function reach(url: URL, port: number, timeoutSeconds: number, secure: boolean, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = hostOf(url);
    const socket = secure
      ? connectTls({ host, port, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) })
      : connect({ host, port });
    const done = (finish: () => void) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      finish();
    };
    const abort = () => done(() => reject(new IngestError('CANCELLED', 'The test was cancelled.')));
    signal.addEventListener('abort', abort, { once: true });
    socket.setTimeout(timeoutSeconds * 1000, () =>
      done(() => reject(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' }))),
    );
    socket.once('error', (error) => done(() => reject(error)));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      const detail = 'getProtocol' in socket ? `${socket.getProtocol()}, certificate trusted` : `port ${port} is open`;
      done(() => resolve(detail));
    });
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function withParams(url: URL, params: Record<string, unknown>): string {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(params))
    if (value !== null && typeof value !== 'object') copy.searchParams.set(name, String(value));
  return copy.href;
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
