import { Popover } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { columnWidth, type Layout, ROW_HEIGHT } from './geometry.ts';
import { cellCount, rectangle } from './selection.ts';

/** Long enough that it does not flicker past while somebody walks over cells by key. */
const DELAY_MS = 250;

/** What the caller has to say of the cell under the pointer, or of the active one. */
export function CellPopover({
  controller,
  layout,
  pane,
}: {
  controller: GridController;
  layout: Layout;
  pane: 'frozen' | 'scrolling';
}) {
  const position = useStore(controller.state, ({ hovered, selection, editing, popoverClosed, dragging, ...menus }) => {
    if (editing !== null || dragging || menus.columnMenu !== null || menus.cellMenu !== null) return null;
    if (hovered !== null) return hovered;
    return popoverClosed || cellCount(rectangle(selection)) > 1 ? null : selection.active;
  });
  const [shown, setShown] = useState(position);
  useEffect(() => {
    if (position === null) return setShown(null);
    const timer = setTimeout(() => setShown(position), DELAY_MS);
    return () => clearTimeout(timer);
  }, [position]);
  const { props, rowIds, columns } = controller.context();
  const current = shown !== null && position !== null && shown.row === position.row && shown.column === position.column;
  if (!current || shown.column < layout.frozen !== (pane === 'frozen')) return null;
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
