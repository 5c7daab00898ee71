import path from 'node:path';
import { writeFileAtomic } from '../bundle/write-atomic.ts';
import { healthScore, METRICS_VERSION, type Metrics, metricsModel } from '../spec/metrics.ts';
import type { JobResult } from './events.ts';
import { fileNamePart } from './run-id.ts';

export interface RunFacts {
  pipeline: string;
  runId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  finishedAt: number;
  jobs: readonly JobResult[];
}

/**
 * The metrics document of a run (spec section 5).
 * Jobs that were skipped and checks that were not run are neutral to the health score; a cancelled job counts as not successful.
 */
export function runMetrics(run: RunFacts): Metrics {
  const count = (status: JobResult['status']) => run.jobs.filter((job) => job.status === status).length;
  const checks = run.jobs.flatMap((job) => job.checks).filter((check) => check.status !== 'skipped');
  const freshness = checks.filter((check) => check.check_type === 'freshness');
  const passed = (list: typeof checks) => list.filter((check) => check.status === 'passed').length;
  const { score, health } = healthScore({
    jobs: { passed: count('SUCCESS'), measured: run.jobs.length - count('SKIPPED') },
    checks: { passed: passed(checks), measured: checks.length },
    freshness: { passed: passed(freshness), measured: freshness.length },
  });
  return metricsModel.parse({
    version: METRICS_VERSION,
    pipeline_name: run.pipeline,
    run_timestamp: new Date(run.startedAt).toISOString(),
    run_id: run.runId,
    jobs: run.jobs,
    summary: {
      total_jobs: run.jobs.length,
      successful_jobs: count('SUCCESS'),
      failed_jobs: count('FAILED'),
      total_rows: run.jobs.reduce((sum, job) => sum + job.rows_processed, 0),
      total_duration_seconds: Math.max(0, run.finishedAt - run.startedAt) / 1000,
    },
    health_score: score,
    health,
  });
}

/** `metadata/metrics_<pipeline>_<YYYYMMDD_HHMMSS>_<random>.json` below the work folder; a run id begins with the time of its start. */
export function metricsPath(workDirectory: string, run: Pick<RunFacts, 'pipeline' | 'runId'>): string {
  const name = `metrics_${fileNamePart(run.pipeline)}_${run.runId}.json`;
  return path.join(workDirectory, 'metadata', name);
}

/** Writes the document whole or not at all. @throws IngestError of {@link writeFileAtomic} */
export async function writeMetrics(file: string, metrics: Metrics): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(metrics, null, 2)}\n`, { mode: 0o600 });
}
