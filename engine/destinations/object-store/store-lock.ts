import { hostname } from 'node:os';
import { z } from 'zod';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { readText } from '../../object-stores/small-objects.ts';
import { type HeldLock, isProcessAlive, lockedError, ProcessLocks } from '../../state/target-lock.ts';
import type { LockOwner, TargetLock, TargetRef } from '../destination.ts';
import { tablePrefix } from './manifest.ts';

const heldLockModel = z.object({ runId: z.string(), pid: z.int(), host: z.string(), at: z.string() });

/** Locks of this process: they tell a lock file of ours from one of a dead process that had our process id. */
const held = new ProcessLocks();

/** A target's lock: a `_lock` file that is created exclusively and says who holds it. */
export class StoreLock {
  readonly #store: ObjectStore;
  readonly #key: string;
  readonly #label: string;

  constructor(store: ObjectStore, target: TargetRef) {
    this.#store = store;
    this.#key = `${tablePrefix(target.schema, target.table)}_lock`;
    this.#label = `${target.schema}.${target.table}`;
  }

  /** Takes it, after breaking one of a process of this computer that is gone. Throws LOCKED. */
  async take(owner: LockOwner, now: Date): Promise<TargetLock> {
    const release = held.take(this.#processKey(), this.#label, owner, now);
    const mine = JSON.stringify({
      runId: owner.runId,
      pid: owner.pid,
      host: owner.host,
      at: now.toISOString(),
    } satisfies HeldLock);
    try {
      if (
        !(await this.#store.put(this.#key, mine, 'absent')) &&
        !((await this.#breakStale(now)) && (await this.#store.put(this.#key, mine, 'absent')))
      ) {
        throw lockedError(
          this.#label,
          (await this.holder()) ?? { ...owner, runId: 'unknown', at: now.toISOString() },
          now,
        );
      }
    } catch (error) {
      release();
      throw error;
    }
    return {
      release: async () => {
        release();
        // One that was broken by hand and taken by another run is not ours to remove.
        if ((await readText(this.#store, this.#key)) === mine) await this.#store.delete([this.#key]);
      },
    };
  }

  /** Who holds it; null for nobody. What cannot be read is held by somebody unknown. */
  async holder(): Promise<HeldLock | null> {
    const text = await readText(this.#store, this.#key);
    return text === null ? null : parseHolder(text);
  }

  /** Who holds it and is alive, as far as this computer can tell. */
  async liveHolder(): Promise<HeldLock | null> {
    const ours = held.holder(this.#processKey());
    if (ours) return ours;
    const holder = await this.holder();
    return isStale(holder) ? null : holder;
  }

  /** Removes the lock whoever holds it; gives back who it was. */
  async break(): Promise<HeldLock | null> {
    const holder = await this.holder();
    await this.#store.delete([this.#key, this.#breakerKey()]);
    return holder;
  }

  /** True when the lock is gone. Only who creates the `_lock.breaking` file may remove a stale lock, so two breakers never remove each other's new one. */
  async #breakStale(now: Date): Promise<boolean> {
    if (!isStale(await this.holder())) return false;
    if (!(await this.#store.put(this.#breakerKey(), now.toISOString(), 'absent'))) return false;
    try {
      const holder = await this.holder();
      if (holder === null) return true;
      if (!isStale(holder)) return false;
      await this.#store.delete([this.#key]);
      return true;
    } finally {
      await this.#store.delete([this.#breakerKey()]);
    }
  }

  #breakerKey(): string {
    return `${this.#key}.breaking`;
  }

  #processKey(): string {
    return `${this.#store.location}|${this.#key}`;
  }
}

/** A holder on this computer whose process is gone; also one with our own process id, for what we hold ourselves never comes here. */
function isStale(holder: HeldLock | null): boolean {
  if (holder === null || holder.host !== hostname()) return false;
  return holder.pid === process.pid || !isProcessAlive(holder.pid);
}

function parseHolder(text: string): HeldLock {
  try {
    return heldLockModel.parse(JSON.parse(text));
  } catch {
    return { runId: 'unknown', pid: 0, host: 'an unknown computer', at: '' };
  }
}
