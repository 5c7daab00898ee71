import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readWorkbook } from '../../engine/bundle/read-workbook.ts';
import { newPart, writeZip } from '../../engine/bundle/zip.ts';
import { isIngestError } from '../../engine/errors.ts';
import { buildXlsx, buildZip, textRow, xlsxParts } from './build-xlsx.ts';

const FILE = 'ingestion_config.xlsx';
const jobs = textRow(1, ['source_type', 'source_name']) + textRow(2, ['api', 'crm']);
const good = () => buildXlsx({ sheets: [['SourceConfig', jobs]] });

async function refusal(bytes: Buffer): Promise<{ code: string; message: string; hint: string | undefined }> {
  const error = await readWorkbook(bytes, FILE).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isIngestError(error)) throw new Error(`not refused, but ${String(error)}`);
  return { code: error.code, message: error.message, hint: error.hint };
}

const CFB = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);

test('a workbook with a password', async () => {
  const bytes = Buffer.concat([CFB, Buffer.alloc(1024), Buffer.from('EncryptedPackage', 'utf16le'), Buffer.alloc(512)]);
  expect(await refusal(bytes)).toEqual({
    code: 'WORKBOOK_ENCRYPTED',
    message: `${FILE} is protected with a password.`,
    hint: 'Open it in Excel, choose File > Info > Protect Workbook > Encrypt with Password, empty the field, and save.',
  });
});

test.each([
  [
    'an Excel 97-2003 workbook (.xls)',
    async () => Buffer.concat([CFB, Buffer.from('Workbook', 'utf16le'), Buffer.alloc(512)]),
  ],
  [
    'an OpenDocument spreadsheet (.ods)',
    () => buildZip({ mimetype: 'application/vnd.oasis.opendocument.spreadsheet', 'content.xml': '<x/>' }),
  ],
  ['a binary Excel workbook (.xlsb)', () => buildZip({ '[Content_Types].xml': '<Types/>', 'xl/workbook.bin': 'x' })],
  ['a Word document', () => buildZip({ '[Content_Types].xml': '<Types/>', 'word/document.xml': '<x/>' })],
  ['an Apple Numbers document', () => buildZip({ 'Index/Document.iwa': 'x' })],
  ['a zip file without a workbook in it', () => buildZip({ 'readme.txt': 'x' })],
  ['a text file (perhaps CSV)', async () => Buffer.from('source_type,source_name\r\napi,crm\r\n')],
  ['a web page (HTML)', async () => Buffer.from('\uFEFF\r\n<html xmlns:x="urn:x"><table></table></html>')],
  ['an XML file', async () => Buffer.from('<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>')],
  ['a PDF', async () => Buffer.from('%PDF-1.7\n')],
  ['an RTF document', async () => Buffer.from('{\\rtf1 x}')],
  ['no Excel workbook', async () => Buffer.from([0, 1, 2, 3, 0xff, 0xfe, 0x00])],
])('%s, renamed', async (what, bytes) => {
  expect(await refusal(await bytes())).toEqual({
    code: 'WORKBOOK_FORMAT',
    message: `${FILE} is ${what}, whatever its name says.`,
    hint: 'Open it in Excel or LibreOffice and save it as "Excel Workbook (.xlsx)".',
  });
});

test('an empty file, as sync clients leave it', async () => {
  const { code, message, hint } = await refusal(Buffer.alloc(0));
  expect([code, message]).toEqual(['WORKBOOK_FORMAT', `${FILE} is empty (0 bytes).`]);
  expect(hint).toMatch(/OneDrive/);
});

test('a file cut short, wherever it is cut', async () => {
  const bytes = await good();
  for (let length = 4; length < bytes.length; length += 97) {
    const { code, message, hint } = await refusal(bytes.subarray(0, length));
    expect(code).toBe('WORKBOOK_DAMAGED');
    expect(message).toContain(`${FILE} is damaged`);
    expect(hint).toMatch(/Restore an earlier version/);
  }
});

test('any flipped byte is refused or harmless, never a crash', async () => {
  const bytes = await good();
  const expected = (await readWorkbook(bytes, FILE)).jobs;
  for (let at = 0; at < bytes.length; at += 7) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] as number) ^ 0xff;
    const result = await readWorkbook(flipped, FILE).catch((error: unknown) => error);
    if (result instanceof Error) expect(isIngestError(result), String(result.stack)).toBe(true);
    else expect((result as { jobs: unknown }).jobs ?? expected).toEqual(expected);
  }
});

test('a part whose checksum is wrong', async () => {
  const parts = xlsxParts({ sheets: [['SourceConfig', jobs]] });
  const zip = writeZip(
    Object.entries(parts).map(([name, content]) => {
      const part = newPart(name, Buffer.from(content));
      return name.endsWith('sheet1.xml') ? { ...part, crc: (part.crc ^ 1) >>> 0 } : part;
    }),
  );
  expect((await refusal(zip)).message).toBe(
    `${FILE} is damaged: part xl/worksheets/sheet1.xml does not match its checksum.`,
  );
});

test('a bomb that says its size, and one that lies', async () => {
  const zeros = Buffer.alloc(100 * 2 ** 20, ' ');
  const honest = newPart('xl/worksheets/sheet1.xml', zeros);
  const parts = Object.entries(xlsxParts({ sheets: [['SourceConfig', '']] })).map(([name, content]) =>
    newPart(name, Buffer.from(content)),
  );
  const bomb = (part: typeof honest) => writeZip(parts.map((other) => (other.name === part.name ? part : other)));
  expect(await refusal(bomb(honest))).toMatchObject({
    code: 'WORKBOOK_TOO_LARGE',
    message: `${FILE}: part xl/worksheets/sheet1.xml unpacks to more than its limit.`,
  });
  expect((await refusal(bomb({ ...honest, size: 1000 }))).code).toBe('WORKBOOK_TOO_LARGE');
});

test('many parts that are large together', async () => {
  const strings = Buffer.from(
    `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">${' '.repeat(60 * 2 ** 20)}</sst>`,
  );
  const sheet = Buffer.from(
    `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${' '.repeat(60 * 2 ** 20)}</sheetData></worksheet>`,
  );
  const packed = deflateRawSync(sheet, { level: 1 });
  const part = { ...newPart('x', Buffer.alloc(0)), compressed: packed, size: sheet.length, crc: crc32(sheet) };
  const sheets: [string, string][] = [
    ['SourceConfig', ''],
    ['DataQuality', ''],
    ['Pipeline', ''],
  ];
  const zip = writeZip(
    Object.entries(xlsxParts({ sheets, strings: '' })).map(([name, content]) => {
      if (name.includes('worksheets')) return { ...part, name, nameBytes: Buffer.from(name) };
      return newPart(name, name.includes('sharedStrings') ? strings : Buffer.from(content));
    }),
  );
  expect((await refusal(zip)).code).toBe('WORKBOOK_TOO_LARGE');
});

test.each([
  ['recursive entities', '<!DOCTYPE a [<!ENTITY b "&c;&c;&c;"><!ENTITY c "&b;&b;">]>'],
  ['external entities', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'],
  ['an external DTD', '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">'],
])('%s', async (_, doctype) => {
  const sheet = `<?xml version="1.0"?>${doctype}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>`;
  expect((await refusal(await buildXlsx({ sheets: [['SourceConfig', sheet]] }))).message).toBe(
    `${FILE} is damaged: part xl/worksheets/sheet1.xml holds a document type declaration (DTD), which no spreadsheet program writes.`,
  );
});

test('XML that is not well-formed names part and line', async () => {
  const sheet =
    '<?xml version="1.0"?>\n<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">\n<sheetData><row></sheetData></worksheet>';
  const { code, message } = await refusal(await buildXlsx({ sheets: [['SourceConfig', sheet]] }));
  expect(code).toBe('WORKBOOK_DAMAGED');
  expect(message).toMatch(/^ingestion_config\.xlsx is damaged: part xl\/worksheets\/sheet1\.xml, line 3: /);
});

test('a part that is missing, double, in an unknown encoding or packing', async () => {
  const parts = xlsxParts({ sheets: [['SourceConfig', jobs]] });
  const { 'xl/worksheets/sheet1.xml': sheet = '', ...rest } = parts;
  expect((await refusal(await buildZip(rest))).message).toBe(
    `${FILE} is damaged: part xl/worksheets/sheet1.xml is missing.`,
  );
  expect((await refusal(await buildZip({ ...parts, 'xl/worksheets/SHEET1.xml': sheet }))).message).toMatch(
    /holds part xl\/worksheets\/sheet1\.xml twice/,
  );
  const latin = Buffer.concat([Buffer.from('<worksheet>'), Buffer.from([0xff, 0xe4])]);
  expect((await refusal(await buildZip({ ...rest, 'xl/worksheets/sheet1.xml': latin }))).message).toMatch(
    /is not utf-8 text/,
  );
  const all = Object.entries(parts).map(([name, content]) => newPart(name, Buffer.from(content)));
  expect((await refusal(writeZip(all.map((part) => ({ ...part, method: 14 }))))).message).toMatch(
    /packed with method 14/,
  );
  expect((await refusal(writeZip(all.map((part) => ({ ...part, encrypted: true }))))).code).toBe('WORKBOOK_ENCRYPTED');
  expect((await refusal(await buildZip({ '[Content_Types].xml': '<Types/>' }))).message).toBe(
    `${FILE} is damaged: it holds no workbook.`,
  );
});

test('a cell whose shared text is missing is not read as blank', async () => {
  const sheet = `${textRow(1, ['source_type', 'source_name'])}<row r="2"><c r="B2" t="s"><v>1</v></c></row>`;
  expect(
    (await refusal(await buildXlsx({ sheets: [['SourceConfig', sheet]], strings: '<si><t>a</t></si>' }))).message,
  ).toBe(`${FILE} is damaged: part xl/worksheets/sheet1.xml: cell B2 shows shared text 1, which is not there.`);
});

test('a thousand broken cells are not a thousand lines', async () => {
  const rows = Array.from(
    { length: 1000 },
    (_, i) => `<row r="${i + 2}"><c r="A${i + 2}" t="e"><v>#N/A</v></c></row>`,
  ).join('');
  const sheets = await readWorkbook(
    await buildXlsx({ sheets: [['SourceConfig', textRow(1, ['source_type', 'source_name']) + rows]] }),
    FILE,
  );
  expect(sheets.jobs?.rows).toHaveLength(1000);
  expect(sheets.findings).toHaveLength(200);
});
