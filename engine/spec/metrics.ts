import { z } from 'zod';
import { CHECK_SEVERITIES, CHECK_STATUSES, CHECK_TYPES, JOB_STATUSES } from './kinds.ts';

/** Version of the metrics document. */
export const METRICS_VERSION = 1;

const seconds = z.number().min(0);
const count = z.int().min(0);

/** Why a read ended; written by the source. */
export const stopVerdictModel = z.object({
  reason: z.string(),
  detail: z.string(),
  records: count,
  pages: count.optional(),
  files: count.optional(),
  looksTruncated: z.boolean().optional(),
});

const described = { code: z.string(), message: z.string(), hint: z.string().optional() };

/** Result of one data quality check (spec section 4). */
export const checkResultModel = z.object({
  check_name: z.string(),
  check_type: z.enum(CHECK_TYPES).or(z.string()),
  status: z.enum(CHECK_STATUSES),
  severity: z.enum(CHECK_SEVERITIES),
  message: z.string(),
  actual_value: z.union([z.number(), z.string(), z.null()]).default(null),
  expected_value: z.union([z.number(), z.string(), z.null()]).default(null),
  threshold: z.number().nullable().default(null),
  execution_time_ms: z.number().min(0),
});
export type CheckResult = z.infer<typeof checkResultModel>;

/** Checks of one table. `passed` takes a skipped check as neutral. */
export const checkReportModel = z.object({
  table_name: z.string(),
  run_timestamp: z.iso.datetime(),
  checks: z.array(checkResultModel),
  passed: z.boolean(),
  critical_failures: count,
});
export type CheckReport = z.infer<typeof checkReportModel>;

/** Version of the quality document. */
export const QUALITY_VERSION = 1;

/** `metadata/quality_<pipeline>_<run id>.json`: reports on all tables that were checked together. */
export const qualityDocumentModel = z.object({
  version: z.literal(QUALITY_VERSION),
  pipeline_name: z.string(),
  run_id: z.string(),
  run_timestamp: z.iso.datetime(),
  destination: z.string(),
  /** What asked: the loads of a run, or `ingest check`. */
  origin: z.enum(['run', 'check']),
  reports: z.array(checkReportModel),
});
export type QualityDocument = z.infer<typeof qualityDocumentModel>;

/** One job of a run; the data form of `JobResult` in `engine/runs/events.ts`. */
export const jobMetricsModel = z.object({
  source_name: z.string(),
  table_name: z.string(),
  target: z.string().describe('schema.table in the destination'),
  status: z.enum(JOB_STATUSES),
  rows_processed: count,
  bytes: count,
  pages: count.nullable(),
  files: count.nullable(),
  durations: z.object({
    extract_seconds: seconds,
    normalize_seconds: seconds,
    load_seconds: seconds,
    total_seconds: seconds,
  }),
  retries: count,
  watermark_before: z.string().nullable(),
  watermark_after: z.string().nullable(),
  stop: stopVerdictModel.nullable(),
  schema_changes: z.array(z.string()),
  schema: z
    .array(z.object({ table: z.string(), columns: z.array(z.object({ name: z.string(), type: z.string() })) }))
    .optional()
    .describe('Tables and columns of this load, as they landed'),
  warnings: z.array(z.object({ ...described, column: z.string().optional() })),
  checks: z.array(checkResultModel),
  error: z.object(described).nullable(),
  load_id: z.string().nullable(),
});
export type JobMetrics = z.infer<typeof jobMetricsModel>;

/** A part of the health score: `score` is 0–1, 1 where `measured` is 0. */
export const healthPartModel = z.object({ weight: z.number(), score: z.number().min(0).max(1), measured: count });

/** `metadata/metrics_<pipeline>_<YYYYMMDD_HHMMSS>_<run id>.json` (spec section 5). */
export const metricsModel = z.object({
  version: z.literal(METRICS_VERSION),
  pipeline_name: z.string(),
  run_timestamp: z.iso.datetime().describe('Begin of the run, UTC'),
  run_id: z.string(),
  jobs: z.array(jobMetricsModel),
  summary: z.object({
    total_jobs: count,
    successful_jobs: count,
    failed_jobs: count,
    total_rows: count,
    total_duration_seconds: seconds,
  }),
  health_score: z.number().min(0).max(100),
  health: z.object({ jobs: healthPartModel, checks: healthPartModel, freshness: healthPartModel }),
});
export type Metrics = z.infer<typeof metricsModel>;

/** Share of each part in the health score (spec section 5). */
export const HEALTH_WEIGHTS = { jobs: 0.6, checks: 0.3, freshness: 0.1 } as const;

/** 100 × the weighted sum; a part with nothing to measure counts full. */
export function healthScore(parts: Record<keyof typeof HEALTH_WEIGHTS, { passed: number; measured: number }>): {
  score: number;
  health: Metrics['health'];
} {
  const part = (name: keyof typeof HEALTH_WEIGHTS) => ({
    weight: HEALTH_WEIGHTS[name],
    score: parts[name].measured === 0 ? 1 : parts[name].passed / parts[name].measured,
    measured: parts[name].measured,
  });
  const health = { jobs: part('jobs'), checks: part('checks'), freshness: part('freshness') };
  const sum = Object.values(health).reduce((total, { weight, score }) => total + weight * score, 0);
  return { score: Math.round(sum * 10_000) / 100, health };
}
