import type { ReactNode } from 'react';

/**
 * What the grid shows and what it asks for. It knows rows by id and cells by (row id, column id), holds no values and no history:
 * the caller's store does, and undo lives there.
 */

/** How a column's cells are edited. Free text is always allowed: a value that is wrong stays and is marked by its {@link CellMark}. */
export type CellEditor =
  /** Grows with its text; Alt+Enter starts a new line. */
  | { kind: 'text' }
  /** A drop-down that filters while typing. `options` is called when a cell's editor opens. */
  | {
      kind: 'choice' | 'suggest';
      options: readonly GridOption[] | ((rowId: string) => readonly GridOption[]);
      /** Stands below the options: where they come from. */
      note?: (rowId: string) => string | null;
    }
  /** Several values with commas between them: picking one adds it, or takes it out, and the list stays open. */
  | { kind: 'list'; options: (rowId: string) => readonly GridOption[]; note?: (rowId: string) => string | null }
  /** A check box; Space toggles. `checked` of a text: null for what is neither, which is then shown as text. */
  | { kind: 'flag'; on: string; off: string; checked: (text: string) => boolean | null };

export interface GridOption {
  value: string;
  /** Shown faintly behind the value. */
  detail?: string;
}

export interface GridColumn {
  id: string;
  /** Default: the id. */
  header?: string;
  /** Instead of the header's text, for narrow columns; the text stays its name. */
  headerIcon?: ReactNode;
  /** Columns of one group that stand side by side share a header above theirs. */
  group?: string;
  /** Tooltip of the header. */
  description?: string;
  /** Pixels, until the view says otherwise. */
  width: number;
  align?: 'left' | 'center' | 'right';
  /** Sort and series by number. Default false. */
  numeric?: boolean;
  editor?: CellEditor;
  readOnly?: boolean;
}

export interface CellMark {
  severity?: 'error' | 'warning';
  /** What is wrong, for screen readers; the popover is {@link DataGridProps.renderPopover}. */
  message?: string;
  /** The cell does not apply to its row: hatched. A text in it is shown all the same. */
  hatched?: boolean;
  /** Shown in grey italics while the cell is blank: its effective value, never saved, never copied. */
  placeholder?: string;
  /** Shown in red italics while the cell is blank and wrong, e.g. `required`. */
  missing?: string;
  /** Differs from what is saved. */
  dirty?: boolean;
}

export const ROW_STATUSES = [
  'none',
  'ok',
  'failed',
  'invalid',
  'warning',
  'queued',
  'running',
  'cancelled',
  'off',
] as const;
export type RowStatus = (typeof ROW_STATUSES)[number];

export interface RowMark {
  /** Shown in the gutter, e.g. the workbook's row number; blank for a row that has none yet. */
  number: string;
  status?: RowStatus;
  /** In words, e.g. `Last run failed: no such table`. Default: the status's own word. */
  statusLabel?: string;
  /** Has changes that are not saved. */
  dirty?: boolean;
  /** Greyed out. */
  dimmed?: boolean;
  /** Tinted, e.g. the row whose form is open. */
  highlighted?: boolean;
}

/** The rows. Methods are called while rendering: they must be cheap and answer the same until a listener was told otherwise. */
export interface GridStore {
  /** All rows in the order in which they are saved; a new array when, and only when, rows come, go or move. */
  rowIds(): readonly string[];
  cell(rowId: string, columnId: string): string;
  cellMark(rowId: string, columnId: string): CellMark;
  rowMark(rowId: string): RowMark;
  /** Any value that is another (`Object.is`) after anything shown in the row changed. */
  rowVersion(rowId: string): unknown;
  /** Told when {@link rowIds} changed. Returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Told when {@link rowVersion} of this row may have changed. Returns the way to stop. */
  subscribeRow(rowId: string, listener: () => void): () => void;
  /** An id for a row that the grid is about to insert. */
  newRowId(): string;
}

export interface CellChange {
  rowId: string;
  columnId: string;
  value: string;
}

export interface NewRow {
  id: string;
  /** By column id; what is left out is blank. */
  values: Readonly<Record<string, string>>;
  /** Take everything of this row, also what the grid does not show, then lay `values` over it. */
  copyOf?: string;
}

export type GridOperation =
  | { type: 'set'; cells: readonly CellChange[] }
  /** `before` null: behind the last row. */
  | { type: 'insert'; rows: readonly NewRow[]; before: string | null }
  | { type: 'delete'; rowIds: readonly string[] }
  /** In the order of `rowIds`; `before` is none of them. */
  | { type: 'move'; rowIds: readonly string[]; before: string | null };

/** What one action of the person asks for: one step of undo. Applied in order; never without an operation. */
export interface GridEdit {
  /** For the undo menu, e.g. `Paste 12 cells`. */
  label: string;
  operations: readonly GridOperation[];
}

export interface ColumnFilter {
  /** Texts to keep; null keeps all. '' stands for blank cells. */
  values: readonly string[] | null;
  /** Keep cells that contain this, in any case; '' keeps all. */
  text: string;
}

/** How rows and columns are shown; nothing of it changes what is saved. */
export interface GridView {
  /** The first sort rules, the others break ties. */
  sort: readonly { columnId: string; descending: boolean }[];
  filters: Readonly<Record<string, ColumnFilter>>;
  hidden: readonly string[];
  /** Columns up to this one stay when the others scroll; null freezes none. */
  frozenThrough: string | null;
  widths: Readonly<Record<string, number>>;
}

/** What is selected, in the words of the caller. */
export interface GridSelection {
  active: { rowId: string; columnId: string } | null;
  rowIds: readonly string[];
  columnIds: readonly string[];
  /** Whole rows were picked. */
  wholeRows: boolean;
}

/** What the caller may do to a grid on the page. */
export interface GridHandle {
  focus(): void;
  /** Selects one cell and scrolls to it; false where the view shows no such cell. */
  select(rowId: string, columnId?: string): boolean;
  /** Selects whole rows from the first to the last of these. */
  selectRows(rowIds: readonly string[]): boolean;
  selection(): GridSelection;
  /** Rows as they are shown: filtered and sorted. */
  visibleRowIds(): readonly string[];
  insertRows(where: 'above' | 'below' | 'end', count?: number): void;
  duplicateRows(): void;
  deleteRows(): void;
  moveRows(direction: 'up' | 'down'): void;
  fill(direction: 'down' | 'right'): void;
  clear(): void;
  openFind(mode?: 'find' | 'replace'): void;
  /** Ends an edit that is under way; its text is kept. Call it before saving. */
  commit(): void;
  /** Sort and filter again: rows do not jump while they are edited. */
  reapplyView(): void;
}

export interface DataGridProps {
  /** Name of the grid for screen readers. */
  label: string;
  columns: readonly GridColumn[];
  store: GridStore;
  view: GridView;
  onViewChange(view: GridView): void;
  onEdit(edit: GridEdit): void;
  /** Beside the filters of the view, e.g. a search box or chips; another function filters again. */
  rowFilter?: (rowId: string) => boolean;
  readOnly?: boolean;
  onSelectionChange?: (selection: GridSelection) => void;
  /** A row's number was double-clicked, or Ctrl+Enter would be the caller's: keys that the grid does not use bubble. */
  onOpenRow?: (rowId: string) => void;
  /** Shown beside a cell that is active or under the pointer, where it answers something. */
  renderPopover?: (rowId: string, columnId: string) => ReactNode;
  /** Said aloud and meant for a status bar, e.g. `3 columns did not fit`. */
  onMessage?: (text: string) => void;
  /** Shown where there are no rows at all. */
  empty?: ReactNode;
}
