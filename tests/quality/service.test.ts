import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { suggestFor } from '../../engine/quality/suggest.ts';
import { makeJob } from '../helpers/pipeline.ts';
import { writeProject } from '../helpers/project.ts';
import { startService } from '../service/service-harness.ts';

it('the window runs checks, sees what they found over time, and is offered checks that suit the data', async () => {
  await using window = await startService();
  const directory = path.join(window.folder, 'shop');
  await mkdir(path.join(directory, 'data'), { recursive: true });
  await writeFile(path.join(directory, 'data', 'orders.csv'), 'order_id,name\n1,a\n2,\n');
  await writeProject(directory, {
    jobs: [
      {
        source_type: 'filesystem',
        source_name: 'files',
        table_name: 'orders',
        load_type: 'FULL',
        enabled: 'Y',
        file_format: 'csv',
        file_glob: 'orders.csv',
      },
    ],
    checks: [
      { table: 'orders', type: 'row_count', name: 'rows' },
      { table: 'orders', type: 'row_count', name: 'many', min_rows: 100, severity: 'critical', enabled: 'N' },
    ],
    config:
      '[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n',
  });
  const place = { directory, env: null, destination: null };
  await window.call('project.open', { directory });
  expect(await window.call('quality.history', { directory })).toEqual([]);
  expect(await window.call('quality.suggest', place)).toEqual([]);

  await window.call('run.start', { directory, env: null, rows: null, destination: null });
  await vi.waitFor(() => expect(window.heard('run.event').at(-1)?.event.type).toBe('run_finished'), 20_000);
  const { document, report_path } = await window.call('quality.run', { ...place, rows: [3] });
  expect(document.reports[0]?.checks).toMatchObject([{ check_name: 'many', status: 'failed', severity: 'critical' }]);
  expect(report_path).toContain(path.join(directory, 'metadata', 'quality_'));
  await window.call('quality.run', { ...place, rows: null });

  const history = await window.call('quality.history', { directory });
  expect(
    history.map(({ table, name, points }) => [
      table,
      name,
      points.map(({ origin, result }) => [origin, result.status]),
    ]),
  ).toEqual([
    [
      'raw.orders',
      'rows',
      [
        ['run', 'passed'],
        ['check', 'passed'],
      ],
    ],
    ['raw.orders', 'many', [['check', 'failed']]],
  ]);
  const suggestions = await window.call('quality.suggest', place);
  expect(suggestions.map(({ type, columns, reason }) => [type, columns, reason])).toEqual([
    ['row_count', [], 'orders has 2 rows'],
    ['uniqueness', ['order_id'], 'order_id has no duplicates in 2 rows'],
    ['null_rate', ['order_id'], 'order_id has no nulls in 2 rows'],
    ['reconcile', [], 'files can be counted beside the target'],
  ]);
  expect(suggestions[1]?.values).toEqual({ table: 'orders', type: 'uniqueness', columns: 'order_id' });
  await expect(window.call('quality.run', { ...place, rows: [77] })).rejects.toMatchObject({
    error: { code: 'CHECKS_NONE' },
  });
});

it('suggestions rest on what was seen: no key where one is there twice, nothing of no rows, times of incremental jobs', () => {
  const column = (name: string, type: string, filled: number, distinct: number) => ({ name, type, filled, distinct });
  const job = makeJob({
    load_type: 'INCREMENTAL',
    watermark_column: 'changedAt',
    write_disposition: 'append',
    primary_key: ['orderId', 'lineNo'],
  });
  const columns = [
    column('order_id', 'BIGINT', 12_000, 9_000),
    column('line_no', 'BIGINT', 12_000, 7),
    column('price', 'DECIMAL(18,2)', 12_000, 12_000),
    column('changed_at', 'TIMESTAMP', 11_000, 40),
  ];
  const found = suggestFor(job, 'orders', { rows: 12_000, columns }, true);
  expect(found.map(({ type, columns: of, reason }) => `${type} ${of.join('+')}: ${reason}`)).toEqual([
    'row_count : orders has 12,000 rows of a sample',
    'uniqueness order_id+line_no: order_id, line_no is the job’s primary key',
    'null_rate order_id: order_id has no nulls in 12,000 rows of a sample',
    'null_rate line_no: line_no has no nulls in 12,000 rows of a sample',
    'freshness changed_at: changed_at is when rows change',
  ]);
  expect(suggestFor(job, 'orders', { rows: 0, columns: [] }, false)).toEqual([]);
  const once = suggestFor(
    makeJob({ source_type: 'api' }),
    'orders',
    { rows: 3, columns: [column('price', 'DOUBLE', 3, 3)] },
    false,
  );
  expect(once.map(({ type }) => type)).toEqual(['row_count']);
});
