import { createStore } from 'zustand/vanilla';
import type { EventData, Output } from '../../engine/contract.ts';

type RunEventData = EventData<'run.event'>;
type RunEvent = RunEventData['event'];
type RunDetail = Output<'run.get'>;
export type RunSummary = Output<'run.list'>[number];
export type JobResult = RunDetail['results'][number];
export type Stage = Extract<RunEvent, { type: 'job_stage' }>['stage'];

export type LiveStatus = 'queued' | 'running' | 'ok' | 'failed' | 'skipped' | 'cancelled';

/** A job of a run that goes on, or has just ended. */
export interface LiveJob {
  /** `source.table` */
  name: string;
  /** Row of the workbook that the run read; null where the run was joined late and nobody said it. */
  row: number | null;
  status: LiveStatus;
  stage: Stage | null;
  /** Rows and bytes so far, of the stage that goes on. */
  rows: number;
  bytes: number;
  pages: number | null;
  attempt: number;
  /** When each stage began, milliseconds since the epoch. */
  started: Partial<Record<Stage, number>>;
  startedAt: number | null;
  endedAt: number | null;
  /** What the job waits for before it tries again. */
  retry: { wait_ms: number; code: string; message: string } | null;
  result: JobResult | null;
}

export interface LiveRun {
  directory: string;
  runId: string;
  /** Of the last event that is in here. */
  seq: number;
  status: RunSummary['status'];
  pipeline: string;
  destination: string;
  workers: number;
  /** Jobs that the run was started with. */
  total: number;
  startedAt: number;
  endedAt: number | null;
  jobs: ReadonlyMap<string, LiveJob>;
}

export interface RunState {
  /** History of the open project, newest first; null while it was not asked for. */
  history: readonly RunSummary[] | null;
  /** The run that goes on, or the last one that this window saw. */
  live: LiveRun | null;
  /** Last known result of each job by `source.table`, of the history and of the live run. */
  lastResults: ReadonlyMap<string, JobResult>;
}

export type RunStore = ReturnType<typeof createRunStore>;

const STATUS: Readonly<Record<JobResult['status'], LiveStatus>> = {
  SUCCESS: 'ok',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  CANCELLED: 'cancelled',
};

const RUN_STATUS: Readonly<Record<JobResult['status'], RunSummary['status']>> = {
  SUCCESS: 'SUCCESS',
  FAILED: 'FAILED',
  SKIPPED: 'SUCCESS',
  CANCELLED: 'CANCELLED',
};

/** What runs say, put together. Pure but for the store: events come in from {@link RunStore.receive}. */
export function createRunStore() {
  const store = createStore<RunState>(() => ({ history: null, live: null, lastResults: new Map() }));

  /** Begins to follow a run, before its first event. */
  function begin(directory: string, runId: string): void {
    const { live } = store.getState();
    if (live?.runId === runId) return;
    store.setState({ live: newRun(directory, runId) });
  }

  /** False where events were missed: ask `run.get` and hand it to {@link catchUp}. */
  function receive({ directory, run_id, seq, event }: RunEventData): boolean {
    const { live } = store.getState();
    const run = live?.runId === run_id ? live : newRun(directory, run_id);
    if (seq <= run.seq) return true;
    if (seq > run.seq + 1 && event.type !== 'run_started') return false;
    const next = applyEvent({ ...run, seq }, event);
    store.setState({ live: next });
    if (event.type === 'job_finished') addResults([event.result]);
    return true;
  }

  function addResults(results: readonly JobResult[]): void {
    const all = new Map(store.getState().lastResults);
    for (const result of results) all.set(`${result.source_name}.${result.table_name}`, result);
    store.setState({ lastResults: all });
  }

  return {
    ...store,
    begin,
    receive,
    addResults,

    /** Takes the whole of a run, for a window that came late or missed events. */
    catchUp(directory: string, detail: RunDetail): void {
      const { summary, results, seq } = detail;
      const run = newRun(directory, summary.run_id);
      const jobs = new Map<string, LiveJob>();
      for (const result of results) {
        const name = `${result.source_name}.${result.table_name}`;
        jobs.set(name, { ...newJob(name, null), status: STATUS[result.status], rows: result.rows_processed, result });
      }
      const { live } = store.getState();
      if (live?.runId === summary.run_id) for (const [name, job] of live.jobs) if (!jobs.has(name)) jobs.set(name, job);
      store.setState({
        live: {
          ...run,
          seq,
          status: summary.status,
          pipeline: summary.pipeline,
          destination: summary.destination,
          total: summary.jobs.total,
          startedAt: Date.parse(summary.started_at),
          jobs,
        },
      });
      addResults(results);
    },

    setHistory(history: readonly RunSummary[]): void {
      store.setState({ history });
    },

    /** The engine's process ended: what went on is over. */
    lost(): void {
      const { live } = store.getState();
      if (live === null || live.status !== 'RUNNING') return;
      const jobs = new Map<string, LiveJob>();
      for (const [name, job] of live.jobs) {
        jobs.set(name, job.status === 'running' || job.status === 'queued' ? { ...job, status: 'cancelled' } : job);
      }
      store.setState({ live: { ...live, status: 'FAILED', endedAt: Date.now(), jobs } });
    },

    /** Another project. */
    clear(): void {
      store.setState({ history: null, live: null, lastResults: new Map() });
    },
  };
}

function newRun(directory: string, runId: string): LiveRun {
  return {
    directory,
    runId,
    seq: 0,
    status: 'RUNNING',
    pipeline: '',
    destination: '',
    workers: 0,
    total: 0,
    startedAt: Date.now(),
    endedAt: null,
    jobs: new Map(),
  };
}

function newJob(name: string, row: number | null): LiveJob {
  return {
    name,
    row,
    status: 'queued',
    stage: null,
    rows: 0,
    bytes: 0,
    pages: null,
    attempt: 1,
    started: {},
    startedAt: null,
    endedAt: null,
    retry: null,
    result: null,
  };
}

/** A run after one more event. */
export function applyEvent(run: LiveRun, event: RunEvent): LiveRun {
  const withJob = (name: string, change: (job: LiveJob) => LiveJob): LiveRun => {
    const jobs = new Map(run.jobs);
    jobs.set(name, change(jobs.get(name) ?? newJob(name, null)));
    return { ...run, jobs };
  };
  switch (event.type) {
    case 'run_started': {
      const { pipeline, destination, workers, jobs: total, at } = event;
      return { ...run, pipeline, destination, workers, total, startedAt: at };
    }
    case 'job_started':
      return withJob(event.job, (job) => ({
        ...job,
        row: event.row,
        status: 'running',
        attempt: event.attempt,
        startedAt: job.startedAt ?? event.at,
        retry: null,
      }));
    case 'job_stage':
      return withJob(event.job, (job) => ({
        ...job,
        stage: event.stage,
        started: { ...job.started, [event.stage]: event.at },
      }));
    case 'job_progress':
      return withJob(event.job, (job) => ({
        ...job,
        stage: event.stage,
        rows: event.rows,
        bytes: event.bytes,
        pages: event.pages ?? job.pages,
      }));
    case 'job_retry':
      return withJob(event.job, (job) => ({
        ...job,
        attempt: event.attempt,
        retry: { wait_ms: event.wait_ms, code: event.code, message: event.message },
      }));
    case 'job_finished':
      return withJob(event.job, (job) => ({
        ...job,
        status: STATUS[event.result.status],
        rows: event.result.rows_processed,
        bytes: event.result.bytes,
        endedAt: event.at,
        retry: null,
        result: event.result,
      }));
    case 'run_finished':
      return { ...run, status: RUN_STATUS[event.status], endedAt: event.at };
    case 'job_schema_change':
    case 'job_check':
    case 'job_warning':
    case 'log':
      return run;
    default:
      return event satisfies never;
  }
}
