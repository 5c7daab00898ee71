import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FilesHarness, options } from './harness.ts';

let files: FilesHarness;
beforeAll(async () => {
  files = await FilesHarness.open();
});
afterAll(() => files.close());

/** Texts near the edges of what a type could take for its own. */
const nasty = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '00',
    '7',
    '007',
    '-12',
    '+1',
    '1e3',
    '1.0',
    '1.10',
    '-1.5',
    '.5',
    '5.',
    '0.1',
    '123456789012345678',
    '1234567890123456789',
    '99999999999999999999',
    '0.1234567890123456789',
    '1234567.12345678901',
    '0.30000000000000004',
    'NaN',
    'nan',
    'inf',
    '-inf',
    'Infinity',
    'true',
    'FALSE',
    'True',
    'tRUE',
    '2024-01-31',
    '2024-02-30',
    '0000-01-01',
    '2024-1-1',
    '2024-01-31 10:00',
    '2024-01-31T10:00:00',
    '2024-01-31 10:00:00.5',
    '2024-01-31 10:00:00.1234567',
    '2024-01-31T10:00:00Z',
    '2024-01-31 10:00:00+02:00',
    '2024-01-31 24:00:00',
    '31.01.2024',
    '10:00:00',
    ' 1',
    '1 ',
    ' ',
    'NULL',
    'null',
    'NA',
    '\\N',
    '-',
    '--',
    '1-1',
    '1_000',
    '0x1F',
    '1,5',
    '12:30',
    'é',
    '😀',
    'a"b',
    '"',
    '""',
    'a,b',
    'x\ny',
    'x\r\ny',
    '#',
    '#x',
    "'",
    '\t',
    ';',
    '\\',
    '\\"',
    'a\\',
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true }).map(String),
  fc.string({ maxLength: 6 }).filter((text) => !text.includes('\0') && !text.includes('\r')),
);

/** How DuckDB prints a value of the type that a text got; undefined where the text itself must come back. */
function printed(type: string, text: string): string | number | undefined {
  if (type === 'DOUBLE') return Number(text.replace(/^(-?)inf$/i, '$1Infinity'));
  if (type === 'BOOLEAN') return text.toLowerCase();
  if (type === 'TIMESTAMP') return Date.parse(`${text.replace(' ', 'T').replace(/(\.\d{3})\d*$/, '$1')}Z`);
  if (type === 'TIMESTAMP WITH TIME ZONE') return Date.parse(text.replace(' ', 'T'));
  return undefined;
}

function compare(type: string, before: string, after: unknown): void {
  const value = printed(type, before);
  if (type === 'DOUBLE') expect(printed(type, String(after)), before).toBe(value);
  else if (type.startsWith('TIMESTAMP'))
    expect(
      Date.parse(
        `${String(after)
          .replace(' ', 'T')
          .replace(/\+00$/, '')
          .replace(/(\.\d{3})\d*$/, '$1')}Z`,
      ),
      before,
    ).toBe(value);
  else if (type.startsWith('DECIMAL'))
    expect(String(after).replace(/\.?0+$/, ''), before).toBe(
      before.includes('.') ? before.replace(/\.?0+$/, '') : before.replace(/0+$/, ''),
    );
  else expect(String(after), before).toBe(value ?? before);
}

test('CSV: whatever the cells are, every one comes back', async () => {
  let run = 0;
  const cell = fc.record({ text: nasty, quoted: fc.boolean() });
  const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
    fc.array(fc.array(fc.option(cell, { freq: 6 }), { minLength: width, maxLength: width }), {
      minLength: 1,
      maxLength: 6,
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom(',', ';', '\t'),
      async (rows, lineEnd, delimiter) => {
        run += 1;
        const text = [
          rows[0]!.map((_, index) => `c${index}`),
          ...rows.map((row) =>
            row.map((value) => {
              if (value === null) return '';
              const needs =
                value.quoted ||
                value.text === '' ||
                value.text.includes(delimiter) ||
                value.text.includes('\n') ||
                value.text.includes('\r') ||
                value.text.startsWith('"');
              return needs ? `"${value.text.replaceAll('"', '""')}"` : value.text;
            }),
          ),
        ]
          .map((row) => row.join(delimiter) + lineEnd)
          .join('');
        await files.write(`csv/${run}.csv`, text);
        const columns = rows[0]!.map((_, index) => `CAST(c${index} AS VARCHAR) AS c${index}`).join(', ');
        const result = await files.read(
          { file_format: 'csv', file_glob: `csv/${run}.csv`, options: options({ header: true, delimiter }) },
          {},
          columns,
        );
        // A line without a cell is no row where there are several columns.
        const kept = rows;
        expect(result.rows.length, text).toBe(kept.length);
        expect(result.counted).toBe(kept.length);
        for (const [index, row] of kept.entries()) {
          for (const [column, value] of row.entries()) {
            const after = result.rows[index]?.[`c${column}`];
            if (value === null) expect(after).toBeNull();
            else compare(result.types[`c${column}`] as string, value.text, after);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('JSONL: whatever the values are, every one comes back', async () => {
  let run = 0;
  const numbers = fc.constantFrom(
    '0',
    '-0',
    '1',
    '-12',
    '1.10',
    '1e3',
    '1E-7',
    '123456789012345678',
    '1234567890123456789',
    '9223372036854775808',
    '-9223372036854775809',
    '99999999999999999999',
    '0.1234567890123456789',
    '0.30000000000000004',
    '1e400',
    '12345678901234567890.5',
  );
  const scalar = fc.oneof(
    numbers,
    nasty.map((text) => JSON.stringify(text)),
    fc.constantFrom('true', 'false', 'null'),
  );
  const record = fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'ü'), scalar, { minKeys: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 6 }), fc.boolean(), async (records, nested) => {
      run += 1;
      const body = (fields: Record<string, string>) =>
        `{${Object.entries(fields)
          .map(([key, value]) => `${JSON.stringify(key)}: ${value}`)
          .join(', ')}}`;
      await files.write(
        `jsonl/${run}.jsonl`,
        records.map((fields) => `${nested ? `{"o":${body(fields)}}` : body(fields)}\n`).join(''),
      );
      const result = await files.read({ file_format: 'jsonl', file_glob: `jsonl/${run}.jsonl` });
      expect(result.rows).toHaveLength(records.length);
      for (const [index, fields] of records.entries()) {
        const row = (nested ? result.rows[index]?.['o'] : result.rows[index]) as Record<string, unknown> | null;
        for (const [key, raw] of Object.entries(fields)) {
          const after = row?.[key] ?? null;
          if (raw === 'null') expect(after).toBeNull();
          else if (raw.startsWith('"')) {
            const text = JSON.parse(raw) as string;
            if (typeof after === 'string' && after !== text)
              expect([
                Date.parse(`${after.replace(' ', 'T').replace(/\+00$/, '')}Z`),
                Date.parse(`${after.replace(' ', 'T').replace(/\+00$/, '')}Z`),
              ]).toContain(
                Date.parse(/Z$|\+\d\d:\d\d$/.test(text) ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`),
              );
            else expect(after).toBe(text);
          } else if (raw === 'true' || raw === 'false') expect(String(after)).toBe(raw);
          // DuckDB reads JSON's -0 as 0, which is the same number.
          else if (typeof after === 'number') expect(after === Number(raw), `${raw} ${after}`).toBe(true);
          else expect(plain(String(after)), raw).toBe(plain(raw));
        }
      }
    }),
    { numRuns: 60 },
  );
});

/** Digits without zeros that mean nothing. */
function plain(number: string): string {
  if (number === '-0') return '0';
  return /^-?\d+\.\d+$/.test(number) ? number.replace(/\.?0+$/, '') : number;
}
