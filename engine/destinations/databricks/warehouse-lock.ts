import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type HeldLock, isProcessAlive, lockedError, ProcessLocks } from '../../state/target-lock.ts';
import type { LockOwner, TargetLock, TargetRef } from '../destination.ts';
import { literal, timestamp } from './sql-text.ts';

/** Locks of this process: they tell a row of ours from one of a dead process that had our process id. */
const held = new ProcessLocks();

/** Two that came at the same moment both step back; they come again so often. */
const TRIES = 5;

interface LockRow extends HeldLock {
  token: string;
}

/** Runs a statement; statements here may be carried out twice. */
export type RunSql = <T = Record<string, unknown>>(sql: string) => Promise<T[]>;

/**
 * A target's lock: a row of the table `_dlt_locks` in its schema.
 *
 * Delta has no row locks, and whether two concurrent MERGEs that insert conflict depends on the table's settings. So nothing rests on conflicts:
 * whoever wants the lock inserts a row of its own and then looks; where anybody else's row is there, it takes its own away again.
 * Of two at the same moment at least one sees the other's row, since it looked after both were written; never both go on.
 */
export class WarehouseLock {
  readonly #run: RunSql;
  readonly #table: string;
  readonly #label: string;
  readonly #place: string;

  /** @param table the lock table, qualified; it is there */
  constructor(run: RunSql, table: string, target: TargetRef, place: string) {
    this.#run = run;
    this.#table = table;
    this.#label = `${target.schema}.${target.table}`;
    this.#place = place;
  }

  /** Takes it, after removing those of processes of this computer that are gone. Throws LOCKED. */
  async take(owner: LockOwner, now: () => Date): Promise<TargetLock> {
    const free = held.take(this.#key(), this.#label, owner, now());
    const token = randomUUID();
    const remove = () => this.#remove([token]);
    try {
      for (let attempt = 1; ; attempt++) {
        const at = now().toISOString();
        await this.#run(
          `INSERT INTO ${this.#table} SELECT ${[literal(this.#label), literal(token), literal(owner.runId), String(owner.pid), literal(owner.host), timestamp(new Date(at))].join(', ')}`,
        );
        const others = (await this.#rows()).filter((row) => row.token !== token);
        const dead = others.filter((row) => this.#isDead(row));
        if (dead.length > 0) await this.#remove(dead.map((row) => row.token));
        const alive = others.find((row) => !dead.includes(row));
        if (alive === undefined) break;
        await remove();
        const isNew = Math.abs(now().getTime() - Date.parse(alive.at)) < 60_000;
        if (!isNew || attempt >= TRIES) throw lockedError(this.#label, alive, now());
        await delay(100 + Math.random() * 400 * attempt);
      }
    } catch (error) {
      free();
      await remove().catch(() => undefined);
      throw error;
    }
    let released: Promise<void> | null = null;
    return {
      release: () => {
        released ??= remove().finally(free);
        return released;
      },
    };
  }

  /** Who holds it and is alive, as far as this computer can tell; null for nobody. */
  async liveHolder(): Promise<HeldLock | null> {
    const ours = held.holder(this.#key());
    if (ours) return ours;
    const alive = (await this.#rows()).find((row) => !this.#isDead(row));
    if (alive === undefined) return null;
    const { token: _, ...holder } = alive;
    return holder;
  }

  /** Removes whatever lock there is; gives back whose it was. */
  async break(): Promise<HeldLock | null> {
    const rows = await this.#rows();
    if (rows.length === 0) return null;
    await this.#remove(rows.map((row) => row.token));
    const { token: _, ...first } = rows[0]!;
    return first;
  }

  async #rows(): Promise<LockRow[]> {
    const rows = await this.#run<{ token: string; run_id: string; pid: unknown; host: string; at: unknown }>(
      `SELECT token, run_id, pid, host, unix_millis(locked_at) AS at FROM ${this.#table} WHERE target = ${literal(this.#label)} ORDER BY locked_at`,
    );
    return rows.map(({ token, run_id: runId, pid, host, at }) => ({
      token,
      runId,
      pid: Number(pid),
      host,
      at: new Date(Number(at)).toISOString(),
    }));
  }

  async #remove(tokens: readonly string[]): Promise<void> {
    await this.#run(`DELETE FROM ${this.#table} WHERE token IN (${tokens.map(literal).join(', ')})`);
  }

  #isDead(row: LockRow): boolean {
    if (row.host !== hostname()) return false;
    // ours by its process id, but this process holds no such lock: an earlier process had the id
    return row.pid === process.pid || !isProcessAlive(row.pid);
  }

  #key(): string {
    return `${this.#place}|${this.#label.toLowerCase()}`;
  }
}
