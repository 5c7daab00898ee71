import { IngestError } from '../errors.ts';
import type { NewSheet } from '../spec/new-sheet.ts';
import { cellName } from './cell-text.ts';
import { mapSpan, type RowMap, type RowSpan, rowMapper } from './row-map.ts';

/**
 * One change of a sheet. All rows are 1-based and those of the workbook as it was read, whatever the other edits of the
 * same call do; columns are 0-based. An empty text clears the cell. Inserts before the same row keep their order.
 * `create` makes a sheet that the workbook lacks, with its headers in row 1; the other edits of it are appends.
 */
export type WorkbookEdit =
  | { kind: 'set'; sheet: string; row: number; column: number; text: string }
  | { kind: 'insert'; sheet: string; before: number; cells: readonly string[] }
  | { kind: 'append'; sheet: string; cells: readonly string[] }
  | { kind: 'delete'; sheet: string; row: number }
  | { kind: 'create'; sheet: NewSheet };

/** An edit of a sheet that is there. */
export type SheetEdit = Exclude<WorkbookEdit, { kind: 'create' }>;

/** The edits of one sheet, put in order. */
export interface SheetEdits {
  sets: Map<number, Map<number, string>>;
  /** Row before which they go → their cells. */
  inserts: Map<number, (readonly string[])[]>;
  appends: (readonly string[])[];
  deletes: Set<number>;
}

/** What the edit of a sheet needs to know about it. */
export interface SheetFacts {
  name: string;
  part: string;
  headerRow: number;
  /** The last row with a filled cell; the header row where there is no other. */
  lastRow: number;
}

/** Excel's limits. */
const LAST_ROW = 1_048_576;
const LAST_COLUMN = 16_383;
const LONGEST_TEXT = 32_767;

/**
 * Groups edits by sheet (in any case; the key is lower case).
 * @throws IngestError `EDIT_INVALID`, `CELL_TOO_LONG`; nothing is then written.
 */
export function groupEdits(edits: readonly SheetEdit[]): Map<string, SheetEdits> {
  const sheets = new Map<string, SheetEdits>();
  for (const edit of edits) {
    const key = edit.sheet.trim().toLowerCase();
    const sheet: SheetEdits = sheets.get(key) ?? {
      sets: new Map(),
      inserts: new Map(),
      appends: [],
      deletes: new Set(),
    };
    sheets.set(key, sheet);
    switch (edit.kind) {
      case 'set': {
        checkRow(edit.sheet, edit.row);
        checkText(edit.sheet, cellName(edit.column, edit.row), edit.column, edit.text);
        const row = sheet.sets.get(edit.row) ?? new Map<number, string>();
        sheet.sets.set(edit.row, row.set(edit.column, edit.text));
        break;
      }
      case 'insert':
        checkRow(edit.sheet, edit.before);
        checkCells(edit.sheet, `a row before row ${edit.before}`, edit.cells);
        sheet.inserts.set(edit.before, [...(sheet.inserts.get(edit.before) ?? []), edit.cells]);
        break;
      case 'append':
        checkCells(edit.sheet, 'an added row', edit.cells);
        sheet.appends.push(edit.cells);
        break;
      case 'delete':
        checkRow(edit.sheet, edit.row);
        sheet.deletes.add(edit.row);
        break;
      default:
        edit satisfies never;
    }
  }
  for (const [key, sheet] of sheets) {
    for (const row of sheet.deletes) {
      if (sheet.sets.has(row)) throw invalid(`${key}: row ${row} is edited and deleted at once.`);
    }
  }
  return sheets;
}

export function rowMapOf(edits: SheetEdits): RowMap {
  return {
    deleted: edits.deletes,
    inserted: new Map([...edits.inserts].map(([before, rows]) => [before, rows.length])),
  };
}

/** Row before which appended rows go without moving any: the first behind the last filled one. */
export function firstFreeRow(facts: SheetFacts): number {
  return facts.lastRow + 1;
}

/**
 * How a range that grows with its rows goes through the edit: rows added at its end, in it, or directly under the header
 * at its beginning belong to it.
 */
export function growingSpan(edits: SheetEdits, map: RowMap, facts: SheetFacts): (span: RowSpan) => RowSpan | null {
  const toRow = rowMapper(map);
  return (span) => {
    const mapped = mapSpan(map, span);
    // Rules outlive their last row: the next job added stands in the same place.
    const grown =
      mapped ?? (span.last > facts.headerRow ? { first: toRow(span.first), last: toRow(span.first) } : null);
    if (!grown) return null;
    if (span.last > facts.headerRow) {
      const behind = edits.inserts.get(span.last + 1)?.length ?? 0;
      grown.last += behind;
      if (span.first === facts.headerRow + 1) grown.first = toRow(facts.headerRow) + 1;
      const free = firstFreeRow(facts);
      const holds = (row: number) => span.first <= row && row <= span.last;
      if (edits.appends.length > 0 && (holds(free) || (facts.lastRow > facts.headerRow && holds(facts.lastRow)))) {
        grown.last = Math.max(grown.last, toRow(free) + edits.appends.length - 1);
      }
    }
    return grown;
  };
}

function checkRow(sheet: string, row: number): void {
  if (!Number.isInteger(row) || row < 1 || row > LAST_ROW) throw invalid(`${sheet}: there is no row ${row}.`);
}

function checkCells(sheet: string, place: string, cells: readonly string[]): void {
  for (const [column, text] of cells.entries()) checkText(sheet, place, column, text);
}

function checkText(sheet: string, place: string, column: number, text: string): void {
  if (!Number.isInteger(column) || column < 0 || column > LAST_COLUMN)
    throw invalid(`${sheet}: there is no column ${column}.`);
  if (text.length <= LONGEST_TEXT) return;
  throw new IngestError(
    'CELL_TOO_LONG',
    `${sheet}, ${place}: the text has ${text.length} characters; a cell holds ${LONGEST_TEXT}.`,
    {
      hint: 'Shorten it, or move it to .dlt/config.toml.',
    },
  );
}

export function invalid(message: string): IngestError {
  return new IngestError('EDIT_INVALID', message, { hint: 'Read the workbook again and repeat the edit.' });
}
