import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { type Environment, proxiesOf, trustedAuthorities } from './network.ts';

/**
 * Connections of what a run tells others (notifications, telemetry): through the proxy of the environment, trusting the system's authorities.
 * @param timeout milliseconds to connect
 * @throws IngestError PROXY_UNUSABLE
 */
export function openDispatcher(environment: Environment, timeout: number): Dispatcher {
  const proxies = proxiesOf(undefined, environment);
  const tls = { secureContext: createSecureContext({ ca: trustedAuthorities([]) }) };
  const connect = { timeout, ...tls };
  if (proxies.http === null && proxies.https === null) return new Agent({ connect });
  return new EnvHttpProxyAgent({
    connect,
    requestTls: tls,
    proxyTls: tls,
    httpProxy: proxies.http ?? '',
    httpsProxy: proxies.https ?? '',
    noProxy: proxies.except,
  });
}
