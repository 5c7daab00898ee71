/** What a text is as a point in time. Kinds are bits, so that a column's kinds are their union. */
export const DATE = 1;
export const LOCAL_TIMESTAMP = 2;
export const UTC_TIMESTAMP = 4;
export const OFFSET_TIMESTAMP = 8;
export const NOT_TEMPORAL = 16;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The kind of an ISO 8601 text that DuckDB reads without loss: four-digit years 0001–9999, at most six digits of a second that are not zero,
 * an offset up to 18 hours. Compact forms (20240101) stay what they are: they may be ids.
 */
export function temporalKind(text: string): number {
  // Written by character codes: this runs for every text of every column that has been temporal so far.
  const length = text.length;
  if (length < 10 || length > 40 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return NOT_TEMPORAL;
  const year = number(text, 0) * 100 + number(text, 2);
  const month = number(text, 5);
  const day = number(text, 8);
  // A character that is no digit makes the number negative.
  if (!(year >= 1 && number(text, 0) >= 0 && number(text, 2) >= 0)) return NOT_TEMPORAL;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NOT_TEMPORAL;
  if (length === 10) return DATE;
  const separator = text.charCodeAt(10);
  if ((separator !== T && separator !== SPACE) || length < 16 || text.charCodeAt(13) !== COLON) return NOT_TEMPORAL;
  if (!inRange(number(text, 11), 23) || !inRange(number(text, 14), 59)) return NOT_TEMPORAL;
  if (length === 16) return LOCAL_TIMESTAMP;
  if (length < 19 || text.charCodeAt(16) !== COLON || !inRange(number(text, 17), 59)) return NOT_TEMPORAL;
  if (length === 19) return LOCAL_TIMESTAMP;
  // DuckDB wants seconds before a zone.
  if (length === 20 && text.charCodeAt(19) === Z) return UTC_TIMESTAMP;
  if (
    length === 24 &&
    text.charCodeAt(23) === Z &&
    text.charCodeAt(19) === POINT &&
    digit(text, 20) &&
    digit(text, 21) &&
    digit(text, 22)
  )
    return UTC_TIMESTAMP;
  return fractionAndZone(text.slice(19), year);
}

const DASH = 45;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const SPACE = 32;
const T = 84;
const Z = 90;

/** Two digits as a number; negative where one is none. */
function number(text: string, at: number): number {
  return digit(text, at) && digit(text, at + 1)
    ? (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
    : -1000;
}

function digit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function inRange(value: number, limit: number): boolean {
  return value >= 0 && value <= limit;
}

function fractionAndZone(text: string, year: number): number {
  const match = /^(?:\.\d{1,6}0*)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (!match) return NOT_TEMPORAL;
  const zone = match[1];
  if (zone === undefined) return LOCAL_TIMESTAMP;
  if (zone === 'Z' || zone === '+00:00' || zone === '+0000') return UTC_TIMESTAMP;
  // The first and the last year might leave the range on their way to UTC.
  const outside = Number(zone.slice(1, 3)) > 18 || Number(zone.slice(-2)) > 59 || year === 1 || year === 9999;
  return outside ? NOT_TEMPORAL : OFFSET_TIMESTAMP;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month - 1] as number);
}

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** Nanoseconds since the epoch of an ISO 8601 date or timestamp; without a zone it counts as UTC. Null for any other text. */
export function instantOf(text: string): bigint | null {
  const usual = utcMilliseconds(text);
  if (usual !== null) return BigInt(usual) * 1_000_000n;
  const match = INSTANT.exec(text.trim());
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month === 0 || month > 12 || day === 0 || day > daysIn(year, month) || hour > 24 || minute > 59 || second > 60)
    return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const nanoseconds = BigInt((match[7] ?? '').padEnd(9, '0').slice(0, 9));
  return (BigInt(date.getTime()) - BigInt(offsetMinutes(match[8]) * 60_000)) * 1_000_000n + nanoseconds;
}

/** Of `2024-01-31T10:00:59Z` and `2024-01-31T10:00:59.123Z`, the forms of most APIs: every record of an incremental read comes by here. */
function utcMilliseconds(text: string): number | null {
  const { length } = text;
  if ((length !== 20 && length !== 24) || text.charCodeAt(length - 1) !== Z) return null;
  // Date.UTC takes the years of the first century for those of the 20th.
  if (text.charCodeAt(0) === ZERO || temporalKind(text) !== UTC_TIMESTAMP) return null;
  const fraction = length === 24 ? (text.charCodeAt(20) - ZERO) * 100 + number(text, 21) : 0;
  const year = number(text, 0) * 100 + number(text, 2);
  const [hour, minute, second] = [number(text, 11), number(text, 14), number(text, 17)];
  return Date.UTC(year, number(text, 5) - 1, number(text, 8), hour, minute, second, fraction);
}

function offsetMinutes(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** The text moved back by so many seconds, in its own form: a date stays a date where whole days are taken off, zone and fraction are kept. */
export function moveBack(text: string, seconds: number): string | null {
  const match = INSTANT.exec(text.trim());
  if (!match || instantOf(text) === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const wholeSeconds = Math.floor(seconds);
  const moved = new Date(date.getTime() - wholeSeconds * 1000).toISOString();
  if (match[4] === undefined && wholeSeconds % 86_400 === 0) return moved.slice(0, 10);
  const separator = text.trim().charAt(10) || 'T';
  return `${moved.slice(0, 10)}${separator}${moved.slice(11, 19)}${match[7] === undefined ? '' : `.${match[7]}`}${match[8] ?? ''}`;
}
