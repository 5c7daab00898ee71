import { buffer } from 'node:stream/consumers';
import { isIngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { reachStore } from '../../object-stores/reach-store.ts';
import type { TestStage } from '../source.ts';
import { FileStore } from './file-store.ts';

/** Files counted; more than that only says so. */
const MOST_FILES = 10_000;
const BYTES_READ = 4096;

/** Stages of a folder's or bucket's test. */
export async function* testFiles(openStore: () => Promise<FileStore>, signal: AbortSignal): AsyncGenerator<TestStage> {
  const objects = yield* reachStore(async () => (await openStore()).objects, signal);
  if (objects === null) return;
  const store = new FileStore(objects);
  let began = performance.now();
  let first: string | null = null;
  try {
    const { files, cut } = await store.list('', signal, MOST_FILES);
    const [file] = [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
    yield {
      stage: 'permission',
      status: 'passed',
      durationMs: performance.now() - began,
      detail: `${cut ? 'More than ' : ''}${files.length} files below ${store.location}`,
    };
    if (file === undefined) {
      yield { stage: 'first_read', status: 'skipped', durationMs: 0, detail: 'The folder has no files yet.' };
      return;
    }
    first = file.path;
    began = performance.now();
    await buffer(await objects.read(file.path, { end: Math.min(file.bytes, BYTES_READ), signal }));
    yield {
      stage: 'first_read',
      status: 'passed',
      durationMs: performance.now() - began,
      detail: `Read from "${file.path}".`,
    };
  } catch (error) {
    throwIfCancelled(signal);
    const known = isIngestError(error) ? error : null;
    yield {
      stage: first === null ? 'permission' : 'first_read',
      status: 'failed',
      durationMs: performance.now() - began,
      detail: messageOf(error),
      error: {
        code: known?.code ?? 'FILE_UNREADABLE',
        message: known?.message ?? `"${first}" cannot be read: ${messageOf(error)}`,
        hint: known?.hint ?? 'Give the user that runs the job the right to read it.',
      },
    };
  }
}
