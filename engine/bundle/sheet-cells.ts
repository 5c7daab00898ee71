import { cellName, cellPlace, decodeCellText } from './cell-text.ts';
import { numberText } from './number-format.ts';
import { isMain, type WorkbookPackage } from './workbook-package.ts';
import { readXml } from './xml.ts';
import { damaged } from './zip.ts';

export type CellKind = 'text' | 'number' | 'boolean' | 'error' | 'formula';

/** A filled cell as a person reads it. */
export interface SheetCell {
  /** 0-based. */
  column: number;
  text: string;
  /** `formula` is a formula without a cached value: what it gives is not in the file. */
  kind: CellKind;
}

export interface SheetContent {
  /** Rows in the order of their numbers; a row may hold no cell. */
  rows: { row: number; cells: SheetCell[] }[];
  /** Merged ranges, `A1:B1`. */
  merges: string[];
}

const PLAIN = { kind: 'plain' } as const;

/** Reads the cells of a worksheet's XML. Hidden rows and columns are read like all others. */
export function readSheetCells(xml: string, part: string, workbook: WorkbookPackage): SheetContent {
  const rows: SheetContent['rows'] = [];
  const merges: string[] = [];
  let row = 0;
  let cells: SheetCell[] = [];
  let column = -1;
  let type = '';
  let style = 0;
  let formula = false;
  let stored: string | null = null;
  let inline: string | null = null;
  let sink: 'stored' | 'inline' | null = null;
  let phonetic = 0;
  let inData = false;

  function sharedText(index: string): string {
    const text = workbook.strings[Number(index)];
    if (text !== undefined) return text;
    throw damaged(
      workbook.file,
      `part ${part}: cell ${cellName(column, row)} shows shared text ${index}, which is not there`,
    );
  }

  function cellText(): SheetCell | null {
    const value = stored;
    switch (type) {
      case 'inlineStr':
        return { column, text: decodeCellText(inline ?? ''), kind: 'text' };
      case 's':
        return value === null ? null : { column, text: sharedText(value), kind: 'text' };
      case 'str':
        if (value === null) return formula ? { column, text: '', kind: 'formula' } : null;
        return { column, text: decodeCellText(value), kind: 'text' };
      case 'b':
        if (value !== null && value !== '')
          return { column, text: value === '1' || value === 'true' ? 'TRUE' : 'FALSE', kind: 'boolean' };
        break;
      case 'e':
        return { column, text: value ?? '', kind: 'error' };
      case 'd':
        if (value) return { column, text: isoDateText(value, workbook.formats[style]?.kind === 'date'), kind: 'text' };
        break;
      default:
        if (value !== null && value.trim() !== '') {
          const text = numberText(value, workbook.formats[style] ?? PLAIN, workbook.date1904);
          return { column, text, kind: 'number' };
        }
    }
    // Some writers leave `<v/>` behind a formula that was never computed.
    return formula ? { column, text: '', kind: 'formula' } : null;
  }

  readXml(
    xml,
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        switch (tag.local) {
          case 'sheetData':
            inData = true;
            break;
          case 'row': {
            if (!inData) break;
            const number = Number(tag.attributes.r);
            row = Number.isInteger(number) && number > 0 ? number : row + 1;
            cells = [];
            column = -1;
            break;
          }
          case 'c': {
            if (!inData) break;
            const place = tag.attributes.r === undefined ? null : cellPlace(tag.attributes.r);
            column = place ? place.column : column + 1;
            type = tag.attributes.t ?? 'n';
            style = Number(tag.attributes.s ?? 0);
            formula = false;
            stored = null;
            inline = null;
            break;
          }
          case 'f':
            formula = inData;
            break;
          case 'v':
            if (!inData) break;
            stored = '';
            sink = 'stored';
            break;
          case 'rPh':
            phonetic += 1;
            break;
          case 't':
            if (!inData || phonetic > 0) break;
            inline ??= '';
            sink = 'inline';
            break;
          case 'mergeCell':
            if (tag.attributes.ref) merges.push(tag.attributes.ref);
            break;
        }
      },
      close(tag) {
        if (!isMain(tag.uri)) return;
        switch (tag.local) {
          case 'sheetData':
            inData = false;
            break;
          case 'v':
          case 't':
            sink = null;
            break;
          case 'rPh':
            phonetic -= 1;
            break;
          case 'c': {
            const cell = inData ? cellText() : null;
            if (cell && (cell.text !== '' || cell.kind !== 'text')) cells.push(cell);
            break;
          }
          case 'row':
            if (inData) rows.push({ row, cells });
            break;
        }
      },
      text(text) {
        if (sink === 'stored') stored += text;
        else if (sink === 'inline') inline += text;
      },
    },
    part,
    workbook.file,
  );
  return { rows: rows.sort((a, b) => a.row - b.row), merges };
}

/** An ISO date cell (`t="d"`, strict OOXML): `2024-01-31T13:45:00` → `2024-01-31 13:45:00`; midnight under a date format is a date. */
function isoDateText(value: string, dateFormat: boolean): string {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?Z?)?$/.exec(value.trim());
  if (!match) return value;
  const [, day = '', clock, fraction = ''] = match;
  if (!clock) return day;
  const time = clock.length === 5 ? `${clock}:00` : clock;
  const digits = fraction.replace(/0+$/, '');
  if (time === '00:00:00' && digits === '' && dateFormat) return day;
  return `${day} ${time}${digits ? `.${digits}` : ''}`;
}
