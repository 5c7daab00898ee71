import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import type { Source } from '../../../engine/sources/source.ts';
import { type PostgresServer, startPostgres } from '../../helpers/postgres-server.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';

let server: PostgresServer;
let bench: ReadBench;
let source: Source;

beforeAll(async () => {
  server = await startPostgres();
  bench = await ReadBench.open();
  source = createPostgresSource(server.connection());
});

afterAll(async () => {
  await source.close();
  await bench[Symbol.asyncDispose]();
  await server.stop();
});

test('portable types are those that Spark reads, in the text of the server', async () => {
  await server.query(`CREATE TABLE portable (t time, i interval, tz timetz, u uuid, j json, b jsonb, a int[], n numeric, ts timestamp);
    INSERT INTO portable VALUES ('12:34:56.5', '1 year 2 days 03:00:00', '12:00+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"a":1}', '{1,2}', 1.5, '2024-01-01 00:00:00.000001')`);
  const result = await bench.read(source, request({ table_name: 'portable' }, { types: 'portable' }));
  expect(Object.fromEntries(result.columns.map(({ name, landedType }) => [name, landedType]))).toEqual({
    t: 'VARCHAR',
    i: 'VARCHAR',
    tz: 'VARCHAR',
    u: 'VARCHAR',
    j: 'VARCHAR',
    b: 'VARCHAR',
    a: 'VARCHAR',
    n: 'DECIMAL(38,9)',
    ts: 'TIMESTAMP',
  });
  expect(result.rows).toEqual([
    {
      t: '12:34:56.5',
      i: '1 year 2 days 03:00:00',
      tz: '12:00:00+02',
      u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      j: '{"a": 1}',
      b: '{"a": 1}',
      a: '[1,2]',
      n: '1.500000000',
      ts: '2024-01-01 00:00:00.000001',
    },
  ]);
});

const NUMBERS = [
  ['1.0000000001', 'VALUE_TOO_PRECISE', '1.0000000001'],
  ['-0.0000000000000000000001', 'VALUE_TOO_PRECISE', '-0.0000000000000000000001'],
  [`1${'0'.repeat(29)}`, 'VALUE_TOO_LARGE', `1${'0'.repeat(29)}`],
  ['NaN', 'VALUE_NOT_FINITE', 'NaN'],
  ['Infinity', 'VALUE_NOT_FINITE', 'Infinity'],
  ['-Infinity', 'VALUE_NOT_FINITE', '-Infinity'],
] as const;

test.each(NUMBERS)('a number that does not fit ends the read: %s', async (value, code, shown) => {
  await server.query('DROP TABLE IF EXISTS measures; CREATE TABLE measures (id int, amount numeric)');
  await server.query('INSERT INTO measures VALUES (1, 1.5), (2, $1::numeric)', [value]);
  await expect(bench.read(source, request({ table_name: 'measures' }))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(`public\\.measures, column "amount".*${shown.replace('.', '\\.')}`)),
    hint: expect.stringContaining('column_types: amount:varchar'),
    retryable: false,
  });
  // The way out that the hint names.
  const asText = await bench.read(source, request({ table_name: 'measures', column_types: { amount: 'VARCHAR' } }));
  expect(asText.rows.map((row) => row.amount)).toEqual(['1.5', shown]);
  expect(await bench.tables()).toEqual([]);
});

const INFINITE = ["'infinity'::timestamp", "'-infinity'::timestamptz", "'infinity'::date", "'infinity'::interval"];

test.each(INFINITE)('%s has no place in portable types', async (value) => {
  await server.query(`DROP TABLE IF EXISTS spans; CREATE TABLE spans AS SELECT ${value} AS until`);
  const types = value.includes('interval') ? 'native' : 'portable';
  await expect(bench.read(source, request({ table_name: 'spans' }, { types }))).rejects.toMatchObject({
    code: 'VALUE_NOT_FINITE',
    message: expect.stringContaining('column "until"'),
    hint: expect.stringContaining('column_types: until:varchar'),
  });
  const asText = await bench.read(
    source,
    request({ table_name: 'spans', column_types: { until: 'VARCHAR' } }, { types }),
  );
  expect(asText.rows[0]?.until).toBe(value.split("'")[1]);
});

test('a timestamp beyond what DuckDB holds is never turned into another', async () => {
  await server.query("DROP TABLE IF EXISTS far; CREATE TABLE far AS SELECT timestamp '294276-12-31 23:59:59' AS at");
  await expect(bench.read(source, request({ table_name: 'far' }))).rejects.toMatchObject({
    code: 'VALUE_OUT_OF_RANGE',
  });
  await server.query("UPDATE far SET at = '294247-01-10 04:00:54.775807'");
  await expect(bench.read(source, request({ table_name: 'far' }))).rejects.toMatchObject({
    code: 'VALUE_OUT_OF_RANGE',
  });
});

test('column_types decide how a column is read, and land as what they say', async () => {
  await server.query(
    `CREATE TABLE overrides (id int, big numeric, exact numeric, approx numeric, cash money, stamp timestamptz, list int[], pair overrides_pair)`.replace(
      'overrides_pair',
      'point',
    ),
  );
  await server.query(
    "INSERT INTO overrides VALUES (1, 12345678901234567890, 0.123456789012345678, 0.1, '12.30', '2024-01-01 00:00:00.5+01', '{1,2}', '(1,2)')",
  );
  const column_types = {
    id: 'BIGINT',
    big: 'HUGEINT',
    exact: 'DECIMAL(38,18)',
    approx: 'DOUBLE',
    cash: 'DECIMAL(19,2)',
    stamp: 'VARCHAR',
    list: 'INTEGER[]',
  };
  const { columns, rows } = await bench.read(source, request({ table_name: 'overrides', column_types }));
  expect(Object.fromEntries(columns.map((column) => [column.name, column.landedType]))).toMatchObject(column_types);
  expect(Object.fromEntries(columns.map((column) => [column.name, column.segmentType]))).toEqual({
    id: 'INTEGER',
    big: 'DECIMAL(38,0)',
    exact: 'DECIMAL(38,18)',
    approx: 'DOUBLE',
    cash: 'DECIMAL(19,2)',
    stamp: 'VARCHAR',
    list: 'VARCHAR',
    pair: 'VARCHAR',
  });
  expect(rows[0]).toEqual({
    id: '1',
    big: '12345678901234567890',
    exact: '0.123456789012345678',
    approx: '0.1',
    cash: '12.30',
    stamp: '2023-12-31 23:00:00.5+00',
    list: '[1,2]',
    pair: '(1,2)',
  });
  await expect(
    bench.read(source, request({ table_name: 'overrides', column_types: { exact: 'BIGINT' } })),
  ).rejects.toMatchObject({ code: 'VALUE_TOO_PRECISE', message: expect.stringContaining('0.123456789012345678') });
  await expect(
    bench.read(source, request({ table_name: 'overrides', column_types: { exakt: 'BIGINT' } })),
  ).rejects.toMatchObject({ code: 'SOURCE_COLUMN_NOT_FOUND', hint: 'Did you mean "exact"?' });
});

test('cells of 100 MB and many megabytes a row pass, in segments of their own', async () => {
  await server.query(`CREATE TABLE documents (id int, body text, raw bytea);
    ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;
    INSERT INTO documents SELECT 1, repeat('äb😀', 100000000 / 7), NULL;
    INSERT INTO documents SELECT i, repeat(chr(96 + i), 3000000), decode(repeat('ab', 2000000), 'hex') FROM generate_series(2, 20) i;
    INSERT INTO documents VALUES (21, '', '')`);
  const digests: unknown[] = [];
  const segments: number[] = [];
  const connection = await bench.workspace.connect();
  for await (const segment of source.read(request({ table_name: 'documents' }), bench.context())) {
    digests.push(...(await connection.rows(`SELECT id, md5(body) AS body, md5(raw) AS raw FROM ${segment.from}`)));
    segments.push(segment.bytes);
    await segment.release();
  }
  connection.close();
  expect(digests).toEqual(
    (await server.query('SELECT id, md5(body) AS body, md5(raw) AS raw FROM documents ORDER BY id')) as unknown[],
  );
  expect(segments.length).toBeGreaterThan(1);
});

test('many rows: texts at the edge of what DuckDB keeps inline, NULLs and empty texts, over several segments', async () => {
  await server.query(`CREATE TABLE many AS SELECT i AS id, repeat(chr(97 + i % 26), i % 40) AS body,
    CASE WHEN i % 7 > 0 THEN i % 1000 END AS maybe, CASE WHEN i % 3 = 0 THEN repeat('é', i % 11) END AS note
    FROM generate_series(1, 300000) i`);
  const connection = await bench.workspace.connect();
  await connection.run('CREATE TABLE landed (id INTEGER, body VARCHAR, maybe INTEGER, note VARCHAR)');
  const sizes: (number | null)[] = [];
  for await (const segment of source.read(request({ table_name: 'many' }), bench.context())) {
    await connection.run(`INSERT INTO landed SELECT * FROM ${segment.from}`);
    sizes.push(segment.rows);
    await segment.release();
  }
  const [totals] = await connection.rows(
    `SELECT count(*)::VARCHAR AS rows, sum(length(body))::VARCHAR AS letters, count(maybe)::VARCHAR AS filled,
       count(*) FILTER (body = repeat(chr(97 + id % 26), id % 40) AND maybe IS NOT DISTINCT FROM (CASE WHEN id % 7 > 0 THEN id % 1000 END)
         AND note IS NOT DISTINCT FROM (CASE WHEN id % 3 = 0 THEN repeat('é', id % 11) END))::VARCHAR AS right FROM landed`,
  );
  await connection.run('DROP TABLE landed');
  connection.close();
  expect(totals).toMatchObject({ rows: '300000', right: '300000' });
  expect(sizes).toEqual([245_760, 54_240]);
});

test('an empty table gives one empty segment with its columns', async () => {
  await server.query('CREATE TABLE nothing (id int PRIMARY KEY, amount numeric(10,2))');
  const result = await bench.read(source, request({ table_name: 'nothing' }));
  expect(result.segments).toEqual([{ rows: 0, bytes: 0 }]);
  expect(result.columns).toEqual([
    { name: 'id', sourceType: 'integer', segmentType: 'INTEGER', landedType: 'INTEGER', nullable: false },
    {
      name: 'amount',
      sourceType: 'numeric(10,2)',
      segmentType: 'DECIMAL(10,2)',
      landedType: 'DECIMAL(10,2)',
      nullable: true,
    },
  ]);
  expect(result.summary).toMatchObject({ verdict: { reason: 'end_of_table', records: 0 }, retries: 0 });
});

test('a SQL_ASCII database: what is UTF-8 passes, what is not ends the read', async () => {
  await server.query("CREATE DATABASE bytes_only ENCODING 'SQL_ASCII' TEMPLATE template0");
  const client = await server.client({ database: 'bytes_only' });
  await client.query("CREATE TABLE names (id int, name text); INSERT INTO names VALUES (1, 'Zürich')");
  const own = createPostgresSource(server.connection({ database: 'bytes_only' }));
  expect((await bench.read(own, request({ table_name: 'names' }))).rows).toEqual([{ id: '1', name: 'Zürich' }]);
  await client.query("INSERT INTO names VALUES (2, E'Z\\xfcrich')");
  await expect(bench.read(own, request({ table_name: 'names' }))).rejects.toMatchObject({
    code: 'VALUE_NOT_UTF8',
    message: expect.stringContaining('public.names'),
  });
  await client.end();
});

test('random numbers of every width of storage have the digits of the server', async () => {
  const shapes = [
    [4, 1],
    [5, 0],
    [9, 4],
    [14, 7],
    [18, 0],
    [18, 9],
    [19, 3],
    [25, 13],
    [30, 2],
    [38, 0],
    [38, 10],
    [38, 37],
  ] as const;
  const columns = shapes.map(([precision, scale], index) => {
    const size = `power(10::numeric, ceil(random() * ${precision - scale + 1})::int - 1) * random()::numeric * random()::numeric`;
    return `trunc(${size} * sign(random() - 0.5)::int, ${scale})::numeric(${precision},${scale}) AS n${index}`;
  });
  await server.query(
    `CREATE TABLE random_numbers AS SELECT i AS id, ${columns.join(', ')} FROM generate_series(1, 5000) i`,
  );
  const { rows, columns: landed } = await bench.read(source, request({ table_name: 'random_numbers' }));
  expect(landed.slice(1).map(({ landedType }) => landedType)).toEqual(shapes.map(([p, s]) => `DECIMAL(${p},${s})`));
  const texts = shapes.map((_, index) => `n${index}::text`).join(', ');
  expect(rows).toEqual(await server.query(`SELECT id::text, ${texts} FROM random_numbers ORDER BY random_numbers.id`));
});
