import type { Connection } from './connection.ts';
import { connectionUses, readConnections } from './connections.ts';
import type { DestinationConfig } from './destination.ts';
import { FindingList, meant } from './finding-list.ts';
import { readHistoryLimits } from './history.ts';
import type { Job } from './job.ts';
import { JOB_COLUMN_NAMES, type JobColumnName, REQUIRED_JOB_COLUMNS } from './job-columns.ts';
import { readKeyVault } from './key-vault.ts';
import { destinationSecrets, environmentName, type NeededSecret, neededSecrets } from './needed-secrets.ts';
import { readNotifications } from './notifications.ts';
import {
  CHECKS_SHEET,
  JOBS_SHEET,
  type RawProject,
  type RawSheet,
  SETTINGS_SHEET,
  type Validation,
} from './project.ts';
import { collectSecrets } from './secret-keys.ts';
import { readHeaders } from './sheet.ts';
import type { SourceTable } from './source-table.ts';
import { didYouMean } from './suggest.ts';
import { readTelemetry } from './telemetry.ts';
import { CONFIG_FILE, isTable, type TomlContext, unknownKey } from './toml-table.ts';
import { validateChecks } from './validate-checks.ts';
import { validateDestinations } from './validate-destinations.ts';
import { asTyped, createRowCache, type RowCache, validateJobs, validateTargets } from './validate-jobs.ts';
import { validateSettings } from './validate-settings.ts';
import { reportAttended, reportAttendedVault } from './validate-sign-ins.ts';

export interface ValidateOptions {
  /** Report secrets that enabled jobs need and do not have. Default true. */
  secrets?: boolean;
  /** Whether there is a keychain at hand that a form of the window keeps secrets in; findings of missing ones then name that way first. Default false. */
  keychain?: boolean;
  /** `--destination NAME`: over what the project says. */
  destination?: string | null;
  /** Of the validation before, where a sheet is judged again and again while it is edited. */
  cache?: RowCache;
}

/** Tables of config.toml that are the product's, and dlt's own that mean nothing here and hurt nobody. */
const CONFIG_TABLES = [
  'sources',
  'destination',
  'destinations',
  'secrets',
  'notifications',
  'telemetry',
  'history',
  'key_vault',
];
const DLT_TABLES = ['runtime', 'normalize', 'load', 'extract', 'data_writer', 'schema'];

/**
 * Everything that can be said of a project offline, all at once: headers, jobs, checks, settings, connections, destinations and missing secrets.
 * Never throws, whatever the files hold. Only what is valid is in `project`; no finding holds a secret's value.
 */
export function validateProject(raw: RawProject, options: ValidateOptions = {}): Validation {
  const secretTexts = new Set<string>();
  collectSecrets(raw.config, [], raw.secretPaths, secretTexts);
  const list = new FindingList(secretTexts);
  const context: TomlContext = {
    list,
    secretPaths: raw.secretPaths,
    severity: 'error',
    keychain: options.keychain ?? false,
  };

  const { settings, rows: settingRows } = validateSettings(list, raw.settings);
  const sheet = raw.jobs;
  if (sheet === null) {
    const hint = `Add a sheet ${JOBS_SHEET} with the headers ${REQUIRED_JOB_COLUMNS.join(', ')}.`;
    list.add(
      { sheet: JOBS_SHEET },
      { severity: 'error', code: 'SHEET_MISSING', problem: 'this sheet is missing', hint },
    );
  }
  const headers = sheet === null ? null : readHeaders(list, sheet, JOB_COLUMN_NAMES, REQUIRED_JOB_COLUMNS);
  const index = headers?.index ?? new Map<JobColumnName, number>();

  for (const key of Object.keys(raw.config)) {
    if (!CONFIG_TABLES.includes(key) && !DLT_TABLES.includes(key)) unknownKey(context, [key], CONFIG_TABLES);
  }
  const keyVault = readKeyVault(context, raw.config);
  const sections = isTable(raw.config.sources) ? raw.config.sources : {};
  const uses = connectionUses(sheet, index, sections);
  const connections = readConnections(list, raw.config, raw.secretPaths, uses);
  const cache = options.cache ?? createRowCache();
  const key = JSON.stringify([sheet?.headers, sheet?.name, [...uses], settings.schema_contract]);
  if (cache.key !== key || cache.config !== raw.config) {
    Object.assign(cache, { ...createRowCache(), key, config: raw.config });
  }
  const { destinations, destination, found } = validateDestinations(
    context,
    raw,
    settings,
    settingRows,
    options.destination ?? null,
  );

  const read = { jobs: [] as Job[], invalidJobs: [] as Validation['invalidJobs'] };
  if (sheet !== null && headers?.usable === true) {
    Object.assign(read, validateJobs(list, sheet, index, connections, settings.schema_contract, cache));
    if (sheet.rows.length === 0) {
      list.add(
        { sheet: sheet.name },
        {
          severity: 'warning',
          code: 'NO_JOBS',
          problem: 'there are no jobs',
          hint: 'Add a row for each table to load.',
        },
      );
    }
    const schema = destination === null ? null : (destinations[destination]?.schema ?? null);
    invalidate(read, validateTargets(list, sheet, read.jobs, index, schema), sheet, index);
    reportUnusedResources(context, connections.tables, sheet, index);
  } else if (sheet !== null) {
    // Without its headers no row can be judged, but every row is in the way of a run.
    read.invalidJobs = sheet.rows.map(({ row, cells }) => asTyped(row, cells, index));
  }

  const valid: Record<string, Connection> = Object.create(null) as Record<string, Connection>;
  for (const [name, { connection }] of connections.tables) if (connection !== null) valid[name] = connection;
  const chosen = destination === null ? undefined : destinations[destination];
  const path = destination === null ? undefined : found.tables.get(destination)?.path;
  const loaded = chosen === undefined || path === undefined ? null : { config: chosen, path };
  if (options.secrets ?? true) {
    const missing = reportMissingSecrets(context, raw, neededSecrets(read.jobs, valid), connections.tables);
    if (sheet !== null) invalidate(read, missing, sheet, index);
    if (loaded !== null) reportDestinationSecrets(context, raw, loaded.config, loaded.path);
  }
  reportUnusedCredentials(context, read.jobs, connections.tables);
  reportAttended(context, read.jobs, valid, loaded);
  if (keyVault?.authentication === 'browser') reportAttendedVault(context);
  const { checks, unknownChecks } = validateChecks(list, raw.checks, read.jobs, read.invalidJobs);
  return {
    project: {
      settings,
      jobs: read.jobs,
      checks,
      unknownChecks,
      notifications: readNotifications(context, raw),
      telemetry: readTelemetry(context, raw),
      history: readHistoryLimits(context, raw),
      connections: valid,
      destinations,
      destination,
    },
    findings: inReadingOrder(list),
    invalidJobs: read.invalidJobs,
  };
}

/** Moves rows to the invalid ones. */
function invalidate(
  read: { jobs: Job[]; invalidJobs: Validation['invalidJobs'] },
  rows: ReadonlySet<number>,
  sheet: RawSheet,
  index: ReadonlyMap<JobColumnName, number>,
): void {
  if (rows.size === 0) return;
  read.jobs = read.jobs.filter(({ row }) => !rows.has(row));
  for (const { row, cells } of sheet.rows) if (rows.has(row)) read.invalidJobs.push(asTyped(row, cells, index));
  read.invalidJobs.sort((a, b) => a.row - b.row);
}

/** Sheets first, row by row, then the TOML. */
function inReadingOrder(list: FindingList): Validation['findings'] {
  const rank = (sheet: string) => {
    const known = [JOBS_SHEET, CHECKS_SHEET, SETTINGS_SHEET].indexOf(sheet);
    return known < 0 ? 3 : known;
  };
  return list.findings.sort((a, b) => rank(a.sheet) - rank(b.sheet) || (a.row ?? 0) - (b.row ?? 0));
}

function isDeferred(raw: RawProject, path: readonly string[]): boolean {
  const key = path.at(-1) as string;
  const nested = [
    path.join('.'),
    ...['credentials', 'auth'].map((below) => [...path.slice(0, -1), below, key].join('.')),
  ];
  return nested.some((candidate) => raw.deferredPaths.has(candidate));
}

/** One finding a secret, with the rows that need it. Returns the rows that cannot run. */
function reportMissingSecrets(
  context: TomlContext,
  raw: RawProject,
  needed: readonly NeededSecret[],
  tables: ReadonlyMap<string, SourceTable>,
): Set<number> {
  const rows = new Set<number>();
  for (const secret of needed) {
    if (tables.get(secret.path[1] as string)?.given.has(secret.key) === true) continue;
    if (reportMissing(context, raw, secret)) for (const row of secret.rows) rows.add(row);
  }
  return rows;
}

function reportDestinationSecrets(
  context: TomlContext,
  raw: RawProject,
  destination: DestinationConfig,
  path: readonly string[],
): void {
  for (const secret of destinationSecrets(destination, path)) {
    if ((destination as Record<string, unknown>)[secret.key] === undefined) reportMissing(context, raw, secret);
  }
}

/** True where it is missing for good, false where a vault is asked in the run. */
function reportMissing(context: TomlContext, raw: RawProject, { path, rows }: NeededSecret): boolean {
  const place = { sheet: CONFIG_FILE, column: path.join('.') };
  const shownRows = `${rows.length === 1 ? 'row' : 'rows'} ${rows.slice(0, 10).join(', ')}${rows.length > 10 ? ', …' : ''}`;
  const users = rows.length === 0 ? '' : `; ${JOBS_SHEET} ${shownRows} ${rows.length === 1 ? 'needs' : 'need'} it`;
  if (isDeferred(raw, path)) {
    context.list.add(place, {
      severity: 'notice',
      code: 'SECRET_DEFERRED',
      problem: `is looked up in the vault when a run needs it${users}`,
    });
    return false;
  }
  const form = path[0] === 'sources' ? 'connection' : 'destination';
  const typed = context.keychain
    ? `Type it in the form of the ${form} in the window, which keeps it in the keychain. Without one: `
    : '';
  const empty = path.at(-1) === 'password' ? ' Where there is none, say so: password = "".' : '';
  context.list.add(place, {
    severity: 'error',
    code: 'SECRET_MISSING',
    problem: `is missing${users}`,
    hint: `${typed}Set the environment variable ${environmentName(path)}, or the key in .dlt/secrets.toml.${empty}`,
  });
  return true;
}

const CREDENTIALS = ['auth.token', 'auth.api_key', 'auth.password', 'auth.client_secret'];

/** A token that is there and not sent: most likely nobody said how. */
function reportUnusedCredentials(
  context: TomlContext,
  jobs: readonly Job[],
  tables: ReadonlyMap<string, SourceTable>,
): void {
  const open = new Set<string>();
  for (const { enabled, auth_type, source_type, source_name } of jobs) {
    if (enabled && source_type === 'api' && auth_type === 'none')
      open.add(tables.has(source_name) ? source_name : source_type);
  }
  for (const name of open) {
    const given = tables.get(name)?.given;
    const key = CREDENTIALS.find((credential) => given?.has(credential) === true)?.replace('auth.', '');
    if (key === undefined || given?.has('auth.type') === true) continue;
    context.list.add(
      { sheet: CONFIG_FILE, column: `sources.${name}.auth_type` },
      {
        severity: 'warning',
        code: 'CREDENTIALS_NOT_SENT',
        problem: `is not set, so ${key} is never sent`,
        hint: 'Set auth_type to api_key, bearer, basic or oauth2, here or in the job.',
      },
    );
  }
}

function reportUnusedResources(
  context: TomlContext,
  tables: ReadonlyMap<string, SourceTable>,
  sheet: RawSheet,
  index: ReadonlyMap<JobColumnName, number>,
): void {
  const tableAt = index.get('table_name') ?? -1;
  const names = new Set(sheet.rows.map(({ cells }) => (cells[tableAt] ?? '').trim()));
  for (const [connection, { resources }] of tables) {
    for (const name of resources.keys()) {
      if (names.has(name)) continue;
      const fix = didYouMean(name, names);
      const problem = 'no job reads this resource';
      const column = `sources.${connection}.resources.${name}`;
      context.list.add(
        { sheet: CONFIG_FILE, column },
        { severity: 'warning', code: 'RESOURCE_UNUSED', problem, hint: meant(fix), fix },
      );
    }
  }
}
