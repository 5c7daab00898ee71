import { isTable, layOver } from '../bundle/toml.ts';
import type { Table } from '../spec/project.ts';
import type { ImportDraft } from './dlt-import.ts';
import { setValue, translateAuth, translatePaginator } from './translate-endpoint.ts';
import { columnTypes, listText, tableName, writeDisposition } from './translate-hints.ts';

/** What all resources of a config share while they are translated. */
interface RestConfig {
  draft: ImportDraft;
  /** Name of the connection. */
  name: string;
  connection: Table;
  clientAuth: unknown;
  paginator: unknown;
  /** dlt's resource names and the table names that they have here. */
  names: Map<string, string>;
}

/**
 * A dlt rest_api config (client, resource_defaults, resources) as a connection and job rows.
 * dlt's defaults that differ from ours are written out, so that the jobs do what dlt did.
 */
export function translateRestApi(draft: ImportDraft, name: string, config: Table): void {
  const client = isTable(config.client) ? config.client : config;
  const path = ['sources', name];
  const connection: Table = { type: 'api' };
  const defaults = isTable(config.resource_defaults) ? config.resource_defaults : {};
  const resources = resourcesOf(config.resources);
  for (const [key, value] of Object.entries(client)) {
    if (['auth', 'paginator', 'resources', 'resource_defaults', 'session', 'client'].includes(key) || value === null)
      continue;
    if (key === 'base_url' || key === 'headers') setValue(draft, connection, path, key, value);
    else draft.leftOut(`${name}.client.${key}`, 'this key of the client has no counterpart');
  }
  if (client.session !== undefined) draft.leftOut(`${name}.client.session`, 'a session is code');
  if (typeof connection.base_url !== 'string')
    draft.leftOut(`${name}.client.base_url`, 'it is missing; set base_url of the connection');
  const auth = translateAuth(draft, `${name}.client.auth`, client.auth, [...path, 'auth']);
  if (auth) connection.auth = auth;
  const names = new Map<string, string>();
  for (const resource of resources) {
    const own = String(resource.name ?? '');
    const table = tableName(own);
    if (own !== table) draft.changed(`${name}.${own}`, `the table is named ${table} here`);
    names.set(own, table);
  }
  const shared: RestConfig = { draft, name, connection, clientAuth: client.auth, paginator: client.paginator, names };
  const options: Table = {};
  for (const resource of resources) translateResource(shared, withDefaults(defaults, resource), options);
  if (Object.keys(options).length > 0) connection.resources = options;
  draft.connections[name] = connection;
}

function resourcesOf(resources: unknown): Table[] {
  const list = isTable(resources)
    ? Object.entries(resources).map(([name, value]) =>
        isTable(value) ? { name, ...value } : { name, endpoint: value },
      )
    : Array.isArray(resources)
      ? resources
      : [];
  return list.flatMap((resource): Table[] => {
    if (typeof resource === 'string') return [{ name: resource, endpoint: { path: resource } }];
    return isTable(resource) ? [resource] : [];
  });
}

/** As dlt lays a resource over resource_defaults: endpoints key by key, params and json deeper, all else as a whole. */
function withDefaults(defaults: Table, resource: Table): Table {
  const endpointOf = (table: Table, path: unknown): Table => {
    if (typeof table.endpoint === 'string') return { path: table.endpoint };
    const own = isTable(table.endpoint) ? table.endpoint : {};
    return path === undefined ? own : { path, ...own };
  };
  const [lower, upper] = [endpointOf(defaults, undefined), endpointOf(resource, resource.name)];
  const endpoint: Table = { ...lower, ...upper };
  for (const key of ['params', 'json'])
    if (isTable(lower[key]) && isTable(upper[key])) endpoint[key] = layOver(lower[key], upper[key]);
  return { ...defaults, ...resource, endpoint };
}

const CODE_KEYS = [
  'processing_steps',
  'parallelized',
  'selected',
  'name',
  'endpoint',
  'include_from_parent',
  'max_table_nesting',
];
const HINT_KEYS = ['table_name', 'write_disposition', 'primary_key', 'merge_key', 'columns', 'schema_contract'];

function translateResource(config: RestConfig, resource: Table, allOptions: Table): void {
  const { draft, name } = config;
  const own = String(resource.name ?? '');
  const table = config.names.get(own) ?? tableName(own);
  const place = `${name}.${table}`;
  const options: Table = {};
  const row: Record<string, string> = {
    source_type: 'api',
    source_name: name,
    table_name: table,
    load_type: 'FULL',
    enabled: resource.selected === false ? 'N' : 'Y',
  };
  translateHints(draft, place, resource, row, own);
  const endpoint = resource.endpoint as Table;
  translateEndpoint(config, place, endpoint, row, options);
  translateIncremental(draft, place, endpoint, row, options);
  if (isTable(options.params) && Object.keys(options.params).length === 0) delete options.params;
  if (Array.isArray(resource.include_from_parent)) options.include_from_parent = resource.include_from_parent;
  if (resource.max_table_nesting !== undefined) options.max_table_nesting = resource.max_table_nesting;
  if (resource.parallelized === true) options.concurrency = 5;
  if (resource.processing_steps !== undefined)
    draft.leftOut(`${place}.processing_steps`, 'it is code: filter or map the table after it is loaded');
  for (const key of Object.keys(resource))
    if (![...CODE_KEYS, ...HINT_KEYS].includes(key))
      draft.leftOut(`${place}.${key}`, 'this key of the resource has no counterpart');
  const finalAuth = resourceAuth(config, place, table, endpoint.auth);
  if (finalAuth) row.source_name = finalAuth;
  const filled = Object.keys(options).length > 0;
  if (filled && finalAuth) {
    const other = draft.connections[finalAuth] as Table;
    other.resources = { ...(other.resources as Table | undefined), [table]: options };
  } else if (filled) allOptions[table] = options;
  draft.jobs.push(row);
}

function translateHints(
  draft: ImportDraft,
  place: string,
  resource: Table,
  row: Record<string, string>,
  own: string,
): void {
  if (typeof resource.table_name === 'string' && resource.table_name !== own) row.target_table = resource.table_name;
  row.write_disposition = writeDisposition(draft, place, resource.write_disposition);
  const key = listText(resource.primary_key);
  if (key !== null) row.primary_key = key;
  if (resource.merge_key !== undefined) draft.leftOut(`${place}.merge_key`, 'rows are merged by primary_key only');
  if (row.write_disposition === 'merge' && key === null) {
    draft.changed(place, 'merge without a primary key only adds rows in dlt: append');
    row.write_disposition = 'append';
  }
  const types = columnTypes(draft, place, resource.columns);
  if (types !== null) row.column_types = types;
  const contract = resource.schema_contract;
  const mode = isTable(contract) ? (contract.columns ?? contract.data_type) : contract;
  if (typeof mode === 'string') row.schema_contract = mode;
  if (isTable(contract))
    draft.changed(`${place}.schema_contract`, `one contract holds for the whole table: ${String(mode ?? 'evolve')}`);
}

function translateEndpoint(
  config: RestConfig,
  place: string,
  endpoint: Table,
  row: Record<string, string>,
  options: Table,
): void {
  const { draft } = config;
  const path = String(endpoint.path ?? '');
  const params: Table = isTable(endpoint.params) ? { ...endpoint.params } : {};
  // {name} of a resolve parameter and names of resources become {resources.TABLE.field}.
  let address = path.replace(
    /\{\s*resources\.([^.{}]+)\./g,
    (_all, name: string) => `{resources.${config.names.get(name) ?? name}.`,
  );
  for (const [name, value] of Object.entries(params)) {
    if (!isTable(value) || value.type !== 'resolve') continue;
    const parent = config.names.get(String(value.resource)) ?? String(value.resource);
    address = address.replaceAll(`{${name}}`, `{resources.${parent}.${String(value.field)}}`);
    delete params[name];
  }
  row.api_endpoint = address;
  for (const [key, value] of Object.entries(endpoint)) {
    if (['path', 'params', 'paginator', 'incremental', 'auth'].includes(key) || value === null) continue;
    if (key === 'method') {
      if (String(value).toUpperCase() === 'GET' || String(value).toUpperCase() === 'POST')
        options.method = String(value).toUpperCase();
      else draft.leftOut(`${place}.method`, `${String(value)} is not used to read`);
    } else if (key === 'json') options.body = value;
    else if (key === 'headers')
      setValue(draft, options, ['sources', config.name, 'resources', row.table_name as string], 'headers', value);
    else if (key === 'data_selector') row.data_selector = String(value);
    else if (key === 'response_actions') options.response_actions = responseActions(draft, place, value);
    else
      draft.leftOut(
        `${place}.endpoint.${key}`,
        key === 'data' ? 'form bodies are not sent; use a JSON body' : 'this key of the endpoint has no counterpart',
      );
  }
  options.params = params;
  // dlt takes a path that ends with a placeholder for one record.
  const isSingle = /\{[^{}]*\}\/?$/.test(path);
  const paginator = endpoint.paginator ?? (isSingle ? 'single_page' : config.paginator);
  if (isSingle && endpoint.data_selector === undefined) row.data_selector = '$';
  const pagination = paginator === undefined ? null : translatePaginator(draft, `${place}.paginator`, paginator);
  if (pagination) {
    Object.assign(row, pagination.cells);
    Object.assign(options, pagination.options);
  } else
    draft.changed(
      `${place}.paginator`,
      'dlt guesses the pagination in each run; here it is set once: `ingest preview` detects and proposes it',
    );
  options.method ??= undefined;
  if (options.method === undefined || options.method === 'GET') delete options.method;
}

function responseActions(draft: ImportDraft, place: string, value: unknown): Table[] {
  const list = Array.isArray(value) ? value.filter(isTable) : [];
  return list.flatMap((rule, index) => {
    const { status_code, content, action } = rule;
    const known = typeof action === 'string' && ['ignore', 'retry', 'error', 'stop'].includes(action);
    if (!known || (status_code === undefined && content === undefined)) {
      draft.leftOut(`${place}.response_actions[${index}]`, 'an action that is a function is code');
      return [];
    }
    return [
      { ...(status_code === undefined ? {} : { status_code }), ...(content === undefined ? {} : { content }), action },
    ];
  });
}

function translateIncremental(
  draft: ImportDraft,
  place: string,
  endpoint: Table,
  row: Record<string, string>,
  options: Table,
): void {
  const params = options.params as Table;
  let found = isTable(endpoint.incremental) ? { ...endpoint.incremental } : null;
  for (const [name, value] of Object.entries(params)) {
    if (!isTable(value) || value.type !== 'incremental') continue;
    delete params[name];
    const { type: _type, ...keys } = value;
    found = { start_param: name, ...keys };
  }
  if (!found) return;
  row.load_type = 'INCREMENTAL';
  // dlt fails where a row has no cursor value.
  options.null_watermarks = 'raise';
  const settings: Table = {};
  for (const [key, value] of Object.entries(found)) {
    if (value === null || value === undefined) continue;
    if (key === 'cursor_path') row.watermark_column = String(value);
    else if (key === 'initial_value') row.last_watermark = String(value);
    else if (key === 'end_value') options.end_value = String(value);
    else if (key === 'start_param' || key === 'end_param') settings[key] = value;
    else if (key === 'on_cursor_value_missing') options.null_watermarks = value;
    else if (key === 'lag') {
      // dlt counts seconds for timestamps, days for dates, and the value itself for numbers.
      const initial = String(found.initial_value ?? '');
      const unit = /^\d{4}-\d\d-\d\d$/.test(initial)
        ? 'd'
        : /^\d{4}-\d\d-\d\d/.test(initial) || initial === ''
          ? 's'
          : '';
      row.lag = `${String(value)}${unit}`;
      if (initial === '') draft.changed(`${place}.incremental.lag`, 'taken for seconds, as for a timestamp');
      if (row.primary_key === undefined) {
        delete row.lag;
        draft.leftOut(
          `${place}.incremental.lag`,
          'an overlap needs a primary_key, by which rows that come twice are merged',
        );
      }
    } else if (key === 'convert' || key === 'transform')
      draft.leftOut(
        `${place}.incremental.${key}`,
        'it is code; incremental.format writes dates as iso, date, unix or unix_ms',
      );
    else if (!['row_order', 'primary_key', 'allow_external_schedulers', 'range_start', 'range_end'].includes(key))
      draft.leftOut(`${place}.incremental.${key}`, 'this key has no counterpart');
    else if (key === 'range_start' && value === 'open')
      draft.changed(
        `${place}.incremental.${key}`,
        'the last value itself is read again; what is there already is left out',
      );
  }
  if (Object.keys(settings).length > 0) options.incremental = settings;
}

/** A resource with an auth of its own gets a connection of its own; its name comes back. */
function resourceAuth(config: RestConfig, place: string, table: string, auth: unknown): string | null {
  if (auth === undefined || auth === null || JSON.stringify(auth) === JSON.stringify(config.clientAuth)) return null;
  const { draft, name, connection } = config;
  const own = `${name}_${table}`;
  const translated = translateAuth(draft, `${place}.auth`, auth, ['sources', own, 'auth']);
  if (!translated) return null;
  const { auth: _other, resources: _resources, ...rest } = connection;
  draft.connections[own] = { ...rest, auth: translated };
  draft.changed(`${place}.auth`, `it signs in differently from its client, so it has a connection of its own, ${own}`);
  return own;
}
