import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CatalogColumn } from '../../../engine/sources/mssql/catalog.ts';
import { planColumn } from '../../../engine/sources/mssql/column-plan.ts';
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import type { TableDefinition } from '../../servers/sql-server/catalog.ts';
import { SqlServer } from '../../servers/sql-server/sql-server.ts';
import { rowsInZone, ZONES } from '../rows-in-zone.ts';
import { EXTREMES } from './extremes.ts';

const name = (index: number) => `c${index}`;
const TABLE: TableDefinition = {
  columns: EXTREMES.map(([type], index) => ({ name: name(index), type })),
  rows: [0, 1, 2].map((row) => EXTREMES.map(([, stored]) => stored[row] ?? null)),
};

let server: SqlServer;
let bench: ReadBench;

beforeAll(async () => {
  [server, bench] = await Promise.all([SqlServer.start(), ReadBench.open()]);
  await server.createTable('dbo.types', TABLE);
  await server.createTable('dbo.fine', {
    columns: [
      { name: 'at', type: 'datetime2(7)' },
      { name: 'clock', type: 'time(7)' },
      { name: 'zoned', type: 'datetimeoffset(7)' },
    ],
    select: `SELECT ticks_of('2024-01-01 00:00:00.1234567') + i * 10, ticks_of('12:00:00.0000001'), ticks_of('2024-06-01 08:00:00.5') FROM range(3000) t(i)`,
  });
  await server.createTable('dbo.shapes', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'shape', type: 'geometry' },
    ],
    rows: [[1, Uint8Array.of(1, 2)]],
  });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const source = () => createMssqlSource(mssqlConnection(server));
const read = (...parameters: Parameters<typeof request>) => bench.read(source(), request(...parameters));

test.each(EXTREMES.map(([type, , landed], index) => [type, index, landed] as const))(
  '%s arrives exactly, at its extremes',
  async (_type, index, landed) => {
    all ??= await read({ source_type: 'mssql', table_name: 'types' });
    expect(all.rows.map((row) => row[name(index)] ?? null)).toEqual(landed);
  },
);
let all: Awaited<ReturnType<typeof read>> | undefined;

test('portable types are what Spark reads', async () => {
  const { columns, rows } = await read({ source_type: 'mssql', table_name: 'types' }, { types: 'portable' });
  const landed = Object.fromEntries(EXTREMES.map(([type], index) => [type, columns[index]?.landedType]));
  expect(landed).toMatchObject({
    'time(7)': 'VARCHAR',
    uniqueidentifier: 'VARCHAR',
    'datetimeoffset(7)': 'TIMESTAMP WITH TIME ZONE',
    'decimal(38,10)': 'DECIMAL(38,10)',
    tinyint: 'SMALLINT',
    money: 'DECIMAL(19,4)',
  });
  const guid = EXTREMES.findIndex(([type]) => type === 'uniqueidentifier');
  expect(rows[0]?.[name(guid)]).toBe('6F9619FF-8B86-D011-B42D-00C04FC964FF');
});

test('column_types: numbers as text keep every digit, bytes are hexadecimal', async () => {
  const index = (wanted: string) => name(EXTREMES.findIndex(([type]) => type === wanted));
  const column_types = {
    [index('decimal(38,10)')]: 'varchar',
    [index('bigint')]: 'text',
    [index('varbinary(50)')]: 'varchar',
    [index('int')]: 'varchar',
    [index('bit')]: 'varchar',
    [index('decimal(15,4)')]: 'double',
  };
  const { rows, columns } = await read({ source_type: 'mssql', table_name: 'types', column_types });
  expect(rows[0]).toMatchObject({
    [index('decimal(38,10)')]: '9999999999999999999999999999.9999999999',
    [index('bigint')]: '-9223372036854775808',
    [index('varbinary(50)')]: '0x00FE',
    [index('int')]: '-2147483648',
  });
  expect(columns.find((column) => column.name === index('decimal(15,4)'))).toMatchObject({
    segmentType: 'DOUBLE',
    landedType: 'DOUBLE',
  });
});

test('digits beyond microseconds and folded offsets: one warning a column a run', async () => {
  const { rows, warnings } = await read({ source_type: 'mssql', table_name: 'fine' });
  expect(rows[0]).toEqual({
    at: '2024-01-01 00:00:00.123456',
    clock: '12:00:00',
    zoned: '2024-06-01 08:00:00.5+00',
  });
  expect(warnings.map(({ code, column }) => `${code} ${column}`).toSorted()).toEqual([
    'DIGITS_BEYOND_MICROSECONDS at',
    'DIGITS_BEYOND_MICROSECONDS clock',
    'OFFSET_FOLDED_INTO_UTC zoned',
  ]);
});

test('a type without a plain value is named, and can be left out or read as its bytes', async () => {
  await expect(read({ source_type: 'mssql', table_name: 'shapes' })).rejects.toMatchObject({
    code: 'COLUMN_TYPE_UNSUPPORTED',
    message: expect.stringContaining('"shape" is geometry'),
  });
  expect((await read({ source_type: 'mssql', table_name: 'shapes', columns: ['id'] })).rows).toEqual([{ id: '1' }]);
  const bytes = await read({ source_type: 'mssql', table_name: 'shapes', column_types: { shape: 'binary' } });
  expect(bytes.rows).toEqual([{ id: '1', shape: '\\x01\\x02' }]);
});

describe('statements, as data', () => {
  const column = (baseType: string, changes: Partial<CatalogColumn> = {}): CatalogColumn => ({
    name: 'v',
    sourceType: baseType,
    nullable: true,
    baseType,
    typeSql: baseType,
    length: null,
    precision: null,
    scale: null,
    readable: true,
    ...changes,
  });

  test.each<[string, Partial<CatalogColumn>, string | undefined, string]>([
    ['money', {}, undefined, 'CONVERT(nvarchar(30), q.[v], 2)'],
    ['float', {}, 'varchar', 'CONVERT(nvarchar(32), q.[v], 3)'],
    ['real', {}, 'varchar', 'CONVERT(nvarchar(32), q.[v], 3)'],
    ['datetime2', { scale: 7 }, 'varchar', 'CONVERT(nvarchar(27), q.[v], 121)'],
    ['datetimeoffset', { scale: 7 }, 'varchar', 'CONVERT(nvarchar(34), q.[v], 121)'],
    ['varchar', { length: 4001 }, undefined, 'CAST(q.[v] AS nvarchar(max))'],
    ['varchar', { length: 4000 }, undefined, 'CAST(q.[v] AS nvarchar(4000))'],
    ['geography', {}, 'varchar', 'q.[v].ToString()'],
    ['image', {}, 'varchar', 'CONVERT(nvarchar(max), CAST(q.[v] AS varbinary(max)), 1)'],
    ['json', {}, undefined, 'CAST(q.[v] AS nvarchar(max))'],
  ])('%s %j as %s', (baseType, changes, override, expression) => {
    expect(planColumn(column(baseType, changes), 'native', override).expression).toBe(expression);
  });

  test('a variant is written as its own type would be', () => {
    const { expression } = planColumn(column('sql_variant'), 'native', undefined);
    expect(expression).toContain("WHEN N'float' THEN CONVERT(nvarchar(4000), CAST(q.[v] AS float), 3)");
    expect(expression).toContain("WHEN N'money' THEN CONVERT(nvarchar(4000), CAST(q.[v] AS money), 2)");
  });
});

test.each(ZONES)('TZ=%s changes nothing', async (zone) => {
  all ??= await read({ source_type: 'mssql', table_name: 'types' });
  const rows = await rowsInZone(zone, mssqlConnection(server), { source_type: 'mssql', table_name: 'types' });
  expect(rows).toEqual(JSON.parse(JSON.stringify(all.rows)));
});
