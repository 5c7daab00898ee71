import { cancelled, orCancelled } from '../../errors.ts';
import type { Clock } from './clock.ts';

/** Requests that a connection may send. */
export interface RateLimit {
  requests_per_second: number;
  burst_limit: number;
}

/** Longest pause that a server's headers can ask for. */
export const MAX_PAUSE_MS = 300_000;

/** A full bucket (of more than one) begins to fill again so long after its first token was taken. */
const BURST_DELAY_MS = 100;

/**
 * What all requests of a connection pass, in the order in which they came: a token bucket that over any time t lets through at most
 * rate × t + burst (no limit: as many as come), and pauses that the server asks for.
 */
export class TokenBucket {
  readonly #limit: RateLimit | null;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limit: RateLimit | null, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit?.burst_limit ?? 0;
    this.#filledAt = clock.now();
  }

  /** Waits for a token; gives back the milliseconds waited. */
  take(signal: AbortSignal): Promise<number> {
    const turn = this.#last.then(() => this.#takeNext(signal));
    this.#last = turn.catch(() => undefined);
    return orCancelled(turn, signal);
  }

  /** Nobody passes before this time (at most {@link MAX_PAUSE_MS} from now). A longer pause that is running stays. */
  pauseUntil(time: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, Math.min(time, this.#clock.now() + MAX_PAUSE_MS));
  }

  async #takeNext(signal: AbortSignal): Promise<number> {
    if (signal.aborted) throw cancelled(signal);
    let waited = 0;
    for (;;) {
      const wait = this.#wait();
      if (wait === 0) break;
      await this.#clock.sleep(wait, signal);
      waited += wait;
    }
    // A burst's first requests open connections: they arrive later than what follows them, and must not be joined by it.
    const burst = this.#limit?.burst_limit ?? 0;
    if (burst > 1 && this.#tokens >= burst) this.#filledAt = this.#clock.now() + BURST_DELAY_MS;
    this.#tokens -= 1;
    return waited;
  }

  /** Milliseconds until the next request may pass. */
  #wait(): number {
    const now = this.#clock.now();
    const limit = this.#limit;
    if (limit) {
      // A clock set back must not freeze the bucket, nor fill it.
      if (now < this.#filledAt - BURST_DELAY_MS) this.#filledAt = now;
      const elapsed = Math.max(0, now - this.#filledAt);
      this.#tokens = Math.min(limit.burst_limit, this.#tokens + (elapsed / 1000) * limit.requests_per_second);
      this.#filledAt = Math.max(this.#filledAt, now);
    }
    if (this.#pausedUntil > now) return Math.ceil(this.#pausedUntil - now);
    if (!limit || this.#tokens >= 1 - 1e-9) return 0;
    const filling = Math.max(0, this.#filledAt - now);
    return Math.max(1, Math.ceil(filling + ((1 - this.#tokens) / limit.requests_per_second) * 1000));
  }
}

/**
 * Milliseconds for which a server wants no more requests, by its headers: `Retry-After`, or a spent quota in `RateLimit` (both forms of the IETF draft),
 * `RateLimit-Remaining`, `X-RateLimit-Remaining` and their relatives with their `-Reset` (seconds, seconds since the epoch, milliseconds since the epoch, a date).
 * Null where they ask for nothing.
 */
export function askedPauseMs(headers: Record<string, string>, now: number): number | null {
  const asked = retryAfterMs(headers['retry-after'] ?? null, now);
  if (asked !== null) return asked;
  const combined = headers.ratelimit;
  if (combined !== undefined) {
    const remaining = /(?:^|[;,\s])(?:r|remaining)=(\d+)/.exec(combined)?.[1];
    const reset = /(?:^|[;,\s])(?:t|reset)=(\d+)/.exec(combined)?.[1];
    if (remaining === '0' && reset !== undefined) return Number(reset) * 1000;
  }
  for (const prefix of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
    const remaining = headers[`${prefix}-remaining`]?.trim();
    if (remaining === undefined || !/^0+(\.0+)?$/.test(remaining)) continue;
    const reset = resetMs(headers[`${prefix}-reset`] ?? headers[`${prefix}-reset-after`] ?? null, now);
    if (reset !== null) return reset;
  }
  return null;
}

/** `Retry-After` in seconds or as an HTTP date (RFC 9110 section 10.2.3); null where there is none or it cannot be read. */
export function retryAfterMs(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Math.ceil(Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Numbers beyond a year of seconds are points in time. */
const EPOCH_SECONDS = 100_000_000;
const EPOCH_MILLISECONDS = 100_000_000_000;

function resetMs(value: string | null, now: number): number | null {
  const number = value === null || !/^\s*\d+(\.\d+)?\s*$/.test(value) ? null : Number(value);
  if (number === null) return retryAfterMs(value, now);
  if (number >= EPOCH_MILLISECONDS) return Math.max(0, number - now);
  return number >= EPOCH_SECONDS ? Math.max(0, number * 1000 - now) : Math.ceil(number * 1000);
}
