import {
  clearRange,
  deleteRows,
  duplicateRows,
  editCell,
  fillByHandle,
  fillRange,
  insertRows,
  moveRows,
  pasteBlock,
  rangeTexts,
  type Sheet,
  setRange,
  toggleFlags,
} from './edits.ts';
import { type Layout, ROW_HEIGHT, scrollInto } from './geometry.ts';
import type { GridStateStore } from './grid-state.ts';
import type { DataGridProps, GridColumn, GridEdit, GridSelection } from './grid-types.ts';
import type { EditorCommand, GridCommand } from './keyboard.ts';
import { filterOptions, optionsOf, proposedOption } from './options.ts';
import {
  cellCount,
  clampSelection,
  contains,
  cycle,
  type Extent,
  edge,
  moveTo,
  origin,
  type Position,
  type Rectangle,
  rectangle,
  type Selection,
  selectAll,
  selectRows,
  single,
  step,
  toWholeColumns,
  toWholeRows,
} from './selection.ts';
import { isSorted } from './view.ts';

/** What the component hands to its controller after every rendering. */
export interface GridContext {
  props: DataGridProps;
  /** Rows and columns as they are shown. */
  rowIds: readonly string[];
  columns: readonly GridColumn[];
  layout: Layout;
}

export type GridController = ReturnType<typeof createGridController>;

/** Everything that keys, pointer, clipboard and menus do to one grid: turns them into selections and edits. Knows no React. */
export function createGridController(state: GridStateStore, first: GridContext) {
  let context = first;
  let scroller: HTMLElement | null = null;
  let input: HTMLTextAreaElement | null = null;
  /** Rows that an edit of ours adds or moves, to be selected once the store has them. */
  let awaited: { rowIds: readonly string[]; select(top: number, bottom: number): Selection } | null = null;

  const extent = (): Extent => ({ rows: context.rowIds.length, columns: context.columns.length });
  const sheet = (): Sheet => ({
    rowIds: context.rowIds,
    columns: context.columns,
    cell: (rowId, columnId) => context.props.store.cell(rowId, columnId),
  });
  const textAt = ({ row, column }: Position): string => {
    const rowId = context.rowIds[row];
    const columnId = context.columns[column]?.id;
    return rowId === undefined || columnId === undefined ? '' : context.props.store.cell(rowId, columnId);
  };
  const selected = () => state.getState().selection;
  const box = () => rectangle(selected());
  const isReadOnly = () => context.props.readOnly === true;
  const isEmpty = () => context.rowIds.length === 0 || context.columns.length === 0;

  function say(message: string) {
    state.setState({ message });
    context.props.onMessage?.(message);
  }

  function apply(edit: GridEdit | null) {
    if (edit === null) return;
    if (isReadOnly()) say('This grid is read-only.');
    else context.props.onEdit(edit);
  }

  function scrollTo(position: Position) {
    if (scroller === null) return;
    const { scrollLeft, scrollTop, clientWidth: width, clientHeight: height } = scroller;
    const { left, top } = scrollInto(context.layout, position, { scrollLeft, scrollTop, width, height });
    if (top !== scrollTop) scroller.scrollTop = top;
    if (left !== scrollLeft) scroller.scrollLeft = left;
  }

  /** `show` scrolls to a cell; null leaves the scroll where it is. */
  function select(selection: Selection, show: Position | null = selection.head) {
    // First: a place in the scrolled content is asked for while nothing waits for a layout.
    if (show !== null) scrollTo(show);
    state.setState({ selection, popoverClosed: false });
  }

  function focus() {
    input?.focus({ preventScroll: true });
  }

  // Editing

  function startEditing(typing: boolean, text: string, openList: boolean) {
    const { row, column } = selected().active;
    const rowId = context.rowIds[row];
    const spec = context.columns[column];
    if (rowId === undefined || spec === undefined || input === null) return;
    if (isReadOnly() || spec.readOnly === true) {
      input.value = '';
      say(isReadOnly() ? 'This grid is read-only.' : `${spec.header ?? spec.id} cannot be edited.`);
      return;
    }
    scrollTo({ row, column });
    const options = optionsOf(spec.editor, rowId);
    const kind = spec.editor?.kind ?? 'text';
    const shown = typing ? filterOptions(options, text) : options;
    const option = typing ? proposedOption(kind, shown, text) : shown.findIndex(({ value }) => value === text);
    if (input.value !== text) input.value = text;
    if (!typing) input.setSelectionRange(text.length, text.length);
    state.setState({
      editing: {
        rowId,
        columnId: spec.id,
        typing,
        text,
        listOpen: options.length > 0 && (typing || openList),
        filtering: typing,
        option,
      },
      hovered: null,
    });
    focus();
  }

  function editActive(openList = true) {
    if (!isEmpty()) startEditing(false, textAt(selected().active), openList);
  }

  function typed(text: string) {
    const { editing } = state.getState();
    if (editing === null) {
      if (text !== '' && !isEmpty()) startEditing(true, text, true);
      return;
    }
    const editor = context.columns.find(({ id }) => id === editing.columnId)?.editor;
    const options = optionsOf(editor, editing.rowId);
    const shown = filterOptions(options, text);
    state.setState({
      editing: {
        ...editing,
        text,
        filtering: true,
        listOpen: options.length > 0,
        option: proposedOption(editor?.kind ?? 'text', shown, text),
      },
    });
  }

  /** The options that the open list shows, or none. */
  function shownOptions() {
    const { editing } = state.getState();
    if (editing?.listOpen !== true) return [];
    const editor = context.columns.find(({ id }) => id === editing.columnId)?.editor;
    const options = optionsOf(editor, editing.rowId);
    return editing.filtering ? filterOptions(options, editing.text) : options;
  }

  function moveOption(by: number): boolean {
    const { editing } = state.getState();
    const { length } = shownOptions();
    if (editing === null || length === 0) return false;
    const option = editing.option < 0 ? (by > 0 ? 0 : length - 1) : (editing.option + by + length) % length;
    state.setState({ editing: { ...editing, option } });
    return true;
  }

  function stopEditing() {
    if (input !== null) input.value = '';
    state.setState({ editing: null });
  }

  /** Keeps what was typed. `value` overrides the text, `everywhere` writes it into the whole range. */
  function commit(value?: string, everywhere = false) {
    const { editing } = state.getState();
    if (editing === null || input === null) return;
    const text = (value ?? input.value).replace(/\r\n?/g, '\n');
    const column = context.columns.find(({ id }) => id === editing.columnId);
    stopEditing();
    if (column === undefined) return;
    if (everywhere) apply(setRange(sheet(), box(), text, (count) => `Fill ${count} cells`));
    else apply(editCell(sheet(), editing.rowId, column, text));
  }

  function runEditor(command: EditorCommand) {
    const { editing } = state.getState();
    if (editing === null || input === null) return;
    switch (command.type) {
      case 'cancel':
        if (editing.listOpen && editing.typing && editing.option >= 0) {
          // The first Escape takes the proposal away, so that the text can stay as it was typed.
          state.setState({ editing: { ...editing, listOpen: false, option: -1 } });
          return;
        }
        return stopEditing();
      case 'switch-mode':
        state.setState({ editing: { ...editing, typing: !editing.typing } });
        return;
      case 'new-line':
        input.setRangeText('\n', input.selectionStart, input.selectionEnd, 'end');
        return typed(input.value);
      case 'commit': {
        const picked = shownOptions()[editing.option]?.value;
        commit(picked, command.next === 'fill');
        if (typeof command.next === 'string') return;
        if ('by' in command.next) {
          return run({ type: 'cycle', by: command.next.by, backwards: command.next.backwards });
        }
        return run({ type: 'step', direction: command.next.direction, extend: false });
      }
      default:
        return command satisfies never;
    }
  }

  // Rows

  const selectedRowIds = () => context.rowIds.slice(box().top, box().bottom + 1);
  const savedIds = () => context.props.store.rowIds();
  const savedAfter = (rowId: string | undefined): string | null => {
    const saved = savedIds();
    return rowId === undefined ? null : (saved[saved.indexOf(rowId) + 1] ?? null);
  };

  function awaitRows(rowIds: readonly string[], keepColumns: boolean) {
    const { left, right } = box();
    const { column } = selected().active;
    awaited = {
      rowIds,
      select: (top, bottom) =>
        keepColumns
          ? {
              anchor: { row: top, column: left },
              head: { row: bottom, column: right },
              active: { row: top, column },
              whole: selected().whole,
            }
          : single({ row: top, column }),
    };
  }

  function insert(where: 'above' | 'below' | 'end', count = cellCount({ ...box(), left: 0, right: 0 })) {
    if (isReadOnly()) return say('This grid is read-only.');
    const ids = Array.from({ length: count }, () => context.props.store.newRowId());
    const at = selectedRowIds();
    const before =
      where === 'end' || at.length === 0 ? null : where === 'above' ? (at[0] as string) : savedAfter(at.at(-1));
    awaitRows(ids, false);
    apply(insertRows(before, ids));
  }

  function duplicate() {
    const rowIds = selectedRowIds();
    if (rowIds.length === 0 || isReadOnly()) return;
    const ids: string[] = [];
    const edit = duplicateRows(rowIds, savedAfter(rowIds.at(-1)), () => {
      const id = context.props.store.newRowId();
      ids.push(id);
      return id;
    });
    awaitRows(ids, true);
    apply(edit);
  }

  function removeRows() {
    const rowIds = selectedRowIds();
    if (rowIds.length > 0) apply(deleteRows(rowIds));
  }

  /** Puts the selected rows before a shown row; `context.rowIds.length` is the end. */
  function moveSelectedRows(target: number) {
    const rowIds = selectedRowIds();
    if (rowIds.length === 0) return;
    if (isSorted(context.props.view)) return say('Rows cannot be moved while they are sorted: clear the sort first.');
    const shownTarget = context.rowIds[target];
    // Behind the last shown row, not behind the hidden ones that follow it.
    const before = shownTarget ?? savedAfter(context.rowIds.at(-1));
    const edit = moveRows(savedIds(), rowIds, before);
    if (edit === null || isReadOnly()) return;
    awaitRows(rowIds, true);
    apply(edit);
  }

  // Clipboard

  /** The selected texts, or null where there is nothing to copy. */
  function copied(): string[][] | null {
    return isEmpty() ? null : rangeTexts(sheet(), box());
  }

  function paste(block: string[][]) {
    if (block.length === 0 || context.columns.length === 0) return;
    if (isReadOnly()) return say('This grid is read-only.');
    const before = selected();
    const plan = pasteBlock(sheet(), before, block, () => context.props.store.newRowId());
    const { pasted, lostColumns } = plan;
    const anchor = { row: pasted.top, column: pasted.left };
    const head = { row: pasted.bottom, column: pasted.right };
    const after = { anchor, head, active: anchor, whole: null };
    if (plan.addedRowIds.length > 0) awaited = { rowIds: plan.addedRowIds, select: () => after };
    apply(plan.edit);
    select(clampSelection(after, extent()), anchor);
    if (lostColumns > 0) {
      say(`${lostColumns} ${lostColumns === 1 ? 'column' : 'columns'} did not fit: there is none to the right.`);
    }
  }

  function fillTo(target: Rectangle, copy: boolean) {
    const source = box();
    apply(fillByHandle(sheet(), source, target, copy));
    const top = Math.min(source.top, target.top);
    const left = Math.min(source.left, target.left);
    const bottom = Math.max(source.bottom, target.bottom);
    const right = Math.max(source.right, target.right);
    const anchor = { row: top, column: left };
    select({ anchor, head: { row: bottom, column: right }, active: anchor, whole: null }, null);
  }

  // Commands

  function page(direction: 'up' | 'down' | 'left' | 'right', extend: boolean) {
    const selection = selected();
    if (scroller === null) return;
    if (direction === 'up' || direction === 'down') {
      const rows = Math.max(1, Math.floor((scroller.clientHeight - context.layout.headerHeight) / ROW_HEIGHT) - 1);
      return select(step(selection, direction, extent(), extend, rows));
    }
    let columns = 0;
    let room = scroller.clientWidth - (context.layout.lefts[context.layout.frozen] as number);
    const sign = direction === 'right' ? 1 : -1;
    for (let at = origin(selection, extend).column; room > 0 && context.columns[at] !== undefined; at += sign) {
      room -= (context.layout.lefts[at + 1] as number) - (context.layout.lefts[at] as number);
      columns += 1;
    }
    select(step(selection, direction, extent(), extend, Math.max(1, columns - 1)));
  }

  function activeIsFlag(): boolean {
    return context.columns[selected().active.column]?.editor?.kind === 'flag';
  }

  function run(command: GridCommand) {
    const selection = selected();
    if (isEmpty() && command.type !== 'find' && command.type !== 'insert-rows' && command.type !== 'menu') return;
    switch (command.type) {
      case 'step':
        return select(step(selection, command.direction, extent(), command.extend));
      case 'edge': {
        const from = origin(selection, command.extend);
        const to = edge(from, command.direction, extent(), (position) => textAt(position) !== '');
        return select(moveTo(selection, to, extent(), command.extend));
      }
      case 'page':
        return page(command.direction, command.extend);
      case 'home':
      case 'end': {
        const home = command.type === 'home';
        const row = command.whole ? (home ? 0 : context.rowIds.length - 1) : origin(selection, command.extend).row;
        const column = home ? 0 : context.columns.length - 1;
        return select(moveTo(selection, { row, column }, extent(), command.extend));
      }
      case 'cycle': {
        const next = cycle(selection, command.by, command.backwards, extent());
        return select(next, next.active);
      }
      case 'select':
        if (command.what === 'all') return select(selectAll(selection, extent()), null);
        return select((command.what === 'rows' ? toWholeRows : toWholeColumns)(selection, extent()), null);
      case 'edit':
        if (cellCount(box()) > 1) return run({ type: 'cycle', by: 'enter', backwards: false });
        return editActive();
      case 'open-options':
        return editActive();
      case 'toggle':
        return apply(toggleFlags(sheet(), selection));
      case 'clear':
        return apply(clearRange(sheet(), box()));
      case 'collapse':
        state.setState({ popoverClosed: true, message: '' });
        return select({ ...single(selection.active) }, null);
      case 'fill':
        return apply(fillRange(sheet(), box(), command.direction));
      case 'move-rows':
        return moveSelectedRows(command.direction === 'up' ? box().top - 1 : box().bottom + 2);
      case 'insert-rows':
        return insert('above');
      case 'delete-rows':
        return removeRows();
      case 'duplicate-rows':
        return duplicate();
      case 'find':
        state.setState({
          find: { mode: command.mode, within: cellCount(box()) > 1 ? box() : null },
        });
        return;
      case 'menu':
        return openMenu(command.of);
      default:
        return command satisfies never;
    }
  }

  /** Opens a menu at the active cell. */
  function openMenu(of: 'cell' | 'column') {
    if (scroller === null) return;
    const { row, column } = selected().active;
    const view = scroller.getBoundingClientRect();
    const start = context.layout.lefts[column] as number;
    const x = view.left + (column < context.layout.frozen ? start : start - scroller.scrollLeft);
    const columnId = context.columns[column]?.id;
    if (of === 'column') {
      if (columnId !== undefined) {
        state.setState({ columnMenu: { columnId, x, y: view.top + context.layout.headerHeight } });
      }
      return;
    }
    const y = view.top + context.layout.headerHeight + (row + 1) * ROW_HEIGHT - scroller.scrollTop;
    state.setState({ cellMenu: { x: x + 8, y } });
  }

  function describe(): GridSelection {
    const { active, whole } = selected();
    const { top, bottom, left, right } = box();
    const rowId = context.rowIds[active.row];
    const columnId = context.columns[active.column]?.id;
    return {
      active: rowId === undefined || columnId === undefined ? null : { rowId, columnId },
      rowIds: context.rowIds.slice(top, bottom + 1),
      columnIds: context.columns.slice(left, right + 1).map(({ id }) => id),
      wholeRows: whole === 'rows',
    };
  }

  /**
   * Takes what was rendered. Where rows or columns are others than before, the selection stays with the row and column of its active cell, and an edit
   * in a row that is gone ends.
   */
  function update(next: GridContext) {
    const before = context;
    context = next;
    const { editing, selection } = state.getState();
    if (before.rowIds === next.rowIds && sameColumns(before.columns, next.columns)) return;
    if (editing !== null && !next.rowIds.includes(editing.rowId)) stopEditing();
    const waiting = awaited;
    const places = waiting?.rowIds.map((id) => next.rowIds.indexOf(id)).filter((place) => place >= 0) ?? [];
    if (waiting !== null && places.length > 0) {
      awaited = null;
      const top = Math.min(...places);
      return select(clampSelection(waiting.select(top, Math.max(...places)), extent()));
    }
    const activeId = before.rowIds[selection.active.row];
    const columnId = before.columns[selection.active.column]?.id;
    const row = activeId === undefined ? -1 : next.rowIds.indexOf(activeId);
    const column = next.columns.findIndex(({ id }) => id === columnId);
    const shift = {
      rows: row < 0 ? 0 : row - selection.active.row,
      columns: column < 0 ? 0 : column - selection.active.column,
    };
    const move = (position: Position) => ({ row: position.row + shift.rows, column: position.column + shift.columns });
    const moved = {
      ...selection,
      anchor: move(selection.anchor),
      head: move(selection.head),
      active: move(selection.active),
    };
    // Rows in another order are another range: only the active cell is still the same.
    const sameOrder =
      before.props.view.sort === next.props.view.sort && before.props.view.filters === next.props.view.filters;
    state.setState({ selection: clampSelection(sameOrder ? moved : single(moved.active), extent()) });
  }

  return {
    state,
    attach(nodes: { scroller: HTMLElement | null; input: HTMLTextAreaElement | null }) {
      scroller = nodes.scroller;
      input = nodes.input;
    },
    context: () => context,
    update,
    extent,
    sheet,
    textAt,
    say,
    apply,
    select,
    scrollTo,
    focus,
    editActive,
    startComposing: () => {
      if (!isEmpty()) startEditing(true, '', true);
    },
    typed,
    commit,
    stopEditing,
    shownOptions,
    moveOption,
    runEditor,
    run,
    copied,
    paste,
    fillTo,
    insert,
    duplicate,
    removeRows,
    moveSelectedRows,
    describe,
    /** Toggles a check box that was clicked: of the whole range where it is part of one. */
    toggleAt(position: Position) {
      if (!contains(box(), position)) select(single(position));
      if (activeIsFlag()) apply(toggleFlags(sheet(), { ...selected(), active: position }));
    },
    selectRowsById(rowIds: readonly string[]): boolean {
      const places = rowIds.map((id) => context.rowIds.indexOf(id)).filter((place) => place >= 0);
      if (places.length === 0) return false;
      const top = Math.min(...places);
      select(selectRows(top, Math.max(...places), extent()), { row: top, column: selected().active.column });
      return true;
    },
    selectById(rowId: string, columnId?: string): boolean {
      const row = context.rowIds.indexOf(rowId);
      const column =
        columnId === undefined ? selected().active.column : context.columns.findIndex(({ id }) => id === columnId);
      if (row < 0 || column < 0) return false;
      select(single({ row, column }));
      return true;
    },
  };
}

function sameColumns(one: readonly GridColumn[], other: readonly GridColumn[]): boolean {
  return one.length === other.length && one.every(({ id }, index) => id === other[index]?.id);
}
