import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFilesystemSource } from '../../../engine/sources/filesystem/filesystem-source.ts';
import type { TestStage } from '../../../engine/sources/source.ts';
import { FilesHarness, incremental, options } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

async function stages(bucketUrl: string): Promise<TestStage[]> {
  const source = createFilesystemSource({ bucket_url: bucketUrl }, { projectDirectory: files.folder });
  return Array.fromAsync(source.test(new AbortController().signal));
}

describe('globs', () => {
  test('choose files in one order, without hidden and temporary ones, each once through links', async () => {
    for (const path of [
      'a1.csv',
      'a2.csv',
      'b1.csv',
      'sub/a3.csv',
      'sub/deep/a4.csv',
      '.hidden.csv',
      '_tmp.csv',
      '~$a1.csv',
      '_delta_log/x.csv',
      'a5.txt',
    ])
      await files.write(`globs/${path}`, 'id\n1\n');
    await symlink(join(files.folder, 'globs'), join(files.folder, 'globs', 'sub', 'loop'), 'junction');
    const names = async (glob: string) => {
      const result = await files.read(
        { file_format: 'csv', source_object: 'globs', file_glob: glob, options: options({ include_file_name: true }) },
        {},
        '_file_name AS f',
      );
      return result.rows.map((row) => row['f']);
    };
    expect(await names('**/*.csv')).toEqual(['a1.csv', 'a2.csv', 'b1.csv', 'sub/a3.csv', 'sub/deep/a4.csv']);
    expect(await names('*.csv')).toEqual(['a1.csv', 'a2.csv', 'b1.csv']);
    expect(await names('sub/a3.csv')).toEqual(['sub/a3.csv']);
    expect(await names('sub\\deep\\*.csv')).toEqual(['sub/deep/a4.csv']);
    await expect(names('nowhere/*.csv')).rejects.toMatchObject({ code: 'FILES_NONE_MATCH' });
    expect(await names('a?.csv')).toEqual(['a1.csv', 'a2.csv']);
    expect(await names('{a[2-9],b*}.csv')).toEqual(['a2.csv', 'b1.csv']);
    expect(await names('./sub/**')).toEqual(['sub/a3.csv', 'sub/deep/a4.csv']);
    expect(await names('**/*.parquet')).toEqual(['a1.csv', 'a2.csv', 'b1.csv', 'sub/a3.csv', 'sub/deep/a4.csv']);
  });

  test('thousands of files', async () => {
    await Promise.all(
      Array.from({ length: 2000 }, (_, index) => files.write(`many/${index % 20}/${index}.csv`, `id,v\n${index},x\n`)),
    );
    const { rows, segments } = await files.read(
      { file_format: 'csv', file_glob: 'many/**' },
      {},
      'count(*) AS n, sum(id) AS s',
    );
    expect(segments).toBe(4);
    expect(rows.reduce((sum, row) => sum + Number(row['n']), 0)).toBe(2000);
    expect(rows.reduce((sum, row) => sum + Number(row['s']), 0)).toBe(1999 * 1000);
  });
});

describe('connection test', () => {
  test('passes where a file can be read', async () => {
    await files.write('tested/a.csv', 'id\n1\n');
    expect((await stages('tested')).map(({ stage, status }) => [stage, status]).slice(4)).toEqual([
      ['permission', 'passed'],
      ['first_read', 'passed'],
    ]);
  });

  test('says what is missing', async () => {
    const failed = (await stages('nowhere')).at(-1);
    expect(failed).toMatchObject({ stage: 'permission', status: 'failed', error: { code: 'FILES_FOLDER_NOT_FOUND' } });
    await files.write('tested/a.csv', 'id\n1\n');
    expect((await stages('tested/a.csv')).at(-1)).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('is a file') },
    });
    await mkdir(join(files.folder, 'bare'));
    expect((await stages('bare')).at(-1)).toMatchObject({ stage: 'first_read', status: 'skipped' });
    await mkdir(join(files.folder, 'closed'));
    await chmod(join(files.folder, 'closed'), 0);
    const closed = (await stages('closed')).at(-1);
    // Root may list what others may not.
    expect(closed?.status === 'failed' ? closed.error?.code : closed?.status).toBe(
      process.getuid?.() === 0 ? 'skipped' : 'FILES_NO_PERMISSION',
    );
  });
});

test('discover groups files by folder and format', async () => {
  await files.write('found/sales/2024-01-01/a.csv', 'id,name\n1,x\n');
  await files.write('found/sales/2024-01-02/a.csv', 'id,name\n2,y\n');
  await files.write('found/events.jsonl', '{"id":1,"o":{"x":true}}\n');
  await files.write('found/broken.parquet', 'nonsense');
  await files.sql(
    `COPY (SELECT range AS n FROM range(7)) TO '${join(files.folder, 'found', 'deep.parquet')}' (FORMAT parquet)`,
  );
  const source = files.source('found');
  const signal = new AbortController().signal;
  const found = await source.discover({ withColumns: true }, signal);
  expect(
    found.map(({ name, columns, rowEstimate }) => [
      name,
      columns.map((column) => `${column.name} ${column.sourceType}`),
      rowEstimate,
    ]),
  ).toEqual([
    ['*.parquet', [], null],
    ['*.jsonl', ['id BIGINT', 'o STRUCT(x BOOLEAN)'], 1],
    ['sales/**/*.csv', ['id BIGINT', 'name VARCHAR'], null],
  ]);
  expect(found[0]?.comment).toContain('broken.parquet');
  expect(found[2]?.watermarkSuggestions[0]?.column).toBe('folder_date');
  expect((await source.discover({ withColumns: false, search: 'SALES' }, signal)).map(({ name }) => name)).toEqual([
    'sales/**/*.csv',
  ]);
});

test('explain lists the files of the next run', async () => {
  await files.write('explained/a.csv', 'id\n1\n');
  await files.write('explained/b.csv', 'id\n1\n');
  const request = files.request(
    { file_format: 'csv', file_glob: 'explained/*', incremental_mode: 'file_name', last_watermark: 'b' },
    { incremental: incremental() },
  );
  expect(await files.source().explain(request, new AbortController().signal)).toMatch(
    /^1 of 2 matching files, 5 bytes[\s\S]*explained\/b\.csv/,
  );
});

test('preview shows the first rows of each file', async () => {
  await files.write('shown/a.csv', 'id,name\n1,x\n2,y\n3,z\n');
  await files.write('shown/b.csv', 'id,name\n4,w\n');
  const preview = await files
    .source()
    .preview(files.request({ file_format: 'csv', file_glob: 'shown/*' }), await files.context(), { pages: 2, rows: 2 });
  expect(preview.pages).toEqual([
    {
      request: { file: 'shown/a.csv' },
      records: [
        { id: '1', name: 'x' },
        { id: '2', name: 'y' },
      ],
    },
  ]);
  expect(preview.schema).toEqual([
    { name: 'id', source_type: 'csv text', type: 'BIGINT', nullable: true },
    { name: 'name', source_type: 'csv text', type: 'VARCHAR', nullable: true },
  ]);
});
