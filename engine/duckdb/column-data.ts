/** Rows of a DuckDB data chunk. */
export const CHUNK_ROWS = 2048;

/** Bytes of a chunk's validity bits. */
export const VALIDITY_BYTES = CHUNK_ROWS / 8;

/** Longest text that DuckDB keeps inside its 16-byte string entry; longer ones are pointed to. */
const INLINE_BYTES = 12;

const WIDTHS: Record<string, number> = {
  BOOLEAN: 1,
  SMALLINT: 2,
  INTEGER: 4,
  BIGINT: 8,
  FLOAT: 4,
  DOUBLE: 8,
  DATE: 4,
  TIME: 8,
  TIMESTAMP: 8,
  'TIMESTAMP WITH TIME ZONE': 8,
  INTERVAL: 16,
  UUID: 16,
  VARCHAR: 16,
  JSON: 16,
  BLOB: 16,
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

/** Bytes of one value in a vector. */
function widthOf(type: string): number {
  const decimal = decimalShape(type);
  const width = decimal ? decimalWidth(decimal.precision) : Object.hasOwn(WIDTHS, type) ? WIDTHS[type] : undefined;
  if (width === undefined) throw new TypeError(`The chunk writer knows no type ${type}`);
  return width;
}

/**
 * The values of one column of the chunk that is being filled, in DuckDB's own memory layout. A decoder writes values through the typed
 * arrays, at index `row` (or `2 * row`, `4 * row` for 8 and 16 bytes wide values), least significant word first. It knows nothing of
 * DuckDB's library, so that a worker thread can fill it.
 */
export class ColumnData {
  readonly name: string;
  /** DuckDB type as DuckDB prints it. */
  readonly type: string;
  /** VARCHAR, JSON and BLOB, whose long values lie in the chunk's heap. */
  readonly isText: boolean;
  /** Bytes of one value. */
  readonly width: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  /** A bit a row, 1 where there is a value. */
  readonly validity = new Uint8Array(VALIDITY_BYTES).fill(255);
  hasNulls = false;
  /** Some entries hold an offset into the heap. */
  hasLongTexts = false;

  constructor(name: string, type: string) {
    this.name = name;
    this.type = type;
    this.width = widthOf(type);
    this.isText = type === 'VARCHAR' || type === 'JSON' || type === 'BLOB';
    // The typed arrays need whole words.
    this.bytes = new Uint8Array(this.width * CHUNK_ROWS);
    this.int16 = new Int16Array(this.bytes.buffer);
    this.int32 = new Int32Array(this.bytes.buffer);
    this.uint32 = new Uint32Array(this.bytes.buffer);
  }

  setNull(row: number): void {
    const index = row >> 3;
    this.validity[index] = (this.validity[index] as number) & ~(1 << (row & 7));
    this.hasNulls = true;
    // No entry may keep the pointer of an earlier chunk, not even under a NULL.
    if (this.isText) this.uint32.fill(0, 4 * row, 4 * row + 4);
  }

  /**
   * Sets a text or blob. `source[at, at + length)` holds its bytes (UTF-8 for texts: nothing checks it later), and `heapOffset` says where the
   * same bytes lie in the chunk's heap. Says whether the heap is needed for it.
   */
  setText(row: number, source: Uint8Array, at: number, length: number, heapOffset: number): boolean {
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
      return false;
    }
    bytes[start] = source[at] as number;
    bytes[start + 1] = source[at + 1] as number;
    bytes[start + 2] = source[at + 2] as number;
    bytes[start + 3] = source[at + 3] as number;
    uint32[entry + 2] = heapOffset;
    this.hasLongTexts = true;
    return true;
  }

  /** Starts the next chunk. */
  reset(): void {
    if (this.hasNulls) this.validity.fill(255);
    this.hasNulls = false;
    this.hasLongTexts = false;
  }
}

/** Turns the heap offsets in the entries of `rows` texts into addresses: the heap begins at `heapHigh:heapLow`. */
export function relocateTexts(entries: Uint32Array, rows: number, heapLow: number, heapHigh: number): void {
  for (let entry = 0; entry < 4 * rows; entry += 4) {
    if ((entries[entry] as number) <= INLINE_BYTES) continue;
    const low = (entries[entry + 2] as number) + heapLow;
    const carry = low >= 0x1_0000_0000;
    entries[entry + 2] = low;
    entries[entry + 3] = carry ? heapHigh + 1 : heapHigh;
  }
}
