import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { resolve } from 'node:path';
import { type Environment, proxiesOf, readAuthorities, trustedAuthorities } from '../network.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';

/** No answer and no bytes for so long ends a call; it is tried again. */
const SILENCE_MILLISECONDS = 120_000;

/**
 * Connections to a cloud: through the connection's proxy or the environment's, trusting the system's authorities and those of `ca_file`.
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE
 */
export async function openStoreNetwork(
  credentials: Pick<StoreCredentials, 'proxy' | 'ca_file'>,
  baseDirectory: string,
  environment: Environment,
): Promise<StoreNetwork & { close(): void }> {
  const proxies = proxiesOf(credentials.proxy, environment);
  const more =
    credentials.ca_file === undefined ? [] : await readAuthorities(resolve(baseDirectory, credentials.ca_file));
  const proxyEnv = {
    ...(proxies.http === null ? {} : { HTTP_PROXY: proxies.http }),
    ...(proxies.https === null ? {} : { HTTPS_PROXY: proxies.https }),
    NO_PROXY: proxies.except,
  };
  const options = { keepAlive: true, timeout: SILENCE_MILLISECONDS, proxyEnv };
  const httpAgent = new HttpAgent(options);
  const httpsAgent = new HttpsAgent({ ...options, ca: trustedAuthorities(more) });
  return {
    httpAgent,
    httpsAgent,
    environment,
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
