import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { IngestError, messageOf } from '../errors.ts';
import type { Redactor } from '../secrets/redaction.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { CheckResult, Metrics } from '../spec/metrics.ts';
import type { JobResult, LogLevel, RunEvent } from './events.ts';
import { metricsPath, runMetrics, writeMetrics } from './metrics.ts';
import { openLineLog } from './run-log.ts';

export interface RunRecorderOptions {
  /** `metadata/` is made in it. */
  workDirectory: string;
  runId: string;
  pipeline: string;
  redactor: Redactor;
  /** Milliseconds since the epoch. Default: the system's clock. */
  clock?: () => number;
  /** Told of each event, redacted. Progress of a job comes at most once in {@link progressMs}, and always before what ends it. */
  onEvent?: (event: RunEvent) => void;
  /** Default 200. */
  progressMs?: number;
  /** Progress in the log file, at most once in so many milliseconds a job. Default 5000. */
  logProgressMs?: number;
}

/** An event before the recorder has put the time to it. */
export type NewRunEvent = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'at'> : never) : never;

export interface RunRecorder {
  /** `metadata/run_<run id>.jsonl` */
  readonly logPath: string;
  emit(event: NewRunEvent): void;
  /** Writes the metrics document, says `run_finished` and closes the log. */
  finish(end: { status: JobStatus; jobs: readonly JobResult[] }): Promise<{ metrics: Metrics; metricsPath: string }>;
  /** Closes the log of a run that does not finish (it threw before its end). Safe after {@link finish}. */
  close(): Promise<void>;
}

const LEVEL_OF: Record<JobStatus, LogLevel> = {
  SUCCESS: 'INFO',
  SKIPPED: 'INFO',
  CANCELLED: 'WARNING',
  FAILED: 'ERROR',
};

/**
 * Records a run: its events as JSON lines on disk and to one listener, its metrics at the end, all redacted.
 * A log that cannot be written costs the log, not the run; the listener is warned.
 * @throws IngestError `WORK_DIRECTORY_NOT_WRITABLE` where even the metrics would have no place
 */
export async function createRunRecorder(options: RunRecorderOptions): Promise<RunRecorder> {
  const clock = options.clock ?? Date.now;
  const startedAt = clock();
  const folder = path.join(options.workDirectory, 'metadata');
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw notWritable(folder, error);
  });

  const tell = throttleProgress(options.progressMs ?? 200, (event) =>
    options.onEvent?.(redactEvent(event, options.redactor)),
  );
  const log = await openLineLog(path.join(folder, `run_${options.runId}.jsonl`), (error) =>
    tell({
      at: clock(),
      level: 'WARNING',
      type: 'log',
      message: `The run log could not be written any further (${messageOf(error)}); the run goes on.`,
    }),
  ).catch((error: unknown) => {
    throw notWritable(folder, error);
  });
  const write = throttleProgress(options.logProgressMs ?? 5000, (event) =>
    log.write(JSON.stringify(redactEvent(event, options.redactor))),
  );
  const emit = (event: NewRunEvent) => {
    const stamped = { at: clock(), ...event } as RunEvent;
    write(stamped);
    tell(stamped);
  };

  return {
    logPath: log.path,
    emit,
    async finish({ status, jobs }) {
      const run = { pipeline: options.pipeline, runId: options.runId, startedAt, finishedAt: clock(), jobs };
      const target = metricsPath(options.workDirectory, run);
      const metrics = redactMetrics(runMetrics(run), options.redactor);
      try {
        await writeMetrics(target, metrics);
        emit({ level: LEVEL_OF[status], type: 'run_finished', run_id: options.runId, status, metrics_path: target });
      } finally {
        await log.close();
      }
      return { metrics, metricsPath: target };
    },
    async close() {
      await log.close();
    },
  };
}

/**
 * Passes events on, a job's progress at most once in `ms` of their own time. The last progress that was held back goes out
 * before the job's next other event, so that counts are never behind what they belong to.
 */
function throttleProgress(ms: number, deliver: (event: RunEvent) => void): (event: RunEvent) => void {
  const lastAt = new Map<string, number>();
  const held = new Map<string, RunEvent>();
  const release = (job: string) => {
    const event = held.get(job);
    held.delete(job);
    if (event !== undefined) deliver(event);
  };
  return (event) => {
    if (event.type === 'job_progress') {
      if (event.at - (lastAt.get(event.job) ?? Number.NEGATIVE_INFINITY) < ms) {
        held.set(event.job, event);
        return;
      }
      lastAt.set(event.job, event.at);
      held.delete(event.job);
    } else if (event.type === 'run_finished') {
      for (const job of [...held.keys()]) release(job);
    } else if ('job' in event && event.job !== undefined) {
      release(event.job);
      lastAt.delete(event.job);
    }
    deliver(event);
  };
}

// A secret may be any word, `load` or `INFO` too: what comes from a closed list is never changed.
function redactEvent(event: RunEvent, redactor: Redactor): RunEvent {
  const safe = { ...redactor.data(event, { keys: 'keep' }), type: event.type, level: event.level } as RunEvent;
  if ('stage' in safe && 'stage' in event) safe.stage = event.stage;
  if (safe.type === 'job_finished' && event.type === 'job_finished') {
    safe.result.status = event.result.status;
    safe.result.checks = keepWords(safe.result.checks, event.result.checks);
  }
  if (safe.type === 'job_check' && event.type === 'job_check')
    safe.result = keepWords([safe.result], [event.result])[0] as CheckResult;
  if (safe.type === 'run_finished' && event.type === 'run_finished') safe.status = event.status;
  return safe;
}

function redactMetrics(metrics: Metrics, redactor: Redactor): Metrics {
  const safe = redactor.data(metrics, { keys: 'keep' });
  const jobs = safe.jobs.map((job, i) => ({
    ...job,
    status: metrics.jobs[i]!.status,
    checks: keepWords(job.checks, metrics.jobs[i]!.checks),
  }));
  return { ...safe, run_timestamp: metrics.run_timestamp, run_id: metrics.run_id, jobs };
}

function keepWords(safe: readonly CheckResult[], results: readonly CheckResult[]): CheckResult[] {
  return safe.map((check, i) => ({ ...check, status: results[i]!.status, severity: results[i]!.severity }));
}

function notWritable(folder: string, error: unknown): IngestError {
  return new IngestError('WORK_DIRECTORY_NOT_WRITABLE', `The run cannot write to ${folder}: ${messageOf(error)}`, {
    hint: 'Give it another folder with --work-dir, or free space and permissions there.',
    cause: error,
  });
}
