import { cancelled, throwIfCancelled } from '../errors.ts';

/** Runs one task at a time, in the order of asking. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Waits for its turn and runs the task. A caller that is cancelled while it waits leaves the queue. */
  async run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    throwIfCancelled(signal);
    const before = this.#last;
    const done = Promise.withResolvers<void>();
    this.#last = before.then(() => done.promise);
    try {
      await waitFor(before, signal);
      return await task();
    } finally {
      done.resolve();
    }
  }
}

async function waitFor(turn: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(cancelled(signal));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([turn, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  throwIfCancelled(signal);
}
