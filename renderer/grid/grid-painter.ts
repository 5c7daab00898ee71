import type { GridController } from './controller.ts';
import { frozenEdge, GUTTER_WIDTH, ROW_HEIGHT } from './geometry.ts';
import { iconCopier } from './grid-icons.tsx';
import type { GridState } from './grid-state.ts';
import { activeCellId, createRowPool } from './row-pool.ts';
import { rectangle } from './selection.ts';
import { createSelectionOverlay, move } from './selection-overlay.ts';

/** The elements that React makes once, and that are filled and moved by hand. */
export interface PaintedNodes {
  scroller: HTMLElement;
  head: HTMLElement;
  body: HTMLElement;
  scrollingPane: HTMLElement;
  frozenPane: HTMLElement;
  input: HTMLTextAreaElement;
  icons: HTMLElement;
}

export interface GridPainter {
  /** Takes what was rendered and what the controller made of it. */
  update(): void;
  stop(): void;
}

/**
 * Draws what changes with each key and each frame of scrolling: rows, selection, the place of the text field. By hand, because a rendering of hundreds of cells
 * costs more than a frame; everything else of the grid is React's.
 */
export function createGridPainter(controller: GridController, nodes: PaintedNodes, gridId: string): GridPainter {
  const { state } = controller;
  const icon = iconCopier(nodes.icons);
  const rows = createRowPool({ body: nodes.body, scroller: nodes.scroller, gridId, icon });
  const overlays = [
    createSelectionOverlay(nodes.scrollingPane, 'scrolling', icon),
    createSelectionOverlay(nodes.frozenPane, 'frozen', icon),
  ];
  let headers: HTMLElement[] = [];

  function drawOverlays(current: GridState): void {
    const { layout, rowIds, props, columns } = controller.context();
    const editor = columns[current.selection.active.column]?.editor?.kind;
    const opens = editor === 'choice' || editor === 'suggest' || editor === 'list';
    const overlay = { layout, rowCount: rowIds.length, readOnly: props.readOnly === true, opens };
    for (const part of overlays) part.update(current, overlay);
  }

  function markHeaders({ selection }: GridState): void {
    const { left, right } = rectangle(selection);
    for (const [column, header] of headers.entries()) {
      const marked = column >= left && column <= right;
      if (header.hasAttribute('data-marked') !== marked) header.toggleAttribute('data-marked', marked);
    }
  }

  /** The cell that the text field stands on; null where there is none. */
  function fieldCell({ selection, editing }: GridState): { row: number; column: number } | null {
    const { rowIds, columns } = controller.context();
    const { row, column } =
      editing === null
        ? selection.active
        : {
            row: rowIds.indexOf(editing.rowId),
            column: columns.findIndex(({ id }) => id === editing.columnId),
          };
    return row >= 0 && row < rowIds.length && columns[column] !== undefined ? { row, column } : null;
  }

  function placeField(current: GridState): void {
    const { input } = nodes;
    const { layout, columns } = controller.context();
    const { editing } = current;
    const at = fieldCell(current);
    const frozen = (at?.column ?? -1) < layout.frozen;
    const host = input.parentElement as HTMLElement;
    if (host.hasAttribute('data-frozen') !== frozen) host.toggleAttribute('data-frozen', frozen);
    const left = at === null ? frozenEdge(layout) - GUTTER_WIDTH : (layout.lefts[at.column] as number) - 1;
    move(input, left, at === null || at.row === 0 ? 0 : at.row * ROW_HEIGHT - 1);
    const described =
      editing === null
        ? at === null
          ? null
          : activeCellId(gridId, at.row, columns[at.column])
        : editing.listOpen && editing.option >= 0
          ? `${gridId}-option-${editing.option}`
          : null;
    if (described == null) input.removeAttribute('aria-activedescendant');
    else input.setAttribute('aria-activedescendant', described);
  }

  const unsubscribe = state.subscribe((now, before) => {
    const moved = now.selection !== before.selection;
    const edited = now.editing !== before.editing;
    const scrolled = moved && rows.select(now.selection);
    if (moved) markHeaders(now);
    if (moved || edited || now.filling !== before.filling || now.dropAt !== before.dropAt) drawOverlays(now);
    if (moved || edited) placeField(now);
    // The layout of new rows need not wait for the frame that shows them.
    if (scrolled) nodes.body.getBoundingClientRect();
  });

  return {
    update() {
      const current = state.getState();
      const { props, rowIds, columns, layout } = controller.context();
      const headerRows = columns.some(({ group }) => group !== undefined) ? 2 : 1;
      headers = [...nodes.head.querySelectorAll<HTMLElement>('[data-header]')];
      rows.update({ store: props.store, columns, headerRows, rowIds, layout, readOnly: props.readOnly === true });
      rows.select(current.selection);
      markHeaders(current);
      drawOverlays(current);
      placeField(current);
    },
    stop() {
      unsubscribe();
      rows.stop();
      for (const part of overlays) part.stop();
    },
  };
}
