import { type CellElement, createCell, selectCell, write, writeCell } from './cell-element.ts';
import classes from './data-grid.module.css';
import { ROW_HEIGHT } from './geometry.ts';
import { type IconName, statusWord } from './grid-icons.tsx';
import type { GridColumn, GridStore, RowMark, RowStatus } from './grid-types.ts';
import { rectangle, type Selection } from './selection.ts';

/** What rows are drawn with: the same for all of them. */
export interface RowKit {
  gridId: string;
  store: GridStore;
  columns: readonly GridColumn[];
  /** One a column. */
  templates: readonly HTMLElement[];
  frozen: number;
  /** Pixels of the gutter and the frozen columns. */
  frozenWidth: number;
  /** Header rows, counted before it by screen readers. */
  headerRows: number;
  icon(name: IconName): Node;
}

/** The columns that are drawn beside the frozen ones: `from` up to `to`, and where they lie in pixels. */
export interface ColumnRange {
  from: number;
  to: number;
  left: number;
  width: number;
}

/** A row's elements. They are handed on to another row when theirs scrolls out, which is far cheaper than drawing that one anew. */
export interface RowElement {
  node: HTMLElement;
  /** Gutter and frozen columns: the one part of a row that stays when the others scroll sideways. */
  frozenPart: HTMLElement;
  gutter: HTMLElement;
  number: Text;
  status: HTMLElement;
  /** The other columns that are drawn; painted and laid out apart, so that a row that stays as it is costs nothing. */
  scrollingPart: HTMLElement;
  /** By column; those that are drawn. */
  cells: Map<number, CellElement>;
  /** What it shows; -1: nothing yet. */
  index: number;
  rowId: string;
  version: unknown;
  mark: RowMark | null;
  range: ColumnRange;
  selection: RowSelection;
  unsubscribe: (() => void) | null;
}

/** What of the selection concerns a row; columns are -1 where none does. */
interface RowSelection {
  left: number;
  right: number;
  whole: boolean;
}

const UNSELECTED: RowSelection = { left: -1, right: -2, whole: false };
const NO_COLUMNS: ColumnRange = { from: 0, to: 0, left: 0, width: 0 };

export function createRow(kit: RowKit): RowElement {
  const node = element('div', 'row');
  node.setAttribute('role', 'row');
  node.setAttribute('aria-selected', 'false');
  const frozenPart = element('div', 'frozenPart');
  const gutter = element('div', 'gutter');
  gutter.setAttribute('role', 'rowheader');
  gutter.setAttribute('aria-colindex', '1');
  gutter.dataset['gutter'] = 'true';
  const status = element('span', 'status');
  status.setAttribute('aria-hidden', 'true');
  const number = document.createTextNode('');
  gutter.append(status, number);
  frozenPart.style.width = `${kit.frozenWidth}px`;
  frozenPart.append(gutter);
  const scrollingPart = element('div', 'scrollingPart');
  node.append(frozenPart, scrollingPart);
  const cells = new Map<number, CellElement>();
  for (let column = 0; column < kit.frozen; column += 1) {
    const cell = createCell(kit.templates[column] as HTMLElement);
    cells.set(column, cell);
    frozenPart.append(cell.node);
  }
  const range = { ...NO_COLUMNS, from: kit.frozen, to: kit.frozen };
  const shown = { index: -1, rowId: '', version: undefined, mark: null, range, selection: UNSELECTED };
  return { node, frozenPart, gutter, number, status, scrollingPart, cells, ...shown, unsubscribe: null };
}

function element(tag: string, name: string): HTMLElement {
  const node = document.createElement(tag);
  node.className = classes[name] as string;
  return node;
}

/** Puts a row's elements in the place of a shown row, and its texts into them. */
export function placeRow(row: RowElement, kit: RowKit, index: number, rowId: string): void {
  if (row.index !== index) {
    row.index = index;
    row.node.style.top = `${index * ROW_HEIGHT}px`;
    row.node.setAttribute('aria-rowindex', String(index + kit.headerRows + 1));
  }
  if (row.rowId !== rowId) {
    row.rowId = rowId;
    row.node.dataset['rowId'] = rowId;
  }
  writeRow(row, kit);
}

/** Writes what the store says of the row. */
export function writeRow(row: RowElement, kit: RowKit): void {
  row.version = kit.store.rowVersion(row.rowId);
  writeMark(row, kit.store.rowMark(row.rowId), kit);
  for (const [column, cell] of row.cells) fill(row, kit, column, cell);
}

function fill({ rowId, index }: RowElement, kit: RowKit, column: number, cell: CellElement): void {
  const spec = kit.columns[column] as GridColumn;
  const noteId = `${kit.gridId}-${index}-${spec.id}-note`;
  writeCell(
    cell,
    spec,
    kit.store.cell(rowId, spec.id),
    kit.store.cellMark(rowId, spec.id),
    () => kit.icon('tick'),
    noteId,
  );
}

function writeMark(row: RowElement, mark: RowMark, kit: RowKit): void {
  const { mark: before, gutter, node } = row;
  row.mark = mark;
  const status: RowStatus = mark.status ?? 'none';
  if (before === null || status !== (before.status ?? 'none')) {
    row.status.dataset['status'] = status;
    row.status.replaceChildren(kit.icon(status));
  }
  if (mark.number !== before?.number) row.number.data = mark.number;
  if (mark.dirty !== before?.dirty) write(gutter, 'data-dirty', mark.dirty === true ? 'true' : null);
  if (mark.dimmed !== before?.dimmed) write(node, 'data-dimmed', mark.dimmed === true ? 'true' : null);
  if (mark.highlighted !== before?.highlighted) {
    write(node, 'data-highlighted', mark.highlighted === true ? 'true' : null);
  }
  const word = mark.statusLabel ?? statusWord(status);
  const label = `${word}${mark.dirty === true ? ', not saved' : ''}, ${mark.number}`;
  if (gutter.ariaLabel !== label) {
    gutter.ariaLabel = label;
    write(gutter, 'title', status === 'none' ? null : word);
  }
}

/** Draws the columns of a range and no others beside the frozen ones. New cells are blank until the row is written, or are written with `now`. */
export function drawColumns(row: RowElement, kit: RowKit, range: ColumnRange, now: boolean): void {
  const { range: before, cells, scrollingPart } = row;
  if (before === range) return;
  row.range = range;
  if (before.left !== range.left) scrollingPart.style.left = `${range.left}px`;
  if (before.width !== range.width) scrollingPart.style.width = `${range.width}px`;
  for (let column = before.from; column < before.to; column += 1) {
    if (column >= range.from && column < range.to) continue;
    cells.get(column)?.node.remove();
    cells.delete(column);
  }
  let next: Node | null = null;
  for (let column = range.to - 1; column >= range.from; column -= 1) {
    let cell = cells.get(column);
    if (cell === undefined) {
      cell = createCell(kit.templates[column] as HTMLElement);
      cells.set(column, cell);
      selectCell(cell, column >= row.selection.left && column <= row.selection.right);
      if (now) fill(row, kit, column, cell);
      scrollingPart.insertBefore(cell.node, next);
    }
    next = cell.node;
  }
}

/** Tells a row what of it is selected. */
export function selectInRow(row: RowElement, selection: Selection): void {
  const box = rectangle(selection);
  const { index, selection: before } = row;
  const inside = index >= box.top && index <= box.bottom;
  if (!inside && before === UNSELECTED) return;
  const now: RowSelection = inside
    ? { left: box.left, right: box.right, whole: selection.whole === 'rows' }
    : UNSELECTED;
  row.selection = now;
  if (now.left !== before.left || now.right !== before.right) {
    for (const [column, cell] of row.cells) selectCell(cell, column >= now.left && column <= now.right);
    if (now.left < 0 !== before.left < 0) write(row.gutter, 'data-marked', inside ? 'true' : null);
  }
  if (now.whole !== before.whole) {
    row.node.setAttribute('aria-selected', String(now.whole));
    write(row.gutter, 'data-whole', now.whole ? 'true' : null);
  }
}
