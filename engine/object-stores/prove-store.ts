import { randomBytes } from 'node:crypto';
import { IngestError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';
import { readText } from './small-objects.ts';

/**
 * Proves that a store can hold what runs load: writes a probe object, sees that a conditional write of the same name is refused, reads it back and removes it.
 * @throws IngestError what the store says; OBJECT_STORE_UNSUITABLE where it does not keep its word
 */
export async function proveStore(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const key = `_probe-${randomBytes(6).toString('hex')}`;
  const text = 'Written by a connection test; it may be removed.';
  try {
    const written = await store.put(key, text, 'absent', signal);
    if (!written || (await readText(store, key, signal)) !== text)
      throw unsuitable(store, 'gave back something else than was written');
    if (await store.put(key, 'second', 'absent', signal))
      throw unsuitable(store, 'let a second writer write over an object that was there');
  } catch (error) {
    await store.delete([key]).catch(() => undefined);
    throw error;
  }
  await store.delete([key], signal);
  if ((await store.stat(key, signal)) !== null) throw unsuitable(store, 'did not remove an object');
}

function unsuitable(store: ObjectStore, why: string): IngestError {
  return new IngestError('OBJECT_STORE_UNSUITABLE', `${store.location} ${why}.`, {
    hint: 'Loads rest on conditional writes (If-None-Match: *). Use a service, or a version of it, that has them.',
  });
}
