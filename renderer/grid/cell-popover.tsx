import { Popover } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { columnWidth, type Layout, ROW_HEIGHT } from './geometry.ts';
import type { GridState } from './grid-state.ts';
import { cellCount, type Position, rectangle } from './selection.ts';
import type { PaneName } from './selection-overlay.ts';

/** Long enough that it does not flicker past while somebody walks over cells by key. */
const DELAY_MS = 250;

/** The cell that there may be something to say of: the one under the pointer, or the active one. */
function subject({ hovered, selection, editing, popoverClosed, dragging, ...menus }: GridState): Position | null {
  if (editing !== null || dragging || menus.columnMenu !== null || menus.cellMenu !== null) return null;
  if (hovered !== null) return hovered;
  return popoverClosed || cellCount(rectangle(selection)) > 1 ? null : selection.active;
}

/** {@link subject}, once it stayed the same for a while. Nothing is rendered while keys go over cells. */
function useRestingSubject({ state }: GridController): Position | null {
  const [shown, setShown] = useState<Position | null>(null);
  useEffect(() => {
    let position: Position | null = null;
    let timer = 0;
    const follow = (current: GridState) => {
      const next = subject(current);
      if (next?.row === position?.row && next?.column === position?.column) return;
      position = next;
      setShown(null);
      clearTimeout(timer);
      if (next !== null) timer = window.setTimeout(() => setShown(next), DELAY_MS);
    };
    follow(state.getState());
    const unsubscribe = state.subscribe(follow);
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [state]);
  return shown;
}

/** What the caller has to say of the cell under the pointer, or of the active one. */
export function CellPopover({
  controller,
  layout,
  pane,
}: {
  controller: GridController;
  layout: Layout;
  pane: PaneName;
}) {
  const shown = useRestingSubject(controller);
  const { props, rowIds, columns } = controller.context();
  if (shown === null || shown.column < layout.frozen !== (pane === 'frozen')) return null;
  const rowId = rowIds[shown.row];
  const columnId = columns[shown.column]?.id;
  const content = rowId === undefined || columnId === undefined ? null : props.renderPopover?.(rowId, columnId);
  if (content === null || content === undefined || content === false) return null;
  return (
    <Popover
      opened
      position="bottom-start"
      offset={6}
      shadow="md"
      withArrow
      arrowPosition="side"
      arrowOffset={20}
      withRoles={false}
      trapFocus={false}
      closeOnEscape={false}
    >
      <Popover.Target>
        <div
          className={classes['anchor']}
          style={{
            left: layout.lefts[shown.column],
            top: shown.row * ROW_HEIGHT,
            width: columnWidth(layout, shown.column),
            height: ROW_HEIGHT,
          }}
        />
      </Popover.Target>
      <Popover.Dropdown p={12} role="dialog" aria-label="About this cell" data-cell-popover maw={360}>
        {content}
      </Popover.Dropdown>
    </Popover>
  );
}
