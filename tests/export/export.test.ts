import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { bundleModel } from '../../engine/bundle/bundle-document.ts';
import { copySample } from '../../resources/sample/demo.ts';
import { cli } from '../cli/cli-process.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const CLI = path.join(import.meta.dirname, '../../engine/cli/main.ts');

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** `ingest` with no more of this environment than what is given; a process of its own only where a bundle runs on another machine, so to say. */
async function ingest(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await cli(args, env);
  return { code, out: stdout, err: stderr };
}

async function ingestElsewhere(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { PATH = '', HOME = '', SystemRoot = '' } = process.env;
  return await promisify(execFile)(process.execPath, [CLI, ...args], { env: { PATH, HOME, SystemRoot, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      out: error.stdout,
      err: error.stderr,
    }),
  );
}

async function counts(file: string): Promise<Record<string, number>> {
  const database = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await database.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(table_name, '_dlt') ORDER BY 1",
  );
  const found: Record<string, number> = {};
  for (const [name] of tables.getRowsJson()) {
    found[String(name)] = Number(
      (await connection.runAndReadAll(`SELECT count(*) FROM raw."${name}"`)).getRowsJson()[0]![0],
    );
  }
  connection.closeSync();
  database.closeSync();
  return found;
}

const job = {
  source_type: 'api',
  source_name: 'shop',
  table_name: 'orders',
  api_endpoint: '/orders',
  enabled: 'Y',
  load_type: 'FULL',
  auth_type: 'bearer',
};
const CONFIG =
  '# the shop\n[sources.shop]\nbase_url = "https://shop.example/api"\n\n[destinations.duckdb]\npath = "out.duckdb"\n';

test('a bundle of the sample loads the same rows in another place, with its places given by variables', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  const bundle = path.join(folder.path, 'elsewhere', 'bundle');
  await copySample(project);
  expect((await ingest(['-c', project, 'run'])).code).toBe(0);

  const exported = await ingest(['-c', project, 'export', '-o', bundle]);
  expect(exported).toMatchObject({ code: 0 });
  expect(exported.out).toContain('EXPORT_LOCAL_PATH');
  // Neither state nor metadata nor data goes along.
  expect((await readdir(bundle, { recursive: true })).sort()).toEqual(
    ['.dlt', path.join('.dlt', 'config.toml'), 'bundle.json', 'ingestion_config.xlsx'].sort(),
  );
  await rm(path.join(project, '.dlt'), { recursive: true });
  const run = await ingestElsewhere(['-c', bundle, 'run'], { SOURCES__FILES__BUCKET_URL: path.join(project, 'data') });
  expect(run).toMatchObject({ code: 0 });
  expect(await counts(path.join(bundle, 'output', 'sample.duckdb'))).toEqual(
    await counts(path.join(project, 'output', 'sample.duckdb')),
  );
});

test('with a key vault, secrets are named by what they are called in it', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  await writeProject(project, {
    jobs: [job],
    config: `${CONFIG}\n[key_vault]\nvault_url = "https://corp.vault.azure.net"\ntenant_id = "t"\nclient_id = "c"\n`,
    secrets: '[key_vault]\nclient_secret = "very-secret-principal"\n',
  });
  const bundle = path.join(folder.path, 'bundle');
  const { code, out } = await ingest(['-c', project, '--json', 'export', '-o', bundle, '--ci', 'github']);
  expect(code).toBe(0);
  expect(JSON.parse(out).secrets).toEqual([
    { path: 'key_vault.client_secret', environment: 'KEY_VAULT__CLIENT_SECRET' },
    {
      path: 'sources.shop.token',
      environment: 'SOURCES__SHOP__TOKEN',
      key_vault: { vault: 'corp', secret: 'sources--shop--token' },
    },
  ]);
  const texts = await Promise.all(
    (await readdir(bundle, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name !== 'bundle.json')
      .map((entry) => readFile(path.join(entry.parentPath, entry.name), 'utf8')),
  );
  expect(texts.join('\n')).not.toContain('very-secret-principal');
  expect(texts.join('\n')).toContain('vault_url = "https://corp.vault.azure.net"');
  expect(texts.join('\n')).toContain('secret sources--shop--token of Azure Key Vault corp');
  // The CI system gives what opens the vault, not what is in it.
  expect(texts.filter((text) => text.includes('secrets.KEY_VAULT__CLIENT_SECRET'))).toHaveLength(1);
  expect(texts.filter((text) => text.includes('secrets.SOURCES__SHOP__TOKEN'))).toEqual([]);
});

test('secrets become names: no value is in the bundle, and the example names them all', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  await writeProject(project, {
    jobs: [
      job,
      { ...job, source_type: 'postgresql', source_name: 'db', table_name: 'people', api_endpoint: '', auth_type: '' },
    ],
    config: `${CONFIG}\n[sources.db]\nhost = "db.example"\nusername = "ingest"\ndatabase = "x"\npassword = "clear-text-password"\n`,
    // The plan's flat form: a host among the secrets.
    secrets: '[sources.shop]\ntoken = "very-secret-token"\n[sources.db]\nport = 6543\n',
  });
  await writeFile(path.join(project, '.dlt', 'config.prod.toml'), '[sources.db]\r\nhost = "prod.example"\r\n');
  const bundle = path.join(folder.path, 'bundle');
  const { code, out } = await ingest(['-c', project, '--json', 'export', '-o', bundle]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    secrets: [
      { path: 'sources.db.password', environment: 'SOURCES__DB__PASSWORD' },
      { path: 'sources.shop.token', environment: 'SOURCES__SHOP__TOKEN' },
    ],
    difference: null,
  });
  for (const entry of await readdir(bundle, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = await readFile(path.join(entry.parentPath, entry.name), 'latin1');
    expect(text).not.toMatch(/clear-text-password|very-secret-token|\r\n\[/);
  }
  const config = await readFile(path.join(bundle, '.dlt', 'config.toml'), 'utf8');
  expect(config).toContain('# the shop');
  expect(config).toContain('port = 6543');
  expect(await readFile(path.join(bundle, '.dlt', 'secrets.toml.example'), 'utf8')).toContain('SOURCES__SHOP__TOKEN');
  const document = bundleModel.parse(JSON.parse(await readFile(path.join(bundle, 'bundle.json'), 'utf8')));
  expect(document.validation).toMatchObject({ errors: 0, jobs: 2, enabled_jobs: 2 });
  expect(document.files.map((file) => file.path)).toEqual([
    'ingestion_config.xlsx',
    '.dlt/config.toml',
    '.dlt/config.prod.toml',
    '.dlt/secrets.toml.example',
  ]);

  // Where it runs, what is missing is said by its name; what is set is found.
  const secrets = { SOURCES__DB__PASSWORD: 'a-password', SOURCES__SHOP__TOKEN: 'a-token-of-there' };
  expect((await ingest(['-c', bundle, 'validate'])).out).toContain('SOURCES__DB__PASSWORD');
  expect(await ingest(['-c', bundle, '--env', 'prod', 'validate'], secrets)).toMatchObject({ code: 0 });
});

test.each([
  ['a comment', { config: `${CONFIG}# token very-secret-token\n` }, '.dlt/config.toml line 7'],
  ['a URL', { config: CONFIG.replace('https://', 'https://user:pa55-in-url@') }, 'a password in a URL'],
  ['a cell', { jobs: [{ ...job, description: 'use very-secret-token' }] }, 'SourceConfig row 2, description'],
])('a secret in %s blocks the export and is not printed', async (_place, change, where) => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  await writeProject(project, {
    jobs: [job],
    config: CONFIG,
    secrets: '[sources.shop]\ntoken = "very-secret-token"\n',
    ...change,
  });
  const { code, out, err } = await ingest(['-c', project, 'export', '-o', path.join(folder.path, 'bundle')]);
  expect(code).toBe(2);
  expect(err).toContain('EXPORT_SECRET');
  expect(err).toContain(where);
  expect(out + err).not.toContain('very-secret-token');
  expect(await readdir(folder.path)).toEqual(['project']);
});

test('errors block the export; a second export shows what changed and leaves foreign files alone', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  const bundle = path.join(folder.path, 'bundle');
  const files = { config: CONFIG, secrets: '[sources.shop]\ntoken = "very-secret-token"\n' };
  await writeProject(project, { jobs: [{ ...job, load_type: 'INCREMENT' }], ...files });
  expect(await ingest(['-c', project, 'export', '-o', bundle])).toMatchObject({
    code: 2,
    err: expect.stringContaining('load_type'),
  });

  await writeProject(project, { jobs: [job], ...files });
  await writeFile(path.join(project, '.dlt', 'config.old.toml'), '[sources.shop]\ntimeout = 5\n');
  expect(await ingest(['-c', project, 'export', '-o', bundle])).toMatchObject({ code: 0 });
  await writeFile(path.join(bundle, 'README.md'), 'ours');
  await writeFile(path.join(bundle, '.dlt', 'secrets.toml'), '[sources.shop]\ntoken = "of-the-target"\n');

  await rm(path.join(project, '.dlt', 'config.old.toml'));
  await writeProject(project, {
    jobs: [
      { ...job, enabled: 'yes', page_size: 50 },
      { ...job, table_name: 'items' },
    ],
    ...files,
    config: CONFIG.replace('api"', 'v2"'),
  });
  const again = await ingest(['-c', project, '--json', 'export', '-o', bundle, '--dry-run']);
  expect(JSON.parse(again.out).difference).toEqual({
    added: [{ kind: 'job', name: 'shop.items' }],
    removed: [],
    changed: [
      { kind: 'job', name: 'shop.orders', cells: [{ column: 'page_size', before: '', after: '50' }] },
      {
        kind: 'connection',
        name: 'shop',
        cells: [{ column: 'base_url', before: 'https://shop.example/api', after: 'https://shop.example/v2' }],
      },
    ],
  });
  expect(await readdir(path.join(bundle, '.dlt'))).toContain('config.old.toml');
  expect(await ingest(['-c', project, 'export', '-o', bundle])).toMatchObject({ code: 0 });
  expect((await readdir(path.join(bundle, '.dlt'))).sort()).toEqual([
    'config.toml',
    'secrets.toml',
    'secrets.toml.example',
  ]);
  expect(await readFile(path.join(bundle, 'README.md'), 'utf8')).toBe('ours');
  expect(await ingest(['diff', project, bundle])).toMatchObject({ code: 0, out: 'No difference.\n' });

  for (const target of [project, path.join(folder.path, 'other')]) {
    await cp(project, path.join(folder.path, 'other'), { recursive: true });
    expect(await ingest(['-c', project, 'export', '-o', target])).toMatchObject({
      code: 2,
      err: expect.stringContaining('EXPORT_TARGET'),
    });
  }
});

test('a bundle that was changed since is not run, and says which file', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  const bundle = path.join(folder.path, 'bundle');
  await writeProject(project, { jobs: [{ ...job, auth_type: 'none' }], config: CONFIG });
  expect((await ingest(['-c', project, 'export', '-o', bundle])).code).toBe(0);
  expect(await ingest(['-c', bundle, 'validate'])).toMatchObject({ code: 0 });

  const config = path.join(bundle, '.dlt', 'config.toml');
  const text = await readFile(config, 'utf8');
  // Git on Windows writes CRLF: that is no change.
  await writeFile(config, text.replaceAll('\n', '\r\n'));
  expect(await ingest(['-c', bundle, 'validate'])).toMatchObject({ code: 0 });

  await appendFile(config, '\n# edited\n');
  const changed = await ingest(['-c', bundle, 'run']);
  expect(changed).toMatchObject({ code: 2, err: expect.stringContaining('BUNDLE_CHANGED') });
  expect(changed.err).toContain('.dlt/config.toml is not the file that was exported');
  await writeFile(config, text);

  await mkdir(path.join(bundle, '.dlt'), { recursive: true });
  await writeFile(path.join(bundle, '.dlt', 'config.x.toml'), '');
  expect((await ingest(['-c', bundle, '--env', 'x', 'run'])).err).toContain('BUNDLE_CHANGED');
  const document = path.join(bundle, 'bundle.json');
  const saved = await readFile(document, 'utf8');
  await writeFile(document, saved.replace('"minimum_runner_version": "0.1.0"', '"minimum_runner_version": "99.0.0"'));
  expect((await ingest(['-c', bundle, 'run'])).err).toContain('BUNDLE_TOO_NEW');
  await writeFile(document, saved.slice(0, 100));
  expect((await ingest(['-c', bundle, 'run'])).err).toContain('BUNDLE_CHANGED');
  await writeFile(document, '{"format": "of another tool"}');
  expect((await ingest(['-c', bundle, 'validate'])).code).toBe(0);
});
