import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignInRequest } from '../../engine/contract.ts';
import { testDatabricks } from '../../engine/destinations/databricks/databricks-test.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { SignInSessions, withSignInDesk } from '../../engine/sign-in/sign-in-desk.ts';
import { cli } from '../cli/cli-process.ts';
import { startTestWarehouse } from '../destinations/databricks/warehouse.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { browse, PERSON, peopleService, startPeople } from '../servers/sign-in-authority.ts';
import { SqlServer } from '../servers/sql-server/sql-server.ts';
import { memoryKeychain, startService } from '../service/service-harness.ts';

const TENANT = '11111111-1111-1111-1111-111111111111';
const ENTRA = { authorize: `/${TENANT}/oauth2/v2.0/authorize`, token: `/${TENANT}/oauth2/v2.0/token` };

const JOB = {
  source_type: 'azure_sql',
  source_name: 'crm',
  schema_name: 'dbo',
  table_name: 'orders',
  load_type: 'FULL',
};
const configOf = (port: number) => `[sources.crm]
type = "azure_sql"
host = "localhost"
port = ${port}
database = "appdb"
authentication = "browser"
tenant_id = "${TENANT}"
trust_server_certificate = true

[destinations.local]
type = "duckdb"
path = "crm.duckdb"
`;

let people: Awaited<ReturnType<typeof startPeople>>;
let sqlServer: SqlServer;
const trusted = getCACertificates('default');

beforeAll(async () => {
  people = await startPeople(ENTRA);
  // Of Entra ID nobody says ca_file: it is trusted by the computer.
  setDefaultCACertificates([...trusted, people.ca]);
  process.env['AZURE_AUTHORITY_HOST'] = people.url;
  sqlServer = await SqlServer.start({
    tls: people.certificate,
    requiresTls: true,
    get accessToken() {
      return people.tokens.at(-1);
    },
  } as Parameters<typeof SqlServer.start>[0]);
  await sqlServer.createTable('dbo.orders', { columns: [{ name: 'id', type: 'int' }], select: 'SELECT 1' });
});
afterAll(async () => {
  delete process.env['AZURE_AUTHORITY_HOST'];
  setDefaultCACertificates(trusted);
  await sqlServer[Symbol.asyncDispose]();
  await people[Symbol.asyncDispose]();
});

test('Azure SQL: a window is asked, a person signs in, the server takes the token; CI is warned; nothing of it leaves', async () => {
  await using studio = await startService();
  const directory = path.join(studio.folder, 'crm');
  await writeProject(directory, { jobs: [JOB], settings: {}, config: configOf(sqlServer.port) });
  await studio.call('project.open', { directory });
  const connection = { name: 'crm', type: 'azure_sql', values: {}, secrets: {} };
  const input = { directory, env: null, connection, previous_name: 'crm' };

  const cancelled = studio.call('connection.test', input);
  await expect.poll(() => studio.heard('sign_in.wanted').length).toBe(1);
  const [first] = (await studio.call('sign_in.waiting', undefined)) as SignInRequest[];
  expect(first).toMatchObject({ section: 'sources', name: 'crm', service: 'Microsoft Entra ID' });
  await studio.call('sign_in.cancel', { id: first!.id });
  expect((await cancelled).find(({ status }) => status === 'failed')).toMatchObject({
    stage: 'login',
    error: { code: 'SIGN_IN_CANCELLED' },
  });
  expect(studio.heard('sign_in.ended')).toEqual([{ id: first!.id }]);

  const testing = studio.call('connection.test', input);
  await expect.poll(() => studio.heard('sign_in.wanted').length).toBe(2);
  expect((await browse(studio.heard('sign_in.wanted')[1]!.address, people.ca)).status).toBe(200);
  const stages = await testing;
  expect(stages.map(({ status }) => status)).not.toContain('failed');
  expect(stages.find(({ stage }) => stage === 'login')?.detail).toContain(PERSON);
  expect(await studio.call('sign_in.waiting', undefined)).toEqual([]);

  // Everything else of this connection goes on with the same sign-in.
  const found = await studio.call('connection.discover', { directory, env: null, name: 'crm' });
  expect(found.map(({ name }) => name)).toContain('orders');
  expect(studio.heard('sign_in.wanted')).toHaveLength(2);

  // It is no value of the configuration, and no file, reply or event holds it.
  const preview = await studio.call('export.preview', { directory, env: null, target: null });
  expect(preview.secrets).toEqual([]);
  expect(preview.findings).toContainEqual(
    expect.objectContaining({ severity: 'warning', code: 'SIGN_IN_NOT_HEADLESS', column: 'sources.crm' }),
  );
  const document = await studio.call('project.open', { directory });
  expect(document.origins.map(({ path: key }) => key)).not.toContain('sources.crm.browser_sign_in');
  const secrets = [...people.tokens, ...people.refreshTokens];
  for (const secret of secrets) expect(studio.said.join('\n')).not.toContain(secret);
  for (const name of await readdir(studio.folder, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const bytes = await readFile(path.join(name.parentPath, name.name));
    for (const secret of secrets) expect(bytes.includes(secret), name.name).toBe(false);
  }

  // Removed with its connection.
  const store = createSecretStore({ directory: studio.userDataDirectory, keychain: memoryKeychain() });
  expect(await store.paths(directory)).toEqual([['sources', 'crm', 'browser_sign_in']]);
  await studio.call('connection.remove', { directory, env: null, section: 'sources', name: 'crm' });
  expect(await store.paths(directory)).toEqual([]);
  const again = studio.call('connection.test', {
    ...input,
    connection: {
      ...connection,
      values: {
        host: 'localhost',
        port: sqlServer.port,
        database: 'appdb',
        authentication: 'browser',
        trust_server_certificate: true,
      },
    },
    previous_name: null,
  });
  await expect.poll(() => studio.heard('sign_in.wanted').length).toBe(3);
  expect(studio.heard('sign_in.wanted')[2]?.address).toContain('prompt=select_account');
  await studio.call('sign_in.cancel', { id: studio.heard('sign_in.wanted')[2]!.id });
  await again;
});

test('the command line prints the page and waits at a terminal; without one it fails at once', async () => {
  await using folder = await temporaryFolder();
  const before = process.env['INGEST_STUDIO_USER_DATA'];
  process.env['INGEST_STUDIO_USER_DATA'] = path.join(folder.path, 'user');
  try {
    const directory = path.join(folder.path, 'crm');
    await writeProject(directory, { jobs: [JOB], settings: {}, config: configOf(sqlServer.port) });
    const args = ['test', 'crm', '-c', directory, '--no-color'];
    const alone = await cli(args);
    expect(alone.code).toBe(1);
    expect(alone.stdout).toContain('nobody is here to do it');
    expect(alone.stdout).toContain('use a service principal');

    let page = '';
    const attended = await cli(args, {}, (text) => {
      const address = /https:\S+/.exec(text)?.[0] ?? '';
      if (address !== '') page = address;
      if (address !== '') void browse(address, people.ca);
    });
    expect([attended.code, attended.stderr]).toEqual([
      0,
      expect.stringContaining('Sign in to Microsoft Entra ID for crm'),
    ]);
    expect(page).toContain('code_challenge=');
    expect(attended.stdout).toContain(PERSON);
    for (const token of people.tokens) expect(attended.stdout + attended.stderr).not.toContain(token);
    // Jobs side by side wait for one sign-in, and nothing of it is in what the run writes.
    await sqlServer.createTable('dbo.lines', { columns: [{ name: 'id', type: 'int' }], select: 'SELECT 2' });
    await writeProject(directory, {
      jobs: [JOB, { ...JOB, table_name: 'lines' }],
      settings: {},
      config: configOf(sqlServer.port),
    });
    const pages = new Set<string>();
    const ran = await cli(['run', '-c', directory, '--parallel', '--log-level', 'DEBUG', '--no-color'], {}, (text) => {
      const address = /https:\S+authorize\S+/.exec(text)?.[0];
      if (address !== undefined) void browse(address, people.ca);
      if (address !== undefined) pages.add(address);
    });
    expect([ran.code, pages.size], ran.stderr).toEqual([0, 1]);
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(path.join(entry.parentPath, entry.name));
      for (const token of [...people.tokens, ...people.refreshTokens])
        expect(bytes.includes(token), entry.name).toBe(false);
    }

    // In CI nobody reads the page, whatever the streams are.
    expect((await cli(args, { CI: 'true' }, () => undefined)).stdout).toContain('nobody is here to do it');

    const checked = await cli(['validate', '-c', directory, '--json']);
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('SIGN_IN_NOT_HEADLESS')]);
    const exported = await cli(['export', '-c', directory, '-o', path.join(folder.path, 'bundle'), '--no-color']);
    expect([exported.code, exported.stdout]).toEqual([0, expect.stringContaining('somebody is signed in')]);
  } finally {
    if (before === undefined) delete process.env['INGEST_STUDIO_USER_DATA'];
    else process.env['INGEST_STUDIO_USER_DATA'] = before;
  }
});

test('Databricks: the workspace itself signs a person in, and its warehouse takes the token', async () => {
  const workspace = await peopleService({ authorize: '/oidc/v1/authorize', token: '/oidc/v1/token' });
  const warehouse = await startTestWarehouse({ people: workspace });
  try {
    const { access_token: _none, ...config } = warehouse.config({ auth_type: 'browser' });
    const requests: SignInRequest[] = [];
    const desk = {
      project: warehouse.volume,
      store: createSecretStore({ directory: warehouse.volume, keychain: memoryKeychain() }),
      sessions: new SignInSessions(),
      ask: (request: SignInRequest) => {
        requests.push(request);
        void browse(request.address, warehouse.server.authority);
        return () => undefined;
      },
    };
    const options = { baseDirectory: warehouse.volume, staging: null, signal: new AbortController().signal };
    const stages = await withSignInDesk(desk, () => Array.fromAsync(testDatabricks(config, options)));
    expect(stages.slice(0, 4).map(({ stage, status }) => [stage, status])).toEqual([
      ['dns', 'passed'],
      ['tcp', 'passed'],
      ['tls', 'passed'],
      ['login', 'passed'],
    ]);
    expect(stages[3]?.detail).toContain(`as ${PERSON} with sign-in in the browser`);
    expect(Object.fromEntries(workspace.asked[0] ?? [])).toMatchObject({
      client_id: 'databricks-cli',
      scope: 'all-apis offline_access',
      redirect_uri: expect.stringMatching(/^http:\/\/localhost:802\d$/),
    });
    expect(requests).toMatchObject([{ section: 'destinations', name: 'dest', service: 'Databricks' }]);

    // Where nobody is, the stage says so at once.
    const alone = {
      ...desk,
      store: createSecretStore({ directory: `${warehouse.volume}-none`, keychain: memoryKeychain() }),
    };
    const headless = await withSignInDesk({ ...alone, sessions: new SignInSessions(), ask: null as never }, () =>
      Array.fromAsync(testDatabricks(config, options)),
    );
    expect(headless.at(-1)).toMatchObject({
      stage: 'login',
      error: { code: 'SIGN_IN_NEEDED', hint: expect.stringContaining('OAuth M2M') },
    });
  } finally {
    await warehouse.close();
  }
});
