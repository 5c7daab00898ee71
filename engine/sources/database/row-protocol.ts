import type { RowBatch } from '../../duckdb/row-batch.ts';
import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import type { ValueFormat } from './value-writer.ts';
import type { WatermarkOrder } from './watermark-order.ts';

/** Batches that may be on their way or unused; the driver rests when there is no more room. */
export const BATCHES_IN_FLIGHT = 8;

/** A column of a statement's result, in its order. */
export interface RowColumn {
  name: string;
  /** DuckDB type in the segment. */
  type: string;
  /** How the driver gives its values. */
  format: ValueFormat;
}

/** A statement whose rows go into batches. */
export interface RowQuery {
  sql: string;
  columns: RowColumn[];
  /** The table, for messages. */
  object: string;
  /** Rows that the driver fetches at a time, where it can be told. */
  fetchRows: number;
  /** Index of the watermark column, whose greatest value is kept, and how its texts are compared. */
  watermark: { index: number; order: WatermarkOrder } | null;
}

/** What the main thread asks of a worker; one at a time but for `credit` and `cancel`. */
export type WorkerCommand =
  | { kind: 'open'; options: unknown }
  | { kind: 'execute'; sql: string; doing: string }
  | { kind: 'query'; query: RowQuery }
  /** A batch was used; its buffer comes back. */
  | { kind: 'credit'; buffer: ArrayBuffer }
  /** Ends what runs, on the server too. */
  | { kind: 'cancel' }
  | { kind: 'close' };

/** A text a column; every value as the driver's or the server's text. */
export type TextRow = Record<string, string | null>;

export type WorkerAnswer =
  | { kind: 'opened' }
  | { kind: 'executed'; rows: TextRow[] }
  /** `lossy`: indexes of columns in which digits beyond microseconds were cut. */
  | { kind: 'batch'; batch: RowBatch; lossy: number[] }
  | { kind: 'end'; rows: number; watermark: string | null }
  | { kind: 'closed' }
  | { kind: 'failed'; error: DescribedError };

/** An IngestError as it crosses threads. */
export interface DescribedError {
  code: string;
  message: string;
  hint: string | undefined;
  retryable: boolean;
}

export function describeError(error: unknown): DescribedError {
  if (!isIngestError(error)) {
    return { code: 'SOURCE_FAILED', message: messageOf(error), hint: undefined, retryable: false };
  }
  const { code, message, hint, retryable } = error;
  return { code, message, hint, retryable };
}

export function errorFrom({ code, message, hint, retryable }: DescribedError): IngestError {
  return new IngestError(code, message, { hint, retryable });
}
