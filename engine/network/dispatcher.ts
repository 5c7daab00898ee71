import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, buildConnector, Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import { trustedAuthorities } from './authorities.ts';
import type { Environment } from './environment.ts';
import { type Choice, guessFailed, type Proxies, proxiesOf } from './proxies.ts';

/** How connections are made and kept. */
export interface DispatcherOptions {
  /** Milliseconds to connect. */
  timeout: number;
  /** Whom TLS trusts, also where a proxy is spoken to with it; default: the bundled authorities. */
  secureContext?: SecureContext;
  keepAliveTimeout?: number;
  connections?: number;
}

/**
 * Connections of what a run tells others (notifications, telemetry): through the proxy of the environment or the system, trusting the system's authorities.
 * @param timeout milliseconds to connect
 * @throws IngestError PROXY_UNUSABLE
 */
export function openDispatcher(environment: Environment, timeout: number): Dispatcher {
  const proxies = proxiesOf(undefined, environment);
  return dispatcherThrough(proxies, {
    timeout,
    secureContext: createSecureContext({ ca: trustedAuthorities([]) }),
  });
}

/** Connections that reach each address as `proxies` say. */
export function dispatcherThrough(proxies: Proxies, options: DispatcherOptions): Dispatcher {
  if (proxies.named === null) return new ChoosingDispatcher(proxies, options);
  const { http, https, except } = proxies.named;
  const { agent, proxy } = undiciOptions(options);
  if (http === null && https === null) return new Agent(agent);
  return new EnvHttpProxyAgent({ ...proxy, httpProxy: http ?? '', httpsProxy: https ?? '', noProxy: except });
}

function undiciOptions({ timeout, secureContext, ...rest }: DispatcherOptions) {
  const tls = secureContext === undefined ? {} : { secureContext };
  const agent = { ...rest, connect: { timeout, ...tls } };
  return { agent, proxy: { ...agent, requestTls: tls, proxyTls: tls } };
}

/** A choice is made anew after so many milliseconds. */
const CHOSEN = 30_000;

/** Asks for each origin where it is to go, and keeps one client for each proxy. */
class ChoosingDispatcher extends Dispatcher {
  readonly #proxies: Proxies;
  readonly #options: ReturnType<typeof undiciOptions>;
  readonly #clients = new Map<string, Dispatcher>();
  readonly #chosen = new Map<string, { client: Dispatcher; until: number }>();
  #isClosed = false;

  constructor(proxies: Proxies, options: DispatcherOptions) {
    super();
    this.#proxies = proxies;
    this.#options = undiciOptions(options);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const origin = String(options.origin);
    const known = this.#chosen.get(origin);
    if (known !== undefined && Date.now() < known.until) return known.client.dispatch(options, handler);
    const { signal } = options as { signal?: AbortSignal };
    // Whoever gives up while the choice is made does not wait for it.
    const fail = (error: Error) => handler.onResponseError?.(null as never, error);
    const abort = () => fail(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#choose(origin)
      .then((client) => {
        if (!signal?.aborted) client.dispatch(options, handler);
      })
      .catch((error: Error) => {
        if (!signal?.aborted) fail(error);
      })
      .finally(() => signal?.removeEventListener('abort', abort));
    return true;
  }

  async #choose(origin: string): Promise<Dispatcher> {
    const choice = await this.#proxies.choose(new URL(origin));
    const client = this.#clientOf(choice);
    this.#chosen.set(origin, { client, until: Date.now() + CHOSEN });
    return client;
  }

  #clientOf({ proxy, unread }: Choice): Dispatcher {
    if (this.#isClosed) throw new Error('the connections are closed');
    const name = proxy?.href ?? (unread === null ? 'direct' : 'guess');
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const { agent, proxy: through } = this.#options;
    const made =
      proxy !== null
        ? new ProxyAgent({ ...through, uri: proxy.href })
        : new Agent(unread === null ? agent : { ...agent, connect: guessing(agent.connect, unread) });
    this.#clients.set(name, made);
    return made;
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    return this.#end((client) => client.close(), callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const [reason, done] = typeof error === 'function' ? [null, error] : [error ?? null, callback];
    return this.#end((client) => client.destroy(reason), done);
  }

  #end(one: (client: Dispatcher) => Promise<void>, callback: (() => void) | undefined): Promise<void> | void {
    this.#isClosed = true;
    const ended = Promise.all([...this.#clients.values()].map(one)).then(() => undefined);
    this.#chosen.clear();
    if (callback === undefined) return ended;
    ended.then(callback, callback);
  }
}

/** Connects directly; where that fails, the script that might have named a proxy is said, too. */
function guessing(
  options: buildConnector.BuildOptions,
  unread: NonNullable<Choice['unread']>,
): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) =>
    connect(target, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(guessFailed(unread, target.hostname, error), null);
    });
}
