import { describe, expect, test } from 'vitest';
import { connectionModels } from '../../engine/spec/connection.ts';
import { CONNECTION_KINDS, connectionKind, fieldEntry, isShown } from '../../engine/spec/connection-fields.ts';
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

test('fields are shown by what the others say', () => {
  const api = connectionKind('sources', 'api')!;
  const token = api.fields.find(({ key }) => key === 'auth.token')!;
  expect(isShown(api, token, () => undefined)).toBe(false);
  expect(isShown(api, token, (key) => (key === 'auth.type' ? 'Bearer' : undefined))).toBe(true);
  const user = connectionKind('sources', 'mssql')!.fields.find(({ key }) => key === 'username')!;
  expect(isShown(connectionKind('sources', 'mssql')!, user, () => undefined)).toBe(true);
});
