import { type Connection, connectionOf } from './connection.ts';
import type { DestinationConfig } from './destination.ts';
import type { Job } from './job.ts';
import { isAttended } from './needed-secrets.ts';
import { CONFIG_FILE, type TomlContext } from './toml-table.ts';

/** Where a connection or destination stands, and whether somebody has to be there. */
interface Used {
  config: Connection | DestinationConfig;
  path: readonly string[];
  instead: string;
}

/** Warns of what enabled jobs use that a person signs in to with the browser: it runs here, and nowhere that nobody is. */
export function reportAttended(
  { list }: TomlContext,
  jobs: readonly Job[],
  connections: Readonly<Record<string, Connection>>,
  destination: { config: DestinationConfig; path: readonly string[] } | null,
): void {
  const used = new Map<string, Used>();
  for (const job of jobs) {
    const connection = job.enabled ? connectionOf(connections, job) : undefined;
    if (connection === undefined) continue;
    const path = ['sources', connection.name];
    used.set(path.join('.'), { config: connection, path, instead: 'a service principal' });
  }
  if (destination !== null) {
    const { config, path } = destination;
    const instead = config.type === 'databricks' ? 'a service principal (OAuth M2M) or a token' : 'a service principal';
    used.set(path.join('.'), { config, path, instead });
  }
  for (const { config, path, instead } of used.values()) if (isAttended(config)) add(list, path, instead);
}

/** The same of the project's key vault. */
export function reportAttendedVault({ list }: TomlContext): void {
  add(list, ['key_vault'], 'a service principal or a managed identity');
}

function add(list: TomlContext['list'], path: readonly string[], instead: string): void {
  list.add(
    { sheet: CONFIG_FILE, column: path.join('.') },
    {
      severity: 'warning',
      code: 'SIGN_IN_NOT_HEADLESS',
      problem: 'a person signs in to it with the browser: it runs only where somebody is signed in',
      hint: `For CI and schedules use ${instead}, for instance in an environment of its own (.dlt/config.NAME.toml).`,
    },
  );
}
