import { expect, test } from 'vitest';
import type { GridColumn, GridView } from '../../renderer/grid/grid-types.ts';
import { createRowOrder } from '../../renderer/grid/row-order.ts';
import {
  distinctValues,
  frozenCount,
  groupSpans,
  PLAIN_VIEW,
  reconcileOrder,
  sortOf,
  visibleColumns,
  visibleRows,
  withFilter,
  withHidden,
  withSort,
} from '../../renderer/grid/view.ts';

const ROWS: Record<string, Record<string, string>> = {
  a: { name: 'orders', size: '10', type: 'api' },
  b: { name: 'Items', size: '9', type: 'files' },
  c: { name: '', size: '10', type: 'api' },
  d: { name: 'events', size: '', type: '' },
};
const ids = Object.keys(ROWS);
const cell = (rowId: string, columnId: string) => ROWS[rowId]?.[columnId] ?? '';
const columns: GridColumn[] = ['one', 'two', 'three', 'four'].map((id, index) => ({
  id,
  group: index < 3 ? 'A' : 'B',
  width: 100,
}));

test('sorts as people count, blanks last either way, ties in the saved order', () => {
  const by = (columnId: string, descending: boolean) =>
    visibleRows(ids, cell, { sort: [{ columnId, descending }], filters: {} });
  expect(by('size', false)).toEqual(['b', 'a', 'c', 'd']);
  expect(by('size', true)).toEqual(['a', 'c', 'b', 'd']);
  expect(by('name', false)).toEqual(['d', 'b', 'a', 'c']);
  const two = [
    { columnId: 'type', descending: true },
    { columnId: 'name', descending: false },
  ];
  expect(visibleRows(ids, cell, { sort: two, filters: {} })).toEqual(['b', 'a', 'c', 'd']);
});

test('filters by values and by text, and by what the caller says', () => {
  const filtered = (filters: GridView['filters'], own?: (id: string) => boolean) =>
    visibleRows(ids, cell, { sort: [], filters }, own);
  expect(filtered({ type: { values: ['api'], text: '' } })).toEqual(['a', 'c']);
  expect(filtered({ type: { values: [''], text: '' } })).toEqual(['d']);
  expect(filtered({ name: { values: null, text: 'E' } })).toEqual(['a', 'b', 'd']);
  expect(filtered({ type: { values: ['api'], text: '' }, name: { values: null, text: 'o' } })).toEqual(['a']);
  expect(filtered({}, (id) => id > 'b')).toEqual(['c', 'd']);
  expect(filtered({})).toBe(ids);
});

test('a filter that keeps everything is none', () => {
  const view = withFilter(PLAIN_VIEW, 'type', { values: ['api'], text: '' });
  expect(view.filters).toEqual({ type: { values: ['api'], text: '' } });
  expect(withFilter(view, 'type', { values: null, text: '' }).filters).toEqual({});
});

test('a sort replaces the others or is added to them', () => {
  const one = withSort(PLAIN_VIEW, 'a', 'ascending', false);
  const two = withSort(one, 'b', 'descending', true);
  expect(two.sort.map(({ columnId }) => columnId)).toEqual(['a', 'b']);
  expect(sortOf(two, 'b')).toBe('descending');
  expect(withSort(two, 'a', 'descending', true).sort[0]).toEqual({ columnId: 'a', descending: true });
  expect(withSort(two, 'c', 'ascending', false).sort).toHaveLength(1);
  expect(withSort(two, 'a', null, false).sort.map(({ columnId }) => columnId)).toEqual(['b']);
});

test('new rows stand behind the row that they were put behind; nothing else moves', () => {
  expect(reconcileOrder(['c', 'a'], ['a', 'b', 'c'], ['a', 'x', 'b', 'c'])).toEqual(['c', 'a', 'x']);
  expect(reconcileOrder(['c', 'a'], ['a', 'b', 'c'], ['a', 'b', 'x', 'c'])).toEqual(['c', 'a', 'x']);
  expect(reconcileOrder(['c', 'b'], ['a', 'b', 'c'], ['x', 'a', 'b', 'c'])).toEqual(['x', 'c', 'b']);
  expect(reconcileOrder(['c', 'a'], ['a', 'b', 'c'], ['a', 'b', 'c', 'x', 'y'])).toEqual(['c', 'a', 'x', 'y']);
  expect(reconcileOrder(['c', 'a'], ['a', 'b', 'c'], ['b', 'c'])).toEqual(['c']);
});

test('rows are sorted when the view changes, not when a cell does', () => {
  const order = createRowOrder();
  const values: Record<string, string> = { a: '3', b: '1', c: '2' };
  const input = {
    rowIds: ['a', 'b', 'c'],
    cell: (rowId: string) => values[rowId] ?? '',
    sort: [{ columnId: 'n', descending: false }],
    filters: {},
    rowFilter: undefined,
    applied: 0,
  };
  expect(order(input)).toEqual(['b', 'c', 'a']);
  values['b'] = '9';
  const same = order({ ...input });
  expect(same).toEqual(['b', 'c', 'a']);
  expect(order({ ...input })).toBe(same);
  expect(order({ ...input, rowIds: ['a', 'b', 'c', 'd'] })).toEqual(['b', 'c', 'a', 'd']);
  expect(order({ ...input, applied: 1 })).toEqual(['c', 'a', 'b']);
});

test('without a sort the rows follow the saved order, and a filtered row stays while it is edited', () => {
  const order = createRowOrder();
  const filters = { n: { values: ['x'], text: '' } };
  const values: Record<string, string> = { a: 'x', b: 'y', c: 'x' };
  const input = {
    rowIds: ['a', 'b', 'c'],
    cell: (id: string) => values[id] ?? '',
    sort: [],
    filters,
    rowFilter: undefined,
    applied: 0,
  };
  expect(order(input)).toEqual(['a', 'c']);
  values['a'] = 'z';
  expect(order({ ...input, rowIds: ['c', 'b', 'a'] })).toEqual(['c', 'a']);
  const plain = { ...input, filters: {} };
  const rowIds = ['b', 'a'];
  expect(order({ ...plain })).toBe(plain.rowIds);
  expect(order({ ...plain, rowIds })).toBe(rowIds);
});

test('hidden columns are left out; columns freeze up to one, also a hidden one', () => {
  const view = withHidden({ ...PLAIN_VIEW, frozenThrough: 'two' }, 'two', true);
  expect(visibleColumns(columns, view).map(({ id }) => id)).toEqual(['one', 'three', 'four']);
  expect(frozenCount(columns, view)).toBe(1);
  expect(frozenCount(columns, withHidden(view, 'two', false))).toBe(2);
  expect(frozenCount(columns, PLAIN_VIEW)).toBe(0);
  expect(visibleColumns(columns, PLAIN_VIEW)).toBe(columns);
});

test('a group is split where the frozen columns end', () => {
  expect(groupSpans(columns, 1)).toEqual([
    { group: 'A', start: 0, count: 1, frozen: true, continued: false },
    { group: 'A', start: 1, count: 2, frozen: false, continued: true },
    { group: 'B', start: 3, count: 1, frozen: false, continued: false },
  ]);
});

test('the texts of a column with their counts, blank first', () => {
  expect(distinctValues(ids, cell, 'type')).toEqual([
    { value: '', count: 1 },
    { value: 'api', count: 2 },
    { value: 'files', count: 1 },
  ]);
});
