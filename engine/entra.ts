import type { Agent } from 'node:https';
import type { Environment } from './network/environment.ts';

const PUBLIC_AUTHORITIES =
  /^https:\/\/login\.(?:microsoftonline\.(?:com|us)|chinacloudapi\.cn|partner\.microsoftonline\.cn)\/?$/i;

/** Microsoft's public cloud. */
export const ENTRA_PUBLIC_AUTHORITY = 'https://login.microsoftonline.com';

/** Where Entra ID is asked: at `AZURE_AUTHORITY_HOST` where the environment names one, else at the service's own authority; undefined: the public cloud's. */
export function entraHost(environment: Environment, authority?: string): string | undefined {
  return environment['AZURE_AUTHORITY_HOST'] || authority;
}

/**
 * How credentials of Azure ask for tokens: through the client's own proxy and authorities (`agent`), at `AZURE_AUTHORITY_HOST` where the
 * environment names one (sovereign and private clouds), else at `authority`, else at Microsoft's public cloud.
 */
export function entraOptions(agent: Agent, environment: Environment, authority?: string) {
  const authorityHost = entraHost(environment, authority);
  return {
    agent,
    retryOptions: { maxRetries: 2 },
    // Another authority than Microsoft's own is not in the list that would be asked for at Microsoft.
    ...(authorityHost === undefined
      ? {}
      : { authorityHost, disableInstanceDiscovery: !PUBLIC_AUTHORITIES.test(authorityHost) }),
  };
}
