import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReadColumn, type RowRead, readRows } from '../../../engine/sources/database/read-rows.ts';
import { RowClient } from '../../../engine/sources/database/row-client.ts';
import { isGreater } from '../../../engine/sources/database/watermark-order.ts';
import type { ReadWarning, Segment } from '../../../engine/sources/source.ts';
import { ReadBench } from '../../helpers/read-bench.ts';
import { inThread, type ListStatement, listDialect } from './list-dialect.ts';

let bench: ReadBench;

beforeAll(async () => {
  bench = await ReadBench.open();
});

afterAll(() => bench[Symbol.asyncDispose]());

const signal = () => new AbortController().signal;
const worker = () => RowClient.start(new URL('./list-worker.ts', import.meta.url));
const thread = () => RowClient.over(inThread(listDialect));

function column(type: string, format: ReadColumn['format'], name = 'value'): ReadColumn {
  return { name, sourceType: type, segmentType: type, landedType: type, nullable: true, format };
}

function plan(columns: ReadColumn[], statements: ListStatement[], changes: Partial<RowRead> = {}): RowRead {
  return {
    name: 'dbo.list',
    columns,
    watermark: null,
    statements: statements.map((statement) => JSON.stringify(statement)),
    sampleRows: null,
    fetchRows: 1000,
    ...changes,
  };
}

async function open(clients: RowClient[]): Promise<RowClient[]> {
  for (const client of clients) await client.open({}, signal());
  return clients;
}

async function read(clients: RowClient[], rowRead: RowRead) {
  const warnings: ReadWarning[] = [];
  const context = bench.context({ warn: (warning) => warnings.push(warning) });
  const connection = await bench.workspace.connect();
  const segments = readRows(await open(clients), rowRead, context);
  const rows: Record<string, string | null>[] = [];
  const sizes: number[] = [];
  try {
    for (;;) {
      const step = await segments.next();
      if (step.done) return { rows, sizes, summary: step.value, warnings };
      sizes.push(step.value.rows ?? -1);
      rows.push(
        ...(await connection.rows<Record<string, string | null>>(
          `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${step.value.from}`,
        )),
      );
      await step.value.release();
    }
  } finally {
    connection.close();
  }
}

/** What a value of the driver is in DuckDB. */
async function landed(type: string, format: ReadColumn['format'], values: unknown[]): Promise<(string | null)[]> {
  const { rows } = await read([thread()], plan([column(type, format)], [{ rows: values.map((value) => [value]) }]));
  return rows.map((row) => row.value ?? null);
}

describe('values land exactly', () => {
  test.each<[string, ReadColumn['format'], unknown[], (string | null)[]]>([
    ['BOOLEAN', 'boolean', [true, false, null, 1], ['true', 'false', null, 'true']],
    ['SMALLINT', 'integer', [-32_768, 32_767, null], ['-32768', '32767', null]],
    ['INTEGER', 'integer', [-2_147_483_648, 2_147_483_647], ['-2147483648', '2147483647']],
    [
      'BIGINT',
      'integer',
      [-9_007_199_254_740_991, 9_007_199_254_740_991, -1],
      ['-9007199254740991', '9007199254740991', '-1'],
    ],
    [
      'BIGINT',
      'number_text',
      ['-9223372036854775808', '9223372036854775807', '0', '-0', '1E3'],
      ['-9223372036854775808', '9223372036854775807', '0', '0', '1000'],
    ],
    ['INTEGER', 'number_text', ['-2147483648', '2147483647'], ['-2147483648', '2147483647']],
    [
      'DOUBLE',
      'double',
      [1.7976931348623157e308, 5e-324, 'NaN!', -0.1],
      ['1.7976931348623157e+308', '5e-324', 'nan', '-0.1'],
    ],
    ['FLOAT', 'double', [3.4028234663852886e38, 0.10000000149011612], ['3.4028235e+38', '0.1']],
    [
      'DECIMAL(38,10)',
      'number_text',
      [
        '9999999999999999999999999999.9999999999',
        '-9999999999999999999999999999.9999999999',
        '.5',
        '-0.0000000001',
        '12.50',
        '1.5E+10',
        '7e-10',
        '1.00000000000000',
      ],
      [
        '9999999999999999999999999999.9999999999',
        '-9999999999999999999999999999.9999999999',
        '0.5000000000',
        '-0.0000000001',
        '12.5000000000',
        '15000000000.0000000000',
        '0.0000000007',
        '1.0000000000',
      ],
    ],
    [
      'DECIMAL(38,0)',
      'number_text',
      ['99999999999999999999999999999999999999', '-1'],
      ['99999999999999999999999999999999999999', '-1'],
    ],
    ['DECIMAL(4,2)', 'number_text', ['-99.99', '0.01'], ['-99.99', '0.01']],
    [
      'DECIMAL(15,4)',
      'decimal_number',
      [99999999999.9999, -99999999999.9999, 0.0001, 1.005, 0],
      ['99999999999.9999', '-99999999999.9999', '0.0001', '1.0050', '0.0000'],
    ],
    ['DECIMAL(9,2)', 'decimal_number', [1.1, -1234567.89], ['1.10', '-1234567.89']],
    [
      'TIMESTAMP',
      'timestamp_text',
      [
        '0001-01-01 00:00:00',
        '9999-12-31 23:59:59.999999',
        '1969-12-31 23:59:59.5',
        '2024-03-31 02:30:00.000001',
        '-0001-12-31 00:00:00',
        '2024-02-29T12:00',
        '2024-05-01 12:00:00 +02:00',
      ],
      [
        '0001-01-01 00:00:00',
        '9999-12-31 23:59:59.999999',
        '1969-12-31 23:59:59.5',
        '2024-03-31 02:30:00.000001',
        '0001-12-31 (BC) 00:00:00',
        '2024-02-29 12:00:00',
        '2024-05-01 10:00:00',
      ],
    ],
    [
      'TIMESTAMP WITH TIME ZONE',
      'timestamp_text',
      ['2024-05-01 12:00:00.25 -05:30', '2024-05-01 12:00:00Z'],
      ['2024-05-01 17:30:00.25+00', '2024-05-01 12:00:00+00'],
    ],
    [
      'DATE',
      'timestamp_text',
      ['0001-01-01', '9999-12-31', '1970-01-01 00:00:00', '2000-02-29'],
      ['0001-01-01', '9999-12-31', '1970-01-01', '2000-02-29'],
    ],
    ['TIME', 'time_text', ['00:00', '23:59:59.999999', '12:34:56'], ['00:00:00', '23:59:59.999999', '12:34:56']],
    [
      'TIMESTAMP',
      'driver_date',
      [
        { date: '0001-01-01T00:00:00.000Z', delta: 0 },
        { date: '9999-12-31T23:59:59.999Z', delta: 0.000999 },
        { date: '1969-12-31T23:59:59.001Z', delta: 0.000001 },
      ],
      ['0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.001001'],
    ],
    ['TIME', 'driver_date', [{ date: '1970-01-01T23:59:59.999Z', delta: 0.000123 }], ['23:59:59.999123']],
    [
      'DATE',
      'driver_date',
      [{ date: '0001-01-01T00:00:00Z' }, { date: '1969-12-31T00:00:00Z' }, { date: '9999-12-31T00:00:00Z' }],
      ['0001-01-01', '1969-12-31', '9999-12-31'],
    ],
    [
      'UUID',
      'uuid_text',
      [
        '6F9619FF-8B86-D011-B42D-00C04FC964FF',
        '00000000-0000-0000-0000-000000000001',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ],
      [
        '6f9619ff-8b86-d011-b42d-00c04fc964ff',
        '00000000-0000-0000-0000-000000000001',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ],
    ],
    [
      'VARCHAR',
      'text',
      ['', 'twelve bytes', 'thirteen byte', 'é', '😀'.repeat(40), 'x'.repeat(100_000), null],
      ['', 'twelve bytes', 'thirteen byte', 'é', '😀'.repeat(40), 'x'.repeat(100_000), null],
    ],
    [
      'BLOB',
      'bytes',
      [{ bytes: '00ff' }, { bytes: '' }, { bytes: '07'.repeat(20) }],
      ['\\x00\\xFF', '', '\\x07'.repeat(20)],
    ],
  ])('%s from %s', async (type, format, values, expected) => {
    expect(await landed(type, format, values)).toEqual(expected);
  });

  test.each<[string, ReadColumn['format'], unknown, string]>([
    ['DECIMAL(4,2)', 'number_text', '100', 'VALUE_TOO_LARGE'],
    ['DECIMAL(4,2)', 'number_text', '0.001', 'VALUE_TOO_PRECISE'],
    ['DECIMAL(38,9)', 'number_text', 'NaN', 'VALUE_NOT_FINITE'],
    ['BIGINT', 'number_text', '9223372036854775808', 'VALUE_TOO_LARGE'],
    ['SMALLINT', 'number_text', '-32769', 'VALUE_TOO_LARGE'],
    ['TIMESTAMP', 'timestamp_text', 'yesterday', 'VALUE_OUT_OF_RANGE'],
    ['DATE', 'timestamp_text', '2024-01-01 00:00:01', 'VALUE_TOO_PRECISE'],
    ['TIME', 'time_text', '25', 'VALUE_OUT_OF_RANGE'],
    ['UUID', 'uuid_text', 'no', 'VALUE_OUT_OF_RANGE'],
    ['VARCHAR', 'text', 'half \ud83d', 'VALUE_NOT_UNICODE'],
  ])('%s from %s refuses %s', async (type, format, value, code) => {
    await expect(landed(type, format, [value])).rejects.toMatchObject({
      code,
      message: expect.stringContaining('"value"'),
    });
    expect(await bench.tables()).toEqual([]);
  });

  test('digits beyond microseconds are cut with one warning a column', async () => {
    const rows = Array.from({ length: 3000 }, () => [
      '2024-01-01 00:00:00.1234567',
      '12:00:00.0000009',
      { date: '2024-01-01', delta: 0.0001234 },
    ]);
    const columns = [
      column('TIMESTAMP', 'timestamp_text', 'a'),
      column('TIME', 'time_text', 'b'),
      column('TIMESTAMP', 'driver_date', 'c'),
    ];
    const result = await read([thread()], plan(columns, [{ rows }]));
    expect(result.rows.at(-1)).toEqual({
      a: '2024-01-01 00:00:00.123456',
      b: '12:00:00',
      c: '2024-01-01 00:00:00.000123',
    });
    expect(result.warnings.map(({ code, column: name }) => `${code} ${name}`)).toEqual(
      ['a', 'b', 'c'].map((name) => `DIGITS_BEYOND_MICROSECONDS ${name}`),
    );
  });
});

describe('a read through worker threads', () => {
  const mixed = [column('INTEGER', 'integer', 'id'), column('VARCHAR', 'text', 'note'), column('BLOB', 'bytes', 'raw')];
  const rows = Array.from({ length: 1000 }, (_, index) => [
    index,
    index % 3 === 0 ? null : `a text that is not short at all: ${index}`,
    index % 2 === 0 ? { bytes: 'ab'.repeat(index) } : null,
  ]);

  test('rows of several statements arrive once each, in segments, with the greatest watermark', async () => {
    const statements = [1, 2].map(() => ({ rows, times: 200 }));
    const result = await read(
      [worker(), worker()],
      plan(mixed, statements, { watermark: { column: 'id', order: 'number' } }),
    );
    expect(result.rows).toHaveLength(400_000);
    expect(result.sizes.length).toBeGreaterThan(2);
    expect(result.summary).toMatchObject({ watermark: '999', verdict: { reason: 'end_of_table', records: 400_000 } });
    for (const index of [0, 1, 2, 999, 399_999]) {
      const { id, note, raw } = result.rows[index] as { id: string; note: string | null; raw: string | null };
      expect(note).toBe(Number(id) % 3 === 0 ? null : `a text that is not short at all: ${id}`);
      expect(raw).toBe(Number(id) % 2 === 0 ? '\\xAB'.repeat(Number(id)) : null);
    }
    expect(await bench.tables()).toEqual([]);
  });

  test('no rows: one segment that says which columns there are, and no watermark', async () => {
    const result = await read(
      [worker()],
      plan(mixed, [{ rows: [] }], { watermark: { column: 'id', order: 'number' } }),
    );
    expect(result).toMatchObject({ rows: [], sizes: [0], summary: { watermark: null } });
  });

  test('the driver rests while nothing is asked for', async () => {
    const [client] = (await open([thread()])) as [RowClient];
    const { done } = client.query(
      {
        sql: JSON.stringify({ rows, times: 1000 }),
        columns: [{ name: 'id', type: 'INTEGER', format: 'integer' }],
        object: 'list',
        fetchRows: 1,
        watermark: null,
      },
      (batch) => sizes.push(batch.rows),
      signal(),
    );
    const sizes: number[] = [];
    await expect.poll(() => sizes.length).toBe(8);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sizes).toHaveLength(8);
    await client.close();
    await expect(done).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test.each(['hang', 'ignore_cancel'] as const)('cancelled while the server is silent (%s)', async (ending) => {
    const controller = new AbortController();
    const [client] = (await open([worker()])) as [RowClient];
    const segments = readRows([client], plan(mixed, [{ rows, ending }]), bench.context({ signal: controller.signal }));
    const next = segments.next();
    setTimeout(() => controller.abort(), 100);
    await expect(next).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await bench.tables()).toEqual([]);
  });

  test('an error keeps its code, hint and whether it can be tried again', async () => {
    await expect(worker().open({ refuse: true }, signal())).rejects.toMatchObject({
      name: 'IngestError',
      code: 'LOGIN_FAILED',
      hint: 'Knock.',
      retryable: true,
    });
    await expect(read([worker()], plan(mixed, [{ rows, ending: 'fail' }]))).rejects.toMatchObject({
      code: 'SOURCE_QUERY_FAILED',
      retryable: true,
    });
  });

  test('a worker that dies fails the read', async () => {
    await expect(read([worker()], plan(mixed, [{ rows, ending: 'exit' }]))).rejects.toMatchObject({
      code: 'READER_FAILED',
      retryable: true,
    });
    expect(await bench.tables()).toEqual([]);
  });

  test('an abandoned read leaves nothing behind', async () => {
    const segments = readRows(
      await open([worker(), worker()]),
      plan(mixed, [
        { rows, times: 1000 },
        { rows, times: 1000 },
      ]),
      bench.context(),
    );
    const first = (await segments.next()) as IteratorYieldResult<Segment>;
    await first.value.release();
    await segments.return(undefined as never);
    expect(await bench.tables()).toEqual([]);
  });
});

test('watermarks are ordered by value, not by their looks', () => {
  const numbers = [
    '-10',
    '-9.5',
    '-0.0',
    '0.00000000000000000001',
    '9',
    '10',
    '10.50',
    '12345678901234567890.1',
    '12345678901234567890.2',
  ];
  for (const [index, one] of numbers.entries()) {
    for (const [other, text] of numbers.entries()) expect(isGreater('number', one, text)).toBe(index > other);
  }
  expect(isGreater('number', '1E+3', '999')).toBe(true);
  expect(isGreater('number', '10.5', '10.50')).toBe(false);
  expect(isGreater('text', 'b', 'a')).toBe(true);
  expect(isGreater('text', 'a', null)).toBe(true);
});
