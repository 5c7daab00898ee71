import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFilter } from '../../../engine/sources/oracle/filter.ts';
import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import type { IncrementalRead, Source } from '../../../engine/sources/source.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { ReadBench, type ReadResult, request } from '../../helpers/read-bench.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { connectionTo } from './oracle-under-test.ts';

let server: OracleServer;
let bench: ReadBench;
let source: Source;

beforeAll(async () => {
  [server, bench] = await Promise.all([OracleServer.start(), ReadBench.open()]);
  source = createOracleSource(connectionTo(server));
  await server.createTable('ORDERS', {
    columns: {
      ID: 'NUMBER(10)!',
      STATUS: 'VARCHAR2(20)',
      AMOUNT: 'NUMBER(12,2)',
      UPDATED_AT: 'TIMESTAMP(6)',
      TOUCHED: 'TIMESTAMP(6) WITH TIME ZONE',
      DAY: 'DATE',
      SCORE: 'NUMBER',
    },
    storage: { SCORE: 'DECIMAL(18,4)' },
    primaryKey: ['ID'],
    rows: [
      ['1', "'open'", '1.5', "'2024-01-01 00:00:00.000001'", "'2024-01-01 00:00:00+00'", "'2024-01-01'", "'9'"],
      ['2', "'paid'", '2', "'2024-01-02 00:00:00.123456'", "'2024-01-02 02:00:00+02'", "'2024-01-02'", "'10.25'"],
      ['3', "'open'", '3', "'2024-01-02 00:00:00.123456'", "'2024-01-03 00:00:00+00'", "'2024-01-02'", "'-1'"],
      ['4', "'paid'", '4', "'2024-01-02 00:00:00.123457'", "'2024-01-04 00:00:00+00'", "'2024-01-03'", "'10.3'"],
      ['5', "'lost'", '5', null, null, null, null],
    ],
  });
});

afterAll(async () => {
  await source.close();
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const ids = (result: ReadResult) => result.rows.map((row) => Number(row.ID)).sort((one, other) => one - other);

function incremental(changes: Partial<IncrementalRead>): IncrementalRead {
  const defaults = { column: 'UPDATED_AT', from: null, continued: true, lag: null, end: null };
  return { ...defaults, nullWatermarks: 'exclude', ...changes };
}

async function read(job: Partial<Job>, from?: Partial<IncrementalRead>): Promise<ReadResult> {
  const asked = request(
    { table_name: 'orders', schema_name: 'etl', ...job },
    { incremental: from ? incremental(from) : null },
  );
  return await bench.read(source, asked);
}

test('columns are pruned, but the key and the watermark are always read', async () => {
  const result = await read({ columns: ['status'], primary_key: ['id'] }, { from: '2024-01-02' });
  expect(result.columns.map(({ name }) => name)).toEqual(['ID', 'STATUS', 'UPDATED_AT']);
  expect((await read({ columns: ['AMOUNT'] })).columns.map(({ name }) => name)).toEqual(['AMOUNT']);
  await expect(read({ columns: ['amuont'] })).rejects.toMatchObject({
    code: 'SOURCE_COLUMN_NOT_FOUND',
    hint: 'Did you mean "AMOUNT"?',
  });
});

test('a filter is a condition on the table, comments and strings included', async () => {
  expect(ids(await read({ filter: "STATUS = 'open' OR AMOUNT > 4.5 -- and no more" }))).toEqual([1, 3, 5]);
  expect(ids(await read({ filter: "STATUS <> ');--' AND STATUS <> '' /* ( */ AND ID < 3" }))).toEqual([1, 2]);
  expect(ids(await read({ columns: ['ID'], filter: 'AMOUNT = 2' }))).toEqual([2]);
  await expect(read({ filter: 'NO_SUCH = 1' })).rejects.toMatchObject({ code: 'SOURCE_COLUMN_NOT_FOUND' });
});

test.each([
  ['1=1; DELETE FROM orders', 'semicolon'],
  ['1=1) UNION SELECT (1', '\\)'],
  ["STATUS = 'open", "'"],
  ['(ID = 1', '\\('],
  ['ID = 1 /* open', '/\\*'],
  ["STATUS = q'[open", "q'\\["],
  ["STATUS = q'(a)' OR ')' = '", "'"],
  ['  ', 'empty'],
])('a filter that is not one condition is refused: %s', async (filter, reason) => {
  const message = expect.stringMatching(reason);
  await expect(read({ filter })).rejects.toMatchObject({ code: 'FILTER_INVALID', message });
});

test.each(["STATUS = q'[a'b)]'", "STATUS = Q'!;!' AND 1 = 1", '"A)" = 1', "STATUS = N'x(' AND ID = 1"])(
  'a filter whose strings and names hold parentheses is one condition: %s',
  (filter) => expect(() => checkFilter(filter)).not.toThrow(),
);

test('an incremental read takes rows from the watermark on, equal ones too, and gives the new one exactly', async () => {
  const first = await read({}, {});
  expect([ids(first), first.summary.watermark]).toEqual([[1, 2, 3, 4], '2024-01-02 00:00:00.123457']);
  expect(ids(await read({}, { from: '2024-01-02 00:00:00.123456' }))).toEqual([2, 3, 4]);
  const nothing = await read({}, { from: '2030-01-01' });
  expect([ids(nothing), nothing.summary.watermark]).toEqual([[], null]);
  const bounded = await read({}, { from: '2024-01-01', end: '2024-01-02 00:00:00.123457' });
  expect([ids(bounded), bounded.summary.watermark]).toEqual([[1, 2, 3], '2024-01-02 00:00:00.123456']);
});

test('late commits and changed rows come with the next read, since it begins at the watermark', async () => {
  await server.createTable('LEDGER', {
    columns: { ID: 'NUMBER(5)!', AT: 'DATE' },
    rows: [['1', "'2024-01-01 10:00:00'"]],
  });
  const since = async (from: string | null) => {
    const { rows, summary } = await read({ table_name: 'LEDGER' }, { column: 'AT', from });
    return [rows.map((row) => row.ID).sort(), summary.watermark];
  };
  expect(await since(null)).toEqual([['1'], '2024-01-01 10:00:00']);
  await server.run(`INSERT INTO ETL.LEDGER VALUES (2, '2024-01-01 10:00:00')`);
  expect(await since('2024-01-01 10:00:00')).toEqual([['1', '2'], '2024-01-01 10:00:00']);
  await server.run(`UPDATE ETL.LEDGER SET "AT" = '2024-01-01 10:00:01' WHERE ID = 1`);
  expect(await since('2024-01-01 10:00:00')).toEqual([['1', '2'], '2024-01-01 10:00:01']);
});

test.each([
  ['TOUCHED', '2024-01-02T00:00:00Z', [2, 3, 4], '2024-01-04 00:00:00.000000+00:00'],
  ['TOUCHED', '2024-01-04 01:00:00+01', [4], '2024-01-04 00:00:00.000000+00:00'],
  ['DAY', '2024-01-02', [2, 3, 4], '2024-01-03 00:00:00'],
  ['DAY', '2024-01-02 00:00:00.5', [4], '2024-01-03 00:00:00'],
  ['SCORE', '9', [1, 2, 4], '10.3'],
  ['ID', '4', [4, 5], '5'],
])('a watermark of %s from %s', async (column, from, expected, watermark) => {
  const result = await read({}, { column, from });
  expect([ids(result), result.summary.watermark]).toEqual([expected, watermark]);
});

test('the order of texts is the server’s', async () => {
  const result = await read({}, { column: 'STATUS', from: "o'" });
  expect([ids(result), result.summary.watermark]).toEqual([[1, 2, 3, 4], 'paid']);
  expect(server.log.some((sql) => sql.includes('MAX(q."STATUS")'))).toBe(true);
});

test.each([
  ['UPDATED_AT', '2024-02-30'],
  ['UPDATED_AT', '2024-01-01 25:00:00'],
  ['UPDATED_AT', '2024-01-01 00:00:00+02'],
  ['DAY', 'yesterday'],
  ['ID', '1 OR 1=1'],
])('a watermark that is no value of %s is refused before anything is sent: %s', async (column, from) => {
  await expect(read({}, { column, from, continued: false })).rejects.toMatchObject({
    code: 'WATERMARK_INVALID',
    message: expect.stringContaining('last_watermark'),
    hint: expect.stringMatching(/a time|a number/),
  });
});

test('lag reads again what lies before the watermark', async () => {
  const lag = { kind: 'duration', seconds: 86_400 } as const;
  expect(ids(await read({}, { from: '2024-01-02 00:00:00.000001', lag }))).toEqual([1, 2, 3, 4]);
  expect(ids(await read({}, { column: 'ID', from: '5', lag: { kind: 'number', value: '2' } }))).toEqual([3, 4, 5]);
  await expect(read({}, { column: 'ID', from: '5', lag })).rejects.toMatchObject({ code: 'LAG_INVALID' });
  await expect(read({}, { column: 'STATUS', from: 'open', lag })).rejects.toMatchObject({ code: 'LAG_INVALID' });
});

test('rows without a watermark are left out with a warning, read, or end the read', async () => {
  const excluded = await read({}, {});
  const message = expect.stringContaining('1 row has no value');
  expect(excluded.warnings).toContainEqual(expect.objectContaining({ code: 'WATERMARK_NULL', message }));
  const from = '2024-01-02 00:00:00.123457';
  expect(ids(await read({}, { nullWatermarks: 'include', from }))).toEqual([4, 5]);
  expect(ids(await read({}, { nullWatermarks: 'include' }))).toEqual([1, 2, 3, 4, 5]);
  await expect(read({}, { nullWatermarks: 'raise' })).rejects.toMatchObject({ code: 'WATERMARK_NULL' });
});

test('names with dots, blanks, keywords, Unicode and lower case', async () => {
  const columns = { ORDER: 'NUMBER(3)', 'größe.cm': 'NUMBER(5)', 'two words': 'VARCHAR2(10)' };
  for (const name of ['order.items', 'Größe', 'SELECT', 'lower']) {
    await server.createTable(name, { columns, rows: [['1', '170', "'x'"]] });
    const { rows } = await read({ table_name: 'x', source_object: name, columns: ['größe.cm', 'ORDER'] });
    expect(rows).toEqual([{ ORDER: '1', 'größe.cm': '170' }]);
  }
  expect((await read({ table_name: 'ETL.ORDERS', schema_name: null })).rows).toHaveLength(5);
  await expect(read({ table_name: 'x', source_object: 'a"b' })).rejects.toMatchObject({
    code: 'SOURCE_TABLE_NOT_FOUND',
  });
});

test('a synonym leads to its table; one to another database is explained', async () => {
  await server.run(
    `INSERT INTO SYS.ALL_SYNONYMS VALUES ('PUBLIC', 'PURCHASES', 'ETL', 'ORDERS', NULL), ('ETL', 'FAR', 'X', 'FAR_TABLE', 'HQ.LINK')`,
  );
  expect((await read({ table_name: 'purchases' })).rows).toHaveLength(5);
  await expect(read({ table_name: 'far' })).rejects.toMatchObject({ code: 'SOURCE_TABLE_REMOTE' });
});

describe('partitioned reads', () => {
  const parts = (partitions: number, column?: string) => ({
    ...makeJob({}).options,
    partitions,
    ...(column === undefined ? {} : { partition_column: column }),
  });

  beforeAll(async () => {
    await server.createTable('EVENTS', {
      columns: { ID: 'NUMBER(10)!', AT: 'TIMESTAMP(6)', CODE: 'VARCHAR2(10)' },
      primaryKey: ['ID'],
      query: `SELECT i, CASE WHEN i % 10 > 0 THEN TIMESTAMP '2024-01-01' + to_seconds(i) END, 'c' || i FROM range(1, 2001) t(i)`,
    });
    await server.createTable('HEAP', {
      columns: { CODE: 'VARCHAR2(10)' },
      query: `SELECT 'c' || i FROM range(1, 501) t(i)`,
    });
    await server.createTable('ROW_VIEW', { kind: 'VIEW', columns: { CODE: 'VARCHAR2(10)' }, query: `SELECT 'c'` });
    await server.createTable('NO_PAST', {
      columns: { ID: 'NUMBER(5)!' },
      primaryKey: ['ID'],
      rows: [['1']],
      noFlashback: true,
    });
  });

  test.each([
    ['the primary key', 'EVENTS', undefined, 2000],
    ['a column of times, with rows that have none', 'EVENTS', 'AT', 2000],
    ['where the rows lie', 'HEAP', undefined, 500],
  ])('cut by %s, each row arrives once', async (_what, table_name, column, count) => {
    server.log.length = 0;
    const { rows } = await read({ table_name, options: parts(3, column) });
    expect(rows).toHaveLength(count);
    expect(new Set(rows.map((row) => row.CODE)).size).toBe(count);
    const reads = server.log.filter((sql) => sql.includes('AS OF SCN') && sql.includes('q."CODE"'));
    expect(reads).toHaveLength(3);
    expect(new Set(reads.map((sql) => /AS OF SCN (\d+)/.exec(sql)?.[1])).size).toBe(1);
  });

  test('rows that come while the parts are read belong to the next read', async () => {
    let inserted: Promise<void> | undefined;
    server.onStatement = (sql) => {
      if (sql.includes('q."CODE"'))
        inserted ??= server.run(`INSERT INTO ETL.EVENTS SELECT i, NULL, 'late' FROM range(5000, 5100) t(i)`);
      return undefined;
    };
    const { rows } = await read({ table_name: 'EVENTS', options: parts(2) });
    await inserted;
    server.onStatement = () => undefined;
    expect(inserted).toBeDefined();
    expect(rows.filter((row) => row.CODE === 'late')).toHaveLength(0);
    expect((await read({ table_name: 'EVENTS', filter: "CODE = 'late'" })).rows).toHaveLength(100);
  });

  test('are refused where there is no column to cut by, no past, or no right to ask for it', async () => {
    const readParts = (table_name: string, column?: string) => read({ table_name, options: parts(2, column) });
    await expect(readParts('ROW_VIEW')).rejects.toMatchObject({ code: 'PARTITION_COLUMN_MISSING' });
    await expect(readParts('EVENTS', 'CODE')).rejects.toMatchObject({ code: 'PARTITION_COLUMN_TYPE' });
    await expect(readParts('NO_PAST')).rejects.toMatchObject({
      code: 'SNAPSHOT_REFUSED',
      hint: expect.stringContaining('GRANT FLASHBACK'),
    });
    server.database.mayAskScn = false;
    await expect(readParts('EVENTS')).rejects.toMatchObject({
      code: 'SNAPSHOT_REFUSED',
      hint: expect.stringContaining('GRANT EXECUTE ON DBMS_FLASHBACK'),
    });
    server.database.mayAskScn = true;
  });
});

test('discovery lists what people made, with keys, comments, estimates and watermarks', async () => {
  await server.createTable('CUSTOMERS', {
    columns: {
      CODE: 'VARCHAR2(10)!',
      NAME: 'NVARCHAR2(50)',
      CREATED: 'DATE',
      LAST_UPDATED: 'TIMESTAMP(3)',
      PLACE: 'SDO_GEOMETRY',
    },
    uniqueKeys: [['NAME'], ['CODE']],
    indexed: ['LAST_UPDATED'],
    comment: 'Who buys',
    columnComments: { NAME: 'As they write it' },
    numRows: 1200,
  });
  await server.createTable('TOTALS', { kind: 'MATERIALIZED VIEW', columns: { SUM: 'NUMBER' } });
  await server.createTable('SECRETS', { columns: { ID: 'NUMBER(1)' }, grant: 'none' });
  const signal = new AbortController().signal;
  const [customers, ...others] = await source.discover({ schema: 'ETL', search: 'custom', withColumns: true }, signal);
  expect(others).toEqual([]);
  expect(customers).toMatchObject({
    schema: 'ETL',
    name: 'CUSTOMERS',
    kind: 'table',
    rowEstimate: 1200,
    estimatedAt: '2024-05-01 00:00:00',
    bytes: 120_000,
    comment: 'Who buys',
    primaryKey: ['CODE'],
    watermarkSuggestions: [
      { column: 'LAST_UPDATED', reason: 'time of the last change, indexed, may be NULL' },
      { column: 'CREATED', reason: expect.stringContaining('time of creation') },
    ],
  });
  expect(customers?.columns[1]).toEqual({
    name: 'NAME',
    sourceType: 'NVARCHAR2(50)',
    nullable: true,
    comment: 'As they write it',
  });
  expect(customers?.columns[4]?.sourceType).toBe('MDSYS.SDO_GEOMETRY');
  const all = await source.discover({ withColumns: false }, signal);
  expect(all.find(({ name }) => name === 'TOTALS')?.kind).toBe('materialized_view');
  expect(all.filter(({ name }) => name === 'TOTALS')).toHaveLength(1);
  expect(all.map(({ name }) => name)).not.toContain('SECRETS');
});

test('explain and preview show the statement; the preview’s rows are what a read would get', async () => {
  const asked = request(
    { table_name: 'orders', schema_name: 'etl' },
    { incremental: incremental({ from: '2024-01-02' }) },
  );
  const statement = await source.explain(asked, new AbortController().signal);
  expect(statement).toContain(
    `q."UPDATED_AT" >= TO_TIMESTAMP('2024-01-02 00:00:00.000000000', 'YYYY-MM-DD HH24:MI:SS.FF9')`,
  );
  const preview = await source.preview(asked, bench.context(), { pages: 1, rows: 2 });
  expect(preview.pages[0]?.records).toHaveLength(2);
  expect(preview.pages[0]?.records[0]).toMatchObject({ ID: '2', STATUS: 'paid', AMOUNT: '2' });
  expect(preview.stop.reason).toBe('preview_limit');
  expect(preview.warnings.map(({ column }) => column)).toEqual(['TOUCHED', 'SCORE']);
});

test('rows and sums are measured on the server, of the rows that loads can have brought', async () => {
  const measure = async (loaded: { from: string | null; to: string } | null, filter: string | null = null) =>
    await source.measure?.(
      {
        read: request({ table_name: 'orders', schema_name: 'etl', filter }),
        loaded: loaded && { ...loaded, column: 'UPDATED_AT', nullWatermarks: 'exclude' },
        measures: [{ kind: 'sum', column: 'amount' }],
      },
      bench.context(),
    );
  expect(await measure(null)).toEqual({ rows: 5, values: ['15.50'] });
  expect(await measure(null, 'AMOUNT > 100')).toEqual({ rows: 0, values: [null] });
  expect(await measure({ from: '2024-01-02', to: '2024-01-02 00:00:00.123456' })).toEqual({
    rows: 2,
    values: ['5.00'],
  });
  const measures = [{ kind: 'checksum', column: 'status', of: 'text' }] as const;
  const read = request({ table_name: 'orders', schema_name: 'etl' });
  await expect(
    source.measure?.({ read, loaded: null, measures: [...measures] }, bench.context()),
  ).rejects.toMatchObject({
    code: 'MEASURE_COLUMN',
  });
});
