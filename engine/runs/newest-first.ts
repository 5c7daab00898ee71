import { stat } from 'node:fs/promises';

/**
 * Runs by their files (run id → absolute paths), the newest first. Ids tell the second; of runs that began in the same one, the one whose
 * files were written last is the newest.
 */
export async function newestFirst(runs: ReadonlyMap<string, readonly string[]>): Promise<string[]> {
  const seconds = Map.groupBy(runs.keys(), secondOf);
  const sorted: string[] = [];
  for (const second of [...seconds.keys()].sort().reverse()) {
    const ids = seconds.get(second) ?? [];
    const written = new Map<string, number>();
    for (const runId of ids.length > 1 ? ids : []) {
      const times = (runs.get(runId) ?? []).map((file) =>
        stat(file).then(
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
