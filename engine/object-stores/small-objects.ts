import { text } from 'node:stream/consumers';
import { isIngestError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** A small object's text; null where it is not there. */
export async function readText(store: ObjectStore, key: string, signal?: AbortSignal): Promise<string | null> {
  try {
    return await text(await store.read(key, signal ? { signal } : {}));
  } catch (error) {
    if (isIngestError(error) && error.code === 'OBJECT_NOT_FOUND') return null;
    throw error;
  }
}

/** Names of the objects and of the folders right below a prefix; none where there is no such place yet. */
export async function namesBelow(
  store: ObjectStore,
  prefix: string,
  signal?: AbortSignal,
): Promise<{ objects: string[]; folders: string[] }> {
  const found: { objects: string[]; folders: string[] } = { objects: [], folders: [] };
  try {
    for await (const page of store.list(prefix, { shallow: true, ...(signal ? { signal } : {}) })) {
      found.objects.push(...page.objects.map(({ key }) => key.slice(prefix.length)));
      found.folders.push(...page.folders.map((folder) => folder.slice(prefix.length, -1)));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
  return found;
}
