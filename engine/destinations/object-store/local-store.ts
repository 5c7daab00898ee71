import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { ObjectStore } from './object-store.ts';
import { describeStoreError } from './store-errors.ts';

/** File systems (FAT, some network shares) that have no hard links answer one of these. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EXDEV',
  'EACCES',
  'UNKNOWN',
]);

/** Far longer than looking and renaming takes. */
const CLAIM_MILLISECONDS = 60_000;

export interface LocalStoreOptions {
  /** Makes a hard link; default: the file system's own. */
  link?: typeof link;
}

/** Objects as files below a folder. */
export function createLocalStore(folder: string, options: LocalStoreOptions = {}): ObjectStore {
  return new LocalStore(resolve(folder), options.link ?? link);
}

class LocalStore implements ObjectStore {
  readonly location: string;
  readonly #link: typeof link;

  constructor(root: string, makeLink: typeof link) {
    this.location = root;
    this.#link = makeLink;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    try {
      await mkdir(this.location, { recursive: true });
      const probe = join(this.location, temporaryName('.writable'));
      await (await open(probe, 'wx')).close();
      await rm(probe, { force: true });
    } catch (error) {
      throw describeStoreError(error, this.location, 'opening it');
    }
  }

  async list(prefix: string): Promise<string[]> {
    return (await this.#entries(prefix)).filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  async folders(prefix: string): Promise<string[]> {
    return (await this.#entries(prefix)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  async read(key: string): Promise<string | null> {
    try {
      return await readFile(this.#path(key), 'utf8');
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async write(key: string, body: Readable, bytes: number, signal: AbortSignal): Promise<void> {
    const path = this.#path(key);
    await makeFolder(dirname(path));
    const temporary = temporaryName(path);
    try {
      // `flush` fsyncs before the file is closed.
      await pipeline(body, createWriteStream(temporary, { flags: 'wx', flush: true }), { signal });
      const { size } = await stat(temporary);
      if (size !== bytes) {
        throw new IngestError('COPY_INCOMPLETE', `${path} came out with ${size} bytes instead of ${bytes}.`, {
          hint: 'Something changed the file while it was copied, or the disk is failing. Run again.',
          retryable: true,
        });
      }
      // Windows cannot rename over a file that somebody reads: what a dead run left goes first.
      await rm(path, { force: true });
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async putIfAbsent(key: string, text: string): Promise<boolean> {
    const path = this.#path(key);
    await makeFolder(dirname(path));
    const temporary = temporaryName(path);
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      const placed = await place(temporary, path, this.#link);
      if (placed) await syncFolder(dirname(path));
      return placed;
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async readablePath(key: string): Promise<string> {
    return this.#path(key);
  }

  async #entries(prefix: string) {
    try {
      return await readdir(this.#path(prefix), { withFileTypes: true });
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  #path(key: string): string {
    return join(this.location, ...key.split('/'));
  }
}

/** Gives a complete file its name unless the name is taken. A link does both in one step, everywhere where there are links. */
async function place(temporary: string, path: string, makeLink: typeof link): Promise<boolean> {
  try {
    await makeLink(temporary, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code)) throw error;
  }
  return await placeByClaim(temporary, path);
}

/** Without links: who creates the claim may look and rename. One that a crash left behind counts for a minute. */
async function placeByClaim(temporary: string, path: string): Promise<boolean> {
  const claim = `${path}.claim`;
  const left = await stat(claim).catch(() => null);
  if (left && left.mtimeMs < Date.now() - CLAIM_MILLISECONDS) await rm(claim, { force: true });
  try {
    await (await open(claim, 'wx')).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    if (await stat(path).catch(() => null)) return false;
    await rename(temporary, path);
    return true;
  } finally {
    await rm(claim, { force: true });
  }
}

/** Makes a folder and every missing one above it, durably: a manifest must not outlive the folder of a file that it names. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes a new name in a folder durable. Windows cannot open folders and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch {
    // Some network file systems refuse to sync a folder; the files themselves were synced.
  } finally {
    await handle.close();
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
