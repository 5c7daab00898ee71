import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { IngestError } from '../errors.ts';

/** What another program's open handle (Excel, a virus scanner, a sync client) makes of a read or a rename. */
const LOCKED = new Set(['EBUSY', 'EPERM', 'EACCES', 'ETXTBSY']);

/** Pauses between attempts, in milliseconds: a scanner lets go within a second, Excel does not. */
const PAUSES = [20, 40, 80, 160, 320, 640];

/** True for an error that says: another program holds the file (or we may not touch it). */
export function isLocked(error: unknown): boolean {
  return LOCKED.has(errorCode(error));
}

/** The system's code of anything thrown (`ENOENT`), or ''. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export interface WriteAtomicOptions {
  /** Permission bits of a new file; an existing file keeps its own. Default: what the umask leaves. */
  mode?: number;
  /** Called when the new content is safe on disk, just before it takes the old one's place; throws to leave the old file alone. */
  beforeReplace?: () => Promise<void>;
  /** Replaces `fs.rename`, so that a test can hold the file like Excel does. */
  rename?: (from: string, to: string) => Promise<void>;
}

/**
 * Writes `data` to `path` so that a reader, or a crash at any moment, sees the old or the new content and never a part:
 * a temporary file in the same folder, fsync, rename. A link is followed, not replaced.
 * @throws IngestError `FILE_LOCKED` (retryable), `DISK_FULL`, `FILE_NOT_WRITABLE`; the old file is then as it was.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteAtomicOptions = {},
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  const mode = await stat(target).then(
    (old) => old.mode & 0o777,
    () => options.mode,
  );
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', mode);
    await handle.writeFile(data);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await options.beforeReplace?.();
    await replace(temporary, target, options.rename ?? rename);
    await syncFolder(dirname(target));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explain(error, target);
  }
}

async function replace(from: string, to: string, move: (from: string, to: string) => Promise<void>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await move(from, to);
    } catch (error) {
      if (!isLocked(error)) throw error;
      await delay(pause);
    }
  }
  try {
    await move(from, to);
  } catch (error) {
    if (!isLocked(error)) throw error;
    throw new IngestError('FILE_LOCKED', `${to} is held by another program and was not changed.`, {
      hint: 'Close it in Excel (or wait until the sync client has finished) and save again.',
      retryable: true,
      cause: error,
    });
  }
}

/** The rename itself must survive a power cut; Windows cannot open a folder and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function explain(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new IngestError('DISK_FULL', `No space left to write ${path}; the old file is as it was.`, {
      hint: 'Free some space on that disk and save again.',
      cause: error,
    });
  }
  if (code === 'EROFS' || code === 'ENOENT' || code === 'ENOTDIR' || isLocked(error)) {
    return new IngestError('FILE_NOT_WRITABLE', `${path} cannot be written (${code}).`, {
      hint: 'Check that the folder exists and that you may write into it.',
      cause: error,
    });
  }
  return error;
}
