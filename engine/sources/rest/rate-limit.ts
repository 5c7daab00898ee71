import { cancelled } from '../../errors.ts';
import { type Clock, orCancelled } from './clock.ts';

/** Requests that a connection may send. */
export interface RateLimit {
  requests_per_second: number;
  burst_limit: number;
}

/**
 * A token bucket that all jobs of a connection share: over any time t it lets through at most rate × t + burst.
 * Waiters are served in the order in which they came.
 */
export class TokenBucket {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit.burst_limit;
    this.#filledAt = clock.now();
  }

  /** Waits for a token; gives back the milliseconds waited. */
  take(signal: AbortSignal): Promise<number> {
    const turn = this.#last.then(() => this.#takeNext(signal));
    this.#last = turn.catch(() => undefined);
    return orCancelled(turn, signal);
  }

  async #takeNext(signal: AbortSignal): Promise<number> {
    if (signal.aborted) throw cancelled(signal);
    let waited = 0;
    for (;;) {
      const now = this.#clock.now();
      // A clock set back must not freeze the bucket, nor fill it.
      const elapsed = Math.max(0, now - this.#filledAt);
      this.#tokens = Math.min(
        this.#limit.burst_limit,
        this.#tokens + (elapsed / 1000) * this.#limit.requests_per_second,
      );
      this.#filledAt = now;
      if (this.#tokens >= 1 - 1e-9) break;
      const wait = Math.max(1, Math.ceil(((1 - this.#tokens) / this.#limit.requests_per_second) * 1000));
      await this.#clock.sleep(wait, signal);
      waited += wait;
    }
    this.#tokens -= 1;
    return waited;
  }
}
