import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { writeProject } from '../helpers/project.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'open-project-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const job = (source_type: string, source_name: string, table_name: string, load_type = 'FULL', enabled = 'Y') => ({
  source_type,
  source_name,
  table_name,
  load_type,
  enabled,
});
const ORDERS = job('postgresql', 'Shop-EU', 'orders');
const OVERLAY = '[sources."Shop-EU"]\nhost = "prod.example"\nport = 5433\n';
const CONFIG = `
[sources."Shop-EU"]
host = "db.example"
database = "shop"
username = "ann"
port = 5432

[destination]
type = "duckdb"
`;

test('environment lies over secrets.toml over the overlay over config.toml', async () => {
  await writeProject(folder, {
    jobs: [ORDERS],
    config: CONFIG,
    secrets: '[sources."Shop-EU"]\npassword = "from-file-1"\nusername = "bob"\n',
  });
  await writeFile(path.join(folder, '.dlt', 'config.prod.toml'), OVERLAY);
  const open = await openProject(folder, { env: 'prod', environment: { SOURCES__SHOP_EU__PASSWORD: 'from-env-1' } });
  expect(open.findings.filter((finding) => finding.severity === 'error')).toEqual([]);
  expect(open.project.connections['Shop-EU']).toMatchObject({
    host: 'prod.example',
    port: 5433,
    username: 'bob',
    password: 'from-env-1',
  });
  expect(open.project.jobs.map((job) => job.table_name)).toEqual(['orders']);
  expect(open.project.destination).toBe('duckdb');
  const password = open.origins.find((origin) => origin.path === 'sources.Shop-EU.password');
  expect(password).toMatchObject({
    origin: 'environment',
    place: 'SOURCES__SHOP_EU__PASSWORD',
    overruled: ['.dlt/secrets.toml'],
  });
  expect(open.redactor.text('from-env-1, from-file-1, prod.example, bob')).toBe('***, ***, prod.example, bob');
});

test("a connection that stands only in the environment has the workbook's name", async () => {
  await writeProject(folder, { jobs: [ORDERS], config: '[destination]\ntype = "duckdb"\n' });
  const environment = {
    SOURCES__SHOP_EU__HOST: 'h',
    SOURCES__SHOP_EU__DATABASE: 'd',
    SOURCES__SHOP_EU__USERNAME: 'u',
    SOURCES__SHOP_EU__PASSWORD: 'long-enough',
    SOURCES__SHOP_EU__PORT: '6543',
  };
  const { project, findings } = await openProject(folder, { environment });
  expect(findings.filter((finding) => finding.severity === 'error')).toEqual([]);
  expect(project.connections['Shop-EU']).toMatchObject({ host: 'h', port: 6543 });
});

test('a missing secret is an error, unless nobody asked for secrets', async () => {
  await writeProject(folder, { jobs: [ORDERS], config: CONFIG });
  const codes = async (secrets: boolean) =>
    (await openProject(folder, { environment: {}, secrets })).findings
      .filter((f) => f.severity === 'error')
      .map((f) => f.code);
  expect(await codes(true)).toEqual(['SECRET_MISSING']);
  expect(await codes(false)).toEqual([]);
  // The keychain is named where there is one, and nobody asks it for that.
  const hint = async (atHand: boolean) => {
    const refuse = () => Promise.reject(new Error('asked'));
    const keychain = { name: 'keychain', atHand, get: refuse, set: refuse };
    const secretStore = createSecretStore({ directory: folder, keychain });
    const { findings } = await openProject(folder, { environment: {}, secretStore });
    return findings.find(({ code }) => code === 'SECRET_MISSING')?.hint;
  };
  expect(await hint(true)).toContain('in the window, which keeps it in the keychain');
  expect(await hint(false)).not.toContain('keychain');
});

test('no secret is in any finding, whatever is wrong with it or around it', async () => {
  const SECRET = 'swordfish-123';
  await writeProject(folder, {
    jobs: [ORDERS, job('postgresql', SECRET, SECRET, SECRET, SECRET), job('api', 'crm', 'x')],
    config: `${CONFIG}\n[sources.crm]\nbase_url = "https://ann:${SECRET}@crm"\nunknown = "${SECRET}"\n`,
    secrets: `[sources."Shop-EU"]\npassword = "${SECRET}"\nport = "${SECRET}"\nssl_mode = "${SECRET}"\n[sources.crm.auth]\ntype = "${SECRET}"\ntoken = "ab"\n`,
  });
  const { findings, origins, redactor } = await openProject(folder, { environment: { SOURCES__CRM__TIMEOUT: SECRET } });
  expect(findings.length).toBeGreaterThan(3);
  expect(JSON.stringify(findings)).not.toContain('swordfish');
  expect(JSON.stringify(origins)).not.toContain('swordfish');
  expect(redactor.unredactable).toEqual(['sources.crm.auth.token']);
  const short = findings.filter((finding) => finding.code === 'SECRET_TOO_SHORT');
  expect(short).toMatchObject([{ severity: 'warning', column: 'sources.crm.auth.token' }]);
});

test('broken TOML is a finding that shows no value', async () => {
  await writeProject(folder, {
    jobs: [ORDERS],
    config: CONFIG,
    secrets: '[sources.shop]\npassword = "swordfish-123\nx = ',
  });
  const { findings } = await openProject(folder, { environment: {} });
  expect(findings.some((finding) => finding.severity === 'error' && finding.sheet === '.dlt/secrets.toml')).toBe(true);
  expect(JSON.stringify(findings)).not.toContain('swordfish');
});

test('the sample project opens without an error', async () => {
  const sample = path.resolve(import.meta.dirname, '../../resources/sample');
  await cp(sample, path.join(folder, 'sample'), { recursive: true });
  const { findings, project, invalidJobs } = await openProject(path.join(folder, 'sample'), {
    environment: {},
    secrets: false,
  });
  expect(findings.filter((finding) => finding.severity === 'error')).toEqual([]);
  expect(invalidJobs).toEqual([]);
  expect(project.jobs.length).toBeGreaterThan(5);
});

test('a folder that is not there is an error with a way out', async () => {
  await expect(openProject(path.join(folder, 'nowhere'))).rejects.toMatchObject({
    code: 'PROJECT_NOT_FOUND',
    hint: expect.any(String),
  });
});
