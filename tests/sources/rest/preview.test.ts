import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import type { Preview, PreviewLimits, TestStage } from '../../../engine/sources/source.ts';
import { numberedPages, offsetPages, type RestApi, rows, startRestApi } from '../../servers/rest-api.ts';
import { apiConnection, apiJob, fastClock, type JobValues, type ReadOptions, readRequest } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

const SECRET = 'sesame/open+now';

async function preview(
  url: string,
  job: JobValues,
  options: ReadOptions = {},
  limits: PreviewLimits = { pages: 3, rows: 100 },
): Promise<Preview> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rest-preview-'));
  const workspace = await Workspace.open({
    memoryLimitMiB: 128,
    threads: 1,
    tempDirectory: path.join(folder, 'duckdb'),
  });
  const source = createRestSource(apiConnection(url, options.connection), { clock: fastClock() });
  try {
    const context = {
      workspace,
      spoolDirectory: folder,
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    };
    const result = await source.preview(readRequest(apiJob(job), options.request), context, limits);
    expect(await readdir(folder)).toEqual(['duckdb']);
    return result;
  } finally {
    await source.close();
    workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('preview', () => {
  test('shows the first pages with their requests, and asks for no more', async () => {
    api = await startRestApi({ '/orders': offsetPages(rows(99)) });
    const result = await preview(api.url, { pagination_type: 'offset', page_size: 10 }, {}, { pages: 2, rows: 100 });
    expect(api.requests).toHaveLength(2);
    expect(result.pages.map(({ records }) => records.length)).toEqual([10, 10]);
    expect(result.pages[1]?.request).toMatchObject({ method: 'GET', url: `${api.url}/orders?limit=10&offset=10` });
    expect(result.pages[0]?.response).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(result.schema).toEqual([{ name: 'id', source_type: 'integer', type: 'BIGINT', nullable: false }]);
    expect(result.stop.reason).toBe('preview_limit');
    expect(result.detected).toMatchObject({
      data_selector: {
        value: 'data',
        evidence: 'The only list of objects in the response, 10 long on every page',
        in_use: true,
      },
      pagination_type: { value: 'offset', confidence: 'certain', evidence: '2 pages came and no page repeats another' },
      records_per_page: 10,
    });
    expect(result.pages[1]?.next).toMatchObject({ request: { url: `${api.url}/orders?limit=10&offset=20` } });
    expect(result.pages[0]?.response?.body?.value).toEqual({ data: rows(10) });
  });

  test('ends where the pagination ends, and says why', async () => {
    api = await startRestApi({ '/orders': () => ({ body: { data: rows(3), has_more: true } }) });
    const result = await preview(api.url, {}, { request: { incremental: { column: 'id', from: '2' } } });
    expect(result.stop.reason).toBe('single_page');
    expect(result.pages[0]?.records).toEqual([{ id: 2 }, { id: 3 }]);
    expect(result.warnings.map(({ code }) => code)).toContain('API_MORE_PAGES');
    expect(result.detected.more_pages).toBe('has_more is true');
  });

  test('shows so many records of each page, and says how many there were', async () => {
    api = await startRestApi({ '/orders': offsetPages(rows(99)) });
    const result = await preview(api.url, { pagination_type: 'offset', page_size: 10 }, {}, { pages: 2, rows: 4 });
    expect(result.pages.map(({ records }) => records.length)).toEqual([4, 4]);
    expect(result.pages.map(({ record_count }) => record_count)).toEqual([10, 10]);
    expect(api.requests).toHaveLength(2);
  });

  test.each<[string, number, Parameters<typeof numberedPages>[1], number, boolean]>([
    ['counts from 1', 1, {}, 1, false],
    ['counts from 1, 0 is the same page', 1, { zeroIsFirst: true }, 1, false],
    ['counts from 0', 0, { base: 0 }, 0, false],
    ['counts from 0, but the job says 1', 1, { base: 0 }, 0, true],
    ['counts from 1, 0 is the same page, but the job says 0', 0, { zeroIsFirst: true }, 1, true],
  ])('proposes the first page: %s', async (_name, basePage, options, expected, warned) => {
    api = await startRestApi({ '/orders': numberedPages(rows(25), options) });
    const result = await preview(api.url, {
      pagination_type: 'page_number',
      page_size: 10,
      options: { base_page: basePage },
    });
    expect(result.detected.base_page).toMatchObject({ value: expected });
    expect(result.warnings.some(({ code }) => code === 'API_FIRST_PAGE')).toBe(warned);
  });

  test.each<[string, Record<string, unknown>]>([
    ['bearer', { type: 'bearer', token: SECRET }],
    ['api_key in the query', { type: 'api_key', api_key: SECRET, api_key_name: 'k', api_key_location: 'query' }],
    ['basic', { type: 'basic', username: 'ann', password: SECRET }],
  ])('shows no secret: %s', async (_name, auth) => {
    api = await startRestApi({
      '/orders': ({ headers, url }) => ({
        headers: { 'set-cookie': 'session=abcdef', 'x-echo': String(headers.authorization) },
        body: [{ id: 1, said: `${headers.authorization} ${url} ${encodeURIComponent(SECRET)}` }],
      }),
    });
    const job: JobValues = {
      auth_type: auth.type as never,
      options: {
        method: 'POST',
        body: { password: 'hunter22', q: SECRET },
        params: { token: 'p4rameter' },
        headers: { 'X-Api-Key': 'h3ader-value' },
      },
    };
    const text = JSON.stringify(await preview(api.url, job, { connection: { auth } }));
    for (const secret of [
      SECRET,
      encodeURIComponent(SECRET),
      btoa(`ann:${SECRET}`),
      'hunter22',
      'p4rameter',
      'h3ader-value',
      'abcdef',
    ])
      expect(text).not.toContain(secret);
    expect(text).toContain('***');
  });
});

describe('explain', () => {
  test('the request with the watermark, without a request', async () => {
    api = await startRestApi({});
    const source = createRestSource(apiConnection(api.url, { params: { api_key: SECRET } }));
    const job = apiJob({
      pagination_type: 'offset',
      page_size: 10,
      options: { incremental: { start_param: 'since' } },
    });
    const request = readRequest(job, {
      incremental: { column: 'updated', from: '2024-01-02', lag: { kind: 'duration', seconds: 86_400 } },
    });
    expect(await source.explain(request, new AbortController().signal)).toBe(
      [
        `GET ${api.url}/orders?api_key=***&since=2024-01-01&limit=10&offset=0`,
        'offset pagination',
        'records with updated >= 2024-01-02 minus the lag of 86400 s',
      ].join('\n'),
    );
    const post = readRequest(apiJob({ options: { method: 'POST', body: { secret: 'x'.repeat(9), a: 1 } } }), {
      incremental: { column: 'id', from: null },
    });
    expect(await source.explain(post, new AbortController().signal)).toContain('{"secret":"***","a":1}');
    expect(api.requests).toHaveLength(0);
    expect(await source.discover({ withColumns: false }, new AbortController().signal)).toEqual([]);
    await source.close();
    await source.close();
  });
});

describe('connection test', () => {
  async function stages(url: string, values: Record<string, unknown> = {}): Promise<TestStage[]> {
    const source = createRestSource(apiConnection(url, values), { clock: fastClock() });
    try {
      return await Array.fromAsync(source.test(new AbortController().signal));
    } finally {
      await source.close();
    }
  }
  const short = (list: TestStage[]) =>
    list.map(({ stage, status, error }) => [stage, status, ...(error ? [error.code] : [])].join(' '));

  test('an API that answers', async () => {
    api = await startRestApi({ '/': () => ({ body: {} }) });
    expect(short(await stages(api.url))).toEqual([
      'dns passed',
      'tcp passed',
      'tls skipped',
      'login passed',
      'permission passed',
      'first_read passed',
    ]);
  });

  test('an API without a root', async () => {
    api = await startRestApi({});
    expect(short(await stages(api.url))).toEqual([
      'dns passed',
      'tcp passed',
      'tls skipped',
      'login passed',
      'permission skipped',
      'first_read skipped',
    ]);
  });

  test.each<[number, string[]]>([
    [401, ['login failed API_UNAUTHORIZED']],
    [403, ['login passed', 'permission failed API_FORBIDDEN']],
    [500, ['login passed', 'permission skipped', 'first_read failed API_SERVER_ERROR']],
  ])('%i', async (status, last) => {
    api = await startRestApi({ '/': () => ({ status, body: { said: SECRET } }) });
    const list = await stages(api.url, { auth: { type: 'bearer', token: SECRET } });
    expect(short(list).slice(3)).toEqual(last);
    expect(JSON.stringify(list)).not.toContain(SECRET);
  });

  test('a token that is refused', async () => {
    api = await startRestApi({ '/token': () => ({ status: 400, body: { error: 'invalid_scope' } }) });
    const list = await stages(api.url, {
      auth: { type: 'oauth2', token_url: `${api.url}/token`, client_id: 'a', client_secret: SECRET },
    });
    expect(short(list).at(-1)).toBe('login failed API_TOKEN_REFUSED');
  });

  test('nothing listens, no such host, no TLS', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(short(await stages(`http://127.0.0.1:${port}`)).at(-1)).toBe('tcp failed API_CONNECTION');
    expect(short(await stages('http://no-such-host.invalid'))).toEqual([
      expect.stringMatching(/^dns failed API_(HOST_UNKNOWN|CONNECTION)$/),
    ]);
    api = await startRestApi({});
    expect(short(await stages(`https://127.0.0.1:${api.port}`)).at(-1)).toMatch(/^tls failed/);
  });

  test('a cancelled test ends', async () => {
    api = await startRestApi({ '/': () => ({ hang: true }) });
    const stop = new AbortController();
    const source = createRestSource(apiConnection(api.url));
    const testing = Array.fromAsync(source.test(stop.signal));
    setTimeout(() => stop.abort(), 50);
    await expect(testing).rejects.toMatchObject({ code: 'CANCELLED' });
    await source.close();
  });
});
