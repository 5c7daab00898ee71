import { createCellEditing } from './cell-editing.ts';
import { clearRange, fillRange, toggleFlags } from './edits.ts';
import { ROW_HEIGHT } from './geometry.ts';
import { createGridCore, type GridContext } from './grid-core.ts';
import type { GridStateStore } from './grid-state.ts';
import type { GridColumn, GridSelection } from './grid-types.ts';
import type { GridCommand } from './keyboard.ts';
import { createRangeCommands } from './range-commands.ts';
import { createRowCommands } from './row-commands.ts';
import {
  cellCount,
  clampSelection,
  cycle,
  edge,
  moveTo,
  origin,
  type Position,
  selectAll,
  selectRows,
  single,
  step,
  toWholeColumns,
  toWholeRows,
} from './selection.ts';

export type GridController = ReturnType<typeof createGridController>;

/** Everything that keys, pointer, clipboard and menus do to one grid: turns them into selections and edits. Knows no React. */
export function createGridController(state: GridStateStore, first: GridContext) {
  const core = createGridCore(state, first);
  const editing = createCellEditing(core, run);
  const rows = createRowCommands(core);
  const ranges = createRangeCommands(core);

  function page(direction: 'up' | 'down' | 'left' | 'right', extend: boolean) {
    const selection = core.selected();
    const scroller = core.scroller();
    if (scroller === null) return;
    const { columns: shown, layout } = core.context();
    if (direction === 'up' || direction === 'down') {
      const rows = Math.max(1, Math.floor((scroller.clientHeight - layout.headerHeight) / ROW_HEIGHT) - 1);
      return core.select(step(selection, direction, core.extent(), extend, rows));
    }
    let columns = 0;
    let room = scroller.clientWidth - (layout.lefts[layout.frozen] as number);
    const sign = direction === 'right' ? 1 : -1;
    for (let at = origin(selection, extend).column; room > 0 && shown[at] !== undefined; at += sign) {
      room -= (layout.lefts[at + 1] as number) - (layout.lefts[at] as number);
      columns += 1;
    }
    core.select(step(selection, direction, core.extent(), extend, Math.max(1, columns - 1)));
  }

  function run(command: GridCommand) {
    const selection = core.selected();
    if (core.isEmpty() && command.type !== 'find' && command.type !== 'insert-rows' && command.type !== 'menu') return;
    switch (command.type) {
      case 'step':
        return core.select(step(selection, command.direction, core.extent(), command.extend));
      case 'edge': {
        const from = origin(selection, command.extend);
        const to = edge(from, command.direction, core.extent(), (position) => core.textAt(position) !== '');
        return core.select(moveTo(selection, to, core.extent(), command.extend));
      }
      case 'page':
        return page(command.direction, command.extend);
      case 'home':
      case 'end': {
        const home = command.type === 'home';
        const row = command.whole
          ? home
            ? 0
            : core.context().rowIds.length - 1
          : origin(selection, command.extend).row;
        const column = home ? 0 : core.context().columns.length - 1;
        return core.select(moveTo(selection, { row, column }, core.extent(), command.extend));
      }
      case 'cycle': {
        const next = cycle(selection, command.by, command.backwards, core.extent());
        return core.select(next, next.active);
      }
      case 'select':
        if (command.what === 'all') return core.select(selectAll(selection, core.extent()), null);
        return core.select((command.what === 'rows' ? toWholeRows : toWholeColumns)(selection, core.extent()), null);
      case 'edit':
        if (cellCount(core.box()) > 1) return run({ type: 'cycle', by: 'enter', backwards: false });
        return editing.editActive();
      case 'open-options':
        return editing.editActive();
      case 'toggle':
        return core.apply(toggleFlags(core.sheet(), selection));
      case 'clear':
        return core.apply(clearRange(core.sheet(), core.box()));
      case 'collapse':
        state.setState({ popoverClosed: true, message: '' });
        return core.select({ ...single(selection.active) }, null);
      case 'fill':
        return core.apply(fillRange(core.sheet(), core.box(), command.direction));
      case 'move-rows':
        return rows.moveSelectedRows(command.direction === 'up' ? core.box().top - 1 : core.box().bottom + 2);
      case 'insert-rows':
        return rows.insert('above');
      case 'delete-rows':
        return rows.removeRows();
      case 'duplicate-rows':
        return rows.duplicate();
      case 'find':
        state.setState({
          find: { mode: command.mode, within: cellCount(core.box()) > 1 ? core.box() : null },
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
    const scroller = core.scroller();
    if (scroller === null) return;
    const { columns, layout } = core.context();
    const { row, column } = core.selected().active;
    const view = scroller.getBoundingClientRect();
    const start = layout.lefts[column] as number;
    const x = view.left + (column < layout.frozen ? start : start - scroller.scrollLeft);
    const columnId = columns[column]?.id;
    if (of === 'column') {
      if (columnId !== undefined) {
        state.setState({ columnMenu: { columnId, x, y: view.top + layout.headerHeight } });
      }
      return;
    }
    const y = view.top + layout.headerHeight + (row + 1) * ROW_HEIGHT - scroller.scrollTop;
    state.setState({ cellMenu: { x: x + 8, y } });
  }

  function describe(): GridSelection {
    const { active, whole } = core.selected();
    const { top, bottom, left, right } = core.box();
    const { rowIds, columns } = core.context();
    const rowId = rowIds[active.row];
    const columnId = columns[active.column]?.id;
    return {
      active: rowId === undefined || columnId === undefined ? null : { rowId, columnId },
      rowIds: rowIds.slice(top, bottom + 1),
      columnIds: columns.slice(left, right + 1).map(({ id }) => id),
      wholeRows: whole === 'rows',
    };
  }

  /**
   * Takes what was rendered. Where rows or columns are others than before, the selection stays with the row and column of its active cell, and an edit
   * in a row that is gone ends.
   */
  function update(next: GridContext) {
    const before = core.context();
    core.setContext(next);
    const { editing: edited, selection } = state.getState();
    if (before.rowIds === next.rowIds && sameColumns(before.columns, next.columns)) return;
    if (edited !== null && !next.rowIds.includes(edited.rowId)) editing.stopEditing();
    const awaited = core.takeAwaited();
    if (awaited !== null) return core.select(clampSelection(awaited, core.extent()));
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
    state.setState({ selection: clampSelection(sameOrder ? moved : single(moved.active), core.extent()) });
  }

  return {
    state,
    attach: core.attach,
    context: core.context,
    update,
    extent: core.extent,
    sheet: core.sheet,
    textAt: core.textAt,
    say: core.say,
    apply: core.apply,
    select: core.select,
    focus: core.focus,
    run,
    describe,
    ...editing,
    ...rows,
    ...ranges,
    selectRowsById(rowIds: readonly string[]): boolean {
      const places = rowIds.map((id) => core.context().rowIds.indexOf(id)).filter((place) => place >= 0);
      if (places.length === 0) return false;
      const top = Math.min(...places);
      const shown = { row: top, column: core.selected().active.column };
      core.select(selectRows(top, Math.max(...places), core.extent()), shown);
      return true;
    },
    selectById(rowId: string, columnId?: string): boolean {
      const { rowIds, columns } = core.context();
      const row = rowIds.indexOf(rowId);
      const column =
        columnId === undefined ? core.selected().active.column : columns.findIndex(({ id }) => id === columnId);
      if (row < 0 || column < 0) return false;
      core.select(single({ row, column }));
      return true;
    },
  };
}

function sameColumns(one: readonly GridColumn[], other: readonly GridColumn[]): boolean {
  return one.length === other.length && one.every(({ id }, index) => id === other[index]?.id);
}
