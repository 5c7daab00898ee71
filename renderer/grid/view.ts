import type { ColumnFilter, GridColumn, GridView } from './grid-types.ts';

/** How the rows and columns are shown. Pure: nothing here changes what is saved. */
export const PLAIN_VIEW: GridView = { sort: [], filters: {}, hidden: [], frozenThrough: null, widths: {} };

/** Text of a cell. */
export type CellText = (rowId: string, columnId: string) => string;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** The rows that pass all filters, sorted; rows that sort alike stay in their saved order, blank cells come last either way. */
export function visibleRows(
  rowIds: readonly string[],
  cell: CellText,
  { sort, filters }: Pick<GridView, 'sort' | 'filters'>,
  rowFilter?: (rowId: string) => boolean,
): readonly string[] {
  const tests = Object.entries(filters).map(([columnId, filter]) => [columnId, filterTest(filter)] as const);
  const plain = tests.length === 0 && rowFilter === undefined;
  const kept = plain
    ? rowIds
    : rowIds.filter(
        (id) => (rowFilter?.(id) ?? true) && tests.every(([columnId, passes]) => passes(cell(id, columnId))),
      );
  if (sort.length === 0) return kept;
  const keyed = kept.map((id) => ({ id, keys: sort.map(({ columnId }) => cell(id, columnId)) }));
  keyed.sort((one, other) => {
    for (const [index, { descending }] of sort.entries()) {
      const order = compareTexts(one.keys[index] as string, other.keys[index] as string, descending);
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map(({ id }) => id);
}

function compareTexts(one: string, other: string, descending: boolean): number {
  if (one === '' || other === '') return one === other ? 0 : one === '' ? 1 : -1;
  const order = collator.compare(one, other);
  return descending ? -order : order;
}

export function filterTest({ values, text }: ColumnFilter): (value: string) => boolean {
  const kept = values === null ? null : new Set(values);
  const wanted = text.toLocaleLowerCase();
  return (value) => (kept === null || kept.has(value)) && (wanted === '' || value.toLocaleLowerCase().includes(wanted));
}

/**
 * The shown order after rows came, went or moved in the saved one, without sorting or filtering again: nobody's row jumps or vanishes under the hands.
 * A new row stands behind the row that it was put behind, or where that is not shown, behind the nearest shown one before it.
 */
export function reconcileOrder(
  shown: readonly string[],
  before: readonly string[],
  now: readonly string[],
): readonly string[] {
  const present = new Set(now);
  const old = new Set(before);
  const kept = shown.filter((id) => present.has(id));
  const added = now.filter((id) => !old.has(id));
  if (added.length === 0) return kept.length === shown.length ? shown : kept;
  const isShown = new Set(kept);
  const behind = new Map<string | null, string[]>();
  let lastOld = now.length - 1;
  while (lastOld >= 0 && !old.has(now[lastOld] as string)) lastOld -= 1;
  const appended = now.slice(lastOld + 1);
  let predecessor: string | null = null;
  for (const id of now.slice(0, lastOld + 1)) {
    if (isShown.has(id)) predecessor = id;
    else if (!old.has(id)) {
      const list = behind.get(predecessor);
      if (list === undefined) behind.set(predecessor, [id]);
      else list.push(id);
    }
  }
  return [...(behind.get(null) ?? []), ...kept.flatMap((id) => [id, ...(behind.get(id) ?? [])]), ...appended];
}

/** Whether the saved order is the shown one but for rows that a filter hides. */
export function isSorted({ sort }: GridView): boolean {
  return sort.length > 0;
}

/** Columns in their order without the hidden ones. */
export function visibleColumns(columns: readonly GridColumn[], { hidden }: GridView): readonly GridColumn[] {
  if (hidden.length === 0) return columns;
  const gone = new Set(hidden);
  return columns.filter(({ id }) => !gone.has(id));
}

/** How many of the shown columns are frozen: those up to `frozenThrough`, also where that one is hidden itself. */
export function frozenCount(columns: readonly GridColumn[], view: GridView): number {
  const through = columns.findIndex(({ id }) => id === view.frozenThrough);
  if (through < 0) return 0;
  return visibleColumns(columns.slice(0, through + 1), view).length;
}

/** The direction of a column's sort, or null. */
export function sortOf({ sort }: GridView, columnId: string): 'ascending' | 'descending' | null {
  const rule = sort.find((candidate) => candidate.columnId === columnId);
  return rule === undefined ? null : rule.descending ? 'descending' : 'ascending';
}

/** Sorts by a column; with `add` behind the rules there are, else instead of them. Null takes the column's rule away. */
export function withSort(
  view: GridView,
  columnId: string,
  direction: 'ascending' | 'descending' | null,
  add: boolean,
): GridView {
  const rule = { columnId, descending: direction === 'descending' };
  const others = view.sort.filter((candidate) => candidate.columnId !== columnId);
  if (direction === null) return { ...view, sort: others };
  if (!add) return { ...view, sort: [rule] };
  const index = view.sort.findIndex((candidate) => candidate.columnId === columnId);
  return { ...view, sort: index < 0 ? [...view.sort, rule] : view.sort.with(index, rule) };
}

/** A filter that keeps everything is none. */
export function withFilter(view: GridView, columnId: string, filter: ColumnFilter | null): GridView {
  const { [columnId]: _replaced, ...others } = view.filters;
  if (filter === null || (filter.values === null && filter.text === '')) return { ...view, filters: others };
  return { ...view, filters: { ...others, [columnId]: filter } };
}

export function withWidth(view: GridView, columnId: string, width: number): GridView {
  return { ...view, widths: { ...view.widths, [columnId]: width } };
}

export function withHidden(view: GridView, columnId: string, hidden: boolean): GridView {
  const others = view.hidden.filter((id) => id !== columnId);
  return { ...view, hidden: hidden ? [...others, columnId] : others };
}

/** The different texts of a column with how often each occurs, sorted, blank first; for a filter's list. */
export function distinctValues(
  rowIds: readonly string[],
  cell: CellText,
  columnId: string,
): { value: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const id of rowIds) {
    const value = cell(id, columnId);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((one, other) =>
      one.value === '' || other.value === ''
        ? one.value.length - other.value.length
        : collator.compare(one.value, other.value),
    );
}

/** Columns of one group that stand side by side, split where the frozen ones end. */
export interface GroupSpan {
  group: string;
  /** Index of its first column. */
  start: number;
  count: number;
  frozen: boolean;
  /** The same group goes on from the span before: its name is not shown again. */
  continued: boolean;
}

export function groupSpans(columns: readonly GridColumn[], frozen: number): GroupSpan[] {
  const spans: GroupSpan[] = [];
  for (const [index, column] of columns.entries()) {
    const group = column.group ?? '';
    const last = spans.at(-1);
    if (last !== undefined && last.group === group && index !== frozen) last.count += 1;
    else {
      const continued = last !== undefined && last.group === group;
      spans.push({ group, start: index, count: 1, frozen: index < frozen, continued });
    }
  }
  return spans;
}
