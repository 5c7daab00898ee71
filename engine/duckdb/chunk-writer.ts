import duckdb from '@duckdb/node-bindings';
import { ColumnBuffer } from './column-buffer.ts';
import { CHUNK_ROWS } from './column-data.ts';
import type { RowBatch } from './row-batch.ts';
import { identifier } from './sql.ts';
import type { Workspace, WorkspaceConnection } from './workspace.ts';

export interface ChunkWriterColumn {
  name: string;
  /** DuckDB type as DuckDB prints it: one of {@link ColumnBuffer}'s types, or `DECIMAL(p,s)` up to 38 digits. */
  type: string;
}

export interface ChunkWriterLimits {
  /** A table is full at so many rows. Default: two of DuckDB's row groups. */
  tableRows?: number;
  /** … or at so many bytes, as they lie in memory. Default: 96 MiB. */
  tableBytes?: number;
}

/** A filled in-memory table of the workspace. */
export interface FilledTable {
  /** Quoted name, ready for FROM. */
  from: string;
  rows: number;
  bytes: number;
  /** Drops the table. Safe to call twice. */
  release(): Promise<void>;
}

/** Rows longer than this get a chunk of their own, so that their bytes are copied once less. */
const LARGE_ROW_BYTES = 1 << 20;
/** A chunk is handed over early at so many heap bytes: 2,048 rows of a megabyte would be 2 GB. */
const CHUNK_HEAP_BYTES = 8 << 20;

/**
 * The one door for every database row: typed values go straight into DuckDB's vectors and from there into in-memory tables, with no
 * JavaScript object a row. A driver's rows are written like this, in one synchronous run a row:
 *
 * 1. `beginRow(buffer, start, end)` with the bytes in which the row's texts and blobs lie,
 * 2. for each column `columns[i].setNull(writer.row)`, or a value through its typed array, or
 *    `setText(writer.row, buffer, at, length, writer.heapBase + at)`,
 * 3. `endRow()`; when it says true the table is full: `finish()` gives it, `begin()` starts the next.
 *
 * Texts and blobs are copied once a row into the chunk's heap and once a chunk into DuckDB; their 16-byte entries are made here
 * (`duckdb_string_t` of DuckDB's C API), which is twice as fast as one call a value.
 */
export class ChunkWriter {
  readonly columns: readonly ColumnBuffer[];
  /** Index of the current row in the chunk. */
  row = 0;
  /** What to add to a position in the row's buffer to get its place in the heap. */
  heapBase = 0;

  readonly #workspace: Workspace;
  readonly #connection: WorkspaceConnection;
  /** Drops may wait for the garbage of others: they must not hold up the appender's connection. */
  readonly #dropConnection: WorkspaceConnection;
  readonly #definition: string;
  readonly #tableRows: number;
  readonly #tableBytes: number;
  readonly #hasTexts: boolean;
  /** Bytes of a row in the columns' buffers, NULLs included: a row of NULLs is short on the wire and wide in memory. */
  readonly #rowWidth: number;
  readonly #chunk: duckdb.DataChunk;
  /** One BLOB column that owns the bytes to which the entries of all columns point, until the chunk is appended. */
  readonly #heapChunk: duckdb.DataChunk;
  #heap = Buffer.alloc(64 << 10);
  #heapLength = 0;
  #largeRow: Uint8Array | null = null;
  #appender: duckdb.Appender | null = null;
  #table = '';
  #rows = 0;
  #bytes = 0;
  #unreleased = 0;
  #closed = false;

  private constructor(
    workspace: Workspace,
    connections: [WorkspaceConnection, WorkspaceConnection],
    columns: readonly ChunkWriterColumn[],
    limits: ChunkWriterLimits,
  ) {
    this.#workspace = workspace;
    [this.#connection, this.#dropConnection] = connections;
    this.columns = columns.map((column) => new ColumnBuffer(column.name, column.type));
    this.#hasTexts = this.columns.some((column) => column.isText);
    this.#rowWidth = this.columns.reduce((sum, column) => sum + column.width, 0);
    this.#definition = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ');
    this.#chunk = duckdb.create_data_chunk(this.columns.map((column) => column.logicalType));
    this.#heapChunk = duckdb.create_data_chunk([duckdb.create_logical_type(duckdb.Type.BLOB)]);
    this.#tableRows = limits.tableRows ?? 245_760;
    this.#tableBytes = limits.tableBytes ?? 96 << 20;
  }

  /** Opens connections of its own in the workspace; nothing is created until {@link begin}. */
  static async open(
    workspace: Workspace,
    columns: readonly ChunkWriterColumn[],
    limits: ChunkWriterLimits = {},
  ): Promise<ChunkWriter> {
    const connections: [WorkspaceConnection, WorkspaceConnection] = [
      await workspace.connect(),
      await workspace.connect(),
    ];
    return new ChunkWriter(workspace, connections, columns, limits);
  }

  /** Rows of the table that is being filled. */
  get rows(): number {
    return this.#rows + this.row;
  }

  /** Bytes received for the table that is being filled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Creates the next table. */
  async begin(): Promise<void> {
    this.#table = this.#workspace.uniqueName('segment');
    await this.#connection.run(`CREATE TABLE ${identifier(this.#table)} (${this.#definition})`);
    this.#appender = duckdb.appender_create(this.#connection.handle, null, this.#table);
  }

  /** Starts a row whose texts and blobs lie in `buffer[start, end)`, which may be the driver's own buffer: it is not needed after {@link endRow}. */
  beginRow(buffer: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#bytes += length;
    if (!this.#hasTexts) return;
    if (length > LARGE_ROW_BYTES) {
      if (this.row > 0) this.#append();
      this.#largeRow = buffer.subarray(start, end);
      this.heapBase = -start;
      return;
    }
    const at = this.#heapLength;
    if (at + length > this.#heap.byteLength) this.#growHeap(at + length);
    (buffer as Buffer).copy(this.#heap, at, start, end);
    this.#heapLength = at + length;
    this.heapBase = at - start;
  }

  /** Ends the row; true when the table is full. */
  endRow(): boolean {
    this.row += 1;
    if (this.row < CHUNK_ROWS && this.#heapLength < CHUNK_HEAP_BYTES && this.#largeRow === null) return false;
    this.#append();
    return this.#isFull();
  }

  /**
   * Appends a batch that a worker thread filled, as it lies there: the columns' types must be this writer's, in the same order. Its buffer can be
   * used again afterwards. True when the table is full.
   */
  appendBatch(batch: RowBatch): boolean {
    if (this.row > 0) this.#append();
    const heap = new Uint8Array(batch.buffer, batch.heapAt, batch.heapLength);
    const { low, high } = this.#moveHeap(heap);
    this.#fillChunk(batch.rows, (column, index, vector) => {
      const source = batch.columns[index];
      if (!source) throw new TypeError(`The batch has no column ${column.name}`);
      column.copyBytes(vector, batch.rows, { buffer: batch.buffer, ...source }, low, high);
    });
    this.#bytes += batch.bytes;
    return this.#isFull();
  }

  /** Completes the table. */
  finish(): FilledTable {
    if (this.row > 0) this.#append();
    this.#closeAppender();
    const from = identifier(this.#table);
    const [rows, bytes] = [this.#rows, this.#bytes];
    this.#unreleased += 1;
    this.#rows = 0;
    this.#bytes = 0;
    let released: Promise<void> | null = null;
    return {
      from,
      rows,
      bytes,
      release: () => (released ??= this.#release(from)),
    };
  }

  /** Drops a table that was begun and not finished, and closes the connections: the one that drops tables once the last is released. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#appender) {
      this.#closeAppender();
      await this.#connection.run(`DROP TABLE IF EXISTS ${identifier(this.#table)}`);
    }
    this.#connection.close();
    if (this.#unreleased === 0) this.#dropConnection.close();
  }

  async #release(from: string): Promise<void> {
    await this.#dropConnection.run(`DROP TABLE IF EXISTS ${from}`);
    this.#unreleased -= 1;
    if (this.#closed && this.#unreleased === 0) this.#dropConnection.close();
  }

  #closeAppender(): void {
    if (!this.#appender) return;
    duckdb.appender_close_sync(this.#appender);
    this.#appender = null;
  }

  #growHeap(needed: number): void {
    const grown = Buffer.alloc(Math.max(needed, this.#heap.byteLength * 2));
    this.#heap.copy(grown, 0, 0, this.#heapLength);
    this.#heap = grown;
  }

  #isFull(): boolean {
    return this.#rows >= this.#tableRows || this.#bytes + this.#rows * this.#rowWidth >= this.#tableBytes;
  }

  #append(): void {
    const { low, high } = this.#moveHeap(this.#largeRow ?? this.#heap.subarray(0, this.#heapLength));
    this.#fillChunk(this.row, (column, _index, vector) => column.copyTo(vector, this.row, low, high));
    this.row = 0;
    this.#heapLength = 0;
    this.#largeRow = null;
  }

  /** Fills the chunk's vectors and hands it over. */
  #fillChunk(rows: number, fill: (column: ColumnBuffer, index: number, vector: duckdb.Vector) => void): void {
    if (!this.#appender) throw new Error('begin() comes first');
    for (const [index, column] of this.columns.entries()) {
      fill(column, index, duckdb.data_chunk_get_vector(this.#chunk, index));
    }
    duckdb.data_chunk_set_size(this.#chunk, rows);
    duckdb.append_data_chunk(this.#appender, this.#chunk);
    duckdb.data_chunk_reset(this.#chunk);
    duckdb.data_chunk_reset(this.#heapChunk);
    this.#rows += rows;
  }

  /** Copies a heap into DuckDB's memory and tells where it lies there. */
  #moveHeap(heap: Uint8Array): { low: number; high: number } {
    // What fits into an entry has no address.
    if (heap.byteLength <= 12) return { low: 0, high: 0 };
    const vector = duckdb.data_chunk_get_vector(this.#heapChunk, 0);
    duckdb.vector_assign_string_element_len(vector, 0, heap);
    const entry = duckdb.vector_get_data(vector, 16);
    const view = new DataView(entry.buffer, entry.byteOffset, 16);
    return { low: view.getUint32(8, true), high: view.getUint32(12, true) };
  }
}
