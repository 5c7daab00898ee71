import type { z } from 'zod';
import { apiAuthModel, connectionModels } from '../spec/connection.ts';
import { destinationModels } from '../spec/destination.ts';
import { resourceOptionsModel } from '../spec/resource.ts';

const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'pwd',
  'pass',
  'passphrase',
  'token',
  'secret',
  'key',
  'sas',
  'signature',
  'sig',
  'credential',
  'credentials',
  'authorization',
  'cookie',
  'dsn',
  'apikey',
  'authkey',
  'accesskey',
  'accountkey',
  'secretkey',
  'appkey',
  'accesstoken',
  'authtoken',
  'clientsecret',
  'pat',
  'jwt',
  'bearer',
]);

/** Keys that end in a secret's word and hold none. */
const HARMLESS_KEYS = new Set([
  'primary_key',
  'partition_key',
  'sort_key',
  'merge_key',
  'foreign_key',
  'cluster_key',
  'unique_key',
  'row_key',
  'object_key',
]);

/** Names that every model knows and whose values may be shown: hosts, ports, users, paths. */
const PLAIN_KEYS: ReadonlySet<string> = new Set(
  [...Object.values(connectionModels), ...Object.values(destinationModels), apiAuthModel, resourceOptionsModel]
    .flatMap((model) => Object.keys((model as z.ZodObject).shape))
    .filter((key) => !looksSecret(key)),
);

/**
 * True where a key's value must be kept secret, known or not, judged by its last words:
 * `password`, `client_secret`, `apiKey`, `X-Api-Key`, `azure_storage_sas_token`, `Authorization`.
 * `token_url`, `private_key_id`, `api_key_name` and `primary_key` hold no secret.
 */
export function isSecretKey(path: readonly string[]): boolean {
  const key = path.at(-1);
  return key !== undefined && looksSecret(key);
}

/**
 * True where a value that came from a place for secrets is to be kept secret: everything but what a model knows to be plain,
 * because the plan's flat form puts whole connections into `secrets.toml`.
 */
export function isSecretInSecretsFile(path: readonly string[]): boolean {
  return isSecretKey(path) || !PLAIN_KEYS.has(path.at(-1) ?? '');
}

function looksSecret(key: string): boolean {
  const words = key
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  if (HARMLESS_KEYS.has(words.join('_'))) return false;
  const last = words.at(-1) ?? '';
  return SECRET_WORDS.has(last) || words.slice(-2).join('_') === 'connection_string';
}
