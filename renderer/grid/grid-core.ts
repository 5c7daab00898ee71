import type { Sheet } from './edits.ts';
import { type Layout, scrollInto } from './geometry.ts';
import type { GridStateStore } from './grid-state.ts';
import type { DataGridProps, GridColumn, GridEdit } from './grid-types.ts';
import { type Extent, type Position, type Rectangle, rectangle, type Selection } from './selection.ts';

/** What the component hands to its controller after every rendering. */
export interface GridContext {
  props: DataGridProps;
  /** Rows and columns as they are shown. */
  rowIds: readonly string[];
  columns: readonly GridColumn[];
  layout: Layout;
}

/** Rows that an edit adds or moves, to be selected once the store has them. */
export interface AwaitedRows {
  rowIds: readonly string[];
  select(top: number, bottom: number): Selection;
}

export type GridCore = ReturnType<typeof createGridCore>;

/** What all commands of a grid stand on: what is shown, what is selected, how both are changed. */
export function createGridCore(state: GridStateStore, first: GridContext) {
  let context = first;
  let scroller: HTMLElement | null = null;
  let input: HTMLTextAreaElement | null = null;
  let awaited: AwaitedRows | null = null;

  const selected = (): Selection => state.getState().selection;
  const isReadOnly = () => context.props.readOnly === true;

  function say(message: string) {
    state.setState({ message });
    context.props.onMessage?.(message);
  }

  function scrollTo(position: Position) {
    if (scroller === null) return;
    const { scrollLeft, scrollTop, clientWidth: width, clientHeight: height } = scroller;
    const { left, top } = scrollInto(context.layout, position, { scrollLeft, scrollTop, width, height });
    if (top !== scrollTop) scroller.scrollTop = top;
    if (left !== scrollLeft) scroller.scrollLeft = left;
  }

  return {
    state,
    selected,
    isReadOnly,
    say,
    scrollTo,
    attach(nodes: { scroller: HTMLElement | null; input: HTMLTextAreaElement | null }) {
      scroller = nodes.scroller;
      input = nodes.input;
    },
    scroller: () => scroller,
    input: () => input,
    context: () => context,
    setContext(next: GridContext) {
      context = next;
    },
    box: (): Rectangle => rectangle(selected()),
    isEmpty: () => context.rowIds.length === 0 || context.columns.length === 0,
    extent: (): Extent => ({ rows: context.rowIds.length, columns: context.columns.length }),
    sheet: (): Sheet => ({
      rowIds: context.rowIds,
      columns: context.columns,
      cell: (rowId, columnId) => context.props.store.cell(rowId, columnId),
    }),
    textAt({ row, column }: Position): string {
      const rowId = context.rowIds[row];
      const columnId = context.columns[column]?.id;
      return rowId === undefined || columnId === undefined ? '' : context.props.store.cell(rowId, columnId);
    },
    apply(edit: GridEdit | null) {
      if (edit === null) return;
      if (isReadOnly()) say('This grid is read-only.');
      else context.props.onEdit(edit);
    },
    /** `show` scrolls to a cell; null leaves the scroll where it is. */
    select(selection: Selection, show: Position | null = selection.head) {
      // First: a place in the scrolled content is asked for while nothing waits for a layout.
      if (show !== null) scrollTo(show);
      state.setState({ selection, popoverClosed: false });
    },
    focus() {
      input?.focus({ preventScroll: true });
    },
    awaitRows(rows: AwaitedRows) {
      awaited = rows;
    },
    /** The selection that waited for rows which are there now, or null. */
    takeAwaited(): Selection | null {
      if (awaited === null) return null;
      const waiting = awaited;
      const ids = new Set(waiting.rowIds);
      const top = context.rowIds.findIndex((id) => ids.has(id));
      if (top < 0) return null;
      awaited = null;
      return waiting.select(
        top,
        context.rowIds.findLastIndex((id) => ids.has(id)),
      );
    },
  };
}
