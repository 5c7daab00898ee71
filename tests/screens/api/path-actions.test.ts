import { describe, expect, test } from 'vitest';
import type { PathStep } from '../../../engine/spec/path-text.ts';
import { initiallyOpen, jsonRows } from '../../../renderer/screens/api/json-rows.ts';
import {
  fieldSteps,
  type PickedValue,
  pathActions,
  plainSteps,
  recordIndex,
  shownPath,
} from '../../../renderer/screens/api/path-actions.ts';

const labels = (picked: PickedValue, key = '') => pathActions(picked, key).map(({ label }) => label);
const changes = (picked: PickedValue, key = '') =>
  pathActions(picked, key).map(({ change }) => ({ ...change.cells, ...change.options }));

describe('a clicked value', () => {
  test('of a record: incremental field first where it is a time, else the key', () => {
    const at = { steps: ['data', 3, 'created'], value: 1_763_769_600, field: ['created'] };
    expect(changes(at)).toEqual([
      { watermark_column: 'created' },
      { primary_key: 'created' },
      { pagination_type: 'cursor', cursor_path: 'data[-1].created' },
    ]);
    const key = { steps: ['data', 0, 'line no'], value: 2, field: ['line no'] };
    expect(changes(key, 'order_id')[0]).toEqual({ primary_key: "$['line no']" });
    expect(changes(key, 'order_id')[2]).toEqual({ primary_key: "order_id, $['line no']" });
  });

  test('outside of records', () => {
    const top = (name: string, value: unknown) => ({ steps: [name], value, field: null });
    expect(changes(top('total', 12))[0]).toEqual({ total_path: 'total' });
    expect(changes(top('next', 'https://a/b'))[0]).toEqual({ pagination_type: 'json_link', next_url_path: 'next' });
    expect(changes(top('odata.cursor', 'abc'))[0]).toEqual({
      pagination_type: 'cursor',
      cursor_path: "$['odata.cursor']",
    });
    expect(changes(top('has_more', true))).toEqual([{ has_more_path: 'has_more' }]);
    expect(labels(top('data', []))).toEqual(['Use as data selector']);
    expect(labels({ steps: [], value: {}, field: null })).toEqual([]);
    expect(labels({ steps: ['data', 1], value: {}, field: [] })).toEqual([]);
  });

  test.each<[string, PathStep[] | null]>([
    ['data.items', ['data', 'items']],
    ["$.data['a b'][0]", ['data', 'a b', 0]],
    ['$', []],
    ['data[*]', ['data']],
    ['$..x', null],
    ['data[?(@.x)]', null],
  ])('the selector %s', (path, steps) => expect(plainSteps(path)).toEqual(steps));

  test('lies in a record, or beside it', () => {
    expect(fieldSteps(['data', 2, 'a', 'b'], ['data'])).toEqual(['a', 'b']);
    expect(fieldSteps([2, 'a'], [])).toEqual(['a']);
    expect(fieldSteps(['meta', 'a'], ['data'])).toBeNull();
    expect(fieldSteps(['data'], ['data'])).toBeNull();
    expect(shownPath(['data', 2, 'a b'])).toBe("$.data[2]['a b']");
  });

  test('a record that is not in its own place is found', () => {
    expect(recordIndex([{ id: 1 }, { id: 2 }], { id: 2 }, 0)).toBe(1);
    expect(recordIndex([{ id: 1 }], { id: 9 }, 0)).toBe(0);
    expect(recordIndex(undefined, { id: 9 }, 4)).toBe(4);
  });
});

describe('the tree', () => {
  const body = {
    value: { data: Array.from({ length: 300 }, (_unused, id) => ({ id })), total: '12345678901234567890', text: 'abc' },
    cuts: {
      '/data': { kind: 'list' as const, total: 9000 },
      '/total': { kind: 'number' as const },
      '/text': { kind: 'text' as const, total: 99 },
    },
  };

  test('draws what is open, and says what was cut', () => {
    const closed = jsonRows(body, new Set(['']));
    expect(closed.map(({ name, kind, count }) => [name, kind, count])).toEqual([
      [null, 'object', 3],
      ['data', 'list', 9000],
      ['total', 'number', 0],
      ['text', 'text', 99],
    ]);
    const opened = jsonRows(body, new Set(['', '/data']));
    expect(opened).toHaveLength(305);
    expect(opened[302]).toMatchObject({ kind: 'more', count: 8700 });
  });

  test('long lists are closed at first', () => {
    expect(initiallyOpen(body).has('/data')).toBe(false);
    expect(initiallyOpen({ value: { data: [{}], page: {} }, cuts: {} })).toEqual(
      new Set(['', '/data', '/data/0', '/page']),
    );
    expect(initiallyOpen({ value: 3, cuts: {} })).toEqual(new Set(['']));
  });
});
