import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProject } from '../../../engine/open-project.ts';
import { runProject } from '../../../engine/pipeline/run-project.ts';
import { writeProject } from '../../helpers/project.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';
import { TOKEN } from '../../servers/databricks/warehouse-server.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

let warehouse: TestWarehouse;
beforeAll(async () => {
  warehouse = await startTestWarehouse();
});
afterAll(() => warehouse.close());

const file = (values: Record<string, string>) => ({
  source_type: 'filesystem',
  source_name: 'files',
  enabled: 'Y',
  ...values,
});

/** A project whose destination is the warehouse: a list that is replaced, and orders with lines that are merged. */
async function makeProject(folder: string, catalog: string): Promise<void> {
  await mkdir(path.join(folder, 'data'), { recursive: true });
  const { port, ca_file: authority } = warehouse.config();
  await writeProject(folder, {
    jobs: [
      file({ table_name: 'countries', load_type: 'FULL', file_glob: 'countries.csv', file_format: 'csv' }),
      file({
        table_name: 'orders',
        load_type: 'INCREMENTAL',
        incremental_mode: 'file_name',
        file_glob: 'orders-*.jsonl',
        file_format: 'jsonl',
        primary_key: 'id',
      }),
    ],
    config: `[sources.files]
bucket_url = "data"
[destination.databricks]
server_hostname = "localhost"
port = ${port}
http_path = "/sql/1.0/warehouses/abc123"
catalog = "${catalog}"
ca_file = ${JSON.stringify(authority)}
proxy = "direct"
staging_volume = "main.raw.staging"
[destination.databricks.credentials]
access_token = "${TOKEN}"
`,
  });
}

async function run(folder: string) {
  const project = await openProject(folder, { environment: {} });
  const events: object[] = [];
  const outcome = await runProject(project, {
    selectors: [],
    signal: new AbortController().signal,
    onEvent: (event) => void events.push(event),
  });
  expect(JSON.stringify([outcome.metrics, events])).not.toContain(TOKEN);
  return outcome.metrics.jobs;
}

const rows = (catalog: string, sql: string) => warehouse.server.query(sql.replaceAll('raw.', `"${catalog}.raw".`));

it('runs a project into a warehouse, again and again', async () => {
  await using folder = await temporaryFolder();
  const catalog = warehouse.catalog();
  await makeProject(folder.path, catalog);
  const data = (name: string, text: string) => writeFile(path.join(folder.path, 'data', name), text);
  await data('countries.csv', 'code,name,since\nDE,Germany,1990-10-03\nFR,France,1958-10-04\n');
  await data(
    'orders-1.jsonl',
    '{"id":1,"total":12345678901234567.25,"lines":[{"sku":"a"},{"sku":"b"}]}\n{"id":2,"total":1.5,"lines":[]}\n',
  );
  expect(await run(folder.path)).toMatchObject([
    { status: 'SUCCESS', rows_processed: 2 },
    { status: 'SUCCESS', rows_processed: 2 },
  ]);
  await data(
    'orders-2.jsonl',
    '{"id":2,"total":2.5,"note":"new","lines":[{"sku":"c"}]}\n{"id":3,"total":3,"lines":[{"sku":"d"}]}\n',
  );
  await data('countries.csv', 'code,name,since\nIT,Italy,1946-06-02\n');
  expect(await run(folder.path)).toMatchObject([
    { status: 'SUCCESS', rows_processed: 1 },
    { status: 'SUCCESS', rows_processed: 2, schema_changes: [expect.stringContaining('note')] },
  ]);
  expect(await run(folder.path)).toMatchObject([{ status: 'SUCCESS' }, { status: 'SUCCESS', rows_processed: 0 }]);
  expect(await rows(catalog, 'SELECT code, name, since FROM raw.countries')).toEqual([
    { code: 'IT', name: 'Italy', since: '1946-06-02' },
  ]);
  expect(await rows(catalog, 'SELECT id, note FROM raw.orders ORDER BY id')).toEqual([
    { id: '1', note: null },
    { id: '2', note: 'new' },
    { id: '3', note: null },
  ]);
  const lines =
    'SELECT o.id, l.sku FROM raw.orders o JOIN raw.orders__lines l ON l._dlt_parent_id = o._dlt_id ORDER BY ALL';
  expect(await rows(catalog, lines)).toEqual([
    { id: '1', sku: 'a' },
    { id: '1', sku: 'b' },
    { id: '2', sku: 'c' },
    { id: '3', sku: 'd' },
  ]);
  expect(await rows(catalog, 'SELECT count(*)::INTEGER AS n FROM raw.orders__lines')).toEqual([{ n: 4 }]);
});

it('lets one of two runs at the same time load a table; the other one says who does', async () => {
  await using folder = await temporaryFolder();
  const catalog = warehouse.catalog();
  await makeProject(folder.path, catalog);
  await writeFile(path.join(folder.path, 'data', 'countries.csv'), 'code\nDE\n');
  await writeFile(path.join(folder.path, 'data', 'orders-1.jsonl'), '{"id":1}\n');
  let held = 2;
  warehouse.server.faults.onStatement = (sql) =>
    sql.startsWith('COPY INTO') && held-- > 0 ? { wait: 400 } : undefined;
  const both = await Promise.all([run(folder.path), run(folder.path)]);
  delete warehouse.server.faults.onStatement;
  const results = both.flat();
  expect(results.filter(({ status }) => status === 'SUCCESS').length).toBeGreaterThanOrEqual(2);
  for (const { error } of results.filter(({ status }) => status !== 'SUCCESS'))
    expect(error).toMatchObject({ code: 'LOCKED', message: expect.stringContaining('is being loaded by run') });
  expect(await rows(catalog, 'SELECT count(*)::INTEGER AS n FROM raw.orders')).toEqual([{ n: 1 }]);
  expect(await rows(catalog, 'SELECT count(*)::INTEGER AS n FROM raw.countries')).toEqual([{ n: 1 }]);
});
