import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadToken, newLoadId } from '../../engine/load/load-id.ts';
import type { PackageManifest } from '../../engine/load/load-package.ts';
import { PackageStore } from '../../engine/load/package-store.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const scope = { pipeline: 'p', destination: 'd', target_schema: 'raw', target_table: 'orders' };
const manifest = (loadId: string): PackageManifest => ({
  version: 1,
  load_id: loadId,
  run_id: 'r',
  ...scope,
  write_disposition: 'append',
  schema_contract: 'evolve',
  primary_key: [],
  created_at: '2026-01-01T00:00:00.000Z',
  tables: [{ name: 'orders', parent: null, columns: [], files: [{ name: 'a.parquet', rows: 1, bytes: 1 }] }],
  state: null,
});

test('only complete packages of a target are left over, oldest first; incomplete ones are removed', async () => {
  await using folder = await temporaryFolder();
  const store = new PackageStore(folder.path, scope);
  for (const loadId of ['2.5', '1.5']) {
    const own = await store.create(loadId);
    await writeFile(path.join(own, 'a.parquet'), 'x');
    await store.complete(own, manifest(loadId));
  }
  const torn = await store.create('3.5');
  await writeFile(path.join(torn, 'manifest.json.tmp'), '{');
  await new PackageStore(folder.path, { ...scope, target_table: 'other' }).create('9.9');
  expect((await store.leftovers()).map((pack) => pack.manifest.load_id)).toEqual(['1.5', '2.5']);
  expect(await readdir(path.dirname(torn))).toEqual(['1.5', '2.5']);
});

test.each([
  ['{"version": 99}', 'PACKAGE_NEWER'],
  ['{"version": 1', 'PACKAGE_UNREADABLE'],
])('a manifest %s is refused with its folder and a way out', async (text, code) => {
  await using folder = await temporaryFolder();
  const store = new PackageStore(folder.path, scope);
  const own = await store.create('1.5');
  await mkdir(own, { recursive: true });
  await writeFile(path.join(own, 'manifest.json'), text);
  await expect(store.leftovers()).rejects.toMatchObject({
    code,
    message: expect.stringContaining(own),
    hint: expect.stringContaining('folder'),
  });
});

test('load ids grow, also within one millisecond, and have a token of their own', () => {
  const ids = Array.from({ length: 2000 }, () => newLoadId(1_763_858_123_000));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^\d{10}\.\d{9}$/);
  expect(new Set(ids.map(loadToken)).size).toBe(ids.length);
});
