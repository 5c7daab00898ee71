import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { verifyBundle } from '../../engine/bundle/verify-bundle.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { cli } from './cli-process.ts';

const CONFIG = `
[sources.shop]
base_url = "https://shop.example.com"
auth_type = "bearer"
[destination]
type = "duckdb"
`;
const job = (table: string, rest: Record<string, string> = {}) => ({
  source_type: 'api',
  source_name: 'shop',
  table_name: table,
  load_type: 'FULL',
  enabled: 'Y',
  ...rest,
});

test('export writes a bundle with names of secrets, diff tells what changed since, a second export shows it', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  const bundle = path.join(folder.path, 'bundle');
  await writeProject(project, {
    jobs: [job('orders'), job('customers')],
    config: CONFIG,
    secrets: '[sources.shop]\ntoken = "a-very-secret-token"\n',
  });
  const dry = await cli(['export', '-c', project, '-o', bundle, '--dry-run']);
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain('would be written to');
  const first = await cli(['export', '-c', project, '-o', bundle]);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain('SOURCES__SHOP__TOKEN');
  expect(first.stdout).not.toContain('a-very-secret-token');
  expect((await cli(['diff', project, bundle])).stdout).toContain('No difference.');

  await writeProject(project, {
    jobs: [job('orders', { load_type: 'INCREMENTAL', watermark_column: 'at' }), job('reviews')],
  });
  const difference = await cli(['diff', bundle, project]);
  expect(difference.code).toBe(1);
  expect(difference.stdout).toContain('load_type: FULL → INCREMENTAL');
  expect(difference.stdout).toContain('watermark_column: (blank) → at');
  expect(JSON.parse((await cli(['diff', bundle, project, '--json'])).stdout)).toMatchObject({
    changed: [{ name: 'shop.orders' }, { name: 'shop.customers' }],
  });
  const second = await cli(['export', '-c', project, '-o', bundle]);
  expect(second.stdout).toContain('Since the last export:');
  const third = JSON.parse((await cli(['export', '-c', project, '-o', bundle, '--json'])).stdout);
  expect(third).toMatchObject({ written: true, directory: bundle });
  await writeFile(path.join(project, 'ingestion_config.xlsx'), 'no workbook');
  expect((await cli(['diff', bundle, project])).code).toBe(2);
});

test('a bundle is verified file by file', async () => {
  await using folder = await temporaryFolder();
  const project = path.join(folder.path, 'project');
  const bundle = path.join(folder.path, 'bundle');
  await writeProject(project, { jobs: [job('orders')], config: CONFIG });
  expect((await cli(['export', '-c', project, '-o', bundle])).code).toBe(0);
  const codes = async (options: { runner?: string; env?: string } = {}) =>
    (await verifyBundle(bundle, { runner: '99.0.0', ...options })).map(({ code, sheet }) => `${code} ${sheet}`);
  expect(await verifyBundle(project, { runner: '0.1.0' })).toEqual([]);
  expect(await codes()).toEqual([]);
  expect(await codes({ runner: '0.0.0' })).toEqual(['BUNDLE_TOO_NEW bundle.json']);
  await writeFile(path.join(bundle, '.dlt', 'config.late.toml'), 'x = 1\n');
  expect(await codes({ env: 'late' })).toEqual(['BUNDLE_CHANGED .dlt/config.late.toml']);
  const config = path.join(bundle, '.dlt', 'config.toml');
  await writeFile(config, `${await readFile(config, 'utf8')}# changed\n`);
  expect(await codes()).toEqual(['BUNDLE_CHANGED .dlt/config.toml']);
  await rm(config);
  expect(await codes()).toEqual(['BUNDLE_CHANGED .dlt/config.toml']);
  await writeFile(path.join(bundle, 'bundle.json'), '{');
  expect(await codes()).toHaveLength(1);
});
