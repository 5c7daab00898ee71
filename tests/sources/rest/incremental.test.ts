import { afterEach, describe, expect, test } from 'vitest';
import { instantOf } from '../../../engine/sources/rest/timestamps.ts';
import { formatWatermark, laggedFrom } from '../../../engine/sources/rest/watermark.ts';
import { type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { type JobValues, type ReadOptions, readApi } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

async function read(
  body: unknown,
  job: JobValues,
  incremental: NonNullable<NonNullable<ReadOptions['request']>['incremental']>,
) {
  api = await startRestApi({ '/orders': () => ({ body }) });
  return readApi(api.url, job, { request: { incremental } });
}

const stamped = (...values: unknown[]) => values.map((at, index) => ({ id: index + 1, meta: { at } }));

describe('incremental reads', () => {
  test('without a parameter everything is read and filtered by >=, with a notice', async () => {
    const result = await read(
      stamped('2024-01-01T00:00:00Z', '2024-01-02T01:00:00+02:00', '2024-01-03T00:00:00Z'),
      {},
      { column: 'meta.at', from: '2024-01-01T23:00:00Z' },
    );
    expect(result.rows.map(({ id }) => id)).toEqual(['2', '3']);
    expect(result.summary.watermark).toBe('2024-01-03T00:00:00Z');
    expect(result.warnings.map(({ code }) => code)).toContain('API_FULL_READ');
  });

  test("timestamps are compared as instants, the text is the API's own", async () => {
    const result = await read(
      stamped('2024-01-01T10:00:00+05:00', '2024-01-01T08:00:00Z', '2024-01-01'),
      {},
      { column: 'meta.at' },
    );
    expect(result.summary.watermark).toBe('2024-01-01T08:00:00Z');
  });

  test('numbers by value, also beyond 2^53, also as text', async () => {
    const numbers = await read(
      '[{"id":9007199254740993},{"id":9007199254740992},{"id":17}]',
      {},
      { column: 'id', from: '9007199254740992' },
    );
    expect(numbers.rows.map(({ id }) => id)).toEqual(['9007199254740993', '9007199254740992']);
    expect(numbers.summary.watermark).toBe('9007199254740993');
    await api?.close();
    const texts = await read([{ id: '99' }, { id: '100' }], {}, { column: 'id' });
    expect(texts.summary.watermark).toBe('100');
  });

  test('start and end parameters carry the bounds', async () => {
    const job: JobValues = {
      options: {
        params: { status: 'open' },
        incremental: { start_param: 'since', end_param: 'until', format: 'unix' },
      },
    };
    const result = await read(stamped('2024-01-02T00:00:00Z', '2024-01-03T00:00:00Z'), job, {
      column: 'meta.at',
      from: '2024-01-02',
      end: '2024-01-03',
      lag: { kind: 'duration', seconds: 3600 },
    });
    expect(api?.requests[0]?.url).toBe('/orders?status=open&since=1704150000&until=1704240000');
    expect(result.rows.map(({ id }) => id)).toEqual(['1']);
    expect(result.warnings).toEqual([]);
  });

  test.each(['exclude', 'include', 'raise'] as const)('null watermarks: %s', async (nullWatermarks) => {
    const reading = read([{ id: 1, at: null }, { id: 2 }, { id: 3, at: 5 }], {}, { column: 'at', nullWatermarks });
    if (nullWatermarks === 'raise') {
      await expect(reading).rejects.toMatchObject({
        code: 'NULL_WATERMARK',
        message: expect.stringContaining('page 1, record 1'),
      });
      return;
    }
    const result = await reading;
    expect(result.rows.map(({ id }) => id)).toEqual(nullWatermarks === 'include' ? ['1', '2', '3'] : ['3']);
    expect(result.warnings.map(({ code }) => code)).toEqual(
      nullWatermarks === 'include' ? [] : ['NULL_WATERMARKS_EXCLUDED'],
    );
  });

  test('values of two kinds have no order', async () => {
    await expect(read([{ at: 5 }, { at: '2024-01-01' }], {}, { column: 'at' })).rejects.toMatchObject({
      code: 'API_WATERMARK_MIXED',
      message: expect.stringContaining('record 2'),
    });
    await api?.close();
    await expect(read([{ at: { x: 1 } }], {}, { column: 'at' })).rejects.toMatchObject({
      code: 'API_WATERMARK_INVALID',
    });
  });

  test('no rows, no watermark', async () => {
    const result = await read([], {}, { column: 'at', from: '5' });
    expect(result.summary.watermark).toBeNull();
    expect(result.columns).toEqual([]);
  });
});

test.each([
  ['2024-01-02', { kind: 'duration', seconds: 86_400 }, '2024-01-01'],
  ['2024-01-02', { kind: 'duration', seconds: 3600 }, '2024-01-01T23:00:00'],
  ['2024-03-01 00:30:00.123456+02:00', { kind: 'duration', seconds: 3600 }, '2024-02-29 23:30:00.123456+02:00'],
  ['100', { kind: 'number', value: '0.5' }, '99.5'],
  ['9007199254740993', { kind: 'number', value: '1' }, '9007199254740992'],
  ['0.5', { kind: 'number', value: '1' }, '-0.5'],
] as const)('%s minus %j is %s', (from, lag, expected) => {
  expect(laggedFrom({ column: 'at', from, lag })).toBe(expected);
});

test('a lag must fit the watermark', () => {
  expect(() => laggedFrom({ column: 'at', from: '17', lag: { kind: 'duration', seconds: 1 } })).toThrow(
    /no ISO timestamp/,
  );
  expect(() => laggedFrom({ column: 'at', from: 'abc', lag: { kind: 'number', value: '1' } })).toThrow(/is a number/);
});

test('formats of the bound', () => {
  const text = '2024-01-02T03:04:05.678Z';
  expect(['source', 'unix', 'unix_ms', 'date', 'iso'].map((format) => formatWatermark(text, format))).toEqual([
    text,
    '1704164645',
    '1704164645678',
    '2024-01-02',
    text,
  ]);
  expect(() => formatWatermark(text, '%Y')).toThrow(/not known/);
  expect(() => formatWatermark('17', 'unix')).toThrow(/no ISO timestamp/);
});

test.each([
  ['2024-01-31T10:00:59Z', 1_706_695_259_000_000_000n],
  ['2024-01-31 10:00:59Z', 1_706_695_259_000_000_000n],
  ['2024-01-31T10:00:59.007Z', 1_706_695_259_007_000_000n],
  ['2024-01-31T10:00:59.007001Z', 1_706_695_259_007_001_000n],
  ['2024-01-31T12:00:59.007+02:00', 1_706_695_259_007_000_000n],
  ['2024-01-31T10:00:59+0000', 1_706_695_259_000_000_000n],
  ['1969-12-31T23:59:59.999Z', -1_000_000n],
  ['0099-01-01T00:00:00Z', -59_042_995_200_000_000_000n],
  ['2024-02-30T10:00:59Z', null],
  ['2024-01-31T10:00:5xZ', null],
])('%s is so many nanoseconds', (text, instant) => {
  expect(instantOf(text)).toBe(instant);
});
