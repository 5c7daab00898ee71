import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli } from '../cli/cli-process.ts';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE orders (
      "orderId" bigint, amount numeric(18,4), loose numeric, ratio double precision, name text, paid boolean,
      day date, moment timestamp, zoned timestamptz, id uuid, doc jsonb, updated timestamp
    );
    INSERT INTO orders SELECT n, n * 1.2500, n / 8.0, n / 3.0, CASE WHEN n % 3 = 0 THEN NULL ELSE 'größe ' || n END, n % 2 = 0,
      date '2020-02-29' + n, timestamp '1969-12-31 23:59:59.999999' + n * interval '1 hour 0.000001 second',
      timestamptz '2026-01-01 00:00:00.5+05:30' + n * interval '1 day',
      md5(n::text)::uuid, '{}', timestamp '2026-01-01' + n * interval '1 minute'
    FROM generate_series(-2, 500) n;
  `);
});
afterAll(async () => {
  await server.stop();
});

const COLUMNS = 'order_id, amount, loose, name, paid, day, moment, zoned, id';

async function project(folder: string, load: Record<string, string>, checks: Record<string, string>[]): Promise<void> {
  await writeProject(folder, {
    jobs: [{ source_type: 'postgresql', source_name: 'pg', table_name: 'orders', enabled: 'Y', ...load }],
    checks: checks.map((check) => ({ table: 'orders', type: 'reconcile', ...check })),
    config: `
[sources.pg]
host = "${server.host}"
port = ${server.port}
database = "postgres"
username = "${server.username}"
[destinations.duck]
type = "duckdb"
path = "out.duckdb"
[destinations.lake]
type = "filesystem"
bucket_url = "lake"
`,
    secrets: `[sources.pg]\npassword = ${JSON.stringify(server.password)}\n`,
  });
}

async function results(folder: string, destination: string, command = 'check') {
  const { stdout, stderr, code } = await cli([command, '-c', folder, '--destination', destination, '--json']);
  expect(stderr).not.toContain('✖');
  const document = JSON.parse(stdout);
  const checks = command === 'check' ? document.reports[0].checks : document.jobs[0].checks;
  return { code, checks: checks as { check_name: string; status: string; message: string; actual_value: unknown }[] };
}

it.each(['duck', 'lake'])(
  'source and %s agree in rows, sums and checksums of every type, until a row differs',
  async (kind) => {
    await using folder = await temporaryFolder();
    await project(folder.path, { load_type: 'FULL' }, [
      { name: 'count' },
      { name: 'sums', compare: 'sum', columns: 'order_id, amount, loose, ratio' },
      { name: 'checksums', compare: 'checksum', columns: COLUMNS },
      { name: 'no text', compare: 'checksum', columns: 'ratio' },
      { name: 'no number', compare: 'sum', columns: 'name' },
    ]);
    const run = await results(folder.path, kind, 'run');
    expect(run.checks.map(({ check_name, status, message }) => [check_name, status, message])).toEqual([
      ['count', 'passed', 'Source: 503 rows, target: 503 rows: they agree'],
      ['sums', 'passed', expect.stringContaining('they agree')],
      ['checksums', 'passed', expect.stringContaining('they agree')],
      ['no text', 'failed', expect.stringContaining('there is no checksum')],
      ['no number', 'failed', expect.stringContaining('there is no sum')],
    ]);

    await server.query(`UPDATE orders SET amount = amount + 0.0001, name = 'x' WHERE "orderId" = 7`);
    await server.query('DELETE FROM orders WHERE "orderId" = 500');
    const { checks } = await results(folder.path, kind);
    expect(checks.slice(0, 3).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
    expect(checks[0]?.message).toBe('Source: 502 rows, target: 503 rows: 1 row of the target is not in the source');
    expect(checks[1]?.message).toMatch(/sum of amount: source 155\d+\.\d+, target 156\d+\.\d+/);
    await server.query(`UPDATE orders SET amount = amount - 0.0001, name = 'größe 7' WHERE "orderId" = 7`);
    await server.query(`INSERT INTO orders SELECT 500, 625, 62.5, 500/3.0, 'größe 500', true, date '2020-02-29' + 500,
    timestamp '1969-12-31 23:59:59.999999' + 500 * interval '1 hour 0.000001 second', timestamptz '2026-01-01 00:00:00.5+05:30' + 500 * interval '1 day',
    md5('500')::uuid, '{}', timestamp '2026-01-01' + 500 * interval '1 minute'`);
  },
);

it('of an incremental job what came to the source since the load is no difference, what went is one', async () => {
  await using folder = await temporaryFolder();
  const load = { load_type: 'INCREMENTAL', watermark_column: 'updated', last_watermark: '2026-01-01 01:00:00' };
  await project(folder.path, load, [{ name: 'count' }]);
  expect((await results(folder.path, 'duck', 'run')).checks[0]).toMatchObject({ status: 'passed', actual_value: 441 });
  await server.query(`INSERT INTO orders (updated) VALUES ('2030-01-01')`);
  expect((await results(folder.path, 'duck')).checks[0]).toMatchObject({ status: 'passed', actual_value: 441 });
  await server.query(`UPDATE orders SET updated = '2031-01-01' WHERE "orderId" = 100`);
  const { checks, code } = await results(folder.path, 'duck');
  expect(checks[0]?.message).toBe('Source: 440 rows, target: 441 rows: 1 row of the target is not in the source');
  expect(code).toBe(0);
});

it('ingest check shows a table, and a critical failure is exit code 1', async () => {
  await using folder = await temporaryFolder();
  await project(folder.path, { load_type: 'FULL' }, [{ name: 'count' }]);
  await cli(['run', '-c', folder.path, '--destination', 'duck']);
  await project(folder.path, { load_type: 'FULL' }, [
    { name: 'count' },
    { name: 'few', type: 'row_count', max_rows: '3', severity: 'critical' },
  ]);
  const { code, stdout } = await cli(['check', '-c', folder.path, '--destination', 'duck', '-j', 'pg.orders']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/✔ passed +raw\.orders +count/);
  expect(stdout).toMatch(/✖ failed +raw\.orders +few +critical +Row count: 50\d \(expected: 0 - 3\)/);
  expect(stdout).toContain('2 checks: 1 passed, 1 failed (1 critical), 0 skipped');
  expect(stdout).toMatch(/report .*quality_dlt_pipeline_.*\.html/);
});
