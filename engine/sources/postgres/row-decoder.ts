import type { ChunkWriter } from '../../duckdb/chunk-writer.ts';
import { IngestError } from '../../errors.ts';
import { createDecoder } from './binary-decoder.ts';
import type { PlannedColumn } from './column-plan.ts';
import type { RowSink } from './copy-out.ts';

/** COPY's binary signature, then int32 flags and int32 length of an extension ("COPY", "Binary Format" in the manual). */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const TRAILER = 0xffff;

export interface RowDecoderOptions {
  object: string;
  /** Called every few thousand rows. */
  onRows(): void;
}

/** Decodes the rows of one binary COPY into the writer; says false when the writer's table is full. */
export function createRowDecoder(
  writer: ChunkWriter,
  columns: readonly PlannedColumn[],
  options: RowDecoderOptions,
): RowSink {
  const buffers = writer.columns;
  const count = columns.length;
  const decoders = columns.map((column, index) =>
    createDecoder(writer, buffers[index] as (typeof buffers)[number], {
      object: options.object,
      wire: column.wire,
      infinities: column.infinities,
    }),
  );
  let started = false;
  return (bytes, start, end) => {
    let at = start;
    if (!started) {
      at = skipHeader(bytes, start);
      started = true;
      if (at === end) return true;
    }
    const fields = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (fields === TRAILER) return true;
    if (fields !== count) throw protocolError(`a row of ${fields} fields instead of ${count}`);
    writer.beginRow(bytes, at, end);
    at += 2;
    const row = writer.row;
    for (let index = 0; index < count; index += 1) {
      const length =
        ((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number);
      at += 4;
      if (length < 0) {
        (buffers[index] as (typeof buffers)[number]).setNull(row);
        continue;
      }
      (decoders[index] as (typeof decoders)[number])(bytes, at, length, row);
      at += length;
    }
    const full = writer.endRow();
    if (writer.row === 0) options.onRows();
    return !full;
  };
}

function skipHeader(bytes: Buffer, start: number): number {
  const end = start + SIGNATURE.byteLength;
  if (SIGNATURE.compare(bytes, start, end) !== 0) throw protocolError('no COPY signature');
  return end + 8 + bytes.readUInt32BE(end + 4);
}

function protocolError(what: string): IngestError {
  return new IngestError('PROTOCOL_ERROR', `The server's COPY stream cannot be read: ${what}.`, {
    hint: 'Is it PostgreSQL itself, or a database that only speaks like it? Report this with the server version.',
  });
}
