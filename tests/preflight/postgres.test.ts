import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDestination } from '../../engine/connectors.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { preflightProject } from '../../engine/preflight/preflight-project.ts';
import type { JobPreflight } from '../../engine/preflight/preflight-report.ts';
import { type PostgresServer, startPostgres } from '../helpers/postgres-server.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

let server: PostgresServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  server = await startPostgres();
  folder = await temporaryFolder();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await folder[Symbol.asyncDispose]();
});

const never = () => new AbortController().signal;

type Row = Record<string, string>;

/** A project of its own with jobs on the server; `destination` is what a run uses. */
async function project(name: string, jobs: Row[], destination: 'duckdb' | 'filesystem' = 'duckdb') {
  const directory = path.join(folder.path, name);
  const { host, port, username, password } = server;
  await writeProject(directory, {
    jobs: jobs.map((job) => ({ source_type: 'postgresql', source_name: 'shop', schema_name: 'public', ...job })),
    settings: { name: 'nightly', destination },
    config: [
      `[sources.shop]\nhost = "${host}"\nport = ${port}\ndatabase = "postgres"\nusername = "${username}"`,
      '[destination.duckdb]\npath = "out/dry run.duckdb"',
      '[destination.filesystem]\nbucket_url = "lake"',
    ].join('\n'),
    secrets: `[sources.shop]\npassword = "${password}"`,
  });
  return {
    directory,
    run: async () => {
      const outcome = await runProject(await openProject(directory), {
        selectors: [],
        signal: never(),
        onEvent: () => undefined,
      });
      expect(outcome.metrics.jobs.map(({ error }) => error)).toEqual(jobs.map(() => null));
    },
    preflight: async (options: { lookBack?: string; signal?: AbortSignal; asksSource?: boolean } = {}) => {
      const opened = await openProject(directory);
      const report = await preflightProject(opened, {
        jobs: opened.project.jobs,
        asksSource: options.asksSource ?? true,
        looksForLateRows: true,
        lookBack: options.lookBack ?? null,
        signal: options.signal ?? never(),
      });
      return report;
    },
    /** Files with their sizes and times of change. */
    files: async () => {
      const names = await readdir(directory, { recursive: true, withFileTypes: true });
      return names.map((entry) => path.join(entry.parentPath, entry.name)).sort();
    },
  };
}

const codes = (job: JobPreflight | undefined) => job?.findings.map(({ code }) => code);
const column = (job: JobPreflight | undefined, name: string) => job?.columns.find((entry) => entry.column === name);

test.each(['duckdb', 'filesystem'] as const)(
  'before the first load into %s nothing is made by looking',
  async (kind) => {
    await server.query(
      `CREATE TABLE IF NOT EXISTS first_look (id int PRIMARY KEY, price numeric(12,2), "createdAt" timestamptz NOT NULL)`,
    );
    const { preflight, files } = await project(
      `first-${kind}`,
      [
        {
          table_name: 'first_look',
          load_type: 'INCREMENTAL',
          watermark_column: 'createdAt',
          last_watermark: '2026-01-01T00:00:00Z',
          primary_key: 'id',
        },
      ],
      kind,
    );
    const before = await files();
    const report = await preflight();
    expect(await files()).toEqual(before);
    const [job] = report.jobs;
    expect(job).toMatchObject({ verdict: 'ready', findings: [], late_rows: null, target: 'raw.first_look' });
    expect(job?.next_read.watermark).toEqual({ value: '2026-01-01T00:00:00Z', origin: 'last_watermark', since: null });
    expect(job?.next_read.statement).toContain(`"createdAt" >= `);
    expect(job?.columns.map(({ column: name, source, verdict }) => [name, source, verdict])).toEqual([
      ['id', 'id', 'new'],
      ['price', 'price', 'new'],
      ['created_at', 'createdAt', 'new'],
    ]);
  },
);

test.each(['duckdb', 'filesystem'] as const)(
  'every kind of change is predicted, and %s keeps the word',
  async (kind) => {
    const table = `changes_${kind}`;
    await server.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, "unitPrice" numeric(10,2), old text, kept text, grows int, at timestamp NOT NULL);
     INSERT INTO ${table} VALUES (1, 1.5, 'x', 'y', 7, '2026-03-01 10:00:00')`,
    );
    const job = {
      table_name: table,
      load_type: 'INCREMENTAL',
      watermark_column: 'at',
      primary_key: 'id',
    };
    const { run, preflight, directory } = await project(`changes-${kind}`, [job], kind);
    await run();
    expect((await preflight()).jobs[0]).toMatchObject({
      verdict: 'ready',
      next_read: { watermark: { origin: 'state' } },
    });
    await server.query(
      `ALTER TABLE ${table} ALTER "unitPrice" TYPE timestamp USING '2026-01-01', DROP old, ALTER grows TYPE bigint, ADD fresh uuid;
     INSERT INTO ${table} (id, grows, at) VALUES (2, 5000000000, '2026-03-01 11:00:00')`,
    );
    const [changed] = (await preflight()).jobs;
    expect(changed?.verdict).toBe('fails');
    expect(column(changed, 'kept')?.verdict).toBe('fits');
    expect(column(changed, 'old')).toMatchObject({ verdict: 'gone', live: 'VARCHAR' });
    expect(column(changed, 'fresh')).toMatchObject({ verdict: 'added', live: null });
    expect(column(changed, 'grows')).toMatchObject({ verdict: 'widens', live: 'INTEGER', incoming: 'BIGINT' });
    expect(column(changed, 'unit_price')).toMatchObject({
      verdict: 'fails',
      error: 'SCHEMA_CHANGE_UNSAFE',
      suggestion: { cell: 'column_types', entry: 'unitPrice:decimal(10,2)' },
    });
    const outcome = await runProject(await openProject(directory), {
      selectors: [],
      signal: never(),
      onEvent: () => undefined,
    });
    expect(outcome.metrics.jobs[0]?.error?.code).toBe('SCHEMA_CHANGE_UNSAFE');
  },
);

test('the contract decides what is new', async () => {
  await server.query(`CREATE TABLE contracts (id int PRIMARY KEY, n int); INSERT INTO contracts VALUES (1, 1)`);
  const jobs = ['freeze', 'discard_row', 'discard_value'].map((contract) => ({
    table_name: 'contracts',
    load_type: 'FULL',
    write_disposition: 'append',
    target_table: `contracts_${contract}`,
    schema_contract: contract,
  }));
  const { run, preflight } = await project('contracts', jobs);
  await run();
  await server.query(`ALTER TABLE contracts ADD extra text, ALTER n TYPE text`);
  const [frozen, row, value] = (await preflight()).jobs;
  expect(frozen?.verdict).toBe('fails');
  expect(column(frozen, 'extra')).toMatchObject({ verdict: 'fails', error: 'SCHEMA_FROZEN', suggestion: null });
  expect(column(frozen, 'n')?.suggestion).toEqual({ cell: 'column_types', entry: 'n:integer' });
  for (const [job, contract] of [
    [row, 'discard_row'],
    [value, 'discard_value'],
  ] as const) {
    expect(job?.verdict).toBe('attention');
    expect(column(job, 'extra')).toMatchObject({ verdict: 'discarded', live: null });
    expect(column(job, 'n')?.message).toContain(`schema_contract ${contract}`);
  }
});

test('rows that were committed late are found, counted, and the lag for them brings them', async () => {
  await server.query(
    `CREATE TABLE late (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL);
     CREATE TABLE late_log (note text, at timestamptz NOT NULL);
     INSERT INTO late SELECT n, 'early', timestamptz '2026-05-01 10:00:00Z' + n * interval '1 minute' FROM generate_series(0, 60) n;
     INSERT INTO late_log SELECT note, updated_at FROM late`,
  );
  const incremental = { load_type: 'INCREMENTAL', schema_name: 'public' };
  const rows = [
    { ...incremental, table_name: 'late', watermark_column: 'updated_at', primary_key: 'id' },
    { ...incremental, table_name: 'late_log', watermark_column: 'at' },
  ];
  const { run, preflight, directory } = await project('late', rows);
  // transactions that are open while the load reads: their rows have their time, and are seen only afterwards
  const slow = await server.client();
  await slow.query(
    `BEGIN; INSERT INTO late VALUES (100, 'late', '2026-05-01 10:18:00Z'), (101, 'late', '2026-05-01 10:50:00Z');
     UPDATE late SET updated_at = '2026-05-01 10:59:30Z' WHERE id = 3;
     INSERT INTO late_log VALUES ('late', '2026-05-01 10:18:00Z'), ('late', '2026-05-01 10:18:00Z')`,
  );
  await run();
  const clean = (await preflight()).jobs;
  expect(clean.map(({ late_rows }) => late_rows?.status)).toEqual(['none', 'none']);
  await slow.query('COMMIT');

  const [found, log] = (await preflight()).jobs;
  expect(found?.late_rows).toMatchObject({
    status: 'found',
    late_rows: 3,
    covered_rows: 0,
    at_most: 42 * 60,
    suggested_lag: '1h',
    looked_back: '1d',
  });
  expect(found?.verdict).toBe('attention');
  const finding = found?.findings.find(({ code }) => code === 'LATE_ROWS');
  expect(finding?.suggestion).toEqual({ cell: 'lag', entry: '1h' });
  expect(finding?.message).toMatch(/^3 rows of 62 rows .*42 min late .*Set lag to 1h/);
  // without a key rows are counted by watermark; a lag is no way out there
  expect(log?.late_rows).toMatchObject({ status: 'found', late_rows: 2, suggested_lag: '1h' });
  const ofLog = log?.findings.find(({ code }) => code === 'LATE_ROWS');
  expect(ofLog).toMatchObject({ suggestion: null });
  expect(ofLog?.message).toContain('needs a primary_key');
  // the stretch is what was asked for
  expect((await preflight({ lookBack: '15m' })).jobs[0]?.late_rows).toMatchObject({
    late_rows: 2,
    suggested_lag: '15m',
  });

  // the way out holds: with that lag the next run brings them
  const { password, port, host, username } = server;
  await writeProject(directory, {
    jobs: rows.map((row) => ({
      source_type: 'postgresql',
      source_name: 'shop',
      ...row,
      ...('primary_key' in row ? { lag: '1h' } : {}),
    })),
    settings: { name: 'nightly', destination: 'duckdb' },
    config: `[sources.shop]\nhost = "${host}"\nport = ${port}\ndatabase = "postgres"\nusername = "${username}"\n[destination.duckdb]\npath = "out/dry run.duckdb"`,
    secrets: `[sources.shop]\npassword = "${password}"`,
  });
  expect((await preflight()).jobs[0]?.late_rows).toMatchObject({ late_rows: 3, covered_rows: 3, suggested_lag: null });
  await run();
  expect((await preflight()).jobs[0]?.late_rows).toMatchObject({ status: 'none', late_rows: 0 });
});

test('numbers of a sequence that come late have a lag in numbers, and an initial value is no late row', async () => {
  await server.query(
    `CREATE TABLE numbered (id bigint PRIMARY KEY); INSERT INTO numbered SELECT n FROM generate_series(1, 1000) n WHERE n NOT IN (950, 970)`,
  );
  const { run, preflight } = await project('numbered', [
    {
      table_name: 'numbered',
      load_type: 'INCREMENTAL',
      watermark_column: 'id',
      primary_key: 'id',
      last_watermark: '900',
    },
  ]);
  await run();
  await server.query('INSERT INTO numbered VALUES (950), (970)');
  expect((await preflight()).jobs[0]?.late_rows).toMatchObject({ late_rows: 2, at_most: 50, suggested_lag: '50' });
});

test('what cannot be told says why', async () => {
  await server.query(
    `CREATE TABLE worded (id int PRIMARY KEY, code text NOT NULL); INSERT INTO worded VALUES (1, 'a'), (2, 'b')`,
  );
  const { run, preflight } = await project('worded', [
    { table_name: 'worded', load_type: 'INCREMENTAL', watermark_column: 'code', primary_key: 'id' },
  ]);
  await run();
  const [job] = (await preflight()).jobs;
  expect(job).toMatchObject({ verdict: 'ready', late_rows: { status: 'unknown' } });
  expect(job?.late_rows?.message).toContain('neither a time nor a number');
});

test('one job that would fail stops no other; keys and missing tables are told', async () => {
  await server.query(`CREATE TABLE keyed (a int, b int, at timestamp); CREATE TABLE fine (id int PRIMARY KEY)`);
  const { preflight } = await project('several', [
    { table_name: 'not_there', load_type: 'FULL' },
    { table_name: 'keyed', load_type: 'INCREMENTAL', watermark_column: 'at', primary_key: 'a' },
    { table_name: 'fine', load_type: 'FULL' },
  ]);
  const { jobs, summary } = await preflight();
  expect(summary).toEqual({ ready: 1, attention: 1, fails: 1 });
  expect(codes(jobs[0])).toEqual(['SOURCE_TABLE_NOT_FOUND']);
  expect(codes(jobs[1])).toEqual(['PRIMARY_KEY_NOT_PROMISED', 'PRIMARY_KEY_NULLABLE', 'WATERMARK_NULLABLE']);
  const offline = await preflight({ asksSource: false });
  expect(offline.jobs.map(({ verdict, columns, next_read }) => [verdict, columns.length, next_read.statement])).toEqual(
    jobs.map(() => ['ready', 0, null]),
  );
});

test('a target that a run holds is told, and looking leaves no lock', async () => {
  await server.query(`CREATE TABLE held (id int PRIMARY KEY); INSERT INTO held VALUES (1)`);
  for (const kind of ['duckdb', 'filesystem'] as const) {
    const { run, preflight, directory } = await project(
      `held-${kind}`,
      [{ table_name: 'held', load_type: 'FULL' }],
      kind,
    );
    await run();
    const workspace = await Workspace.open({
      memoryLimitMiB: 256,
      threads: 1,
      tempDirectory: path.join(directory, 't'),
    });
    const { project: opened } = await openProject(directory);
    const destination = await openDestination(opened.destinations[kind] as never, {
      workspace,
      baseDirectory: directory,
      tempDirectory: path.join(directory, 't2'),
    });
    await destination.open(never());
    const target = { schema: 'raw', table: 'held' };
    const lock = await destination.lock(target, { runId: 'other_run', pid: process.pid, host: 'elsewhere' });
    const [job] = (await preflight()).jobs;
    expect(job?.verdict, kind).toBe('fails');
    expect(codes(job), kind).toEqual(['LOCKED']);
    await lock.release();
    await destination.close();
    workspace.close();
    expect((await preflight()).jobs[0]?.verdict, kind).toBe('ready');
    // had the look left a lock, this run would be refused
    await run();
  }
});

test('a look can be cancelled', async () => {
  const { preflight } = await project('cancelled', [{ table_name: 'fine', load_type: 'FULL' }]);
  const controller = new AbortController();
  controller.abort();
  await expect(preflight({ signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
});
