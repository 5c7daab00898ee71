import { expect, test } from 'vitest';
import { environmentProvider } from '../../engine/secrets/environment.ts';
import type { SecretProvider } from '../../engine/secrets/provider.ts';
import { resolveConfig } from '../../engine/secrets/resolve.ts';
import { tableProvider } from '../../engine/secrets/table-provider.ts';

const SECRETS = '.dlt/secrets.toml';
const CONFIG = '.dlt/config.toml';
const secretPlaces = new Set([SECRETS]);

function providers(
  environment: Record<string, string>,
  secrets: Record<string, unknown>,
  config: Record<string, unknown>,
) {
  return [environmentProvider(environment), tableProvider(SECRETS, secrets), tableProvider(CONFIG, config)];
}

test('environment lies over secrets.toml over config.toml, key by key, and each origin is told without a value', async () => {
  const resolved = await resolveConfig({
    providers: providers(
      { SOURCES__SHOP__PASSWORD: 'from-env', SOURCES__SHOP__PORT: '5433' },
      { sources: { shop: { password: 'from-file', username: 'ann' } } },
      { sources: { shop: { host: 'db', port: 5432, password: 'in-config' } }, destination: { type: 'duckdb' } },
    ),
    secretPlaces,
  });
  expect(resolved.config).toEqual({
    sources: { shop: { host: 'db', port: '5433', password: 'from-env', username: 'ann' } },
    destination: { type: 'duckdb' },
  });
  expect(resolved.origins.find((o) => o.path === 'sources.shop.password')).toEqual({
    path: 'sources.shop.password',
    origin: 'environment',
    place: 'SOURCES__SHOP__PASSWORD',
    secret: true,
    deferred: false,
    overruled: [SECRETS, CONFIG],
  });
  expect(resolved.origins.find((o) => o.path === 'sources.shop.host')).toMatchObject({ origin: CONFIG, secret: false });
  expect([...resolved.secretPaths]).toEqual(['sources.shop.password']);
  // Every layer's password is a secret, the overruled ones too; what a model knows to be plain is none.
  expect(resolved.secrets.map((s) => s.value).sort()).toEqual(['from-env', 'from-file', 'in-config']);
  expect(JSON.stringify(resolved.origins)).not.toMatch(/from-|in-config/);
});

test('everything in secrets.toml that no model knows to be plain is a secret: headers, connection strings, new keys', async () => {
  const { secrets } = await resolveConfig({
    providers: providers(
      {},
      {
        sources: {
          crm: {
            base_url: 'https://crm',
            headers: { 'X-Tenant': 'tenant-42' },
            credentials: 'postgresql://u:pw%20d@h/db',
          },
          lake: { gibberish: ['one-secret', { deep: 12345 }] },
        },
      },
      { sources: { crm: { headers: { Accept: 'json', 'X-Api-Key': 'k-1' }, url: 'https://u:config-pw@crm' } } },
    ),
    secretPlaces,
  });
  expect(secrets.map((s) => s.value)).toEqual(
    expect.arrayContaining(['tenant-42', 'postgresql://u:pw%20d@h/db', 'one-secret', '12345', 'k-1', 'config-pw']),
  );
  expect(secrets.map((s) => s.value)).not.toEqual(expect.arrayContaining(['json']));
  expect(secrets.map((s) => s.value)).not.toEqual(expect.arrayContaining(['https://crm']));
});

test('a table over a plain value and a plain value over a table: the higher place wins', async () => {
  const above = await resolveConfig({
    providers: providers(
      { SOURCES__SHOP__CREDENTIALS__PASSWORD: 'pw-1' },
      { sources: { shop: { credentials: 'postgresql://a:b@c/d' } } },
      {},
    ),
    secretPlaces,
  });
  expect(above.config).toEqual({ sources: { shop: { credentials: { password: 'pw-1' } } } });
  const below = await resolveConfig({
    providers: providers(
      { SOURCES__SHOP__CREDENTIALS: 'postgresql://a:b@c/d' },
      { sources: { shop: { credentials: { password: 'pw-1' } } } },
      {},
    ),
    secretPlaces,
  });
  expect(below.config).toEqual({ sources: { shop: { credentials: 'postgresql://a:b@c/d' } } });
});

test('a place that can only be asked is asked; one that fails is passed over with one warning without its message', async () => {
  const asked: string[] = [];
  const vault: SecretProvider = {
    name: 'Azure Key Vault',
    async get(path) {
      asked.push(path.join('.'));
      if (path.includes('password')) return { kind: 'value', value: 'from-vault', place: 'sources--shop--password' };
      return path.includes('client_secret') ? { kind: 'deferred', place: 'sources--shop--client-secret' } : null;
    },
  };
  const keychain: SecretProvider = {
    name: 'keychain',
    get: () => Promise.reject(new Error('locked: swordfish')),
    paths: () => Promise.reject(new Error('locked: swordfish')),
  };
  const resolved = await resolveConfig({
    providers: [vault, tableProvider(SECRETS, { sources: { shop: { password: 'below', token: 'tok-1' } } }), keychain],
    secretPlaces: new Set([SECRETS, 'Azure Key Vault']),
    askFor: [
      ['sources', 'shop', 'password'],
      ['sources', 'shop', 'client_secret'],
      ['sources', 'shop', 'api_key'],
    ],
  });
  expect(resolved.config).toEqual({ sources: { shop: { password: 'from-vault', token: 'tok-1' } } });
  expect(asked).toContain('sources.shop.api_key');
  expect([...resolved.deferredPaths]).toEqual(['sources.shop.client_secret']);
  expect(resolved.findings).toHaveLength(1);
  expect(resolved.findings[0]).toMatchObject({
    severity: 'warning',
    code: 'SECRET_PROVIDER_UNREACHABLE',
    sheet: 'keychain',
  });
  expect(JSON.stringify(resolved.findings)).not.toContain('swordfish');
});

test('a cancelled look-up throws', async () => {
  const vault: SecretProvider = { name: 'vault', get: () => Promise.reject(new Error('aborted')) };
  await expect(
    resolveConfig({
      providers: [vault],
      secretPlaces: new Set(),
      askFor: [['a']],
      signal: AbortSignal.abort(new Error('stop')),
    }),
  ).rejects.toThrow('stop');
});

test('a key named __proto__ is a key like any other', async () => {
  const table = JSON.parse('{"sources":{"__proto__":{"password":"p-1234"}}}');
  const { config } = await resolveConfig({ providers: [tableProvider(SECRETS, table)], secretPlaces });
  expect(Object.keys(config['sources'] as object)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>)['password']).toBeUndefined();
});
