import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { CRC32C } from '@google-cloud/storage';
import { IngestError } from '../errors.ts';
import { loadDriver } from '../load-driver.ts';
import { type CloudClient, type CloudFailure, type CloudUpload, retryAfterOf } from './cloud-client.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';
import type { BucketLocation } from './location.ts';
import type { ObjectInfo, PutCondition } from './object-store.ts';

/** A multiple of 256 KiB, as the service wants them. */
const CHUNK_BYTES = 8 * 2 ** 20;
const STAMP = 'ingest-stamp';

/** A resource of the JSON API. */
interface Resource {
  name: string;
  size?: string;
  updated?: string;
  generation?: string;
  crc32c?: string;
  metadata?: Record<string, string>;
}
type Send = <T>(request: {
  url: string;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Record<string, string>;
  body?: Buffer;
  responseType?: 'json' | 'stream';
  /** Statuses that are no failure. */
  accept?: readonly number[];
  signal?: AbortSignal;
}) => Promise<{ status: number; data: T; header(name: string): string | null }>;

/**
 * A bucket of Google Cloud Storage (or of a service with its JSON API at `endpoint_url`). Signs in with the first that is given: service_account_key,
 * client_email with private_key, refresh_token; else with the application default credentials, and not at all at an `endpoint_url`.
 * Of the SDK its sign-in and its checksum are used, with the JSON API's own calls: its methods can be neither cancelled nor resumed part by part.
 * @throws IngestError DRIVER_MISSING, OBJECT_STORE_CREDENTIALS
 */
export async function openGcsClient(
  location: BucketLocation,
  credentials: StoreCredentials,
  network: StoreNetwork,
  baseDirectory: string,
): Promise<CloudClient> {
  const { CRC32C } = await loadDriver('@google-cloud/storage', () => import('@google-cloud/storage'));
  const endpoint = credentials.endpoint_url?.replace(/\/+$/, '');
  const agent = (url: URL) => (url.protocol === 'http:' ? network.httpAgent : network.httpsAgent);
  const client = await signedIn(await keyOf(credentials, baseDirectory), endpoint !== undefined, { agent } as object);
  return new GcsClient(
    sender(client, agent),
    location.bucket,
    endpoint ?? 'https://storage.googleapis.com',
    () => new CRC32C(),
  );
}

async function signedIn(key: Key | null, hasEndpoint: boolean, transporterOptions: object): Promise<Requester> {
  const auth = await loadDriver('google-auth-library', () => import('google-auth-library'));
  const scopes = ['https://www.googleapis.com/auth/devstorage.read_write'];
  const common = { transporterOptions };
  switch (key?.type) {
    case undefined:
      return hasEndpoint
        ? new auth.PassThroughClient(common)
        : (new auth.GoogleAuth({ scopes, clientOptions: common }) as unknown as Requester);
    case 'service_account': {
      const { client_email: email, private_key, private_key_id: keyId } = key;
      const jwt = new auth.JWT({ ...common, email, key: private_key, ...(keyId ? { keyId } : {}), scopes } as object);
      // It then signs for itself, without a round trip for a token.
      jwt.useJWTAccessWithScope = true;
      return jwt;
    }
    case 'authorized_user': {
      const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = key;
      return new auth.UserRefreshClient({ ...common, clientId, clientSecret, refreshToken } as object);
    }
    default: {
      const external = auth.ExternalAccountClient.fromJSON({ ...key, ...common, scopes } as never);
      if (external) return external;
      throw unusableKey(`is of type "${key?.type}", which is not known`);
    }
  }
}

type Requester = { request: InstanceType<typeof import('google-auth-library').PassThroughClient>['request'] };
type Key = Partial<Record<string, string>> & { type: string };

/** Credentials in Google's own form; null for the default ones. */
async function keyOf(credentials: StoreCredentials, baseDirectory: string): Promise<Key | null> {
  const text = credentials.service_account_key?.trim();
  if (text) {
    const json = text.startsWith('{') ? text : await readFile(resolve(baseDirectory, text), 'utf8').catch(() => null);
    if (json === null) throw unusableKey('names a file that cannot be read');
    try {
      const key = JSON.parse(json) as Key;
      if (typeof key.type === 'string') return key;
    } catch {
      // The parser's message would quote the key.
    }
    throw unusableKey('is no key of a service account');
  }
  const { client_email, private_key, private_key_id = '', client_id, client_secret, refresh_token } = credentials;
  if (client_email && private_key) {
    // In TOML and in environments line ends are often written as \n.
    return { type: 'service_account', client_email, private_key: private_key.replaceAll('\\n', '\n'), private_key_id };
  }
  if (client_id && client_secret && refresh_token)
    return { type: 'authorized_user', client_id, client_secret, refresh_token };
  return null;
}

function unusableKey(why: string): IngestError {
  return new IngestError('OBJECT_STORE_CREDENTIALS', `service_account_key ${why}.`, {
    hint: 'Give the JSON that Google Cloud made for the account, or the path of its file from the project’s folder.',
  });
}

function sender(client: Requester, agent: (url: URL) => unknown): Send {
  return async ({ url, method = 'GET', headers = {}, body, responseType = 'json', accept = [], signal }) => {
    const request = {
      url,
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
      agent,
      responseType,
      retry: false,
      ...(body === undefined ? {} : { data: streamOf(body) }),
      ...(signal ? { signal } : {}),
      validateStatus: (status: number) => (status >= 200 && status < 300) || accept.includes(status),
    };
    const answer = await client.request(request as never);
    return { status: answer.status, data: answer.data as never, header: (name) => answer.headers.get(name) };
  };
}

/** A cancelled request destroys its body with an error, which nobody would catch of a buffer. */
function streamOf(body: Buffer): Readable {
  return Readable.from([body], { objectMode: false }).on('error', () => undefined);
}

class GcsClient implements CloudClient {
  readonly kind = 'gcs';
  readonly location: string;
  readonly removeAtOnce = 1;
  readonly #send: Send;
  readonly #endpoint: string;
  readonly #objects: string;
  readonly #uploads: string;
  readonly #checksum: () => CRC32C;

  constructor(send: Send, bucket: string, endpoint: string, checksum: () => CRC32C) {
    this.#send = send;
    this.#checksum = checksum;
    this.#endpoint = endpoint;
    this.location = `gs://${bucket}`;
    this.#objects = `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
    this.#uploads = `${endpoint}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  }

  async endpoint(): Promise<URL> {
    return new URL(new URL(this.#endpoint).origin);
  }

  async listPage(
    prefix: string,
    token: string | null,
    { shallow, most, signal }: Parameters<CloudClient['listPage']>[2],
  ): ReturnType<CloudClient['listPage']> {
    const query = new URLSearchParams({
      prefix,
      fields: 'items(name,size,updated,generation),prefixes,nextPageToken',
      ...(shallow ? { delimiter: '/' } : {}),
      ...(token === null ? {} : { pageToken: token }),
      ...(most === undefined ? {} : { maxResults: String(most) }),
    });
    const { data } = await this.#send<{ items?: Resource[]; prefixes?: string[]; nextPageToken?: string }>({
      url: `${this.#objects}?${query}`,
      signal,
    });
    return {
      objects: (data.items ?? []).map(infoOf),
      folders: data.prefixes ?? [],
      next: data.nextPageToken ?? null,
    };
  }

  async stat(key: string, signal: AbortSignal): ReturnType<CloudClient['stat']> {
    const { data } = await this.#send<Resource>({ url: this.#url(key), signal });
    return { ...infoOf(data), stamp: data.metadata?.[STAMP] ?? null };
  }

  async read(
    key: string,
    { start = 0, end, etag, signal }: Parameters<CloudClient['read']>[1],
  ): ReturnType<CloudClient['read']> {
    const ranged = start > 0 || end !== undefined;
    const { data } = await this.#send<Readable>({
      url: `${this.#url(key)}?alt=media${etag ? `&ifGenerationMatch=${etag}` : ''}`,
      responseType: 'stream',
      ...(ranged ? { headers: { range: `bytes=${start}-${end === undefined ? '' : end - 1}` } } : {}),
      signal,
    });
    return data instanceof Readable ? data : Readable.fromWeb(data);
  }

  async put(
    key: string,
    body: Buffer,
    condition: PutCondition | null,
    stamp: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const boundary = 'ingest-part-7f3b1c';
    const checksum = this.#checksum();
    checksum.update(body);
    const resource = {
      name: key,
      crc32c: checksum.toString(),
      ...(stamp === null ? {} : { metadata: { [STAMP]: stamp } }),
    };
    const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
    await this.#send({
      url: `${this.#uploads}?uploadType=multipart${matching(condition)}`,
      method: 'POST',
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body: Buffer.concat([Buffer.from(head), body, Buffer.from(`\r\n--${boundary}--\r\n`)]),
      signal,
    });
  }

  partBytes(): number {
    return CHUNK_BYTES;
  }

  /** A resumable upload: the service takes the chunks in order and says how far it came. */
  async upload(key: string, bytes: number, signal: AbortSignal): Promise<CloudUpload> {
    const send = this.#send;
    const url = this.#url(key);
    const { header } = await send({
      url: `${this.#uploads}?uploadType=resumable&name=${encodeURIComponent(key)}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-upload-content-length': String(bytes) },
      body: Buffer.from('{}'),
      signal,
    });
    const session = header('location');
    if (session === null) throw new Error('The service began no upload.');
    const checksum = this.#checksum();
    let attempted = -1;
    let stored: string | undefined;
    return {
      concurrency: 1,
      async part(number, start, body, _last, each) {
        let from = start;
        if (attempted !== number) checksum.update(body);
        else {
          // How much of the chunk that was sent before has arrived?
          const seen = await send<Resource>({
            url: session,
            method: 'PUT',
            headers: { 'content-range': `bytes */${bytes}` },
            accept: [308],
            signal: each,
          });
          if (seen.status !== 308) {
            stored = seen.data.crc32c;
            return;
          }
          const range = /-(\d+)$/.exec(seen.header('range') ?? '');
          from = range === null ? 0 : Number(range[1]) + 1;
        }
        attempted = number;
        if (from >= start + body.length) return;
        const { status, data } = await send<Resource>({
          url: session,
          method: 'PUT',
          headers: { 'content-range': `bytes ${from}-${start + body.length - 1}/${bytes}` },
          body: body.subarray(from - start),
          accept: [308],
          signal: each,
        });
        if (status !== 308) stored = data.crc32c;
      },
      async complete() {
        // The last chunk made the object visible already.
        if (stored === undefined || stored === checksum.toString()) return;
        await send({ url, method: 'DELETE' });
        throw new Error(`crc32c is ${stored}, and ${checksum.toString()} of what was sent.`);
      },
      async abort() {
        await send({ url: session, method: 'DELETE', accept: [499] });
      },
    };
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) await this.#send({ url: this.#url(key), method: 'DELETE', signal });
  }

  failureOf(error: unknown): CloudFailure {
    const { code, message, status, response, cause } = error as {
      code?: string | number;
      message?: string;
      status?: number;
      response?: { status?: number; headers?: Headers; data?: unknown };
      cause?: { code?: unknown };
    };
    const said = (response?.data as { error?: { message?: string; errors?: { reason?: string }[] } } | undefined)
      ?.error;
    const system = typeof code === 'string' ? code : typeof cause?.code === 'string' ? cause.code : '';
    return {
      status: response?.status ?? status ?? null,
      code: said?.errors?.[0]?.reason ?? system,
      message: said?.message ?? message ?? '',
      retryAfter: retryAfterOf(response?.headers?.get?.('retry-after')),
    };
  }

  close(): void {
    // The agents are the store's.
  }

  #url(key: string): string {
    return `${this.#objects}/${encodeURIComponent(key)}`;
  }
}

/** Generations stand for etags: only they can be conditions of a write. */
function infoOf({ name, size, updated, generation }: Resource): ObjectInfo {
  return { key: name, bytes: Number(size ?? 0), modified: Date.parse(updated ?? '') || 0, etag: generation ?? '' };
}

function matching(condition: PutCondition | null): string {
  if (condition === null) return '';
  return `&ifGenerationMatch=${condition === 'absent' ? '0' : condition.etag}`;
}
