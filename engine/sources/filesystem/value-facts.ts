/**
 * What the texts of one column turned out to be. A column gets a type only when every one of its texts can be had back from it;
 * texts such as `007`, `+1`, `1e3` or `31.01.2024` keep their column text.
 */
export const KIND = {
  integer: 1,
  decimal: 2,
  boolean: 4,
  date: 8,
  timestamp: 16,
  timestamptz: 32,
  nonFinite: 64,
  text: 128,
  object: 256,
  list: 512,
} as const;

export interface ValueFacts {
  /** Bits of {@link KIND}; 0 where no value was seen. */
  kinds: number;
  /** Most digits before the point. */
  integerDigits: number;
  /** Most digits behind the point. */
  fractionDigits: number;
  /** A decimal was seen whose digits a DOUBLE would not give back. */
  exact: boolean;
  /** A number with an exponent was seen (JSON only). */
  exponent: boolean;
  /** A timestamp with an offset other than UTC was seen. */
  offset: boolean;
}

export function newFacts(): ValueFacts {
  return { kinds: 0, integerDigits: 0, fractionDigits: 0, exact: false, exponent: false, offset: false };
}

/** Adds what `other` knows to `facts`. */
export function mergeFacts(facts: ValueFacts, other: ValueFacts): void {
  facts.kinds |= other.kinds;
  facts.integerDigits = Math.max(facts.integerDigits, other.integerDigits);
  facts.fractionDigits = Math.max(facts.fractionDigits, other.fractionDigits);
  facts.exact ||= other.exact;
  facts.exponent ||= other.exponent;
  facts.offset ||= other.offset;
}

const ZERO = 48;
const NINE = 57;
const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const COLON = 58;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Any decimal of so many digits comes back from a DOUBLE (IEEE 754 binary64, DBL_DIG). */
const DOUBLE_DIGITS = 15;

/** Adds the CSV text at bytes `start` to `end` (exclusive) to the facts. The hot path of the scan: no allocation for ordinary values. */
export function addText(buffer: Uint8Array, start: number, end: number, facts: ValueFacts): void {
  const first = buffer[start] as number;
  const length = end - start;
  if ((first >= ZERO && first <= NINE) || first === MINUS) {
    if (length >= 10 && buffer[start + 4] === MINUS && first !== MINUS)
      facts.kinds |= temporalKind(buffer, start, end, facts);
    else addNumber(buffer, start, end, facts, false);
    return;
  }
  if ((length === 4 || length === 5) && isWord(buffer, start, end, length === 4 ? 'true' : 'false')) {
    const capitals = buffer[start + 1] as number;
    // `tRuE` is nobody's boolean.
    facts.kinds |= first >= 97 && capitals < 97 ? KIND.text : KIND.boolean;
    return;
  }
  facts.kinds |=
    length === 3 && (isWord(buffer, start, end, 'nan') || isWord(buffer, start, end, 'inf'))
      ? KIND.nonFinite
      : KIND.text;
}

/** Adds a number's text; `json` allows exponents. What is no plain number makes the column text. */
export function addNumber(buffer: Uint8Array, start: number, end: number, facts: ValueFacts, json: boolean): void {
  let at = start;
  if (buffer[at] === MINUS) at += 1;
  const integerStart = at;
  while (at < end && (buffer[at] as number) >= ZERO && (buffer[at] as number) <= NINE) at += 1;
  const digits = at - integerStart;
  const zero = buffer[integerStart] === ZERO;
  if (digits === 0 || (zero && digits > 1)) {
    facts.kinds |= !json && at === integerStart && isWord(buffer, at, end, 'inf') ? KIND.nonFinite : KIND.text;
    return;
  }
  if (at === end) {
    // -0 would come back as 0; in JSON it is the number 0.
    if (zero && integerStart !== start && !json) {
      facts.kinds |= KIND.text;
      return;
    }
    facts.kinds |= KIND.integer;
    if (digits > facts.integerDigits) facts.integerDigits = digits;
    return;
  }
  let fraction = 0;
  if (buffer[at] === POINT) {
    const fractionStart = at + 1;
    at = fractionStart;
    while (at < end && (buffer[at] as number) >= ZERO && (buffer[at] as number) <= NINE) at += 1;
    fraction = at - fractionStart;
    if (fraction === 0) {
      facts.kinds |= KIND.text;
      return;
    }
  }
  if (at !== end && !json) {
    facts.kinds |= KIND.text;
    return;
  }
  facts.kinds |= KIND.decimal;
  if (digits > facts.integerDigits) facts.integerDigits = digits;
  if (fraction > facts.fractionDigits) facts.fractionDigits = fraction;
  const exponent = at !== end;
  if (exponent) facts.exponent = true;
  if (exponent || (zero ? 0 : digits) + fraction > DOUBLE_DIGITS) {
    if (!facts.exact && !comesBackFromDouble(latin(buffer, start, end))) facts.exact = true;
  }
}

/** True when a DOUBLE gives this number's digits back, e.g. `0.30000000000000004`, which 17 digits were written for. */
export function comesBackFromDouble(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  return significant(text) === significant(String(value));
}

/** Digits and power of ten, so that `1.50`, `15e-1` and `1.5` compare equal. */
function significant(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`;
}

/** The kind of an ISO 8601 date or timestamp that DuckDB gives back exactly, else text. Sets `offset` for zones other than UTC. */
export function temporalKind(buffer: Uint8Array, start: number, end: number, facts: ValueFacts): number {
  const year = number4(buffer, start);
  const month = number2(buffer, start + 5);
  const day = number2(buffer, start + 8);
  if (year < 1 || buffer[start + 4] !== MINUS || buffer[start + 7] !== MINUS || month < 1 || month > 12 || day < 1)
    return KIND.text;
  if (day > (DAYS[month - 1] as number)) return KIND.text;
  if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return KIND.text;
  if (end - start === 10) return KIND.date;
  const separator = buffer[start + 10];
  if (end - start < 16 || (separator !== 84 && separator !== 32) || buffer[start + 13] !== COLON) return KIND.text;
  const hour = number2(buffer, start + 11);
  const minute = number2(buffer, start + 14);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return KIND.text;
  let at = start + 16;
  if (at < end && buffer[at] === COLON) {
    if (at + 3 > end) return KIND.text;
    const second = number2(buffer, at + 1);
    if (second < 0 || second > 59) return KIND.text;
    at += 3;
    if (at < end && buffer[at] === POINT) {
      const fractionStart = at + 1;
      at = fractionStart;
      while (at < end && (buffer[at] as number) >= ZERO && (buffer[at] as number) <= NINE) {
        // A seventh digit that is not 0 would be cut off: the column stays text.
        if (at - fractionStart >= 6 && buffer[at] !== ZERO) return KIND.text;
        at += 1;
      }
      if (at === fractionStart || at - fractionStart > 9) return KIND.text;
    }
  }
  if (at === end) return KIND.timestamp;
  if (buffer[at] === 90 && at + 1 === end) return KIND.timestamptz;
  const rest = end - at;
  if ((buffer[at] !== PLUS && buffer[at] !== MINUS) || (rest !== 3 && !(rest === 6 && buffer[at + 3] === COLON)))
    return KIND.text;
  const hours = number2(buffer, at + 1);
  const minutes = rest === 6 ? number2(buffer, at + 4) : 0;
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return KIND.text;
  if (hours !== 0 || minutes !== 0) facts.offset = true;
  return KIND.timestamptz;
}

/** The number type of facts that hold only numbers, or null where only text keeps every digit. `most` is the widest number of digits kept as a number. */
export function numberType(facts: ValueFacts, most: number): string | null {
  const digits = facts.integerDigits + facts.fractionDigits;
  if (facts.kinds === KIND.integer) {
    if (facts.integerDigits <= 18) return 'BIGINT';
    return facts.integerDigits <= most ? 'DECIMAL(38,0)' : null;
  }
  const integersFit = (facts.kinds & KIND.integer) === 0 || facts.integerDigits <= DOUBLE_DIGITS;
  if (!facts.exact && integersFit) return 'DOUBLE';
  if ((facts.kinds & KIND.nonFinite) !== 0 || facts.exponent || digits > most) return null;
  return `DECIMAL(${Math.max(18, digits)},${facts.fractionDigits})`;
}

/** The type of a CSV column: {@link numberType} up to 18 digits, booleans, ISO dates and timestamps where all values agree, else VARCHAR. Null: no value. */
export function columnType(facts: ValueFacts): string | null {
  const { kinds } = facts;
  if (kinds === 0) return null;
  const numbers = KIND.integer | KIND.decimal | KIND.nonFinite;
  if ((kinds & ~numbers) === 0 && kinds !== KIND.nonFinite) return numberType(facts, 18) ?? 'VARCHAR';
  if (kinds === KIND.boolean) return 'BOOLEAN';
  if (kinds === KIND.date) return 'DATE';
  if (kinds === KIND.timestamp) return 'TIMESTAMP';
  if (kinds === KIND.timestamptz) return 'TIMESTAMP WITH TIME ZONE';
  return 'VARCHAR';
}

/** ASCII bytes as text. */
export function latin(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('latin1');
}

function isWord(buffer: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (((buffer[start + index] as number) | 32) !== word.charCodeAt(index)) return false;
  }
  return true;
}

function number2(buffer: Uint8Array, at: number): number {
  const high = (buffer[at] as number) - ZERO;
  const low = (buffer[at + 1] as number) - ZERO;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : -1;
}

function number4(buffer: Uint8Array, at: number): number {
  const high = number2(buffer, at);
  const low = number2(buffer, at + 2);
  return high < 0 || low < 0 ? -1 : high * 100 + low;
}
