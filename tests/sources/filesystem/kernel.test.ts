import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonShape } from '../../../engine/sources/filesystem/json-scan.ts';
import { type ScanKind, type ScanTask, scanRange, scanWith } from '../../../engine/sources/filesystem/scan-range.ts';
import { FilesHarness } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

/** What a scan found, without what only serves the scan. */
function found(result: Awaited<ReturnType<typeof scanRange>>): unknown {
  return JSON.parse(JSON.stringify(result, (key, value) => (key === 'seen' || key === 'bytes' ? undefined : value)));
}

async function compare(
  name: string,
  kind: ScanKind,
  content: string | Buffer,
  mostRows = Infinity,
): Promise<JsonShape> {
  const bytes = Buffer.from(content);
  const path = await files.write(name, bytes);
  const task: ScanTask = {
    file: { name, path, compression: 'none', bytes: bytes.length, mark: 0 },
    kind,
    start: 0,
    until: Infinity,
    mostRows,
  };
  const byRule = await scanWith(null, task, null);
  const quickly = await scanRange(task, null);
  expect(found(quickly), bytes.toString().slice(0, 500)).toEqual(found(byRule));
  return quickly.facts as JsonShape;
}

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -99_999, max: 999_999 }).map(String) },
  { weight: 3, arbitrary: fc.tuple(fc.nat(9999), fc.nat(9999)).map(([a, b]) => `${a}.${b}`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom('2024', '1900', '2000', '0000', '9999', '20x4'),
        fc.constantFrom('01', '02', '04', '12', '13', '00'),
        fc.constantFrom('01', '28', '29', '30', '31', '32', '00'),
        fc.constantFrom('', ' 10:00', 'T23:59:59', 'T24:00:00', ' 1:00:00', 'T10:60', 'x10:00:00'),
        fc.constantFrom('', '.1', '.123456', '.1234567', '.1234560', '.1234567890', '.'),
        fc.constantFrom('', 'Z', '+00', '+02:00', '-14:00', '+15:00', '+0200', 'z'),
      )
      .map(([year, month, day, time, fraction, zone]) => `${year}-${month}-${day}${time}${fraction}${zone}`),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['', '0', '-0', '00', '007', '-', '-5', '--5', '1.', '.5', '0.5', '-0.5', '0.123456789012345', '1e5', '-inf'],
      ...[
        '0.1234567890123456',
        '0.12345678901234567',
        '123456789.123456789',
        '0.30000000000000004',
        '12345678901234567',
      ],
      ...[
        '999999999999999',
        '9999999999999999',
        '123456789012345678901234567890',
        'true',
        'True',
        'tRue',
        'FALSE',
        'false',
      ],
      ...[
        'falsy',
        'nan',
        'NaN',
        'inf',
        'INF',
        'null',
        'text',
        'ü',
        'a longer text that goes on beyond sixteen bytes',
        '1-1',
      ],
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);

describe('the kernel finds what the rule finds', () => {
  test('in CSV', async () => {
    let run = 0;
    const cell = fc.tuple(piece, fc.constantFrom('plain', 'plain', 'plain', 'quoted', 'raw'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 30 }),
        fc.constantFrom('\n', '\n', '\r\n', '\r'),
        fc.constantFrom(',', ';'),
        fc.constantFrom('"', "'", ''),
        fc.boolean(),
        fc.constantFrom(Infinity, 3),
        async (rows, lineEnd, delimiter, quote, ragged, mostRows) => {
          run += 1;
          const width = rows[0]?.length ?? 1;
          const lines = rows.map((row) =>
            (ragged ? row : Array.from({ length: width }, (_, index) => row[index % row.length] as [string, string]))
              .map(([text, how]) => {
                if (how === 'raw') return text;
                if (how === 'quoted' && quote !== '') return `${quote}${text.replaceAll(quote, quote + quote)}${quote}`;
                return text.replaceAll(/[\r\n,;"']/g, '');
              })
              .join(delimiter),
          );
          const dialect = { delimiter, quote, header: run % 2 === 0, nullText: '' };
          await compare('rows.csv', { kind: 'csv', dialect, width }, lines.join(lineEnd), mostRows);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('in JSONL', async () => {
    const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        { weight: 5, arbitrary: piece.map((text) => JSON.stringify(text)) },
        { weight: 5, arbitrary: piece.filter((text) => text !== '') },
        {
          weight: 2,
          arbitrary: fc.constantFrom('null', 'true', 'false', '"\\u00fc"', '"\\ud83d\\ude00"', '"\\ud83d"'),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom('"\\x"', '"\\n\\t\\"\\\\"', '"\\uD7FF\\ue000"', '1E5', '-1.5e-3', '[]', '{}'),
        },
        { weight: 2, arbitrary: tie('object') },
        { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`) },
      ),
      object: fc
        .array(fc.tuple(fc.constantFrom('a', 'b', 'a long name of a field', 'ü', '\\u0061', 'ab'), tie('value')), {
          maxLength: 4,
        })
        .chain((fields) =>
          fc
            .constantFrom(':', ' : ', ': ')
            .map((colon) => `{${fields.map(([key, item]) => `"${key}"${colon}${item}`).join(',')}}`),
        ),
    }));
    const record = fc
      .tuple(value, value, value, fc.constantFrom('', ' ', '\r', '\n'))
      .map(([a, b, c, end]) => `{"id":${a},"long_name_of_b": ${b}, "c":${c}}${end}`);
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 12 }), fc.constantFrom(Infinity, 4), async (records, mostRows) => {
        // What no line of JSON can hold ends the scan: most lines must be valid, so that the ones behind them are scanned, too.
        const valid = records.filter((text, index) => index === records.length - 1 || isJson(text));
        await compare('rows.jsonl', { kind: 'jsonl' }, valid.join('\n'), mostRows);
      }),
      { numRuns: 400 },
    );
  });

  test('over many records of one shape, and where the shape changes behind them', async () => {
    const line = (row: number) =>
      `{"id":${row},"time":"2024-01-31T10:00:${String(row % 60).padStart(2, '0')}Z","o":{"x":${row / 8},"t":["a",${row}]},"n":null}`;
    const lines = Array.from({ length: 5000 }, (_, row) => line(row));
    const shape = await compare('many.jsonl', { kind: 'jsonl' }, [...lines, '{"last":{"key":1}}', ...lines].join('\n'));
    expect(shape.fields.map((field) => field.name)).toEqual(['id', 'time', 'o', 'n', 'last']);
    await compare('repeated.jsonl', { kind: 'jsonl' }, [...lines, '{"id":1,"id":2}', ...lines].join('\n'));
    await compare('blank.jsonl', { kind: 'jsonl' }, lines.join('\n\n'));
    await compare('bytes.jsonl', { kind: 'jsonl' }, Buffer.from(`${lines.join('\n')}\n{"id":"\xfc"}\n`, 'latin1'));
    const keys = Array.from({ length: 600 }, (_, index) => `"key ${index}":${index}`);
    await compare('wide.jsonl', { kind: 'jsonl' }, `{${keys.join()}}\n{${keys.reverse().join()}}\n{"x":1}`);
    await compare('name.jsonl', { kind: 'jsonl' }, `{"${'x'.repeat(1_100_000)}":1}\n{"x":1}`);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return !/"(\\u0061|a)"[^{}]*"(\\u0061|a)"/.test(text);
  } catch {
    return false;
  }
}
