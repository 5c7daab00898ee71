import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Handler,
  numberedPages,
  offsetPages,
  type RestApi,
  rows,
  startRestApi,
} from '../../servers/rest-api.ts';
import { fastClock, type JobValues, type ReadOptions, readApi } from './rest-reader.ts';

/**
 * How APIs misbehave, and what a read makes of it: the exact rows, the number of requests, and the verdict or the error.
 * Paginations that behave are in pagination.test.ts.
 */
let api: RestApi | null = null;
let other: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  await other?.close();
  api = null;
  other = null;
});

interface Behaviour {
  name: string;
  /** Gets a second API's address, for links that lead elsewhere. */
  handler: (elsewhere: string) => Handler;
  job: JobValues;
  options?: ReadOptions;
  /** Rows 1 … n in order, or as listed; none where the read fails. */
  ids?: number | number[];
  requests: number;
  reason?: string;
  truncated?: boolean;
  warnings?: string[];
  retries?: number;
  /** The error's code, and what its message holds. */
  fails?: [code: string, message: RegExp];
}

const offset = (options: JobValues['options'] = {}, more: JobValues = {}): JobValues => ({
  pagination_type: 'offset',
  page_size: 10,
  options,
  ...more,
});
const pages = (options: JobValues['options'] = {}): JobValues => ({
  pagination_type: 'page_number',
  page_size: 10,
  options,
});
const link: JobValues = { pagination_type: 'json_link' };
const cursor = (options: JobValues['options'] = {}): JobValues => ({ pagination_type: 'cursor', options });
const hour = 3_600_000;

/** Like `handler`, but the request of this number (from 1) is answered otherwise. */
const but =
  (number: number, answer: Answer, handler: Handler): Handler =>
  (request, self) =>
    request.number === number ? answer : handler(request, self);
/** Records by `at`, 10 a page, with the links that `next` gives. */
const linked =
  (next: (at: number) => unknown): Handler =>
  ({ query }) => {
    const at = Number(query.get('at') ?? 0);
    return { body: { data: rows(25).slice(at, at + 10), next: at + 10 < 25 ? next(at + 10) : null } };
  };
const oauth = { connection: { auth: { type: 'bearer', token: 'secret-token' } } };

const behaviours: Behaviour[] = [
  {
    name: 'a total that is too small does not cut the read short of the page that is there',
    handler: () => offsetPages(rows(25), { extra: () => ({ total: 15 }) }),
    job: offset({ total_path: 'total' }),
    ids: 20,
    requests: 2,
    reason: 'total_reached',
  },
  {
    name: 'a total of null',
    handler: () => offsetPages(rows(25), { extra: () => ({ total: null }) }),
    job: offset({ total_path: 'total' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'a total of pages as text',
    handler: () => numberedPages(rows(25), { extra: { pages: '3' } }),
    job: pages({ total_pages_path: 'pages' }),
    ids: 25,
    requests: 3,
    reason: 'total_pages',
  },
  {
    name: 'pages from 0 read from 1 lose the first page: preview proposes base_page 0, the run reads what it is told',
    handler: () => numberedPages(rows(25), { base: 0 }),
    job: pages(),
    ids: rows(25)
      .map(({ id }) => id)
      .slice(10),
    requests: 3,
    reason: 'empty_page',
  },
  {
    name: 'the last page exactly full, 404 beyond it',
    handler: () => numberedPages(rows(30), { beyond: 'not_found' }),
    job: pages(),
    ids: 30,
    requests: 4,
    reason: 'page_not_found',
    truncated: true,
    warnings: ['API_PAGE_NOT_FOUND'],
  },
  {
    name: 'offset beyond the end is 410',
    handler: () => (request, self) =>
      Number(request.query.get('offset')) > 20 ? { status: 410 } : offsetPages(rows(25))(request, self),
    job: offset(),
    ids: 25,
    requests: 4,
    reason: 'page_not_found',
    warnings: ['API_PAGE_NOT_FOUND'],
  },
  {
    name: '404 on the first page is an error',
    handler: () => () => ({ status: 404 }),
    job: pages(),
    requests: 1,
    fails: ['API_NOT_FOUND', /answered 404/],
  },
  {
    name: '404 on a later page of a cursor is an error, never the end',
    handler: () => but(2, { status: 404 }, () => ({ body: { data: rows(2), next_cursor: 'x' } })),
    job: cursor(),
    requests: 2,
    fails: ['API_NOT_FOUND', /^Page 2: /],
  },
  {
    name: 'rows inserted at the front shift a row onto the next page: it comes twice, and is told',
    handler:
      () =>
      ({ query }) => {
        const at = Number(query.get('offset'));
        const list = at === 0 ? rows(20) : [{ id: 0 }, ...rows(20)];
        return { body: { data: list.slice(at, at + 10) } };
      },
    job: offset({}, { primary_key: ['id'] }),
    ids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    requests: 4,
    reason: 'empty_page',
    warnings: ['API_RECORDS_REPEATED'],
  },
  {
    name: 'an empty page in the middle of offsets ends the read; a total tells that it should not',
    handler:
      () =>
      ({ query }) => ({
        body: {
          total: 40,
          data:
            Number(query.get('offset')) === 20
              ? []
              : rows(40).slice(Number(query.get('offset')), Number(query.get('offset')) + 10),
        },
      }),
    job: offset({ total_path: 'total' }),
    ids: 20,
    requests: 3,
    reason: 'empty_page',
    truncated: true,
    warnings: ['API_TOTAL_NOT_REACHED'],
  },
  {
    name: 'a next link to another host',
    handler: (elsewhere) => linked((at) => `${elsewhere}/orders?at=${at}`),
    job: link,
    requests: 1,
    fails: ['API_NEXT_LINK_ORIGIN', /another origin/],
  },
  {
    name: 'a next link from https to http counts as another host',
    handler: () => linked(() => 'ftp://127.0.0.1/orders'),
    job: link,
    requests: 1,
    fails: ['API_NEXT_LINK_ORIGIN', /ftp:/],
  },
  {
    name: 'a next link that is an object',
    handler: () => linked(() => ({ href: '/orders?at=10' })),
    job: link,
    requests: 1,
    fails: ['API_NEXT_LINK_INVALID', /an object/],
  },
  {
    name: 'a next link false ends',
    handler:
      () =>
      ({ query }) => ({
        body: { data: query.has('at') ? [{ id: 3 }] : rows(2), next: query.has('at') ? false : '?at=1' },
      }),
    job: link,
    ids: 3,
    requests: 2,
    reason: 'no_next_link',
  },
  {
    name: 'a numeric cursor 0 ends',
    handler:
      () =>
      ({ query }) => ({
        body: { data: query.has('cursor') ? [{ id: 3 }] : rows(2), next_cursor: query.has('cursor') ? 0 : 7 },
      }),
    job: cursor(),
    ids: 3,
    requests: 2,
    reason: 'no_cursor',
  },
  {
    name: 'a cursor with characters that a URL does not carry',
    handler:
      () =>
      ({ query }) => ({
        body:
          query.get('cursor') === 'a+b/=&c d'
            ? { data: [{ id: 2 }], next_cursor: null }
            : { data: [{ id: 1 }], next_cursor: 'a+b/=&c d' },
      }),
    job: cursor(),
    ids: 2,
    requests: 2,
    reason: 'no_cursor',
  },
  {
    name: 'Retry-After as a date',
    handler: () =>
      but(
        2,
        { status: 429, headers: { 'retry-after': new Date(Date.now() + hour).toUTCString() } },
        offsetPages(rows(25)),
      ),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
    retries: 1,
  },
  {
    name: '503 twice in mid-run',
    handler: () => (request, self) =>
      request.number === 2 || request.number === 3 ? { status: 503 } : offsetPages(rows(25))(request, self),
    job: offset(),
    ids: 25,
    requests: 6,
    reason: 'empty_page',
    retries: 2,
  },
  {
    name: 'a body that is cut',
    handler: () => but(3, { body: { data: rows(9) }, cutAfter: 30 }, offsetPages(rows(25))),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
    retries: 1,
  },
  {
    name: 'a chunked body that is cut before its last chunk',
    handler: () => but(3, { body: { data: rows(10) }, chunked: 3, cutAfter: 40 }, offsetPages(rows(25))),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
    retries: 1,
  },
  {
    name: 'a gzip body that is cut although its length is right',
    handler: () =>
      but(
        1,
        { body: gzipSync(JSON.stringify(rows(500))).subarray(0, 400), headers: { 'content-encoding': 'gzip' } },
        () => ({ body: rows(3) }),
      ),
    job: {},
    ids: 3,
    requests: 2,
    reason: 'single_page',
    retries: 1,
  },
  {
    name: 'a slow body, chunk by chunk',
    handler: () => () => ({ body: rows(3), chunked: 7, pauseMs: 5 }),
    job: {},
    ids: 3,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'a chunked, compressed body',
    handler: () => () => ({ body: rows(3), chunked: 5, compress: 'gzip' }),
    job: {},
    ids: 3,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'a gzip bomb',
    handler: () => () => ({ body: `["${'0'.repeat(20_000_000)}"]`, compress: 'gzip' }),
    job: {},
    options: { deps: { limits: { maxBytes: 400_000_000, maxRatio: 500 } } },
    requests: 1,
    fails: ['API_RESPONSE_TOO_LARGE', /20 MB out of|MB out of/],
  },
  {
    name: 'invalid JSON in page 7',
    handler: () => but(7, { body: '{"data":[{"id":61},]}' }, offsetPages(rows(99))),
    job: offset(),
    requests: 7,
    fails: ['API_INVALID_JSON', /^Page 7 .*at character 20/],
  },
  {
    name: 'NaN is no JSON',
    handler: () => () => ({ body: '[{"id":NaN}]' }),
    job: {},
    requests: 1,
    fails: ['API_INVALID_JSON', /at character 8/],
  },
  {
    name: 'a 200 with an error object where the list should be',
    handler: () => but(2, { body: { error: 'limit of this month is reached' } }, offsetPages(rows(25))),
    job: offset({}, { data_selector: 'data' }),
    requests: 2,
    fails: ['API_ERROR_RESPONSE', /^Page 2 .*limit of this month/],
  },
  {
    name: '401 in mid-run with a fixed token',
    handler: () => but(3, { status: 401, body: { error: 'token expired' } }, offsetPages(rows(25))),
    job: offset({}, { auth_type: 'bearer' }),
    options: oauth,
    requests: 3,
    fails: ['API_UNAUTHORIZED', /^Page 3: .*token expired/],
  },
  {
    name: '403 with a spent quota waits like 429',
    handler: () =>
      but(
        2,
        {
          status: 403,
          headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 60) },
        },
        offsetPages(rows(25)),
      ),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
    retries: 1,
  },
  {
    name: 'a redirect to another origin takes no credentials along',
    handler: (elsewhere) => () => ({ status: 302, headers: { location: `${elsewhere}/file` } }),
    job: { auth_type: 'bearer' },
    options: oauth,
    ids: 3,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'a redirect in mid-run keeps query and pagination',
    handler: () => (request, self) =>
      request.query.get('offset') === '10' && !request.query.has('moved')
        ? { status: 307, headers: { location: `${request.url}&moved=1` } }
        : offsetPages(rows(25))(request, self),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
  },
  {
    name: 'a web page instead of data',
    handler: () => () => ({
      body: '<html><body>Please sign in</body></html>',
      headers: { 'content-type': 'text/html' },
    }),
    job: {},
    requests: 1,
    fails: ['API_INVALID_JSON', /Please sign in/],
  },
  {
    name: 'null records among the others',
    handler: () => () => ({ body: [{ id: 1 }, null, { id: 2 }] }),
    job: {},
    ids: 2,
    requests: 1,
    reason: 'single_page',
    warnings: ['API_NULL_RECORDS'],
  },
  {
    name: 'NDJSON by its content type, a blank line and CRLF in it',
    handler: () => () => ({
      body: '{"id":1}\r\n\n{"id":2}\n{"id":9007199254740993}',
      headers: { 'content-type': 'application/x-ndjson; charset=utf-8' },
    }),
    job: {},
    ids: ['1', '2', '9007199254740993'] as unknown as number[],
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'NDJSON by option, paged',
    handler:
      () =>
      ({ query }) => ({
        body: rows(25)
          .slice(Number(query.get('offset')), Number(query.get('offset')) + 10)
          .map((row) => JSON.stringify(row))
          .join('\n'),
      }),
    job: offset({ response_format: 'ndjson' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'NDJSON that nobody announced is an error with the way out',
    handler: () => () => ({ body: '{"id":1}\n{"id":2}\n' }),
    job: {},
    requests: 1,
    fails: ['API_INVALID_JSON', /character 10/],
  },
  {
    name: 'a damaged line of NDJSON',
    handler: () => () => ({ body: '{"id":1}\n{"id":2', headers: { 'content-type': 'application/jsonl' } }),
    job: {},
    requests: 1,
    fails: ['API_INVALID_JSON', /line 2/],
  },
  {
    name: 'CSV by its content type',
    handler: () => () => ({ body: 'id,note\n1,"a, ""b""\nc"\n2,\n', headers: { 'content-type': 'text/csv' } }),
    job: {},
    ids: 2,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'CSV pages by offset, semicolons, CRLF, an empty last page with its header',
    handler:
      () =>
      ({ query }) => ({
        body: [
          'id;n',
          ...rows(25)
            .slice(Number(query.get('offset')), Number(query.get('offset')) + 10)
            .map(({ id }) => `${id};x`),
        ].join('\r\n'),
      }),
    job: offset({ response_format: 'csv', delimiter: ';' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'a CSV row with a cell too many',
    handler: () => () => ({ body: 'id,n\n1,x\n2,y,z\n', headers: { 'content-type': 'text/csv' } }),
    job: {},
    requests: 1,
    fails: ['API_INVALID_CSV', /line 3: 3 cells where the first line has 2/],
  },
];

describe('what APIs do', () => {
  test.each(behaviours)(
    '$name',
    async ({ handler, job, options, ids, requests, reason, truncated, warnings, retries, fails }) => {
      other = await startRestApi({
        '/file': () => ({ body: rows(3) }),
        '/orders': () => ({ body: { data: [{ id: 666 }] } }),
      });
      api = await startRestApi({ '/orders': handler(other.url) });
      const reading = readApi(api.url, job, options);
      if (fails) {
        const error = await reading.catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          code: fails[0],
          message: expect.stringMatching(fails[1]),
          hint: expect.any(String),
        });
        expect(api.requests).toHaveLength(requests);
        expect(other.requests).toHaveLength(0);
        return;
      }
      const result = await reading;
      const expected = typeof ids === 'number' ? rows(ids).map(({ id }) => String(id)) : (ids ?? []).map(String);
      expect(result.rows.map(({ id }) => String(id))).toEqual(expected);
      expect(api.requests).toHaveLength(requests);
      expect(result.summary.verdict).toMatchObject({
        reason,
        records: expected.length,
        looksTruncated: truncated ?? false,
      });
      expect(result.warnings.map(({ code }) => code)).toEqual(warnings ?? []);
      expect(result.summary.retries).toBe(retries ?? 0);
      expect(JSON.stringify(other.requests.map(({ headers }) => headers))).not.toContain('secret-token');
    },
  );
});

test('CSV values are text until column_types says more; empty cells are null', async () => {
  api = await startRestApi({
    '/orders': () => ({
      body: 'id,zip,amount,note\n1,0123,1.50,""\n2,9,,x\n',
      headers: { 'content-type': 'text/csv' },
    }),
  });
  const result = await readApi(api.url, { column_types: { amount: 'DECIMAL(9,2)' } });
  expect(result.rows).toEqual([
    { id: '1', zip: '0123', amount: '1.50', note: '' },
    { id: '2', zip: '9', amount: null, note: 'x' },
  ]);
});

test('pages are told apart by their keys, also where the columns leave the key out', async () => {
  api = await startRestApi({ '/orders': offsetPages(rows(25).map(({ id }) => ({ id, group: id % 2 }))) });
  const result = await readApi(api.url, offset({}, { primary_key: ['id'], columns: ['group'] }));
  expect(result.rows).toHaveLength(25);
  expect(result.warnings).toEqual([]);
});

test('a pause that the server asks of one job holds for all jobs of the connection', async () => {
  const clock = fastClock();
  api = await startRestApi({
    '/orders': ({ number }) =>
      number === 1
        ? { body: rows(2), headers: { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '30' } }
        : { body: rows(2) },
  });
  await readApi(api.url, offset({}, { page_size: 2 }), { deps: { clock } });
  expect(clock.sleeps).toEqual([30_000]);
});
