import { type Attributes, type Meter, ValueType } from '@opentelemetry/api';
import type { JobResult } from '../runs/events.ts';
import type { JobStatus } from '../spec/kinds.ts';

const SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400];

/** The figures of runs, as OpenTelemetry's instruments. */
export function runMeasures(meter: Meter) {
  const valueType = ValueType.INT;
  const advice = { explicitBucketBoundaries: SECONDS };
  const rows = meter.createCounter('ingest.rows', { valueType, unit: '{row}', description: 'Rows loaded' });
  const bytes = meter.createCounter('ingest.bytes', { valueType, unit: 'By', description: 'Bytes read from sources' });
  const jobs = meter.createCounter('ingest.jobs', {
    valueType,
    unit: '{job}',
    description: 'Jobs that ended, by status',
  });
  const failures = meter.createCounter('ingest.failures', {
    valueType,
    unit: '{job}',
    description: 'Jobs that failed, by code',
  });
  const retries = meter.createCounter('ingest.retries', {
    valueType,
    unit: '{retry}',
    description: 'Attempts after the first',
  });
  const checks = meter.createCounter('ingest.checks', {
    valueType,
    unit: '{check}',
    description: 'Checks that ran, by status',
  });
  const stages = meter.createHistogram('ingest.stage.duration', { unit: 's', advice });
  const jobDuration = meter.createHistogram('ingest.job.duration', { unit: 's', advice });
  const runDuration = meter.createHistogram('ingest.run.duration', { unit: 's', advice });
  const health = meter.createGauge('ingest.health', { unit: '1', description: 'Health score of a run, 0 to 100' });
  return {
    job(common: Attributes, result: JobResult): void {
      const of = { ...common, source: result.source_name, table: result.table_name };
      rows.add(result.rows_processed, of);
      bytes.add(result.bytes, of);
      jobs.add(1, { ...of, status: result.status });
      if (result.status === 'FAILED') failures.add(1, { ...of, code: result.error?.code ?? 'UNKNOWN' });
      if (result.retries > 0) retries.add(result.retries, of);
      for (const { status, severity, check_type } of result.checks)
        checks.add(1, { ...of, status, severity, type: check_type });
      const { extract_seconds, normalize_seconds, load_seconds, total_seconds } = result.durations;
      stages.record(extract_seconds, { ...of, stage: 'extract' });
      stages.record(normalize_seconds, { ...of, stage: 'normalize' });
      stages.record(load_seconds, { ...of, stage: 'load' });
      jobDuration.record(total_seconds, { ...of, status: result.status });
    },
    run(common: Attributes, run: { status: JobStatus; seconds: number; health: number }): void {
      runDuration.record(run.seconds, { ...common, status: run.status });
      health.record(run.health, common);
    },
  };
}
