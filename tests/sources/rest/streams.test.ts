import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import { tempFolder } from '../../cli/cli-project.ts';
import {
  chainedPages,
  type Handler,
  numberedPages,
  offsetPages,
  type RestApi,
  rows,
  startRestApi,
} from '../../servers/rest-api.ts';
import { apiConnection, apiJob, fastClock, type JobValues, readApi, readRequest } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

const users = (values: JobValues = {}) =>
  apiJob({ table_name: 'users', api_endpoint: '/users', pagination_type: 'page_number', page_size: 2, ...values });

/** Users 1 … n, each with as many posts as its number says; 3 a page. */
function blog(count: number, more: Record<string, Handler> = {}): Record<string, Handler> {
  const list = Array.from({ length: count }, (_none, index) => ({
    id: index + 1,
    name: `User ${index + 1}`,
    org: { id: (index % 2) + 10 },
  }));
  return {
    '/users': numberedPages(list),
    ...Object.fromEntries(
      list.map(({ id }): [string, Handler] => [
        `/users/${id}/posts`,
        chainedPages(
          Array.from({ length: id - 1 }, (_none, index) => ({ id: id * 100 + index })),
          3,
          (next) => ({ next: next === null ? null : `?at=${next}` }),
        ),
      ]),
    ),
    ...more,
  };
}

const posts = (options: JobValues['options'] = {}, values: JobValues = {}): JobValues => ({
  table_name: 'posts',
  api_endpoint: '/users/{resources.users.id}/posts',
  pagination_type: 'json_link',
  options,
  ...values,
});
const ids = (result: { rows: Record<string, unknown>[] }) => result.rows.map(({ id }) => Number(id));
const BLOG_POSTS = [200, 300, 301, 400, 401, 402, 500, 501, 502, 503];

describe('child resources', () => {
  test.each<[string, JobValues]>([
    ['a placeholder in the path', posts()],
    [
      "dlt's resolve parameter",
      posts(
        { params: { user_id: { type: 'resolve', resource: 'users', field: 'id' } } },
        { api_endpoint: '/users/{user_id}/posts' },
      ),
    ],
    [
      'options.parent',
      posts({ parent: { resource: 'users', field: 'id', include: [] } }, { api_endpoint: '/users/{id}/posts' }),
    ],
    [
      'options.parent with a name',
      posts(
        { parent: { resource: 'users', field: 'id', param: 'u', include: [] } },
        { api_endpoint: '/users/{u}/posts' },
      ),
    ],
    ['several at a time', posts({ concurrency: 4 })],
  ])('%s: every parent record once, each with its own pagination, in order', async (_name, job) => {
    api = await startRestApi(blog(5));
    const result = await readApi(api.url, job, { deps: { jobs: [users()] } });
    expect(ids(result)).toEqual(BLOG_POSTS);
    // Users: 3 pages and an empty one. Posts: one page each but two of user 5.
    expect(api.requests.filter(({ path }) => path === '/users')).toHaveLength(4);
    expect(api.requests.filter(({ path }) => path.endsWith('/posts'))).toHaveLength(6);
    expect(result.summary.verdict).toMatchObject({ reason: 'all_parts', records: 10, pages: 6, looksTruncated: false });
    expect(result.summary.verdict.detail).toBe(
      '5 records of users were asked for; their pages ended by: no_next_link 5.',
    );
    expect(result.warnings).toEqual([]);
  });

  test('fields of the parent go into the rows as _PARENT_FIELD, next to pruned columns', async () => {
    api = await startRestApi(blog(3));
    const job = posts({ include_from_parent: ['name', 'id'] }, { columns: ['id'] });
    const result = await readApi(api.url, job, { deps: { jobs: [users()] } });
    expect(result.rows).toEqual([
      { id: '200', _users_name: 'User 2', _users_id: '2' },
      { id: '300', _users_name: 'User 3', _users_id: '3' },
      { id: '301', _users_name: 'User 3', _users_id: '3' },
    ]);
  });

  test('placeholders in params, headers and body keep their type; equal values are asked for once', async () => {
    api = await startRestApi(
      blog(4, {
        '/members': ({ body, query }) => ({ body: [{ org: (body as { org: number }).org, q: query.get('o') }] }),
      }),
    );
    const job: JobValues = {
      table_name: 'members',
      api_endpoint: '/members',
      options: {
        method: 'POST',
        params: { o: 'org-{resources.users.org.id}' },
        headers: { 'x-org': '{resources.users.org.id}' },
        body: { org: '{resources.users.org.id}' },
      },
    };
    const result = await readApi(api.url, job, { deps: { jobs: [users()] } });
    expect(result.rows).toEqual([
      { org: '10', q: 'org-10' },
      { org: '11', q: 'org-11' },
    ]);
    const asked = api.requests.filter(({ path }) => path === '/members');
    expect(asked.map(({ body, headers }) => [body, headers['x-org']])).toEqual([
      [{ org: 10 }, '10'],
      [{ org: 11 }, '11'],
    ]);
  });

  test('a grandchild', async () => {
    api = await startRestApi(
      blog(3, {
        '/posts/200/likes': () => ({ body: [{ n: 1 }] }),
        '/posts/300/likes': () => ({ body: [] }),
        '/posts/301/likes': () => ({ body: [{ n: 2 }, { n: 3 }] }),
      }),
    );
    const result = await readApi(
      api.url,
      {
        table_name: 'likes',
        api_endpoint: '/posts/{resources.posts.id}/likes',
        options: { include_from_parent: ['_users_name'] },
      },
      { deps: { jobs: [users(), apiJob(posts({ include_from_parent: ['name'] }))] } },
    );
    expect(result.rows).toEqual([
      { n: '1', _posts__users_name: 'User 2' },
      { n: '2', _posts__users_name: 'User 3' },
      { n: '3', _posts__users_name: 'User 3' },
    ]);
  });

  test('a parent is asked once a run: by its own job and two children, whoever comes first', async () => {
    api = await startRestApi(blog(3, { '/flags': () => ({ body: [{ ok: true }] }) }));
    const flags = apiJob({
      table_name: 'flags',
      api_endpoint: '/flags',
      options: { params: { u: '{resources.users.id}' } },
    });
    const jobs = [users(), apiJob(posts()), flags];
    // The run's folder: a run that is killed leaves nothing elsewhere.
    const spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'rest-run-'));
    const source = createRestSource(apiConnection(api.url), { clock: fastClock(), jobs, spoolDirectory });
    try {
      const seen = await Promise.all(jobs.map((job) => countRecords(source, job)));
      expect(seen).toEqual([3, 3, 3]);
      expect(api.requests.filter(({ path }) => path === '/users')).toHaveLength(3);
      expect(await readdir(spoolDirectory)).toEqual([expect.stringMatching(/^parents-/)]);
    } finally {
      await source.close();
    }
    expect(await readdir(spoolDirectory)).toEqual([]);
    await rm(spoolDirectory, { recursive: true });
  });

  test('errors name the parent record', async () => {
    const routes = blog(5, { '/users/3/posts': () => ({ status: 403 }) });
    api = await startRestApi(routes);
    await expect(readApi(api.url, posts(), { deps: { jobs: [users()] } })).rejects.toMatchObject({
      code: 'API_FORBIDDEN',
      message: expect.stringMatching(/^users id = 3: GET .*\/users\/3\/posts answered 403/),
    });
    await api.close();
    api = await startRestApi({ ...routes, '/users': () => ({ status: 404 }) });
    await expect(readApi(api.url, posts(), { deps: { jobs: [users()] } })).rejects.toMatchObject({
      code: 'API_NOT_FOUND',
      message: expect.stringMatching(/^Parent users of posts: /),
    });
  });

  test.each<[string, JobValues, ReturnType<typeof apiJob>[], string]>([
    ['API_PARENT_UNKNOWN', posts(), [users({ table_name: 'user' })], 'Did you mean "user"?'],
    ['API_PARENT_LOOP', posts({}, { table_name: 'users' }), [users()], 'Correct the parent'],
    ['API_PARENT_SEVERAL', posts({ params: { a: '{resources.orgs.id}' } }), [users()], 'one parent'],
    [
      'API_PARENT_FIELD',
      posts({}, { api_endpoint: '/users/{resources.users.key}/posts' }),
      [users()],
      'have id, name, org',
    ],
    ['API_PARENT_FIELD', posts({}, { api_endpoint: '/users/{resources.users.org}/posts' }), [users()], 'org.id'],
    ['API_PARENT_FIELD', posts({ include_from_parent: ['age'] }), [users()], 'have id, name, org'],
  ])('%s is told: %#', async (code, job, jobs, hint) => {
    api = await startRestApi(blog(2));
    await expect(readApi(api.url, job, { deps: { jobs } })).rejects.toMatchObject({
      code,
      hint: expect.stringContaining(hint),
    });
    expect(api.requests.filter(({ path }) => path.endsWith('/posts'))).toHaveLength(0);
  });

  test('parents without the value are left out and counted', async () => {
    api = await startRestApi({ ...blog(3), '/users': () => ({ body: [{ id: null }, { id: 2 }] }) });
    const result = await readApi(api.url, posts(), { deps: { jobs: [users({ pagination_type: 'single_page' })] } });
    expect(ids(result)).toEqual([200]);
    expect(result.warnings).toMatchObject([
      { code: 'API_PARENT_NULL', message: expect.stringMatching(/^1 records of users have no id/) },
    ]);
  });

  test('a sample ends in the middle of the parents', async () => {
    api = await startRestApi(blog(5));
    const result = await readApi(api.url, posts({ concurrency: 3 }), {
      deps: { jobs: [users()] },
      request: { sampleRows: 2 },
    });
    expect(ids(result)).toEqual([200, 300]);
    expect(api.requests.filter(({ path }) => path.endsWith('/posts')).map(({ path }) => path)).toEqual([
      '/users/1/posts',
      '/users/2/posts',
      '/users/3/posts',
    ]);
    expect(result.summary.verdict.reason).toBe('sample');
  });

  test('a preview shows the pages of the first parent record', async () => {
    api = await startRestApi(blog(5));
    const preview = async (jobs: ReturnType<typeof apiJob>[]) => {
      const source = createRestSource(apiConnection(api?.url ?? ''), { clock: fastClock(), jobs });
      const { folder: spoolDirectory, remove } = await tempFolder();
      const context = {
        workspace: null as never,
        spoolDirectory,
        signal: new AbortController().signal,
        progress: () => undefined,
        warn: () => undefined,
        log: () => undefined,
      };
      try {
        return await source.preview(readRequest(apiJob(posts())), context, { pages: 2, rows: 10 });
      } finally {
        await source.close();
        await remove();
      }
    };
    const shown = await preview([users()]);
    expect(shown.pages[0]?.request).toMatchObject({ url: `${api.url}/users/1/posts` });
    // One page of parents is enough for the first of them.
    expect(api.requests.filter(({ path }) => path === '/users').length).toBeLessThanOrEqual(2);
    await api.close();
    api = await startRestApi({ '/users': () => ({ body: [] }) });
    await expect(preview([users()])).rejects.toMatchObject({ code: 'API_PARENT_EMPTY' });
  });

  test('what looks truncated for some parents is counted and named once', async () => {
    api = await startRestApi(
      blog(4, {
        '/users/2/posts': () => ({ body: { data: [{ id: 1 }], next_cursor: 'x' } }),
        '/users/3/posts': () => ({ body: { data: [{ id: 2 }], has_more: true } }),
      }),
    );
    const result = await readApi(api.url, posts({}, { pagination_type: 'single_page' }), { deps: { jobs: [users()] } });
    expect(result.summary.verdict).toMatchObject({
      reason: 'all_parts',
      looksTruncated: true,
      detail: expect.stringContaining('Looks truncated'),
    });
    expect(result.warnings).toMatchObject([
      { code: 'API_MORE_PAGES', message: expect.stringMatching(/\((2|3) times\)$/) },
    ]);
    await api.close();
    api = await startRestApi(blog(5));
    const limited = await readApi(api.url, posts({ max_pages: 1 }), { deps: { jobs: [users()] } });
    expect(limited.summary.verdict.detail).toMatch(/1 of them may have more \(users id = 5\)/);
    expect(limited.warnings).toMatchObject([{ code: 'API_MAX_PAGES' }]);
  });

  test('explain shows the first request', async () => {
    api = await startRestApi(blog(5));
    const source = createRestSource(apiConnection(api.url), { clock: fastClock(), jobs: [users()] });
    try {
      const { signal } = new AbortController();
      const explained = await source.explain(readRequest(apiJob(posts())), signal);
      expect(explained).toBe(
        `GET ${api.url}/users/{users.id}/posts\njson_link pagination\none request for each record of users`,
      );
      expect(api.requests).toHaveLength(0);
    } finally {
      await source.close();
    }
  });
});

async function countRecords(
  source: ReturnType<typeof createRestSource>,
  job: ReturnType<typeof apiJob>,
): Promise<number> {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'rest-'));
  try {
    const reading = source.read(readRequest(job), {
      workspace: null as never,
      spoolDirectory,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    });
    for (;;) {
      const next = await reading.next();
      if (next.done) return next.value.verdict.records;
      await next.value.release();
    }
  } finally {
    await rm(spoolDirectory, { recursive: true, force: true });
  }
}

describe('response actions', () => {
  const actions = (
    ...response_actions: NonNullable<JobValues['options']>['response_actions'] & object
  ): JobValues['options'] => ({ response_actions });

  test("ignore ends one parent's pages, others go on (dlt)", async () => {
    api = await startRestApi(blog(5, { '/users/3/posts': () => ({ status: 404, body: 'gone' }) }));
    const result = await readApi(api.url, posts(actions({ status_code: 404, action: 'ignore' })), {
      deps: { jobs: [users()] },
    });
    expect(ids(result)).toEqual(BLOG_POSTS.filter((id) => id < 300 || id >= 400));
    expect(result.summary.verdict.detail).toContain('no_next_link 4, response_ignored 1');
  });

  test('stop ends the read', async () => {
    api = await startRestApi(blog(5, { '/users/3/posts': () => ({ body: { message: 'quota of today is used up' } }) }));
    const result = await readApi(api.url, posts(actions({ content: 'quota of today', action: 'stop' })), {
      deps: { jobs: [users()] },
    });
    expect(ids(result)).toEqual([200]);
    expect(result.summary.verdict).toMatchObject({
      reason: 'response_stop',
      detail: expect.stringContaining('answered with 200'),
    });
    expect(api.requests.some(({ path }) => path === '/users/4/posts')).toBe(false);
  });

  test('status and content must both fit; the first rule that fits counts', async () => {
    api = await startRestApi({ '/orders': () => ({ status: 400, body: 'no more pages' }) });
    await expect(
      readApi(api.url, { options: actions({ status_code: 400, content: 'other', action: 'ignore' }) }),
    ).rejects.toMatchObject({ code: 'API_BAD_REQUEST' });
    const result = await readApi(api.url, {
      options: actions(
        { status_code: 400, content: 'no more', action: 'ignore' },
        { status_code: 400, action: 'error' },
      ),
    });
    expect(result.summary.verdict).toMatchObject({ reason: 'response_ignored', records: 0 });
  });

  test('retry asks again, also for a 200; error fails a 200', async () => {
    api = await startRestApi({ '/orders': ({ number }) => ({ body: number < 3 ? { status: 'busy' } : rows(2) }) });
    const options = actions({ content: '"busy"', action: 'retry' });
    const result = await readApi(api.url, { options });
    expect(ids(result)).toEqual([1, 2]);
    expect(result.summary.retries).toBe(2);
    await api.close();
    api = await startRestApi({ '/orders': () => ({ body: { status: 'busy' } }) });
    await expect(readApi(api.url, { options })).rejects.toMatchObject({
      code: 'API_RESPONSE_ACTION',
      retryable: true,
      message: expect.stringContaining('(5 attempts)'),
    });
    expect(api.requests).toHaveLength(5);
    await expect(readApi(api.url, { options: actions({ content: 'busy', action: 'error' }) })).rejects.toMatchObject({
      code: 'API_RESPONSE_ACTION',
      retryable: false,
    });
    expect(api.requests).toHaveLength(6);
  });
});

describe('slices', () => {
  /** Days 1 … n of January 2024; the end is inclusive, as it is in many APIs. */
  const days =
    (count: number): Handler =>
    ({ query }) => {
      const list = Array.from({ length: count }, (_none, index) => ({
        id: index + 1,
        at: `2024-01-${String(index + 1).padStart(2, '0')}`,
      }));
      const [from, to] = [query.get('from') ?? '', query.get('to') ?? '9'];
      return { body: list.filter(({ at }) => at >= from && at <= to) };
    };
  const sliced = (slice: string, options: JobValues['options'] = {}): JobValues => ({
    options: { slice, incremental: { start_param: 'from', end_param: 'to' }, ...options },
  });

  test('from the watermark to end_value, in order, rows at a bound once', async () => {
    api = await startRestApi({ '/orders': days(20) });
    const result = await readApi(api.url, sliced('3d'), {
      request: { incremental: { column: 'at', from: '2024-01-05', end: '2024-01-13' } },
    });
    expect(ids(result)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(api.requests.map(({ url }) => url)).toEqual([
      '/orders?from=2024-01-05&to=2024-01-08',
      '/orders?from=2024-01-08&to=2024-01-11',
      '/orders?from=2024-01-11&to=2024-01-13',
    ]);
    expect(result.summary).toMatchObject({
      watermark: '2024-01-12',
      verdict: { reason: 'all_parts', records: 8, detail: expect.stringContaining('3 slices') },
    });
  });

  test('without end_value to now, the last one open', async () => {
    const clock = fastClock();
    clock.now = () => Date.parse('2024-01-08T12:00:00Z');
    api = await startRestApi({ '/orders': days(20) });
    const result = await readApi(api.url, sliced('2d'), {
      deps: { clock },
      request: { incremental: { column: 'at', from: '2024-01-05' } },
    });
    expect(api.requests.map(({ url }) => url)).toEqual([
      '/orders?from=2024-01-05&to=2024-01-07',
      '/orders?from=2024-01-07',
    ]);
    expect(ids(result)).toEqual(
      rows(20)
        .map(({ id }) => id)
        .slice(4),
    );
  });

  test('of a number', async () => {
    api = await startRestApi({
      '/orders': ({ query }) => ({
        body: rows(30).filter(({ id }) => id >= Number(query.get('from')) && id < Number(query.get('to'))),
      }),
    });
    const result = await readApi(api.url, sliced('10'), { request: { incremental: { from: '5', end: '26' } } });
    expect(ids(result)).toEqual(
      rows(25)
        .map(({ id }) => id)
        .slice(4),
    );
    expect(api.requests).toHaveLength(3);
  });

  test.each<[string, JobValues, { from: string | null; end?: string }, string]>([
    [
      'takes both bounds',
      { options: { slice: '1d', incremental: { start_param: 'from' } } },
      { from: '2024-01-01' },
      'end_param',
    ],
    ['needs a beginning', sliced('1d'), { from: null }, 'last_watermark'],
    ['is no width', sliced('often'), { from: '2024-01-01' }, '1d, 6h'],
    ['does not fit', sliced('1d'), { from: '17', end: '20' }, 'as a number'],
    ['does not fit', sliced('5'), { from: '2024-01-01', end: '2024-01-09' }, 'as a duration'],
    ['where to end', sliced('5'), { from: '1' }, 'end_value'],
    ['more than 100000', sliced('1s'), { from: '2020-01-01', end: '2024-01-01' }, 'larger'],
  ])('%s', async (problem, job, incremental, hint) => {
    api = await startRestApi({ '/orders': days(3) });
    await expect(readApi(api.url, job, { request: { incremental } })).rejects.toMatchObject({
      code: 'API_SLICE',
      message: expect.stringContaining(problem),
      hint: expect.stringContaining(hint),
    });
    expect(api.requests).toHaveLength(0);
  });
});

describe('the watermark', () => {
  test('in path, params and body', async () => {
    api = await startRestApi({
      '/since/2024-01-02/orders': ({ body }) => ({ body: [{ at: '2024-01-02', body: JSON.stringify(body) }] }),
    });
    const result = await readApi(
      api.url,
      {
        api_endpoint: '/since/{incremental.start_value}/orders',
        options: {
          method: 'POST',
          params: { q: 'at>={incremental.start_value}', until: '{incremental.end_value}' },
          body: { filter: { from: '{incremental.last_value}', to: '{incremental.end_value}' } },
          incremental: { start_body_path: 'range.start', end_body_path: 'range.end', format: 'date' },
        },
      },
      { request: { incremental: { column: 'at', from: '2024-01-02T00:00:00Z' } } },
    );
    expect(api.requests[0]?.url).toBe('/since/2024-01-02/orders?q=at%3E%3D2024-01-02');
    expect(api.requests[0]?.body).toEqual({ filter: { from: '2024-01-02' }, range: { start: '2024-01-02' } });
    expect(result.rows).toHaveLength(1);
    expect(result.warnings).toEqual([]);
  });

  test('a path without a value is told before any request', async () => {
    api = await startRestApi({});
    const reading = readApi(
      api.url,
      { api_endpoint: '/since/{incremental.start_value}' },
      { request: { incremental: { column: 'at' } } },
    );
    await expect(reading).rejects.toMatchObject({
      code: 'API_PLACEHOLDER',
      hint: expect.stringContaining('last_watermark'),
    });
    await expect(readApi(api.url, { options: { params: { x: '{incremental.now}' } } })).rejects.toMatchObject({
      code: 'API_PLACEHOLDER',
      message: expect.stringContaining('{incremental.now}'),
    });
  });
});

describe('concurrency', () => {
  const many = (job: JobValues): JobValues => ({ page_size: 10, ...job, options: { concurrency: 4, ...job.options } });
  const all = (count: number) => rows(count).map(({ id }) => id);

  test.each<[string, Handler, JobValues, number, number[]]>([
    [
      'offset without a total asks for a few pages in vain',
      offsetPages(rows(95)),
      { pagination_type: 'offset' },
      95,
      [11, 14],
    ],
    [
      'offset with a total asks for none',
      offsetPages(rows(95), { extra: () => ({ total: 95 }) }),
      { pagination_type: 'offset', options: { total_path: 'total' } },
      95,
      [10, 10],
    ],
    ['offset with a cap of the server', offsetPages(rows(95), { cap: 7 }), { pagination_type: 'offset' }, 95, [15, 18]],
    [
      'page_number with total_pages',
      numberedPages(rows(95), { extra: { pages: 10 } }),
      { pagination_type: 'page_number', options: { total_pages_path: 'pages' } },
      95,
      [10, 10],
    ],
    [
      'page_number, 404 beyond the end',
      numberedPages(rows(40), { beyond: 'not_found' }),
      { pagination_type: 'page_number' },
      40,
      [5, 8],
    ],
    [
      'page_number, the last page repeated',
      numberedPages(rows(40), { beyond: 'last' }),
      { pagination_type: 'page_number' },
      40,
      [5, 8],
    ],
    ['one page', numberedPages(rows(3)), { pagination_type: 'page_number' }, 3, [2, 5]],
    [
      'a cursor allows none',
      chainedPages(rows(25), 10, (next) => ({ next_cursor: next })),
      { pagination_type: 'cursor' },
      25,
      [3, 3],
    ],
    ['max_pages', offsetPages(rows(95)), { pagination_type: 'offset', options: { max_pages: 3 } }, 30, [3, 3]],
  ])('%s', async (_name, handler, job, count, [least = 0, most = 0]) => {
    api = await startRestApi({ '/orders': handler });
    const result = await readApi(api.url, many(job));
    expect(ids(result)).toEqual(all(count));
    expect(api.requests.length).toBeGreaterThanOrEqual(least);
    expect(api.requests.length).toBeLessThanOrEqual(most);
  });

  test('pages come at the same time and stay in order, however long each takes', async () => {
    const pages = numberedPages(rows(60), { extra: { pages: 6 } });
    let open = 0;
    let most = 0;
    api = await startRestApi({
      '/orders': async (request, self) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setTimeout(resolve, request.query.get('page') === '2' ? 60 : 20));
        open -= 1;
        return pages(request, self);
      },
    });
    const result = await readApi(
      api.url,
      many({ pagination_type: 'page_number', options: { total_pages_path: 'pages' } }),
    );
    expect(ids(result)).toEqual(all(60));
    expect(most).toBe(4);
    expect(result.summary.verdict).toMatchObject({ reason: 'total_pages', pages: 6, records: 60 });
  });

  test('a short page in the middle costs requests, never rows', async () => {
    const list = rows(50);
    api = await startRestApi({
      '/orders': ({ query }) => {
        const at = Number(query.get('offset'));
        // This server hides one record of its second page from each answer.
        return { body: { data: list.slice(at, at === 10 ? 19 : at + 10) } };
      },
    });
    const result = await readApi(api.url, many({ pagination_type: 'offset' }));
    expect(ids(result)).toEqual(all(50));
  });

  test("an error of a page that is not needed is nobody's", async () => {
    const pages = numberedPages(rows(25));
    api = await startRestApi({
      '/orders': (request, self) => (Number(request.query.get('page')) > 4 ? { status: 400 } : pages(request, self)),
    });
    const result = await readApi(api.url, many({ pagination_type: 'page_number' }));
    expect(ids(result)).toEqual(all(25));
  });
});
