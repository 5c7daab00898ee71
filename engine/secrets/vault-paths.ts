import { type Connection, connectionOf } from '../spec/connection.ts';
import type { DestinationConfig } from '../spec/destination.ts';
import type { Job } from '../spec/job.ts';
import type { KeyVaultConfig } from '../spec/key-vault.ts';
import { destinationSecrets, neededSecrets } from '../spec/needed-secrets.ts';
import type { Project, Table } from '../spec/project.ts';
import { select, selectRows } from '../spec/selector.ts';
import { pathText } from './provider.ts';
import type { Origin } from './resolve.ts';
import { isTable } from './table.ts';

/** Whose secrets are wanted: of the jobs that selectors or rows take, or of every connection and destination. */
export type VaultScope =
  | ({ selectors: readonly string[] } & { destination?: string })
  | ({ rows: readonly number[] } & { destination?: string })
  | 'everything';

interface Known {
  project: Project;
  invalidJobs: Parameters<typeof select>[1];
  /** What the other places say. */
  config: Table;
  origins: readonly Origin[];
}

/**
 * Key paths that a vault is asked for: secrets that the jobs of the scope and their destination cannot do without, those that another place has for
 * them (the vault counts before it), those that `key_vault.secrets` names for them, and the webhook.
 */
export function vaultPaths(config: KeyVaultConfig, known: Known, scope: VaultScope): string[][] {
  const { project } = known;
  const jobs = jobsOf(known, scope);
  const names =
    scope === 'everything'
      ? Object.keys(project.connections)
      : jobs.flatMap((job) => connectionOf(project.connections, job)?.name ?? []);
  const sections = [...new Set(names)].map((name) => ['sources', name]);
  const paths = neededSecrets(jobs, project.connections).map(({ path }) => path);
  for (const name of new Set(names)) {
    const connection = project.connections[name];
    if (connection !== undefined) for (const key of maybeSecrets(connection)) paths.push(['sources', name, key]);
  }
  for (const destination of destinationsOf(project, scope)) {
    const base = destinationPath(known.config, destination);
    sections.push(base);
    for (const { path } of destinationSecrets(destination, base)) paths.push(path);
    for (const key of maybeSecrets(destination)) paths.push([...base, key]);
  }
  if (isTable(known.config['notifications'])) paths.push(['notifications', 'webhook_url']);
  const isWanted = (path: readonly string[]) =>
    path[0] !== 'key_vault' &&
    (!['sources', 'destination', 'destinations'].includes(path[0] ?? '') ||
      sections.some((base) => base.every((key, index) => path[index] === key)));
  const others = known.origins.filter(({ secret }) => secret).map(({ path }) => path.split('.'));
  const mapped = config.secrets.map(({ path }) => path.split('.'));
  for (const path of [...others, ...mapped]) if (isWanted(path)) paths.push(path);
  return [...new Map(paths.map((path) => [pathText(path), path])).values()];
}

/** Where a destination stands in the files. */
export function destinationPath(config: Table, { name, type }: DestinationConfig): string[] {
  const named = config['destinations'];
  if (isTable(named) && Object.hasOwn(named, name)) return ['destinations', name];
  const table = config['destination'];
  return ['destination', isTable(table) && Object.hasOwn(table, name) ? name : type];
}

function jobsOf({ project, invalidJobs }: Known, scope: VaultScope): Job[] {
  if (scope === 'everything') {
    const jobs = project.jobs.map((job) => ({ ...job, enabled: true }));
    const described = Object.values(project.connections).map(
      (connection) =>
        ({
          enabled: true,
          row: 0,
          source_name: connection.name,
          source_type: connection.type,
          auth_type: connection.type === 'api' ? (connection.auth.type ?? 'none') : 'none',
        }) as Job,
    );
    return [...jobs, ...described];
  }
  // Rows that only lack the secret are invalid so long: the caller validates without secrets.
  return 'rows' in scope
    ? selectRows(project.jobs, invalidJobs, scope.rows).jobs
    : select(project.jobs, invalidJobs, scope.selectors).jobs;
}

/** The destination that runs use, and the locations that it may stage files in. */
function destinationsOf(project: Project, scope: VaultScope): DestinationConfig[] {
  const all = Object.values(project.destinations);
  if (scope === 'everything') return all;
  const chosen = project.destination === null ? undefined : project.destinations[project.destination];
  if (chosen === undefined) return [];
  return chosen.type === 'databricks' ? [chosen, ...all.filter(({ type }) => type === 'filesystem')] : [chosen];
}

/** Secrets that something can be signed in with and need not: an Azure account by key or token, a wallet by its password. */
function maybeSecrets(place: Connection | DestinationConfig): string[] {
  if (place.type === 'filesystem') {
    return /^(az|abfss?|adl):\/\//i.test(place.bucket_url) && place.azure_client_id === undefined
      ? ['azure_storage_account_key', 'azure_storage_sas_token', 'azure_storage_connection_string']
      : [];
  }
  return place.type === 'oracle' && place.wallet_location !== undefined ? ['wallet_password'] : [];
}
