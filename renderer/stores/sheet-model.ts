import type { RawSheet } from '../../engine/spec/project.ts';
import { headerName } from '../../engine/spec/sheet.ts';
import type { GridEdit, NewRow } from '../grid/grid-types.ts';

/**
 * A sheet while it is edited: rows have ids, so that sorting, filtering and moving never change what a change means.
 * Every change is a diff with a pure reverse; undo is the reverse applied.
 */

/** Texts by position; positions at the end may be left out where they are blank. Never changed in place. */
export type Cells = readonly string[];

/** Changed in place by {@link applyDiff} only; `order` and `headers` are then other arrays. */
export interface SheetModel {
  readonly name: string;
  readonly headerRow: number;
  headers: readonly string[];
  /** Row ids as they are saved, top to bottom. */
  order: readonly string[];
  readonly rows: Map<string, Cells>;
}

/** `removed` stands at `at` and gives way to `inserted`. */
export interface Splice {
  at: number;
  removed: readonly string[];
  inserted: readonly string[];
}

/** Null: the row is not there. */
export interface RowChange {
  before: Cells | null;
  after: Cells | null;
}

export interface SheetDiff {
  rows: ReadonlyMap<string, RowChange>;
  /** Applied in order. */
  order: readonly Splice[];
  headers: { before: readonly string[]; after: readonly string[] } | null;
}

let nextRowId = 1;

/** An id that no row of this window has or had. */
export function newRowId(): string {
  return `r${nextRowId++}`;
}

export function sheetModel(sheet: RawSheet): SheetModel {
  const rows = new Map<string, Cells>();
  for (const { cells } of sheet.rows) rows.set(newRowId(), cells);
  return { name: sheet.name, headerRow: sheet.headerRow, headers: sheet.headers, order: [...rows.keys()], rows };
}

/**
 * Ids of the columns by position: the header as a name; a header that is blank or stands twice is known by its place, `#4`.
 * A column's id stays the same while its header does.
 */
export function columnIds(headers: readonly string[]): string[] {
  const taken = new Set<string>();
  return headers.map((header, position) => {
    const name = headerName(header);
    if (name === '' || taken.has(name)) return `#${position}`;
    taken.add(name);
    return name;
  });
}

export function isBlank(cells: Cells): boolean {
  return cells.every((text) => text.trim() === '');
}

export function sameCells(one: Cells, other: Cells): boolean {
  if (one === other) return true;
  const length = Math.max(one.length, other.length);
  for (let position = 0; position < length; position++) {
    if ((one[position] ?? '') !== (other[position] ?? '')) return false;
  }
  return true;
}

/** `cells` with one text replaced. */
export function withCell(cells: Cells, position: number, text: string): Cells {
  if ((cells[position] ?? '') === text) return cells;
  const copy = cells.slice();
  while (copy.length < position) copy.push('');
  copy[position] = text;
  return copy;
}

/** What turns `before` into `after`, as one splice; none where they are the same. */
export function spliceBetween(before: readonly string[], after: readonly string[]): Splice[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const removed = before.slice(start, before.length - end);
  const inserted = after.slice(start, after.length - end);
  return removed.length === 0 && inserted.length === 0 ? [] : [{ at: start, removed, inserted }];
}

export function isEmptyDiff({ rows, order, headers }: SheetDiff): boolean {
  return rows.size === 0 && order.length === 0 && headers === null;
}

/** Undoes what a diff does. */
export function reverseDiff({ rows, order, headers }: SheetDiff): SheetDiff {
  const reversed = new Map<string, RowChange>();
  for (const [id, { before, after }] of rows) reversed.set(id, { before: after, after: before });
  return {
    rows: reversed,
    order: order.toReversed().map(({ at, removed, inserted }) => ({ at, removed: inserted, inserted: removed })),
    headers: headers === null ? null : { before: headers.after, after: headers.before },
  };
}

/** One diff that does what `first` and then `second` do. */
export function squashDiffs(first: SheetDiff, second: SheetDiff): SheetDiff {
  const rows = new Map(first.rows);
  for (const [id, { before, after }] of second.rows) {
    const known = rows.get(id);
    const start = known === undefined ? before : known.before;
    if (start === after || (start !== null && after !== null && sameCells(start, after))) rows.delete(id);
    else rows.set(id, { before: start, after });
  }
  const headers =
    first.headers === null || second.headers === null
      ? (first.headers ?? second.headers)
      : { before: first.headers.before, after: second.headers.after };
  return { rows, order: [...first.order, ...second.order], headers };
}

export function applyDiff(sheet: SheetModel, { rows, order, headers }: SheetDiff): void {
  for (const [id, { after }] of rows) {
    if (after === null) sheet.rows.delete(id);
    else sheet.rows.set(id, after);
  }
  if (order.length > 0) {
    let ids = sheet.order;
    for (const { at, removed, inserted } of order) ids = ids.toSpliced(at, removed.length, ...inserted);
    sheet.order = ids;
  }
  if (headers !== null) sheet.headers = headers.after;
}

/**
 * The diff of a grid's edit. A column that the sheet does not have yet is added behind its last one once a text is written into it.
 * Rows and columns that are not there are passed over.
 */
export function diffOfEdit(sheet: SheetModel, edit: GridEdit): SheetDiff {
  const ids = columnIds(sheet.headers);
  const positions = new Map(ids.map((id, position) => [id, position]));
  let headers = sheet.headers;
  let order = sheet.order;
  const changed = new Map<string, Cells | null>();
  const cellsOf = (id: string): Cells | null => (changed.has(id) ? changed.get(id)! : (sheet.rows.get(id) ?? null));
  const positionOf = (columnId: string, text: string): number | null => {
    const known = positions.get(columnId);
    if (known !== undefined || text === '' || columnId.startsWith('#')) return known ?? null;
    positions.set(columnId, headers.length);
    headers = [...headers, columnId];
    return headers.length - 1;
  };
  const write = (cells: Cells, columnId: string, text: string): Cells => {
    const position = positionOf(columnId, text);
    return position === null ? cells : withCell(cells, position, text);
  };
  const newCells = ({ values, copyOf }: NewRow): Cells => {
    let cells: Cells = copyOf === undefined ? [] : (cellsOf(copyOf) ?? []);
    for (const [columnId, text] of Object.entries(values)) cells = write(cells, columnId, text);
    return cells;
  };
  const placeOf = (before: string | null): number => {
    const place = before === null ? -1 : order.indexOf(before);
    return place < 0 ? order.length : place;
  };

  for (const operation of edit.operations) {
    switch (operation.type) {
      case 'set':
        for (const { rowId, columnId, value } of operation.cells) {
          const cells = cellsOf(rowId);
          if (cells !== null) changed.set(rowId, write(cells, columnId, value));
        }
        break;
      case 'insert':
        for (const row of operation.rows) changed.set(row.id, newCells(row));
        order = order.toSpliced(placeOf(operation.before), 0, ...operation.rows.map(({ id }) => id));
        break;
      case 'delete': {
        const gone = new Set(operation.rowIds);
        for (const id of gone) if (cellsOf(id) !== null) changed.set(id, null);
        order = order.filter((id) => !gone.has(id));
        break;
      }
      case 'move': {
        const moved = operation.rowIds.filter((id) => cellsOf(id) !== null);
        const set = new Set(moved);
        order = order.filter((id) => !set.has(id));
        order = order.toSpliced(placeOf(operation.before), 0, ...moved);
        break;
      }
      default:
        operation satisfies never;
    }
  }
  const rows = new Map<string, RowChange>();
  for (const [id, after] of changed) {
    const before = sheet.rows.get(id) ?? null;
    const same = before === after || (before !== null && after !== null && sameCells(before, after));
    if (!same) rows.set(id, { before, after });
  }
  return {
    rows,
    order: spliceBetween(sheet.order, order),
    headers: headers === sheet.headers ? null : { before: sheet.headers, after: headers },
  };
}
