import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CsvFacts } from '../../../engine/sources/filesystem/csv-scan.ts';
import { scanFile } from '../../../engine/sources/filesystem/scan-file.ts';
import { type RangeResult, type ScanKind, scanRange } from '../../../engine/sources/filesystem/scan-range.ts';
import { answer } from '../../../engine/sources/filesystem/scan-worker.ts';
import type { TextFile } from '../../../engine/sources/filesystem/text-file.ts';
import { FilesHarness } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

const CSV: ScanKind = { kind: 'csv', dialect: { delimiter: ',', quote: '"', header: true, nullText: '' }, width: 2 };

async function file(name: string, content: string): Promise<TextFile> {
  return { name, path: await files.write(name, content), compression: 'none', bytes: content.length, mark: 0 };
}

test.each([
  ['csv', CSV, 'id,text\n1,a\n22,"x\ny, ""z"""\n3,"\n\n4,b\n"\n444,c'],
  ['crlf', CSV, 'id,text\r\n1,a\r\n22,"x\r\ny"\r\n3,b\r\n'],
  ['jsonl', { kind: 'jsonl' } as ScanKind, '{"a":1}\n{"a":22,"b":"x"}\r\n\n{"c":[1,{"d":2}]}\n{"a":4}'],
])('%s: two ranges that meet have all records, wherever the cut is', async (name, kind, content) => {
  const text = await file(`cut.${name}`, content);
  const whole = await scanRange(
    { file: text, kind, start: 0, until: Number.POSITIVE_INFINITY, mostRows: Number.POSITIVE_INFINITY },
    null,
  );
  expect(whole).toMatchObject({ failure: null, end: content.length });
  let met = 0;
  for (let cut = 1; cut < content.length; cut += 1) {
    const task = { file: text, kind, mostRows: Number.POSITIVE_INFINITY };
    const first = await scanRange({ ...task, start: 0, until: cut }, null);
    const guessed = await scanRange({ ...task, start: cut, until: Number.POSITIVE_INFINITY }, null);
    const exact = await scanRange({ ...task, start: first.end, exact: true, until: Number.POSITIVE_INFINITY }, null);
    expect(first.rows + exact.rows, `cut at ${cut}`).toBe(whole.rows);
    expect(exact.end).toBe(content.length);
    if (guessed.begin !== first.end) continue;
    met += 1;
    expect(guessed).toEqual(exact);
  }
  expect(met).toBeGreaterThan(0);
});

test('a worker answers with what the scan gives', async () => {
  const text = await file('worker.csv', 'id,text\n1,a\n007,b\n');
  const answers: unknown[] = [];
  await answer(
    { postMessage: (result) => answers.push(result) },
    { file: text, kind: CSV, start: 0, until: 12, mostRows: Number.POSITIVE_INFINITY },
  );
  const result = answers[0] as RangeResult;
  expect([result.rows, result.begin, result.end, (result.facts as CsvFacts).columns[0]?.integerDigits]).toEqual([
    1, 0, 12, 1,
  ]);
});

test('a record that cannot be read is a result with its place', async () => {
  const text = await file('broken.csv', 'id,text\n1,a\n2\n');
  const result = await scanRange(
    { file: text, kind: CSV, start: 0, until: Number.POSITIVE_INFINITY, mostRows: Number.POSITIVE_INFINITY },
    null,
  );
  expect(result.failure).toEqual({ reason: 'width', offset: 12, detail: '1' });
});

const SMALL = { range: 50_000, worker: 400_000 };
const multiline = (row: number) => `${row},"${'x\n1,2\n'.repeat(row % 300)}"`;

test.each([
  ['csv', CSV, Array.from({ length: 20_000 }, (_, row) => `${row},some text ${row % 7}`).join('\n')],
  ['multiline.csv', CSV, Array.from({ length: 2000 }, (_, row) => multiline(row)).join('\n')],
  [
    'jsonl',
    { kind: 'jsonl' } as ScanKind,
    Array.from({ length: 20_000 }, (_, row) => `{"id":${row},"t":${row === 19_000 ? '[0.5]' : '"x"'}}`).join('\r\n'),
  ],
])('%s: this thread and a worker together find what one scan finds', async (name, kind, content) => {
  const text = await file(`shared.${name}`, content);
  const whole = await scanFile(text, kind, Number.POSITIVE_INFINITY, new AbortController().signal);
  const told: number[] = [];
  const shared = await scanFile(
    text,
    kind,
    Number.POSITIVE_INFINITY,
    new AbortController().signal,
    (bytes) => told.push(bytes),
    SMALL,
  );
  const found = (result: unknown) => JSON.stringify(result, (key, value) => (key === 'seen' ? undefined : value));
  expect(found(shared)).toBe(found(whole));
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(content.length);
});

test('a broken record is found in the range that holds it, and a cancelled scan ends', async () => {
  const rows = Array.from({ length: 40_000 }, (_, row) => `${row},text`);
  rows[30_000] = '1,2,3';
  const content = rows.join('\n');
  const text = await file('shared-broken.csv', content);
  const scan = (signal: AbortSignal) => scanFile(text, CSV, Number.POSITIVE_INFINITY, signal, undefined, SMALL);
  expect(await scan(new AbortController().signal)).toMatchObject({
    failure: { reason: 'width', offset: content.indexOf('1,2,3'), detail: '3' },
  });
  const stop = new AbortController();
  const scanning = scan(stop.signal);
  stop.abort();
  await expect(scanning).rejects.toMatchObject({ code: 'CANCELLED' });
});
