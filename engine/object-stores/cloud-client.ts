import type { Readable } from 'node:stream';
import type { ListOptions, ObjectInfo, ObjectPage, ObjectStore, PutCondition, ReadOptions } from './object-store.ts';

/** The little that differs between the services. Keys are whole ones; every call is sent once; what it throws {@link CloudClient.failureOf} explains. */
export interface CloudClient {
  readonly kind: Exclude<ObjectStore['kind'], 'local'>;
  /** Of the container or bucket, without `/` at its end. */
  readonly location: string;
  /** Largest number of keys that {@link remove} takes. */
  readonly removeAtOnce: number;
  /** The address that requests about the bucket go to. */
  endpoint(): Promise<URL>;
  listPage(
    prefix: string,
    token: string | null,
    options: Pick<ListOptions, 'shallow'> & { most?: number; signal: AbortSignal },
  ): Promise<ObjectPage & { next: string | null }>;
  /** `stamp` is that of the {@link put} that wrote it. */
  stat(key: string, signal: AbortSignal): Promise<(ObjectInfo & { stamp: string | null }) | null>;
  read(key: string, options: ReadOptions & { signal: AbortSignal }): Promise<Readable>;
  put(
    key: string,
    body: Buffer,
    condition: PutCondition | null,
    stamp: string | null,
    signal: AbortSignal,
  ): Promise<void>;
  /** Size of the parts that an object of so many bytes is written in; a smaller one is {@link put} in one. */
  partBytes(bytes: number): number;
  /** Begins an object that is written in parts. */
  upload(key: string, bytes: number, signal: AbortSignal): Promise<CloudUpload>;
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** As {@link ObjectStore.dropUploads}. */
  dropUploads?(prefix: string, signal: AbortSignal): Promise<void>;
  failureOf(error: unknown): CloudFailure;
  close(): void;
}

export interface CloudUpload {
  /** Parts that may be under way at the same time; 1 where the service takes them in order only. */
  readonly concurrency: number;
  /** `number` from 0. Sending a part again replaces it. */
  part(number: number, start: number, body: Buffer, last: boolean, signal: AbortSignal): Promise<void>;
  /** Makes the object visible, in one step. */
  complete(signal: AbortSignal): Promise<void>;
  /** Gives back the room of the parts. */
  abort(): Promise<void>;
}

/** A failed call in the services' common terms. */
export interface CloudFailure {
  /** Null where there was no answer. */
  status: number | null;
  /** The service's or the system's own: `ContainerNotFound`, `NoSuchBucket`, `ECONNREFUSED`. */
  code: string;
  /** The service's own words. */
  message: string;
  /** Milliseconds after which the service wants to be asked again. */
  retryAfter: number | null;
}

/** `Retry-After` as milliseconds: seconds or an HTTP date; null where it is neither. */
export function retryAfterOf(header: string | null | undefined): number | null {
  if (header === null || header === undefined || header.trim() === '') return null;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? null : Math.max(0, wait);
}
