import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import oracledb from 'oracledb';
import { createOracleSource } from '../engine/sources/oracle/oracle-source.ts';
import { writeProject } from '../tests/helpers/project.ts';
import { ReadBench, request } from '../tests/helpers/read-bench.ts';
import { connectionTo } from '../tests/sources/oracle/oracle-under-test.ts';
import type { BenchOptions, Measurement } from './main.ts';
import { median, timed } from './median.ts';
import { ORACLE_TABLE, startOracleProcess } from './oracle-server.ts';
import { type ChildRun, runInChild } from './run-child.ts';

const MIN_RATIO = 0.7;
/** Rows of the small and the large run whose memory is compared, and by how much the large one may be larger. */
const SMALL_ROWS = 200_000;
const LARGE_ROWS = 2_000_000;
const MAX_GROWTH = 1.25;
const MAX_STOP_MS = 1000;
const FETCH_ROWS = 5000;

/**
 * Oracle → local Parquet folder through the whole product, against the bare driver with the same settings that streams the same statement's rows and drops
 * them. The server is the test server, which sends rows that were encoded before; how fast it is alone is printed too. Then memory at two sizes, and the time
 * from a cancel to its end. Protocol-verified: no Oracle was asked.
 */
export async function bench({ rows = 400_000, rounds = 3 }: BenchOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bench-oracle-'));
  try {
    await using server = await startOracleProcess(rows);
    const project = await makeProject(path.join(folder, 'ratio'), server.port);
    const statement = await statementOf(server.port);
    const raw: number[] = [];
    const drains: number[] = [];
    const runs: ChildRun[] = [];
    for (let round = 0; round < rounds; round += 1) {
      raw.push(await timed(() => drain(server.port, statement, rows, 'SCORE')));
      drains.push(await timed(() => drain(server.port, statement, rows)));
      runs.push(await runInChild(project, 'lake'));
    }
    const wrong = runs.filter((run) => run.rows !== rows).length;
    const ratio = median(drains.map((milliseconds, round) => milliseconds / (runs[round] as ChildRun).milliseconds));
    const stop = await stopTime(server.port);
    const memory = await memoryAt(folder, [SMALL_ROWS, LARGE_ROWS]);
    const growth = (memory[1] as number) / (memory[0] as number);
    const perSecond = (milliseconds: number[]) => rows / (median(milliseconds) / 1000);
    return [
      { what: 'server alone: one short column, drained', value: perSecond(raw), unit: 'rows/s' },
      { what: 'bare driver: rows drained unread, median', value: perSecond(drains), unit: 'rows/s' },
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
      { what: 'runs with another count of rows', value: wrong, unit: 'runs', ...target(wrong === 0, 'none') },
      { what: `peak memory, ${SMALL_ROWS} rows`, value: memory[0] as number, unit: 'MiB' },
      { what: `peak memory, ${LARGE_ROWS} rows`, value: memory[1] as number, unit: 'MiB' },
      { what: 'growth of memory', value: growth, unit: '', ...target(growth <= MAX_GROWTH, `at most ${MAX_GROWTH}`) },
      {
        what: 'from cancel to stop, slowest of the rounds',
        value: stop,
        unit: 'ms',
        ...target(stop <= MAX_STOP_MS, `at most ${MAX_STOP_MS} ms`),
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function target(met: boolean, text: string): Pick<Measurement, 'target' | 'met'> {
  return { target: text, met };
}

/** The statement that the product sends. */
async function statementOf(port: number): Promise<string> {
  const source = createOracleSource(connectionTo({ host: '127.0.0.1', port }));
  const statement = await source.explain(
    request({ table_name: ORACLE_TABLE, schema_name: 'ETL' }),
    new AbortController().signal,
  );
  await source.close();
  return statement;
}

/** Streams a statement's rows and drops them. `column`: only that one, which costs the driver next to nothing. */
async function drain(port: number, statement: string, expected: number, column?: string): Promise<void> {
  const connection = await oracledb.getConnection({
    user: 'etl',
    password: 's3cret',
    connectString: `127.0.0.1:${port}/FREEPDB1`,
    sdu: 65_535,
  });
  const sql = column === undefined ? statement : `SELECT q."${column}" AS "${column}" FROM "ETL"."${ORACLE_TABLE}" q`;
  const { resultSet } = await connection.execute<unknown[]>(sql, [], { resultSet: true, fetchArraySize: FETCH_ROWS });
  let count = 0;
  for (;;) {
    const rows = (await resultSet?.getRows(FETCH_ROWS)) ?? [];
    count += rows.length;
    if (rows.length < FETCH_ROWS) break;
  }
  await connection.close();
  if (count !== expected) throw new Error(`${count} rows instead of ${expected}`);
}

/** Peak memory of a run of each size, MiB. */
async function memoryAt(folder: string, sizes: readonly number[]): Promise<number[]> {
  const peaks: number[] = [];
  for (const rows of sizes) {
    await using server = await startOracleProcess(rows);
    const { peakMemoryMiB } = await runInChild(await makeProject(path.join(folder, String(rows)), server.port), 'lake');
    peaks.push(peakMemoryMiB);
  }
  return peaks;
}

/** The longest of five cancels, milliseconds: after each segment another, so that the driver is in the middle of something. */
async function stopTime(port: number): Promise<number> {
  const source = createOracleSource(connectionTo({ host: '127.0.0.1', port }));
  const times: number[] = [];
  await using workspace = await ReadBench.open();
  for (let round = 0; round < 5; round += 1) {
    const controller = new AbortController();
    const asked = request({ table_name: ORACLE_TABLE, schema_name: 'ETL' });
    const segments = source.read(asked, workspace.context({ signal: controller.signal }));
    const first = await segments.next();
    if (!first.done) await first.value.release();
    const next = segments.next();
    await new Promise((resolve) => setTimeout(resolve, 20 * round));
    times.push(
      await timed(async () => {
        controller.abort();
        await next.catch(() => undefined);
        await segments.return(undefined as never).catch(() => undefined);
      }),
    );
  }
  await source.close();
  return Math.max(...times);
}

async function makeProject(folder: string, port: number): Promise<string> {
  await writeProject(folder, {
    jobs: [
      { source_type: 'oracle', source_name: 'server', schema_name: 'ETL', table_name: ORACLE_TABLE, load_type: 'FULL' },
    ],
    config: `
[sources.server]
host = "127.0.0.1"
port = ${port}
service_name = "FREEPDB1"
username = "etl"
[destinations.lake]
type = "filesystem"
bucket_url = "lake"
`,
    secrets: `[sources.server]\npassword = "s3cret"\n`,
  });
  return folder;
}
