import { type DestinationConfig, destinationModels } from './destination.ts';
import { meant } from './finding-list.ts';
import { DESTINATION_TYPES, type DestinationType } from './kinds.ts';
import type { Table } from './project.ts';
import { checkBucketUrl } from './source-table.ts';
import { didYouMean } from './suggest.ts';
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

/** A destination as the TOML has it, before its keys are judged. */
export interface DestinationTable {
  name: string;
  type: DestinationType;
  table: Table;
  path: string[];
}

/** What `[destination]` and `[destinations.NAME]` say. */
export interface DestinationTables {
  tables: ReadonlyMap<string, DestinationTable>;
  /** `[destination].type`; a kind or a name. */
  type: Entry | null;
}

const isKind = (name: unknown): name is DestinationType => (DESTINATION_TYPES as readonly unknown[]).includes(name);

/** Finds all destinations and their kinds. */
export function findDestinations(context: TomlContext, config: Table): DestinationTables {
  const tables = new Map<string, DestinationTable>();
  const named = config.destinations;
  if (isTable(named)) {
    for (const [name, table] of Object.entries(named))
      addDestination(context, tables, name, table, ['destinations', name], null);
  } else if (named !== undefined) {
    remark(
      context,
      { value: named, path: ['destinations'] },
      'CONFIG_VALUE_NOT_ALLOWED',
      'must be tables: [destinations.NAME]',
    );
  }
  const type = readPlanForm(context, config.destination, tables);
  return { tables, type };
}

/** `[destination]` with `type`, `[destination.KIND]`, and keys of that kind right in `[destination]`. */
function readPlanForm(context: TomlContext, destination: unknown, tables: Map<string, DestinationTable>): Entry | null {
  if (destination === undefined) return null;
  if (typeof destination === 'string') return readPlanForm(context, { type: destination }, tables);
  if (!isTable(destination)) {
    remark(context, { value: destination, path: ['destination'] }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
    return null;
  }
  const { type, ...rest } = destination;
  const flat = Object.entries(rest).filter(([name, value]) => !isTable(value) || name === 'credentials');
  for (const [name, value] of Object.entries(rest)) {
    if (isTable(value) && name !== 'credentials')
      addDestination(context, tables, name, value, ['destination', name], isKind(name) ? name : null);
  }
  const kind = typeof type === 'string' ? type.trim().toLowerCase() : null;
  const there = [...tables.values()].some((table) => table.type === kind);
  if (isKind(kind) && (flat.length > 0 || !there)) {
    const below = tables.get(kind)?.table ?? {};
    const path = tables.get(kind)?.path ?? ['destination'];
    tables.set(kind, { name: kind, type: kind, table: { ...Object.fromEntries(flat), ...below }, path });
  } else {
    for (const [name] of flat) unknownKey(context, ['destination', name], ['type', ...DESTINATION_TYPES]);
  }
  return type === undefined ? null : { value: type, path: ['destination', 'type'] };
}

function addDestination(
  context: TomlContext,
  tables: Map<string, DestinationTable>,
  name: string,
  table: unknown,
  path: string[],
  kind: DestinationType | null,
): void {
  if (!isTable(table)) {
    remark(context, { value: table, path }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
    return;
  }
  if (tables.has(name)) {
    const problem = `[destinations.${name}] says it already, and counts`;
    remark(context, { value: null, path }, 'DESTINATION_TWICE', problem, { severity: 'warning' });
    return;
  }
  const said = table.type ?? table.destination_type ?? kind ?? name;
  const type = typeof said === 'string' ? said.trim().toLowerCase() : said;
  if (isKind(type)) {
    tables.set(name, { name, type, table, path });
    return;
  }
  const fix = didYouMean(scalarText(type), DESTINATION_TYPES);
  const at =
    table.type === undefined
      ? { value: null, path: [...path, 'type'] }
      : { value: table.type, path: [...path, 'type'] };
  remark(context, at, 'CONFIG_VALUE_NOT_ALLOWED', 'use duckdb, filesystem or databricks', { hint: meant(fix), fix });
}

const ALIASES: Record<DestinationType, Readonly<Record<string, string>>> = {
  duckdb: { dataset_name: 'schema', database: 'path', credentials: 'path' },
  filesystem: { dataset_name: 'schema', path: 'bucket_url', url: 'bucket_url' },
  databricks: {
    dataset_name: 'schema',
    host: 'server_hostname',
    token: 'access_token',
    staging_credentials_name: 'staging_credential',
    staging_volume_name: 'staging_volume',
  },
};

/** Reads one destination's keys; null where one is wrong. `pipeline` names the default database file. */
export function readDestination(
  context: TomlContext,
  found: DestinationTable,
  pipeline: string,
): DestinationConfig | null {
  const { name, type, table, path } = found;
  const before = context.list.findings.length;
  const { credentials, ...flat } = table;
  const entries: Entries = new Map();
  addEntries(entries, flat, path, ALIASES[type]);
  const credentialsPath = [...path, 'credentials'];
  if (isTable(credentials)) addEntries(entries, credentials, credentialsPath, ALIASES[type]);
  else if (credentials !== undefined && type === 'duckdb') addEntries(entries, { credentials }, path, ALIASES.duckdb);
  else if (credentials !== undefined)
    remark(context, { value: null, path: credentialsPath }, 'CONFIG_VALUE_NOT_ALLOWED', 'must be a table');
  for (const key of ['type', 'destination_type', 'name']) take(entries, key);
  if (type === 'duckdb' && !entries.has('path'))
    entries.set('path', { value: `${pipeline}.duckdb`, path: [...path, 'path'] });
  const url = entries.get('bucket_url');
  if (url !== undefined) checkBucketUrl(context, url);

  const model = destinationModels[type];
  for (const [key, entry] of [...entries]) {
    if (Object.hasOwn(model.shape, key)) continue;
    entries.delete(key);
    unknownKey(context, entry.path, Object.keys(model.shape));
  }
  const destination = parseEntries(context, model, entries, { name, type }, path) as DestinationConfig | null;
  const wrong = context.list.findings.slice(before).some(({ code }) => code !== 'CONFIG_KEY_UNKNOWN');
  return wrong ? null : destination;
}
