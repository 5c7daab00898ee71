import { type RecordScanner, ScanFailure } from './record-scanner.ts';
import {
  Detour,
  FIELD_BYTES,
  FIRST_PLACE,
  kernelLimit,
  PLACE_BYTES,
  PLACES_END,
  type ScanKernel,
} from './scan-kernel.ts';
import { addNumber, KIND, mergeFacts, newFacts, temporalKind, type ValueFacts } from './value-facts.ts';

/** What stood at one place of all records: its values, its fields where it was an object, its elements where it was a list. Plain data, so that it crosses to and from workers. */
export interface JsonShape extends ValueFacts {
  nulls: boolean;
  fields: JsonField[];
  elements: JsonShape | null;
}

export interface JsonField {
  name: string;
  /** The name as it stands between quotes in the file. */
  bytes: Uint8Array;
  shape: JsonShape;
  /** The last object that had it; finds a repeated key. */
  seen: number;
}

export function newShape(): JsonShape {
  return { ...newFacts(), nulls: false, fields: [], elements: null };
}

/** Adds what `other` knows to `shape`. */
export function mergeShapes(shape: JsonShape, other: JsonShape): void {
  mergeFacts(shape, other);
  shape.nulls ||= other.nulls;
  const known = new Map(shape.fields.map((field) => [field.name, field]));
  for (const field of other.fields) {
    const mine = known.get(field.name);
    if (mine === undefined) shape.fields.push(field);
    else mergeShapes(mine.shape, field.shape);
  }
  if (other.elements === null) return;
  if (shape.elements === null) shape.elements = other.elements;
  else mergeShapes(shape.elements, other.elements);
}

const QUOTE = 34;
const BACKSLASH = 92;
const LF = 10;
const MAX_DEPTH = 200;
const SPACE = new Uint8Array(256);
for (const byte of [32, 9, 13]) SPACE[byte] = 1;
const NUMBER = new Uint8Array(256);
for (const character of '+-.eE0123456789') NUMBER[character.charCodeAt(0)] = 1;
const ESCAPE = new Set(Array.from('"\\/bfnrtu', (character) => character.charCodeAt(0)));
const NUMBER_TEXT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Parses every line of a JSONL file without building values, and keeps the shape of all of them.
 * Positions go through arguments and results, not through fields: that keeps them in registers, and the scan at a fraction of the read's time.
 */
export class JsonScanner implements RecordScanner<JsonShape> {
  readonly facts = newShape();
  rows = 0;
  longestRecord = 0;
  #objects = 0;
  readonly #kernel: ScanKernel | null;
  readonly #detour = new Detour();

  constructor(kernel: ScanKernel | null) {
    this.#kernel = kernel;
  }

  allocate(bytes: number): Uint8Array {
    return this.#kernel?.allocate(bytes) ?? new Uint8Array(bytes);
  }

  scan(buffer: Uint8Array, length: number, atEnd: boolean, until: number, mostRows: number): number {
    // Without a line end in what is there the record cannot be told to be whole; the last one of a file needs none.
    const lastLineEnd = atEnd ? length : Buffer.from(buffer.buffer, buffer.byteOffset, length).lastIndexOf(LF) + 1;
    const stop = Math.min(lastLineEnd, until);
    if (!this.#kernel?.holds(buffer)) return Math.min(length, this.#scanFrom(buffer, 0, stop, mostRows));
    for (let at = 0; ; ) {
      if (at < stop && this.facts.kinds !== 0) at = this.#quickly(this.#kernel, buffer, at, stop, mostRows);
      const next = this.#scanFrom(buffer, at, stop, Math.min(mostRows, this.rows + this.#detour.records));
      if (next === at) return Math.min(at, length);
      at = next;
    }
  }

  /** Lets the kernel scan as far as it is sure of itself and finds no new key. */
  #quickly(kernel: ScanKernel, buffer: Uint8Array, at: number, stop: number, mostRows: number): number {
    const places = new KernelPlaces(kernel);
    const root = places.write(this.facts);
    if (root === 0) return at;
    const base = buffer.byteOffset;
    const end = kernel.exports.scanJson(base + at, base + stop, kernelLimit(mostRows - this.rows), root);
    places.read();
    this.longestRecord = Math.max(this.longestRecord, kernel.exports.longest.value);
    this.rows += kernel.exports.rows.value;
    this.#detour.after(kernel.exports.rows.value);
    return end - base;
  }

  /** Scans lines by the rule. */
  #scanFrom(buffer: Uint8Array, from: number, stop: number, mostRows: number): number {
    let at = from;
    while (at < stop && this.rows < mostRows) {
      const start = at;
      at = skip(buffer, at);
      if (buffer[at] !== LF) {
        if (buffer[at] !== 123) throw new ScanFailure('not_an_object', start);
        try {
          at = skip(buffer, this.#object(buffer, at, this.facts, 1));
        } catch (error) {
          if (error instanceof ScanFailure) error.offset = start;
          throw error;
        }
        if (buffer[at] !== LF) throw new ScanFailure('json', start, 'text behind the record');
        this.rows += 1;
        if (at - start > this.longestRecord) this.longestRecord = at - start;
      }
      at += 1;
    }
    return at;
  }

  #value(buffer: Uint8Array, at: number, shape: JsonShape, depth: number): number {
    const first = buffer[at] as number;
    if (first === QUOTE) {
      const end = stringEnd(buffer, at + 1);
      if ((shape.kinds & KIND.text) === 0) addJsonText(buffer, at + 1, end, shape);
      return end + 1;
    }
    if (first === 45 || (first >= 48 && first <= 57)) return addJsonNumber(buffer, at, shape);
    if (first === 123) return this.#object(buffer, at, shape, depth + 1);
    if (first === 91) return this.#list(buffer, at, shape, depth + 1);
    if (first === 116) {
      shape.kinds |= KIND.boolean;
      return word(buffer, at, 'true');
    }
    if (first === 102) {
      shape.kinds |= KIND.boolean;
      return word(buffer, at, 'false');
    }
    shape.nulls = true;
    return word(buffer, at, 'null');
  }

  #object(buffer: Uint8Array, start: number, shape: JsonShape, depth: number): number {
    if (depth > MAX_DEPTH) throw new ScanFailure('depth', 0, `${MAX_DEPTH}`);
    shape.kinds |= KIND.object;
    this.#objects += 1;
    const serial = this.#objects;
    const fields = shape.fields;
    let next = 0;
    let at = skip(buffer, start + 1);
    if (buffer[at] === 125) return at + 1;
    for (;;) {
      if (buffer[at] !== QUOTE) throw new ScanFailure('json', 0, 'a key is missing its quotes');
      let field: JsonField;
      // Records mostly repeat the order of their keys: try the one that came next the last time.
      if (next < fields.length && isAt(buffer, at + 1, (fields[next] as JsonField).bytes)) {
        field = fields[next] as JsonField;
        at += field.bytes.length + 2;
      } else {
        const end = stringEnd(buffer, at + 1);
        next = findField(fields, buffer.subarray(at + 1, end));
        field = fields[next] as JsonField;
        at = end + 1;
      }
      next += 1;
      if (field.seen === serial) throw new ScanFailure('repeated_key', 0, field.name);
      field.seen = serial;
      if (buffer[at] !== 58) {
        at = skip(buffer, at);
        if (buffer[at] !== 58) throw new ScanFailure('json', 0, `no ":" behind "${field.name}"`);
      }
      at += 1;
      if ((buffer[at] as number) <= 32) at = skip(buffer, at);
      at = this.#value(buffer, at, field.shape, depth);
      if ((buffer[at] as number) <= 32) at = skip(buffer, at);
      const separator = buffer[at];
      at += 1;
      if (separator === 125) return at;
      if (separator !== 44) throw new ScanFailure('json', 0, `"," or "}" expected behind "${field.name}"`);
      if ((buffer[at] as number) <= 32) at = skip(buffer, at);
    }
  }

  #list(buffer: Uint8Array, start: number, shape: JsonShape, depth: number): number {
    if (depth > MAX_DEPTH) throw new ScanFailure('depth', 0, `${MAX_DEPTH}`);
    shape.kinds |= KIND.list;
    let at = skip(buffer, start + 1);
    if (buffer[at] === 93) return at + 1;
    shape.elements ??= newShape();
    for (;;) {
      at = skip(buffer, this.#value(buffer, at, shape.elements, depth));
      const separator = buffer[at];
      at += 1;
      if (separator === 93) return at;
      if (separator !== 44) throw new ScanFailure('json', 0, '"," or "]" expected in a list');
      at = skip(buffer, at);
    }
  }
}

const NULLS = 4;
/** The kernel looks through the fields of an object one after the other. */
const MOST_FIELDS = 500;

/** A shape as the kernel wants it: a place for the shape of records, fields and elements each. */
class KernelPlaces {
  readonly #kernel: ScanKernel;
  readonly #bytes: Uint8Array;
  readonly #shapes: JsonShape[] = [];
  readonly #places: number[] = [];
  #end = FIRST_PLACE;

  constructor(kernel: ScanKernel) {
    this.#kernel = kernel;
    this.#bytes = kernel.bytes;
  }

  /** The address of the shape's place; 0 where it has too many fields or there is no room for all of it. */
  write(shape: JsonShape): number {
    if (shape.fields.length > MOST_FIELDS) return 0;
    const place = this.#take(PLACE_BYTES + shape.fields.length * FIELD_BYTES);
    if (place === 0) return 0;
    const words = this.#kernel.words;
    this.#kernel.writeFacts(place, shape);
    if (shape.nulls) words[place / 4 + 3] = (words[place / 4 + 3] as number) | NULLS;
    words[place / 4 + 4] = place + PLACE_BYTES;
    words[place / 4 + 5] = shape.fields.length;
    words[place / 4 + 6] = 0;
    this.#shapes.push(shape);
    this.#places.push(place);
    for (const [index, field] of shape.fields.entries()) {
      const name = this.#take(field.bytes.length + 1);
      const inner = this.write(field.shape);
      if (name === 0 || inner === 0) return 0;
      this.#bytes.set(field.bytes, name);
      this.#bytes[name + field.bytes.length] = QUOTE;
      words.set([name, field.bytes.length + 1, inner, 0, 0, 0], (place + PLACE_BYTES + index * FIELD_BYTES) / 4);
    }
    if (shape.elements !== null) {
      const elements = this.write(shape.elements);
      if (elements === 0) return 0;
      words[place / 4 + 6] = elements;
    }
    return place;
  }

  /** Takes over what the kernel has found. */
  read(): void {
    for (const [index, shape] of this.#shapes.entries()) {
      const flags = this.#kernel.readFacts(this.#places[index] as number, shape);
      if ((flags & NULLS) !== 0) shape.nulls = true;
    }
  }

  #take(bytes: number): number {
    const start = this.#end;
    // The kernel reads names in steps of 8 bytes.
    const end = start + Math.ceil(bytes / 8) * 8 + 8;
    if (end > PLACES_END) return 0;
    this.#end = end;
    return start;
  }
}

function skip(buffer: Uint8Array, start: number): number {
  let at = start;
  while (SPACE[buffer[at] as number] === 1) at += 1;
  return at;
}

function isAt(buffer: Uint8Array, start: number, name: Uint8Array): boolean {
  const length = name.length;
  if (buffer[start + length] !== QUOTE) return false;
  for (let index = 0; index < length; index += 1) if (buffer[start + index] !== name[index]) return false;
  return true;
}

/** Fields by their names, of objects that have so many that looking through them takes too long. */
const indexes = new WeakMap<JsonField[], Map<string, number>>();
const MANY_FIELDS = 64;

/** The field with this key, made where it is new. */
function findField(fields: JsonField[], key: Uint8Array): number {
  if (fields.length < MANY_FIELDS) {
    const same = fields.findIndex((field) => Buffer.compare(field.bytes, key) === 0);
    if (same >= 0) return same;
  }
  // The same key may be written in two ways: "a" and "\u0061".
  const name = JSON.parse(`"${Buffer.from(key).toString('utf8')}"`) as string;
  const index = indexOf(fields);
  const found = index?.get(name) ?? (index === null ? fields.findIndex((field) => field.name === name) : -1);
  if (found >= 0) return found;
  index?.set(name, fields.length);
  return fields.push({ name, bytes: key.slice(), shape: newShape(), seen: 0 }) - 1;
}

function indexOf(fields: JsonField[]): Map<string, number> | null {
  if (fields.length < MANY_FIELDS) return null;
  let index = indexes.get(fields);
  if (index?.size !== fields.length) {
    index = new Map(fields.map((field, position) => [field.name, position]));
    indexes.set(fields, index);
  }
  return index;
}

function addJsonText(buffer: Uint8Array, start: number, end: number, shape: JsonShape): void {
  const digit = buffer[start] as number;
  const dated = end - start >= 16 && end - start <= 35 && digit >= 48 && digit <= 57;
  const kind = dated ? temporalKind(buffer, start, end, shape) : KIND.text;
  shape.kinds |= kind === KIND.date ? KIND.text : kind;
}

function addJsonNumber(buffer: Uint8Array, start: number, shape: JsonShape): number {
  let at = start;
  let byte = buffer[at] as number;
  while (byte >= 48 && byte <= 57) {
    at += 1;
    byte = buffer[at] as number;
  }
  const digits = at - start;
  if (digits > 0 && (digits === 1 || buffer[start] !== 48)) {
    if (NUMBER[byte] === 0) {
      shape.kinds |= KIND.integer;
      if (digits > shape.integerDigits) shape.integerDigits = digits;
      return at;
    }
    if (byte === 46) {
      const fractionStart = at + 1;
      at = fractionStart;
      byte = buffer[at] as number;
      while (byte >= 48 && byte <= 57) {
        at += 1;
        byte = buffer[at] as number;
      }
      const fraction = at - fractionStart;
      if (NUMBER[byte] === 0 && fraction > 0 && digits + fraction <= 15) {
        shape.kinds |= KIND.decimal;
        if (digits > shape.integerDigits) shape.integerDigits = digits;
        if (fraction > shape.fractionDigits) shape.fractionDigits = fraction;
        return at;
      }
    }
  }
  while (NUMBER[buffer[at] as number] === 1) at += 1;
  const text = Buffer.from(buffer.buffer, buffer.byteOffset + start, at - start).toString('latin1');
  if (!NUMBER_TEXT.test(text)) throw new ScanFailure('json', 0, `"${text.slice(0, 40)}" is no JSON number`);
  addNumber(buffer, start, at, shape, true);
  return at;
}

/** Where the text ends whose first byte is at `start`: the position of its closing quote. */
export function stringEnd(buffer: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    let byte = buffer[at] as number;
    while (byte !== QUOTE && byte !== BACKSLASH && byte >= 32) {
      at += 1;
      byte = buffer[at] as number;
    }
    if (byte === QUOTE) return at;
    if (byte !== BACKSLASH)
      throw new ScanFailure('json', 0, 'a text has no closing quote, or a control character in it');
    at = escapeEnd(buffer, at);
  }
}

/** Checks the escape at `at`, surrogate pairs included, and gives back the position behind it. */
function escapeEnd(buffer: Uint8Array, at: number): number {
  const character = buffer[at + 1] as number;
  if (!ESCAPE.has(character)) throw new ScanFailure('json', 0, 'an unknown escape in a text');
  if (character !== 117) return at + 2;
  const unit = hex4(buffer, at + 2);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    const low = buffer[at + 6] === BACKSLASH && buffer[at + 7] === 117 ? hex4(buffer, at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) throw new ScanFailure('json', 0, 'half of a surrogate pair in a text');
    return at + 12;
  }
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) throw new ScanFailure('json', 0, 'a wrong \\u escape in a text');
  return at + 6;
}

function word(buffer: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    if (buffer[at + index] !== text.charCodeAt(index))
      throw new ScanFailure('json', 0, 'a value is missing or no JSON');
  }
  return at + text.length;
}

function hex4(buffer: Uint8Array, at: number): number {
  const text = Buffer.from(buffer.buffer, buffer.byteOffset + at, 4).toString('latin1');
  return /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : -1;
}
