import { type ColumnData, decimalShape } from '../../duckdb/column-data.ts';
import { decimalStore, SAFE_DIGITS } from '../../duckdb/decimal-store.ts';
import type { RejectValue } from './value-error.ts';

/** Digits that are multiplied in at once. */
const GROUP_DIGITS = 6;
const POWERS_OF_TEN = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const INTEGER_DIGITS: Record<string, number> = { SMALLINT: 5, INTEGER: 10, BIGINT: 19 };
const [MINUS, POINT, ZERO] = [45, 46, 48];
const BIGINT_LIMIT = '9223372036854775808';

/**
 * Writes a number's text into DECIMAL(p,s), BIGINT, INTEGER or SMALLINT, exactly: `-12.50`, `.5`, `1.5E+10`. A value with more digits than the
 * type keeps, and what is no number (`NaN`, `Infinity`, `~`), is rejected.
 */
export function decimalTextWriter(column: ColumnData, reject: RejectValue): (text: string, row: number) => void {
  const shape = decimalShape(column.type) ?? { precision: INTEGER_DIGITS[column.type] ?? 0, scale: 0 };
  const isInteger = decimalShape(column.type) === null;
  const { precision, scale } = shape;
  // What is greater is looked at digit by digit.
  const limit = 10 ** Math.min(isInteger ? precision - 1 : precision, SAFE_DIGITS);
  const { words, multiplyAdd, store, storeWords } = decimalStore(column);

  /** Digits and a point, few enough for a double: by far the most. False: it is something else, and nothing was written. */
  const writePlain = (text: string, row: number): boolean => {
    const { length } = text;
    const negative = text.charCodeAt(0) === MINUS;
    let value = 0;
    let point = -1;
    let at = negative ? 1 : 0;
    if (length - at === 0 || length - at > SAFE_DIGITS) return false;
    for (; at < length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit >= ZERO && unit <= ZERO + 9) value = value * 10 + unit - ZERO;
      else if (unit === POINT && point < 0) point = at;
      else return false;
    }
    const zeros = point < 0 ? scale : scale - (length - point - 1);
    if (zeros < 0 || zeros >= POWERS_OF_TEN.length || point === length - 1) return false;
    value *= POWERS_OF_TEN[zeros] as number;
    if (value >= limit) return false;
    store(row, value, negative);
    return true;
  };

  return (text, row) => {
    if (writePlain(text, row)) return;
    const match = NUMBER.exec(text.trim());
    const whole = match?.[2] ?? '';
    const fraction = match?.[3] ?? '';
    if (match === null || whole.length + fraction.length === 0) return reject(text, 'not_finite');
    const exponent = Number(match[4] ?? 0);
    const negative = match[1] === '-';
    // The value is `digits` without a point, `decimals` of them behind it.
    let digits = (whole + fraction).replace(/^0+/, '');
    let decimals = fraction.length - exponent;
    if (digits === '') return store(row, 0, false);
    if (decimals > scale) {
      const extra = decimals - scale;
      const kept = digits.slice(0, Math.max(digits.length - extra, 0));
      if (/[1-9]/.test(digits.slice(kept.length))) return reject(text, 'too_many_decimals');
      digits = kept;
      decimals = scale;
      if (digits === '') return store(row, 0, false);
    }
    const zeros = scale - decimals;
    if (digits.length + zeros > precision) return reject(text, 'too_large');
    digits += '0'.repeat(zeros);
    if (isInteger && !fitsInteger(digits, negative, column.width)) return reject(text, 'too_large');
    if (digits.length <= SAFE_DIGITS) return store(row, Number(digits), negative);
    words.fill(0);
    for (let at = 0; at < digits.length; at += GROUP_DIGITS) {
      const group = digits.slice(at, at + GROUP_DIGITS);
      multiplyAdd(POWERS_OF_TEN[group.length] as number, Number(group));
    }
    return storeWords(row, negative);
  };
}

/** Whether the digits, without leading zeros, are an integer of so many bytes. */
function fitsInteger(digits: string, negative: boolean, width: number): boolean {
  if (width === 8) {
    if (digits.length !== BIGINT_LIMIT.length) return digits.length < BIGINT_LIMIT.length;
    return negative ? digits <= BIGINT_LIMIT : digits < BIGINT_LIMIT;
  }
  const limit = 2 ** (8 * width - 1);
  return negative ? Number(digits) <= limit : Number(digits) < limit;
}

/**
 * Writes a JavaScript number that stands for a decimal of at most 15 digits: the double nearest to it, times 10^scale, is nearer to the
 * right whole number than to any other.
 */
export function decimalNumberWriter(column: ColumnData): (value: number, row: number) => void {
  const shape = decimalShape(column.type);
  if (!shape || shape.precision > SAFE_DIGITS)
    throw new TypeError(`${column.name} is ${column.type}, too wide for a double`);
  const power = 10 ** shape.scale;
  const { store } = decimalStore(column);
  return (value, row) => store(row, Math.round(Math.abs(value) * power), value < 0);
}
