import { Agent } from 'node:https';
import { resolve } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Environment, proxiesOf, readAuthorities, trustedAuthorities } from '../../network.ts';
import type { DatabricksDestination } from '../../spec/destination.ts';

/** A statement's first answer may take as long as a warehouse takes to start. */
const SILENCE_MILLISECONDS = 15 * 60_000;

/** How a workspace is reached. */
export interface WorkspaceNetwork {
  /** Whom TLS trusts. */
  secureContext: SecureContext;
  /** The proxy's address, null for none. */
  proxy: string | null;
  /** For all requests: statements, tokens and files. */
  agent: Agent;
  environment: Environment;
  close(): void;
}

/**
 * Through the destination's proxy or the environment's, trusting the system's authorities and those of `ca_file`.
 * @throws IngestError CA_FILE_UNUSABLE, PROXY_UNUSABLE
 */
export async function openWorkspaceNetwork(
  config: Pick<DatabricksDestination, 'server_hostname' | 'proxy' | 'ca_file'>,
  baseDirectory: string,
  environment: Environment,
): Promise<WorkspaceNetwork> {
  const more = config.ca_file === undefined ? [] : await readAuthorities(resolve(baseDirectory, config.ca_file));
  const authorities = trustedAuthorities(more);
  const secureContext = trusting(authorities);
  const { https, except } = proxiesOf(config.proxy, environment);
  const proxy = https === null || isExcepted(config.server_hostname, except) ? null : https;
  const agent = new Agent({
    keepAlive: true,
    timeout: SILENCE_MILLISECONDS,
    secureContext,
    ...(proxy === null ? {} : { proxyEnv: { HTTPS_PROXY: proxy } }),
  });
  return { secureContext, proxy, agent, environment, close: () => agent.destroy() };
}

let lastTrusted: { authorities: string; context: SecureContext } | null = null;

/** Reading some hundred certificates takes longer than a statement: they are read once. */
function trusting(authorities: readonly string[]): SecureContext {
  const text = authorities.join('\n');
  if (lastTrusted?.authorities !== text)
    lastTrusted = { authorities: text, context: createSecureContext({ ca: [...authorities] }) };
  return lastTrusted.context;
}

/** NO_PROXY's rule: `*`, a host, or the end of one. */
function isExcepted(host: string, except: string): boolean {
  const name = host.toLowerCase();
  return except
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => entry.replace(/:\d+$/, '').replace(/^\*?\./, ''))
    .some((entry) => entry === '*' || name === entry || name.endsWith(`.${entry}`));
}
