import { type ClientRequestArgs, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { readAuthorities, trustedAuthorities } from './authorities.ts';
import type { Environment } from './environment.ts';
import { type Choice, guessFailed, type Proxies, proxiesOf } from './proxies.ts';

/** Connections of one client. */
export interface Agents {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  close(): void;
}

/** A proxy must have opened its tunnel after so many milliseconds. */
const TUNNEL = 30_000;

/**
 * Agents for clients that take some: through the client's own proxy, the environment's or the system's, trusting the system's authorities and those of `ca_file`.
 * @param silence milliseconds without an answer and without bytes that end a call
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE, PROXY_SCRIPT_UNUSABLE
 */
export async function openAgents(
  own: { proxy?: string | undefined; ca_file?: string | undefined },
  options: { baseDirectory: string; environment: Environment; silence: number },
): Promise<Agents> {
  const proxies = proxiesOf(own.proxy, options.environment);
  const more = own.ca_file === undefined ? [] : await readAuthorities(resolve(options.baseDirectory, own.ca_file));
  await proxies.prepare();
  return agentsThrough(proxies, { keepAlive: true, timeout: options.silence, ca: trustedAuthorities(more) });
}

/** Agents that reach each address as `proxies` say. */
export function agentsThrough(proxies: Proxies, options: AgentOptions): Agents {
  const { httpAgent, httpsAgent } =
    proxies.named === null ? choosingAgents(proxies, options) : namedAgents(proxies.named, options);
  return {
    httpAgent,
    httpsAgent,
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function namedAgents({ http, https, except }: NonNullable<Proxies['named']>, options: AgentOptions) {
  const proxyEnv = {
    ...(http === null ? {} : { HTTP_PROXY: http }),
    ...(https === null ? {} : { HTTPS_PROXY: https }),
    NO_PROXY: except,
  };
  return { httpAgent: new HttpAgent({ ...options, proxyEnv }), httpsAgent: new HttpsAgent({ ...options, proxyEnv }) };
}

type Connected = (error: Error | null, stream: Duplex) => void;

/** Each new connection asks where it is to go. Plain http goes through a tunnel, too: its request is written before the answer is there. */
function choosingAgents(proxies: Proxies, options: AgentOptions) {
  const open = (
    target: URL,
    direct: () => Duplex,
    through: (tunnel: Socket) => Duplex,
    connected: Connected | undefined,
  ) => {
    proxies
      .choose(target)
      .then(({ proxy, unread }) => {
        if (proxy !== null) return openTunnel(proxy, target, options).then(through);
        return unread === null ? direct() : guessed(direct(), unread, target);
      })
      .then(
        (stream) => connected?.(null, stream),
        (error: Error) => connected?.(error, undefined as never),
      );
    return undefined;
  };
  class ChoosingHttpAgent extends HttpAgent {
    override createConnection(to: ClientRequestArgs, connected?: Connected) {
      return open(
        targetOf('http:', to),
        () => super.createConnection(to) as Duplex,
        (tunnel) => tunnel.setTimeout(options.timeout ?? 0),
        connected,
      );
    }
  }
  class ChoosingHttpsAgent extends HttpsAgent {
    override createConnection(to: ClientRequestArgs, connected?: Connected) {
      const secured = (more: object) => super.createConnection({ ...to, ...more }) as Duplex;
      return open(
        targetOf('https:', to),
        () => secured({}),
        (socket) => secured({ socket }),
        connected,
      );
    }
  }
  return { httpAgent: new ChoosingHttpAgent(options), httpsAgent: new ChoosingHttpsAgent(options) };
}

function targetOf(protocol: 'http:' | 'https:', { host, port }: ClientRequestArgs): URL {
  const name = host ?? 'localhost';
  return new URL(`${protocol}//${name.includes(':') ? `[${name}]` : name}:${port ?? ''}`);
}

/** A direct connection that might have needed a proxy: where it fails, the reason is said, too. */
async function guessed(stream: Duplex, unread: NonNullable<Choice['unread']>, { hostname }: URL): Promise<Duplex> {
  const { promise, resolve: opened, reject } = Promise.withResolvers<Duplex>();
  const failed = (error: Error) => reject(guessFailed(unread, hostname, error));
  stream.once('error', failed);
  stream.once('connect', () => {
    stream.off('error', failed);
    opened(stream);
  });
  return await promise;
}

function openTunnel(proxy: URL, target: URL, options: AgentOptions): Promise<Socket> {
  const { promise, resolve: opened, reject } = Promise.withResolvers<Socket>();
  const isSecure = proxy.protocol === 'https:';
  const place = `${target.hostname}:${target.port || (target.protocol === 'https:' ? 443 : 80)}`;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const sent = (isSecure ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (isSecure ? 443 : 80),
    path: place,
    agent: false,
    timeout: TUNNEL,
    headers: {
      host: place,
      ...(user === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }),
    },
    ...(isSecure ? { ca: options.ca, secureContext: options.secureContext } : {}),
  });
  sent.once('connect', ({ statusCode }, socket: Socket, head) => {
    if (statusCode === 200) {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      opened(socket);
      return;
    }
    socket.destroy();
    reject(failure(`Proxy ${proxy.host} answered the tunnel to ${place} with (${statusCode})`, 'ERR_PROXY_TUNNEL'));
  });
  sent.once('timeout', () => sent.destroy(failure(`Proxy ${proxy.host} did not answer`, 'ETIMEDOUT')));
  sent.once('error', reject);
  sent.end();
  return promise;
}

function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
