import type { CellMark, GridEdit, GridStore, RowMark } from '../../../renderer/grid/grid-types.ts';

export type Row = Readonly<Record<string, string>>;

export interface Marks {
  row: Omit<RowMark, 'number'>;
  cells: Readonly<Record<string, CellMark>>;
}

/** Rows in memory with undo: what the grid asks of its caller, and no more. */
export interface MemoryStore extends GridStore {
  apply(edit: GridEdit): void;
  undo(): void;
  redo(): void;
  labels(): string[];
  /** Judge again what `marksOf` says, of these rows or of all. */
  remark(rowIds?: Iterable<string>): void;
  rows(): Row[];
  /** Told after every edit, undo and redo. */
  onChange: (changed: ReadonlySet<string>) => void;
}

/** The state before an edit: of the rows that it touched, and of the order if it changed. */
interface Before {
  label: string;
  order: readonly string[];
  rows: Map<string, Row | undefined>;
}

const NO_MARK: CellMark = {};

export function createMemoryStore(initial: readonly Row[], marksOf: (row: Row, id: string) => Marks): MemoryStore {
  let order: readonly string[] = initial.map((_, index) => `r${index}`);
  const rows = new Map(order.map((id, index) => [id, initial[index] as Row]));
  const saved = new Map(rows);
  let numbers = numbered();
  const marks = new Map<string, Marks>();
  const versions = new Map<string, number>();
  const listeners = new Set<() => void>();
  const rowListeners = new Map<string, Set<() => void>>();
  const past: Before[] = [];
  const future: Before[] = [];
  let ids = 0;

  function numbered() {
    return new Map(order.map((id, index) => [id, String(index + 2)]));
  }
  function marksFor(id: string): Marks {
    let found = marks.get(id);
    if (found === undefined) {
      found = marksOf(rows.get(id) ?? {}, id);
      marks.set(id, found);
    }
    return found;
  }
  function touch(id: string): void {
    marks.delete(id);
    versions.set(id, (versions.get(id) ?? 0) + 1);
    for (const listener of rowListeners.get(id) ?? []) listener();
  }
  /** Puts rows and order in place; answers what was there. */
  function put({ label, order: nextOrder, rows: nextRows }: Before): Before {
    const before: Before = { label, order, rows: new Map() };
    for (const [id, row] of nextRows) {
      before.rows.set(id, rows.get(id));
      if (row === undefined) rows.delete(id);
      else rows.set(id, row);
    }
    const moved = nextOrder !== order;
    order = nextOrder;
    if (moved) numbers = numbered();
    for (const id of moved ? [...rowListeners.keys(), ...nextRows.keys()] : nextRows.keys()) touch(id);
    if (moved) for (const listener of listeners) listener();
    store.onChange(new Set(nextRows.keys()));
    return before;
  }
  function planned({ label, operations }: GridEdit): Before {
    const next: Before = { label, order, rows: new Map() };
    const current = (id: string) => (next.rows.has(id) ? next.rows.get(id) : rows.get(id)) ?? {};
    for (const operation of operations) {
      switch (operation.type) {
        case 'set': {
          const changed = new Map<string, Record<string, string>>();
          for (const { rowId, columnId, value } of operation.cells) {
            let row = changed.get(rowId);
            if (row === undefined) {
              row = { ...current(rowId) };
              changed.set(rowId, row);
            }
            row[columnId] = value;
          }
          for (const [id, row] of changed) next.rows.set(id, row);
          break;
        }
        case 'insert': {
          for (const { id, values, copyOf } of operation.rows) {
            next.rows.set(id, { ...(copyOf === undefined ? {} : current(copyOf)), ...values });
          }
          const added = operation.rows.map(({ id }) => id);
          next.order = spliced(next.order, operation.before, added);
          break;
        }
        case 'delete': {
          const gone = new Set(operation.rowIds);
          for (const id of gone) next.rows.set(id, undefined);
          next.order = next.order.filter((id) => !gone.has(id));
          break;
        }
        case 'move': {
          const moving = new Set(operation.rowIds);
          const rest = next.order.filter((id) => !moving.has(id));
          next.order = spliced(rest, operation.before, operation.rowIds);
          break;
        }
        default:
          operation satisfies never;
      }
    }
    return next;
  }

  const store: MemoryStore = {
    rowIds: () => order,
    cell: (rowId, columnId) => rows.get(rowId)?.[columnId] ?? '',
    cellMark: (rowId, columnId) => marksFor(rowId).cells[columnId] ?? NO_MARK,
    rowMark: (rowId) => ({
      ...marksFor(rowId).row,
      number: numbers.get(rowId) ?? '',
      dirty: saved.get(rowId) !== rows.get(rowId),
    }),
    rowVersion: (rowId) => versions.get(rowId) ?? 0,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribeRow: (rowId, listener) => {
      const set = rowListeners.get(rowId) ?? new Set();
      rowListeners.set(rowId, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0) rowListeners.delete(rowId);
      };
    },
    newRowId: () => {
      ids += 1;
      return `n${ids}`;
    },
    apply: (edit) => {
      past.push(put(planned(edit)));
      future.length = 0;
    },
    undo: () => {
      const before = past.pop();
      if (before !== undefined) future.push(put(before));
    },
    redo: () => {
      const after = future.pop();
      if (after !== undefined) past.push(put(after));
    },
    labels: () => past.map(({ label }) => label),
    remark: (rowIds = rows.keys()) => {
      for (const id of rowIds) touch(id);
    },
    rows: () => order.map((id) => rows.get(id) ?? {}),
    onChange: () => {},
  };
  return store;
}

function spliced(order: readonly string[], before: string | null, ids: readonly string[]): readonly string[] {
  const at = before === null ? order.length : order.indexOf(before);
  return [...order.slice(0, at), ...ids, ...order.slice(at)];
}
