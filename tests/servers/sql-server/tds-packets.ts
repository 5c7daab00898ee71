import type net from 'node:net';
import { Duplex } from 'node:stream';

/**
 * TDS messages and packets ([MS-TDS] 2.2.3), and the writer of everything little-endian. Depends on nothing of a driver, so that a mistake which a
 * driver makes in both directions is not hidden.
 */
export const PACKET = { batch: 1, result: 4, attention: 6, login: 16, prelogin: 18 } as const;

const HEADER_BYTES = 8;
const END_OF_MESSAGE = 1;

/** A buffer that grows as it is written. */
export class ByteWriter {
  #bytes: Buffer;
  length = 0;

  constructor(size = 256) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** Makes room and tells where it begins. */
  #next(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.byteLength) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.byteLength * 2, this.length));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#next(1);
    this.#bytes[at] = value & 0xff;
    return this;
  }

  u16(value: number): this {
    const at = this.#next(2);
    this.#bytes.writeUInt16LE(value & 0xffff, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#next(4);
    this.#bytes.writeUInt32LE(value >>> 0, at);
    return this;
  }

  i64(value: bigint): this {
    const at = this.#next(8);
    this.#bytes.writeBigInt64LE(value, at);
    return this;
  }

  float(value: number): this {
    const at = this.#next(4);
    this.#bytes.writeFloatLE(value, at);
    return this;
  }

  double(value: number): this {
    const at = this.#next(8);
    this.#bytes.writeDoubleLE(value, at);
    return this;
  }

  /** An unsigned number of any width. */
  unsigned(value: bigint, bytes: number): this {
    const at = this.#next(bytes);
    let rest = value;
    for (let index = 0; index < bytes; index += 1) {
      this.#bytes[at + index] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#next(value.byteLength);
    this.#bytes.set(value, at);
    return this;
  }

  /** A text with its length in characters before it, in one byte (B_VARCHAR) or two (US_VARCHAR). */
  text(value: string, lengthBytes: 1 | 2): this {
    if (lengthBytes === 1) this.u8(value.length);
    else this.u16(value.length);
    return this.bytes(Buffer.from(value, 'utf16le'));
  }

  /** What was written, and starts over. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}

/** Splits a stream into messages. */
export class MessageReader {
  #pending: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];

  feed(chunk: Buffer, onMessage: (type: number, data: Buffer) => void): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= HEADER_BYTES) {
      const length = this.#pending.readUInt16BE(2);
      if (this.#pending.length < length) return;
      const [type = 0, status = 0] = this.#pending;
      this.#parts.push(this.#pending.subarray(HEADER_BYTES, length));
      this.#pending = this.#pending.subarray(length);
      if ((status & END_OF_MESSAGE) === 0) continue;
      const data = Buffer.concat(this.#parts);
      this.#parts = [];
      onMessage(type, data);
    }
  }

  /** What is not a whole packet. */
  rest(): Buffer {
    const rest = this.#pending;
    this.#pending = Buffer.alloc(0);
    return rest;
  }
}

/** Cuts a message, or a part of one, into packets. */
export function packetsOf(type: number, data: Buffer, packetBytes: number, isLast: boolean): Buffer {
  const room = packetBytes - HEADER_BYTES;
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < data.length; at += room) {
    const part = data.subarray(at, at + room);
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = type;
    header[1] = isLast && at + room >= data.length ? END_OF_MESSAGE : 0;
    header.writeUInt16BE(part.length + HEADER_BYTES, 2);
    pieces.push(header, part);
  }
  return Buffer.concat(pieces);
}

/** Carries a TLS handshake inside PRELOGIN packets, and then TLS records as they are: TDS 7.x encrypts below its packets. */
export class TlsCarrier extends Duplex {
  readonly #socket: net.Socket;
  readonly #reader = new MessageReader();
  #isRaw = false;
  #flight: Buffer[] = [];

  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  /** Bytes of the client. */
  input(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (!this.#isRaw && chunk[0] !== PACKET.prelogin) this.#isRaw = true;
    if (this.#isRaw) {
      this.push(chunk);
      return;
    }
    this.#reader.feed(chunk, (_type, data) => this.push(data));
    const rest = this.#reader.rest();
    if (rest[0] === PACKET.prelogin) this.#reader.feed(rest, () => undefined);
    else this.input(rest);
  }

  override _read(): void {
    // Bytes are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isRaw) {
      this.#socket.write(chunk, done);
      return;
    }
    // A flight of the handshake is one message: clients read exactly one in each round.
    this.#flight.push(chunk);
    if (this.#flight.length === 1) {
      setImmediate(() => {
        const flight = Buffer.concat(this.#flight);
        this.#flight = [];
        this.#socket.write(packetsOf(PACKET.prelogin, flight, 4096, true));
      });
    }
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }
}
