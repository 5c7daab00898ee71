import { expect, test } from 'vitest';
import { canonicalType, decimalOf, parseType, printType } from '../../engine/duckdb/type-text.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test.each([
  'BIGINT',
  'STRUCT(id BIGINT, "a b" VARCHAR[])[]',
  'STRUCT("x""y" DECIMAL(12,2)[], d TIMESTAMP WITH TIME ZONE, e STRUCT(f INTEGER[][]))',
  "STRUCT(kind ENUM('a,b', 'c)'), m MAP(VARCHAR, INTEGER))",
])('%s reads back as DuckDB prints it', async (text) => {
  await using folder = await temporaryFolder();
  const workspace = await Workspace.open({ memoryLimitMiB: 64, threads: 1, tempDirectory: folder.path });
  const connection = await workspace.connect();
  // DuckDB itself is the judge: both spellings must be the same type
  const [row] = await connection.rows<{ a: string; b: string }>(
    `SELECT typeof(NULL::${text}) AS a, typeof(NULL::${printType(parseType(text))}) AS b`,
  );
  expect(row?.b).toBe(row?.a);
  connection.close();
  workspace.close();
});

test('a fixed-size array counts as a list', () => {
  expect(parseType('INTEGER[3]')).toEqual(parseType('INTEGER[]'));
});

test.each(['', 'STRUCT(a', 'STRUCT(a INTEGER', 'INTEGER)', 'STRUCT("a INTEGER)'])('%s is not a type', (text) => {
  expect(() => parseType(text)).toThrow('Not a DuckDB type');
});

test.each([
  ['timestamptz', 'TIMESTAMP WITH TIME ZONE'],
  ['numeric( 12 , 2 )', 'DECIMAL(12,2)'],
  ['decimal(9)', 'DECIMAL(9,0)'],
  ['varchar(20)', 'VARCHAR'],
  ['int4', 'INTEGER'],
  ['double precision', 'DOUBLE'],
  ['struct(a int, b text[])', 'STRUCT("a" INTEGER, "b" VARCHAR[])'],
  ["ENUM('Ab')", "ENUM('Ab')"],
])('%s is canonically %s', (text, canonical) => {
  expect(canonicalType(text)).toBe(canonical);
});

test('precision and scale', () => {
  expect(decimalOf('DECIMAL(38,9)')).toEqual({ precision: 38, scale: 9 });
  expect(decimalOf('DOUBLE')).toBeNull();
});
