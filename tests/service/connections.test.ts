import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Input, ProjectDocument } from '../../engine/contract.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { SECRET_PLACEHOLDER } from '../../engine/spec/secret-placeholder.ts';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { writeProject } from '../helpers/project.ts';
import { silentServer } from '../helpers/silent-server.ts';
import { memoryKeychain, startService } from './service-harness.ts';

/** Long enough to be found wherever it turns up. */
const SECRET = 'pl4nted-s3cret-value';

type Draft = Input<'connection.save'>['connection'];

const warehouse = (changes: Partial<Draft> = {}): Draft => ({
  name: 'warehouse',
  type: 'postgresql',
  values: { host: 'db.example.com', database: 'shop', username: 'reader' },
  secrets: { password: SECRET },
  ...changes,
});

const CONFIG = `# ours
[sources.shop]
base_url = "https://api.example.com" # the API

[sources.shop.auth]
type = "bearer"
`;

async function startProject(options: Parameters<typeof startService>[0] = {}, secrets?: string) {
  const studio = await startService(options);
  const directory = path.join(studio.folder, 'project');
  await mkdir(directory);
  await writeProject(directory, {
    jobs: [{ source_type: 'api', source_name: 'shop', table_name: 'orders', load_type: 'FULL', api_endpoint: '/o' }],
    config: CONFIG,
    ...(secrets === undefined ? {} : { secrets }),
  });
  const save = (connection: Draft, previous_name: string | null = null) =>
    ({ directory, env: null, section: 'sources', connection, previous_name }) as const;
  return {
    ...studio,
    studio,
    directory,
    save,
    config: () => readFile(path.join(directory, '.dlt/config.toml'), 'utf8'),
  };
}

/** Every byte of every file below a folder. */
async function allText(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'latin1')))).join('\n');
}

describe('save', () => {
  test('values go to config.toml with its comments, secrets to the keychain, and a reply holds neither', async () => {
    const { studio, directory, save, config } = await startProject();
    await using _ = studio;
    const saved = await studio.call('connection.save', save(warehouse()));
    expect(await config()).toBe(
      `${CONFIG}\n[sources.warehouse]\ntype = "postgresql"\nhost = "db.example.com"\ndatabase = "shop"\nusername = "reader"\n`,
    );
    expect(saved.config).toMatchObject({
      sources: { warehouse: { host: 'db.example.com', password: SECRET_PLACEHOLDER } },
    });
    expect(saved.secretPaths).toContain('sources.warehouse.password');
    expect(await allText(studio.folder)).not.toContain(SECRET);
    expect(studio.said.join('\n')).not.toContain(SECRET);
    expect((await studio.service.dispatch('x', 'project.open', { directory, env: null })).ok).toBe(true);
  });

  test('what is changed is written, what is null is removed, and what is not named stays; also secrets', async () => {
    const { studio, save, config } = await startProject();
    await using _ = studio;
    await studio.call('connection.save', save(warehouse()));
    const change = warehouse({ values: { host: 'other.example.com', username: null }, secrets: {} });
    const saved = await studio.call('connection.save', save(change, 'warehouse'));
    expect(saved.config['sources']).toMatchObject({
      warehouse: { host: 'other.example.com', database: 'shop', password: SECRET_PLACEHOLDER },
    });
    expect(await config()).not.toContain('reader');
    const forgotten = await studio.call(
      'connection.save',
      save(warehouse({ values: {}, secrets: { password: '' } }), 'warehouse'),
    );
    expect(forgotten.config['sources']).not.toHaveProperty('warehouse.password');
  });

  test('a table is changed leaf by leaf: its comments, and keys that the window does not see, stay', async () => {
    const { studio, save, config } = await startProject({}, `[sources.shop.auth]\ntoken = "${SECRET}"\n`);
    await using _ = studio;
    const draft: Draft = {
      name: 'shop',
      type: 'api',
      values: { auth: { type: 'api_key', api_key_name: 'X-Key' }, headers: { 'x-team': 'data' } },
      secrets: { 'auth.token': SECRET_PLACEHOLDER },
    };
    const saved = await studio.call('connection.save', save(draft, 'shop'));
    expect(await config()).toContain('base_url = "https://api.example.com" # the API');
    expect(saved.config['sources']).toMatchObject({
      shop: {
        auth: { type: 'api_key', api_key_name: 'X-Key', token: SECRET_PLACEHOLDER },
        headers: { 'x-team': 'data' },
      },
    });
  });

  test('a new name takes everything along, secrets too', async () => {
    const keychain = memoryKeychain();
    const { studio, directory, save, config } = await startProject({ keychain });
    await using _ = studio;
    await studio.call('connection.save', save(warehouse()));
    const saved = await studio.call('connection.save', save(warehouse({ name: 'lake', secrets: {} }), 'warehouse'));
    expect(saved.config['sources']).toMatchObject({ lake: { host: 'db.example.com', password: SECRET_PLACEHOLDER } });
    expect(saved.config['sources']).not.toHaveProperty('warehouse');
    expect(await config()).not.toContain('[sources.warehouse]');
    // One that is entered with the new name replaces the old one for good: going back to the old name takes the new secret along.
    const store = createSecretStore({ directory: studio.userDataDirectory, keychain });
    const kept = async (name: string) => store.get(directory, ['sources', name, 'password']);
    const entered = warehouse({ name: 'pond', secrets: { password: 'another-secret' } });
    await studio.call('connection.save', save(entered, 'lake'));
    expect([await kept('pond'), await kept('lake')]).toEqual(['another-secret', null]);
    await studio.call('connection.save', save(warehouse({ name: 'lake', secrets: {} }), 'pond'));
    expect([await kept('pond'), await kept('lake')]).toEqual([null, 'another-secret']);
    expect(await studio.failure('connection.save', save(warehouse({ name: 'shop' }), 'lake'))).toMatchObject({
      code: 'CONNECTION_EXISTS',
    });
    expect(await studio.failure('connection.save', save(warehouse({ name: 'shop' })))).toMatchObject({
      code: 'CONNECTION_EXISTS',
    });
  });

  test('a secret is never written to config.toml, whatever key it comes under', async () => {
    const { studio, save, config } = await startProject();
    await using _ = studio;
    const draft = warehouse({ values: { host: 'x', password: SECRET }, secrets: {} });
    expect(await studio.failure('connection.save', save(draft))).toMatchObject({ code: 'SECRET_IN_CONFIG' });
    expect(await config()).toBe(CONFIG);
    expect(studio.said.join('\n')).not.toContain(SECRET);
  });

  test('without a keychain nothing at all is written, and the way out is said', async () => {
    const keychain = {
      name: 'none',
      get: async () => null,
      set: async () => {
        throw new Error('no keyring');
      },
    };
    const { studio, save, config } = await startProject({ keychain });
    await using _ = studio;
    const error = await studio.failure('connection.save', save(warehouse()));
    expect(error.message).toContain('no keyring');
    expect(await config()).toBe(CONFIG);
    expect(await allText(studio.folder)).not.toContain(SECRET);
  });

  test('a secret that another place overrules is refused, naming the place', async () => {
    const inFile = await startProject({}, `[sources.warehouse]\npassword = "older-${SECRET}"\n`);
    await using _ = inFile.studio;
    expect(await inFile.studio.failure('connection.save', inFile.save(warehouse(), 'warehouse'))).toMatchObject({
      code: 'SECRET_OVERRULED',
      message: expect.stringContaining('.dlt/secrets.toml'),
    });
    const inVariable = await startProject({ environment: { SOURCES__WAREHOUSE__PASSWORD: SECRET } });
    await using __ = inVariable.studio;
    expect(await inVariable.studio.failure('connection.save', inVariable.save(warehouse()))).toMatchObject({
      code: 'SECRET_OVERRULED',
      message: expect.stringContaining('SOURCES__WAREHOUSE__PASSWORD'),
    });
  });

  test('removing forgets the secrets, too', async () => {
    const { studio, directory, save, config } = await startProject();
    await using _ = studio;
    await studio.call('connection.save', save(warehouse()));
    await studio.call('connection.remove', { directory, env: null, section: 'sources', name: 'warehouse' });
    expect(await config()).not.toContain('warehouse');
    const again = await studio.call('connection.save', save(warehouse({ secrets: {} })));
    expect(again.secretPaths).not.toContain('sources.warehouse.password');
  });
});

describe('secrets never leave', () => {
  test('wherever a file holds one, the document holds dots', async () => {
    const secrets = `[sources.shop.auth]\ntoken = "${SECRET}-1"\n[sources.shop.headers]\nx-signature = "${SECRET}-2"\n[sources.flat]\ncredentials = "postgresql://ann:${SECRET}-3@db.example.com/shop?x=${SECRET}-3"\n`;
    const { studio, directory } = await startProject(
      { environment: { SOURCES__SHOP__AUTH__CLIENT_SECRET: `${SECRET}-4` } },
      secrets,
    );
    await using _ = studio;
    const config = path.join(directory, '.dlt/config.toml');
    await writeFile(config, `${CONFIG}[sources.url]\nbase_url = "https://ann:${SECRET}-5@x.example.com/?q=1"\n`);
    const document: ProjectDocument = await studio.call('project.open', { directory, env: null });
    expect(studio.said.join('\n')).not.toContain(SECRET);
    expect(document.config['sources']).toMatchObject({
      shop: { auth: { token: SECRET_PLACEHOLDER, client_secret: SECRET_PLACEHOLDER } },
      flat: { credentials: `postgresql://ann:${SECRET_PLACEHOLDER}@db.example.com/shop` },
      url: { base_url: `https://ann:${SECRET_PLACEHOLDER}@x.example.com/` },
    });
  });

  test('an error that repeats one is redacted', async () => {
    const { studio, directory } = await startProject();
    await using _ = studio;
    const connection: Draft = {
      name: 'shop',
      type: 'api',
      values: { base_url: `http://127.0.0.1:1/${SECRET}` },
      secrets: { 'auth.token': SECRET },
    };
    const stages = await studio.call('connection.test', { directory, env: null, connection, previous_name: 'shop' });
    expect(stages.at(-1)).toMatchObject({ status: 'failed' });
    expect(studio.said.join('\n')).not.toContain(SECRET);
  });
});

describe('test and discover against a real server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const draftOf = (changes: Partial<Draft> = {}): Draft => ({
    name: 'warehouse',
    type: 'postgresql',
    values: {
      host: '127.0.0.1',
      port: server.port,
      database: 'postgres',
      username: server.username,
      ssl_mode: 'disable',
    },
    secrets: { password: server.password },
    ...changes,
  });

  test('unsaved values are tested stage by stage; each stage is told as it ends', async () => {
    const { studio, directory } = await startProject();
    await using _ = studio;
    const stages = await studio.call('connection.test', {
      directory,
      env: null,
      connection: draftOf(),
      previous_name: null,
    });
    expect(stages.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(stages.map(({ stage }) => stage)).toContain('first_read');
    expect(studio.heard('test.stage').map(({ stage }) => stage)).toEqual(stages);
    expect(new Set(studio.heard('test.stage').map(({ call }) => call)).size).toBe(1);
  });

  test('a secret that the form does not bring is taken from where it is kept; a wrong one fails at the login', async () => {
    const { studio, directory, save } = await startProject();
    await using _ = studio;
    await studio.call('connection.save', save(draftOf()));
    const ask = (connection: Draft) =>
      studio.call('connection.test', { directory, env: null, connection, previous_name: 'warehouse' });
    expect((await ask(draftOf({ secrets: {} }))).every(({ status }) => status !== 'failed')).toBe(true);
    const wrong = await ask(draftOf({ secrets: { password: 'wrong-password' } }));
    expect(wrong.at(-1)).toMatchObject({ stage: 'login', status: 'failed' });
    expect(JSON.stringify(wrong)).not.toContain('wrong-password');
  });

  test('a form with a mistake says which field', async () => {
    const { studio, directory } = await startProject();
    await using _ = studio;
    const connection = draftOf({ values: { host: 'x', port: 'seven', database: 'd', username: 'u' } });
    const error = await studio.failure('connection.test', { directory, env: null, connection, previous_name: null });
    expect(error.findings).toMatchObject([{ column: 'sources.warehouse.port', severity: 'error' }]);
  });

  test('a test of a server that never answers is cancelled at once', async () => {
    const { studio, directory } = await startProject();
    await using _ = studio;
    await using silent = await silentServer();
    const connection = draftOf({ values: { ...draftOf().values, port: silent.port } });
    const asked = studio.service.dispatch('slow', 'connection.test', {
      directory,
      env: null,
      connection,
      previous_name: null,
    });
    await silent.asked;
    studio.service.cancel('slow');
    expect(await asked).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  });

  test('tables are discovered through the saved connection; an unsaved row is explained and previewed', async () => {
    const { studio, directory, save } = await startProject();
    await using _ = studio;
    await server.query('create table shop_orders (id int primary key, amount numeric(12,2), changed timestamptz)');
    await server.query("insert into shop_orders select n, n, '2026-01-01' from generate_series(1, 5) n");
    await studio.call('connection.save', save(draftOf()));
    const found = await studio.call('connection.discover', {
      directory,
      env: null,
      name: 'warehouse',
      search: 'shop_',
      columns: true,
    });
    expect(found).toMatchObject([{ name: 'shop_orders', primaryKey: ['id'] }]);
    const row = {
      source_type: 'postgresql',
      source_name: 'warehouse',
      table_name: 'shop_orders',
      load_type: 'INCREMENTAL',
      watermark_column: 'changed',
      last_watermark: '2025-12-31',
      enabled: 'N',
    };
    const explained = await studio.call('job.explain', { directory, env: null, row, destination: null });
    expect(explained.statement).toMatch(/select[\s\S]*shop_orders[\s\S]*changed/i);
    expect(explained.watermark).toBe('2025-12-31');
    await writeProject(directory, { jobs: [{ ...row, enabled: 'Y' }] });
    const config = path.join(directory, '.dlt/config.toml');
    await writeFile(
      config,
      `${await readFile(config, 'utf8')}\n[destinations.duckdb]\ntype = "duckdb"\npath = "o.duckdb"\n`,
    );
    const { run_id } = await studio.call('run.start', { directory, env: null, rows: null, destination: null });
    const run = () => studio.call('run.get', { directory, run_id });
    await expect.poll(async () => (await run()).summary.status, { timeout: 20_000 }).toBe('SUCCESS');
    // From where the destination stands, not from the row's own beginning.
    const next = await studio.call('job.explain', { directory, env: null, row, destination: null });
    expect(next.watermark).toMatch(/^2026-01-01/);
    const preview = await studio.call('job.preview', { directory, env: null, row, rows: 3 });
    expect(preview.pages.flatMap(({ records }) => records)).toHaveLength(3);
    const wrong = await studio.failure('job.explain', {
      directory,
      env: null,
      row: { ...row, load_type: 'SOME' },
      destination: null,
    });
    expect(wrong.findings).toMatchObject([{ column: 'load_type', value: 'SOME' }]);
    expect(await studio.failure('connection.discover', { directory, env: null, name: 'warehous' })).toMatchObject({
      code: 'CONNECTION_NOT_FOUND',
      hint: 'Did you mean "warehouse"?',
    });
  });
});

test('the sample’s API and files are previewed and explained without any setup', async () => {
  await using studio = await startService({ keychain: memoryKeychain() });
  const { directory, sheets } = await studio.call('project.open_sample', undefined);
  const { headers, rows } = sheets.SourceConfig!;
  const enabled = rows.map(({ cells }) =>
    Object.fromEntries(headers.map((header, index) => [header, cells[index] ?? ''])),
  );
  for (const source of ['api', 'filesystem']) {
    const row = enabled.find((one) => one['source_type'] === source)!;
    const preview = await studio.call('job.preview', { directory, env: null, row, pages: 1, rows: 5 });
    expect(preview.pages[0]!.records.length, source).toBeGreaterThan(0);
    const { statement } = await studio.call('job.explain', { directory, env: null, row, destination: null });
    expect(statement, source).not.toBe('');
  }
});
