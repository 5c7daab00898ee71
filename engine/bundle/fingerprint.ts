import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** What a file was when it was read; a file with another fingerprint is never overwritten silently. */
export interface Fingerprint {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970; a touched file with the same content counts as unchanged. */
  mtimeMs: number;
  sha256: string;
}

/** The file's bytes and their fingerprint, taken through one handle so that they belong together. */
export async function readFingerprinted(path: string): Promise<{ bytes: Buffer; fingerprint: Fingerprint }> {
  const handle = await open(path, 'r');
  try {
    const { mtimeMs } = await handle.stat();
    const bytes = await handle.readFile();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { bytes, fingerprint: { size: bytes.length, mtimeMs, sha256 } };
  } finally {
    await handle.close();
  }
}

/** True where both stand for the same content. */
export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && a.sha256 === b.sha256;
}
