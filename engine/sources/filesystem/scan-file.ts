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

/** How a file is shared out. */
export interface RangeSizes {
  /** Bytes of a range that one thread scans at a time. */
  range: number;
  /** A file has a worker for each so many bytes. */
  worker: number;
}

/** A worker costs a tenth of a second to start; a thread scans 128 MB in less than twice that. */
const SIZES: RangeSizes = { range: 32 * 1024 * 1024, worker: 128 * 1024 * 1024 };
const MOST_WORKERS = 3;

/**
 * Scans a text file, or its first records; what is wrong with it is a result, so that the caller can name it. Throws only when cancelled or unreadable.
 * `progress` is told the bytes of the file scanned so far.
 *
 * A large file that is not packed is scanned in ranges, by this thread and by workers. A range begins behind a line end, which could stand inside a quoted cell:
 * so each range tells where its first record began and its last one ended, and one that does not begin where the one before ended is scanned again from there.
 */
export async function scanFile(
  text: TextFile,
  kind: ScanKind,
  mostRows: number,
  signal: AbortSignal,
  progress: (bytes: number) => void = () => {},
  sizes: RangeSizes = SIZES,
): Promise<ScanResult | { failure: ScanFailure }> {
  const whole: ScanTask = { file: text, kind, start: 0, until: Number.POSITIVE_INFINITY, mostRows };
  let scanned = 0;
  const advance = (bytes: number) => {
    scanned += bytes;
    progress(Math.min(scanned, text.bytes));
  };
  const splits =
    text.compression === 'none' && mostRows === Number.POSITIVE_INFINITY && existsSync(fileURLToPath(workerUrl));
  const workers = splits
    ? Math.min(availableParallelism() - 1, MOST_WORKERS, Math.floor(text.bytes / sizes.worker))
    : 0;
  if (workers === 0) {
    const result = await scanRange(whole, signal, text.compression === 'none' ? advance : undefined);
    progress(text.bytes);
    return finish(result);
  }
  const count = Math.ceil(text.bytes / sizes.range);
  const tasks = Array.from({ length: count }, (_, index) => ({
    ...whole,
    start: index * sizes.range,
    until: index === count - 1 ? Number.POSITIVE_INFINITY : (index + 1) * sizes.range,
  }));
  const ranges = await scanRanges(tasks, workers, signal, advance);
  if (signal.aborted) throw cancelled(signal);
  let total: RangeResult | null = null;
  for (const [index, guess] of ranges.entries()) {
    const task = tasks[index] as ScanTask;
    const begin: number = total?.end ?? 0;
    let range: RangeResult;
    if (guess !== null && (total === null || guess.begin === begin)) range = guess;
    else if (begin >= task.until) continue;
    else range = await scanRange({ ...task, start: begin, exact: true }, signal);
    if (range.failure !== null) return finish(range);
    total = total === null ? range : join(total, range);
  }
  progress(text.bytes);
  return finish(total as RangeResult);
}

/** Scans all ranges, each by whoever is free. Null for a range whose worker broke down. */
async function scanRanges(
  tasks: readonly ScanTask[],
  workers: number,
  signal: AbortSignal,
  advance: (bytes: number) => void,
): Promise<(RangeResult | null)[]> {
  const results: (RangeResult | null)[] = tasks.map(() => null);
  let next = 0;
  const pull = async (scan: (task: ScanTask) => Promise<RangeResult>) => {
    while (next < tasks.length && !signal.aborted) {
      const index = next++;
      results[index] = await scan(tasks[index] as ScanTask);
    }
  };
  const helpers = Array.from({ length: workers }, () => new ScanHelper());
  const stop = () => {
    for (const helper of helpers) helper.end();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    // Every thread settles before anything is thrown.
    const [own] = await Promise.allSettled([
      pull((task) => scanRange(task, signal, advance)),
      ...helpers.map((helper) =>
        pull(async (task) => {
          const result = await helper.scan(task);
          advance(result.end - result.begin);
          return result;
        }),
      ),
    ]);
    if (own.status === 'rejected') throw own.reason;
    return results;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
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

/** A worker that scans one range after the other. */
class ScanHelper {
  readonly #worker = new Worker(workerUrl, { workerData: { ingestScan: true } satisfies ScanWorkerData });
  #failure: Error | null = null;
  #settle: { resolve(result: RangeResult): void; reject(error: Error): void } | null = null;

  constructor() {
    this.#worker.on('message', (result: RangeResult) => this.#settle?.resolve(result));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the scan ended without a result')));
  }

  scan(task: ScanTask): Promise<RangeResult> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(task);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.reject(this.#failure);
  }
}
