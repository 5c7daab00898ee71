import { describe, expect, test } from 'vitest';
import { detect, type ObservedPage, samePath } from '../../../engine/sources/rest/detect.ts';
import { detectPagination } from '../../../engine/sources/rest/detect-pagination.ts';
import { estimateRead } from '../../../engine/sources/rest/estimate.ts';
import { compileJsonPath } from '../../../engine/sources/rest/json-path.ts';
import type { JsonRecord } from '../../../engine/sources/rest/records.ts';
import { pathText } from '../../../engine/spec/path-text.ts';
import { apiJob, type JobValues } from './rest-reader.ts';

const URL_ = 'https://api.example.com/v1/orders';

function page(body: unknown, records: JsonRecord[], values: Partial<ObservedPage> = {}): ObservedPage {
  return { body, headers: {}, url: URL_, records, durationMs: 100, ...values };
}

function ids(from: number, count: number): { id: number }[] {
  return Array.from({ length: count }, (_unused, index) => ({ id: from + index }));
}

function look(pages: ObservedPage[], job: JobValues = {}, selector: string | null = 'data') {
  return detect({ job: apiJob(job), pages, selector, firstPage: null });
}

describe('pagination', () => {
  test.each<[string, object, Record<string, string>, Record<string, unknown>]>([
    ['a Link header', {}, { link: `<${URL_}?page=2>; rel="next"` }, { pagination_type: 'header_link' }],
    ['a next address', { next: `${URL_}?page=2` }, {}, { pagination_type: 'json_link', next_url_path: 'next' }],
    [
      'a relative link',
      { links: { next: '/v1/orders?page=2' } },
      {},
      { pagination_type: 'json_link', next_url_path: 'links.next' },
    ],
    [
      'HAL',
      { _links: { self: { href: '/a' }, next: { href: '/b' } } },
      {},
      { pagination_type: 'json_link', next_url_path: '_links.next.href' },
    ],
    [
      'OData',
      { '@odata.nextLink': `${URL_}?$skip=9` },
      {},
      { pagination_type: 'json_link', next_url_path: "$['@odata.nextLink']" },
    ],
    [
      'a cursor',
      { meta: { next_cursor: 'abc' } },
      {},
      { pagination_type: 'cursor', cursor_path: 'meta.next_cursor', cursor_param: 'cursor' },
    ],
    [
      'Google',
      { nextPageToken: 'xyz' },
      {},
      { pagination_type: 'cursor', cursor_path: 'nextPageToken', cursor_param: 'pageToken' },
    ],
    [
      'Slack',
      { response_metadata: { next_cursor: 'abc' } },
      {},
      { pagination_type: 'cursor', cursor_path: 'response_metadata.next_cursor' },
    ],
    [
      'HubSpot',
      { paging: { next: { after: '20', link: `${URL_}?after=20` } } },
      {},
      { pagination_type: 'cursor', cursor_path: 'paging.next.after' },
    ],
    [
      'Stripe',
      { object: 'list', has_more: true },
      {},
      { pagination_type: 'cursor', cursor_path: 'data[-1].id', cursor_param: 'starting_after' },
    ],
    [
      'page numbers',
      { page: 1, total_pages: 9 },
      {},
      { pagination_type: 'page_number', total_pages_path: 'total_pages' },
    ],
    [
      'Laravel',
      { meta: { current_page: 1, last_page: 3, total: 30 } },
      {},
      { pagination_type: 'page_number', total_pages_path: 'meta.last_page', total_path: 'meta.total' },
    ],
    ['offsets', { offset: 0, limit: 10, total: 35 }, {}, { pagination_type: 'offset', total_path: 'total' }],
    ['a count of all', { count: 35 }, {}, { pagination_type: 'offset', total_path: 'count' }],
    ['the last page', { next_cursor: null }, {}, { pagination_type: 'cursor', cursor_path: 'next_cursor' }],
    ['nothing', { took: 3 }, {}, { pagination_type: 'single_page' }],
  ])('%s', (_name, wrapper, headers, expected) => {
    const records = ids(1, 10);
    const detected = look([page({ data: records, ...wrapper }, records, { headers })]);
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, detected[key as 'page_size']?.value]))).toEqual(
      expected,
    );
    for (const detection of Object.values(detected)) {
      expect(detection.evidence).not.toBe('');
      expect(['certain', 'likely', 'guess']).toContain(detection.confidence);
    }
  });

  test('a count below the page is no total; has_more false and an href of self lead nowhere', () => {
    const records = ids(1, 10);
    const body = { data: records, count: 10, has_more: false, links: { self: { href: '/v1/orders' } } };
    const detected = look([page(body, records)]);
    expect(detected.pagination_type?.value).toBe('single_page');
    expect(detected.total_path).toBeUndefined();
    expect(
      detectPagination({ job: apiJob(), pages: [page(body, records)], selector: 'data', firstPage: null }).more,
    ).toBeNull();
  });

  test('pages that came are the proof', () => {
    const pages = [
      page({ data: ids(1, 10), has_more: true }, ids(1, 10)),
      page({ data: ids(11, 10), has_more: false }, ids(11, 10)),
    ];
    const detected = look(pages, { pagination_type: 'cursor', options: { cursor_path: 'data[-1].id' } });
    expect(detected.pagination_type).toMatchObject({ value: 'cursor', confidence: 'certain', in_use: true });
    expect(detected.has_more_path?.evidence).toBe('It is true, then false on 2 pages');
  });
});

describe('page size', () => {
  test('a cap of the server', () => {
    const pages = [1, 101, 201].map((from) => page({ data: ids(from, 100) }, ids(from, 100)));
    const detected = look(pages, { pagination_type: 'offset', page_size: 200 });
    expect(detected.page_size).toEqual({
      value: 100,
      evidence: 'Asked for 200, got exactly 100 on 3 of 3 pages',
      confidence: 'certain',
      in_use: false,
      place: 'column',
    });
  });

  test('one short page proves nothing', () => {
    expect(look([page({ data: ids(1, 7) }, ids(1, 7))], { pagination_type: 'offset' }).page_size).toBeUndefined();
  });
});

describe('records', () => {
  test('the longest of several lists is a guess that names the others', () => {
    const records = ids(1, 10);
    const body = { included: ids(1, 3), payload: { rows: records }, errors: [] };
    expect(look([page(body, [])], {}, null).data_selector).toMatchObject({
      value: 'payload.rows',
      confidence: 'guess',
      in_use: false,
      evidence: 'A list of objects, 10 long; there are also included (3)',
    });
  });

  test('a list at the root, an object, odd keys', () => {
    expect(look([page(ids(1, 3), ids(1, 3))], {}, '$').data_selector).toMatchObject({ value: '$', in_use: true });
    expect(look([page({ a: 1 }, [{ a: 1 }])], {}, '$').data_selector).toMatchObject({ value: '$' });
    expect(look([page({ 'a.b': ids(1, 3) }, ids(1, 3))], {}, null).data_selector?.value).toBe("$['a.b']");
  });
});

describe('primary key', () => {
  const many = (make: (index: number) => JsonRecord, count = 30) =>
    Array.from({ length: count }, (_unused, index) => make(index));
  const keyOf = (records: JsonRecord[], job: JobValues = {}) =>
    look([page({ data: records }, records)], job).primary_key;

  test('an id before other unique columns', () => {
    expect(keyOf(many((index) => ({ at: `2026-01-01T00:00:${index}Z`, sku: `s${index}`, id: index })))).toMatchObject({
      value: 'id',
      confidence: 'certain',
      evidence: '30 values, 30 distinct, no nulls',
    });
  });

  test('none with doubles, nulls, or a name that is no key', () => {
    expect(keyOf(many((index) => ({ id: index % 7, amount: index })))).toBeUndefined();
    expect(keyOf(many((index) => ({ id: index === 3 ? null : index })))).toBeUndefined();
    expect(keyOf(many((index) => ({ price: index })))).toBeUndefined();
  });

  test('two columns together', () => {
    expect(keyOf(many((index) => ({ order_id: Math.floor(index / 3), line_no: index % 3 })))).toMatchObject({
      value: 'order_id, line_no',
    });
  });

  test("the job's own where it holds; few records are a guess", () => {
    const records = many((index) => ({ id: index, code: `c${index}` }), 5);
    expect(keyOf(records, { primary_key: ['code'] })).toMatchObject({
      value: 'code',
      in_use: true,
      confidence: 'guess',
    });
  });

  test('1 and 1.0 beyond a double stay two', () => {
    const records = many((index) => ({ id: `9007199254740${100 + index}` }));
    expect(keyOf(records)?.value).toBe('id');
  });
});

describe('incremental field', () => {
  const fieldOf = (records: JsonRecord[], job: JobValues = {}) =>
    look([page({ data: records }, records)], job).watermark_column;
  const times = (make: (time: string, index: number) => JsonRecord) =>
    Array.from({ length: 12 }, (_unused, index) => make(new Date(Date.UTC(2026, 0, 12 - index)).toISOString(), index));

  test('a change before a creation, with its order and the parameter', () => {
    const job = { options: { incremental: { start_param: 'since' } } } as JobValues;
    expect(
      fieldOf(
        times((at) => ({ created_at: at, updatedAt: at })),
        job,
      ),
    ).toMatchObject({
      value: 'updatedAt',
      confidence: 'certain',
      evidence: 'ISO times, newest first, no nulls in 12 records; the request takes since',
    });
    expect(fieldOf(times((at) => ({ created: at })))?.evidence).toContain('later changes of a record do not move it');
  });

  test('epochs, nested ones and nulls', () => {
    expect(fieldOf(times((at) => ({ meta: { modified: Date.parse(at) / 1000 } })))).toMatchObject({
      value: 'meta.modified',
      evidence: 'Epoch seconds, newest first, no nulls in 12 records',
    });
    expect(fieldOf(times((at, index) => ({ updated: index === 2 ? null : at })))).toMatchObject({
      confidence: 'guess',
      evidence: 'ISO times, newest first, 1 of 12 are null',
    });
  });

  test('no days of birth, no mixed columns', () => {
    expect(fieldOf(times((at) => ({ birthday: at.slice(0, 10) })))).toBeUndefined();
    expect(fieldOf(times((at, index) => ({ updated: index % 2 === 0 ? at : 'soon' })))).toBeUndefined();
  });
});

describe('paths', () => {
  test.each<[readonly (string | number)[], string]>([
    [[], '$'],
    [['data', -1, 'id'], 'data[-1].id'],
    [['data', 3, 'a b'], "data[3]['a b']"],
    [['odata.nextLink'], "$['odata.nextLink']"],
    [["it's"], "$['it\\'s']"],
    [['a"b'], "$['a\"b']"],
    [['tab\there'], "$['tab\\there']"],
    [['größe'], 'größe'],
    [[0, 'x'], '$[0].x'],
    [['0'], "$['0']"],
    [['a]b', 'c*'], "$['a]b']['c*']"],
  ])('%j', (steps, text) => {
    expect(pathText(steps)).toBe(text);
    // What is written is read back to the very value.
    const target = { found: true };
    let body: unknown = target;
    for (const step of steps.toReversed()) {
      if (typeof step === 'string') body = { [step]: body };
      else if (step < 0) body = ['first', body];
      else body = [...Array(step).fill('before'), body];
    }
    expect(compileJsonPath(text).first(body)).toBe(target);
  });

  test('spellings of one path', () => {
    expect(samePath('$.data', 'data')).toBe(true);
    expect(samePath("$['data']", 'data[*]')).toBe(true);
    expect(samePath('data', 'date')).toBe(false);
  });
});

describe('estimate', () => {
  const records = ids(1, 100);
  const pages = [page({ data: records, total: 10_000 }, records)];
  const observation = { job: apiJob({ pagination_type: 'offset' }), pages, selector: 'data', firstPage: null };
  const facts = detectPagination(observation);

  test('pages times the rate limit, less the burst', () => {
    expect(estimateRead(observation, facts, false, { requests_per_second: 2, burst_limit: 10 })).toEqual({
      records: 10_000,
      requests: 100,
      seconds: 45,
      detail: "100 requests at 2 requests a second, the connection's rate limit",
    });
  });

  test("without a limit, pages times a page's own time; nothing where nothing counts them", () => {
    expect(estimateRead(observation, facts, false, null)).toMatchObject({
      seconds: 10,
      detail: '100 requests at 100 ms a page',
    });
    const blind = { ...observation, pages: [page({ data: records }, records)] };
    expect(estimateRead(blind, detectPagination(blind), false, null)).toBeUndefined();
    expect(estimateRead(blind, detectPagination(blind), true, null)).toMatchObject({ requests: 1, records: 100 });
  });
});
