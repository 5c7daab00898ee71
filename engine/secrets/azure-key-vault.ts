import { resolve } from 'node:path';
import type { TokenCredential } from '@azure/identity';
import type { KeyVaultSecret, SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import { entraOptions } from '../entra.ts';
import { IngestError, throwIfCancelled } from '../errors.ts';
import { loadDriver } from '../load-driver.ts';
import { type Agents, openAgents } from '../network/agents.ts';
import type { Environment } from '../network/environment.ts';
import { browserCredential } from '../sign-in/entra-sign-in.ts';
import type { Finding } from '../spec/finding.ts';
import { type KeyVaultConfig, vaultSecretName } from '../spec/key-vault.ts';
import { explainVaultError, isMissing, isRefused } from './key-vault-errors.ts';
import { type ProvidedValue, pathText, type SecretProvider } from './provider.ts';

/** All secrets of a run must be there after so many milliseconds, retries and sign-in included. */
const PATIENCE = 30_000;
/** The same where a person signs in first. */
const ATTENDED_PATIENCE = 5 * 60_000 + PATIENCE;
/** A call that gives no byte for so long is tried again. */
const SILENCE = 10_000;
/** Requests at a time. A vault gives 4,000 secrets in ten seconds before it throttles. */
const AT_A_TIME = 8;

/** What a vault is opened with beside its configuration. */
export interface KeyVaultOptions {
  /** Relative paths of `ca_file` start here. */
  baseDirectory: string;
  environment: Environment;
  signal: AbortSignal;
  /** Default {@link PATIENCE}, with a person's sign-in {@link ATTENDED_PATIENCE}. */
  patience?: number;
  /** Laid over the client's options, for vaults at an address that is not Azure's (tests). */
  client?: Pick<SecretClientOptions, 'disableChallengeResourceVerification'>;
}

/** A provider that was asked everything already. */
export interface KeyVaultProvider extends SecretProvider {
  /** What is to be said of single secrets: refused, disabled, expired, ambiguous. No value is in them. */
  findings: Finding[];
}

/** How people know the vault. */
export function vaultPlace({ name }: Pick<KeyVaultConfig, 'name'>): string {
  return `Azure Key Vault ${name}`;
}

/** A key path with the secret of the vault that holds its value. */
export interface VaultSecret {
  path: readonly string[];
  name: string;
  version?: string;
}

/** Key paths that are asked for, and all that the project knows of: names must tell them apart, too. */
export interface VaultPaths {
  wanted: readonly (readonly string[])[];
  all: readonly (readonly string[])[];
}

/**
 * The secrets of the vault that key paths stand for: those of `key_vault.secrets`, else by {@link vaultSecretName}. Two paths whose names would
 * be the same are left out: one system's password must not be sent to another.
 */
export function vaultSecrets(
  config: KeyVaultConfig,
  paths: VaultPaths,
): { secrets: VaultSecret[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const sharing = new Map<string, (readonly string[])[]>();
  for (const path of new Map([...paths.all, ...paths.wanted].map((one) => [pathText(one), one])).values()) {
    const name = isMapped(config, path) ? null : vaultSecretName(path);
    if (name !== null) sharing.set(name, [...(sharing.get(name) ?? []), path]);
  }
  const secrets: VaultSecret[] = [];
  const told = new Set<string>();
  for (const path of paths.wanted) {
    const mapped = config.secrets.find((entry) => entry.path === pathText(path));
    if (mapped !== undefined) {
      secrets.push({ path, name: mapped.name, ...(mapped.version === undefined ? {} : { version: mapped.version }) });
      continue;
    }
    const name = vaultSecretName(path);
    const all = name === null ? [] : (sharing.get(name) ?? []);
    if (name === null) findings.push(unnamed(config, path));
    else if (all.length <= 1) secrets.push({ path, name });
    else if (!told.has(name)) findings.push(ambiguous(config, name, all));
    if (name !== null) told.add(name);
  }
  return { secrets, findings };
}

function isMapped(config: KeyVaultConfig, path: readonly string[]): boolean {
  return config.secrets.some((entry) => entry.path === pathText(path));
}

/** Stands for the vault where nobody may ask it: every secret that it may hold is deferred. */
export function deferringVault(config: KeyVaultConfig, paths: VaultPaths): KeyVaultProvider {
  const { secrets, findings } = vaultSecrets(config, paths);
  const answers = new Map(secrets.map((secret) => [JSON.stringify(secret.path), secret]));
  return {
    name: vaultPlace(config),
    findings,
    async get(path) {
      const secret = answers.get(JSON.stringify(path));
      return secret === undefined ? null : { kind: 'deferred', place: placeOf(secret) };
    },
  };
}

/**
 * Asks the vault for the secrets of key paths, several at a time; what it says is kept in the provider for as long as that lives. Where the vault
 * cannot be reached, or nobody can sign in, the provider's `get` throws that, so that the other places are looked at.
 * @throws IngestError CANCELLED; everything else comes with the provider
 */
export async function askKeyVault(
  config: KeyVaultConfig,
  paths: VaultPaths,
  options: KeyVaultOptions,
): Promise<KeyVaultProvider> {
  const { secrets, findings } = vaultSecrets(config, paths);
  const answers = new Map<string, ProvidedValue>();
  let failure: unknown = null;
  if (secrets.length > 0) {
    const patience = AbortSignal.timeout(
      options.patience ?? (config.authentication === 'browser' ? ATTENDED_PATIENCE : PATIENCE),
    );
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, patience, stop.signal]);
    let session: VaultSession | null = null;
    try {
      session = await openKeyVault(config, options);
      const { client } = session;
      const ask = async (secret: VaultSecret) => {
        const found = await readSecret(client, secret, signal).catch((error: unknown) => {
          if (!isRefused(error)) throw error;
          findings.push(refused(config, secret, error));
          return null;
        });
        if (found?.value === undefined) return;
        answers.set(JSON.stringify(secret.path), { kind: 'value', value: found.value, place: placeOf(secret) });
        const date = outOfDate(found, Date.now());
        if (date !== null) findings.push(dated(config, secret, date));
      };
      // The first alone: it signs in, and where the vault cannot be reached it says so once.
      const [first, ...others] = secrets;
      await ask(first as VaultSecret);
      const queue = others.values();
      const workers = Array.from({ length: AT_A_TIME }, async () => {
        try {
          for (const secret of queue) await ask(secret);
        } catch (error) {
          stop.abort();
          throw error;
        }
      });
      const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    } catch (error) {
      throwIfCancelled(options.signal);
      failure = explainVaultError(error, config, { timedOut: patience.aborted });
    } finally {
      session?.close();
    }
  }
  return {
    name: vaultPlace(config),
    findings,
    async get(path) {
      if (failure !== null) throw failure;
      return answers.get(JSON.stringify(path)) ?? null;
    },
  };
}

/** The secret, or null where the vault has none of the name. */
async function readSecret(
  client: SecretClient,
  { name, version }: VaultSecret,
  signal: AbortSignal,
): Promise<KeyVaultSecret | null> {
  try {
    return await client.getSecret(name, { abortSignal: signal, ...(version === undefined ? {} : { version }) });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** A client with the connections that it uses. */
export interface VaultSession {
  client: SecretClient;
  credential: TokenCredential;
  agents: Agents;
  close(): void;
}

/**
 * Signs nobody in yet: the client does with its first call.
 * @throws IngestError DRIVER_MISSING, KEY_VAULT_CREDENTIALS, CA_FILE_UNUSABLE, PROXY_UNUSABLE, PROXY_SCRIPT_UNUSABLE
 */
export async function openKeyVault(
  config: KeyVaultConfig,
  options: Pick<KeyVaultOptions, 'baseDirectory' | 'environment' | 'client'>,
): Promise<VaultSession> {
  const vault = await loadDriver('@azure/keyvault-secrets', () => import('@azure/keyvault-secrets'));
  const agents = await openAgents(config, {
    baseDirectory: resolve(options.baseDirectory),
    environment: options.environment,
    silence: SILENCE,
  });
  try {
    const credential = await openCredential(config, agents, options.environment);
    // The agent decides about proxies; the client's own reading of HTTPS_PROXY would come on top.
    const settings = {
      agent: agents.httpsAgent,
      retryOptions: { maxRetries: 3, retryDelayInMs: 300, maxRetryDelayInMs: 3_000 },
      ...options.client,
    } satisfies SecretClientOptions & { agent: unknown } as SecretClientOptions;
    const client = new vault.SecretClient(config.vaultUrl, credential, settings);
    return { client, credential, agents, close: () => agents.close() };
  } catch (error) {
    agents.close();
    throw error;
  }
}

async function openCredential(
  config: KeyVaultConfig,
  agents: Agents,
  environment: Environment,
): Promise<TokenCredential> {
  const { name, tenant_id: tenant, client_id: client, client_secret: secret } = config;
  const authority = authorityOf(config);
  if (config.authentication === 'browser') {
    const agent = agents.httpsAgent;
    return browserCredential({ section: 'key_vault', name, agent, environment, authority, tenant, client });
  }
  const identity = await loadDriver('@azure/identity', () => import('@azure/identity'));
  const options = entraOptions(agents.httpsAgent, environment, authority);
  if (config.authentication === 'default_credential') {
    return new identity.DefaultAzureCredential({
      ...options,
      ...(tenant === undefined ? {} : { tenantId: tenant }),
      ...(client === undefined ? {} : { managedIdentityClientId: client }),
    });
  }
  if (tenant === undefined || client === undefined || secret === undefined) {
    const missing = [
      ...(tenant === undefined ? ['tenant_id'] : []),
      ...(client === undefined ? ['client_id'] : []),
      ...(secret === undefined ? ['client_secret'] : []),
    ];
    throw new IngestError(
      'KEY_VAULT_CREDENTIALS',
      `${vaultPlace(config)} is signed in to with a service principal, and [key_vault] has no ${missing.join(' and no ')}.`,
      {
        hint:
          secret === undefined
            ? 'Set KEY_VAULT__CLIENT_SECRET, or client_secret in the [key_vault] of .dlt/secrets.toml, or authentication = "default_credential".'
            : 'Set it in the [key_vault] of .dlt/config.toml.',
      },
    );
  }
  return new identity.ClientSecretCredential(tenant, client, secret, options);
}

/** Azure's own clouds sign in at authorities of their own. */
function authorityOf({ vaultUrl }: KeyVaultConfig): string | undefined {
  if (/\.vault\.usgovcloudapi\.net$/i.test(vaultUrl)) return 'https://login.microsoftonline.us';
  return /\.vault\.azure\.cn$/i.test(vaultUrl) ? 'https://login.chinacloudapi.cn' : undefined;
}

function placeOf({ name, version }: VaultSecret): string {
  return version === undefined ? `secret ${name}` : `secret ${name}, version ${version}`;
}

/** Dates of a secret are advice: the vault gives it all the same. */
function outOfDate({ properties }: KeyVaultSecret, now: number): string | null {
  const { expiresOn, notBefore } = properties;
  if (expiresOn !== undefined && expiresOn.getTime() <= now) return `expired at ${expiresOn.toISOString()}`;
  if (notBefore !== undefined && notBefore.getTime() > now)
    return `is meant for use from ${notBefore.toISOString()} on`;
  return null;
}

function warning(
  config: KeyVaultConfig,
  path: readonly string[],
  said: Pick<Finding, 'code' | 'message' | 'hint'>,
): Finding {
  return {
    severity: 'warning',
    sheet: vaultPlace(config),
    row: null,
    column: pathText(path),
    value: null,
    fix: null,
    ...said,
  };
}

function refused(config: KeyVaultConfig, secret: VaultSecret, error: unknown): Finding {
  const { message, hint } = explainVaultError(error, config, { secret: secret.name });
  return warning(config, secret.path, { code: 'KEY_VAULT_SECRET_REFUSED', message, hint: hint ?? null });
}

function dated(config: KeyVaultConfig, { path, name }: VaultSecret, what: string): Finding {
  return warning(config, path, {
    code: 'KEY_VAULT_SECRET_EXPIRED',
    message: `Secret ${name} of ${vaultPlace(config)} ${what}; it is used all the same.`,
    hint: 'Add a new version of the secret, or correct its dates.',
  });
}

function ambiguous(config: KeyVaultConfig, name: string, paths: readonly (readonly string[])[]): Finding {
  return warning(config, paths[0] as readonly string[], {
    code: 'KEY_VAULT_NAME_AMBIGUOUS',
    message: `${paths.map(pathText).join(' and ')} would both be secret ${name} of ${vaultPlace(config)}: neither is asked for.`,
    hint: 'Say which is which: secrets = [{ path = "…", name = "…" }] in [key_vault].',
  });
}

function unnamed(config: KeyVaultConfig, path: readonly string[]): Finding {
  return warning(config, path, {
    code: 'KEY_VAULT_NAME_NEEDED',
    message: `${pathText(path)} cannot be the name of a secret in ${vaultPlace(config)} (letters, digits and hyphens, 127 at most): it is not asked for.`,
    hint: `Name it: secrets = [{ path = "${pathText(path)}", name = "…" }] in [key_vault].`,
  });
}
