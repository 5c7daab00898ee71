import { expect, test } from 'vitest';
import {
  autoscrollSpeed,
  columnAt,
  contentWidth,
  frozenEdge,
  layoutOf,
  rowAt,
  scrollInto,
} from '../../renderer/grid/geometry.ts';
import { filterOptions, optionsOf, proposedOption, searchOf, withListValue } from '../../renderer/grid/options.ts';

const layout = layoutOf([100, 100, 100, 100], 1, 46);

test('columns lie behind the gutter; frozen ones do not scroll', () => {
  expect([contentWidth(layout), frozenEdge(layout)]).toEqual([452, 152]);
  expect([10, 60, 151, 152, 252].map((x) => columnAt(layout, x, 0))).toEqual([-1, 0, 0, 1, 2]);
  expect([60, 152].map((x) => columnAt(layout, x, 100))).toEqual([0, 2]);
  expect(columnAt(layout, 9999, 0)).toBe(3);
});

test('rows lie under the header', () => {
  expect([45, 46, 69, 70].map((y) => rowAt(layout, y, 0))).toEqual([-1, 0, 0, 1]);
  expect(rowAt(layout, 46, 240)).toBe(10);
});

test('scrolls just enough to show a cell clear of header and frozen columns', () => {
  const viewport = { scrollLeft: 0, scrollTop: 0, width: 300, height: 46 + 240 };
  expect(scrollInto(layout, { row: 3, column: 1 }, viewport)).toEqual({ left: 0, top: 0 });
  expect(scrollInto(layout, { row: 10, column: 2 }, viewport)).toEqual({ left: 52, top: 24 });
  expect(scrollInto(layout, { row: 2, column: 1 }, { ...viewport, scrollLeft: 100, scrollTop: 100 })).toEqual({
    left: 0,
    top: 48,
  });
  expect(scrollInto(layout, { row: 5, column: 0 }, { ...viewport, scrollLeft: 100 }).left).toBe(100);
});

test('a drag scrolls faster the further out it is', () => {
  expect(autoscrollSpeed(200, 100, 300)).toBe(0);
  expect(autoscrollSpeed(299, 100, 300)).toBeGreaterThan(0);
  expect(autoscrollSpeed(400, 100, 300)).toBeGreaterThan(autoscrollSpeed(310, 100, 300));
  expect(autoscrollSpeed(90, 100, 300)).toBeLessThan(0);
});

test('options that begin with the text come first; only a closed list proposes one', () => {
  const options = ['reappend', 'append', 'replace'].map((value) => ({ value }));
  expect(filterOptions(options, 'APP').map(({ value }) => value)).toEqual(['append', 'reappend']);
  expect(filterOptions(options, ' ')).toBe(options);
  expect(proposedOption('choice', filterOptions(options, 'app'), 'app')).toBe(0);
  expect(proposedOption('choice', filterOptions(options, 'ppen'), 'ppen')).toBe(-1);
  expect(proposedOption('suggest', filterOptions(options, 'app'), 'app')).toBe(-1);
  expect(optionsOf({ kind: 'suggest', options: (rowId) => [{ value: rowId }] }, 'r1')).toEqual([{ value: 'r1' }]);
  expect(optionsOf({ kind: 'text' }, 'r1')).toEqual([]);
});

test('a value of a list goes in or out; what was typed to find it goes', () => {
  const list = { kind: 'list', options: () => [] } as const;
  expect(searchOf(list, 'order_id, li').trim()).toBe('li');
  expect(searchOf({ kind: 'text' }, 'a, b')).toBe('a, b');
  expect(withListValue('order_id, li', 'line', true)).toBe('order_id, line');
  expect(withListValue('order_id,line', 'sku', false)).toBe('order_id, line, sku');
  expect(withListValue('order_id, line', 'order_id', false)).toBe('line');
  expect(withListValue('', 'line', false)).toBe('line');
});
