import { afterEach, describe, expect, test } from 'vitest';
import {
  chainedPages,
  type Handler,
  numberedPages,
  offsetPages,
  type RestApi,
  rows,
  startRestApi,
} from '../../servers/rest-api.ts';
import { type JobValues, type ReadOptions, readApi } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

interface Behaviour {
  name: string;
  handler: Handler;
  job: JobValues;
  options?: ReadOptions;
  /** Expected ids in order: 1 … n, or as listed. */
  ids: number | number[];
  requests: number;
  reason: string;
  truncated?: boolean;
  warnings?: string[];
}

const offset = (options: JobValues['options'] = {}): JobValues => ({
  pagination_type: 'offset',
  page_size: 10,
  options,
});
const pages = (options: JobValues['options'] = {}): JobValues => ({
  pagination_type: 'page_number',
  page_size: 10,
  options,
});
const cursor = (options: JobValues['options'] = {}): JobValues => ({ pagination_type: 'cursor', options });

const behaviours: Behaviour[] = [
  {
    name: 'offset: a short page does not end, an empty one does',
    handler: offsetPages(rows(25)),
    job: offset(),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'offset: steps by what came where the server caps the page size',
    handler: offsetPages(rows(25), { cap: 7 }),
    job: offset(),
    ids: 25,
    requests: 5,
    reason: 'empty_page',
  },
  {
    name: 'offset: the last page exactly full',
    handler: offsetPages(rows(30)),
    job: offset(),
    ids: 30,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'offset: one full page and nothing after it looks truncated',
    handler: offsetPages(rows(10)),
    job: offset(),
    ids: 10,
    requests: 2,
    reason: 'empty_page',
    truncated: true,
  },
  {
    name: 'offset: total_path spares the empty page',
    handler: offsetPages(rows(25), { extra: () => ({ meta: { total: 25 } }) }),
    job: offset({ total_path: 'meta.total' }),
    ids: 25,
    requests: 3,
    reason: 'total_reached',
  },
  {
    name: 'offset: a total written as text',
    handler: offsetPages(rows(25), { extra: () => ({ total: '25' }) }),
    job: offset({ total_path: 'total' }),
    ids: 25,
    requests: 3,
    reason: 'total_reached',
  },
  {
    name: 'offset: total_path leads nowhere',
    handler: offsetPages(rows(25)),
    job: offset({ total_path: 'total' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'offset: a total that is too large ends with the empty page',
    handler: offsetPages(rows(25), { extra: () => ({ total: 99 }) }),
    job: offset({ total_path: 'total' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
    truncated: true,
    warnings: ['API_TOTAL_NOT_REACHED'],
  },
  {
    name: 'offset: has_more_path false ends',
    handler: offsetPages(rows(25), { extra: (at) => ({ more: at + 10 < 25 }) }),
    job: offset({ has_more_path: 'more' }),
    ids: 25,
    requests: 3,
    reason: 'has_more_false',
  },
  {
    name: 'offset: maximum_offset is exclusive',
    handler: offsetPages(rows(45)),
    job: offset({ maximum_offset: 20 }),
    ids: 20,
    requests: 2,
    reason: 'maximum_offset',
    truncated: true,
  },
  {
    name: 'offset: a server that ignores the offset repeats its page',
    handler: () => ({ body: { data: rows(10) } }),
    job: offset(),
    ids: 10,
    requests: 2,
    reason: 'repeated_page',
    truncated: true,
    warnings: ['API_PAGE_REPEATED'],
  },
  {
    name: 'offset: starts where it is told',
    handler: offsetPages(rows(25)),
    job: offset({ offset: 20 }),
    ids: [21, 22, 23, 24, 25],
    requests: 2,
    reason: 'empty_page',
  },
  {
    name: 'offset: max_pages is a warning',
    handler: offsetPages(rows(99)),
    job: offset({ max_pages: 2 }),
    ids: 20,
    requests: 2,
    reason: 'max_pages',
    truncated: true,
    warnings: ['API_MAX_PAGES'],
  },
  {
    name: 'offset in a POST body',
    handler: ({ method, body }) => {
      const { from, size } = (body as { q: { from: number; size: number } }).q;
      return { body: method === 'POST' ? { data: rows(25).slice(from, from + size) } : {} };
    },
    job: offset({
      method: 'POST',
      body: { q: { only: 'open' } },
      offset_body_path: 'q.from',
      limit_body_path: 'q.size',
    }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'page_number: the page after the last is empty',
    handler: numberedPages(rows(25)),
    job: pages(),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'page_number: pages from 0',
    handler: numberedPages(rows(25), { base: 0 }),
    job: pages({ base_page: 0 }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'page_number: total_pages_path',
    handler: numberedPages(rows(25), { extra: { pages: 3 } }),
    job: pages({ total_pages_path: 'pages' }),
    ids: 25,
    requests: 3,
    reason: 'total_pages',
  },
  {
    name: 'page_number: total_pages_path with pages from 0',
    handler: numberedPages(rows(25), { base: 0, extra: { pages: 3 } }),
    job: pages({ base_page: 0, total_pages_path: 'pages' }),
    ids: 25,
    requests: 3,
    reason: 'total_pages',
  },
  {
    name: 'page_number: 404 beyond the end',
    handler: numberedPages(rows(25), { beyond: 'not_found' }),
    job: pages(),
    ids: 25,
    requests: 4,
    reason: 'page_not_found',
    warnings: ['API_PAGE_NOT_FOUND'],
  },
  {
    name: 'page_number: the last page repeated is discarded',
    handler: numberedPages(rows(25), { beyond: 'last' }),
    job: pages(),
    ids: 25,
    requests: 4,
    reason: 'repeated_page',
    warnings: ['API_PAGE_REPEATED'],
  },
  {
    name: 'page_number in a POST body',
    handler: ({ body }) => {
      const { page, per_page } = body as { page: number; per_page: number };
      return { body: rows(25).slice((page - 1) * per_page, page * per_page) };
    },
    job: pages({ method: 'POST', page_body_path: 'page' }),
    ids: 25,
    requests: 4,
    reason: 'empty_page',
  },
  {
    name: 'cursor: null ends',
    handler: chainedPages(rows(25), 10, (next) => ({ next_cursor: next === null ? null : String(next) })),
    job: cursor(),
    ids: 25,
    requests: 3,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: "" ends',
    handler: chainedPages(rows(25), 10, (next) => ({ meta: { next: next === null ? '' : String(next) } })),
    job: cursor({ cursor_path: 'meta.next' }),
    ids: 25,
    requests: 3,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: a missing key ends',
    handler: chainedPages(rows(25), 10, (next) => (next === null ? {} : { next_cursor: next })),
    job: cursor(),
    ids: 25,
    requests: 3,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: data[-1].id with has_more, as Stripe does it',
    handler: ({ query }) => {
      const after = Number(query.get('starting_after') ?? 0);
      return { body: { data: rows(25).slice(after, after + 10), has_more: after + 10 < 25 } };
    },
    job: cursor({ cursor_path: 'data[-1].id', cursor_param: 'starting_after', has_more_path: 'has_more' }),
    ids: 25,
    requests: 3,
    reason: 'has_more_false',
  },
  {
    name: 'cursor: $[-1].id of a root list',
    handler: ({ query }) => {
      const after = Number(query.get('cursor') ?? 0);
      return { body: rows(25).slice(after, after + 10) };
    },
    job: cursor({ cursor_path: '$[-1].id' }),
    ids: 25,
    requests: 4,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: an empty page with a cursor does not end',
    handler: ({ query }) => {
      const at = query.get('cursor');
      return {
        body:
          at === null
            ? { data: rows(2), next_cursor: 'a' }
            : at === 'a'
              ? { data: [], next_cursor: 'b' }
              : { data: [{ id: 3 }], next_cursor: null },
      };
    },
    job: cursor(),
    ids: 3,
    requests: 3,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: a cursor beyond 2^53 keeps its digits',
    handler: ({ query }) => ({
      body:
        query.get('cursor') === '9007199254740993'
          ? '{"data":[{"id":2}],"next_cursor":null}'
          : query.has('cursor')
            ? { data: [] }
            : '{"data":[{"id":1}],"next_cursor":9007199254740993}',
    }),
    job: cursor(),
    ids: 2,
    requests: 2,
    reason: 'no_cursor',
  },
  {
    name: 'cursor: null although has_more is true',
    handler: () => ({ body: { data: rows(3), next_cursor: null, has_more: true } }),
    job: cursor({ has_more_path: 'has_more' }),
    ids: 3,
    requests: 1,
    reason: 'no_cursor',
    truncated: true,
    warnings: ['API_CURSOR_MISSING'],
  },
  {
    name: 'cursor: a path that no page has',
    handler: () => ({ body: { data: rows(3), paging: { next: 'x' } } }),
    job: cursor(),
    ids: 3,
    requests: 1,
    reason: 'no_cursor',
    truncated: true,
    warnings: ['API_CURSOR_NEVER_SEEN'],
  },
  {
    name: 'cursor in a response header',
    handler: ({ query }) => {
      const at = Number(query.get('cursor') ?? 0);
      return { body: rows(25).slice(at, at + 10), headers: at + 10 < 25 ? { 'X-Next': String(at + 10) } : {} };
    },
    job: cursor({ cursor_header: 'X-Next' }),
    ids: 25,
    requests: 3,
    reason: 'no_cursor',
  },
  {
    name: 'header_link: relative links with several relations',
    handler: ({ query }) => {
      const at = Number(query.get('at') ?? 0);
      return {
        body: rows(25).slice(at, at + 10),
        headers:
          at + 10 < 25
            ? { link: `</orders?at=0>; rel="first", <?at=${at + 10}>; title="a, b"; rel="next last"` }
            : { link: '</orders?at=0>; rel="first"' },
      };
    },
    job: { pagination_type: 'header_link' },
    ids: 25,
    requests: 3,
    reason: 'no_next_link',
  },
  {
    name: 'json_link: absolute links, null ends',
    handler: (request, server) =>
      chainedPages(rows(25), 10, (next) => ({ next: next === null ? null : `${server.url}/orders?at=${next}` }))(
        request,
        server,
      ),
    job: { pagination_type: 'json_link' },
    ids: 25,
    requests: 3,
    reason: 'no_next_link',
  },
  {
    name: 'json_link: relative links, "" ends, a key with dots',
    handler: chainedPages(rows(25), 10, (next) => ({ '@odata.nextLink': next === null ? '' : `?at=${next}` })),
    job: { pagination_type: 'json_link', options: { next_url_path: '@odata.nextLink' } },
    ids: 25,
    requests: 3,
    reason: 'no_next_link',
  },
  {
    name: 'json_link: a missing key ends',
    handler: chainedPages(rows(25), 10, (next) => (next === null ? {} : { links: { next: `/orders?at=${next}` } })),
    job: { pagination_type: 'json_link', options: { next_url_path: 'links.next' } },
    ids: 25,
    requests: 3,
    reason: 'no_next_link',
  },
  {
    name: 'single_page: reads one page',
    handler: () => ({ body: rows(3) }),
    job: {},
    ids: 3,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'single_page: an object is one record',
    handler: () => ({ body: { id: 1 } }),
    job: {},
    ids: 1,
    requests: 1,
    reason: 'single_page',
  },
  {
    name: 'single_page: says that there are more pages',
    handler: () => ({ body: { data: rows(3), meta: { next_cursor: 'x' } } }),
    job: {},
    ids: 3,
    requests: 1,
    reason: 'single_page',
    truncated: true,
    warnings: ['API_MORE_PAGES'],
  },
  {
    name: 'sample: asks for no page more than it needs',
    handler: offsetPages(rows(99)),
    job: offset(),
    options: { request: { sampleRows: 12 } },
    ids: 12,
    requests: 2,
    reason: 'sample',
  },
];

describe('pagination', () => {
  test.each(behaviours)('$name', async ({ handler, job, options, ids, requests, reason, truncated, warnings }) => {
    api = await startRestApi({ '/orders': handler });
    const result = await readApi(api.url, job, options);
    const expected = typeof ids === 'number' ? rows(ids).map(({ id }) => String(id)) : ids.map(String);
    expect(result.rows.map(({ id }) => id)).toEqual(expected);
    expect(api.requests).toHaveLength(requests);
    expect(result.summary.verdict).toMatchObject({
      reason,
      records: expected.length,
      looksTruncated: truncated ?? false,
    });
    expect(result.warnings.map(({ code }) => code)).toEqual(warnings ?? []);
  });

  test.each([
    [3, 1, 'pages says that there is one page.'],
    [25, 3, 'All 3 pages of pages were read.'],
  ])('%i records: says in words that all pages were read', async (count, total, detail) => {
    api = await startRestApi({ '/orders': numberedPages(rows(count), { extra: { pages: total } }) });
    expect((await readApi(api.url, pages({ total_pages_path: 'pages' }))).summary.verdict.detail).toBe(detail);
  });

  test.each([
    ['a cursor that never changes', cursor(), (() => ({ body: { data: rows(2), next_cursor: 'same' } })) as Handler, 2],
    [
      'cursors in a circle',
      cursor(),
      (({ query }) => ({ body: { data: rows(2), next_cursor: query.get('cursor') === 'a' ? 'b' : 'a' } })) as Handler,
      3,
    ],
    [
      'a next link to itself',
      { pagination_type: 'json_link' as const },
      (() => ({ body: { data: rows(2), next: '/orders' } })) as Handler,
      1,
    ],
    [
      'header links in a circle',
      { pagination_type: 'header_link' as const },
      (({ query }) => ({
        body: rows(2),
        headers: { link: `</orders${query.has('b') ? '' : '?b=1'}>; rel=next` },
      })) as Handler,
      2,
    ],
  ])('%s is a loop', async (_name, job, handler, requests) => {
    api = await startRestApi({ '/orders': handler });
    await expect(readApi(api.url, job)).rejects.toMatchObject({ code: 'API_PAGINATION_LOOP' });
    expect(api.requests).toHaveLength(requests);
  });

  test('a next link to another origin fails before any request, unless it is allowed', async () => {
    const other = await startRestApi({ '/more': () => ({ body: { data: [{ id: 3 }], next: null } }) });
    try {
      api = await startRestApi({ '/orders': () => ({ body: { data: rows(2), next: `${other.url}/more` } }) });
      const job: JobValues = { pagination_type: 'json_link' };
      await expect(readApi(api.url, job)).rejects.toMatchObject({
        code: 'API_NEXT_LINK_ORIGIN',
        message: expect.stringContaining(other.url),
      });
      expect(other.requests).toHaveLength(0);
      const allowed = await readApi(api.url, { ...job, options: { allow_origins: [other.url] } });
      expect(allowed.rows.map(({ id }) => id)).toEqual(['1', '2', '3']);
    } finally {
      await other.close();
    }
  });
});
