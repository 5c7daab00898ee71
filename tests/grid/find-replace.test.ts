import { expect, test } from 'vitest';
import {
  type FindQuery,
  findAll,
  matchIndex,
  nextMatch,
  replaceText,
  searchableRange,
} from '../../renderer/grid/find-replace.ts';

const CELLS = [
  ['Orders', 'orders_2', ''],
  ['a.b', 'ORDERS', 'x'],
];
const extent = { rows: 2, columns: 3 };
const query = (text: string, more: Partial<FindQuery> = {}): FindQuery => ({
  text,
  matchCase: false,
  wholeCell: false,
  within: null,
  ...more,
});
const places = (wanted: FindQuery) =>
  findAll(wanted, extent, ({ row, column }) => CELLS[row]?.[column] ?? '').map(({ row, column }) => `${row}${column}`);

test('finds in any case, row by row', () => {
  expect(places(query('orders'))).toEqual(['00', '01', '11']);
  expect(places(query('orders', { matchCase: true }))).toEqual(['01']);
  expect(places(query('orders', { wholeCell: true }))).toEqual(['00', '11']);
  expect(places(query('.'))).toEqual(['10']);
  expect(places(query(''))).toEqual([]);
  expect(places(query('orders', { within: { top: 0, bottom: 1, left: 1, right: 2 } }))).toEqual(['01', '11']);
});

test('goes round in both directions', () => {
  const found = findAll(query('orders'), extent, ({ row, column }) => CELLS[row]?.[column] ?? '');
  expect(nextMatch(found, { row: 0, column: 1 }, false)).toBe(2);
  expect(nextMatch(found, { row: 1, column: 1 }, false)).toBe(0);
  expect(nextMatch(found, { row: 0, column: 0 }, true)).toBe(2);
  expect(nextMatch([], { row: 0, column: 0 }, false)).toBe(-1);
  expect(matchIndex(found, { row: 0, column: 1 })).toBe(1);
  expect(matchIndex(found, { row: 1, column: 0 })).toBe(-1);
});

test('replaces every match in a cell, as text', () => {
  expect(replaceText('a.b.A', '$&', query('a'))).toBe('$&.b.$&');
  expect(replaceText('a.b.A', 'x', query('a', { matchCase: true }))).toBe('x.b.A');
  expect(replaceText('a.b', '-', query('.'))).toBe('a-b');
  expect(replaceText('orders_2', 'x', query('orders', { wholeCell: true }))).toBe('orders_2');
  expect(replaceText('Orders', 'x', query('orders', { wholeCell: true }))).toBe('x');
  expect(replaceText('abc', 'x', query(''))).toBe('abc');
});

test('one cell is no range to search in', () => {
  expect(searchableRange({ top: 1, bottom: 1, left: 1, right: 1 })).toBeNull();
  expect(searchableRange({ top: 1, bottom: 2, left: 1, right: 1 })).not.toBeNull();
});
