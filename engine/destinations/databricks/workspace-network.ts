import type { Agent } from 'node:https';
import { resolve } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { agentsThrough } from '../../network/agents.ts';
import { readAuthorities, trustedAuthorities } from '../../network/authorities.ts';
import type { Environment } from '../../network/environment.ts';
import { chosenBy, proxiesOf } from '../../network/proxies.ts';
import type { DatabricksDestination } from '../../spec/destination.ts';

/** A statement's first answer may take as long as a warehouse takes to start. */
const SILENCE_MILLISECONDS = 15 * 60_000;

/** How a workspace is reached. */
export interface WorkspaceNetwork {
  /** Whom TLS trusts. */
  secureContext: SecureContext;
  /** The workspace's proxy, null for none. */
  proxy: URL | null;
  /** Who chose it, for people; empty where it was named outright. */
  chosenBy: string;
  /** For all requests: statements, tokens and files. */
  agent: Agent;
  environment: Environment;
  close(): void;
}

/**
 * Through the destination's proxy, the environment's or the system's, trusting the system's authorities and those of `ca_file`.
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE, PROXY_SCRIPT_UNUSABLE
 */
export async function openWorkspaceNetwork(
  config: Pick<DatabricksDestination, 'server_hostname' | 'proxy' | 'ca_file'>,
  baseDirectory: string,
  environment: Environment,
): Promise<WorkspaceNetwork> {
  const more = config.ca_file === undefined ? [] : await readAuthorities(resolve(baseDirectory, config.ca_file));
  const authorities = trustedAuthorities(more);
  const secureContext = trusting(authorities);
  const proxies = proxiesOf(config.proxy, environment);
  await proxies.prepare();
  const choice = await proxies.choose(new URL(`https://${config.server_hostname}`));
  const agents = agentsThrough(proxies, { keepAlive: true, timeout: SILENCE_MILLISECONDS, secureContext });
  return {
    secureContext,
    proxy: choice.proxy,
    chosenBy: chosenBy(choice),
    agent: agents.httpsAgent,
    environment,
    close: agents.close,
  };
}

let lastTrusted: { authorities: string; context: SecureContext } | null = null;

/** Reading some hundred certificates takes longer than a statement: they are read once. */
function trusting(authorities: readonly string[]): SecureContext {
  const text = authorities.join('\n');
  if (lastTrusted?.authorities !== text)
    lastTrusted = { authorities: text, context: createSecureContext({ ca: [...authorities] }) };
  return lastTrusted.context;
}
