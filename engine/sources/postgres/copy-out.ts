import type { Socket } from 'node:net';
import type { Connection, Submittable } from 'pg';

/** Takes each row of a COPY as it lies in the receive buffer; false stops the stream until {@link CopyOut.resume}. */
export type RowSink = (buffer: Buffer, start: number, end: number) => boolean;

const MESSAGE_HEADER_BYTES = 5;
const COPY_DATA = 'd'.charCodeAt(0);
const COPY_OUT_RESPONSE = 'H'.charCodeAt(0);
/** ParameterStatus, NoticeResponse and NotificationResponse may come at any time. */
const ASYNCHRONOUS = new Set(['S', 'N', 'A'].map((code) => code.charCodeAt(0)));

/**
 * A `COPY … TO STDOUT` that is read from the socket itself. The server sends each row as one CopyData message (documented in
 * "Message Formats" of PostgreSQL's manual), so rows are handed on where they were received: nothing is copied or cut
 * but a row that lies across two reads. The first row has COPY's own header before it.
 */
export class CopyOut implements Submittable {
  readonly #sql: string;
  readonly #sink: RowSink;
  readonly #onBytes: (bytes: number) => void;
  readonly #done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #socket: Socket | null = null;
  #driverListener: ((chunk: Buffer) => void) | null = null;
  /** What was received when the sink had enough. */
  #rest: Buffer | null = null;
  /** A message of which only the beginning was received. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  #stopped = false;
  #error: unknown = null;

  constructor(sql: string, sink: RowSink, onBytes: (bytes: number) => void) {
    this.#sql = sql;
    this.#sink = sink;
    this.#onBytes = onBytes;
    // Who waits for it may come later than the error.
    this.#done.promise.catch(() => undefined);
  }

  /** Settles when the server has ended the statement, or the connection is lost. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** True while the sink does not want rows. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Goes on after the sink said false. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    const rest = this.#rest;
    this.#rest = null;
    if (rest) this.#receive(rest);
    if (!this.#stopped) this.#socket?.resume();
  }

  submit(connection: Connection): void {
    const socket = connection.stream as Socket;
    const [listener, ...others] = socket.listeners('data') as ((chunk: Buffer) => void)[];
    if (!listener || others.length > 0) throw new Error('The PostgreSQL driver reads its socket in a new way.');
    this.#socket = socket;
    this.#driverListener = listener;
    socket.off('data', listener);
    socket.on('data', this.#onData);
    connection.query(this.#sql);
  }

  handleError(error: Error): void {
    this.#handBack();
    this.#done.reject(this.#error ?? error);
  }

  handleReadyForQuery(): void {
    if (this.#error) this.#done.reject(this.#error);
    else this.#done.resolve();
  }

  handleCommandComplete(): void {}

  readonly #onData = (chunk: Buffer): void => {
    this.#onBytes(chunk.byteLength);
    this.#receive(chunk);
    if (this.#stopped) this.#socket?.pause();
  };

  #receive(chunk: Buffer): void {
    try {
      let at = 0;
      if (this.#partial) {
        at = this.#fillPartial(chunk);
        const message = this.#partial;
        if (this.#partialLength < message.byteLength || message.byteLength < MESSAGE_HEADER_BYTES) return;
        this.#partial = null;
        this.#walk(message, 0);
      }
      this.#walk(chunk, at);
    } catch (error) {
      this.#error = error;
      this.#done.reject(error);
      // The server would go on sending: the connection is of no use any more.
      this.#socket?.destroy();
    }
  }

  /** Hands on the messages from `at`; what it does not, it keeps or gives back to the driver. */
  #walk(chunk: Buffer, from: number): void {
    const sink = this.#sink;
    const length = chunk.byteLength;
    let at = from;
    while (!this.#stopped && this.#driverListener && at + MESSAGE_HEADER_BYTES <= length) {
      const code = chunk[at] as number;
      const end = at + 1 + chunk.readUInt32BE(at + 1);
      if (code === COPY_DATA) {
        if (end > length) break;
        if (!sink(chunk, at + MESSAGE_HEADER_BYTES, end)) this.#stopped = true;
      } else if (code === COPY_OUT_RESPONSE) {
        if (end > length) break;
      } else if (ASYNCHRONOUS.has(code)) {
        if (end > length) break;
        this.#driverListener(chunk.subarray(at, end));
      } else {
        // CopyDone or an error: from here on it is the driver's conversation again.
        this.#handBack();
        break;
      }
      at = end;
    }
    if (at >= length) return;
    if (!this.#driverListener) this.#socket?.emit('data', chunk.subarray(at));
    else if (this.#stopped) this.#rest = chunk.subarray(at);
    else this.#startPartial(chunk, at);
  }

  #startPartial(chunk: Buffer, at: number): void {
    const available = chunk.byteLength - at;
    // Its size is in its header; while that is cut too, the header is all that is waited for.
    const size = available >= MESSAGE_HEADER_BYTES ? 1 + chunk.readUInt32BE(at + 1) : MESSAGE_HEADER_BYTES;
    this.#partial = Buffer.allocUnsafeSlow(size);
    this.#partialLength = chunk.copy(this.#partial, 0, at);
  }

  /** Adds to the cut message; gives the position in `chunk` behind what was used. */
  #fillPartial(chunk: Buffer): number {
    const partial = this.#partial as Buffer;
    const used = chunk.copy(partial, this.#partialLength);
    this.#partialLength += used;
    if (partial.byteLength > MESSAGE_HEADER_BYTES || this.#partialLength < MESSAGE_HEADER_BYTES) return used;
    const size = 1 + partial.readUInt32BE(1);
    if (size === MESSAGE_HEADER_BYTES) return used;
    // The header is whole now.
    this.#partial = Buffer.allocUnsafeSlow(size);
    partial.copy(this.#partial);
    const more = chunk.copy(this.#partial, MESSAGE_HEADER_BYTES, used);
    this.#partialLength = MESSAGE_HEADER_BYTES + more;
    return used + more;
  }

  #handBack(): void {
    if (!this.#driverListener) return;
    this.#socket?.off('data', this.#onData);
    this.#socket?.on('data', this.#driverListener);
    this.#driverListener = null;
  }
}
