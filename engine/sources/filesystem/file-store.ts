import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';

/** A file as a store lists it. Path, size and version together are its identity: a file is loaded once. */
export interface StoredFile {
  /** Relative to the store's root, `/` between folders, whatever the system. */
  path: string;
  bytes: number;
  /** Milliseconds since 1970, UTC. */
  modified: number;
  /** What changes when the content does, besides size and time: an object store's etag; '' for local files. */
  version: string;
}

/** Where files lie. The local folder is the first one; object stores stand behind the same three methods. */
export interface FileStore {
  /** For people: the folder, or the bucket's URL. */
  readonly location: string;
  /** All files under the root, in no particular order. Hidden and temporary ones (`.`, `_`, `~$` in front of a file's or folder's name) are left out. */
  list(signal: AbortSignal): Promise<StoredFile[]>;
  /** The file as it is now; null when it is gone. */
  stat(path: string, signal: AbortSignal): Promise<StoredFile | null>;
  /** A path that DuckDB can read: the file itself, or a copy of it in `spoolDirectory`. */
  localPath(file: StoredFile, spoolDirectory: string, signal: AbortSignal): Promise<string>;
}

/** True for names that tools keep for themselves: hidden, temporary, or Excel's lock files. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_') || name.startsWith('~$');
}

/** The files of a folder on this machine or a network share. Symbolic links are followed, each real folder once, so that loops end. */
export class LocalFileStore implements FileStore {
  readonly location: string;

  constructor(root: string) {
    this.location = root;
  }

  async list(signal: AbortSignal): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    const seen = new Set<string>();
    const folders: { absolute: string; relative: string }[] = [{ absolute: this.location, relative: '' }];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      throwIfCancelled(signal);
      const { absolute, relative } = folder;
      const real = await realpath(absolute).catch((error) => {
        throw folderError(absolute, error);
      });
      if (seen.has(real)) continue;
      seen.add(real);
      const entries = await readdir(absolute, { withFileTypes: true }).catch((error) => {
        throw folderError(absolute, error);
      });
      const stats = await Promise.all(
        entries
          .filter((entry) => !isHiddenName(entry.name))
          .map(async (entry) => {
            const path = join(absolute, entry.name);
            if (entry.isDirectory()) return { entry, path, directory: true, found: null };
            // A file that goes away between listing and looking was not there.
            const found = await stat(path).catch(() => null);
            return { entry, path, directory: found?.isDirectory() ?? false, found };
          }),
      );
      for (const { entry, path, directory, found } of stats) {
        const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
        if (directory) folders.push({ absolute: path, relative: name });
        else if (found?.isFile())
          files.push({ path: name, bytes: found.size, modified: Math.floor(found.mtimeMs), version: '' });
      }
    }
    return files;
  }

  async stat(path: string): Promise<StoredFile | null> {
    const found = await stat(this.#absolute(path)).catch(() => null);
    return found === null ? null : { path, bytes: found.size, modified: Math.floor(found.mtimeMs), version: '' };
  }

  async localPath(file: StoredFile): Promise<string> {
    const path = this.#absolute(file.path);
    await lstat(path).catch((error) => {
      throw vanished(file.path, error);
    });
    return path;
  }

  #absolute(path: string): string {
    return join(this.location, ...path.split('/'));
  }
}

function folderError(folder: string, error: unknown): IngestError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') {
    return new IngestError('FILES_FOLDER_NOT_FOUND', `There is no folder "${folder}".`, {
      hint: 'Check bucket_url of the connection; a relative path starts at the project folder.',
      cause: error,
    });
  }
  if (code === 'ENOTDIR') {
    return new IngestError('FILES_FOLDER_NOT_FOUND', `"${folder}" is a file, not a folder.`, {
      hint: 'Let bucket_url name the folder and file_glob the file.',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new IngestError('FILES_NO_PERMISSION', `The folder "${folder}" may not be listed.`, {
      hint: 'Give the user that runs the job the right to read it.',
      cause: error,
    });
  }
  return new IngestError('FILES_FOLDER_UNREADABLE', `The folder "${folder}" cannot be listed: ${messageOf(error)}`, {
    retryable: true,
    cause: error,
  });
}

/** A file of the listing that is no longer there. */
export function vanished(path: string, cause?: unknown): IngestError {
  return new IngestError('FILE_VANISHED', `The file "${path}" was there when the read began and is gone now.`, {
    hint: 'Run the job again when whatever moves the files has finished.',
    retryable: true,
    cause,
  });
}
