import { setTimeout as delay } from 'node:timers/promises';
import { cancelled, isIngestError } from './errors.ts';

export interface RetryOptions {
  /** Tries in all, the first included. Default 5. */
  attempts?: number;
  /** Wait before the second try, milliseconds; doubled each time, with jitter. Default 1000. */
  firstWait?: number;
  /** Longest wait, milliseconds. Default 30000. */
  longestWait?: number;
  signal: AbortSignal;
  /** True for an error that only the caller's own caller can answer by trying again. Default none. */
  isFinal?: (error: Error & { code: string }) => boolean;
  /** The least wait that the failed side asked for (`Retry-After`), milliseconds; {@link longestWait} still bounds it. Default none. */
  askedWait?: (error: Error) => number;
  /** Told before each wait. `attempt` is the one that failed, from 1. */
  onRetry?(retry: { attempt: number; wait: number; error: Error & { code: string } }): void;
  /** 0 ≤ x < 1. Default Math.random. */
  random?: () => number;
}

/**
 * Tries again what failed with a retryable IngestError. The wait before try n+1 is drawn evenly from half to all of `firstWait · 2^(n-1)` ("equal jitter").
 * @throws the last error; CANCELLED where the signal ends a wait
 */
export async function withRetry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts = 5, firstWait = 1000, longestWait = 30_000, random = Math.random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (!isIngestError(error) || !error.retryable || attempt >= attempts || options.signal.aborted) throw error;
      if (options.isFinal?.(error)) throw error;
      const ceiling = Math.min(longestWait, firstWait * 2 ** (attempt - 1));
      const drawn = Math.round(ceiling / 2 + (random() * ceiling) / 2);
      const wait = Math.min(longestWait, Math.max(drawn, options.askedWait?.(error) ?? 0));
      options.onRetry?.({ attempt, wait, error });
      await delay(wait, undefined, { signal: options.signal }).catch(() => {
        throw cancelled(options.signal);
      });
    }
  }
}
