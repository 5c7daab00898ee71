import { readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Excel from 'exceljs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import yazl from 'yazl';
import { editWorkbook, editWorkbookBytes, planEdits } from '../../engine/bundle/edit-workbook.ts';
import { readFingerprinted } from '../../engine/bundle/fingerprint.ts';
import { readWorkbook } from '../../engine/bundle/read-workbook.ts';
import type { WorkbookEdit } from '../../engine/bundle/workbook-edits.ts';
import { readZip, unpackBudget, unpackPart } from '../../engine/bundle/zip.ts';
import { CHECK_COLUMN_NAMES } from '../../engine/spec/check.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { buildXlsx, MAIN, textRow, xlsxParts } from './build-xlsx.ts';
import { richWorkbook } from './rich-workbook.ts';

const FILE = 'ingestion_config.xlsx';
const SHEET = 'SourceConfig';

async function partsOf(bytes: Buffer): Promise<Map<string, string>> {
  const parts = await readZip(bytes, FILE);
  return new Map(parts.map((part) => [part.name, unpackPart(part, unpackBudget(), FILE).toString('utf8')]));
}

async function edited(bytes: Buffer, edits: WorkbookEdit[]) {
  const result = await editWorkbookBytes(bytes, edits, FILE);
  const { jobs, findings } = await readWorkbook(result, FILE);
  return { bytes: result, jobs, findings, parts: await partsOf(result) };
}

const changes: WorkbookEdit[] = [
  { kind: 'set', sheet: SHEET, row: 2, column: 2, text: 'orders_new' },
  { kind: 'set', sheet: SHEET, row: 3, column: 5, text: '' },
  { kind: 'append', sheet: SHEET, cells: ['api', 'crm', 'deals', 'FULL', 'Y', '250000', '00042', '2024-02-29'] },
];

test('what is not ours stays, byte for byte, packed bytes too', async () => {
  const bytes = await richWorkbook();
  const result = await editWorkbookBytes(bytes, changes, FILE);
  const before = await readZip(bytes, FILE);
  const after = await readZip(result, FILE);
  expect(after.map((part) => part.name)).toEqual(before.map((part) => part.name));
  const changed = after
    .filter((part, i) => !part.compressed.equals(before[i]?.compressed as Buffer))
    .map((part) => part.name);
  expect(changed.sort()).toEqual(['xl/tables/table1.xml', 'xl/worksheets/sheet2.xml']);
  for (const [i, part] of after.entries()) {
    const old = before[i] as (typeof before)[number];
    if (!changed.includes(part.name))
      expect([part.crc, part.size, part.method, part.date, part.time]).toEqual([
        old.crc,
        old.size,
        old.method,
        old.date,
        old.time,
      ]);
  }
});

test('the edited sheet reads as edited, and nothing else of it changes', async () => {
  const bytes = await richWorkbook();
  const before = (await readWorkbook(bytes, FILE)).jobs;
  const { jobs } = await edited(bytes, changes);
  const rows = structuredClone(before?.rows ?? []);
  (rows[0] as { cells: string[] }).cells[2] = 'orders_new';
  (rows[1] as { cells: string[] }).cells[5] = '';
  rows.push({ row: 5, cells: ['api', 'crm', 'deals', 'FULL', 'Y', '250000', '00042', '2024-02-29', '', ''] });
  expect(jobs?.rows).toEqual(rows);
  expect(jobs?.headers).toEqual(before?.headers);
});

test('another library opens it and finds styles, table, validations, formats and comments', async () => {
  const { bytes } = await edited(await richWorkbook(), changes);
  const workbook = new Excel.Workbook();
  await workbook.xlsx.load(bytes as unknown as ArrayBuffer);
  const sheet = workbook.getWorksheet(SHEET) as Excel.Worksheet;
  expect(sheet.getCell('C2').value).toBe('orders_new');
  expect(sheet.getCell('C2').font).toMatchObject({ bold: true });
  expect(sheet.getCell('F5').value).toBe(250000);
  expect([sheet.getCell('G5').value, sheet.getCell('G5').numFmt]).toEqual([42, '00000']);
  expect(sheet.getCell('H5').value).toEqual(new Date(Date.UTC(2024, 1, 29)));
  expect(sheet.getCell('A2').note).toBeTruthy();
  expect((sheet.getTable('Jobs') as unknown as { table: { tableRef: string } }).table.tableRef).toBe('A1:H5');
});

test('ranges grow over added rows', async () => {
  const { parts } = await edited(await richWorkbook(), [...changes, { kind: 'append', sheet: SHEET, cells: ['api'] }]);
  const sheet = parts.get('xl/worksheets/sheet2.xml') ?? '';
  expect(parts.get('xl/tables/table1.xml')).toContain('ref="A1:H6"');
  expect(parts.get('xl/tables/table1.xml')).toContain('<autoFilter ref="A1:H6"');
  expect(sheet).toContain('sqref="D2:D6"');
  expect(sheet).toContain('sqref="E2:E1000"');
  expect(sheet).toContain('<conditionalFormatting sqref="A2:H6">');
  expect(sheet).toContain('<xm:sqref>B2:B6</xm:sqref>');
  expect(sheet).toContain('<dimension ref="A1:H6"/>');
  expect(sheet).toContain('<mergeCell ref="J1:K1"/>');
});

test('rows are inserted and deleted; formulas, rules, merges, links and the table follow', async () => {
  const { parts, jobs } = await edited(await richWorkbook(), [
    { kind: 'insert', sheet: SHEET, before: 3, cells: ['api', 'x', 'first'] },
    { kind: 'insert', sheet: SHEET, before: 3, cells: ['api', 'x', 'second'] },
    { kind: 'delete', sheet: SHEET, row: 4 },
  ]);
  expect(jobs?.rows.map(({ row, cells }) => [row, cells[2]])).toEqual([
    [2, 'orders'],
    [3, 'first'],
    [4, 'second'],
    [5, 'customers'],
  ]);
  const sheet = parts.get('xl/worksheets/sheet2.xml') ?? '';
  expect(parts.get('xl/tables/table1.xml')).toContain('ref="A1:H5"');
  expect(sheet).toContain('sqref="D2:D5"');
  expect(sheet).toContain('<formula>$E2="N"</formula>');
  expect(sheet).toMatch(/<hyperlink ref="B5"/);
  expect(parts.has('xl/calcChain.xml')).toBe(false);
  expect(parts.get('[Content_Types].xml')).not.toContain('calcChain');
  expect(parts.get('xl/_rels/workbook.xml.rels')).not.toContain('calcChain');
});

test('a plan says what rows would move away from', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, FILE);
  await writeFile(file, await richWorkbook());
  const codes = async (edits: WorkbookEdit[]) =>
    (await planEdits(file, edits)).map((finding) => `${finding.code}: ${finding.message}`);
  expect(await codes([{ kind: 'append', sheet: SHEET, cells: ['api'] }])).toEqual([]);
  expect(await codes([{ kind: 'delete', sheet: SHEET, row: 2 }])).toEqual([
    `ROWS_MOVE_AWAY: The name AllTables points at rows of SourceConfig that move (SourceConfig!$C$2:$C$4).`,
    `ROWS_MOVE_AWAY: Summary A2 points at rows of SourceConfig that move (=COUNTIF(SourceConfig!E2:E4,"Y")); perhaps other cells do, too.`,
    'ROWS_MOVE_AWAY: A chart reads rows of SourceConfig that move (SourceConfig!$F$2:$F$4).',
    `ROWS_MOVE_AWAY: A pivot table reads rows of SourceConfig that move ('SourceConfig'!A1:H4).`,
    'ROWS_MOVE_AWAY: Comments of SourceConfig stay at their cells (first A2) while the rows under them move.',
  ]);
  expect(await codes([{ kind: 'set', sheet: SHEET, row: 4, column: 2, text: 'x' }])).toEqual([
    'FORMULA_STALE: SourceConfig I4: the formula reads a cell that changes, but its stored result stays the old one.',
  ]);
});

test('shared and array formulas survive when their first cell is written over', async () => {
  const sheet = `<?xml version="1.0"?><worksheet xmlns="${MAIN}"><sheetData>${textRow(1, ['source_type', 'source_name', 'n'])}<row r="2"><c r="C2"><f t="shared" ref="C2:C4" si="0">A2&amp;$B$1&amp;Other!A2&amp;"A2"</f><v>1</v></c></row><row r="3"><c r="C3"><f t="shared" si="0"/><v>2</v></c></row><row r="4"><c r="C4"><f t="shared" si="0"/><v>3</v></c><c r="D4"><f t="array" ref="D4:D4">SUM(A2:A4)</f><v>1</v></c></row></sheetData></worksheet>`;
  const bytes = await buildXlsx({ sheets: [[SHEET, sheet]] });
  const set = await edited(bytes, [{ kind: 'set', sheet: SHEET, row: 2, column: 2, text: 'x' }]);
  expect(set.parts.get('xl/worksheets/sheet1.xml')).toContain(
    '<c r="C3"><f>A3&amp;$B$1&amp;Other!A3&amp;&quot;A2&quot;</f><v>2</v></c>',
  );
  const inserted = await edited(bytes, [{ kind: 'insert', sheet: SHEET, before: 3, cells: [] }]);
  const xml = inserted.parts.get('xl/worksheets/sheet1.xml');
  expect(xml).toContain('<c r="C5"><f>A5&amp;$B$1&amp;Other!A4&amp;&quot;A2&quot;</f><v>3</v></c>');
  expect(xml).toContain('<f t="array" ref="D5">SUM(A2:A5)</f>');
});

test('booleans and numbers stay what they are where they can, texts stay texts', async () => {
  const cells =
    '<c r="A2" t="b"><v>1</v></c><c r="B2"><v>5</v></c><c r="C2" t="inlineStr"><is><t>5</t></is></c><c r="D2" s="1"><v>5</v></c><c r="E2" s="2"/>';
  const bytes = await buildXlsx({
    sheets: [[SHEET, `${textRow(1, ['source_type', 'source_name'])}<row r="2" spans="1:5">${cells}</row>`]],
    formats: [14, 49],
  });
  const set = (column: number, text: string): WorkbookEdit => ({ kind: 'set', sheet: SHEET, row: 2, column, text });
  const { parts } = await edited(bytes, [
    set(0, 'FALSE'),
    set(1, '6'),
    set(2, '6'),
    set(3, '2024-01-31'),
    set(4, '007'),
    set(5, '12345678901234567890'),
  ]);
  const xml = parts.get('xl/worksheets/sheet1.xml');
  expect(xml).toContain(
    '<row r="2"><c r="A2" t="b"><v>0</v></c><c r="B2"><v>6</v></c><c r="C2" t="inlineStr"><is><t>6</t></is></c><c r="D2" s="1"><v>45322</v></c>' +
      '<c r="E2" s="2" t="inlineStr"><is><t>007</t></is></c><c r="F2" t="inlineStr"><is><t>12345678901234567890</t></is></c></row>',
  );
});

test('prefixed XML, rows without references, self-closing rows and an empty sheet take edits', async () => {
  const prefixed = `<?xml version="1.0" encoding="UTF-8"?><x:worksheet xmlns:x="${MAIN}"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>source_type</x:t></x:is></x:c></x:row><x:row/><x:row><x:c/><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>`;
  const result = await edited(await buildXlsx({ sheets: [[SHEET, prefixed]] }), [
    { kind: 'set', sheet: SHEET, row: 2, column: 0, text: 'api' },
    { kind: 'set', sheet: SHEET, row: 3, column: 0, text: 'mssql' },
    { kind: 'insert', sheet: SHEET, before: 2, cells: ['oracle'] },
    { kind: 'append', sheet: SHEET, cells: ['', 'crm'] },
    { kind: 'set', sheet: SHEET, row: 9, column: 0, text: 'far' },
  ]);
  expect(result.jobs?.rows).toEqual([
    { row: 2, cells: ['oracle', ''] },
    { row: 3, cells: ['api', ''] },
    { row: 4, cells: ['mssql', '1'] },
    { row: 5, cells: ['', 'crm'] },
    { row: 10, cells: ['far', ''] },
  ]);
  const empty = await buildXlsx({
    sheets: [[SHEET, `<?xml version="1.0"?><worksheet xmlns="${MAIN}"><dimension ref="A1"/><sheetData/></worksheet>`]],
  });
  const filled = await edited(empty, [
    { kind: 'set', sheet: SHEET, row: 1, column: 0, text: 'source_type' },
    { kind: 'set', sheet: SHEET, row: 2, column: 0, text: 'api' },
  ]);
  expect([filled.jobs?.headers, filled.jobs?.rows]).toEqual([['source_type'], [{ row: 2, cells: ['api'] }]]);
});

test('rows are added above the totals of a table, whose headers cannot become double', async () => {
  const bytes = await richWorkbook({ totals: true });
  const { parts, jobs } = await edited(bytes, [{ kind: 'append', sheet: SHEET, cells: ['api', 'crm', 'deals'] }]);
  expect(jobs?.rows.map(({ row, cells }) => [row, cells[2]])).toEqual([
    [2, 'orders'],
    [3, 'customers'],
    [4, 'items'],
    [5, 'deals'],
    [6, 'Total'],
  ]);
  expect(parts.get('xl/tables/table1.xml')).toContain('ref="A1:H6"');
  const renamed = await edited(bytes, [{ kind: 'set', sheet: SHEET, row: 1, column: 7, text: 'since & "then"' }]);
  expect(renamed.parts.get('xl/tables/table1.xml')).toContain('name="since &amp; &quot;then&quot;"');
  await expect(
    edited(bytes, [{ kind: 'set', sheet: SHEET, row: 1, column: 7, text: 'Enabled' }]),
  ).rejects.toMatchObject({
    code: 'EDIT_INVALID',
    message: `SourceConfig: the table's header H1 would be "Enabled" a second time.`,
  });
});

test('all rows of a table can go, and one can come again', async () => {
  const gone = await edited(
    await richWorkbook(),
    [2, 3, 4].map((row) => ({ kind: 'delete', sheet: SHEET, row })),
  );
  expect(gone.jobs?.rows).toEqual([]);
  expect(gone.parts.get('xl/tables/table1.xml')).toContain('ref="A1:H2"');
  expect(gone.parts.get('xl/worksheets/sheet2.xml')).toContain('sqref="D2"');
  const again = await edited(gone.bytes, [
    { kind: 'append', sheet: SHEET, cells: ['api', 'crm', 'a'] },
    { kind: 'append', sheet: SHEET, cells: ['api', 'crm', 'b'] },
  ]);
  expect(again.jobs?.rows.map((row) => row.row)).toEqual([2, 3]);
  expect(again.parts.get('xl/tables/table1.xml')).toContain('ref="A1:H3"');
  expect(again.parts.get('xl/worksheets/sheet2.xml')).toContain('sqref="D2:D3"');
});

test.each<[string, WorkbookEdit[], RegExp]>([
  [
    'another sheet',
    [{ kind: 'set', sheet: 'Summary', row: 1, column: 0, text: 'x' }],
    /Sheet "summary" is not one of SourceConfig, DataQuality, Pipeline/,
  ],
  ['a sheet that is not there', [{ kind: 'append', sheet: 'Pipeline', cells: ['x'] }], /holds no sheet named Pipeline/],
  ['row 0', [{ kind: 'set', sheet: SHEET, row: 0, column: 0, text: 'x' }], /SourceConfig: there is no row 0/],
  ['a column too far', [{ kind: 'set', sheet: SHEET, row: 1, column: 16_384, text: 'x' }], /there is no column 16384/],
  [
    'a text too long',
    [{ kind: 'set', sheet: SHEET, row: 2, column: 1, text: 'x'.repeat(32_768) }],
    /B2: the text has 32768 characters; a cell holds 32767/,
  ],
  ['the header deleted', [{ kind: 'delete', sheet: SHEET, row: 1 }], /row 1 holds the headers/],
  [
    'a row both edited and deleted',
    [
      { kind: 'delete', sheet: SHEET, row: 2 },
      { kind: 'set', sheet: SHEET, row: 2, column: 0, text: 'x' },
    ],
    /row 2 is edited and deleted/,
  ],
])('refuses %s', async (_, edits, message) => {
  await expect(editWorkbookBytes(await richWorkbook(), edits, FILE)).rejects.toThrow(message);
});

test('writes in one step, and only over the file that was read', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, FILE);
  await writeFile(file, await richWorkbook());
  const { fingerprint } = await readFingerprinted(file);
  // Touched, but with the same content: unchanged.
  await utimes(file, new Date(), new Date(0));
  const next = await editWorkbook(file, changes, { expected: fingerprint });
  expect(next).toEqual((await readFingerprinted(file)).fingerprint);
  expect(await editWorkbook(file, [], { expected: next })).toEqual(next);
  const saved = await readFile(file);
  await expect(editWorkbook(file, changes, { expected: fingerprint })).rejects.toMatchObject({
    code: 'WORKBOOK_CHANGED',
    message: `${file} was changed by another program since it was opened; nothing was written.`,
    hint: expect.stringMatching(/Reload/),
  });
  expect((await readFile(file)).equals(saved)).toBe(true);
  expect(await readdir(folder.path)).toEqual([FILE]);
});

test('open in Excel or LibreOffice: refused with the way out, nothing written', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, FILE);
  await writeFile(file, await richWorkbook());
  const { fingerprint: expected, bytes } = await readFingerprinted(file);
  const owner = Buffer.alloc(165);
  owner.write('\x0bAnn Analyst', 'latin1');
  await writeFile(path.join(folder.path, `~$${FILE}`), owner);
  await expect(editWorkbook(file, changes, { expected })).rejects.toMatchObject({
    code: 'WORKBOOK_LOCKED',
    retryable: true,
    message: `${file} is open in Excel (by Ann Analyst); nothing was written.`,
    hint: `Close it there and save again. If it is not open anywhere, delete the file ~$${FILE} beside it.`,
  });
  await rename(path.join(folder.path, `~$${FILE}`), path.join(folder.path, `.~lock.${FILE}#`));
  await expect(editWorkbook(file, changes, { expected })).rejects.toThrow(/is open in LibreOffice/);
  await rename(path.join(folder.path, `.~lock.${FILE}#`), path.join(folder.path, 'other'));
  // Windows: the rename over an open file fails; every attempt of ours meets it.
  const held = async () => {
    throw Object.assign(new Error('held'), { code: 'EBUSY' });
  };
  await expect(editWorkbook(file, changes, { expected, rename: held })).rejects.toMatchObject({
    code: 'FILE_LOCKED',
    retryable: true,
  });
  expect((await readFile(file)).equals(bytes)).toBe(true);
  expect((await readdir(folder.path)).sort()).toEqual([FILE, 'other']);
  expect((await stat(file)).isFile()).toBe(true);
});

test('a file that is gone is named', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, FILE);
  await expect(planEdits(file, [])).rejects.toMatchObject({
    code: 'WORKBOOK_NOT_FOUND',
    message: `${file} does not exist any more; nothing was written.`,
  });
  await expect(planEdits(folder.path, [])).rejects.toMatchObject({
    code: 'WORKBOOK_LOCKED',
    message: `${folder.path} cannot be opened.`,
  });
});

test('a cell that shows the text already keeps its formula; nothing to do writes nothing', async () => {
  const bytes = await richWorkbook();
  const same: WorkbookEdit[] = [
    { kind: 'set', sheet: SHEET, row: 4, column: 8, text: 'ITEMS' },
    { kind: 'set', sheet: SHEET, row: 2, column: 6, text: '00007' },
    { kind: 'set', sheet: SHEET, row: 30, column: 6, text: '' },
  ];
  expect(await editWorkbookBytes(bytes, same, FILE)).toBe(bytes);
  const { parts } = await edited(bytes, [...same, { kind: 'set', sheet: SHEET, row: 4, column: 1, text: 'x' }]);
  expect(parts.get('xl/worksheets/sheet2.xml')).toContain('<f>UPPER(C4)</f>');
  expect(parts.has('xl/calcChain.xml')).toBe(true);
});

test('merges and links go with their rows, their containers with the last of them', async () => {
  const sheet = (inside: string) =>
    `<?xml version='1.0' encoding='UTF-8'?><worksheet xmlns='${MAIN}'><sheetData>${[1, 2, 3, 4, 5].map((row) => textRow(row, ['source_type', 'source_name'])).join('')}</sheetData>${inside}</worksheet>`;
  const xmlOf = async (inside: string, edits: WorkbookEdit[]) =>
    (await edited(await buildXlsx({ sheets: [[SHEET, sheet(inside)]] }), edits)).parts
      .get('xl/worksheets/sheet1.xml')
      ?.split('</sheetData>')[1];
  const remove = (row: number): WorkbookEdit => ({ kind: 'delete', sheet: SHEET, row });
  const merges =
    "<mergeCells count='3'><mergeCell ref='A2:A3'/><mergeCell ref='B2:B3'></mergeCell><mergeCell ref='C4:C5'/></mergeCells>";
  expect(await xmlOf(merges, [remove(3)])).toBe(
    '<mergeCells count="1"><mergeCell ref="C3:C4"/></mergeCells></worksheet>',
  );
  expect(await xmlOf(merges, [remove(3), remove(5)])).toBe('</worksheet>');
  expect(await xmlOf("<hyperlinks><hyperlink ref='A2' location='x'/></hyperlinks>", [remove(2)])).toBe('</worksheet>');
  const sort = "<autoFilter ref='A1:B5'><sortState ref='A2:B5'><sortCondition ref='A2:A5'/></sortState></autoFilter>";
  expect(await xmlOf(sort, [{ kind: 'append', sheet: SHEET, cells: ['x'] }])).toBe(
    '<autoFilter ref="A1:B6"><sortState ref="A2:B6"><sortCondition ref="A2:A6"/></sortState></autoFilter></worksheet>',
  );
  const rules =
    "<conditionalFormatting sqref='A4:B5'><cfRule type='expression' priority='1'><formula>AND($A4=\"x\",$B$3&gt;1)</formula></cfRule></conditionalFormatting>";
  expect(await xmlOf(rules, [remove(2)])).toContain(
    "sqref=\"A3:B4\"><cfRule type='expression' priority='1'><formula>AND($A3=&quot;x&quot;,$B$2&gt;1)</formula>",
  );
});

test('a sheet in UTF-16 is edited and written as UTF-8; streamed zips and stored parts too', async () => {
  const parts = xlsxParts({ sheets: [[SHEET, textRow(1, ['source_type', 'source_name']) + textRow(2, ['Größe'])]] });
  const name = 'xl/worksheets/sheet1.xml';
  parts[name] = Buffer.from(`\uFEFF${String(parts[name]).replace('UTF-8', 'UTF-16')}`, 'utf16le');
  const zip = new yazl.ZipFile();
  for (const [part, content] of Object.entries(parts)) {
    // A stream's size is not known beforehand: it stands behind the data, as in files of web services.
    zip.addReadStream(Readable.from([Buffer.from(content)]), part, {
      compress: part !== 'xl/styles.xml',
      mtime: new Date(0),
    });
  }
  zip.end({ forceZip64Format: true, comment: '' });
  const result = await edited(await buffer(zip.outputStream), [
    { kind: 'set', sheet: SHEET, row: 2, column: 1, text: 'Maß' },
  ]);
  expect(result.jobs?.rows).toEqual([{ row: 2, cells: ['Größe', 'Maß'] }]);
  expect(result.parts.get(name)).toMatch(/^<\?xml version="1.0" encoding="UTF-8"/);
  expect(result.parts.get('xl/styles.xml')).toBe(parts['xl/styles.xml']);
});

test('a workbook that exceljs made keeps its pictures and comments', async () => {
  const made = new Excel.Workbook();
  const sheet = made.addWorksheet(SHEET);
  sheet.addRow(['source_type', 'source_name']);
  sheet.addRow(['api', 'crm']);
  sheet.getCell('B2').note = 'ask Bob';
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const image = made.addImage({ buffer: png as unknown as Excel.Buffer, extension: 'png' });
  sheet.addImage(image, 'D2:E3');
  const bytes = Buffer.from(await made.xlsx.writeBuffer());
  const { bytes: result } = await edited(bytes, [{ kind: 'append', sheet: SHEET, cells: ['api', 'erp'] }]);
  const read = new Excel.Workbook();
  await read.xlsx.load(result as unknown as ArrayBuffer);
  const found = read.getWorksheet(SHEET) as Excel.Worksheet;
  expect([found.getCell('B3').value, found.getImages().length]).toEqual(['erp', 1]);
  expect(JSON.stringify(found.getCell('B2').note)).toContain('ask Bob');
});

test('arbitrary texts read back equal', async () => {
  const bytes = await richWorkbook();
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(
        '_',
        'x',
        '0',
        '4',
        '1',
        'A',
        '\r',
        '\n',
        '\t',
        ' ',
        '<',
        '&',
        ']',
        '"',
        '\ud800',
        '\udc00',
        '\uffff',
        '\u0000',
        '\u0085',
      ),
    }),
    fc.constantFrom(
      '_x0041_',
      '_x005F_x0041_',
      '007',
      '1e5',
      '-0',
      '1.10',
      'TRUE',
      '=1+1',
      "'x",
      ' a ',
      ']]>',
      '2024-01-31',
      '2024-02-30',
      '0.1',
      '12345678901234567',
      '00042',
      '1-2',
    ),
    fc.double().map(String),
    fc.integer().map(String),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 8, maxLength: 8 }),
      fc.array(text, { minLength: 8, maxLength: 8 }),
      async (set, added) => {
        const { jobs } = await edited(bytes, [
          ...set.map((value, column): WorkbookEdit => ({ kind: 'set', sheet: SHEET, row: 3, column, text: value })),
          { kind: 'append', sheet: SHEET, cells: ['row', ...added] },
        ]);
        const width = jobs?.headers.length ?? 0;
        const read = (row: number) => jobs?.rows.find((other) => other.row === row)?.cells;
        expect(read(5)).toEqual(['row', ...added].concat(Array(width - 9).fill('')));
        if (set.some((value) => value.trim() !== '')) expect(read(3)?.slice(0, 8)).toEqual(set);
      },
    ),
    { numRuns: 80 },
  );
});

test('arbitrary inserts, deletes and appends give the rows that a list would', async () => {
  const rows = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const bytes = await buildXlsx({
    sheets: [
      [
        SHEET,
        textRow(1, ['source_type', 'table_name']) + rows.map((name, i) => textRow(i + 2, ['api', name])).join(''),
      ],
    ],
  });
  const row = fc.integer({ min: 2, max: 13 });
  const edit = fc.oneof(
    row.map((at): WorkbookEdit => ({ kind: 'delete', sheet: SHEET, row: at })),
    fc
      .tuple(row, fc.stringMatching(/^[a-z]{3}$/))
      .map(([before, name]): WorkbookEdit => ({ kind: 'insert', sheet: SHEET, before, cells: ['api', name] })),
    fc
      .stringMatching(/^[a-z]{3}$/)
      .map((name): WorkbookEdit => ({ kind: 'append', sheet: SHEET, cells: ['api', name] })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async (edits) => {
      const expected: string[] = [];
      for (const [i, name] of rows.entries()) {
        for (const e of edits) if (e.kind === 'insert' && e.before === i + 2) expected.push(e.cells[1] as string);
        if (!edits.some((e) => e.kind === 'delete' && e.row === i + 2)) expected.push(name);
      }
      for (const e of edits) if (e.kind === 'append') expected.push(e.cells[1] as string);
      const { jobs } = await edited(bytes, edits);
      expect(jobs?.rows.map((found) => found.cells[1])).toEqual(expected);
      expect(jobs?.rows.map((found) => found.row)).toEqual(expected.map((_, i) => i + 2));
    }),
    { numRuns: 80 },
  );
});

test('a sheet that the workbook lacks is made beside the others, which stay as they are', async () => {
  for (const strict of [false, true]) {
    const jobs = ['source_type', 'source_name', 'table_name', 'load_type', 'description'];
    const style = (text: string) => `t="inlineStr" s="${text === 'description' ? 2 : 1}"><is><t>${text}</t></is>`;
    const header = jobs.map((text, column) => `<c r="${'ABCDE'[column]}1" ${style(text)}</c>`).join('');
    const bytes = await buildXlsx({
      strict,
      formats: [0, 0, 0],
      sheets: [
        ['Notes', textRow(1, ['theirs'])],
        [SHEET, `<row r="1">${header}</row>${textRow(2, ['api', 'x', 't', 'FULL', ''])}`],
      ],
    });
    const result = await editWorkbookBytes(
      bytes,
      [
        { kind: 'create', sheet: 'DataQuality' },
        { kind: 'append', sheet: 'DataQuality', cells: ['orders', 'row_count', '', '', '007'] },
        { kind: 'append', sheet: 'DataQuality', cells: ['orders', 'uniqueness'] },
      ],
      FILE,
    );
    const before = await readZip(bytes, FILE);
    const after = await readZip(result, FILE);
    const same = after.filter((part, at) => before[at]?.compressed.equals(part.compressed) === true);
    expect(after.map(({ name }) => name).filter((name) => !same.some((part) => part.name === name))).toEqual([
      '[Content_Types].xml',
      'xl/workbook.xml',
      'xl/_rels/workbook.xml.rels',
      'xl/worksheets/sheet3.xml',
    ]);
    const read = await readWorkbook(result, FILE);
    expect(read.findings).toEqual([]);
    expect(read.checks?.headers).toEqual(CHECK_COLUMN_NAMES);
    expect(read.checks?.rows.map(({ row, cells }) => [row, cells.slice(0, 5)])).toEqual([
      [2, ['orders', 'row_count', '', '', '007']],
      [3, ['orders', 'uniqueness', '', '', '']],
    ]);
    const made = (await partsOf(result)).get('xl/worksheets/sheet3.xml') ?? '';
    expect(made).toContain('<c r="A1" s="1" t="inlineStr">');
    expect(made).toContain('<c r="C1" s="2" t="inlineStr">');
    if (strict) continue;
    const workbook = new Excel.Workbook();
    await workbook.xlsx.load(result as unknown as ArrayBuffer);
    expect(workbook.worksheets.map(({ name }) => name)).toEqual(['Notes', SHEET, 'DataQuality']);
    const sheet = workbook.getWorksheet('DataQuality') as Excel.Worksheet;
    expect([sheet.getCell('A1').value, sheet.getCell('E2').value]).toEqual(['table', '007']);
    expect(sheet.views[0]).toMatchObject({ state: 'frozen', ySplit: 1 });
    expect(sheet.getCell('B2').dataValidation).toMatchObject({ type: 'list', errorStyle: 'warning' });
    await expect(editWorkbookBytes(result, [{ kind: 'create', sheet: 'DataQuality' }], FILE)).rejects.toMatchObject({
      code: 'EDIT_INVALID',
    });
  }
});

test('a workbook that is protected against new sheets gets none', async () => {
  const bytes = await buildXlsx({
    sheets: [['Notes', textRow(1, ['a'])]],
    workbook: '<workbookProtection lockStructure="1"/>',
  });
  await expect(editWorkbookBytes(bytes, [{ kind: 'create', sheet: SHEET }], FILE)).rejects.toMatchObject({
    code: 'EDIT_INVALID',
    message: expect.stringContaining('protected against new sheets'),
  });
});
