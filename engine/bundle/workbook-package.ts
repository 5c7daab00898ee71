import { posix } from 'node:path';
import { IngestError } from '../errors.ts';
import { decodeCellText } from './cell-text.ts';
import { type NumberFormat, numberFormat } from './number-format.ts';
import { attribute, decodeXml, readXml } from './xml.ts';
import { damaged, readZip, type UnpackBudget, unpackBudget, unpackPart, type ZipPart } from './zip.ts';

/** SpreadsheetML as Excel writes it (transitional) and as ISO/IEC 29500 Strict does. */
const TRANSITIONAL = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const STRICT = 'http://purl.oclc.org/ooxml/spreadsheetml/main';

/** Asked for each of a million tags: two comparisons, no look-up. */
export function isMain(uri: string): boolean {
  return uri === TRANSITIONAL || uri === STRICT;
}

/** A worksheet as the workbook lists it. */
export interface SheetEntry {
  name: string;
  /** Name of its part in the zip. */
  part: string;
}

export interface DefinedName {
  name: string;
  formula: string;
}

/** An xlsx file, opened; parts are unpacked when they are asked for. */
export interface WorkbookPackage {
  /** How messages name the file. */
  file: string;
  parts: ZipPart[];
  workbookPart: string;
  /** In the order of the tabs; chart sheets and dialogs are left out. */
  sheets: SheetEntry[];
  definedNames: DefinedName[];
  date1904: boolean;
  /** Format of each cell style (`s` of a cell). */
  formats: NumberFormat[];
  strings: string[];
  budget: UnpackBudget;
}

export interface Relationship {
  id: string;
  /** The last word of the type's address (`worksheet`, `table`), the same in both dialects of OOXML. */
  type: string;
  /** Name of the part in the zip. */
  target: string;
}

/**
 * Opens the bytes of an xlsx file.
 * @throws IngestError `WORKBOOK_ENCRYPTED`, `WORKBOOK_FORMAT`, `WORKBOOK_DAMAGED`, `WORKBOOK_TOO_LARGE`.
 */
export async function openWorkbookPackage(bytes: Buffer, file: string): Promise<WorkbookPackage> {
  refuseOtherFormats(bytes, file);
  const parts = await readZip(bytes, file);
  refuseOtherZips(parts, file);
  const opened: WorkbookPackage = {
    file,
    parts,
    workbookPart: '',
    sheets: [],
    definedNames: [],
    date1904: false,
    formats: [],
    strings: [],
    budget: unpackBudget(),
  };
  const main = relationships(opened, '').find((r) => r.type === 'officeDocument')?.target ?? 'xl/workbook.xml';
  if (!findPart(opened, main)) throw damaged(file, 'it holds no workbook');
  opened.workbookPart = main;
  const related = relationships(opened, main);
  readWorkbookPart(opened, related);
  const styles = related.find((r) => r.type === 'styles');
  if (styles && findPart(opened, styles.target)) opened.formats = readFormats(opened, styles.target);
  const strings = related.find((r) => r.type === 'sharedStrings');
  if (strings && findPart(opened, strings.target)) opened.strings = readStrings(opened, strings.target);
  return opened;
}

/** A part by name; names of parts differ by more than case. */
export function findPart(workbook: WorkbookPackage, name: string): ZipPart | undefined {
  const found = workbook.parts.filter((part) => part.name.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw damaged(workbook.file, `it holds part ${name} twice`);
  return found[0];
}

/** The text of a part that must be there. */
export function partText(workbook: WorkbookPackage, name: string): string {
  const part = findPart(workbook, name);
  if (!part) throw damaged(workbook.file, `part ${name} is missing`);
  return decodeXml(unpackPart(part, workbook.budget, workbook.file), name, workbook.file);
}

/** What a part points at; external targets are left out. `''` stands for the package itself. */
export function relationships(workbook: WorkbookPackage, part: string): Relationship[] {
  const folder = posix.dirname(part);
  const name = posix.join(folder, '_rels', `${posix.basename(part)}.rels`);
  if (!findPart(workbook, name)) return [];
  const found: Relationship[] = [];
  readXml(
    partText(workbook, name),
    {
      open(tag) {
        const { Id: id, Type: type, Target: target, TargetMode: mode } = tag.attributes;
        if (tag.local !== 'Relationship' || !id || !type || !target || mode === 'External') return;
        // `/xl/x.xml` counts from the package's root, anything else from the part's own folder.
        const path = target.startsWith('/') ? target.slice(1) : posix.join(folder, target);
        found.push({ id, type: type.slice(type.lastIndexOf('/') + 1), target: posix.normalize(path) });
      },
    },
    name,
    workbook.file,
  );
  return found;
}

function readWorkbookPart(workbook: WorkbookPackage, related: Relationship[]): void {
  let name: DefinedName | null = null;
  readXml(
    partText(workbook, workbook.workbookPart),
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'workbookPr') workbook.date1904 = isTrue(tag.attributes.date1904);
        if (tag.local === 'definedName') {
          name = { name: tag.attributes.name ?? '', formula: '' };
          workbook.definedNames.push(name);
        }
        if (tag.local !== 'sheet') return;
        const target = related.find((r) => r.id === attribute(tag, 'id', true));
        if (target?.type === 'worksheet')
          workbook.sheets.push({ name: tag.attributes.name ?? '', part: target.target });
      },
      close() {
        name = null;
      },
      text(text) {
        if (name) name.formula += text;
      },
    },
    workbook.workbookPart,
    workbook.file,
  );
}

function readFormats(workbook: WorkbookPackage, part: string): NumberFormat[] {
  const codes = new Map<number, string>();
  const ids: number[] = [];
  let inCells = false;
  readXml(
    partText(workbook, part),
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'cellXfs') inCells = true;
        if (tag.local === 'numFmt') codes.set(Number(tag.attributes.numFmtId), tag.attributes.formatCode ?? '');
        if (tag.local === 'xf' && inCells) ids.push(Number(tag.attributes.numFmtId ?? 0));
      },
      close(tag) {
        if (tag.local === 'cellXfs') inCells = false;
      },
    },
    part,
    workbook.file,
  );
  return ids.map((id) => numberFormat(id, codes.get(id)));
}

function readStrings(workbook: WorkbookPackage, part: string): string[] {
  const strings: string[] = [];
  let text = '';
  let inText = false;
  let phonetic = 0;
  readXml(
    partText(workbook, part),
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'si') text = '';
        else if (tag.local === 'rPh') phonetic += 1;
        else if (tag.local === 't') inText = phonetic === 0;
      },
      close(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'si') strings.push(decodeCellText(text));
        else if (tag.local === 'rPh') phonetic -= 1;
        else if (tag.local === 't') inText = false;
      },
      text(piece) {
        if (inText) text += piece;
      },
    },
    part,
    workbook.file,
  );
  return strings;
}

/** XML's two ways to write a boolean. */
export function isTrue(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}

function refuseOtherFormats(bytes: Buffer, file: string): void {
  if (bytes.length === 0) {
    throw new IngestError('WORKBOOK_FORMAT', `${file} is empty (0 bytes).`, {
      hint: 'If a sync client (OneDrive, Dropbox) keeps it online only, open it once; otherwise restore an earlier version.',
    });
  }
  if (bytes.subarray(0, 8).equals(Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]))) {
    if (bytes.includes(Buffer.from('EncryptedPackage', 'utf16le'))) {
      throw new IngestError('WORKBOOK_ENCRYPTED', `${file} is protected with a password.`, {
        hint: 'Open it in Excel, choose File > Info > Protect Workbook > Encrypt with Password, empty the field, and save.',
      });
    }
    throw otherFormat(file, 'an Excel 97-2003 workbook (.xls)');
  }
  if (bytes.subarray(0, 2).toString('latin1') === 'PK') return;
  const start = bytes
    .toString('utf8', 0, 4096)
    .replace(/^\uFEFF/, '')
    .trimStart()
    .toLowerCase();
  if (/^(<!doctype html|<html|<head|<table|<meta)/.test(start)) throw otherFormat(file, 'a web page (HTML)');
  if (start.startsWith('<?xml')) throw otherFormat(file, 'an XML file');
  if (start.startsWith('%pdf')) throw otherFormat(file, 'a PDF');
  if (start.startsWith('{\\rtf')) throw otherFormat(file, 'an RTF document');
  if (!start.includes('\0') && !start.includes('\uFFFD')) throw otherFormat(file, 'a text file (perhaps CSV)');
  throw otherFormat(file, 'no Excel workbook');
}

function refuseOtherZips(parts: ZipPart[], file: string): void {
  const names = new Set(parts.map((part) => part.name.toLowerCase()));
  if (names.has('content.xml') && names.has('mimetype')) throw otherFormat(file, 'an OpenDocument spreadsheet (.ods)');
  if (names.has('xl/workbook.bin')) throw otherFormat(file, 'a binary Excel workbook (.xlsb)');
  if (names.has('word/document.xml')) throw otherFormat(file, 'a Word document');
  if (names.has('index/document.iwa') || names.has('index.zip')) throw otherFormat(file, 'an Apple Numbers document');
  if (!names.has('[content_types].xml') && !names.has('xl/workbook.xml'))
    throw otherFormat(file, 'a zip file without a workbook in it');
}

function otherFormat(file: string, what: string): IngestError {
  return new IngestError('WORKBOOK_FORMAT', `${file} is ${what}, whatever its name says.`, {
    hint: 'Open it in Excel or LibreOffice and save it as "Excel Workbook (.xlsx)".',
  });
}
