import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeParts } from '../../../engine/sources/postgres/partitions.ts';
import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import type { Source } from '../../../engine/sources/source.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { type PostgresServer, startPostgres } from '../../helpers/postgres-server.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';

let server: PostgresServer;
let bench: ReadBench;
let source: Source;

beforeAll(async () => {
  server = await startPostgres();
  bench = await ReadBench.open();
  source = createPostgresSource(server.connection());
  await server.query(`CREATE TABLE parts AS SELECT i AS id, i % 1000 AS bucket, CASE WHEN i % 10 > 0 THEN timestamp '2024-01-01' + i * interval '1 min' END AS at,
    (i / 7.0)::numeric(20,4) AS ratio, date '2020-01-01' + i % 400 AS day, md5(i::text) AS body FROM generate_series(1, 60000) i;
    CREATE VIEW parts_view AS SELECT * FROM parts`);
});

afterAll(async () => {
  await source.close();
  await bench[Symbol.asyncDispose]();
  await server.stop();
});

const withParts = (job: Partial<Job>, partitions: number, partition_column?: string): Partial<Job> => ({
  ...job,
  options: { ...makeJob({}).options, partitions, partition_column },
});

async function read(job: Partial<Job>) {
  const logs: string[] = [];
  const result = await bench.read(source, request(job), { log: (level, text) => level === 'INFO' && logs.push(text) });
  return { ...result, logs };
}

test('page ranges cover every page once, and the last is open', () => {
  expect(placeParts(10, 4)).toEqual([undefined]);
  expect(placeParts(400, 4)).toEqual([
    "ctid < '(100,0)'::tid",
    "ctid >= '(100,0)'::tid AND ctid < '(200,0)'::tid",
    "ctid >= '(200,0)'::tid AND ctid < '(300,0)'::tid",
    "ctid >= '(300,0)'::tid",
  ]);
});

test('no row is lost or read twice while others write, and all parts see one moment', async () => {
  // A writer that moves one unit between two rows in each transaction: the sum never changes.
  await server.query(
    'CREATE TABLE accounts AS SELECT i AS id, 100 AS balance, repeat(md5(i::text), 8) AS filler FROM generate_series(1, 40000) i',
  );
  const writer = await server.client();
  let writing = true;
  const busy = (async () => {
    for (let turn = 1; writing; turn += 1) {
      const from = 1 + ((turn * 7919) % 40_000);
      const to = 1 + ((turn * 104_729) % 40_000);
      await writer.query(
        `BEGIN; UPDATE accounts SET balance = balance - 1 WHERE ctid = (SELECT ctid FROM accounts WHERE id = ${from} LIMIT 1);
         UPDATE accounts SET balance = balance + 1 WHERE ctid = (SELECT ctid FROM accounts WHERE id = ${to} LIMIT 1);
         INSERT INTO accounts VALUES (${40_000 + turn}, 0, ''); COMMIT`,
      );
    }
  })();
  try {
    const { rows, logs, summary } = await read(withParts({ table_name: 'accounts', filter: 'id > 0' }, 4));
    const ids = new Set(rows.map((row) => row.id));
    expect(ids.size).toBe(rows.length);
    expect(rows.filter((row) => Number(row.id) <= 40_000)).toHaveLength(40_000);
    expect(rows.reduce((sum, row) => sum + Number(row.balance), 0)).toBe(4_000_000);
    expect(logs).toEqual(['public.accounts: 4 readers in one snapshot.']);
    expect(summary.verdict.records).toBe(rows.length);
  } finally {
    writing = false;
    await busy;
    await writer.end();
  }
});

test.each(['id', 'at', 'ratio', 'day'])('ranges of %s hold every row once, NULLs too', async (column) => {
  const { rows, logs } = await read(withParts({ table_name: 'parts_view', columns: ['id'] }, 3, column));
  expect(new Set(rows.map((row) => row.id)).size).toBe(60_000);
  expect(rows).toHaveLength(60_000);
  expect(logs).toEqual(['public.parts_view: 3 readers in one snapshot.']);
});

test('a view is cut by its key, or says what it needs', async () => {
  expect((await read(withParts({ table_name: 'parts_view', primary_key: ['id'] }, 2))).rows).toHaveLength(60_000);
  await expect(read(withParts({ table_name: 'parts_view' }, 2))).rejects.toMatchObject({
    code: 'PARTITION_COLUMN_MISSING',
  });
  await expect(read(withParts({ table_name: 'parts' }, 2, 'body'))).rejects.toMatchObject({
    code: 'PARTITION_COLUMN_TYPE',
  });
});

test('partitioned tables and empty ones', async () => {
  await server.query(`CREATE TABLE logs (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE logs_2 PARTITION OF logs DEFAULT;
    INSERT INTO logs SELECT i, date '2024-01-01' + i % 60 FROM generate_series(1, 80000) i; CREATE TABLE empty_one (id int)`);
  const { rows, logs } = await read(withParts({ table_name: 'logs' }, 2));
  expect([rows.length, new Set(rows.map((row) => row.id)).size, logs.length]).toEqual([80_000, 80_000, 1]);
  const empty = await read(withParts({ table_name: 'empty_one' }, 4));
  expect([empty.rows, empty.segments]).toEqual([[], [{ rows: 0, bytes: 0 }]]);
  const none = await read(withParts({ table_name: 'logs', filter: 'id < 0' }, 2));
  expect([none.rows, none.segments.length]).toEqual([[], 1]);
});

test('one part that fails ends them all and leaves nothing behind', async () => {
  const failing = withParts({ table_name: 'parts', filter: '1 / (id - 59990) < 5' }, 3);
  await expect(read(failing)).rejects.toMatchObject({
    code: 'SOURCE_QUERY_FAILED',
    message: expect.stringContaining('division by zero'),
  });
  expect(await bench.tables()).toEqual([]);
  const active = () => server.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'ingest-studio'");
  await expect.poll(active).toEqual([]);
});
