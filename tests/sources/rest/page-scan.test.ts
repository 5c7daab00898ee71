import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { ApiResponse } from '../../../engine/sources/rest/client.ts';
import { observe, ShapeNode } from '../../../engine/sources/rest/infer.ts';
import { parseJson } from '../../../engine/sources/rest/json.ts';
import { PageScanner } from '../../../engine/sources/rest/page-scan.ts';
import { type JsonRecord, RecordSelector } from '../../../engine/sources/rest/records.ts';
import { type Handler, type RestApi, startRestApi } from '../../servers/rest-api.ts';
import { readApi } from './rest-reader.ts';

function response(text: string): ApiResponse {
  const bytes = Buffer.from(text);
  return { status: 200, url: 'http://x/', headers: {}, text, utf8: bytes, bytes: bytes.length, durationMs: 0 };
}

/** Scans `second` after `first` was looked at; beside it what the rule says of both. */
function scanAfter(first: string, second: string, path: string | null = 'data', fields: string[] = []) {
  const shapes = [new ShapeNode(), new ShapeNode()] as const;
  const selector = new RecordSelector(path, false);
  const before = parseJson(first);
  for (const record of selector.select(before.value, 1))
    for (const node of shapes) observe(node, record, before.exact, 0);
  const scan = new PageScanner(shapes[0], fields, []).scan(response(second), selector);
  let rule: JsonRecord[] | null = null;
  try {
    const parsed = parseJson(second);
    rule = selector.select(parsed.value, 2);
    for (const record of rule) observe(shapes[1], record, parsed.exact, 0);
  } catch {
    // The text is no JSON, or has no list of records.
  }
  scan?.addShapes();
  return { scan, rule, shapes };
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    ...['2024-01-31', '2024-02-30', '2024-01-31T10:00', '2024-01-31 10:00:59', '2024-01-31T10:00:59Z', '0000-01-01'],
    ...['2024-01-31T10:00:59.123456Z', '2024-01-31T10:00:59.1234567Z', '2024-01-31T10:00:59+02:00', '2024-13-01'],
    ...['2024-01-31T10:00:59-00:00', '2024-01-31T10:00:59.5+00:00', '9999-12-31T10:00:59+02:00', '2024-01-31T10:00Z'],
    ...['2024-01-31T10:00:59+0200', '2024-01-31T10:00:59+23:00', '2024-01-31T24:00:00Z', 'Grüße', '', '\u2028', '"q"'],
  ),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 1.5, 1e21),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.record({ a: tie('value'), b: tie('value') }, { requiredKeys: [] }),
  ),
})).value;
const record = fc.record({ id: number, at: text, 'ümlaut "k"': value, nested: value }, { requiredKeys: [] });
const page = fc.array(record, { maxLength: 6 });
const space = fc.constantFrom(0, 1, '\t', '  \r\n');

describe('a page that was scanned', () => {
  test('tells what parsing it tells', () => {
    let scanned = 0;
    fc.assert(
      fc.property(page, page, space, fc.boolean(), (first, second, indent, repeats) => {
        // A second page with nothing new is scanned for sure, unless it has what only the rule knows.
        const next = repeats ? [...first, ...first] : second;
        const { scan, rule, shapes } = scanAfter(
          JSON.stringify({ data: first }),
          JSON.stringify({ page: { data: [1] }, data: next, total: next.length }, null, indent),
          'data',
          ['id', 'at'],
        );
        if (!scan) return;
        scanned += 1;
        expect(scan.rows).toBe(next.length);
        const lines = scan.lines.toString().split('\n').slice(0, -1);
        expect(lines.map((line) => JSON.parse(line))).toEqual(rule);
        expect(scan.longest).toBe(Math.max(0, ...lines.map((line) => Buffer.byteLength(line) + 1)));
        expect(scan.records).toEqual(
          next
            .map((full) => Object.fromEntries(Object.entries(full).filter(([key]) => key === 'id' || key === 'at')))
            .map((kept) => JSON.parse(JSON.stringify(kept))),
        );
        expect(JSON.stringify(shapes[0])).toBe(JSON.stringify(shapes[1]));
        expect((scan.envelope as { total: number }).total).toBe(next.length);
      }),
      // Every sixth or so is scanned: enough of them, whatever the seed.
      { numRuns: 2000 },
    );
    expect(scanned).toBeGreaterThan(150);
  });

  test('is never one that is damaged', () => {
    const good = JSON.stringify({
      data: [
        { id: 1, at: 'x', nested: { a: [1, true, null] } },
        { id: 2, at: 'y\\n' },
      ],
    });
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.constantFrom('', ' ', '"', '{', '}', '[', ']', ',', '0', '\\', ':'),
        (at, put) => {
          const damaged = good.slice(0, at) + put + good.slice(at + 1);
          const { scan, rule, shapes } = scanAfter(good, damaged);
          if (!scan) return;
          expect(rule).toHaveLength(scan.rows);
          expect(JSON.stringify(shapes[0])).toBe(JSON.stringify(shapes[1]));
        },
      ),
      { numRuns: 700 },
    );
  });

  const one = '{"data":[{"id":1,"at":"x"}]}';
  test.each([
    ['a new key', one, '{"data":[{"id":1,"b":2}]}'],
    ['a key that comes twice', one, '{"data":[{"id":1,"id":2}]}'],
    ['an integer beyond 15 digits', one, '{"data":[{"id":9007199254740993}]}'],
    ['a decimal beyond 15 digits', one, '{"data":[{"id":0.1234567890123456}]}'],
    ['a number with an exponent', one, '{"data":[{"id":1e3}]}'],
    ['a leading zero', one, '{"data":[{"id":01}]}'],
    ['half of a surrogate pair', one, '{"data":[{"id":1,"at":"\\ud800"}]}'],
    ['a null record', one, '{"data":[null]}'],
    ['the list elsewhere', one, '{"meta":{"data":[{"id":1}]},"data":{"list":[{"id":1}]}}'],
    ['the list hidden by a key that comes again', one, '{"data":[{"id":1}],"data":{}}'],
    ['the list in a text', one, '{"a":"\\"data\\":[{\\"id\\":1}]","data":null}'],
    ['text behind it', one, '{"data":[{"id":1}]} x'],
  ])('is never one with %s', (_what, first, second) => {
    expect(scanAfter(first, second).scan).toBeNull();
  });

  test('may have its list at the root, or deep', () => {
    expect(scanAfter('[{"id":1}]', ' [ {"id":2} , {"id":3} ] ', null).scan?.lines.toString()).toBe(
      '{"id":2} \n {"id":3} \n',
    );
    const other = scanAfter('{"data":[{"id":1}]}', '{"meta":{"data":[{"id":1}]},"data":[{"id":2}]}').scan;
    expect(other?.lines.toString()).toBe('{"id":2}\n');
    const deep = scanAfter('{"r":{"items":[{"id":1}]}}', '{"r":{"n":3,"items":[]}}', 'r.items').scan;
    expect(deep).toMatchObject({ rows: 0, envelope: { r: { n: 3, items: [] } } });
  });
});

describe('a read of pages that are scanned', () => {
  let api: RestApi | null = null;
  afterEach(async () => {
    await api?.close();
    api = null;
  });
  const serve = async (body: (query: URLSearchParams) => string) => {
    const handler: Handler = ({ query }) => ({ headers: { 'content-type': 'application/json' }, body: body(query) });
    api = await startRestApi({ '/orders': handler });
    return api;
  };
  const pageOf = (from: number, count: number) =>
    Array.from({ length: count }, (_none, index) => ({
      id: from + index,
      updated_at: `2024-01-${String(from + index).padStart(2, '0')}`,
      tags: [{ name: `t${from + index}` }],
    }));
  const job = { table_name: 'orders' };

  test('goes on by a cursor in its last record, pretty-printed', async () => {
    const { url, requests } = await serve((query) => {
      const after = Number(query.get('cursor') ?? 0);
      return JSON.stringify({ data: after >= 9 ? [] : pageOf(after + 1, 3) }, null, 2);
    });
    const { rows, summary } = await readApi(url, {
      ...job,
      pagination_type: 'cursor',
      options: { cursor_path: 'data[-1].id', cursor_param: 'cursor' },
    });
    expect(rows.map(({ id }) => Number(id))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(summary.verdict).toMatchObject({ records: 9, pages: 4 });
    expect(requests).toHaveLength(4);
  });

  test('leaves out what is older than the watermark and counts repeated keys', async () => {
    const pages = [pageOf(1, 3), pageOf(3, 3), pageOf(6, 3), []];
    const { url } = await serve((query) => JSON.stringify({ data: pages[Number(query.get('page')) - 1] }));
    const { rows, summary, warnings } = await readApi(
      url,
      { ...job, pagination_type: 'page_number', page_size: 3, primary_key: ['id'] },
      { request: { incremental: { column: 'updated_at', from: '2024-01-02' } } },
    );
    expect(rows.map(({ id }) => Number(id))).toEqual([2, 3, 3, 4, 5, 6, 7, 8]);
    expect(summary).toMatchObject({ watermark: '2024-01-08', verdict: { records: 8, pages: 4, reason: 'empty_page' } });
    expect(warnings.find(({ code }) => code === 'API_RECORDS_REPEATED')?.message).toMatch(/^1 record came/);
  });

  test('ends where the server repeats its last page, however it is written', async () => {
    const { url, requests } = await serve((query) => {
      const number = Number(query.get('page'));
      return JSON.stringify({ data: pageOf(Math.min(number, 3) * 3, 3) }, null, number > 3 ? 1 : 0);
    });
    const { rows, summary, warnings } = await readApi(url, { ...job, pagination_type: 'page_number', page_size: 3 });
    expect(rows.map(({ id }) => Number(id))).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(summary.verdict).toMatchObject({ reason: 'repeated_page', records: 9, pages: 4 });
    expect(warnings).toHaveLength(1);
    expect(requests).toHaveLength(4);
  });
});
