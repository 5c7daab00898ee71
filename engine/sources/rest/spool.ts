import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { identifier, literal, literalList } from '../../duckdb/sql.ts';
import { throwIfCancelled } from '../../errors.ts';
import type { Segment, SourceColumn } from '../source.ts';
import type { ShapeNode } from './infer.ts';
import { parseJson } from './json.ts';
import { rawLines } from './raw-lines.ts';
import type { JsonRecord } from './records.ts';
import { type Digits, measure, type RecordSchema, rewriteObject } from './schema.ts';

/** One NDJSON file of the spool, which becomes one segment. */
interface SpoolFile {
  path: string;
  rows: number;
  /** Bytes received from the API for its records. */
  received: number;
  /** Bytes of its longest line, or more. */
  longest: number;
}

/** Bytes of NDJSON in a file: large enough for DuckDB's threads, small enough that few of them are on disk at a time after the read. */
const FILE_BYTES = 32 * 1024 * 1024;
/** Bytes that DuckDB allows an object at least. Its buffers are twice as large, and a thread works on one buffer at a time. */
const OBJECT_SIZE = 1024 * 1024;

/** Records of a read as NDJSON on disk, in the order of reading, digits as the API wrote them. */
export class Spool {
  readonly #directory: string;
  readonly #limit: number;
  readonly #files: SpoolFile[] = [];
  #handle: FileHandle | null = null;
  #written = 0;
  #pending: Promise<void> = Promise.resolve();

  constructor(directory: string, fileBytes = FILE_BYTES) {
    this.#directory = directory;
    this.#limit = fileBytes;
  }

  /**
   * Appends records, from the response's own bytes where these are given and can be cut into lines.
   * Writes in the background, one page behind at most; a failed write throws at the next call.
   */
  async append(
    records: readonly JsonRecord[],
    received: number,
    raw: { bytes: Buffer; listKey: string | null } | null,
  ): Promise<void> {
    if (records.length === 0) return;
    await this.appendLines(
      (raw && rawLines(raw.bytes, records, raw.listKey)) ?? writtenLines(records),
      records.length,
      received,
    );
  }

  /** {@link Spool.append} for records that are lines already. */
  async appendLines(lines: { bytes: Buffer; longest: number }, rows: number, received: number): Promise<void> {
    if (rows === 0) return;
    await this.#pending;
    if (!this.#handle || this.#written >= this.#limit) await this.#rotate();
    const file = this.#files.at(-1) as SpoolFile;
    file.rows += rows;
    file.received += received;
    file.longest = Math.max(file.longest, lines.longest);
    this.#written += lines.bytes.length;
    const handle = this.#handle as unknown as FileHandle;
    this.#pending = handle.writeFile(lines.bytes);
    // Thrown by the next append or by finish; without this it would count as unhandled meanwhile.
    this.#pending.catch(() => undefined);
  }

  /** Waits for what is still to be written, and closes. Safe to call twice. */
  async finish(): Promise<void> {
    try {
      await this.#pending;
    } finally {
      this.#pending = Promise.resolve();
      await this.#handle?.close();
      this.#handle = null;
    }
  }

  async #rotate(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
    const file = path.join(this.#directory, `records-${this.#files.length + 1}.ndjson`);
    this.#handle = await open(file, 'wx', 0o600);
    this.#files.push({ path: file, rows: 0, received: 0, longest: 0 });
    this.#written = 0;
  }

  /** Digits that the numbers of exact places need, over all records. */
  async measure(root: ShapeNode, signal: AbortSignal): Promise<Map<ShapeNode, Digits>> {
    const measured = new Map<ShapeNode, Digits>();
    for (const file of this.#files) await eachRecord(file.path, signal, (record) => measure(root, record, measured));
    return measured;
  }

  /** Segments in order. A file is rewritten just before its segment where the schema asks for it, and deleted when the segment is released. */
  async *segments(schema: RecordSchema, signal: AbortSignal): AsyncGenerator<Segment, void> {
    const columns: SourceColumn[] = schema.columns.map(({ key: _key, rewrite: _rewrite, ...column }) => column);
    for (const file of this.#files) {
      throwIfCancelled(signal);
      const read = schema.rewrites ? await rewriteFile(file, schema, signal) : file;
      yield {
        from: fromItem(read, columns),
        columns,
        rows: file.rows,
        bytes: file.received,
        release: () => rm(read.path, { force: true, recursive: true, maxRetries: 3 }),
      };
    }
  }
}

/** `read_json` with explicit types; columns without any value are added as NULL. */
function fromItem(file: SpoolFile, columns: readonly SourceColumn[]): string {
  const typed = columns.filter((column) => column.segmentType !== 'NULL');
  // A file in which no column has a type still has rows: one column that no record has stands for them.
  const types =
    typed.length > 0
      ? typed.map((column) => `${literal(column.name)}: ${literal(column.segmentType)}`)
      : ["'_': 'VARCHAR'"];
  const objectSize = Math.max(OBJECT_SIZE, file.longest + 1024);
  const read = `read_json(${literalList([file.path])}, format='newline_delimited', compression='uncompressed', maximum_object_size=${objectSize}, columns={${types.join(', ')}})`;
  if (typed.length === columns.length) return read;
  const list = columns.map((column) => `${column.segmentType === 'NULL' ? 'NULL AS ' : ''}${identifier(column.name)}`);
  return `(SELECT ${list.join(', ')} FROM ${read})`;
}

function writtenLines(records: readonly JsonRecord[]): { bytes: Buffer; longest: number } {
  let longest = 0;
  let text = '';
  for (const record of records) {
    const line = JSON.stringify(record);
    if (line.length > longest) longest = line.length;
    text += line;
    text += '\n';
  }
  // A character is at most three bytes of UTF-8.
  return { bytes: Buffer.from(text), longest: longest * 3 };
}

async function rewriteFile(file: SpoolFile, schema: RecordSchema, signal: AbortSignal): Promise<SpoolFile> {
  const target = file.path.replace(/\.ndjson$/, '-exact.ndjson');
  const handle = await open(target, 'wx', 0o600);
  let longest = 0;
  try {
    let text = '';
    await eachRecord(file.path, signal, async (record) => {
      const line = JSON.stringify(rewriteObject(record, schema.columns));
      longest = Math.max(longest, line.length * 3);
      text += `${line}\n`;
      if (text.length > 1024 * 1024) {
        await handle.writeFile(text);
        text = '';
      }
    });
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
  await rm(file.path, { force: true, recursive: true, maxRetries: 3 });
  return { ...file, path: target, longest };
}

async function eachRecord(
  file: string,
  signal: AbortSignal,
  visit: (record: JsonRecord) => Promise<void> | void,
): Promise<void> {
  // Not readline: it ends lines at U+2028 too, which JSON strings may hold.
  const input = createReadStream(file, { encoding: 'utf8', highWaterMark: 1024 * 1024 });
  let rest = '';
  for await (const chunk of input) {
    throwIfCancelled(signal);
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) await visit(parseJson(line, true).value as JsonRecord);
  }
}
