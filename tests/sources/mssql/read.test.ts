import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import type { IncrementalRead } from '../../../engine/sources/source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { SqlServer } from '../../servers/sql-server/sql-server.ts';

let server: SqlServer;
let bench: ReadBench;

const ODD_NAMES = ['Order Details', 'a.b', "it's", 'say "hi"', 'br]acket', 'select', 'Größe', '表', 'x; DROP'];

beforeAll(async () => {
  [server, bench] = await Promise.all([SqlServer.start(), ReadBench.open()]);
  await server.createTable('sales.Orders', {
    columns: [
      { name: 'OrderId', type: 'bigint', identity: true, comment: 'Number of the order' },
      { name: 'Customer', type: 'nvarchar(40)', nullable: true },
      { name: 'Amount', type: 'decimal(18,4)' },
      { name: 'ModifiedAt', type: 'datetime2(7)', indexed: true },
      { name: 'CreatedOn', type: 'date' },
      { name: 'Version', type: 'rowversion' },
      { name: 'Secret', type: 'nvarchar(10)' },
    ],
    primaryKey: ['OrderId'],
    comment: 'What customers ordered',
    select: `SELECT i, 'c' || (i % 7), i / 10, ticks_of('2024-01-01 00:00:00') + i * 10000001, DATE '2024-01-01' + CAST(i // 1000 AS INT),
      unhex(lpad(hex(i), 16, '0')), 'x' FROM range(1, 12001) t(i)`,
  });
  await server.createTable('dbo.Gaps', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'at', type: 'datetime', nullable: true },
      { name: 'tag', type: 'varchar(10)', nullable: true },
      { name: 'price', type: 'money' },
      { name: 'ratio', type: 'float' },
      { name: 'zoned', type: 'datetimeoffset(3)' },
    ],
    primaryKey: ['id'],
    rows: [
      [1, '2024-05-01 10:00:00.003', 'b', '1.5000', 0.5, '2024-05-01 10:00:00.123'],
      [2, '2024-05-01 10:00:00.003', 'ä', '-2.0001', -1.25, '2024-05-01 10:00:00.124'],
      [3, null, null, '10.0000', 1e300, '2024-05-02 10:00:00'],
      [4, '2024-05-02 00:00:00.000', 'B', '9.9999', 2, '2024-04-01 00:00:00'],
    ],
  });
  for (const name of ODD_NAMES) {
    await server.createTable(`dbo.${name}`, {
      columns: [
        { name: 'id', type: 'int' },
        { name, type: 'nvarchar(20)' },
      ],
      rows: [[1, name]],
    });
  }
  await server.createTable('dbo.Open Orders', {
    columns: [{ name: 'OrderId', type: 'bigint' }],
    isView: true,
    select: 'SELECT "OrderId" FROM sales."Orders" WHERE "OrderId" < 4',
  });
  await server.createTable('dbo.Fast', {
    columns: [{ name: 'id', type: 'int' }],
    inMemory: true,
    rows: [[1]],
  });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const source = () => createMssqlSource(mssqlConnection(server));
const signal = () => new AbortController().signal;
const job = (values: Parameters<typeof request>[0]) => ({ source_type: 'mssql' as const, ...values });
const orders = (values: Parameters<typeof request>[0] = {}) =>
  job({ table_name: 'Orders', schema_name: 'sales', ...values });

test('rows and sums are measured on the server, of the rows that loads can have brought', async () => {
  const measured = source();
  const measure = (
    columns: string[],
    values: Parameters<typeof request>[0],
    loaded: { column: string; from: string | null; to: string; nullWatermarks?: 'include' | 'exclude' } | null = null,
  ) =>
    measured.measure?.(
      {
        read: request(job(values)),
        loaded: loaded && { nullWatermarks: 'exclude', ...loaded },
        measures: columns.map((column) => ({ kind: 'sum', column })),
      },
      bench.context(),
    );
  try {
    const gaps = { table_name: 'Gaps' };
    expect(await measure(['id', 'price'], gaps)).toEqual({ rows: 4, values: ['10', '19.4998'] });
    expect(await measure(['id'], { ...gaps, filter: "tag = 'b' -- only those" })).toMatchObject({ rows: 1 });
    expect(await measure(['id'], { ...gaps, filter: 'id > 99' })).toEqual({ rows: 0, values: [null] });
    expect(Number((await measure(['ratio'], { ...gaps, filter: 'id <> 3' }))?.values[0])).toBe(1.25);
    const first = { column: 'at', from: null, to: '2024-05-01 10:00:00.003' };
    expect(await measure(['id'], gaps, first)).toEqual({ rows: 2, values: ['3'] });
    expect(await measure(['id'], gaps, { ...first, nullWatermarks: 'include' })).toEqual({ rows: 3, values: ['6'] });
    const day = { column: 'at', from: '2024-05-01 12:00:00', to: '2024-05-02 00:00:00' };
    expect(await measure(['id'], gaps, day)).toEqual({ rows: 1, values: ['4'] });
    const sales = { table_name: 'Orders', schema_name: 'sales' };
    // 12,000 numbers up to 12,000; the landed name is the normalised one.
    expect(await measure(['order_id'], sales)).toEqual({ rows: 12_000, values: ['72006000'] });
    const versions = { column: 'Version', from: '0x0000000000000002', to: '0x0000000000000004' };
    expect(await measure(['order_id'], sales, versions)).toEqual({ rows: 3, values: ['9'] });
    await expect(measure(['tag'], gaps)).rejects.toMatchObject({ code: 'MEASURE_COLUMN' });
    await expect(measure(['nowhere'], gaps)).rejects.toMatchObject({ code: 'MEASURE_COLUMN' });
    await expect(measure(['price'], { ...gaps, columns: ['id'] })).rejects.toMatchObject({ code: 'MEASURE_COLUMN' });
  } finally {
    await measured.close();
  }
});

function incremental(column: string, changes: Partial<IncrementalRead> = {}): IncrementalRead {
  return { column, from: null, continued: false, lag: null, end: null, nullWatermarks: 'exclude', ...changes };
}

async function ids(
  values: Parameters<typeof request>[0],
  watermark: IncrementalRead | null = null,
): Promise<{ ids: (string | null)[]; watermark: string | null | undefined; warnings: string[] }> {
  const { rows, summary, warnings } = await bench.read(source(), request(job(values), { incremental: watermark }));
  return {
    ids: rows.map((row) => row.id ?? row.OrderId ?? null),
    watermark: summary.watermark,
    warnings: warnings.map(({ code }) => code),
  };
}

describe('what is read', () => {
  test.each(ODD_NAMES)('a table and a column named %s', async (name) => {
    const { rows } = await bench.read(source(), request(job({ table_name: 'odd', source_object: name })));
    expect(rows).toEqual([{ id: '1', [name]: name }]);
  });

  test.each([
    ['sales.orders', null],
    ['ORDERS', 'sales'],
    ['Orders', 'SALES'],
  ])('%s in %s is sales.Orders, case aside', async (table_name, schema_name) => {
    const text = await source().explain(request(job({ table_name, schema_name, columns: ['orderid'] })), signal());
    expect(text).toBe('SELECT q.[OrderId] AS [OrderId]\nFROM (SELECT [OrderId] FROM [sales].[Orders]) q');
  });

  test('only the columns that are wanted, with key and watermark, behind the filter', async () => {
    const statement = await source().explain(
      request(orders({ columns: ['Amount'], primary_key: ['OrderId'], filter: "Customer = 'c1' -- only him" }), {
        incremental: incremental('ModifiedAt', { from: '2024-01-01 00:10:00', end: '2024-01-01T00:20:00' }),
      }),
      signal(),
    );
    expect(
      statement,
    ).toBe(`SELECT q.[OrderId] AS [OrderId], CAST(q.[Amount] AS nvarchar(41)) AS [Amount], q.[ModifiedAt] AS [ModifiedAt]
FROM (SELECT [OrderId], [Amount], [ModifiedAt] FROM [sales].[Orders] WHERE (Customer = 'c1' -- only him
)) q
WHERE q.[ModifiedAt] >= CONVERT(datetime2(7), N'2024-01-01 00:10:00', 121) AND q.[ModifiedAt] < CONVERT(datetime2(7), N'2024-01-01T00:20:00', 126)`);
    const { rows } = await bench.read(
      source(),
      request(orders({ columns: ['Customer'], primary_key: ['OrderId'], filter: "Customer = 'c1' AND OrderId <= 15" })),
    );
    expect(rows).toEqual([1, 8, 15].map((id) => ({ OrderId: String(id), Customer: 'c1' })));
  });

  test.each(['1 = 1; DROP TABLE x', 'a) OR (1 = 1', "name = 'x", '/* /* */ a = 1', '[a = 1', ' '])(
    'the filter %s is refused',
    async (filter) => {
      await expect(source().explain(request(orders({ filter })), signal())).rejects.toMatchObject({
        code: 'FILTER_INVALID',
      });
    },
  );

  test('what is not there is named, with what was meant', async () => {
    const explain = (values: Parameters<typeof request>[0]) => source().explain(request(job(values)), signal());
    await expect(explain({ table_name: 'Gapz' })).rejects.toMatchObject({ hint: 'Did you mean "dbo.Gaps"?' });
    await expect(explain({ table_name: 'Orders' })).rejects.toMatchObject({
      code: 'SOURCE_TABLE_NOT_FOUND',
      hint: expect.stringContaining('There is sales.Orders'),
    });
    await expect(explain(orders({ columns: ['Amont'] }))).rejects.toMatchObject({
      code: 'SOURCE_COLUMN_NOT_FOUND',
      hint: 'Did you mean "Amount"?',
    });
  });

  test('a missing grant on a column, and on the table', async () => {
    await server.deny('guest', '[sales].[Orders]', '[Secret]');
    await server.deny('blind', '[sales].[Orders]');
    server.options.users = { etl: 's3cret', guest: 'g', blind: 'b' };
    const as = (username: string, password: string) =>
      createMssqlSource(mssqlConnection(server, { username, password }));
    await expect(bench.read(as('guest', 'g'), request(orders()))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('may not read Secret'),
    });
    const { rows } = await bench.read(
      as('guest', 'g'),
      request(orders({ columns: ['OrderId'], filter: 'OrderId < 3' })),
    );
    expect(rows).toHaveLength(2);
    await expect(bench.read(as('blind', 'b'), request(orders()))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('GRANT SELECT ON [sales].[Orders]'),
    });
  });
});

describe('incremental', () => {
  test('the greatest watermark keeps all seven digits, and the next read begins at it', async () => {
    const first = await ids(orders(), incremental('ModifiedAt'));
    expect(first.ids).toHaveLength(12_000);
    expect(first.watermark).toBe('2024-01-01 03:20:00.0012000');
    const next = await ids(orders(), incremental('ModifiedAt', { from: first.watermark as string, continued: true }));
    expect(next).toMatchObject({ ids: ['12000'], watermark: '2024-01-01 03:20:00.0012000' });
    const none = await ids(
      orders(),
      incremental('ModifiedAt', { from: '2024-01-01 03:20:00.0012001', continued: true }),
    );
    expect(none).toMatchObject({ ids: [], watermark: null });
  });

  test('equal timestamps: all rows at the watermark come again', async () => {
    expect(await ids({ table_name: 'Gaps', filter: 'id < 4' }, incremental('at'))).toEqual({
      ids: ['1', '2'],
      watermark: '2024-05-01 10:00:00.003',
      warnings: expect.arrayContaining(['WATERMARK_NULL']),
    });
    const again = await ids(
      { table_name: 'Gaps' },
      incremental('at', { from: '2024-05-01 10:00:00.003', continued: true }),
    );
    expect(again.ids).toEqual(['1', '2', '4']);
  });

  test.each<[string, string, string[], string]>([
    ['price', '1.5', ['1', '3', '4'], '10.0000'],
    ['ratio', '0.5', ['1', '3', '4'], '1e+300'],
    ['zoned', '2024-05-01 10:00:00.124', ['2', '3'], '2024-05-02 10:00:00.000 +00:00'],
    ['tag', 'b', ['1', '2'], 'ä'],
    ['id', '3', ['3', '4'], '4'],
  ])('%s from %s', async (column, from, expected, watermark) => {
    const result = await ids({ table_name: 'Gaps' }, incremental(column, { from }));
    expect(result).toMatchObject({ ids: expected, watermark });
  });

  test('rowversion stops below transactions that still run', async () => {
    await server.run("UPDATE mssql_sys.settings SET value = '0000000000000064'");
    const { ids: read, watermark } = await ids(
      orders(),
      incremental('Version', { from: '0x000000000000005F', continued: true }),
    );
    expect(read).toEqual(['95', '96', '97', '98', '99']);
    expect(watermark).toBe('0x0000000000000063');
    await server.run("UPDATE mssql_sys.settings SET value = 'FFFFFFFFFFFFFFFF'");
    const all = await ids(orders(), incremental('Version', { from: watermark as string, continued: true }));
    expect(all.ids).toHaveLength(12_000 - 98);
  });

  test('a lag reads what lies behind the watermark again', async () => {
    const lagged = (from: string, lag: IncrementalRead['lag'], column: string) =>
      source().explain(
        request(orders({ primary_key: ['OrderId'] }), {
          incremental: incremental(column, { from, continued: true, lag }),
        }),
        signal(),
      );
    expect(await lagged('2024-01-02 00:00:00', { kind: 'duration', seconds: 90_000.5 }, 'ModifiedAt')).toContain(
      "q.[ModifiedAt] >= CAST(DATEADD(MILLISECOND, -3600500, DATEADD(DAY, -1, CONVERT(datetime2(7), N'2024-01-02 00:00:00', 121))) AS datetime2(7))",
    );
    expect(await lagged('9223372036854775807', { kind: 'number', value: '1000' }, 'OrderId')).toContain(
      "CAST(N'9223372036854774807' AS bigint)",
    );
    expect(await lagged('-9223372036854775808', { kind: 'number', value: '10.5' }, 'OrderId')).toContain(
      "CAST(N'-9223372036854775808' AS bigint)",
    );
    expect(await lagged('1.5', { kind: 'number', value: '2.25' }, 'Amount')).toContain(
      "CAST(N'-0.75' AS decimal(18,4))",
    );
    await expect(lagged('2024-01-02', { kind: 'number', value: '5' }, 'ModifiedAt')).rejects.toMatchObject({
      code: 'LAG_INVALID',
    });
    const { ids: read } = await ids(
      orders({ primary_key: ['OrderId'] }),
      incremental('ModifiedAt', {
        from: '2024-01-01 03:20:00.0012000',
        continued: true,
        lag: { kind: 'duration', seconds: 2 },
      }),
    );
    expect(read).toEqual(['11999', '12000']);
  });

  test('rows without a watermark are left out with a warning, read, or an error', async () => {
    const gaps = (nullWatermarks: IncrementalRead['nullWatermarks'], from: string | null = null) =>
      ids({ table_name: 'Gaps' }, incremental('at', { nullWatermarks, from }));
    expect(await gaps('exclude')).toMatchObject({
      ids: ['1', '2', '4'],
      warnings: expect.arrayContaining(['WATERMARK_NULL']),
    });
    expect((await gaps('include', '2024-05-02 00:00:00')).ids).toEqual(['3', '4']);
    await expect(gaps('raise')).rejects.toMatchObject({
      code: 'WATERMARK_NULL',
      message: expect.stringContaining('1 row has'),
    });
  });

  test.each([
    ['ModifiedAt', 'yesterday', 'WATERMARK_INVALID'],
    ['OrderId', '12x', 'WATERMARK_INVALID'],
    ['Version', '99', 'WATERMARK_INVALID'],
  ])('%s from "%s" is refused', async (column, from, code) => {
    await expect(ids(orders(), incremental(column, { from }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(from),
    });
  });

  test('a sample leaves no watermark', async () => {
    const { rows, summary } = await bench.read(
      source(),
      request(orders(), { sampleRows: 5, incremental: incremental('ModifiedAt') }),
    );
    expect(rows).toHaveLength(5);
    expect(summary).toMatchObject({ verdict: { reason: 'sample' } });
    expect(summary.watermark).toBeUndefined();
  });

  test('late commits and changed rows are seen by the next read', async () => {
    await server.createTable('dbo.Late', {
      columns: [
        { name: 'id', type: 'int' },
        { name: 'at', type: 'datetime2(3)' },
      ],
      primaryKey: ['id'],
      rows: [
        [1, '2024-01-01 00:00:01'],
        [2, '2024-01-01 00:00:03'],
      ],
    });
    const writer = await server.catalog.instance.connect();
    await writer.run('BEGIN; INSERT INTO dbo."Late" VALUES (3, ticks_of(\'2024-01-01 00:00:02\'))');
    const first = await ids({ table_name: 'Late' }, incremental('at'));
    expect(first).toMatchObject({ ids: ['1', '2'], watermark: '2024-01-01 00:00:03.000' });
    await writer.run('COMMIT');
    writer.closeSync();
    await server.run('UPDATE dbo."Late" SET "at" = ticks_of(\'2024-01-01 00:00:09\') WHERE id = 1');
    const second = await ids(
      { table_name: 'Late', primary_key: ['id'] },
      incremental('at', { from: first.watermark as string, continued: true, lag: { kind: 'duration', seconds: 2 } }),
    );
    expect(second.ids.toSorted()).toEqual(['1', '2', '3']);
  });
});

describe('parts', () => {
  const partitioned = (values: Parameters<typeof request>[0], partitions = 2, partition_column?: string) =>
    request(
      orders({
        ...values,
        options: { ...makeJob({}).options, partitions, ...(partition_column ? { partition_column } : {}) },
      }),
    );

  test.each([undefined, 'ModifiedAt', 'Amount', 'CreatedOn'])(
    'cut by %s: each row once, in one snapshot',
    async (column) => {
      const before = server.batches.length;
      const { rows, summary } = await bench.read(source(), partitioned({ columns: ['OrderId'] }, 2, column));
      expect(new Set(rows.map((row) => row.OrderId)).size).toBe(12_000);
      expect(summary.verdict.records).toBe(12_000);
      const batches = server.batches.slice(before);
      const lock = batches.findIndex((sql) => sql.includes('WITH (TABLOCK, HOLDLOCK)'));
      const unlock = batches.indexOf('COMMIT TRANSACTION');
      // Both parts begin, and take their snapshot, while nobody can write.
      expect(batches.slice(lock, unlock).filter((sql) => sql.includes('ISOLATION LEVEL SNAPSHOT'))).toHaveLength(2);
    },
  );

  test('rows that are written during the read are in no part', async () => {
    const segments = source().read(partitioned({ columns: ['OrderId'] }), bench.context());
    const first = await segments.next();
    await server.run(
      'INSERT INTO sales."Orders" SELECT * REPLACE (99999 AS "OrderId") FROM sales."Orders" WHERE "OrderId" = 1',
    );
    let rows = first.done ? 0 : (first.value.rows ?? 0);
    if (!first.done) await first.value.release();
    for await (const segment of segments) {
      rows += segment.rows ?? 0;
      await segment.release();
    }
    await server.run('DELETE FROM sales."Orders" WHERE "OrderId" = 99999');
    expect(rows).toBe(12_000);
  });

  test('refused where there is no one moment', async () => {
    const refused = (value: ReturnType<typeof partitioned>) => expect(bench.read(source(), value)).rejects;
    await refused(partitioned({ filter: 'OrderId IN (SELECT 1)' })).toMatchObject({ code: 'SNAPSHOT_REFUSED' });
    await refused(partitioned({ table_name: 'x', source_object: 'Open Orders', schema_name: 'dbo' })).toMatchObject({
      code: 'SNAPSHOT_REFUSED',
    });
    await refused(partitioned({ table_name: 'Fast', schema_name: 'dbo' })).toMatchObject({ code: 'SNAPSHOT_REFUSED' });
    await refused(partitioned({}, 2, 'Customer')).toMatchObject({ code: 'PARTITION_COLUMN_TYPE' });
    await server.run('UPDATE mssql_sys.databases SET snapshot_isolation_state = 0');
    await refused(partitioned({})).toMatchObject({
      code: 'SNAPSHOT_REFUSED',
      hint: expect.stringContaining('ALLOW_SNAPSHOT_ISOLATION ON'),
    });
    const { warnings } = await ids(orders({ filter: 'OrderId = 1', columns: ['OrderId'] }));
    expect(warnings).toEqual(['READ_WITHOUT_SNAPSHOT']);
    await server.run('UPDATE mssql_sys.databases SET is_read_committed_snapshot_on = 1');
    expect((await ids(orders({ filter: 'OrderId = 1', columns: ['OrderId'] }))).warnings).toEqual([]);
    await server.run('UPDATE mssql_sys.databases SET snapshot_isolation_state = 1, is_read_committed_snapshot_on = 0');
  });
});

test('discovery: tables and views with columns, keys, sizes, comments and what would serve as watermark', async () => {
  const found = await source().discover({ schema: 'sales', withColumns: true }, signal());
  expect(found).toEqual([
    {
      schema: 'sales',
      name: 'Orders',
      kind: 'table',
      rowEstimate: expect.any(Number),
      bytes: 241 * 8192,
      comment: 'What customers ordered',
      columns: [
        { name: 'OrderId', sourceType: 'bigint', nullable: false, comment: 'Number of the order' },
        { name: 'Customer', sourceType: 'nvarchar(40)', nullable: true, comment: null },
        { name: 'Amount', sourceType: 'decimal(18,4)', nullable: true, comment: null },
        { name: 'ModifiedAt', sourceType: 'datetime2(7)', nullable: true, comment: null },
        { name: 'CreatedOn', sourceType: 'date', nullable: true, comment: null },
        { name: 'Version', sourceType: 'timestamp', nullable: true, comment: null },
        { name: 'Secret', sourceType: 'nvarchar(10)', nullable: true, comment: null },
      ],
      primaryKey: ['OrderId'],
      watermarkSuggestions: [
        { column: 'Version', reason: expect.stringContaining('raises it at each change') },
        { column: 'ModifiedAt', reason: 'time of the last change, indexed, may be NULL' },
        { column: 'OrderId', reason: 'growing number: later changes of a row are not seen, indexed' },
        { column: 'CreatedOn', reason: expect.stringContaining('date') },
      ],
    },
  ]);
  await server.run(`INSERT INTO mssql_sys.stats_columns SELECT c.object_id, 2, 1, c.column_id FROM mssql_sys.columns c
      JOIN mssql_sys.objects o ON o.object_id = c.object_id WHERE o.name = 'Orders' AND c.name = 'ModifiedAt';
    INSERT INTO mssql_sys.dm_db_stats_histogram SELECT object_id, 2, key, 4 FROM mssql_sys.stats_columns, (VALUES (NULL), ('a'), ('b')) k(key)`);
  const [counted] = await source().discover({ schema: 'sales', withColumns: true }, signal());
  expect(counted?.watermarkSuggestions[1]?.reason).toMatch(
    /^time of the last change, indexed, may be NULL, 10 values in \d+ rows by the statistics/,
  );
  // Whoever may not ask for statistics gets the suggestions without.
  await server.run('ALTER TABLE mssql_sys.dm_db_stats_histogram RENAME TO gone');
  const [uncounted] = await source().discover({ schema: 'sales', withColumns: true }, signal());
  expect(uncounted?.watermarkSuggestions).toEqual(found[0]?.watermarkSuggestions);
  await server.run('ALTER TABLE mssql_sys.gone RENAME TO dm_db_stats_histogram');
  const views = await source().discover({ search: 'OPEN', withColumns: false }, signal());
  expect(views).toMatchObject([{ schema: 'dbo', name: 'Open Orders', kind: 'view', rowEstimate: null, columns: [] }]);
});

test('a preview shows the first rows and the statement', async () => {
  const preview = await source().preview(request(orders()), bench.context(), { pages: 1, rows: 2 });
  expect(preview.pages[0]?.records[0]).toMatchObject({
    OrderId: '1',
    Amount: '0.1000',
    ModifiedAt: '2024-01-01 00:00:01.0000001',
    Version: '0x0000000000000001',
  });
  expect(preview.pages[0]?.request).toMatchObject({ statement: expect.stringContaining('SELECT TOP (2) ') });
  expect(preview.stop.reason).toBe('preview_limit');
});
