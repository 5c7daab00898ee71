import type { EventData, Output } from '../../../engine/contract.ts';
import type { Status } from '../../ui/status-icon.tsx';

export type RunDetail = Output<'run.get'>;
export type RunSummary = RunDetail['summary'];
export type RunEvent = EventData<'run.event'>['event'];
export type JobResult = RunDetail['results'][number];
export type Stage = Extract<RunEvent, { type: 'job_stage' }>['stage'];

/** Time that a job spent in one stage, milliseconds since the epoch; `to` is null while it goes on. */
export interface StageSpan {
  stage: Stage;
  from: number;
  to: number | null;
}

/** A job of a run, as it is shown. A new object whenever something of it changes. */
export interface RunJob {
  name: string;
  row: number | null;
  state: 'queued' | 'running' | 'waiting' | 'done';
  attempt: number;
  stages: readonly StageSpan[];
  rows: number;
  bytes: number;
  pages: number | null;
  /** Rows a second, one for each notice of progress, newest last. */
  rates: readonly number[];
  progressAt: { at: number; rows: number } | null;
  retries: readonly { at: number; wait_ms: number; code: string; message: string }[];
  warnings: readonly { code: string; message: string; hint?: string; column?: string }[];
  changes: readonly string[];
  checks: JobResult['checks'];
  result: JobResult | null;
}

/** A run, folded from its events. Pure: the same events give the same run, whether they came live or from the log. */
export interface RunModel {
  startedAt: number | null;
  endedAt: number | null;
  workers: number;
  jobs: ReadonlyMap<string, RunJob>;
}

/** Points of a sparkline. */
const RATES_KEPT = 40;

export const NO_RUN: RunModel = { startedAt: null, endedAt: null, workers: 0, jobs: new Map() };

/** A run after some more events. */
export function withEvents(run: RunModel, events: readonly RunEvent[]): RunModel {
  if (events.length === 0) return run;
  const jobs = new Map(run.jobs);
  let next = run;
  const change = (name: string, how: (job: RunJob) => Partial<RunJob>) => {
    const job = jobs.get(name) ?? newJob(name);
    jobs.set(name, { ...job, ...how(job) });
  };
  for (const event of events) {
    switch (event.type) {
      case 'run_started':
        next = { ...next, startedAt: event.at, workers: event.workers };
        break;
      case 'job_started':
        change(event.job, ({ stages }) => ({
          row: event.row,
          state: 'running',
          attempt: event.attempt,
          stages: ended(stages, event.at),
          progressAt: null,
        }));
        break;
      case 'job_stage':
        change(event.job, ({ stages }) => ({
          state: 'running',
          stages: [...ended(stages, event.at), { stage: event.stage, from: event.at, to: null }],
          progressAt: null,
        }));
        break;
      case 'job_progress':
        change(event.job, (job) => ({
          rows: event.rows,
          bytes: event.bytes,
          pages: event.pages ?? job.pages,
          rates: withRate(job, event),
          progressAt: { at: event.at, rows: event.rows },
        }));
        break;
      case 'job_retry':
        change(event.job, ({ retries, stages }) => ({
          state: 'waiting',
          stages: ended(stages, event.at),
          retries: [...retries, { at: event.at, wait_ms: event.wait_ms, code: event.code, message: event.message }],
        }));
        break;
      case 'job_schema_change':
        change(event.job, ({ changes }) => ({ changes: [...changes, event.change] }));
        break;
      case 'job_warning': {
        const { code, message, hint, column } = event;
        change(event.job, ({ warnings }) => ({
          warnings: [...warnings, { code, message, ...(hint && { hint }), ...(column && { column }) }],
        }));
        break;
      }
      case 'job_finished':
        change(event.job, ({ stages }) => ({
          state: 'done',
          stages: ended(stages, event.at),
          ...ofResult(event.result),
        }));
        break;
      case 'run_finished':
        next = { ...next, endedAt: event.at };
        break;
      case 'job_check':
        change(event.job, ({ checks }) => ({ checks: [...checks, event.result] }));
        break;
      case 'log':
        break;
      default:
        event satisfies never;
    }
  }
  return { ...next, jobs };
}

/** A run by its metrics alone: its log is gone. Stages follow each other from the begin of the run. */
export function withResults(run: RunModel, results: readonly JobResult[]): RunModel {
  const jobs = new Map(run.jobs);
  for (const result of results) {
    const name = `${result.source_name}.${result.table_name}`;
    const job = jobs.get(name) ?? newJob(name);
    if (job.state !== 'done') jobs.set(name, { ...job, state: 'done', ...ofResult(result) });
  }
  return { ...run, jobs };
}

function ofResult(result: JobResult): Partial<RunJob> {
  return {
    result,
    rows: result.rows_processed,
    bytes: result.bytes,
    pages: result.pages,
    changes: result.schema_changes,
    checks: result.checks,
    warnings: result.warnings,
  };
}

function newJob(name: string): RunJob {
  return {
    name,
    row: null,
    state: 'queued',
    attempt: 1,
    stages: [],
    rows: 0,
    bytes: 0,
    pages: null,
    rates: [],
    progressAt: null,
    retries: [],
    warnings: [],
    checks: [],
    changes: [],
    result: null,
  };
}

function ended(stages: readonly StageSpan[], at: number): readonly StageSpan[] {
  return stages.map((span) => (span.to === null ? { ...span, to: at } : span));
}

function withRate(job: RunJob, { at, rows }: { at: number; rows: number }): readonly number[] {
  const from = job.progressAt ?? { at: job.stages.at(-1)?.from ?? at, rows: 0 };
  const seconds = (at - from.at) / 1000;
  if (seconds <= 0 || rows < from.rows) return job.rates;
  return [...job.rates.slice(1 - RATES_KEPT), (rows - from.rows) / seconds];
}

/** How a job stands, for icon and word. */
export function jobStatus(job: RunJob): Status {
  if (job.state === 'waiting' || job.state === 'running') return 'running';
  if (job.result === null) return 'queued';
  switch (job.result.status) {
    case 'SUCCESS':
      return job.result.warnings.length > 0 || job.result.stop?.looksTruncated === true ? 'warning' : 'ok';
    case 'FAILED':
      return 'error';
    case 'CANCELLED':
      return 'cancelled';
    case 'SKIPPED':
      return 'skipped';
    default:
      return job.result.status satisfies never;
  }
}

const DOING: Record<Stage, string> = { extract: 'Extracting', normalize: 'Normalizing', load: 'Loading' };

/** Why a job stopped, or what it does. */
export function verdictText(job: RunJob, cancelling: boolean): string {
  if (job.result?.error) return job.result.error.message;
  if (job.result)
    return (
      job.result.stop?.detail ??
      { SUCCESS: 'Complete', FAILED: 'Failed', CANCELLED: 'Cancelled', SKIPPED: 'Skipped' }[job.result.status]
    );
  if (cancelling) return job.state === 'queued' ? 'Not started' : 'Cancelling';
  if (job.state === 'waiting') return `Tries again: ${job.retries.at(-1)?.code ?? ''}`;
  const stage = job.stages.at(-1)?.stage;
  if (job.state === 'running') return stage === undefined ? 'Starting' : DOING[stage];
  return 'Queued';
}

/** Rows a second over the job's extract stage; null where nothing can be told. */
export function meanRate(job: RunJob, now: number): number | null {
  const seconds = job.result
    ? job.result.durations.extract_seconds
    : job.stages
        .filter(({ stage }) => stage === 'extract')
        .reduce((sum, { from, to }) => sum + ((to ?? now) - from) / 1000, 0);
  return job.rows === 0 || seconds <= 0.05 ? null : job.rows / seconds;
}

export const RUN_STATUS: Record<RunSummary['status'], { status: Status; word: string }> = {
  RUNNING: { status: 'running', word: 'Running' },
  SUCCESS: { status: 'ok', word: 'Succeeded' },
  FAILED: { status: 'error', word: 'Failed' },
  CANCELLED: { status: 'cancelled', word: 'Cancelled' },
  INTERRUPTED: { status: 'warning', word: 'Interrupted' },
};

/** `20260131_060000_1f9c3a` → `1f9c3a`: what people tell runs apart by. */
export function shortRunId(runId: string): string {
  return runId.split('_').at(-1) ?? runId;
}

/** Ticks of a time axis of so many seconds: about five, at round times. */
export function ticksOf(seconds: number, most = 5): { step: number; ticks: number[] } {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];
  const step = steps.find((candidate) => seconds / candidate <= most) ?? 86_400;
  return { step, ticks: Array.from({ length: Math.floor(seconds / step) + 1 }, (_, at) => at * step) };
}
