// Bytes of JSON as the kernels look at them (AssemblyScript): tests/json-scan/compile-kernels.ts puts this before each kernel's own source.
// SIMD loads may go 16 bytes beyond a text.

// A field of an object: address of its name and closing quote, bytes of both, its place, and the last object that had it (u64).
const NAME: usize = 0;
const NAME_LENGTH: usize = 4;
const FIELD_PLACE: usize = 8;
const SEEN: usize = 16;
const FIELD: usize = 24;

const LF: u32 = 10;
const CR: u32 = 13;
const QUOTE: u32 = 34;
const BACKSLASH: u32 = 92;

@inline
function byte(at: usize): u32 {
  return load<u8>(at);
}

@inline
function isDigit(character: u32): bool {
  return character - 48 < 10;
}

@inline
function isSpace(character: u32): bool {
  return character == 32 || character == 9 || character == 13;
}

@inline
function skip(start: usize): usize {
  let at = start;
  while (isSpace(byte(at))) at += 1;
  return at;
}

/** True where the field's name and its closing quote stand at `at`. */
@inline
function isKey(at: usize, field: usize): bool {
  const length = <usize>load<u32>(field, NAME_LENGTH);
  const name = <usize>load<u32>(field, NAME);
  let index: usize = 0;
  while (index + 8 <= length) {
    if (load<u64>(at + index) != load<u64>(name + index)) return false;
    index += 8;
  }
  const rest = length - index;
  return rest == 0 || (load<u64>(at + index) ^ load<u64>(name + index)) << (64 - 8 * <u64>rest) == 0;
}

/** The closing quote of the text that begins at `start`; 0 where it is left to others. */
function stringEnd(start: usize): usize {
  const quotes = i8x16.splat(34);
  const backslashes = i8x16.splat(92);
  const spaces = i8x16.splat(32);
  let at = start;
  for (;;) {
    const chunk = v128.load(at);
    const found = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(chunk, quotes), i8x16.eq(chunk, backslashes)), i8x16.lt_u(chunk, spaces)),
    );
    if (found == 0) {
      at += 16;
      continue;
    }
    at += ctz(found);
    const stop = byte(at);
    if (stop == QUOTE) return at;
    if (stop != BACKSLASH) return 0;
    const escape = byte(at + 1);
    if (escape == 117) {
      const high = hexDigit(byte(at + 2));
      const second = hexDigit(byte(at + 3));
      // Surrogates come in pairs: others check that.
      if (high > 15 || second > 15 || (high == 13 && second > 7)) return 0;
      if (hexDigit(byte(at + 4)) > 15 || hexDigit(byte(at + 5)) > 15) return 0;
      at += 6;
    } else {
      // " \ / b f n r t
      if (
        escape != 110 && escape != QUOTE && escape != BACKSLASH && escape != 47 &&
        escape != 98 && escape != 102 && escape != 114 && escape != 116
      )
        return 0;
      at += 2;
    }
  }
  return 0;
}

@inline
function hexDigit(character: u32): u32 {
  if (isDigit(character)) return character - 48;
  const letter = (character | 32) - 97;
  return letter < 6 ? letter + 10 : 16;
}

/** , } ] or a space or line end: what may follow a number */
@inline
function isBehind(character: u32): bool {
  return character == 44 || character == 125 || character == 93 || character <= 32;
}

/** Two digits as a number; more than 99 for anything else. */
@inline
function number2(at: usize): u32 {
  const high = byte(at) - 48;
  const low = byte(at + 1) - 48;
  return high > 9 || low > 9 ? 1000 : high * 10 + low;
}
