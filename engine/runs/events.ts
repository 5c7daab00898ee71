import type { StopVerdict } from '../sources/source.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { CheckResult } from '../spec/metrics.ts';

export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const STAGES = ['extract', 'normalize', 'load'] as const;
export type Stage = (typeof STAGES)[number];

export const RUN_TRIGGERS = ['window', 'cli'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/**
 * What a run says while it goes on. The run log holds these as JSON lines (after redaction); text is a rendering of them.
 * `job` is `source.table`; `at` is milliseconds since the epoch, UTC.
 */
export type RunEvent = { at: number; level: LogLevel } & (
  | {
      type: 'run_started';
      run_id: string;
      pipeline: string;
      destination: string;
      jobs: number;
      workers: number;
      /** What began it. Missing in logs of older versions, like what follows. */
      trigger?: RunTrigger;
      /** Of a run that reads so many rows of each job only, to try it. */
      sample_rows?: number;
      /** The process that runs it: tells a run that goes on from one that was killed. */
      process?: { pid: number; host: string };
    }
  | { type: 'job_started'; job: string; row: number; attempt: number }
  | { type: 'job_stage'; job: string; stage: Stage }
  | { type: 'job_progress'; job: string; stage: Stage; rows: number; bytes: number; pages?: number }
  | { type: 'job_retry'; job: string; attempt: number; wait_ms: number; code: string; message: string }
  | { type: 'job_schema_change'; job: string; table: string; change: string }
  | { type: 'job_check'; job: string; result: CheckResult }
  | { type: 'job_warning'; job: string; code: string; message: string; hint?: string; column?: string }
  | { type: 'job_finished'; job: string; result: JobResult }
  | { type: 'log'; job?: string; message: string }
  | { type: 'run_finished'; run_id: string; status: JobStatus; metrics_path: string }
);

/** A described error, as it leaves the engine. */
export interface DescribedError {
  code: string;
  message: string;
  hint?: string;
}

/** The schema that a load brought. */
export interface LandedTable {
  table: string;
  columns: { name: string; type: string }[];
}

/** One job's part of the metrics document (spec section 5). */
export interface JobResult {
  source_name: string;
  table_name: string;
  /** `schema.table` in the destination. */
  target: string;
  status: JobStatus;
  rows_processed: number;
  bytes: number;
  pages: number | null;
  files: number | null;
  durations: { extract_seconds: number; normalize_seconds: number; load_seconds: number; total_seconds: number };
  retries: number;
  watermark_before: string | null;
  watermark_after: string | null;
  stop: StopVerdict | null;
  schema_changes: string[];
  /** Tables and columns of this load, as they landed. Missing where nothing was loaded. */
  schema?: LandedTable[];
  warnings: { code: string; message: string; hint?: string; column?: string }[];
  checks: CheckResult[];
  error: DescribedError | null;
  load_id: string | null;
}
