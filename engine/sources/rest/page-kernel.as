/**
 * Looks at a page's list of records without building values (AssemblyScript, https://www.assemblyscript.org), compiled into page-kernel-binary.ts
 * by `node tests/json-scan/compile-kernels.ts` (with json-bytes.as before it). It follows infer.ts, json.ts and timestamps.ts, which are the rule:
 * where a page has anything that it is not sure of (an error, a new key, a key that comes twice, a number of more than 15 digits or with an
 * exponent, a lone surrogate, a time in a rare form) it says so, and the page is parsed by JSON.parse.
 *
 * The text ends with a zero byte; SIMD loads may go 16 bytes beyond it.
 */

// A place: kinds, temporal kinds known before, values that are not null, nulls, fields, number of fields, place of a list's elements (0: none),
// temporal kinds of this page.
const KINDS: usize = 0;
const KNOWN_TEMPORAL: usize = 4;
const COUNT: usize = 8;
const NULLS: usize = 12;
const FIELDS: usize = 16;
const FIELD_COUNT: usize = 20;
const ELEMENTS: usize = 24;
const TEMPORAL: usize = 28;
// Of a field besides: where its value's bounds go in the record's line of the table, plus 1 (0: nowhere).
const SLOT: usize = 12;

// As in infer.ts.
const BOOLEAN: u32 = 1;
const INTEGER: u32 = 2;
const DOUBLE: u32 = 4;
const TEXT: u32 = 32;
const OBJECT: u32 = 64;
const LIST: u32 = 128;
// As in timestamps.ts.
const DATE: u32 = 1;
const LOCAL_TIMESTAMP: u32 = 2;
const UTC_TIMESTAMP: u32 = 4;
const OFFSET_TIMESTAMP: u32 = 8;
const NOT_TEMPORAL: u32 = 16;
/** Not one of the temporal kinds: look at it the other way. */
const UNSURE: u32 = 0x80000000;

/** As MAX_DEPTH in infer.ts: deeper values are not looked into there. */
const MOST_DEPTH: u32 = 30;
const DOUBLE_DIGITS: u32 = 15;

/** Of the last call: records, bytes of the longest line, where the first and the last record are. */
export let rows: u32 = 0;
export let longest: u32 = 0;
export let firstStart: usize = 0;
export let firstEnd: usize = 0;
export let lastStart: usize = 0;
export let lastEnd: usize = 0;
let objects: u64 = 0;
let line: usize = 0;

@inline
function addKind(place: usize, kind: u32): void {
  store<u32>(place, load<u32>(place, KINDS) | kind, KINDS);
  store<u32>(place, load<u32>(place, COUNT) + 1, COUNT);
}

/** Behind white space. Line feeds become spaces: a record is one line of the spool. */
@inline
function pass(start: usize): usize {
  let at = start;
  for (;;) {
    const character = byte(at);
    if (character == LF) store<u8>(at, 32);
    else if (!isSpace(character)) return at;
    at += 1;
  }
  return at;
}

/**
 * The records of a list from behind its `[`; the address behind its `]`, 0 where it is left to others. What separates records becomes a line feed.
 * `table` has a line of `width` bytes for each of at most `most` records.
 */
export function scanPage(start: usize, root: usize, table: usize, width: usize, most: u32): usize {
  rows = 0;
  longest = 0;
  line = table;
  let at = pass(start);
  let begin = at;
  firstStart = at;
  if (byte(at) == 93) return at + 1;
  for (;;) {
    if (byte(at) != 123 || rows == most) return 0;
    const record = at;
    store<u32>(root, load<u32>(root, COUNT) + 1, COUNT);
    at = object(at, root, 0);
    if (at == 0) return 0;
    lastStart = record;
    lastEnd = at;
    if (rows == 0) firstEnd = at;
    rows += 1;
    line += width;
    if (byte(at) <= 32) at = pass(at);
    const separator = byte(at);
    if (separator != 44 && separator != 93) return 0;
    store<u8>(at, <u8>LF);
    at += 1;
    longest = max(longest, <u32>(at - begin));
    begin = at;
    if (separator == 93) return at;
    if (byte(at) <= 32) at = pass(at);
  }
  return 0;
}

/** Behind the value at `at`; 0 where it is left to others. */
function value(at: usize, place: usize, depth: u32): usize {
  const first = byte(at);
  if (first == QUOTE) {
    const end = stringEnd(at + 1);
    if (end == 0) return 0;
    addKind(place, TEXT);
    const found = load<u32>(place, TEMPORAL);
    if (((load<u32>(place, KNOWN_TEMPORAL) | found) & NOT_TEMPORAL) == 0) {
      const kind = temporalKind(at + 1, end);
      if (kind == UNSURE) return 0;
      store<u32>(place, found | kind, TEMPORAL);
    }
    return end + 1;
  }
  if (isDigit(first) || first == 45) return number(at, place);
  if (first == 123) {
    store<u32>(place, load<u32>(place, COUNT) + 1, COUNT);
    return object(at, place, depth);
  }
  if (first == 91) return list(at, place, depth);
  const letters = load<u32>(at);
  if (letters == 0x6c6c756e) {
    store<u32>(place, load<u32>(place, NULLS) + 1, NULLS);
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
  if (depth >= MOST_DEPTH) return 0;
  store<u32>(place, load<u32>(place, KINDS) | OBJECT, KINDS);
  objects += 1;
  const serial = objects;
  const fields = <usize>load<u32>(place, FIELDS);
  const behind = fields + <usize>load<u32>(place, FIELD_COUNT) * FIELD;
  let next = fields;
  let at = start + 1;
  if (byte(at) <= 32) at = pass(at);
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
      at = pass(at);
      if (byte(at) != 58) return 0;
    }
    at += 1;
    if (byte(at) <= 32) at = pass(at);
    const valueStart = at;
    at = value(at, load<u32>(next, FIELD_PLACE), depth + 1);
    if (at == 0) return 0;
    const slot = <usize>load<u32>(next, SLOT);
    if (slot != 0) {
      store<u32>(line + slot - 1, valueStart);
      store<u32>(line + slot - 1, at, 4);
    }
    if (byte(at) <= 32) at = pass(at);
    const separator = byte(at);
    at += 1;
    if (separator == 125) return at;
    if (separator != 44) return 0;
    if (byte(at) <= 32) at = pass(at);
    next += FIELD;
  }
  return 0;
}

function list(start: usize, place: usize, depth: u32): usize {
  if (depth >= MOST_DEPTH) return 0;
  addKind(place, LIST);
  const elements = <usize>load<u32>(place, ELEMENTS);
  if (elements == 0) return 0;
  let at = pass(start + 1);
  if (byte(at) == 93) return at + 1;
  for (;;) {
    at = value(at, elements, depth + 1);
    if (at == 0) return 0;
    at = pass(at);
    const separator = byte(at);
    at += 1;
    if (separator == 93) return at;
    if (separator != 44) return 0;
    at = pass(at);
  }
  return 0;
}

/** observe() of infer.ts for a number; one of more than 15 digits may be no double. */
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
  if (digits == 0 || digits > DOUBLE_DIGITS || (byte(whole) == 48 && digits > 1)) return 0;
  if (character != 46) {
    if (!isBehind(character)) return 0;
    addKind(place, INTEGER);
    return at;
  }
  const point = at;
  let ones: u32 = 0;
  do {
    at += 1;
    character = byte(at);
    if (character - 49 < 9) ones = 1;
  } while (isDigit(character));
  const fraction = <u32>(at - point) - 1;
  if (fraction == 0 || !isBehind(character) || digits + fraction > DOUBLE_DIGITS) return 0;
  // 1.00 is an integer to JavaScript.
  addKind(place, ones == 0 ? INTEGER : DOUBLE);
  return at;
}

/** temporalKind of timestamps.ts for the usual forms. */
function temporalKind(start: usize, end: usize): u32 {
  const length = end - start;
  if (length < 10 || !isDigit(byte(start)) || byte(start + 4) != 45) return escapes(start, end) ? UNSURE : NOT_TEMPORAL;
  const century = number2(start);
  const years = number2(start + 2);
  const month = number2(start + 5);
  const day = number2(start + 8);
  if (century > 99 || years > 99 || month > 12 || day > 31 || byte(start + 7) != 45) return UNSURE;
  const year = century * 100 + years;
  if (year == 0 || month == 0 || day == 0) return UNSURE;
  if (day > 28) {
    if (day > 30 && (month == 4 || month == 6 || month == 9 || month == 11)) return UNSURE;
    if (month == 2 && (day > 29 || !(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))) return UNSURE;
  }
  if (length == 10) return DATE;
  const separator = byte(start + 10);
  if (length < 16 || (separator != 84 && separator != 32) || byte(start + 13) != 58) return UNSURE;
  if (number2(start + 11) > 23 || number2(start + 14) > 59) return UNSURE;
  if (length == 16) return LOCAL_TIMESTAMP;
  if (length < 19 || byte(start + 16) != 58 || number2(start + 17) > 59) return UNSURE;
  let at = start + 19;
  if (at == end) return LOCAL_TIMESTAMP;
  if (byte(at) == 46) {
    const point = at;
    at += 1;
    while (at < end && isDigit(byte(at))) at += 1;
    const fraction = at - point - 1;
    if (fraction == 0 || fraction > 6) return UNSURE;
    if (at == end) return LOCAL_TIMESTAMP;
  }
  if (byte(at) == 90 && at + 1 == end) return UTC_TIMESTAMP;
  if (end - at != 6 || byte(at + 3) != 58 || (byte(at) != 43 && byte(at) != 45) || year == 1 || year == 9999) return UNSURE;
  const hours = number2(at + 1);
  const minutes = number2(at + 4);
  if (hours > 14 || minutes > 59) return UNSURE;
  // -00:00 is no way to write UTC.
  return hours == 0 && minutes == 0 && byte(at) == 43 ? UTC_TIMESTAMP : OFFSET_TIMESTAMP;
}

/** What is written with escapes may be a time nevertheless. */
function escapes(start: usize, end: usize): bool {
  for (let at = start; at < end; at += 1) if (byte(at) == BACKSLASH) return true;
  return false;
}
