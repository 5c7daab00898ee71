import { IngestError } from '../../errors.ts';

/**
 * A number whose digits a double would lose, as `JSON.rawJSON` gives it: `JSON.stringify` writes the source's own digits again.
 * Every other number of a page is an ordinary JavaScript number.
 */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** A parsed page. `exact` says that {@link ExactNumber}s may be in it. */
export interface ParsedJson {
  value: unknown;
  exact: boolean;
  /** Lone surrogates may have been replaced: the source text is not what the value says. */
  repaired: boolean;
}

interface RawJsonSupport {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): boolean;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
}

// TypeScript's library does not know the source-text proposal yet; Node 24 does.
const rawJsonSupport = JSON as unknown as RawJsonSupport;

/** A number of 16 digits or more where a JSON value can begin. Inside strings it may match too: that costs time, no digit. */
const LONG_NUMBER = /[:,[\s]-?\d(?:\.?\d){15}/;

/**
 * True where the text has 16 digits and points in a row, which every number that a double may damage has (an exponent beyond its range apart:
 * that gives Infinity, and `infer.ts` refuses it). Such a run covers one place in 16, so only these are looked at.
 */
function hasLongRun(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigitOrPoint(text.charCodeAt(at))) continue;
    let first = at;
    while (first > 0 && isDigitOrPoint(text.charCodeAt(first - 1))) first -= 1;
    let last = at;
    while (last + 1 < text.length && isDigitOrPoint(text.charCodeAt(last + 1))) last += 1;
    if (last - first >= 15) return true;
  }
  return false;
}

function isDigitOrPoint(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46;
}

/**
 * Parses JSON so that no digit is lost: numbers that a double holds stay numbers, others become {@link ExactNumber}s.
 * @param careful looks at every number, also where the text shows no long one
 * @throws SyntaxError as JSON.parse does.
 */
export function parseJson(text: string, careful = false): ParsedJson {
  const exact = careful || (hasLongRun(text) && LONG_NUMBER.test(text));
  const repair = hasSurrogateEscape(text);
  if (!exact && !repair) return { value: JSON.parse(text), exact: false, repaired: false };
  const value = rawJsonSupport.parse(text, (_key, item, { source }) => {
    if (typeof item === 'number' && source !== undefined && !isLossless(source, item))
      return rawJsonSupport.rawJSON(source);
    if (repair && typeof item === 'string' && !item.isWellFormed()) return item.toWellFormed();
    return item;
  });
  return { value, exact, repaired: repair };
}

/** An escaped lone surrogate is legal JSON and no legal text: DuckDB refuses it. Pairs match too. */
function hasSurrogateEscape(text: string): boolean {
  return text.includes('\\ud') || text.includes('\\uD');
}

/** True for a number that {@link parseJson} kept as its source text. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return rawJsonSupport.isRawJSON(value);
}

/** The text of a scalar as the API wrote it; null for null, objects and lists. */
export function scalarText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return isExactNumber(value) ? value.rawJSON : null;
}

/** True where the double holds every digit of its source text. */
function isLossless(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (String(value) === source) return true;
  const digits = significantDigits(source);
  if (digits === '') return true;
  if (value === 0) return false;
  return digits.length <= 15
    ? Math.abs(value) >= 2 ** -1022
    : canonicalNumber(source) === canonicalNumber(String(value));
}

function significantDigits(text: string): string {
  return text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
}

/** Sign, significant digits and power of ten: two texts of one number give the same. */
function canonicalNumber(text: string): string {
  const digits = significantDigits(text);
  return `${text.startsWith('-') ? '-' : ''}${digits}e${decimalShape(text).scale - trailingZeros(text)}`;
}

function trailingZeros(text: string): number {
  const mantissa = text.replace(/[eE].*$/, '').replace(/[-.]/g, '');
  return mantissa.length - mantissa.replace(/0+$/, '').length;
}

/**
 * Digits before and after the decimal point that a DECIMAL needs to hold the number exactly.
 * `scale` may be negative for canonical comparison only; {@link decimalDigits} clamps it.
 */
function decimalShape(text: string): { integerDigits: number; scale: number } {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) throw new IngestError('API_NUMBER_INVALID', `"${text}" is not a JSON number.`);
  const exponent = Number(match[3] ?? 0);
  const integer = (match[1] ?? '').replace(/^0+/, '');
  return { integerDigits: integer.length + exponent, scale: (match[2] ?? '').length - exponent };
}

/** Digits before and after the point that a DECIMAL needs for this number text. */
export function decimalDigits(text: string): { integerDigits: number; scale: number } {
  const shape = decimalShape(text);
  return { integerDigits: Math.max(0, shape.integerDigits), scale: Math.max(0, shape.scale) };
}

/** A number text without exponent, as DuckDB casts it to DECIMAL without a detour over DOUBLE. */
export function plainDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text);
  if (!match) return text;
  const [, sign, integer = '', fraction = '', power] = match;
  const exponent = Number(power);
  const digits = integer + fraction;
  const point = integer.length + exponent;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Where a text stops being JSON: the position of the first character that cannot stand there, its length where the text only ends too early. */
export function syntaxErrorPosition(error: unknown, text: string): number {
  const match = error instanceof Error ? /position (\d+)/.exec(error.message) : null;
  if (match) return Number(match[1]);
  // For a token at the wrong place V8 says no position: the shortest beginning that is wrong, and not merely unfinished, ends with it.
  let right = 0;
  let wrong = text.length + 1;
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if (isBeginning(text.slice(0, middle))) right = middle;
    else wrong = middle;
  }
  return Math.min(right, text.length);
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const said = error instanceof Error ? error.message : '';
    if (said.startsWith('Unexpected end') || said.startsWith('Unterminated')) return true;
    return /position (\d+)/.exec(said)?.[1] === String(text.length);
  }
}
