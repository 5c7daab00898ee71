import { entraOptions } from '../../entra.ts';
import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import { type Agents, openAgents } from '../../network/agents.ts';
import type { Environment } from '../../network/environment.ts';
import { browserCredential } from '../../sign-in/entra-sign-in.ts';
import type { SqlServerConnection } from './connect-options.ts';
import { userOf } from './connect-options.ts';

/** Gives an access token of Entra ID for the server, a new one in time. */
export type TokenSource = (signal: AbortSignal) => Promise<string>;

interface Credential {
  getToken(scope: string, options: { abortSignal: AbortSignal }): Promise<{ token: string } | null>;
}

/** Azure's own clouds have scopes of their own. */
const SCOPES: readonly [RegExp, scope: string, authority: string | undefined][] = [
  [
    /\.database\.usgovcloudapi\.net$/i,
    'https://database.usgovcloudapi.net/.default',
    'https://login.microsoftonline.us',
  ],
  [/\.database\.chinacloudapi\.cn$/i, 'https://database.chinacloudapi.cn/.default', 'https://login.chinacloudapi.cn'],
];
/** No byte for so many milliseconds ends a call; it is tried again. */
const SILENCE = 30_000;
const PUBLIC_SCOPE = 'https://database.windows.net/.default';

/**
 * The source of tokens of a connection that signs in with Entra ID; null for one that does not. The driver could ask for tokens itself, but not
 * be cancelled while it does; the credential keeps a token until shortly before it ends.
 */
export function openTokenSource(
  connection: SqlServerConnection,
  environment: Environment = process.env,
): TokenSource | null {
  const { authentication, host } = connection;
  if (!['service_principal', 'default_credential', 'browser'].includes(authentication)) return null;
  const [, scope = PUBLIC_SCOPE, authority] = SCOPES.find(([pattern]) => pattern.test(host)) ?? [];
  let network: Promise<Agents> | null = null;
  let credential: Promise<Credential> | null = null;
  return async (signal) => {
    try {
      // Entra ID is behind the same proxy and authorities as every other service of the cloud, wherever the server itself is.
      network ??= openAgents({}, { baseDirectory: '.', environment, silence: SILENCE });
      const { httpsAgent } = await network;
      credential ??=
        authentication === 'browser'
          ? Promise.resolve(browserCredential({ ...placeOf(connection), agent: httpsAgent, environment, authority }))
          : openCredential(connection, entraOptions(httpsAgent, environment, authority));
      const token = await (await credential).getToken(scope, { abortSignal: signal });
      if (token) return token.token;
      throw new Error('there was none');
    } catch (error) {
      throwIfCancelled(signal);
      if (isIngestError(error)) throw error;
      throw new IngestError('LOGIN_FAILED', `Entra ID gave no token for ${userOf(connection)}: ${said(error)}.`, {
        hint:
          authentication === 'service_principal'
            ? 'Check tenant_id, client_id and client_secret (expired?) of the connection.'
            : 'Sign in with `az login`, or run where a managed identity or AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET are set.',
        cause: error,
      });
    }
  };
}

async function openCredential(
  connection: SqlServerConnection,
  options: ReturnType<typeof entraOptions>,
): Promise<Credential> {
  const identity = await loadDriver('@azure/identity', () => import('@azure/identity'));
  if (connection.authentication === 'default_credential') return new identity.DefaultAzureCredential(options);
  const { tenant_id: tenant = '', client_id: client = '', client_secret: secret = '' } = connection;
  return new identity.ClientSecretCredential(tenant, client, secret, options);
}

function placeOf({ name, tenant_id: tenant, client_id: client, username: user }: SqlServerConnection) {
  return { section: 'sources', name, tenant, client, user } as const;
}

/** The first line: what follows is a trace id and advice for programmers. */
function said(error: unknown): string {
  return (messageOf(error).split('\n')[0] ?? '').replace(/\.$/, '');
}
