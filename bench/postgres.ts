import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import { literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { type PostgresServer, startPostgres } from '../tests/helpers/postgres-server.ts';
import { writeProject } from '../tests/helpers/project.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';
import { type ChildRun, runInChild } from './run-child.ts';

const TABLE = 'orders';
const PARALLEL_JOBS = 5;
const MIN_RATIO = 0.9;
const MAX_MEMORY_MIB = 600;
const MAX_PARALLEL_MEMORY_MIB = 1536;

/** Twelve columns of mixed types, about 200 bytes a row as CSV. */
const GENERATE = `CREATE TABLE ${TABLE} AS SELECT
  i::bigint AS id,
  (i::bigint * 7919 % 100000)::int AS customer_id,
  'ORD-' || lpad(i::text, 10, '0') AS order_no,
  (ARRAY['new', 'paid', 'shipped', 'delivered', 'cancelled'])[1 + i % 5] AS status,
  (i % 1000000 / 100.0)::numeric(12, 2) AS amount,
  sqrt(i)::float8 AS score,
  i % 3 = 0 AS is_gift,
  timestamp '2020-01-01' + i * interval '1.000123 s' AS created_at,
  timestamptz '2020-01-01 00:00:00+00' + i * interval '1.500321 s' AS updated_at,
  date '2020-01-01' + (i % 2000)::int AS ship_date,
  CASE WHEN i % 4 = 0 THEN 'Leave it at the door of number ' || i || ', please' END AS note,
  jsonb_build_object('color', (ARRAY['red', 'green', 'blue'])[1 + i % 3], 'weight', i % 100, 'tags', ARRAY['a', 'b']) AS attrs
  FROM generate_series(1, $ROWS) i`;

/**
 * PostgreSQL → local Parquet folder through the whole product (plan, extract, normalise, load, state), against the limit of the same driver:
 * `COPY … (FORMAT csv)` drained without looking at it. Pairs are interleaved, so that whatever else the machine does falls on both.
 * Afterwards every row that landed is compared with the server's own export, and five jobs run at once for their memory.
 */
export async function bench({ rows = 2_000_000, rounds = 5 }: BenchOptions): Promise<Measurement[]> {
  await using server = await startPostgres({ settings: { shared_buffers: '512MB' } });
  await server.query(GENERATE.replace('$ROWS', String(rows)));
  await server.query(`VACUUM ANALYZE ${TABLE}`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-postgres-'));
  try {
    const single = await makeProject(path.join(folder, 'single'), server, 1);
    const drains: number[] = [];
    const runs: ChildRun[] = [];
    for (let round = 0; round < rounds; round += 1) {
      drains.push(await timed(() => drainCsv(server)));
      runs.push(await runInChild(single, 'lake'));
    }
    const different = await compareRows(single, server);
    const several = await makeProject(path.join(folder, 'several'), server, PARALLEL_JOBS);
    const parallel = await runInChild(several, 'lake', PARALLEL_JOBS);
    const ratio = median(drains.map((drain, round) => drain / (runs[round] as ChildRun).milliseconds));
    const memory = Math.max(...runs.map((run) => run.peakMemoryMiB));
    const perSecond = (milliseconds: number[]) => rows / (median(milliseconds) / 1000);
    return [
      { what: 'csv drained unread, median', value: perSecond(drains), unit: 'rows/s' },
      {
        what: 'run into Parquet (zstd), median',
        value: perSecond(runs.map((run) => run.milliseconds)),
        unit: 'rows/s',
      },
      {
        what: 'ratio, median of the pairs',
        value: ratio,
        unit: '',
        ...target(ratio >= MIN_RATIO, `at least ${MIN_RATIO}`),
      },
      { what: 'rows that differ from the server', value: different, unit: 'rows', ...target(different === 0, 'none') },
      {
        what: 'peak memory of a run',
        value: memory,
        unit: 'MiB',
        ...target(memory <= MAX_MEMORY_MIB, `at most ${MAX_MEMORY_MIB} MiB`),
      },
      {
        what: `peak memory of ${PARALLEL_JOBS} jobs at once`,
        value: parallel.peakMemoryMiB,
        unit: 'MiB',
        ...target(parallel.peakMemoryMiB <= MAX_PARALLEL_MEMORY_MIB, `at most ${MAX_PARALLEL_MEMORY_MIB} MiB`),
      },
      {
        what: `${PARALLEL_JOBS} jobs at once, together`,
        value: parallel.rows / (parallel.milliseconds / 1000),
        unit: 'rows/s',
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function target(met: boolean, text: string): Pick<Measurement, 'target' | 'met'> {
  return { target: text, met };
}

async function drainCsv(server: PostgresServer): Promise<void> {
  const client = await server.client();
  const sql = `COPY (SELECT * FROM ${TABLE}) TO STDOUT (FORMAT csv)`;
  let bytes = 0;
  for await (const chunk of client.query(copyTo(sql, { highWaterMark: 1 << 20 })))
    bytes += (chunk as Buffer).byteLength;
  await client.end();
  if (bytes === 0) throw new Error('Nothing was drained.');
}

/** A project with so many jobs over the one table. */
async function makeProject(folder: string, server: PostgresServer, jobs: number): Promise<string> {
  await writeProject(folder, {
    jobs: Array.from({ length: jobs }, (_, index) => ({
      source_type: 'postgresql',
      source_name: 'server',
      table_name: TABLE,
      target_table: `${TABLE}_${index}`,
      load_type: 'FULL',
    })),
    config: `
[sources.server]
host = "${server.host}"
port = ${server.port}
database = "postgres"
username = "${server.username}"
ssl_mode = "disable"
[destinations.lake]
type = "filesystem"
bucket_url = "lake"
`,
    secrets: `[sources.server]\npassword = ${JSON.stringify(server.password)}\n`,
  });
  return folder;
}

/** Rows that are in what landed and not in the server's own CSV, or the other way round, repeated rows counted. */
async function compareRows(project: string, server: PostgresServer): Promise<number> {
  const file = path.join(project, 'export.csv');
  const client = await server.client();
  await client.query("SET timezone = 'UTC'");
  await pipeline(client.query(copyTo(`COPY (SELECT * FROM ${TABLE}) TO STDOUT (FORMAT csv)`)), createWriteStream(file));
  await client.end();
  const workspace = await Workspace.open({
    memoryLimitMiB: 6144,
    threads: 2,
    tempDirectory: path.join(project, 'compare'),
  });
  try {
    const connection = await workspace.connect();
    const columns =
      "{id: 'BIGINT', customer_id: 'INTEGER', order_no: 'VARCHAR', status: 'VARCHAR', amount: 'DECIMAL(12,2)', score: 'DOUBLE', is_gift: 'BOOLEAN', created_at: 'TIMESTAMP', updated_at: 'TIMESTAMPTZ', ship_date: 'DATE', note: 'VARCHAR', attrs: 'VARCHAR'}";
    const expected = `SELECT * FROM read_csv(${literal(file)}, columns = ${columns}, header = false, auto_detect = false, quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false)`;
    const landed = `SELECT * EXCLUDE (_dlt_load_id, _dlt_id) FROM read_parquet(${literal(path.join(project, 'lake/raw', `${TABLE}_0`, '*.parquet'))})`;
    const [row] = await connection.rows<{ n: string }>(
      `SELECT (SELECT count(*) FROM (${expected} EXCEPT ALL ${landed})) + (SELECT count(*) FROM (${landed} EXCEPT ALL ${expected})) AS n`,
    );
    connection.close();
    return Number(row?.n);
  } finally {
    workspace.close();
  }
}
