import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { errorCode, writeFileAtomic } from '../bundle/write-atomic.ts';
import { IngestError } from '../errors.ts';

export interface UserFileOptions<Content> {
  /** Grows when older readers could not understand the file any more. */
  version: number;
  model: z.ZodType<Content>;
  initial: () => Content;
  /** What to do with a file that cannot be understood: begin anew and keep it beside, or refuse (where its content cannot be replaced). */
  damaged: 'begin anew' | 'refuse';
}

/** How long to wait for another process that is writing, in milliseconds. */
const LOCK_PATIENCE = 5_000;

/** A small versioned JSON file of the user's: read whole, written atomically, changed by one process at a time; only its owner may read it. */
export class UserFile<Content> {
  readonly file: string;
  readonly #options: UserFileOptions<Content>;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(file: string, options: UserFileOptions<Content>) {
    this.file = file;
    this.#options = options;
  }

  /** @throws IngestError `USER_FILE_DAMAGED`, `USER_FILE_NEWER`, `USER_FILE_NOT_READABLE` */
  async read(): Promise<Content> {
    const { version, model, initial, damaged } = this.#options;
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return initial();
      throw new IngestError('USER_FILE_NOT_READABLE', `${this.file} cannot be read (${errorCode(error)}).`, {
        hint: 'Check that you may read it and that no other program holds it.',
        cause: error,
      });
    }
    const found = parse(text);
    if (typeof found?.version === 'number' && found.version > version) {
      throw new IngestError('USER_FILE_NEWER', `${this.file} was written by a newer Ingest Studio.`, {
        hint: 'Use that version, or move the file away to begin anew.',
      });
    }
    const content = model.safeParse(found?.content);
    if (content.success && found?.version === version) return content.data;
    if (damaged === 'refuse') {
      throw new IngestError('USER_FILE_DAMAGED', `${this.file} is damaged.`, {
        hint: 'Restore it from a backup, or move it away to begin anew.',
      });
    }
    await rename(this.file, `${this.file}.damaged`).catch(() => undefined);
    return initial();
  }

  /** Reads, changes and writes while no other process does; calls of one process come one after the other. */
  update(change: (content: Content) => Content | Promise<Content>): Promise<Content> {
    const done = this.#queue.then(() => this.#locked(change));
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #locked(change: (content: Content) => Content | Promise<Content>): Promise<Content> {
    await mkdir(path.dirname(this.file), { recursive: true, mode: 0o700 });
    const lock = `${this.file}.lock`;
    await takeLock(lock);
    try {
      const content = await change(await this.read());
      const text = `${JSON.stringify({ version: this.#options.version, content }, null, 1)}\n`;
      await writeFileAtomic(this.file, text, { mode: 0o600 });
      return content;
    } finally {
      await rm(lock, { force: true });
    }
  }
}

function parse(text: string): { version?: unknown; content?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

async function takeLock(lock: string): Promise<void> {
  const until = Date.now() + LOCK_PATIENCE;
  for (;;) {
    try {
      const handle = await open(lock, 'wx', 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') {
        throw new IngestError(
          'USER_FILE_NOT_WRITABLE',
          `${path.dirname(lock)} cannot be written (${errorCode(error)}).`,
          {
            hint: 'Check that the folder exists and that you may write into it.',
            cause: error,
          },
        );
      }
      const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
      // A holder writes its number at once and works for milliseconds: one that is gone, or never said who it is, has died.
      if (!isAlive(owner) && (owner !== 0 || Date.now() > until - LOCK_PATIENCE / 2)) {
        await rm(lock, { force: true });
      } else if (Date.now() > until) {
        throw new IngestError('USER_FILE_BUSY', `${lock} is held by another Ingest Studio (process ${owner}).`, {
          hint: 'Close it, or delete that file where no other is running.',
          retryable: true,
        });
      }
      await delay(15);
    }
  }
}

/** True where a process of this number runs on this computer. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
