import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { LIVE_KINDS, openTestStore, STORE_KINDS, type StoreServer } from './stores.ts';

const PLACES = new Map<ObjectStore, Awaited<ReturnType<StoreServer['place']>>>();

for (const kind of [...STORE_KINDS, ...LIVE_KINDS]) {
  describe(`object store: ${kind.name}${LIVE_KINDS.includes(kind) ? ' (live)' : ''}`, () => {
    let server: StoreServer;
    let store: ObjectStore;
    beforeAll(async () => {
      server = await kind.start();
    }, 60_000);
    afterAll(async () => {
      await server?.stop();
    });
    beforeEach(async () => {
      const place = await server.place();
      store = await openTestStore(place);
      PLACES.set(store, place);
      await store.prepare();
      return () => store.close();
    });
    const content = async (key: string) => await text(await store.read(key));
    const keys = async (prefix: string, shallow = false) => {
      const found: string[] = [];
      for await (const page of store.list(prefix, { shallow }))
        found.push(...page.objects.map((object) => object.key), ...page.folders);
      return found.sort();
    };

    it('writes, looks at, reads, lists and removes', async () => {
      const name = "a b/ü '(1)+&%25#?.csv".replace('?', kind.name === 'local' ? '' : '?');
      await store.put(name, 'hello', null);
      expect(await content(name)).toBe('hello');
      expect(await text(await store.read(name, { start: 1, end: 3 }))).toBe('el');
      expect(await text(await store.read(name, { start: 3 }))).toBe('lo');
      expect(await text(await store.read(name, { start: 3, end: 3 }))).toBe('');
      const seen = await store.stat(name);
      expect(seen).toMatchObject({ key: name, bytes: 5 });
      expect(Math.abs(Date.now() - (seen?.modified ?? 0))).toBeLessThan(60_000);
      await store.put('a b/deep/er/x', '', null);
      await store.put('top', '1', null);
      expect(await keys('')).toEqual([name, 'a b/deep/er/x', 'top'].sort());
      expect(await keys('', true)).toEqual(['a b/', 'top']);
      expect(await keys('a b/', true)).toEqual(['a b/deep/', name].sort());
      expect(await keys('nowhere/')).toEqual([]);
      expect(await content('a b/deep/er/x')).toBe('');
      const below = [];
      for await (const page of store.list('', { leaveOut: (part) => part === 'deep' })) below.push(...page.objects);
      expect(below.map(({ key }) => key).sort()).toEqual([name, 'top'].sort());
      const [listed] = below.filter(({ key }) => key === name);
      expect(listed).toEqual(await store.stat(name));
      await store.delete([name, 'top', 'not there']);
      expect(await keys('')).toEqual(['a b/deep/er/x']);
      expect(await store.stat(name)).toBeNull();
      await expect(store.read(name)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND', retryable: true });
    });

    it('keeps to the folder that it was opened with', async () => {
      const inner = await openTestStore(PLACES.get(store)!, 'one/two');
      await inner.prepare();
      await inner.put('x', 'inner', 'absent');
      await store.put('one/twofold', 'beside', null);
      expect(await keys('')).toEqual(['one/two/x', 'one/twofold']);
      const found = [];
      for await (const page of inner.list('')) found.push(...page.objects.map(({ key }) => key));
      expect(found).toEqual(['x']);
      expect(inner.location.replaceAll('\\', '/')).toBe(`${store.location.replaceAll('\\', '/')}/one/two`);
      await inner.close();
    });

    it('gives a name to the first of many', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) => store.put('t/1.json', `by ${n}`, 'absent')),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await content('t/1.json')).toBe(`by ${results.indexOf(true)}`);
      expect(await store.put('t/1.json', 'late', 'absent')).toBe(false);
    });

    if (kind.name !== 'local')
      it('writes on condition of an etag, and reads only what it was told of', async () => {
        await store.put('c', 'one', null);
        const first = (await store.stat('c'))!.etag;
        expect(await store.put('c', 'two', { etag: first })).toBe(true);
        expect(await store.put('c', 'three', { etag: first })).toBe(false);
        expect(await store.put('none', 'x', { etag: first })).toBe(false);
        expect(await content('c')).toBe('two');
        await expect(store.read('c', { etag: first })).rejects.toMatchObject({ code: 'OBJECT_CHANGED' });
        const { etag } = (await store.stat('c'))!;
        expect(await text(await store.read('c', { etag }))).toBe('two');
      });

    it('writes large objects in parts, byte for byte, and nothing of an interrupted one', async () => {
      const part = 8 * 2 ** 20;
      for (const bytes of [0, part, 2 * part + 12_345]) {
        const body = Buffer.alloc(bytes, 'abcdefghijklmnopqrstuvwxyz0123456789-');
        await store.write('big.bin', Readable.from(slices(body, 700_001)), bytes);
        expect((await buffer(await store.read('big.bin'))).equals(body), `${bytes} bytes`).toBe(true);
      }
      const short = store.write('short.bin', Readable.from(slices(Buffer.alloc(100), 10)), 3 * part);
      await expect(short).rejects.toMatchObject({ code: 'COPY_INCOMPLETE', retryable: true });
      const long = store.write('long.bin', Readable.from(slices(Buffer.alloc(100), 10)), 99);
      await expect(long).rejects.toMatchObject({ code: 'COPY_INCOMPLETE' });
      const broken = async function* () {
        yield Buffer.alloc(2 * part + 1);
        throw new Error('the source broke');
      };
      await expect(store.write('broken.bin', Readable.from(broken()), 3 * part)).rejects.toThrow('the source broke');
      const stop = new AbortController();
      const stopping = async function* () {
        yield Buffer.alloc(2 * part + 1);
        stop.abort();
        yield Buffer.alloc(part - 1);
      };
      const stopped = store.write('stopped.bin', Readable.from(stopping()), 3 * part, stop.signal);
      await expect(stopped).rejects.toThrow(/cancelled|aborted/i);
      expect(await keys('')).toEqual(['big.bin']);
    });
  });
}

function* slices(body: Buffer, size: number) {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}
