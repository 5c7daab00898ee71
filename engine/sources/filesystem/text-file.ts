import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import iconv from 'iconv-lite';
import { IngestError } from '../../errors.ts';
import { ScanFailure } from './record-scanner.ts';
import { CHUNK, type Compression, openBytes, unpacker } from './scan-bytes.ts';

/** A CSV or JSONL file that is UTF-8 (or a copy of it that is) and how it is packed. */
export interface TextFile {
  /** As people know it, relative to the root. */
  name: string;
  /** Where its bytes are read. */
  path: string;
  compression: Compression;
  /** Bytes on disk. */
  bytes: number;
  /** Bytes of a byte order mark in front. */
  mark: 0 | 3;
}

/** How a file is packed, by its first bytes: names lie. */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}

/** The first bytes of a file, unpacked. */
export async function readHead(path: string, compression: Compression, most: number): Promise<Uint8Array> {
  const bytes = await openBytes(path, compression, 0);
  try {
    const buffer = new Uint8Array(most);
    let length = 0;
    while (length < most) {
      const count = await bytes.read(buffer, length, most - length);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    await bytes.close();
  }
}

/** The name iconv knows an encoding by, or an error that names it. UTF-8 is `utf-8`. */
export function encodingName(encoding: string): string {
  const name = encoding.trim().toLowerCase();
  if (['', 'utf8', 'utf-8', 'utf-8-sig', 'ascii', 'us-ascii'].includes(name)) return 'utf-8';
  if (!iconv.encodingExists(name)) {
    throw new IngestError('FILE_ENCODING_UNKNOWN', `encoding "${encoding}" is not known.`, {
      hint: 'Use utf-8, utf-16, utf-16le, utf-16be, latin1, windows-1252 or another name that iconv knows.',
    });
  }
  return name;
}

/** Finds out how a file is packed and written. One that is not UTF-8 is copied to the spool as UTF-8; UTF-16 with a byte order mark is seen by itself. */
export async function prepareTextFile(
  name: string,
  path: string,
  bytes: number,
  encoding: string,
  spool: string,
  signal: AbortSignal,
): Promise<TextFile> {
  const packed = await readHead(path, 'none', 4);
  const compression = compressionOf(packed);
  let head: Uint8Array;
  try {
    head = compression === 'none' ? packed : await readHead(path, compression, 4);
  } catch (error) {
    throw damaged(name, compression, error);
  }
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const used = wide ? 'utf-16' : encodingName(encoding);
  const mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  if (used === 'utf-8' || mark === 3) return { name, path, compression, bytes, mark };
  const copy = join(spool, `utf8-${spoolName(name)}`);
  const decoder = iconv.getDecoder(used);
  const decode = new Transform({
    transform(chunk, _encoding, done) {
      decoded(this, decoder.write(chunk), done);
    },
    flush(done) {
      decoded(this, decoder.end() ?? '', done);
    },
  });
  function decoded(stream: Transform, text: string, done: (error?: Error) => void): void {
    if (text.includes('\uFFFD')) done(new ScanFailure('encoding', 0));
    else done(void stream.push(text, 'utf8'));
  }
  try {
    await pipeline([createReadStream(path), ...unpacker(compression), decode, createWriteStream(copy)] as never, {
      signal,
    });
  } catch (error) {
    if (error instanceof ScanFailure) {
      throw new IngestError('FILE_ENCODING_WRONG', `The file "${name}" holds bytes that are no ${used} text.`, {
        hint: 'Set encoding in the resource options of the job to what the file is written in.',
        cause: error,
      });
    }
    throw compression === 'none' ? error : damaged(name, compression, error);
  }
  return { name, path: copy, compression: 'none', bytes, mark: 0 };
}

let spoolNames = 0;

/** A file name in the spool that is not used twice. */
export function spoolName(name: string): string {
  spoolNames += 1;
  return `${spoolNames}-${name.replaceAll(/[^A-Za-z0-9.]+/g, '_').slice(-60)}`;
}

export function damaged(name: string, compression: Compression, cause: unknown): IngestError {
  return new IngestError(
    'FILE_DAMAGED',
    `The ${compression} file "${name}" cannot be unpacked: it is damaged or not complete.`,
    {
      hint: 'Get the file again; if it is still being written, run the job when it is complete.',
      retryable: false,
      cause,
    },
  );
}

/** The 1-based line that begins at an offset of the unpacked bytes. */
export async function lineAt(file: TextFile, offset: number): Promise<number> {
  let line = 1;
  const bytes = await openBytes(file.path, file.compression, 0);
  const buffer = new Uint8Array(CHUNK);
  let position = 0;
  let previous = 0;
  try {
    while (position < offset) {
      const count = await bytes.read(buffer, 0, Math.min(CHUNK, offset - position));
      if (count === 0) break;
      for (let index = 0; index < count; index += 1) {
        const byte = buffer[index] as number;
        if (byte === 13 || (byte === 10 && previous !== 13)) line += 1;
        previous = byte;
      }
      position += count;
    }
  } finally {
    await bytes.close();
  }
  return line;
}

/** What a person needs to know about a record that cannot be read: file, line, why, and the way out. */
export async function scanError(file: TextFile, failure: ScanFailure, expected: number): Promise<IngestError> {
  if (failure.reason === 'compression') return damaged(file.name, file.compression, failure);
  const line = await lineAt(file, failure.offset);
  const place = `"${file.name}", line ${line}`;
  const make = (code: string, message: string, hint: string) =>
    new IngestError(code, message, { hint, cause: failure });
  switch (failure.reason) {
    case 'width':
      return make(
        'CSV_RAGGED_ROW',
        `${place}: ${failure.detail} cells where the header has ${expected}.`,
        'Mend the row, or set delimiter and quote in the resource options; no row is dropped or filled up silently.',
      );
    case 'quote':
      return make(
        'CSV_QUOTE',
        `${place}: text follows a closing quote.`,
        'Double a quote inside a quoted cell (""), or set quote in the resource options.',
      );
    case 'open_quote':
      return make(
        'CSV_QUOTE',
        `${place}: a cell opens with a quote that is never closed.`,
        'Close it, or set quote = "" in the resource options if quotes mean nothing here.',
      );
    case 'encoding':
      return make(
        'FILE_ENCODING_WRONG',
        `${place}: the bytes are not UTF-8.`,
        'Set encoding in the resource options, e.g. encoding = "windows-1252".',
      );
    case 'json':
      return make(
        'JSON_INVALID',
        `${place}: no valid JSON (${failure.detail}).`,
        'Every line must be one whole JSON object.',
      );
    case 'not_an_object':
      return make(
        'JSON_NOT_AN_OBJECT',
        `${place}: the line is no JSON object.`,
        'JSONL has one object a line; a JSON array has to be written as lines first.',
      );
    case 'repeated_key':
      return make(
        'JSON_REPEATED_KEY',
        `${place}: the key "${failure.detail}" stands twice in one object.`,
        'One of the two values would be lost: rename one in the source.',
      );
    case 'depth':
      return make(
        'JSON_TOO_DEEP',
        `${place}: nested deeper than ${failure.detail} levels.`,
        'Flatten the record in the source.',
      );
    case 'record_size':
      return make(
        'FILE_RECORD_TOO_LONG',
        `${place}: a record is longer than ${failure.detail} bytes.`,
        'A quote that is never closed swallows the rest of a file: check quote, or split the record.',
      );
    default:
      throw failure.reason satisfies never;
  }
}

/** A plain copy of the unpacked bytes before `end`, without a byte order mark. */
export async function copyPrefix(file: TextFile, end: number, spool: string): Promise<TextFile> {
  const path = join(spool, `head-${spoolName(file.name)}`);
  const bytes = await openBytes(file.path, file.compression, 0);
  const output = await open(path, 'w');
  const buffer = new Uint8Array(Math.min(CHUNK, Math.max(1, end)));
  let position = 0;
  try {
    while (position < end) {
      const count = await bytes.read(buffer, 0, Math.min(buffer.length, end - position));
      if (count === 0) break;
      const from = position === 0 ? Math.min(file.mark, count) : 0;
      await output.write(buffer, from, count - from);
      position += count;
    }
  } finally {
    await output.close();
    await bytes.close();
  }
  return { ...file, path, compression: 'none', mark: 0 };
}
