import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilesHarness, options } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

async function readOne(
  name: string,
  content: string | Uint8Array,
  more: Record<string, unknown> = {},
  job: Record<string, unknown> = {},
) {
  await files.write(`${name}/a.jsonl`, content);
  return files.read({ file_format: 'jsonl', file_glob: `${name}/*`, options: options(more), ...job });
}

const lines = (...records: string[]) => records.map((record) => `${record}\n`).join('');

describe('types', () => {
  test('values, nested ones too, get the type that keeps them', async () => {
    const { types, rows, columns, counted } = await readOne(
      'typed',
      lines(
        '{"id":1,"price":1.5,"ok":true,"at":"2024-01-31T10:00:00.123Z","local":"2024-01-31 10:00:00","day":"2024-01-31","none":null,"address":{"city":"A","geo":{"lat":1.25}},"tags":["x"],"items":[{"n":1}]}',
        ' { "id" : -2 , "address" : { "zip" : "01234" } , "tags" : [ ] , "items" : [ { "n" : 2 , "m" : [ 1 , 2 ] } , null ] } ',
      ),
    );
    expect(types).toEqual({
      id: 'BIGINT',
      price: 'DOUBLE',
      ok: 'BOOLEAN',
      at: 'TIMESTAMP WITH TIME ZONE',
      local: 'TIMESTAMP',
      day: 'VARCHAR',
      none: '"NULL"',
      address: 'STRUCT(city VARCHAR, geo STRUCT(lat DOUBLE), zip VARCHAR)',
      tags: 'VARCHAR[]',
      items: 'STRUCT(n BIGINT, m BIGINT[])[]',
    });
    expect(columns.find((column) => column.name === 'address')?.sourceType).toBe('object');
    expect(counted).toBe(2);
    expect(rows).toEqual([
      {
        id: '1',
        price: 1.5,
        ok: true,
        at: '2024-01-31 10:00:00.123+00',
        local: '2024-01-31 10:00:00',
        day: '2024-01-31',
        none: null,
        address: { city: 'A', geo: { lat: 1.25 }, zip: null },
        tags: ['x'],
        items: [{ n: '1', m: null }],
      },
      {
        id: '-2',
        price: null,
        ok: null,
        at: null,
        local: null,
        day: null,
        none: null,
        address: { city: null, geo: null, zip: '01234' },
        tags: [],
        items: [{ n: '2', m: ['1', '2'] }, null],
      },
    ]);
  });

  test('a field and a type that come with the last line of the last file only', async () => {
    await files.write(
      'late/1.jsonl',
      Array.from({ length: 30_000 }, (_, index) => `{"id":${index},"v":"2024-01-31T10:00:00Z"}\n`).join(''),
    );
    await files.write('late/2.jsonl', lines('{"id":1}', '{"id":2.5,"v":"soon","o":{"deep":[{"x":"y"}]}}'));
    const { types, rows } = await files.read({ file_format: 'jsonl', file_glob: 'late/*' });
    expect(types).toEqual({ id: 'DOUBLE', v: 'VARCHAR', o: 'STRUCT(deep STRUCT(x VARCHAR)[])' });
    expect(rows).toHaveLength(30_002);
    expect(rows[0]).toMatchObject({ v: '2024-01-31T10:00:00Z' });
    expect(rows.at(-1)).toEqual({ id: 2.5, v: 'soon', o: { deep: [{ x: 'y' }] } });
  });

  test('big integers and long decimals keep their digits, nested and beside short ones', async () => {
    const { types, rows } = await readOne(
      'digits',
      lines(
        '{"a":9007199254740993,"b":12345678901234567890123,"c":0.12345678901234567890,"d":{"e":[1.10,1234567890123456789.5]},"f":0.30000000000000004,"g":1e400,"h":18446744073709551615}',
        '{"a":1,"b":2,"c":0.1,"d":{"e":[0.1]},"f":0.1,"g":1,"h":-1}',
      ),
    );
    expect(types).toEqual({
      a: 'BIGINT',
      b: 'DECIMAL(38,0)',
      c: 'DECIMAL(21,20)',
      d: 'STRUCT(e DECIMAL(21,2)[])',
      f: 'DOUBLE',
      g: 'VARCHAR',
      h: 'DECIMAL(38,0)',
    });
    expect(rows).toEqual([
      {
        a: '9007199254740993',
        b: '12345678901234567890123',
        c: '0.12345678901234567890',
        d: { e: ['1.10', '1234567890123456789.50'] },
        f: 0.30000000000000004,
        g: '1e400',
        h: '18446744073709551615',
      },
      { a: '1', b: '2', c: '0.10000000000000000000', d: { e: ['0.10'] }, f: 0.1, g: '1', h: '-1' },
    ]);
  });

  test('values of several kinds keep their own text', async () => {
    const { types, rows } = await readOne(
      'mixed',
      lines(
        '{"a":1.10,"b":{"x":1.10},"c":[1,"y"],"d":true,"e":[{"k":1},2]}',
        '{"a":"q\\"ü","b":"s","c":[null],"d":"t","e":[null]}',
        '{"a":null,"b":[1],"c":null,"d":null}',
      ),
    );
    expect(types).toEqual({ a: 'VARCHAR', b: 'VARCHAR', c: 'VARCHAR[]', d: 'VARCHAR', e: 'VARCHAR[]' });
    expect(rows).toEqual([
      { a: '1.10', b: '{"x":1.10}', c: ['1', 'y'], d: 'true', e: ['{"k":1}', '2'] },
      { a: 'q"ü', b: 's', c: [null], d: 't', e: [null] },
      { a: null, b: '[1]', c: null, d: null, e: null },
    ]);
  });

  test('objects and lists without anything in them', async () => {
    const { types } = await readOne('nothing', lines('{"a":{},"b":[],"c":{"d":null},"e":1}'));
    expect(types).toEqual({ a: '"NULL"', b: '"NULL"', c: '"NULL"', e: 'BIGINT' });
  });

  test('an object with thousands of keys is text, not a table of thousands of columns', async () => {
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`k${index}`, index])));
    const { types, rows } = await readOne('wide', lines(`{"id":1,"m":${many}}`));
    expect(types['m']).toBe('VARCHAR');
    expect(rows[0]?.['m']).toBe(many);
  });

  test('column_types are cast from the text', async () => {
    const { columns, rows } = await readOne(
      'override',
      lines('{"a":1.10,"b":"x","c":{"d":1.10}}'),
      {},
      { column_types: { a: 'decimal(18,2)', c: 'varchar', b: 'varchar' } },
    );
    expect(columns.map((column) => [column.name, column.segmentType, column.landedType])).toEqual([
      ['a', 'VARCHAR', 'DECIMAL(18,2)'],
      ['b', 'VARCHAR', 'VARCHAR'],
      ['c', 'VARCHAR', 'VARCHAR'],
    ]);
    expect(rows).toEqual([{ a: '1.10', b: 'x', c: '{"d":1.10}' }]);
  });

  test('a key that these records leave out is a warning; the wanted ones are read', async () => {
    const { rows, warnings } = await readOne(
      'optional',
      lines('{"a":1,"b":2}'),
      {},
      { columns: ['b', 'c'], column_types: { d: 'bigint' } },
    );
    expect(rows).toEqual([{ b: '2' }]);
    expect(warnings.map(({ code, column }) => [code, column])).toEqual([
      ['COLUMN_NOT_FOUND', 'd'],
      ['COLUMN_NOT_FOUND', 'c'],
    ]);
    await expect(readOne('own', lines('{"_file_name":1}'), { include_file_name: true })).rejects.toMatchObject({
      code: 'FILE_COLUMN_TWICE',
    });
  });

  test('names with quotes, spaces, escapes', async () => {
    const { rows } = await readOne('names', lines('{"a b":1,"q\\"q":2,"\\u00fc":3,"o":{"x y":4}}', '{"ü":5}'));
    expect(rows).toEqual([
      { 'a b': '1', 'q"q': '2', ü: '3', o: { 'x y': '4' } },
      { 'a b': null, 'q"q': null, ü: '5', o: null },
    ]);
  });
});

describe('how files are written', () => {
  test('BOM, CRLF, blank lines, no last line end, gzip, another encoding', async () => {
    await files.write('written/1.jsonl', '\uFEFF{"a":1}\r\n\r\n{"a":2}');
    await files.write('written/2.jsonl.gz', gzipSync('{"a":3}\n{"a":4}\n'));
    await files.write('written/3.jsonl', Buffer.from('\uFEFF{"a":5}\n', 'utf16le'));
    await files.write('written/4.jsonl', '');
    const { rows, counted } = await files.read({ file_format: 'jsonl', file_glob: 'written/*' });
    expect(rows.map((row) => row['a'])).toEqual(['1', '2', '3', '4', '5']);
    expect(counted).toBe(5);
  });

  test('a record of 20 MB', async () => {
    await files.write('long/a.jsonl', lines(`{"a":"${'x'.repeat(20_000_000)}"}`, '{"a":"y"}'));
    const { rows } = await files.read({ file_format: 'jsonl', file_glob: 'long/*' }, {}, 'length(a) AS n');
    expect(rows).toEqual([{ n: '20000000' }, { n: '1' }]);
  });

  test('file names on request, also of files that had to be copied', async () => {
    await files.write('named/1.jsonl', lines('{"a":0.12345678901234567890}'));
    await files.write('named/2.jsonl', lines('{"a":1.5}'));
    const { rows } = await files.read(
      { file_format: 'jsonl', file_glob: 'named/*', options: options({ include_file_name: true }) },
      {},
      'a, _file_name AS f',
    );
    expect(rows).toEqual([
      { a: '0.12345678901234567890', f: 'named/1.jsonl' },
      { a: '1.50000000000000000000', f: 'named/2.jsonl' },
    ]);
  });
});

describe('refused', () => {
  test.each([
    ['broken', '{"a":1}\n\n{"a":\n', 'JSON_INVALID', 'line 3'],
    ['trailing', '{"a":1} x\n', 'JSON_INVALID', 'line 1'],
    ['array', '[{"a":1}]\n', 'JSON_NOT_AN_OBJECT', 'line 1'],
    ['pretty', '{\n"a":1\n}\n', 'JSON_INVALID', 'line 1'],
    ['twice', '{"a":1}\n{"a":1,"a":2}\n', 'JSON_REPEATED_KEY', 'line 2'],
    ['zero', '{"a":01}\n', 'JSON_INVALID', 'line 1'],
    ['nan', '{"a":NaN}\n', 'JSON_INVALID', 'line 1'],
    ['surrogate', '{"a":"\\ud800"}\n', 'JSON_INVALID', 'line 1'],
    ['comma', '{"a":1,}\n', 'JSON_INVALID', 'line 1'],
    ['open', '{"a":"x', 'JSON_INVALID', 'line 1'],
    ['bytes', Buffer.from('{"a":1}\n{"a":"\xfc"}\n', 'latin1'), 'FILE_ENCODING_WRONG', 'line 2'],
    ['deep', `{"a":${'['.repeat(300)}${']'.repeat(300)}}\n`, 'JSON_TOO_DEEP', 'line 1'],
  ])('%s', async (name, content, code, place) => {
    await expect(readOne(`refused-${name}`, content)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`refused-${name}/a.jsonl", ${place}`),
    });
  });

  test('a key without a name', async () => {
    await expect(readOne('nameless', lines('{"a":{"":1}}'))).rejects.toMatchObject({
      code: 'JSON_KEY_EMPTY',
      message: expect.stringContaining('in "a"'),
    });
  });

  test('keys that differ by case only, at the top and below', async () => {
    await expect(readOne('case', lines('{"a":1}', '{"A":2}'))).rejects.toMatchObject({
      code: 'JSON_KEYS_DIFFER_BY_CASE',
      message: expect.stringMatching(/"a" and "A"/),
    });
    await expect(readOne('case2', lines('{"o":{"id":1}}', '{"o":{"ID":2}}'))).rejects.toMatchObject({
      code: 'JSON_KEYS_DIFFER_BY_CASE',
      message: expect.stringContaining('in "o"'),
    });
  });
});
