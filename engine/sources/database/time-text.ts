import type { ColumnData } from '../../duckdb/column-data.ts';
import type { RejectValue } from './value-error.ts';

const WORD = 0x1_0000_0000;
const DAY_SECONDS = 86_400;
const TIMESTAMP =
  /^(-?)(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{0,9}))?)?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?$/;
/** The character 0 stands for any digit. */
const PLAIN = '0000-00-00 00:00:00';
const DIGIT = 48;
const SHORTEST_MONTH = 28;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{0,9}))?)?$/;

/** Says that digits were cut which the type cannot hold. */
export type NoteLoss = () => void;

/** Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"); no Date, no time zone. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Whether DuckDB has such a day: Oracle counts in the Julian calendar before October 1582, which has a 29 February 1500. */
function isDay(year: number, month: number, day: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return month >= 1 && month <= 12 && day >= 1 && day <= days;
}

/** Stores `seconds` (whole) and `micros` (0 ≤ micros < 10^6) as microseconds in an int64. */
function storeMicros({ uint32, int32 }: ColumnData, row: number, seconds: number, micros: number): void {
  // seconds · 10^6 leaves a double's whole numbers behind the year 2255: so in two parts, of 2^16 seconds and of the rest.
  const upper = Math.floor(seconds / 65_536);
  const product = upper * 1_000_000;
  const high = Math.floor(product / 65_536);
  const rest = (product - high * 65_536) * 65_536 + (seconds - upper * 65_536) * 1_000_000 + micros;
  const carry = Math.floor(rest / WORD);
  uint32[2 * row] = rest - carry * WORD;
  int32[2 * row + 1] = high + carry;
}

/** The first six digits of a fraction as microseconds; notes digits that are lost. */
function microsOf(fraction: string, noteLoss: NoteLoss): number {
  if (fraction.length > 6 && /[1-9]/.test(fraction.slice(6))) noteLoss();
  return Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/**
 * Writes `YYYY-MM-DD[ hh:mm[:ss[.fffffffff]]][ +hh:mm]` into TIMESTAMP, TIMESTAMP WITH TIME ZONE or DATE. `-0001` is the year 1 BC, as Oracle
 * writes it. An offset is folded into UTC; without one the time is taken as it stands. What is cut behind the microseconds is noted.
 */
export function timestampTextWriter(
  column: ColumnData,
  reject: RejectValue,
  noteLoss: NoteLoss,
): (text: string, row: number) => void {
  const isDate = column.type === 'DATE';
  const write = (text: string, row: number, days: number, seconds: number, fraction: string) => {
    if (!isDate) return storeMicros(column, row, days * DAY_SECONDS + seconds, microsOf(fraction, noteLoss));
    if (seconds !== 0 || /[1-9]/.test(fraction)) return reject(text, 'too_many_decimals');
    column.int32[row] = days;
  };
  return (text, row) => {
    if (isPlain(text)) {
      const [year, month, day] = [number4(text, 0), number2(text, 5), number2(text, 8)];
      if (day > SHORTEST_MONTH && !isDay(year, month, day)) return reject(text, 'out_of_range');
      const days = daysFromCivil(year, month, day);
      const seconds = number2(text, 11) * 3600 + number2(text, 14) * 60 + number2(text, 17);
      return write(text, row, days, seconds, text.slice(20));
    }
    const match = TIMESTAMP.exec(text);
    if (match === null) return reject(text, 'out_of_range');
    const year = match[1] === '-' ? 1 - Number(match[2]) : Number(match[2]);
    const [month, day] = [Number(match[3]), Number(match[4])];
    if (!isDay(year, month, day)) return reject(text, 'out_of_range');
    const days = daysFromCivil(year, month, day);
    const seconds = Number(match[5] ?? 0) * 3600 + Number(match[6] ?? 0) * 60 + Number(match[7] ?? 0);
    return write(text, row, days, seconds - offsetSeconds(match[9]), match[8] ?? '');
  };
}

/** `YYYY-MM-DD hh:mm:ss` with or without a fraction: by far the most, and three times as fast without the regular expression. */
function isPlain(text: string): boolean {
  for (let index = 0; index < PLAIN.length; index += 1) {
    const unit = text.charCodeAt(index);
    const expected = PLAIN.charCodeAt(index);
    if (expected === DIGIT ? !(unit >= DIGIT && unit <= DIGIT + 9) : unit !== expected) return false;
  }
  if (text.length === PLAIN.length) return true;
  if (text[PLAIN.length] !== '.' || text.length > PLAIN.length + 10) return false;
  for (let index = PLAIN.length + 1; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (!(unit >= DIGIT && unit <= DIGIT + 9)) return false;
  }
  return true;
}

function number2(text: string, at: number): number {
  return (text.charCodeAt(at) - DIGIT) * 10 + text.charCodeAt(at + 1) - DIGIT;
}

function number4(text: string, at: number): number {
  return number2(text, at) * 100 + number2(text, at + 2);
}

function offsetSeconds(offset: string | undefined): number {
  if (offset === undefined || offset === 'Z') return 0;
  const seconds = Number(offset.slice(1, 3)) * 3600 + Number(offset.slice(3).replace(':', '') || 0) * 60;
  return offset.startsWith('-') ? -seconds : seconds;
}

/** Writes `hh:mm[:ss[.fffffffff]]` into TIME. */
export function timeTextWriter(
  column: ColumnData,
  reject: RejectValue,
  noteLoss: NoteLoss,
): (text: string, row: number) => void {
  return (text, row) => {
    const match = TIME.exec(text);
    if (match === null) return reject(text, 'out_of_range');
    const seconds = Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
    storeMicros(column, row, seconds, microsOf(match[4] ?? '', noteLoss));
  };
}

/** A Date of a driver in UTC, with the part of a second that it cannot hold beside it. */
export interface DriverDate extends Date {
  /** Seconds beyond the milliseconds, 0 ≤ x < 0.001 (tedious); left out: none. */
  nanosecondsDelta?: number;
}

/** Writes a driver's Date (UTC) into TIMESTAMP, TIMESTAMP WITH TIME ZONE, TIME (of 1970-01-01) or DATE. */
export function driverDateWriter(column: ColumnData, noteLoss: NoteLoss): (value: DriverDate, row: number) => void {
  if (column.type === 'DATE') {
    return (value, row) => {
      column.int32[row] = Math.floor(value.getTime() / (DAY_SECONDS * 1000));
    };
  }
  return (value, row) => {
    const time = value.getTime();
    const seconds = Math.floor(time / 1000);
    let micros = (time - seconds * 1000) * 1000;
    const { nanosecondsDelta } = value;
    if (nanosecondsDelta !== undefined && nanosecondsDelta !== 0) {
      const ticks = Math.round(nanosecondsDelta * 1e7);
      if (ticks % 10 !== 0) noteLoss();
      micros += Math.floor(ticks / 10);
    }
    storeMicros(column, row, seconds, micros);
  };
}
