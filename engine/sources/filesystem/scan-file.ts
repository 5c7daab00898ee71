import { type CsvDialect, type CsvFacts, CsvScanner } from './csv-scan.ts';
import { JsonScanner, type JsonShape } from './json-scan.ts';
import { type RecordScanner, ScanFailure } from './record-scanner.ts';
import { scanBytes, type TextFile } from './text-file.ts';

/** What a scanner has to know; plain data, so that it goes to a worker as it is. */
export type ScanKind = { kind: 'csv'; dialect: CsvDialect; width: number } | { kind: 'jsonl' };

export interface ScanResult {
  rows: number;
  longest: number;
  /** Offset of the unpacked bytes behind the last record. */
  end: number;
  facts: CsvFacts | JsonShape;
}

/** Scans a text file, or its first records; what is wrong with it is a result, so that the caller can name it. Throws only when cancelled or unreadable. */
export async function scanFile(
  text: TextFile,
  kind: ScanKind,
  mostRows: number,
  signal: AbortSignal,
): Promise<ScanResult | { failure: ScanFailure }> {
  const scanner: RecordScanner<CsvFacts | JsonShape> =
    kind.kind === 'csv' ? new CsvScanner(kind.dialect, kind.width, kind.dialect.header) : new JsonScanner();
  try {
    const end = await scanBytes(text, scanner, { start: 0, until: Infinity, mostRows }, signal);
    return { rows: scanner.rows, longest: scanner.longestRecord, end, facts: scanner.facts };
  } catch (error) {
    if (error instanceof ScanFailure) return { failure: error };
    throw error;
  }
}
