import type { Readable } from 'node:stream';
import { cancelled, IngestError, isIngestError, messageOf } from '../../errors.ts';
import { type RetryOptions, withRetry } from '../../retry.ts';
import { type SignIn, send } from './sign-in.ts';
import type { StagingPlace } from './staging.ts';
import { askedWait } from './warehouse-errors.ts';
import type { WorkspaceNetwork } from './workspace-network.ts';

export interface VolumeOptions {
  host: string;
  port: number;
  /** `/Volumes/catalog/schema/volume` or `catalog.schema.volume`, with or without folders behind it. */
  volume: string;
  network: WorkspaceNetwork;
  signIn: SignIn;
  retry?: Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'>;
}

/**
 * A Unity Catalog volume as the staging place, through the workspace's Files API. The warehouse reads it with the rights of whoever runs the statement.
 * @throws IngestError STAGING_VOLUME
 */
export function createVolumeStaging(options: VolumeOptions): StagingPlace {
  return new VolumeStaging(options);
}

class VolumeStaging implements StagingPlace {
  readonly location: string;
  readonly #options: VolumeOptions;
  /** Folders that were made; PUT does not make them. */
  readonly #made = new Set<string>();

  constructor(options: VolumeOptions) {
    this.#options = options;
    this.location = volumePath(options.volume);
  }

  url(folder: string): string {
    return `${this.location}/${folder}`;
  }

  async credential(): Promise<null> {
    return null;
  }

  async write(key: string, body: Readable, bytes: number, signal: AbortSignal): Promise<void> {
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    if (!this.#made.has(folder)) {
      await this.#call('PUT', 'directories', folder, signal);
      this.#made.add(folder);
    }
    // A stream is read once: what fails is for the load to try again, with a file opened anew.
    await this.#once('PUT', 'files', key, signal, { body, bytes });
  }

  async list(folder: string, signal: AbortSignal): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const query = token === undefined ? '' : `?page_token=${encodeURIComponent(token)}`;
      const answer = await this.#call('GET', 'directories', folder, signal, query);
      if (answer === null) return keys;
      const page = JSON.parse(answer) as {
        contents?: { path: string; is_directory: boolean }[];
        next_page_token?: string;
      };
      for (const { path, is_directory: isFolder } of page.contents ?? []) {
        const key = path.slice(this.location.length + 1).replace(/\/$/, '');
        if (isFolder) keys.push(...(await this.list(`${key}/`, signal)));
        else keys.push(key);
      }
      token = page.next_page_token;
    } while (token !== undefined && token !== '');
    return keys;
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) await this.#call('DELETE', 'files', key, signal);
    const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
    for (const folder of folders) {
      this.#made.delete(folder);
      // One that is not empty stays.
      await this.#call('DELETE', 'directories', folder, signal).catch(() => null);
    }
  }

  async close(): Promise<void> {
    // The network is the destination's.
  }

  async #call(
    method: string,
    what: 'files' | 'directories',
    key: string,
    signal: AbortSignal,
    query = '',
  ): Promise<string | null> {
    return await withRetry(() => this.#once(method, what, key, signal, { query }), {
      ...this.#options.retry,
      signal,
      askedWait,
    });
  }

  /** The answer's text; null where there is no such thing. */
  async #once(
    method: string,
    what: 'files' | 'directories',
    key: string,
    signal: AbortSignal,
    { query = '', body, bytes }: { query?: string; body?: Readable; bytes?: number },
  ): Promise<string | null> {
    const { network, signIn, host, port } = this.#options;
    const path = `${this.location}/${key}`.split('/').map(encodeURIComponent).join('/').replace(/\/$/, '');
    try {
      const answer = await send(network, {
        host,
        port,
        method,
        path: `/api/2.0/fs/${what}${path}${what === 'files' && method === 'PUT' ? '?overwrite=true' : query}`,
        headers: {
          authorization: `Bearer ${await signIn.token()}`,
          ...(bytes === undefined
            ? {}
            : { 'content-type': 'application/octet-stream', 'content-length': String(bytes) }),
        },
        ...(body === undefined ? {} : { body }),
        signal,
      });
      if (answer.status < 300) return answer.text;
      if (answer.status === 404 && method !== 'PUT') return null;
      throw refused(answer, this.location);
    } catch (error) {
      if (signal.aborted) throw cancelled(signal);
      if (isIngestError(error)) throw error;
      throw new IngestError(
        'STAGING_UNREACHABLE',
        `The volume ${this.location} cannot be reached: ${messageOf(error)}.`,
        {
          hint: 'Check server_hostname, the network and the proxy.',
          retryable: true,
          cause: error,
        },
      );
    }
  }
}

function refused(answer: { status: number; text: string; retryAfter: string | null }, location: string): IngestError {
  const { status, retryAfter } = answer;
  const said = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(answer.text)?.[1]?.slice(0, 200);
  const forbidden = status === 401 || status === 403;
  return new IngestError(
    forbidden ? 'STAGING_FORBIDDEN' : 'STAGING_FAILED',
    `The volume ${location} answered ${status}${said === undefined ? '' : `: ${said}`}.`,
    {
      hint: forbidden
        ? 'Ask for READ VOLUME and WRITE VOLUME on it.'
        : 'Check staging_volume; the volume must be there already.',
      retryable: status === 429 || status >= 500,
      cause: { retryAfter },
    },
  );
}

function volumePath(volume: string): string {
  const text = volume.trim().replace(/\/+$/, '');
  if (/^\/Volumes\/[^/]+\/[^/]+\/[^/]+/.test(text)) return text;
  const parts = text.split('.');
  if (parts.length === 3 && parts.every((part) => /^[^/\s]+$/.test(part))) return `/Volumes/${parts.join('/')}`;
  throw new IngestError('STAGING_VOLUME', `"${volume}" names no volume.`, {
    hint: 'Write staging_volume = "/Volumes/catalog/schema/volume" or "catalog.schema.volume".',
  });
}
