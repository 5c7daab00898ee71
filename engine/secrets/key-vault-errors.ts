import { IngestError, isIngestError, messageOf } from '../errors.ts';
import { proxyErrorOf } from '../network/proxies.ts';
import type { KeyVaultConfig } from '../spec/key-vault.ts';

/** What the client's errors tell: of the service (`statusCode`, `code`), of sign-in (`name`), of the network (`code`). */
interface VaultError {
  name?: string;
  code?: string;
  statusCode?: number;
  message?: string;
  details?: { error?: { innerError?: { code?: string } } };
  cause?: unknown;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|HOSTNAME_MISMATCH/;

/** The vault has no secret, or no version, of this name. */
export function isMissing(error: unknown): boolean {
  return (error as VaultError).statusCode === 404;
}

/** One secret is refused, for its own sake or for want of a right; the vault itself answers. A firewall refuses the vault as a whole. */
export function isRefused(error: unknown): boolean {
  return (error as VaultError).statusCode === 403 && innerCode(error) !== 'ForbiddenByFirewall';
}

/**
 * Why a call to the vault failed and what can be done. Nothing that the service said is passed on but its code.
 * @param context `secret` names the one that was asked for; `timedOut` that our own patience ended the call
 */
export function explainVaultError(
  error: unknown,
  { name, vaultUrl }: Pick<KeyVaultConfig, 'name' | 'vaultUrl'>,
  context: { secret?: string; timedOut?: boolean } = {},
): IngestError {
  if (isIngestError(error)) return error;
  const vault = `Azure Key Vault ${name}`;
  const { statusCode = 0, name: kind = '', message = '' } = error as VaultError;
  const code = networkCode(error);
  const made = (failure: string, text: string, hint: string, retryable = false) =>
    new IngestError(failure, text, { hint, retryable, cause: error });
  const proxyError = proxyErrorOf(code, message);
  if (proxyError) return proxyError;
  if (context.timedOut) {
    return made('KEY_VAULT_UNREACHABLE', `${vault} did not answer in time.`, 'Check the network, or try again.', true);
  }
  const secret = context.secret === undefined ? 'its secrets' : `secret ${context.secret}`;
  if (statusCode === 403) {
    const inner = innerCode(error);
    if (inner === 'SecretDisabled' || /disabled secret/i.test(message)) {
      return made('KEY_VAULT_FORBIDDEN', `${secret} of ${vault} is disabled.`, 'Enable it, or add a new version.');
    }
    if (inner === 'ForbiddenByFirewall') {
      return made(
        'KEY_VAULT_FORBIDDEN',
        `${vault} does not let this computer's address in (firewall).`,
        'Allow the address under Networking of the vault, or run inside of its network.',
      );
    }
    return made(
      'KEY_VAULT_FORBIDDEN',
      `${vault} does not let us read ${secret}${inner === '' ? '' : ` (${inner})`}.`,
      'Give the identity the role "Key Vault Secrets User", or Get of secrets in the access policy.',
    );
  }
  if (statusCode === 401) {
    return made(
      'KEY_VAULT_SIGN_IN',
      `${vault} does not take our token.`,
      'Check that tenant_id is the tenant of the vault and that the address is right.',
    );
  }
  if (
    /^(AuthenticationError|AuthenticationRequiredError|CredentialUnavailableError|AggregateAuthenticationError)$/.test(
      kind,
    )
  ) {
    const said = /AADSTS\d+/.exec(messageOf(error))?.[0];
    return made(
      'KEY_VAULT_SIGN_IN',
      `Nobody could be signed in to ${vault}${said === undefined ? '' : ` (${said})`}.`,
      'Check tenant_id, client_id and client_secret (expired?) of [key_vault]; without them sign in with `az login` or run with a managed identity.',
    );
  }
  if (statusCode === 429) {
    return made('KEY_VAULT_UNREACHABLE', `${vault} is asked too often (429).`, 'Try again in a minute.', true);
  }
  if (statusCode > 0) {
    return made(
      'KEY_VAULT_UNREACHABLE',
      `${vault} answered with status ${statusCode}.`,
      `Check ${vaultUrl}.`,
      statusCode >= 500,
    );
  }
  if (/challenge/i.test(message)) {
    return made(
      'KEY_VAULT_UNREACHABLE',
      `${new URL(vaultUrl).hostname} does not answer like a key vault: its sign-in is for another domain.`,
      'Copy "Vault URI" from the vault\'s overview into vault_url.',
    );
  }
  if (CERTIFICATE.test(code)) {
    return made(
      'KEY_VAULT_CERTIFICATE',
      `The certificate of ${new URL(vaultUrl).host} is not trusted (${code}).`,
      "Set ca_file in [key_vault] to your company's authority, or add it to the system's store.",
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return made(
      'KEY_VAULT_UNREACHABLE',
      `There is no host ${new URL(vaultUrl).hostname} (${code}).`,
      'Check vault_url, the network, and the proxy.',
      code === 'EAI_AGAIN',
    );
  }
  return made(
    'KEY_VAULT_UNREACHABLE',
    `${vault} cannot be reached${code === '' ? '' : ` (${code})`}.`,
    'Check vault_url, the network, and the proxy.',
    true,
  );
}

function innerCode(error: unknown): string {
  return (error as VaultError).details?.error?.innerError?.code ?? '';
}

/** The system's code of an error or of what caused it. */
function networkCode(error: unknown): string {
  for (let at = error as VaultError | undefined, depth = 0; at !== undefined && at !== null && depth < 5; depth += 1) {
    if (typeof at.code === 'string' && at.code !== 'REQUEST_SEND_ERROR') return at.code;
    at = at.cause as VaultError | undefined;
  }
  return '';
}
