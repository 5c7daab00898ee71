import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BenchOptions, Measurement } from './main.ts';
import { median } from './median.ts';
import type { MssqlRun } from './mssql-child.ts';

const MIN_RATIO = 0.7;
const SMALL_ROWS = 200_000;
/** How much more memory ten times the rows may take. */
const MAX_GROWTH = 1.25;
const MAX_CANCEL_MS = 1000;

/**
 * SQL Server → DuckDB segments through the product's source, against the limit of the same driver: tedious reading the same statement's rows in a
 * process of the same kind, and dropping them. Pairs are interleaved. The server is the tests' own, in a process of its own, and sends rows that were
 * encoded once; how fast it is by itself is measured too.
 */
export async function bench({ rows = 2_000_000, rounds = 3 }: BenchOptions): Promise<Measurement[]> {
  await using large = await startServer(rows);
  await using small = await startServer(Math.min(SMALL_ROWS, rows));
  const drains: MssqlRun[] = [];
  const drivers: MssqlRun[] = [];
  const sources: MssqlRun[] = [];
  const smalls: MssqlRun[] = [];
  const cancels: MssqlRun[] = [];
  for (let round = 0; round < rounds; round += 1) {
    drains.push(await run('drain', large.port));
    drivers.push(await run('driver', large.port));
    sources.push(await run('source', large.port));
    smalls.push(await run('source', small.port));
    cancels.push(await run('cancel', large.port));
  }
  const read = (sources[0] as MssqlRun).rows;
  const perSecond = (runs: MssqlRun[]) => read / (median(runs.map(({ milliseconds }) => milliseconds)) / 1000);
  const ratio = median(
    drivers.map(({ milliseconds }, round) => milliseconds / (sources[round] as MssqlRun).milliseconds),
  );
  const lost = drivers.concat(sources).filter((each) => each.rows !== read).length;
  const memory = median(sources.map(({ peakMemoryMiB }) => peakMemoryMiB));
  const growth = memory / median(smalls.map(({ peakMemoryMiB }) => peakMemoryMiB));
  const cancel = Math.max(...cancels.map(({ milliseconds }) => milliseconds));
  return [
    { what: 'server drained unread, median', value: perSecond(drains), unit: 'rows/s' },
    { what: 'tedious, rows dropped, median', value: perSecond(drivers), unit: 'rows/s' },
    { what: 'source into segments, median', value: perSecond(sources), unit: 'rows/s' },
    {
      what: 'ratio, median of the pairs',
      value: ratio,
      unit: '',
      target: `at least ${MIN_RATIO}`,
      met: ratio >= MIN_RATIO,
    },
    { what: 'runs with another number of rows', value: lost, unit: '', target: 'none', met: lost === 0 },
    { what: `peak memory, ${read} rows`, value: memory, unit: 'MiB' },
    {
      what: `… to that of ${smalls[0]?.rows} rows`,
      value: growth,
      unit: '',
      target: `at most ${MAX_GROWTH}`,
      met: growth <= MAX_GROWTH,
    },
    {
      what: 'from cancel to stop, longest',
      value: cancel,
      unit: 'ms',
      target: `at most ${MAX_CANCEL_MS} ms`,
      met: cancel <= MAX_CANCEL_MS,
    },
  ];
}

async function run(mode: string, port: number): Promise<MssqlRun> {
  const script = path.join(import.meta.dirname, 'mssql-child.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, mode, String(port)]);
  return JSON.parse(stdout) as MssqlRun;
}

async function startServer(rows: number): Promise<{ port: number } & AsyncDisposable> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'mssql-server.ts'), String(rows)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(line.toString()),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
