import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalStore } from '../../engine/destinations/object-store/local-store.ts';
import { keyPart, type ObjectStore } from '../../engine/destinations/object-store/object-store.ts';

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
    expect(await store.read('a/b/x.bin')).toBe('hello');
    await store.write('a/b/x.bin', Readable.from([Buffer.from('bye')]), 3, never);
    expect(await store.read('a/b/x.bin')).toBe('bye');
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
    expect(await store.read('a/b/x.bin')).toBe('bye');
  });

  for (const links of [true, false]) {
    it(`gives a name to the first of many, on a file system ${links ? 'with' : 'without'} hard links`, async () => {
      const link = async () => {
        throw Object.assign(new Error('no links here'), { code: 'ENOTSUP' });
      };
      const place = links ? store : createLocalStore(store.location, { link });
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => place.putIfAbsent('t/00000001.json', `writer ${n}`)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await place.read('t/00000001.json')).toBe(`writer ${results.indexOf(true)}`);
      expect(await place.putIfAbsent('t/00000001.json', 'late')).toBe(false);
      // A crash between the claim and the name.
      const claim = join(store.location, 't', '00000002.json.claim');
      await writeFile(claim, '');
      await utimes(claim, 0, 0);
      expect(await place.putIfAbsent('t/00000002.json', 'after the crash')).toBe(true);
      await rm(claim, { force: true });
      expect(await files('t')).toEqual(['00000001.json', '00000002.json']);
    });
  }

  it('lists, and takes what is not there for nothing', async () => {
    await store.putIfAbsent('s/t/_manifests/1.json', '{}');
    await writeFile(join(store.location, 's', 'top.txt'), '');
    expect(await store.list('s/')).toEqual(['top.txt']);
    expect(await store.folders('s/')).toEqual(['t']);
    expect(await store.folders('')).toEqual(['s']);
    expect(await store.list('nowhere/')).toEqual([]);
    expect(await store.read('nowhere/x')).toBeNull();
    await store.delete('nowhere/x');
    await store.delete('s/top.txt');
    expect(await store.list('s/')).toEqual([]);
    expect(await readFile(await store.readablePath('s/t/_manifests/1.json'), 'utf8')).toBe('{}');
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
