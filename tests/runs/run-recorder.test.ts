import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JobResult, RunEvent } from '../../engine/runs/events.ts';
import { createRunRecorder } from '../../engine/runs/run-recorder.ts';
import { Redactor } from '../../engine/secrets/redaction.ts';
import { metricsModel } from '../../engine/spec/metrics.ts';

const RUN_ID = '20260131_060000_1f9c3a';
const BEGIN = Date.UTC(2026, 0, 31, 6, 0, 0);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'run-recorder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function jobResult(change: Partial<JobResult> = {}): JobResult {
  return {
    source_name: 'shop',
    table_name: 'orders',
    target: 'raw.orders',
    status: 'SUCCESS',
    rows_processed: 10,
    bytes: 100,
    pages: null,
    files: null,
    durations: { extract_seconds: 1, normalize_seconds: 0.5, load_seconds: 0.25, total_seconds: 1.75 },
    retries: 0,
    watermark_before: null,
    watermark_after: '2026-01-31',
    stop: null,
    schema_changes: [],
    warnings: [],
    checks: [],
    error: null,
    load_id: '1',
    ...change,
  };
}

async function recorder(options: { secrets?: string[]; onEvent?: (event: RunEvent) => void } = {}) {
  let now = BEGIN;
  const it = await createRunRecorder({
    workDirectory: folder,
    runId: RUN_ID,
    pipeline: 'night/ly',
    redactor: new Redactor((options.secrets ?? []).map((value) => ({ path: 'x.password', value }))),
    clock: () => now,
    onEvent: options.onEvent,
    progressMs: 100,
    logProgressMs: 1000,
  });
  return {
    ...it,
    wait: (ms: number) => {
      now += ms;
    },
  };
}

const logged = async (file: string): Promise<RunEvent[]> =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('events go to the log as JSON lines with their time, and the metrics document to its file', async () => {
  const told: RunEvent[] = [];
  const run = await recorder({ onEvent: (event) => told.push(event) });
  run.emit({
    level: 'INFO',
    type: 'run_started',
    run_id: RUN_ID,
    pipeline: 'nightly',
    destination: 'duckdb',
    jobs: 1,
    workers: 1,
  });
  run.wait(1750);
  run.emit({ level: 'INFO', type: 'job_finished', job: 'shop.orders', result: jobResult() });
  const { metrics, metricsPath } = await run.finish({ status: 'SUCCESS', jobs: [jobResult()] });
  await run.close();

  expect(path.relative(folder, run.logPath)).toBe(path.join('metadata', `run_${RUN_ID}.jsonl`));
  expect(path.relative(folder, metricsPath)).toBe(path.join('metadata', `metrics_night_ly_${RUN_ID}.json`));
  const events = await logged(run.logPath);
  expect(events.map((event) => [event.at - BEGIN, event.type])).toEqual([
    [0, 'run_started'],
    [1750, 'job_finished'],
    [1750, 'run_finished'],
  ]);
  expect(events).toEqual(told);
  expect(events.at(-1)).toMatchObject({ status: 'SUCCESS', metrics_path: metricsPath, level: 'INFO' });

  const document = JSON.parse(await readFile(metricsPath, 'utf8'));
  expect(metricsModel.parse(document)).toEqual(metrics);
  expect(document).toMatchObject({
    pipeline_name: 'night/ly',
    run_id: RUN_ID,
    run_timestamp: '2026-01-31T06:00:00.000Z',
    health_score: 100,
    summary: { total_jobs: 1, successful_jobs: 1, failed_jobs: 0, total_rows: 10, total_duration_seconds: 1.75 },
  });
  if (process.platform !== 'win32') {
    expect((await stat(metricsPath)).mode & 0o077).toBe(0);
    expect((await stat(run.logPath)).mode & 0o077).toBe(0);
  }
});

test('progress is thinned out, and never behind what ends it', async () => {
  const told: RunEvent[] = [];
  const run = await recorder({ onEvent: (event) => told.push(event) });
  const progress = (job: string, rows: number) =>
    run.emit({ level: 'INFO', type: 'job_progress', job, stage: 'extract', rows, bytes: rows });
  for (let rows = 1; rows <= 1000; rows += 1) {
    progress('shop.orders', rows);
    progress('shop.items', rows);
    run.wait(1);
  }
  run.emit({ level: 'INFO', type: 'job_stage', job: 'shop.orders', stage: 'normalize' });
  const rowsOf = (events: RunEvent[], job: string) =>
    events.flatMap((e) => (e.type === 'job_progress' && e.job === job ? [e.rows] : []));
  expect(rowsOf(told, 'shop.orders')).toEqual([1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1000]);
  expect(told.at(-1)).toMatchObject({ type: 'job_stage' });
  await run.finish({ status: 'SUCCESS', jobs: [] });
  const events = await logged(run.logPath);
  expect(rowsOf(events, 'shop.orders')).toEqual([1, 1000]);
  expect(rowsOf(events, 'shop.items')).toEqual([1, 1000]);
  expect(events.at(-1)?.type).toBe('run_finished');
});

test('no secret in the log, the metrics or what the listener hears; closed lists stay readable', async () => {
  const told: RunEvent[] = [];
  // Secrets that are the engine's own words, too: documents must stay valid.
  const run = await recorder({
    secrets: ['swordfish', 'extract', 'INFO', 'FAILED', 'log_', 'rows', '2026'],
    onEvent: (e) => told.push(e),
  });
  run.emit({ level: 'INFO', type: 'log', message: 'login as ann:swordfish' });
  run.emit({ level: 'INFO', type: 'job_stage', job: 'shop.swordfish', stage: 'extract' });
  const failed = jobResult({
    status: 'FAILED',
    error: {
      code: 'X',
      message: 'password swordfish refused',
      hint: `Basic ${Buffer.from('ann:swordfish').toString('base64')}`,
    },
    warnings: [{ code: 'W', message: 'swordfish' }],
  });
  run.emit({ level: 'ERROR', type: 'job_finished', job: 'shop.orders', result: failed });
  const { metricsPath } = await run.finish({ status: 'FAILED', jobs: [failed] });
  const texts = [await readFile(run.logPath, 'utf8'), await readFile(metricsPath, 'utf8'), JSON.stringify(told)];
  for (const text of texts) {
    expect(text).not.toContain('swordfish');
    expect(text).not.toContain(Buffer.from('ann:swordfish').toString('base64'));
  }
  expect(told[1]).toMatchObject({ level: 'INFO', type: 'job_stage', stage: 'extract', job: 'shop.***' });
  const metrics = metricsModel.parse(JSON.parse(texts[1]!));
  expect(metrics.jobs[0]).toMatchObject({ status: 'FAILED', rows_processed: 10, error: { code: 'X' } });
  expect(metrics.run_id).toBe(RUN_ID);
});

test('a work folder that cannot be written is an error with a way out', async () => {
  await writeFile(path.join(folder, 'metadata'), 'a file where the folder should be');
  await expect(recorder()).rejects.toMatchObject({
    name: 'IngestError',
    code: 'WORK_DIRECTORY_NOT_WRITABLE',
    hint: expect.stringContaining('--work-dir'),
  });
});

test('a run id is never used twice', async () => {
  const first = await recorder();
  await expect(recorder()).rejects.toMatchObject({ code: 'WORK_DIRECTORY_NOT_WRITABLE' });
  await first.close();
  expect(await readdir(path.join(folder, 'metadata'))).toEqual([`run_${RUN_ID}.jsonl`]);
});
