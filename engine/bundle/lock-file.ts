import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isLocked } from './write-atomic.ts';

/**
 * Which program has the workbook open, as its lock file beside it says: `~$NAME` is Excel's (its first byte counts the
 * letters of the user's name), `.~lock.NAME#` LibreOffice's. Null where there is none.
 */
export async function openElsewhere(path: string): Promise<string | null> {
  const name = basename(path);
  const excel = await head(join(dirname(path), `~$${name}`));
  if (excel) {
    const user = excel
      .toString('latin1', 1, 1 + Math.min(excel[0] ?? 0, 54))
      .replace(/[^\x20-\x7e\xa0-\xff]/g, '')
      .trim();
    return user ? `Excel (by ${user})` : 'Excel';
  }
  return (await head(join(dirname(path), `.~lock.${name}#`))) ? 'LibreOffice' : null;
}

/** The first bytes of a file; empty where it is there but locked, null where it is not there. */
async function head(path: string): Promise<Buffer | null> {
  try {
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return isLocked(error) ? Buffer.alloc(0) : null;
  }
}
