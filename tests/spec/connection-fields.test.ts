import { describe, expect, test } from 'vitest';
import { connectionModels } from '../../engine/spec/connection.ts';
import { fieldEntry, isShown, storeOf, wayOption } from '../../engine/spec/connection-fields.ts';
import { CONNECTION_KINDS, connectionKind } from '../../engine/spec/connection-kinds.ts';
import { destinationModels } from '../../engine/spec/destination.ts';
import { FindingList } from '../../engine/spec/finding-list.ts';
import { JOB_COLUMN_NAMES } from '../../engine/spec/job-columns.ts';
import { DESTINATION_TYPES, SOURCE_TYPES } from '../../engine/spec/kinds.ts';
import { resourceOptionsModel } from '../../engine/spec/resource.ts';
import { SECRET_KEYS } from '../../engine/spec/secret-keys.ts';
import { readSourceTable } from '../../engine/spec/source-table.ts';

const kinds = CONNECTION_KINDS.map((kind) => [`${kind.section}.${kind.type}`, kind] as const);
const models: Record<string, { shape: Record<string, unknown> }> = {
  ...Object.fromEntries(Object.entries(connectionModels).map(([type, model]) => [`sources.${type}`, model])),
  ...Object.fromEntries(Object.entries(destinationModels).map(([type, model]) => [`destinations.${type}`, model])),
};

test('every kind has a form', () => {
  expect(kinds.map(([name]) => name).sort()).toEqual(
    [
      ...SOURCE_TYPES.map((type) => `sources.${type}`),
      ...DESTINATION_TYPES.map((type) => `destinations.${type}`),
    ].sort(),
  );
});

describe.each(kinds)('%s', (name, kind) => {
  test('has a field for every key of its model, and each once', () => {
    const keys = kind.fields.map((field) => field.key);
    expect(new Set(keys).size).toBe(keys.length);
    const top = new Set(kind.fields.map((field) => field.path[0]));
    const missing = Object.keys(models[name]!.shape).filter((key) => key !== 'name' && key !== 'type' && !top.has(key));
    expect(missing).toEqual([]);
  });

  test('has no field that nobody reads', () => {
    const known = new Set([
      ...Object.keys(models[name]!.shape),
      ...(kind.type === 'api' ? [...JOB_COLUMN_NAMES, ...Object.keys(resourceOptionsModel.shape)] : []),
    ]);
    expect(kind.fields.filter((field) => !known.has(field.path[0]!)).map((field) => field.key)).toEqual([]);
  });

  test('says of each field what it is, and keeps secrets secret', () => {
    for (const field of kind.fields) {
      expect(field.label, field.key).not.toBe('');
      expect(kind.tabs).toContain(field.tab);
      if (SECRET_KEYS.includes(field.path.at(-1)!)) expect(field.control, field.key).toBe('secret');
      if (field.control === 'choice') expect(field.choices.length, field.key).toBeGreaterThan(1);
      if (field.shown === null) continue;
      const other = kind.fields.find(({ key }) => key === field.shown?.key);
      if (other?.key === 'bucket_url') continue;
      expect(other?.choices, field.key).toEqual(expect.arrayContaining([...field.shown.in]));
    }
  });
});

test('ranges, defaults and choices are the models’ own', () => {
  const of = (type: string, key: string) => connectionKind('sources', type)!.fields.find((field) => field.key === key);
  expect(of('postgresql', 'port')).toMatchObject({
    control: 'integer',
    min: 1,
    max: 65535,
    default: 5432,
    required: false,
  });
  expect(of('postgresql', 'host')).toMatchObject({ control: 'text', required: true, default: null });
  expect(of('postgresql', 'ssl_mode')).toMatchObject({ control: 'choice', default: 'prefer' });
  expect(of('mssql', 'encrypt')).toMatchObject({ control: 'flag', default: true });
  expect(of('api', 'auth.token')).toMatchObject({ control: 'secret', secret: true });
  expect(of('api', 'headers')).toMatchObject({ control: 'map', secret: true });
  expect(of('api', 'rate_limit.requests_per_second')).toMatchObject({ control: 'number', min: 0.001, max: 1000 });
  expect(of('api', 'pagination_type')).toMatchObject({ control: 'choice', default: 'single_page' });
});

/** The form must find a value wherever the reader of the TOML finds it. */
test.each([
  ['postgresql', { user: 'u', server: 'h', database: 'd' }, { host: 'h', username: 'u', database: 'd' }],
  ['postgresql', { credentials: { username: 'u', host: 'h', database: 'd', port: 7 } }, { host: 'h', port: 7 }],
  ['postgresql', { host: 'flat', credentials: { host: 'below', username: 'u', database: 'd' } }, { host: 'flat' }],
  ['api', { url: 'https://a', auth: { type: 'bearer' } }, { base_url: 'https://a', 'auth.type': 'bearer' }],
  ['api', { base_url: 'https://a', auth_type: 'basic', username: 'u' }, { 'auth.type': 'basic', 'auth.username': 'u' }],
  [
    'api',
    { base_url: 'https://a', auth: { type: 'api_key', name: 'k' }, api_key_name: 'no' },
    { 'auth.api_key_name': 'k' },
  ],
  ['api', { client: { base_url: 'https://a' } }, { base_url: 'https://a' }],
  [
    'api',
    { base_url: 'https://a', rate_limit: 120 },
    { 'rate_limit.requests_per_second': 2, 'rate_limit.burst_limit': 1 },
  ],
  ['filesystem', { path: 'data' }, { bucket_url: 'data' }],
] as const)('%s reads %j as the source does', (type, table, expected) => {
  const context = { list: new FindingList(), secretPaths: new Set<string>(), severity: 'error' as const };
  const { connection } = readSourceTable(context, 'x', type, table);
  expect(connection).not.toBeNull();
  const kind = connectionKind('sources', type)!;
  for (const [key, value] of Object.entries(expected)) {
    const field = kind.fields.find((known) => known.key === key)!;
    expect(fieldEntry(table, field)?.value, key).toBe(value);
    const read = field.path.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], connection);
    expect(read, key).toBe(value);
  }
});

describe.each(kinds.filter(([, kind]) => kind.ways.length > 0))('the ways of %s', (_name, kind) => {
  test('name fields that are there, in their tab, and are told by their own', () => {
    const keys = kind.fields.map(({ key }) => key);
    for (const way of kind.ways) {
      expect(kind.tabs).toContain(way.tab);
      for (const { fields, tells, label, help } of way.options) {
        expect(keys).toEqual(expect.arrayContaining([...fields]));
        expect(fields).toEqual(expect.arrayContaining([...tells]));
        expect(`${label} ${help}`).not.toMatch(/^ | $/);
      }
    }
  });

  test('show each field that they name by some option', () => {
    const bucket = { azure: 'az://c', s3: 's3://b', gcs: 'gs://b' };
    for (const way of kind.ways) {
      const [store] = way.shown?.in ?? [];
      const value = (key: string) => (key === 'bucket_url' ? bucket[store as keyof typeof bucket] : undefined);
      for (const option of way.options) {
        const values = { value, chosen: () => option.value };
        const shown = kind.fields.filter((field) => isShown(kind, field, values)).map(({ key }) => key);
        expect(shown, option.value).toEqual(expect.arrayContaining([...option.fields]));
        const others = way.options.flatMap(({ fields }) => fields).filter((key) => !option.fields.includes(key));
        for (const key of others) expect(shown, `${option.value} ${key}`).not.toContain(key);
      }
    }
  });
});

const values = (table: Record<string, unknown>) => ({ value: (key: string) => table[key] });

test.each([
  ['databricks', { access_token: 'x', client_id: 'c' }, 'token'],
  ['databricks', { client_id: 'c' }, 'oauth'],
  ['databricks', { client_id: 'c', azure_tenant_id: 't' }, 'entra'],
  ['databricks', { azure_tenant_id: 't' }, 'default'],
  ['databricks', {}, 'token'],
  ['filesystem', { azure_storage_account_name: 'a', azure_storage_sas_token: 's' }, 'sas'],
  ['filesystem', { azure_client_secret: 's' }, 'service_principal'],
  ['filesystem', { azure_storage_account_name: 'a' }, 'default'],
] as const)('a %s with %j signs in by %s', (type, table, expected) => {
  expect(wayOption(connectionKind('destinations', type)!.ways[0]!, values(table)).value).toBe(expected);
});

test.each([
  ['data', 'local'],
  ['C:\\data', 'local'],
  ['file:///data', 'local'],
  [undefined, 'local'],
  ['az://c/p', 'azure'],
  ['abfss://c@a.dfs.core.windows.net/p', 'azure'],
  ['S3://b', 's3'],
  ['gs://b', 'gcs'],
] as const)('%s lies in %s', (url, store) => {
  expect(storeOf(url)).toBe(store);
});

test('credentials are asked for of the bucket’s own cloud only', () => {
  const kind = connectionKind('sources', 'filesystem')!;
  const shown = (url: string) => kind.fields.filter((field) => isShown(kind, field, values({ bucket_url: url })));
  const keys = (url: string) => shown(url).map(({ key }) => key);
  expect(keys('data')).toEqual(['bucket_url']);
  expect(keys('s3://b')).toContain('region_name');
  expect(keys('s3://b').filter((key) => key.startsWith('azure_'))).toEqual([]);
  expect(keys('az://c').filter((key) => key.startsWith('aws_'))).toEqual([]);
});

test('fields are shown by what the others say', () => {
  const api = connectionKind('sources', 'api')!;
  const token = api.fields.find(({ key }) => key === 'auth.token')!;
  expect(isShown(api, token, values({}))).toBe(false);
  expect(isShown(api, token, values({ 'auth.type': 'Bearer' }))).toBe(true);
  const mssql = connectionKind('sources', 'mssql')!;
  expect(isShown(mssql, mssql.fields.find(({ key }) => key === 'username')!, values({}))).toBe(true);
});

test.each([
  ['destinations', 'databricks', 'sign_in', { auth_type: 'browser', access_token: 'x' }, 'auth_type', ['client_id']],
  [
    'sources',
    'filesystem',
    'azure_sign_in',
    { bucket_url: 'az://c/x', azure_authentication: 'browser' },
    'azure_authentication',
    ['azure_tenant_id', 'azure_client_id'],
  ],
] as const)(
  '%s.%s: the browser is told by a key of its own, which the form does not show',
  (section, type, way, table, key, shown) => {
    const kind = connectionKind(section, type)!;
    const values = { value: (name: string) => (table as Record<string, unknown>)[name] };
    expect(wayOption(kind.ways.find((one) => one.key === way)!, values).value).toBe('browser');
    const fields = kind.fields.filter((field) => isShown(kind, field, values)).map((field) => field.key);
    expect(fields).toEqual(expect.arrayContaining([...shown]));
    expect(fields).not.toContain(key);
    expect(fields.filter((name) => /secret|token|account_key/.test(name))).toEqual([]);
  },
);
