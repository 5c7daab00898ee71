/** What is selected, in rows and columns as they are shown: 0-based, hidden columns and filtered rows left out. Pure. */
export interface Position {
  row: number;
  column: number;
}

export interface Rectangle {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export interface Selection {
  /** The corner that stays when the selection grows. */
  anchor: Position;
  /** The corner that moves. */
  head: Position;
  /** The cell that typing goes to; inside the rectangle of the two corners. */
  active: Position;
  /** Whole rows or columns were picked. */
  whole: 'rows' | 'columns' | null;
}

/** How much there is. */
export interface Extent {
  rows: number;
  columns: number;
}

export type Direction = 'up' | 'down' | 'left' | 'right';

/** Whether the cell at a position holds text. */
export type Filled = (position: Position) => boolean;

const STEPS: Record<Direction, readonly [rows: number, columns: number]> = {
  up: [-1, 0],
  down: [1, 0],
  left: [0, -1],
  right: [0, 1],
};

export const ORIGIN: Position = { row: 0, column: 0 };

export function single(position: Position): Selection {
  return { anchor: position, head: position, active: position, whole: null };
}

/** Inclusive on all sides. */
export function rectangle({ anchor, head }: Selection): Rectangle {
  return {
    top: Math.min(anchor.row, head.row),
    bottom: Math.max(anchor.row, head.row),
    left: Math.min(anchor.column, head.column),
    right: Math.max(anchor.column, head.column),
  };
}

export function cellCount({ top, bottom, left, right }: Rectangle): number {
  return (bottom - top + 1) * (right - left + 1);
}

export function contains({ top, bottom, left, right }: Rectangle, { row, column }: Position): boolean {
  return row >= top && row <= bottom && column >= left && column <= right;
}

export function samePosition(one: Position, other: Position): boolean {
  return one.row === other.row && one.column === other.column;
}

/** The nearest position that exists; the origin where there is none. */
export function clampPosition({ row, column }: Position, { rows, columns }: Extent): Position {
  return {
    row: Math.max(0, Math.min(rows - 1, row)),
    column: Math.max(0, Math.min(columns - 1, column)),
  };
}

export function clampSelection(selection: Selection, extent: Extent): Selection {
  const anchor = clampPosition(selection.anchor, extent);
  const head = clampPosition(selection.head, extent);
  const clamped = { ...selection, anchor, head };
  const active = clampPosition(selection.active, extent);
  return { ...clamped, active: contains(rectangle(clamped), active) ? active : anchor };
}

/** Moves the active cell, or with `extend` the head. Whole rows stay whole while they grow downwards. */
export function moveTo(selection: Selection, target: Position, extent: Extent, extend: boolean): Selection {
  const head = clampPosition(target, extent);
  if (!extend) return single(head);
  const whole = selection.whole;
  if (whole === 'rows') return { ...selection, head: { row: head.row, column: selection.head.column } };
  if (whole === 'columns') return { ...selection, head: { row: selection.head.row, column: head.column } };
  return { ...selection, head };
}

/** From where an arrow starts: the head while growing, else the active cell. */
export function origin(selection: Selection, extend: boolean): Position {
  return extend ? selection.head : selection.active;
}

export function step(selection: Selection, direction: Direction, extent: Extent, extend: boolean, by = 1): Selection {
  const [rows, columns] = STEPS[direction];
  const from = origin(selection, extend);
  return moveTo(selection, { row: from.row + rows * by, column: from.column + columns * by }, extent, extend);
}

/** Ctrl+arrow as in Excel: inside a run of filled cells to its end, else to the next filled cell, else to the edge. */
export function edge(from: Position, direction: Direction, extent: Extent, filled: Filled): Position {
  const [rows, columns] = STEPS[direction];
  const next = (position: Position) =>
    clampPosition({ row: position.row + rows, column: position.column + columns }, extent);
  let at = from;
  const first = next(at);
  if (samePosition(first, at)) return at;
  const insideRun = filled(at) && filled(first);
  for (;;) {
    const ahead = next(at);
    if (samePosition(ahead, at)) return at;
    if (insideRun && !filled(ahead)) return at;
    if (!insideRun && filled(ahead)) return ahead;
    at = ahead;
  }
}

export function selectAll(selection: Selection, { rows, columns }: Extent): Selection {
  return {
    anchor: ORIGIN,
    head: clampPosition({ row: rows - 1, column: columns - 1 }, { rows, columns }),
    active: selection.active,
    whole: 'rows',
  };
}

/** Whole rows from one to another; the active cell is the first one's. */
export function selectRows(from: number, to: number, extent: Extent): Selection {
  const anchor = clampPosition({ row: from, column: 0 }, extent);
  return {
    anchor,
    head: clampPosition({ row: to, column: extent.columns - 1 }, extent),
    active: anchor,
    whole: 'rows',
  };
}

export function selectColumns(from: number, to: number, extent: Extent): Selection {
  const anchor = clampPosition({ row: 0, column: from }, extent);
  return {
    anchor,
    head: clampPosition({ row: extent.rows - 1, column: to }, extent),
    active: anchor,
    whole: 'columns',
  };
}

/** The rows of the selection, whole. */
export function toWholeRows(selection: Selection, extent: Extent): Selection {
  return {
    anchor: { row: selection.anchor.row, column: 0 },
    head: { row: selection.head.row, column: extent.columns - 1 },
    active: selection.active,
    whole: 'rows',
  };
}

export function toWholeColumns(selection: Selection, extent: Extent): Selection {
  return {
    anchor: { row: 0, column: selection.anchor.column },
    head: { row: extent.rows - 1, column: selection.head.column },
    active: selection.active,
    whole: 'columns',
  };
}

/** Enter and Tab: inside a range the active cell goes round it, else the selection moves. Enter goes down columns, Tab along rows. */
export function cycle(selection: Selection, by: 'enter' | 'tab', backwards: boolean, extent: Extent): Selection {
  const box = rectangle(selection);
  const sign = backwards ? -1 : 1;
  if (cellCount(box) === 1) {
    if (by === 'enter') return step(selection, backwards ? 'up' : 'down', extent, false);
    const { row, column } = selection.active;
    const target = row * extent.columns + column + sign;
    if (target < 0 || target >= extent.rows * extent.columns) return selection;
    return single({ row: Math.floor(target / extent.columns), column: target % extent.columns });
  }
  const height = box.bottom - box.top + 1;
  const width = box.right - box.left + 1;
  const { row, column } = selection.active;
  const place =
    by === 'enter' ? (column - box.left) * height + (row - box.top) : (row - box.top) * width + (column - box.left);
  const next = (place + sign + height * width) % (height * width);
  const active =
    by === 'enter'
      ? { row: box.top + (next % height), column: box.left + Math.floor(next / height) }
      : { row: box.top + Math.floor(next / width), column: box.left + (next % width) };
  return { ...selection, active };
}
