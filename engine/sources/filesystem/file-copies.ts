import { lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { isIngestError } from '../../errors.ts';
import { download } from '../../object-stores/download.ts';
import { changedWhileRead, type FileStore, type StoredFile, vanished } from './file-store.ts';
import type { LocalFile } from './read-plan.ts';
import { spoolName } from './text-file.ts';

/** Copies beyond so many bytes are not kept between the look at a file and its reading: it is then fetched twice. */
const BYTES_KEPT = 4 * 2 ** 30;
/** Files that are fetched ahead of the one that is looked at: two of any size, and more of small ones. */
const AHEAD = 2;
const SMALL_AHEAD = 8;
const SMALL_BYTES = 8 * 2 ** 20;
/** Transfers at the same time. */
const AT_ONCE = 8;
/** A Parquet file ends with its footer; longer ones are fetched whole. */
const FOOTER_BYTES = 256 * 1024;

/** How much of a file is needed: all, or, of Parquet, what tells its columns and rows. */
export type FilePortion = 'whole' | 'footer';

interface Copy {
  portion: FilePortion;
  ready: Promise<void>;
}

/**
 * The files of a read where DuckDB and the scanners find them: local files as they lie; of a bucket, copies in the spool, some fetched ahead,
 * of which only so much is kept at a time. A copy is of the version that was listed, or the read fails.
 */
export class FileCopies {
  readonly files: LocalFile[];
  readonly #store: FileStore;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #bytesKept: number;
  readonly #copies = new Map<string, Copy>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #order = new Map<string, number>();
  /** Files of the parts that are read now: none of them is dropped. */
  readonly #held = new Set<string>();

  constructor(
    store: FileStore,
    files: readonly StoredFile[],
    spoolDirectory: string,
    signal: AbortSignal,
    bytesKept = BYTES_KEPT,
  ) {
    this.#store = store;
    this.#folder = join(spoolDirectory, 'copies');
    this.#signal = signal;
    this.#bytesKept = bytesKept;
    this.files = files.map((file, at) => {
      this.#order.set(file.path, at);
      const local = store.objects.localPath?.(file.path) ?? join(this.#folder, `${at}-${spoolName(file.path)}`);
      return { ...file, local };
    });
  }

  /** Brings one file to its `local` path, and begins with the ones behind it. */
  async bring(file: LocalFile, portion: FilePortion): Promise<void> {
    if (this.#store.objects.localPath) {
      await lstat(file.local).catch((error) => {
        throw vanished(file.path, error);
      });
      return;
    }
    await this.#makeRoom([file], portion);
    const at = this.#order.get(file.path) ?? 0;
    for (const [n, next] of this.files.slice(at + 1, at + 1 + SMALL_AHEAD).entries())
      if (n >= AHEAD && next.bytes > SMALL_BYTES) break;
      else if (this.#copies.has(next.path) || this.#bytes() + next.bytes <= this.#bytesKept) this.#begin(next, portion);
    await this.#copies.get(file.path)?.ready;
  }

  /** Brings all files of a part, for as long as it is read. */
  async bringPart(files: readonly LocalFile[], portion: FilePortion = 'whole'): Promise<void> {
    if (this.#store.objects.localPath) return;
    for (const { path } of files) this.#held.add(path);
    await this.#makeRoom(files, portion);
    await Promise.all(files.map((file) => this.#copies.get(file.path)?.ready));
  }

  /** Drops the copies of a part that was read. */
  async drop(files: readonly StoredFile[]): Promise<void> {
    for (const { path } of files) {
      this.#held.delete(path);
      await this.#remove(path);
    }
  }

  /** Ends what is under way; the spool's owner removes the folder. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#copies.values()].map(({ ready }) => ready));
  }

  async #makeRoom(files: readonly LocalFile[], portion: FilePortion): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const file of files) this.#begin(file, portion);
    // The first ones stay: they are read first.
    const last = [...this.#copies.keys()].sort((one, other) => this.#place(other) - this.#place(one));
    for (const path of last) {
      if (this.#bytes() <= this.#bytesKept) break;
      if (!this.#held.has(path) && !files.some((file) => file.path === path)) await this.#remove(path);
    }
  }

  #begin(file: LocalFile, portion: FilePortion): void {
    const there = this.#copies.get(file.path);
    if (there?.portion === 'whole' || there?.portion === portion) return;
    const ready = (there?.ready ?? Promise.resolve()).then(() => this.#fetch(file, portion));
    // Whoever waits for it gets the error.
    ready.catch(() => undefined);
    this.#copies.set(file.path, { portion, ready });
  }

  async #fetch(file: LocalFile, portion: FilePortion): Promise<void> {
    const object = { key: file.path, bytes: file.bytes, etag: file.version };
    while (this.#underWay.size >= AT_ONCE) await Promise.race(this.#underWay);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    try {
      if (portion === 'whole' || !(await this.#fetchFooter(file)))
        await download(this.#store.objects, object, file.local, { signal: this.#signal });
    } catch (error) {
      if (!isIngestError(error)) throw error;
      if (error.code === 'OBJECT_NOT_FOUND') throw vanished(file.path, error);
      throw error.code === 'OBJECT_CHANGED' ? changedWhileRead(file, '', error) : error;
    } finally {
      this.#underWay.delete(promise);
      resolve();
    }
  }

  /** A file of the same length with nothing but its footer; false where that is not enough. */
  async #fetchFooter({ path, bytes, version, local }: LocalFile): Promise<boolean> {
    if (bytes <= FOOTER_BYTES) return false;
    const tail = await buffer(
      await this.#store.objects.read(path, { start: bytes - FOOTER_BYTES, etag: version, signal: this.#signal }),
    );
    const ends = tail.length === FOOTER_BYTES && tail.toString('latin1', tail.length - 4) === 'PAR1';
    if (!ends || tail.readUInt32LE(tail.length - 8) + 8 > FOOTER_BYTES) return false;
    const file = await open(local, 'w');
    try {
      await file.write('PAR1', 0, 'latin1');
      await file.write(tail, 0, tail.length, bytes - FOOTER_BYTES);
    } finally {
      await file.close();
    }
    return true;
  }

  async #remove(path: string): Promise<void> {
    const copy = this.#copies.get(path);
    const file = this.files[this.#place(path)];
    if (!copy || !file) return;
    this.#copies.delete(path);
    await copy.ready.catch(() => undefined);
    await rm(file.local, { force: true }).catch(() => undefined);
  }

  #bytes(): number {
    let bytes = 0;
    for (const [path, { portion }] of this.#copies)
      bytes += portion === 'footer' ? FOOTER_BYTES : (this.files[this.#place(path)]?.bytes ?? 0);
    return bytes;
  }

  #place(path: string): number {
    return this.#order.get(path) ?? 0;
  }
}
