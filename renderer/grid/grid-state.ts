import { createStore, type StoreApi } from 'zustand/vanilla';
import { ORIGIN, type Position, type Rectangle, type Selection, single } from './selection.ts';

export interface Editing {
  rowId: string;
  columnId: string;
  /** Began by typing: arrows leave the cell. After F2 they move the caret. */
  typing: boolean;
  text: string;
  /** The list of options is open. */
  listOpen: boolean;
  /** The text was changed, so that it filters the options. */
  filtering: boolean;
  /** The option that Enter takes, an index into those that are shown; -1 takes the text. */
  option: number;
}

/** What is going on in one grid. Not what it holds: that is the caller's. */
export interface GridState {
  selection: Selection;
  editing: Editing | null;
  /** What the fill handle would fill if it were let go. */
  filling: Rectangle | null;
  /** Rows dragged by the gutter would go before this shown row. */
  dropAt: number | null;
  /** The cell under a pointer that rests. */
  hovered: Position | null;
  /** The popover of the active cell was closed by Escape. */
  popoverClosed: boolean;
  dragging: boolean;
  columnMenu: { columnId: string; x: number; y: number } | null;
  cellMenu: { x: number; y: number } | null;
  find: { mode: 'find' | 'replace'; within: Rectangle | null } | null;
  message: string;
}

export type GridStateStore = StoreApi<GridState>;

export function createGridState(): GridStateStore {
  return createStore<GridState>(() => ({
    selection: single(ORIGIN),
    editing: null,
    filling: null,
    dropAt: null,
    hovered: null,
    popoverClosed: false,
    dragging: false,
    columnMenu: null,
    cellMenu: null,
    find: null,
    message: '',
  }));
}
