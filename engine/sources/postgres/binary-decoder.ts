import type { ChunkWriter } from '../../duckdb/chunk-writer.ts';
import type { ColumnBuffer } from '../../duckdb/column-buffer.ts';
import { type RejectValue, valueError } from '../database/value-error.ts';
import type { Decoder } from './decoder.ts';
import { numericDecoder } from './numeric-decoder.ts';

/** How a column's values come over the wire: the binary formats of PostgreSQL's *_send functions that are decoded here. */
export const WIRE_FORMATS = [
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'date',
  'time',
  'timestamp',
  'interval',
  'uuid',
  'text',
  'bytes',
  'jsonb',
] as const;
export type WireFormat = (typeof WIRE_FORMATS)[number];

export interface DecoderOptions {
  /** The table, for messages. */
  object: string;
  wire: WireFormat;
  /** Dates and timestamps: let PostgreSQL's infinities become DuckDB's. */
  infinities: boolean;
}

/** The decoder of a column, chosen once. */
export function createDecoder(writer: ChunkWriter, column: ColumnBuffer, options: DecoderOptions): Decoder {
  const reject: RejectValue = (value, why) => {
    throw valueError(options.object, column.name, column.type, value, why);
  };
  switch (options.wire) {
    case 'bool':
      return boolDecoder(column);
    case 'int2':
      return int2Decoder(column);
    case 'int4':
    case 'float4':
      return fourByteDecoder(column);
    case 'int8':
    case 'float8':
    case 'time':
      return eightByteDecoder(column);
    case 'numeric':
      return numericDecoder(column, reject);
    case 'date':
      return dateDecoder(column, options.infinities, reject);
    case 'timestamp':
      return timestampDecoder(column, options.infinities, reject);
    case 'interval':
      return intervalDecoder(column, reject);
    case 'uuid':
      return uuidDecoder(column);
    case 'text':
    case 'bytes':
      return textDecoder(writer, column);
    case 'jsonb':
      return jsonbDecoder(writer, column);
    default:
      return options.wire satisfies never;
  }
}

function boolDecoder({ bytes: target }: ColumnBuffer): Decoder {
  return (bytes, at, _length, row) => {
    target[row] = bytes[at] as number;
  };
}

function int2Decoder({ int16 }: ColumnBuffer): Decoder {
  return (bytes, at, _length, row) => {
    int16[row] = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  };
}

function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function fourByteDecoder({ int32 }: ColumnBuffer): Decoder {
  return (bytes, at, _length, row) => {
    int32[row] = int32At(bytes, at);
  };
}

function eightByteDecoder({ int32 }: ColumnBuffer): Decoder {
  return (bytes, at, _length, row) => {
    int32[2 * row + 1] = int32At(bytes, at);
    int32[2 * row] = int32At(bytes, at + 4);
  };
}

/** Days from DuckDB's epoch, 1970-01-01, to PostgreSQL's, 2000-01-01. */
const EPOCH_DAYS = 10_957;

function dateDecoder({ int32 }: ColumnBuffer, infinities: boolean, reject: RejectValue): Decoder {
  return (bytes, at, _length, row) => {
    const days = int32At(bytes, at);
    if (days === 0x7fffffff || days === -0x80000000) {
      if (!infinities) reject(days > 0 ? 'infinity' : '-infinity', 'not_finite');
      int32[row] = days > 0 ? 0x7fffffff : -0x7fffffff;
      return;
    }
    int32[row] = days + EPOCH_DAYS;
  };
}

/** Microseconds between the epochs, 946,684,800,000,000, as two words. */
const EPOCH_MICROS_HIGH = 0x35d01;
const EPOCH_MICROS_LOW = 0x3b37e000;

function timestampDecoder({ int32 }: ColumnBuffer, infinities: boolean, reject: RejectValue): Decoder {
  return (bytes, at, _length, row) => {
    const high = int32At(bytes, at);
    const low = int32At(bytes, at + 4) >>> 0;
    if ((high === 0x7fffffff && low === 0xffffffff) || (high === -0x80000000 && low === 0)) {
      if (!infinities) reject(high > 0 ? 'infinity' : '-infinity', 'not_finite');
      int32[2 * row] = high > 0 ? -1 : 1;
      int32[2 * row + 1] = high > 0 ? 0x7fffffff : -0x80000000;
      return;
    }
    const lowSum = low + EPOCH_MICROS_LOW;
    const highSum = high + EPOCH_MICROS_HIGH + (lowSum >= 0x1_0000_0000 ? 1 : 0);
    // PostgreSQL counts from 2000 and so reaches 29 years further than DuckDB does.
    if (highSum > 0x7fffffff || (highSum === 0x7fffffff && (lowSum | 0) === -1)) {
      reject('a time after 294247-01-10 04:00:54.775806', 'out_of_range');
    }
    int32[2 * row] = lowSum;
    int32[2 * row + 1] = highSum;
  };
}

function intervalDecoder({ int32 }: ColumnBuffer, reject: RejectValue): Decoder {
  return (bytes, at, _length, row) => {
    const high = int32At(bytes, at);
    const low = int32At(bytes, at + 4);
    const days = int32At(bytes, at + 8);
    const months = int32At(bytes, at + 12);
    const all = months === 0x7fffffff && days === 0x7fffffff && high === 0x7fffffff && low === -1;
    const none = months === -0x80000000 && days === -0x80000000 && high === -0x80000000 && low === 0;
    if (all || none) reject(all ? 'infinity' : '-infinity', 'not_finite');
    int32[4 * row] = months;
    int32[4 * row + 1] = days;
    int32[4 * row + 2] = low;
    int32[4 * row + 3] = high;
  };
}

function uuidDecoder({ int32 }: ColumnBuffer): Decoder {
  return (bytes, at, _length, row) => {
    // A hugeint whose top bit is flipped, so that uuids sort as their texts do.
    int32[4 * row + 3] = int32At(bytes, at) ^ -0x80000000;
    int32[4 * row + 2] = int32At(bytes, at + 4);
    int32[4 * row + 1] = int32At(bytes, at + 8);
    int32[4 * row] = int32At(bytes, at + 12);
  };
}

function textDecoder(writer: ChunkWriter, column: ColumnBuffer): Decoder {
  return (bytes, at, length, row) => {
    column.setText(row, bytes, at, length, writer.heapBase + at);
  };
}

/** jsonb comes as a version byte and its text. */
function jsonbDecoder(writer: ChunkWriter, column: ColumnBuffer): Decoder {
  return (bytes, at, length, row) => {
    column.setText(row, bytes, at + 1, length - 1, writer.heapBase + at + 1);
  };
}
