import { hostname } from 'node:os';
import type { LockOwner } from '../destinations/destination.ts';
import { IngestError } from '../errors.ts';

/** A lock as it is kept: who took it and when (ISO 8601, UTC). */
export interface HeldLock extends LockOwner {
  at: string;
}

/** The error for a target that another run holds. */
export function lockedError(target: string, held: HeldLock, now: Date): IngestError {
  const here = held.host === hostname();
  const age = describeAge(now.getTime() - Date.parse(held.at));
  return new IngestError(
    'LOCKED',
    `${target} is being loaded by run ${held.runId} (process ${held.pid} on ${here ? 'this computer' : held.host}) since ${age}.`,
    {
      hint: here
        ? 'Wait for that run, or cancel it.'
        : `Wait for that run. If it is certain that it no longer runs on ${held.host}, remove its lock with \`ingest state unlock ${target}\`.`,
      retryable: true,
    },
  );
}

/** False only where it is certain that no process on this computer has the id. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function describeAge(milliseconds: number): string {
  if (!(milliseconds >= 0)) return 'an unknown time';
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

/** Locks of one process: what two runs inside it would otherwise take twice. Keys name the target with its place. */
export class ProcessLocks {
  readonly #held = new Map<string, HeldLock>();

  holder(key: string): HeldLock | undefined {
    return this.#held.get(key);
  }

  /** Throws LOCKED; gives back the function that frees the lock. */
  take(key: string, target: string, owner: LockOwner, now: Date): () => void {
    const held = this.#held.get(key);
    if (held) throw lockedError(target, held, now);
    const mine = { ...owner, at: now.toISOString() };
    this.#held.set(key, mine);
    return () => {
      if (this.#held.get(key) === mine) this.#held.delete(key);
    };
  }
}
