import type { ColumnBuffer } from '../../duckdb/column-buffer.ts';
import { decimalShape } from '../../duckdb/column-data.ts';
import { decimalStore, SAFE_DIGITS } from '../../duckdb/decimal-store.ts';
import type { RejectValue } from '../database/value-error.ts';
import type { Decoder } from './decoder.ts';

/**
 * PostgreSQL sends a numeric as base-10000 groups, most significant first (numeric_send in src/backend/utils/adt/numeric.c):
 * int16 count of groups, int16 weight (power of 10000 of the first), int16 sign, int16 display scale, then the groups.
 */
const HEADER_BYTES = 8;
const NEGATIVE = 0x4000;
const NAN = 0xc000;
const POSITIVE_INFINITY = 0xd000;
const NEGATIVE_INFINITY = 0xf000;

const POWERS_OF_TEN = [1, 10, 100, 1000, 10_000] as const;

/**
 * Decodes into DECIMAL(p,s), exactly: a value with digits beyond the scale or the precision, NaN and the infinities are rejected.
 */
export function numericDecoder(column: ColumnBuffer, reject: RejectValue): Decoder {
  const shape = decimalShape(column.type);
  if (!shape) throw new TypeError(`${column.name} is no DECIMAL but ${column.type}`);
  const { precision, scale } = shape;
  const { words, multiplyAdd, store, storeWords } = decimalStore(column);
  // The scale is so many whole groups and this many digits of the next.
  const wholeGroups = scale >> 2;
  const partDigits = scale & 3;
  const partPower = POWERS_OF_TEN[partDigits] as number;
  const cutPower = POWERS_OF_TEN[4 - partDigits] as number;

  return (bytes, at, _length, row) => {
    const groups = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const weight = (((bytes[at + 2] as number) << 24) >> 16) | (bytes[at + 3] as number);
    const sign = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
    if (sign !== 0 && sign !== NEGATIVE) reject(numericText(bytes, at), 'not_finite');
    if (groups === 0) return store(row, 0, false);

    const first = at + HEADER_BYTES;
    const leading = ((bytes[first] as number) << 8) | (bytes[first + 1] as number);
    const leadingDigits = leading >= 1000 ? 4 : leading >= 100 ? 3 : leading >= 10 ? 2 : 1;
    if (leadingDigits + 4 * weight + scale > precision) {
      reject(numericText(bytes, at), 'too_large');
    }
    const negative = sign === NEGATIVE;
    const inDouble = 4 * (weight + 1) + scale <= SAFE_DIGITS;
    let value = 0;
    if (!inDouble) words.fill(0);
    // Groups that stand for whole groups of the result; those that were not sent are zero.
    for (let power = weight; power >= -wholeGroups; power -= 1) {
      const index = weight - power;
      const position = first + 2 * index;
      const group = index < groups ? ((bytes[position] as number) << 8) | (bytes[position + 1] as number) : 0;
      if (inDouble) value = value * 10_000 + group;
      else multiplyAdd(10_000, group);
    }
    // The group in which the scale ends, and what comes after it, which must be nothing.
    const last = weight + wholeGroups + 1;
    for (let index = Math.max(last, 0); index < groups; index += 1) {
      const position = first + 2 * index;
      const group = ((bytes[position] as number) << 8) | (bytes[position + 1] as number);
      if (group === 0) continue;
      if (index > last || group % cutPower !== 0) reject(numericText(bytes, at), 'too_many_decimals');
    }
    if (partDigits > 0) {
      const position = first + 2 * last;
      const group =
        last >= 0 && last < groups ? ((bytes[position] as number) << 8) | (bytes[position + 1] as number) : 0;
      if (inDouble) value = value * partPower + group / cutPower;
      else multiplyAdd(partPower, group / cutPower);
    }
    if (inDouble) store(row, value, negative);
    else storeWords(row, negative);
  };
}

/** The value as PostgreSQL writes it, for messages. */
export function numericText(bytes: Uint8Array, at: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const groups = view.getInt16(at);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  const decimals = view.getUint16(at + 6);
  if (sign === NAN) return 'NaN';
  if (sign === POSITIVE_INFINITY) return 'Infinity';
  if (sign === NEGATIVE_INFINITY) return '-Infinity';
  const group = (power: number): string => {
    const index = weight - power;
    const digits = index >= 0 && index < groups ? view.getInt16(at + HEADER_BYTES + 2 * index) : 0;
    return String(digits).padStart(4, '0');
  };
  let whole = '';
  for (let power = Math.max(weight, 0); power >= 0; power -= 1) whole += group(power);
  let fraction = '';
  for (let power = -1; fraction.length < decimals; power -= 1) fraction += group(power);
  const text = whole.replace(/^0+(?=\d)/, '') + (decimals > 0 ? `.${fraction.slice(0, decimals)}` : '');
  return sign === NEGATIVE ? `-${text}` : text;
}
