import type { Input } from '../../engine/contract.ts';
import { type NewSheet, newSheetHeaders } from '../../engine/spec/new-sheet.ts';
import type { RawSheet } from '../../engine/spec/project.ts';
import { type Cells, isBlank, type SheetModel, sameCells, withCell } from './sheet-model.ts';

export type WorkbookEdit = Input<'project.save'>['edits'][number];

/** A sheet as the workbook has it, by the ids that its rows got here. */
export interface SavedSheet {
  /** The workbook does not have it yet: saving makes it, with these headers. */
  isNew: boolean;
  headers: readonly string[];
  rows: ReadonlyMap<string, { row: number; cells: Cells }>;
}

/** `ids[i]` is the row of `sheet.rows[i]`. */
export function savedSheet(sheet: RawSheet, ids: readonly string[]): SavedSheet {
  const rows = new Map<string, { row: number; cells: Cells }>();
  for (const [index, { row, cells }] of sheet.rows.entries()) rows.set(ids[index] as string, { row, cells });
  return { isNew: false, headers: sheet.headers, rows };
}

/** A sheet that saving will make, as it will be read then. */
export function emptySheet(name: NewSheet): RawSheet {
  return { name, headerRow: 1, headers: [...newSheetHeaders(name)], rows: [] };
}

/** Where the rows of a sheet will stand once it is saved. */
export interface Placement {
  /** Rows that stay where they are in the workbook; the others are written anew. */
  kept: ReadonlySet<string>;
  /** Rows that are in the workbook and now stand elsewhere among the others. */
  moved: ReadonlySet<string>;
  /** 1-based row after saving, by id. Rows that are new and blank have none: they are not saved. */
  numbers: ReadonlyMap<string, number>;
}

/** Ids whose values grow: the longest such run that may leave out others, so that as few rows as possible move. */
function longestAscending(ids: readonly string[], orderOf: (id: string) => number): ReadonlySet<string> {
  const values = ids.map(orderOf);
  if (values.every((value, index) => index === 0 || value > (values[index - 1] as number))) return new Set(ids);
  // Patience sorting: tails[n] is the index of the smallest value that ends a run of n + 1.
  const tails: number[] = [];
  const previous = new Array<number>(ids.length).fill(-1);
  for (const [index, value] of values.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[index] = tails[low - 1] as number;
    tails[low] = index;
  }
  const kept = new Set<string>();
  for (let index = tails.at(-1) ?? -1; index >= 0; index = previous[index] as number) kept.add(ids[index] as string);
  return kept;
}

/** True for a row that exists here only and says nothing: it is not saved. */
function isUnsaid(sheet: SheetModel, saved: SavedSheet, id: string): boolean {
  return !saved.rows.has(id) && isBlank(sheet.rows.get(id) ?? []);
}

/** Places the rows of an edited sheet. Linear in its rows but where rows moved. */
export function placeRows(sheet: SheetModel, saved: SavedSheet): Placement {
  const rowOf = (id: string) => saved.rows.get(id)?.row ?? 0;
  const known = sheet.order.filter((id) => saved.rows.has(id));
  const kept = longestAscending(known, rowOf);
  const moved = new Set(known.filter((id) => !kept.has(id)));
  const gone = [...saved.rows].filter(([id]) => !kept.has(id)).map(([, { row }]) => row);
  gone.sort((a, b) => a - b);

  const numbers = new Map<string, number>();
  let last = sheet.headerRow;
  for (const { row } of saved.rows.values()) last = Math.max(last, row);
  let waiting: string[] = [];
  let inserted = 0;
  let deleted = 0;
  const place = (before: number) => {
    while (deleted < gone.length && (gone[deleted] as number) < before) deleted += 1;
    for (const id of waiting) {
      numbers.set(id, before - deleted + inserted);
      inserted += 1;
    }
    waiting = [];
  };
  for (const id of sheet.order) {
    if (!kept.has(id)) {
      if (!isUnsaid(sheet, saved, id)) waiting.push(id);
      continue;
    }
    const row = rowOf(id);
    place(row);
    numbers.set(id, row - deleted + inserted);
  }
  place(last + 1);
  return { kept, moved, numbers };
}

/** What the workbook's writer is to do: sets in rows that stay, inserts and deletes for the others. */
export function workbookEdits(sheet: SheetModel, saved: SavedSheet): WorkbookEdit[] {
  const { kept } = placeRows(sheet, saved);
  const edits: WorkbookEdit[] = saved.isNew ? [{ kind: 'create', sheet: sheet.name as NewSheet }] : [];
  const set = (row: number, column: number, text: string) =>
    edits.push({ kind: 'set', sheet: sheet.name, row, column, text });

  for (let position = 0; position < sheet.headers.length; position++) {
    const header = sheet.headers[position] as string;
    if (header !== (saved.headers[position] ?? '')) set(sheet.headerRow, position, header);
  }
  for (const [id, { row }] of saved.rows) {
    if (!kept.has(id)) edits.push({ kind: 'delete', sheet: sheet.name, row });
  }
  let waiting: Cells[] = [];
  for (const id of sheet.order) {
    const cells = sheet.rows.get(id) ?? [];
    const was = saved.rows.get(id);
    if (was === undefined || !kept.has(id)) {
      if (!isUnsaid(sheet, saved, id)) waiting.push(cells);
      continue;
    }
    for (const row of waiting) edits.push({ kind: 'insert', sheet: sheet.name, before: was.row, cells: [...row] });
    waiting = [];
    if (was.cells === cells) continue;
    const length = Math.max(was.cells.length, cells.length);
    for (let position = 0; position < length; position++) {
      const text = cells[position] ?? '';
      if (text !== (was.cells[position] ?? '')) set(was.row, position, text);
    }
  }
  for (const row of waiting) edits.push({ kind: 'append', sheet: sheet.name, cells: [...row] });
  return edits;
}

/** A row's difference from the workbook: new, changed, or null. */
export function rowDifference(saved: SavedSheet, id: string, cells: Cells): 'new' | 'changed' | null {
  const was = saved.rows.get(id);
  if (was === undefined) return isBlank(cells) ? null : 'new';
  return sameCells(was.cells, cells) ? null : 'changed';
}

/** The sheet as the engine would read it after saving: numbered rows, blank ones left out. */
export function rawSheetOf(sheet: SheetModel, numbers: ReadonlyMap<string, number>): RawSheet {
  const rows: RawSheet['rows'] = [];
  for (const id of sheet.order) {
    const cells = sheet.rows.get(id) as string[] | undefined;
    const row = numbers.get(id);
    if (cells === undefined || row === undefined || isBlank(cells)) continue;
    rows.push({ row, cells });
  }
  // New rows behind rows that were saved as blank stand lower than their place says.
  return { name: sheet.name, headerRow: sheet.headerRow, headers: sheet.headers as string[], rows };
}

/**
 * Applies edits that were kept for a lost window to the sheet as it was read, and gives the edited cells by id:
 * the reverse of {@link workbookEdits}.
 */
export function replayEdits(sheet: SheetModel, saved: SavedSheet, edits: readonly WorkbookEdit[], newId: () => string) {
  const idAt = new Map([...saved.rows].map(([id, { row }]) => [row, id]));
  const rows = new Map<string, Cells | null>();
  let headers: readonly string[] = sheet.headers;
  const before = new Map<string, string[]>();
  const behind: string[] = [];
  const sorted = [...idAt].sort(([a], [b]) => a - b);
  for (const edit of edits) {
    if (edit.sheet !== sheet.name || edit.kind === 'create') continue;
    if (edit.kind === 'set') {
      const id = idAt.get(edit.row);
      if (edit.row === sheet.headerRow) headers = withCell(headers, edit.column, edit.text);
      else if (id !== undefined) {
        rows.set(id, withCell(rows.get(id) ?? sheet.rows.get(id) ?? [], edit.column, edit.text));
      }
    } else if (edit.kind === 'delete') {
      const id = idAt.get(edit.row);
      if (id !== undefined) rows.set(id, null);
    } else {
      const id = newId();
      rows.set(id, edit.cells);
      const next = edit.kind === 'append' ? undefined : sorted.find(([row]) => row >= edit.before)?.[1];
      if (next === undefined) behind.push(id);
      else before.set(next, [...(before.get(next) ?? []), id]);
    }
  }
  const order: string[] = [];
  for (const id of sheet.order) {
    order.push(...(before.get(id) ?? []));
    if (rows.get(id) !== null) order.push(id);
  }
  return { rows, headers, order: [...order, ...behind] };
}
