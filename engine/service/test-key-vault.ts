import { request } from 'node:https';
import { addressOf, type Outcome, reachPort, resolveHost, runStages } from '../connection-stages.ts';
import { IngestError } from '../errors.ts';
import { chosenBy, proxiesOf } from '../network/proxies.ts';
import {
  askKeyVault,
  type KeyVaultOptions,
  openKeyVault,
  type VaultPaths,
  type VaultSession,
  vaultSecrets,
} from '../secrets/azure-key-vault.ts';
import { explainVaultError, isRefused } from '../secrets/key-vault-errors.ts';
import { personOf } from '../sign-in/person.ts';
import type { TestStage } from '../sources/source.ts';
import type { KeyVaultConfig } from '../spec/key-vault.ts';

const TCP_TIMEOUT = 10_000;

/**
 * Stages of a key vault's test, as a source's: the last reads the secrets that the project needs and says which are there, never what they are.
 * @param paths what the project looks up
 */
export async function* testKeyVault(
  config: KeyVaultConfig,
  paths: VaultPaths,
  options: KeyVaultOptions,
): AsyncGenerator<TestStage> {
  const { signal } = options;
  const url = new URL(config.vaultUrl);
  let session: VaultSession | null = null;
  const open = async () => {
    session ??= await openKeyVault(config, options);
    return session;
  };
  const choose = () => proxiesOf(config.proxy, options.environment).choose(url);
  try {
    yield* runStages(
      [
        [
          'dns',
          async () => {
            const choice = await choose();
            return choice.proxy === null
              ? await resolveHost(url.hostname, signal)
              : { detail: `The proxy ${choice.proxy.host} looks it up${chosenBy(choice)}.`, skipped: true };
          },
        ],
        [
          'tcp',
          async () => {
            const target = (await choose()).proxy ?? url;
            const { host, port } = addressOf(target);
            return await reachPort(host, port, TCP_TIMEOUT, signal);
          },
        ],
        ['tls', async () => await challengeOf(await open(), config, signal)],
        [
          'login',
          async () => {
            const { credential } = await open();
            const token = await credential.getToken(scopeOf(config), { abortSignal: signal });
            if (token === null) throw new IngestError('KEY_VAULT_SIGN_IN', 'There was no token.');
            return { detail: signedInAs(config, token.token) };
          },
        ],
        ['permission', async () => await mayList(await open(), signal)],
        ['first_read', async () => await readSecrets(config, paths, options)],
      ],
      (error) => explainVaultError(error, config),
      signal,
    );
  } finally {
    (session as VaultSession | null)?.close();
  }
}

/** A vault answers who brings no token with a challenge; anything else is no vault. */
function challengeOf({ agents }: VaultSession, { vaultUrl }: KeyVaultConfig, signal: AbortSignal): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const sent = request(`${vaultUrl}/secrets?api-version=7.4`, { agent: agents.httpsAgent, signal }, (answer) => {
    answer.resume();
    const authority = /authorization="([^"]+)"/i.exec(answer.headers['www-authenticate'] ?? '')?.[1];
    if (authority !== undefined) resolve({ detail: `A key vault; it signs in at ${authority}.` });
    else {
      reject(
        new IngestError(
          'KEY_VAULT_UNREACHABLE',
          `${vaultUrl} does not answer like a key vault (${answer.statusCode}).`,
          {
            hint: 'Copy "Vault URI" from the vault\'s overview into vault_url.',
          },
        ),
      );
    }
  });
  sent.once('error', reject);
  sent.end();
  return promise;
}

/** Listing is not needed, but whoever may not list is told that it is so on purpose. */
async function mayList({ client }: VaultSession, signal: AbortSignal): Promise<Outcome> {
  try {
    await client.listPropertiesOfSecrets({ abortSignal: signal }).byPage({ maxPageSize: 1 }).next();
    return { detail: 'May list secrets.' };
  } catch (error) {
    if (!isRefused(error)) throw error;
    return { detail: 'May not list secrets, which is not needed: they are asked for by name.' };
  }
}

async function readSecrets(config: KeyVaultConfig, paths: VaultPaths, options: KeyVaultOptions): Promise<Outcome> {
  const { secrets } = vaultSecrets(config, paths);
  if (secrets.length === 0) return { detail: 'The project needs no secret of it.', skipped: true };
  const vault = await askKeyVault(config, paths, options);
  const found: string[] = [];
  const absent: string[] = [];
  for (const { path, name } of secrets) ((await vault.get(path)) === null ? absent : found).push(name);
  const refused = vault.findings.filter(({ code }) => code === 'KEY_VAULT_SECRET_REFUSED');
  if (found.length === 0 && refused[0] !== undefined) {
    const { message, hint } = refused[0];
    throw new IngestError('KEY_VAULT_FORBIDDEN', message, hint === null ? {} : { hint });
  }
  const there = found.length === 0 ? 'None of the secrets is there.' : `There: ${found.join(', ')}.`;
  const rest = absent.length === 0 ? '' : ` Not there: ${absent.join(', ')} (looked up in the other places).`;
  return { detail: `${there}${rest}${vault.findings.map(({ message }) => ` ${message}`).join('')}` };
}

function signedInAs({ authentication, client_id: client }: KeyVaultConfig, token: string): string {
  switch (authentication) {
    case 'service_principal':
      return `Signed in as service principal ${client}.`;
    case 'browser':
      return `Signed in as ${personOf(token) ?? 'a person'} in the browser.`;
    default:
      return 'Signed in with the default credential of Azure.';
  }
}

function scopeOf({ vaultUrl }: KeyVaultConfig): string {
  if (/\.vault\.usgovcloudapi\.net$/i.test(vaultUrl)) return 'https://vault.usgovcloudapi.net/.default';
  return /\.vault\.azure\.cn$/i.test(vaultUrl) ? 'https://vault.azure.cn/.default' : 'https://vault.azure.net/.default';
}
