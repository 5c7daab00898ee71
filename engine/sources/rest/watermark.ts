import { IngestError } from '../../errors.ts';
import type { IncrementalRead, ReadWarning } from '../source.ts';
import { plainDecimal, scalarText } from './json.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import type { JsonRecord } from './records.ts';
import { instantOf, moveBack } from './timestamps.ts';

/** How the values of a watermark are ordered. */
export type WatermarkKind = 'number' | 'instant' | 'text';

interface Point {
  kind: WatermarkKind;
  /** The API's own text. */
  text: string;
  instant: bigint;
}

/** Filters the records of an incremental read and remembers the greatest watermark in the API's own text. */
export class WatermarkReader {
  readonly #incremental: IncrementalRead;
  readonly #path: JsonPath;
  readonly #from: Point | null;
  readonly #end: Point | null;
  #greatest: Point | null = null;
  #nulls = 0;
  #left = 0;

  /** @throws IngestError API_LAG */
  constructor(incremental: IncrementalRead) {
    this.#incremental = incremental;
    this.#path = compileJsonPath(incremental.column);
    const from = laggedFrom(incremental);
    this.#from = from === null ? null : point(from, null);
    this.#end = incremental.end === null ? null : point(incremental.end, null);
  }

  /** The greatest value so far; null when no record had one. */
  get greatest(): string | null {
    return this.#greatest?.text ?? null;
  }

  /** Takes over what another reader, of another part of the same read, has seen. */
  absorb(other: WatermarkReader): void {
    this.#nulls += other.#nulls;
    this.#left += other.#left;
    const theirs = other.#greatest;
    if (theirs && (this.#greatest === null || compare(theirs, this.#greatest, () => 'a later slice') > 0))
      this.#greatest = theirs;
  }

  /** Records that the filter left out on this side. */
  get leftOut(): number {
    return this.#left;
  }

  /** Null for a record that is to be kept as it is decided by its watermark. `position` names it to people. */
  keeps(record: JsonRecord, position: () => string): boolean {
    const value = this.#path.first(record);
    if (value === null || value === undefined) return this.#null(position);
    const text = scalarText(value);
    if (text === null) {
      throw new IngestError(
        'API_WATERMARK_INVALID',
        `${position()}: the watermark ${this.#path.text} is ${Array.isArray(value) ? 'a list' : 'an object'}.`,
        {
          hint: 'Let watermark_column lead to a number, a timestamp or a text, for example meta.updated_at.',
        },
      );
    }
    const at = point(text, typeof value === 'string' ? null : 'number');
    if (this.#from && compare(at, this.#from, position) < 0) {
      this.#left += 1;
      return false;
    }
    if (this.#end && compare(at, this.#end, position) >= 0) {
      this.#left += 1;
      return false;
    }
    if (this.#greatest === null || compare(at, this.#greatest, position) > 0) this.#greatest = at;
    return true;
  }

  /** Warnings at the end of the read. */
  warnings(): ReadWarning[] {
    if (this.#nulls === 0 || this.#incremental.nullWatermarks !== 'exclude') return [];
    return [
      {
        code: 'NULL_WATERMARKS_EXCLUDED',
        column: this.#path.text,
        message: `${this.#nulls} records without ${this.#path.text} were left out.`,
        hint: 'Set null_watermarks = "include" to read them with every run, or "raise" to fail.',
      },
    ];
  }

  #null(position: () => string): boolean {
    switch (this.#incremental.nullWatermarks) {
      case 'include':
        return true;
      case 'exclude':
        this.#nulls += 1;
        return false;
      case 'raise':
        throw new IngestError('NULL_WATERMARK', `${position()}: the watermark ${this.#path.text} is null or missing.`, {
          hint: 'Set null_watermarks to "exclude" or "include", or choose another watermark_column.',
        });
      default:
        return this.#incremental.nullWatermarks satisfies never;
    }
  }
}

/** The lower bound: the watermark minus the lag, in the form of the watermark. Null reads all. */
export function laggedFrom({ from, lag, column }: Pick<IncrementalRead, 'from' | 'lag' | 'column'>): string | null {
  if (from === null || lag === null) return from;
  if (lag.kind === 'duration') {
    const moved = moveBack(from, lag.seconds);
    if (moved !== null) return moved;
    throw new IngestError(
      'API_LAG',
      `The lag is a duration, but the watermark "${from}" of ${column} is no ISO timestamp.`,
      {
        hint: "Give the lag as a number in the watermark's own unit.",
      },
    );
  }
  const value = decimal(from);
  const width = decimal(lag.value);
  if (value && width) return subtract(value, width);
  throw new IngestError(
    'API_LAG',
    `The lag ${lag.value} is a number, but the watermark "${from}" of ${column} is none.`,
    {
      hint: 'Give the lag as a duration, for example 2h or 1d.',
    },
  );
}

/** The text of a bound as a request parameter carries it (options.incremental.format). */
export function formatWatermark(text: string, format: string | undefined): string {
  if (format === undefined || format === 'source') return text;
  const instant = instantOf(text);
  if (instant === null) {
    throw new IngestError(
      'API_WATERMARK_FORMAT',
      `The watermark "${text}" is no ISO timestamp, so incremental.format "${format}" cannot be made of it.`,
      {
        hint: 'Leave incremental.format out to send the value as the API gave it.',
      },
    );
  }
  const milliseconds = Number(instant / 1_000_000n);
  switch (format) {
    case 'unix':
      return String(Math.floor(milliseconds / 1000));
    case 'unix_ms':
      return String(milliseconds);
    case 'date':
      return new Date(milliseconds).toISOString().slice(0, 10);
    case 'iso':
      return new Date(milliseconds).toISOString();
    default:
      throw new IngestError('API_WATERMARK_FORMAT', `incremental.format "${format}" is not known.`, {
        hint: 'Use source, iso, date, unix or unix_ms.',
      });
  }
}

function point(text: string, kind: 'number' | null): Point {
  if (kind === 'number') return { kind, text, instant: 0n };
  const instant = instantOf(text);
  if (instant !== null) return { kind: 'instant', text, instant };
  // Ids written as text are ordered like the numbers they are; leading zeros make them text.
  return { kind: /^-?(0|[1-9]\d*)$/.test(text) ? 'number' : 'text', text, instant: 0n };
}

function compare(a: Point, b: Point, position: () => string): number {
  if (a.kind !== b.kind) {
    throw new IngestError(
      'API_WATERMARK_MIXED',
      `${position()}: the watermark "${a.text}" is ${NAMES[a.kind]}, but "${b.text}" is ${NAMES[b.kind]}; they have no order.`,
      {
        hint: 'Choose a watermark_column of one kind, or correct last_watermark to the form that the API uses.',
      },
    );
  }
  if (a.kind === 'instant') return a.instant < b.instant ? -1 : a.instant > b.instant ? 1 : 0;
  if (a.kind === 'text') return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
  return compareNumbers(a.text, b.text);
}

const NAMES: Record<WatermarkKind, string> = { number: 'a number', instant: 'a timestamp', text: 'a text' };

function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [Number(a), Number(b)];
  if (x !== y) return x < y ? -1 : 1;
  const [left, right] = [decimal(a), decimal(b)];
  if (!left || !right) return 0;
  const scale = Math.max(left.scale, right.scale);
  const difference = scaled(left, scale) - scaled(right, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

interface Decimal {
  digits: bigint;
  scale: number;
}

function decimal(text: string): Decimal | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(plainDecimal(text.trim()));
  if (!match) return null;
  const digits = BigInt((match[2] ?? '') + (match[3] ?? ''));
  return { digits: match[1] === '-' ? -digits : digits, scale: match[3]?.length ?? 0 };
}

function scaled(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}

/** The sum of two number texts, exactly; null where one is none. */
export function addDecimals(a: string, b: string): string | null {
  const [left, right] = [decimal(a), decimal(b)];
  return left && right ? subtract(left, { ...right, digits: -right.digits }) : null;
}

/** Negative, zero or positive as a is less than, equal to or more than b; null where one is no number. */
export function compareDecimals(a: string, b: string): number | null {
  return decimal(a) && decimal(b) ? compareNumbers(a, b) : null;
}

function subtract(a: Decimal, b: Decimal): string {
  const scale = Math.max(a.scale, b.scale);
  const difference = scaled(a, scale) - scaled(b, scale);
  const digits = (difference < 0n ? -difference : difference).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return difference < 0n ? `-${text}` : text;
}
