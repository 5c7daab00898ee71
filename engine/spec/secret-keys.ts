/**
 * Which keys of config.toml and secrets.toml are secrets. Their values never appear in a finding, a log or a document,
 * and belong into the environment, a vault or secrets.toml.
 */
export const SECRET_KEYS: readonly string[] = [
  'password',
  'api_key',
  'token',
  'bearer_token',
  'access_token',
  'refresh_token',
  'client_secret',
  'wallet_password',
  'private_key',
  'service_account_key',
  'azure_storage_account_key',
  'azure_storage_sas_token',
  'azure_storage_connection_string',
  'azure_client_secret',
  'aws_secret_access_key',
  'aws_session_token',
  'connection_string',
  'webhook_url',
];

/** Keys that users invent (`x-api-key` among headers, `sig` among parameters) are told by how they end. */
const SECRET_ENDING =
  /(^|_)(password|passwd|pwd|passphrase|secret|token|api_?key|apikey|account_key|access_key|private_key|secret_key|authorization|cookie|signature|sig|credential|sas)$/;
/** `staging_credential` is the name of a storage credential. */
const NOT_SECRET = /((^|_)(param|path|url|name|location|header|type)|^staging_credential)$/;

/** Is the value under this key path a secret? The path's parts are TOML keys, outermost first. */
export function isSecretKey(path: readonly string[]): boolean {
  const key = (path.at(-1) ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '_');
  if (SECRET_KEYS.includes(key)) return true;
  // A collector's headers are its credentials, whatever they are called.
  if (path[0] === 'telemetry' && path[1] === 'headers') return path.length > 2;
  if (NOT_SECRET.test(key)) return false;
  // `credentials = "postgresql://user:password@host/db"`; for DuckDB it is a path, which hiding does not hurt.
  if (key === 'credentials') return path[0] === 'sources';
  return SECRET_ENDING.test(key);
}

/** Passwords and signatures inside of URLs: `https://user:PASSWORD@host/?sig=SIGNATURE`. */
const IN_URL = [
  /:\/\/[^/?#\s]*?:([^/?#\s]+)@/g,
  /[?&;](?:sig|signature|token|access_token|api_?key|key|password|pwd|secret)=([^&#\s;]+)/gi,
];

/** Adds to `into` all texts below `value` (found under `path`) that are secrets: by their key, or because `secretPaths` names them. */
export function collectSecrets(
  value: unknown,
  path: readonly string[],
  secretPaths: ReadonlySet<string>,
  into: Set<string>,
  inherited = false,
): void {
  const secret = inherited || secretPaths.has(path.join('.')) || isSecretKey(path);
  if (Array.isArray(value)) {
    for (const item of value) collectSecrets(item, path, secretPaths, into, secret);
  } else if (value !== null && typeof value === 'object' && !(value instanceof Date)) {
    // A table of credentials holds host and user too: its keys speak for themselves.
    const below = secret && path.at(-1) !== 'credentials';
    for (const [key, item] of Object.entries(value)) collectSecrets(item, [...path, key], secretPaths, into, below);
  } else if (!secret && typeof value === 'string') {
    for (const pattern of IN_URL)
      for (const [, found] of value.matchAll(pattern)) if (found !== undefined) into.add(found);
  } else if (secret && (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'))
    into.add(String(value));
}
