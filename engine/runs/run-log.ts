import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';

/** Bytes that may wait in memory before they are written. */
const BUFFER_BYTES = 64 * 1024;
/** Longest time that a line waits, so that a killed process loses little of its log. */
const FLUSH_MS = 500;

/** Appends lines to a file without making the caller wait. */
export interface LineLog {
  readonly path: string;
  write(line: string): void;
  /** Writes what waits and fsyncs. Gives back the first error that any write had, else null. Safe to call twice. */
  close(): Promise<Error | null>;
}

/**
 * Opens a new file for lines; its folder is made. A write that fails (a full disk) ends the writing, never the run:
 * `onError` is told once. `flags` as of `fs.open`: the file must be new, or is appended to.
 * @throws the system's error where the file cannot be made
 */
export async function openLineLog(
  file: string,
  onError: (error: Error) => void,
  { flags = 'wx' }: { flags?: 'wx' | 'a' } = {},
): Promise<LineLog> {
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(file, flags, 0o600);
  return new FileLineLog(file, handle, onError);
}

class FileLineLog implements LineLog {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #onError: (error: Error) => void;
  #waiting: string[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #error: Error | null = null;
  #closed: Promise<Error | null> | null = null;

  constructor(file: string, handle: FileHandle, onError: (error: Error) => void) {
    this.path = file;
    this.#handle = handle;
    this.#onError = onError;
  }

  write(line: string): void {
    if (this.#error !== null || this.#closed !== null) return;
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= BUFFER_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  close(): Promise<Error | null> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<Error | null> {
    this.#flush();
    await this.#writing;
    try {
      if (this.#error === null) await this.#handle.sync();
    } catch (error) {
      this.#fail(error);
    }
    await this.#handle.close().catch(() => undefined);
    return this.#error;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    const text = `${this.#waiting.join('\n')}\n`;
    this.#waiting = [];
    this.#bytes = 0;
    this.#writing = this.#writing
      .then(() => (this.#error === null ? this.#handle.appendFile(text) : undefined))
      .catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (this.#error !== null) return;
    this.#error = error instanceof Error ? error : new Error(String(error));
    this.#onError(this.#error);
  }
}
