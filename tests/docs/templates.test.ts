import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorkbook } from '../../engine/bundle/create-workbook.ts';
import { openProject } from '../../engine/open-project.ts';
import { cli } from '../cli/cli-process.ts';
import { tempFolder } from '../cli/cli-project.ts';
import { startRestApi } from '../servers/rest-api.ts';

const TEMPLATES = path.join(import.meta.dirname, '../../resources/templates');
const SAMPLE_DATA = path.join(import.meta.dirname, '../../resources/sample/data');
const names = (await readdir(TEMPLATES)).sort();

let folder = '';
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ folder, remove } = await tempFolder());
});
afterEach(() => remove());

const text = (...file: string[]) => readFile(path.join(TEMPLATES, ...file), 'utf8');
/** Rows of a tab-separated sheet by header; null where the template has none. */
async function sheet(template: string, file: string): Promise<Record<string, string>[] | null> {
  const content = await text(template, file).catch(() => null);
  if (content === null) return null;
  const [headers = [], ...rows] = content
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  return rows.map((row) => Object.fromEntries(row.map((cell, at) => [headers[at] as string, cell])));
}

/** A project of a template: what it lacks (jobs, or a destination) comes from files-local and to-duckdb. */
async function make(template: string): Promise<void> {
  const own = await text(template, 'config.toml');
  const jobs = await sheet(template, 'jobs.tsv');
  const parts = [own];
  if (jobs === null) parts.push(await text('files-local', 'config.toml'));
  if (!own.includes('[destination')) parts.push(await text('to-duckdb', 'config.toml'));
  await mkdir(path.join(folder, '.dlt'));
  await writeFile(path.join(folder, '.dlt/config.toml'), parts.join('\n'));
  const settings = (await sheet(template, 'settings.tsv')) ?? [];
  await createWorkbook(path.join(folder, 'ingestion_config.xlsx'), {
    jobs: jobs ?? (await sheet('files-local', 'jobs.tsv')) ?? [],
    checks: (await sheet(template, 'checks.tsv')) ?? [],
    settings: Object.fromEntries(settings.map(({ key, value }) => [key, value])) as Record<string, string>,
  });
}

test.each(names)('%s is valid as it stands, without a warning', async (name) => {
  await make(name);
  const files = await readdir(path.join(TEMPLATES, name));
  const environments = files.map((file) => /^config\.(.+)\.toml$/.exec(file)?.[1]).filter((env) => env !== undefined);
  for (const env of environments)
    await cp(path.join(TEMPLATES, name, `config.${env}.toml`), path.join(folder, `.dlt/config.${env}.toml`));
  for (const env of [undefined, ...environments]) {
    const { findings, project } = await openProject(folder, {
      environment: name === 'notifications' ? { NOTIFICATIONS__WEBHOOK_URL: 'https://hooks.example.com/abc' } : {},
      secrets: false,
      ...(env === undefined ? {} : { env }),
    });
    expect(findings.map(({ message, hint }) => `${message} ${hint}`)).toEqual([]);
    expect(project.jobs.length).toBeGreaterThan(0);
    expect(project.destination).not.toBe(null);
  }
});

/** Runs the template's project. */
async function run(env: Record<string, string> = {}) {
  const result = await cli(['-c', folder, '--json', 'run'], env);
  const metrics = JSON.parse(result.stdout);
  const rows = Object.fromEntries(
    (metrics.jobs ?? []).map((job: { table_name: string; status: string; rows_processed: number }) => [
      job.table_name,
      job.status === 'SUCCESS' ? job.rows_processed : job,
    ]),
  );
  return { code: result.code, rows, metrics };
}

describe('run', () => {
  // The sample's shop has an endpoint for each pagination, by these names; it asks for no credentials.
  test.each([
    ['api-one-page', 'REFERENCE', { countries: 24 }],
    ['api-offset', 'CATALOGUE', { products: 240 }],
    ['api-page-number', 'CRM_API', { customers: 180 }],
    ['api-header-link', 'ORDERS_API', { orders: 150 }],
    ['api-cursor', 'TRACKING', { events: 400 }],
    ['api-json-link', 'FEEDBACK', { reviews: 130 }],
  ])('%s reads the sample API to its end', async (name, connection, rows) => {
    await make(name);
    const key = `SOURCES__${connection}`;
    const ran = await run({
      [`${key}__BASE_URL`]: 'sample:shop',
      [`${key}__PARAMS__AS_OF`]: '2026-01-31',
      [`${key}__AUTH__TYPE`]: 'none',
    });
    expect(ran).toMatchObject({ code: 0, rows });
  });

  test('api-post and api-parent-child ask as they say', async () => {
    const tickets = Array.from({ length: 450 }, (_none, id) => ({ id }));
    await using api = Object.assign(
      await startRestApi({
        '/tickets/search': ({ body, headers }) => {
          const { page, query } = body as { page: { offset: number; limit: number }; query: { status: string } };
          if (headers.authorization !== 'Bearer the-token' || query.status !== 'open') return { status: 401 };
          return { body: { results: tickets.slice(page.offset, page.offset + page.limit), page: { total: 450 } } };
        },
        '/issues': () => ({ body: [{ id: 1 }, { id: 2 }] }),
        '/issues/1/comments': () => ({ body: [{ id: 10 }, { id: 11 }] }),
        '/issues/2/comments': () => ({ body: [{ id: 20 }] }),
      }),
      { [Symbol.asyncDispose]: () => api.close() },
    );
    await make('api-post');
    const searched = await run({ SOURCES__SEARCH_API__BASE_URL: api.url, SOURCES__SEARCH_API__TOKEN: 'the-token' });
    expect(searched).toMatchObject({ code: 0, rows: { tickets: 450 } });
    await remove();
    ({ folder, remove } = await tempFolder());
    await make('api-parent-child');
    const children = await run({ SOURCES__TRACKER__BASE_URL: api.url, SOURCES__TRACKER__TOKEN: 'the-token' });
    expect(children).toMatchObject({ code: 0, rows: { issues: 2, comments: 3 } });
  });

  test.each(['files-local', 'to-parquet', 'to-delta'])('%s lands files, twice', async (name) => {
    await make(name);
    await cp(SAMPLE_DATA, path.join(folder, 'data'), { recursive: true });
    expect(await run()).toMatchObject({ code: 0, rows: { stores: 30, sales: 240, exchange_rates: 186 } });
    expect(await run()).toMatchObject({ code: 0, rows: { stores: 30, sales: 0, exchange_rates: 186 } });
  });

  test('quality looks at everything that it names', async () => {
    await make('quality');
    await cp(SAMPLE_DATA, path.join(folder, 'data'), { recursive: true });
    const { code, metrics } = await run();
    expect(code).toBe(0);
    const checks = metrics.jobs.flatMap((job: { checks: { check_name: string; status: string }[] }) => job.checks);
    expect(
      Object.fromEntries(checks.map(({ check_name, status }: (typeof checks)[number]) => [check_name, status])),
    ).toEqual({
      'stores are there': 'passed',
      'one row a store': 'passed',
      'every sale has a store': 'passed',
      // The sample is of January 2026.
      'sales are fresh': 'failed',
      'no negative quantities': 'passed',
      'as many as in the files': 'passed',
    });
  });
});
