import { expect, test } from 'vitest';
import { bytesText, eventLine, eventText, secondsText } from '../../engine/runs/event-text.ts';
import type { JobResult, RunEvent } from '../../engine/runs/events.ts';

const base = { at: Date.UTC(2026, 0, 31, 6, 0, 0, 5), level: 'INFO' } as const;
const result: JobResult = {
  source_name: 'shop',
  table_name: 'orders',
  target: 'raw.orders',
  status: 'FAILED',
  rows_processed: 1234,
  bytes: 5_600_000,
  pages: 3,
  files: null,
  durations: { extract_seconds: 1, normalize_seconds: 1, load_seconds: 1, total_seconds: 75 },
  retries: 0,
  watermark_before: null,
  watermark_after: '42',
  stop: { reason: 'empty_page', detail: 'the page was empty', records: 1234, looksTruncated: true },
  schema_changes: [],
  warnings: [],
  checks: [],
  error: { code: 'X_FAILED', message: 'it broke', hint: 'mend it' },
  load_id: null,
};

const TEXTS: [RunEvent, string][] = [
  [
    { ...base, type: 'run_started', run_id: 'r1', pipeline: 'p', destination: 'd', jobs: 2, workers: 1 },
    'Run r1 of p into d: 2 jobs, 1 worker',
  ],
  [{ ...base, type: 'job_started', job: 'a.b', row: 2, attempt: 1 }, 'a.b: started'],
  [{ ...base, type: 'job_started', job: 'a.b', row: 2, attempt: 2 }, 'a.b: started (attempt 2)'],
  [{ ...base, type: 'job_stage', job: 'a.b', stage: 'load' }, 'a.b: load'],
  [
    { ...base, type: 'job_progress', job: 'a.b', stage: 'extract', rows: 1, bytes: 999, pages: 1 },
    'a.b: extract 1 row, 999 B, 1 page',
  ],
  [
    { ...base, type: 'job_retry', job: 'a.b', attempt: 1, wait_ms: 1500, code: 'C', message: 'm' },
    'a.b: attempt 1 failed, next in 1.5 s: C: m',
  ],
  [{ ...base, type: 'job_schema_change', job: 'a.b', table: 't', change: 'added c' }, 'a.b: t: added c'],
  [{ ...base, type: 'job_schema_change', job: 'a.b', table: 't', change: 't: created' }, 'a.b: t: created'],
  [{ ...base, type: 'job_warning', job: 'a.b', code: 'W', message: 'm', hint: 'h', column: 'c' }, 'a.b: W (c): m → h'],
  [
    { ...base, type: 'job_finished', job: 'a.b', result },
    'a.b: FAILED, 1,234 rows, 5.6 MB, 3 pages; in 1 min 15 s; watermark none → 42; the page was empty (looks truncated); X_FAILED: it broke → mend it',
  ],
  [{ ...base, type: 'log', message: 'hello' }, 'hello'],
  [{ ...base, type: 'log', job: 'a.b', message: 'hello' }, 'a.b: hello'],
  [
    { ...base, type: 'run_finished', run_id: 'r1', status: 'SUCCESS', metrics_path: '/m.json' },
    'Run r1: SUCCESS; metrics in /m.json',
  ],
];

test.each(TEXTS)('%o', (event, text) => {
  expect(eventText(event)).toBe(text);
});

test('a line of a log begins with time and level', () => {
  expect(eventLine({ ...base, type: 'log', message: 'x' })).toBe('2026-01-31T06:00:00.005Z INFO    x');
});

test('sizes and times as people read them', () => {
  expect([0, 999, 1000, 99_499, 99_500, 999_499, 999_500, 12.34e9, 5e15].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '99.5 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '12.3 GB',
    '5000 TB',
  ]);
  expect([0, 0.44, 9.94, 9.95, 59.4, 59.6, 3599, 3600, 7500].map(secondsText)).toEqual([
    '0.0 s',
    '0.4 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 0 min',
    '2 h 5 min',
  ]);
});
