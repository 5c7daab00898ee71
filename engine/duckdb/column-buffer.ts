import duckdb from '@duckdb/node-bindings';
import { ColumnData, decimalShape, relocateTexts, VALIDITY_BYTES } from './column-data.ts';

const TYPES: Record<string, duckdb.Type> = {
  BOOLEAN: duckdb.Type.BOOLEAN,
  SMALLINT: duckdb.Type.SMALLINT,
  INTEGER: duckdb.Type.INTEGER,
  BIGINT: duckdb.Type.BIGINT,
  FLOAT: duckdb.Type.FLOAT,
  DOUBLE: duckdb.Type.DOUBLE,
  DATE: duckdb.Type.DATE,
  TIME: duckdb.Type.TIME,
  TIMESTAMP: duckdb.Type.TIMESTAMP,
  'TIMESTAMP WITH TIME ZONE': duckdb.Type.TIMESTAMP_TZ,
  INTERVAL: duckdb.Type.INTERVAL,
  UUID: duckdb.Type.UUID,
  VARCHAR: duckdb.Type.VARCHAR,
  JSON: duckdb.Type.VARCHAR,
  BLOB: duckdb.Type.BLOB,
};

/** A chunk of a column as its bytes lie somewhere: in a {@link ColumnBuffer}, or in a batch that a worker thread filled. */
interface ColumnBytes {
  buffer: ArrayBuffer;
  /** Where the values begin; a multiple of four. */
  at: number;
  /** Where the validity bits begin; null: there is no NULL. */
  validityAt: number | null;
  hasLongTexts: boolean;
}

/** {@link ColumnData} that goes into DuckDB's vectors. */
export class ColumnBuffer extends ColumnData {
  readonly logicalType: duckdb.LogicalType;

  constructor(name: string, type: string) {
    super(name, type);
    const decimal = decimalShape(type);
    this.logicalType = decimal
      ? duckdb.create_decimal_type(decimal.precision, decimal.scale)
      : duckdb.create_logical_type(TYPES[type] as duckdb.Type);
    // With the alias the appender sees the column's own type and does not parse every document once more.
    if (type === 'JSON') duckdb.logical_type_set_alias(this.logicalType, 'JSON');
  }

  /** Copies the first `rows` values into the chunk's vector, with heap offsets turned into addresses, and starts over. */
  copyTo(vector: duckdb.Vector, rows: number, heapLow: number, heapHigh: number): void {
    const { hasLongTexts } = this;
    const bytes = { buffer: this.bytes.buffer, at: 0, validityAt: null, hasLongTexts };
    this.copyBytes(vector, rows, bytes, heapLow, heapHigh);
    if (this.hasNulls) copyValidity(vector, this.validity.buffer, 0);
    this.reset();
  }

  /** The same for values that lie elsewhere. */
  copyBytes(vector: duckdb.Vector, rows: number, source: ColumnBytes, heapLow: number, heapHigh: number): void {
    const { buffer, at, validityAt } = source;
    if (source.hasLongTexts) relocateTexts(new Uint32Array(buffer, at, 4 * rows), rows, heapLow, heapHigh);
    duckdb.copy_data_to_vector(vector, 0, buffer, at, this.width * rows);
    if (validityAt !== null) copyValidity(vector, buffer, validityAt);
  }
}

function copyValidity(vector: duckdb.Vector, buffer: ArrayBuffer, at: number): void {
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, buffer, at, VALIDITY_BYTES);
}
