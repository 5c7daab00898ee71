import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import type { Choice } from '../network/proxies.ts';

/** An object as a listing shows it. */
export interface ObjectInfo {
  /** Below the store's root, `/` between its parts, whatever the system. */
  key: string;
  bytes: number;
  /** Milliseconds since 1970, UTC. */
  modified: number;
  /** Changes with the content, as the service gives it; '' for local files, which have none. */
  etag: string;
}

export interface ObjectPage {
  objects: ObjectInfo[];
  /** What looks like a folder: keys that end in `/`. Only where the listing had a delimiter. */
  folders: string[];
}

export interface ListOptions {
  /** `shallow` gives what lies right below the prefix and the folders there; default: everything below. */
  shallow?: boolean;
  /** Names (parts of a key) that are passed over, with all that lies below them. */
  leaveOut?: (name: string) => boolean;
  signal?: AbortSignal;
}

export interface ReadOptions {
  /** First byte, from 0. */
  start?: number;
  /** The byte behind the last. */
  end?: number;
  /** Fails with OBJECT_CHANGED where the object has another etag by now. */
  etag?: string;
  signal?: AbortSignal;
}

/** How a service is reached. */
export interface StoreRoute {
  /** The address that requests about the bucket go to. */
  url: URL;
  /** Whether a proxy stands between. */
  choice: Choice;
  /** What they go through. */
  agent: Agent;
}

/** When a {@link ObjectStore.put} may write: where there is no such object, or while it has this etag. */
export type PutCondition = 'absent' | { etag: string };

/**
 * A folder, container or bucket (or what lies below a prefix of it) that keeps objects.
 * An object is there completely or not at all, and a listing after a write shows it.
 * Everything may throw IngestError: OBJECT_STORE_… for the place, CANCELLED; no secret is in any of them. Calls are tried again within
 * bounds where the service is busy or the network fails.
 */
export interface ObjectStore {
  readonly kind: 'local' | 'azure' | 's3' | 'gcs';
  /** Where people find it: a path or URL without secrets. */
  readonly location: string;
  /** The address of an object, or with a key that ends in `/` of a folder, as other programs take it: `abfss://…`, `s3://…`, `gs://…`, a path. */
  url(key: string): string;
  /** Makes the place where that is possible (a local folder, which must be writable), and proves that it is there and can be listed. */
  prepare(signal?: AbortSignal): Promise<void>;
  /** What lies below a prefix ('' for all, else it ends in `/`), page by page, in no order to rely on; nothing where there is no such prefix. */
  list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectPage, void>;
  /** Null where it is not there. */
  stat(key: string, signal?: AbortSignal): Promise<ObjectInfo | null>;
  /** @throws IngestError OBJECT_NOT_FOUND, OBJECT_CHANGED */
  read(key: string, options?: ReadOptions): Promise<Readable>;
  /**
   * Writes or replaces an object of exactly `bytes` bytes, durably, with bounded memory: large ones in parts, some at a time.
   * What was interrupted leaves nothing that a reader or a listing sees.
   * @throws IngestError COPY_INCOMPLETE where the body had another length
   */
  write(key: string, body: Readable, bytes: number, signal?: AbortSignal): Promise<void>;
  /**
   * Writes a small object in one step, durably; false where the condition did not hold.
   * An answer that got lost is not taken for another's write: what this call wrote is recognised.
   */
  put(key: string, body: string | Uint8Array, condition: PutCondition | null, signal?: AbortSignal): Promise<boolean>;
  /** Removes objects; those that are not there are fine. */
  delete(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Gives back the room of unfinished uploads below a prefix of keys, which dead processes left; missing where the service does so itself. */
  dropUploads?(prefix: string, signal?: AbortSignal): Promise<void>;
  /** Where the object lies on this computer; missing where it does not. */
  localPath?(key: string): string;
  /** How the service is reached, for a test of each step on the way; missing where there is no network between. */
  route?(): Promise<StoreRoute>;
  /** Frees connections. Safe to call twice. */
  close(): Promise<void>;
}
