import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertReadOnly } from '../../engine/destinations/databricks/read-only-statement.ts';
import type { Destination } from '../../engine/destinations/destination.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { openProject } from '../../engine/open-project.ts';
import { checkProject } from '../../engine/quality/check-project.ts';
import type { CheckRunner } from '../../engine/quality/check-runner.ts';
import { runCheck } from '../../engine/quality/run-check.ts';
import { buildPackage, creations } from '../destinations/build-package.ts';
import { startTestWarehouse, type TestWarehouse } from '../destinations/databricks/warehouse.ts';
import { writeProject } from '../helpers/project.ts';
import { makeCheck } from './check-bench.ts';

const never = new AbortController().signal;
let root: string;
let workspace: Workspace;
let warehouse: TestWarehouse;
let destination: Destination;
let catalog: string;
let runner: CheckRunner;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'warehouse-checks-'));
  workspace = await Workspace.open({ memoryLimitMiB: 200, threads: 1, tempDirectory: join(root, 'spill') });
  warehouse = await startTestWarehouse();
  // What Databricks has and DuckDB behind the test's server has not.
  for (const macro of [
    'unix_micros(t) AS epoch_us(t)',
    "conv(text, a, b) AS CAST(CAST('0x' || text AS BIGINT) AS VARCHAR)",
  ])
    await warehouse.server.query(`CREATE MACRO IF NOT EXISTS ${macro}`);
  catalog = warehouse.catalog();
  destination = warehouse.destination(workspace, root, { catalog });
  await destination.open(never);
  const loads: [string, string][] = [
    ['1795407091.000000001', "(1, 'a', 1.50, 'nan'::DOUBLE, TIMESTAMP '2026-01-31 12:00:00')"],
    ['1795407092.000000002', "(2, NULL, 0.25, 2.5, TIMESTAMP '2026-02-01 11:00:00'), (2, 'c', 10, NULL, NULL)"],
  ];
  for (const [loadId, values] of loads) {
    const pack = await buildPackage(root, {
      loadId,
      disposition: 'append',
      tables: [
        {
          name: 'orders',
          columns: {
            id: 'BIGINT',
            name: 'VARCHAR',
            price: 'DECIMAL(10,2)',
            ratio: 'DOUBLE',
            moment: 'TIMESTAMP',
            _dlt_load_id: 'VARCHAR',
            _dlt_id: 'VARCHAR',
          },
          rows: `SELECT *, '${loadId}' AS _dlt_load_id, uuid()::VARCHAR AS _dlt_id FROM (VALUES ${values}) v(id, name, price, ratio, moment)`,
        },
      ],
    });
    const existing = await destination.describeTables({ schema: 'raw', table: 'orders' });
    await destination.load(pack, existing.length === 0 ? creations(pack) : [], never);
  }
  runner = (await destination.checkRunner?.(never)) as CheckRunner;
});
afterAll(async () => {
  await destination.close();
  await warehouse.close();
  workspace.close();
  await rm(root, { recursive: true, force: true });
});

const check = (values: Parameters<typeof makeCheck>[0], load: { loadId: string } | 'newest' | null = null) =>
  runCheck(makeCheck({ target_table: 'orders', ...values }), {
    runner,
    defaultSchema: 'raw',
    load,
    now: () => Date.parse('2026-02-01T12:00:00Z'),
    signal: never,
    reconcile: null,
  });

describe('in a Databricks warehouse', () => {
  it('every type of check runs in its own SQL', async () => {
    expect(await check({ type: 'row_count' })).toMatchObject({ status: 'passed', actual_value: 3 });
    expect(await check({ type: 'row_count', scope: 'load' }, 'newest')).toMatchObject({ actual_value: 2 });
    expect(await check({ type: 'row_count', scope: 'load' }, { loadId: '1795407091.000000001' })).toMatchObject({
      actual_value: 1,
    });
    expect((await check({ type: 'null_rate', column: 'ratio', max_null_rate: 0.5 })).message).toBe(
      'Null rate for ratio: 33.33% (max: 50.00%), 1 of 3 rows; 1 value is NaN, which is not null',
    );
    expect((await check({ type: 'uniqueness', columns: ['id'] })).message).toContain('in 2 rows: (2) × 2');
    expect(await check({ type: 'freshness', column: 'moment' })).toMatchObject({ status: 'passed', actual_value: 1 });
    const custom = { type: 'custom_sql' as const, sql: 'SELECT 0', expected_value: '11.75' };
    expect(await check({ ...custom, sql_databricks: 'SELECT sum(price) FROM {table}' })).toMatchObject({
      status: 'passed',
    });
    expect((await check({ ...custom, sql: 'SELECT id FROM {table}' })).message).toContain('several rows');
    expect(await check({ type: 'row_count', target_table: 'nowhere' })).toMatchObject({ severity: 'critical' });
  });

  it('checksums are those of DuckDB over the same values', async () => {
    const table = await runner.table({ schema: 'raw', table: 'orders' }, null);
    const [row] = await runner.rows(
      `SELECT ${runner.dialect.checksum('`price`', 'decimal')} AS p, ${runner.dialect.checksum('`name`', 'text')} AS n,
         ${runner.dialect.checksum('`moment`', 'timestamp')} AS m FROM ${table?.from}`,
    );
    const connection = await workspace.connect();
    const expected = await connection.rows(
      `SELECT CAST(sum(CAST('0x' || substr(md5(v), 1, 15) AS BIGINT)) AS VARCHAR) AS s FROM (VALUES ('1.5'), ('0.25'), ('10')) t(v)`,
    );
    connection.close();
    expect(row?.['p']).toBe(expected[0]?.['s']);
    expect(row?.['n']).toMatch(/^\d+$/);
    expect(row?.['m']).toMatch(/^\d+$/);
  });

  it('ingest check asks the warehouse, and no row comes here', async () => {
    const folder = join(root, 'project');
    const { server_hostname, port, http_path, ca_file, staging_volume, access_token } = warehouse.config();
    const keys = { server_hostname, port, http_path, ca_file, staging_volume, catalog, proxy: 'direct' };
    await writeProject(folder, {
      jobs: [
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'orders',
          load_type: 'FULL',
          enabled: 'Y',
          file_format: 'csv',
          file_glob: '*.csv',
        },
      ],
      checks: [
        { table: 'orders', type: 'row_count', name: 'rows' },
        {
          table: 'orders',
          type: 'custom_sql',
          name: 'sum',
          sql: 'SELECT 0',
          sql_databricks: 'SELECT sum(id) FROM {table}',
          expected_value: 5,
        },
      ],
      config: `[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destinations.dest]\ntype = "databricks"\n${Object.entries(
        keys,
      )
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
        .join('\n')}\n`,
      secrets: `[destinations.dest]\naccess_token = ${JSON.stringify(access_token)}\n`,
    });
    const opened = await openProject(folder, { environment: {} });
    const { document } = await checkProject(opened, { jobs: null, signal: never });
    expect(document.reports[0]?.checks.map(({ check_name, status, message }) => [check_name, status, message])).toEqual(
      [
        ['rows', 'passed', 'Row count: 3 (expected: 0 - ∞)'],
        ['sum', 'passed', 'Custom check: 5 == 5'],
      ],
    );
  });

  it('a statement that does more than read never reaches the warehouse', async () => {
    const before = warehouse.server.statements.length;
    const result = await check({
      type: 'custom_sql',
      sql: 'SELECT 1) AS a; DROP TABLE orders; SELECT (1',
      expected_value: '1',
    });
    expect(result).toMatchObject({ status: 'failed', severity: 'critical' });
    expect(warehouse.server.statements.slice(before).filter((sql) => /drop/i.test(String(sql)))).toEqual([]);
  });
});

it.each([
  'DELETE FROM {t}',
  'INSERT INTO x SELECT 1',
  'SELECT 1; SELECT 2',
  'SELECT 1) AS a UNION ALL SELECT * FROM (SELECT 1',
  'SELECT (1',
  "SELECT * FROM read_files('/Volumes/x')",
  "SELECT secret('scope', 'key')",
  "SELECT `secret`('scope', 'key')",
  'SELECT * FROM csv.`/Volumes/main/raw/x.csv`',
  "SELECT ai_query('model', 'x')",
  'SELECT * FROM (DROP TABLE x)',
  "SELECT 'open",
  'SELECT 1 /* open',
  '/* only a comment */',
  "SELECT reflect('java.lang.System', 'exit', 1)",
])('%s is refused', (sql) => {
  expect(() => assertReadOnly(sql)).toThrow(/A check only reads tables/);
});

it.each([
  'SELECT count(*) FROM `main`.`raw`.`orders` -- ; DROP TABLE x',
  "WITH a AS (SELECT ';)' AS t) SELECT max(t) FROM a",
  "SELECT 'it\\'s' || \"a ) b\" || `odd ; name` FROM t",
  'SELECT /* ) ; */ max(delete) FROM main.raw.t',
  'FROM main.raw.t SELECT count(*)',
])('%s is taken', (sql) => {
  expect(() => assertReadOnly(sql)).not.toThrow();
});
