import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, type Stats } from 'node:fs';
import { link, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfCancelled } from '../errors.ts';
import type { ListOptions, ObjectInfo, ObjectPage, ObjectStore, PutCondition, ReadOptions } from './object-store.ts';
import { copyIncomplete, objectNotFound } from './store-errors.ts';

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

/** The rest of a name that is being written: what a dead run leaves must not be taken for an object. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

interface Folder {
  absolute: string;
  key: string;
}

/** What it throws for the folder itself are the file system's errors, which source and destination explain each in their own words. */
class LocalStore implements ObjectStore {
  readonly kind = 'local';
  readonly location: string;
  readonly #link: typeof link;

  constructor(root: string, makeLink: typeof link) {
    this.location = root;
    this.#link = makeLink;
  }

  url(key: string): string {
    return key.endsWith('/') ? this.localPath(key.slice(0, -1)) + sep : this.localPath(key);
  }

  localPath(key: string): string {
    return key === '' ? this.location : join(this.location, ...key.split('/'));
  }

  async prepare(signal?: AbortSignal): Promise<void> {
    if (signal) throwIfCancelled(signal);
    await mkdir(this.location, { recursive: true });
    const probe = join(this.location, temporaryName('.writable'));
    await (await open(probe, 'wx')).close();
    await rm(probe, { force: true });
  }

  /**
   * A page a folder. Symbolic links are followed, each real folder once, so that loops end; they come after all real folders, by name:
   * what can be reached in two ways has the same key each time.
   */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectPage, void> {
    const start = prefix.replace(/\/$/, '');
    if (start !== '' && (await stat(this.localPath(start)).catch(() => null)) === null) {
      await readdir(this.location);
      return;
    }
    const seen = new Set<string>();
    // A link back to a folder above would list what the prefix left out.
    for (let above = start; above !== ''; ) {
      above = above.includes('/') ? above.slice(0, above.lastIndexOf('/')) : '';
      seen.add(await realpath(this.localPath(above)).catch(() => ''));
    }
    const folders: Folder[] = [{ absolute: this.localPath(start), key: start }];
    const links: Folder[] = [];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop() ?? links.pop()) {
      if (options.signal) throwIfCancelled(options.signal);
      const real = await realpath(folder.absolute);
      if (seen.has(real)) continue;
      seen.add(real);
      const page: ObjectPage = { objects: [], folders: [] };
      for (const entry of await lookInto(folder, options)) {
        const key = folder.key === '' ? entry.name : `${folder.key}/${entry.name}`;
        if (entry.stats.isFile()) page.objects.push(infoOf(key, entry.stats));
        else if (!entry.stats.isDirectory()) continue;
        else if (options.shallow) page.folders.push(`${key}/`);
        else (entry.isLink ? links : folders).push({ absolute: join(folder.absolute, entry.name), key });
      }
      links.sort((one, other) => (one.key < other.key ? 1 : -1));
      yield page;
    }
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const found = await stat(this.localPath(key)).catch((error) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    return found?.isFile() ? infoOf(key, found) : null;
  }

  async read(key: string, { start, end, signal }: ReadOptions = {}): Promise<Readable> {
    if (end !== undefined && end <= (start ?? 0)) return Readable.from([]);
    const file = await open(this.localPath(key), 'r').catch((error) => {
      throw isAbsent(error) ? objectNotFound(this.location, key) : error;
    });
    return createReadStream('', {
      fd: file,
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end: end - 1 }),
      ...(signal ? { signal } : {}),
    });
  }

  async write(key: string, body: Readable, bytes: number, signal?: AbortSignal): Promise<void> {
    const path = this.localPath(key);
    await makeFolder(dirname(path));
    const temporary = temporaryName(path);
    try {
      // `flush` fsyncs before the file is closed.
      const file = createWriteStream(temporary, { flags: 'wx', flush: true });
      await pipeline(body, file, signal ? { signal } : {});
      const { size } = await stat(temporary);
      if (size !== bytes) throw copyIncomplete(path, size, bytes);
      // Windows cannot rename over a file that somebody reads: what a dead run left goes first.
      await rm(path, { force: true });
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async put(key: string, body: string | Uint8Array, condition: PutCondition | null): Promise<boolean> {
    if (condition !== null && condition !== 'absent')
      throw new Error('Local files have no etags, so no write can depend on one.');
    const path = this.localPath(key);
    await makeFolder(dirname(path));
    const temporary = temporaryName(path);
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(body);
        await file.sync();
      } finally {
        await file.close();
      }
      if (condition === null) await rename(temporary, path);
      else if (!(await place(temporary, path, this.#link))) return false;
      await syncFolder(dirname(path));
      return true;
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) await rm(this.localPath(key), { force: true });
  }

  async close(): Promise<void> {
    // Nothing is held open between calls.
  }
}

/** A folder's entries; those that go away between listing and looking were not there. */
async function lookInto(folder: Folder, { leaveOut }: ListOptions) {
  const entries = await readdir(folder.absolute, { withFileTypes: true });
  const shown = entries.filter(({ name }) => !leaveOut?.(name) && !TEMPORARY.test(name));
  const looked = shown.map(async (entry) => ({
    name: entry.name,
    isLink: entry.isSymbolicLink(),
    // What is a folder for certain needs no second look.
    stats: entry.isDirectory() ? entry : await stat(join(folder.absolute, entry.name)).catch(() => null),
  }));
  return (await Promise.all(looked)).filter((entry) => entry.stats !== null) as Looked[];
}

interface Looked {
  name: string;
  isLink: boolean;
  stats: Stats;
}

function infoOf(key: string, { size, mtimeMs }: Pick<Stats, 'size' | 'mtimeMs'>): ObjectInfo {
  return { key, bytes: size, modified: Math.floor(mtimeMs), etag: '' };
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
