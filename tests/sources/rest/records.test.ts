import { afterEach, describe, expect, test } from 'vitest';
import { type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { type JobValues, type ReadOptions, readApi } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

/** Reads one page whose body is this text (or value). */
async function read(body: unknown, job: JobValues = {}, options: ReadOptions = {}) {
  api = await startRestApi({ '/orders': () => ({ body }) });
  return readApi(api.url, job, options);
}

const types = (result: { columns: { name: string; landedType: string }[] }) =>
  Object.fromEntries(result.columns.map(({ name, landedType }) => [name, landedType]));

describe('exact values', () => {
  test('integers beyond 2^53 and beyond 64 bits keep their digits', async () => {
    const result = await read('[{"a":9007199254740993,"b":12345678901234567890123},{"a":-9223372036854775808,"b":1}]');
    expect(types(result)).toEqual({ a: 'BIGINT', b: 'DECIMAL(38,0)' });
    expect(result.rows).toEqual([
      { a: '9007199254740993', b: '12345678901234567890123' },
      { a: '-9223372036854775808', b: '1' },
    ]);
  });

  test('decimals beyond 15 digits make the column DECIMAL, other values in it exact too', async () => {
    const result = await read(
      '[{"a":0.1,"d":0.1},{"a":12345678901234567.12,"d":0.30000000000000004},{"a":5e-7,"d":1}]',
    );
    expect(types(result)).toEqual({ a: 'DECIMAL(38,9)', d: 'DOUBLE' });
    expect(result.rows.map(({ a }) => a)).toEqual(['0.100000000', '12345678901234567.120000000', '0.000000500']);
    expect(result.rows.map(({ d }) => d)).toEqual([0.1, 0.30000000000000004, 1]);
  });

  test('digits that no DECIMAL holds stay text, with a warning', async () => {
    const result = await read('[{"a":1e400},{"a":0.12345678901234567890123456789012345678901},{"a":2}]');
    expect(types(result)).toEqual({ a: 'VARCHAR' });
    expect(result.rows.map(({ a }) => a)).toEqual(['1e400', '0.12345678901234567890123456789012345678901', '2']);
    expect(result.warnings.map(({ code }) => code)).toEqual(['API_NUMBER_AS_TEXT']);
  });

  test('a number beyond the range of a double is refused, not turned into null', async () => {
    await expect(read('[{"o":{"a":1e400}}]')).rejects.toMatchObject({
      code: 'API_NUMBER_TOO_LARGE',
      message: expect.stringContaining('o.a'),
    });
  });

  test('exact numbers in nested places and in JSON', async () => {
    const result = await read(
      '[{"o":{"n":[1,12345678901234567890]},"j":{"x":0.1234567890123456789}},{"o":null,"j":"text"}]',
    );
    expect(types(result)).toEqual({ o: 'STRUCT("n" DECIMAL(38,0)[])', j: 'VARCHAR' });
    expect(result.rows[0]).toEqual({ o: { n: ['1', '12345678901234567890'] }, j: '{"x":0.1234567890123456789}' });
    expect(result.rows[1]?.j).toBe('"text"');
  });

  test('texts that look like numbers stay texts', async () => {
    const result = await read([{ id: '007', card: '4111111111111111', at: '20240101' }]);
    expect(types(result)).toEqual({ id: 'VARCHAR', card: 'VARCHAR', at: 'VARCHAR' });
    expect(result.rows).toEqual([{ id: '007', card: '4111111111111111', at: '20240101' }]);
  });

  test('a lone surrogate becomes U+FFFD, whole pairs and zero characters stay', async () => {
    const result = await read('[{"a":"x\\ud800y","b":"\\ud83d\\ude00","c":"n\\u0000l","d":"\u2028"}]');
    expect(result.rows).toEqual([{ a: 'x\ufffdy', b: '😀', c: 'n\0l', d: '\u2028' }]);
  });
});

describe('types', () => {
  test.each([
    [['2024-02-29', '0001-01-01'], 'DATE', ['2024-02-29', '0001-01-01']],
    [['2023-02-29', '2024-01-01'], 'VARCHAR', ['2023-02-29', '2024-01-01']],
    [
      ['2024-01-31T10:00:00', '2024-01-31 10:00:00.123456'],
      'TIMESTAMP',
      ['2024-01-31 10:00:00', '2024-01-31 10:00:00.123456'],
    ],
    [
      ['2024-01-31T10:00:00Z', '2024-01-31T10:00:00.5Z'],
      'TIMESTAMP WITH TIME ZONE',
      ['2024-01-31 10:00:00+00', '2024-01-31 10:00:00.5+00'],
    ],
    [['2024-01-31T10:00Z'], 'VARCHAR', ['2024-01-31T10:00Z']],
    [['2024-01-31T10:00:00.1234567Z'], 'VARCHAR', ['2024-01-31T10:00:00.1234567Z']],
    [['2024-01-31T10:00:00.1234560Z'], 'TIMESTAMP WITH TIME ZONE', ['2024-01-31 10:00:00.123456+00']],
    [['2024-01-31', '2024-01-31T10:00:00'], 'VARCHAR', ['2024-01-31', '2024-01-31T10:00:00']],
    [['2024-01-31', ''], 'VARCHAR', ['2024-01-31', '']],
    [['2024-01-31', 20240131], 'VARCHAR', ['2024-01-31', '20240131']],
    [[true, null], 'BOOLEAN', [true, null]],
    [[1, 2.5], 'DOUBLE', [1, 2.5]],
    [[1, 'x', true], 'VARCHAR', ['1', 'x', 'true']],
    [[1e22, 1], 'DOUBLE', [1e22, 1]],
    [[{ b: 1 }, 'x', [1], 5], 'JSON', ['{"b":1}', '"x"', '[1]', '5']],
    [[[1, 'x'], []], 'VARCHAR[]', [['1', 'x'], []]],
    [[[{ b: 1 }, 2]], 'JSON[]', [['{"b":1}', '2']]],
    [[null, null], 'NULL', [null, null]],
    [[{}, { b: null }], 'NULL', [null, null]],
    [[[], [null]], 'NULL', [null, null]],
  ])('%j is %s', async (values, type, expected) => {
    const result = await read(values.map((value, id) => ({ id, value })));
    expect(types(result).value).toBe(type);
    expect(result.rows.map(({ value }) => value)).toEqual(expected);
  });

  test('offsets are folded into UTC with one warning', async () => {
    const result = await read([{ at: '2024-01-31T10:00:00+02:00' }, { at: '2024-01-31T10:00:00-0530' }]);
    expect(result.rows.map(({ at }) => at)).toEqual(['2024-01-31 08:00:00+00', '2024-01-31 15:30:00+00']);
    expect(result.warnings).toMatchObject([{ code: 'OFFSET_FOLDED', column: 'at' }]);
  });

  test('keys that come and go, odd names, nested lists of objects', async () => {
    const result = await read([
      { 'a b': 1 },
      { 'it\'s "x"': { 'c.d': [{ e: 1 }, null, {}] }, '': 5 },
      { __proto__x: 'y' },
    ]);
    expect(types(result)).toEqual({
      'a b': 'BIGINT',
      'it\'s "x"': 'STRUCT("c.d" STRUCT("e" BIGINT)[])',
      _: 'BIGINT',
      __proto__x: 'VARCHAR',
    });
    expect(result.rows[1]).toEqual({
      'a b': null,
      'it\'s "x"': { 'c.d': [{ e: '1' }, null, { e: null }] },
      _: '5',
      __proto__x: null,
    });
  });

  test('keys that differ by case only are an error that names both', async () => {
    await expect(read([{ Id: 1 }, { id: 2 }])).rejects.toMatchObject({
      code: 'API_FIELDS_COLLIDE',
      message: expect.stringMatching(/"Id" and "id"/),
    });
    await api?.close();
    await expect(read([{ o: { A: 1, a: 2 } }])).rejects.toMatchObject({ hint: expect.stringContaining('o: json') });
    await api?.close();
    const opaque = await read([{ o: { A: 1, a: 2 } }], { column_types: { o: 'json' } });
    expect(opaque.rows).toEqual([{ o: '{"A":1,"a":2}' }]);
  });

  test("column_types: the segment carries the API's text, the column lands as asked", async () => {
    const result = await read('[{"n":0.155,"big":12345678901234567890,"o":{"x":1},"same":1}]', {
      column_types: { n: 'decimal(10,3)', big: 'varchar', o: 'varchar', same: 'bigint' },
    });
    expect(result.columns.map(({ name, segmentType, landedType }) => [name, segmentType, landedType])).toEqual([
      ['n', 'VARCHAR', 'DECIMAL(10,3)'],
      ['big', 'VARCHAR', 'VARCHAR'],
      ['o', 'VARCHAR', 'VARCHAR'],
      ['same', 'BIGINT', 'BIGINT'],
    ]);
    expect(result.rows).toEqual([{ n: '0.155', big: '12345678901234567890', o: '{"x":1}', same: '1' }]);
  });

  test('portable types know no JSON', async () => {
    const result = await read([{ a: 1 }, { a: { b: 1 } }], {}, { request: { types: 'portable' } });
    expect(result.columns).toMatchObject([{ segmentType: 'JSON', landedType: 'VARCHAR' }]);
  });

  test('columns prunes, and names what no record has', async () => {
    const result = await read([{ a: 1, b: 2 }, { a: 3 }], { columns: ['a', 'c'] });
    expect(result.rows).toEqual([{ a: '1' }, { a: '3' }]);
    expect(result.warnings).toMatchObject([{ code: 'API_COLUMN_MISSING', column: 'c' }]);
  });

  test('an object keyed by data stays JSON, and so does what nests too deep', async () => {
    const map = Object.fromEntries(Array.from({ length: 1200 }, (_unused, key) => [`key ${key}`, key]));
    let deep: unknown = 1;
    for (let level = 0; level < 50; level += 1) deep = { deep };
    const result = await read([{ map, deep }]);
    expect(types(result).map).toBe('JSON');
    expect(types(result).deep).toMatch(/^(STRUCT\("deep" ){20,}JSON\)+$/);
    expect(JSON.parse(String(result.rows[0]?.map))).toEqual(map);
  });

  test('a record of 20 MB', async () => {
    const long = 'x'.repeat(20 * 1024 * 1024);
    const result = await read([{ id: 1, text: long }]);
    expect(String(result.rows[0]?.text).length).toBe(long.length);
  });
});

describe('data_selector', () => {
  test.each([
    ['a list at the root', undefined, [{ id: 1 }], ['1']],
    ['a common key', undefined, { data: [{ id: 1 }], warnings: [{ code: 'x' }] }, ['1']],
    ['a common key one level down', undefined, { response: { items: [{ id: 1 }] }, status: 'ok' }, ['1']],
    ['the only list of objects', undefined, { users: [{ id: 1 }], ids: [1, 2] }, ['1']],
    ['a JSONPath', 'result.things', { result: { things: [{ id: 1 }] }, data: [{ id: 9 }] }, ['1']],
    ['a wildcard', '$.groups[*].users', { groups: [{ users: [{ id: 1 }] }, { users: [{ id: 2 }] }] }, ['1', '2']],
    ['one object', 'user', { user: { id: 1 } }, ['1']],
    ['a bracket path', "$['odd key'][0].list", { 'odd key': [{ list: [{ id: 1 }] }] }, ['1']],
    ['nothing, where the API leaves an empty list out', 'items', { kind: 'list' }, []],
  ])('%s', async (_name, selector, body, expected) => {
    const result = await read(body, { data_selector: selector ?? null });
    expect(result.rows.map(({ id }) => id)).toEqual(expected);
  });

  test('scalars become the column value, null entries are told', async () => {
    const result = await read([1, null, [2, 3]]);
    expect(types(result)).toEqual({ value: 'JSON' });
    expect(result.rows).toEqual([{ value: '1' }, { value: '[2,3]' }]);
    expect(result.warnings.map(({ code }) => code)).toContain('API_NULL_RECORDS');
  });

  test.each([
    ['API_SELECTOR_AMBIGUOUS', { users: [{ id: 1 }], groups: [{ id: 2 }] }, null, 'users, groups'],
    ['API_SELECTOR_NOT_FOUND', { users: [{ id: 1 }] }, 'data', 'data'],
    ['API_JSONPATH_INVALID', [], '$.[', '$.['],
  ])('%s', async (code, body, selector, named) => {
    await expect(read(body, { data_selector: selector })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named),
    });
  });

  test('a paged API without a list', async () => {
    await expect(read({ id: 1 }, { pagination_type: 'cursor' })).rejects.toMatchObject({
      code: 'API_RECORDS_NOT_FOUND',
    });
  });
});

describe("pages cut out of the response's own bytes", () => {
  const nested = [
    { id: 1, list: [{ x: 1 }, { x: 2 }], s: '},{"x":' },
    { id: 2, list: [], s: 'ü' },
    { id: 3, list: [{ x: 3 }], s: '' },
  ];
  test.each<[string, unknown]>([
    ['compact', { data: nested }],
    ['a root list', nested],
    ['indented', JSON.stringify({ data: nested }, null, 2)],
    ['another list that looks alike', { data: nested, included: [{ id: 9 }, { id: 10 }] }],
    [
      "the list's key inside the records",
      { data: nested.map((record) => ({ ...record, more: { data: [{ id: 1 }] } })) },
    ],
    ['text that looks like a gap', { data: [...nested.slice(0, 2), { ...nested[2], s: 'a},{"id":7' }] }],
    ['a first key that comes and goes', '{"data":[{"id":1,"list":[{"id":0},{"id":0}]},{"s":"x","id":2},{"id":3}]}'],
    ['a key twice', '{"data":[{"id":0,"id":1},{"id":0,"id":2},{"id":0,"id":3}]}'],
    ['escapes', '{"data":[{"id":1,"s":"\\u00fc\\/"},{"id":2,"s":"\\n"},{"id":3}]}'],
    ['numbers in other forms', '{"data":[{"id":1,"n":1},{"id":2,"n":1.0},{"id":3,"n":1e2}]}'],
  ])('%s', async (_name, body) => {
    const parsed = typeof body === 'string' ? JSON.parse(body) : body;
    const records = (Array.isArray(parsed) ? parsed : parsed.data) as Record<string, unknown>[];
    const result = await read(body, { data_selector: Array.isArray(parsed) ? null : 'data' });
    expect(result.rows.map(({ id }) => Number(id))).toEqual([1, 2, 3]);
    for (const [index, { s, n }] of records.entries()) {
      if (s !== undefined) expect(result.rows[index]?.s).toBe(s);
      if (n !== undefined) expect(Number(result.rows[index]?.n)).toBe(n);
    }
  });
});
