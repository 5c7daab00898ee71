import type { ColumnData } from './column-data.ts';

/** Up to so many digits a double counts exactly, which is faster than four words. */
export const SAFE_DIGITS = 15;

const WORD = 0x1_0000_0000;

/** Puts whole numbers into a DECIMAL's or an integer's vector, up to 16 bytes wide. */
export interface DecimalStore {
  /** A number that is being built, 32 bits a word, least significant first. Fill it with zeros, then {@link multiplyAdd}. */
  words: Float64Array;
  /** `words * factor + summand`; the factor is at most 10^6, so that every product is a whole number that a double holds. */
  multiplyAdd(factor: number, summand: number): void;
  /** Stores a whole number of at most 15 digits. */
  store(row: number, magnitude: number, negative: boolean): void;
  /** Stores `words`. */
  storeWords(row: number, negative: boolean): void;
}

/** The store of one column; values that are too wide for it are the caller's matter. */
export function decimalStore({ width, int16, int32, uint32 }: ColumnData): DecimalStore {
  const words = new Float64Array(4);
  return {
    words,
    multiplyAdd: (factor, summand) => {
      let carry = summand;
      for (let index = 0; index < 4; index += 1) {
        const product = (words[index] as number) * factor + carry;
        carry = Math.floor(product / WORD);
        words[index] = product - carry * WORD;
      }
    },
    store: (row, magnitude, negative) => {
      const value = negative ? -magnitude : magnitude;
      if (width === 2) int16[row] = value;
      else if (width === 4) int32[row] = value;
      else {
        const index = width === 8 ? 2 * row : 4 * row;
        const high = Math.floor(value / WORD);
        uint32[index] = value - high * WORD;
        int32[index + 1] = high;
        if (width === 16) {
          const sign = value < 0 ? -1 : 0;
          int32[index + 2] = sign;
          int32[index + 3] = sign;
        }
      }
    },
    storeWords: (row, negative) => {
      const index = width === 8 ? 2 * row : 4 * row;
      const count = width >> 2;
      let carry = 1;
      for (let word = 0; word < count; word += 1) {
        let value = words[word] as number;
        if (negative) {
          value = WORD - 1 - value + carry;
          carry = value >= WORD ? 1 : 0;
        }
        uint32[index + word] = value;
      }
    },
  };
}
