import { gzipSync, zstdCompressSync } from 'node:zlib';
import iconv from 'iconv-lite';
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
  await files.write(`${name}/a.csv`, content);
  return files.read({ file_format: 'csv', file_glob: `${name}/*.csv`, options: options(more), ...job });
}

describe('types', () => {
  test('values that a type gives back get it', async () => {
    const { types, rows, counted } = await readOne(
      'typed',
      [
        'id,price,active,day,at,zoned,ratio,none,text',
        '1,10.50,true,2024-02-29,2024-01-31T10:00:00,2024-01-31T10:00:00Z,0.1,,x',
        '-22,3,FALSE,1999-12-31,2024-01-31 10:00:00.123456,2024-01-31 12:00:00+02:00,NaN,,"a,b"',
        '',
      ].join('\n'),
    );
    expect(types).toEqual({
      id: 'BIGINT',
      price: 'DOUBLE',
      active: 'BOOLEAN',
      day: 'DATE',
      at: 'TIMESTAMP',
      zoned: 'TIMESTAMP WITH TIME ZONE',
      ratio: 'DOUBLE',
      none: '"NULL"',
      text: 'VARCHAR',
    });
    expect(counted).toBe(2);
    expect(rows[0]).toMatchObject({
      id: '1',
      price: 10.5,
      active: true,
      day: '2024-02-29',
      at: '2024-01-31 10:00:00',
      none: null,
      text: 'x',
    });
    expect(rows[1]).toMatchObject({
      id: '-22',
      active: false,
      at: '2024-01-31 10:00:00.123456',
      zoned: '2024-01-31 10:00:00+00',
      ratio: 'NaN',
      text: 'a,b',
    });
  });

  test.each([
    ['leading zeros', ['007', '12']],
    ['plus', ['+1', '2']],
    ['exponent', ['1e3', '2']],
    ['19 digits', ['1234567890123456789', '1']],
    ['minus zero', ['-0', '1']],
    ['spaces', [' 1', '2']],
    ['mixed dates', ['2024-01-31', '31.01.2024']],
    ['no such day', ['2023-02-29', '2024-01-31']],
    ['date and time', ['2024-01-31', '2024-01-31 10:00']],
    ['seventh digit', ['2024-01-31 10:00:00.1234567']],
    ['zone and none', ['2024-01-31 10:00:00Z', '2024-01-31 10:00:00']],
    ['odd boolean', ['tRuE', 'false']],
    ['thousands', ['1,000.50'.replace(',', '.'), '2']],
    ['NaN beside long decimals', ['12345678901234.1234', 'NaN']],
    ['bare fraction', ['.5', '1.5']],
    ['number and boolean', ['1', 'true']],
    ['quoted nothing', ['1', '""']],
  ])('%s stay text', async (name, values) => {
    const { types, rows } = await readOne(
      `text-${name.replaceAll(' ', '-')}`,
      `v,w\n${values.map((value) => `${value},x`).join('\n')}\n`,
    );
    expect(types['v']).toBe('VARCHAR');
    expect(rows.map((row) => row['v'])).toEqual(values.map((value) => (value === '""' ? '' : value)));
  });

  test('digits that a DOUBLE would lose become DECIMAL', async () => {
    const { types, rows } = await readOne('decimal', 'v,w\n1234567890123456.78,0.30000000000000004\n-0.01,2\n');
    expect(types).toEqual({ v: 'DECIMAL(18,2)', w: 'DOUBLE' });
    expect(rows).toEqual([
      { v: '1234567890123456.78', w: 0.30000000000000004 },
      { v: '-0.01', w: 2 },
    ]);
  });

  test('a value at the very end counts as much as the first ones', async () => {
    const many = Array.from({ length: 50_000 }, (_, index) => `${index},x`).join('\n');
    const { types, rows } = await readOne('late', `v,w\n${many}\n007,x\n`, {}, {});
    expect(types['v']).toBe('VARCHAR');
    expect(rows).toHaveLength(50_001);
    expect(rows.at(-1)).toEqual({ v: '007', w: 'x' });
  });

  test('all_text keeps everything, column_types wins', async () => {
    expect((await readOne('alltext', 'a,b\n1,2\n', { all_text: true })).types).toEqual({ a: 'VARCHAR', b: 'VARCHAR' });
    const { columns } = await readOne(
      'override',
      'a,b\n1,2.50\n',
      {},
      { column_types: { A: 'bigint', b: 'decimal(18,2)' } },
    );
    expect(columns.map(({ segmentType, landedType }) => [segmentType, landedType])).toEqual([
      ['BIGINT', 'BIGINT'],
      ['VARCHAR', 'DECIMAL(18,2)'],
    ]);
  });
});

describe('how files are written', () => {
  test('null and empty text are two things', async () => {
    const { rows } = await readOne('nulls', 'id,a,b\n1,,""\n2,NA,"NA"\n', { null_text: 'NA' });
    expect(rows).toEqual([
      { id: '1', a: null, b: '' },
      { id: '2', a: null, b: 'NA' },
    ]);
  });

  test('CRLF, CR, mixed line ends, quoted line ends, BOM, no last line end', async () => {
    for (const [name, content] of Object.entries({
      crlf: 'a,b\r\n1,"x\r\ny"\r\n2,z\r\n',
      cr: 'a,b\r1,"x\r\ny"\r2,z',
      mixed: 'a,b\r\n1,"x\r\ny"\n2,z\r\n',
      bom: '\uFEFFa,b\n1,"x\r\ny"\n2,z',
      quoted: '"a","b"\n"1","x\r\ny"\n"2","z"',
    })) {
      const { rows, types, counted } = await readOne(`ends-${name}`, content);
      expect(rows, name).toEqual([
        { a: '1', b: 'x\r\ny' },
        { a: '2', b: 'z' },
      ]);
      expect(types, name).toEqual({ a: 'BIGINT', b: 'VARCHAR' });
      expect(counted).toBe(2);
    }
  });

  test.each(['utf-16', 'utf-16le', 'latin1', 'windows-1252'])('%s', async (encoding) => {
    const text = encoding === 'latin1' ? 'née Müller' : 'née Müller €';
    const { rows } = await readOne(
      `encoding-${encoding}`,
      iconv.encode(`id,name\n1,${text}\n`, encoding, { addBOM: encoding === 'utf-16' }),
      { encoding },
    );
    expect(rows).toEqual([{ id: '1', name: text }]);
  });

  test('UTF-16 with a byte order mark is seen without being told', async () => {
    expect((await readOne('utf16-seen', iconv.encode('id,name\n1,ü\n', 'utf-16', { addBOM: true }))).rows).toEqual([
      { id: '1', name: 'ü' },
    ]);
  });

  test('bytes that are not UTF-8 are an error with the way out', async () => {
    await expect(readOne('not-utf8', Buffer.from('id,name\n1,a\n2,M\xfcller\n', 'latin1'))).rejects.toMatchObject({
      code: 'FILE_ENCODING_WRONG',
      message: expect.stringContaining('a.csv", line 3'),
    });
  });

  test.each([[';'], ['\t'], ['|']])('the delimiter %j is found', async (delimiter) => {
    const { rows } = await readOne(
      `delimiter-${delimiter.charCodeAt(0)}`,
      `a${delimiter}b\n1${delimiter}"x,y"\n2${delimiter}z, w\n`,
    );
    expect(rows).toEqual([
      { a: '1', b: 'x,y' },
      { a: '2', b: 'z, w' },
    ]);
  });

  test('delimiter and quote as told', async () => {
    expect((await readOne('told', "a^b\n1^'x^y'\n", { delimiter: '^', quote: "'" })).rows).toEqual([
      { a: '1', b: 'x^y' },
    ]);
    expect((await readOne('noquote', 'a,b\n1,"x\n', { quote: '' })).rows).toEqual([{ a: '1', b: '"x' }]);
    await expect(readOne('twochars', 'a||b\n', { delimiter: '||' })).rejects.toMatchObject({ code: 'CSV_OPTION' });
  });

  test('quotes inside an unquoted cell are text', async () => {
    expect((await readOne('inch', 'a,b\n5" pipe,1\n6"" pipe,2\n')).rows).toEqual([
      { a: '5" pipe', b: '1' },
      { a: '6"" pipe', b: '2' },
    ]);
  });

  test('no header: told, or seen with a warning', async () => {
    expect((await readOne('header-told', 'x,y\nz,w\n', { header: false })).rows).toEqual([
      { column0: 'x', column1: 'y' },
      { column0: 'z', column1: 'w' },
    ]);
    const seen = await readOne('header-seen', '1,abc,2024-01-01\n2,def,2024-01-02\n');
    expect(seen.rows).toHaveLength(2);
    expect(seen.warnings.map((warning) => warning.code)).toEqual(['CSV_NO_HEADER']);
    expect((await readOne('header-true', '1,2\n3,4\n', { header: true })).rows).toEqual([{ 1: '3', 2: '4' }]);
  });

  test('a cell of 5 MB, and of 40 MB', async () => {
    for (const size of [5_000_000, 40_000_000]) {
      await files.write(`long/a.csv`, `a,b\n1,${'x'.repeat(size)}\n2,y\n`);
      const { rows } = await files.read({ file_format: 'csv', file_glob: 'long/*.csv' }, {}, 'a, length(b) AS n');
      expect(rows).toEqual([
        { a: '1', n: String(size) },
        { a: '2', n: '1' },
      ]);
    }
  });

  test('one column, with blank lines that are nulls', async () => {
    expect((await readOne('single', 'a\n1\n\n3\n')).rows).toEqual([{ a: '1' }, { a: null }, { a: '3' }]);
    expect((await readOne('blank', 'a,b\n\n1,2\n\n\n3,4\n\n')).rows).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]);
  });

  test('gzip and zstd, whatever the name says, several members too', async () => {
    await files.write('packed/a.csv.gz', gzipSync('a,b\n1,x\n'));
    await files.write('packed/b.csv.zst', zstdCompressSync('a,b\n2,y\n'));
    await files.write('packed/c.csv', Buffer.concat([gzipSync('a,b\n3,z\n'), gzipSync('4,w\n')]));
    await files.write('packed/d.csv', 'b,a\nv,5\n');
    const { rows, counted } = await files.read({ file_format: 'csv', file_glob: 'packed/**' });
    expect(rows).toEqual([
      { a: '1', b: 'x' },
      { a: '2', b: 'y' },
      { a: '3', b: 'z' },
      { a: '4', b: 'w' },
      { a: '5', b: 'v' },
    ]);
    expect(counted).toBe(5);
  });
});

describe('several files', () => {
  test('headers are joined by name, whatever their order and case; types over all files', async () => {
    await files.write('union/1.csv', 'id,name,code\n1,a,1\n');
    await files.write('union/2.csv', 'NAME;id;extra\nb;2;2024-01-01\n');
    await files.write('union/3.csv', 'id,name,code\n3,c,007\n');
    const { rows, types } = await files.read({ file_format: 'csv', file_glob: 'union/*' });
    expect(types).toEqual({ id: 'BIGINT', name: 'VARCHAR', code: 'VARCHAR', extra: 'DATE' });
    expect(rows).toEqual([
      { id: '1', name: 'a', code: '1', extra: null },
      { id: '2', name: 'b', code: null, extra: '2024-01-01' },
      { id: '3', name: 'c', code: '007', extra: null },
    ]);
  });

  test('empty files and files with only a header add no rows', async () => {
    await files.write('empty/1.csv', '');
    await files.write('empty/2.csv', 'id,more\n');
    await files.write('empty/3.csv', 'id\n1\n');
    const { rows, types } = await files.read({ file_format: 'csv', file_glob: 'empty/*' });
    expect(rows).toEqual([{ id: '1', more: null }]);
    expect(types).toEqual({ id: 'BIGINT', more: '"NULL"' });
  });

  test('columns are pruned; unknown ones are an error', async () => {
    expect((await readOne('pruned', 'a,b,c\n1,2,3\n', {}, { columns: ['C', 'a'] })).rows).toEqual([{ a: '1', c: '3' }]);
    await expect(readOne('unknown', 'a,b\n1,2\n', {}, { columns: ['z'] })).rejects.toMatchObject({
      code: 'COLUMN_NOT_FOUND',
      hint: expect.stringContaining('a, b'),
    });
    await expect(readOne('badtype', 'a,b\n1,2\n', {}, { column_types: { a: 'bigin' } })).rejects.toMatchObject({
      code: 'COLUMN_TYPE_UNKNOWN',
    });
  });

  test('file names and times on request', async () => {
    await files.write('named/x [1].csv', 'a\n1\n');
    await files.write('named/sub/y*.csv', 'a\n2\n');
    const { rows, columns } = await files.read(
      { file_format: 'csv', file_glob: 'named/**/*.csv', options: options({ include_file_name: true, header: true }) },
      {},
      'a, _file_name AS f, _file_modified_at IS NOT NULL AS m',
    );
    expect(rows).toEqual([
      { a: '2', f: 'named/sub/y*.csv', m: true },
      { a: '1', f: 'named/x [1].csv', m: true },
    ]);
    expect(columns.filter((column) => column.added).map((column) => column.name)).toEqual([
      '_file_name',
      '_file_modified_at',
    ]);
  });
});

describe('refused', () => {
  test.each([
    ['short row', 'a,b\n1,2\n3\n', 'CSV_RAGGED_ROW', 'line 3'],
    ['long row', 'a,b\n1,"x\ny"\n1,2,3\n', 'CSV_RAGGED_ROW', 'line 4'],
    ['open quote', 'a,b\n1,2\n3,"x\n', 'CSV_QUOTE', 'line 3'],
    ['text behind a quote', 'a,b\n1,"x"y\n', 'CSV_QUOTE', 'line 2'],
    ['header twice', 'a,b,A\n1,2,3\n', 'FILE_COLUMN_TWICE', '"A" (number 3)'],
  ])('%s', async (name, content, code, place) => {
    await expect(readOne(`refused-${name.replaceAll(' ', '-')}`, content)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`a\\.csv.*${place.replaceAll(/[()]/g, '\\$&')}`)),
    });
  });

  test('a gzip file that breaks off', async () => {
    const whole = gzipSync(
      `a,b\n${Array.from({ length: 10_000 }, (_, index) => `${index},${Math.sin(index)}`).join('\n')}\n`,
    );
    await expect(readOne('cut-gzip', whole.subarray(0, whole.length / 2))).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringContaining('cut-gzip/a.csv'),
    });
  });
});

describe('large files', () => {
  test('a line end inside quotes at every place where a range could begin', async () => {
    const cell = `"${'x\n1,2\n'.repeat(2000)}"`;
    const row = (index: number) => `${index},${cell}\n`;
    const count = Math.ceil(26_000_000 / row(0).length);
    await files.write('ranges/a.csv', `id,text\n${Array.from({ length: count }, (_, index) => row(index)).join('')}`);
    const { rows, types, counted } = await files.read(
      { file_format: 'csv', file_glob: 'ranges/*' },
      {},
      'count(*) AS n, sum(id) AS s, sum(length(text)) AS l',
    );
    expect(types).toEqual({ id: 'BIGINT', text: 'VARCHAR' });
    expect(counted).toBe(count);
    expect(rows).toEqual([
      { n: String(count), s: String((count * (count - 1)) / 2), l: String(count * (cell.length - 2)) },
    ]);
  });

  test('facts of every range count, and a broken row is named by its line', async () => {
    const lines = Array.from({ length: 1_000_000 }, (_, index) => `${index},${index % 100}.25,some text here`);
    await files.write('ranges2/a.csv', `id,amount,text\n${lines.join('\n')}\n`);
    const good = await files.read({ file_format: 'csv', file_glob: 'ranges2/*' }, {}, 'count(*) AS n');
    expect([good.types['id'], good.types['amount'], good.counted]).toEqual(['BIGINT', 'DOUBLE', 1_000_000]);
    lines[900_000] = '007,12.345,x';
    await files.write('ranges2/a.csv', `id,amount,text\n${lines.join('\n')}\n`);
    expect((await files.read({ file_format: 'csv', file_glob: 'ranges2/*' }, {}, 'count(*) AS n')).types['id']).toBe(
      'VARCHAR',
    );
    lines[950_000] = '1,2';
    await files.write('ranges2/a.csv', `id,amount,text\n${lines.join('\n')}\n`);
    await expect(files.read({ file_format: 'csv', file_glob: 'ranges2/*' })).rejects.toMatchObject({
      code: 'CSV_RAGGED_ROW',
      message: expect.stringContaining('line 950002'),
    });
  });
});
