import { expect, test } from 'vitest';
import { IngestError } from '../engine/errors.ts';
import { withRetry } from '../engine/retry.ts';

const transient = new IngestError('CONNECTION_LOST', 'cut', { retryable: true });

test('waits double, with jitter, up to the longest', async () => {
  const waits: number[] = [];
  const options = {
    attempts: 5,
    firstWait: 4,
    longestWait: 10,
    random: () => 0,
    signal: new AbortController().signal,
    onRetry: ({ wait }: { wait: number }) => waits.push(wait),
  };
  await expect(
    withRetry(async () => {
      throw transient;
    }, options),
  ).rejects.toBe(transient);
  expect(waits).toEqual([2, 4, 5, 5]);
});

test('what is not retryable is thrown at once', async () => {
  let calls = 0;
  const fatal = new IngestError('SOURCE_LOGIN', 'wrong password');
  const run = withRetry(
    async () => {
      calls += 1;
      throw fatal;
    },
    { signal: new AbortController().signal, onRetry: () => {} },
  );
  await expect(run).rejects.toBe(fatal);
  expect(calls).toBe(1);
});

test('a cancellation ends a wait', async () => {
  const controller = new AbortController();
  const run = withRetry(
    async () => {
      throw transient;
    },
    { firstWait: 60_000, longestWait: 60_000, signal: controller.signal, onRetry: () => controller.abort() },
  );
  await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
});
