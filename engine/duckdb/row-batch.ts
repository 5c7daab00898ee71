/** Up to a chunk of rows in DuckDB's memory layout, filled in a worker thread and handed to {@link ChunkWriter.appendBatch}. */
export interface RowBatch {
  rows: number;
  /** Holds the columns, their validity bits and the heap; it can be transferred between threads. */
  buffer: ArrayBuffer;
  columns: BatchColumn[];
  /** Long texts and blobs, to which the columns' entries hold offsets. */
  heapAt: number;
  heapLength: number;
  /** Bytes of the rows, for progress. */
  bytes: number;
}

export interface BatchColumn {
  /** Where the values begin. */
  at: number;
  /** Where the validity bits begin; null: there is no NULL. */
  validityAt: number | null;
  hasLongTexts: boolean;
}
