import { type MouseEvent, type PointerEvent, type RefObject, useEffect, useRef } from 'react';
import type { GridController } from './controller.ts';
import { fillTarget } from './edits.ts';
import { autoscrollSpeed, columnAt, frozenEdge, MAX_COLUMN_WIDTH, MIN_COLUMN_WIDTH, rowAt } from './geometry.ts';
import {
  clampPosition,
  contains,
  moveTo,
  type Position,
  rectangle,
  selectAll,
  selectColumns,
  selectRows,
  single,
} from './selection.ts';
import { isSorted } from './view.ts';

type Drag =
  | { type: 'cells' | 'fill' }
  | { type: 'rows' | 'columns'; from: number }
  | { type: 'move-rows'; moved: boolean; row: number }
  | { type: 'resize'; column: number; startX: number; startWidth: number };

const DOUBLE_CLICK_MS = 500;

export interface PointerOptions {
  controller: GridController;
  scrollerRef: RefObject<HTMLDivElement | null>;
  onResize(columnId: string, width: number): void;
  onAutoFit(columnId: string): void;
}

/** Select, fill, move rows and resize columns with the pointer; near an edge the grid scrolls along. */
export function usePointer({ controller, scrollerRef, onResize, onAutoFit }: PointerOptions) {
  const drag = useRef<Drag | null>(null);
  const point = useRef({ x: 0, y: 0, control: false });
  const frame = useRef(0);
  const lastResize = useRef({ column: -1, time: 0 });
  const { state } = controller;

  /** The place under the pointer in rows and columns; -1 for header and gutter. */
  function place(clientX: number, clientY: number): Position | null {
    const scroller = scrollerRef.current;
    if (scroller === null) return null;
    const { left, top } = scroller.getBoundingClientRect();
    const { layout } = controller.context();
    return {
      row: rowAt(layout, clientY - top, scroller.scrollTop),
      column: columnAt(layout, clientX - left, scroller.scrollLeft),
    };
  }

  function follow() {
    const current = drag.current;
    const scroller = scrollerRef.current;
    if (current === null || scroller === null) return;
    const { x, y } = point.current;
    if (current.type === 'resize') {
      const columnId = controller.context().columns[current.column]?.id;
      const width = current.startWidth + x - current.startX;
      if (columnId !== undefined)
        onResize(columnId, Math.round(Math.min(MAX_COLUMN_WIDTH, Math.max(MIN_COLUMN_WIDTH, width))));
      return;
    }
    const at = place(x, y);
    if (at === null) return;
    const extent = controller.extent();
    const inside = clampPosition(at, extent);
    const { selection } = state.getState();
    switch (current.type) {
      case 'cells':
        return controller.select(moveTo(selection, inside, extent, true), null);
      case 'rows':
        return controller.select(selectRows(current.from, inside.row, extent), null);
      case 'columns':
        return controller.select(selectColumns(current.from, inside.column, extent), null);
      case 'fill':
        return state.setState({ filling: fillTarget(rectangle(selection), inside.row, inside.column) });
      case 'move-rows': {
        const { top } = scroller.getBoundingClientRect();
        const { layout } = controller.context();
        const half = rowAt(layout, y - top + 12, scroller.scrollTop);
        const dropAt = Math.max(0, Math.min(extent.rows, half));
        if (inside.row !== current.row) current.moved = true;
        if (current.moved) state.setState({ dropAt });
        return;
      }
      default:
        return current satisfies never;
    }
  }

  function autoscroll() {
    const current = drag.current;
    const scroller = scrollerRef.current;
    if (current === null || scroller === null || current.type === 'resize') return;
    frame.current = requestAnimationFrame(autoscroll);
    const { left, top, right, bottom } = scroller.getBoundingClientRect();
    const { layout } = controller.context();
    const { x, y } = point.current;
    const across =
      current.type === 'rows' || current.type === 'move-rows'
        ? 0
        : autoscrollSpeed(x, left + frozenEdge(layout), right);
    const down = current.type === 'columns' ? 0 : autoscrollSpeed(y, top + layout.headerHeight, bottom);
    // Frozen columns can be selected too: only past them the grid scrolls back.
    const scrollsLeft = across < 0 && x > left + frozenEdge(layout) ? across : Math.max(0, across);
    const before = [scroller.scrollLeft, scroller.scrollTop];
    if (scrollsLeft !== 0) scroller.scrollLeft += scrollsLeft;
    if (down !== 0) scroller.scrollTop += down;
    if (before[0] !== scroller.scrollLeft || before[1] !== scroller.scrollTop) follow();
  }

  function start(next: Drag, event: PointerEvent) {
    drag.current = next;
    point.current = { x: event.clientX, y: event.clientY, control: event.ctrlKey };
    scrollerRef.current?.setPointerCapture(event.pointerId);
    if (next.type === 'move-rows' || next.type === 'resize') {
      scrollerRef.current?.setAttribute('data-dragging', next.type === 'resize' ? 'resize' : 'rows');
    }
    state.setState({ dragging: true, hovered: null });
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(autoscroll);
  }

  function stop(keep: boolean) {
    const current = drag.current;
    if (current === null) return;
    drag.current = null;
    cancelAnimationFrame(frame.current);
    scrollerRef.current?.removeAttribute('data-dragging');
    const { filling, dropAt } = state.getState();
    state.setState({ dragging: false, filling: null, dropAt: null });
    if (!keep) return;
    if (current.type === 'fill' && filling !== null) controller.fillTo(filling, point.current.control);
    if (current.type === 'move-rows') {
      if (current.moved && dropAt !== null) controller.moveSelectedRows(dropAt);
      else controller.select(selectRows(current.row, current.row, controller.extent()), null);
    }
  }

  useEffect(() => {
    const cancel = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || drag.current === null) return;
      event.preventDefault();
      event.stopPropagation();
      stop(false);
    };
    window.addEventListener('keydown', cancel, true);
    return () => {
      window.removeEventListener('keydown', cancel, true);
      cancelAnimationFrame(frame.current);
    };
  });

  /** Menus and popovers hang in the tree of components below the grid, but not in its element: their events are not ours. */
  function isOurs(event: { target: EventTarget }) {
    return scrollerRef.current?.contains(event.target as Node) === true;
  }

  function onPointerDown(event: PointerEvent) {
    if (!isOurs(event)) return;
    const target = event.target as HTMLElement;
    if (target.closest('textarea, [data-column-menu]') !== null) return;
    if (state.getState().editing !== null) controller.commit();
    controller.focus();
    const scroller = scrollerRef.current;
    // On the scroll bars nothing is selected.
    if (scroller === null || isOnScrollbar(scroller, event)) return;
    const extent = controller.extent();
    const resize = target.closest<HTMLElement>('[data-resize]')?.dataset['resize'];
    const at = place(event.clientX, event.clientY);
    if (at === null) return;
    if (event.button !== 0) {
      if (event.button === 2 && at.row >= 0 && at.row < extent.rows) {
        if (at.column < 0 && !contains(rectangle(state.getState().selection), { row: at.row, column: 0 })) {
          controller.select(selectRows(at.row, at.row, extent), null);
        } else if (at.column >= 0 && !contains(rectangle(state.getState().selection), at))
          controller.select(single(at), null);
      }
      return;
    }
    if (resize !== undefined) {
      const { lefts } = controller.context().layout;
      const column = Number(resize);
      // A captured pointer gives its double click to the capturing element: two presses are told apart here.
      const twice = lastResize.current.column === column && event.timeStamp - lastResize.current.time < DOUBLE_CLICK_MS;
      lastResize.current = { column, time: twice ? 0 : event.timeStamp };
      const columnId = controller.context().columns[column]?.id;
      if (twice && columnId !== undefined) return onAutoFit(columnId);
      const startWidth = (lefts[column + 1] as number) - (lefts[column] as number);
      return start({ type: 'resize', column, startX: event.clientX, startWidth }, event);
    }
    const { selection } = state.getState();
    if (target.closest('[data-corner]') !== null) return controller.select(selectAll(selection, extent), null);
    if (at.row < 0) {
      if (at.column < 0 || extent.columns === 0) return;
      const from = event.shiftKey ? selection.anchor.column : at.column;
      controller.select(selectColumns(from, at.column, extent), null);
      return start({ type: 'columns', from }, event);
    }
    if (extent.rows === 0 || at.row >= extent.rows) return;
    if (target.closest('[data-fill-handle]') !== null) return start({ type: 'fill' }, event);
    if (at.column < 0) return pressGutter(at.row, event);
    if (target.closest('[data-check]') !== null && !event.shiftKey) return controller.toggleAt(at);
    if (target.closest('[data-open-options]') !== null) {
      controller.select(single(at), null);
      return controller.editActive();
    }
    controller.select(moveTo(selection, at, extent, event.shiftKey), null);
    start({ type: 'cells' }, event);
  }

  function pressGutter(row: number, event: PointerEvent) {
    const { selection } = state.getState();
    const { props } = controller.context();
    const box = rectangle(selection);
    const grabbed = selection.whole === 'rows' && row >= box.top && row <= box.bottom && !event.shiftKey;
    if (grabbed && props.readOnly !== true && !isSorted(props.view))
      return start({ type: 'move-rows', moved: false, row }, event);
    const from = event.shiftKey ? selection.anchor.row : row;
    controller.select(selectRows(from, row, controller.extent()), null);
    start({ type: 'rows', from }, event);
  }

  function onPointerMove(event: PointerEvent) {
    point.current = { x: event.clientX, y: event.clientY, control: event.ctrlKey };
    if (drag.current !== null) return follow();
    if (!isOurs(event)) return;
    const target = event.target as HTMLElement;
    const cell =
      target.closest('[role=gridcell], [data-open-options]') === null ? null : place(event.clientX, event.clientY);
    const hovered = cell === null || cell.row < 0 || cell.column < 0 ? null : cell;
    const before = state.getState().hovered;
    if (before?.row === hovered?.row && before?.column === hovered?.column) return;
    // A cell of which there is nothing to say leaves the popover of the active one alone.
    const { props, rowIds, columns } = controller.context();
    const rowId = hovered === null ? undefined : rowIds[hovered.row];
    const columnId = hovered === null ? undefined : columns[hovered.column]?.id;
    const mark = rowId === undefined || columnId === undefined ? null : props.store.cellMark(rowId, columnId);
    const next = mark?.severity === undefined ? null : hovered;
    if (next !== before) state.setState({ hovered: next });
  }

  return {
    onPointerDown,
    onPointerMove,
    onPointerUp: () => stop(true),
    onPointerCancel: () => stop(false),
    onPointerLeave: (event: PointerEvent) => {
      // Into the popover of the hovered cell: it stays.
      const to = event.relatedTarget;
      if (to instanceof Element && to.closest('[data-cell-popover]') !== null) return;
      if (state.getState().hovered !== null) state.setState({ hovered: null });
    },
    /** The focus stays in the text field wherever the grid is pressed. */
    onMouseDown: (event: MouseEvent) => {
      if (isOurs(event) && (event.target as HTMLElement).closest('textarea, button') === null) event.preventDefault();
    },
    onDoubleClick: (event: MouseEvent) => {
      const target = event.target as HTMLElement;
      const { rowIds, props } = controller.context();
      if (!isOurs(event) || target.closest('textarea, button, [data-check], [data-fill-handle]') !== null) return;
      const at = place(event.clientX, event.clientY);
      const rowId = at === null ? undefined : rowIds[at.row];
      if (at === null || rowId === undefined || at.row < 0) return;
      if (at.column < 0) props.onOpenRow?.(rowId);
      else controller.editActive();
    },
    onContextMenu: (event: MouseEvent) => {
      if (!isOurs(event) || (event.target as HTMLElement).closest('[data-editing] textarea') !== null) return;
      event.preventDefault();
      const at = place(event.clientX, event.clientY);
      if (at === null || at.row >= controller.extent().rows) return;
      if (at.row < 0) {
        const columnId = controller.context().columns[at.column]?.id;
        if (columnId !== undefined) state.setState({ columnMenu: { columnId, x: event.clientX, y: event.clientY } });
        return;
      }
      state.setState({ cellMenu: { x: event.clientX, y: event.clientY } });
    },
  };
}

function isOnScrollbar(scroller: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const { left, top } = scroller.getBoundingClientRect();
  return clientX >= left + scroller.clientWidth || clientY >= top + scroller.clientHeight;
}
