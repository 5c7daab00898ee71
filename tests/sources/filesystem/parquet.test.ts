import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilesHarness, options } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

async function parquet(path: string, select: string): Promise<void> {
  const absolute = join(files.folder, ...path.split('/'));
  await mkdir(dirname(absolute), { recursive: true });
  await files.sql(`COPY (${select}) TO '${absolute.replaceAll("'", "''")}' (FORMAT parquet)`);
}

describe('schemas of several files', () => {
  test('are joined by name: missing columns are NULL, narrow types are widened, structs too', async () => {
    await parquet(
      'union/1.parquet',
      "SELECT 1::INTEGER AS id, 'a' AS name, 1.5::DECIMAL(5,2) AS price, {x: 1::INTEGER, l: [1::SMALLINT]} AS s, 1::FLOAT AS f, 1::UTINYINT AS u",
    );
    await parquet(
      'union/2.parquet',
      "SELECT 2::BIGINT AS ID, 10000.125::DECIMAL(10,3) AS price, {l: [70000], y: 'q', x: 2::BIGINT} AS s, 2::DOUBLE AS f, DATE '2024-01-31' AS d, -1::TINYINT AS u",
    );
    const { rows, types, counted, segments } = await files.read(
      { file_format: 'parquet', file_glob: 'union/*' },
      { types: 'native' },
    );
    expect(types).toEqual({
      id: 'BIGINT',
      name: 'VARCHAR',
      price: 'DECIMAL(10,3)',
      s: 'STRUCT(x BIGINT, l INTEGER[], y VARCHAR)',
      f: 'DOUBLE',
      u: 'SMALLINT',
      d: 'DATE',
    });
    expect(rows).toEqual([
      { id: '1', name: 'a', price: '1.500', s: { x: '1', l: [1], y: null }, f: 1, u: 1, d: null },
      { id: '2', name: null, price: '10000.125', s: { x: '2', l: [70000], y: 'q' }, f: 2, u: -1, d: '2024-01-31' },
    ]);
    expect([counted, segments]).toEqual([2, 2]);
  });

  test('that do not go together are an error that names both files, with column_types as the way out', async () => {
    await parquet('conflict/1.parquet', 'SELECT 1::BIGINT AS id, 1 AS n');
    await parquet('conflict/2.parquet', "SELECT 'x' AS id, 2 AS n");
    await expect(files.read({ file_format: 'parquet', file_glob: 'conflict/*' })).rejects.toMatchObject({
      code: 'PARQUET_TYPES_DIFFER',
      message: '"id" is BIGINT in "conflict/1.parquet" and VARCHAR in "conflict/2.parquet": no type keeps both.',
      hint: expect.stringContaining('column_types'),
    });
    const { rows, types } = await files.read({
      file_format: 'parquet',
      file_glob: 'conflict/*',
      column_types: { id: 'varchar' },
    });
    expect(types['id']).toBe('VARCHAR');
    expect(rows.map((row) => row['id'])).toEqual(['1', 'x']);
    expect((await files.read({ file_format: 'parquet', file_glob: 'conflict/*', columns: ['n'] })).rows).toHaveLength(
      2,
    );
  });

  test('BIGINT and DOUBLE do not go together: one would round the other', async () => {
    await parquet('round/1.parquet', 'SELECT 9007199254740993 AS v');
    await parquet('round/2.parquet', 'SELECT 0.5::DOUBLE AS v');
    await expect(files.read({ file_format: 'parquet', file_glob: 'round/*' })).rejects.toMatchObject({
      code: 'PARQUET_TYPES_DIFFER',
    });
  });
});

describe('types', () => {
  test('land as every Parquet reader can read them, or stay native', async () => {
    await parquet(
      'types/1.parquet',
      "SELECT TIME '10:00:00' AS t, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS u, INTERVAL 3 DAY AS i, 1::UBIGINT AS ub, 'x'::ENUM('x','y') AS e, [1] AS l, 'b'::BLOB AS b, 1::UINTEGER AS ui, NULL::UTINYINT AS ut",
    );
    const { columns } = await files.read({ file_format: 'parquet', file_glob: 'types/*' });
    expect(Object.fromEntries(columns.map((column) => [column.name, column.landedType]))).toMatchObject({
      t: 'VARCHAR',
      u: 'VARCHAR',
      i: 'VARCHAR',
      ub: 'DECIMAL(20,0)',
      l: 'INTEGER[]',
      b: 'BLOB',
      ui: 'BIGINT',
      ut: 'SMALLINT',
    });
    const native = await files.read({ file_format: 'parquet', file_glob: 'types/*' }, { types: 'native' });
    expect(native.columns.map((column) => column.landedType)).toEqual(
      native.columns.map((column) => column.segmentType),
    );
  });

  test('nanoseconds are cut to microseconds, with a warning only where there are such digits', async () => {
    await parquet(
      'nano/1.parquet',
      "SELECT TIMESTAMP_NS '2024-01-31 10:00:00.123456789' AS a, TIMESTAMP_NS '2024-01-31 10:00:00.123456' AS b",
    );
    const { rows, warnings } = await files.read({ file_format: 'parquet', file_glob: 'nano/*' });
    expect(rows).toEqual([{ a: '2024-01-31 10:00:00.123456', b: '2024-01-31 10:00:00.123456' }]);
    expect(warnings.map(({ code, column }) => [code, column])).toEqual([['NANOSECONDS_CUT', 'a']]);
  });
});

describe('files', () => {
  test('without rows are read, damaged and empty ones named', async () => {
    await parquet('zero/1.parquet', 'SELECT 1 AS id WHERE false');
    expect(await files.read({ file_format: 'parquet', file_glob: 'zero/*' })).toMatchObject({
      rows: [],
      segments: 1,
      counted: 0,
    });
    await files.write('damaged/1.parquet', 'PAR1 no parquet PAR1');
    await expect(files.read({ file_format: 'parquet', file_glob: 'damaged/*' })).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringContaining('damaged/1.parquet'),
    });
    await files.write('nought/1.parquet', '');
    await expect(files.read({ file_format: 'parquet', file_glob: 'nought/*' })).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringContaining('0 bytes'),
    });
  });

  test('in folders of a table layout: names on request, no columns made of folders', async () => {
    await parquet('layout/year=2024/month=01/a.parquet', 'SELECT 1 AS id');
    await parquet('layout/year=2024/month=02/b.parquet', 'SELECT 2 AS id');
    const { rows, columns } = await files.read(
      { file_format: 'parquet', source_object: 'layout', options: options({ include_file_name: true }) },
      {},
      'id, _file_name AS f',
    );
    expect(rows).toEqual([
      { id: 1, f: 'year=2024/month=01/a.parquet' },
      { id: 2, f: 'year=2024/month=02/b.parquet' },
    ]);
    expect(columns.map((column) => column.name)).toEqual(['id', '_file_name', '_file_modified_at']);
  });

  test('a column that is called file_index does not mix up the names', async () => {
    await parquet('index/1.parquet', 'SELECT 5 AS file_index');
    await parquet('index/2.parquet', 'SELECT 0 AS file_index');
    const { rows } = await files.read(
      { file_format: 'parquet', file_glob: 'index/*', options: options({ include_file_name: true }) },
      {},
      'file_index AS i, _file_name AS f',
    );
    expect(rows).toEqual([
      { i: 5, f: 'index/1.parquet' },
      { i: 0, f: 'index/2.parquet' },
    ]);
  });

  test('a name like a glob is read as itself', async () => {
    await parquet('glob/a[1].parquet', 'SELECT 1 AS id');
    await parquet('glob/a1.parquet', 'SELECT 2 AS id');
    expect((await files.read({ file_format: 'parquet', file_glob: 'glob\\*' })).rows).toEqual([{ id: 2 }, { id: 1 }]);
  });
});
