import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDestination } from '../../engine/connectors.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const KILLS = 7;
const FIRST_ROWS = 150_000;
const ROWS_BETWEEN = 2_000;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

/** One project with a job for every write disposition over one growing table. */
async function makeProject(folder: string, table: string): Promise<void> {
  const job = { source_type: 'postgresql', source_name: 'pg', table_name: table };
  await writeProject(folder, {
    jobs: [
      { ...job, load_type: 'INCREMENTAL', watermark_column: 'updated_at', target_table: 'appended' },
      { ...job, load_type: 'INCREMENTAL', watermark_column: 'updated_at', primary_key: 'id', target_table: 'merged' },
      { ...job, load_type: 'FULL', target_table: 'replaced' },
    ],
    config: `
[sources.pg]
host = "${server.host}"
port = ${server.port}
database = "postgres"
username = "${server.username}"

[destinations.duck]
type = "duckdb"
path = "out/data.duckdb"

[destinations.lake]
type = "filesystem"
bucket_url = "out/lake"
`,
    secrets: `[sources.pg]\npassword = ${JSON.stringify(server.password)}\n`,
  });
}

function startRun(folder: string, destination: string) {
  const main = path.join(import.meta.dirname, '../../engine/cli/main.ts');
  return spawn(process.execPath, [main, 'run', '-c', folder, '--destination', destination, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function runToEnd(folder: string, destination: string): Promise<void> {
  const run = startRun(folder, destination);
  let output = '';
  for (const stream of [run.stdout, run.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(run, 'close');
  expect(code, output).toBe(0);
}

/** Gives whether the run was still going when it was killed. */
async function runAndKill(folder: string, destination: string, afterMs: number): Promise<boolean> {
  const run = startRun(folder, destination);
  run.stdout.resume();
  run.stderr.resume();
  const closed = once(run, 'close');
  await Promise.race([delay(afterMs), closed]);
  run.kill('SIGKILL');
  await closed;
  return run.signalCode === 'SIGKILL';
}

/** A fingerprint of a loaded table: rows, distinct keys and a sum over the content. */
async function loaded(folder: string, destination: string, table: string) {
  const workspace = await Workspace.open({ memoryLimitMiB: 512, threads: 1, tempDirectory: path.join(folder, 'tmp') });
  const config =
    destination === 'duck'
      ? ({ name: 'duck', type: 'duckdb', path: 'out/data.duckdb', schema: 'raw' } as const)
      : ({ name: 'lake', type: 'filesystem', bucket_url: 'out/lake', schema: 'raw', table_format: 'parquet' } as const);
  const opened = await openDestination(config as never, {
    workspace,
    baseDirectory: folder,
    tempDirectory: path.join(folder, 'tmp', 'rewrite'),
  });
  try {
    await opened.open(new AbortController().signal);
    const connection = await workspace.connect();
    const from = await opened.from({ schema: 'raw', table }, table);
    const [row] = await connection.rows(
      `SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids, sum(id * length(note))::VARCHAR AS content, count(DISTINCT _dlt_id)::INTEGER AS row_ids FROM ${from}`,
    );
    connection.close();
    return row;
  } finally {
    await opened.close();
    workspace.close();
  }
}

test.each(['duck', 'lake'])(
  'a run that is killed at any moment and started again loses no row and repeats none: %s',
  async (destination) => {
    await using folder = await temporaryFolder();
    const table = `growing_${destination}`;
    await server.query(
      `CREATE TABLE ${table} (id BIGINT PRIMARY KEY, updated_at TIMESTAMP NOT NULL, note TEXT NOT NULL)`,
    );
    // a hundred rows share each moment, so every run meets rows at the watermark again
    const grow = (from: number, count: number) =>
      server.query(
        `INSERT INTO ${table} SELECT i, timestamp '2026-01-01' + (i / 100) * interval '1 second', repeat('x', (i % 40)::int) FROM generate_series(${from}::bigint, ${from + count - 1}::bigint) i`,
      );
    await grow(1, FIRST_ROWS);
    await makeProject(folder.path, table);
    const moments: number[] = [];
    let rows = FIRST_ROWS;
    for (let kill = 0; kill < KILLS; kill++) {
      const moment = 300 + Math.floor(Math.random() * 1500);
      moments.push(moment);
      await runAndKill(folder.path, destination, moment);
      await grow(rows + 1, ROWS_BETWEEN);
      rows += ROWS_BETWEEN;
    }
    await runToEnd(folder.path, destination);
    await runToEnd(folder.path, destination);
    const [expected] = await server.query<Record<string, unknown>>(
      `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids, sum(id * length(note))::text AS content, count(*)::int AS row_ids FROM ${table}`,
    );
    for (const target of ['appended', 'merged', 'replaced']) {
      expect(
        await loaded(folder.path, destination, target),
        `${target}, killed after ${moments.join(', ')} ms`,
      ).toEqual(expected);
    }
  },
  240_000,
);
