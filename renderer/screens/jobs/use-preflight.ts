import { useCallback, useEffect, useRef, useState } from 'react';
import { shownError } from '../../actions/project-commands.ts';
import { useApp } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import type { JobPreflight } from './suggestions.ts';

/** Jobs that are asked for at a time. */
const AT_A_TIME = 3;

export type Looked =
  | { status: 'waiting' | 'asking' | 'cancelled' }
  | { status: 'done'; report: JobPreflight }
  | { status: 'failed'; error: ShownError };

export interface Preflight {
  /** By row id, in the order of the rows. */
  jobs: ReadonlyMap<string, Looked>;
  busy: boolean;
  /** Looks at these rows, as they stand now. */
  look(rowIds: readonly string[]): void;
  cancel(rowId: string): void;
  cancelAll(): void;
}

/** Preflights of rows, a few at a time. One that fails stops no other; leaving cancels them all. */
export function usePreflight(rowIds: readonly string[]): Preflight {
  const { project, running: runs } = useApp();
  const [jobs, setJobs] = useState<ReadonlyMap<string, Looked>>(new Map());
  const running = useRef(new Map<string, AbortController>());
  const queue = useRef<string[]>([]);

  const set = useCallback((rowId: string, looked: Looked) => {
    setJobs((before) => new Map(before).set(rowId, looked));
  }, []);

  const begin = useCallback(() => {
    while (running.current.size < AT_A_TIME) {
      const rowId = queue.current.shift();
      if (rowId === undefined) return;
      const controller = new AbortController();
      running.current.set(rowId, controller);
      void ask(rowId, controller.signal).then((looked) => {
        if (running.current.get(rowId) !== controller) return;
        running.current.delete(rowId);
        set(rowId, looked);
        begin();
      });
      set(rowId, { status: 'asking' });
    }

    async function ask(rowId: string, signal: AbortSignal): Promise<Looked> {
      const { document } = project.getState();
      if (document === null) return { status: 'cancelled' };
      const { directory, env } = document;
      const row = project.rowValues('SourceConfig', rowId);
      try {
        const asked = { directory, env, row, destination: runs.chosenTarget() };
        return { status: 'done', report: await call('job.preflight', asked, { signal }) };
      } catch (error) {
        return isCancelled(error) ? { status: 'cancelled' } : { status: 'failed', error: shownError(error) };
      }
    }
  }, [project, runs, set]);

  const cancel = useCallback(
    (rowId: string) => {
      queue.current = queue.current.filter((other) => other !== rowId);
      running.current.get(rowId)?.abort();
      set(rowId, { status: 'cancelled' });
    },
    [set],
  );

  const look = useCallback(
    (wanted: readonly string[]) => {
      for (const rowId of wanted) {
        running.current.get(rowId)?.abort();
        running.current.delete(rowId);
        set(rowId, { status: 'waiting' });
      }
      queue.current = [...queue.current.filter((rowId) => !wanted.includes(rowId)), ...wanted];
      begin();
    },
    [begin, set],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows are those of the moment in which it was asked for
  useEffect(() => {
    look(rowIds);
    return () => {
      queue.current = [];
      for (const controller of running.current.values()) controller.abort();
      running.current.clear();
    };
  }, [look]);

  const busy = [...jobs.values()].some(({ status }) => status === 'waiting' || status === 'asking');
  return {
    jobs,
    busy,
    look,
    cancel,
    cancelAll: () => {
      for (const [rowId, { status }] of jobs) if (status === 'waiting' || status === 'asking') cancel(rowId);
    },
  };
}
