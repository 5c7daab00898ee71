import type { SchemaChange, TargetRef } from '../destinations/destination.ts';
import type { PackageTable } from '../load/load-package.ts';
import type { RetryOptions } from '../retry.ts';
import type { JobResult, LandedTable, RunEvent, Stage } from '../runs/events.ts';
import { goneColumns } from '../runs/schema-record.ts';
import type { ReadWarning } from '../sources/source.ts';
import { type Job, jobName } from '../spec/job.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { CheckResult } from '../spec/metrics.ts';
import type { Deduplicated } from './deduplicate.ts';
import { describeError } from './engine-error.ts';
import { describeChange } from './evolution.ts';
import type { Extracted } from './extract.ts';

type WithoutHead<E> = E extends RunEvent ? Omit<E, 'at' | 'level'> & { level?: RunEvent['level'] } : never;
export type EmitEvent = (event: WithoutHead<RunEvent>) => void;

/** What a run says of one of its jobs: events as it goes, and the result that they add up to. */
export class JobReport {
  readonly result: JobResult;
  readonly #job: Job;
  readonly #name: string;
  readonly #emit: EmitEvent;
  readonly #warned = new Set<string>();
  readonly #started = performance.now();

  constructor(job: Job, target: TargetRef, emit: EmitEvent) {
    this.#job = job;
    this.#name = jobName(job);
    this.#emit = emit;
    this.result = blankResult(job, 'SUCCESS', target);
    emit({ type: 'job_started', job: this.#name, row: job.row, attempt: 1 });
  }

  stage(stage: Stage): void {
    this.#emit({ type: 'job_stage', job: this.#name, stage, level: 'DEBUG' });
  }

  log(message: string, level: 'DEBUG' | 'INFO' = 'INFO'): void {
    this.#emit({ type: 'log', job: this.#name, message, level });
  }

  progress(counts: { rows: number; bytes: number; pages?: number }): void {
    this.#emit({ type: 'job_progress', job: this.#name, stage: 'extract', level: 'DEBUG', ...counts });
  }

  /** Each warning once a column: a retry says the same again. */
  warning(warning: ReadWarning): void {
    const key = `${warning.code}|${warning.column ?? ''}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.result.warnings.push(warning);
    this.#emit({ type: 'job_warning', job: this.#name, level: 'WARNING', ...warning });
  }

  retry({ attempt, wait, error }: Parameters<NonNullable<RetryOptions['onRetry']>>[0]): void {
    this.result.retries += 1;
    this.#emit({
      type: 'job_retry',
      job: this.#name,
      attempt,
      wait_ms: wait,
      code: error.code,
      message: error.message,
      level: 'WARNING',
    });
  }

  check(result: CheckResult): void {
    this.result.checks.push(result);
    const level = result.status !== 'failed' ? 'INFO' : result.severity === 'warning' ? 'WARNING' : 'ERROR';
    this.#emit({ type: 'job_check', job: this.#name, result, level });
  }

  extracted({ summary, bytes, extractSeconds, normalizeSeconds }: Extracted): void {
    const { result } = this;
    result.bytes += bytes;
    result.retries += summary.retries;
    result.stop = summary.verdict;
    result.pages = summary.verdict.pages ?? null;
    result.files = summary.verdict.files ?? null;
    result.durations.extract_seconds += extractSeconds;
    result.durations.normalize_seconds += normalizeSeconds;
    if (!summary.verdict.looksTruncated) return;
    this.warning({
      code: 'LOOKS_TRUNCATED',
      message: summary.verdict.detail,
      hint: 'Compare the count with the source, and look at the pages with `ingest preview`.',
    });
  }

  duplicates({ knownRows, repeatedRows }: Deduplicated): void {
    if (knownRows > 0)
      this.log(`${counted(knownRows, 'row')} at the watermark left out: an earlier load brought them.`);
    if (repeatedRows > 0)
      this.log(
        `${counted(repeatedRows, 'row')} left out: this batch holds the same primary key with a higher watermark, or the very same row.`,
      );
  }

  /** Steps that a load took with its tables; `existed` says whether the target was there before. */
  schemaChanges(changes: readonly SchemaChange[], existed: boolean): void {
    const decision = existed ? ` (schema_contract ${this.#job.schema_contract})` : '';
    for (const change of changes)
      this.schemaChange(change.table, `${describeChange(change)}${decision}`, existed ? 'WARNING' : 'INFO');
  }

  /** Each change once: a retry meets the same again. */
  schemaChange(table: string, change: string, level: 'INFO' | 'WARNING'): void {
    if (this.result.schema_changes.includes(change)) return;
    this.result.schema_changes.push(change);
    this.#emit({ type: 'job_schema_change', job: this.#name, table, change, level });
  }

  /** What landed is kept with the run, so that the next one can tell what went. */
  landed(tables: readonly PackageTable[], before: readonly LandedTable[] | null): void {
    const landed = tables.map(({ name, columns }) => ({
      table: name,
      columns: columns.map((column) => ({ name: column.name, type: column.type })),
    }));
    this.result.schema = landed;
    // Records of an API need not have every field in every batch.
    if (this.#job.source_type === 'api' || this.#job.file_format === 'jsonl') return;
    for (const { table, column } of goneColumns(before ?? [], landed))
      this.schemaChange(
        table,
        `${table}: column ${column} is gone from the source; new rows have null there`,
        'WARNING',
      );
  }

  /** The end of a job that something stopped. */
  failed(error: Parameters<typeof describeError>[0]): void {
    this.result.status = error.code === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
    this.result.error = describeError(error);
  }

  finish(): JobResult {
    this.result.durations.total_seconds = (performance.now() - this.#started) / 1000;
    const level = this.result.status === 'FAILED' ? 'ERROR' : 'INFO';
    this.#emit({ type: 'job_finished', job: this.#name, result: this.result, level });
    return this.result;
  }
}

/** The result of a job of which nothing is known yet. */
export function blankResult(job: Job, status: JobStatus, target: TargetRef): JobResult {
  return {
    source_name: job.source_name,
    table_name: job.table_name,
    target: `${target.schema}.${target.table}`,
    status,
    rows_processed: 0,
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
    checks: [],
    error: null,
    load_id: null,
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
