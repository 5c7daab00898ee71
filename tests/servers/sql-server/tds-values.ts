import { ByteWriter } from './tds-packets.ts';

/** Tokens of a response ([MS-TDS] 2.2.7). */
const TOKEN = {
  columns: 0x81,
  error: 0xaa,
  info: 0xab,
  loginAck: 0xad,
  row: 0xd1,
  rowWithNulls: 0xd2,
  environment: 0xe3,
  done: 0xfd,
} as const;

export const DONE = { final: 0, more: 1, error: 2, count: 0x10, attention: 0x20 } as const;

/** Collation SQL_Latin1_General_CP1_CI_AS, as a type's information carries it. */
const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

/** A type of T-SQL, e.g. `decimal(38,10)`: lengths in characters, null for `max`. */
export interface SqlType {
  name: string;
  length: number | null;
  precision: number;
  scale: number;
}

export interface SqlColumn {
  name: string;
  type: SqlType;
  nullable: boolean;
}

/**
 * A value on its way to the wire: decimals and moneys as whole numbers of their last digit, dates as days since 0001-01-01, times as 100 ns since
 * midnight, and the rest with a date as 100 ns since 0001-01-01.
 */
export type SqlValue = null | boolean | number | bigint | string | Uint8Array;

/** `decimal(38,10)`, `nvarchar(max)`, `datetime2(7)` … */
export function parseType(text: string): SqlType {
  const match = /^([a-z0-9_]+)(?:\((max|\d+)(?:,\s*(\d+))?\))?$/i.exec(text.trim());
  if (!match) throw new TypeError(`No type of T-SQL: ${text}`);
  const name = (match[1] as string).toLowerCase();
  const first = match[2];
  const number = first === undefined || first === 'max' ? null : Number(first);
  if (['decimal', 'numeric'].includes(name)) {
    return { name: 'decimal', length: null, precision: number ?? 18, scale: Number(match[3] ?? 0) };
  }
  if (['time', 'datetime2', 'datetimeoffset'].includes(name)) {
    return { name, length: null, precision: 0, scale: number ?? 7 };
  }
  if (name === 'rowversion' || name === 'timestamp') return { name: 'timestamp', length: 8, precision: 0, scale: 0 };
  const hasLength = /char|binary/.test(name);
  const length = hasLength && first === undefined ? 1 : number;
  return { name, length, precision: 0, scale: 0 };
}

export function token(type: number, body: (writer: ByteWriter) => void): Buffer {
  const inside = new ByteWriter();
  body(inside);
  const bytes = inside.take();
  return new ByteWriter(bytes.length + 3).u8(type).u16(bytes.length).bytes(bytes).take();
}

export function errorToken(number: number, severity: number, message: string): Buffer {
  return token(severity > 10 ? TOKEN.error : TOKEN.info, (writer) =>
    writer.u32(number).u8(1).u8(severity).text(message, 2).text('TESTSERVER', 1).text('', 1).u32(1),
  );
}

export function environmentToken(kind: number, value: string | Buffer, old: string | Buffer): Buffer {
  return token(TOKEN.environment, (writer) => {
    writer.u8(kind);
    for (const each of [value, old]) {
      if (typeof each === 'string') writer.text(each, 1);
      else writer.u8(each.length).bytes(each);
    }
  });
}

export const collationToken = () => environmentToken(7, COLLATION, Buffer.alloc(0));

export function loginAckToken(): Buffer {
  return token(TOKEN.loginAck, (writer) =>
    writer
      .u8(1)
      .bytes(Buffer.from([0x74, 0, 0, 4]))
      .text('Microsoft SQL Server', 1)
      .bytes(Buffer.from([16, 0, 0x10, 0x51])),
  );
}

export function doneToken(status: number, rows = 0): Buffer {
  return new ByteWriter(16).u8(TOKEN.done).u16(status).u16(0xc1).i64(BigInt(rows)).take();
}

/** Types with an id for NOT NULL columns and one for others. */
const FIXED: Record<string, { id: number; nullableId: number; bytes: number }> = {
  tinyint: { id: 0x30, nullableId: 0x26, bytes: 1 },
  smallint: { id: 0x34, nullableId: 0x26, bytes: 2 },
  int: { id: 0x38, nullableId: 0x26, bytes: 4 },
  bigint: { id: 0x7f, nullableId: 0x26, bytes: 8 },
  bit: { id: 0x32, nullableId: 0x68, bytes: 1 },
  real: { id: 0x3b, nullableId: 0x6d, bytes: 4 },
  float: { id: 0x3e, nullableId: 0x6d, bytes: 8 },
  money: { id: 0x3c, nullableId: 0x6e, bytes: 8 },
  smallmoney: { id: 0x7a, nullableId: 0x6e, bytes: 4 },
  datetime: { id: 0x3d, nullableId: 0x6f, bytes: 8 },
  smalldatetime: { id: 0x3a, nullableId: 0x6f, bytes: 4 },
};
const MAX_LENGTH = 0xffff;

const decimalBytes = (precision: number) => (precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17);
const timeBytes = (scale: number) => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);
const isNational = (name: string) => name.startsWith('n');

function writeType(writer: ByteWriter, type: SqlType, nullable: boolean): void {
  const fixed = FIXED[type.name];
  if (fixed) {
    if (nullable) writer.u8(fixed.nullableId).u8(fixed.bytes);
    else writer.u8(fixed.id);
    return;
  }
  const length = type.length === null ? MAX_LENGTH : type.length * (isNational(type.name) ? 2 : 1);
  switch (type.name) {
    case 'decimal':
      writer.u8(0x6a).u8(decimalBytes(type.precision)).u8(type.precision).u8(type.scale);
      return;
    case 'date':
      writer.u8(0x28);
      return;
    case 'time':
      writer.u8(0x29).u8(type.scale);
      return;
    case 'datetime2':
      writer.u8(0x2a).u8(type.scale);
      return;
    case 'datetimeoffset':
      writer.u8(0x2b).u8(type.scale);
      return;
    case 'uniqueidentifier':
      writer.u8(0x24).u8(16);
      return;
    case 'timestamp':
    case 'binary':
      writer.u8(0xad).u16(length);
      return;
    case 'varbinary':
      writer.u8(0xa5).u16(length);
      return;
    case 'nvarchar':
    case 'nchar':
      writer
        .u8(type.name === 'nchar' ? 0xef : 0xe7)
        .u16(length)
        .bytes(COLLATION);
      return;
    default:
      throw new TypeError(`The server sends no ${type.name}`);
  }
}

export function columnsToken(columns: readonly SqlColumn[]): Buffer {
  const writer = new ByteWriter().u8(TOKEN.columns).u16(columns.length);
  for (const { name, type, nullable } of columns) {
    writer.u32(0).u16(0x0008 | (nullable ? 1 : 0));
    writeType(writer, type, nullable);
    writer.text(name, 1);
  }
  return writer.take();
}

const DAY_TICKS = 864_000_000_000n;
/** 1900-01-01, from which datetime counts. */
const DAYS_TO_1900 = 693_595n;

function writeFixed(writer: ByteWriter, name: string, value: Exclude<SqlValue, null>): void {
  switch (name) {
    case 'bit':
    case 'tinyint':
      writer.u8(Number(value));
      return;
    case 'smallint':
      writer.u16(Number(value));
      return;
    case 'int':
    case 'smallmoney':
      writer.u32(Number(value));
      return;
    case 'bigint':
      writer.i64(BigInt(value as bigint));
      return;
    case 'real':
      writer.float(Number(value));
      return;
    case 'float':
      writer.double(Number(value));
      return;
    case 'money': {
      const units = BigInt.asUintN(64, BigInt(value as bigint));
      writer.u32(Number(units >> 32n)).u32(Number(units & 0xffff_ffffn));
      return;
    }
    default: {
      const ticks = value as bigint;
      const days = ticks / DAY_TICKS - DAYS_TO_1900;
      const rest = ticks % DAY_TICKS;
      // smalldatetime counts minutes, datetime thirds of a hundredth.
      if (name === 'smalldatetime') writer.u16(Number(days)).u16(Number(rest / 600_000_000n));
      else writer.u32(Number(days)).u32(Number((rest * 3n + 50_000n) / 100_000n));
    }
  }
}

function writeValue(writer: ByteWriter, { type, nullable }: SqlColumn, value: Exclude<SqlValue, null>): void {
  const fixed = FIXED[type.name];
  if (fixed) {
    if (nullable) writer.u8(fixed.bytes);
    writeFixed(writer, type.name, value);
    return;
  }
  const ticks = (count: bigint) => writer.unsigned(count / 10n ** BigInt(7 - type.scale), timeBytes(type.scale));
  switch (type.name) {
    case 'decimal': {
      const units = value as bigint;
      const bytes = decimalBytes(type.precision);
      writer
        .u8(bytes)
        .u8(units < 0n ? 0 : 1)
        .unsigned(units < 0n ? -units : units, bytes - 1);
      return;
    }
    case 'date':
      writer.u8(3).unsigned(BigInt(value as number), 3);
      return;
    case 'time':
      writer.u8(timeBytes(type.scale));
      ticks(value as bigint);
      return;
    case 'datetime2':
    case 'datetimeoffset': {
      const hasOffset = type.name === 'datetimeoffset';
      writer.u8(timeBytes(type.scale) + 3 + (hasOffset ? 2 : 0));
      ticks((value as bigint) % DAY_TICKS);
      writer.unsigned((value as bigint) / DAY_TICKS, 3);
      if (hasOffset) writer.u16(0);
      return;
    }
    case 'uniqueidentifier': {
      const hex = Buffer.from((value as string).replaceAll('-', ''), 'hex');
      // The first three groups are numbers, and so little-endian.
      writer
        .u8(16)
        .bytes(Buffer.from([3, 2, 1, 0, 5, 4, 7, 6].map((index) => hex[index] as number)))
        .bytes(hex.subarray(8));
      return;
    }
    default:
      writeBytes(writer, type, value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf16le'));
  }
}

function writeBytes(writer: ByteWriter, type: SqlType, bytes: Uint8Array): void {
  if (type.length !== null) {
    writer.u16(bytes.length).bytes(bytes);
    return;
  }
  // "Partially length-prefixed": the whole length, then chunks, then an empty one.
  writer.i64(BigInt(bytes.length));
  for (let at = 0; at < bytes.length; at += 8000) {
    const chunk = bytes.subarray(at, at + 8000);
    writer.u32(chunk.length).bytes(chunk);
  }
  writer.u32(0);
}

/** A row; one with NULLs comes with a bitmap of them, as from real servers since TDS 7.3. */
export function writeRow(writer: ByteWriter, columns: readonly SqlColumn[], values: readonly SqlValue[]): void {
  const hasNulls = values.includes(null);
  writer.u8(hasNulls ? TOKEN.rowWithNulls : TOKEN.row);
  if (hasNulls) {
    for (let start = 0; start < columns.length; start += 8) {
      let mask = 0;
      for (let bit = 0; bit < 8; bit += 1) if (values[start + bit] === null) mask |= 1 << bit;
      writer.u8(mask);
    }
  }
  for (const [index, column] of columns.entries()) {
    const value = values[index];
    if (value !== null && value !== undefined) writeValue(writer, column, value);
  }
}
