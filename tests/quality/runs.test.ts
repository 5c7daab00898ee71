import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { checkProject } from '../../engine/quality/check-project.ts';
import type { RunEvent } from '../../engine/runs/events.ts';
import { qualityDocumentModel } from '../../engine/spec/metrics.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

type Check = Record<string, string | number>;

const JOB = {
  source_type: 'filesystem',
  source_name: 'files',
  load_type: 'FULL',
  enabled: 'Y',
  file_format: 'csv',
};

const DESTINATIONS = {
  duckdb: '[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n',
  parquet: '[destination]\ntype = "filesystem"\n[destination.filesystem]\nbucket_url = "lake"\n',
} as const;

/** A project with a folder of CSV files: orders, and what checks are about. */
class Shop {
  readonly folder: string;
  readonly events: RunEvent[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  async write(kind: keyof typeof DESTINATIONS, checks: Check[], jobs: Check[] = [{}], secrets = ''): Promise<void> {
    await writeProject(this.folder, {
      jobs: jobs.map((job) => ({ ...JOB, table_name: 'orders', file_glob: 'orders*.csv', ...job })),
      checks,
      config: `[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n${DESTINATIONS[kind]}`,
      secrets,
    });
  }

  async data(text: string, name = 'orders.csv'): Promise<void> {
    await mkdir(path.join(this.folder, 'data'), { recursive: true });
    await writeFile(path.join(this.folder, 'data', name), text);
  }

  async run(more: Partial<Parameters<typeof runProject>[1]> = {}) {
    const opened = await openProject(this.folder, { environment: {} });
    this.events.length = 0;
    return await runProject(opened, {
      selectors: [],
      signal: new AbortController().signal,
      onEvent: (event) => this.events.push(event),
      ...more,
    });
  }

  async check(more: Partial<Parameters<typeof checkProject>[1]> = {}) {
    const opened = await openProject(this.folder, { environment: {} });
    return await checkProject(opened, { jobs: null, signal: new AbortController().signal, ...more });
  }

  /** Rows of the orders, told by a check of its own kind. */
  async rows(): Promise<unknown> {
    const { document } = await this.check();
    return document.reports[0]?.checks.find(({ check_name }) => check_name === 'rows')?.actual_value;
  }
}

async function shop(): Promise<Shop & AsyncDisposable> {
  const folder = await temporaryFolder();
  return Object.assign(new Shop(folder.path), { [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() });
}

const ROWS = { table: 'orders', type: 'row_count', name: 'rows' };

describe.each(['duckdb', 'parquet'] as const)('into %s', (kind) => {
  it('a run checks each load: events, metrics, health, reports in JSON and HTML', async () => {
    await using project = await shop();
    await project.data('id,name\n1,<b>&"x"\n2,\n2,\n');
    await project.write(kind, [
      ROWS,
      { table: 'orders', type: 'uniqueness', columns: 'id', name: 'key <script>alert(1)</script>' },
      { table: 'raw.orders', type: 'null_rate', column: 'name', max_null_rate: 0.9 },
      { table: 'orders', type: 'distribution', name: 'unknown one' },
      { table: 'orders', type: 'custom_sql', sql: 'SELECT count(*) FROM {table}', expected_value: 3, enabled: 'N' },
      { table: 'orders', type: 'reconcile', name: 'same rows' },
      { table: 'orders', type: 'row_count', scope: 'load', min_rows: 3, name: 'load rows' },
    ]);
    const outcome = await project.run();
    const [job] = outcome.metrics.jobs;
    expect(job?.error).toBeNull();
    expect(job?.checks.map(({ check_name, status, severity }) => [check_name, status, severity])).toEqual([
      ['rows', 'passed', 'error'],
      ['key <script>alert(1)</script>', 'failed', 'error'],
      ['null_rate_orders', 'passed', 'warning'],
      ['unknown one', 'skipped', 'warning'],
      ['same rows', 'passed', 'error'],
      ['load rows', 'passed', 'error'],
    ]);
    expect(outcome.metrics.health.checks).toMatchObject({ score: 0.8, measured: 5 });
    expect(outcome.exitCode).toBe(0);
    expect(project.events.filter(({ type }) => type === 'job_check').map(({ level }) => level)).toEqual([
      'INFO',
      'ERROR',
      'INFO',
      'INFO',
      'INFO',
      'INFO',
    ]);
    const paths = outcome.qualityPaths!;
    expect(project.events).toContainEqual(
      expect.objectContaining({ type: 'log', message: `Data quality report: ${paths.html} and ${paths.json}` }),
    );
    const document = qualityDocumentModel.parse(JSON.parse(await readFile(paths.json, 'utf8')));
    expect(document).toMatchObject({ origin: 'run', run_id: outcome.metrics.run_id, pipeline_name: 'dlt_pipeline' });
    expect(document.reports).toHaveLength(1);
    expect(document.reports[0]).toMatchObject({ table_name: 'raw.orders', passed: false, critical_failures: 0 });
    expect(document.reports[0]?.checks).toEqual(job?.checks);
    const html = await readFile(paths.html, 'utf8');
    expect(html).not.toContain('<script');
    expect(html).toContain('key &#60;script&#62;alert(1)');
    expect(html).not.toMatch(/https?:|src=|href=/);
  });

  it('a critical failure fails the job, though its rows are there', async () => {
    await using project = await shop();
    await project.data('id\n1\n2\n');
    await project.write(kind, [{ ...ROWS, min_rows: 3, severity: 'critical' }]);
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.metrics.jobs[0]).toMatchObject({
      status: 'FAILED',
      rows_processed: 2,
      error: { code: 'CHECKS_FAILED' },
    });
    expect(outcome.metrics.jobs[0]?.error?.message).toBe(
      'files.orders: critical check rows failed. The rows are loaded.',
    );
    expect(await project.rows()).toBe(2);
  });

  it('hold_back keeps a bad load away from readers, and the next run reads the corrected rows', async () => {
    await using project = await shop();
    const guard = {
      table: 'orders',
      type: 'uniqueness',
      columns: 'id',
      name: 'guard',
      severity: 'critical',
      hold_back: 'Y',
    };
    await project.write(kind, [ROWS, guard]);
    await project.data('id\n1\n2\n3\n');
    expect((await project.run()).metrics.jobs[0]?.checks.map(({ check_name }) => check_name)).toEqual([
      'guard',
      'rows',
    ]);
    expect(await project.rows()).toBe(3);

    await project.data('id\n1\n1\n2\n3\n4\n');
    const held = await project.run();
    expect(held.exitCode).toBe(1);
    expect(held.metrics.jobs[0]).toMatchObject({ status: 'FAILED', rows_processed: 0 });
    expect(held.metrics.jobs[0]?.error).toMatchObject({
      code: 'LOAD_HELD_BACK',
      message: expect.stringMatching(
        /held back, because critical check guard failed\. The target and its watermark are as they were\.$/,
      ),
      hint: expect.stringContaining('set hold_back to N'),
    });
    expect(held.metrics.jobs[0]?.checks[0]?.message).toContain('(1) × 2');
    expect(await project.rows()).toBe(3);
    // Nothing waits to be loaded by the next run.
    const left = await readdir(path.join(project.folder, 'metadata', 'packages'), { recursive: true });
    expect(left.filter((name) => /parquet$|manifest/.test(name))).toEqual([]);

    await project.data('id\n1\n2\n3\n4\n');
    const next = await project.run();
    expect(next.metrics.jobs[0]).toMatchObject({ status: 'SUCCESS', rows_processed: 4 });
    expect(await project.rows()).toBe(4);
  });

  it('hold_back does not move an incremental job on', async () => {
    await using project = await shop();
    const guard = {
      table: 'orders',
      type: 'row_count',
      max_rows: 1,
      name: 'guard',
      severity: 'critical',
      hold_back: 'Y',
    };
    await project.write(kind, [ROWS, guard], [{ load_type: 'INCREMENTAL', incremental_mode: 'file_name' }]);
    await project.data('id\n1\n', 'orders_1.csv');
    expect((await project.run()).exitCode).toBe(0);
    await project.data('id\n2\n3\n', 'orders_2.csv');
    const held = await project.run();
    expect(held.metrics.jobs[0]?.error?.code).toBe('LOAD_HELD_BACK');
    expect(held.metrics.jobs[0]?.watermark_after).toBe(held.metrics.jobs[0]?.watermark_before);
    expect(await project.rows()).toBe(1);
    await project.data('id\n2\n', 'orders_2.csv');
    expect((await project.run()).metrics.jobs[0]).toMatchObject({ status: 'SUCCESS', rows_processed: 1 });
    expect(await project.rows()).toBe(2);
  });

  it('is checked when asked, reading only', async () => {
    await using project = await shop();
    await project.data('id,at\n1,2026-01-01\n');
    await project.data('id\n7\n', 'customers.csv');
    await project.write(
      kind,
      [
        { table: 'orders', type: 'freshness', column: 'at', severity: 'critical' },
        { table: 'customers', type: 'reconcile', compare: 'sum', columns: 'id', name: 'sums' },
        {
          table: 'customers',
          type: 'custom_sql',
          sql: 'SELECT count(*) FROM orders',
          expected_value: 1,
          name: 'other',
        },
        { table: 'gone', type: 'row_count' },
      ],
      [{}, { table_name: 'customers', file_glob: 'customers.csv' }],
    );
    await project.run();
    const told: string[] = [];
    const { document, json, html } = await project.check({
      onResult: (table, { status }) => told.push(`${table} ${status}`),
    });
    expect(told).toEqual(['raw.orders failed', 'raw.customers passed', 'raw.customers passed', 'raw.gone failed']);
    expect(document.reports.map(({ critical_failures }) => critical_failures)).toEqual([1, 0, 1]);
    expect(document.origin).toBe('check');
    expect(path.basename(json)).toMatch(/^quality_dlt_pipeline_\d{8}_\d{6}_[0-9a-f]{6}\.json$/);
    expect(html.replace('.html', '.json')).toBe(json);
    const opened = await openProject(project.folder, { environment: {} });
    const customers = opened.project.jobs.filter(({ table_name }) => table_name === 'customers');
    expect((await project.check({ jobs: customers })).document.reports.map(({ table_name }) => table_name)).toEqual([
      'raw.customers',
    ]);
    await expect(project.check({ rows: [99] })).rejects.toMatchObject({ code: 'CHECKS_NONE' });
  });
});

it('a sample is checked for what a part of the rows can tell', async () => {
  await using project = await shop();
  await project.data('id,name\n1,\n1,\n');
  await project.write('duckdb', [
    { ...ROWS, min_rows: 1000, severity: 'critical' },
    { table: 'orders', type: 'uniqueness', columns: 'id' },
  ]);
  const { metrics } = await project.run({ sampleRows: 10 });
  expect(metrics.jobs[0]).toMatchObject({ status: 'SUCCESS', target: 'raw_sample.orders' });
  expect(metrics.jobs[0]?.checks.map(({ check_type, status }) => [check_type, status])).toEqual([
    ['uniqueness', 'failed'],
  ]);
});

it('no secret is in a report, whatever a value holds', async () => {
  await using project = await shop();
  await project.data('id\nhunter22\nhunter22\n');
  await project.write(
    'duckdb',
    [{ table: 'orders', type: 'uniqueness', columns: 'id' }],
    [{}],
    '[sources.files]\npassword = "hunter22"\n',
  );
  const { qualityPaths, metrics } = await project.run();
  for (const file of [qualityPaths!.json, qualityPaths!.html])
    expect(await readFile(file, 'utf8')).not.toContain('hunter22');
  expect(JSON.stringify([metrics, project.events])).not.toContain('hunter22');
  expect(metrics.jobs[0]?.checks[0]?.status).toBe('failed');
});

it('a run that loads nothing new still checks the table, not the load', async () => {
  await using project = await shop();
  await project.data('id\n1\n', 'orders_1.csv');
  await project.write(
    'duckdb',
    [ROWS, { ...ROWS, scope: 'load', name: 'new rows' }],
    [{ load_type: 'INCREMENTAL', incremental_mode: 'file_name' }],
  );
  await project.run();
  const { metrics } = await project.run();
  expect(metrics.jobs[0]?.load_id).toBeNull();
  expect(metrics.jobs[0]?.checks.map(({ status }) => status)).toEqual(['passed', 'skipped']);
});
