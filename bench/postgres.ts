import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { to as copyTo } from 'pg-copy-streams';
import { identifier, literal } from '../engine/duckdb/sql.ts';
import { Workspace } from '../engine/duckdb/workspace.ts';
import { createPostgresSource } from '../engine/sources/postgres/postgres-source.ts';
import type { Segment } from '../engine/sources/source.ts';
import type { PostgresConnection } from '../engine/spec/connection.ts';
import { makeJob } from '../tests/helpers/pipeline.ts';
import { type PostgresServer, startPostgres } from '../tests/helpers/postgres-server.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';

const TABLE = 'orders';
const MIN_RATIO = 0.9;
const MAX_RSS_MIB = 600;

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
 * PostgreSQL → Parquet against the limit of the same driver: `COPY … (FORMAT csv)` drained without looking at it.
 * Pairs are interleaved, so that whatever else the machine does falls on both.
 */
export async function bench({ rows = 2_000_000, rounds = 5 }: BenchOptions): Promise<Measurement[]> {
  await using server = await startPostgres({ settings: { shared_buffers: '512MB' } });
  await server.query(GENERATE.replace('$ROWS', String(rows)));
  await server.query(`VACUUM ANALYZE ${TABLE}`);
  const drains: number[] = [];
  const reads: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    drains.push(await timed(() => drainCsv(server)));
    reads.push(await timed(() => readToParquet(server.connection({ ssl_mode: 'disable' }), rows)));
  }
  const ratios = drains.map((drain, round) => drain / (reads[round] as number));
  const rss = process.resourceUsage().maxRSS / 1024;
  const perSecond = (milliseconds: number[]) => rows / (median(milliseconds) / 1000);
  return [
    { what: 'csv drained unread, median', value: perSecond(drains), unit: 'rows/s' },
    { what: 'read to Parquet (zstd), median', value: perSecond(reads), unit: 'rows/s' },
    {
      what: 'ratio, median of the pairs',
      value: median(ratios),
      unit: '',
      target: `at least ${MIN_RATIO}`,
      met: median(ratios) >= MIN_RATIO,
    },
    { what: 'peak memory', value: rss, unit: 'MiB', target: `at most ${MAX_RSS_MIB} MiB`, met: rss <= MAX_RSS_MIB },
  ];
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

/** Reads the table through the source and writes each segment as Parquet, one while the next is read. */
async function readToParquet(connection: PostgresConnection, rows: number): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-postgres-'));
  const workspace = await Workspace.open({ memoryLimitMiB: 512, threads: 2, tempDirectory: path.join(folder, 'tmp') });
  try {
    const source = createPostgresSource(connection);
    const out = await workspace.connect();
    const segments = source.read(
      {
        job: makeJob({ table_name: TABLE }),
        types: 'portable',
        incremental: null,
        sourceState: null,
        sampleRows: null,
      },
      {
        workspace,
        spoolDirectory: folder,
        signal: new AbortController().signal,
        progress: () => undefined,
        warn: () => undefined,
        log: () => undefined,
      },
    );
    let count = 0;
    const write = async (segment: Segment, part: number) => {
      const list = segment.columns
        .map(({ name, landedType }) => `CAST(${identifier(name)} AS ${landedType}) AS ${identifier(name)}`)
        .join(', ');
      const file = path.join(folder, `${part}.parquet`);
      await out.run(
        `COPY (SELECT ${list} FROM ${segment.from}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      count += segment.rows ?? 0;
      await segment.release();
    };
    let writing = Promise.resolve();
    let part = 0;
    for await (const segment of segments) {
      await writing;
      writing = write(segment, part);
      part += 1;
    }
    await writing;
    await source.close();
    if (count !== rows) throw new Error(`${count} of ${rows} rows were read.`);
  } finally {
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}
