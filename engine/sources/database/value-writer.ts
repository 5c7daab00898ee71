import type { ColumnData } from '../../duckdb/column-data.ts';
import type { BatchWriter } from './batch-writer.ts';
import { decimalNumberWriter, decimalTextWriter } from './decimal-text.ts';
import { type DriverDate, driverDateWriter, type NoteLoss, timestampTextWriter, timeTextWriter } from './time-text.ts';
import type { RejectValue } from './value-error.ts';

/**
 * How a driver gives a column's values, NULL aside, and the DuckDB types that each can go into:
 *
 * - `boolean` true or false, or a number → BOOLEAN
 * - `integer` number → SMALLINT, INTEGER, BIGINT (up to 2^53)
 * - `double` number → FLOAT, DOUBLE; infinities and NaN stay
 * - `number_text` text → DECIMAL(p,s), BIGINT, INTEGER, SMALLINT, exactly or not at all
 * - `decimal_number` number that stands for a decimal of at most 15 digits → DECIMAL(p ≤ 15,s)
 * - `timestamp_text` `YYYY-MM-DD hh:mm:ss.fffffffff [+hh:mm]` → TIMESTAMP, TIMESTAMP WITH TIME ZONE, DATE
 * - `time_text` `hh:mm:ss.fffffffff` → TIME
 * - `driver_date` Date in UTC, with tedious' `nanosecondsDelta` or without → the same four
 * - `uuid_text` with hyphens, any case → UUID
 * - `text` → VARCHAR, JSON
 * - `bytes` Uint8Array → BLOB (or VARCHAR, where it is UTF-8)
 */
export const VALUE_FORMATS = [
  'boolean',
  'integer',
  'double',
  'number_text',
  'decimal_number',
  'timestamp_text',
  'time_text',
  'driver_date',
  'uuid_text',
  'text',
  'bytes',
] as const;
export type ValueFormat = (typeof VALUE_FORMATS)[number];

/** Writes a value that is not NULL into the current row of the batch. */
export type ValueWriter = (value: unknown, row: number) => void;

/** The writer of a column, chosen once. */
export function createValueWriter(
  batch: BatchWriter,
  column: ColumnData,
  format: ValueFormat,
  reject: RejectValue,
  noteLoss: NoteLoss,
): ValueWriter {
  switch (format) {
    case 'boolean':
      return (value, row) => {
        column.bytes[row] = value ? 1 : 0;
      };
    case 'integer':
      return integerWriter(column);
    case 'double':
      return doubleWriter(column);
    case 'number_text':
      return typed(decimalTextWriter(column, reject));
    case 'decimal_number':
      return typed(decimalNumberWriter(column));
    case 'timestamp_text':
      return typed(timestampTextWriter(column, reject, noteLoss));
    case 'time_text':
      return typed(timeTextWriter(column, reject, noteLoss));
    case 'driver_date':
      return typed<DriverDate>(driverDateWriter(column, noteLoss));
    case 'uuid_text':
      return typed(uuidWriter(column, reject));
    case 'text':
      return typed((text: string) => {
        if (!batch.setText(column, text)) reject(JSON.stringify(text), 'not_unicode');
      });
    case 'bytes':
      return typed((bytes: Uint8Array) => batch.setBytes(column, bytes));
    default:
      return format satisfies never;
  }
}

/** The format says what the driver gives. */
function typed<Value>(write: (value: Value, row: number) => void): ValueWriter {
  return write as ValueWriter;
}

function integerWriter({ width, int16, int32, uint32 }: ColumnData): ValueWriter {
  if (width === 2) {
    return (value, row) => {
      int16[row] = value as number;
    };
  }
  if (width === 4) {
    return (value, row) => {
      int32[row] = value as number;
    };
  }
  return (value, row) => {
    const high = Math.floor((value as number) / 0x1_0000_0000);
    uint32[2 * row] = (value as number) - high * 0x1_0000_0000;
    int32[2 * row + 1] = high;
  };
}

function doubleWriter({ width, bytes }: ColumnData): ValueWriter {
  const target = width === 4 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  return (value, row) => {
    target[row] = value as number;
  };
}

const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})([0-9a-f]{8})$/i;

/** A hugeint whose top bit is flipped, so that uuids sort as their texts do. */
function uuidWriter({ int32 }: ColumnData, reject: RejectValue): (text: string, row: number) => void {
  return (text, row) => {
    const match = UUID.exec(text);
    if (match === null) return reject(text, 'out_of_range');
    const hex = (...groups: number[]) => Number.parseInt(groups.map((group) => match[group]).join(''), 16);
    int32[4 * row + 3] = hex(1) ^ -0x80000000;
    int32[4 * row + 2] = hex(2, 3);
    int32[4 * row + 1] = hex(4, 5);
    int32[4 * row] = hex(6);
  };
}
