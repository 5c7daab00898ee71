import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderDate } from '../../../engine/sources/filesystem/select-files.ts';
import type { IncrementalMode } from '../../../engine/spec/kinds.ts';
import { FilesHarness, incremental } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

/** Reads the new files of a folder; state and watermark go from call to call. */
function follow(folder: string, mode: IncrementalMode, job: Record<string, unknown> = {}) {
  let sourceState: unknown = null;
  let watermark: string | null = null;
  return async (sampleRows: number | null = null) => {
    const result = await files.read(
      { file_format: 'csv', file_glob: `${folder}/**`, load_type: 'INCREMENTAL', incremental_mode: mode, ...job },
      // JSON, as the state store keeps it.
      {
        incremental: incremental({
          from: watermark ?? (job['last_watermark'] as string) ?? null,
          continued: watermark !== null,
        }),
        sourceState: JSON.parse(JSON.stringify(sourceState)),
        sampleRows,
      },
      'id',
    );
    if (sampleRows === null) {
      sourceState = result.summary.sourceState;
      watermark = result.summary.watermark ?? null;
    }
    return {
      ids: result.rows.map((row) => Number(row['id'])),
      watermark: result.summary.watermark,
      reason: result.summary.verdict.reason,
      warnings: result.warnings.map(({ code }) => code),
      segments: result.segments,
    };
  };
}

const write = (path: string, id: number) => files.write(path, `id\n${id}\n`);

describe('every file is loaded once', () => {
  test('file_name: late files with older names are not lost, changed ones are loaded again with a warning', async () => {
    const next = follow('names', 'file_name', { last_watermark: 'b' });
    await write('names/a.csv', 1);
    await write('names/b.csv', 2);
    await write('names/sub/d.csv', 4);
    expect(await next()).toMatchObject({ ids: [2, 4], watermark: 'd.csv', reason: 'end_of_files', warnings: [] });
    expect(await next()).toMatchObject({ ids: [], watermark: 'd.csv', reason: 'no_new_files', segments: 0 });
    await write('names/c.csv', 3);
    expect(await next()).toMatchObject({ ids: [3], watermark: 'd.csv', warnings: [] });
    await write('names/b.csv', 22);
    expect(await next()).toMatchObject({ ids: [22], warnings: ['FILE_CHANGED'] });
    expect(await next()).toMatchObject({ ids: [], reason: 'no_new_files' });
  });

  test('file_modified: the watermark is a time; the initial one counts, also without a zone', async () => {
    const next = follow('times', 'file_modified', {
      last_watermark: '2024-01-02 00:00:00',
      write_disposition: 'merge',
    });
    for (const [day, id] of [
      [1, 1],
      [3, 3],
      [2, 2],
    ] as const) {
      const path = await write(`times/f${id}.csv`, id);
      await utimes(path, new Date(Date.UTC(2024, 0, day)), new Date(Date.UTC(2024, 0, day)));
    }
    expect(await next()).toMatchObject({ ids: [2, 3], watermark: '2024-01-03T00:00:00.000Z' });
    const path = await write('times/f3.csv', 33);
    await utimes(path, new Date(Date.UTC(2024, 0, 4)), new Date(Date.UTC(2024, 0, 4)));
    expect(await next()).toMatchObject({ ids: [33], watermark: '2024-01-04T00:00:00.000Z', warnings: [] });
  });

  test('folder_date', async () => {
    const next = follow('dates', 'folder_date', { last_watermark: '2024-01-31' });
    await write('dates/2024-02-01/a.csv', 3);
    await write('dates/year=2024/month=01/day=31/a.csv', 2);
    await write('dates/20240130/a.csv', 1);
    expect(await next()).toMatchObject({ ids: [2, 3], watermark: '2024-02-01' });
    await write('dates/2024/01/31/b.csv', 4);
    expect(await next()).toMatchObject({ ids: [4], watermark: '2024-02-01' });
    await write('dates/nodate.csv', 5);
    await expect(next()).rejects.toMatchObject({
      code: 'FILE_WITHOUT_FOLDER_DATE',
      message: expect.stringContaining('dates/nodate.csv'),
    });
  });

  test('none: only what was loaded counts', async () => {
    const next = follow('plain', 'none');
    await write('plain/a.csv', 1);
    expect(await next()).toMatchObject({ ids: [1], watermark: null });
    await write('plain/b.csv', 2);
    expect(await next()).toMatchObject({ ids: [2] });
  });

  test('a sample reads so many rows of the files that are next, and looks no further', async () => {
    const next = follow('sample', 'file_name');
    await files.write('sample/a.csv', 'id\n1\n2\n3\nno number\n');
    await write('sample/b.csv', 9);
    expect(await next(2)).toMatchObject({ ids: [1, 2], reason: 'sample' });
  });

  test('an upper bound is exclusive; a watermark set by hand counts where no state is', async () => {
    for (const id of [1, 2, 3]) await write(`bounds/${id}.csv`, id);
    const job = { file_format: 'csv' as const, file_glob: 'bounds/*', incremental_mode: 'file_name' as const };
    expect((await files.read(job, { incremental: incremental({ end: '3.csv' }) })).rows).toEqual([
      { id: '1' },
      { id: '2' },
    ]);
    expect((await files.read(job, { incremental: incremental({ from: '2.csv', continued: true }) })).rows).toEqual([
      { id: '2' },
      { id: '3' },
    ]);
  });

  test('a state that cannot be read is not taken for none', async () => {
    await write('state/a.csv', 1);
    const read = (sourceState: unknown) =>
      files.read(
        { file_format: 'csv', file_glob: 'state/*', incremental_mode: 'file_name' },
        { incremental: incremental(), sourceState },
      );
    await expect(read({ version: 2, files: [] })).rejects.toMatchObject({
      code: 'FILE_STATE_UNREADABLE',
      message: expect.stringContaining('version 2'),
    });
    await expect(read({ version: 1, files: 'x' })).rejects.toMatchObject({ code: 'FILE_STATE_UNREADABLE' });
    await expect(
      files.read(
        { file_format: 'csv', file_glob: 'state/*', incremental_mode: 'file_modified' },
        { incremental: incremental({ from: 'soon' }) },
      ),
    ).rejects.toMatchObject({ code: 'WATERMARK_UNREADABLE' });
  });
});

test('FULL reads all files each time; one that matches nothing is an error, not an empty table', async () => {
  await write('full/a.csv', 1);
  const { summary } = await files.read({ file_format: 'csv', file_glob: 'full/*' });
  expect(
    (await files.read({ file_format: 'csv', file_glob: 'full/*' }, { sourceState: summary.sourceState })).rows,
  ).toEqual([{ id: '1' }]);
  await expect(files.read({ file_format: 'csv', file_glob: 'ful/*' })).rejects.toMatchObject({
    code: 'FILES_NONE_MATCH',
  });
  const none = await files.read(
    { file_format: 'csv', file_glob: 'ful/*', incremental_mode: 'file_name' },
    { incremental: incremental() },
  );
  expect([none.segments, none.summary.verdict.reason, none.warnings[0]?.code]).toEqual([
    0,
    'no_new_files',
    'FILES_NONE_MATCH',
  ]);
});

test('a filter is refused, not ignored', async () => {
  await write('filter/a.csv', 1);
  await expect(files.read({ file_format: 'csv', file_glob: 'filter/*', filter: 'id > 1' })).rejects.toMatchObject({
    code: 'FILTER_NOT_FOR_FILES',
  });
});

test('a file that changes or goes while its rows are taken fails the read, retryable', async () => {
  await write('moving/a.csv', 1);
  await expect(
    files.read({ file_format: 'csv', file_glob: 'moving/*' }, {}, '*', async () => {
      await files.write('moving/a.csv', 'id\n1\n2\n');
    }),
  ).rejects.toMatchObject({
    code: 'FILE_CHANGED_WHILE_READ',
    retryable: true,
    message: expect.stringContaining('moving/a.csv'),
  });
  await expect(
    files.read({ file_format: 'csv', file_glob: 'moving/*' }, {}, '*', () => rm(join(files.folder, 'moving', 'a.csv'))),
  ).rejects.toMatchObject({ code: 'FILE_VANISHED', retryable: true });
});

test('a cancelled read says so', async () => {
  await write('cancelled/a.csv', 1);
  const stop = new AbortController();
  const reading = files
    .source()
    .read(files.request({ file_format: 'csv', file_glob: 'cancelled/*' }), await files.context([], stop.signal));
  expect((await reading.next()).done).toBe(false);
  stop.abort();
  await expect(reading.next()).rejects.toMatchObject({ code: 'CANCELLED' });
});

test.each([
  ['a/2024-01-31/x.csv', '2024-01-31'],
  ['20240131/x', '2024-01-31'],
  ['2024/01/31/x', '2024-01-31'],
  ['year=2024/month=1/day=5/x', '2024-01-05'],
  ['dt=2024-01-31/h=10/x', '2024-01-31'],
  ['load_2024_01_31/x', '2024-01-31'],
  ['2024-01-31.csv', null],
  ['2024-13-01/x', null],
  ['2023/02/29/x', null],
  ['123456789/x', null],
  ['2024-01-31/2024-02-01/x', '2024-02-01'],
])('the folder date of %s is %s', (path, date) => {
  expect(folderDate(path)).toBe(date);
});
