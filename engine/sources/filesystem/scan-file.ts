import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { cancelled } from '../../errors.ts';
import { type CsvFacts, mergeCsvFacts } from './csv-scan.ts';
import { type JsonShape, mergeShapes } from './json-scan.ts';
import { ScanFailure } from './record-scanner.ts';
import { type RangeResult, type ScanKind, type ScanTask, scanRange } from './scan-range.ts';
import type { ScanWorkerData } from './scan-worker.ts';
import type { TextFile } from './text-file.ts';

export interface ScanResult {
  rows: number;
  longest: number;
  /** Offset of the unpacked bytes behind the last record. */
  end: number;
  facts: CsvFacts | JsonShape;
}

/** Files below this are scanned where they are: a worker takes longer to start. */
const WORTH_WORKERS = 24 * 1024 * 1024;
const MOST_WORKERS = 4;

/**
 * Scans a text file, or its first records; what is wrong with it is a result, so that the caller can name it. Throws only when cancelled or unreadable.
 *
 * A large file that is not packed is scanned in ranges by workers. A range begins behind a line end, which could stand inside a quoted cell:
 * so each range tells where its first record began and its last one ended, and one that does not begin where the one before ended is scanned again from there.
 */
export async function scanFile(
  text: TextFile,
  kind: ScanKind,
  mostRows: number,
  signal: AbortSignal,
): Promise<ScanResult | { failure: ScanFailure }> {
  const whole: ScanTask = { file: text, kind, start: 0, until: Number.POSITIVE_INFINITY, mostRows };
  const workers = Math.min(availableParallelism(), MOST_WORKERS);
  if (
    text.compression !== 'none' ||
    mostRows !== Number.POSITIVE_INFINITY ||
    text.bytes < WORTH_WORKERS ||
    workers < 2 ||
    !existsSync(fileURLToPath(workerUrl))
  ) {
    return finish(await scanRange(whole, signal));
  }
  const size = Math.ceil(text.bytes / workers);
  const tasks = Array.from({ length: workers }, (_, index) => ({
    ...whole,
    start: index * size,
    until: index === workers - 1 ? Number.POSITIVE_INFINITY : (index + 1) * size,
  }));
  // Every worker settles before anything is thrown.
  const settled = await Promise.allSettled(tasks.map((task) => runWorker(task, signal)));
  if (signal.aborted) throw cancelled(signal);
  let total: RangeResult | null = null;
  for (const [index, outcome] of settled.entries()) {
    const task = tasks[index] as ScanTask;
    const begin: number = total?.end ?? 0;
    let range: RangeResult;
    if (outcome.status === 'fulfilled' && (total === null || outcome.value.begin === begin)) range = outcome.value;
    else if (begin >= task.until) continue;
    else range = await scanRange({ ...task, start: begin, exact: true }, signal);
    if (range.failure !== null) return finish(range);
    total = total === null ? range : join(total, range);
  }
  return finish(total as RangeResult);
}

function join(total: RangeResult, range: RangeResult): RangeResult {
  if ('columns' in total.facts && 'columns' in range.facts) mergeCsvFacts(total.facts, range.facts);
  else mergeShapes(total.facts as JsonShape, range.facts as JsonShape);
  return { ...total, rows: total.rows + range.rows, longest: Math.max(total.longest, range.longest), end: range.end };
}

function finish(range: RangeResult): ScanResult | { failure: ScanFailure } {
  if (range.failure !== null)
    return { failure: new ScanFailure(range.failure.reason, range.failure.offset, range.failure.detail) };
  return { rows: range.rows, longest: range.longest, end: range.end, facts: range.facts };
}

/** Beside this module: TypeScript in a checkout, JavaScript where it was built. */
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './scan-worker.ts' : './scan-worker.js', import.meta.url);

function runWorker(task: ScanTask, signal: AbortSignal): Promise<RangeResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl, { workerData: { ingestScan: task } satisfies ScanWorkerData });
    const stop = () => void worker.terminate();
    signal.addEventListener('abort', stop, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      signal.removeEventListener('abort', stop);
      reject(new Error('the scan ended without a result'));
    });
  });
}
