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
  /**
   * All files below a folder of the root ('' for the root itself), in no particular order; none where there is no such folder.
   * Hidden and temporary ones (`.`, `_`, `~$` in front of a file's or folder's name) are left out.
   */
  list(folder: string, signal: AbortSignal): Promise<StoredFile[]>;
  /** The file as it is now; null when it is gone. */
  stat(path: string, signal: AbortSignal): Promise<StoredFile | null>;
  /** A path that DuckDB can read: the file itself, or a copy of it in `spoolDirectory`. */
  localPath(file: StoredFile, spoolDirectory: string, signal: AbortSignal): Promise<string>;
}

/** True for names that tools keep for themselves: hidden, temporary, or Excel's lock files. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_') || name.startsWith('~$');
}

interface Folder {
  absolute: string;
  /** From the root, `/` between folders. */
  relative: string;
}

/** The files of a folder on this machine or a network share. Symbolic links are followed, each real folder once, so that loops end. */
export class LocalFileStore implements FileStore {
  readonly location: string;

  constructor(root: string) {
    this.location = root;
  }

  async list(start: string, signal: AbortSignal): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    const seen = new Set<string>();
    const folders: Folder[] = [{ absolute: this.#absolute(start), relative: start }];
    if (start !== '' && (await stat(this.#absolute(start)).catch(() => null)) === null) {
      // The root itself must be there.
      await readdir(this.location).catch((error) => {
        throw folderError(this.location, error);
      });
      return [];
    }
    // A link back to a folder above would list what the glob left out.
    for (let above = start; above !== ''; ) {
      above = above.includes('/') ? above.slice(0, above.lastIndexOf('/')) : '';
      seen.add(await realpath(this.#absolute(above)).catch(() => ''));
    }
    // Linked folders come after all real ones, by name: a folder that can be reached in two ways must have the same path at every run.
    const links: Folder[] = [];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop() ?? links.pop()) {
      throwIfCancelled(signal);
      const { absolute, relative } = folder;
      const unreadable = (error: unknown) => {
        throw folderError(absolute, error);
      };
      const real = await realpath(absolute).catch(unreadable);
      if (seen.has(real)) continue;
      seen.add(real);
      const entries = await readdir(absolute, { withFileTypes: true }).catch(unreadable);
      const found = await Promise.all(
        entries
          .filter((entry) => !isHiddenName(entry.name))
          // A file that goes away between listing and looking was not there.
          .map(async (entry) => ({ entry, stats: await stat(join(absolute, entry.name)).catch(() => null) })),
      );
      for (const { entry, stats } of found) {
        const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
        if (stats?.isDirectory())
          (entry.isSymbolicLink() ? links : folders).push({ absolute: join(absolute, entry.name), relative: path });
        else if (stats?.isFile())
          files.push({ path, bytes: stats.size, modified: Math.floor(stats.mtimeMs), version: '' });
      }
      links.sort((one, other) => (one.relative < other.relative ? 1 : -1));
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
