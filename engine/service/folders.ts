import { readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import { errorCode } from '../bundle/write-atomic.ts';
import { IngestError } from '../errors.ts';
import type { HandlerGroup } from './handlers.ts';

/** Folders of this computer, for hosts without dialogs of their own. Null lists the user's home. */
export const folderHandlers: HandlerGroup<'folder.list'> = () => ({
  async 'folder.list'({ directory }, { signal }) {
    const folder = path.resolve(directory ?? os.homedir());
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw new IngestError('FOLDER_NOT_READABLE', `${folder} cannot be read (${errorCode(error)}).`, {
        hint: 'Choose another folder.',
        cause: error,
      });
    });
    const folders: { name: string; is_project: boolean }[] = [];
    for (const entry of entries) {
      signal.throwIfAborted();
      if (entry.name.startsWith('.')) continue;
      const inner = path.join(folder, entry.name);
      const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(inner)));
      if (!isFolder) continue;
      const is_project = await stat(path.join(inner, WORKBOOK_FILE)).then(
        (found) => found.isFile(),
        () => false,
      );
      folders.push({ name: entry.name, is_project });
    }
    folders.sort((a, b) => a.name.localeCompare(b.name, undefined, { sensitivity: 'base', numeric: true }));
    const parent = path.dirname(folder);
    return { directory: folder, parent: parent === folder ? null : parent, folders };
  },
});

async function isDirectory(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
