import type { GridView } from './grid-types.ts';
import { type CellText, reconcileOrder, visibleRows } from './view.ts';

export interface RowOrderInput {
  rowIds: readonly string[];
  cell: CellText;
  sort: GridView['sort'];
  filters: GridView['filters'];
  rowFilter: ((rowId: string) => boolean) | undefined;
  /** Another number sorts and filters again. */
  applied: number;
}

/**
 * The shown order as a function of what it is made of, remembering the last one: rows are sorted and filtered when the view changes, not when a cell does,
 * so that no row jumps away while somebody works on it.
 */
export function createRowOrder(): (input: RowOrderInput) => readonly string[] {
  let last: { input: RowOrderInput; order: readonly string[] } | null = null;
  return (input) => {
    const order = nextOrder(last, input);
    last = { input, order };
    return order;
  };
}

function nextOrder(
  last: { input: RowOrderInput; order: readonly string[] } | null,
  input: RowOrderInput,
): readonly string[] {
  const { rowIds, sort, filters, rowFilter, applied } = input;
  const sameView =
    last !== null &&
    last.input.sort === sort &&
    last.input.filters === filters &&
    last.input.rowFilter === rowFilter &&
    last.input.applied === applied;
  if (!sameView) return visibleRows(rowIds, input.cell, { sort, filters }, rowFilter);
  if (last.input.rowIds === rowIds) return last.order;
  if (last.order === last.input.rowIds) return rowIds;
  if (sort.length > 0) return reconcileOrder(last.order, last.input.rowIds, rowIds);
  const shown = new Set(last.order);
  const old = new Set(last.input.rowIds);
  return rowIds.filter((id) => shown.has(id) || !old.has(id));
}
