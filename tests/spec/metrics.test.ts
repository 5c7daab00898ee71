import { describe, expect, it } from 'vitest';
import type { JobResult } from '../../engine/runs/events.ts';
import { healthScore, type JobMetrics, jobMetricsModel } from '../../engine/spec/metrics.ts';

describe('the metrics document', () => {
  it('holds exactly what a run says of a job', () => {
    const result: JobResult = {
      source_name: 'shop',
      table_name: 'orders',
      target: 'raw.orders',
      status: 'SUCCESS',
      rows_processed: 3,
      bytes: 90,
      pages: null,
      files: null,
      durations: { extract_seconds: 1, normalize_seconds: 0.5, load_seconds: 0.25, total_seconds: 1.75 },
      retries: 0,
      watermark_before: null,
      watermark_after: '2026-01-01',
      stop: { reason: 'end_of_table', detail: 'All rows were read.', records: 3 },
      schema_changes: [],
      warnings: [{ code: 'X', message: 'y' }],
      checks: [],
      error: null,
      load_id: '1',
    };
    // Each is assignable to the other: neither may have a field that the other lacks.
    const metrics: JobMetrics = result;
    const back: JobResult = metrics;
    expect(jobMetricsModel.parse(back)).toEqual(result);
  });

  it('scores 60 % jobs, 30 % checks and 10 % freshness; what was not measured counts full', () => {
    const none = { passed: 0, measured: 0 };
    expect(healthScore({ jobs: none, checks: none, freshness: none }).score).toBe(100);
    const { score, health } = healthScore({
      jobs: { passed: 1, measured: 3 },
      checks: { passed: 1, measured: 2 },
      freshness: none,
    });
    expect(score).toBe(45);
    expect(health.jobs).toEqual({ weight: 0.6, score: 1 / 3, measured: 3 });
  });
});
