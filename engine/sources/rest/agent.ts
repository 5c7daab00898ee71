import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { type Environment, proxiesOf, proxyFor, readAuthorities, trustedAuthorities } from '../../network.ts';
import type { ApiConnection } from '../../spec/connection.ts';

/** How a connection reaches its API. */
export interface Transport {
  dispatcher: Dispatcher;
  /** Whom TLS trusts. */
  secureContext: SecureContext | undefined;
  /** The proxy for an address; null where it is reached directly. */
  proxyFor(url: URL): URL | null;
  close(): Promise<void>;
}

/**
 * The connections of one source: through the connection's own proxy or the one that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY in any case,
 * as other programs read them), trusting the system's authorities and those of `ca_file`.
 * @param resolvePath makes a path of the project's folder absolute
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE
 */
export async function openTransport(
  connection: Pick<ApiConnection, 'base_url' | 'timeout' | 'proxy' | 'ca_file' | 'auth'>,
  environment: Environment,
  resolvePath: (path: string) => string,
): Promise<Transport> {
  const authorities = connection.ca_file === undefined ? [] : await readAuthorities(resolvePath(connection.ca_file));
  const secure = [connection.base_url, connection.auth.token_url ?? ''].some((url) => /^https:/i.test(url.trim()));
  const secureContext =
    secure || authorities.length > 0 ? createSecureContext({ ca: trustedAuthorities(authorities) }) : undefined;
  const proxies = proxiesOf(connection.proxy, environment);
  const tls = secureContext ? { secureContext } : {};
  const options = {
    connect: { timeout: connection.timeout * 1000, ...tls },
    keepAliveTimeout: 10_000,
    connections: 20,
  };
  const dispatcher =
    proxies.http === null && proxies.https === null
      ? new Agent(options)
      : new EnvHttpProxyAgent({
          ...options,
          requestTls: tls,
          proxyTls: tls,
          httpProxy: proxies.http ?? '',
          httpsProxy: proxies.https ?? '',
          noProxy: proxies.except,
        });
  return {
    dispatcher,
    secureContext,
    proxyFor: (url) => proxyFor(proxies, url),
    close: () => dispatcher.destroy(),
  };
}
