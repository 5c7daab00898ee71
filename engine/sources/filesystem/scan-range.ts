import { open } from 'node:fs/promises';
import { type CsvDialect, type CsvFacts, CsvScanner } from './csv-scan.ts';
import { JsonScanner, type JsonShape } from './json-scan.ts';
import { type RecordScanner, ScanFailure, type ScanFailureReason } from './record-scanner.ts';
import { scanBytes } from './scan-bytes.ts';
import { type ScanKernel, withKernel } from './scan-kernel.ts';
import type { TextFile } from './text-file.ts';

/** What a scanner has to know. */
export type ScanKind = { kind: 'csv'; dialect: CsvDialect; width: number } | { kind: 'jsonl' };

/** Plain data, so that it goes to a worker as it is. */
export interface ScanTask {
  file: TextFile;
  kind: ScanKind;
  /** Byte where to look for the first record. */
  start: number;
  /** A record begins exactly at `start`; else it begins behind the first line end from there. */
  exact?: boolean;
  /** Records that begin at or behind this byte are left to others. */
  until: number;
  mostRows: number;
}

export interface RangeResult {
  rows: number;
  longest: number;
  /** Where the first record began, and where the last one ended. */
  begin: number;
  end: number;
  facts: CsvFacts | JsonShape;
  failure: { reason: ScanFailureReason; offset: number; detail: string } | null;
}

/** Scans the records of a range. A record that cannot be read is a result: in a range that began inside a quoted cell it means nothing. */
export async function scanRange(
  task: ScanTask,
  signal: AbortSignal | null,
  progress: (bytes: number) => void = () => {},
): Promise<RangeResult> {
  return withKernel((kernel) => scanWith(kernel, task, signal, progress));
}

/** As {@link scanRange}; without a kernel by the rule alone. */
export async function scanWith(
  kernel: ScanKernel | null,
  task: ScanTask,
  signal: AbortSignal | null,
  progress: (bytes: number) => void = () => {},
): Promise<RangeResult> {
  const { kind } = task;
  const scanner: RecordScanner<CsvFacts | JsonShape> =
    kind.kind === 'csv'
      ? new CsvScanner(kind.dialect, kind.width, kind.dialect.header && task.start === 0, kernel)
      : new JsonScanner(kernel);
  const begin = task.start === 0 || task.exact ? task.start : await behindLineEnd(task.file.path, task.start);
  const result: RangeResult = { rows: 0, longest: 0, begin, end: begin, facts: scanner.facts, failure: null };
  if (begin >= task.until) return result;
  try {
    result.end = await scanBytes(
      task.file,
      scanner,
      { start: begin, until: task.until, mostRows: task.mostRows },
      signal,
      progress,
    );
  } catch (error) {
    if (!(error instanceof ScanFailure)) throw error;
    result.failure = { reason: error.reason, offset: error.offset, detail: error.detail };
  }
  result.rows = scanner.rows;
  result.longest = scanner.longestRecord;
  return result;
}

/** The position behind the first line feed at or behind byte `start - 1`; the file's end where there is none. */
async function behindLineEnd(path: string, start: number): Promise<number> {
  const handle = await open(path, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  try {
    for (let position = start - 1; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      const found = buffer.subarray(0, bytesRead).indexOf(10);
      if (found >= 0) return position + found + 1;
      if (bytesRead === 0) return position;
      position += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
