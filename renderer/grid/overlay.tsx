import { useStore } from 'zustand';
import classes from './data-grid.module.css';
import { frozenEdge, type Layout, ROW_HEIGHT } from './geometry.ts';
import type { GridStateStore } from './grid-state.ts';
import { cellCount, contains, type Position, type Rectangle, rectangle } from './selection.ts';

export interface OverlayProps {
  state: GridStateStore;
  layout: Layout;
  rowCount: number;
  /** Draws what lies over the frozen columns, or over those that scroll. */
  pane: 'frozen' | 'scrolling';
  readOnly: boolean;
}

/** The selection as one box over the cells, so that no cell's own border moves; in two parts where it crosses the edge of the frozen columns. */
export function Overlay({ state, layout, rowCount, pane, readOnly }: OverlayProps) {
  const { selection, filling, dropAt, editing } = useStore(state);
  if (rowCount === 0 || layout.lefts.length < 2) return null;
  const range = rectangle(selection);
  const part = inPane(range, layout, pane);
  const fill = filling === null ? null : inPane(filling, layout, pane);
  const corner = pane === 'frozen' ? range.right < layout.frozen : range.right >= layout.frozen;
  const end = layout.lefts[range.right + 1] ?? 0;
  return (
    <>
      {part === null ? null : <Box part={part} range={range} active={selection.active} layout={layout} />}
      {fill === null ? null : <div className={classes['fillBox']} style={boxStyle(fill, layout)} />}
      {corner && editing === null && !readOnly ? (
        <div
          className={classes['handle']}
          data-fill-handle
          style={{
            left: end - (end === layout.lefts.at(-1) ? 9 : 6),
            top: (range.bottom + 1) * ROW_HEIGHT - (range.bottom === rowCount - 1 ? 9 : 6),
          }}
        />
      ) : null}
      {dropAt === null ? null : (
        <div
          className={classes['dropLine']}
          style={{
            left: pane === 'frozen' ? 0 : frozenEdge(layout),
            width: pane === 'frozen' ? frozenEdge(layout) : (layout.lefts.at(-1) as number) - frozenEdge(layout),
            top: dropAt * ROW_HEIGHT,
          }}
        />
      )}
    </>
  );
}

interface Part extends Rectangle {
  /** The side on which the box goes on in the other pane. */
  open: 'left' | 'right' | undefined;
}

function inPane(range: Rectangle, { frozen }: Layout, pane: OverlayProps['pane']): Part | null {
  const crosses = range.left < frozen && range.right >= frozen;
  if (pane === 'frozen') {
    if (range.left >= frozen) return null;
    return { ...range, right: Math.min(range.right, frozen - 1), open: crosses ? 'right' : undefined };
  }
  if (range.right < frozen) return null;
  return { ...range, left: Math.max(range.left, frozen), open: crosses ? 'left' : undefined };
}

/** A pixel to the left and above, over the lines of the neighbours. */
function boxStyle({ top, bottom, left, right }: Rectangle, { lefts }: Layout) {
  const from = (lefts[left] as number) - 1;
  return {
    left: from,
    width: (lefts[right + 1] as number) - from,
    top: top * ROW_HEIGHT - (top === 0 ? 0 : 1),
    height: (bottom - top + 1) * ROW_HEIGHT + (top === 0 ? 0 : 1),
  };
}

function Box({ part, range, active, layout }: { part: Part; range: Rectangle; active: Position; layout: Layout }) {
  const many = cellCount(range) > 1;
  const here = many && contains(part, active);
  const style = boxStyle(part, layout);
  const inner = boxStyle({ top: active.row, bottom: active.row, left: active.column, right: active.column }, layout);
  const border = part.open === 'left' ? 0 : 2;
  return (
    <div
      className={classes['box']}
      data-selection-box
      data-open={part.open}
      data-washed={(many && !here) || undefined}
      style={style}
    >
      {here ? (
        <div
          className={classes['active']}
          style={{ ...inner, left: inner.left - style.left - border, top: inner.top - style.top - 2 }}
        />
      ) : null}
    </div>
  );
}
