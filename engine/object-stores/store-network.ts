import { openAgents } from '../network/agents.ts';
import type { Environment } from '../network/environment.ts';
import { proxiesOf } from '../network/proxies.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';

/** No answer and no bytes for so long ends a call; it is tried again. */
const SILENCE_MILLISECONDS = 120_000;

/**
 * Connections to a cloud: through the connection's proxy, the environment's or the system's, trusting the system's authorities and those of `ca_file`.
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE, PROXY_SCRIPT_UNUSABLE
 */
export async function openStoreNetwork(
  credentials: Pick<StoreCredentials, 'proxy' | 'ca_file'>,
  baseDirectory: string,
  environment: Environment,
): Promise<Omit<StoreNetwork, 'place'> & { close(): void }> {
  const agents = await openAgents(credentials, { baseDirectory, environment, silence: SILENCE_MILLISECONDS });
  const proxies = proxiesOf(credentials.proxy, environment);
  return { ...agents, environment, choose: (url) => proxies.choose(url) };
}
