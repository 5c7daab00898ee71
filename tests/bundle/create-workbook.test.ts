import { readFile } from 'node:fs/promises';
import path from 'node:path';
import Excel from 'exceljs';
import { expect, test } from 'vitest';
import { createWorkbook } from '../../engine/bundle/create-workbook.ts';
import { editWorkbook } from '../../engine/bundle/edit-workbook.ts';
import { readFingerprinted } from '../../engine/bundle/fingerprint.ts';
import { readWorkbook } from '../../engine/bundle/read-workbook.ts';
import { JOB_COLUMN_NAMES } from '../../engine/spec/job-columns.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('a new workbook has three sheets, styled, frozen, with drop-downs', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  await createWorkbook(file, {
    jobs: [
      {
        source_type: 'postgresql',
        source_name: 'shop',
        table_name: 'orders',
        load_type: 'FULL',
        chunk_size: 50000,
        last_watermark: '007',
        owner: 'Ann',
      },
    ],
    checks: [{ type: 'null_rate', table: 'orders', column: 'id', max_null_rate: '0.05' }],
    settings: { name: 'nightly', parallel: true },
  });
  const sheets = await readWorkbook(await readFile(file), 'ingestion_config.xlsx');
  expect(sheets.findings).toEqual([]);
  expect(sheets.jobs?.headers).toEqual([...JOB_COLUMN_NAMES, 'owner']);
  const cell = (name: string) => sheets.jobs?.rows[0]?.cells[sheets.jobs.headers.indexOf(name)];
  expect([cell('chunk_size'), cell('last_watermark'), cell('owner'), cell('enabled')]).toEqual([
    '50000',
    '007',
    'Ann',
    '',
  ]);
  expect(sheets.checks?.rows[0]?.cells.slice(0, 3)).toEqual(['orders', 'null_rate', 'id']);
  expect(Object.fromEntries(sheets.settings?.rows.map(({ cells }) => cells) ?? [])).toMatchObject({
    name: 'nightly',
    parallel: 'true',
    max_workers: '5',
    timezone: 'UTC',
  });

  const workbook = new Excel.Workbook();
  await workbook.xlsx.readFile(file);
  const sheet = workbook.getWorksheet('SourceConfig') as Excel.Worksheet;
  expect(sheet.views[0]).toMatchObject({ state: 'frozen', ySplit: 1 });
  expect(sheet.getCell('A1').font).toMatchObject({ bold: true });
  expect(sheet.getCell('A2').dataValidation).toMatchObject({
    type: 'list',
    formulae: [expect.stringContaining('postgresql')],
  });
  expect(sheet.getColumn(1).width).toBeGreaterThan(10);
});

test('never over a workbook that is there', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  await createWorkbook(file);
  const before = await readFile(file);
  await expect(createWorkbook(file)).rejects.toMatchObject({
    code: 'WORKBOOK_EXISTS',
    message: `${file} exists already; nothing was written.`,
  });
  expect((await readFile(file)).equals(before)).toBe(true);
});

test('a new workbook takes edits', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'ingestion_config.xlsx');
  await createWorkbook(file);
  const { fingerprint } = await readFingerprinted(file);
  const cells = JOB_COLUMN_NAMES.map((name) => (name === 'chunk_size' ? '5000' : `${name} 1`));
  await editWorkbook(
    file,
    [1, 2, 3].map(() => ({ kind: 'append' as const, sheet: 'SourceConfig', cells })),
    { expected: fingerprint },
  );
  const { jobs } = await readWorkbook(await readFile(file), 'ingestion_config.xlsx');
  expect(jobs?.rows).toEqual([2, 3, 4].map((row) => ({ row, cells })));
  const workbook = new Excel.Workbook();
  await workbook.xlsx.readFile(file);
  expect(workbook.getWorksheet('SourceConfig')?.getCell('A4').value).toBe('source_type 1');
});
