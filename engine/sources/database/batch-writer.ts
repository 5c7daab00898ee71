import { CHUNK_ROWS, ColumnData, VALIDITY_BYTES } from '../../duckdb/column-data.ts';
import type { BatchColumn, RowBatch } from '../../duckdb/row-batch.ts';

/** A batch is handed over early at so many heap bytes. */
const BATCH_HEAP_BYTES = 2 << 20;
/** Up to so many characters a loop is faster than a call into Node. */
const SHORT_TEXT = 24;

/**
 * The worker's side of the chunk writer: fills a chunk's columns in DuckDB's layout without DuckDB. A row is written like this:
 * for each column `columns[i].setNull(writer.row)`, a value through its typed array, `setText(i, text)` or `setBytes(i, bytes)`; then `endRow()`.
 */
export class BatchWriter {
  readonly columns: readonly ColumnData[];
  /** Index of the current row in the batch. */
  row = 0;
  readonly #rowWidth: number;
  #heap = Buffer.allocUnsafeSlow(64 << 10);
  #heapLength = 0;

  constructor(columns: readonly { name: string; type: string }[]) {
    this.columns = columns.map(({ name, type }) => new ColumnData(name, type));
    this.#rowWidth = this.columns.reduce((sum, column) => sum + column.width, 0);
  }

  /** Sets a text of the current row. Says false where it is no Unicode (half a surrogate pair): nothing is set then. */
  setText(column: ColumnData, text: string): boolean {
    const { length } = text;
    // UTF-8 needs three bytes at most for each of UTF-16's units.
    this.#reserve(3 * length);
    const start = this.#heapLength;
    const heap = this.#heap;
    let bytes = length;
    if (length <= SHORT_TEXT) {
      for (let index = 0; index < length; index += 1) {
        const unit = text.charCodeAt(index);
        if (unit > 127) {
          bytes = -1;
          break;
        }
        heap[start + index] = unit;
      }
    } else bytes = -1;
    if (bytes < 0) {
      if (!text.isWellFormed()) return false;
      bytes = heap.write(text, start, 'utf8');
    }
    if (column.setText(this.row, heap, start, bytes, start)) this.#heapLength = start + bytes;
    return true;
  }

  /** Sets a blob, or a text that is UTF-8 already. */
  setBytes(column: ColumnData, source: Uint8Array): void {
    const start = this.#heapLength;
    this.#reserve(source.byteLength);
    this.#heap.set(source, start);
    if (column.setText(this.row, this.#heap, start, source.byteLength, start)) this.#heapLength += source.byteLength;
  }

  /** Ends the row; true when the batch is full and must be taken. */
  endRow(): boolean {
    this.row += 1;
    return this.row >= CHUNK_ROWS || this.#heapLength >= BATCH_HEAP_BYTES;
  }

  /** The rows so far, packed into one buffer (`used`, where it is large enough), and starts over. */
  take(used?: ArrayBuffer): RowBatch {
    const rows = this.row;
    const columns: BatchColumn[] = [];
    let size = 0;
    for (const column of this.columns) {
      const at = size;
      size = aligned(size + column.width * rows);
      const validityAt = column.hasNulls ? size : null;
      if (column.hasNulls) size += VALIDITY_BYTES;
      columns.push({ at, validityAt, hasLongTexts: column.hasLongTexts });
    }
    const heapAt = size;
    size += this.#heapLength;
    const buffer = used !== undefined && used.byteLength >= size ? used : new ArrayBuffer(roomFor(size));
    const target = new Uint8Array(buffer);
    for (const [index, column] of this.columns.entries()) {
      const { at, validityAt } = columns[index] as BatchColumn;
      target.set(column.bytes.subarray(0, column.width * rows), at);
      if (validityAt !== null) target.set(column.validity, validityAt);
      column.reset();
    }
    target.set(this.#heap.subarray(0, this.#heapLength), heapAt);
    const batch = {
      rows,
      buffer,
      columns,
      heapAt,
      heapLength: this.#heapLength,
      bytes: rows * this.#rowWidth + this.#heapLength,
    };
    this.row = 0;
    this.#heapLength = 0;
    // One value of 100 MB must not be kept for the rest of the read.
    if (this.#heap.byteLength > 4 * BATCH_HEAP_BYTES) this.#heap = Buffer.allocUnsafeSlow(BATCH_HEAP_BYTES);
    return batch;
  }

  #reserve(bytes: number): void {
    const needed = this.#heapLength + bytes;
    if (needed <= this.#heap.byteLength) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#heap.byteLength * 2));
    this.#heap.copy(grown, 0, 0, this.#heapLength);
    this.#heap = grown;
  }
}

/** Typed arrays begin at whole words. */
function aligned(size: number): number {
  return (size + 15) & ~15;
}

/** A little more than is needed now, so that the buffer serves the next batches too. */
function roomFor(size: number): number {
  return aligned(size + (size >> 2));
}
