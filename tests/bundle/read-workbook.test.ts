import { expect, test } from 'vitest';
import { readWorkbook } from '../../engine/bundle/read-workbook.ts';
import { buildXlsx, buildZip, textRow, xlsxParts } from './build-xlsx.ts';

const HEADER = ['source_type', 'source_name', 'table_name', 'load_type'];
const header = textRow(1, HEADER);

async function jobsOf(texts: Parameters<typeof buildXlsx>[0]) {
  const sheets = await readWorkbook(await buildXlsx(texts), 'ingestion_config.xlsx');
  if (!sheets.jobs) throw new Error(JSON.stringify(sheets.findings));
  return { jobs: sheets.jobs, findings: sheets.findings };
}

/** Texts of row 2 of a sheet with these cells. */
async function cellsOf(cells: string, more: Partial<Parameters<typeof buildXlsx>[0]> = {}): Promise<string[]> {
  const { jobs } = await jobsOf({ sheets: [['SourceConfig', `${header}<row r="2">${cells}</row>`]], ...more });
  return jobs.rows[0]?.cells ?? [];
}

test('reads the three sheets by name in any case and leaves others alone', async () => {
  const bytes = await buildXlsx({
    sheets: [
      ['Notes', textRow(1, ['x'])],
      ['sourceCONFIG', header + textRow(2, ['api', 'crm', 'deals', 'FULL'])],
      ['dataquality', textRow(1, ['table', 'type']) + textRow(2, ['deals', 'row_count'])],
      ['PIPELINE', textRow(1, ['key', 'value']) + textRow(2, ['name', 'nightly'])],
    ],
  });
  const sheets = await readWorkbook(bytes, 'ingestion_config.xlsx');
  expect(sheets.jobs).toEqual({
    name: 'SourceConfig',
    headerRow: 1,
    headers: HEADER,
    rows: [{ row: 2, cells: ['api', 'crm', 'deals', 'FULL'] }],
  });
  expect(sheets.checks?.rows).toEqual([{ row: 2, cells: ['deals', 'row_count'] }]);
  expect(sheets.settings?.rows).toEqual([{ row: 2, cells: ['name', 'nightly'] }]);
  expect(sheets.findings).toEqual([]);
});

test('a workbook without our sheet says which sheets it has', async () => {
  const { jobs, findings } = await readWorkbook(
    await buildXlsx({ sheets: [['Jobs', header]] }),
    'ingestion_config.xlsx',
  );
  expect(jobs).toBeNull();
  expect(findings).toMatchObject([
    {
      severity: 'error',
      code: 'SHEET_NOT_FOUND',
      message: 'ingestion_config.xlsx has no sheet SourceConfig; it has "Jobs".',
    },
  ]);
});

test('two sheets of one name are an error that names both', async () => {
  const sheets: [string, string][] = [
    ['SourceConfig', header],
    ['sourceconfig', header],
  ];
  const { jobs, findings } = await readWorkbook(await buildXlsx({ sheets }), 'ingestion_config.xlsx');
  expect(jobs).toBeNull();
  expect(findings).toMatchObject([
    {
      code: 'SHEET_DUPLICATE',
      message: 'ingestion_config.xlsx holds 2 sheets named SourceConfig: "SourceConfig", "sourceconfig".',
      hint: 'Rename or delete all but one of them.',
    },
  ]);
});

test('shared strings: rich text joined, phonetics left out, escapes decoded, spaces kept', async () => {
  const strings =
    '<si><t>plain</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t xml:space="preserve">ch </t></r></si>' +
    '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si><si><t>T_x0041_B_x005F_x0041_</t></si><si><t><![CDATA[a<b]]></t></si>';
  const cells = [0, 1, 2, 3, 4].map((i) => `<c t="s"><v>${i}</v></c>`).join('');
  expect(await cellsOf(cells, { strings })).toEqual(['plain', 'rich ', '東京', 'TAB_x0041_', 'a<b']);
});

test('booleans, texts that look like other things, formulas with their results, ISO dates', async () => {
  const cells =
    '<c r="A2" t="b"><v>1</v></c><c r="B2" t="b"><v>0</v></c><c r="C2" t="inlineStr"><is><t>007</t></is></c>' +
    '<c r="D2" t="inlineStr"><is><r><t>N</t></r><r><t>A</t></r></is></c><c r="E2" t="str"><f>UPPER("a")</f><v>A</v></c>' +
    '<c r="F2"><f>1+1</f><v>2</v></c><c r="G2" t="str"><f>""</f><v></v></c><c r="H2" t="d"><v>2024-01-31T13:45:00</v></c>' +
    '<c r="I2" t="d" s="1"><v>2024-01-31T00:00:00.000Z</v></c><c r="J2" t="b"><f>1=1</f><v>true</v></c>';
  expect(await cellsOf(cells, { formats: [14] })).toEqual([
    'TRUE',
    'FALSE',
    '007',
    'NA',
    'A',
    '2',
    '',
    '2024-01-31 13:45:00',
    '2024-01-31',
    'TRUE',
  ]);
});

test('empty rows, hidden rows and columns, rows and cells without references, cells far apart', async () => {
  const { jobs } = await jobsOf({
    sheets: [
      [
        'SourceConfig',
        `<row><c t="inlineStr"><is><t>source_type</t></is></c><c t="inlineStr"><is><t>source_name</t></is></c></row>
         <row hidden="1"><c t="inlineStr"><is><t>api</t></is></c><c t="inlineStr"><is><t>crm</t></is></c></row>
         <row r="5"><c r="A5" s="1"/></row><row/><row><c/><c><v>9</v></c></row><row r="9"><c r="A9" t="inlineStr"><is><t>  </t></is></c></row>`,
      ],
    ],
  });
  expect(jobs.headers).toEqual(['source_type', 'source_name']);
  expect(jobs.rows).toEqual([
    { row: 2, cells: ['api', 'crm'] },
    { row: 7, cells: ['', '9'] },
  ]);
});

test('the header is found below a title, and under a merged one', async () => {
  const sheet = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${textRow(2, ['Our jobs'])}${textRow(4, HEADER)}${textRow(6, ['api', 'crm', 'deals', 'FULL'])}</sheetData><mergeCells count="1"><mergeCell ref="A2:D2"/></mergeCells></worksheet>`;
  const { jobs, findings } = await jobsOf({ sheets: [['SourceConfig', sheet]] });
  expect([jobs.headerRow, jobs.headers, jobs.rows]).toEqual([
    4,
    HEADER,
    [{ row: 6, cells: ['api', 'crm', 'deals', 'FULL'] }],
  ]);
  expect(findings).toEqual([]);
});

test('a merged header covers the next one; merged cells below are a warning with their place', async () => {
  const sheet = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${textRow(1, ['source_type', '', 'table_name'])}${textRow(2, ['api', 'x', 'deals'])}${textRow(3, ['', 'y', 'people'])}</sheetData><mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A2:A3"/></mergeCells></worksheet>`;
  const { jobs, findings } = await jobsOf({ sheets: [['SourceConfig', sheet]] });
  expect(jobs.headers).toEqual(['source_type', '', 'table_name']);
  expect(findings).toMatchObject([
    {
      severity: 'warning',
      code: 'CELLS_MERGED',
      row: 2,
      column: 'source_type',
      message: 'SourceConfig row 2: cells A2:A3 are merged; only A2 holds the value, the others are blank.',
    },
  ]);
});

test('a formula without a result and a failed one name their cells', async () => {
  const { jobs, findings } = await jobsOf({
    sheets: [
      [
        'SourceConfig',
        `${header}<row r="2"><c r="B2"><f>A1</f></c><c r="C2"><f>A1</f><v/></c><c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="G2" t="e"><v>#REF!</v></c></row>`,
      ],
    ],
  });
  expect(jobs.rows[0]?.cells).toEqual(['', '', '', '#DIV/0!', '', '', '#REF!']);
  expect(findings.map(({ severity, code, message }) => [severity, code, message])).toEqual([
    [
      'error',
      'FORMULA_NOT_COMPUTED',
      'SourceConfig row 2, source_name (cell B2) holds a formula whose result is not in the file.',
    ],
    [
      'error',
      'FORMULA_NOT_COMPUTED',
      'SourceConfig row 2, table_name (cell C2) holds a formula whose result is not in the file.',
    ],
    ['error', 'CELL_ERROR', 'SourceConfig row 2, load_type (cell D2) shows #DIV/0!.'],
    ['warning', 'CELL_ERROR', 'SourceConfig row 2 (cell G2) shows #REF!.'],
  ]);
  expect(findings[0]?.hint).toMatch(/Open the workbook in Excel and save it/);
});

test.each([
  ['relative', (i: number) => `worksheets/sheet${i + 1}.xml`],
  ['absolute', (i: number) => `/xl/worksheets/sheet${i + 1}.xml`],
  ['with dots', (i: number) => `../xl/./worksheets/sheet${i + 1}.xml`],
  ['in another case', (i: number) => `Worksheets/Sheet${i + 1}.XML`],
])('finds parts whose targets are %s', async (_, target) => {
  const { jobs } = await jobsOf({ sheets: [['SourceConfig', header + textRow(2, ['api'])]], target });
  expect(jobs.rows).toHaveLength(1);
});

test('reads prefixed XML, as some tools write it', async () => {
  const sheet = `<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c></x:row><x:row r="2"><x:c r="A2"><x:v>1.5</x:v></x:c></x:row></x:sheetData></x:worksheet>`;
  const parts = xlsxParts({ sheets: [['SourceConfig', sheet]], strings: '<si><t>source_type</t></si>' });
  parts['xl/sharedStrings.xml'] =
    '<q:sst xmlns:q="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><q:si><q:t>source_type</q:t></q:si></q:sst>';
  parts['xl/workbook.xml'] =
    '<a:workbook xmlns:a="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:rel="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><a:sheets><a:sheet name="SourceConfig" sheetId="1" rel:id="rId1"/></a:sheets></a:workbook>';
  const { jobs } = await readWorkbook(await buildZip(parts), 'x.xlsx');
  expect([jobs?.headers, jobs?.rows]).toEqual([['source_type'], [{ row: 2, cells: ['1.5'] }]]);
});

test('reads strict OOXML with its dates', async () => {
  const cells = '<c r="A2" t="d" s="1"><v>2024-01-31</v></c><c r="B2" s="1"><v>45322</v></c>';
  expect(await cellsOf(cells, { strict: true, formats: [14] })).toEqual(['2024-01-31', '2024-01-31', '', '']);
});

test('reads parts in UTF-16', async () => {
  const parts = xlsxParts({ sheets: [['SourceConfig', header + textRow(2, ['Größe'])]] });
  const xml = String(parts['xl/worksheets/sheet1.xml']).replace('UTF-8', 'UTF-16');
  parts['xl/worksheets/sheet1.xml'] = Buffer.from(`\uFEFF${xml}`, 'utf16le');
  const { jobs } = await readWorkbook(await buildZip(parts), 'x.xlsx');
  expect(jobs?.rows[0]?.cells[0]).toBe('Größe');
});

test('the 1904 date system', async () => {
  const cells = '<c r="A2" s="1"><v>43860</v></c><c r="B2" s="1"><v>0</v></c>';
  expect((await cellsOf(cells, { date1904: true, formats: [14] })).slice(0, 2)).toEqual(['2024-01-31', '1904-01-01']);
});

test('a header far out does not fill the memory', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) =>
    textRow(i + 2, ['api']).replace('</row>', `<c r="XFD${i + 2}"><v>1</v></c></row>`),
  );
  const { jobs } = await jobsOf({ sheets: [['SourceConfig', header + rows.join('')]] });
  expect(jobs.headers).toHaveLength(1000);
  expect(jobs.rows).toHaveLength(3000);
});
