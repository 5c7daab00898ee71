import { API_ALIASES, AUTH_KEYS, settleApi, settleAuthType, settleIncremental, settlePagination } from './api-table.ts';
import { type CellResult, cellParser, columnTypesOf, uniqueNames } from './cells.ts';
import { type Connection, connectionModels } from './connection.ts';
import { DATABASE_ALIASES, readConnectionString, settleOracle, settleSqlServer } from './database-table.ts';
import { meant } from './finding-list.ts';
import { appliesTo, JOB_COLUMN_NAMES, type JobColumnName, jobColumn } from './job-columns.ts';
import type { SourceType } from './kinds.ts';
import type { Table } from './project.ts';
import { type ResourceOptions, resourceOptionsModel } from './resource.ts';
import {
  addEntries,
  type Entries,
  type Entry,
  isTable,
  parseEntries,
  remark,
  scalarText,
  type TomlContext,
  take,
  unknownKey,
} from './toml-table.ts';

/**
 * `[sources.NAME]` as a connection, defaults of its jobs, and resources: the TOML's many spellings (`.credentials`, dlt's `client`,
 * `auth`, `paginator`, `endpoint`, the plan's flat keys) fall to one.
 */
export interface SourceTable {
  name: string;
  type: SourceType;
  /** Null where a key of it is wrong; findings say which. */
  connection: Connection | null;
  /** Canonical keys that the files give (`password`, `auth.token`), for the check of missing secrets. */
  given: ReadonlySet<string>;
  /** What blank cells of its jobs mean. */
  defaults: JobDefaults;
  /** By name, the connection's own defaults included. */
  resources: ReadonlyMap<string, JobDefaults>;
  /** True where a default, an option or a resource is wrong, but not the connection itself. */
  faulty: boolean;
}

/** Values for blank cells, and the options that have no column. */
export interface JobDefaults {
  values: Partial<Record<JobColumnName, unknown>>;
  options: ResourceOptions;
  /** A wrong value stands in it: jobs that use it cannot run. */
  faulty: boolean;
}

const FILE_ALIASES = { path: 'bucket_url', url: 'bucket_url' };
const RESOURCE_ALIASES = { paginator: 'pagination', path: 'api_endpoint', json: 'body' };

/** The aliases of a kind's keys. */
function aliasesOf(type: SourceType): Readonly<Record<string, string>> {
  if (type === 'api') return API_ALIASES;
  return type === 'filesystem' ? FILE_ALIASES : DATABASE_ALIASES;
}

/** Reads `[sources.NAME]` for a kind of source. Never throws; findings go to `context`. */
export function readSourceTable(context: TomlContext, name: string, type: SourceType, table: Table): SourceTable {
  const path = ['sources', name];
  const entries: Entries = new Map();
  addEntries(entries, table, path, aliasesOf(type));
  for (const below of ['credentials', 'client']) {
    const entry = entries.get(below);
    if (entry === undefined || (below === 'client' && type !== 'api')) continue;
    if (isTable(entry.value)) addEntries(entries, entry.value, entry.path, aliasesOf(type));
    else if (below === 'credentials' && typeof entry.value === 'string')
      readConnectionString(context, entries, entry, type);
    else remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
    entries.delete(below);
  }
  for (const ignored of ['type', 'name', 'source_type', 'drivername']) entries.delete(ignored);
  dropDriver(context, entries);

  const resources = take(entries, 'resources');
  const before = context.list.findings.length;
  const defaults = type === 'api' ? settleApi(context, entries) : new Map<string, Entry>();
  if (type === 'oracle') settleOracle(context, entries, path);
  if (type === 'mssql' || type === 'azure_sql') settleSqlServer(context, entries, path);
  if (type === 'filesystem') settleFiles(context, entries);

  const model = connectionModels[type];
  const own: Entries = new Map();
  for (const [key, entry] of entries) {
    if (Object.hasOwn(model.shape, key) && key !== 'name' && key !== 'type') own.set(key, entry);
    else if (!defaults.has(key)) defaults.set(key, entry);
  }
  const connection = parseEntries(context, model, own, { name, type }, path) as Connection | null;
  const broken = context.list.findings
    .slice(before)
    .some((finding) => finding.severity === context.severity && finding.code !== 'CONFIG_KEY_UNKNOWN');
  const given = new Set(own.keys());
  const auth = own.get('auth');
  if (isTable(auth?.value)) for (const key of Object.keys(auth.value)) given.add(`auth.${key}`);

  const known = [
    ...Object.keys(model.shape),
    ...(type === 'api' ? [...AUTH_KEYS, 'pagination', 'data_selector'] : []),
    'resources',
  ];
  const base = readDefaults(context, defaults, type, 'connection', known, null);
  const read = readResources(context, resources, type, base);
  const faulty = base.faulty || [...read.values()].some((resource) => resource.faulty);
  return { name, type, connection: broken ? null : connection, given, defaults: base, resources: read, faulty };
}

function dropDriver(context: TomlContext, entries: Entries): void {
  const driver = take(entries, 'driver');
  if (driver === undefined) return;
  remark(context, driver, 'CONFIG_DRIVER_IGNORED', 'is not needed: drivers are built in', {
    severity: 'notice',
    hint: 'The key can be removed.',
  });
}

const BUCKET_SCHEMES = ['file', 'az', 'azure', 'abfss', 'abfs', 's3', 's3a', 'gs', 'gcs'];

function settleFiles(context: TomlContext, entries: Entries): void {
  const url = entries.get('bucket_url');
  if (url !== undefined) checkBucketUrl(context, url);
}

/** A path, or a URL of a scheme that some store has. */
export function checkBucketUrl(context: TomlContext, entry: Entry): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i
    .exec(typeof entry.value === 'string' ? entry.value.trim() : '')?.[1]
    ?.toLowerCase();
  if (scheme !== undefined && !BUCKET_SCHEMES.includes(scheme)) {
    remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', 'use a folder, file://, az://, abfss://, s3:// or gs://');
  }
}

const OPTION_KEYS = Object.keys(resourceOptionsModel.shape);

/** Reads what is for jobs: values of columns, and options. `over` is what they are laid over. */
function readDefaults(
  context: TomlContext,
  entries: Entries,
  type: SourceType,
  scope: 'connection' | 'resource',
  alsoKnown: readonly string[],
  over: { defaults: JobDefaults; options: ReadonlyMap<string, Entry> } | null,
): JobDefaults & { optionEntries: Entries } {
  const before = context.list.findings.length;
  const values: JobDefaults['values'] = { ...over?.defaults.values };
  const options: Entries = new Map();
  // Headers and parameters of a connection go with every request already; a resource's are its own.
  for (const [key, entry] of over?.options ?? []) options.set(key, entry);
  for (const [key, entry] of entries) {
    if (Object.hasOwn(resourceOptionsModel.shape, key)) options.set(key, entry);
    else if ((JOB_COLUMN_NAMES as string[]).includes(key)) {
      const name = key as JobColumnName;
      const columnScope = jobColumn(name).scope;
      if (columnScope === 'cell') unknownKey(context, entry.path, [], `${key} is said in the workbook only.`);
      else if (scope === 'connection' && columnScope === 'resource') {
        unknownKey(context, entry.path, [], `${key} belongs into the workbook or into [sources.NAME.resources.TABLE].`);
      } else if (!appliesTo(name, type)) unknownKey(context, entry.path, [], `${key} means nothing for ${type}.`);
      else readColumnValue(context, name, entry, values);
    } else {
      const usable = JOB_COLUMN_NAMES.filter((name) => appliesTo(name, type) && jobColumn(name).scope !== 'cell');
      unknownKey(context, entry.path, [...alsoKnown, ...usable, ...OPTION_KEYS]);
    }
  }
  const parsed = parseEntries(context, resourceOptionsModel, options, {}, []);
  const bad = context.list.findings.slice(before).some((finding) => finding.code !== 'CONFIG_KEY_UNKNOWN');
  return {
    values,
    options: parsed ?? over?.defaults.options ?? resourceOptionsModel.parse({}),
    faulty: bad || (over?.defaults.faulty ?? false),
    // A wrong option was reported here; resources that inherit it need not say so again.
    optionEntries: parsed === null ? new Map() : options,
  };
}

/** A job column's value from TOML: text as a cell would say it, or an array or table where the column is a list or types. */
function readColumnValue(context: TomlContext, name: JobColumnName, entry: Entry, values: JobDefaults['values']): void {
  const { value } = entry;
  const column = jobColumn(name);
  let result: CellResult;
  if (column.kind === 'list' && Array.isArray(value)) result = uniqueNames(value.map(scalarText));
  else if (column.kind === 'types' && isTable(value))
    result = columnTypesOf(Object.entries(value).map(([key, type]) => [key, scalarText(type)]));
  else if (typeof value === 'object' && !(value instanceof Date))
    result = { ok: false, problem: 'must be text', fix: null };
  else if (scalarText(value).trim() === '') return;
  else result = cellParser(column)(scalarText(value));
  if (result.ok) values[name] = result.value;
  else remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', result.problem, { hint: meant(result.fix), fix: result.fix });
}

/** dlt lists resources, the plan has a table of them. */
function resourceTables(context: TomlContext, resources: Entry): [string, Entry][] {
  if (isTable(resources.value)) {
    return Object.entries(resources.value).map(([name, value]) => [name, { value, path: [...resources.path, name] }]);
  }
  if (!Array.isArray(resources.value)) {
    remark(context, resources, 'CONFIG_VALUE_NOT_ALLOWED', 'must be tables: [sources.NAME.resources.TABLE]');
    return [];
  }
  return resources.value.filter(isTable).map((table) => {
    const { name, ...value } = table;
    const text = scalarText(name);
    return [text, { value, path: [...resources.path, text] }];
  });
}

function readResources(
  context: TomlContext,
  resources: Entry | undefined,
  type: SourceType,
  base: JobDefaults & { optionEntries: Entries },
): Map<string, JobDefaults> {
  const read = new Map<string, JobDefaults>();
  for (const [name, entry] of resources === undefined ? [] : resourceTables(context, resources)) {
    if (!isTable(entry.value)) {
      remark(context, entry, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
      continue;
    }
    const entries: Entries = new Map();
    addEntries(entries, entry.value, entry.path, RESOURCE_ALIASES);
    const endpoint = take(entries, 'endpoint');
    if (isTable(endpoint?.value)) addEntries(entries, endpoint.value, endpoint.path, RESOURCE_ALIASES);
    else if (typeof endpoint?.value === 'string' && !entries.has('api_endpoint')) entries.set('api_endpoint', endpoint);
    if (type === 'api') {
      settlePagination(context, entries);
      settleIncremental(context, entries);
      settleAuthType(entries);
    }
    read.set(
      name,
      readDefaults(context, entries, type, 'resource', [], { defaults: base, options: base.optionEntries }),
    );
  }
  return read;
}
