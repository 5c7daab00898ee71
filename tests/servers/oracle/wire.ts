/** The bytes of Oracle's TTC messages: lengths before numbers, chunks for what is long. */

/** A message goes on in a packet that is not there yet. */
export class NeedMoreBytes extends Error {}

/** Lengths with a meaning of their own (TNS_LONG_LENGTH_INDICATOR, TNS_NULL_LENGTH_INDICATOR). */
const CHUNKED = 254;
const NULL_LENGTH = 255;
const MAX_CHUNK_BYTES = 32_767;

export class MessageReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  need(count: number): void {
    if (this.at + count > this.#bytes.length) throw new NeedMoreBytes();
  }

  /** The next byte, which stays unread. */
  peek(): number {
    this.need(1);
    return this.#bytes[this.at] as number;
  }

  byte(): number {
    const value = this.peek();
    this.at += 1;
    return value;
  }

  raw(count: number): Buffer {
    this.need(count);
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  uint16(): number {
    return this.raw(2).readUInt16BE();
  }

  /** A number of so many bytes as the byte before it says. */
  number(): number {
    const length = this.byte() & 0x7f;
    return length === 0 ? 0 : this.raw(length).readUIntBE(0, Math.min(length, 6));
  }

  skipNumbers(count: number): void {
    for (let index = 0; index < count; index += 1) this.number();
  }

  bytes(): Buffer | null {
    const length = this.byte();
    if (length === 0 || length === NULL_LENGTH) return null;
    if (length !== CHUNKED) return this.raw(length);
    const chunks: Buffer[] = [];
    for (let size = this.number(); size > 0; size = this.number()) chunks.push(this.raw(size));
    return Buffer.concat(chunks);
  }

  text(): string {
    return this.bytes()?.toString('utf8') ?? '';
  }
}

/** Builds a message; the methods can be chained. */
export class MessageWriter {
  #bytes = Buffer.allocUnsafe(16_384);
  #length = 0;

  raw(bytes: Uint8Array): this {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  byte(...values: number[]): this {
    this.#grow(values.length);
    for (const value of values) {
      this.#bytes[this.#length] = value;
      this.#length += 1;
    }
    return this;
  }

  uint16(value: number): this {
    return this.byte(value >> 8, value);
  }

  uint16LittleEndian(value: number): this {
    return this.byte(value, value >> 8);
  }

  number(value: number): this {
    if (value === 0) return this.byte(0);
    const size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x1_0000_0000 ? 4 : 6;
    this.byte(size);
    this.#grow(size);
    this.#length = this.#bytes.writeUIntBE(value, this.#length, size);
    return this;
  }

  numbers(...values: number[]): this {
    for (const value of values) this.number(value);
    return this;
  }

  bytes(bytes: Uint8Array | null): this {
    if (bytes === null || bytes.length === 0) return this.byte(0);
    if (bytes.length < 253) return this.byte(bytes.length).raw(bytes);
    this.byte(CHUNKED);
    for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + MAX_CHUNK_BYTES);
      this.number(chunk.length).raw(chunk);
    }
    return this.number(0);
  }

  text(text: string): this {
    return this.bytes(Buffer.from(text));
  }

  /** A text with its length in front, once more. */
  measuredText(text: string): this {
    const bytes = Buffer.from(text);
    this.number(bytes.length);
    return bytes.length > 0 ? this.bytes(bytes) : this;
  }

  pair(key: string, value: string, flags = 0): this {
    return this.measuredText(key).measuredText(value).number(flags);
  }

  get length(): number {
    return this.#length;
  }

  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
