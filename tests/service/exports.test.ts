import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { startService } from './service-harness.ts';

test('a preview shows files, names of secrets and the difference; no value leaves the engine', async () => {
  await using folder = await temporaryFolder();
  await using studio = await startService();
  const directory = path.join(folder.path, 'shop');
  const target = path.join(folder.path, 'bundle');
  const job = {
    source_type: 'api',
    source_name: 'shop',
    table_name: 'orders',
    load_type: 'FULL',
    enabled: 'Y',
    auth_type: 'bearer',
  };
  const files = {
    config: '[sources.shop]\nbase_url = "https://shop.example"\n[destinations.duckdb]\npath = "out.duckdb"\n',
    secrets: '[sources.shop]\ntoken = "token-that-stays-here"\n',
  };
  await writeProject(directory, { jobs: [job], ...files });

  const first = await studio.call('export.preview', { directory, env: null, target });
  expect(first).toMatchObject({
    difference: null,
    secrets: [{ path: 'sources.shop.token', environment: 'SOURCES__SHOP__TOKEN' }],
    command: `ingest run -c ${target}`,
  });
  expect(first.files.map(({ name }) => name).at(-1)).toBe('bundle.json');
  expect((await studio.call('export.write', { directory, env: null, target })).files).toHaveLength(4);

  await writeProject(directory, { jobs: [{ ...job, page_size: 5 }], ...files });
  const second = await studio.call('export.preview', { directory, env: null, target });
  expect(second.difference?.changed).toEqual([
    { kind: 'job', name: 'shop.orders', cells: [{ column: 'page_size', before: '', after: '5' }] },
  ]);
  await expect(studio.call('export.write', { directory, env: null, target: directory })).rejects.toThrow(
    'EXPORT_TARGET',
  );
  await writeProject(directory, { jobs: [{ ...job, load_type: 'SOMETIMES' }], ...files });
  await expect(studio.call('export.write', { directory, env: null, target })).rejects.toThrow('EXPORT_REFUSED');

  for (const text of studio.said) expect(text).not.toContain('token-that-stays-here');
  for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      expect(await readFile(path.join(entry.parentPath, entry.name), 'latin1')).not.toContain('token-that-stays-here');
  }
});
