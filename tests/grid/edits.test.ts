import { expect, test } from 'vitest';
import {
  clearRange,
  duplicateRows,
  fillByHandle,
  fillRange,
  fillTarget,
  insertRows,
  moveRows,
  pasteBlock,
  type Sheet,
  toggleFlags,
} from '../../renderer/grid/edits.ts';
import type { GridColumn, GridEdit } from '../../renderer/grid/grid-types.ts';
import type { Selection } from '../../renderer/grid/selection.ts';

function sheetOf(texts: string[][], more: Partial<GridColumn>[] = []): Sheet {
  const width = texts[0]?.length ?? 0;
  return {
    rowIds: texts.map((_, index) => `r${index}`),
    columns: Array.from({ length: width }, (_, index) => ({ id: `c${index}`, width: 100, ...more[index] })),
    cell: (rowId, columnId) => texts[Number(rowId.slice(1))]?.[Number(columnId.slice(1))] ?? '',
  };
}
const range = (top: number, left: number, bottom = top, right = left): Selection => ({
  anchor: { row: top, column: left },
  head: { row: bottom, column: right },
  active: { row: top, column: left },
  whole: null,
});
/** `r0c1=x` for every cell that an edit sets. */
const sets = (edit: GridEdit | null) =>
  (edit?.operations ?? []).flatMap((operation) =>
    operation.type === 'set' ? operation.cells.map(({ rowId, columnId, value }) => `${rowId}${columnId}=${value}`) : [],
  );
const ids = () => {
  let next = 0;
  return () => `n${next++}`;
};
const blank = (rows: number, columns: number) => sheetOf(Array.from({ length: rows }, () => Array(columns).fill('')));

test('one value fills the range', () => {
  expect(sets(pasteBlock(blank(3, 2), range(0, 0, 2, 0), [['x']], ids()).edit)).toEqual(['r0c0=x', 'r1c0=x', 'r2c0=x']);
});

test('a block repeats over a multiple of itself, and only then', () => {
  const sheet = blank(6, 2);
  expect(sets(pasteBlock(sheet, range(0, 0, 3, 0), [['a'], ['b']], ids()).edit)).toEqual([
    'r0c0=a',
    'r1c0=b',
    'r2c0=a',
    'r3c0=b',
  ]);
  expect(sets(pasteBlock(sheet, range(0, 0, 2, 0), [['a'], ['b']], ids()).edit)).toEqual(['r0c0=a', 'r1c0=b']);
  expect(sets(pasteBlock(sheet, range(0, 0, 1, 1), [['a'], ['b']], ids()).edit)).toEqual([
    'r0c0=a',
    'r0c1=a',
    'r1c0=b',
    'r1c1=b',
  ]);
});

test('rows are added past the end in the same step; columns past the edge are counted', () => {
  const plan = pasteBlock(
    blank(2, 2),
    range(1, 1),
    [
      ['a', 'lost'],
      ['b', 'lost'],
    ],
    ids(),
  );
  expect(plan.edit).toEqual({
    label: 'Paste 2 cells',
    operations: [
      { type: 'set', cells: [{ rowId: 'r1', columnId: 'c1', value: 'a' }] },
      { type: 'insert', rows: [{ id: 'n0', values: { c1: 'b' } }], before: null },
    ],
  });
  expect(plan.lostColumns).toBe(1);
  expect(plan.pasted).toEqual({ top: 1, bottom: 2, left: 1, right: 1 });
});

test('a short row leaves the cells that it lacks; read-only columns and equal texts are left alone', () => {
  const sheet = sheetOf(
    [
      ['', 'keep'],
      ['', ''],
    ],
    [{}, {}],
  );
  expect(sets(pasteBlock(sheet, range(0, 0), [['a'], ['b', 'c']], ids()).edit)).toEqual(['r0c0=a', 'r1c0=b', 'r1c1=c']);
  expect(pasteBlock(sheet, range(0, 1), [['keep']], ids()).edit).toBeNull();
  const fixed = sheetOf([['', '']], [{ readOnly: true }, {}]);
  expect(sets(pasteBlock(fixed, range(0, 0), [['a', 'b']], ids()).edit)).toEqual(['r0c1=b']);
});

test('Ctrl+D takes the first row of a range, of one row the row above it', () => {
  const sheet = sheetOf([
    ['a', 'b'],
    ['', ''],
    ['', ''],
  ]);
  expect(sets(fillRange(sheet, { top: 0, bottom: 2, left: 0, right: 1 }, 'down'))).toEqual([
    'r1c0=a',
    'r1c1=b',
    'r2c0=a',
    'r2c1=b',
  ]);
  expect(sets(fillRange(sheet, { top: 1, bottom: 1, left: 1, right: 1 }, 'down'))).toEqual(['r1c1=b']);
  expect(fillRange(sheet, { top: 0, bottom: 0, left: 0, right: 0 }, 'down')).toBeNull();
  expect(sets(fillRange(sheet, { top: 0, bottom: 0, left: 0, right: 1 }, 'right'))).toEqual(['r0c1=a']);
});

test('the fill handle goes the longer way, in four directions', () => {
  const source = { top: 2, bottom: 3, left: 2, right: 3 };
  expect(fillTarget(source, 5, 4)).toEqual({ top: 4, bottom: 5, left: 2, right: 3 });
  expect(fillTarget(source, 0, 3)).toEqual({ top: 0, bottom: 1, left: 2, right: 3 });
  expect(fillTarget(source, 3, 5)).toEqual({ top: 2, bottom: 3, left: 4, right: 5 });
  expect(fillTarget(source, 2, 0)).toEqual({ top: 2, bottom: 3, left: 0, right: 1 });
  expect(fillTarget(source, 3, 2)).toBeNull();
});

test('the fill handle writes series, column by column', () => {
  const sheet = sheetOf([
    ['t1', 'x'],
    ['t2', 'y'],
    ['', ''],
    ['', ''],
    ['', ''],
  ]);
  const source = { top: 0, bottom: 1, left: 0, right: 1 };
  expect(sets(fillByHandle(sheet, source, { ...source, top: 2, bottom: 4 }, false))).toEqual([
    'r2c0=t3',
    'r2c1=x',
    'r3c0=t4',
    'r3c1=y',
    'r4c0=t5',
    'r4c1=x',
  ]);
  const upwards = sheetOf([
    ['', ''],
    ['', ''],
    ['t5', ''],
    ['', ''],
  ]);
  const one = { top: 2, bottom: 2, left: 0, right: 0 };
  expect(sets(fillByHandle(upwards, one, { ...one, top: 0, bottom: 1 }, false))).toEqual(['r0c0=t3', 'r1c0=t4']);
  expect(sets(fillByHandle(upwards, one, { ...one, left: 1, right: 1 }, true))).toEqual(['r2c1=t5']);
});

test('clearing what is blank is no edit', () => {
  expect(clearRange(blank(2, 2), { top: 0, bottom: 1, left: 0, right: 1 })).toBeNull();
});

test('rows move before one that stays, and moving them nowhere is no edit', () => {
  const saved = ['a', 'b', 'c', 'd'];
  expect(moveRows(saved, ['a', 'b'], 'd')?.operations).toEqual([{ type: 'move', rowIds: ['a', 'b'], before: 'd' }]);
  expect(moveRows(saved, ['d'], 'a')?.label).toBe('Move 1 row');
  expect(moveRows(saved, ['a', 'b'], 'b')).toBeNull();
  expect(moveRows(saved, ['a'], 'b')).toBeNull();
  expect(moveRows(saved, ['d'], null)).toBeNull();
  expect(moveRows(saved, ['a'], null)?.operations).toEqual([{ type: 'move', rowIds: ['a'], before: null }]);
});

test('inserted rows are blank, duplicates say what they copy', () => {
  expect(insertRows('b', ['n0', 'n1'])).toEqual({
    label: 'Insert 2 rows',
    operations: [
      {
        type: 'insert',
        before: 'b',
        rows: [
          { id: 'n0', values: {} },
          { id: 'n1', values: {} },
        ],
      },
    ],
  });
  expect(duplicateRows(['a'], null, ids()).operations).toEqual([
    { type: 'insert', before: null, rows: [{ id: 'n0', values: {}, copyOf: 'a' }] },
  ]);
});

test('Space gives every check box of the range the opposite of the active one', () => {
  const flag = {
    editor: {
      kind: 'flag' as const,
      on: 'Y',
      off: 'N',
      checked: (text: string) => (text === '' ? null : text === 'Y'),
    },
  };
  const sheet = sheetOf(
    [
      ['Y', 'a'],
      ['N', 'b'],
      ['', 'c'],
    ],
    [flag],
  );
  expect(sets(toggleFlags(sheet, range(0, 0, 2, 1)))).toEqual(['r0c0=N', 'r2c0=N']);
  expect(sets(toggleFlags(sheet, range(2, 0)))).toEqual(['r2c0=Y']);
  expect(toggleFlags(sheet, range(0, 1))).toBeNull();
});
