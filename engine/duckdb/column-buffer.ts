import duckdb from '@duckdb/node-bindings';

/** Rows of a DuckDB data chunk. */
export const CHUNK_ROWS = 2048;

/** Longest text that DuckDB keeps inside its 16-byte string entry; longer ones are pointed to. */
const INLINE_BYTES = 12;

const PLAIN_TYPES: Record<string, { type: duckdb.Type; width: number }> = {
  BOOLEAN: { type: duckdb.Type.BOOLEAN, width: 1 },
  SMALLINT: { type: duckdb.Type.SMALLINT, width: 2 },
  INTEGER: { type: duckdb.Type.INTEGER, width: 4 },
  BIGINT: { type: duckdb.Type.BIGINT, width: 8 },
  FLOAT: { type: duckdb.Type.FLOAT, width: 4 },
  DOUBLE: { type: duckdb.Type.DOUBLE, width: 8 },
  DATE: { type: duckdb.Type.DATE, width: 4 },
  TIME: { type: duckdb.Type.TIME, width: 8 },
  TIMESTAMP: { type: duckdb.Type.TIMESTAMP, width: 8 },
  'TIMESTAMP WITH TIME ZONE': { type: duckdb.Type.TIMESTAMP_TZ, width: 8 },
  INTERVAL: { type: duckdb.Type.INTERVAL, width: 16 },
  UUID: { type: duckdb.Type.UUID, width: 16 },
  VARCHAR: { type: duckdb.Type.VARCHAR, width: 16 },
  JSON: { type: duckdb.Type.VARCHAR, width: 16 },
  BLOB: { type: duckdb.Type.BLOB, width: 16 },
};

/** Precision and scale of `DECIMAL(p,s)`; null for another type. */
export function decimalShape(type: string): { precision: number; scale: number } | null {
  const match = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : null;
}

/** Bytes of one value of a DECIMAL: int16, int32, int64 or hugeint, as DuckDB stores it. */
function decimalWidth(precision: number): number {
  if (precision <= 4) return 2;
  if (precision <= 9) return 4;
  return precision <= 18 ? 8 : 16;
}

/**
 * The values of one column of the chunk that is being filled, in DuckDB's own memory layout. A decoder writes values through the typed
 * arrays, at index `row` (or `2 * row`, `4 * row` for 8 and 16 bytes wide values), least significant word first.
 */
export class ColumnBuffer {
  readonly name: string;
  /** DuckDB type as DuckDB prints it. */
  readonly type: string;
  readonly logicalType: duckdb.LogicalType;
  /** VARCHAR, JSON and BLOB, whose long values lie in the chunk's heap. */
  readonly isText: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly #validity = new Uint8Array(CHUNK_ROWS / 8).fill(255);
  #hasNulls = false;
  #hasLongTexts = false;

  constructor(name: string, type: string) {
    this.name = name;
    this.type = type;
    const decimal = decimalShape(type);
    const plain = PLAIN_TYPES[type];
    let width: number;
    if (decimal) {
      this.logicalType = duckdb.create_decimal_type(decimal.precision, decimal.scale);
      width = decimalWidth(decimal.precision);
    } else if (plain) {
      this.logicalType = duckdb.create_logical_type(plain.type);
      // With the alias the appender sees the column's own type and does not parse every document once more.
      if (type === 'JSON') duckdb.logical_type_set_alias(this.logicalType, 'JSON');
      width = plain.width;
    } else {
      throw new TypeError(`The chunk writer knows no type ${type}`);
    }
    this.isText = type === 'VARCHAR' || type === 'JSON' || type === 'BLOB';
    // The typed arrays need whole words.
    this.bytes = new Uint8Array(width * CHUNK_ROWS);
    this.int16 = new Int16Array(this.bytes.buffer);
    this.int32 = new Int32Array(this.bytes.buffer);
    this.uint32 = new Uint32Array(this.bytes.buffer);
  }

  setNull(row: number): void {
    const index = row >> 3;
    this.#validity[index] = (this.#validity[index] as number) & ~(1 << (row & 7));
    this.#hasNulls = true;
    // No entry may keep the pointer of an earlier chunk, not even under a NULL.
    if (this.isText) this.uint32.fill(0, 4 * row, 4 * row + 4);
  }

  /**
   * Sets a text or blob. `source[at, at + length)` holds its bytes (UTF-8 for texts: nothing checks it later), and `heapOffset` says where the
   * same bytes lie in the chunk's heap.
   */
  setText(row: number, source: Uint8Array, at: number, length: number, heapOffset: number): void {
    const { uint32, bytes } = this;
    const entry = 4 * row;
    const start = 16 * row + 4;
    uint32[entry] = length;
    if (length <= INLINE_BYTES) {
      // DuckDB compares entries as a whole: what is not text is zero.
      uint32[entry + 1] = 0;
      uint32[entry + 2] = 0;
      uint32[entry + 3] = 0;
      for (let index = 0; index < length; index += 1) bytes[start + index] = source[at + index] as number;
      return;
    }
    bytes[start] = source[at] as number;
    bytes[start + 1] = source[at + 1] as number;
    bytes[start + 2] = source[at + 2] as number;
    bytes[start + 3] = source[at + 3] as number;
    uint32[entry + 2] = heapOffset;
    this.#hasLongTexts = true;
  }

  /** Copies the first `rows` values into the chunk's vector, with heap offsets turned into addresses, and starts over. */
  copyTo(vector: duckdb.Vector, rows: number, heapLow: number, heapHigh: number): void {
    if (this.#hasLongTexts) this.#relocate(rows, heapLow, heapHigh);
    const size = (this.bytes.byteLength / CHUNK_ROWS) * rows;
    duckdb.copy_data_to_vector(vector, 0, this.bytes.buffer, 0, size);
    if (this.#hasNulls) {
      duckdb.vector_ensure_validity_writable(vector);
      duckdb.copy_data_to_vector_validity(vector, 0, this.#validity.buffer, 0, this.#validity.byteLength);
      this.#validity.fill(255);
    }
    this.#hasNulls = false;
    this.#hasLongTexts = false;
  }

  #relocate(rows: number, heapLow: number, heapHigh: number): void {
    const { uint32 } = this;
    for (let entry = 0; entry < 4 * rows; entry += 4) {
      if ((uint32[entry] as number) <= INLINE_BYTES) continue;
      const low = (uint32[entry + 2] as number) + heapLow;
      const carry = low >= 0x1_0000_0000;
      uint32[entry + 2] = low;
      uint32[entry + 3] = carry ? heapHigh + 1 : heapHigh;
    }
  }
}
