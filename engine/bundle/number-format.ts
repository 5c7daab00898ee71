/** What a number format says about how a person typed the value. */
export type NumberFormat =
  | { kind: 'plain' }
  | { kind: 'text' }
  | { kind: 'date'; time: boolean }
  | { kind: 'time' }
  /** `[h]:mm`: hours beyond a day. */
  | { kind: 'elapsed' }
  /** Leading zeros and separators, e.g. `00000` or `000-00-0000`: digit places and literals in their order. */
  | { kind: 'digits'; places: (string | null)[] };

const PLAIN: NumberFormat = { kind: 'plain' };

/** Built-in formats that are no plain number (ECMA-376, 18.8.30; 27–36 and 50–58 are the East Asian dates). */
function builtIn(id: number): NumberFormat {
  if (id === 22) return { kind: 'date', time: true };
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58))
    return { kind: 'date', time: false };
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return { kind: 'time' };
  if (id === 46) return { kind: 'elapsed' };
  return id === 49 ? { kind: 'text' } : PLAIN;
}

/** The format of an id and, for a custom one, its code. */
export function numberFormat(id: number, code: string | undefined): NumberFormat {
  if (code === undefined) return builtIn(id);
  const section = firstSection(code);
  // Quoted and escaped text, padding, colours, conditions and currencies say nothing about the kind; [h] does.
  const bare = section
    .replace(/"[^"]*"|\\.|_.|\*./g, '')
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')
    .replace(/general/gi, '');
  if (bare.trim() === '@') return { kind: 'text' };
  if (/\[[hms]+\]/i.test(bare)) return { kind: 'elapsed' };
  if (/[ymdhs]/i.test(bare.replace(/e[+-]/gi, ''))) {
    const letters = bare.replace(/am\/pm|a\/p/gi, 'h');
    const time = /[hs]/i.test(letters);
    return /[yd]/i.test(letters) || !time ? { kind: 'date', time } : { kind: 'time' };
  }
  return digitPlaces(section) ?? PLAIN;
}

function firstSection(code: string): string {
  return /^(?:"[^"]*"|\\.|[^;"\\])*/.exec(code)?.[0] ?? code;
}

function digitPlaces(section: string): NumberFormat | null {
  const places: (string | null)[] = [];
  for (const [token] of section.matchAll(/"[^"]*"|\\.|./g)) {
    if (token === '0') places.push(null);
    else if (token.startsWith('"')) places.push(token.slice(1, -1));
    else if (token.startsWith('\\')) places.push(token.slice(1));
    else if (/[-/() :+]/.test(token)) places.push(token);
    else return null;
  }
  return places.filter((place) => place === null).length >= 2 ? { kind: 'digits', places } : null;
}

/**
 * A stored number as the text that a person would have typed: no binary artefacts (15 significant digits, as Excel
 * shows and computes), dates as `2024-01-31` or `2024-01-31 13:45:00`, leading zeros of a `00000` format, and a cell that
 * shows 5% as `0.05`, the number that a threshold means. `stored` is the XML's text; whole numbers keep all their digits.
 */
export function numberText(stored: string, format: NumberFormat, date1904: boolean): string {
  const trimmed = stored.trim();
  const value = Number(trimmed);
  if (trimmed === '' || !Number.isFinite(value)) return stored;
  switch (format.kind) {
    case 'date':
    case 'time':
    case 'elapsed':
      return dateText(value, format, date1904) ?? plainText(trimmed);
    case 'digits':
      return Number.isSafeInteger(value) && value >= 0 ? fillPlaces(String(value), format.places) : plainText(trimmed);
    case 'plain':
    case 'text':
      return plainText(trimmed);
    default:
      return format satisfies never;
  }
}

/** Shortest text of a number within 15 significant digits, without exponent. */
function plainText(stored: string): string {
  if (/^-?\d{1,400}$/.test(stored)) return stored.replace(/^(-?)0+(?=\d)/, '$1').replace(/^-0$/, '0');
  const value = Number(stored);
  // A text this short has at most fifteen digits already.
  const text = String(stored.length <= 15 ? value : Number(value.toPrecision(15)));
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text === '-0' ? '0' : text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

function fillPlaces(digits: string, places: readonly (string | null)[]): string {
  const count = places.filter((place) => place === null).length;
  const padded = digits.padStart(count, '0');
  let next = padded.length - count;
  let filled = '';
  let first = true;
  for (const place of places) {
    if (place !== null) {
      filled += place;
      continue;
    }
    // More digits than places: Excel puts the surplus before the first place.
    filled += first ? padded.slice(0, next + 1) : padded[next];
    first = false;
    next += 1;
  }
  return filled;
}

const DAY = 86_400_000;

/** Days since the epoch of the workbook → text. All arithmetic is in UTC, so that no time zone shifts a day. */
function dateText(
  serial: number,
  format: NumberFormat & { kind: 'date' | 'time' | 'elapsed' },
  date1904: boolean,
): string | null {
  if (serial < 0) return null;
  let days = Math.floor(serial);
  let ms = Math.round((serial - days) * DAY);
  if (ms === DAY) {
    days += 1;
    ms = 0;
  }
  if (format.kind === 'elapsed') return clock(ms + days * DAY);
  if (format.kind === 'time' && days === 0) return clock(ms);
  const day = dayText(days, date1904);
  if (day === null) return null;
  return ms === 0 && !(format.kind === 'time' || format.time) ? day : `${day} ${clock(ms)}`;
}

function dayText(days: number, date1904: boolean): string | null {
  // Excel keeps Lotus 1-2-3's belief in 1900-02-29 as day 60; the days before it count from one day later.
  if (!date1904 && days === 60) return '1900-02-29';
  const epoch = date1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30);
  const date = new Date(epoch + days * DAY);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? null : date.toISOString().slice(0, 10);
}

function clock(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const seconds = Math.floor(ms / 1000);
  const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return ms % 1000 === 0 ? whole : `${whole}.${String(ms % 1000).padStart(3, '0')}`;
}

/** `2024-01-31` or `2024-01-31 13:45:00` → serial number, or null for another text. */
export function dateSerial(text: string, date1904: boolean): number | null {
  const match = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{1,3})?))?$/.exec(text);
  if (!match) return null;
  const ms = Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`);
  if (Number.isNaN(ms)) return null;
  const serial = (ms - (date1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30))) / DAY;
  return serial >= (date1904 ? 0 : 61) ? serial : null;
}
