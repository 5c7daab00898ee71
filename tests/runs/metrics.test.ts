import { expect, test } from 'vitest';
import type { JobResult } from '../../engine/runs/events.ts';
import { runMetrics } from '../../engine/runs/metrics.ts';
import { fileNamePart, newRunId, timestampText } from '../../engine/runs/run-id.ts';
import type { CheckResult } from '../../engine/spec/metrics.ts';

function job(status: JobResult['status'], checks: CheckResult[] = []): JobResult {
  return {
    source_name: 's',
    table_name: 't',
    target: 'raw.t',
    status,
    rows_processed: 5,
    bytes: 0,
    pages: null,
    files: null,
    durations: { extract_seconds: 0, normalize_seconds: 0, load_seconds: 0, total_seconds: 0 },
    retries: 0,
    watermark_before: null,
    watermark_after: null,
    stop: null,
    schema_changes: [],
    warnings: [],
    checks,
    error: null,
    load_id: null,
  };
}

function check(check_type: CheckResult['check_type'], status: CheckResult['status']): CheckResult {
  return {
    check_name: 'c',
    check_type,
    status,
    severity: 'error',
    message: '',
    actual_value: null,
    expected_value: null,
    threshold: null,
    execution_time_ms: 1,
  };
}

const of = (jobs: JobResult[]) => runMetrics({ pipeline: 'p', runId: 'r', startedAt: 0, finishedAt: 2500, jobs });

test('health is 100 × (0.6 jobs + 0.3 checks + 0.1 freshness), and the parts are listed', () => {
  const metrics = of([
    job('SUCCESS', [check('row_count', 'passed'), check('freshness', 'failed'), check('custom_sql', 'skipped')]),
    job('FAILED'),
    job('SKIPPED'),
    job('CANCELLED'),
  ]);
  expect(metrics.health.jobs).toEqual({ weight: 0.6, score: 1 / 3, measured: 3 });
  expect(metrics.health.checks).toEqual({ weight: 0.3, score: 0.5, measured: 2 });
  expect(metrics.health.freshness).toEqual({ weight: 0.1, score: 0, measured: 1 });
  expect(metrics.health_score).toBe(35);
  expect(metrics.summary).toEqual({
    total_jobs: 4,
    successful_jobs: 1,
    failed_jobs: 1,
    total_rows: 20,
    total_duration_seconds: 2.5,
  });
});

test('what was not measured counts full', () => {
  expect(of([]).health_score).toBe(100);
  expect(of([job('SUCCESS')]).health_score).toBe(100);
  expect(of([job('FAILED')]).health_score).toBe(40);
});

test('run ids sort by time and differ within a second', () => {
  const at = Date.UTC(2026, 0, 31, 6, 5, 4);
  expect(timestampText(at)).toBe('20260131_060504');
  expect(newRunId(at, () => Buffer.from([1, 2, 255]))).toBe('20260131_060504_0102ff');
  expect(new Set(Array.from({ length: 50 }, () => newRunId(at))).size).toBe(50);
});

test('a pipeline name becomes part of a file name on every system', () => {
  expect(fileNamePart('Umsätze 2026')).toBe('Umsätze_2026');
  expect(fileNamePart('a/b\\c:d*?"<>|e')).toBe('a_b_c_d_e');
  expect(fileNamePart('../..')).toBe('.._');
  expect(fileNamePart('...')).toBe('_');
  expect(fileNamePart('x'.repeat(500))).toHaveLength(80);
});
