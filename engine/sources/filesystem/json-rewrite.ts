import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stringEnd } from './json-scan.ts';
import type { RawPlan } from './json-types.ts';
import type { RecordScanner } from './record-scanner.ts';
import { scanBytes } from './scan-bytes.ts';
import { spoolName, type TextFile } from './text-file.ts';

/**
 * Copies a JSONL file that was scanned before, with the values of `plan` turned into JSON texts of what stood there,
 * so that DuckDB's reader gives them back letter by letter. Also drops a byte order mark and unpacks.
 */
export async function rewriteJson(
  text: TextFile,
  plan: RawPlan | null,
  spool: string,
  signal: AbortSignal,
): Promise<TextFile> {
  const path = join(spool, `exact-${spoolName(text.name)}`);
  const output = openSync(path, 'w');
  try {
    const writer = new JsonWriter(plan, (part) => writeSync(output, part));
    await scanBytes(text, writer, { start: 0, until: Infinity, mostRows: Infinity }, signal);
  } finally {
    closeSync(output);
  }
  return { ...text, path, compression: 'none', mark: 0 };
}

const LF = 10;

class JsonWriter implements RecordScanner<null> {
  readonly facts = null;
  rows = 0;
  longestRecord = 0;
  readonly #plan: RawPlan | null;
  readonly #write: (part: Uint8Array) => void;
  #parts: Uint8Array[] = [];
  #copied = 0;

  constructor(plan: RawPlan | null, write: (part: Uint8Array) => void) {
    this.#plan = plan;
    this.#write = write;
  }

  allocate(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  scan(buffer: Uint8Array, length: number, atEnd: boolean): number {
    const end = atEnd ? length : Buffer.from(buffer.buffer, buffer.byteOffset, length).lastIndexOf(LF) + 1;
    this.#parts = [];
    this.#copied = 0;
    let at = 0;
    while (at < end) {
      at = space(buffer, at);
      if (buffer[at] !== LF) at = this.#value(buffer, at, this.#plan);
      while (at < end && buffer[at] !== LF) at += 1;
      at += 1;
    }
    this.#parts.push(buffer.subarray(this.#copied, end));
    if (atEnd) this.#parts.push(new Uint8Array([LF]));
    this.#write(Buffer.concat(this.#parts));
    return end;
  }

  /** Moves behind the value at `at`, and replaces it or what is in it as planned. */
  #value(buffer: Uint8Array, at: number, plan: RawPlan | null): number {
    const first = buffer[at];
    if (first === 34) return stringEnd(buffer, at + 1) + 1;
    if (plan === true) {
      const end = valueEnd(buffer, at);
      // null stays null.
      if (first !== 110) {
        this.#parts.push(
          buffer.subarray(this.#copied, at),
          Buffer.from(JSON.stringify(Buffer.from(buffer.subarray(at, end)).toString('utf8'))),
        );
        this.#copied = end;
      }
      return end;
    }
    if (plan === null || (first !== 123 && first !== 91)) return valueEnd(buffer, at);
    const close = first === 123 ? 125 : 93;
    let next = space(buffer, at + 1);
    while (buffer[next] !== close) {
      let inner = plan.elements;
      if (first === 123) {
        const keyEnd = stringEnd(buffer, next + 1);
        const key = JSON.parse(Buffer.from(buffer.subarray(next, keyEnd + 1)).toString('utf8')) as string;
        inner = plan.fields?.get(key) ?? null;
        next = space(buffer, space(buffer, keyEnd + 1) + 1);
      }
      next = space(buffer, this.#value(buffer, next, inner));
      if (buffer[next] === 44) next = space(buffer, next + 1);
    }
    return next + 1;
  }
}

function space(buffer: Uint8Array, start: number): number {
  let at = start;
  while (buffer[at] === 32 || buffer[at] === 9 || buffer[at] === 13) at += 1;
  return at;
}

/** The position behind a value that is known to be valid. */
function valueEnd(buffer: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const byte = buffer[at] as number;
    if (byte === 34) {
      at = stringEnd(buffer, at + 1) + 1;
      if (depth === 0) return at;
      continue;
    }
    if (byte === 123 || byte === 91) depth += 1;
    else if (byte === 125 || byte === 93) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === 44 || byte <= 32)) return at;
    at += 1;
  }
}
