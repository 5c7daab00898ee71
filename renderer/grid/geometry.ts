import type { Position } from './selection.ts';

/** Where cells lie, in pixels of the scrolled content. Pure. */
export const ROW_HEIGHT = 24;
export const GROUP_HEIGHT = 22;
export const GUTTER_WIDTH = 52;
export const MIN_COLUMN_WIDTH = 32;
export const MAX_COLUMN_WIDTH = 800;

export interface Layout {
  /** Left edge of every column, the gutter counted; one more than there are columns. */
  lefts: readonly number[];
  /** How many columns do not scroll sideways. */
  frozen: number;
  headerHeight: number;
}

export function layoutOf(widths: readonly number[], frozen: number, headerHeight: number): Layout {
  const lefts = [GUTTER_WIDTH];
  for (const width of widths) lefts.push((lefts.at(-1) as number) + width);
  return { lefts, frozen: Math.min(frozen, widths.length), headerHeight };
}

export function contentWidth({ lefts }: Layout): number {
  return lefts.at(-1) as number;
}

/** Where the frozen columns end. */
export function frozenEdge({ lefts, frozen }: Layout): number {
  return lefts[frozen] as number;
}

export function columnWidth({ lefts }: Layout, column: number): number {
  return (lefts[column + 1] as number) - (lefts[column] as number);
}

/** How far the content is scrolled, and how much of it is seen. */
export interface Viewport {
  scrollLeft: number;
  scrollTop: number;
  width: number;
  height: number;
}

/** The column under `x`, in pixels of the viewport; -1 for the gutter, the last column for all right of it. */
export function columnAt(layout: Layout, x: number, scrollLeft: number): number {
  if (x < GUTTER_WIDTH) return -1;
  const inContent = x < frozenEdge(layout) ? x : x + scrollLeft;
  const last = layout.lefts.length - 2;
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (inContent < (layout.lefts[middle + 1] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The row under `y`, in pixels of the viewport; -1 for the header. Not clamped below. */
export function rowAt(layout: Layout, y: number, scrollTop: number): number {
  if (y < layout.headerHeight) return -1;
  return Math.floor((y - layout.headerHeight + scrollTop) / ROW_HEIGHT);
}

/** The scroll offsets nearest to the present ones at which a cell is seen whole, clear of header and frozen columns. */
export function scrollInto(
  layout: Layout,
  { row, column }: Position,
  { scrollLeft, scrollTop, width, height }: Viewport,
): { left: number; top: number } {
  const top = row * ROW_HEIGHT;
  const room = height - layout.headerHeight;
  const nextTop = top < scrollTop ? top : Math.max(scrollTop, top + ROW_HEIGHT - room);
  const start = layout.lefts[column] ?? GUTTER_WIDTH;
  const end = layout.lefts[column + 1] ?? start;
  const edge = frozenEdge(layout);
  let nextLeft = scrollLeft;
  // A column wider than the room shows its start.
  if (column >= layout.frozen) nextLeft = Math.min(start - edge, Math.max(scrollLeft, end - width));
  return { left: Math.max(0, nextLeft), top: Math.max(0, nextTop) };
}

/** Pixels a frame to scroll while a drag is near or past an edge: slow at the edge, faster further out, 0 inside. */
export function autoscrollSpeed(at: number, start: number, end: number): number {
  const ZONE = 24;
  const before = start + ZONE - at;
  const after = at - (end - ZONE);
  if (before > 0) return -Math.min(48, Math.ceil(before / 3));
  if (after > 0) return Math.min(48, Math.ceil(after / 3));
  return 0;
}
