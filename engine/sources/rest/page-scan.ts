import { growMemory, type KernelMemory, loadKernel } from '../../json-scan/load-kernel.ts';
import type { ApiResponse } from './client.ts';
import { MAX_FIELDS, type ShapeNode } from './infer.ts';
import { parseJson } from './json.ts';
import { KERNEL_BINARY } from './page-kernel-binary.ts';
import type { JsonRecord, RecordSelector } from './records.ts';

/** What page-kernel.as exports. */
interface PageKernel {
  memory: KernelMemory;
  rows: { readonly value: number };
  longest: { readonly value: number };
  firstStart: { readonly value: number };
  firstEnd: { readonly value: number };
  lastStart: { readonly value: number };
  lastEnd: { readonly value: number };
  scanPage(start: number, root: number, table: number, width: number, most: number): number;
}

/** A page whose records were looked at in its bytes, without a value made of each. */
export interface PageScan {
  /** Records. */
  rows: number;
  /** The response with the first and the last record alone in its list. */
  envelope: unknown;
  /** The records as NDJSON. */
  lines: Buffer;
  /** Bytes of the longest line. */
  longest: number;
  /** Each record with those fields only that the scanner was told to give; empty where it was told none. */
  records: JsonRecord[];
  /** Adds what the records are to what was known when the page was scanned. Once, and only for a page that is kept as a whole. */
  addShapes(): void;
}

/** Words of a place and of a field: see page-kernel.as. */
const PLACE_WORDS = 8;
const FIELD_WORDS = 6;
/** Address 0 means none. */
const FIRST_PLACE = 64;
const PLACES_END = 1024 * 1024;
/** SIMD loads go so far beyond the records. */
const SLACK = 64;
/** The kernel looks through the fields of an object one after the other. */
const MOST_FIELDS = Math.min(500, MAX_FIELDS);
/** Larger pages are not worth a copy. */
const MOST_BYTES = 64 * 1024 * 1024;
/** A record of fewer bytes, on average, is none that is worth a table. */
const LEAST_RECORD = 16;
/** Places of the list's key that are tried. */
const MOST_TRIES = 3;
/** After so many pages in a row that were left to JSON.parse only every so many is tried. */
const PATIENCE = 8;

/**
 * Scans pages of JSON whose records have nothing new: a fifth of the work of parsing them and looking at each value.
 * What comes out of it is what {@link observe} and the parsed page would give; a page that it is not sure of is left to them.
 */
export class PageScanner {
  readonly #root: ShapeNode;
  readonly #fields: readonly string[];
  readonly #paths: readonly string[];
  readonly #token = crypto.randomUUID();
  #kernel: PageKernel | null = null;
  #left = 0;

  /**
   * @param root what is known of the records so far
   * @param fields keys of the records that {@link PageScan.records} must have
   * @param paths what will be looked up in {@link PageScan.envelope}
   */
  constructor(root: ShapeNode, fields: readonly string[], paths: readonly string[]) {
    this.#root = root;
    this.#fields = fields;
    this.#paths = paths;
  }

  /** Null where the page must be parsed. */
  scan(response: ApiResponse, selector: RecordSelector): PageScan | null {
    const { listKey, selector: path } = selector;
    const { utf8 } = response;
    if (utf8 === null || utf8.length > MOST_BYTES || path === null || listKey === undefined) return null;
    // Nothing is known before the first page, and an empty shape learns nothing here.
    if (this.#root.count === 0 || this.#paths.some((wanted) => reachesInto(wanted, path))) return null;
    if (this.#left >= PATIENCE && this.#left % PATIENCE !== 0) {
      this.#left += 1;
      return null;
    }
    for (const start of listStarts(utf8, listKey)) {
      const scan = this.#scanList(utf8, start, selector);
      if (!scan) continue;
      this.#left = 0;
      return scan;
    }
    this.#left += 1;
    return null;
  }

  #scanList(bytes: Buffer, start: number, selector: RecordSelector): PageScan | null {
    this.#kernel ??= loadKernel<PageKernel>(KERNEL_BINARY);
    const kernel = this.#kernel;
    const length = bytes.length - start;
    const most = Math.ceil(length / LEAST_RECORD) + 16;
    const width = this.#fields.length * 8;
    const table = PLACES_END + ((length + SLACK + 7) & ~7);
    growMemory(kernel.memory, table + most * width + SLACK);
    const memory = new Uint8Array(kernel.memory.buffer);
    const places = new PlaceWriter(kernel.memory.buffer);
    const root = places.write(this.#root, this.#fields);
    if (root === 0) return null;
    memory.set(bytes.subarray(start), PLACES_END);
    memory.fill(0, PLACES_END + length, PLACES_END + length + SLACK);
    if (width > 0) memory.fill(0, table, table + most * width);
    const end = kernel.scanPage(PLACES_END, root, table, width, most);
    if (end === 0 || end > PLACES_END + length) return null;
    const rows = kernel.rows.value;
    const at = (address: number) => address - PLACES_END + start;
    const text = (from: number, to: number) => bytes.toString('utf8', at(from), at(to));
    const ends = rows === 0 ? [] : [text(kernel.firstStart.value, kernel.firstEnd.value)];
    if (rows > 1) ends.push(text(kernel.lastStart.value, kernel.lastEnd.value));
    const envelope = this.#envelope(
      bytes.toString('utf8', 0, start),
      bytes.toString('utf8', at(end - 1)),
      ends,
      selector,
    );
    if (envelope === undefined) return null;
    const first = kernel.firstStart.value;
    return {
      rows,
      envelope,
      lines: rows === 0 ? Buffer.alloc(0) : Buffer.from(memory.slice(first, end).buffer),
      longest: kernel.longest.value,
      records: width === 0 ? [] : this.#records(memory, table, rows),
      addShapes: places.reader(),
    };
  }

  /**
   * The response with its list cut short; undefined where the list is not the one that the selector finds: that shows by a token in place of the records.
   */
  #envelope(before: string, behind: string, ends: readonly string[], selector: RecordSelector): unknown {
    try {
      const { value } = parseJson(`${before}"${this.#token}"${behind}`);
      const found = selector.find(value);
      const list = found.length === 1 ? found[0] : null;
      if (!Array.isArray(list) || list.length !== 1 || list[0] !== this.#token) return undefined;
      list.splice(0, 1, ...ends.map((record) => parseJson(record).value));
      return value;
    } catch {
      // What is wrong with it is said by those who parse the page.
      return undefined;
    }
  }

  #records(memory: Uint8Array, table: number, rows: number): JsonRecord[] {
    const words = new Uint32Array(memory.buffer, table, rows * this.#fields.length * 2);
    const bytes = Buffer.from(memory.buffer);
    const records: JsonRecord[] = [];
    let at = 0;
    for (let row = 0; row < rows; row += 1) {
      const record: JsonRecord = {};
      for (const field of this.#fields) {
        const start = words[at] as number;
        const end = words[at + 1] as number;
        at += 2;
        // Pieces of valid JSON without long numbers.
        if (start !== 0) record[field] = JSON.parse(bytes.toString('utf8', start, end));
      }
      records.push(record);
    }
    return records;
  }
}

/** True where a path may find something among the records that {@link PageScan.envelope} leaves out. */
function reachesInto(path: string, list: string): boolean {
  const wanted = path.trim().replace(/^\$\.?/, '');
  const records = list.replace(/^\$\.?/, '');
  // Names alone, with the first or the last of a list at most, can be told apart from the list's own; everything else is not looked into here.
  if (!/^(?:[\w@.-]|\[-1\]|\[0\])+$/.test(wanted)) return true;
  if (!wanted.startsWith(records)) return false;
  const rest = wanted.slice(records.length);
  return !/^(?:[\w@-]|\[(?:-1|0)\])/.test(rest);
}

/** Behind the `[` of lists with this key, as far as they stand where they are looked for. */
function* listStarts(bytes: Buffer, listKey: string | null): Generator<number, void> {
  if (listKey === null) {
    const at = space(bytes, 0);
    if (bytes[at] === 0x5b) yield at + 1;
    return;
  }
  const key = Buffer.from(JSON.stringify(listKey));
  let found = bytes.indexOf(key);
  for (let tries = 0; found >= 0 && tries < MOST_TRIES; tries += 1) {
    const colon = space(bytes, found + key.length);
    const at = bytes[colon] === 0x3a ? space(bytes, colon + 1) : -1;
    if (bytes[at] === 0x5b) yield at + 1;
    found = bytes.indexOf(key, found + 1);
  }
}

function space(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

/** A shape as the kernel wants it: a place for the shape of records, fields and elements each. */
class PlaceWriter {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #nodes: ShapeNode[] = [];
  readonly #places: number[] = [];
  #end = FIRST_PLACE;

  constructor(memory: ArrayBuffer) {
    this.#words = new Uint32Array(memory, 0, PLACES_END / 4);
    this.#bytes = new Uint8Array(memory, 0, PLACES_END);
  }

  /** The address of the node's place; 0 where there is something that the kernel does not do. `wanted` are the keys whose values it notes. */
  write(node: ShapeNode, wanted: readonly string[]): number {
    const { names, fields, element } = node;
    if (node.opaque || names.length > MOST_FIELDS) return 0;
    const place = this.#take((PLACE_WORDS + names.length * FIELD_WORDS) * 4);
    if (place === 0) return 0;
    const words = this.#words;
    words.fill(0, place / 4, place / 4 + PLACE_WORDS);
    words[place / 4 + 1] = node.temporal;
    words[place / 4 + 4] = place + PLACE_WORDS * 4;
    words[place / 4 + 5] = names.length;
    this.#nodes.push(node);
    this.#places.push(place);
    for (const [index, name] of names.entries()) {
      const address = this.#name(name);
      const inner = address === null ? 0 : this.write(fields[index] as ShapeNode, []);
      if (address === null || inner === 0) return 0;
      const slot = wanted.indexOf(name);
      const field = place / 4 + PLACE_WORDS + index * FIELD_WORDS;
      words[field] = address.at;
      words[field + 1] = address.length;
      words[field + 2] = inner;
      words[field + 3] = slot < 0 ? 0 : slot * 8 + 1;
      words[field + 4] = 0;
      words[field + 5] = 0;
    }
    if (element) {
      const inner = this.write(element, []);
      if (inner === 0) return 0;
      words[place / 4 + 6] = inner;
    }
    return place;
  }

  /** Takes what the kernel has found out of its memory; the function that comes back adds it to the nodes. */
  reader(): () => void {
    const words = this.#words;
    const found = Uint32Array.from(
      this.#places.flatMap((place) => {
        const word = place / 4;
        return [words[word], words[word + 2], words[word + 3], words[word + 7]] as number[];
      }),
    );
    return () => {
      for (const [index, node] of this.#nodes.entries()) {
        node.kinds |= found[index * 4] as number;
        node.count += found[index * 4 + 1] as number;
        node.nulls += found[index * 4 + 2] as number;
        node.temporal |= found[index * 4 + 3] as number;
      }
    };
  }

  /** The name with the closing quote behind it, as pages write it. */
  #name(name: string): { at: number; length: number } | null {
    const text = Buffer.from(JSON.stringify(name).slice(1));
    // The kernel compares eight bytes at a time.
    const at = this.#take(text.length + 8);
    if (at === 0) return null;
    this.#bytes.set(text, at);
    return { at, length: text.length };
  }

  #take(bytes: number): number {
    const at = this.#end;
    this.#end = (at + bytes + 7) & ~7;
    return this.#end > PLACES_END ? 0 : at;
  }
}
