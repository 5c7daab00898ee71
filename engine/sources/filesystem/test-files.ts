import { open } from 'node:fs/promises';
import { isIngestError, messageOf } from '../../errors.ts';
import type { TestStage } from '../source.ts';
import type { FileStore } from './file-store.ts';

/** Stages of a folder's test: there is no network before a local folder, so those stages are skipped. */
export async function* testFiles(openStore: () => FileStore, signal: AbortSignal): AsyncGenerator<TestStage> {
  for (const stage of ['dns', 'tcp', 'tls', 'login'] as const)
    yield { stage, status: 'skipped', durationMs: 0, detail: 'A local folder needs none.' };
  let began = performance.now();
  let store: FileStore;
  let first: { path: string; local: string } | null = null;
  try {
    store = openStore();
    const files = await store.list('', signal);
    const [file] = [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
    yield {
      stage: 'permission',
      status: 'passed',
      durationMs: performance.now() - began,
      detail: `${files.length} files below ${store.location}`,
    };
    if (file === undefined) {
      yield { stage: 'first_read', status: 'skipped', durationMs: 0, detail: 'The folder has no files yet.' };
      return;
    }
    first = { path: file.path, local: '' };
    began = performance.now();
    first.local = await store.localPath(file, '', signal);
    const handle = await open(first.local, 'r');
    try {
      await handle.read(new Uint8Array(4096), 0, 4096, 0);
    } finally {
      await handle.close();
    }
    yield {
      stage: 'first_read',
      status: 'passed',
      durationMs: performance.now() - began,
      detail: `Read from "${file.path}".`,
    };
  } catch (error) {
    const known = isIngestError(error) ? error : null;
    yield {
      stage: first === null ? 'permission' : 'first_read',
      status: 'failed',
      durationMs: performance.now() - began,
      detail: messageOf(error),
      error: {
        code: known?.code ?? 'FILE_UNREADABLE',
        message: known?.message ?? `"${first?.path}" cannot be read: ${messageOf(error)}`,
        hint: known?.hint ?? 'Give the user that runs the job the right to read it.',
      },
    };
  }
}
