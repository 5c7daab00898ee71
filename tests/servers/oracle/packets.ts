import type { Socket } from 'node:net';

/** Types of TNS packets. */
export const PACKET = { connect: 1, accept: 2, refuse: 4, data: 6, marker: 12 } as const;
/** Kinds of markers. */
const MARKER = { reset: 2 } as const;
const HEADER_BYTES = 10;
/** A data packet's flag: the client says goodbye. */
const END_OF_FILE = 0x40;
/** TNS protocol version: 315 has large data units and no more features that a client would use. */
const VERSION = 315;
const MAX_SDU = 65_535;
/** A TLS record of a client that expects another server. */
const TLS_HANDSHAKE = 0x16;

export interface PacketListener {
  connect(descriptor: string): void;
  data(bytes: Buffer): void;
  /** The client wants the running call to end. */
  interrupt(): void;
  /** The client's answer to a break. */
  reset(): void;
}

/** Oracle's packets (TNS) over a socket. */
export class PacketStream {
  readonly #socket: Socket;
  readonly #listener: PacketListener;
  #received: Buffer = Buffer.alloc(0);
  #isAccepted = false;
  #sdu = 8192;

  constructor(socket: Socket, listener: PacketListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('data', (bytes: Buffer) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#split();
    });
  }

  /** Lets the client in, with packets as large as it asked for. */
  accept(): void {
    const packet = Buffer.alloc(45);
    packet.writeUInt16BE(packet.length, 0);
    packet[4] = PACKET.accept;
    packet.writeUInt16BE(VERSION, 8);
    packet.writeUInt16BE(1, 10);
    packet.writeUInt16BE(Math.min(this.#sdu, 0xffff), 12);
    packet.writeUInt16BE(0x7fff, 14);
    packet.writeUInt16BE(1, 16);
    packet.writeUInt16BE(packet.length, 20);
    // Neither native encryption nor other network services.
    packet[22] = 0x0c;
    packet[23] = 0x0c;
    packet.writeUInt32BE(this.#sdu, 32);
    packet.writeUInt32BE(2_097_152, 36);
    this.#socket.write(packet);
    this.#isAccepted = true;
  }

  /** The listener's refusal, e.g. 12514. */
  refuse(code: number): void {
    const text = Buffer.from(
      `(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=${code})(ERROR_STACK=(ERROR=(CODE=${code})(EMFI=4))))`,
    );
    const packet = Buffer.alloc(12 + text.length);
    packet.writeUInt16BE(packet.length, 0);
    packet[4] = PACKET.refuse;
    packet[8] = 34;
    packet.writeUInt16BE(text.length, 10);
    text.copy(packet, 12);
    this.#socket.end(packet);
  }

  /** Sends a message in as many packets as it needs; waits while the client does not read. */
  async send(message: Buffer): Promise<void> {
    const size = this.#sdu - HEADER_BYTES;
    const count = Math.max(1, Math.ceil(message.length / size));
    const packets = Buffer.allocUnsafe(message.length + count * HEADER_BYTES);
    let to = 0;
    for (let index = 0; index < count; index += 1) {
      const end = Math.min(message.length, (index + 1) * size);
      const length = end - index * size + HEADER_BYTES;
      packets.fill(0, to, to + HEADER_BYTES);
      packets.writeUInt32BE(length, to);
      packets[to + 4] = PACKET.data;
      message.copy(packets, to + HEADER_BYTES, index * size, end);
      to += length;
    }
    if (this.#socket.destroyed || this.#socket.write(packets)) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        this.#socket.off('drain', settle).off('close', settle);
        resolve();
      };
      this.#socket.on('drain', settle).on('close', settle);
    });
  }

  /** Says that a call ended before its time: break, then reset. */
  breakCall(): void {
    for (const kind of [1, 2]) this.#socket.write(Buffer.from([0, 0, 0, 11, PACKET.marker, 0, 0, 0, 1, 0, kind]));
  }

  #split(): void {
    for (;;) {
      const bytes = this.#received;
      if (bytes.length < 8) return;
      if (!this.#isAccepted && bytes[0] === TLS_HANDSHAKE) {
        this.#socket.destroy();
        return;
      }
      const length = this.#isAccepted ? bytes.readUInt32BE(0) : bytes.readUInt16BE(0);
      if (bytes.length < length) return;
      this.#received = bytes.subarray(length);
      this.#handle(bytes.subarray(0, length));
    }
  }

  #handle(packet: Buffer): void {
    switch (packet[4]) {
      case PACKET.connect: {
        const length = packet.readUInt16BE(24);
        const offset = packet.readUInt16BE(26);
        this.#sdu = Math.min(Math.max(packet.readUInt32BE(58), 8192), MAX_SDU);
        // A long descriptor comes in a packet of its own.
        if (packet.length >= offset + length)
          this.#listener.connect(packet.toString('latin1', offset, offset + length));
        return;
      }
      case PACKET.marker:
        if (packet[10] === MARKER.reset) this.#listener.reset();
        else this.#listener.interrupt();
        return;
      case PACKET.data:
        if (!this.#isAccepted) this.#listener.connect(packet.toString('latin1', HEADER_BYTES));
        else if (packet.readUInt16BE(8) & END_OF_FILE) this.#socket.end();
        else this.#listener.data(packet.subarray(HEADER_BYTES));
        return;
      default:
        this.#socket.destroy();
    }
  }
}
