import { isAscii, isUtf8 } from 'node:buffer';
import { pipeline, type Readable } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { IngestError } from '../../errors.ts';

/** What one response may weigh. Beyond it the read stops instead of filling the memory. */
export interface BodyLimits {
  /** Bytes after decompression. V8's longest string is 512 MiB. */
  maxBytes: number;
  /** Decompressed bytes per compressed byte that is believable beyond the first 16 MiB. */
  maxRatio: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = { maxBytes: 400 * 1024 * 1024, maxRatio: 1000 };

const BOMB_FREE_BYTES = 16 * 1024 * 1024;

/** Content codings that {@link readBody} undoes, best first. */
export const ACCEPT_ENCODING = 'gzip, deflate, br, zstd';

/** Reads a body to its end: undoes its content codings, minds the limits. `received` is what came over the wire. */
export async function readBody(
  body: Readable,
  contentEncoding: string | null,
  limits: BodyLimits,
): Promise<{ bytes: Buffer; received: number }> {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  let received = 0;
  const chunks: Buffer[] = [];
  let length = 0;
  const collect = (chunk: Buffer) => {
    length += chunk.length;
    if (length > limits.maxBytes) throw tooLarge(`more than ${megabytes(limits.maxBytes)} MB`);
    if (codings.length > 0 && length > BOMB_FREE_BYTES && length > received * limits.maxRatio) {
      throw tooLarge(`${megabytes(length)} MB out of ${received} compressed bytes`);
    }
    chunks.push(chunk);
  };
  if (codings.length === 0) {
    for await (const chunk of body) {
      received += chunk.length;
      collect(chunk);
    }
  } else {
    const counted = body.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    let stream: Readable = counted;
    for (const coding of codings.reverse()) {
      const decoder = await decompressor(coding, stream);
      // Errors reach the loop below through the last stream.
      stream = pipeline(stream, decoder, () => undefined);
    }
    try {
      for await (const chunk of stream) collect(chunk);
    } catch (error) {
      body.destroy();
      throw error;
    }
  }
  return { bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length), received };
}

async function decompressor(coding: string, input: Readable) {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    case 'deflate': {
      // RFC 9110 means the zlib format, but servers send raw deflate too: the first byte tells them apart.
      const first = await peek(input);
      return first !== null && (first & 0x0f) === 8
        ? createInflate()
        : createInflateRaw({ finishFlush: constants.Z_FINISH });
    }
    default:
      throw new IngestError(
        'API_ENCODING_UNKNOWN',
        `The response is compressed with "${coding}", which is not known here.`,
        {
          hint: `Set the header Accept-Encoding to one of ${ACCEPT_ENCODING}.`,
        },
      );
  }
}

async function peek(input: Readable): Promise<number | null> {
  for (;;) {
    const chunk: Buffer | null = input.read();
    if (chunk && chunk.length > 0) {
      input.unshift(chunk);
      return chunk[0] ?? null;
    }
    if (input.readableEnded || input.destroyed) return null;
    await new Promise<void>((resolve) => {
      for (const event of ['readable', 'end', 'error', 'close'] as const) input.once(event, () => resolve());
    });
  }
}

function tooLarge(what: string): IngestError {
  return new IngestError('API_RESPONSE_TOO_LARGE', `One response is too large: ${what}.`, {
    hint: 'Ask for smaller pages (page_size), or for fewer fields.',
  });
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1024 / 1024));
}

/**
 * Decodes a body: by its byte order mark, else by the content type's charset, else by `fallback` (UTF-8 where the job says nothing).
 * Bytes that are not of that charset are an error, never a replacement character.
 * `isUtf8` says that the bytes are UTF-8 and nothing but the text; such a text is made when it is asked for.
 * @throws IngestError API_CHARSET
 */
export function decodeText(
  bytes: Buffer,
  contentType: string | null,
  fallback: string,
): { text: () => string; isUtf8: boolean } {
  const declared = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType ?? '')?.[1];
  const charset = (markCharset(bytes) ?? declared ?? fallback).toLowerCase();
  if (charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') {
    if (isAscii(bytes)) return { text: () => bytes.toString('latin1'), isUtf8: true };
    if (isUtf8(bytes)) {
      const mark = markCharset(bytes) !== null;
      return { text: () => bytes.toString('utf8', mark ? 3 : 0), isUtf8: !mark };
    }
    throw notDecodable(charset, declared !== undefined, bytes);
  }
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch {
    throw new IngestError('API_CHARSET', `The response says charset "${charset}", which is not known here.`, {
      hint: 'Ask the API for UTF-8, for example with the header Accept-Charset.',
    });
  }
  try {
    const text = decoder.decode(bytes);
    return { text: () => text, isUtf8: false };
  } catch {
    throw notDecodable(charset, declared !== undefined, bytes);
  }
}

function markCharset(bytes: Buffer): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return null;
}

function notDecodable(charset: string, declared: boolean, bytes: Buffer): IngestError {
  const text = new TextDecoder(charset).decode(bytes);
  const at = text.indexOf('\ufffd');
  return new IngestError(
    'API_CHARSET',
    `The response is not ${charset}${declared ? ', though its Content-Type says so' : ''}: character ${at + 1} cannot be decoded.`,
    { hint: 'Set encoding (for example "windows-1252") in the resource\'s options, or ask the API for UTF-8.' },
  );
}
