import { access, constants, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Destination, ExistingTable, LockOwner, TargetRef } from '../destinations/destination.ts';
import type { LoadPackage } from '../load/load-package.ts';
import { PackageStore } from '../load/package-store.ts';
import type { Job } from '../spec/job.ts';
import type { JobState, StateKey } from '../state/job-state.ts';
import type { DestinationLook } from './look-at-destination.ts';

/** What a job would meet in its destination. */
export interface TargetFacts {
  target: TargetRef;
  state: JobState | null;
  tables: ExistingTable[];
  lock: (LockOwner & { at: string }) | null;
}

/** Where a job's rows go, in a destination with this default schema. */
export function targetOf(job: Job, { defaultSchema }: Pick<Destination, 'defaultSchema'>): TargetRef {
  return { schema: job.target_schema ?? defaultSchema, table: job.target_table };
}

/** How far a job has come, and the live tables. Writes nothing. @throws IngestError LOCKED and what else the place says */
export async function targetFacts(
  look: DestinationLook,
  job: Job,
  pipeline: string,
  signal: AbortSignal,
): Promise<TargetFacts> {
  return await look.ask(signal, async (destination) => {
    const target = targetOf(job, destination);
    return {
      target,
      state: await destination.readState(keyOf(target, pipeline)),
      tables: await destination.describeTables(target),
      lock: (await destination.lockHolder?.(target)) ?? null,
    };
  });
}

/** The state alone; null also while a run holds the place to itself. */
export async function knownState(
  look: DestinationLook,
  job: Job,
  pipeline: string,
  signal: AbortSignal,
): Promise<JobState | null> {
  try {
    return await look.ask(signal, (destination) => destination.readState(keyOf(targetOf(job, destination), pipeline)));
  } catch (error) {
    if (/LOCK|BUSY/.test((error as { code?: string }).code ?? '')) return null;
    throw error;
  }
}

function keyOf(target: TargetRef, pipeline: string): StateKey {
  return { pipeline, target_schema: target.schema, target_table: target.table };
}

/** Complete packages that dead runs left for a target: the next run loads them before it reads anything. */
export async function waitingPackages(
  workDirectory: string,
  pipeline: string,
  destination: string,
  target: TargetRef,
): Promise<LoadPackage[]> {
  const store = new PackageStore(path.join(workDirectory, 'metadata', 'packages'), {
    pipeline,
    destination,
    target_schema: target.schema,
    target_table: target.table,
  });
  return await store.waiting();
}

/** Free bytes where a path lies or will lie, and whether one may write there; null where the system does not tell. */
export async function roomAt(place: string): Promise<{ freeBytes: number; folder: string; writable: boolean } | null> {
  for (let folder = path.resolve(place); ; folder = path.dirname(folder)) {
    const found = await statfs(folder).catch(() => null);
    if (found !== null) {
      const writable = await access(folder, constants.W_OK).then(
        () => true,
        () => false,
      );
      return { freeBytes: found.bavail * found.bsize, folder, writable };
    }
    if (path.dirname(folder) === folder) return null;
  }
}
