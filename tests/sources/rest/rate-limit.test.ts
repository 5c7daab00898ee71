import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { askedPauseMs, TokenBucket } from '../../../engine/sources/rest/rate-limit.ts';
import { fastClock } from './rest-reader.ts';

const NOW = Date.parse('2024-01-01T00:00:00Z');

describe('the token bucket', () => {
  /** When each of `count` takes of `jobs` jobs passed, in milliseconds; a job works for `work` between its takes. */
  async function run(
    limit: { requests_per_second: number; burst_limit: number },
    jobs: number,
    count: number,
    work: number,
    lateness: number,
  ) {
    const clock = fastClock();
    const { sleep } = clock;
    clock.sleep = (milliseconds, signal) => sleep(milliseconds + lateness, signal);
    const start = clock.now();
    const bucket = new TokenBucket(limit, clock);
    const { signal } = new AbortController();
    const at: number[] = [];
    await Promise.all(
      Array.from({ length: jobs }, async () => {
        for (let index = 0; index < count / jobs; index += 1) {
          await bucket.take(signal);
          at.push(clock.now() - start);
          if (work > 0) await sleep(work, signal);
        }
      }),
    );
    return at;
  }

  test('never more than rate × t + burst in any stretch of time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 9 }),
        async (rate, burst, jobs, work, lateness) => {
          const at = await run({ requests_per_second: rate, burst_limit: burst }, jobs, 60, work, lateness);
          for (let first = 0; first < at.length; first += 1)
            for (let last = first; last < at.length; last += 1)
              expect(last - first + 1).toBeLessThanOrEqual(
                (((at[last] as number) - (at[first] as number)) / 1000) * rate + burst + 1e-6,
              );
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    [50, 10, 2],
    [10, 1, 0],
    [20, 2, 3],
    [1, 1, 5],
  ])('rate %i, burst %i, timers %i ms late: at least 97 % of the rate', async (rate, burst, lateness) => {
    const at = await run({ requests_per_second: rate, burst_limit: burst }, 4, rate * 20, 0, lateness);
    const seconds = ((at.at(-1) as number) - (at[0] as number)) / 1000;
    expect((at.length - burst) / seconds / rate).toBeGreaterThanOrEqual(0.97);
  });

  test('a pause holds everybody, and no longer than 300 s', async () => {
    const clock = fastClock();
    const start = clock.now();
    const bucket = new TokenBucket(null, clock);
    const { signal } = new AbortController();
    await bucket.take(signal);
    bucket.pauseUntil(start + 5000);
    bucket.pauseUntil(start + 2000);
    await Promise.all([bucket.take(signal), bucket.take(signal)]);
    expect(clock.now() - start).toBe(5000);
    bucket.pauseUntil(start + 9_999_000);
    await bucket.take(signal);
    expect(clock.now() - start).toBe(305_000);
  });
});

test.each<[string, Record<string, string>, number | null]>([
  ['nothing', {}, null],
  ['Retry-After in seconds', { 'retry-after': '7' }, 7000],
  ['Retry-After as a date', { 'retry-after': 'Mon, 01 Jan 2024 00:00:09 GMT' }, 9000],
  ['quota left', { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '60' }, null],
  ['quota spent, seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '60' }, 60_000],
  [
    'quota spent, epoch seconds (GitHub)',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 30) },
    30_000,
  ],
  [
    'quota spent, epoch milliseconds',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 30_000) },
    30_000,
  ],
  ['quota spent, a date', { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '2024-01-01T00:00:05Z' }, 5000],
  ['IETF draft 06', { 'ratelimit-limit': '10', 'ratelimit-remaining': '0', 'ratelimit-reset': '12' }, 12_000],
  ['IETF draft 07', { ratelimit: 'limit=10, remaining=0, reset=12' }, 12_000],
  ['IETF draft 08', { ratelimit: '"default";r=0;t=12' }, 12_000],
  ['IETF draft 08, quota left', { ratelimit: '"default";r=10;t=12' }, null],
  ['quota spent, no reset', { 'x-ratelimit-remaining': '0' }, null],
])('%s', (_name, headers, pause) => {
  expect(askedPauseMs(headers, NOW)).toBe(pause);
});
