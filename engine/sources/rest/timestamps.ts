/** What a text is as a point in time. Kinds are bits, so that a column's kinds are their union. */
export const DATE = 1;
export const LOCAL_TIMESTAMP = 2;
export const UTC_TIMESTAMP = 4;
export const OFFSET_TIMESTAMP = 8;
export const NOT_TEMPORAL = 16;

// DuckDB wants seconds before a zone.
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?(Z|[+-]\d\d:?\d\d)?)?)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The kind of an ISO 8601 text that DuckDB reads without loss: four-digit years 0001–9999, at most six digits of a second that are not zero,
 * an offset up to 18 hours. Compact forms (20240101) stay what they are: they may be ids.
 */
export function temporalKind(text: string): number {
  // Most texts fail here, before the expression.
  const length = text.length;
  if (length < 10 || length > 40 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NOT_TEMPORAL;
  const match = ISO.exec(text);
  if (!match) return NOT_TEMPORAL;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (year === 0 || month === 0 || month > 12 || day === 0 || day > daysIn(year, month)) return NOT_TEMPORAL;
  if (match[4] === undefined) return DATE;
  if (Number(match[4]) > 23 || Number(match[5]) > 59 || Number(match[6] ?? 0) > 59) return NOT_TEMPORAL;
  const zone = match[8];
  if (zone === undefined) return LOCAL_TIMESTAMP;
  if (zone === 'Z' || zone === '+00:00' || zone === '+0000') return UTC_TIMESTAMP;
  const hours = Number(zone.slice(1, 3));
  return hours > 18 || Number(zone.slice(-2)) > 59 || year === 1 || year === 9999 ? NOT_TEMPORAL : OFFSET_TIMESTAMP;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month - 1] as number);
}

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** Nanoseconds since the epoch of an ISO 8601 date or timestamp; without a zone it counts as UTC. Null for any other text. */
export function instantOf(text: string): bigint | null {
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
