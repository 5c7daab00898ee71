import { type RecordScanner, ScanFailure } from './record-scanner.ts';
import { Detour, FIRST_PLACE, kernelLimit, PLACE_BYTES, PLACES_END, type ScanKernel } from './scan-kernel.ts';
import { addText, KIND, mergeFacts, newFacts, type ValueFacts } from './value-facts.ts';

/** How a CSV file is written. */
export interface CsvDialect {
  /** One ASCII character. */
  delimiter: string;
  /** One ASCII character; '' for none. It is doubled to stand inside quotes. */
  quote: string;
  header: boolean;
  /** Unquoted text that means null, besides the empty cell. */
  nullText: string;
}

export interface CsvFacts {
  columns: ValueFacts[];
  /** Kinds of line ends: 1 LF, 2 CRLF, 4 CR. */
  lineEnds: number;
  /** A line without a single character was seen. */
  blankLines: boolean;
}

const LF = 10;
const CR = 13;

/**
 * Collects what every column of a CSV file holds, record by record, and refuses what DuckDB could read in two ways.
 * With a kernel, only records that it leaves alone are looked at here.
 */
export class CsvScanner implements RecordScanner<CsvFacts> {
  readonly facts: CsvFacts;
  rows = 0;
  longestRecord = 0;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #nullText: Uint8Array;
  readonly #stops = new Uint8Array(256);
  /** Takes what is not looked at: the header, and cells beyond the last column. */
  readonly #ignored: ValueFacts = { ...newFacts(), kinds: KIND.text };
  #skipHeader: boolean;
  readonly #kernel: ScanKernel | null;
  readonly #detour = new Detour();

  constructor(dialect: CsvDialect, width: number, skipHeader: boolean, kernel: ScanKernel | null) {
    this.facts = { columns: Array.from({ length: width }, newFacts), lineEnds: 0, blankLines: false };
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote === '' ? 256 : dialect.quote.charCodeAt(0);
    this.#nullText = new TextEncoder().encode(dialect.nullText);
    for (const stop of [this.#delimiter, LF, CR]) this.#stops[stop] = 1;
    this.#skipHeader = skipHeader;
    // The kernel knows no null text.
    this.#kernel = dialect.nullText === '' && FIRST_PLACE + width * PLACE_BYTES <= PLACES_END ? kernel : null;
  }

  allocate(bytes: number): Uint8Array {
    return this.#kernel?.allocate(bytes) ?? new Uint8Array(bytes);
  }

  scan(buffer: Uint8Array, length: number, atEnd: boolean, until: number, mostRows: number): number {
    if (!this.#kernel?.holds(buffer)) return this.#scanFrom(buffer, 0, length, atEnd, until, mostRows);
    const limit = Buffer.from(buffer.buffer, buffer.byteOffset, length).lastIndexOf(LF) + 1;
    for (let at = 0; ; ) {
      if (!this.#skipHeader && at < limit) at = this.#quickly(this.#kernel, buffer, at, limit, until, mostRows);
      const most = Math.min(mostRows, this.rows + this.#detour.records);
      const next = this.#scanFrom(buffer, at, length, atEnd, until, most);
      if (next === at) return at;
      at = next;
    }
  }

  /** Lets the kernel scan as far as it is sure of itself. `limit` is behind a line feed. */
  #quickly(kernel: ScanKernel, buffer: Uint8Array, at: number, limit: number, until: number, mostRows: number): number {
    const base = buffer.byteOffset;
    const { columns } = this.facts;
    for (const [index, facts] of columns.entries()) kernel.writeFacts(FIRST_PLACE + index * PLACE_BYTES, facts);
    const end = kernel.exports.scanCsv(
      base + at,
      base + limit,
      base + Math.min(limit, kernelLimit(until)),
      kernelLimit(mostRows - this.rows),
      FIRST_PLACE,
      columns.length,
      this.#delimiter,
      this.#quote,
    );
    for (const [index, facts] of columns.entries()) kernel.readFacts(FIRST_PLACE + index * PLACE_BYTES, facts);
    this.facts.lineEnds |= kernel.exports.lineEnds.value;
    this.longestRecord = Math.max(this.longestRecord, kernel.exports.longest.value);
    this.rows += kernel.exports.rows.value;
    this.#detour.after(kernel.exports.rows.value);
    return end - base;
  }

  #scanFrom(
    buffer: Uint8Array,
    start: number,
    length: number,
    atEnd: boolean,
    until: number,
    mostRows: number,
  ): number {
    const stops = this.#stops;
    const quote = this.#quote;
    const delimiter = this.#delimiter;
    const columns = this.facts.columns;
    const width = columns.length;
    const nullable = this.#nullText.length > 0;
    let lineEnds = this.facts.lineEnds;
    let at = start;
    while (at < length && at < until && this.rows < mostRows) {
      const recordStart = at;
      const header = this.#skipHeader;
      let column = 0;
      let end = -1;
      while (end < 0) {
        const start = at;
        if (buffer[at] === quote && at < length) {
          at = this.#closingQuote(buffer, length, at, atEnd, recordStart);
          if (at < 0 || (at >= length && !atEnd)) return recordStart;
          if (!header && column < width) this.#addQuoted(buffer, start + 1, at - 1, columns[column] as ValueFacts);
          if (at < length && stops[buffer[at] as number] === 0) throw new ScanFailure('quote', recordStart);
        } else {
          const facts = header || column >= width ? this.#ignored : (columns[column] as ValueFacts);
          const plain =
            (facts.kinds & KIND.text) === 0 && !nullable
              ? plainNumber(buffer, at, atEnd ? -1 : length, stops, facts)
              : at;
          if (plain > at) {
            at = plain;
          } else {
            while (stops[buffer[at] as number] === 0) at += 1;
            if (
              at > start &&
              (at < length || atEnd) &&
              (facts.kinds & KIND.text) === 0 &&
              !(nullable && this.#isNull(buffer, start, at))
            ) {
              addText(buffer, start, at, facts);
            }
          }
          if (at >= length && !atEnd) return recordStart;
        }
        column += 1;
        if (at >= length) {
          if (!atEnd) return recordStart;
          end = length;
        } else if (buffer[at] === delimiter) {
          at += 1;
        } else if (buffer[at] === LF) {
          if ((lineEnds & 1) === 0) lineEnds = this.facts.lineEnds |= 1;
          end = at + 1;
        } else if (at + 1 < length || atEnd) {
          const pair = at + 1 < length && buffer[at + 1] === LF;
          if ((lineEnds & (pair ? 2 : 4)) === 0) lineEnds = this.facts.lineEnds |= pair ? 2 : 4;
          end = at + (pair ? 2 : 1);
        } else {
          return recordStart;
        }
      }
      const blank = column === 1 && at === recordStart;
      at = end;
      if (end - recordStart > this.longestRecord) this.longestRecord = end - recordStart;
      if (header) this.#skipHeader = false;
      else if (blank && width > 1) this.facts.blankLines = true;
      else if (column !== width) throw new ScanFailure('width', recordStart, `${column}`);
      else this.rows += 1;
    }
    return at;
  }

  /** Position behind the quote that closes the cell at `at`; -1 where the buffer ends before it. */
  #closingQuote(buffer: Uint8Array, length: number, at: number, atEnd: boolean, recordStart: number): number {
    let next = at + 1;
    for (;;) {
      while (next < length && buffer[next] !== this.#quote) next += 1;
      if (next >= length) {
        if (atEnd) throw new ScanFailure('open_quote', recordStart);
        return -1;
      }
      if (next + 1 >= length) return atEnd ? next + 1 : -1;
      if (buffer[next + 1] !== this.#quote) return next + 1;
      next += 2;
    }
  }

  #addQuoted(buffer: Uint8Array, start: number, end: number, facts: ValueFacts): void {
    if ((facts.kinds & KIND.text) !== 0) return;
    // A quoted cell is a value even where it is empty or the null text.
    if (start === end || this.#isNull(buffer, start, end)) facts.kinds |= KIND.text;
    else addText(buffer, start, end, facts);
  }

  #isNull(buffer: Uint8Array, start: number, end: number): boolean {
    const text = this.#nullText;
    if (text.length === 0 || end - start !== text.length) return false;
    for (let index = 0; index < text.length; index += 1) if (buffer[start + index] !== text[index]) return false;
    return true;
  }
}

/**
 * The short way for most numbers: whole ones of up to 15 digits, and decimals of up to 15 digits, without a leading zero.
 * Gives back where the cell ends, or `start` where the cell is anything else or goes up to `cut`, where the buffer breaks off.
 */
function plainNumber(buffer: Uint8Array, start: number, cut: number, stops: Uint8Array, facts: ValueFacts): number {
  let at = start;
  let byte = buffer[at] as number;
  if (byte < 49 || byte > 57) return start;
  do {
    at += 1;
    byte = buffer[at] as number;
  } while (byte >= 48 && byte <= 57);
  const digits = at - start;
  if (digits > 15 || at === cut) return start;
  if (stops[byte] === 1) {
    facts.kinds |= KIND.integer;
    if (digits > facts.integerDigits) facts.integerDigits = digits;
    return at;
  }
  if (byte !== 46) return start;
  const fractionStart = at + 1;
  do {
    at += 1;
    byte = buffer[at] as number;
  } while (byte >= 48 && byte <= 57);
  const fraction = at - fractionStart;
  if (at === cut || stops[byte] === 0 || fraction === 0 || digits + fraction > 15) return start;
  facts.kinds |= KIND.decimal;
  if (digits > facts.integerDigits) facts.integerDigits = digits;
  if (fraction > facts.fractionDigits) facts.fractionDigits = fraction;
  return at;
}

/** Adds the facts of a later part of the same file. */
export function mergeCsvFacts(facts: CsvFacts, other: CsvFacts): void {
  facts.lineEnds |= other.lineEnds;
  facts.blankLines ||= other.blankLines;
  for (const [index, column] of facts.columns.entries()) mergeFacts(column, other.columns[index] as ValueFacts);
}
