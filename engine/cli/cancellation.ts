import { EXIT } from './failure.ts';
import type { Terminal } from './terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

/** `npm run` passes Ctrl+C on to a child that the terminal has told already: signals within this many milliseconds are one. */
const SAME_KEY_MS = 400;

export interface Cancellation {
  signal: AbortSignal;
  /** Stops listening for signals. */
  dispose(): void;
}

/**
 * Ctrl+C (or a scheduler's SIGTERM) cancels: what is under way is rolled back, state stays as it was. A second one ends the process at once,
 * which is safe too: the next run loads a complete package first and deletes an incomplete one.
 */
export function cancelOnSignals(terminal: Terminal): Cancellation {
  const controller = new AbortController();
  let first = 0;
  const onSignal = () => {
    const now = performance.now();
    if (controller.signal.aborted) {
      if (now - first > SAME_KEY_MS) process.exit(EXIT.cancelled);
      return;
    }
    first = now;
    terminal.tell('\nCancelling … (once more to stop at once)');
    controller.abort(new Error('interrupted'));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
