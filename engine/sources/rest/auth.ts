import { IngestError, orCancelled } from '../../errors.ts';
import type { ApiAuth } from '../../spec/connection.ts';
import type { Clock } from './clock.ts';
import { isObject } from './json-path.ts';
import { isSensitiveKey, type Redactor } from './redact.ts';

/** What signs a request. */
export interface Credentials {
  headers: Record<string, string>;
  query: Record<string, string>;
}

/** Signs requests; one a connection, shared by its jobs. */
export interface Authenticator {
  credentials(signal: AbortSignal): Promise<Credentials>;
  /** After a 401: true when new credentials were fetched instead of `used`, so that the request is worth sending again. */
  renew(used: Credentials, signal: AbortSignal): Promise<boolean>;
}

/** Sends a token request; connection errors and 5xx are retried inside. Redirects are not followed: they would carry the secret away. */
export type TokenTransport = (
  request: { url: string; headers: Record<string, string>; body: string },
  signal: AbortSignal,
) => Promise<{ status: number; text: string; headers: Record<string, string> }>;

export interface AuthDependencies {
  transport: TokenTransport;
  clock: Clock;
  redactor: Redactor;
  /** Aborts when the source is closed. */
  lifetime: AbortSignal;
}

/** A token is renewed so long before it expires: a minute, or a tenth of a short life. */
const EARLY_RENEWAL_MS = 60_000;

/** @throws IngestError API_CREDENTIALS_MISSING, API_CREDENTIALS_INVALID */
export function createAuthenticator(auth: ApiAuth, deps: AuthDependencies): Authenticator {
  for (const secret of [auth.api_key, auth.token, auth.password, auth.client_secret])
    if (secret) deps.redactor.add(secret);
  switch (auth.type) {
    case 'none':
      return fixed({ headers: {}, query: {} });
    case 'api_key': {
      const key = required(auth, 'api_key');
      const name = auth.api_key_name;
      switch (auth.api_key_location) {
        case 'query':
          return fixed({ headers: {}, query: { [name]: key } });
        case 'cookie':
          return fixed({ headers: { cookie: `${name}=${cookieValue('api_key', key)}` }, query: {} });
        case 'header':
          return fixed({ headers: { [name.toLowerCase()]: headerValue('api_key', key) }, query: {} });
        default:
          return auth.api_key_location satisfies never;
      }
    }
    case 'bearer':
      return fixed({
        headers: { authorization: `Bearer ${headerValue('token', required(auth, 'token'))}` },
        query: {},
      });
    case 'basic': {
      // An empty password is legal: many APIs take the key as the user name.
      const pair = Buffer.from(`${required(auth, 'username')}:${auth.password ?? ''}`).toString('base64');
      deps.redactor.add(pair);
      return fixed({ headers: { authorization: `Basic ${pair}` }, query: {} });
    }
    case 'oauth2':
      return new ClientCredentials(auth, deps);
    default:
      return auth.type satisfies never;
  }
}

function fixed(credentials: Credentials): Authenticator {
  return { credentials: async () => credentials, renew: async () => false };
}

function required(
  auth: ApiAuth,
  key: 'api_key' | 'token' | 'username' | 'token_url' | 'client_id' | 'client_secret',
): string {
  const value = auth[key]?.trim();
  if (value) return value;
  throw new IngestError('API_CREDENTIALS_MISSING', `auth_type ${auth.type} needs ${key}, which is not set.`, {
    hint: `Set ${key} for this connection in .dlt/secrets.toml or in the environment.`,
  });
}

function headerValue(key: string, value: string): string {
  // Header values are latin-1 without control characters; Node would refuse others with a message that does not say which key.
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value;
  throw new IngestError('API_CREDENTIALS_INVALID', `The ${key} holds characters that no HTTP header can carry.`, {
    hint: 'Look for a line break or a typographic quote in the secret.',
  });
}

/** What RFC 6265 section 4.1.1 allows in a cookie. */
function cookieValue(key: string, value: string): string {
  if (/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(value)) return value;
  throw new IngestError('API_CREDENTIALS_INVALID', `The ${key} holds characters that no cookie can carry.`, {
    hint: 'Cookies have no spaces, quotes, commas, semicolons or backslashes; percent-encode the key if the API wants it so.',
  });
}

/** OAuth 2.0 client credentials (RFC 6749 section 4.4). */
class ClientCredentials implements Authenticator {
  readonly #auth: ApiAuth;
  readonly #transport: TokenTransport;
  readonly #clock: Clock;
  readonly #redactor: Redactor;
  readonly #lifetime: AbortSignal;
  #token: { credentials: Credentials; renewAt: number } | null = null;
  #pending: Promise<Credentials> | null = null;

  constructor(auth: ApiAuth, deps: AuthDependencies) {
    this.#auth = auth;
    this.#transport = deps.transport;
    this.#clock = deps.clock;
    this.#redactor = deps.redactor;
    this.#lifetime = deps.lifetime;
    for (const key of ['token_url', 'client_id', 'client_secret'] as const) required(auth, key);
    for (const [name, value] of Object.entries(auth.token_params)) if (isSensitiveKey(name)) deps.redactor.add(value);
    const url = auth.token_url ?? '';
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new IngestError('API_URL', 'token_url is no http or https address.', {
        hint: 'Write it like https://login.example.com/oauth2/token.',
      });
    }
  }

  credentials(signal: AbortSignal): Promise<Credentials> {
    if (this.#token && this.#clock.now() < this.#token.renewAt) return Promise.resolve(this.#token.credentials);
    return this.#fetchOnce(signal);
  }

  async renew(used: Credentials, signal: AbortSignal): Promise<boolean> {
    // Another job may have renewed it meanwhile.
    if (this.#token && this.#token.credentials !== used) return true;
    this.#token = null;
    await this.#fetchOnce(signal);
    return true;
  }

  /** Jobs that need a token at the same time share one request, which goes on when one of them is cancelled. */
  #fetchOnce(signal: AbortSignal): Promise<Credentials> {
    this.#pending ??= this.#fetch(this.#lifetime).finally(() => {
      this.#pending = null;
    });
    return orCancelled(this.#pending, signal);
  }

  async #fetch(signal: AbortSignal): Promise<Credentials> {
    const auth = this.#auth;
    const url = required(auth, 'token_url');
    const id = required(auth, 'client_id');
    const secret = required(auth, 'client_secret');
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (auth.scope) form.set('scope', auth.scope);
    if (auth.audience) form.set('audience', auth.audience);
    for (const [name, value] of Object.entries(auth.token_params)) form.set(name, value);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (auth.client_secret_in === 'basic') {
      // RFC 6749 section 2.3.1: both parts are form-encoded before base64.
      const pair = Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64');
      this.#redactor.add(pair);
      headers.authorization = `Basic ${pair}`;
    } else {
      form.set('client_id', id);
      form.set('client_secret', secret);
    }
    const response = await this.#transport({ url, headers, body: form.toString() }, signal);
    const answer = parseObject(response.text);
    if (
      response.status < 200 ||
      response.status > 299 ||
      typeof answer?.access_token !== 'string' ||
      answer.access_token === ''
    )
      throw this.#refused(response, answer);
    this.#redactor.add(answer.access_token);
    this.#checkType(answer.token_type);
    const lifetime = Number(answer.expires_in);
    const lifetimeMs = Number.isFinite(lifetime) && lifetime > 0 ? lifetime * 1000 : Number.POSITIVE_INFINITY;
    const credentials = {
      headers: { authorization: `Bearer ${headerValue('access_token', answer.access_token)}` },
      query: {},
    };
    this.#token = {
      credentials,
      renewAt: this.#clock.now() + lifetimeMs - Math.min(EARLY_RENEWAL_MS, lifetimeMs / 10),
    };
    return credentials;
  }

  /** Other kinds (`mac`, `DPoP`) need requests that are signed one by one. */
  #checkType(type: unknown): void {
    if (typeof type !== 'string' || type.toLowerCase() === 'bearer') return;
    throw new IngestError(
      'API_TOKEN_REFUSED',
      `The token endpoint gave a token of type "${type}"; only Bearer can be used.`,
      {
        hint: 'Ask the API owner for a client whose tokens are Bearer tokens.',
      },
    );
  }

  #refused(
    { status, text, headers }: Awaited<ReturnType<TokenTransport>>,
    answer: Record<string, unknown> | null,
  ): IngestError {
    const refused = (what: string, hint: string) =>
      new IngestError('API_TOKEN_REFUSED', `The token endpoint ${what}.`, { hint });
    if (status >= 300 && status <= 399) {
      const target = headers.location ?? '';
      const where = URL.canParse(target) ? ` to ${new URL(target).origin}` : '';
      return refused(`answered ${status} and redirects${where}; the secret is not sent there`, TOKEN_URL_HINT);
    }
    if (answer === null && /^\s*</.test(text))
      return refused(
        `answered ${status} with a web page instead of a token: ${this.#redactor.excerpt(text, 140)}`,
        TOKEN_URL_HINT,
      );
    const error = typeof answer?.error === 'string' ? answer.error : '';
    if (status >= 200 && status <= 299 && error === '') {
      const keys =
        answer === null ? 'no JSON object' : `only ${Object.keys(answer).slice(0, 8).join(', ') || 'an empty object'}`;
      return refused(`answered ${status} without access_token (${keys})`, TOKEN_URL_HINT);
    }
    const description =
      typeof answer?.error_description === 'string' ? answer.error_description : this.#redactor.excerpt(text);
    const reason = this.#redactor.text([error, description].filter((part) => part !== '').join(': '));
    return refused(
      `answered ${status}${reason === '' ? '' : ` (${reason})`}`,
      REFUSALS[error] ??
        (status === 404 ? TOKEN_URL_HINT : 'Check token_url, client_id, client_secret and scope of this connection.'),
    );
  }
}

const TOKEN_URL_HINT =
  'Check token_url: it must be the address that issues tokens (often ending in /token), not the sign-in page, and need no browser.';

/** Errors of RFC 6749 section 5.2, and what to do about them. */
const REFUSALS: Record<string, string> = {
  invalid_client:
    'Check client_id and client_secret, and whether the server wants the secret in the form or as Basic (client_secret_in).',
  invalid_scope: 'Check scope: the server does not know it, or this client may not have it.',
  invalid_request: 'The server misses or rejects a parameter: check scope, audience and token_params.',
  invalid_grant: 'The server wants another grant: this client must be allowed the client credentials grant.',
  invalid_target: 'Check audience, or the resource among token_params.',
  unauthorized_client: 'This client may not use the client credentials grant: ask the API owner to allow it.',
  unsupported_grant_type: 'The server knows no client credentials grant: check token_url.',
};

function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
