import { randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { cancelled, IngestError, isIngestError, throwIfCancelled } from '../errors.ts';
import { type RetryOptions, withRetry } from '../retry.ts';
import type { CloudClient, CloudFailure, CloudUpload } from './cloud-client.ts';
import type { StoreNetwork } from './credentials.ts';
import type {
  ListOptions,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  PutCondition,
  ReadOptions,
  StoreRoute,
} from './object-store.ts';
import { copyIncomplete, explainFailure, isObjectGone, objectChanged, objectNotFound } from './store-errors.ts';

export interface CloudStoreOptions {
  /** '' or ends in `/`: what the store's keys lie below. */
  prefix: string;
  /** Takes secrets out of a text. */
  redact(text: string): string;
  /** How calls are tried again; default: 6 attempts, waits from 0.5 to 20 seconds. */
  retry?: Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'>;
  /** Told of every call that is sent again. */
  onRetry?: RetryOptions['onRetry'];
  /** How its addresses are reached. */
  network: Pick<StoreNetwork, 'httpAgent' | 'httpsAgent' | 'choose'>;
  /** Lets go what the client does not own. */
  close?(): void;
}

/** Deletes that are under way at the same time, where a service takes one key a call. */
const DELETES_AT_ONCE = 8;
const NEVER = new AbortController().signal;

/** What all clouds have in common: retries within bounds, uploads in parts, conditional writes whose answers get lost, explained errors. */
export function createCloudStore(client: CloudClient, options: CloudStoreOptions): ObjectStore {
  return new CloudStore(client, options);
}

class CloudStore implements ObjectStore {
  readonly kind: ObjectStore['kind'];
  readonly location: string;
  readonly #client: CloudClient;
  readonly #options: CloudStoreOptions;

  constructor(client: CloudClient, options: CloudStoreOptions) {
    this.kind = client.kind;
    this.location = `${client.location}/${options.prefix}`.replace(/\/$/, '');
    this.#client = client;
    this.#options = options;
  }

  url(key: string): string {
    return key === '' ? this.location : `${this.location}/${key}`;
  }

  async prepare(signal?: AbortSignal): Promise<void> {
    await this.#send('opening it', signal, (stop) =>
      this.#client.listPage(this.#options.prefix, null, { most: 1, signal: stop }),
    );
  }

  async route(): Promise<StoreRoute> {
    const { network } = this.#options;
    const url = await this.#client.endpoint().catch((error: unknown) => {
      throw this.#explain(error, 'looking up its address', undefined);
    });
    const agent = url.protocol === 'http:' ? network.httpAgent : network.httpsAgent;
    return { url, choice: await network.choose(url), agent };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectPage, void> {
    const { shallow, leaveOut, signal } = options;
    const { prefix: root } = this.#options;
    const whole = root + prefix;
    const isShown = (key: string) =>
      // A key that ends in `/` is what some tools write to show an empty folder.
      key !== '' && !key.endsWith('/') && !(leaveOut && key.slice(prefix.length).split('/').some(leaveOut));
    let token: string | null = null;
    do {
      const from: string | null = token;
      const page: ObjectPage & { next: string | null } = await this.#send(`listing ${prefix || 'it'}`, signal, (stop) =>
        this.#client.listPage(whole, from, { ...(shallow ? { shallow } : {}), signal: stop }),
      );
      yield {
        objects: page.objects.flatMap((object) => {
          const key = object.key.slice(root.length);
          return isShown(key) ? [{ ...object, key }] : [];
        }),
        folders: page.folders
          .map((folder) => folder.slice(root.length))
          .filter((folder) => isShown(folder.replace(/\/$/, ''))),
      };
      token = page.next;
    } while (token !== null);
  }

  async stat(key: string, signal?: AbortSignal): Promise<ObjectInfo | null> {
    const found = await this.#stat(key, signal);
    if (found === null) return null;
    const { stamp: _, ...info } = found;
    return { ...info, key };
  }

  async read(key: string, options: ReadOptions = {}): Promise<Readable> {
    const { signal } = options;
    if (options.end !== undefined && options.end <= (options.start ?? 0)) return Readable.from([]);
    const doing = `reading ${key}`;
    return await this.#send(doing, signal, async (stop) => {
      const body = await this.#client.read(this.#options.prefix + key, { ...options, signal: stop }).catch((error) => {
        const { status } = this.#client.failureOf(error);
        if (status === 404 && !this.#isPlaceMissing(error)) throw objectNotFound(this.location, key);
        if (status === 412) throw objectChanged(this.location, key);
        // Nothing lies behind an object's end.
        if (status === 416) return Readable.from([]);
        throw error;
      });
      return explained(body, (error) => this.#explain(error, doing, signal));
    });
  }

  async write(key: string, body: Readable, bytes: number, signal?: AbortSignal): Promise<void> {
    const whole = this.#options.prefix + key;
    const doing = `writing ${key}`;
    try {
      const partBytes = this.#client.partBytes(bytes);
      const parts = cutParts(body, partBytes, this.url(key), bytes);
      if (bytes > partBytes) {
        const upload = await this.#send(doing, signal, (stop) => this.#client.upload(whole, bytes, stop));
        await this.#writeParts(upload, key, parts, bytes, signal ?? NEVER);
        return;
      }
      for await (const content of parts)
        await this.#send(doing, signal, (stop) => this.#client.put(whole, content, null, null, stop));
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async put(
    key: string,
    body: string | Uint8Array,
    condition: PutCondition | null,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const whole = this.#options.prefix + key;
    const content = Buffer.from(body as Uint8Array);
    const stamp = randomUUID();
    let attempts = 0;
    return await this.#send(`writing ${key}`, signal, async (stop) => {
      attempts += 1;
      try {
        await this.#client.put(whole, content, condition, stamp, stop);
        return true;
      } catch (error) {
        const { status, code } = this.#client.failureOf(error);
        const refused = status === 412 || code === 'BlobAlreadyExists' || (condition !== null && status === 404);
        if (condition !== null && status === 409 && !refused) {
          // S3: another conditional write is just under way. Who is first will be seen.
          throw busy(this.location, key);
        }
        if (condition === null || !refused || this.#isPlaceMissing(error)) throw error;
        // The attempt before may have written although its answer got lost.
        return attempts > 1 && (await this.#client.stat(whole, stop).catch(() => null))?.stamp === stamp;
      }
    });
  }

  async delete(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    const { removeAtOnce } = this.#client;
    const batches: string[][] = [];
    for (let at = 0; at < keys.length; at += removeAtOnce)
      batches.push(keys.slice(at, at + removeAtOnce).map((key) => this.#options.prefix + key));
    let next = 0;
    const work = async () => {
      for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
        const some = batch;
        await this.#send(`removing ${keys[0]}`, signal, async (stop) => {
          await this.#client.remove(some, stop).catch((error) => {
            if (this.#client.failureOf(error).status !== 404 || this.#isPlaceMissing(error)) throw error;
          });
        });
      }
    };
    await settle(Array.from({ length: Math.min(DELETES_AT_ONCE, batches.length) }, work));
  }

  async dropUploads(prefix: string, signal?: AbortSignal): Promise<void> {
    await this.#send('dropping unfinished uploads', signal, async (stop) =>
      this.#client.dropUploads?.(this.#options.prefix + prefix, stop),
    );
  }

  async close(): Promise<void> {
    this.#client.close();
    this.#options.close?.();
  }

  async #writeParts(
    upload: CloudUpload,
    key: string,
    parts: AsyncGenerator<Buffer, void>,
    bytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const doing = `writing ${key}`;
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const underWay = new Set<Promise<void>>();
    let failure: unknown;
    try {
      let number = 0;
      let start = 0;
      for await (const part of parts) {
        while (underWay.size >= upload.concurrency) await Promise.race(underWay);
        throwIfCancelled(signal);
        if (failure !== undefined) break;
        const [n, at] = [number, start];
        number += 1;
        start += part.length;
        const last = start === bytes;
        const sending = this.#send(doing, stop, (each) => upload.part(n, at, part, last, each))
          .catch((error) => {
            failure ??= error;
            failed.abort();
          })
          .finally(() => underWay.delete(sending));
        underWay.add(sending);
      }
      await Promise.all(underWay);
      throwIfCancelled(signal);
      if (failure !== undefined) throw failure;
      await this.#complete(upload, key, bytes, signal);
    } catch (error) {
      const first = failure ?? error;
      failed.abort();
      await Promise.all(underWay);
      // What cannot be given back now goes by the bucket's own rules.
      await upload.abort().catch(() => undefined);
      throw signal.aborted ? cancelled(signal) : first;
    }
  }

  /** A lost answer makes the second call fail though the object is there: it is looked at. */
  async #complete(upload: CloudUpload, key: string, bytes: number, signal: AbortSignal): Promise<void> {
    let attempts = 0;
    await this.#send(`completing ${key}`, signal, async (stop) => {
      attempts += 1;
      try {
        await upload.complete(stop);
      } catch (error) {
        if (attempts === 1 || this.#client.failureOf(error).status !== 404) throw error;
        if ((await this.#client.stat(this.#options.prefix + key, stop).catch(() => null))?.bytes !== bytes) throw error;
      }
    });
  }

  async #stat(key: string, signal: AbortSignal | undefined): ReturnType<CloudClient['stat']> {
    return await this.#send(`looking at ${key}`, signal, (stop) =>
      this.#client.stat(this.#options.prefix + key, stop).catch((error) => {
        if (this.#client.failureOf(error).status === 404 && !this.#isPlaceMissing(error)) return null;
        throw error;
      }),
    );
  }

  #isPlaceMissing(error: unknown): boolean {
    const { code, message } = this.#client.failureOf(error);
    return /ContainerNotFound|NoSuchBucket/.test(code) || /specified bucket does not exist/i.test(message);
  }

  async #send<T>(
    doing: string,
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = signal ?? NEVER;
    const waits = new WeakMap<Error, number>();
    throwIfCancelled(stop);
    return await withRetry(
      async () => {
        try {
          return await call(stop);
        } catch (error) {
          if (stop.aborted) throw cancelled(stop);
          if (isIngestError(error)) throw error;
          const explanation = this.#explain(error, doing, signal);
          waits.set(explanation, this.#client.failureOf(error).retryAfter ?? 0);
          throw explanation;
        }
      },
      {
        attempts: 6,
        firstWait: 500,
        longestWait: 20_000,
        ...this.#options.retry,
        signal: stop,
        isFinal: isObjectGone,
        askedWait: (error) => waits.get(error) ?? 0,
        ...(this.#options.onRetry ? { onRetry: this.#options.onRetry } : {}),
      },
    );
  }

  #explain(error: unknown, doing: string, signal: AbortSignal | undefined): IngestError {
    if (signal?.aborted) return cancelled(signal);
    if (isIngestError(error)) return error;
    const failure = this.#client.failureOf(error);
    const clean: CloudFailure = { ...failure, message: this.#options.redact(failure.message) };
    return explainFailure(clean, { kind: this.kind, location: this.location }, doing);
  }
}

/**
 * Cuts a stream into parts of `size` bytes, the last one shorter.
 * @throws IngestError COPY_INCOMPLETE where it has not `bytes` bytes
 */
async function* cutParts(body: Readable, size: number, place: string, bytes: number): AsyncGenerator<Buffer, void> {
  let held: Buffer[] = [];
  let length = 0;
  let total = 0;
  for await (const chunk of body) {
    let rest: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array);
    total += rest.length;
    if (total > bytes) break;
    while (length + rest.length >= size) {
      const room = size - length;
      // The last part is known as such only when all is there.
      if (total === bytes && length + rest.length === size) break;
      yield Buffer.concat([...held, rest.subarray(0, room)], size);
      rest = rest.subarray(room);
      held = [];
      length = 0;
    }
    if (rest.length > 0) held.push(rest);
    length += rest.length;
  }
  if (total !== bytes) throw copyIncomplete(place, total, bytes);
  if (length > 0 || bytes === 0) yield Buffer.concat(held, length);
}

/** The stream with its errors explained; who stops reading it stops the transfer. */
function explained(body: Readable, explain: (error: unknown) => IngestError): Readable {
  const out = new PassThrough();
  body.once('error', (error) => out.destroy(explain(error)));
  body.once('close', () => {
    if (!body.readableEnded) out.destroy(explain(Object.assign(new Error('premature close'), { code: 'ECONNRESET' })));
  });
  out.once('close', () => body.destroy());
  return body.pipe(out);
}

function busy(location: string, key: string): IngestError {
  return new IngestError('OBJECT_STORE_BUSY', `${location}: another write of ${key} is under way.`, {
    retryable: true,
  });
}

/** Waits for all, then throws the first error. */
async function settle(work: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}
