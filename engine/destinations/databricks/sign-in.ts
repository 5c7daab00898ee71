import { request } from 'node:https';
import { entraOptions } from '../../entra.ts';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import { databricksAuthority } from '../../sign-in/authority.ts';
import { openBrowserSignIn } from '../../sign-in/browser-sign-in.ts';
import { personOf } from '../../sign-in/person.ts';
import type { DatabricksDestination } from '../../spec/destination.ts';
import type { WorkspaceNetwork } from './workspace-network.ts';

/** Entra ID's application "AzureDatabricks", the same in every tenant. */
const ENTRA_SCOPE = '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default';
/** A token is asked for anew so long before it ends. */
const EARLY_MILLISECONDS = 5 * 60_000;

/** Gives the token for the next request; asks for a new one in time. */
export interface SignIn {
  /** What people call it, for messages. */
  readonly kind: string;
  token(): Promise<string>;
  /** Who signed in, where the last token says it. */
  person?(): string | null;
}

interface Token {
  value: string;
  /** Milliseconds since 1970. */
  ends: number;
}

/**
 * The sign-in that a destination is set up for: a personal access token; a service principal of Databricks (OAuth M2M: `client_id` and `client_secret`);
 * a service principal of Entra ID (`azure_tenant_id` beside them); with the tenant alone, the default credential of Azure (environment, managed identity, Azure CLI).
 * With `auth_type = "browser"` a person signs in to the workspace (OAuth U2M); `signal` ends waiting for them.
 * @throws IngestError DATABRICKS_CREDENTIALS, DRIVER_MISSING
 */
export async function openSignIn(
  config: DatabricksDestination,
  network: WorkspaceNetwork,
  signal: AbortSignal,
): Promise<SignIn> {
  if (config.auth_type === 'browser') return browserSignIn(config, network, signal);
  const { access_token, client_id: client, client_secret: secret, azure_tenant_id: tenant } = config;
  if (access_token) return { kind: 'access token', token: async () => access_token };
  if (client && secret && !tenant) {
    return { kind: 'OAuth service principal', token: renewed(() => machineToken(config, client, secret, network)) };
  }
  if (client && secret && tenant) {
    const identity = await loadDriver('@azure/identity', () => import('@azure/identity'));
    const credential = new identity.ClientSecretCredential(
      tenant,
      client,
      secret,
      entraOptions(network.agent, network.environment),
    );
    return { kind: 'Entra ID service principal', token: renewed(() => entraToken(credential)) };
  }
  if (client || secret) {
    throw new IngestError(
      'DATABRICKS_CREDENTIALS',
      `Destination ${config.name} has ${client ? 'a client_id but no client_secret' : 'a client_secret but no client_id'}.`,
      { hint: 'A service principal signs in with both; or set access_token.' },
    );
  }
  if (!tenant) {
    throw new IngestError('DATABRICKS_CREDENTIALS', `Destination ${config.name} has nothing to sign in with.`, {
      hint: 'Set access_token, or client_id and client_secret of a service principal; azure_tenant_id alone uses the sign-in of Azure, auth_type = "browser" yours.',
    });
  }
  const identity = await loadDriver('@azure/identity', () => import('@azure/identity'));
  const credential = new identity.DefaultAzureCredential({
    ...entraOptions(network.agent, network.environment),
    tenantId: tenant,
  });
  return { kind: 'Azure default credential', token: renewed(() => entraToken(credential)) };
}

function browserSignIn(config: DatabricksDestination, network: WorkspaceNetwork, signal: AbortSignal): SignIn {
  const { name, server_hostname: host, port, client_id: client } = config;
  const authority = databricksAuthority(host, { port, client });
  const signIn = openBrowserSignIn({ section: 'destinations', name, authority, agent: network.agent });
  let person: string | null = null;
  return {
    kind: 'sign-in in the browser',
    async token() {
      const { token } = await signIn(signal);
      person = personOf(token);
      return token;
    },
    person: () => person,
  };
}

function renewed(ask: () => Promise<Token>): () => Promise<string> {
  let known: Promise<Token> | null = null;
  return async () => {
    const last = await known?.catch(() => null);
    if (last && Date.now() < last.ends - EARLY_MILLISECONDS) return last.value;
    known = ask();
    return (await known).value;
  };
}

async function entraToken(credential: {
  getToken(scope: string): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}): Promise<Token> {
  try {
    const token = await credential.getToken(ENTRA_SCOPE);
    if (token) return { value: token.token, ends: token.expiresOnTimestamp };
  } catch (error) {
    throw new IngestError('DATABRICKS_SIGN_IN', `Entra ID gave no token: ${messageOf(error).split('\n')[0]}`, {
      hint: 'Check azure_tenant_id, client_id and client_secret, or sign in with `az login`.',
      cause: error,
    });
  }
  throw new IngestError('DATABRICKS_SIGN_IN', 'Entra ID gave no token.', { hint: 'Sign in with `az login`.' });
}

/** OAuth 2.0 client credentials at the workspace's own `/oidc/v1/token`. */
async function machineToken(
  config: DatabricksDestination,
  client: string,
  secret: string,
  network: WorkspaceNetwork,
): Promise<Token> {
  const answer = await send(network, {
    host: config.server_hostname,
    port: config.port,
    path: '/oidc/v1/token',
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials&scope=all-apis',
  });
  const parsed = parseJson(answer.text) as {
    access_token?: unknown;
    expires_in?: unknown;
    error_description?: unknown;
  };
  if (answer.status === 200 && typeof parsed.access_token === 'string') {
    return { value: parsed.access_token, ends: Date.now() + Number(parsed.expires_in ?? 3600) * 1000 };
  }
  const why = typeof parsed.error_description === 'string' ? `: ${parsed.error_description}` : '';
  throw new IngestError(
    'DATABRICKS_SIGN_IN',
    `${config.server_hostname} gave no token for client ${client} (${answer.status})${why}.`,
    {
      hint: 'Check client_id and client_secret of the service principal, and that it is a member of the workspace.',
      retryable: answer.status === 429 || answer.status >= 500,
    },
  );
}

function parseJson(text: string): object {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : {};
  } catch {
    return {};
  }
}

export interface WorkspaceRequest {
  host: string;
  port: number;
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: string | NodeJS.ReadableStream;
  signal?: AbortSignal;
}

/** One HTTPS request to the workspace, through its proxy and with its authorities. */
export async function send(
  network: WorkspaceNetwork,
  { body, signal, ...options }: WorkspaceRequest,
): Promise<{ status: number; text: string; retryAfter: string | null }> {
  if (signal) throwIfCancelled(signal);
  return await new Promise((resolve, reject) => {
    const sent = request({ ...options, agent: network.agent, ...(signal ? { signal } : {}) }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(parts).toString('utf8'),
          retryAfter: response.headers['retry-after'] ?? null,
        }),
      );
    });
    sent.on('error', reject);
    if (body === undefined || typeof body === 'string') {
      sent.end(body);
    } else {
      body.on('error', (error) => sent.destroy(error));
      body.pipe(sent);
    }
  });
}
