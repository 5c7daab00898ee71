import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/** Everything that a run writes besides its destination lies below `<work directory>/metadata`. */
export interface WorkFolders {
  /** Load packages, kept until they are loaded. */
  packages: string;
  /** Temporary files of this run; removed at its end. */
  spool: string;
}

/** Makes a run's folders, readable by their owner only: they hold rows of the sources. Spools of dead runs of this machine are removed. */
export async function makeWorkFolders(workDirectory: string, runId: string): Promise<WorkFolders> {
  const spools = path.join(workDirectory, 'metadata', 'spool');
  await removeDeadSpools(spools);
  const spool = path.join(spools, `${runId}-${process.pid}`);
  await mkdir(spool, { recursive: true, mode: 0o700 });
  return { packages: path.join(workDirectory, 'metadata', 'packages'), spool };
}

/** Removes spools whose process is gone. Gives their names. */
export async function removeDeadSpools(spools: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(spools).catch(() => [] as string[])) {
    const pid = Number(/-(\d+)$/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isAlive(pid)) continue;
    await rm(path.join(spools, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    removed.push(name);
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is somebody else's
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
