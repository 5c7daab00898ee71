import classes from './data-grid.module.css';
import { frozenEdge, type Layout, ROW_HEIGHT } from './geometry.ts';
import type { IconName } from './grid-icons.tsx';
import type { GridState } from './grid-state.ts';
import { cellCount, contains, type Rectangle, rectangle } from './selection.ts';

/** What lies over the frozen columns, or over those that scroll. */
export type PaneName = 'frozen' | 'scrolling';

export interface OverlayContext {
  layout: Layout;
  rowCount: number;
  readOnly: boolean;
  /** The active cell has a drop-down. */
  opens: boolean;
}

/**
 * The selection as one box over the cells, so that no cell's own border moves; in two parts where it crosses the edge of the frozen columns.
 * The box is a layer of its own that a key moves: neither layout nor painting.
 */
export function createSelectionOverlay(pane: HTMLElement, name: PaneName, icon: (name: IconName) => Node) {
  const box = part('box');
  box.dataset['selectionBox'] = 'true';
  const active = part('active');
  const fill = part('fillBox');
  const handle = part('handle');
  const drop = part('dropLine');
  const opener = part('open');
  opener.dataset['openOptions'] = 'true';
  opener.append(icon('chevron'));
  box.append(active, opener);
  const nodes = [box, fill, handle, drop];
  pane.prepend(...nodes);

  return {
    update(state: GridState, { layout, rowCount, readOnly, opens }: OverlayContext): void {
      const { selection, filling, dropAt, editing } = state;
      if (rowCount === 0 || layout.lefts.length < 2) {
        for (const node of nodes) show(node, false);
        return;
      }
      const range = rectangle(selection);
      const seen = inPane(range, layout, name);
      show(box, seen !== null);
      if (seen !== null) {
        const many = cellCount(range) > 1;
        const here = many && contains(seen, selection.active);
        place(box, boxOf(seen, layout));
        set(box, 'open', seen.open);
        set(box, 'washed', many && !here ? 'true' : undefined);
        show(active, here);
        if (here) {
          const { row, column } = selection.active;
          const outer = boxOf(seen, layout);
          const inner = boxOf({ top: row, bottom: row, left: column, right: column }, layout);
          const border = seen.open === 'left' ? 0 : 2;
          place(active, { ...inner, left: inner.left - outer.left - border, top: inner.top - outer.top - 2 });
        }
        show(opener, opens && !many && !readOnly && editing === null);
      }
      const filled = filling === null ? null : inPane(filling, layout, name);
      show(fill, filled !== null);
      if (filled !== null) place(fill, boxOf(filled, layout));
      const corner = name === 'frozen' ? range.right < layout.frozen : range.right >= layout.frozen;
      const handled = corner && editing === null && !readOnly;
      show(handle, handled);
      set(handle, 'fillHandle', handled ? 'true' : undefined);
      if (handled) {
        const end = layout.lefts[range.right + 1] ?? 0;
        move(
          handle,
          end - (end === layout.lefts.at(-1) ? 9 : 6),
          (range.bottom + 1) * ROW_HEIGHT - (range.bottom === rowCount - 1 ? 9 : 6),
        );
      }
      show(drop, dropAt !== null);
      if (dropAt !== null) {
        const edge = frozenEdge(layout);
        const [left, right] = name === 'frozen' ? [0, edge] : [edge, layout.lefts.at(-1) as number];
        place(drop, { left, top: dropAt * ROW_HEIGHT, width: right - left, height: 2 });
      }
    },
    stop(): void {
      for (const node of nodes) node.remove();
    },
  };
}

function part(name: string): HTMLElement {
  const node = document.createElement('div');
  node.className = classes[name] as string;
  node.hidden = true;
  return node;
}

function show(node: HTMLElement, shown: boolean): void {
  if (node.hidden === shown) node.hidden = !shown;
}

function set(node: HTMLElement, name: string, value: string | undefined): void {
  if (node.dataset[name] === value) return;
  if (value === undefined) delete node.dataset[name];
  else node.dataset[name] = value;
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

function place(node: HTMLElement, { left, top, width, height }: Box): void {
  move(node, left, top);
  if (node.style.width !== `${width}px`) node.style.width = `${width}px`;
  if (node.style.height !== `${height}px`) node.style.height = `${height}px`;
}

/** Moves without a layout. */
export function move(node: HTMLElement, left: number, top: number): void {
  const to = `translate(${left}px, ${top}px)`;
  if (node.style.transform !== to) node.style.transform = to;
}

interface Part extends Rectangle {
  /** The side on which the box goes on in the other pane. */
  open: 'left' | 'right' | undefined;
}

function inPane(range: Rectangle, { frozen }: Layout, pane: PaneName): Part | null {
  const crosses = range.left < frozen && range.right >= frozen;
  if (pane === 'frozen') {
    if (range.left >= frozen) return null;
    return { ...range, right: Math.min(range.right, frozen - 1), open: crosses ? 'right' : undefined };
  }
  if (range.right < frozen) return null;
  return { ...range, left: Math.max(range.left, frozen), open: crosses ? 'left' : undefined };
}

/** A pixel to the left and above, over the lines of the neighbours. */
function boxOf({ top, bottom, left, right }: Rectangle, { lefts }: Layout): Box {
  const from = (lefts[left] as number) - 1;
  return {
    left: from,
    width: (lefts[right + 1] as number) - from,
    top: top * ROW_HEIGHT - (top === 0 ? 0 : 1),
    height: (bottom - top + 1) * ROW_HEIGHT + (top === 0 ? 0 : 1),
  };
}
