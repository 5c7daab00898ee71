import path from 'node:path';
import type { RunDetail, RunSummary } from '../contract.ts';
import { IngestError, messageOf } from '../errors.ts';
import { runProject } from '../pipeline/run-project.ts';
import { CompactEvents } from '../runs/compact-events.ts';
import { eventText } from '../runs/event-text.ts';
import type { RunEvent } from '../runs/events.ts';
import { RunHistory, recordOf, resultsOf, runLogPath } from '../runs/history.ts';
import { LogIndex } from '../runs/log-index.ts';
import type { HandlerGroup } from './handlers.ts';
import { readSettings } from './settings.ts';
import { workDirectoryOf } from './work-directory.ts';

/** Logs whose lines stay indexed: the ones that people look at. */
const LOGS_KEPT = 4;
/** Runs of this process whose last event's number is remembered. */
const ENDED_KEPT = 100;

/** A run of this process. */
interface ActiveRun {
  runId: string;
  workDirectory: string;
  controller: AbortController;
  events: CompactEvents;
  /** Of the last event; grows by one. */
  seq: number;
}

/** Runs: what is going on in this process, and what any process has left in `metadata/`. */
export const runHandlers: HandlerGroup<'run.start' | 'run.cancel' | 'run.list' | 'run.get' | 'run.log'> = (service) => {
  const active = new Map<string, ActiveRun>();
  const ended = new Map<string, number>();
  const histories = new Map<string, RunHistory>();
  const logs = new Map<string, LogIndex>();

  const historyOf = (workDirectory: string): RunHistory => {
    const history = histories.get(workDirectory) ?? new RunHistory();
    histories.set(workDirectory, history);
    return history;
  };

  const logOf = (workDirectory: string, runId: string): LogIndex => {
    const file = runLogPath(workDirectory, runId);
    if (file === null) throw notFound(runId);
    const index = logs.get(file) ?? new LogIndex(file);
    logs.delete(file);
    logs.set(file, index);
    for (const old of [...logs.keys()].slice(0, -LOGS_KEPT)) logs.delete(old);
    return index;
  };

  const summaryOf = (run: ActiveRun): RunSummary[] => {
    const record = recordOf(run.runId, run.events.list(), 'RUNNING', Date.now());
    return record === null ? [] : [record];
  };

  return {
    async 'run.start'(input, call) {
      const [read, settings] = await Promise.all([service.open(input.directory, input.env), readSettings(service)]);
      const scope = {
        ...(input.rows === null ? { selectors: [] } : { rows: input.rows }),
        ...(input.destination === null ? {} : { destination: input.destination }),
      };
      const opened = await service.askVault(read, input.env, scope, call.signal);
      const workDirectory = await workDirectoryOf(service, opened.directory);
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, service.closing]);
      const began = Promise.withResolvers<string>();
      let run: ActiveRun | null = null;

      // The end is told when files and locks are let go: who hears of it may look at the results at once.
      let end: RunEvent | null = null;
      const hear = (event: RunEvent) => {
        if (event.type === 'run_finished') end = event;
        else tell(event);
      };
      const tell = (event: RunEvent) => {
        if (event.type === 'run_started') {
          run = { runId: event.run_id, workDirectory, controller, events: new CompactEvents(), seq: 0 };
          active.set(event.run_id, run);
        }
        if (run === null) return;
        run.seq += 1;
        run.events.add(event);
        service.emit('run.event', { directory: input.directory, run_id: run.runId, seq: run.seq, event });
        if (event.type === 'run_started') began.resolve(event.run_id);
      };

      // Nobody waits for the run itself: its end is an event.
      const cancelEarly = () => controller.abort();
      call.signal.addEventListener('abort', cancelEarly, { once: true });
      const running = runProject(opened, {
        selectors: [],
        ...(input.rows === null ? {} : { rows: input.rows }),
        ...(input.destination === null ? {} : { destination: input.destination }),
        ...(input.sample_rows === null ? {} : { sampleRows: input.sample_rows }),
        fullRefresh: input.full_refresh,
        maxWorkers: settings.max_workers,
        memoryLimitMiB: settings.memory_limit_mib,
        workDirectory,
        trigger: 'window',
        signal,
        onEvent: hear,
      });
      const settled = running
        .then(() => undefined)
        .catch((error: unknown) => {
          began.reject(error);
          if (run !== null) for (const event of failureEvents(run.runId, error)) hear(event);
        })
        .finally(() => {
          if (run === null) return;
          active.delete(run.runId);
          ended.set(run.runId, run.seq + 1);
          for (const old of [...ended.keys()].slice(0, -ENDED_KEPT)) ended.delete(old);
          if (end !== null) tell(end);
        });
      service.background(settled);
      try {
        return { run_id: await began.promise };
      } finally {
        call.signal.removeEventListener('abort', cancelEarly);
      }
    },

    async 'run.cancel'({ directory, run_id }) {
      const run = active.get(run_id);
      if (run !== undefined) {
        run.controller.abort();
        return;
      }
      const found = await historyOf(await workDirectoryOf(service, directory)).find(
        await workDirectoryOf(service, directory),
        run_id,
      );
      // It has ended by now: that is what was asked for.
      if (found?.record.status !== 'RUNNING') return;
      throw new IngestError('RUN_ELSEWHERE', `Run ${run_id} is another program's and cannot be cancelled from here.`, {
        hint: 'Press Ctrl+C in its terminal, or close the window that started it.',
      });
    },

    async 'run.list'({ directory }) {
      const workDirectory = await workDirectoryOf(service, directory);
      const mine = [...active.values()].filter((run) => samePath(run.workDirectory, workDirectory));
      const known = new Set(mine.map(({ runId }) => runId));
      const others = await historyOf(workDirectory).list(workDirectory);
      return [...mine.flatMap(summaryOf), ...others.filter(({ run_id }) => !known.has(run_id))].sort((a, b) =>
        a.started_at < b.started_at ? 1 : -1,
      );
    },

    async 'run.get'({ directory, run_id }, call): Promise<RunDetail> {
      const workDirectory = await workDirectoryOf(service, directory);
      const log_path = runLogPath(workDirectory, run_id);
      const run = active.get(run_id);
      if (run !== undefined && log_path !== null) {
        const events = run.events.list();
        const [summary] = summaryOf(run);
        if (summary) {
          return { summary, metrics: null, results: resultsOf(events), events, seq: run.seq, here: true, log_path };
        }
      }
      const found = await historyOf(workDirectory).find(workDirectory, run_id);
      if (found === null || log_path === null) throw notFound(run_id);
      const events = await logOf(workDirectory, run_id)
        .compact(call.signal)
        .catch((error: unknown) => {
          // Without its log a run still has its metrics.
          call.signal.throwIfAborted();
          if (found.metrics === null) throw error;
          return [];
        });
      return {
        summary: found.record,
        metrics: found.metrics,
        results: found.metrics?.jobs ?? resultsOf(events),
        events,
        seq: ended.get(run_id) ?? 0,
        here: false,
        log_path,
      };
    },

    async 'run.log'({ directory, run_id, offset, limit, ...filter }, call) {
      const index = logOf(await workDirectoryOf(service, directory), run_id);
      try {
        const page = await index.page(filter, offset, limit, call.signal);
        return { ...page, texts: page.events.map(eventText) };
      } catch (error) {
        call.signal.throwIfAborted();
        throw new IngestError('RUN_LOG_NOT_READABLE', `The log of run ${run_id} cannot be read: ${messageOf(error)}`, {
          hint: `It was ${index.path}.`,
          cause: error,
        });
      }
    },
  };
};

/** What the window hears of a run that broke down: the log, then the end that it waits for. */
function failureEvents(runId: string, error: unknown): RunEvent[] {
  const at = Date.now();
  return [
    { at, level: 'ERROR', type: 'log', message: messageOf(error) },
    { at, level: 'ERROR', type: 'run_finished', run_id: runId, status: 'FAILED', metrics_path: '' },
  ];
}

function samePath(a: string, b: string): boolean {
  return path.resolve(a) === path.resolve(b);
}

function notFound(runId: string): IngestError {
  return new IngestError('RUN_NOT_FOUND', `There is no run ${runId} in this project's metadata folder.`, {
    hint: 'Its files may have been removed: run again.',
  });
}
