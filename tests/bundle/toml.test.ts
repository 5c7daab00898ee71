import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { editToml, formatToml, layOver, parseToml, parseTomlBytes } from '../../engine/bundle/toml.ts';

const SECRET = 'hunter2-c0rrect-h0rse';

describe('reading', () => {
  test.each([
    ['a text that is not closed', `[a]\nb = 1\npassword = "${SECRET}`, 3, /a text is not closed/],
    ['a text across lines', `password = "${SECRET}\nx = 1`, 1, /line break|not closed/],
    ['a bare word', `ok = 1\npassword = ${SECRET}`, 2, /no valid (value|number)/],
    ['a doubled key', `password = "a"\npassword = "${SECRET}"`, 2, /defined a second time/],
    [
      'a doubled table',
      `[sources.a]\nx=1\n[sources.b]\n[sources.a]\npassword = "${SECRET}"`,
      4,
      /defined a second time/,
    ],
    ['a Windows path', `path = "C:\\Users\\${SECRET}"`, 1, /hexadecimal|escape/],
    ['two values on a line', `password = "a" ${SECRET}`, 1, /same line/],
    ['a key without value', `${SECRET}\n`, 1, /key/],
    ['a leading zero', `code = 007\npassword = "${SECRET}"`, 1, /begins with 0/],
    ['a number too large', `n = 123456789012345678901\np = "${SECRET}"`, 1, /too large/],
    ['a list not closed', `a = ["${SECRET}",`, 1, /list/],
    ['an unclosed table', `[sources.${SECRET}\nx = 1`, 1, /./],
    ['an unfinished escape', `password = "${SECRET}\\q"`, 1, /escape/],
  ])('%s: place and way out, never the content', (_, text, line, message) => {
    const { table, findings } = parseToml(text, '.dlt/secrets.toml');
    expect(table).toEqual({});
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding).toMatchObject({
      severity: 'error',
      code: 'TOML_INVALID',
      sheet: '.dlt/secrets.toml',
      row: line,
      value: null,
    });
    expect(finding?.message).toMatch(new RegExp(`^\\.dlt/secrets\\.toml line ${line}, column \\d+: `));
    expect(finding?.message).toMatch(message);
    expect(finding?.hint).toBeTruthy();
    expect(JSON.stringify(finding)).not.toContain(SECRET);
  });

  test('whatever is wrong, the message never holds the text', () => {
    const broken = fc.string({ minLength: 1 }).map((noise) => `a = "x"\nb = ${noise}${SECRET}${noise}\n[c`);
    fc.assert(
      fc.property(broken, (text) => {
        const { findings } = parseToml(text, 'f.toml');
        expect(JSON.stringify(findings)).not.toContain(SECRET);
      }),
    );
  });

  test('byte order mark, CRLF, dates as texts', () => {
    const text = '\uFEFF[a]\r\nb = "c" # d\r\nday = 2024-01-31\r\nat = 2024-01-31T13:45:00Z\r\nlist = [2024-01-31]\r\n';
    expect(parseTomlBytes(Buffer.from(text), 'f.toml')).toEqual({
      table: { a: { b: 'c', day: '2024-01-31', at: '2024-01-31T13:45:00Z', list: ['2024-01-31'] } },
      lines: new Map(Object.entries({ a: 1, 'a.b': 2, 'a.day': 3, 'a.at': 4, 'a.list': 5 })),
      findings: [],
    });
  });

  test('a time with more digits than are kept is a warning with its line', () => {
    const { findings } = parseToml(
      'a = 1\nat = 2024-01-31T13:45:00.123456Z\nok = "2024-01-31T13:45:00.123456Z"\nms = 13:45:00.120000',
      'f.toml',
    );
    expect(findings).toMatchObject([
      { severity: 'warning', code: 'TOML_TIME_CUT', row: 2, hint: expect.stringContaining('quotation marks') },
    ]);
  });

  test.each(['utf16le', 'utf16le with mark', 'utf16be with mark'])('%s is explained', (kind) => {
    let bytes = Buffer.from(`${kind.includes('mark') ? '\uFEFF' : ''}a = "${SECRET}"`, 'utf16le');
    if (kind.startsWith('utf16be')) bytes = Buffer.from(bytes).swap16();
    expect(parseTomlBytes(bytes, '.dlt/config.toml').findings).toMatchObject([
      {
        code: 'TOML_ENCODING',
        message: '.dlt/config.toml is saved as UTF-16 ("Unicode").',
        hint: expect.stringMatching(/UTF-8/),
      },
    ]);
  });

  test('ANSI names the line', () => {
    const { findings } = parseTomlBytes(Buffer.from('a = 1\nb = "Größe"\n', 'latin1'), 'f.toml');
    expect(findings).toMatchObject([
      { code: 'TOML_ENCODING', row: 2, message: expect.stringContaining('f.toml line 2') },
    ]);
    expect(parseTomlBytes(Buffer.from('b = "Größe"', 'latin1'), 'f.toml').findings[0]?.row).toBe(1);
  });
});

describe('laying over', () => {
  test('tables by key, lists as a whole, nothing changed below', () => {
    const lower = { a: { b: 1, c: [1, 2] }, d: 'x' };
    expect(layOver(lower, { a: { c: [3] }, d: { e: 1 }, f: 2 })).toEqual({ a: { b: 1, c: [3] }, d: { e: 1 }, f: 2 });
    expect(lower).toEqual({ a: { b: 1, c: [1, 2] }, d: 'x' });
  });

  test('__proto__ is a key, never a prototype', () => {
    const upper = JSON.parse('{"__proto__": {"polluted": true}, "a": {"__proto__": {"polluted": true}}}');
    const merged = layOver({ a: {} }, upper);
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    expect((merged.a as Record<string, unknown>).polluted).toBeUndefined();
  });
});

const FILE = `# Connections of the shop

[sources.shop]            # production
host = "db.example.com"   # ask Ann
port = 5432
tags = [
  "a", # first
  "b",
]

# paths are literal
[sources.files]
bucket_url = 'C:\\data'
headers = { Accept = "json" }

[[steps]]
name = "one"
[[steps]]
name = "two"
`;

describe('editing', () => {
  test('comments, order and line ends stay', () => {
    const edits = [
      { path: ['sources', 'shop', 'port'], value: 5433 },
      { path: ['sources', 'shop', 'database'], value: 'shop "live"' },
      { path: ['sources', 'files', 'headers', 'Accept'], value: 'csv' },
      { path: ['destination'], value: { type: 'duckdb', duckdb: { path: 'x.duckdb' } } },
    ];
    for (const end of ['\n', '\r\n']) {
      const edited = editToml(FILE.replaceAll('\n', end), edits, 'f.toml');
      if (end === '\r\n') expect(edited.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      const lines = edited.split(end);
      for (const line of FILE.split('\n')) if (!/^port|^headers/.test(line)) expect(lines).toContain(line);
      expect(lines).toContain('port = 5433');
      expect(parse(edited)).toMatchObject({
        sources: { shop: { port: 5433, database: 'shop "live"' }, files: { headers: { Accept: 'csv' } } },
        destination: { type: 'duckdb', duckdb: { path: 'x.duckdb' } },
      });
      // TOML 1.0 forbids a comma at the end of an inline table; dlt's reader would refuse the file.
      expect(edited).not.toMatch(/,\s*\}/);
    }
  });

  test('deleting a key leaves the others', () => {
    const edited = editToml(FILE, [{ path: ['sources', 'shop', 'port'], value: undefined }], 'f.toml');
    expect(edited).toBe(FILE.replace('port = 5432\n', ''));
    expect(editToml(FILE, [{ path: ['no', 'such', 'key'], value: undefined }], 'f.toml')).toBe(FILE);
  });

  test('nothing to change: the same text, byte order mark too', () => {
    const edits = [{ path: ['sources', 'shop', 'port'], value: 5432 }];
    expect(editToml(`\uFEFF${FILE}`, edits, 'f.toml')).toBe(`\uFEFF${FILE}`);
    expect(
      editToml(`\uFEFF${FILE}`, [{ path: ['sources', 'shop', 'port'], value: 1 }], 'f.toml').startsWith('\uFEFF# Conn'),
    ).toBe(true);
  });

  test('an empty file, and one with comments only', () => {
    expect(parse(editToml('', [{ path: ['a', 'b'], value: 1 }], 'f.toml'))).toEqual({ a: { b: 1 } });
    expect(editToml('# hello\n', [{ path: ['a', 'b'], value: 1 }], 'f.toml')).toMatch(/^# hello\n/);
  });

  test('a broken file is refused without its content', () => {
    const broken = `password = "${SECRET}`;
    expect(() => editToml(broken, [{ path: ['a'], value: 1 }], 'f.toml')).toThrow(/^f\.toml line 1, column \d+: /);
    expect(() => editToml('a = 1', [{ path: ['a', 'b'], value: 1 }], 'f.toml')).toThrow(
      'f.toml: a is a value, not a table.',
    );
  });

  test('arbitrary edits say what they should, and keep every comment', () => {
    const key = fc.oneof(
      fc.constantFrom('host', 'port', 'tags', 'url'),
      fc.string({ minLength: 1, maxLength: 8 }).filter((k) => k !== '__proto__'),
    );
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(fc.string(), fc.integer()), { maxKeys: 3 }),
      fc.constant(undefined),
    );
    const path = fc.oneof(
      key.map((k) => ['sources', 'shop', k]),
      key.map((k) => ['sources', 'files', k]),
      fc.tuple(key, key).map(([a, b]) => ['sources', a, b]),
      key.map((k) => [`x${k}`]),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ path, value }), { minLength: 1, maxLength: 4 }), (edits) => {
        let edited: string;
        try {
          edited = editToml(FILE, edits, 'f.toml');
        } catch (error) {
          expect((error as Error).name).toBe('IngestError');
          return;
        }
        const last = edits.at(-1) as (typeof edits)[number];
        const read = last.path.reduce<unknown>(
          (at, k) => (at as Record<string, unknown> | undefined)?.[k],
          parse(edited),
        );
        expect(read).toEqual(last.value);
        for (const comment of ['# Connections of the shop', '# production', '# paths are literal'])
          expect(edited).toContain(comment);
      }),
      { numRuns: 300 },
    );
  });
});

test('new documents read back equal', () => {
  const table = {
    sources: { shop: { host: 'a "b"', port: 5432, path: 'C:\\x', on: true, gone: null, list: [1, null, 2] } },
  };
  expect(parse(formatToml(table))).toEqual({
    sources: { shop: { host: 'a "b"', port: 5432, path: 'C:\\x', on: true, list: [1, 2] } },
  });
});
