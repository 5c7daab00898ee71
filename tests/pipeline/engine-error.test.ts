import { expect, test } from 'vitest';
import { IngestError } from '../../engine/errors.ts';
import { describeError, toIngestError } from '../../engine/pipeline/engine-error.ts';

const never = new AbortController().signal;

test.each([
  ['IO Error: Could not write file: No space left on device', 'DISK_FULL', '--work-dir'],
  ['Out of Memory Error: failed to allocate data of size 1.0 GiB', 'OUT_OF_MEMORY', 'max_workers'],
  ['EACCES: permission denied, open', 'NOT_WRITABLE', 'permissions'],
  ['something new', 'JOB_FAILED', 'run log'],
])('%s is %s, with a way out', (message, code, hint) => {
  const error = toIngestError(new Error(`${message}\nLINE 1: SELECT 'a value of the source'`), 'shop.orders', never);
  expect(error).toMatchObject({
    code,
    hint: expect.stringContaining(hint),
    message: expect.stringContaining('shop.orders'),
  });
  expect(error.message).not.toContain('a value of the source');
});

test('an error of ours stays as it is, and a cancelled run is cancelled whatever was thrown', () => {
  const own = new IngestError('LOGIN_FAILED', 'wrong password');
  expect(toIngestError(own, 'shop.orders', never)).toBe(own);
  expect(toIngestError(own, 'shop.orders', AbortSignal.abort())).toMatchObject({ code: 'CANCELLED' });
  expect(describeError(own)).toEqual({ code: 'LOGIN_FAILED', message: 'wrong password' });
});
