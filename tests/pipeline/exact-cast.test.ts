import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkspaceConnection } from '../../engine/duckdb/workspace.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { castOrNull, describeCastError, exactCast, storedType } from '../../engine/pipeline/exact-cast.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

let workspace: Workspace;
let connection: WorkspaceConnection;
beforeAll(async () => {
  await using folder = await temporaryFolder();
  workspace = await Workspace.open({ memoryLimitMiB: 64, threads: 1, tempDirectory: folder.path });
  connection = await workspace.connect();
});
afterAll(() => {
  connection.close();
  workspace.close();
});

async function cast(value: string, from: string, to: string, make = exactCast): Promise<string | null> {
  const [row] = await connection.rows<{ v: string | null }>(
    `SELECT CAST(${make('x', from, to, 'price')} AS VARCHAR) AS v FROM (SELECT ${value}::${from} AS x)`,
  );
  return row?.v ?? null;
}

test.each([
  ["'1.0'", 'VARCHAR', 'INTEGER', '1'],
  ["'1e3'", 'VARCHAR', 'INTEGER', '1000'],
  ["'1.500'", 'VARCHAR', 'DECIMAL(10,2)', '1.50'],
  ["'123456789012345678901234567890.12'", 'VARCHAR', 'DECIMAL(38,2)', '123456789012345678901234567890.12'],
  ['0.1', 'DOUBLE', 'DECIMAL(10,2)', '0.10'],
  ['9007199254740992', 'BIGINT', 'DOUBLE', '9007199254740992.0'],
  ["'2026-01-01'", 'VARCHAR', 'DATE', '2026-01-01'],
  ["'2026-01-01T10:00:00.123456Z'", 'VARCHAR', 'TIMESTAMP WITH TIME ZONE', '2026-01-01 10:00:00.123456+00'],
  ["'2026-01-01 10:00:00'", 'VARCHAR', 'TIMESTAMP', '2026-01-01 10:00:00'],
  ["'2026-01-01 10:00:00.123456789'", 'TIMESTAMP_NS', 'TIMESTAMP', '2026-01-01 10:00:00.123456'],
  ["'0.1234567890123456789'", 'VARCHAR', 'DOUBLE', '0.12345678901234568'],
  ['NULL', 'VARCHAR', 'INTEGER', null],
  ['5', 'INTEGER', 'BIGINT', '5'],
  ['5', 'INTEGER', 'VARCHAR', '5'],
])('%s as %s becomes %s exactly', async (value, from, to, expected) => {
  expect(await cast(value, from, to)).toBe(expected);
});

test.each([
  ["'1.5'", 'VARCHAR', 'INTEGER'],
  ["'x'", 'VARCHAR', 'INTEGER'],
  ["'1.005'", 'VARCHAR', 'DECIMAL(10,2)'],
  ["'1.005e0'", 'VARCHAR', 'DECIMAL(10,2)'],
  ['1.005', 'DECIMAL(10,3)', 'DECIMAL(10,2)'],
  ['0.123', 'DOUBLE', 'DECIMAL(10,2)'],
  ["'NaN'", 'DOUBLE', 'DECIMAL(10,2)'],
  ['300', 'INTEGER', 'TINYINT'],
  ['9007199254740993', 'BIGINT', 'DOUBLE'],
  ["'2026-01-01 10:00:00'", 'VARCHAR', 'DATE'],
  ["'2026-01-01 10:00:00'", 'TIMESTAMP', 'DATE'],
  ["'2026-01-01 10:00:00+02'", 'VARCHAR', 'TIMESTAMP'],
  ["'{'", 'VARCHAR', 'JSON'],
])('%s as %s does not fit %s: an error names the column and the value', async (value, from, to) => {
  const error = describeCastError(
    await cast(value, from, to).catch((thrown: unknown) => thrown),
    'shop.orders',
  ) as Error & { hint: string };
  expect(error).toMatchObject({ name: 'IngestError', code: 'VALUE_DOES_NOT_FIT' });
  expect(error.message).toContain('shop.orders: column "price" has the value');
  expect(error.message).toContain(to);
  expect(error.hint).toContain('column_types');
  expect(await cast(value, from, to, castOrNull)).toBeNull();
});

test('what Parquet would lose is stored as text', () => {
  expect(['INTERVAL', 'HUGEINT', 'TIME WITH TIME ZONE', 'HUGEINT[]'].map(storedType)).toEqual([
    'VARCHAR',
    'VARCHAR',
    'VARCHAR',
    'VARCHAR',
  ]);
  expect(['BIGINT', 'TIME', 'UUID', 'DECIMAL(38,9)'].map(storedType)).toEqual([
    'BIGINT',
    'TIME',
    'UUID',
    'DECIMAL(38,9)',
  ]);
});
