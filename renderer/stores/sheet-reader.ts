import type { Finding } from '../../engine/spec/finding.ts';
import type { RawSheet } from '../../engine/spec/project.ts';
import type { EditedSheet, SheetName } from './edited-sheet.ts';
import { rawSheetOf, type SavedSheet } from './saved-sheet.ts';
import type { Cells } from './sheet-model.ts';

const NO_IDS: readonly string[] = [];
const NO_FINDINGS: readonly Finding[] = [];

/** What the sheets say, by row id; cheap enough to be called while drawing. A sheet that is not there says nothing. */
export function sheetReader(sheetOf: (name: SheetName) => EditedSheet | undefined) {
  return {
    /** As findings and the workbook spell it. */
    sheetTitle: (name: SheetName): string => sheetOf(name)?.model.name ?? name,
    hasSheet: (name: SheetName): boolean => sheetOf(name) !== undefined,
    headers: (name: SheetName): readonly string[] => sheetOf(name)?.model.headers ?? NO_IDS,
    /** Ids of the columns by position. */
    columns: (name: SheetName): readonly string[] => sheetOf(name)?.columns ?? NO_IDS,
    rowIds: (name: SheetName): readonly string[] => sheetOf(name)?.model.order ?? NO_IDS,
    cell(name: SheetName, rowId: string, columnId: string): string {
      const sheet = sheetOf(name);
      const position = sheet?.columns.indexOf(columnId) ?? -1;
      return position < 0 ? '' : (sheet?.model.rows.get(rowId)?.[position] ?? '');
    },
    /** Texts by position. */
    rowCells: (name: SheetName, rowId: string): Cells => sheetOf(name)?.model.rows.get(rowId) ?? NO_IDS,
    /** Column id → text, without blanks. */
    rowValues(name: SheetName, rowId: string): Record<string, string> {
      const sheet = sheetOf(name);
      const values: Record<string, string> = {};
      for (const [position, text] of (sheet?.model.rows.get(rowId) ?? []).entries()) {
        const id = sheet?.columns[position];
        if (text !== '' && id !== undefined) values[id] = text;
      }
      return values;
    },
    /** The workbook's text of a cell; null where the row is not in the workbook. */
    savedCell(name: SheetName, rowId: string, columnId: string): string | null {
      const sheet = sheetOf(name);
      const row = sheet?.saved.rows.get(rowId);
      return row === undefined ? null : (row.cells[sheet?.columns.indexOf(columnId) ?? -1] ?? '');
    },
    /** Row of the workbook as it is saved now; null for a row that is new. */
    savedRow: (name: SheetName, rowId: string): number | null => sheetOf(name)?.saved.rows.get(rowId)?.row ?? null,
    savedSheet: (name: SheetName): SavedSheet | null => sheetOf(name)?.saved ?? null,
    /** Row after saving; null for one that is blank and new. */
    rowNumber: (name: SheetName, rowId: string): number | null => sheetOf(name)?.numbers.get(rowId) ?? null,
    rowOfNumber: (name: SheetName, row: number): string | null => sheetOf(name)?.idOfNumber.get(row) ?? null,
    isDirty: (name: SheetName, rowId: string): boolean =>
      sheetOf(name)?.dirty.has(rowId) === true || sheetOf(name)?.moved.has(rowId) === true,
    /** Findings of a row that are no notices. */
    rowFindings: (name: SheetName, rowId: string): readonly Finding[] =>
      sheetOf(name)?.findings.get(rowId) ?? NO_FINDINGS,
    /** The sheet as it will be read once it is saved. */
    rawSheet(name: SheetName): RawSheet | null {
      const sheet = sheetOf(name);
      return sheet === undefined ? null : rawSheetOf(sheet.model, sheet.numbers);
    },
  };
}
