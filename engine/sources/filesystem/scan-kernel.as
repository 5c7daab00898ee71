/**
 * The quick way of the scan in AssemblyScript (https://www.assemblyscript.org), compiled into scan-kernel-binary.ts by
 * `node tests/json-scan/compile-kernels.ts` (with json-bytes.as before it). It follows csv-scan.ts, json-scan.ts and value-facts.ts, which are the rule:
 * what it is not sure of (errors, unknown keys, numbers whose digits need a closer look) it leaves alone, and gives back where
 * that record begins. Facts only ever grow, so those of a record that is left half-way do no harm when it is looked at again.
 *
 * All texts end with a line feed at or before `limit - 1`; SIMD loads may go 16 bytes beyond it.
 */

// A place: kinds, integerDigits, fractionDigits, flags, fields, number of fields, place of a list's elements (0: none).
const KINDS: usize = 0;
const INTEGER_DIGITS: usize = 4;
const FRACTION_DIGITS: usize = 8;
const FLAGS: usize = 12;
const FIELDS: usize = 16;
const FIELD_COUNT: usize = 20;
const ELEMENTS: usize = 24;
const PLACE: usize = 32;
const EXACT: u32 = 1;
const OFFSET: u32 = 2;
const NULLS: u32 = 4;

// As KIND in value-facts.ts.
const INTEGER: u32 = 1;
const DECIMAL: u32 = 2;
const BOOLEAN: u32 = 4;
const DATE: u32 = 8;
const TIMESTAMP: u32 = 16;
const TIMESTAMPTZ: u32 = 32;
const NON_FINITE: u32 = 64;
const TEXT: u32 = 128;
const OBJECT: u32 = 256;
const LIST: u32 = 512;
/** Not one of the kinds: look at it the other way. */
const UNSURE: u32 = 0x80000000;

const MOST_DEPTH: u32 = 100;
const DOUBLE_DIGITS: u32 = 15;

/** Of the last call: records, bytes of the longest one, kinds of line ends (CSV). */
export let rows: u32 = 0;
export let longest: u32 = 0;
export let lineEnds: u32 = 0;
let objects: u64 = 0;

@inline
function addKind(place: usize, kind: u32): void {
  store<u32>(place, load<u32>(place, KINDS) | kind, KINDS);
}

@inline
function raise(place: usize, offset: usize, value: u32): void {
  if (value > load<u32>(place + offset)) store<u32>(place + offset, value);
}

// ---------------------------------------------------------------------------------------------------------------- CSV

/** Records from `start` on that begin before `until` (at most `limit`); the address of the first one that is left. */
export function scanCsv(
  start: usize, limit: usize, until: usize, most: u32, places: usize, width: u32, delimiter: u32, quote: u32,
): usize {
  const delimiters = i8x16.splat(<i8>delimiter);
  const quotes = i8x16.splat(<i8>quote);
  const lineFeeds = i8x16.splat(10);
  const returns = i8x16.splat(13);
  const lastPlace = places + <usize>width * PLACE;
  let at = start;
  rows = 0;
  longest = 0;
  lineEnds = 0;
  while (at < until && rows < most) {
    const record = at;
    let place = places;
    for (;;) {
      if (place == lastPlace) return record;
      const cell = at;
      const isText = (load<u32>(place, KINDS) & TEXT) != 0;
      if (byte(at) == quote) {
        at += 1;
        for (;;) {
          const found = i8x16.bitmask(i8x16.eq(v128.load(at), quotes));
          if (found == 0) {
            at += 16;
            if (at >= limit) return record;
            continue;
          }
          at += ctz(found);
          if (at >= limit) return record;
          if (byte(at + 1) != quote) break;
          at += 2;
        }
        if (!isText) {
          const kind = at == cell + 1 ? TEXT : textKind(cell + 1, at, place);
          if (kind == UNSURE) return record;
          addKind(place, kind);
        }
        at += 1;
      } else {
        if (!isText) at = plainNumber(at, place, delimiter);
        if (at == cell) {
          for (;;) {
            const chunk = v128.load(at);
            const found = i8x16.bitmask(
              v128.or(v128.or(i8x16.eq(chunk, delimiters), i8x16.eq(chunk, lineFeeds)), i8x16.eq(chunk, returns)),
            );
            if (found != 0) {
              at += ctz(found);
              break;
            }
            at += 16;
          }
          if (!isText && at > cell) {
            const kind = textKind(cell, at, place);
            if (kind == UNSURE) return record;
            addKind(place, kind);
          }
        }
      }
      place += PLACE;
      const stop = byte(at);
      if (stop == delimiter) {
        at += 1;
        continue;
      }
      if (stop == LF) {
        lineEnds |= 1;
        at += 1;
      } else {
        if (stop != CR || byte(at + 1) != LF) return record;
        lineEnds |= 2;
        at += 2;
      }
      break;
    }
    if (place != lastPlace || at > limit) return record;
    rows += 1;
    longest = max(longest, <u32>(at - record));
  }
  return at;
}

/** Behind a number of up to 15 digits without a leading zero and what ends its cell; `start` for anything else. */
function plainNumber(start: usize, place: usize, delimiter: u32): usize {
  let at = start;
  let character = byte(at);
  if (character - 49 > 8) return start;
  do {
    at += 1;
    character = byte(at);
  } while (isDigit(character));
  const digits = <u32>(at - start);
  if (digits > DOUBLE_DIGITS) return start;
  if (character == delimiter || character == LF || character == CR) {
    addKind(place, INTEGER);
    raise(place, INTEGER_DIGITS, digits);
    return at;
  }
  if (character != 46) return start;
  const point = at;
  do {
    at += 1;
    character = byte(at);
  } while (isDigit(character));
  const fraction = <u32>(at - point) - 1;
  if (fraction == 0 || digits + fraction > DOUBLE_DIGITS) return start;
  if (character != delimiter && character != LF && character != CR) return start;
  addKind(place, DECIMAL);
  raise(place, INTEGER_DIGITS, digits);
  raise(place, FRACTION_DIGITS, fraction);
  return at;
}

/** addText of value-facts.ts */
function textKind(start: usize, end: usize, place: usize): u32 {
  const first = byte(start);
  const length = end - start;
  if (isDigit(first) || first == 45) {
    if (length >= 10 && byte(start + 4) == 45 && first != 45) return temporalKind(start, end, place);
    return numberKind(start, end, place);
  }
  if (length == 4 && (load<u32>(start) | 0x20202020) == 0x65757274) return booleanKind(start);
  if (length == 5 && (load<u32>(start) | 0x20202020) == 0x736c6166 && (byte(start + 4) | 32) == 101)
    return booleanKind(start);
  if (length == 3) {
    const letters = (load<u32>(start) | 0x20202020) & 0xffffff;
    if (letters == 0x6e616e || letters == 0x666e69) return NON_FINITE;
  }
  return TEXT;
}

@inline
function booleanKind(start: usize): u32 {
  return byte(start) >= 97 && byte(start + 1) < 97 ? TEXT : BOOLEAN;
}

/** addNumber of value-facts.ts for CSV */
function numberKind(start: usize, end: usize, place: usize): u32 {
  let at = start;
  if (byte(at) == 45) at += 1;
  const whole = at;
  while (at < end && isDigit(byte(at))) at += 1;
  const digits = <u32>(at - whole);
  const zero = byte(whole) == 48;
  // -inf, or a text that begins with a hyphen
  if (digits == 0) return end - at == 3 ? UNSURE : TEXT;
  if (zero && digits > 1) return TEXT;
  if (at == end) {
    if (zero && whole != start) return TEXT;
    raise(place, INTEGER_DIGITS, digits);
    return INTEGER;
  }
  if (byte(at) != 46) return TEXT;
  const point = at;
  at += 1;
  while (at < end && isDigit(byte(at))) at += 1;
  const fraction = <u32>(at - point) - 1;
  if (fraction == 0 || at != end) return TEXT;
  if (!(load<u32>(place, FLAGS) & EXACT) && (zero ? 0 : digits) + fraction > DOUBLE_DIGITS) return UNSURE;
  raise(place, INTEGER_DIGITS, digits);
  raise(place, FRACTION_DIGITS, fraction);
  return DECIMAL;
}

// --------------------------------------------------------------------------------------------------------------- JSON

/** Lines from `start` on that begin before `until` (at most `limit`); the address of the first one that is left. */
export function scanJson(start: usize, until: usize, most: u32, root: usize): usize {
  let at = start;
  rows = 0;
  longest = 0;
  while (at < until && rows < most) {
    const record = at;
    if (byte(at) != 123) return record;
    at = object(at, root, 1);
    if (at == 0) return record;
    if (byte(at) != LF) {
      at = skip(at);
      if (byte(at) != LF) return record;
    }
    rows += 1;
    longest = max(longest, <u32>(at - record));
    at += 1;
  }
  return at;
}

/** Behind the value at `at`; 0 where it is left to others. */
function value(at: usize, place: usize, depth: u32): usize {
  const first = byte(at);
  if (first == QUOTE) {
    const end = stringEnd(at + 1);
    if (end == 0) return 0;
    const kinds = load<u32>(place, KINDS);
    if ((kinds & TEXT) == 0) {
      const length = end - at - 1;
      const dated = length >= 16 && length <= 35 && isDigit(byte(at + 1));
      const kind = dated ? temporalKind(at + 1, end, place) : TEXT;
      addKind(place, kind == DATE ? TEXT : kind);
    }
    return end + 1;
  }
  if (isDigit(first) || first == 45) return number(at, place);
  if (first == 123) return object(at, place, depth + 1);
  if (first == 91) return list(at, place, depth + 1);
  const letters = load<u32>(at);
  if (letters == 0x6c6c756e) {
    store<u32>(place, load<u32>(place, FLAGS) | NULLS, FLAGS);
    return at + 4;
  }
  if (letters == 0x65757274) {
    addKind(place, BOOLEAN);
    return at + 4;
  }
  if (letters == 0x736c6166 && byte(at + 4) == 101) {
    addKind(place, BOOLEAN);
    return at + 5;
  }
  return 0;
}

function object(start: usize, place: usize, depth: u32): usize {
  if (depth > MOST_DEPTH) return 0;
  addKind(place, OBJECT);
  objects += 1;
  const serial = objects;
  const fields = <usize>load<u32>(place, FIELDS);
  const behind = fields + <usize>load<u32>(place, FIELD_COUNT) * FIELD;
  let next = fields;
  let at = start + 1;
  if (byte(at) <= 32) at = skip(at);
  if (byte(at) == 125) return at + 1;
  for (;;) {
    if (byte(at) != QUOTE) return 0;
    at += 1;
    if (next == behind || !isKey(at, next)) {
      next = fields;
      while (next != behind && !isKey(at, next)) next += FIELD;
      if (next == behind) return 0;
    }
    if (load<u64>(next, SEEN) == serial) return 0;
    store<u64>(next, serial, SEEN);
    at += load<u32>(next, NAME_LENGTH);
    if (byte(at) != 58) {
      at = skip(at);
      if (byte(at) != 58) return 0;
    }
    at += 1;
    if (byte(at) <= 32) at = skip(at);
    at = value(at, load<u32>(next, FIELD_PLACE), depth);
    if (at == 0) return 0;
    if (byte(at) <= 32) at = skip(at);
    const separator = byte(at);
    at += 1;
    if (separator == 125) return at;
    if (separator != 44) return 0;
    if (byte(at) <= 32) at = skip(at);
    next += FIELD;
  }
  return 0;
}

function list(start: usize, place: usize, depth: u32): usize {
  if (depth > MOST_DEPTH) return 0;
  addKind(place, LIST);
  let at = skip(start + 1);
  if (byte(at) == 93) return at + 1;
  const elements = <usize>load<u32>(place, ELEMENTS);
  if (elements == 0) return 0;
  for (;;) {
    at = value(at, elements, depth);
    if (at == 0) return 0;
    at = skip(at);
    const separator = byte(at);
    at += 1;
    if (separator == 93) return at;
    if (separator != 44) return 0;
    at = skip(at);
  }
  return 0;
}

function number(start: usize, place: usize): usize {
  let at = start;
  let character = byte(at);
  if (character == 45) {
    at += 1;
    character = byte(at);
  }
  const whole = at;
  while (isDigit(character)) {
    at += 1;
    character = byte(at);
  }
  const digits = <u32>(at - whole);
  const zero = byte(whole) == 48;
  if (digits == 0 || (zero && digits > 1)) return 0;
  if (character != 46) {
    if (!isBehind(character)) return 0;
    addKind(place, INTEGER);
    raise(place, INTEGER_DIGITS, digits);
    return at;
  }
  const point = at;
  do {
    at += 1;
    character = byte(at);
  } while (isDigit(character));
  const fraction = <u32>(at - point) - 1;
  if (fraction == 0 || !isBehind(character)) return 0;
  if (!(load<u32>(place, FLAGS) & EXACT) && (zero ? 0 : digits) + fraction > DOUBLE_DIGITS) return 0;
  addKind(place, DECIMAL);
  raise(place, INTEGER_DIGITS, digits);
  raise(place, FRACTION_DIGITS, fraction);
  return at;
}

// -------------------------------------------------------------------------------------------------------------- Times

/** temporalKind of value-facts.ts; `end` is at least 10 bytes behind `start`. */
function temporalKind(start: usize, end: usize, place: usize): u32 {
  const century = number2(start);
  const years = number2(start + 2);
  const month = number2(start + 5);
  const day = number2(start + 8);
  if (century > 99 || years > 99 || month > 12 || day > 31) return TEXT;
  const year = century * 100 + years;
  if (year == 0 || month == 0 || day == 0 || byte(start + 4) != 45 || byte(start + 7) != 45) return TEXT;
  if (day > 28) {
    if (day > 30 && (month == 4 || month == 6 || month == 9 || month == 11)) return TEXT;
    if (month == 2 && (day > 29 || !(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))) return TEXT;
  }
  const length = end - start;
  if (length == 10) return DATE;
  const separator = byte(start + 10);
  if (length < 16 || (separator != 84 && separator != 32) || byte(start + 13) != 58) return TEXT;
  if (number2(start + 11) > 23 || number2(start + 14) > 59) return TEXT;
  let at = start + 16;
  if (at < end && byte(at) == 58) {
    if (at + 3 > end || number2(at + 1) > 59) return TEXT;
    at += 3;
    if (at < end && byte(at) == 46) {
      const point = at;
      at += 1;
      while (at < end && isDigit(byte(at))) {
        if (at - point > 6 && byte(at) != 48) return TEXT;
        at += 1;
      }
      if (at - point == 1 || at - point > 10) return TEXT;
    }
  }
  if (at == end) return TIMESTAMP;
  const sign = byte(at);
  const rest = end - at;
  if (sign == 90 && rest == 1) return TIMESTAMPTZ;
  if ((sign != 43 && sign != 45) || (rest != 3 && !(rest == 6 && byte(at + 3) == 58))) return TEXT;
  const hours = number2(at + 1);
  const minutes = rest == 6 ? number2(at + 4) : 0;
  if (hours > 14 || minutes > 59) return TEXT;
  if (hours != 0 || minutes != 0) store<u32>(place, load<u32>(place, FLAGS) | OFFSET, FLAGS);
  return TIMESTAMPTZ;
}
