import { type CLOUD_SIGN_INS, type Connection, connectionOf } from './connection.ts';
import { storeOf } from './connection-fields.ts';
import type { DestinationConfig } from './destination.ts';
import type { Job } from './job.ts';

/** A secret that jobs cannot do without. */
export interface NeededSecret {
  /** Keys as a file would nest them: `['sources', 'shop', 'password']`. */
  path: string[];
  /** The same in the connection's model: `auth.token`. */
  key: string;
  /** SourceConfig rows that need it; empty for a destination's. */
  rows: number[];
}

const AUTH_SECRETS: Record<Job['auth_type'], readonly string[]> = {
  none: [],
  api_key: ['api_key'],
  bearer: ['token'],
  basic: ['username', 'password'],
  oauth2: ['token_url', 'client_id', 'client_secret'],
};

/** True where a person signs in with the browser: it cannot run where nobody is. */
export function isAttended(config: Connection | DestinationConfig): boolean {
  switch (config.type) {
    case 'mssql':
    case 'azure_sql':
      return config.authentication === 'browser';
    case 'filesystem':
      return config.azure_authentication === 'browser' && storeOf(config.bucket_url) === 'azure';
    case 'databricks':
      return config.auth_type === 'browser';
    default:
      return false;
  }
}

/** The keys that a job's connection must have, beyond what its model requires. */
function keysFor(connection: Connection, job: Job): readonly string[] {
  switch (connection.type) {
    case 'postgresql':
    case 'oracle':
      return ['password'];
    case 'mssql':
    case 'azure_sql':
      if (connection.authentication === 'default_credential' || isAttended(connection)) return [];
      return connection.authentication === 'service_principal' ? ['client_secret'] : ['password'];
    case 'api':
      return AUTH_SECRETS[job.auth_type].map((key) => `auth.${key}`);
    case 'filesystem':
      return storageSecrets(connection);
    default:
      return connection satisfies never;
  }
}

/** An identity without its secret; no identity at all means the machine's own credential. */
function storageSecrets(storage: {
  azure_client_id?: string;
  azure_authentication?: (typeof CLOUD_SIGN_INS)[number];
  aws_access_key_id?: string;
  client_email?: string;
}): string[] {
  const keys: string[] = [];
  if (storage.azure_client_id !== undefined && storage.azure_authentication !== 'browser')
    keys.push('azure_client_secret');
  if (storage.aws_access_key_id !== undefined) keys.push('aws_secret_access_key');
  if (storage.client_email !== undefined) keys.push('private_key');
  return keys;
}

/** What enabled jobs need of their connections, each key once with the rows that need it. */
export function neededSecrets(jobs: readonly Job[], connections: Readonly<Record<string, Connection>>): NeededSecret[] {
  const needed = new Map<string, NeededSecret>();
  let last: { job: Job; secrets: NeededSecret[] } | null = null;
  for (const job of jobs) {
    if (!job.enabled) continue;
    // Jobs of one connection stand together mostly, and a sheet that is edited is judged with each letter.
    if (last !== null && sameNeeds(last.job, job)) {
      for (const secret of last.secrets) secret.rows.push(job.row);
      continue;
    }
    last = { job, secrets: [] };
    const connection = connectionOf(connections, job);
    for (const key of connection === undefined ? [] : keysFor(connection, job)) {
      const path = ['sources', connection?.name ?? job.source_name, key.replace(/^auth\./, '')];
      const known = needed.get(path.join('.'));
      const secret = known ?? { path, key, rows: [] };
      if (known === undefined) needed.set(path.join('.'), secret);
      secret.rows.push(job.row);
      last.secrets.push(secret);
    }
  }
  return [...needed.values()];
}

function sameNeeds(one: Job, other: Job): boolean {
  return (
    one.source_name === other.source_name && one.source_type === other.source_type && one.auth_type === other.auth_type
  );
}

/** What a destination needs, beyond what its model requires. `base` is where the file says it. */
export function destinationSecrets(destination: DestinationConfig, base: readonly string[]): NeededSecret[] {
  const secret = (key: string): NeededSecret => ({ path: [...base, key], key, rows: [] });
  switch (destination.type) {
    case 'duckdb':
      return [];
    case 'filesystem':
      return storageSecrets(destination).map(secret);
    case 'databricks':
      if (isAttended(destination)) return [];
      // A tenant alone means the sign-in of Azure itself.
      if (destination.client_id === undefined && destination.azure_tenant_id !== undefined) return [];
      return [secret(destination.client_id === undefined ? 'access_token' : 'client_secret')];
    default:
      return destination satisfies never;
  }
}

/** The environment variable of a key path, in dlt's form: `SOURCES__SHOP__PASSWORD`. */
export function environmentName(path: readonly string[]): string {
  return path.map((part) => part.toUpperCase().replace(/[^A-Z0-9_]/g, '_')).join('__');
}
