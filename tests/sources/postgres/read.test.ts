import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import type { IncrementalRead, Source } from '../../../engine/sources/source.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { type PostgresServer, startPostgres } from '../../helpers/postgres-server.ts';
import { ReadBench, type ReadResult, request } from '../../helpers/read-bench.ts';

let server: PostgresServer;
let bench: ReadBench;
let source: Source;

beforeAll(async () => {
  server = await startPostgres({ settings: { timezone: 'Europe/Berlin', datestyle: 'SQL, DMY' } });
  bench = await ReadBench.open();
  source = createPostgresSource(server.connection());
  await server.query(`CREATE TABLE orders (id bigint PRIMARY KEY, status text, amount numeric(12,2), updated_at timestamptz);
    INSERT INTO orders VALUES
      (1, 'open', 1.5, '2024-01-01 00:00:00.000001+00'), (2, 'paid', 2, '2024-01-02 00:00:00.123456+00'),
      (3, 'open', 3, '2024-01-02 00:00:00.123456+00'), (4, 'paid', 4, '2024-01-02 00:00:00.123457+00'), (5, 'lost', 5, NULL)`);
});

afterAll(async () => {
  await source.close();
  await bench[Symbol.asyncDispose]();
  await server.stop();
});

const ids = (result: ReadResult) => result.rows.map((row) => Number(row.id)).sort((one, other) => one - other);

function incremental(changes: Partial<IncrementalRead>): IncrementalRead {
  return {
    column: 'updated_at',
    from: null,
    continued: true,
    lag: null,
    end: null,
    nullWatermarks: 'exclude',
    ...changes,
  };
}

async function read(job: Partial<Job>, from?: Partial<IncrementalRead>): Promise<ReadResult> {
  return await bench.read(
    source,
    request({ table_name: 'orders', ...job }, { incremental: from ? incremental(from) : null }),
  );
}

test('columns are pruned, but the key and the watermark are always read', async () => {
  const result = await read({ columns: ['status'], primary_key: ['id'] }, { from: '2024-01-02' });
  expect(result.columns.map(({ name }) => name)).toEqual(['id', 'status', 'updated_at']);
  expect((await read({ columns: ['AMOUNT'] })).columns.map(({ name }) => name)).toEqual(['amount']);
});

test('a filter is a condition on the table, comments and strings included', async () => {
  expect(ids(await read({ filter: "status = 'open' OR amount > 4.5 -- and no more" }))).toEqual([1, 3, 5]);
  expect(ids(await read({ filter: "status <> ');--' AND $$;)$$ <> '' AND id < 3 /* ( */" }))).toEqual([1, 2]);
  // Only read columns are named in the statement, the filter may use others.
  expect(ids(await read({ columns: ['id'], filter: 'amount = 2' }))).toEqual([2]);
});

test.each([
  ['1=1; DELETE FROM orders', 'semicolon'],
  ['1=1) UNION SELECT (1', '\\)'],
  ["status = 'open", "'"],
  ['(id = 1', '\\('],
  ['id = 1 /* open', '/\\*'],
  ['status = $tag$open', '\\$tag\\$'],
  ['  ', 'empty'],
])('a filter that is not one condition is refused: %s', async (filter, reason) => {
  await expect(read({ filter })).rejects.toMatchObject({
    code: 'FILTER_INVALID',
    message: expect.stringMatching(reason),
  });
});

test('a filter can change nothing, and its errors name the column', async () => {
  await server.query(
    'CREATE FUNCTION wipe() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; RETURN true; END $$',
  );
  await expect(read({ filter: 'wipe()' })).rejects.toMatchObject({ code: 'READ_ONLY' });
  expect(await server.query('SELECT count(*)::int AS count FROM orders')).toEqual([{ count: 5 }]);
  await expect(read({ filter: 'no_such = 1' })).rejects.toMatchObject({
    code: 'SOURCE_COLUMN_NOT_FOUND',
    message: expect.stringContaining('no_such'),
  });
});

test('an incremental read takes rows from the watermark on, equal ones too, and gives the new one exactly', async () => {
  const first = await read({}, {});
  expect(ids(first)).toEqual([1, 2, 3, 4]);
  expect(first.summary.watermark).toBe('2024-01-02 00:00:00.123457+00');
  const again = await read({}, { from: '2024-01-02 00:00:00.123456+00' });
  expect(ids(again)).toEqual([2, 3, 4]);
  const nothing = await read({}, { from: '2030-01-01' });
  expect([ids(nothing), nothing.summary.watermark]).toEqual([[], null]);
  const bounded = await read({}, { from: '2024-01-01', end: '2024-01-02 00:00:00.123457+00' });
  expect([ids(bounded), bounded.summary.watermark]).toEqual([[1, 2, 3], '2024-01-02 00:00:00.123456+00']);
});

test('lag reads again what lies before the watermark', async () => {
  const lag = { kind: 'duration', seconds: 86_400 } as const;
  expect(ids(await read({}, { from: '2024-01-02 00:00:00.000001+00', lag }))).toEqual([1, 2, 3, 4]);
  expect(ids(await read({}, { column: 'id', from: '5', lag: { kind: 'number', value: '2' } }))).toEqual([3, 4, 5]);
  await expect(read({}, { column: 'id', from: '5', lag })).rejects.toMatchObject({ code: 'LAG_INVALID' });
  await expect(read({}, { column: 'status', from: 'open', lag })).rejects.toMatchObject({ code: 'LAG_INVALID' });
});

test('rows without a watermark are left out with a warning, read, or end the read', async () => {
  const excluded = await read({}, {});
  expect(excluded.warnings).toEqual([
    expect.objectContaining({
      code: 'WATERMARK_NULL',
      column: 'updated_at',
      message: expect.stringContaining('1 row has no value'),
    }),
  ]);
  expect(ids(await read({}, { nullWatermarks: 'include', from: '2024-01-02 00:00:00.123457+00' }))).toEqual([4, 5]);
  expect(ids(await read({}, { nullWatermarks: 'include' }))).toEqual([1, 2, 3, 4, 5]);
  await expect(read({}, { nullWatermarks: 'raise' })).rejects.toMatchObject({ code: 'WATERMARK_NULL' });
  // The count is of the rows that the job reads.
  expect((await read({ filter: 'id < 5' }, { nullWatermarks: 'raise' })).warnings).toEqual([]);
  expect((await read({}, { column: 'id' })).warnings).toEqual([]);
});

test('watermarks of every kind keep the text of the source', async () => {
  await server.query(`CREATE TYPE level AS ENUM ('low', 'high', 'a bit higher');
    CREATE DOMAIN stamp AS timestamp(3);
    CREATE TABLE marks (i int, n numeric, f float8, d date, ts timestamp, dom stamp, t text COLLATE "C", v varchar(3), u uuid, e level, tm time);
    INSERT INTO marks VALUES
      (1, 1.10, 0.1, '0044-03-15 BC', '0044-03-15 12:00 BC', '2024-01-01', 'Z', 'Z', '00000000-0000-0000-0000-000000000001', 'low', '10:00'),
      (2, 20.000000000000000001, 0.3, '2024-05-06', '2024-05-06 07:08:09.000001', '2024-05-06 07:08:09.123', 'a', 'a', 'ffffffff-0000-0000-0000-000000000001', 'a bit higher', '23:59:59.5')`);
  const expected = {
    i: '2',
    n: '20.000000000000000001',
    f: '0.3',
    d: '2024-05-06',
    ts: '2024-05-06 07:08:09.000001',
    dom: '2024-05-06 07:08:09.123',
    t: 'a',
    v: 'a',
    u: 'ffffffff-0000-0000-0000-000000000001',
    e: 'a bit higher',
    tm: '23:59:59.5',
  };
  for (const [column, greatest] of Object.entries(expected)) {
    const job = { table_name: 'marks', column_types: { n: 'VARCHAR' } };
    const first = await read(job, { column });
    expect([column, first.summary.watermark]).toEqual([column, greatest]);
    const next = await read(job, { column, from: greatest });
    expect([column, next.rows.map((row) => row.i)]).toEqual([column, ['2']]);
  }
  const early = await read({ table_name: 'marks', filter: 'i = 1', column_types: { n: 'VARCHAR' } }, { column: 'ts' });
  expect(early.summary.watermark).toBe('0044-03-15 12:00:00 BC');
  expect(
    (
      await read(
        { table_name: 'marks', filter: 'i = 1', column_types: { n: 'VARCHAR' } },
        { column: 'ts', from: '0044-03-15 12:00:00 BC' },
      )
    ).rows,
  ).toHaveLength(1);
});

test('a watermark that cannot be one is explained', async () => {
  await expect(read({}, { from: 'yesterday-ish', continued: false })).rejects.toMatchObject({
    code: 'WATERMARK_INVALID',
    message: 'last_watermark "yesterday-ish" is no value of watermark_column "updated_at" (timestamp with time zone).',
  });
  await expect(read({}, { column: 'updatedat' })).rejects.toMatchObject({ hint: 'Did you mean "updated_at"?' });
  await server.query("CREATE TABLE strange (j jsonb, until timestamp); INSERT INTO strange VALUES ('1', 'infinity')");
  await expect(read({ table_name: 'strange' }, { column: 'j' })).rejects.toMatchObject({ code: 'WATERMARK_TYPE' });
  // Every later run would read nothing.
  await expect(read({ table_name: 'strange' }, { column: 'until' })).rejects.toMatchObject({
    code: 'VALUE_NOT_FINITE',
  });
  await server.query("UPDATE marks SET f = 'NaN' WHERE i = 1");
  await expect(read({ table_name: 'marks', columns: ['f'] }, { column: 'f' })).rejects.toMatchObject({
    code: 'WATERMARK_NOT_FINITE',
  });
  const attack = "x' OR true; DROP TABLE orders --\\";
  expect(ids(await read({}, { column: 'status', from: attack }))).toEqual([]);
  expect(ids(await read({}, { column: 'id' }))).toHaveLength(5);
});

test('names with quotes, dots, keywords, capitals and Unicode', async () => {
  const strange = 'Sales "2024".Ünïcode; DROP--';
  const quoted = `"${strange.replaceAll('"', '""')}"`;
  await server.query(`CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema".${quoted} ("select" int PRIMARY KEY, "a.b" text, "Ü ""x""" text);
    INSERT INTO "My Schema".${quoted} VALUES (1, 'dot', 'quote')`);
  const result = await read(
    { source_object: strange, schema_name: 'My Schema', primary_key: ['select'] },
    { column: 'a.b', from: 'a' },
  );
  expect(result.rows).toEqual([{ select: '1', 'a.b': 'dot', 'Ü "x"': 'quote' }]);
  expect(result.summary.watermark).toBe('dot');
  await server.query('CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); INSERT INTO sales.orders VALUES (77)');
  expect(ids(await read({ table_name: 'sales.orders' }))).toEqual([77]);
  expect(ids(await read({ schema_name: 'sales' }))).toEqual([77]);
  expect(ids(await read({ table_name: 'ORDERS', columns: ['ID'] }))).toEqual([1, 2, 3, 4, 5]);
});

test('what is not there is explained with what is', async () => {
  await expect(read({ table_name: 'ordrs' })).rejects.toMatchObject({
    code: 'SOURCE_TABLE_NOT_FOUND',
    message: 'shop has no table or view "ordrs" that this user may see.',
    hint: 'Did you mean "public.orders"?',
  });
  await server.query('CREATE SCHEMA hr; CREATE TABLE hr.payroll (id int)');
  await expect(read({ table_name: 'payroll' })).rejects.toMatchObject({
    hint: expect.stringContaining('There is hr.payroll'),
  });
  await expect(read({ table_name: 'zzzzzzzzz' })).rejects.toMatchObject({
    hint: expect.stringContaining('hr.payroll'),
  });
  await expect(read({ columns: ['stats'] })).rejects.toMatchObject({
    message: 'public.orders has no column "stats" (columns).',
    hint: 'Did you mean "status"?',
  });
});

test('views, materialised views, partitioned tables and a sample', async () => {
  await server.query(`CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
    CREATE MATERIALIZED VIEW paid_orders AS SELECT * FROM orders WHERE status = 'paid';
    CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE events_2 PARTITION OF events DEFAULT;
    INSERT INTO events VALUES (1, '2024-01-05'), (2, '2024-05-05')`);
  expect(ids(await read({ table_name: 'open_orders' }))).toEqual([1, 3]);
  expect(ids(await read({ table_name: 'paid_orders' }))).toEqual([2, 4]);
  expect(ids(await read({ table_name: 'events' }))).toEqual([1, 2]);
  const sample = await bench.read(source, request({ table_name: 'orders' }, { sampleRows: 2 }));
  expect(sample.rows).toHaveLength(2);
  expect(sample.summary.verdict.reason).toBe('sample');
});

test('missing grants say what to ask for', async () => {
  await server.query(`CREATE ROLE reader LOGIN PASSWORD 'reader'; CREATE SCHEMA closed; CREATE TABLE closed.t (id int);
    CREATE TABLE granted_in_part (id int, name text, salary int); INSERT INTO granted_in_part VALUES (1, 'Ann', 9);
    GRANT SELECT (id, name) ON granted_in_part TO reader; CREATE TABLE ungranted (id int)`);
  const own = createPostgresSource(server.connection({ username: 'reader', password: 'reader' }));
  const readOwn = (job: Partial<Job>) => bench.read(own, request(job));
  await expect(readOwn({ table_name: 'ungranted' })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    hint: expect.stringContaining('GRANT SELECT ON "public"."ungranted"'),
  });
  await expect(readOwn({ table_name: 'closed.t' })).rejects.toMatchObject({
    hint: expect.stringContaining('GRANT USAGE ON SCHEMA'),
  });
  await expect(readOwn({ table_name: 'granted_in_part' })).rejects.toMatchObject({
    message: expect.stringContaining('salary'),
  });
  const part = await readOwn({ table_name: 'granted_in_part', columns: ['id', 'name'], filter: 'id > 0' });
  expect(part.rows).toEqual([{ id: '1', name: 'Ann' }]);
});

test('row-level security is pointed out', async () => {
  await server.query(`CREATE ROLE tenant LOGIN PASSWORD 'tenant'; CREATE TABLE rows_of (id int, owner text); INSERT INTO rows_of VALUES (1, 'tenant'), (2, 'x');
    ALTER TABLE rows_of ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON rows_of USING (owner = current_user); GRANT SELECT ON rows_of TO tenant`);
  const own = createPostgresSource(server.connection({ username: 'tenant', password: 'tenant' }));
  const result = await bench.read(own, request({ table_name: 'rows_of' }));
  expect([ids(result), result.warnings.map(({ code }) => code)]).toEqual([[1], ['ROW_SECURITY']]);
});

test('explain and preview show the statement; preview rows are what a read gives', async () => {
  const job = { table_name: 'orders', columns: ['id', 'amount'], filter: "status = 'open'" };
  const wanted = request(job, { incremental: incremental({ from: '2024-01-01' }) });
  const signal = new AbortController().signal;
  const statement = await source.explain(wanted, signal);
  expect(statement).toContain("WHERE (status = 'open'\n)");
  expect(statement).toContain(`q."updated_at" >= '2024-01-01'::"pg_catalog"."timestamptz"`);
  const preview = await source.preview(wanted, bench.context(), { pages: 1, rows: 1 });
  expect(preview.pages).toEqual([
    {
      request: { statement: `${statement}\nLIMIT 1` },
      records: [{ id: '1', amount: '1.50', updated_at: '2024-01-01 00:00:00.000001+00' }],
    },
  ]);
  expect(preview.schema[1]).toEqual({
    name: 'amount',
    source_type: 'numeric(12,2)',
    type: 'DECIMAL(12,2)',
    nullable: true,
  });
  expect(preview.stop.reason).toBe('preview_limit');
});

test('preview values are those that JSON can hold, the rest the text of the server', async () => {
  await server.query(`CREATE TABLE shown AS SELECT 7::smallint AS small, 1.5::float8 AS half, 'NaN'::float8 AS odd, true AS yes, 9007199254740993 AS big,
    NULL::int AS nothing, repeat('x', 20000) AS long, '\\x01'::bytea AS raw`);
  const preview = await source.preview(request({ table_name: 'shown' }), bench.context(), { pages: 1, rows: 10 });
  expect(preview.pages[0]?.records).toEqual([
    {
      small: 7,
      half: 1.5,
      odd: 'NaN',
      yes: true,
      big: '9007199254740993',
      nothing: null,
      long: `${'x'.repeat(10_000)}…`,
      raw: '\\x01',
    },
  ]);
  expect(preview.stop.reason).toBe('end_of_table');
});

test('at most two tables of a read exist at a time, and an abandoned read leaves none', async () => {
  await server.query(
    'CREATE TABLE long AS SELECT i AS id, repeat(md5(i::text), 4) AS body FROM generate_series(1, 520000) i',
  );
  const segments = source.read(request({ table_name: 'long' }), bench.context());
  const first = await segments.next();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await bench.tables()).length).toBeLessThanOrEqual(2);
  if (!first.done) await first.value.release();
  await segments.return(undefined as never);
  await expect.poll(() => bench.tables()).toEqual([]);
  await expect
    .poll(() => server.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'ingest-studio'"))
    .toEqual([]);
});

test('discovery lists what can be read, with keys, comments and watermarks', async () => {
  await server.query(`CREATE TABLE discoverable (id serial, code text, created_at timestamp, updated_at timestamptz NOT NULL, PRIMARY KEY (code, id));
    CREATE INDEX ON discoverable (updated_at); COMMENT ON TABLE discoverable IS 'A table'; COMMENT ON COLUMN discoverable.code IS 'A code';
    INSERT INTO discoverable (code, updated_at) SELECT i, now() FROM generate_series(1, 50) i; ANALYZE discoverable, events`);
  const signal = new AbortController().signal;
  const [table, ...others] = await source.discover({ search: 'DISCOVER', withColumns: true }, signal);
  expect(others).toEqual([]);
  expect(table).toMatchObject({
    schema: 'public',
    name: 'discoverable',
    kind: 'table',
    rowEstimate: 50,
    comment: 'A table',
    primaryKey: ['code', 'id'],
  });
  expect(table?.columns[1]).toEqual({ name: 'code', sourceType: 'text', nullable: false, comment: 'A code' });
  expect(table?.watermarkSuggestions.map(({ column }) => column)).toEqual(['updated_at', 'created_at', 'id']);
  expect(table?.watermarkSuggestions[0]?.reason).toBe(
    'time of the last change, indexed, 1 value in 50 rows by the statistics',
  );
  expect(table?.watermarkSuggestions[2]?.reason).toContain('50 values in 50 rows');
  const all = await source.discover({ schema: 'public', withColumns: false }, signal);
  const kinds = Object.fromEntries(all.map(({ name, kind }) => [name, kind]));
  expect(kinds).toMatchObject({
    open_orders: 'view',
    paid_orders: 'materialized_view',
    events: 'table',
    orders: 'table',
  });
  expect(kinds).not.toHaveProperty('events_1');
  expect(all.find(({ name }) => name === 'events')?.rowEstimate).toBe(2);
});
