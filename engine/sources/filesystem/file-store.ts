import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import type { ObjectInfo, ObjectStore } from '../../object-stores/object-store.ts';

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

export interface FileListing {
  files: StoredFile[];
  /** There are more than were asked for. */
  cut: boolean;
}

/** An object store as a source of files looks at it. */
export class FileStore {
  readonly objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.objects = objects;
  }

  /** For people: the folder, or the bucket's URL. */
  get location(): string {
    return this.objects.location;
  }

  /**
   * The files below a folder of the root ('' for the root itself), in no particular order; none where there is no such folder.
   * Hidden and temporary ones (`.`, `_`, `~$` in front of a file's or folder's name) are left out.
   */
  async list(folder: string, signal: AbortSignal, most = Number.POSITIVE_INFINITY): Promise<FileListing> {
    const files: StoredFile[] = [];
    const prefix = folder === '' ? '' : `${folder}/`;
    try {
      for await (const page of this.objects.list(prefix, { leaveOut: isHiddenName, signal })) {
        for (const object of page.objects) files.push(fileOf(object));
        if (files.length > most) return { files: files.slice(0, most), cut: true };
      }
    } catch (error) {
      throw folderError(this.location, error);
    }
    return { files, cut: false };
  }

  /** The file as it is now; null when it is gone. */
  async stat(path: string, signal: AbortSignal): Promise<StoredFile | null> {
    const found = await this.objects.stat(path, signal).catch((error) => {
      throw folderError(this.location, error);
    });
    return found === null ? null : fileOf(found);
  }
}

function fileOf({ key, bytes, modified, etag }: ObjectInfo): StoredFile {
  return { path: key, bytes, modified, version: etag };
}

/** True for names that tools keep for themselves: hidden, temporary, or Excel's lock files. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_') || name.startsWith('~$');
}

/** What the file system says of a folder, in words. */
function folderError(location: string, error: unknown): IngestError {
  if (isIngestError(error)) return error;
  const { code, path: folder = location } = error as NodeJS.ErrnoException;
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

/** A file of the listing that is another one by now. */
export function changedWhileRead(file: StoredFile, now: string, cause?: unknown): IngestError {
  return new IngestError(
    'FILE_CHANGED_WHILE_READ',
    `The file "${file.path}" changed while it was read (${file.bytes} bytes before${now}).`,
    {
      hint: 'Run the job when whatever writes the file has finished; writers should write to another name and rename.',
      retryable: true,
      cause,
    },
  );
}
