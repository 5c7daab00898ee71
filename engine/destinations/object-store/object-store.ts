import type { Readable } from 'node:stream';

/**
 * The little that a load needs of a place that keeps objects: a folder, a container, a bucket.
 * Keys are parts joined with `/`; every part went through {@link keyPart}. An object is there completely or not at all.
 */
export interface ObjectStore {
  /** Where people find it: a path or URL without secrets. */
  readonly location: string;
  /** Creates the place where that is possible and proves that it can be written; throws DESTINATION_… with the reason. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Names of the objects right below `prefix` (which ends in `/`); empty where there is nothing. */
  list(prefix: string): Promise<string[]>;
  /** Names of what looks like a folder right below `prefix`, which is empty or ends in `/`. */
  folders(prefix: string): Promise<string[]>;
  /** A small object's text; null where it is not there. */
  read(key: string): Promise<string | null>;
  /** Writes or replaces an object of exactly `bytes` bytes, durably. */
  write(key: string, body: Readable, bytes: number, signal: AbortSignal): Promise<void>;
  /** Writes a small object, durably, unless there is one of that name: then false. */
  putIfAbsent(key: string, text: string): Promise<boolean>;
  /** Removes an object; one that is not there is fine. */
  delete(key: string): Promise<void>;
  /** A path from which DuckDB reads the object: the file itself, or a local copy of it. */
  readablePath(key: string): Promise<string>;
}

const RESERVED_ON_WINDOWS = /^(con|prn|aux|nul|com\d|lpt\d)(?=$|\.)/i;

/** A schema's or table's name as one part of a key: as it is where every file system takes it, else percent-encoded. */
export function keyPart(name: string): string {
  const percent = (character: string) =>
    `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;
  const legal = [...name].map((character) =>
    character < ' ' || '<>:"/\\|?*%'.includes(character) ? percent(character) : character,
  );
  return legal
    .join('')
    .replace(/[. ]$/, percent)
    .replace(RESERVED_ON_WINDOWS, (word) => percent(word) + word.slice(1));
}
