import { expect, test } from 'vitest';
import {
  clampSelection,
  cycle,
  type Extent,
  edge,
  moveTo,
  type Position,
  rectangle,
  type Selection,
  selectAll,
  selectColumns,
  selectRows,
  single,
  step,
  toWholeColumns,
  toWholeRows,
} from '../../renderer/grid/selection.ts';

const extent: Extent = { rows: 10, columns: 5 };
const at = (row: number, column: number): Position => ({ row, column });
const range = (top: number, left: number, bottom: number, right: number): Selection => ({
  anchor: at(top, left),
  head: at(bottom, right),
  active: at(top, left),
  whole: null,
});

test('an arrow moves one cell and stops at the edge', () => {
  expect(step(single(at(0, 0)), 'down', extent, false)).toEqual(single(at(1, 0)));
  expect(step(single(at(0, 0)), 'up', extent, false)).toEqual(single(at(0, 0)));
  expect(step(single(at(9, 4)), 'right', extent, false)).toEqual(single(at(9, 4)));
});

test('Shift moves the head only; the active cell stays', () => {
  const grown = step(step(single(at(2, 2)), 'down', extent, true), 'left', extent, true);
  expect(rectangle(grown)).toEqual({ top: 2, bottom: 3, left: 1, right: 2 });
  expect(grown.active).toEqual(at(2, 2));
  expect(step(grown, 'down', extent, false)).toEqual(single(at(3, 2)));
});

test.each([
  ['within a run to its end', at(0, 0), 'down', at(2, 0)],
  ['from the end of a run to the next one', at(2, 0), 'down', at(5, 0)],
  ['from a blank to the next filled cell', at(3, 0), 'down', at(5, 0)],
  ['past the last filled one to the edge', at(6, 0), 'down', at(9, 0)],
  ['back up', at(9, 0), 'up', at(6, 0)],
  ['along a blank row to the edge', at(4, 1), 'right', at(4, 4)],
  ['at the edge it stays', at(0, 0), 'up', at(0, 0)],
] as const)('Ctrl+arrow: %s', (_what, from, direction, to) => {
  const filled = new Set([0, 1, 2, 5, 6]);
  expect(edge(from, direction, extent, ({ row, column }) => column === 0 && filled.has(row))).toEqual(to);
});

test('whole rows stay whole while they grow, and columns too', () => {
  const rows = moveTo(selectRows(3, 3, extent), at(5, 1), extent, true);
  expect(rectangle(rows)).toEqual({ top: 3, bottom: 5, left: 0, right: 4 });
  const columns = moveTo(selectColumns(1, 1, extent), at(4, 3), extent, true);
  expect(rectangle(columns)).toEqual({ top: 0, bottom: 9, left: 1, right: 3 });
  expect(rectangle(toWholeRows(range(2, 1, 3, 2), extent))).toEqual({ top: 2, bottom: 3, left: 0, right: 4 });
  expect(rectangle(toWholeColumns(range(2, 1, 3, 2), extent))).toEqual({ top: 0, bottom: 9, left: 1, right: 2 });
});

test('select all keeps the active cell', () => {
  const all = selectAll(single(at(4, 2)), extent);
  expect(rectangle(all)).toEqual({ top: 0, bottom: 9, left: 0, right: 4 });
  expect(all.active).toEqual(at(4, 2));
});

test('Tab goes on in the next row, Shift+Tab back, and stops at both ends', () => {
  expect(cycle(single(at(0, 4)), 'tab', false, extent)).toEqual(single(at(1, 0)));
  expect(cycle(single(at(1, 0)), 'tab', true, extent)).toEqual(single(at(0, 4)));
  expect(cycle(single(at(9, 4)), 'tab', false, extent)).toEqual(single(at(9, 4)));
  expect(cycle(single(at(0, 0)), 'tab', true, extent)).toEqual(single(at(0, 0)));
});

test('inside a range Enter goes down columns and Tab along rows, round and round', () => {
  let selection = range(1, 1, 2, 2);
  const seen = (by: 'enter' | 'tab', backwards = false) => {
    selection = cycle(selection, by, backwards, extent);
    return [selection.active.row, selection.active.column];
  };
  expect([seen('enter'), seen('enter'), seen('enter'), seen('enter')]).toEqual([
    [2, 1],
    [1, 2],
    [2, 2],
    [1, 1],
  ]);
  expect([seen('tab'), seen('tab'), seen('tab'), seen('tab')]).toEqual([
    [1, 2],
    [2, 1],
    [2, 2],
    [1, 1],
  ]);
  expect(seen('tab', true)).toEqual([2, 2]);
  expect(rectangle(selection)).toEqual({ top: 1, bottom: 2, left: 1, right: 2 });
});

test('a selection survives rows and columns that go', () => {
  const clamped = clampSelection(range(7, 3, 9, 4), { rows: 8, columns: 4 });
  expect(rectangle(clamped)).toEqual({ top: 7, bottom: 7, left: 3, right: 3 });
  expect(clampSelection(range(7, 3, 9, 4), { rows: 0, columns: 0 }).active).toEqual(at(0, 0));
});
