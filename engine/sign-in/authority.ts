import { ENTRA_PUBLIC_AUTHORITY } from '../entra.ts';

/** Where a person signs in, and as whose client. */
export interface SignInAuthority {
  /** For people. */
  service: string;
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  /** A public client: it has no secret. */
  clientId: string;
  /** What is asked for; `offline_access` gives the refresh token. */
  scope: string;
  /** Ports of `http://localhost` that the client is registered with; null where any is allowed. */
  ports: readonly number[] | null;
  /** The account that is to sign in; null: whichever the person chooses. */
  loginHint: string | null;
  /** More parameters of the page. */
  parameters: Readonly<Record<string, string>>;
  /** What signs in where nobody is there, for the hint of an error. */
  unattended: string;
}

/**
 * Azure CLI's own application, which `@azure/identity` signs people in with, too. It is in every tenant, may ask for any of Azure's services, and
 * is a public client with `http://localhost` (any port).
 */
const AZURE_CLI_CLIENT = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/**
 * Entra ID: a work or school account, of one tenant or of any.
 * @param host `https://login.microsoftonline.com`, or another cloud's
 * @param scope such as `https://database.windows.net/.default`
 */
export function entraAuthority(
  host: string | undefined,
  options: { scope: string; tenant?: string | undefined; client?: string | undefined; user?: string | undefined },
): SignInAuthority {
  const tenant = encodeURIComponent(options.tenant || 'organizations');
  const base = `${(host ?? ENTRA_PUBLIC_AUTHORITY).replace(/\/+$/, '')}/${tenant}`;
  const { user } = options;
  return {
    service: 'Microsoft Entra ID',
    issuer: `${base}/v2.0`,
    authorizationEndpoint: `${base}/oauth2/v2.0/authorize`,
    tokenEndpoint: `${base}/oauth2/v2.0/token`,
    clientId: options.client || AZURE_CLI_CLIENT,
    scope: `${options.scope} offline_access`,
    ports: null,
    loginHint: user || null,
    // Else a browser with one session takes that account, right or wrong, without a word.
    parameters: user ? { login_hint: user } : { prompt: 'select_account' },
    unattended: 'a service principal',
  };
}

/** Registered for Databricks' own command line in every workspace. */
const DATABRICKS_CLIENT = 'databricks-cli';
const DATABRICKS_PORTS = Array.from({ length: 10 }, (_, index) => 8020 + index);

/** A Databricks workspace's own sign-in (OAuth U2M), on every cloud. */
export function databricksAuthority(
  host: string,
  options: { port: number; client?: string | undefined },
): SignInAuthority {
  const base = `https://${host}${options.port === 443 ? '' : `:${options.port}`}/oidc`;
  return {
    service: 'Databricks',
    issuer: base,
    authorizationEndpoint: `${base}/v1/authorize`,
    tokenEndpoint: `${base}/v1/token`,
    clientId: options.client || DATABRICKS_CLIENT,
    scope: 'all-apis offline_access',
    ports: DATABRICKS_PORTS,
    loginHint: null,
    parameters: {},
    unattended: 'a service principal (OAuth M2M) or an access token',
  };
}
