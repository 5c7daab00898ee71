import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import * as yauzl from 'yauzl';
import { IngestError, messageOf } from '../errors.ts';
import { errorCode } from './write-atomic.ts';

/** A part of a zip with its compressed bytes as they lie in the file, so that it can be copied untouched. */
export interface ZipPart {
  /** With `/` between folders and none at the beginning. */
  name: string;
  nameBytes: Buffer;
  /** 0 stored, 8 deflated. */
  method: number;
  compressed: Buffer;
  /** Uncompressed bytes, as the directory says. */
  size: number;
  crc: number;
  encrypted: boolean;
  /** Bit 11 of the flags: the name is UTF-8. */
  utf8: boolean;
  /** DOS date and time. */
  date: number;
  time: number;
  attributes: number;
}

/** Bytes that may still be unpacked; shared by all parts of one file. */
export interface UnpackBudget {
  left: number;
}

/** One part, unpacked; a configuration workbook's largest is about 1 MB a thousand jobs. */
const LARGEST_PART = 64 * 2 ** 20;
/** All parts that are read of one file. */
const LARGEST_SUM = 128 * 2 ** 20;
const MOST_PARTS = 20_000;
const UTF8_FLAG = 0x800;

export function unpackBudget(): UnpackBudget {
  return { left: LARGEST_SUM };
}

/**
 * Lists the parts of a zip without unpacking any.
 * @throws IngestError `WORKBOOK_DAMAGED` where the file is cut short or is no zip.
 */
export async function readZip(bytes: Buffer, file: string): Promise<ZipPart[]> {
  try {
    const zip = await yauzl.fromBufferPromise(bytes, { decodeStrings: false, validateEntrySizes: false });
    if (zip.entryCount > MOST_PARTS) throw new Error(`it lists ${zip.entryCount} parts`);
    const parts: ZipPart[] = [];
    for await (const entry of zip.eachEntry()) parts.push(toPart(bytes, entry));
    return parts;
  } catch (error) {
    throw damaged(file, messageOf(error), error);
  }
}

function toPart(bytes: Buffer, entry: yauzl.Entry): ZipPart {
  const nameBytes = entry.fileName as unknown as Buffer;
  const name = nameBytes.toString('utf8').replaceAll('\\', '/').replace(/^\/+/, '');
  const header = entry.relativeOffsetOfLocalHeader;
  if (header + 30 > bytes.length || bytes.readUInt32LE(header) !== 0x04034b50) {
    throw new Error(`part ${name} is not where the directory says`);
  }
  const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
  if (start + entry.compressedSize > bytes.length) throw new Error(`part ${name} is cut short`);
  return {
    name,
    nameBytes,
    method: entry.compressionMethod,
    compressed: bytes.subarray(start, start + entry.compressedSize),
    size: entry.uncompressedSize,
    crc: entry.crc32,
    encrypted: (entry.generalPurposeBitFlag & 1) === 1,
    utf8: (entry.generalPurposeBitFlag & UTF8_FLAG) !== 0,
    date: entry.lastModFileDate,
    time: entry.lastModFileTime,
    attributes: entry.externalFileAttributes,
  };
}

/**
 * Unpacks one part, checking its size and checksum.
 * @throws IngestError `WORKBOOK_DAMAGED`, `WORKBOOK_TOO_LARGE` (also a zip bomb), `WORKBOOK_ENCRYPTED`.
 */
export function unpackPart(part: ZipPart, budget: UnpackBudget, file: string): Buffer {
  if (part.encrypted) {
    throw new IngestError('WORKBOOK_ENCRYPTED', `${file}: part ${part.name} is encrypted.`, {
      hint: 'Save the workbook in Excel without a password.',
    });
  }
  const limit = Math.min(LARGEST_PART, budget.left);
  if (part.size > limit) throw tooLarge(file, part.name);
  let content: Buffer;
  if (part.method === 0) {
    content = part.compressed;
  } else if (part.method === 8) {
    try {
      // One byte more than the directory says: enough to see that it lies, never enough to fill the memory.
      content = inflateRawSync(part.compressed, { maxOutputLength: part.size + 1 });
    } catch (error) {
      if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(file, part.name);
      throw damaged(file, `part ${part.name} cannot be unpacked`, error);
    }
  } else {
    throw damaged(file, `part ${part.name} is packed with method ${part.method}, which no spreadsheet program writes`);
  }
  if (content.length > part.size) throw tooLarge(file, part.name);
  if (content.length < part.size) throw damaged(file, `part ${part.name} is cut short`);
  if (crc32(content) !== part.crc) throw damaged(file, `part ${part.name} does not match its checksum`);
  budget.left -= content.length;
  return content;
}

/** The same part with new content; name, place and attributes stay. */
export function withContent(part: ZipPart, content: Buffer): ZipPart {
  return {
    ...part,
    method: 8,
    compressed: deflateRawSync(content),
    size: content.length,
    crc: crc32(content),
    encrypted: false,
  };
}

/** A zip of `parts` in their order; each part's packed bytes go in as they are. Sizes below 4 GB. */
export function writeZip(parts: readonly ZipPart[]): Buffer {
  const chunks: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE((part.utf8 ? UTF8_FLAG : 0) | (part.encrypted ? 1 : 0), 2);
    shared.writeUInt16LE(part.method, 4);
    shared.writeUInt16LE(part.time, 6);
    shared.writeUInt16LE(part.date, 8);
    shared.writeUInt32LE(part.crc, 10);
    shared.writeUInt32LE(part.compressed.length, 14);
    shared.writeUInt32LE(part.size, 18);
    shared.writeUInt16LE(part.nameBytes.length, 22);
    const local = Buffer.from([0x50, 0x4b, 3, 4]);
    chunks.push(local, shared, part.nameBytes, part.compressed);

    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(20, 4);
    shared.copy(record, 6);
    record.writeUInt32LE(part.attributes, 38);
    record.writeUInt32LE(offset, 42);
    directory.push(record, part.nameBytes);
    offset += local.length + shared.length + part.nameBytes.length + part.compressed.length;
  }
  const size = directory.reduce((sum, chunk) => sum + chunk.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...chunks, ...directory, end]);
}

/** A new part. */
export function newPart(name: string, content: Buffer): ZipPart {
  return withContent(
    {
      name,
      nameBytes: Buffer.from(name),
      method: 8,
      compressed: Buffer.alloc(0),
      size: 0,
      crc: 0,
      encrypted: false,
      utf8: true,
      // 1980-01-01, the earliest a zip can say: the same content gives the same bytes.
      date: 0x21,
      time: 0,
      attributes: 0,
    },
    content,
  );
}

export function damaged(file: string, reason: string, cause?: unknown): IngestError {
  return new IngestError('WORKBOOK_DAMAGED', `${file} is damaged: ${reason}.`, {
    hint: 'Restore an earlier version, or open it in Excel, let it repair the file, and save it.',
    cause,
  });
}

function tooLarge(file: string, part: string): IngestError {
  return new IngestError('WORKBOOK_TOO_LARGE', `${file}: part ${part} unpacks to more than its limit.`, {
    hint: 'A configuration workbook is never this large. If it is yours, copy its sheets into a new workbook.',
  });
}
