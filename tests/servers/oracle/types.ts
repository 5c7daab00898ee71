import {
  type DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBTimestampNanosecondsValue,
  type DuckDBValue,
} from '@duckdb/node-api';

/** An Oracle type: how it is described on the wire, in the dictionary, and kept in DuckDB. */
export interface OracleType {
  /** As ALL_TAB_COLUMNS.DATA_TYPE has it. */
  name: string;
  /** Number of the type on the wire (TNS_DATA_TYPE_…). */
  code: number;
  /** 1: database character set, 2: national, 0: no text. */
  charset: number;
  size: number;
  precision: number;
  scale: number;
  /** DuckDB type that holds the values. */
  storage: string;
}

export const WIRE = {
  varchar: 1,
  number: 2,
  long: 8,
  date: 12,
  raw: 23,
  longRaw: 24,
  char: 96,
  binaryFloat: 100,
  binaryDouble: 101,
  clob: 112,
  blob: 113,
  json: 119,
  timestamp: 180,
  timestampTz: 181,
  timestampLtz: 231,
  boolean: 252,
} as const;

/** A NUMBER without scale, in the describe message. */
const NO_SCALE = -127;

/** Reads `NUMBER(10,2)`, `TIMESTAMP(6) WITH TIME ZONE`, `VARCHAR2(100 CHAR)` … */
export function parseOracleType(text: string): OracleType {
  const match = /^([A-Z_0-9 ]+?)(?:\((\*|\d+)(?: (?:BYTE|CHAR))?(?:,\s*(-?\d+))?\))?( .*)?$/.exec(text);
  if (!match) throw new Error(`Not an Oracle type: ${text}`);
  const base = match[1] as string;
  const first = match[2] === undefined || match[2] === '*' ? null : Number(match[2]);
  const second = match[3] === undefined ? null : Number(match[3]);
  const rest = match[4] ?? '';
  const type = (code: number, storage: string, changes: Partial<OracleType> = {}): OracleType => ({
    name: base,
    code,
    charset: 0,
    size: 4000,
    precision: 0,
    scale: 0,
    storage,
    ...changes,
  });
  switch (base + rest) {
    case 'NUMBER': {
      if (match[2] === undefined) return type(WIRE.number, 'VARCHAR', { size: 22, scale: NO_SCALE });
      const precision = first ?? 38;
      const scale = second ?? 0;
      const fits = scale >= 0 && scale <= precision;
      const storage = fits ? `DECIMAL(${precision},${scale})` : 'VARCHAR';
      return type(WIRE.number, storage, { size: 22, precision: first ?? 0, scale });
    }
    case 'FLOAT':
      return type(WIRE.number, 'VARCHAR', { size: 22, precision: first ?? 126, scale: NO_SCALE });
    case 'BINARY_FLOAT':
      return type(WIRE.binaryFloat, 'FLOAT', { size: 4 });
    case 'BINARY_DOUBLE':
      return type(WIRE.binaryDouble, 'DOUBLE', { size: 8 });
    case 'VARCHAR2':
      return type(WIRE.varchar, 'VARCHAR', { charset: 1, size: first ?? 4000 });
    case 'NVARCHAR2':
      return type(WIRE.varchar, 'VARCHAR', { charset: 2, size: (first ?? 2000) * 2 });
    case 'CHAR':
      return type(WIRE.char, 'VARCHAR', { charset: 1, size: first ?? 1 });
    case 'NCHAR':
      return type(WIRE.char, 'VARCHAR', { charset: 2, size: (first ?? 1) * 2 });
    case 'CLOB':
      return type(WIRE.clob, 'VARCHAR', { charset: 1 });
    case 'NCLOB':
      return type(WIRE.clob, 'VARCHAR', { charset: 2 });
    case 'BLOB':
      return type(WIRE.blob, 'BLOB');
    case 'RAW':
      return type(WIRE.raw, 'BLOB', { size: first ?? 2000 });
    case 'LONG':
      return type(WIRE.long, 'VARCHAR', { charset: 1, size: 0 });
    case 'LONG RAW':
      return type(WIRE.longRaw, 'BLOB', { size: 0 });
    case 'DATE':
      return type(WIRE.date, 'TIMESTAMP', { size: 7 });
    case 'TIMESTAMP': {
      const scale = first ?? 6;
      const storage = scale > 6 ? 'TIMESTAMP_NS' : 'TIMESTAMP';
      return type(WIRE.timestamp, storage, { name: `TIMESTAMP(${scale})`, size: 11, scale });
    }
    case 'TIMESTAMP WITH TIME ZONE':
    case 'TIMESTAMP WITH LOCAL TIME ZONE': {
      const scale = first ?? 6;
      const code = rest.includes('LOCAL') ? WIRE.timestampLtz : WIRE.timestampTz;
      return type(code, 'TIMESTAMPTZ', { name: `TIMESTAMP(${scale})${rest}`, size: 13, scale });
    }
    case 'BOOLEAN':
      return type(WIRE.boolean, 'BOOLEAN', { size: 1 });
    default:
      // Intervals, ROWID, JSON, XMLTYPE and object types: kept as text, read through functions that give text.
      return type(WIRE.varchar, 'VARCHAR', { name: text, charset: 1 });
  }
}

/** The type of a result column that is no plain column of a table. */
export function typeOfStorage(storage: string): OracleType {
  if (storage.startsWith('DECIMAL(')) return parseOracleType(storage.replace('DECIMAL', 'NUMBER'));
  if (/INT$|^INTEGER$/.test(storage)) return { ...parseOracleType('NUMBER'), storage };
  const names: Record<string, string> = {
    DOUBLE: 'BINARY_DOUBLE',
    FLOAT: 'BINARY_FLOAT',
    BLOB: 'RAW(2000)',
    TIMESTAMP: 'TIMESTAMP(6)',
    TIMESTAMP_NS: 'TIMESTAMP(9)',
    TIMESTAMPTZ: 'TIMESTAMP(6) WITH TIME ZONE',
    BOOLEAN: 'BOOLEAN',
  };
  return parseOracleType(names[storage] ?? 'VARCHAR2(4000)');
}

/** A value of DuckDB as Oracle sends it. Null and the empty string are one. */
export function encodeValue(type: OracleType, value: DuckDBValue): Uint8Array | null {
  if (value === null || value === '') return null;
  switch (type.code) {
    case WIRE.number:
      return encodeNumber(String(value));
    case WIRE.binaryDouble: {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(Number(value));
      return sortable(bytes);
    }
    case WIRE.binaryFloat: {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatBE(Number(value));
      return sortable(bytes);
    }
    case WIRE.boolean:
      return Buffer.from(value === true ? [1, 1] : [0]);
    case WIRE.date:
    case WIRE.timestamp:
    case WIRE.timestampTz:
    case WIRE.timestampLtz:
      return encodeTime(nanosecondsOf(value), type.code);
    case WIRE.raw:
    case WIRE.longRaw:
    case WIRE.blob:
      return (value as DuckDBBlobValue).bytes;
    default:
      return encodeText(type, String(value));
  }
}

function encodeText(type: OracleType, text: string): Buffer {
  const isNational = type.charset === 2;
  const padded = type.code === WIRE.char ? text.padEnd(isNational ? type.size / 2 : type.size) : text;
  return isNational ? Buffer.from(padded, 'utf16le').swap16() : Buffer.from(padded);
}

/** Base 100, exponent first, one added to each digit; of negative numbers each digit is taken from 101, and 102 ends it. */
export function encodeNumber(text: string): Buffer {
  const negative = text.startsWith('-');
  const [mantissa = '', power = '0'] = text.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  let digits = whole + fraction;
  let point = whole.length + Number(power);
  const leading = /^0*/.exec(digits)?.[0].length ?? 0;
  digits = digits.slice(leading);
  point -= leading;
  digits = digits.replace(/0+$/, '');
  if (digits === '') return Buffer.from([0x80]);
  if (point % 2 !== 0) {
    digits = `0${digits}`;
    point += 1;
  }
  if (digits.length % 2 === 1) digits += '0';
  const pairs = (digits.match(/../g) ?? []).map(Number).slice(0, 20);
  const exponent = point / 2 - 1 + 193;
  if (!negative) return Buffer.from([exponent, ...pairs.map((pair) => pair + 1)]);
  const end = pairs.length < 20 ? [102] : [];
  return Buffer.from([exponent ^ 0xff, ...pairs.map((pair) => 101 - pair), ...end]);
}

/** The text of a NUMBER that a client bound. */
export function decodeNumber(bytes: Buffer): string {
  const positive = ((bytes[0] as number) & 0x80) !== 0;
  if (bytes.length === 1) return '0';
  const exponent = (positive ? (bytes[0] as number) : (bytes[0] as number) ^ 0xff) - 193;
  let pairs = [...bytes.subarray(1)];
  if (!positive && pairs.at(-1) === 102) pairs = pairs.slice(0, -1);
  const digits = pairs.map((pair) => String(positive ? pair - 1 : 101 - pair).padStart(2, '0')).join('');
  const point = (exponent + 1) * 2;
  const text =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits.padEnd(point, '0')
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return (positive ? '' : '-') + text.replace(/^0+(?=\d)/, '');
}

/** Bits that order like the numbers: the sign inverted, negative numbers inverted whole. */
function sortable(bytes: Buffer): Buffer {
  if (((bytes[0] as number) & 0x80) === 0) bytes[0] = (bytes[0] as number) | 0x80;
  else for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] as number) ^ 0xff;
  return bytes;
}

function nanosecondsOf(value: DuckDBValue): bigint {
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos;
  if (value instanceof DuckDBDateValue) return BigInt(value.days) * 86_400_000_000_000n;
  return (value as { micros: bigint }).micros * 1000n;
}

/** Century and year in excess 100, month, day, then hour, minute and second plus one; nanoseconds and zone where there are any. */
function encodeTime(nanoseconds: bigint, code: number): Buffer {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const at = new Date(Number((nanoseconds - fraction) / 1_000_000n));
  const year = at.getUTCFullYear();
  const size = code === WIRE.date ? 7 : code === WIRE.timestampTz ? 13 : 11;
  const bytes = Buffer.alloc(size);
  bytes.set([
    Math.trunc(year / 100) + 100,
    (year % 100) + 100,
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours() + 1,
    at.getUTCMinutes() + 1,
    at.getUTCSeconds() + 1,
  ]);
  if (size > 7) bytes.writeUInt32BE(Number(fraction), 7);
  if (size === 13) bytes.set([20, 60], 11);
  return bytes;
}
