import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { HistoryLimits } from '../spec/history.ts';
import { mayGoOn } from './history.ts';
import { newestFirst } from './newest-first.ts';

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
    if (runId !== undefined) runs.set(runId, [...(runs.get(runId) ?? []), path.join(folder, name)]);
  }
  const sorted = await newestFirst(runs);
  const tooMany = limits.keep_runs === 0 ? sorted.length : limits.keep_runs;
  const tooOld = limits.keep_days === 0 ? Number.NEGATIVE_INFINITY : now - limits.keep_days * DAY_MS;
  const old: OldRun[] = [];
  for (const [at, runId] of sorted.entries()) {
    if (at < tooMany && !(startOf(runId) < tooOld)) continue;
    const isLog = (file: string) => LOG_FILE.test(path.basename(file));
    const files = (runs.get(runId) ?? []).sort((a, b) => Number(isLog(a)) - Number(isLog(b)));
    const log = files.find(isLog);
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
