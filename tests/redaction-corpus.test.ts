import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Keychain } from '../engine/secrets/keychain.ts';
import { createSecretStore } from '../engine/secrets/secret-store.ts';
import { createEngineService } from '../engine/service/engine-service.ts';
import { startWebHost } from '../engine/web-host/web-host.ts';
import { cli } from './cli/cli-process.ts';
import { goTo } from './e2e/connections-window.ts';
import { findChromium } from './electron-standin/chromium.ts';
import { buildApp } from './helpers/electron-app.ts';
import { pageTexts } from './helpers/page-texts.ts';
import { type PostgresServer, startPostgres } from './helpers/postgres-server.ts';
import { type ProjectTexts, writeProject } from './helpers/project.ts';
import { memoryKeychain, SAMPLE, startService } from './service/service-harness.ts';

/** One in each place that a secret can come from, each of another kind. */
const SECRETS = {
  environment: `tok"en'+/=?&%#~9x`,
  secretsFile: `pä"ss'wörd €+ /?#;x`,
  configByMistake: 'config\\by|mistake<42>',
  userInfo: 'user:info@S3cret/7',
  shapeInCell: 'cell-s3cret-55ab',
  keychain: 'kéychain secret\t88',
  draft: 'draft-of-a-connection-31',
  webhook: 'T0ken-of-the-hook-Zz',
  collector: 'collector-key-5512',
  sas: 'sv=2024-11-04&ss=b&sig=aB3%2FdE9%2Bq1w2e3r4t5y6u7i8o9p0%3D',
  accountKey: Buffer.from('an account key of Azure, 64 bytes long as they all are, more or less').toString('base64'),
  pem: `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ7x1'.repeat(2)}\n${'q9Zt0Lk2mN8vB4cX6zA1sD3fG5hJ7kL0'.repeat(2)}\n-----END PRIVATE KEY-----\n`,
  short: 'x9Q!',
};

/** What a text must not hold: the value as it is and as the wire, JSON and base64 carry it, wherever it begins in what was encoded. */
function formsOf(secret: string): string[] {
  const lines = secret.includes('\n') ? secret.split('\n').filter((line) => /^[^-]{16}/.test(line)) : [secret];
  return lines.flatMap((value) => {
    const bytes = Buffer.from(value);
    const cores = [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
      return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    });
    const urls = cores.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'));
    const json = JSON.stringify(value).slice(1, -1);
    return [value, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(value), ...cores, ...urls];
  });
}

/** Secrets that only whoever is sent them knows; what is sent to the server is repeated anyway. */
const SENT_ONLY: string[] = [SECRETS.shapeInCell, SECRETS.keychain, SECRETS.draft];

const everySecret = () =>
  Object.values(SECRETS)
    .filter((value) => !SENT_ONLY.includes(value))
    .flatMap((value) => [
      value,
      encodeURIComponent(value),
      ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${value}:x`).toString('base64')),
    ])
    .join(' , ');

/** The row whose load_type is a secret. */
const INVALID_ROW = 15;

let server: Server;
let origin: string;
let postgres: PostgresServer;
/** What hooks and collectors were told. */
const told: string[] = [];
const authorized = new Set<string>();

beforeAll(async () => {
  // It repeats what it was sent, and all that it might ever have heard, in every form.
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url = '' } = request;
    authorized.add(request.headers.authorization ?? String(request.headers['x-team'] ?? ''));
    if (/hook|v1\//.test(url)) told.push(Buffer.concat(chunks).toString('latin1'));
    const ok = url.startsWith('/echo');
    response.writeHead(ok ? 200 : 400, {
      'content-type': 'application/json',
      'x-heard': encodeURIComponent(everySecret()),
    });
    const heard = { url, headers: request.headers, everything: everySecret() };
    response.end(JSON.stringify(ok ? [{ id: 1, ...heard }] : { error: heard }));
  });
  server.listen(0, '127.0.0.1');
  [postgres] = await Promise.all([startPostgres(), once(server, 'listening')]);
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  await postgres.query(`CREATE ROLE analyst LOGIN PASSWORD ${literal(SECRETS.secretsFile)}`);
  await postgres.query('CREATE TABLE orders AS SELECT 1 AS id');
  await postgres.query(
    `CREATE FUNCTION complain() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION USING MESSAGE = ${literal(everySecret())}, DETAIL = ${literal(SECRETS.secretsFile)}, HINT = ${literal(SECRETS.pem)}; END $f$`,
  );
  await postgres.query('CREATE VIEW complaints AS SELECT complain() AS id');
  await postgres.query('GRANT SELECT ON orders, complaints TO analyst');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await postgres.stop();
});
afterEach(() => vi.unstubAllEnvs());

/** A message but for the cells of the workbook, which are the person's own and stand in the window as they were typed. */
function withoutCells(message: string): string {
  return JSON.stringify(JSON.parse(message, (key, value) => (key === 'cells' && Array.isArray(value) ? [] : value)));
}

/** A row whose texts hold none of the secrets. */
function withoutTyped(row: object): object {
  const values = Object.values(SECRETS);
  const blank = (text: unknown) => (values.some((value) => String(text).includes(value)) ? 'FULL' : text);
  return Object.fromEntries(Object.entries(row).map(([name, text]) => [name, blank(text)]));
}

/** Takes the tables away whose rows repeat what the server had heard. */
async function dropEchoes(file: string): Promise<void> {
  const database = await DuckDBInstance.create(file);
  const connection = await database.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name LIKE 'echo%'",
  );
  expect(tables.currentRowCount).toBeGreaterThan(3);
  for (const [schema, table] of tables.getRows()) await connection.run(`DROP TABLE "${schema}"."${table}"`);
  connection.closeSync();
  database.closeSync();
}

/** Opens the project in a real browser and goes through the window: what stood in each screen, and every message that came. */
async function lookAtEveryScreen(
  directory: string,
  userDataDirectory: string,
  keychain: Keychain,
  environment: Record<string, string>,
): Promise<[string, string][]> {
  await buildApp();
  const host = await startWebHost({
    pageFolder: path.resolve(import.meta.dirname, '../out/renderer'),
    port: 0,
    createService: (emit) =>
      createEngineService({
        emit,
        userDataDirectory,
        documentsDirectory: directory,
        sampleDirectory: SAMPLE,
        secretStore: createSecretStore({ directory: userDataDirectory, keychain }),
        version: '1.2.3',
        host: 'web',
        environment,
        openAtStart: directory,
      }),
  });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  const seen: [string, string][] = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1400 } });
    page.setDefaultTimeout(20_000);
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => seen.push(['a frame of the window', String(payload)]));
    });
    page.on('console', (message) => seen.push(['the console', message.text()]));
    const look = async (name: string) => seen.push([`the window: ${name}`, await pageTexts(page)]);
    await page.goto(host.url);
    const jobs = page.getByRole('grid', { name: 'Jobs' });
    await jobs.getByText('echo_env').first().click();
    await look('jobs');
    await page.keyboard.press('Control+e');
    await page.getByRole('complementary', { name: /^Job / }).waitFor();
    await look('the form of a job');
    await goTo(page, 'Connections');
    const connections = page.locator('[data-key]');
    await connections.first().waitFor();
    for (let at = 0; at < (await connections.count()); at++) {
      await connections.nth(at).click();
      for (const tab of await page.getByRole('main').getByRole('tab').all()) {
        await tab.click();
        await look(`connection ${at}`);
      }
    }
    await page.locator('[data-key="env"]').click();
    const tested = page.getByRole('region', { name: 'Connection test' });
    await tested.getByRole('button', { name: 'Test', exact: true }).click();
    await tested.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' });
    await look('a test');
    await goTo(page, 'Discover');
    await page.getByRole('heading', { name: 'Discover', level: 1 }).waitFor();
    await look('discover');
    await goTo(page, 'API preview');
    await page
      .getByRole('textbox', { name: 'Job' })
      .or(page.getByRole('combobox', { name: 'Job' }))
      .first()
      .click();
    await page.getByRole('option', { name: 'env.echo_env' }).click();
    await page.getByRole('button', { name: /^Preview( again)?$/ }).click();
    await page.getByRole('list', { name: 'Pages' }).waitFor();
    for (const tab of await page.getByRole('main').getByRole('tab').all()) {
      await tab.click();
      await look('api preview');
    }
    await goTo(page, 'Runs');
    const runs = page.getByRole('button', { name: /^Open run/ });
    await runs.first().waitFor();
    await look('runs');
    await runs.last().click();
    await page.getByRole('button', { name: 'env.fails_env' }).click();
    await page.getByRole('region', { name: 'env.fails_env' }).waitFor();
    await look('a run');
    await goTo(page, 'Results');
    await page
      .getByRole('button', { name: /^orders/ })
      .first()
      .waitFor();
    await look('results');
    await goTo(page, 'Quality');
    await page.getByRole('grid', { name: 'Checks' }).waitFor();
    await look('quality');
    await goTo(page, 'Export');
    await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
    await look('export');
    await goTo(page, 'Settings');
    await page.getByText('Azure Key Vault').first().waitFor();
    await look('settings');
    return seen;
  } finally {
    await browser.close();
    await host.close();
  }
}

/** Files below a folder but data: what was loaded is the people's own. */
async function textsBelow(folder: string): Promise<[string, string][]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  return await Promise.all(
    files
      .filter((entry) => entry.isFile() && !/\.(duckdb|wal|parquet)$/.test(entry.name))
      .map(async (entry): Promise<[string, string]> => {
        const file = path.join(entry.parentPath, entry.name);
        const bytes = await readFile(file);
        return [file, `${bytes.toString('utf8')}\n${bytes.toString('latin1')}`];
      }),
  );
}

test('no file, log, metric, report, recording, copy, export, error, message or print holds a secret in any form', async () => {
  const keychain = memoryKeychain();
  const environment = { SOURCES__ENV__AUTH__TOKEN: SECRETS.environment };
  await using studio = await startService({ environment, keychain });
  const directory = path.join(studio.folder, 'project');
  await mkdir(directory);
  const apis = ['env', 'cfg', 'info', 'chain', 'short'];
  const api = (source_name: string, table: string, api_endpoint: string) => ({
    source_type: 'api',
    source_name,
    table_name: `${table}_${source_name}`,
    api_endpoint,
    load_type: 'FULL',
    pagination_type: 'single_page',
    enabled: 'Y',
  });
  const table = (source_type: string, source_name: string, table_name: string, more: object = {}) => ({
    ...{ source_type, source_name, table_name, load_type: 'FULL', enabled: 'Y' },
    ...more,
  });
  const quoted = (text: string) => JSON.stringify(text);
  const bearer = (name: string, more = '') =>
    `[sources.${name}]\ntype = "api"\nbase_url = "${origin}"\n[sources.${name}.auth]\ntype = "bearer"\n${more}`;
  const texts: ProjectTexts = {
    jobs: [
      ...apis.flatMap((name) => [api(name, 'echo', '/echo'), api(name, 'fails', '/fails')]),
      api('cell', 'fails', `/fails?api_key=${SECRETS.shapeInCell}`),
      table('postgresql', 'pg', 'orders', {
        schema_name: 'public',
        description: `my password is ${SECRETS.secretsFile}`,
      }),
      table('postgresql', 'pg', 'complaints', { schema_name: 'public' }),
      table('postgresql', 'pg', 'bad', {
        schema_name: 'public',
        load_type: SECRETS.environment,
        source_object: 'orders',
      }),
      table('filesystem', 'lake', 'files', { file_format: 'csv' }),
      table('filesystem', 'signed', 'signed', { file_format: 'csv' }),
    ],
    checks: [
      {
        table: 'orders',
        type: 'custom_sql',
        sql: `SELECT ${SECRETS.secretsFile} FROM {table}`,
        name: `of ${SECRETS.short}`,
      },
    ],
    config: [
      bearer('env'),
      bearer('cfg', `token = ${quoted(SECRETS.configByMistake)}\n`),
      bearer('chain'),
      bearer('short'),
      `[sources.cell]\ntype = "api"\nbase_url = "${origin}"`,
      `[sources.info]\ntype = "api"\nbase_url = "${origin.replace('//', `//svc:${encodeURIComponent(SECRETS.userInfo)}@`)}"`,
      `[sources.pg]\ntype = "postgresql"\nhost = "${postgres.host}"\nport = ${postgres.port}\ndatabase = "postgres"\nusername = "analyst"`,
      '[sources.lake]\ntype = "filesystem"\nbucket_url = "az://files/in"',
      `[sources.signed]\ntype = "filesystem"\nbucket_url = "az://files/in"\nazure_storage_account_name = "acc"\nendpoint = "${origin}/acc"`,
      `[telemetry]\nendpoint = "${origin}"\n[notifications]\non = "always"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n`,
    ].join('\n'),
    secrets: [
      `[sources.pg]\npassword = ${quoted(SECRETS.secretsFile)}\n[sources.short.auth]\ntoken = "${SECRETS.short}"`,
      `[sources.lake]\nazure_storage_connection_string = "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=${SECRETS.accountKey};BlobEndpoint=${origin}/acc;"`,
      `[sources.signed]\nazure_storage_sas_token = ${quoted(SECRETS.sas)}\nprivate_key = ${quoted(SECRETS.pem)}`,
      `[notifications]\nwebhook_url = "${origin}/hook/${SECRETS.webhook}"\n[telemetry.headers]\nx-team = "${SECRETS.collector}"\n`,
    ].join('\n'),
  };
  await writeProject(directory, texts);
  const at = { directory, env: null };

  // The window: everything that it asks for, unsaved secrets too.
  await studio.call('project.open', at);
  const draft = { name: 'draft', type: 'api', values: { base_url: origin, auth: { type: 'bearer' } } };
  const save = { ...at, section: 'sources', previous_name: null } as const;
  await studio.call('connection.test', { ...save, connection: { ...draft, secrets: { 'auth.token': SECRETS.draft } } });
  const chain = { name: 'chain', type: 'api', values: {}, secrets: { 'auth.token': SECRETS.keychain } };
  await studio.call('connection.save', { ...save, connection: chain, previous_name: 'chain' }).catch(() => undefined);
  for (const name of [...apis, 'pg']) {
    const connection = { name, type: name === 'pg' ? 'postgresql' : 'api', values: {}, secrets: {} };
    await studio.call('connection.test', { ...save, connection, previous_name: name }).catch(() => undefined);
    const row =
      name === 'pg' ? table('postgresql', 'pg', 'complaints', { schema_name: 'public' }) : api(name, 'fails', '/fails');
    await studio.call('job.preview', { ...at, row }).catch(() => undefined);
  }
  const preview = await studio.call('job.preview', { ...at, row: api('env', 'echo', '/echo') });
  const recordings = path.join(studio.folder, 'recordings');
  await mkdir(recordings);
  const recording = path.join(recordings, 'echo.json');
  await studio.call('preview.save_recording', { preview: preview.recording as string, file: recording });
  const started = await studio.call('run.start', {
    ...at,
    rows: [...Array(16).keys()].map((at) => at + 2).filter((row) => row !== INVALID_ROW),
    destination: null,
  });
  await vi.waitFor(
    () => expect(studio.heard('run.event').some(({ event }) => event.type === 'run_finished')).toBe(true),
    60_000,
  );
  await studio.call('run.get', { directory, run_id: started.run_id });
  const log = { directory, run_id: started.run_id, offset: 0, limit: 5000, levels: [], job: null, text: null };
  const { total } = await studio.call('run.log', log);
  expect(total).toBeGreaterThan(20);
  const target = path.join(studio.folder, 'bundle');
  await studio.call('export.preview', { ...at, target }).catch(() => undefined);
  await studio.call('export.write', { ...at, target }).catch(() => undefined);

  // The command line, at its most talkative.
  const prints: string[] = [];
  for (const words of [
    ['validate'],
    ['list', '--json'],
    ['run', '--skip-invalid'],
    ['check'],
    ['secrets', 'explain'],
    ['diff', directory, directory],
  ]) {
    const { stdout, stderr } = await cli(
      [...words, ...(words[0] === 'diff' ? [] : ['-c', directory]), '--log-level', 'DEBUG'],
      {
        ...environment,
        XDG_CONFIG_HOME: studio.userDataDirectory,
      },
    );
    prints.push(`${stdout}\n${stderr}`);
  }

  // Both kinds of end were met, and whoever listens was told.
  const statuses = studio.said.join('').match(/"status":"(SUCCESS|FAILED)"/g) ?? [];
  expect(new Set(statuses).size).toBe(2);
  expect(told.length).toBeGreaterThan(1);
  const { environment: env, configByMistake, keychain: chained, draft: unsaved, short } = SECRETS;
  for (const token of [env, configByMistake, unsaved, short]) expect(authorized).toContain(`Bearer ${token}`);
  expect([...authorized].some((value) => value.includes(SECRETS.collector))).toBe(true);
  expect(studio.said.join('')).toContain('EXPORT_SECRET');
  expect(keychain.value === null ? '' : JSON.stringify(keychain.value)).not.toContain(chained);

  // The window itself. Cells stand there as they were typed, and rows as they were loaded: neither holds a secret now.
  const clean = <Row extends object>(rows: readonly Row[]) => rows.map((row) => withoutTyped(row) as Row);
  await writeProject(directory, { ...texts, jobs: clean(texts.jobs), checks: clean(texts.checks ?? []) });
  await dropEchoes(path.join(directory, 'out.duckdb'));
  const seen = await lookAtEveryScreen(directory, studio.userDataDirectory, keychain, environment);
  expect(seen.map(([, text]) => text).join('')).toContain('echo_env');
  expect(new Set(seen.map(([where]) => where)).size).toBeGreaterThan(18);

  const surfaces: [string, string][] = [
    ...seen,
    ...studio.said.map((text, number): [string, string] => [
      `message ${number}: ${text.slice(0, 80)}`,
      withoutCells(text),
    ]),
    ...prints.map((text, number): [string, string] => [`print ${number}`, text]),
    ...told.map((text): [string, string] => ['told', text]),
    ...(await textsBelow(path.join(directory, 'metadata'))),
    ...(await textsBelow(recordings)),
    ...(await textsBelow(studio.userDataDirectory)).filter(
      ([file]) => !/secrets?\b.*\.json$/.test(path.basename(file)),
    ),
  ];
  const leaks = surfaces.flatMap(([where, text]) =>
    Object.entries(SECRETS).flatMap(([name, value]) => {
      const form = formsOf(value).find((candidate) => text.includes(candidate));
      const at = form === undefined ? -1 : text.indexOf(form);
      return form === undefined ? [] : [`${name} in ${where}: …${text.slice(Math.max(0, at - 60), at + form.length)}`];
    }),
  );
  expect(leaks).toEqual([]);
});
