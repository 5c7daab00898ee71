import type { z } from 'zod';
import { apiAuthModel, connectionModels } from '../spec/connection.ts';
import { destinationModels } from '../spec/destination.ts';
import { JOB_COLUMN_NAMES } from '../spec/job-columns.ts';
import { resourceOptionsModel } from '../spec/resource.ts';
import { isSecretKey } from '../spec/secret-keys.ts';

/** Last words of keys that people invent (headers, parameters, services of their own). */
const SECRET_WORDS = new Set([
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'secret',
  'token',
  'key',
  'apikey',
  'accesskey',
  'signature',
  'sas',
  'dsn',
  'pat',
  'jwt',
  'authorization',
  'cookie',
]);

/** Keys that end in a secret's word and hold none. */
const HARMLESS_KEYS = new Set(['primary_key', 'partition_key', 'sort_key', 'merge_key', 'foreign_key', 'unique_key']);

/** Keys that a model knows to be plain, whose values may be shown: hosts, ports, users, paths. */
const PLAIN_KEYS: ReadonlySet<string> = new Set(
  [
    ...[
      ...Object.values(connectionModels),
      ...Object.values(destinationModels),
      apiAuthModel,
      resourceOptionsModel,
    ].flatMap((model) => Object.keys((model as z.ZodObject).shape)),
    ...JOB_COLUMN_NAMES,
    // other spellings of plain keys, in the plan's flat form
    'url',
    'user',
    'oauth_url',
  ].filter((key) => !isSecretValue([key])),
);

/**
 * True where the value under a key path must be kept secret, whatever file or variable it came from. Wider than `isSecretKey`:
 * what it takes for a secret by mistake is only hidden, what it misses would be shown.
 */
export function isSecretValue(path: readonly string[]): boolean {
  if (isSecretKey(path)) return true;
  const words = (path.at(-1) ?? '')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  return SECRET_WORDS.has(words.at(-1) ?? '') && !HARMLESS_KEYS.has(words.join('_'));
}

/**
 * The same for a value out of a place for secrets: everything but what a model knows to be plain,
 * because the plan's flat form puts whole connections into `secrets.toml`.
 */
export function isSecretFromSecretPlace(path: readonly string[]): boolean {
  return isSecretValue(path) || !PLAIN_KEYS.has(path.at(-1) ?? '');
}
