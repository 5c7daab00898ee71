import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CallName, EventData, Output, WireError } from '../../engine/contract.ts';
import { RunHistory } from '../../engine/runs/history.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { createEngineService, type EngineService } from '../../engine/service/engine-service.ts';
import { copySample } from '../../resources/sample/demo.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { startSlowApi } from './slow-api.ts';

type RunEvents = EventData<'run.event'>[];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: EngineService;
let events: RunEvents;
let listeners: (() => void)[];

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());
beforeEach(() => {
  events = [];
  listeners = [];
  service = createEngineService({
    emit(name, data) {
      if (name !== 'run.event') return;
      events.push(data as EventData<'run.event'>);
      for (const listener of listeners) listener();
    },
    userDataDirectory: path.join(folder.path, 'user'),
    documentsDirectory: folder.path,
    sampleDirectory: path.join(import.meta.dirname, '../../resources/sample'),
    secretStore: createSecretStore({ directory: path.join(folder.path, 'secrets') }),
    version: '0.0.0',
    host: 'web',
    environment: {},
  });
});
afterEach(() => service.close());

let ids = 0;
async function call<Name extends CallName>(name: Name, input: unknown): Promise<Output<Name>> {
  ids += 1;
  const reply = await service.dispatch(`call-${ids}`, name, input);
  if (!reply.ok) throw Object.assign(new Error(reply.error.message), reply.error);
  return reply.value as Output<Name>;
}

async function until(found: (list: RunEvents) => boolean): Promise<void> {
  while (!found(events)) await new Promise<void>((resolve) => listeners.push(resolve));
}
const ended = (runId: string) =>
  until((list) => list.some(({ run_id, event }) => run_id === runId && event.type === 'run_finished'));

const start = (directory: string, more: object = {}) =>
  call('run.start', { directory, env: null, rows: null, destination: null, ...more });

/** Two jobs of one API, whose second page waits until it is let go. */
async function slowProject(name: string) {
  const api = await startSlowApi();
  const directory = path.join(folder.path, name);
  const job = {
    source_type: 'api',
    source_name: 'slow',
    pagination_type: 'page_number',
    page_size: 2,
    enabled: 'Y',
    load_type: 'FULL',
    api_endpoint: '/items',
  };
  await writeProject(directory, {
    jobs: [
      { ...job, table_name: 'items' },
      { ...job, table_name: 'more', enabled: 'N' },
    ],
    config: `[sources.slow]\nbase_url = "${api.url}"\n[destinations.duckdb]\npath = "out.duckdb"\n`,
  });
  return { directory, api };
}

test('a run of the sample tells its events by number; its record, log and results are there afterwards', async () => {
  const directory = path.join(folder.path, 'sample');
  await copySample(directory);
  // What the person allows counts, also below what four jobs at a time would take.
  await call('settings.set', { memory_limit_mib: 300 });
  const { run_id } = await start(directory);
  await ended(run_id);
  const all = { directory, run_id, offset: 0, limit: 5, levels: [], job: null };
  expect((await call('run.log', { ...all, text: 'MiB' })).texts).toEqual(['DuckDB takes at most 300 MiB of memory']);
  const mine = events.filter((event) => event.run_id === run_id);
  expect(mine.map(({ seq }) => seq)).toEqual(mine.map((_, at) => at + 1));

  const [run] = await call('run.list', { directory });
  expect(run).toMatchObject({ run_id, status: 'SUCCESS', trigger: 'window', destination: 'duckdb', sample_rows: null });
  expect(run!.jobs).toMatchObject({ failed: 0 });
  const detail = await call('run.get', { directory, run_id });
  expect(detail.results.reduce((sum, { rows_processed }) => sum + rows_processed, 0)).toBe(run!.total_rows);
  // All jobs, four of five checks, and no freshness: the sample's sales are of January 2026.
  expect(detail.metrics?.health_score).toBe(84);
  expect(detail.seq).toBe(mine.length);
  expect(detail.events.map(({ type }) => type)).toContain('job_stage');
  const log = await call('run.log', {
    directory,
    run_id,
    offset: 0,
    limit: 5,
    levels: [],
    job: 'shop.orders',
    text: null,
  });
  expect(log.total).toBeGreaterThan(3);
  expect(log.texts[0]).toBe('shop.orders: started');

  const place = { directory, env: null, destination: 'duckdb' };
  const tables = await call('result.tables', place);
  expect(tables.find(({ table }) => table === 'orders')).toMatchObject({ rows: 150, schema: 'raw' });
  const page = await call('result.page', {
    ...place,
    schema: 'raw',
    table: 'orders',
    offset: 0,
    limit: 100,
    order_by: null,
  });
  expect(page.rows).toHaveLength(100);
  expect(await call('result.profile', { ...place, schema: 'raw', table: 'stores' })).toHaveLength(8);
  expect((await call('result.query', { ...place, sql: 'select count(*) from orders' })).rows).toEqual([['150']]);
  const file = path.join(folder.path, 'orders.csv');
  expect(await call('result.export', { ...place, schema: 'raw', table: 'orders', format: 'csv', file })).toMatchObject({
    rows: 150,
  });
});

test('a run of the command line is in the history, with its log', async () => {
  const directory = path.join(folder.path, 'cli');
  await copySample(directory);
  await promisify(execFile)(process.execPath, [
    path.join(import.meta.dirname, '../../engine/cli/main.ts'),
    '-c',
    directory,
    'run',
    '--job',
    'stores',
    '--sample',
    '5',
  ]);
  const [run] = await call('run.list', { directory });
  expect(run).toMatchObject({ trigger: 'cli', status: 'SUCCESS', sample_rows: 5, jobs: { total: 1, succeeded: 1 } });
  expect(await call('run.get', { directory, run_id: run!.run_id })).toMatchObject({ here: false, seq: 0 });
  await call('run.cancel', { directory, run_id: run!.run_id });
});

test('a second run into the same file is refused in words; cancelling ends the first', async () => {
  const { directory, api } = await slowProject('slow');
  await using _ = api;
  const { run_id } = await start(directory);
  await until((list) => list.some(({ event }) => event.type === 'job_started'));
  await api.waiting;

  // A window that was loaded anew catches up.
  const detail = await call('run.get', { directory, run_id });
  expect(detail).toMatchObject({ here: true, metrics: null, summary: { status: 'RUNNING', duration_seconds: null } });
  expect(detail.seq).toBe(events.at(-1)!.seq);
  expect((await call('run.list', { directory }))[0]).toMatchObject({ run_id, status: 'RUNNING' });

  const refused = await start(directory).catch((error: WireError) => error);
  expect(refused).toMatchObject({ code: 'LOCKED', hint: 'Wait for that run, or cancel it.' });
  const looking = await call('result.tables', { directory, env: null, destination: 'duckdb' }).catch(
    (error: WireError) => error,
  );
  expect(looking).toMatchObject({ code: 'LOCKED', message: expect.stringContaining('A run is writing') });

  await call('run.cancel', { directory, run_id });
  await ended(run_id);
  expect((await call('run.list', { directory }))[0]).toMatchObject({ run_id, status: 'CANCELLED' });
});

test('closing the engine cancels what it runs', async () => {
  const { directory, api } = await slowProject('closing');
  await using _ = api;
  const { run_id } = await start(directory);
  await api.waiting;
  await service.close();
  expect(await new RunHistory().list(directory)).toMatchObject([{ run_id, status: 'CANCELLED' }]);
});

test('what cannot run is told before anything is read', async () => {
  const { directory, api } = await slowProject('rows');
  await using _ = api;
  await expect(start(directory, { rows: [3] })).rejects.toMatchObject({ code: 'SELECTOR_DISABLED' });
  await expect(start(directory, { rows: [2, 99] })).rejects.toMatchObject({ code: 'SELECTOR_UNKNOWN' });
  await expect(start(directory, { destination: 'nowhere' })).rejects.toMatchObject({ code: 'DESTINATION_UNKNOWN' });
  await writeFile(path.join(directory, '.dlt', 'config.toml'), '');
  await expect(start(directory)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    findings: expect.arrayContaining([expect.objectContaining({ severity: 'error' })]),
  });
  await expect(call('run.get', { directory, run_id: '20260131_060000_aaaaaa' })).rejects.toMatchObject({
    code: 'RUN_NOT_FOUND',
  });
  await expect(
    call('run.log', { directory, run_id: '../../x', offset: 0, limit: 1, levels: [], job: null, text: null }),
  ).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
});
