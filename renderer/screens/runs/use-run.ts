import { useEffect, useRef, useState } from 'react';
import { ContractError, call, isCancelled, on } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { NO_RUN, type RunDetail, type RunEvent, type RunModel, withEvents, withResults } from './run-model.ts';

/** Events are drawn together, at most so often. */
const DRAW_MS = 100;
/** A run of another program sends no events: it is asked. */
const ASK_MS = 2000;

export interface FollowedRun {
  detail: RunDetail | null;
  model: RunModel;
  error: ShownError | null;
  /** Grows with every event that is drawn: the log has grown. */
  version: number;
  reload(): void;
}

/** A failure as plain data: an error's own message would be lost when it is copied. */
export function shownError(error: unknown): ShownError {
  if (error instanceof ContractError) {
    const { code, message, hint, detail } = error;
    return { code, message, hint, detail };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'UNEXPECTED', message, hint: null, detail: null };
}

/** A run with everything that happens in it, whoever runs it; events that were missed are caught up with. */
export function useRun(directory: string, runId: string): FollowedRun {
  const [state, setState] = useState<Omit<FollowedRun, 'reload'>>({
    detail: null,
    model: NO_RUN,
    error: null,
    version: 0,
  });
  const [round, setRound] = useState(0);
  const asked = useRef('');

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks again
  useEffect(() => {
    const controller = new AbortController();
    let seq: number | null = null;
    let waiting: { seq: number; event: RunEvent }[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;

    if (asked.current !== runId) setState({ detail: null, model: NO_RUN, error: null, version: 0 });
    asked.current = runId;

    const draw = () => {
      timer = undefined;
      if (seq === null) return;
      const known = seq;
      const news = waiting.filter((item) => item.seq > known).sort((a, b) => a.seq - b.seq);
      waiting = [];
      if (news.length === 0) return;
      if (news[0]!.seq > known + 1) {
        void load();
        return;
      }
      seq = news.at(-1)!.seq;
      const events = news.map(({ event }) => event);
      setState((now) => ({ ...now, model: withEvents(now.model, events), version: now.version + 1 }));
      if (events.some(({ type }) => type === 'run_finished')) void load();
    };

    async function load(): Promise<void> {
      try {
        const detail = await call('run.get', { directory, run_id: runId }, { signal: controller.signal });
        seq = detail.seq;
        const model = withResults(withEvents(NO_RUN, detail.events), detail.results);
        setState((now) => ({ detail, model, error: null, version: now.version + 1 }));
        if (detail.summary.status === 'RUNNING' && !detail.here) again = setTimeout(() => void load(), ASK_MS);
        draw();
      } catch (error) {
        if (!isCancelled(error)) setState((now) => ({ ...now, error: shownError(error) }));
      }
    }

    const stop = on('run.event', (data) => {
      if (data.run_id !== runId) return;
      waiting.push({ seq: data.seq, event: data.event });
      timer ??= setTimeout(draw, DRAW_MS);
    });
    void load();
    return () => {
      stop();
      controller.abort();
      clearTimeout(timer);
      clearTimeout(again);
    };
  }, [directory, runId, round]);

  return { ...state, reload: () => setRound((now) => now + 1) };
}

/** Now, in milliseconds, told anew every half second while something goes on. */
export function useNow(going: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [going]);
  return now;
}
