import { rm } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import path from 'node:path';
import { openDestination } from '../connectors.ts';
import { Workspace } from '../duckdb/workspace.ts';
import { messageOf } from '../errors.ts';
import type { EndedRun } from '../notifications/message.ts';
import { notify } from '../notifications/notify.ts';
import { type OpenProject, vaultWarnings } from '../open-project.ts';
import { JobChecks } from '../quality/job-checks.ts';
import { writeQualityReport } from '../quality/quality-report.ts';
import type { JobResult, RunEvent, RunTrigger } from '../runs/events.ts';
import { runMetrics } from '../runs/metrics.ts';
import { findOldRuns, removeOldRuns } from '../runs/retention.ts';
import { newRunId } from '../runs/run-id.ts';
import { createRunRecorder, type NewRunEvent, type RunRecorder } from '../runs/run-recorder.ts';
import { recordedSchemas } from '../runs/schema-record.ts';
import type { HistoryLimits } from '../spec/history.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { Metrics } from '../spec/metrics.ts';
import { openTelemetry, type RunTelemetry } from '../telemetry/telemetry.ts';
import type { EmitEvent } from './job-report.ts';
import { type PlanRequest, planRun, type RunPlan } from './plan-run.ts';
import { type JobEnvironment, notStarted, runJob } from './run-job.ts';
import { SharedSources } from './shared-sources.ts';
import { makeWorkFolders } from './work-folders.ts';

/** DuckDB's memory for one job at a time, and for each further one, MiB: a segment being filled, one being written, and the Parquet writer's buffers. */
const MEMORY_FIRST_JOB = 320;
const MEMORY_FURTHER_JOB = 160;

export interface RunOptions extends PlanRequest {
  /** Read about so many rows of each job, into `<schema>_sample`, and leave state untouched. */
  sampleRows?: number;
  /** Forget the watermarks of the selected jobs and load everything again (replace). */
  fullRefresh?: boolean;
  /** What began the run, for its history. Default: the command line. */
  trigger?: RunTrigger;
  /** What DuckDB may take at most, MiB; beyond it goes to temporary files. Default: what the jobs that run at a time need. */
  memoryLimitMiB?: number;
  /** Where everything that the run writes goes (packages, logs, metrics); default: the project's folder. */
  workDirectory?: string;
  signal: AbortSignal;
  /** Told as it happens, redacted already. */
  onEvent(event: RunEvent): void;
  /** Milliseconds since the epoch. Default: the system's clock. */
  clock?: () => number;
}

export interface RunOutcome {
  metrics: Metrics;
  metricsPath: string;
  /** Null where no log could be written. */
  logPath: string | null;
  /** Reports of the data quality checks; null where none ran. */
  qualityPaths: { json: string; html: string } | null;
  /** Where the data lies, for people. */
  location: string;
  /** 0 all well, 1 a job failed or rows were left out as invalid, 130 cancelled. */
  exitCode: 0 | 1 | 130;
}

/**
 * Runs the selected jobs of a project into one destination.
 * @throws IngestError PROJECT_INVALID, JOB_NOT_FOUND and the like (exit code 2) before anything is read; errors of jobs are in the outcome
 */
export async function runProject(project: OpenProject, options: RunOptions): Promise<RunOutcome> {
  const plan = planRun(project, options);
  const clock = options.clock ?? Date.now;
  const startedAt = clock();
  const runId = newRunId(startedAt);
  const workDirectory = options.workDirectory ?? project.directory;
  const pipeline = project.project.settings.name;
  const telemetry = openTelemetry(project.project.telemetry, { environment: process.env, redactor: project.redactor });
  const recorder = await createRunRecorder({
    workDirectory,
    runId,
    pipeline,
    redactor: project.redactor,
    clock,
    onEvent(event) {
      telemetry.onEvent(event);
      options.onEvent(event);
    },
  });
  try {
    const folders = await makeWorkFolders(workDirectory, runId);
    const needed = MEMORY_FIRST_JOB + MEMORY_FURTHER_JOB * (plan.workers - 1);
    const memoryLimitMiB = Math.min(needed, options.memoryLimitMiB ?? needed);
    const workspace = await Workspace.open({
      memoryLimitMiB,
      threads: availableParallelism(),
      tempDirectory: path.join(folders.spool, 'duckdb'),
    });
    const sources = new SharedSources(project, folders.spool);
    try {
      const destination = await openDestination(plan.destination, {
        workspace,
        baseDirectory: workDirectory,
        tempDirectory: path.join(folders.spool, 'rewrite'),
        destinations: project.project.destinations,
      });
      await destination.open(options.signal);
      try {
        recorder.emit({
          level: 'INFO',
          type: 'run_started',
          run_id: runId,
          pipeline,
          destination: destination.name,
          jobs: plan.jobs.length,
          workers: plan.workers,
          trigger: options.trigger ?? 'cli',
          ...(options.sampleRows === undefined ? {} : { sample_rows: options.sampleRows }),
          process: { pid: process.pid, host: hostname() },
        });
        recorder.emit({ level: 'DEBUG', type: 'log', message: `DuckDB takes at most ${memoryLimitMiB} MiB of memory` });
        tellPlan(plan, recorder);
        for (const { message, hint } of vaultWarnings(project)) {
          recorder.emit({ level: 'WARNING', type: 'log', message: `${message}${hint === null ? '' : ` ${hint}`}` });
        }
        const checks = new JobChecks({
          sheet: project.project,
          jobs: project.project.jobs,
          workspace,
          destination,
          spoolDirectory: folders.spool,
          source: (job) => sources.of(job),
          clock,
        });
        const results = await runJobs(plan, options.signal, {
          runId,
          pipeline,
          workspace,
          destination,
          packagesDirectory: folders.packages,
          spoolDirectory: folders.spool,
          signal: options.signal,
          emit: ((event) => recorder.emit({ level: 'INFO', ...event } as NewRunEvent)) satisfies EmitEvent,
          sampleRows: options.sampleRows ?? null,
          fullRefresh: options.fullRefresh ?? false,
          previousSchema: await recordedSchemas(
            workDirectory,
            pipeline,
            plan.jobs.map((job) => `${job.target_schema ?? destination.defaultSchema}.${job.target_table}`),
          ),
          checks,
          clock,
          source: (job) => sources.of(job),
        });
        const status = runStatus(results, plan, options.signal);
        const qualityPaths = await reportQuality(
          project,
          checks,
          { runId, workDirectory, destination: destination.name, startedAt },
          recorder,
        );
        await tellEnd(
          project,
          {
            pipeline,
            destination: destination.name,
            runId,
            status,
            seconds: (clock() - startedAt) / 1000,
            jobs: results,
          },
          recorder,
        );
        await tellTelemetry(
          telemetry,
          { runId, pipeline, startedAt, finishedAt: clock(), jobs: results },
          status,
          recorder,
        );
        const { metrics, metricsPath } = await recorder.finish({ status, jobs: results });
        const exitCode = status === 'CANCELLED' ? 130 : status === 'FAILED' ? 1 : 0;
        return {
          metrics,
          metricsPath,
          logPath: recorder.logPath,
          qualityPaths,
          location: destination.location(),
          exitCode,
        };
      } finally {
        await destination.close();
      }
    } finally {
      await sources.close();
      workspace.close();
      await rm(folders.spool, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  } finally {
    await telemetry.finish();
    await recorder.close();
    await forgetOldRuns(workDirectory, project.project.history, clock());
  }
}

/** Runs jobs, `plan.workers` at a time, in workbook order. After a cancellation, or a failure under stop_on_error, no further one starts. */
async function runJobs(plan: RunPlan, signal: AbortSignal, environment: JobEnvironment): Promise<JobResult[]> {
  const results: (JobResult | undefined)[] = plan.jobs.map(() => undefined);
  const waiting = [...plan.jobs.entries()];
  let failed = false;
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, job] = next;
      if (signal.aborted) results[index] = notStarted(job, 'CANCELLED', environment);
      else if (failed && plan.stopOnError) results[index] = notStarted(job, 'SKIPPED', environment);
      else {
        const result = await runJob(job, environment);
        results[index] = result;
        failed ||= result.status === 'FAILED';
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.workers, plan.jobs.length) }, worker));
  return results.filter((result) => result !== undefined);
}

function runStatus(results: JobResult[], plan: RunPlan, signal: AbortSignal): JobStatus {
  if (signal.aborted && results.some((result) => result.status === 'CANCELLED')) return 'CANCELLED';
  return plan.skipped.length > 0 || results.some((result) => result.status !== 'SUCCESS') ? 'FAILED' : 'SUCCESS';
}

function tellPlan(plan: RunPlan, recorder: RunRecorder): void {
  for (const row of plan.skipped) {
    recorder.emit({
      level: 'WARNING',
      type: 'log',
      message: `Row ${row.row} (${row.source_name}.${row.table_name}) has errors and is left out, because of --skip-invalid.`,
    });
  }
}

/** Tells whoever wants to know; a message that does not arrive is a warning in the log. */
async function tellEnd(project: OpenProject, run: EndedRun, recorder: RunRecorder): Promise<void> {
  const { notifications } = project.project;
  if (notifications === null) return;
  const problem = await notify(notifications, run, { redactor: project.redactor, environment: process.env }).catch(
    messageOf,
  );
  if (problem === null) return;
  recorder.emit({ level: 'WARNING', type: 'log', message: `The notification could not be sent: ${problem}` });
}

/** Sends what is left of the telemetry; what does not arrive is a warning in the log. */
async function tellTelemetry(
  telemetry: RunTelemetry,
  run: Parameters<typeof runMetrics>[0],
  status: JobStatus,
  recorder: RunRecorder,
): Promise<void> {
  const { health_score, summary } = runMetrics(run);
  const problem = await telemetry.finish({
    at: run.finishedAt,
    status,
    seconds: summary.total_duration_seconds,
    health: health_score,
  });
  if (problem === null) return;
  recorder.emit({ level: 'WARNING', type: 'log', message: `Telemetry of this run is incomplete: ${problem}` });
}

/** Keeps the history within its limits; what cannot be removed now is removed another time. */
async function forgetOldRuns(workDirectory: string, limits: HistoryLimits, now: number): Promise<void> {
  await findOldRuns(workDirectory, limits, now)
    .then(removeOldRuns)
    .catch(() => undefined);
}

/** Writes what the checks found. Where that is not possible, the run goes on: the results are in its metrics, too. */
async function reportQuality(
  project: OpenProject,
  checks: JobChecks,
  run: { runId: string; workDirectory: string; destination: string; startedAt: number },
  recorder: RunRecorder,
): Promise<RunOutcome['qualityPaths']> {
  const reports = checks.reports();
  if (reports.length === 0) return null;
  const facts = { ...run, pipeline: project.project.settings.name, origin: 'run', reports } as const;
  try {
    const { json, html } = await writeQualityReport(run.workDirectory, facts, project.redactor);
    recorder.emit({ level: 'INFO', type: 'log', message: `Data quality report: ${html} and ${json}` });
    return { json, html };
  } catch (error) {
    const message = `The data quality report could not be written (${messageOf(error)}); its results are in the metrics.`;
    recorder.emit({ level: 'WARNING', type: 'log', message });
    return null;
  }
}
