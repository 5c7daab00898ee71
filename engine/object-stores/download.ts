import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfCancelled } from '../errors.ts';
import { type RetryOptions, withRetry } from '../retry.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { copyIncomplete, isObjectGone } from './store-errors.ts';

export interface DownloadOptions {
  signal: AbortSignal;
  /** Told how many bytes have come. */
  progress?: (bytes: number) => void;
  /** How a broken transfer is taken up again; default: 6 attempts, each from where the one before ended. */
  retry?: Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'>;
}

/**
 * Copies an object into a file, which is there completely or not at all.
 * @throws IngestError OBJECT_NOT_FOUND, OBJECT_CHANGED where the object is no longer the one that was listed, COPY_INCOMPLETE
 */
export async function download(
  store: ObjectStore,
  object: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>,
  path: string,
  { signal, progress, retry }: DownloadOptions,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  let written = 0;
  const count = async function* (body: Readable) {
    for await (const chunk of body) {
      yield chunk;
      written += (chunk as Buffer).length;
      progress?.(written);
    }
  };
  try {
    await withRetry(
      async () => {
        const body = await store.read(object.key, {
          start: written,
          ...(object.etag === '' ? {} : { etag: object.etag }),
          signal,
        });
        const file = createWriteStream(path, written === 0 ? { flags: 'w' } : { flags: 'r+', start: written });
        await pipeline(body, count, file, { signal });
        if (written !== object.bytes) throw copyIncomplete(path, written, object.bytes);
      },
      { attempts: 6, firstWait: 500, longestWait: 20_000, ...retry, signal, isFinal: isObjectGone },
    );
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throwIfCancelled(signal);
    throw error;
  }
}
