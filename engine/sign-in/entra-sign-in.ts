import type { Agent } from 'node:https';
import { entraHost } from '../entra.ts';
import type { Environment } from '../network/environment.ts';
import { entraAuthority } from './authority.ts';
import { openBrowserSignIn } from './browser-sign-in.ts';
import type { SignInPlace } from './sign-in-desk.ts';

export interface EntraSignInOptions extends SignInPlace {
  agent: Agent;
  environment: Environment;
  /** The authority of the service's cloud; undefined: the public one's. */
  authority?: string | undefined;
  /** Default: the one that the service asks for, else that of the account which signs in. */
  tenant?: string | undefined;
  /** A public client; default Azure CLI's. */
  client?: string | undefined;
  /** An account to offer. */
  user?: string | undefined;
}

/** The slice of `@azure/identity`'s credentials that Azure's clients use. */
export interface EntraCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: unknown; tenantId?: string },
  ): Promise<{ token: string; expiresOnTimestamp: number }>;
}

/** A person's sign-in in place of a credential of `@azure/identity`, whose own opens a browser by itself and keeps nothing. */
export function browserCredential(options: EntraSignInOptions): EntraCredential {
  const { section, name, agent, environment, client, user } = options;
  const host = entraHost(environment, options.authority);
  const signIns = new Map<string, ReturnType<typeof openBrowserSignIn>>();
  return {
    async getToken(scopes, { abortSignal, tenantId } = {}) {
      const scope = [scopes].flat().join(' ');
      const tenant = options.tenant ?? tenantId;
      const key = JSON.stringify([scope, tenant]);
      const signIn =
        signIns.get(key) ??
        openBrowserSignIn({ section, name, agent, authority: entraAuthority(host, { scope, tenant, client, user }) });
      signIns.set(key, signIn);
      const signal = abortSignal instanceof AbortSignal ? abortSignal : new AbortController().signal;
      const { token, ends } = await signIn(signal);
      return { token, expiresOnTimestamp: ends };
    },
  };
}
