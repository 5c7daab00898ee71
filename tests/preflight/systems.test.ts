import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { newLoadId } from '../../engine/load/load-id.ts';
import { PackageStore } from '../../engine/load/package-store.ts';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { preflightProject } from '../../engine/preflight/preflight-project.ts';
import { buildPackage } from '../destinations/build-package.ts';
import { startTestWarehouse } from '../destinations/databricks/warehouse.ts';
import { type ProjectTexts, writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { TOKEN } from '../servers/databricks/warehouse-server.ts';
import { OracleServer } from '../servers/oracle/oracle-server.ts';
import { SqlServer } from '../servers/sql-server/sql-server.ts';

const signal = new AbortController().signal;

async function run(folder: string): Promise<(string | undefined)[]> {
  const opened = await openProject(folder, { environment: {} });
  const { metrics } = await runProject(opened, { selectors: [], signal, onEvent: () => undefined });
  return metrics.jobs.map(({ status, error }) => error?.code ?? status);
}

async function preflight(folder: string) {
  const opened = await openProject(folder, { environment: {} });
  const { jobs } = await preflightProject(opened, {
    jobs: opened.project.jobs,
    asksSource: true,
    looksForLateRows: true,
    lookBack: null,
    signal,
  });
  return jobs;
}

const FILES = '[sources.files]\nbucket_url = "data"\n';
const DUCKDB = '[destination.duckdb]\npath = "out.duckdb"\n';
const file = (table: string, more: Record<string, string> = {}): ProjectTexts['jobs'][number] => ({
  source_type: 'filesystem',
  source_name: 'files',
  table_name: table,
  load_type: 'FULL',
  file_format: 'csv',
  file_glob: `${table}.csv`,
  ...more,
});

/** What makes or changes anything in a warehouse. */
const writes = (statements: readonly string[]) =>
  statements.filter((sql) => !/^\s*(SELECT|SHOW|DESCRIBE|WITH|SET)\b/i.test(sql));

test('a warehouse is looked at with SELECTs only, and COPY INTO’s verdict is the prediction', async () => {
  const warehouse = await startTestWarehouse();
  await using folder = await temporaryFolder();
  const { port, ca_file: authority } = warehouse.config();
  await mkdir(path.join(folder.path, 'data'));
  const csv = (text: string) => writeFile(path.join(folder.path, 'data', 'orders.csv'), text);
  await csv('orderId,day,total\n1,2026-01-01,5\n');
  await writeProject(folder.path, {
    jobs: [file('orders', { write_disposition: 'append' })],
    config: `${FILES}[destination.databricks]
server_hostname = "localhost"
port = ${port}
http_path = "/sql/1.0/warehouses/abc123"
catalog = "${warehouse.catalog()}"
ca_file = ${JSON.stringify(authority)}
proxy = "direct"
staging_volume = "main.raw.staging"
[destination.databricks.credentials]
access_token = "${TOKEN}"
`,
  });
  const [first] = await preflight(folder.path);
  expect(first).toMatchObject({ verdict: 'ready', findings: [] });
  expect(first?.columns.map(({ verdict, incoming }) => [verdict, incoming])).toEqual([
    ['new', 'BIGINT'],
    ['new', 'DATE'],
    ['new', 'BIGINT'],
  ]);
  expect(writes(warehouse.server.statements)).toEqual([]);
  expect(await run(folder.path)).toEqual(['SUCCESS']);

  await csv('orderId,day,total,note\nA7,20260102,6,new\n');
  warehouse.server.statements.length = 0;
  const [changed] = await preflight(folder.path);
  expect(writes(warehouse.server.statements)).toEqual([]);
  expect(changed?.verdict).toBe('fails');
  const verdicts = Object.fromEntries(changed?.columns.map(({ column, verdict }) => [column, verdict]) ?? []);
  expect(verdicts).toEqual({ order_id: 'fails', day: 'fails', total: 'fits', note: 'added' });
  expect(changed?.columns[0]).toMatchObject({
    error: 'DELTA_FAILED_TO_MERGE_FIELDS',
    incoming: 'STRING',
    live: 'BIGINT',
    suggestion: { cell: 'column_types', entry: 'orderId:bigint' },
  });
  expect(changed?.columns[0]?.hint).toContain('orderId:bigint');
  expect(await run(folder.path)).toEqual(['SCHEMA_CHANGE_UNSAFE']);
  await warehouse.close();
}, 60_000);

test('rows that came late to SQL Server are found, to a hundred nanoseconds of a watermark', async () => {
  await using server = await SqlServer.start();
  await using folder = await temporaryFolder();
  await server.createTable('dbo.orders', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'at', type: 'datetime2(7)' },
    ],
    primaryKey: ['id'],
    select: "SELECT i, ticks_of('2026-01-01 00:00:00.1234567') + i * 600000000 FROM range(60) t(i)",
  });
  await writeProject(folder.path, {
    jobs: [
      {
        source_type: 'mssql',
        source_name: 'crm',
        table_name: 'orders',
        schema_name: 'dbo',
        load_type: 'INCREMENTAL',
        watermark_column: 'at',
        primary_key: 'id',
      },
    ],
    config: `[sources.crm]\nhost = "127.0.0.1"\nport = ${server.port}\ndatabase = "appdb"\nusername = "etl"\nencrypt = false\n${DUCKDB}`,
    secrets: '[sources.crm]\npassword = "s3cret"\n',
  });
  expect(await run(folder.path)).toEqual(['SUCCESS']);
  expect((await preflight(folder.path))[0]).toMatchObject({ verdict: 'ready', late_rows: { status: 'none' } });
  await server.run("INSERT INTO dbo.orders VALUES (100, ticks_of('2026-01-01 00:20:00'))");
  const [job] = await preflight(folder.path);
  expect(job?.next_read.watermark?.value).toBe('2026-01-01 00:59:00.1234567');
  expect(job?.next_read.statement).toContain('[at] >=');
  expect(job?.late_rows).toMatchObject({ status: 'found', late_rows: 1, rows_compared: 60, suggested_lag: '1h' });
}, 60_000);

test('rows that came late to Oracle are found, and its upper-case names are the job’s', async () => {
  await using server = await OracleServer.start();
  await using folder = await temporaryFolder();
  await server.createTable('ORDERS', {
    columns: { ID: 'NUMBER(10)!', AT: 'TIMESTAMP(6)!' },
    primaryKey: ['ID'],
    query: `SELECT i, TIMESTAMP '2026-01-01 00:00:00' + to_minutes(i) FROM range(60) t(i)`,
  });
  await writeProject(folder.path, {
    jobs: [
      {
        source_type: 'oracle',
        source_name: 'erp',
        table_name: 'orders',
        schema_name: 'ETL',
        load_type: 'INCREMENTAL',
        watermark_column: 'at',
        primary_key: 'id',
      },
    ],
    config: `[sources.erp]\nhost = "${server.host}"\nport = ${server.port}\nservice_name = "FREEPDB1"\nusername = "etl"\n${DUCKDB}`,
    secrets: '[sources.erp]\npassword = "s3cret"\n',
  });
  expect(await run(folder.path)).toEqual(['SUCCESS']);
  await server.run(`INSERT INTO ETL.ORDERS VALUES (100, '2026-01-01 00:30:30')`);
  const [job] = await preflight(folder.path);
  expect(job).toMatchObject({ verdict: 'attention', next_read: { watermark: { origin: 'state' } } });
  expect(job?.late_rows).toMatchObject({ status: 'found', late_rows: 1, suggested_lag: '30m' });
}, 60_000);

test('a package that a dead run left comes first, and its watermark is the next run’s', async () => {
  await using folder = await temporaryFolder();
  await mkdir(path.join(folder.path, 'data'));
  await writeFile(path.join(folder.path, 'data', 'orders.csv'), 'id\n1\n');
  await writeProject(folder.path, {
    jobs: [file('orders', { load_type: 'INCREMENTAL', incremental_mode: 'file_name', write_disposition: 'append' })],
    settings: { name: 'nightly' },
    config: `${FILES}${DUCKDB}`,
  });
  const loadId = newLoadId(Date.now());
  const content = { name: 'orders', columns: { id: 'BIGINT' }, rows: 'SELECT 7::BIGINT AS id' };
  const made = await buildPackage(folder.path, {
    loadId,
    pipeline: 'nightly',
    watermark: 'orders.csv',
    tables: [content],
  });
  const packages = path.join(folder.path, 'metadata', 'packages', 'nightly', 'duckdb', 'raw.orders');
  const store = new PackageStore(path.join(folder.path, 'metadata', 'packages'), {
    pipeline: 'nightly',
    destination: 'duckdb',
    target_schema: 'raw',
    target_table: 'orders',
  });
  const waiting = await store.create(loadId);
  await cp(made.folder, waiting, { recursive: true });
  const { state } = made.manifest;
  await store.complete(waiting, { ...made.manifest, state: state && { ...state, source_state: null } });
  // one that was never completed is no business of the next run, and is left where it is
  await mkdir(path.join(packages, 'incomplete'));
  const [job] = await preflight(folder.path);
  expect(job?.findings.map(({ code }) => code)).toEqual(['PACKAGE_WAITS']);
  expect(job?.findings[0]?.message).toContain('(1 row)');
  expect(job).toMatchObject({
    verdict: 'attention',
    next_read: { watermark: { value: 'orders.csv', origin: 'package' } },
  });
  await expect(mkdir(path.join(packages, 'incomplete'))).rejects.toMatchObject({ code: 'EEXIST' });
});
