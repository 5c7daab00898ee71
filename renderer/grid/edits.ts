import { fillSeries } from './fill.ts';
import type { CellChange, GridColumn, GridEdit, GridOperation, NewRow } from './grid-types.ts';
import { cellCount, type Rectangle, rectangle, type Selection } from './selection.ts';

/** What the person's actions ask the store for, as data. Pure: nothing is changed here. */
export interface Sheet {
  /** As they are shown. */
  rowIds: readonly string[];
  columns: readonly GridColumn[];
  cell(rowId: string, columnId: string): string;
}

const plural = (count: number, noun: string) => `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;

/** One step that sets cells; null where none of them would change. Read-only columns are left alone. */
export function setCells(
  sheet: Sheet,
  label: (count: number) => string,
  changes: Iterable<CellChange>,
): GridEdit | null {
  const fixed = readOnlyColumns(sheet);
  const cells: CellChange[] = [];
  for (const change of changes) {
    if (fixed.has(change.columnId) || sheet.cell(change.rowId, change.columnId) === change.value) continue;
    cells.push(change);
  }
  return cells.length === 0 ? null : { label: label(cells.length), operations: [{ type: 'set', cells }] };
}

function readOnlyColumns({ columns }: Sheet): ReadonlySet<string> {
  return new Set(columns.filter(({ readOnly }) => readOnly === true).map(({ id }) => id));
}

/** One value into every cell of a range. */
export function setRange(
  sheet: Sheet,
  box: Rectangle,
  value: string,
  label: (count: number) => string,
): GridEdit | null {
  return setCells(
    sheet,
    label,
    changesIn(sheet, box, () => value),
  );
}

export function clearRange(sheet: Sheet, box: Rectangle): GridEdit | null {
  return setRange(sheet, box, '', (count) => `Clear ${plural(count, 'cell')}`);
}

export function editCell(sheet: Sheet, rowId: string, column: GridColumn, value: string): GridEdit | null {
  return setCells(sheet, () => `Edit ${column.header ?? column.id}`, [{ rowId, columnId: column.id, value }]);
}

function* changesIn(
  { rowIds, columns }: Sheet,
  { top, bottom, left, right }: Rectangle,
  value: (row: number, column: number) => string,
): Generator<CellChange> {
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const rowId = rowIds[row];
      const columnId = columns[column]?.id;
      if (rowId !== undefined && columnId !== undefined) yield { rowId, columnId, value: value(row, column) };
    }
  }
}

/** The texts of a range, row by row. */
export function rangeTexts({ rowIds, columns, cell }: Sheet, { top, bottom, left, right }: Rectangle): string[][] {
  return rowIds.slice(top, bottom + 1).map((rowId) => columns.slice(left, right + 1).map(({ id }) => cell(rowId, id)));
}

/** Ctrl+D and Ctrl+R: the first row or column of the range over the rest; of one cell, its neighbour above or to the left. */
export function fillRange(sheet: Sheet, box: Rectangle, direction: 'down' | 'right'): GridEdit | null {
  const down = direction === 'down';
  const lone = down ? box.top === box.bottom : box.left === box.right;
  const from = (down ? box.top : box.left) - (lone ? 1 : 0);
  if (from < 0) return null;
  const source = (row: number, column: number) => {
    const rowId = sheet.rowIds[down ? from : row] as string;
    return sheet.cell(rowId, (sheet.columns[down ? column : from] as GridColumn).id);
  };
  return setCells(sheet, (count) => `Fill ${direction} ${plural(count, 'cell')}`, changesIn(sheet, box, source));
}

/** The range that a drag of the fill handle to a cell fills beside its source, or null inside it. The longer way wins. */
export function fillTarget(source: Rectangle, row: number, column: number): Rectangle | null {
  const below = row - source.bottom;
  const above = source.top - row;
  const right = column - source.right;
  const left = source.left - column;
  const far = Math.max(below, above, right, left);
  if (far <= 0) return null;
  if (far === below) return { ...source, top: source.bottom + 1, bottom: row };
  if (far === above) return { ...source, top: row, bottom: source.top - 1 };
  if (far === right) return { ...source, left: source.right + 1, right: column };
  return { ...source, left: column, right: source.left - 1 };
}

/** What the fill handle writes into `target`, which lies beside `source`. `copy`: no series. */
export function fillByHandle(sheet: Sheet, source: Rectangle, target: Rectangle, copy: boolean): GridEdit | null {
  const vertical = target.left === source.left && target.right === source.right && target.top !== source.top;
  const backwards = vertical ? target.top < source.top : target.left < source.left;
  const texts = rangeTexts(sheet, source);
  const lines = vertical
    ? Array.from({ length: source.right - source.left + 1 }, (_, column) => texts.map((row) => row[column] as string))
    : texts;
  const count = vertical ? target.bottom - target.top + 1 : target.right - target.left + 1;
  const filled = lines.map((line) => fillSeries(line, count, backwards, copy));
  const value = (row: number, column: number) => {
    const line = vertical ? column - source.left : row - source.top;
    const place = vertical ? row - target.top : column - target.left;
    return filled[line]?.[backwards ? count - 1 - place : place] as string;
  };
  return setCells(sheet, (cells) => `Fill ${plural(cells, 'cell')}`, changesIn(sheet, target, value));
}

export interface PastePlan {
  edit: GridEdit | null;
  /** What was pasted onto, to be selected; reaches into the rows that the paste adds. */
  pasted: Rectangle;
  /** Columns of the block beyond the last shown one: not pasted. */
  lostColumns: number;
  addedRowIds: readonly string[];
}

/**
 * A block of texts onto a selection: one value, or a block that goes into the range a whole number of times, fills the range; else the block goes
 * where the range begins, and rows are added past the last one. Cells that a short row lacks stay as they are.
 */
export function pasteBlock(sheet: Sheet, selection: Selection, block: string[][], newRowId: () => string): PastePlan {
  const box = rectangle(selection);
  const height = block.length;
  const width = Math.max(0, ...block.map((row) => row.length));
  const rangeHeight = box.bottom - box.top + 1;
  const rangeWidth = box.right - box.left + 1;
  const down = rangeHeight % height === 0 ? rangeHeight : height;
  const across = rangeWidth % width === 0 ? rangeWidth : width;
  const room = sheet.columns.length - box.left;
  const shownWidth = Math.min(across, room);
  const fixed = readOnlyColumns(sheet);

  const cells: CellChange[] = [];
  const rows: NewRow[] = [];
  for (let row = 0; row < down; row += 1) {
    const texts = block[row % height] as string[];
    const rowId = sheet.rowIds[box.top + row];
    const values: Record<string, string> = {};
    for (let column = 0; column < shownWidth; column += 1) {
      const value = texts[column % width];
      const columnId = (sheet.columns[box.left + column] as GridColumn).id;
      if (value === undefined || fixed.has(columnId)) continue;
      if (rowId === undefined) values[columnId] = value;
      else if (sheet.cell(rowId, columnId) !== value) cells.push({ rowId, columnId, value });
    }
    if (rowId === undefined) rows.push({ id: newRowId(), values });
  }
  const operations: GridOperation[] = [];
  if (cells.length > 0) operations.push({ type: 'set', cells });
  if (rows.length > 0) operations.push({ type: 'insert', rows, before: null });
  return {
    edit: operations.length === 0 ? null : { label: `Paste ${plural(down * shownWidth, 'cell')}`, operations },
    pasted: { top: box.top, bottom: box.top + down - 1, left: box.left, right: box.left + Math.max(1, shownWidth) - 1 },
    lostColumns: Math.max(0, across - room),
    addedRowIds: rows.map(({ id }) => id),
  };
}

export function deleteRows(rowIds: readonly string[]): GridEdit {
  return { label: `Delete ${plural(rowIds.length, 'row')}`, operations: [{ type: 'delete', rowIds }] };
}

/** Blank rows before a saved row; null: at the end. */
export function insertRows(before: string | null, ids: readonly string[]): GridEdit {
  const rows = ids.map((id) => ({ id, values: {} }));
  return { label: `Insert ${plural(ids.length, 'row')}`, operations: [{ type: 'insert', rows, before }] };
}

/** Copies of rows, put behind the last of them. `before` is the saved row that follows it. */
export function duplicateRows(rowIds: readonly string[], before: string | null, newRowId: () => string): GridEdit {
  const rows = rowIds.map((copyOf) => ({ id: newRowId(), values: {}, copyOf }));
  return { label: `Duplicate ${plural(rows.length, 'row')}`, operations: [{ type: 'insert', rows, before }] };
}

/** Null where the rows are there already. */
export function moveRows(saved: readonly string[], rowIds: readonly string[], before: string | null): GridEdit | null {
  const moving = new Set(rowIds);
  let target = before;
  // "Before one of the rows that move" means before the first that stays.
  while (target !== null && moving.has(target)) target = saved[saved.indexOf(target) + 1] ?? null;
  const rest = saved.filter((id) => !moving.has(id));
  const at = target === null ? rest.length : rest.indexOf(target);
  const moved = [...rest.slice(0, at), ...rowIds, ...rest.slice(at)];
  if (moved.every((id, index) => id === saved[index])) return null;
  const label = `Move ${plural(rowIds.length, 'row')}`;
  return { label, operations: [{ type: 'move', rowIds, before: target }] };
}

/** Space on check boxes: all of them take the opposite of the active one. Null where no flag column is selected. */
export function toggleFlags(sheet: Sheet, selection: Selection): GridEdit | null {
  const box = rectangle(selection);
  const activeRow = sheet.rowIds[selection.active.row];
  const activeColumn = sheet.columns[selection.active.column];
  if (activeRow === undefined || activeColumn?.editor?.kind !== 'flag') return null;
  const checked = activeColumn.editor.checked(sheet.cell(activeRow, activeColumn.id)) === true;
  const changes: CellChange[] = [];
  for (const rowId of sheet.rowIds.slice(box.top, box.bottom + 1)) {
    for (const { id, editor } of sheet.columns.slice(box.left, box.right + 1)) {
      if (editor?.kind === 'flag') changes.push({ rowId, columnId: id, value: checked ? editor.off : editor.on });
    }
  }
  const count = cellCount({ ...box, left: 0, right: 0 });
  const name = activeColumn.header ?? activeColumn.id;
  return setCells(sheet, () => `${checked ? 'Clear' : 'Tick'} ${name} of ${plural(count, 'row')}`, changes);
}
