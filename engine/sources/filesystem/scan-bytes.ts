import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { throwIfCancelled } from '../../errors.ts';
import { type RecordScanner, ScanFailure } from './record-scanner.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** The stream that unpacks, if one is needed. */
export function unpacker(compression: Compression): Transform[] {
  if (compression === 'none') return [];
  return [compression === 'gzip' ? createGunzip() : createZstdDecompress()];
}

/** A stream of the unpacked bytes, for rewriting. */
export function unpacked(path: string, compression: Compression): Readable {
  const source = createReadStream(path);
  const [unpack] = unpacker(compression);
  if (unpack === undefined) return source;
  source.on('error', (error) => unpack.destroy(error));
  return source.pipe(unpack);
}

export interface ByteSource {
  /** Fills up to `length` bytes; 0 at the end. */
  read(buffer: Uint8Array, offset: number, length: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens a file for reading its unpacked bytes; `start` is for files that are not packed. */
export async function openBytes(path: string, compression: Compression, start: number): Promise<ByteSource> {
  if (compression === 'none') {
    const handle = await open(path, 'r');
    let position = start;
    return {
      async read(buffer, offset, length) {
        const { bytesRead } = await handle.read(buffer, offset, length, position);
        position += bytesRead;
        return bytesRead;
      },
      close: () => handle.close(),
    };
  }
  const stream = unpacked(path, compression);
  const chunks = stream.iterator({ destroyOnReturn: true });
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read(buffer, offset, length) {
      if (rest.length === 0) {
        const next = await chunks.next();
        if (next.done === true) return 0;
        rest = next.value as Uint8Array;
      }
      const part = rest.subarray(0, length);
      buffer.set(part, offset);
      rest = rest.subarray(part.length);
      return part.length;
    },
    async close() {
      stream.destroy();
    },
  };
}

export interface ScanRange {
  /** Byte to start at; 0, or the start of a record. */
  start: number;
  /** Records that begin at or behind this byte are left to others. */
  until: number;
  /** Records to scan at most. */
  mostRows: number;
}

/** Bytes read at a time. */
export const CHUNK = 4 * 1024 * 1024;
const SMALL = 16 * 1024;
/** A record longer than this could not be read by DuckDB either. */
const MAX_RECORD = 1024 * 1024 * 1024;

/**
 * Runs a scanner over a file's unpacked bytes in chunks and gives back where it stopped, as an offset of the unpacked bytes.
 * Throws {@link ScanFailure} with such an offset. Bytes that are not UTF-8 are refused.
 */
export async function scanBytes(
  file: { path: string; compression: Compression; mark: number; bytes: number },
  scanner: RecordScanner<unknown>,
  range: ScanRange,
  signal: AbortSignal | null,
  progress: (bytes: number) => void = () => {},
): Promise<number> {
  const begin = range.start === 0 ? file.mark : range.start;
  const bytes = await openBytes(file.path, file.compression, file.compression === 'none' ? begin : 0);
  // Thousands of small files must not cost a large buffer each; it grows where a record needs it.
  let buffer = scanner.allocate(
    Math.min(CHUNK, Math.max(SMALL, file.compression === 'none' ? file.bytes + 1 : 8 * file.bytes)) + 1,
  );
  let base = file.compression === 'none' ? begin : 0;
  let have = 0;
  let skip = file.compression === 'none' ? 0 : begin;
  try {
    for (;;) {
      if (signal !== null) throwIfCancelled(signal);
      let count = 0;
      try {
        count = await bytes.read(buffer, have, buffer.length - 1 - have);
      } catch (error) {
        throw new ScanFailure('compression', base + have, (error as Error).message);
      }
      progress(count);
      const length = have + count;
      // A stream gives small pieces: wait for enough of them.
      if (count > 0 && file.compression !== 'none' && length < (buffer.length - 1) / 4) {
        have = length;
        continue;
      }
      const from = skip;
      skip = 0;
      const view = from === 0 ? buffer : buffer.subarray(from);
      view[length - from] = 10;
      let used: number;
      try {
        used = scanner.scan(view, length - from, count === 0, range.until - base - from, range.mostRows) + from;
      } catch (error) {
        if (error instanceof ScanFailure) error.offset += base + from;
        throw error;
      }
      if (!isUtf8(buffer.subarray(0, used))) throw new ScanFailure('encoding', base + firstInvalid(buffer, used));
      buffer.copyWithin(0, used, length);
      base += used;
      have = length - used;
      if (count === 0 || base >= range.until || scanner.rows >= range.mostRows) return base;
      if (have > (buffer.length - 1) / 2) {
        if (have > MAX_RECORD) throw new ScanFailure('record_size', base, `${MAX_RECORD}`);
        const larger = new Uint8Array(2 * (buffer.length - 1) + 1);
        larger.set(buffer.subarray(0, have));
        buffer = larger;
      }
    }
  } finally {
    await bytes.close();
  }
}

/** Where the line begins that holds the first byte that is no UTF-8. */
function firstInvalid(buffer: Uint8Array, length: number): number {
  let start = 0;
  while (start < length) {
    const end = buffer.indexOf(10, start);
    const next = end < 0 || end >= length ? length : end + 1;
    if (!isUtf8(buffer.subarray(start, next))) return start;
    start = next;
  }
  return 0;
}
