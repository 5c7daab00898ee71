import { z } from 'zod';
import { FindingList } from './finding-list.ts';
import type { RawProject, Table } from './project.ts';
import { addEntries, type Entries, isTable, parseEntries, remark, type TomlContext, unknownKey } from './toml-table.ts';

/** `default_credential`: environment, workload and managed identity, Azure CLI; `browser`: a person signs in. */
export const KEY_VAULT_SIGN_INS = ['default_credential', 'service_principal', 'browser'] as const;

/** What a secret of a vault is called: 1 to 127 letters, digits and hyphens. */
const SECRET_NAME = /^[0-9A-Za-z-]{1,127}$/;

/** `[key_vault]` of config.toml: an Azure Key Vault that secrets are looked up in, after the environment and before every other place. */
export const keyVaultModel = z.object({
  vault_url: z.string().min(1).describe('https://NAME.vault.azure.net, or the name alone'),
  authentication: z
    .enum(KEY_VAULT_SIGN_INS)
    .optional()
    .describe('Default: service_principal where tenant_id and client_id are set'),
  tenant_id: z.string().min(1).optional(),
  client_id: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Of the service principal; with default_credential, of a user-assigned managed identity; with browser, a public client',
    ),
  client_secret: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Comes from the environment (KEY_VAULT__CLIENT_SECRET), secrets.toml or the keychain, never from the vault',
    ),
  proxy: z.string().optional(),
  ca_file: z.string().optional(),
  secrets: z
    .array(
      z.strictObject({
        path: z
          .string()
          .regex(/^[^.]+(\.[^.]+)+$/)
          .describe('The key path that wants it: sources.shop.password'),
        name: z.string().regex(SECRET_NAME).describe("The secret's name in the vault"),
        version: z
          .string()
          .regex(/^[0-9A-Za-z]{1,64}$/)
          .optional()
          .describe('Default: the newest'),
      }),
    )
    .default([])
    .describe('Secrets whose names in the vault are not made of their key paths'),
});

export interface KeyVaultConfig extends Omit<z.infer<typeof keyVaultModel>, 'vault_url' | 'authentication'> {
  /** `https://corp.vault.azure.net` */
  vaultUrl: string;
  /** `corp` */
  name: string;
  authentication: (typeof KEY_VAULT_SIGN_INS)[number];
}

const ALIASES: Readonly<Record<string, string>> = {
  url: 'vault_url',
  vault_name: 'vault_url',
  key_vault_url: 'vault_url',
  azure_tenant_id: 'tenant_id',
  azure_client_id: 'client_id',
  azure_client_secret: 'client_secret',
};

/** Null where there is no vault, or where the table has errors. */
export function readKeyVault(context: TomlContext, config: Table): KeyVaultConfig | null {
  const table = config['key_vault'];
  if (table === undefined) return null;
  const path = ['key_vault'];
  if (!isTable(table)) {
    remark(context, { value: table, path }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
    return null;
  }
  const entries: Entries = new Map();
  addEntries(entries, table, path, ALIASES);
  const known = Object.keys(keyVaultModel.shape);
  for (const [name, { path: at }] of entries) if (!known.includes(name)) unknownKey(context, at, known);
  const parsed = parseEntries(context, keyVaultModel, entries, {}, path);
  if (parsed === null) return null;
  const { vault_url, authentication, ...rest } = parsed;
  const vaultUrl = vaultAddress(vault_url);
  const entry = entries.get('vault_url');
  if (vaultUrl === null) {
    if (entry !== undefined) {
      remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', 'must be the https address of a key vault', {
        hint: 'Copy "Vault URI" from the vault\'s overview, e.g. https://corp.vault.azure.net.',
      });
    }
    return null;
  }
  const principal = rest.tenant_id !== undefined && rest.client_id !== undefined;
  return {
    ...rest,
    vaultUrl,
    name: /^https:\/\/([^.:]+)/.exec(vaultUrl)?.[1] ?? vaultUrl,
    authentication: authentication ?? (principal ? 'service_principal' : 'default_credential'),
  };
}

/** The vault that a project is configured with; what is wrong with it is said by its validation. */
export function keyVaultOf(raw: Pick<RawProject, 'config' | 'secretPaths'>): KeyVaultConfig | null {
  return readKeyVault(
    { list: new FindingList(new Set()), secretPaths: raw.secretPaths, severity: 'error' },
    raw.config,
  );
}

/** The origin of a vault's address; null for what is none. Nothing is ever sent in plain text. */
function vaultAddress(text: string): string | null {
  const trimmed = text.trim();
  if (/^[a-z][0-9a-z-]{1,22}[0-9a-z]$/i.test(trimmed)) return `https://${trimmed.toLowerCase()}.vault.azure.net`;
  const [, host, port = ''] =
    /^(?:https:\/\/)?([a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d-]+)*)(:\d{1,5})?\/?$/i.exec(trimmed) ?? [];
  return host === undefined ? null : `https://${host.toLowerCase()}${port}`;
}

/**
 * The name that a key path's secret has in a vault: `sources.shop_eu.client_secret` → `sources--shop-eu--client-secret`.
 * In lower case (a vault knows no other), with a hyphen for each character that a name cannot hold; null where that leaves no name:
 * a part without a letter or digit of ASCII, or more than 127 characters. Such secrets need an entry in `key_vault.secrets`.
 */
export function vaultSecretName(path: readonly string[]): string | null {
  const parts = path.map((part) => part.toLowerCase().replace(/[^0-9a-z-]/gu, '-'));
  const name = parts.join('--');
  return SECRET_NAME.test(name) && parts.every((part) => /[0-9a-z]/.test(part)) ? name : null;
}
