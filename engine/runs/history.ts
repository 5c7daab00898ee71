import { open, readdir, readFile, stat } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import path from 'node:path';
import { type Metrics, metricsModel } from '../spec/metrics.ts';
import { isProcessAlive } from '../state/target-lock.ts';
import type { JobResult, RunEvent, RunTrigger } from './events.ts';
import { LogIndex } from './log-index.ts';
import { parseEvent } from './log-line.ts';
import { newestFirst } from './newest-first.ts';

/** Runs that the history shows, newest first. Older ones stay on disk. */
const RUNS_SHOWN = 500;
/** A run's own words are at the begin and the end of its log. */
const HEAD_BYTES = 16 * 1024;
const TAIL_BYTES = 64 * 1024;
const AT_A_TIME = 8;

/** How a run stands: INTERRUPTED where its process ended before it did. */
export type RunState = 'RUNNING' | 'SUCCESS' | 'FAILED' | 'CANCELLED' | 'INTERRUPTED';

export interface RunRecord {
  run_id: string;
  pipeline: string;
  /** '' where the log is gone. */
  destination: string;
  trigger: RunTrigger;
  status: RunState;
  /** ISO 8601, UTC. */
  started_at: string;
  /** Null while it goes on. */
  duration_seconds: number | null;
  total_rows: number;
  jobs: { total: number; succeeded: number; failed: number };
  health_score: number | null;
  sample_rows: number | null;
}

interface RunFiles {
  runId: string;
  log: string | null;
  metrics: string | null;
}

/** `20260131_060000_1f9c3a`, see run-id.ts. */
const RUN_ID = /^\d{8}_\d{6}_[0-9a-f]{6}$/;
const LOG_FILE = /^run_(\d{8}_\d{6}_[0-9a-f]{6})\.jsonl$/;
const METRICS_FILE = /^metrics_.+_(\d{8}_\d{6}_[0-9a-f]{6})\.json$/;

/** The history of a work folder: what its `metadata/` says, whoever ran it. Finished runs are read once. */
export class RunHistory {
  readonly #finished = new Map<string, RunRecord>();

  /** Newest first. Files that are not ours, or of a newer version, are passed over. */
  async list(workDirectory: string): Promise<RunRecord[]> {
    const files = (await runFiles(workDirectory)).slice(0, RUNS_SHOWN);
    const records: (RunRecord | null)[] = [];
    for (let at = 0; at < files.length; at += AT_A_TIME) {
      records.push(...(await Promise.all(files.slice(at, at + AT_A_TIME).map((run) => this.#record(run)))));
    }
    return records.filter((record) => record !== null);
  }

  /** Null where there is no such run. */
  async find(workDirectory: string, runId: string): Promise<{ record: RunRecord; metrics: Metrics | null } | null> {
    const run = (await runFiles(workDirectory)).find((candidate) => candidate.runId === runId);
    const record = run === undefined ? null : await this.#record(run);
    return record && { record, metrics: run?.metrics ? await readMetrics(run.metrics) : null };
  }

  async #record(run: RunFiles): Promise<RunRecord | null> {
    const key = run.log ?? run.metrics ?? run.runId;
    const known = this.#finished.get(key);
    if (known) return known;
    const record = await readRecord(run).catch(() => null);
    if (record !== null && record.status !== 'RUNNING') this.#finished.set(key, record);
    return record;
  }
}

/** The log of a run. @returns null where the id is none, so that no other file is ever read */
export function runLogPath(workDirectory: string, runId: string): string | null {
  return RUN_ID.test(runId) ? path.join(workDirectory, 'metadata', `run_${runId}.jsonl`) : null;
}

/** What of the jobs is known by the events so far. */
export function resultsOf(events: readonly RunEvent[]): JobResult[] {
  return events.flatMap((event) => (event.type === 'job_finished' ? [event.result] : []));
}

/** A run's record by its events alone: while it goes on, or where it did not come to its end. */
export function recordOf(runId: string, events: readonly RunEvent[], status: RunState, now: number): RunRecord | null {
  const started = events.find((event) => event.type === 'run_started');
  if (started === undefined) return null;
  const results = resultsOf(events);
  const last = events.reduce((latest, { at }) => Math.max(latest, at), started.at);
  return {
    run_id: runId,
    pipeline: started.pipeline,
    destination: started.destination,
    trigger: started.trigger ?? 'cli',
    status,
    started_at: new Date(started.at).toISOString(),
    duration_seconds: status === 'RUNNING' ? null : Math.max(0, Math.min(last, now) - started.at) / 1000,
    total_rows: results.reduce((sum, { rows_processed }) => sum + rows_processed, 0),
    jobs: {
      total: started.jobs,
      succeeded: results.filter((result) => result.status === 'SUCCESS').length,
      failed: results.filter((result) => result.status === 'FAILED').length,
    },
    health_score: null,
    sample_rows: started.sample_rows ?? null,
  };
}

async function runFiles(workDirectory: string): Promise<RunFiles[]> {
  const folder = path.join(workDirectory, 'metadata');
  const runs = new Map<string, RunFiles>();
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const log = LOG_FILE.exec(name)?.[1];
    const runId = log ?? METRICS_FILE.exec(name)?.[1];
    if (runId === undefined) continue;
    const run = runs.get(runId) ?? { runId, log: null, metrics: null };
    run[log === undefined ? 'metrics' : 'log'] = path.join(folder, name);
    runs.set(runId, run);
  }
  const written = new Map(
    [...runs].map(([runId, { log, metrics }]) => [runId, [log, metrics].filter((file) => file !== null)]),
  );
  return (await newestFirst(written)).flatMap((runId) => runs.get(runId) ?? []);
}

async function readRecord({ runId, log, metrics: metricsFile }: RunFiles): Promise<RunRecord | null> {
  const [ends, metrics] = await Promise.all([
    log === null ? null : readEnds(log),
    metricsFile === null ? null : readMetrics(metricsFile),
  ]);
  const started = ends?.started;
  const finished = ends?.finished;
  if (metrics !== null) {
    const { summary } = metrics;
    return {
      run_id: runId,
      pipeline: metrics.pipeline_name,
      destination: started?.destination ?? '',
      trigger: started?.trigger ?? 'cli',
      status: finished === undefined ? statusOf(metrics) : stateOf(finished.status),
      started_at: metrics.run_timestamp,
      duration_seconds: summary.total_duration_seconds,
      total_rows: summary.total_rows,
      jobs: { total: summary.total_jobs, succeeded: summary.successful_jobs, failed: summary.failed_jobs },
      health_score: metrics.health_score,
      sample_rows: started?.sample_rows ?? null,
    };
  }
  if (log === null || started === undefined) return null;
  const events = await new LogIndex(log).compact(new AbortController().signal);
  const state = finished ? stateOf(finished.status) : isRunning(started) ? 'RUNNING' : 'INTERRUPTED';
  return recordOf(runId, events, state, Math.round((await stat(log)).mtimeMs));
}

/** Whether the process that began a run still runs on this computer. One with its number since the last boot is taken for it. */
function isRunning(started: RunEvent & { type: 'run_started' }): boolean {
  const { process: own, at } = started;
  if (own === undefined || own.host !== hostname()) return false;
  return isProcessAlive(own.pid) && at > Date.now() - uptime() * 1000;
}

/** A log that another computer writes tells by its age only: a day without a line is an end. */
const SILENCE_MS = 86_400_000;

/** Whether the run of a log goes on, or may, where another computer writes it. */
export async function mayGoOn(log: string, now: number): Promise<boolean> {
  const { started, finished } = await readEnds(log);
  if (finished !== undefined || started === undefined) return false;
  if (started.process === undefined || started.process.host === hostname()) return isRunning(started);
  return (await stat(log)).mtimeMs > now - SILENCE_MS;
}

function stateOf(status: Metrics['jobs'][number]['status']): RunState {
  return status === 'SKIPPED' ? 'CANCELLED' : status;
}

function statusOf({ jobs }: Metrics): RunState {
  if (jobs.some(({ status }) => status === 'FAILED')) return 'FAILED';
  return jobs.some(({ status }) => status === 'CANCELLED') ? 'CANCELLED' : 'SUCCESS';
}

async function readMetrics(file: string): Promise<Metrics | null> {
  try {
    return metricsModel.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

/** What a log's first and last lines say. */
async function readEnds(file: string) {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const read = async (from: number, bytes: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, from);
      return buffer
        .toString('utf8', 0, bytesRead)
        .split('\n')
        .flatMap((line) => parseEvent(line) ?? []);
    };
    const head = await read(0, Math.min(size, HEAD_BYTES));
    const tail = await read(Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
    return {
      started: head.find((event) => event.type === 'run_started'),
      finished: tail.findLast((event) => event.type === 'run_finished'),
    };
  } finally {
    await handle.close();
  }
}
