import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download } from '../../object-stores/download.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { objectNotFound } from '../../object-stores/store-errors.ts';

/** Downloads that are under way at the same time. */
const AT_ONCE = 4;

/** Objects where DuckDB can read them: the files themselves, or copies that keep their names. */
export interface LocalCopies {
  paths: string[];
  /** Removes the copies. Safe to call twice. */
  release(): Promise<void>;
}

/** @param tempDirectory exists; copies go into a folder of their own in it. */
export async function localCopies(
  store: ObjectStore,
  keys: readonly string[],
  tempDirectory: string,
  signal: AbortSignal,
): Promise<LocalCopies> {
  const { localPath } = store;
  if (localPath) return { paths: keys.map((key) => localPath.call(store, key)), release: async () => undefined };
  const folder = await mkdtemp(join(tempDirectory, 'copies-'));
  const release = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  // Files of one name may lie in several folders of a table.
  const paths = keys.map((key, at) => join(folder, String(at), basename(key)));
  let next = 0;
  const work = async () => {
    for (let at = next++; at < keys.length; at = next++) {
      const key = keys[at] as string;
      const object = await store.stat(key, stop);
      if (object === null) throw objectNotFound(store.location, key);
      await download(store, object, paths[at] as string, { signal: stop });
    }
  };
  const workers = Array.from({ length: AT_ONCE }, () =>
    work().catch((error) => {
      if (!failed.signal.aborted) failed.abort(error);
    }),
  );
  await Promise.all(workers);
  if (stop.aborted) {
    await release();
    signal.throwIfAborted();
    throw failed.signal.reason;
  }
  return { paths, release };
}
