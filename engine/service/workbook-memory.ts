import { readFingerprinted } from '../bundle/fingerprint.ts';
import { fingerprintText } from './project-fingerprint.ts';

/** Bytes of workbooks that are remembered at most, in all. */
const MOST_BYTES = 128 * 1024 * 1024;

/**
 * Workbooks as windows have read them. Where one is written by somebody else, or is gone, the version that a window shows can still be saved
 * elsewhere, with everything in it that the window does not show.
 */
export class WorkbookMemory {
  readonly #bytes = new Map<string, Buffer>();

  /** Remembers the file if it is the one of `fingerprint`; the ones that were read long ago give way. */
  async keep(file: string, fingerprint: string): Promise<void> {
    const known = this.#bytes.get(fingerprint);
    this.#bytes.delete(fingerprint);
    const read = known === undefined ? await readFingerprinted(file).catch(() => null) : null;
    if (read !== null && fingerprintText(read.fingerprint) !== fingerprint) return;
    const bytes = known ?? read?.bytes;
    if (bytes === undefined || bytes.length > MOST_BYTES) return;
    this.#bytes.set(fingerprint, bytes);
    let sum = 0;
    for (const one of this.#bytes.values()) sum += one.length;
    for (const [key, one] of this.#bytes) {
      if (sum <= MOST_BYTES) break;
      this.#bytes.delete(key);
      sum -= one.length;
    }
  }

  /** Null where it was never read here, or too long ago. */
  find(fingerprint: string): Buffer | null {
    return this.#bytes.get(fingerprint) ?? null;
  }
}
