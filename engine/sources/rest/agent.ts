import { createSecureContext, type SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { orCancelled } from '../../errors.ts';
import { readAuthorities, trustedAuthorities } from '../../network/authorities.ts';
import { dispatcherThrough } from '../../network/dispatcher.ts';
import type { Environment } from '../../network/environment.ts';
import { type Proxies, proxiesOf } from '../../network/proxies.ts';
import type { ApiConnection } from '../../spec/connection.ts';

/** How a connection reaches its API. */
export interface Transport {
  dispatcher: Dispatcher;
  /** Whom TLS trusts. */
  secureContext: SecureContext | undefined;
  /** Which way an address is reached. */
  choose: Proxies['choose'];
  close(): Promise<void>;
}

/**
 * The connections of one source: through the connection's own proxy or the one that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY in any case,
 * as other programs read them), else the system's, trusting the system's authorities and those of `ca_file`.
 * @param resolvePath makes a path of the project's folder absolute
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE, PROXY_SCRIPT_UNUSABLE
 */
export async function openTransport(
  connection: Pick<ApiConnection, 'base_url' | 'timeout' | 'proxy' | 'ca_file' | 'auth'>,
  environment: Environment,
  resolvePath: (path: string) => string,
  signal: AbortSignal,
): Promise<Transport> {
  const authorities = connection.ca_file === undefined ? [] : await readAuthorities(resolvePath(connection.ca_file));
  const secure = [connection.base_url, connection.auth.token_url ?? ''].some((url) => /^https:/i.test(url.trim()));
  const secureContext =
    secure || authorities.length > 0 ? createSecureContext({ ca: trustedAuthorities(authorities) }) : undefined;
  const proxies = proxiesOf(connection.proxy, environment);
  await orCancelled(proxies.prepare(), signal);
  const dispatcher = dispatcherThrough(proxies, {
    timeout: connection.timeout * 1000,
    ...(secureContext ? { secureContext } : {}),
    keepAliveTimeout: 10_000,
    connections: 20,
  });
  return {
    dispatcher,
    secureContext,
    choose: (url) => proxies.choose(url),
    close: () => dispatcher.destroy(),
  };
}
