import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyPart } from '../../engine/object-stores/key-part.ts';
import { createLocalStore } from '../../engine/object-stores/local-store.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { namesBelow, readText } from '../../engine/object-stores/small-objects.ts';

const never = new AbortController().signal;

describe('local store', () => {
  let root: string;
  let store: ObjectStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'store-'));
    store = createLocalStore(join(root, 'new', 'folder'));
    await store.prepare(never);
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });
  const files = async (prefix: string) => await readdir(join(store.location, prefix));

  it('writes an object completely or not at all', async () => {
    await store.write('a/b/x.bin', Readable.from([Buffer.from('hel'), Buffer.from('lo')]), 5, never);
    expect(await readText(store, 'a/b/x.bin')).toBe('hello');
    await store.write('a/b/x.bin', Readable.from([Buffer.from('bye')]), 3, never);
    expect(await readText(store, 'a/b/x.bin')).toBe('bye');
    await expect(store.write('a/b/x.bin', Readable.from([Buffer.from('short')]), 9, never)).rejects.toMatchObject({
      code: 'COPY_INCOMPLETE',
      retryable: true,
    });
    const broken = new Readable({
      read() {
        this.push('some');
        this.destroy(new Error('the source broke'));
      },
    });
    await expect(store.write('a/b/y.bin', broken, 100, never)).rejects.toThrow('the source broke');
    await expect(store.write('a/b/y.bin', Readable.from(['x']), 1, AbortSignal.abort())).rejects.toThrow();
    expect(await files('a/b')).toEqual(['x.bin']);
    expect(await readText(store, 'a/b/x.bin')).toBe('bye');
  });

  for (const links of [true, false]) {
    it(`gives a name to the first of many, on a file system ${links ? 'with' : 'without'} hard links`, async () => {
      const link = async () => {
        throw Object.assign(new Error('no links here'), { code: 'ENOTSUP' });
      };
      const place = links ? store : createLocalStore(store.location, { link });
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => place.put('t/00000001.json', `writer ${n}`, 'absent')),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await readText(place, 't/00000001.json')).toBe(`writer ${results.indexOf(true)}`);
      expect(await place.put('t/00000001.json', 'late', 'absent')).toBe(false);
      // A crash between the claim and the name.
      const claim = join(store.location, 't', '00000002.json.claim');
      await writeFile(claim, '');
      await utimes(claim, 0, 0);
      expect(await place.put('t/00000002.json', 'after the crash', 'absent')).toBe(true);
      await rm(claim, { force: true });
      expect(await files('t')).toEqual(['00000001.json', '00000002.json']);
    });
  }

  it('lists, and takes what is not there for nothing', async () => {
    await store.put('s/t/_manifests/1.json', '{}', 'absent');
    await writeFile(join(store.location, 's', 'top.txt'), '');
    expect(await namesBelow(store, 's/')).toEqual({ objects: ['top.txt'], folders: ['t'] });
    expect(await namesBelow(store, '')).toEqual({ objects: [], folders: ['s'] });
    expect(await namesBelow(store, 'nowhere/')).toEqual({ objects: [], folders: [] });
    const nowhere = createLocalStore(join(store.location, 'nowhere'));
    expect(await namesBelow(nowhere, '')).toEqual({ objects: [], folders: [] });
    expect(await readText(store, 'nowhere/x')).toBeNull();
    await store.delete(['nowhere/x', 's/top.txt']);
    expect((await namesBelow(store, 's/')).objects).toEqual([]);
    expect(await readFile(store.localPath!('s/t/_manifests/1.json'), 'utf8')).toBe('{}');
    await expect(store.prepare(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('makes any name a legal part of a path on every system, and no two alike', () => {
    const names = [
      'orders',
      'täble',
      'a/b',
      'a\\b',
      '..',
      '.',
      'con',
      'CON.x',
      'console',
      'a.',
      'a ',
      'a:b',
      '50%',
      'a%2Fb',
      'a\nb',
      'x*?"<>|',
    ];
    const parts = names.map(keyPart);
    expect(parts.slice(0, 2)).toEqual(['orders', 'täble']);
    expect(keyPart('a/b')).toBe('a%2Fb');
    expect(keyPart('console')).toBe('console');
    expect(new Set(parts).size).toBe(names.length);
    for (const part of parts) {
      expect(part).not.toMatch(/[<>:"/\\|?*\n]|[. ]$|^con(\.|$)/i);
      expect(decodeURIComponent(part)).toBe(names[parts.indexOf(part)]);
    }
  });
});
