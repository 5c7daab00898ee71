import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChunkWriter, type ChunkWriterColumn } from '../../engine/duckdb/chunk-writer.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

let folder: { path: string } & AsyncDisposable;
let workspace: Workspace;

beforeAll(async () => {
  folder = await temporaryFolder();
  workspace = await Workspace.open({ memoryLimitMiB: 1024, threads: 2, tempDirectory: folder.path });
});

afterAll(async () => {
  workspace.close();
  await folder[Symbol.asyncDispose]();
});

/** Writes rows of texts (null for NULL) into VARCHAR columns; gives the tables that became full. */
async function writeTexts(rows: (string | null)[][], limits: { tableRows?: number; tableBytes?: number } = {}) {
  const columns: ChunkWriterColumn[] = (rows[0] ?? []).map((_, index) => ({ name: `c${index}`, type: 'VARCHAR' }));
  const writer = await ChunkWriter.open(workspace, columns, limits);
  const tables = [];
  await writer.begin();
  for (const row of rows) {
    const texts = row.map((text) => (text === null ? null : Buffer.from(text)));
    // Some bytes before and after: a driver's row does not begin where its buffer does.
    const buffer = Buffer.concat([Buffer.from('--'), ...texts.filter((text) => text !== null), Buffer.from('--')]);
    writer.beginRow(buffer, 2, buffer.byteLength - 2);
    let at = 2;
    for (const [index, text] of texts.entries()) {
      const column = writer.columns[index];
      if (text === null) column?.setNull(writer.row);
      else {
        column?.setText(writer.row, buffer, at, text.byteLength, writer.heapBase + at);
        at += text.byteLength;
      }
    }
    const full = writer.endRow();
    buffer.fill('!');
    if (full) {
      tables.push(writer.finish());
      await writer.begin();
    }
  }
  tables.push(writer.finish());
  await writer.close();
  return tables;
}

async function select(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await workspace.connect();
  try {
    return await connection.rows(sql);
  } finally {
    connection.close();
  }
}

test('texts of every length, in any order and between NULLs, come out as they went in', async () => {
  const text = fc.option(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('', 'twelve bytes', 'thirteen byte', '😀😀😀', '😀😀😀😀'),
      fc.integer({ min: 0, max: 3000 }).map((length) => 'é'.repeat(length)),
    ),
    { nil: null },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 300 }), async (rows) => {
      const [table] = await writeTexts(rows);
      const read = await select(`SELECT c0, c1 FROM ${table?.from}`);
      expect(read.map(({ c0, c1 }) => [c0, c1])).toEqual(rows);
      // Inline entries are compared as a whole: leftovers of an earlier chunk would make equal texts differ.
      const distinct = new Set(rows.map(([first]) => first).filter((value) => value !== null));
      expect(await select(`SELECT count(DISTINCT c0)::INT AS count FROM ${table?.from}`)).toEqual([
        { count: distinct.size },
      ]);
      await table?.release();
    }),
    { numRuns: 40 },
  );
});

test('a table is full by rows or by bytes; large rows have chunks of their own', async () => {
  const long = 'x'.repeat(1_500_000);
  const byBytes = await writeTexts([['a'], [long], ['b'], [long], [long], ['c']], { tableBytes: 2_000_000 });
  expect(byBytes.map(({ rows }) => rows)).toEqual([4, 2]);
  const lengths = await Promise.all(
    byBytes.map(({ from }) => select(`SELECT length(c0)::INT AS length, left(c0, 1) AS first FROM ${from}`)),
  );
  expect(lengths.flat()).toEqual(
    [1, 1_500_000, 1, 1_500_000, 1_500_000, 1].map((length, index) => ({
      length,
      first: ['a', 'x', 'b', 'x', 'x', 'c'][index],
    })),
  );
  const byRows = await writeTexts(
    Array.from({ length: 5000 }, (_, index) => [String(index)]),
    { tableRows: 4096 },
  );
  expect(byRows.map(({ rows }) => rows)).toEqual([4096, 904]);
  for (const table of [...byBytes, ...byRows]) {
    await table.release();
    await table.release();
  }
  expect(await select('SELECT table_name FROM duckdb_tables()')).toEqual([]);
});

test('a writer that is closed in between leaves no table', async () => {
  const writer = await ChunkWriter.open(workspace, [{ name: 'weird "name"', type: 'INTEGER' }]);
  await writer.begin();
  writer.beginRow(Buffer.alloc(4), 0, 4);
  writer.endRow();
  expect([writer.rows, writer.bytes]).toEqual([1, 4]);
  await writer.close();
  await writer.close();
  expect(await select('SELECT table_name FROM duckdb_tables()')).toEqual([]);
});

test('a type that has no layout here is refused', async () => {
  await expect(ChunkWriter.open(workspace, [{ name: 'a', type: 'MAP(INTEGER, VARCHAR)' }])).rejects.toThrow(
    'knows no type',
  );
});

test('a table of many NULLs is measured as it lies in memory', async () => {
  const nulls = Array.from({ length: 100 }, () => null);
  const tables = await writeTexts(
    Array.from({ length: 6000 }, () => nulls),
    { tableBytes: 4 << 20 },
  );
  expect(tables.map(({ rows, bytes }) => [rows, bytes])).toEqual([
    [4096, 0],
    [1904, 0],
  ]);
  for (const table of tables) await table.release();
});
