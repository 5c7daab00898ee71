import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A folder of a test's own; gone with `await using`. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'ingest-test-')));
  return {
    path: folder,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
