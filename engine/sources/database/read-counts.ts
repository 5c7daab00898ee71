import type { ChunkWriter, FilledTable } from '../../duckdb/chunk-writer.ts';
import type { ReadContext } from '../source.ts';

/** Two of DuckDB's row groups, or 96 MiB in memory, whichever comes first; both are shared by the readers of one table. */
const SEGMENT_ROWS = 245_760;
const SEGMENT_BYTES = 96 << 20;
const MIN_SEGMENT_ROWS = 20_480;

/** How large a segment may become where so many readers fill one each. */
export function segmentLimits(readers: number): { tableRows: number; tableBytes: number } {
  return {
    tableRows: Math.max(Math.floor(SEGMENT_ROWS / readers), MIN_SEGMENT_ROWS),
    tableBytes: Math.floor(SEGMENT_BYTES / readers),
  };
}

/** Rows and bytes of all parts, for progress. */
export class ReadCounts {
  readonly #context: Pick<ReadContext, 'progress'>;
  readonly #writers: ChunkWriter[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(context: Pick<ReadContext, 'progress'>) {
    this.#context = context;
  }

  watch(writer: ChunkWriter): void {
    this.#writers.push(writer);
  }

  /** A writer's table is complete: its rows are not the writer's any more. */
  add(table: FilledTable): void {
    this.#rows += table.rows;
    this.#bytes += table.bytes;
  }

  report(): void {
    let { rows, bytes } = { rows: this.#rows, bytes: this.#bytes };
    for (const writer of this.#writers) {
      rows += writer.rows;
      bytes += writer.bytes;
    }
    this.#context.progress({ rows, bytes });
  }
}
