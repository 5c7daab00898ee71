import { expect, test } from 'vitest';
import { environmentProvider, variableName } from '../../engine/secrets/environment.ts';

async function read(variables: Record<string, string>, known: string[][] = []) {
  const provider = environmentProvider(variables, known);
  const out: Record<string, unknown> = {};
  for (const path of await provider.paths!()) {
    const found = await provider.get(path);
    out[path.join('.')] = found?.kind === 'value' ? found.value : found;
  }
  return out;
}

test("dlt's form, any key to any depth", async () => {
  expect(
    await read({
      SOURCES__SHOP__PASSWORD: 'p1',
      SOURCES__SHOP__CREDENTIALS__HOST: 'db',
      SOURCES__SHOP__RESOURCES__ORDERS__MAX_PAGES: '3',
      DESTINATION__DATABRICKS__ACCESS_TOKEN: 't1',
      DESTINATIONS__LAKE__BUCKET_URL: 'az://x',
      DESTINATION__TYPE: 'duckdb',
      PATH: '/bin',
      SOURCES: 'no',
      SOURCESX__A: 'no',
      SOURCES____A: 'no',
    }),
  ).toEqual({
    'sources.shop.password': 'p1',
    'sources.shop.credentials.host': 'db',
    'sources.shop.resources.orders.max_pages': '3',
    'destination.databricks.access_token': 't1',
    'destinations.lake.bucket_url': 'az://x',
    'destination.type': 'duckdb',
  });
});

test("a name takes the project's spelling, also where a variable cannot hold it or where it holds two underscores", async () => {
  const known = [
    ['sources', 'Shop-EU', 'password'],
    ['sources', 'shop__us', 'host'],
    ['sources', 'Kunden.DB'],
    ['runtime', 'log_level'],
  ];
  expect(
    await read(
      {
        SOURCES__SHOP_EU__PASSWORD: 'a',
        SOURCES__SHOP__US__HOST: 'b',
        SOURCES__KUNDEN_DB__API_KEY: 'c',
        RUNTIME__LOG_LEVEL: 'DEBUG',
      },
      known,
    ),
  ).toEqual({
    'sources.Shop-EU.password': 'a',
    'sources.shop__us.host': 'b',
    'sources.Kunden.DB.api_key': 'c',
    'runtime.log_level': 'DEBUG',
  });
});

test('any case is read; the upper-case name wins over another spelling of it', async () => {
  expect(await read({ Sources__Shop__Password: 'low', SOURCES__SHOP__PASSWORD: 'up', sources__x__host: 'h' })).toEqual({
    'sources.shop.password': 'up',
    'sources.x.host': 'h',
  });
});

test('an empty variable is not set: CI systems set a missing secret so', async () => {
  expect(await read({ SOURCES__SHOP__PASSWORD: '' })).toEqual({});
});

test('JSON becomes data, but never in a secret, and what is none stays text', async () => {
  expect(
    await read({
      SOURCES__SHOP__HEADERS: '{"Accept":"x"}',
      SOURCES__SHOP__PASSWORD: '{"a":1}',
      SOURCES__SHOP__COLUMNS: '["a"]',
      SOURCES__SHOP__CREDENTIALS: '{"host":"db","password":"pw"}',
      SOURCES__SHOP__NOTE: '{broken',
      SOURCES__SHOP__USERNAME: '007',
    }),
  ).toEqual({
    'sources.shop.headers.Accept': 'x',
    'sources.shop.columns': ['a'],
    'sources.shop.credentials.host': 'db',
    'sources.shop.credentials.password': 'pw',
    'sources.shop.password': '{"a":1}',
    'sources.shop.note': '{broken',
    'sources.shop.username': '007',
  });
});

test('the variable of a key can be named', async () => {
  expect(variableName(['sources', 'shop-eu', 'password'])).toBe('SOURCES__SHOP_EU__PASSWORD');
  const provider = environmentProvider({ SOURCES__SHOP__PASSWORD: 'p' });
  expect(await provider.get(['sources', 'shop', 'password'])).toEqual({
    kind: 'value',
    value: 'p',
    place: 'SOURCES__SHOP__PASSWORD',
  });
  expect(await provider.get(['sources', 'shop', 'other'])).toBeNull();
});
