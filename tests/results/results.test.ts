import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDestination } from '../../engine/connectors.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { answerQuery } from '../../engine/results/console.ts';
import { exportTable } from '../../engine/results/export-table.ts';
import { type OpenResults, withResults } from '../../engine/results/open-results.ts';
import { readPage } from '../../engine/results/page.ts';
import { profileTable } from '../../engine/results/profile.ts';
import { trimStatement } from '../../engine/results/sql-text.ts';
import { CELL_CHARACTERS } from '../../engine/results/value-text.ts';
import type { DestinationConfig } from '../../engine/spec/destination.ts';
import { copySample } from '../../resources/sample/demo.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const KINDS = ['duckdb', 'parquet'] as const;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let project: string;
let destinations: Record<string, DestinationConfig>;

beforeAll(async () => {
  folder = await temporaryFolder();
  project = path.join(folder.path, 'sample');
  await copySample(project);
  const opened = await openProject(project, { environment: {} });
  destinations = opened.project.destinations;
  for (const destination of KINDS) {
    const request = { selectors: [], destination, signal: never, onEvent: () => undefined };
    expect((await runProject(opened, request)).exitCode).toBe(0);
  }
  await runProject(opened, {
    selectors: ['orders'],
    destination: 'duckdb',
    sampleRows: 10,
    signal: never,
    onEvent: () => undefined,
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

const look = <Result>(kind: string, task: (results: OpenResults) => Promise<Result>, signal = never) =>
  withResults(destinations[kind]!, { baseDirectory: project, signal }, task);

/** A DuckDB file with one table, made by a process that is not ours. */
async function duckdbFile(name: string, sql: string): Promise<DestinationConfig> {
  const file = path.join(folder.path, name);
  const script = `import { DuckDBInstance } from '@duckdb/node-api';
    const db = await DuckDBInstance.create(process.argv[1]); const c = await db.connect(); await c.run(process.argv[2]).catch((error) => { console.error(error.message); process.exit(1); }); c.closeSync(); db.closeSync();`;
  await run(process.execPath, ['--input-type=module', '-e', script, file, sql]);
  return { type: 'duckdb', name: 'file', path: file, schema: 'main' };
}

describe.each(KINDS)('%s', (kind) => {
  test('lists tables with rows, columns, parents and the time of the last load', async () => {
    const tables = await look(kind, async ({ reader }) => reader.tables);
    const orders = tables.find(({ schema, table }) => schema === 'raw' && table === 'orders')!;
    expect(orders).toMatchObject({ rows: 150, parent: null });
    expect(orders.columns[0]).toEqual({ name: 'id', type: 'BIGINT' });
    expect(Date.parse(orders.loadedAt!)).toBeGreaterThan(Date.now() - 600_000);
    expect(tables.find(({ table }) => table === 'orders__lines__discounts')).toMatchObject({
      parent: 'orders__lines',
      rows: 75,
    });
    expect(tables.filter(({ table }) => table.startsWith('_dlt'))).toEqual([]);
  });

  test('pages hold every row once, in one order', async () => {
    const ids = await look(kind, async (results) => {
      const request = { schema: 'raw', table: 'customers', limit: 50, orderBy: 'city', descending: true };
      const pages = [];
      for (let offset = 0; offset < 180; offset += 50) pages.push(await readPage(results, { ...request, offset }));
      expect(pages[0]!.total).toBe(180);
      const city = pages[0]!.columns.findIndex(({ name }) => name === 'city');
      const cities = pages.flatMap(({ rows }) => rows.map((row) => row[city]!));
      // DuckDB orders by bytes, as does a comparison of UTF-8.
      expect(cities).toEqual(cities.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a))));
      return pages.flatMap(({ rows }) => rows.map(([id]) => id));
    });
    expect(new Set(ids).size).toBe(180);
  });

  test('profiles count nulls and distinct values and draw bars that add up', async () => {
    const profiles = await look(kind, (results) => profileTable(results, 'raw', 'sales'));
    const column = (name: string) => profiles.find((profile) => profile.name === name)!;
    expect(column('coupon')).toMatchObject({
      null_rate: 0.8,
      distinct: 1,
      bars: [{ label: '"WINTER", 2026', count: 48 }],
    });
    expect(column('quantity')).toMatchObject({ min: '1', max: '4', distinct: 4 });
    expect(column('quantity').bars.map(({ label }) => label)).toEqual(['1', '2', '3', '4']);
    expect(column('amount').bars).toHaveLength(12);
    expect(column('amount').bars.reduce((sum, { count }) => sum + count, 0)).toBe(240);
    expect(column('sold_at').bars[0]!.label).toMatch(/^2026-01-29 08:00:00 – /);
  });

  test('answers one SELECT, with names as they are and a limit that says so', async () => {
    const ask = (sql: string, limit = 5) => look(kind, (results) => answerQuery(results, sql, limit));
    expect(await ask('select id, id as id from orders order by id; -- all of them')).toMatchObject({
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'id', type: 'BIGINT' },
      ],
      rows: ['10001', '10002', '10003', '10004', '10005'].map((id) => [id, id]),
      total: 5,
      more: true,
    });
    expect(await ask('select count(*) from raw.orders__lines')).toMatchObject({ rows: [['373']], more: false });
    expect(await ask("select ';--' as a, '' as b, null as c")).toMatchObject({ rows: [[';--', '', null]] });
    expect((await ask('summarize raw.orders', 50)).rows).toHaveLength(8);
    expect((await ask('explain select * from orders')).rows.length).toBeGreaterThan(1);
  });

  test.each([
    ['drop table raw.orders', /QUERY_NOT_READ_ONLY|QUERY_FAILED/],
    ["copy (select 1) to 'stolen.csv'", /QUERY_NOT_READ_ONLY/],
    ["attach 'other.duckdb'", /QUERY_NOT_READ_ONLY/],
    ['install httpfs', /QUERY_NOT_READ_ONLY/],
    ['pragma database_list', /QUERY_NOT_READ_ONLY/],
    ['call pragma_version()', /QUERY_NOT_READ_ONLY/],
    ['set enable_external_access = true', /QUERY_NOT_READ_ONLY/],
    ["select * from read_text('package.json')", /QUERY_NOT_READ_ONLY/],
    ["select * from 'package.json'", /QUERY_/],
    ["select * from glob('/*')", /QUERY_NOT_READ_ONLY/],
    ["explain analyze copy (select 1) to 'stolen.csv'", /QUERY_NOT_READ_ONLY/],
    ['create table x as select 1', /QUERY_NOT_READ_ONLY/],
    ['select 1; select 2', /QUERY_SEVERAL/],
    ['select 1) as answer(c0) limit 0; create table x as (select 1', /QUERY_/],
    ['  ; -- nothing', /QUERY_EMPTY/],
    ['selec 1', /QUERY_FAILED/],
  ])('refuses %s', async (sql, code) => {
    const before = await readdir(process.cwd());
    const refused = await look(kind, (results) => answerQuery(results, sql, 5)).catch(
      (error: { code: string }) => error.code,
    );
    expect(refused).toMatch(code);
    expect(await readdir(process.cwd())).toEqual(before);
  });

  test('writes a table as CSV and Parquet that say the same', async () => {
    const csv = path.join(folder.path, `${kind}.csv`);
    const parquet = path.join(folder.path, `${kind}.parquet`);
    const save = (format: 'csv' | 'parquet', file: string) =>
      withResults(destinations[kind]!, { baseDirectory: project, signal: never, writesFile: true }, (results) =>
        exportTable(results, { schema: 'raw', table: 'sales', format, file }),
      );
    expect(await save('csv', csv)).toMatchObject({ rows: 240 });
    expect((await save('parquet', parquet)).bytes).toBeGreaterThan(1000);
    const lines = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(241);
    expect(lines[0]).toMatch(/^sale_id,store_id,sold_at/);
    await expect(save('csv', path.join(folder.path, 'ingestion_config.xlsx'))).rejects.toMatchObject({
      code: 'EXPORT_NAME',
    });
    await expect(save('csv', path.join(folder.path, 'nowhere', 'x.csv'))).rejects.toMatchObject({
      code: 'FILE_NOT_WRITABLE',
    });
  });

  test('a table or column that is not there is named, with what there is', async () => {
    const page = (table: string, orderBy: string | null) =>
      look(kind, (results) =>
        readPage(results, { schema: 'raw', table, offset: 0, limit: 1, orderBy, descending: false }),
      );
    await expect(page('order', null)).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' });
    await expect(page('orders', 'statu')).rejects.toMatchObject({
      code: 'COLUMN_NOT_FOUND',
      hint: 'Did you mean status?',
    });
  });

  test('a query ends when its caller goes', async () => {
    const controller = new AbortController();
    const asked = look(
      kind,
      async (results) => {
        setImmediate(() => controller.abort());
        return await answerQuery(
          results,
          'select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b',
          1,
        );
      },
      controller.signal,
    );
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('a sample run stands beside the real one', async () => {
  const tables = await look('duckdb', async ({ reader }) => reader.tables);
  const sample = tables.find(({ schema, table }) => schema === 'raw_sample' && table === 'orders')!;
  expect(sample.rows).toBeGreaterThan(0);
  expect(sample.rows).toBeLessThan(150);
});

test('values are exact text: every digit, nested as JSON, null is not empty', async () => {
  const file = await duckdbFile(
    'exact.duckdb',
    `CREATE TABLE t AS SELECT 170141183460469231731687303715884105727::HUGEINT AS huge, 12345678901234567890.123456789::DECIMAL(38,9) AS exact,
       TIMESTAMP '2026-01-31 10:00:00.123456' AS at, TIMESTAMPTZ '2026-01-31 10:00:00.5+02' AS zoned, '' AS empty, NULL::VARCHAR AS nothing,
       {'id': 9007199254740993::BIGINT, 'tags': ['a', NULL]} AS nested, '1 00'::BLOB AS bytes, repeat('x', ${CELL_CHARACTERS + 10}) AS long, true AS yes,
       '{"a": 1.10}'::JSON AS json, 0.1::DOUBLE AS d, 'NaN'::DOUBLE AS nan, TIME '23:59:59.000001' AS t, DATE '0044-03-15 (BC)' AS ides, MAP {'k': 1} AS m`,
  );
  const { columns, rows, profiles } = await withResults(
    file,
    { baseDirectory: '', signal: never },
    async (results) => ({
      ...(await readPage(results, {
        schema: 'main',
        table: 't',
        offset: 0,
        limit: 10,
        orderBy: null,
        descending: false,
      })),
      profiles: await profileTable(results, 'main', 't'),
    }),
  );
  const row = Object.fromEntries(columns.map(({ name }, at) => [name, rows[0]![at]]));
  expect(row).toMatchObject({
    huge: '170141183460469231731687303715884105727',
    exact: '12345678901234567890.123456789',
    at: '2026-01-31 10:00:00.123456',
    zoned: '2026-01-31 08:00:00.5+00',
    empty: '',
    nothing: null,
    nested: '{"id":9007199254740993,"tags":["a",null]}',
    yes: 'true',
    json: '{"a": 1.10}',
    nan: 'nan',
    t: '23:59:59.000001',
    ides: '0044-03-15 (BC)',
    m: '{"k":1}',
  });
  expect(row['long']).toBe(`${'x'.repeat(CELL_CHARACTERS)}… (${CELL_CHARACTERS + 10} characters)`);
  const profile = (name: string) => profiles.find((candidate) => candidate.name === name)!;
  expect(profile('nothing')).toMatchObject({ null_rate: 1, distinct: 0, min: null, bars: [] });
  expect(profile('empty')).toMatchObject({ null_rate: 0, distinct: 1, bars: [{ label: '', count: 1 }] });
  expect(profile('nan').bars).toEqual([]);
  expect(profile('nested')).toMatchObject({ distinct: 1, min: null, bars: [] });
});

test('a destination that was never loaded has no tables', async () => {
  const nothing: DestinationConfig = { type: 'duckdb', name: 'd', path: 'nowhere/x.duckdb', schema: 'raw' };
  expect(
    await withResults(nothing, { baseDirectory: project, signal: never }, async ({ reader }) => reader.tables),
  ).toEqual([]);
  const text = path.join(folder.path, 'text.duckdb');
  await writeFile(text, 'not a database, but long enough to have a header'.repeat(100));
  const broken: DestinationConfig = { ...nothing, path: text };
  await expect(withResults(broken, { baseDirectory: '', signal: never }, async () => 0)).rejects.toMatchObject({
    code: 'DESTINATION_NOT_DUCKDB',
  });
});

test('while a run writes, results say so; a run that begins goes before those who look', async () => {
  const config: DestinationConfig = {
    type: 'duckdb',
    name: 'd',
    path: path.join(folder.path, 'busy.duckdb'),
    schema: 'raw',
  };
  const workspace = await Workspace.open({
    memoryLimitMiB: 128,
    threads: 1,
    tempDirectory: path.join(folder.path, 'busy'),
  });
  const open = () => openDestination(config, { workspace, baseDirectory: '', tempDirectory: folder.path });
  const first = await open();
  await first.open(never);
  await expect(withResults(config, { baseDirectory: '', signal: never }, async () => 0)).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringContaining('A run is writing'),
  });
  await first.close();

  const began = Promise.withResolvers<void>();
  const looking = withResults(config, { baseDirectory: '', signal: never }, async (results) => {
    began.resolve();
    return await answerQuery(results, 'select sum(a.range * b.range) from range(10_000_000) a, range(10_000_000) b', 1);
  });
  const refused = expect(looking).rejects.toMatchObject({ code: 'LOCKED' });
  await began.promise;
  const second = await open();
  await second.open(never);
  await refused;
  await second.close();
  workspace.close();
});

test('statements end where they end', () => {
  expect(trimStatement("  ;select ';' -- a;\n ; /* b; */ ")).toBe("select ';'");
  expect(trimStatement('select $$;--$$ ;;')).toBe('select $$;--$$');
  expect(trimStatement('select 1; select 2;')).toBe('select 1; select 2');
  expect(trimStatement('select "a;b" from t --x')).toBe('select "a;b" from t');
});
