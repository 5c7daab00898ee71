import { setTimeout as delay } from 'node:timers/promises';
import { cancelled } from '../../errors.ts';

/** Time and chance, passed in so that retries and rate limits are tested without waiting. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after so many milliseconds; rejects as cancelled when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, { signal });
    } catch {
      throw cancelled(signal);
    }
  },
};
