import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Workspace } from '../duckdb/workspace.ts';

/** Enough for a preview; a run has limits of its own. */
const MEMORY_LIMIT_MIB = 1024;

/** A workspace and a private folder that live as long as `use` runs. They may hold rows of a source, so nothing of them stays. */
export async function withScratch<Result>(
  use: (scratch: { workspace: Workspace; folder: string }) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-'));
  await chmod(folder, 0o700);
  try {
    const workspace = await Workspace.open({
      memoryLimitMiB: MEMORY_LIMIT_MIB,
      threads: 2,
      tempDirectory: path.join(folder, 'duckdb'),
    });
    try {
      return await use({ workspace, folder });
    } finally {
      workspace.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
