/**
 * SHAKE-128 (FIPS 202), because dlt tags long names with it and this folder has no `node:crypto`.
 * Only names beyond a destination's limit are hashed, so clarity wins over speed.
 */
const MASK = 0xffff_ffff_ffff_ffffn;
const RATE_BYTES = 168;

/** Round constants of iota, from the LFSR of the standard (section 3.2.5). */
const ROUND_CONSTANTS: bigint[] = (() => {
  const constants: bigint[] = [];
  let register = 1;
  for (let round = 0; round < 24; round++) {
    let constant = 0n;
    for (let j = 0; j <= 6; j++) {
      if ((register & 1) === 1) constant |= 1n << BigInt((1 << j) - 1);
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
    constants.push(constant);
  }
  return constants;
})();

const rotate = (value: bigint, bits: number): bigint =>
  bits === 0 ? value : ((value << BigInt(bits)) | (value >> BigInt(64 - bits))) & MASK;

function permute(state: bigint[]): void {
  const lane = (x: number, y: number) => state[x + 5 * y] as bigint;
  for (const constant of ROUND_CONSTANTS) {
    // theta
    const parity = [0, 1, 2, 3, 4].map((x) => lane(x, 0) ^ lane(x, 1) ^ lane(x, 2) ^ lane(x, 3) ^ lane(x, 4));
    for (let x = 0; x < 5; x++) {
      const mix = (parity[(x + 4) % 5] as bigint) ^ rotate(parity[(x + 1) % 5] as bigint, 1);
      for (let y = 0; y < 5; y++) state[x + 5 * y] = lane(x, y) ^ mix;
    }
    // rho and pi
    let [x, y] = [1, 0];
    let current = lane(x, y);
    for (let t = 0; t < 24; t++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const moved = lane(x, y);
      state[x + 5 * y] = rotate(current, (((t + 1) * (t + 2)) / 2) % 64);
      current = moved;
    }
    // chi
    for (let row = 0; row < 5; row++) {
      const lanes = [0, 1, 2, 3, 4].map((column) => lane(column, row));
      for (let column = 0; column < 5; column++) {
        const next = lanes[(column + 1) % 5] as bigint;
        const afterNext = lanes[(column + 2) % 5] as bigint;
        state[column + 5 * row] = (lanes[column] as bigint) ^ (~next & MASK & afterNext);
      }
    }
    state[0] = lane(0, 0) ^ constant;
  }
}

/** The first `length` bytes (at most one block of 168) of SHAKE-128 over `message`. */
export function shake128(message: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array((Math.floor(message.length / RATE_BYTES) + 1) * RATE_BYTES);
  padded.set(message);
  padded[message.length] = 0x1f;
  padded[padded.length - 1] = (padded[padded.length - 1] as number) | 0x80;

  const state = new Array<bigint>(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE_BYTES) {
    for (let i = 0; i < RATE_BYTES; i++) {
      const lane = i >> 3;
      state[lane] = (state[lane] as bigint) ^ (BigInt(padded[block + i] as number) << BigInt(8 * (i & 7)));
    }
    permute(state);
  }
  return Uint8Array.from({ length }, (_, i) => Number(((state[i >> 3] as bigint) >> BigInt(8 * (i & 7))) & 0xffn));
}

/** UTF-8 of a text; this folder has no TextEncoder. A lone surrogate becomes U+FFFD, as there. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const raw = character.codePointAt(0) as number;
    const code = raw >= 0xd800 && raw <= 0xdfff ? 0xfffd : raw;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}
