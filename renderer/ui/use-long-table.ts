import { useVirtualizer } from '@tanstack/react-virtual';
import type { RefObject } from 'react';

/** Rows of a table beyond which only those in sight are drawn: until then the browser's own find and copy see all of them. */
export const LONG = 200;

/** Which rows of a table are drawn, and how much room those above and below them take, in pixels. */
export function useLongTable(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): { from: number; to: number; above: number; below: number } {
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
    enabled: count > LONG,
  });
  if (count <= LONG) return { from: 0, to: count, above: 0, below: 0 };
  const items = rows.getVirtualItems();
  const from = items[0]?.index ?? 0;
  const to = (items.at(-1)?.index ?? -1) + 1;
  return { from, to, above: from * rowHeight, below: (count - to) * rowHeight };
}
