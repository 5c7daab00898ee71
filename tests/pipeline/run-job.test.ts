import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { IngestError } from '../../engine/errors.ts';
import { makeJob, PipelineBench } from '../helpers/pipeline.ts';
import { type QueryRead, querySource } from '../helpers/query-source.ts';

const always = (queries: string[], rest: Partial<QueryRead> = {}) => querySource(() => ({ queries, ...rest }));

test('a full load replaces the table, with dlt names and ids', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({});
  const first = await bench.run(
    job,
    always(['SELECT 1 AS "orderId", \'ä\' AS "HTTPStatus"', 'SELECT 2 AS "orderId", \'b\' AS "HTTPStatus"']),
  );
  expect(first).toMatchObject({ status: 'SUCCESS', rows_processed: 2, error: null });
  expect(await bench.rows('SELECT order_id, http_status FROM {t} ORDER BY 1')).toEqual([
    { order_id: 1, http_status: 'ä' },
    { order_id: 2, http_status: 'b' },
  ]);
  expect(
    await bench.rows('SELECT count(DISTINCT _dlt_id) AS ids, count(DISTINCT _dlt_load_id) AS loads FROM {t}'),
  ).toEqual([{ ids: '2', loads: '1' }]);
  const second = await bench.run(job, always(['SELECT 3 AS "orderId", \'c\' AS "HTTPStatus"']));
  expect(second.rows_processed).toBe(1);
  expect(await bench.rows('SELECT order_id FROM {t}')).toEqual([{ order_id: 3 }]);
  expect(await readdir(path.join(bench.folder, 'spool'))).toEqual([]);
});

test('a replace that reads nothing empties the table', async () => {
  await using bench = await PipelineBench.open();
  await bench.run(makeJob({}), always(['SELECT 1 AS id']));
  const result = await bench.run(makeJob({}), always([]));
  expect(result.status).toBe('SUCCESS');
  expect(await bench.rows('SELECT count(*)::INTEGER AS n FROM {t}')).toEqual([{ n: 0 }]);
});

test('an append continues at the watermark and loads boundary rows once, by hash and count', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'moment', write_disposition: 'append' });
  const day = (text: string) => `TIMESTAMP '2026-01-${text}'`;
  await bench.run(
    job,
    always([`SELECT * FROM (VALUES ('a', ${day('01')}), ('b', ${day('02')}), ('b', ${day('02')})) v(name, moment)`]),
  );
  const source = querySource(() => ({
    queries: [
      `SELECT * FROM (VALUES ('b', ${day('02')}), ('b', ${day('02')}), ('b', ${day('02')}), ('c', ${day('02')}), ('d', ${day('03')})) v(name, moment)`,
    ],
  }));
  const second = await bench.run(job, source);
  expect(source.requests[0]?.incremental).toMatchObject({
    column: 'moment',
    from: '2026-01-02 00:00:00',
    continued: true,
  });
  expect(second).toMatchObject({
    status: 'SUCCESS',
    rows_processed: 3,
    watermark_before: '2026-01-02 00:00:00',
    watermark_after: '2026-01-03 00:00:00',
  });
  expect(await bench.rows('SELECT name, count(*)::INTEGER AS n FROM {t} GROUP BY 1 ORDER BY 1')).toEqual([
    { name: 'a', n: 1 },
    { name: 'b', n: 3 },
    { name: 'c', n: 1 },
    { name: 'd', n: 1 },
  ]);
  const third = await bench.run(job, always([`SELECT 'd' AS name, ${day('03')} AS moment`]));
  expect(third).toMatchObject({ rows_processed: 0, watermark_after: '2026-01-03 00:00:00', load_id: null });
});

test('boundary rows that the source does not show again stay known', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'n', write_disposition: 'append' });
  await bench.run(job, always(["SELECT 'a' AS name, 5 AS n UNION ALL SELECT 'b', 5"]));
  await bench.run(job, always(["SELECT 'c' AS name, 5 AS n"]));
  const third = await bench.run(
    job,
    always(["SELECT * FROM (VALUES ('a', 5), ('b', 5), ('c', 5), ('e', 6)) v(name, n)"]),
  );
  expect(third).toMatchObject({ error: null, rows_processed: 1 });
  expect(await bench.rows('SELECT name FROM {t} ORDER BY 1')).toEqual(['a', 'b', 'c', 'e'].map((name) => ({ name })));
});

test('a merge updates by key; in one batch the highest watermark wins and an exact repeat counts once', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({
    load_type: 'INCREMENTAL',
    watermark_column: 'v',
    write_disposition: 'merge',
    primary_key: ['id'],
  });
  await bench.run(job, always(["SELECT * FROM (VALUES (1, 'one', 1), (2, 'two', 1)) t(id, name, v)"]));
  const second = await bench.run(
    job,
    always(["SELECT * FROM (VALUES (2, 'old', 2), (2, 'new', 3), (3, 'three', 2), (3, 'three', 2)) t(id, name, v)"]),
  );
  expect(second).toMatchObject({ status: 'SUCCESS', watermark_after: '3' });
  expect(await bench.rows('SELECT id, name FROM {t} ORDER BY id')).toEqual([
    { id: 1, name: 'one' },
    { id: 2, name: 'new' },
    { id: 3, name: 'three' },
  ]);
});

test('a tie of different rows for one key is an error that shows the key, and nothing is loaded', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({
    load_type: 'INCREMENTAL',
    watermark_column: 'v',
    write_disposition: 'merge',
    primary_key: ['id'],
  });
  const result = await bench.run(job, always(["SELECT * FROM (VALUES (7, 'x', 2), (7, 'y', 2)) t(id, name, v)"]));
  expect(result.status).toBe('FAILED');
  expect(result.error).toMatchObject({ code: 'PRIMARY_KEY_TIE' });
  expect(result.error?.message).toContain('id = 7');
  expect(await bench.destination.describeTables({ schema: 'raw', table: 'orders' })).toEqual([]);
});

test('a key without a value cannot be merged', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ write_disposition: 'merge', primary_key: ['id'] });
  const result = await bench.run(job, always(['SELECT NULL::INTEGER AS id UNION ALL SELECT 1']));
  expect(result.error).toMatchObject({ code: 'PRIMARY_KEY_NULL' });
});

test('nested records become child tables', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ source_type: 'api', write_disposition: 'merge', primary_key: ['id'] });
  const read = (lines: string) =>
    always([
      `SELECT 1 AS id, {'city': 'Köln', 'zipCode': '01'} AS address, ${lines} AS "orderLines", ['x', 'y'] AS tags`,
    ]);
  const first = await bench.run(
    job,
    read("[{'sku': 'a', 'parts': [{'no': 1}, {'no': 2}]}, {'sku': 'b', 'parts': NULL}]"),
  );
  expect(first.error).toBeNull();
  expect(await bench.rows('SELECT id, address__city, address__zip_code FROM {t}')).toEqual([
    { id: 1, address__city: 'Köln', address__zip_code: '01' },
  ]);
  expect(await bench.rows('SELECT sku, _dlt_list_idx FROM {t} ORDER BY 2', 'orders__order_lines')).toEqual([
    { sku: 'a', _dlt_list_idx: '0' },
    { sku: 'b', _dlt_list_idx: '1' },
  ]);
  expect(await bench.rows('SELECT no FROM {t} ORDER BY no', 'orders__order_lines__parts')).toEqual([
    { no: 1 },
    { no: 2 },
  ]);
  expect(await bench.rows('SELECT value FROM {t} ORDER BY _dlt_list_idx', 'orders__tags')).toEqual([
    { value: 'x' },
    { value: 'y' },
  ]);
  // the merged row's old children go with it
  await bench.run(job, read("[{'sku': 'c', 'parts': [{'no': 9}]}]"));
  expect(await bench.rows('SELECT sku FROM {t}', 'orders__order_lines')).toEqual([{ sku: 'c' }]);
  expect(await bench.rows('SELECT no FROM {t}', 'orders__order_lines__parts')).toEqual([{ no: 9 }]);
  expect(await bench.rows('SELECT count(*)::INTEGER AS n FROM {t}', 'orders__tags')).toEqual([{ n: 2 }]);
});

test('max_table_nesting 0 keeps lists as JSON text', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ source_type: 'api', options: { max_table_nesting: 0 } as never });
  await bench.run(job, always(["SELECT {'a': 1} AS o, [1, 2] AS list"]));
  expect(await bench.rows('SELECT o__a, list::VARCHAR AS list FROM {t}')).toEqual([{ o__a: 1, list: '[1,2]' }]);
});

test('a new column is added, a wider type widens, an unsafe change is refused with both types', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ write_disposition: 'append' });
  await bench.run(job, always(["SELECT 1::INTEGER AS id, DATE '2026-01-01' AS d"]));
  const second = await bench.run(job, always(["SELECT 5000000000::BIGINT AS id, DATE '2026-01-02' AS d, 'n' AS note"]));
  expect(second.error).toBeNull();
  expect(second.schema_changes.join('\n')).toMatch(/id widened from INTEGER to BIGINT[\s\S]*note VARCHAR added/);
  const third = await bench.run(job, always(['SELECT 1.5::DOUBLE AS id']));
  expect(third.error).toMatchObject({ code: 'SCHEMA_CHANGE_UNSAFE' });
  expect(third.error?.message).toMatch(/"id".*BIGINT.*DOUBLE/);
  expect(await bench.rows('SELECT count(*)::INTEGER AS n FROM {t}')).toEqual([{ n: 2 }]);
});

test.each([
  ['freeze', 'FAILED', [1]],
  ['discard_value', 'SUCCESS', [1, 2, 3]],
  ['discard_row', 'SUCCESS', [1, 3]],
] as const)('contract %s meets a new column', async (contract, status, ids) => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ write_disposition: 'append', schema_contract: contract });
  await bench.run(job, always(['SELECT 1 AS id']));
  const second = await bench.run(job, always(["SELECT 2 AS id, 'x' AS extra UNION ALL SELECT 3, NULL"]));
  expect(second.status).toBe(status);
  expect((await bench.rows('SELECT * EXCLUDE (_dlt_id, _dlt_load_id) FROM {t} ORDER BY id')).map((row) => row)).toEqual(
    ids.map((id) => ({ id })),
  );
});

test('a value that its landed type cannot hold fails the job by name and nothing is loaded', async () => {
  await using bench = await PipelineBench.open();
  const result = await bench.run(
    makeJob({}),
    always(["SELECT '1.005' AS price"], { columns: { price: { landedType: 'DECIMAL(10,2)' } } }),
  );
  expect(result.error).toMatchObject({ code: 'VALUE_DOES_NOT_FIT' });
  expect(result.error?.message).toContain('"price" has the value "1.005"');
});

test('names that fall together are refused, naming both', async () => {
  await using bench = await PipelineBench.open();
  const result = await bench.run(makeJob({}), always(['SELECT 1 AS "createdAt", 2 AS created_at']));
  expect(result.error).toMatchObject({ code: 'COLUMN_NAMES_COLLIDE' });
  expect(result.error?.message).toMatch(/createdAt.*created_at/);
});

test('a transient failure reads again from the start and repeats no row', async () => {
  await using bench = await PipelineBench.open();
  let reads = 0;
  const source = querySource(() => {
    reads += 1;
    const failure = new IngestError('CONNECTION_LOST', 'cut', { retryable: true });
    return reads === 1 ? { queries: ['SELECT 1 AS id'], failure } : { queries: ['SELECT 1 AS id', 'SELECT 2 AS id'] };
  });
  const result = await bench.run(makeJob({ write_disposition: 'append' }), source);
  expect(result).toMatchObject({ status: 'SUCCESS', rows_processed: 2, retries: 1 });
  expect(bench.events.filter((event) => event.type === 'job_retry')).toHaveLength(1);
});

test('a sample goes beside the table and leaves state untouched', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'id', write_disposition: 'append' });
  await bench.run(job, always(['SELECT 1 AS id']));
  const before = await bench.destination.listStates(null);
  const sample = await bench.run(job, always(['SELECT 9 AS id']), { sampleRows: 5 });
  expect(sample).toMatchObject({ status: 'SUCCESS', target: 'raw_sample.orders' });
  expect(await bench.rows('SELECT id FROM {t}')).toEqual([{ id: 1 }]);
  expect(await bench.rows('SELECT id FROM {t}', 'orders', 'raw_sample')).toEqual([{ id: 9 }]);
  expect(await bench.destination.listStates(null)).toEqual(before);
});

test('a full refresh forgets the watermark and takes new types', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'n', write_disposition: 'append' });
  await bench.run(job, always(["SELECT 'x' AS id, 5 AS n"]));
  const source = always(["SELECT DATE '2026-02-03' AS id, 3 AS n"]);
  const result = await bench.run(job, source, { fullRefresh: true });
  expect(result.error).toBeNull();
  expect(source.requests[0]?.incremental).toMatchObject({ from: null, continued: false });
  expect(await bench.rows('SELECT id::VARCHAR AS id, typeof(id) AS type FROM {t}')).toEqual([
    { id: '2026-02-03', type: 'DATE' },
  ]);
  expect((await bench.destination.listStates(null))[0]?.watermark).toBe('3');
});

test('cancelling ends the job as CANCELLED and leaves no package', async () => {
  await using bench = await PipelineBench.open();
  const controller = new AbortController();
  const source = querySource(() => {
    controller.abort();
    return { queries: ['SELECT 1 AS id'] };
  });
  const result = await bench.run(makeJob({}), source, { signal: controller.signal });
  expect(result.status).toBe('CANCELLED');
  expect(await bench.destination.describeTables({ schema: 'raw', table: 'orders' })).toEqual([]);
});

test('a lag reads late rows behind the watermark and appends none twice', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({
    load_type: 'INCREMENTAL',
    watermark_column: 'v',
    write_disposition: 'append',
    primary_key: ['id'],
    lag: { kind: 'number', value: '10' },
  });
  await bench.run(job, always(['SELECT * FROM (VALUES (1, 100), (2, 95)) t(id, v)']));
  const source = always(['SELECT * FROM (VALUES (1, 100), (2, 95), (3, 97), (1, 101)) t(id, v)']);
  const second = await bench.run(job, source);
  expect(source.requests[0]?.incremental).toMatchObject({ from: '100', lag: { kind: 'number', value: '10' } });
  expect(second).toMatchObject({ rows_processed: 2, watermark_after: '101' });
  expect(await bench.rows('SELECT id, v FROM {t} ORDER BY ALL')).toEqual([
    { id: 1, v: 100 },
    { id: 1, v: 101 },
    { id: 2, v: 95 },
    { id: 3, v: 97 },
  ]);
});

test("the source's own text of the watermark is kept, not the landed value", async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'moment', write_disposition: 'append' });
  const read = (watermark: string) =>
    always(["SELECT TIMESTAMP '2026-01-01 00:00:00.123456' AS moment"], { summary: { watermark } });
  const first = await bench.run(job, read('2026-01-01T00:00:00.1234567'));
  expect(first.watermark_after).toBe('2026-01-01T00:00:00.1234567');
});

test('a package that a run could not load is loaded first by the next, and its rows are not read again', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ load_type: 'INCREMENTAL', watermark_column: 'id', write_disposition: 'append' });
  const broken = Object.create(bench.destination) as typeof bench.destination;
  for (const key of ['lock', 'describeTables', 'readState'] as const)
    broken[key] = bench.destination[key].bind(bench.destination) as never;
  broken.load = async () => {
    throw new IngestError('DESTINATION_FAILED', 'no space left');
  };
  Object.defineProperties(broken, {
    name: { value: 'local' },
    capabilities: { value: bench.destination.capabilities },
    defaultSchema: { value: 'raw' },
  });
  const failed = await bench.run(job, always(['SELECT 1 AS id UNION ALL SELECT 2']), { destination: broken });
  expect(failed).toMatchObject({ status: 'FAILED', error: { code: 'DESTINATION_FAILED' } });
  const source = always(['SELECT 2 AS id UNION ALL SELECT 3']);
  const next = await bench.run(job, source);
  expect(source.requests[0]?.incremental?.from).toBe('2');
  expect(next).toMatchObject({ status: 'SUCCESS', rows_processed: 3, watermark_after: '3' });
  expect(await bench.rows('SELECT id FROM {t} ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('rows are cast to the wider type that the table has', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ write_disposition: 'append' });
  await bench.run(job, always(['SELECT 1.5::DOUBLE AS amount']));
  expect((await bench.run(job, always(['SELECT 7::BIGINT AS amount']))).error).toBeNull();
  const inexact = await bench.run(job, always(['SELECT 9007199254740993::BIGINT AS amount']));
  expect(inexact.error).toMatchObject({ code: 'VALUE_DOES_NOT_FIT' });
  expect(await bench.rows('SELECT amount FROM {t} ORDER BY 1')).toEqual([{ amount: 1.5 }, { amount: 7 }]);
});

test.each([
  ['freeze', 'FAILED', 1, false],
  ['discard_value', 'SUCCESS', 3, false],
  ['discard_row', 'SUCCESS', 2, false],
  ['evolve', 'SUCCESS', 3, true],
] as const)('contract %s meets a new list', async (contract, status, rows, child) => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ source_type: 'api', write_disposition: 'append', schema_contract: contract });
  await bench.run(job, always(['SELECT 1 AS id']));
  const second = await bench.run(job, always(['SELECT 2 AS id, [1] AS list UNION ALL SELECT 3, NULL']));
  expect(second.status).toBe(status);
  expect(await bench.rows('SELECT count(*)::INTEGER AS n FROM {t}')).toEqual([{ n: rows }]);
  const tables = await bench.destination.describeTables({ schema: 'raw', table: 'orders' });
  expect(tables.some((table) => table.name === 'orders__list')).toBe(child);
});

test('intervals, huge integers and offsets survive the way through Parquet', async () => {
  await using bench = await PipelineBench.open();
  const values =
    "INTERVAL '1 month 2 days 00:00:00.000007' AS i, 170141183460469231731687303715884105727::HUGEINT AS h, TIMETZ '10:00:00+02' AS t";
  const result = await bench.run(makeJob({}), always([`SELECT ${values}`]));
  expect(result.error).toBeNull();
  const [same] = await bench.rows(
    `SELECT t.i = s.i AND t.h = s.h AND t.t::VARCHAR = s.t::VARCHAR AND typeof(t.h) = 'HUGEINT' AS same FROM {t} t, (SELECT ${values}) s`,
  );
  expect(same).toEqual({ same: true });
});

test('a boundary row is known again although its batch infers fewer columns; a changed list makes it another row', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({
    source_type: 'api',
    load_type: 'INCREMENTAL',
    watermark_column: 'v',
    write_disposition: 'append',
  });
  await bench.run(job, always(["SELECT 1 AS v, NULL AS note, [1, 2] AS list UNION ALL SELECT 0, 'x', NULL"]));
  const same = await bench.run(job, always(['SELECT 1 AS v, NULL AS note, [1, 2] AS list']));
  expect(same).toMatchObject({ status: 'SUCCESS', rows_processed: 0 });
  const changed = await bench.run(job, always(['SELECT 1 AS v, [1, 3] AS list']));
  expect(changed).toMatchObject({ status: 'SUCCESS', rows_processed: 1 });
  const again = await bench.run(job, always(['SELECT 1 AS v, [1, 3] AS list UNION ALL SELECT 1, [1, 2]']));
  expect(again).toMatchObject({ status: 'SUCCESS', rows_processed: 0 });
});

test('columns may have any name that the statements use themselves', async () => {
  await using bench = await PipelineBench.open();
  const job = makeJob({
    source_type: 'api',
    load_type: 'INCREMENTAL',
    watermark_column: 'n',
    write_disposition: 'merge',
    primary_key: ['item'],
  });
  const row = (n: number) =>
    `SELECT ${n} AS n, 'k' AS item, 'f' AS filename, 1 AS file_row_number, 'h' AS hash, 2 AS nth, 'r' AS root, 3 AS text, 'd' AS d, 4 AS r, [{'item': 5, 'idx': 6}] AS list, 'p' AS picked`;
  for (const n of [1, 1, 2]) expect((await bench.run(job, always([`${row(n)} UNION ALL ${row(n)}`]))).error).toBeNull();
  expect(await bench.rows('SELECT n, item, filename, hash FROM {t}')).toEqual([
    { n: 2, item: 'k', filename: 'f', hash: 'h' },
  ]);
  expect(await bench.rows('SELECT item, idx FROM {t}', 'orders__list')).toEqual([{ item: 5, idx: 6 }]);
  const reserved = await bench.run(job, always(["SELECT 'x' AS _dlt_id, 9 AS n, 'z' AS item"]));
  expect(reserved.error).toMatchObject({ code: 'COLUMN_NAME_RESERVED' });
});

test.each([
  ["'12.50'::DECIMAL(38,9)", '0.5::DOUBLE', 'DECIMAL(38,9)', null],
  ["'12.50'::DECIMAL(10,2)", '7::BIGINT', 'DECIMAL(10,2)', null],
  ["'12.50'::DECIMAL(38,9)", '1e-12::DOUBLE', 'DECIMAL(38,9)', 'VALUE_DOES_NOT_FIT'],
  ["'12.50'::DECIMAL(38,9)", "'1.5'::DECIMAL(38,18)", 'DECIMAL(38,9)', null],
])('%s meets %s: each value is judged, the column stays %s', async (first, second, type, code) => {
  await using bench = await PipelineBench.open();
  const job = makeJob({ write_disposition: 'append' });
  await bench.run(job, always([`SELECT ${first} AS amount`]));
  expect((await bench.run(job, always([`SELECT ${second} AS amount`]))).error?.code ?? null).toBe(code);
  expect(await bench.rows('SELECT DISTINCT typeof(amount) AS type FROM {t}')).toEqual([{ type }]);
});

test('a row that a segment counted and that did not arrive fails the job', async () => {
  await using bench = await PipelineBench.open();
  const source = always(['SELECT 1 AS id']);
  const read = source.read.bind(source);
  source.read = async function* (request, context) {
    const segments = read(request, context);
    for (let next = await segments.next(); ; next = await segments.next()) {
      if (next.done) return next.value;
      yield { ...next.value, rows: 2 };
    }
  };
  expect((await bench.run(makeJob({}), source)).error).toMatchObject({ code: 'ROWS_LOST' });
});
