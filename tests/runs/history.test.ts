import { appendFile, mkdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../engine/runs/events.ts';
import { RunHistory, runLogPath } from '../../engine/runs/history.ts';
import { LogIndex } from '../../engine/runs/log-index.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const never = new AbortController().signal;
const ALL = { levels: [], job: null, text: null };

const started = (change: object = {}): RunEvent => ({
  at: Date.parse('2026-01-31T06:00:00Z'),
  level: 'INFO',
  type: 'run_started',
  run_id: '20260131_060000_aaaaaa',
  pipeline: 'shop',
  destination: 'duckdb',
  jobs: 2,
  workers: 1,
  ...change,
});

async function writeLog(folder: string, runId: string, lines: (RunEvent | string)[]): Promise<string> {
  const file = runLogPath(folder, runId)!;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return file;
}

test('a run without an end is running while its process lives, and interrupted after', async () => {
  await using folder = await temporaryFolder();
  const now = Date.now();
  const own = { pid: process.pid, host: hostname() };
  await writeLog(folder.path, '20260131_060000_aaaaaa', [
    started({ at: now, process: own, trigger: 'window', sample_rows: 10 }),
  ]);
  // A process number that no process has: larger than any system gives out.
  await writeLog(folder.path, '20260131_060001_bbbbbb', [started({ at: now, process: { ...own, pid: 2 ** 30 } })]);
  await writeLog(folder.path, '20260131_060002_cccccc', [started({ at: now, process: { pid: 1, host: 'elsewhere' } })]);
  await writeLog(folder.path, '20260131_060003_dddddd', [started(), '{"half a line']);
  const runs = await new RunHistory().list(folder.path);
  expect(runs.map(({ run_id, status }) => `${run_id.slice(-6)} ${status}`)).toEqual([
    'dddddd INTERRUPTED',
    'cccccc INTERRUPTED',
    'bbbbbb INTERRUPTED',
    'aaaaaa RUNNING',
  ]);
  expect(runs.at(-1)).toMatchObject({ trigger: 'window', sample_rows: 10, duration_seconds: null });
});

test('of runs of one second the one whose files were written last comes first, whatever their ids say', async () => {
  await using folder = await temporaryFolder();
  const second = '20260131_060000';
  for (const [at, id] of ['ffffff', 'aaaaaa', 'cccccc'].entries()) {
    const file = await writeLog(folder.path, `${second}_${id}`, [started()]);
    await utimes(file, at + 1, at + 1);
  }
  const older = await writeLog(folder.path, '20260131_055959_eeeeee', [started()]);
  await utimes(older, 9, 9);
  const runs = await new RunHistory().list(folder.path);
  expect(runs.map(({ run_id }) => run_id.slice(-6))).toEqual(['cccccc', 'aaaaaa', 'ffffff', 'eeeeee']);
});

test('foreign files and newer versions are passed over', async () => {
  await using folder = await temporaryFolder();
  const metadata = path.join(folder.path, 'metadata');
  await mkdir(metadata);
  await writeFile(path.join(metadata, 'notes.txt'), 'mine');
  await writeFile(path.join(metadata, 'metrics_shop_20260131_060000_aaaaaa.json'), '{"version": 99, "later": true}');
  await writeFile(path.join(metadata, 'metrics_shop_20260131_060001_aaaaaa.json'), 'not json');
  await writeFile(path.join(metadata, 'run_20260131_060002_aaaaaa.jsonl'), '\u0000\u0000 not a log\n');
  expect(await new RunHistory().list(folder.path)).toEqual([]);
  expect(await new RunHistory().list(path.join(folder.path, 'nowhere'))).toEqual([]);
  expect(runLogPath(folder.path, '../../etc/passwd')).toBeNull();
});

test('a log is paged and filtered, and followed while it grows', async () => {
  await using folder = await temporaryFolder();
  const levels = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;
  const line = (at: number): RunEvent => ({
    at,
    level: levels[at % 4]!,
    type: 'log',
    ...(at % 3 === 0 ? {} : { job: `shop.t${at % 3}` }),
    message: `Número ${at} "quoted"`,
  });
  const file = await writeLog(folder.path, '20260131_060000_aaaaaa', [
    ...Array.from({ length: 5000 }, (_, at) => line(at)),
    'a foreign line',
  ]);
  const index = new LogIndex(file);
  const all = await index.page(ALL, 10, 3, never);
  expect(all).toEqual({ total: 5000, offset: 10, events: [line(10), line(11), line(12)] });
  expect((await index.page(ALL, 9_999, 2, never)).offset).toBe(4998);
  expect((await index.page({ ...ALL, levels: ['ERROR', 'WARNING'] }, 0, 2, never)).total).toBe(2500);
  const one = await index.page({ levels: ['ERROR'], job: 'shop.t1', text: 'NÚMERO 7' }, 0, 100, never);
  expect(one.events.map(({ at }) => at)).toEqual(
    [7, 79, 703, 715, 727, 739, 751, 763, 775, 787, 799].filter((at) => at % 4 === 3 && at % 3 === 1),
  );
  expect((await index.page({ ...ALL, job: 'shop.none' }, 0, 5, never)).total).toBe(0);

  await appendFile(file, `${JSON.stringify(line(7))}\n{"at":1,"level":"INFO","ty`);
  expect((await index.page(ALL, 0, 1, never)).total).toBe(5001);
  expect((await index.page({ levels: ['ERROR'], job: 'shop.t1', text: 'número 7' }, 0, 100, never)).total).toBe(
    one.total + 1,
  );
  await appendFile(file, 'pe":"log","message":"whole now"}\n');
  expect((await index.page(ALL, 5001, 1, never)).events).toEqual([
    { at: 1, level: 'INFO', type: 'log', message: 'whole now' },
  ]);
  await expect(index.page({ ...ALL, text: 'x' }, 0, 1, AbortSignal.abort())).rejects.toThrow();
});

test('lines longer than a block and names with escapes are lines like others', async () => {
  await using folder = await temporaryFolder();
  const long = 'x'.repeat(3_000_000);
  const job = 'shop."quoted"\\ü';
  const file = await writeLog(folder.path, '20260131_060000_aaaaaa', [
    { at: 1, level: 'INFO', type: 'log', message: long },
    { at: 2, level: 'INFO', type: 'job_stage', job, stage: 'load' },
  ]);
  const index = new LogIndex(file);
  expect((await index.page({ ...ALL, job }, 0, 1, never)).events).toMatchObject([{ job }]);
  expect((await index.page({ ...ALL, text: long.slice(0, 100) }, 0, 1, never)).total).toBe(1);
});

test('what happened in short leaves out logs and superseded progress', async () => {
  await using folder = await temporaryFolder();
  const progress = (job: string, rows: number): RunEvent => ({
    at: rows,
    level: 'DEBUG',
    type: 'job_progress',
    job,
    stage: 'extract',
    rows,
    bytes: 0,
  });
  const file = await writeLog(folder.path, '20260131_060000_aaaaaa', [
    started(),
    { at: 1, level: 'INFO', type: 'job_started', job: 'a', row: 2, attempt: 1 },
    progress('a', 1),
    { at: 1, level: 'INFO', type: 'log', message: 'noise' },
    progress('a', 2),
    ...Array.from(
      { length: 80 },
      (): RunEvent => ({ at: 3, level: 'WARNING', type: 'job_warning', job: 'a', code: 'X', message: 'again' }),
    ),
  ]);
  const events = await new LogIndex(file).compact(never);
  expect(events.filter(({ type }) => type === 'job_warning')).toHaveLength(50);
  expect(events.filter(({ type }) => type !== 'job_warning').map(({ type }) => type)).toEqual([
    'run_started',
    'job_started',
    'job_progress',
  ]);
  expect(events.at(-1)).toMatchObject({ rows: 2 });
});
