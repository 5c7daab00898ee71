import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ApiRequest, ApiResponse } from './client.ts';
import type { PageClient } from './pages.ts';

/** An answer without its body, which is on disk. */
interface Kept {
  response: Omit<ApiResponse, 'text' | 'utf8'>;
  isUtf8: boolean;
  file: string;
}

/**
 * Answers of parent resources, kept on disk for as long as their source is open: a parent that is loaded itself, or has several children,
 * is asked once a run, whoever comes first. The folder is private to the user, in the run's own, which goes when the run ends or is found dead.
 */
export class ResponseStore {
  readonly #kept = new Map<string, Promise<Kept>>();
  readonly #spoolDirectory: string;
  #folder: Promise<string> | null = null;

  constructor(spoolDirectory: string) {
    this.#spoolDirectory = spoolDirectory;
  }

  /** The client with a memory. `identity` tells apart clients that sign differently. */
  keeping(client: PageClient, identity: string): PageClient {
    return {
      send: async (request, signal, onRetry) => {
        const key = keyOf(request, identity);
        const known = this.#kept.get(key);
        const kept = await known?.catch(() => null);
        if (kept) return await answerOf(kept);
        let settle: (kept: Kept) => void = () => undefined;
        let fail: (error: unknown) => void = () => undefined;
        const pending = new Promise<Kept>((resolve, reject) => {
          settle = resolve;
          fail = reject;
        });
        // Others fall back to a request of their own, with their own signal.
        pending.catch(() => undefined);
        this.#kept.set(key, pending);
        try {
          const response = await client.send(request, signal, onRetry);
          settle(await this.#keep(key, response));
          return response;
        } catch (error) {
          if (this.#kept.get(key) === pending) this.#kept.delete(key);
          fail(error);
          throw error;
        }
      },
    };
  }

  async remove(): Promise<void> {
    this.#kept.clear();
    const folder = await this.#folder?.catch(() => null);
    this.#folder = null;
    if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #keep(key: string, { text, utf8, ...response }: ApiResponse): Promise<Kept> {
    this.#folder ??= mkdtemp(path.join(this.#spoolDirectory, 'parents-'));
    const file = path.join(await this.#folder, key);
    await writeFile(file, utf8 ?? text, { mode: 0o600 });
    return { response, isUtf8: utf8 !== null, file };
  }
}

async function answerOf({ response, isUtf8, file }: Kept): Promise<ApiResponse> {
  const bytes = await readFile(file);
  return { ...response, durationMs: 0, text: bytes.toString('utf8'), utf8: isUtf8 ? bytes : null };
}

function keyOf({ method, url, headers, body }: ApiRequest, identity: string): string {
  return createHash('sha256')
    .update(JSON.stringify([identity, method, url, headers, body ?? null]))
    .digest('hex');
}
