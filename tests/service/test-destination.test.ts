import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { testDestination } from '../../engine/service/test-destination.ts';
import type { DestinationConfig } from '../../engine/spec/destination.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const duckdb = (file: string): DestinationConfig => ({ type: 'duckdb', name: 'd', schema: 'raw', path: file });
const folder = (bucket_url: string): DestinationConfig => ({
  type: 'filesystem',
  name: 'f',
  schema: 'raw',
  bucket_url,
  table_format: 'parquet',
});

/** The two stages that matter on this computer. */
async function stagesOf(destination: DestinationConfig, baseDirectory: string) {
  const stages = await Array.fromAsync(
    testDestination(destination, { baseDirectory, signal: new AbortController().signal }),
  );
  expect(stages.slice(0, 4).map(({ stage, status }) => `${stage} ${status}`)).toEqual(
    ['dns', 'tcp', 'tls', 'login'].map((stage) => `${stage} skipped`),
  );
  return stages.slice(4).map(({ stage, status, detail, error }) => [stage, status, error?.code ?? detail]);
}

test('a place that is not there yet will be made, and is not made by the test', async () => {
  await using home = await temporaryFolder();
  expect(await stagesOf(duckdb('new/x.duckdb'), home.path)).toEqual([
    ['permission', 'passed', `Will be made by the first run: ${path.join(home.path, 'new', 'x.duckdb')}`],
    ['first_read', 'skipped', 'There is nothing in it yet.'],
  ]);
  expect((await stagesOf(folder('new/lake'), home.path)).map(([, status]) => status)).toEqual(['passed', 'skipped']);
});

test('a database that is there is read', async () => {
  await using home = await temporaryFolder();
  const file = path.join(home.path, 'x.duckdb');
  const workspace = await Workspace.open({
    memoryLimitMiB: 256,
    threads: 1,
    tempDirectory: path.join(home.path, 'tmp'),
  });
  const connection = await workspace.connect();
  await connection.run(`ATTACH '${file}' AS x`);
  await connection.run('CREATE SCHEMA x.raw; CREATE TABLE x.raw.orders (id INT)');
  await connection.run('DETACH x');
  workspace.close();
  expect(await stagesOf(duckdb('x.duckdb'), home.path)).toEqual([
    ['permission', 'passed', `Can be written: ${file}`],
    ['first_read', 'passed', 'Holds one table.'],
  ]);
});

test('what cannot be a destination says why', async () => {
  await using home = await temporaryFolder();
  await writeFile(path.join(home.path, 'note.txt'), 'no database');
  await mkdir(path.join(home.path, 'folder'));
  expect(await stagesOf(folder('note.txt'), home.path)).toEqual([['permission', 'failed', 'DESTINATION_UNUSABLE']]);
  expect(await stagesOf(folder('note.txt/below'), home.path)).toEqual([
    ['permission', 'failed', 'DESTINATION_UNUSABLE'],
  ]);
  expect(await stagesOf(duckdb('folder'), home.path)).toEqual([['permission', 'failed', 'DESTINATION_UNUSABLE']]);
  expect((await stagesOf(duckdb('note.txt'), home.path)).at(-1)).toEqual([
    'first_read',
    'failed',
    'DESTINATION_NOT_DUCKDB',
  ]);
  await expect(stagesOf(folder('s3:///raw'), home.path)).rejects.toThrow('names no container or bucket');
});
