import { posix } from 'node:path';
import { IngestError } from '../errors.ts';
import { CHECK_COLUMNS } from '../spec/check.ts';
import { REQUIRED_JOB_COLUMNS } from '../spec/job-columns.ts';
import { type NewSheet, newSheetHeaders } from '../spec/new-sheet.ts';
import { columnLetters, headerName } from '../spec/sheet.ts';
import { encodeCellText } from './cell-text.ts';
import { findSheets, headerRowOf, SHEET_NAMES, type SheetKey } from './read-workbook.ts';
import { readSheetCells } from './sheet-cells.ts';
import { sheetColumns, VALIDATED_ROWS, validationOf } from './sheet-columns.ts';
import { layOutSheet, Splices } from './sheet-layout.ts';
import { invalid } from './workbook-edits.ts';
import { findPart, isMain, openWorkbookPackage, partText, type WorkbookPackage } from './workbook-package.ts';
import { encodeXml, escapeXml, readXml, type XmlTag } from './xml.ts';
import { newPart, withContent, writeZip, type ZipPart } from './zip.ts';

const STRICT = 'http://purl.oclc.org/ooxml/';
const WORKSHEET_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml';

/** Styles (`s` of a cell) that a new sheet takes from one of the workbook's own sheets; null where it has none. */
interface BorrowedStyles {
  required: string | null;
  optional: string | null;
  /** Of columns whose cells are text whatever is typed. */
  text: string | null;
}

/**
 * The workbook with one of our sheets more, as its last: headers that look like those of our other sheets, frozen, with widths and
 * drop-downs. The parts that list a workbook's sheets get an entry; every other part keeps its packed bytes.
 * @throws IngestError `EDIT_INVALID` where it has that sheet, or is protected against new ones
 */
export async function addSheet(bytes: Buffer, sheet: NewSheet, file: string): Promise<Buffer> {
  const workbook = await openWorkbookPackage(bytes, file);
  if (findSheets(workbook, sheet).length > 0) throw invalid(`${file} has a sheet ${sheet} already.`);
  const folder = posix.dirname(workbook.workbookPart);
  const part = freeName(workbook, posix.join(folder, 'worksheets'));
  const relations = posix.join(folder, '_rels', `${posix.basename(workbook.workbookPart)}.rels`);
  const list = readSheetList(workbook);
  const relation = addRelationship(workbook, relations, part, list.strict);
  const changed = new Map<ZipPart | undefined, string>([
    [findPart(workbook, workbook.workbookPart), list.withSheet(sheet, relation.id)],
    [findPart(workbook, relations), relation.xml],
    [findPart(workbook, '[Content_Types].xml'), withContentType(workbook, part)],
  ]);
  const parts = workbook.parts.map((old) => {
    const xml = changed.get(old);
    return xml === undefined ? old : withContent(old, encodeXml(xml));
  });
  return writeZip([...parts, newPart(part, encodeXml(sheetXml(sheet, list.namespace, borrowStyles(workbook))))]);
}

function freeName(workbook: WorkbookPackage, folder: string): string {
  for (let number = workbook.sheets.length + 1; ; number += 1) {
    const name = posix.join(folder, `sheet${number}.xml`);
    if (!findPart(workbook, name)) return name;
  }
}

/** The workbook's list of sheets, and how another one is written into it. */
function readSheetList(workbook: WorkbookPackage) {
  const part = workbook.workbookPart;
  const xml = partText(workbook, part);
  let list: XmlTag | null = null;
  let end = 0;
  let model: XmlTag | null = null;
  let locked = false;
  const ids: number[] = [];
  readXml(
    xml,
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'sheets') list = tag;
        if (tag.local === 'workbookProtection') locked = /^(1|true)$/.test(tag.attributes.lockStructure ?? '');
        if (tag.local !== 'sheet') return;
        model = tag;
        ids.push(Number(tag.attributes.sheetId));
      },
      close(tag, start) {
        if (tag === list) end = start;
      },
    },
    part,
    workbook.file,
  );
  const { name, uri, attributes } = (model ?? {}) as Partial<XmlTag>;
  if (name === undefined || uri === undefined || attributes === undefined)
    throw invalid(`${workbook.file} lists no sheets.`);
  if (locked) {
    throw new IngestError('EDIT_INVALID', `${workbook.file} is protected against new sheets; nothing was written.`, {
      hint: 'In Excel, choose Review > Protect Workbook to take the protection away, save, and repeat this.',
    });
  }
  // The prefix of relationships is whatever this file has declared.
  const reference = Object.keys(attributes).find((key) => key.endsWith(':id')) ?? 'r:id';
  const sheetId = Math.max(0, ...ids.filter(Number.isInteger)) + 1;
  return {
    namespace: uri,
    strict: uri.startsWith(STRICT),
    withSheet(title: string, id: string): string {
      const splices = new Splices();
      splices.insert(end, `<${name} name="${title}" sheetId="${sheetId}" ${reference}="${id}"/>`);
      return splices.apply(xml);
    },
  };
}

function addRelationship(
  workbook: WorkbookPackage,
  name: string,
  part: string,
  strict: boolean,
): { id: string; xml: string } {
  const xml = partText(workbook, name);
  const ids = new Set<string>();
  const target = posix.relative(posix.dirname(workbook.workbookPart), part);
  const base = strict ? `${STRICT}officeDocument/` : 'http://schemas.openxmlformats.org/officeDocument/2006/';
  const root = readList(workbook, xml, name, (tag) => ids.add(tag.attributes.Id ?? ''));
  let number = ids.size + 1;
  while (ids.has(`rId${number}`)) number += 1;
  const id = `rId${number}`;
  return {
    id,
    xml: root.append(`Relationship Id="${id}" Type="${base}relationships/worksheet" Target="${escapeXml(target)}"`),
  };
}

function withContentType(workbook: WorkbookPackage, part: string): string {
  const name = '[Content_Types].xml';
  const root = readList(workbook, partText(workbook, name), name, () => undefined);
  return root.append(`Override PartName="/${escapeXml(part)}" ContentType="${WORKSHEET_TYPE}"`);
}

/** A part that is one list of empty elements, and how another one is written at its end. */
function readList(workbook: WorkbookPackage, xml: string, part: string, item: (tag: XmlTag) => void) {
  const root = { prefix: '', end: 0 };
  let depth = 0;
  readXml(
    xml,
    {
      open(tag) {
        depth += 1;
        if (depth === 1) root.prefix = tag.name.slice(0, tag.name.length - tag.local.length);
        else item(tag);
      },
      close(_tag, start) {
        depth -= 1;
        if (depth === 0) root.end = start;
      },
    },
    part,
    workbook.file,
  );
  return {
    append: (element: string): string => `${xml.slice(0, root.end)}<${root.prefix}${element}/>${xml.slice(root.end)}`,
  };
}

/** Looks at the first of our sheets that the workbook has. */
function borrowStyles(workbook: WorkbookPackage): BorrowedStyles {
  const styles: BorrowedStyles = { required: null, optional: null, text: null };
  for (const key of Object.keys(SHEET_NAMES) as SheetKey[]) {
    const [entry] = findSheets(workbook, SHEET_NAMES[key]);
    if (!entry) continue;
    const xml = partText(workbook, entry.part);
    const content = readSheetCells(xml, entry.part, workbook);
    const row = headerRowOf(content, key);
    const texts = new Map(content.rows.find((one) => one.row === row)?.cells.map(({ column, text }) => [column, text]));
    for (const cell of layOutSheet(xml, entry.part, workbook).rows.find((one) => one.row === row)?.cells ?? []) {
      const header = headerName(texts.get(cell.column) ?? '');
      const style = cell.tag.attributes.s;
      if (header !== '' && style !== undefined) styles[isRequired(key, header) ? 'required' : 'optional'] ??= style;
    }
    readXml(
      xml,
      {
        open({ local, uri, attributes: { style } }) {
          if (!isMain(uri) || local !== 'col' || style === undefined) return;
          if (workbook.formats[Number(style)]?.kind === 'text') styles.text ??= style;
        },
      },
      entry.part,
      workbook.file,
    );
    break;
  }
  return styles;
}

function isRequired(key: SheetKey, header: string): boolean {
  if (key === 'jobs') return (REQUIRED_JOB_COLUMNS as readonly string[]).includes(header);
  if (key === 'checks') return CHECK_COLUMNS.some(({ name, required }) => required && name === header);
  return header === 'key';
}

function sheetXml(sheet: NewSheet, namespace: string, styles: BorrowedStyles): string {
  const columns = sheetColumns(sheet);
  const attribute = (name: string, value: string | null) => (value === null ? '' : ` ${name}="${escapeXml(value)}"`);
  const cols = columns.map(({ width, text }, index) => {
    const place = `min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"`;
    return `<col ${place}${attribute('style', text ? styles.text : null)}/>`;
  });
  const header = newSheetHeaders(sheet).map((text, index) => {
    const { required } = columns[index] as (typeof columns)[number];
    const style = required ? (styles.required ?? styles.optional) : (styles.optional ?? styles.required);
    return `<c r="${columnLetters(index)}1"${attribute('s', style)} t="inlineStr"><is><t>${encodeCellText(text)}</t></is></c>`;
  });
  const rules = columns.flatMap((column, index) => {
    const rule = validationOf(column);
    if (rule === null) return [];
    const cells = `${columnLetters(index)}2:${columnLetters(index)}${VALIDATED_ROWS}`;
    const formulas = rule.formulae.map((formula, at) => {
      return `<formula${at + 1}>${escapeXml(String(formula))}</formula${at + 1}>`;
    });
    return [
      `<dataValidation type="${rule.type}"${attribute('errorStyle', rule.errorStyle ?? null)} allowBlank="1" showInputMessage="1" showErrorMessage="1"${attribute('error', rule.error ?? null)}${attribute('promptTitle', rule.promptTitle ?? null)}${attribute('prompt', rule.prompt ?? null)} sqref="${cells}">${formulas.join('')}</dataValidation>`,
    ];
  });
  const last = columnLetters(columns.length - 1);
  return [
    `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="${namespace}"><dimension ref="A1:${last}1"/>`,
    '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>',
    `<sheetFormatPr defaultRowHeight="15"/><cols>${cols.join('')}</cols>`,
    `<sheetData><row r="1">${header.join('')}</row></sheetData>`,
    rules.length === 0 ? '' : `<dataValidations count="${rules.length}">${rules.join('')}</dataValidations>`,
    '</worksheet>',
  ].join('');
}
