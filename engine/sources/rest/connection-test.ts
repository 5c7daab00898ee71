import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { IngestError, isIngestError, messageOf, orCancelled, throwIfCancelled } from '../../errors.ts';
import { chosenBy } from '../../network/proxies.ts';
import type { TestStage } from '../source.ts';
import { connectionError } from './http-errors.ts';
import { joinUrl } from './request.ts';
import type { ApiSession } from './session.ts';

type StageName = TestStage['stage'];

/**
 * Tests a connection stage by stage. The base URL is read once; an API without a resource there is still reachable.
 * Where a proxy stands between, name and network are the proxy's, and encryption shows with the first read.
 */
export async function* testConnection(session: ApiSession, signal: AbortSignal): AsyncGenerator<TestStage> {
  const { connection, redactor, clock } = session;
  const run = async (stage: StageName, work: () => Promise<string>): Promise<TestStage> => {
    const start = clock.now();
    try {
      return {
        stage,
        status: 'passed',
        detail: redactor.text(await orCancelled(work(), signal)),
        durationMs: clock.now() - start,
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
      return { stage, status: 'failed', detail: described.message, durationMs: clock.now() - start, error: described };
    }
  };
  let url = new URL('http://localhost');
  let through: URL | null = null;
  let secureContext: SecureContext | undefined;
  const dns = await run('dns', async () => {
    url = joinUrl(connection.base_url, '', []);
    const transport = await session.transport();
    ({ secureContext } = transport);
    const choice = await transport.choose(url);
    through = choice.proxy;
    const host = hostOf(choice.proxy ?? url);
    const { address } = await lookup(host);
    return `${choice.proxy ? 'proxy ' : ''}${host} is ${address}${chosenBy(choice)}`;
  });
  yield dns;
  if (dns.status === 'failed') return;
  const proxy = through as URL | null;
  const tcp = await run('tcp', () => reach(proxy ?? url, connection.timeout, null, signal));
  yield tcp;
  if (tcp.status === 'failed') return;
  if (url.protocol === 'https:' && proxy) {
    yield { stage: 'tls', status: 'skipped', durationMs: 0, detail: 'through the proxy: shows with the first read' };
  } else if (url.protocol === 'https:') {
    const tls = await run('tls', () => reach(url, connection.timeout, { secureContext }, signal));
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
    await session.authenticator().credentials(signal);
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
      const response = await session.client.send(request, signal, () => undefined);
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

function reach(
  url: URL,
  timeoutSeconds: number,
  secure: { secureContext: SecureContext | undefined } | null,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = hostOf(url);
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const socket = secure
      ? connectTls({ host, port, ...secure, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) })
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
