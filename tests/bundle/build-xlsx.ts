import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';

export const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
export const STRICT_MAIN = 'http://purl.oclc.org/ooxml/spreadsheetml/main';
const RELATION = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const STRICT_RELATION = 'http://purl.oclc.org/ooxml/officeDocument/relationships';
const PACKAGE_RELATION = 'http://schemas.openxmlformats.org/package/2006/relationships';

/** A zip of another hand than the product's. */
export async function buildZip(parts: Record<string, string | Buffer>, compress = true): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(parts)) zip.addBuffer(Buffer.from(content), name, { compress });
  zip.end();
  return await buffer(zip.outputStream);
}

export interface XlsxTexts {
  /** Sheet name → the whole XML of its part, or the inside of its `<sheetData>`. */
  sheets: [name: string, xml: string][];
  /** Inside of `<sst>`. */
  strings?: string;
  /** numFmtId of each cell style, or a format code. */
  formats?: (number | string)[];
  date1904?: boolean;
  strict?: boolean;
  /** How the workbook's relationships name a sheet's part; `worksheets/sheet1.xml` unless told. */
  target?: (index: number) => string;
  /** Inside of `<workbook>`, behind the sheets. */
  workbook?: string;
  /** More relationships of the workbook. */
  workbookRels?: string;
  contentTypes?: string;
  parts?: Record<string, string | Buffer>;
}

/** The parts of an xlsx file, written by hand. */
export function xlsxParts(texts: XlsxTexts): Record<string, string | Buffer> {
  const main = texts.strict ? STRICT_MAIN : MAIN;
  const relation = texts.strict ? STRICT_RELATION : RELATION;
  const target = texts.target ?? ((index) => `worksheets/sheet${index + 1}.xml`);
  const parts: Record<string, string | Buffer> = {
    '[Content_Types].xml': `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>${texts.sheets.map((_, i) => `<Override PartName="/xl/worksheets/sheet${i + 1}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`).join('')}<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>${texts.strings === undefined ? '' : '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'}${texts.contentTypes ?? ''}</Types>`,
    '_rels/.rels': rels(`<Relationship Id="rId1" Type="${relation}/officeDocument" Target="xl/workbook.xml"/>`),
    'xl/workbook.xml': `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="${main}" xmlns:r="${relation}"><workbookPr${texts.date1904 ? ' date1904="1"' : ''}/><sheets>${texts.sheets.map(([name], i) => `<sheet name="${name}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('')}</sheets>${texts.workbook ?? ''}</workbook>`,
    'xl/_rels/workbook.xml.rels': rels(
      `${texts.sheets.map((_, i) => `<Relationship Id="rId${i + 1}" Type="${relation}/worksheet" Target="${target(i)}"/>`).join('')}<Relationship Id="rId100" Type="${relation}/styles" Target="styles.xml"/>${texts.strings === undefined ? '' : `<Relationship Id="rId101" Type="${relation}/sharedStrings" Target="sharedStrings.xml"/>`}${texts.workbookRels ?? ''}`,
    ),
    'xl/styles.xml': styles(main, texts.formats ?? []),
  };
  for (const [index, [, xml]] of texts.sheets.entries()) {
    parts[`xl/worksheets/sheet${index + 1}.xml`] = xml.includes('<?xml')
      ? xml
      : `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="${main}"><sheetData>${xml}</sheetData></worksheet>`;
  }
  if (texts.strings !== undefined) parts['xl/sharedStrings.xml'] = `<sst xmlns="${main}">${texts.strings}</sst>`;
  return { ...parts, ...texts.parts };
}

export async function buildXlsx(texts: XlsxTexts): Promise<Buffer> {
  return await buildZip(xlsxParts(texts));
}

export function rels(inside: string): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="${PACKAGE_RELATION}">${inside}</Relationships>`;
}

function styles(main: string, formats: readonly (number | string)[]): string {
  const codes = formats.flatMap((format, i) =>
    typeof format === 'string'
      ? `<numFmt numFmtId="${200 + i}" formatCode="${format.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"/>`
      : [],
  );
  const ids = formats.map((format, i) => (typeof format === 'string' ? 200 + i : format));
  return `<styleSheet xmlns="${main}">${codes.length > 0 ? `<numFmts count="${codes.length}">${codes.join('')}</numFmts>` : ''}<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs><cellXfs count="${ids.length + 1}"><xf numFmtId="0"/>${ids.map((id) => `<xf numFmtId="${id}"/>`).join('')}</cellXfs></styleSheet>`;
}

/** A row of inline strings, with references. */
export function textRow(row: number, texts: readonly string[]): string {
  const cells = texts.map((text, i) =>
    text === ''
      ? ''
      : `<c r="${String.fromCharCode(65 + i)}${row}" t="inlineStr"><is><t xml:space="preserve">${text}</t></is></c>`,
  );
  return `<row r="${row}">${cells.join('')}</row>`;
}
