import { cellTemplate } from './cell-element.ts';
import { columnWidth, frozenEdge, type Layout, ROW_HEIGHT } from './geometry.ts';
import type { GridColumn } from './grid-types.ts';
import {
  type ColumnRange,
  createRow,
  drawColumns,
  placeRow,
  type RowElement,
  type RowKit,
  selectInRow,
  writeRow,
} from './row-element.ts';
import type { Selection } from './selection.ts';

/** Rows drawn beyond the view on either side, and columns. */
const OVERSCAN_ROWS = 4;
const OVERSCAN_COLUMNS = 1;
/** The drawn rows take the order of the shown ones again once nothing scrolled for so long: assistive technology reads them in that of the document. */
const REST_MS = 300;
/** After a jump, until the rows around those that are seen are drawn. */
const LATER_MS = 60;

export interface RowPoolOptions {
  body: HTMLElement;
  scroller: HTMLElement;
  gridId: string;
  icon: RowKit['icon'];
}

/** What the drawn rows are made of, after each rendering. */
export interface RowPoolContext extends Pick<RowKit, 'store' | 'columns' | 'headerRows'> {
  rowIds: readonly string[];
  layout: Layout;
  readOnly: boolean;
}

/** From a first to behind a last one. */
interface Span {
  from: number;
  to: number;
}

/**
 * The rows in view, as elements that are written to by hand and handed from a row that scrolls out to one that scrolls in.
 * A row is drawn in the slot of its index modulo the number of slots, so that a key that scrolls by one row writes one row.
 */
export function createRowPool({ body, scroller, gridId, icon }: RowPoolOptions) {
  let context: RowPoolContext | null = null;
  let kit: RowKit | null = null;
  let slots: (RowElement | undefined)[] = [];
  let drawn: Span = { from: 0, to: 0 };
  let columns: ColumnRange = { from: 0, to: 0, left: 0, width: 0 };
  let selection: Selection | null = null;
  let active: HTMLElement | null = null;
  const size = { width: scroller.clientWidth, height: scroller.clientHeight };
  /** How far it was scrolled when it was drawn last. */
  const at = { left: 0, top: 0 };
  const stale = new Set<RowElement>();
  let rest = 0;
  let later = 0;

  const observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = scroller;
    if (width === size.width && height === size.height) return;
    Object.assign(size, { width, height });
    draw();
  });
  observer.observe(scroller);
  scroller.addEventListener('scroll', draw, { passive: true });

  /** Rows of which a part is seen. */
  function seenRows({ layout, rowIds }: RowPoolContext): Span {
    const from = Math.min(Math.floor(at.top / ROW_HEIGHT), rowIds.length);
    const to = Math.ceil((at.top + size.height - layout.headerHeight) / ROW_HEIGHT);
    return { from: Math.max(0, from), to: Math.max(from, Math.min(rowIds.length, to)) };
  }

  function wantedColumns({ layout }: RowPoolContext): ColumnRange {
    const { lefts, frozen } = layout;
    const count = lefts.length - 1;
    const start = at.left + frozenEdge(layout);
    const end = at.left + size.width;
    let from = frozen;
    while (from < count && (lefts[from + 1] as number) <= start) from += 1;
    let to = from;
    while (to < count && (lefts[to] as number) < end) to += 1;
    from = Math.max(frozen, from - OVERSCAN_COLUMNS);
    to = Math.min(count, to + OVERSCAN_COLUMNS);
    const left = lefts[from] as number;
    return { from, to, left, width: (lefts[to] as number) - left };
  }

  function draw(): void {
    if (context === null || kit === null) return;
    Object.assign(at, { left: scroller.scrollLeft, top: scroller.scrollTop });
    const seen = seenRows(context);
    const across = wantedColumns(context);
    if (!sameRange(across, columns)) {
      columns = across;
      for (const row of slots) if (row !== undefined) drawColumns(row, kit, columns, true);
    }
    // After a jump what is seen comes first, and what is beyond it when there is time.
    const jumped = seen.from >= drawn.to || seen.to <= drawn.from;
    if (jumped && drawn.to > drawn.from) {
      drawRows(seen);
      clearTimeout(later);
      later = window.setTimeout(draw, LATER_MS);
    } else drawRows(around(seen, context.rowIds.length));
    markActive();
    clearTimeout(rest);
    rest = window.setTimeout(sortRows, REST_MS);
  }

  function around({ from, to }: Span, count: number): Span {
    return { from: Math.max(0, from - OVERSCAN_ROWS), to: Math.min(count, to + OVERSCAN_ROWS) };
  }

  function drawRows(span: Span): void {
    if (context === null || kit === null) return;
    drawn = span;
    const needed = Math.ceil((size.height - context.layout.headerHeight) / ROW_HEIGHT) + 1 + 2 * OVERSCAN_ROWS;
    if (needed > slots.length) regrow(needed);
    for (let index = span.from; index < span.to; index += 1) {
      const rowId = context.rowIds[index] as string;
      const place = index % slots.length;
      const slot = slots[place];
      if (slot?.index === index && slot.rowId === rowId) continue;
      const row = slot ?? createRow(kit);
      const other = row.rowId !== rowId;
      drawColumns(row, kit, columns, false);
      placeRow(row, kit, index, rowId);
      if (selection !== null) selectInRow(row, selection);
      if (slot === undefined) {
        slots[place] = row;
        body.append(row.node);
      }
      if (other)
        follow(
          row,
          context.store.subscribeRow(rowId, () => touched(row)),
        );
    }
  }

  /** More slots: rows keep their elements where they can. */
  function regrow(count: number): void {
    const before = slots;
    slots = Array.from({ length: count });
    for (const row of before) {
      if (row === undefined) continue;
      const place = row.index % count;
      if (slots[place] === undefined) slots[place] = row;
      else drop(row);
    }
  }

  function follow(row: RowElement, unsubscribe: (() => void) | null): void {
    row.unsubscribe?.();
    row.unsubscribe = unsubscribe;
  }

  function drop(row: RowElement): void {
    follow(row, null);
    stale.delete(row);
    row.node.remove();
  }

  /** Many cells of a row change in one step: it is written once, when the step is over. */
  function touched(row: RowElement): void {
    if (stale.size === 0) queueMicrotask(writeStale);
    stale.add(row);
  }

  function writeStale(): void {
    for (const row of stale) {
      if (kit !== null && row.version !== kit.store.rowVersion(row.rowId)) writeRow(row, kit);
    }
    stale.clear();
  }

  /** Only the active cell has an id: that by which the text field names it. */
  function markActive(): void {
    const row = selection === null ? undefined : slots[selection.active.row % slots.length];
    const { row: index, column } = selection?.active ?? { row: -1, column: -1 };
    const cell = row?.index === index ? row.cells.get(column)?.node : undefined;
    const id = activeCellId(gridId, index, kit?.columns[column]);
    if (cell === active && (active === null || active?.id === id)) return;
    active?.removeAttribute('id');
    active = cell ?? null;
    if (active !== null && id !== undefined) active.id = id;
  }

  function sortRows(): void {
    dropOutside(drawn);
    const sorted = slots.filter((row) => row !== undefined).sort((one, other) => one.index - other.index);
    const first = sorted[0]?.node;
    if (first === undefined) return;
    // Slots are a ring: either its end is moved to the front or its front to the end, whichever is less.
    const before = [...body.children].indexOf(first);
    if (before > sorted.length / 2) {
      const end = sorted.slice(0, sorted.length - before).map(({ node }) => node);
      body.prepend(...end);
    } else body.append(...sorted.slice(sorted.length - before).map(({ node }) => node));
    const order = sorted.map(({ node }) => node);
    if (order.some((node, place) => body.children[place] !== node)) body.append(...order);
  }

  /** Takes away what is drawn outside of a span. */
  function dropOutside({ from, to }: Span): void {
    for (const [place, row] of slots.entries()) {
      if (row === undefined || (row.index >= from && row.index < to)) continue;
      drop(row);
      slots[place] = undefined;
    }
  }

  function dropAll(): void {
    for (const row of slots) if (row !== undefined) drop(row);
    slots = [];
    drawn = { from: 0, to: 0 };
  }

  return {
    /** Takes what was rendered: rows, columns, widths. */
    update(next: RowPoolContext): void {
      const before = context;
      context = next;
      if (before === null || kit === null || !sameLook(before, next)) {
        dropAll();
        kit = kitOf(next, gridId, icon);
      } else if (before.layout !== next.layout) {
        kit = kitOf(next, gridId, icon);
        for (const row of slots) if (row !== undefined) resize(row, next.layout);
      }
      if (before?.rowIds !== next.rowIds) {
        at.top = scroller.scrollTop;
        drawn = around(seenRows(next), next.rowIds.length);
        dropOutside(drawn);
      }
      draw();
    },
    /** Marks what is selected; rows that the selection was scrolled to are drawn at once. True where there were such. */
    select(next: Selection): boolean {
      selection = next;
      const scrolled = scroller.scrollTop !== at.top || scroller.scrollLeft !== at.left;
      if (scrolled) draw();
      for (const row of slots) if (row !== undefined) selectInRow(row, next);
      markActive();
      return scrolled;
    },
    stop(): void {
      observer.disconnect();
      scroller.removeEventListener('scroll', draw);
      clearTimeout(later);
      clearTimeout(rest);
      dropAll();
    },
  };
}

/** Id of a cell while it is the active one. */
export function activeCellId(gridId: string, row: number, column: GridColumn | undefined): string | undefined {
  return column === undefined ? undefined : `${gridId}-${row}-${column.id}`;
}

function sameRange(one: ColumnRange, other: ColumnRange): boolean {
  return one.from === other.from && one.to === other.to && one.left === other.left && one.width === other.width;
}

/** Whether rows look the same but for the widths of their columns. */
function sameLook(one: RowPoolContext, other: RowPoolContext): boolean {
  return (
    one.columns === other.columns &&
    one.store === other.store &&
    one.readOnly === other.readOnly &&
    one.headerRows === other.headerRows &&
    one.layout.frozen === other.layout.frozen
  );
}

function kitOf(context: RowPoolContext, gridId: string, icon: RowKit['icon']): RowKit {
  const { store, columns, headerRows, layout, readOnly } = context;
  const templates = columns.map((column, index) => {
    const next = columns[index + 1];
    return cellTemplate(column, index, {
      width: columnWidth(layout, index),
      edge: index === layout.frozen - 1,
      groupEnd: next !== undefined && next.group !== column.group,
      readOnly: readOnly || column.readOnly === true,
    });
  });
  return {
    gridId,
    store,
    columns,
    templates,
    frozen: layout.frozen,
    frozenWidth: frozenEdge(layout),
    headerRows,
    icon,
  };
}

function resize(row: RowElement, layout: Layout): void {
  row.frozenPart.style.width = `${frozenEdge(layout)}px`;
  for (const [column, { node }] of row.cells) {
    const width = `${columnWidth(layout, column)}px`;
    if (node.style.width !== width) node.style.width = width;
  }
}
