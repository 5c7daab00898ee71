import type { Finding } from '../../engine/spec/finding.ts';
import type { RawSheet } from '../../engine/spec/project.ts';
import { placeRows, rowDifference, type SavedSheet, savedSheet } from './saved-sheet.ts';
import {
  applyDiff,
  columnIds,
  isBlank,
  type RowChange,
  type SheetDiff,
  type SheetModel,
  sheetModel,
} from './sheet-model.ts';

/** Sheets of the workbook that are edited here. */
export const SHEETS = ['SourceConfig', 'DataQuality', 'Pipeline'] as const;
export type SheetName = (typeof SHEETS)[number];

/** A sheet and all that is known of it, by row id. */
export interface EditedSheet {
  /** Its key; `model.name` is as the workbook spells it. */
  name: SheetName;
  model: SheetModel;
  saved: SavedSheet;
  /** Row ids → findings that are no notices. */
  findings: ReadonlyMap<string, readonly Finding[]>;
  kept: ReadonlySet<string>;
  numbers: ReadonlyMap<string, number>;
  idOfNumber: ReadonlyMap<number, string>;
  moved: ReadonlySet<string>;
  dirty: Set<string>;
  /** Rows of the workbook that are no more. */
  deleted: number;
  columns: readonly string[];
  versions: Map<string, number>;
}

/** A sheet as it was read, without any edit. */
export function editedSheet(name: SheetName, sheet: RawSheet): EditedSheet {
  const model = sheetModel(sheet);
  const read: EditedSheet = {
    name,
    model,
    saved: savedSheet(sheet, model.order),
    findings: new Map(),
    kept: new Set(),
    numbers: new Map(),
    idOfNumber: new Map(),
    moved: new Set(),
    dirty: new Set(),
    deleted: 0,
    columns: columnIds(model.headers),
    versions: new Map(),
  };
  placeSheet(read);
  return read;
}

/** Finds where the rows will stand once they are saved. @returns ids of rows whose number is another one */
export function placeSheet(sheet: EditedSheet): string[] {
  const { kept, moved, numbers } = placeRows(sheet.model, sheet.saved);
  const before = sheet.numbers;
  Object.assign(sheet, { kept, moved, numbers });
  sheet.idOfNumber = new Map([...numbers].map(([id, number]) => [number, id]));
  sheet.deleted = 0;
  for (const id of sheet.saved.rows.keys()) if (!sheet.model.rows.has(id)) sheet.deleted += 1;
  const renumbered: string[] = [];
  for (const [id, number] of numbers) if (before.get(id) !== number) renumbered.push(id);
  for (const id of before.keys()) if (!numbers.has(id)) renumbered.push(id);
  return renumbered;
}

/** Finds which of the rows differ from the workbook. */
export function judgeDirty(sheet: EditedSheet, ids: Iterable<string>): void {
  for (const id of ids) {
    const cells = sheet.model.rows.get(id);
    if (cells !== undefined && rowDifference(sheet.saved, id, cells) !== null) sheet.dirty.add(id);
    else sheet.dirty.delete(id);
  }
}

/** Makes a change. @returns ids of rows that now have another number */
export function changeSheet(sheet: EditedSheet, diff: SheetDiff): string[] {
  applyDiff(sheet.model, diff);
  if (diff.headers !== null) sheet.columns = columnIds(sheet.model.headers);
  judgeDirty(sheet, diff.rows.keys());
  const structural = diff.order.length > 0 || [...diff.rows].some(([id, change]) => turnsBlank(sheet, id, change));
  return structural ? placeSheet(sheet) : [];
}

/** A row that is not in the workbook yet begins or ceases to say something: it gets or loses its number. */
function turnsBlank(sheet: EditedSheet, id: string, { before, after }: RowChange): boolean {
  return !sheet.saved.rows.has(id) && (before === null || isBlank(before)) !== (after === null || isBlank(after));
}

/** How much of a sheet differs from the workbook: rows, headers, and the sheet itself where it is to be made. */
export function unsavedIn({ model, saved, dirty, deleted, moved }: EditedSheet): number {
  let count = dirty.size + deleted + (saved.isNew ? 1 : 0);
  for (const id of moved) if (!dirty.has(id)) count += 1;
  if (model.headers === saved.headers) return count;
  return count + model.headers.filter((header, position) => header !== (saved.headers[position] ?? '')).length;
}

/** Takes what was found of all sheets. @returns ids of rows of which something else was found than before */
export function assignFindings(sheet: EditedSheet, findings: readonly Finding[]): string[] {
  const byRow = new Map<string, Finding[]>();
  for (const finding of findings) {
    const id =
      finding.sheet === sheet.model.name && finding.row !== null ? sheet.idOfNumber.get(finding.row) : undefined;
    if (id === undefined) continue;
    const list = byRow.get(id);
    if (list === undefined) byRow.set(id, [finding]);
    else list.push(finding);
  }
  const before = sheet.findings;
  sheet.findings = byRow;
  const other: string[] = [];
  for (const [id, list] of byRow) {
    const was = before.get(id);
    if (was?.length !== list.length || was.some((finding, index) => finding !== list[index])) other.push(id);
  }
  for (const id of before.keys()) if (!byRow.has(id)) other.push(id);
  return other;
}
