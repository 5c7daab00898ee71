import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import ExcelJS from 'exceljs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseToml } from '../../engine/bundle/toml.ts';
import { openProject } from '../../engine/open-project.ts';
import { cli } from '../cli/cli-process.ts';
import { tempFolder } from '../cli/cli-project.ts';

/** A project as the Python framework has it: config/ingestion_config.xlsx and one flat .dlt/secrets.toml. */
const SECRETS = `
# databases
[sources.postgresql]
host = "pg.example.com"
port = 5432
database = "shop"
username = "reader"
password = "pg-Secret-1"
driver = "psycopg2"

[sources.erp]
host = "ora.example.com"
database = "ERPPDB"
username = "reader"
password = "ora-Secret-2"

[sources.crm]
host = "sql.example.com"
database = "crm"
username = "reader"
password = "ms-Secret-3"
driver = "ODBC Driver 18 for SQL Server"

# APIs
[sources.github_api]
base_url = "https://api.github.example"
auth_type = "bearer"
token = "ghp_Secret_4"
pagination_type = "header_link"
rate_limit = 30

[sources.stripe_api]
url = "https://api.stripe.example/v1"
auth_type = "oauth2"
oauth_url = "https://login.stripe.example/token"
client_id = "studio"
client_secret = "oauth-Secret-5"
pagination_type = "cursor"
cursor_param = "starting_after"
cursor_path = "data[-1].id"

[sources.coingecko_api]
base_url = "https://api.coingecko.example/api/v3"
auth_type = "api_key"
api_key = "CG-Secret-6"
api_key_name = "x-cg-demo-api-key"
api_key_location = "header"
pagination_type = "offset"
page_size = 100

[sources.lake]
bucket_url = "az://landing"
azure_storage_account_name = "landingaccount"
azure_storage_account_key = "YWNjb3VudC1TZWNyZXQtNw=="

[destination.databricks]
type = "databricks"
server_hostname = "adb-1.azuredatabricks.net"
http_path = "/sql/1.0/warehouses/1"
catalog = "main"
schema = "raw"
access_token = "dapi-Secret-8"

[destination.databricks.credentials]
server_hostname = "adb-1.azuredatabricks.net"
http_path = "/sql/1.0/warehouses/1"
access_token = "dapi-Secret-8"

[destination.filesystem]
bucket_url = "az://staging@dltstagingaccount.dfs.core.windows.net"

[destination.filesystem.credentials]
azure_storage_account_name = "dltstagingaccount"
azure_storage_sas_token = "?sv=2024-11-04&sig=Secret9Secret9"
`;
const VALUES = /Secret.?\d|YWNjb3VudC1TZWNyZXQtNw/;

const HEADERS = [
  'source_type',
  'source_name',
  'table_name',
  'load_type',
  'enabled',
  'schema_name',
  'watermark_column',
  'last_watermark',
  'api_endpoint',
  'page_size',
  'file_glob',
  'file_format',
  'owner',
];
const ROWS = [
  ['postgresql', 'shop_db', 'orders', 'INCREMENTAL', 'Y', 'public', 'updated_at', '2026-01-01', '', '', '', '', 'Ana'],
  ['oracle', 'erp', 'ITEMS', 'FULL', 'Y', 'SALES', '', '', '', '', '', '', 'Ben'],
  ['mssql', 'crm', 'contacts', 'FULL', 'N', 'dbo', '', '', '', '', '', '', ''],
  ['api', 'github_api', 'issues', 'FULL', 'Y', '', '', '', '/repos/a/b/issues', '50', '', '', ''],
  ['api', 'stripe_api', 'charges', 'FULL', 'Y', '', '', '', '/charges', '', '', '', ''],
  ['api', 'coingecko_api', 'coins', 'FULL', 'Y', '', '', '', '/coins', '', '', '', ''],
  ['filesystem', 'lake', 'sales', 'FULL', 'Y', '', '', '', '', '', 'sales/*.parquet', 'parquet', ''],
];

let folder = '';
let remove: () => Promise<void>;
const old = () => path.join(folder, 'old');
const made = () => path.join(folder, 'new');
const text = (...file: string[]) => readFile(path.join(...file), 'utf8');

beforeEach(async () => {
  ({ folder, remove } = await tempFolder());
  for (const name of ['config', '.dlt', 'src', 'metadata']) await mkdir(path.join(old(), name), { recursive: true });
  const workbook = new ExcelJS.Workbook();
  const jobs = workbook.addWorksheet('SourceConfig');
  jobs.addRows([HEADERS, ...ROWS]);
  jobs.getCell('A2').note = 'moved in 2025';
  workbook.addWorksheet('Contacts').addRows([
    ['table', 'whom to ask'],
    ['orders', 'Ana'],
  ]);
  await workbook.xlsx.writeFile(path.join(old(), 'config', 'ingestion_config.xlsx'));
  await writeFile(path.join(old(), '.dlt', 'secrets.toml'), SECRETS);
  await writeFile(
    path.join(old(), '.dlt', 'config.toml'),
    '[runtime]\nlog_level = "INFO"\n\n[normalize]\nworkers = 3\n',
  );
  await writeFile(path.join(old(), 'databricks.yml'), 'bundle:\n  name: dlt_ingestion_framework\n');
  await writeFile(path.join(old(), 'pyproject.toml'), '[project]\nname = "dlt-ingestion-framework"\n');
});
afterEach(() => remove());

/** What jobs, connections and destinations mean, secrets too. */
async function meaning(directory: string) {
  const { project, findings } = await openProject(directory, { environment: {} });
  const { jobs, connections, destinations, destination, checks, settings } = project as typeof project &
    Record<string, unknown>;
  return {
    meaning: { jobs, connections, destinations, destination, checks, settings },
    errors: findings.filter(({ severity }) => severity === 'error').map(({ message }) => message),
  };
}

test('jobs, connections and destinations mean what they meant, and the workbook is the same file', async () => {
  const run = await cli(['-c', made(), 'import-dlt', old(), '--with-secrets']);
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  const before = path.join(old(), 'config', 'ingestion_config.xlsx');
  expect((await readFile(path.join(made(), 'ingestion_config.xlsx'))).equals(await readFile(before))).toBe(true);

  const now = await meaning(made());
  expect(now.errors).toEqual([]);
  expect(now.meaning.jobs).toHaveLength(7);
  // The flat form is read too: with the default that the framework had, nothing else differs.
  await writeFile(path.join(old(), '.dlt', 'secrets.toml'), `destination.type = "filesystem"\n${SECRETS}`);
  expect(now.meaning).toEqual((await meaning(old())).meaning);
});

test('secrets are known by name only, in the form in which they were named before', async () => {
  const run = await cli(['-c', made(), 'import-dlt', old()]);
  expect(run.code).toBe(0);
  const config = await text(made(), '.dlt', 'config.toml');
  for (const written of [run.stdout, config, await text(made(), '.dlt', 'secrets.toml.example')])
    expect(written).not.toMatch(VALUES);
  await expect(text(made(), '.dlt', 'secrets.toml')).rejects.toThrow('ENOENT');
  expect(parseToml(config, 'config.toml').table).toMatchObject({
    sources: {
      stripe_api: {
        type: 'api',
        base_url: 'https://api.stripe.example/v1',
        auth: { type: 'oauth2', token_url: 'https://login.stripe.example/token', client_id: 'studio' },
        pagination: { type: 'cursor', cursor_param: 'starting_after', cursor_path: 'data[-1].id' },
      },
      erp: { service_name: 'ERPPDB' },
    },
    destination: { type: 'filesystem', databricks: { catalog: 'main' }, filesystem: {} },
  });
  expect(config).toContain('# Secret: SOURCES__GITHUB_API__TOKEN\n');
  expect(config).toContain('# rate_limit: requests a minute\n');
  // Variables that were set for the framework are found by their names.
  const environment = {
    SOURCES__POSTGRESQL__PASSWORD: 'a-long-one',
    SOURCES__STRIPE_API__CLIENT_SECRET: 'another-one',
    DESTINATION__DATABRICKS__CREDENTIALS__ACCESS_TOKEN: 'the-token-of-it',
  };
  const { project } = await openProject(made(), { environment });
  expect(project.connections.postgresql).toMatchObject({ password: 'a-long-one' });
  expect(project.connections.stripe_api).toMatchObject({ auth: { client_secret: 'another-one' } });
  expect(project.destinations.databricks).toMatchObject({ access_token: 'the-token-of-it' });
});

test('what is not taken over is said, and validate has the last word', async () => {
  const { stdout } = await cli(['-c', made(), 'import-dlt', old()]);
  for (const line of [
    '7 jobs, 7 connections; the workbook is taken over as it is.',
    '  sources.postgresql.driver: is not needed: drivers are built in',
    '  sources.crm.driver: is not needed: drivers are built in',
    '  [runtime]: is a setting of dlt itself and means nothing here',
    '  databricks.yml: make it anew: ingest export -o BUNDLE --dab',
    '  src: Python code; the engine of this program does its work',
    '  sources.github_api: auth and pagination: now [sources.github_api.auth] and [sources.github_api.pagination]',
    '  destination.databricks.access_token: stood twice; the one outside of credentials counts',
    '  destination.type: was not said; "filesystem" is what the framework used',
  ]) {
    expect(stdout.split('\n')).toContain(line);
  }
  expect(stdout).toMatch(/watermarks: the first run of an INCREMENTAL job begins at its last_watermark/);
  expect(stdout).toMatch(/validate: .*\.\n$/);
  expect(stdout).toMatch(/owner/);
});

test('it is asked about first, and never laid over a project', async () => {
  const dry = await cli(['-c', made(), '--json', 'import-dlt', old(), '--dry-run']);
  expect(JSON.parse(dry.stdout)).toMatchObject({ jobs: 7, files: [], findings: [] });
  expect(JSON.parse(dry.stdout).secrets).toContain('sources.github_api.token');
  await expect(readFile(made())).rejects.toThrow('ENOENT');

  for (const there of [old(), path.join(old(), 'config')]) {
    const over = await cli(['-c', there, 'import-dlt', old()]);
    expect(over.code).toBe(2);
    expect(over.stderr).toContain('PROJECT_EXISTS');
  }
});

test('a workbook or a file that cannot be read is named before anything is written', async () => {
  await writeFile(path.join(old(), '.dlt', 'secrets.toml'), '[sources.a]\npassword = "Secret-1\n');
  const broken = await cli(['-c', made(), 'import-dlt', old()]);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toContain('.dlt/secrets.toml line 2');
  expect(broken.stderr).not.toMatch(VALUES);
  await expect(readFile(made())).rejects.toThrow('ENOENT');
});

test('without a destination and with a secret in an address', async () => {
  await writeFile(
    path.join(old(), '.dlt', 'secrets.toml'),
    '[sources.lake]\nbucket_url = "https://acc.blob.example/c?sig=Secret1"\nheaders = { Accept = "x" }\n[notifications]\nwebhook_url = "https://hooks.example/Secret2"\n',
  );
  const run = await cli(['-c', made(), 'import-dlt', old()]);
  expect(run.stdout).toContain('destination: there was none: jobs load into output.duckdb until you name another');
  const config = await text(made(), '.dlt', 'config.toml');
  expect(config).not.toMatch(VALUES);
  expect(config).toContain('path = "output.duckdb"');
  expect(run.stdout).toContain('sources.lake.bucket_url  or  SOURCES__LAKE__BUCKET_URL');
});
