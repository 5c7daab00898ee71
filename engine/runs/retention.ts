import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { HistoryLimits } from '../spec/history.ts';
import { mayGoOn } from './history.ts';

const DAY_MS = 86_400_000;
const RUN_FILE = /^(?:run|(?:metrics|quality)_.+)_(\d{8}_\d{6}_[0-9a-f]{6})\.(?:jsonl|json|html)$/;
const LOG_FILE = /^run_/;

/** What a run, or a check on demand, has left in `metadata/`: log, metrics and quality reports. */
export interface OldRun {
  runId: string;
  /** Absolute. The log comes last: a removal that is cut short is taken up again. */
  files: string[];
  bytes: number;
}

/**
 * Runs beyond the limits, oldest first: older than `keep_days`, or not among the newest `keep_runs` of the folder. Runs that go on, or may, are none of them.
 * State, packages and what was loaded are elsewhere and stay.
 */
export async function findOldRuns(workDirectory: string, limits: HistoryLimits, now: number): Promise<OldRun[]> {
  const folder = path.join(workDirectory, 'metadata');
  const runs = new Map<string, string[]>();
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const runId = RUN_FILE.exec(name)?.[1];
    if (runId !== undefined) runs.set(runId, [...(runs.get(runId) ?? []), name]);
  }
  const newestFirst = await byAge(folder, runs);
  const tooMany = limits.keep_runs === 0 ? newestFirst.length : limits.keep_runs;
  const tooOld = limits.keep_days === 0 ? Number.NEGATIVE_INFINITY : now - limits.keep_days * DAY_MS;
  const old: OldRun[] = [];
  for (const [at, runId] of newestFirst.entries()) {
    if (at < tooMany && !(startOf(runId) < tooOld)) continue;
    const names = (runs.get(runId) ?? []).sort((a, b) => Number(LOG_FILE.test(a)) - Number(LOG_FILE.test(b)));
    const files = names.map((name) => path.join(folder, name));
    const log = files.find((file) => LOG_FILE.test(path.basename(file)));
    if (log !== undefined && (await mayGoOn(log, now))) continue;
    const sizes = await Promise.all(
      files.map((file) =>
        stat(file).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    old.unshift({ runId, files, bytes: sizes.reduce((sum, size) => sum + size, 0) });
  }
  return old;
}

/** Run ids, the newest first. Ids tell the second; of runs that began in the same one, the files that were written last are the newest. */
async function byAge(folder: string, runs: ReadonlyMap<string, readonly string[]>): Promise<string[]> {
  const seconds = new Map<string, string[]>();
  for (const runId of runs.keys()) seconds.set(secondOf(runId), [...(seconds.get(secondOf(runId)) ?? []), runId]);
  const sorted: string[] = [];
  for (const second of [...seconds.keys()].sort().reverse()) {
    const ids = seconds.get(second) ?? [];
    const written = new Map<string, number>();
    for (const runId of ids.length > 1 ? ids : []) {
      const times = (runs.get(runId) ?? []).map((name) =>
        stat(path.join(folder, name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      );
      written.set(runId, Math.max(...(await Promise.all(times))));
    }
    sorted.push(...ids.sort((a, b) => (written.get(b) ?? 0) - (written.get(a) ?? 0)));
  }
  return sorted;
}

/** `20260131_060000` of `20260131_060000_1f9c3a`. */
function secondOf(runId: string): string {
  return runId.slice(0, 15);
}

/** Removes their files. One that another program holds stays for the next time. @returns runs of which nothing is left */
export async function removeOldRuns(runs: readonly OldRun[]): Promise<OldRun[]> {
  const removed: OldRun[] = [];
  for (const run of runs) {
    const gone = await Promise.all(
      // The log last, see above.
      run.files.slice(0, -1).map((file) =>
        rm(file, { force: true }).then(
          () => true,
          () => false,
        ),
      ),
    );
    const last = run.files.at(-1);
    if (!gone.every(Boolean) || last === undefined) continue;
    if (
      await rm(last, { force: true }).then(
        () => true,
        () => false,
      )
    )
      removed.push(run);
  }
  return removed;
}

/** A run id begins with its time, UTC. */
function startOf(runId: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_/.exec(runId) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
