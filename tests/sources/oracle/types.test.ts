import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ColumnData } from '../../../engine/duckdb/column-data.ts';
import { timestampTextWriter } from '../../../engine/sources/database/time-text.ts';
import { type Rejection, valueError } from '../../../engine/sources/database/value-error.ts';
import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import type { Source } from '../../../engine/sources/source.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { ReadBench, type ReadResult, request } from '../../helpers/read-bench.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { rowsInZone, ZONES } from '../rows-in-zone.ts';
import { EXTREMES } from './extremes.ts';
import { connectionTo } from './oracle-under-test.ts';

let server: OracleServer;
let bench: ReadBench;
let source: Source;

beforeAll(async () => {
  [server, bench] = await Promise.all([OracleServer.start(), ReadBench.open()]);
  source = createOracleSource(connectionTo(server));
  const columns = Object.fromEntries(Object.entries(EXTREMES).map(([name, { type }]) => [name, type]));
  const rows = [0, 1, 2].map((index) => Object.values(EXTREMES).map(({ values }) => values[index] ?? null));
  await server.createTable('EXTREMES', {
    columns: { KEY: 'NUMBER(3)!', ...columns },
    primaryKey: ['KEY'],
    rows: [...rows, Object.keys(columns).map(() => null)].map((row, index) => [String(index), ...row]),
  });
});

afterAll(async () => {
  await source.close();
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const read = (job: Parameters<typeof request>[0], changes: Parameters<typeof request>[1] = {}): Promise<ReadResult> =>
  bench.read(source, request({ schema_name: 'ETL', ...job }, changes));

describe('every type at its extremes', () => {
  let result: ReadResult;

  beforeAll(async () => {
    result = await read({ table_name: 'EXTREMES' });
    result.rows.sort((one, other) => Number(one.KEY) - Number(other.KEY));
  });

  test.each(Object.entries(EXTREMES))('%s arrives exactly, and NULL as NULL', (name, { landed, as }) => {
    const column = result.columns.find((each) => each.name === name);
    expect(column?.landedType).toBe(as);
    expect(result.rows.map((row) => row[name] ?? null)).toEqual([...landed, null]);
  });

  test('each permitted loss is told once', () => {
    expect(result.warnings.map(({ code, column }) => `${code} ${column}`).sort()).toEqual([
      'DIGITS_BEYOND_MICROSECONDS FINE',
      'OFFSET_FOLDED_INTO_UTC ZONED',
      'UNBOUNDED_NUMBER_AS_DOUBLE FLOATED',
      'UNBOUNDED_NUMBER_AS_DOUBLE LOOSE',
    ]);
  });

  test.each(ZONES)('the same arrives where the time zone is %s', async (zone) => {
    const rows = await rowsInZone(zone, connectionTo(server), { table_name: 'EXTREMES', schema_name: 'ETL' });
    expect(rows.sort((one, other) => Number(one.KEY) - Number(other.KEY))).toEqual(result.rows);
  });
});

test('column_types decide what a column lands as, exactly or not at all', async () => {
  const types = { LOOSE: 'decimal(38,3)', FINE: 'varchar', ZONED: 'varchar', BYTES: 'varchar', INT: 'decimal(20,2)' };
  const filter = 'KEY = 3';
  const { columns, warnings } = await read({ table_name: 'EXTREMES', column_types: types, filter });
  const landed = Object.fromEntries(columns.map(({ name, landedType }) => [name, landedType]));
  expect(landed).toMatchObject({ LOOSE: 'DECIMAL(38,3)', FINE: 'VARCHAR', INT: 'DECIMAL(20,2)', ZONED: 'VARCHAR' });
  expect(warnings.map(({ column }) => column)).toEqual(['FLOATED']);
  await expect(
    read({
      table_name: 'EXTREMES',
      columns: ['LOOSE'],
      column_types: { LOOSE: 'decimal(10,2)' },
      filter: 'KEY = 0',
    }),
  ).rejects.toMatchObject({ code: 'VALUE_TOO_PRECISE', message: expect.stringContaining('"LOOSE"') });
  const digits = await read({ table_name: 'EXTREMES', columns: ['FINE'], column_types: { FINE: 'varchar' } });
  expect(digits.rows.map((row) => row.FINE)).toContain('2001-01-01 00:00:00.123456789');
  await expect(read({ table_name: 'EXTREMES', column_types: { INT: 'nonsense' } })).rejects.toMatchObject({
    code: 'COLUMN_TYPE_INVALID',
  });
});

test('numbers = "double" is the rule of the plan', async () => {
  const options = { ...makeJob({}).options, numbers: 'double' as const };
  const { columns, rows } = await read({ table_name: 'EXTREMES', columns: ['INT', 'EXACT'], options });
  expect(columns.map(({ landedType }) => landedType)).toEqual(['DOUBLE', 'DOUBLE']);
  expect(rows.map((row) => row.EXACT)).toContain('0.5');
});

test('what Parquet readers cannot hold is text where the destination is portable', async () => {
  const { columns } = await read({ table_name: 'EXTREMES', columns: ['DOC'] }, { types: 'portable' });
  expect(columns[0]?.landedType).toBe('VARCHAR');
});

test('years before Christ keep their label; a day that only the Julian calendar has is refused with the way out', async () => {
  await server.createTable('OLD_DAYS', {
    columns: { ID: 'NUMBER(3)', AT: 'DATE' },
    rows: [['1', "'0044-03-15 (BC) 12:00:00'"]],
  });
  const { rows } = await read({ table_name: 'OLD_DAYS' });
  expect(rows).toEqual([{ ID: '1', AT: '0044-03-15 (BC) 12:00:00' }]);
  const asText = await read({ table_name: 'OLD_DAYS', column_types: { AT: 'varchar' } });
  expect(asText.rows[0]?.AT).toBe('-0044-03-15 12:00:00');

  const reject = (value: string, why: Rejection): never => {
    throw valueError('ETL.OLD_DAYS', 'AT', 'TIMESTAMP', value, why);
  };
  const write = timestampTextWriter(new ColumnData('AT', 'TIMESTAMP'), reject, () => undefined);
  write('1600-02-29 00:00:00', 0);
  for (const text of ['1500-02-29 00:00:00', '-0101-02-29 00:00:00']) {
    expect(() => write(text, 0)).toThrow(
      expect.objectContaining({ code: 'VALUE_OUT_OF_RANGE', hint: expect.stringContaining('AT:varchar') }),
    );
  }
});

test('large objects of megabytes beside small ones, and the empty text that is NULL', async () => {
  await server.createTable('LARGE', {
    columns: { ID: 'NUMBER(3)', BODY: 'CLOB', IMAGE: 'BLOB', NOTE: 'VARCHAR2(10)' },
    // Every 13th of up to 9 MB.
    query: `SELECT i, repeat('ž😀', i * (CASE WHEN i % 13 = 0 THEN 40000 ELSE 400 END)), repeat('\\x00\\xFF', 10)::BLOB, '' FROM range(40) t(i)`,
  });
  const { rows } = await read({ table_name: 'LARGE' });
  expect(rows).toHaveLength(40);
  for (const row of rows) {
    const id = Number(row.ID);
    expect(row.BODY ?? '').toBe('ž😀'.repeat(id * (id % 13 === 0 ? 40_000 : 400)));
    expect(row.NOTE).toBeNull();
  }
});

test('columns that cannot arrive are named, not dropped', async () => {
  await server.createTable('SHAPES', {
    columns: { ID: 'NUMBER(3)', OUTLINE: 'SDO_GEOMETRY', EMBEDDING: 'VECTOR', ADDRESS: 'T_ADDRESS', SCAN: 'BFILE' },
    rows: [['1', null, null, null, null]],
  });
  await expect(read({ table_name: 'SHAPES' })).rejects.toMatchObject({
    code: 'COLUMN_TYPE_UNSUPPORTED',
    message: expect.stringMatching(/OUTLINE.*EMBEDDING.*ADDRESS.*SCAN/),
    hint: expect.stringContaining('columns (ID)'),
  });
  expect((await read({ table_name: 'SHAPES', columns: ['ID'] })).rows).toEqual([{ ID: '1' }]);
});
