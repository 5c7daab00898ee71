import { expect, test } from 'vitest';
import { createLocalStore } from '../../engine/object-stores/local-store.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { proveStore } from '../../engine/object-stores/prove-store.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const { signal } = new AbortController();

/** A real store of which one promise is broken, as services without conditional writes break it. */
async function probe(broken: (store: ObjectStore) => Partial<ObjectStore>): Promise<{ code?: string; left: number }> {
  await using folder = await temporaryFolder();
  const store = createLocalStore(folder.path);
  const instead: Partial<ObjectStore> = broken(store);
  const faulty = new Proxy(store, {
    get(_, name: keyof ObjectStore) {
      const kept = store[name];
      return instead[name] ?? (typeof kept === 'function' ? kept.bind(store) : kept);
    },
  });
  const code = await proveStore(faulty, signal).then(
    () => undefined,
    (error: { code: string }) => error.code,
  );
  let left = 0;
  for await (const page of store.list('')) left += page.objects.length;
  return { ...(code === undefined ? {} : { code }), left };
}

test('a store that keeps its word passes and is left as it was', async () => {
  expect(await probe(() => ({}))).toEqual({ left: 0 });
});

test('a store that lets a second writer write over an object is refused, and the probe is gone', async () => {
  const found = await probe((store) => ({
    put: (key, body, _condition, aborted) => store.put(key, body, null, aborted),
  }));
  expect(found).toEqual({ code: 'OBJECT_STORE_UNSUITABLE', left: 0 });
});

test('a store that says it wrote and did not is refused', async () => {
  expect(await probe(() => ({ put: async () => false }))).toEqual({ code: 'OBJECT_STORE_UNSUITABLE', left: 0 });
});

test('a store that keeps what was deleted is refused', async () => {
  const found = await probe(() => ({ delete: async () => undefined }));
  expect(found.code).toBe('OBJECT_STORE_UNSUITABLE');
});
