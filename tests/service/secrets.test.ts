import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeProject } from '../helpers/project.ts';
import { startService } from './service-harness.ts';

/** One in each place that a secret can come from; each must stay where it is. */
const PLANTED = {
  environment: 'planted-in-environment-5up3r',
  file: 'planted-in-secrets-toml-5up3r',
  keychain: 'planted-in-keychain-5up3r',
};

let server: Server;
let origin: string;

/** An API that repeats what it was sent, as careless ones do: in its records, and in its complaints. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const heard = JSON.stringify(request.headers);
    if (request.url?.startsWith('/fails')) {
      response.writeHead(401, { 'content-type': 'text/plain', 'x-heard': String(request.headers.authorization) });
      response.end(`not with ${heard}`);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'x-heard': String(request.headers.authorization) });
    response.end(JSON.stringify([{ id: 1, heard: request.headers }]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => server.close());

test('no reply, error or event of any call ever holds a secret, wherever it came from and whoever repeats it', async () => {
  await using studio = await startService({ environment: { SOURCES__ENV__AUTH__TOKEN: PLANTED.environment } });
  const directory = path.join(studio.folder, 'project');
  await mkdir(directory);
  const sources = ['env', 'file', 'chain'];
  const jobs = sources.flatMap((source_name) =>
    ['echo', 'fails'].map((table) => ({
      source_type: 'api',
      source_name,
      table_name: `${table}_${source_name}`,
      api_endpoint: `/${table}`,
      load_type: 'FULL',
      pagination_type: 'single_page',
    })),
  );
  const config = `${sources.map((name) => `[sources.${name}]\nbase_url = "${origin}"\nauth = { type = "bearer" }\n`).join('\n')}\n[destinations.duckdb]\ntype = "duckdb"\npath = "out.duckdb"\n`;
  await writeProject(directory, { jobs, config, secrets: `[sources.file.auth]\ntoken = "${PLANTED.file}"\n` });
  const at = { directory, env: null };

  const opened = await studio.call('project.open', at);
  await studio.call('connection.save', {
    ...at,
    section: 'sources',
    connection: { name: 'chain', type: 'api', values: {}, secrets: { 'auth.token': PLANTED.keychain } },
    previous_name: 'chain',
  });
  const sheet = opened.sheets.SourceConfig!;
  for (const { cells } of sheet.rows) {
    const row = Object.fromEntries(sheet.headers.map((header, index) => [header, cells[index] ?? '']));
    await studio.call('job.explain', { ...at, row, destination: null });
    await studio.call('job.preview', { ...at, row }).catch(() => undefined);
  }
  for (const name of sources) {
    const connection = { name, type: 'api', values: {}, secrets: {} };
    await studio.call('connection.test', { ...at, connection, previous_name: name });
    await studio.call('connection.discover', { ...at, name }).catch(() => undefined);
  }
  await studio.call('export.preview', { ...at, target: null }).catch(() => undefined);
  const { run_id } = await studio.call('run.start', { ...at, rows: null, destination: null });
  await expect
    .poll(async () => (await studio.call('run.get', { directory, run_id })).summary.status, { timeout: 30_000 })
    .not.toBe('RUNNING');
  const detail = await studio.call('run.get', { directory, run_id });
  expect(detail.results.length).toBe(jobs.length);
  await studio.call('run.log', {
    directory,
    run_id,
    offset: 0,
    limit: 5000,
    levels: ['DEBUG', 'INFO', 'WARNING', 'ERROR'],
    job: null,
    text: null,
  });

  const said = studio.said.join('\n');
  const written = await textOf(path.join(studio.folder, 'user'));
  const metadata = await textOf(path.join(directory, 'metadata'));
  for (const [place, secret] of Object.entries(PLANTED)) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)]) {
      expect(said.includes(form), `said, from ${place}`).toBe(false);
      expect(written.includes(form), `in the user's folder, from ${place}`).toBe(false);
      expect(metadata.includes(form), `in metadata, from ${place}`).toBe(false);
    }
  }
  // The trial is worth something only where the secrets were really sent and repeated.
  expect(said).toContain('***');
});

async function textOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'latin1')))).join('\n');
}
