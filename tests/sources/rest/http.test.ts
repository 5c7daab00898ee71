import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { SYSTEM_CLOCK } from '../../../engine/sources/rest/clock.ts';
import { retryAfterMs, TokenBucket } from '../../../engine/sources/rest/rate-limit.ts';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import {
  type Answer,
  type Handler,
  offsetPages,
  type RestApi,
  rows,
  type SeenRequest,
  startRestApi,
} from '../../servers/rest-api.ts';
import { apiConnection, apiJob, fastClock, type JobValues, readApi, readRequest } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

const SECRET = 'top-secret-value';

/** Answers in turn; the last one stays. */
function script(...answers: Answer[]): Handler {
  return ({ number }) => answers[Math.min(number, answers.length) - 1] as Answer;
}

async function serve(handler: Handler): Promise<RestApi> {
  api = await startRestApi({ '/orders': handler });
  return api;
}

const OK: Answer = { body: rows(2) };

describe('retries', () => {
  test.each<[string, Answer, number[] | null]>([
    ['429 with Retry-After in seconds', { status: 429, headers: { 'retry-after': '7' } }, [7000]],
    ['429 with a Retry-After beyond 300 s', { status: 429, headers: { 'retry-after': '9999' } }, [300_000]],
    ['503 without Retry-After', { status: 503 }, [750]],
    ['500', { status: 500, body: 'oops' }, [750]],
    ['a body that is cut off', { body: rows(100), cutAfter: 20 }, [750]],
  ])('%s', async (_name, answer, sleeps) => {
    const server = await serve(script(answer, OK));
    const clock = fastClock();
    const result = await readApi(server.url, {}, { deps: { clock } });
    expect(result.rows).toHaveLength(2);
    expect(result.summary.retries).toBe(1);
    expect(server.requests).toHaveLength(2);
    expect(clock.sleeps).toEqual(sleeps);
  });

  test('five attempts, then a retryable error with an excerpt', async () => {
    const server = await serve(script({ status: 502, body: '<h1>Bad  gateway</h1>' }));
    const clock = fastClock();
    await expect(readApi(server.url, {}, { deps: { clock } })).rejects.toMatchObject({
      code: 'API_SERVER_ERROR',
      retryable: true,
      message: expect.stringContaining('<h1>Bad gateway</h1> (5 attempts)'),
    });
    expect(server.requests).toHaveLength(5);
    expect(clock.sleeps).toEqual([750, 1500, 3000, 6000]);
  });

  test('a failure in the middle is retried for that page only, rows stay exact', async () => {
    const pages = offsetPages(rows(25));
    const server = await serve((request, self) =>
      request.number === 2 ? { body: rows(9), cutAfter: 3 } : pages(request, self),
    );
    const result = await readApi(server.url, { pagination_type: 'offset', page_size: 10 });
    expect(result.rows.map(({ id }) => id)).toEqual(rows(25).map(({ id }) => String(id)));
    expect(server.requests.map(({ query }) => query.get('offset'))).toEqual(['0', '10', '10', '20', '25']);
  });

  test('a port where nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(readApi(`http://127.0.0.1:${port}`, {})).rejects.toMatchObject({
      code: 'API_CONNECTION',
      retryable: true,
      message: expect.stringContaining('refused'),
    });
  });

  test('Retry-After as a date', () => {
    const now = Date.parse('2024-01-01T00:00:00Z');
    expect(retryAfterMs('Mon, 01 Jan 2024 00:00:09 GMT', now)).toBe(9000);
    expect(retryAfterMs('Sun, 31 Dec 2023 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('soon', now)).toBeNull();
    expect(retryAfterMs(null, now)).toBeNull();
  });
});

describe('errors', () => {
  test.each<[number, string]>([
    [400, 'API_BAD_REQUEST'],
    [401, 'API_UNAUTHORIZED'],
    [403, 'API_FORBIDDEN'],
    [404, 'API_NOT_FOUND'],
    [405, 'API_METHOD_NOT_ALLOWED'],
    [414, 'API_REQUEST_TOO_LARGE'],
    [418, 'API_HTTP_ERROR'],
  ])('%i is explained once, without secrets', async (status, code) => {
    const server = await serve(script({ status, body: { error: 'no', api_key: 'k-12345', echo: `Bearer ${SECRET}` } }));
    const reading = readApi(
      server.url,
      { auth_type: 'bearer' },
      { connection: { auth: { type: 'bearer', token: SECRET } } },
    );
    const error = await reading.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code,
      retryable: false,
      hint: expect.any(String),
      message: expect.stringContaining(String(status)),
    });
    expect((error as Error).message).not.toMatch(/top-secret|k-12345/);
    expect(server.requests).toHaveLength(1);
  });

  test('invalid JSON names page, place and surroundings', async () => {
    const server = await serve(({ number }) => ({
      body: number === 1 ? { data: rows(2), next: '?x=1' } : '{"data":[{"id":3},{"id":4,}],"next":null}',
    }));
    await expect(readApi(server.url, { pagination_type: 'json_link' })).rejects.toMatchObject({
      code: 'API_INVALID_JSON',
      message: expect.stringMatching(/Page 2 .* at character 27: .*"id":4,\}/),
    });
  });

  test.each([
    ['<!doctype html><title>Sign in</title>', /web page/],
    ['', /nothing to say/],
  ])('a 200 that is no JSON: %j', async (body, hint) => {
    const server = await serve(script({ body }));
    await expect(readApi(server.url, {})).rejects.toMatchObject({
      code: 'API_INVALID_JSON',
      hint: expect.stringMatching(hint),
    });
  });

  test('204 is an empty page', async () => {
    const server = await serve(script({ status: 204 }));
    expect((await readApi(server.url, {})).summary.verdict.records).toBe(0);
  });

  test('a server that never answers ends with the signal, not with a hang', async () => {
    const server = await serve(script({ hang: true }));
    const stop = new AbortController();
    const reading = readApi(server.url, {}, { signal: stop.signal, deps: { clock: SYSTEM_CLOCK } });
    setTimeout(() => stop.abort(), 50);
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('no answer within the timeout is tried again', async () => {
    const server = await serve(script({ hang: true }, OK));
    const connection = { ...apiConnection(server.url), timeout: 0.2 };
    const source = createRestSource(connection, { clock: fastClock() });
    const context = {
      workspace: null as never,
      spoolDirectory: '',
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    };
    const result = await source.preview(readRequest(apiJob()), context, { pages: 1, rows: 9 });
    await source.close();
    expect(result.pages[0]?.records).toHaveLength(2);
    expect(result.warnings).toMatchObject([
      { code: 'API_RETRY', message: expect.stringContaining('no answer within 0.2 s') },
    ]);
  });

  test('a cancelled wait for Retry-After ends at once', async () => {
    const server = await serve(script({ status: 429, headers: { 'retry-after': '200' } }));
    const stop = new AbortController();
    const reading = readApi(server.url, {}, { signal: stop.signal, deps: { clock: SYSTEM_CLOCK } });
    setTimeout(() => stop.abort(), 50);
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('bodies', () => {
  test.each(['gzip', 'deflate', 'deflate-raw', 'br', 'zstd'] as const)('%s', async (compress) => {
    const server = await serve(script({ ...OK, compress }));
    expect((await readApi(server.url, {})).rows).toHaveLength(2);
    expect(server.requests[0]?.headers['accept-encoding']).toContain('gzip');
  });

  test('a damaged gzip body is an error, an unknown coding too', async () => {
    const server = await serve(({ query }) => ({
      body: query.has('odd') ? rows(2) : gzipSync(JSON.stringify(rows(2))).fill(0, 12),
      headers: { 'content-encoding': query.has('odd') ? 'lzma' : 'gzip' },
    }));
    await expect(readApi(server.url, {})).rejects.toMatchObject({ code: 'API_BODY_DAMAGED', retryable: true });
    await expect(readApi(server.url, { options: { params: { odd: 1 } } })).rejects.toMatchObject({
      code: 'API_ENCODING_UNKNOWN',
    });
  });

  test('a gzip bomb is stopped', async () => {
    const server = await serve(script({ body: `["${'0'.repeat(30_000_000)}"]`, compress: 'gzip' }));
    await expect(
      readApi(server.url, {}, { deps: { limits: { maxBytes: 400_000_000, maxRatio: 500 } } }),
    ).rejects.toMatchObject({ code: 'API_RESPONSE_TOO_LARGE' });
    await expect(
      readApi(server.url, {}, { deps: { limits: { maxBytes: 1_000_000, maxRatio: 5000 } } }),
    ).rejects.toMatchObject({ code: 'API_RESPONSE_TOO_LARGE' });
  });

  test.each<[string, Buffer, string, string | undefined]>([
    [
      'latin-1 by its content type',
      Buffer.from('[{"n":"café"}]', 'latin1'),
      'application/json; charset=ISO-8859-1',
      undefined,
    ],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff[{"n":"café"}]'), 'application/json', undefined],
    ['UTF-16 with a byte order mark', Buffer.from('\ufeff[{"n":"café"}]', 'utf16le'), 'application/json', undefined],
    ["windows-1252 by the job's encoding", Buffer.from('[{"n":"café"}]', 'latin1'), 'application/json', 'windows-1252'],
  ])('%s', async (_name, body, type, encoding) => {
    const server = await serve(script({ body, headers: { 'content-type': type } }));
    const result = await readApi(server.url, encoding === undefined ? {} : { options: { encoding } });
    expect(result.rows).toEqual([{ n: 'café' }]);
  });

  test.each([
    ['application/json', 'Set encoding'],
    ['application/json; charset=klingon', 'UTF-8'],
  ])('bytes that cannot be decoded as %s are an error', async (type, hint) => {
    const server = await serve(
      script({ body: Buffer.from('[{"n":"café"}]', 'latin1'), headers: { 'content-type': type } }),
    );
    await expect(readApi(server.url, {})).rejects.toMatchObject({
      code: 'API_CHARSET',
      hint: expect.stringContaining(hint),
    });
  });
});

describe('requests', () => {
  test('placeholders, params and headers of connection and resource', async () => {
    api = await startRestApi({ '/v1/repos/a%20b/issues': () => OK });
    const job: JobValues = {
      api_endpoint: '/repos/{owner}/issues?state=open',
      options: { params: { owner: 'a b', tags: ['x', 'y'], page: 2 }, headers: { 'X-Own': '2' } },
    };
    await readApi(`${api.url}/v1/`, job, {
      connection: { params: { lang: 'de', page: 1 }, headers: { 'x-own': '1', 'X-All': 'yes' } },
    });
    expect(api.requests[0]?.url).toBe('/v1/repos/a%20b/issues?state=open&lang=de&page=2&tags=x&tags=y');
    expect(api.requests[0]?.headers).toMatchObject({ 'x-own': '2', 'x-all': 'yes', accept: 'application/json' });
  });

  test.each<[string, JobValues, string]>([
    ['API_PLACEHOLDER', { api_endpoint: '/repos/{owner}' }, '{owner}'],
    ['API_URL', { api_endpoint: 'https://elsewhere.example/x' }, 'another origin'],
    ['API_PARAM', { options: { params: { where: { a: 1 } } } }, 'params.where'],
    ['API_PARENT_UNKNOWN', { options: { parent: { resource: 'users', field: 'id', include: [] } } }, 'users'],
  ])('%s', async (code, job, named) => {
    const server = await serve(script(OK));
    await expect(readApi(server.url, job)).rejects.toMatchObject({ code, message: expect.stringContaining(named) });
    expect(server.requests).toHaveLength(0);
  });

  test.each(['ftp://x', 'nonsense', 'https://user:pw@host'])('base_url %s is refused', async (url) => {
    await expect(readApi(url, {})).rejects.toMatchObject({ code: 'API_URL' });
  });
});

describe('sign-in', () => {
  const seen = (request: SeenRequest) => ({ authorization: request.headers.authorization, query: request.url });

  test.each<[string, Record<string, unknown>, (request: SeenRequest) => void]>([
    ['bearer', { token: SECRET }, (request) => expect(seen(request).authorization).toBe(`Bearer ${SECRET}`)],
    [
      'basic',
      { username: 'ann', password: SECRET },
      (request) => expect(seen(request).authorization).toBe(`Basic ${btoa(`ann:${SECRET}`)}`),
    ],
    ['api_key', { api_key: SECRET }, (request) => expect(request.headers['x-api-key']).toBe(SECRET)],
    [
      'api_key',
      { api_key: SECRET, api_key_name: 'k', api_key_location: 'query' },
      (request) => expect(request.query.get('k')).toBe(SECRET),
    ],
    [
      'api_key',
      { api_key: SECRET, api_key_name: 'session', api_key_location: 'cookie' },
      (request) => expect(request.headers.cookie).toBe(`session=${SECRET}`),
    ],
    ['none', {}, (request) => expect(seen(request)).toEqual({ authorization: undefined, query: '/orders' })],
  ])('%s', async (type, auth, check) => {
    const server = await serve(script(OK));
    const result = await readApi(server.url, { auth_type: type as never }, { connection: { auth: { type, ...auth } } });
    check(server.requests[0] as SeenRequest);
    expect(JSON.stringify([result.log, result.summary])).not.toContain(SECRET);
  });

  test('what is missing or cannot be sent is named before any request', async () => {
    const server = await serve(script(OK));
    await expect(readApi(server.url, { auth_type: 'bearer' })).rejects.toMatchObject({
      code: 'API_CREDENTIALS_MISSING',
      message: expect.stringContaining('token'),
    });
    const broken = readApi(
      server.url,
      { auth_type: 'bearer' },
      { connection: { auth: { type: 'bearer', token: 'abc“def' } } },
    );
    await expect(broken).rejects.toMatchObject({
      code: 'API_CREDENTIALS_INVALID',
      message: expect.not.stringContaining('abc'),
    });
    expect(server.requests).toHaveLength(0);
  });

  test('a key in a cookie stands beside the own cookies, and must be one that a cookie can carry', async () => {
    const server = await serve(script(OK));
    const auth = { type: 'api_key', api_key: SECRET, api_key_name: 'key', api_key_location: 'cookie' };
    const job: JobValues = { auth_type: 'api_key', options: { headers: { Cookie: 'lang=de' } } };
    await readApi(server.url, job, { connection: { auth } });
    expect(server.requests.map(({ headers }) => headers.cookie)).toEqual([`lang=de; key=${SECRET}`]);
    const spaced = readApi(server.url, job, { connection: { auth: { ...auth, api_key: 'a b;c' } } });
    await expect(spaced).rejects.toMatchObject({ code: 'API_CREDENTIALS_INVALID' });
    expect(server.requests).toHaveLength(1);
  });

  test('the key in the query goes with every page, also where next links leave it out', async () => {
    const server = await serve(({ query }) => ({
      body: { data: rows(2), next: query.has('p') ? null : '/orders?p=2' },
    }));
    await readApi(
      server.url,
      { auth_type: 'api_key', pagination_type: 'json_link' },
      { connection: { auth: { type: 'api_key', api_key: SECRET, api_key_name: 'key', api_key_location: 'query' } } },
    );
    expect(server.requests.map(({ query }) => query.get('key'))).toEqual([SECRET, SECRET]);
  });

  /** An API with a token endpoint; tokens are token-1, token-2 …, valid until they are revoked. */
  async function oauthApi(options: { expiresIn?: number; revokeAfter?: number; refuse?: Answer } = {}) {
    let issued = 0;
    let calls = 0;
    const pages = offsetPages(rows(25));
    return startRestApi({
      '/token': () => {
        if (options.refuse) return options.refuse;
        issued += 1;
        return {
          body: {
            access_token: `token-${issued}`,
            token_type: 'Bearer',
            ...(options.expiresIn === undefined ? {} : { expires_in: options.expiresIn }),
          },
        };
      },
      '/orders': (request, self) => {
        calls += 1;
        if (request.headers.authorization !== `Bearer token-${issued}` || calls === options.revokeAfter)
          return { status: 401, body: { error: 'invalid_token' } };
        return pages(request, self);
      },
    });
  }
  const oauth = (url: string, more: object = {}) => ({
    auth: { type: 'oauth2', token_url: `${url}/token`, client_id: 'the client', client_secret: SECRET, ...more },
  });
  const paged: JobValues = { auth_type: 'oauth2', pagination_type: 'offset', page_size: 10 };

  test('oauth2: one token for all pages, secret in the form', async () => {
    api = await oauthApi({ expiresIn: 3600 });
    const result = await readApi(api.url, paged, {
      connection: oauth(api.url, { scope: 'read all', audience: 'shop' }),
    });
    expect(result.rows).toHaveLength(25);
    const tokens = api.requests.filter(({ path }) => path === '/token');
    expect(tokens).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(tokens[0]?.body as string))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'the client',
      client_secret: SECRET,
      scope: 'read all',
      audience: 'shop',
    });
  });

  test('oauth2: secret as Basic, form-encoded', async () => {
    api = await oauthApi();
    await readApi(api.url, paged, { connection: oauth(api.url, { client_secret_in: 'basic' }) });
    expect(api.requests[0]?.headers.authorization).toBe(`Basic ${btoa(`the+client:${SECRET}`)}`);
    expect(api.requests[0]?.body).toBe('grant_type=client_credentials');
  });

  test('oauth2: renewed on 401 in mid-run, no row lost or repeated', async () => {
    api = await oauthApi({ revokeAfter: 2 });
    const result = await readApi(api.url, paged, { connection: oauth(api.url) });
    expect(result.rows.map(({ id }) => id)).toEqual(rows(25).map(({ id }) => String(id)));
    expect(api.requests.filter(({ path }) => path === '/token')).toHaveLength(2);
  });

  test('oauth2: renewed before it expires', async () => {
    api = await oauthApi({ expiresIn: 60 });
    const clock = fastClock();
    const now = clock.now;
    // Every look at the clock takes ten seconds.
    let looks = 0;
    clock.now = () => now() + 10_000 * looks++;
    await readApi(api.url, paged, { connection: oauth(api.url), deps: { clock } });
    expect(api.requests.filter(({ path }) => path === '/token').length).toBeGreaterThan(1);
    expect(api.requests.filter(({ path }) => path === '/orders')).toHaveLength(4);
  });

  test('oauth2: a refusal is explained without the secret', async () => {
    api = await oauthApi({
      refuse: { status: 401, body: { error: 'invalid_client', error_description: `wrong secret ${SECRET}` } },
    });
    const error = await readApi(api.url, paged, { connection: oauth(api.url) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'API_TOKEN_REFUSED',
      message: expect.stringContaining('invalid_client'),
      hint: expect.stringContaining('client_secret'),
    });
    expect((error as Error).message).not.toContain(SECRET);
  });
});

describe('redirects', () => {
  test('within the origin the credentials stay', async () => {
    api = await startRestApi({
      '/orders': () => ({ status: 301, headers: { location: '/v2/orders' } }),
      '/v2/orders': () => OK,
    });
    await readApi(api.url, { auth_type: 'bearer' }, { connection: { auth: { type: 'bearer', token: SECRET } } });
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${SECRET}`, `Bearer ${SECRET}`]);
  });

  test('to another origin no credential and no header of the connection goes along', async () => {
    const other = await startRestApi({ '/file': () => OK });
    try {
      const server = await serve(script({ status: 302, headers: { location: `${other.url}/file` } }));
      const result = await readApi(
        server.url,
        { auth_type: 'api_key' },
        { connection: { headers: { 'x-tenant': SECRET }, auth: { type: 'api_key', api_key: SECRET } } },
      );
      expect(result.rows).toHaveLength(2);
      expect(JSON.stringify([other.requests[0]?.headers, other.requests[0]?.url])).not.toContain(SECRET);
      await expect(readApi(server.url, { options: { method: 'POST' } })).rejects.toMatchObject({
        code: 'API_REDIRECT',
      });
      expect(other.requests).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  test('a POST goes on within its origin: as GET after 303, with its body else', async () => {
    api = await startRestApi({
      '/search': () => ({ status: 303, headers: { location: '/result?id=7' } }),
      '/result': ({ method, body }) => ({ body: { data: [{ method, body: JSON.stringify(body) }] } }),
      '/moved': () => ({ status: 308, headers: { location: '/result' } }),
    });
    const post: JobValues['options'] = { method: 'POST', body: { state: 'open' } };
    const searched = await readApi(api.url, { table_name: 'search', options: post });
    expect(searched.rows).toEqual([{ method: 'GET', body: '""' }]);
    expect(searched.summary.verdict).toMatchObject({ reason: 'single_page', records: 1 });
    const moved = await readApi(api.url, { table_name: 'moved', options: post });
    expect(moved.rows).toEqual([{ method: 'POST', body: '{"state":"open"}' }]);
    expect(api.requests).toHaveLength(4);
  });

  test('without end, or to nowhere', async () => {
    const server = await serve(script({ status: 302, headers: { location: '/orders' } }));
    await expect(readApi(server.url, {})).rejects.toMatchObject({ code: 'API_REDIRECT' });
    expect(server.requests).toHaveLength(11);
  });
});

describe('rate limit', () => {
  test('parallel jobs of a connection share it', async () => {
    const server = await serve(offsetPages(rows(25)));
    const clock = fastClock();
    const source = createRestSource(
      apiConnection(server.url, { rate_limit: { requests_per_second: 2, burst_limit: 3 } }),
      { clock },
    );
    const start = clock.now();
    const stages = [1, 2].map(async () => {
      const context = {
        workspace: null as never,
        spoolDirectory: '',
        signal: new AbortController().signal,
        progress: () => undefined,
        warn: () => undefined,
        log: () => undefined,
      };
      return source.preview(readRequest(apiJob({ pagination_type: 'offset', page_size: 10 })), context, {
        pages: 9,
        rows: 99,
      });
    });
    await Promise.all(stages);
    await source.close();
    expect(server.requests).toHaveLength(8);
    // 8 requests, 3 of them at once: 5 more take 2.5 s, counted from 0.1 s after the burst.
    expect(clock.now() - start).toBe(2600);
  });

  test('pages that are asked for at the same time keep to it', async () => {
    const server = await serve(offsetPages(rows(95)));
    const clock = fastClock();
    const start = clock.now();
    const result = await readApi(
      server.url,
      { pagination_type: 'offset', page_size: 10, options: { concurrency: 4 } },
      { connection: { rate_limit: { requests_per_second: 2, burst_limit: 1 } }, deps: { clock } },
    );
    expect(result.rows.map(({ id }) => Number(id))).toEqual(rows(95).map(({ id }) => id));
    expect(result.summary.verdict).toMatchObject({ reason: 'empty_page', records: 95, pages: 11 });
    expect(clock.now() - start).toBeGreaterThanOrEqual((server.requests.length - 1) * 500);
  });

  test('a quota that a page says is spent is waited for before the next one', async () => {
    const pages = offsetPages(rows(25));
    const spent = { 'ratelimit-limit': '10', 'ratelimit-remaining': '0', 'ratelimit-reset': '7' };
    const server = await serve((request, own) => {
      const answer = pages(request, own) as Answer;
      return request.number === 1 ? { ...answer, headers: { ...answer.headers, ...spent } } : answer;
    });
    const clock = fastClock();
    const start = clock.now();
    const job: JobValues = { pagination_type: 'offset', page_size: 10 };
    const { rows: got, summary } = await readApi(server.url, job, { deps: { clock } });
    expect(got).toHaveLength(25);
    expect(summary).toMatchObject({ retries: 0, verdict: { reason: 'empty_page', pages: 4 } });
    expect(server.requests).toHaveLength(4);
    expect(clock.now() - start).toBeGreaterThanOrEqual(7000);
    expect(clock.now() - start).toBeLessThan(9000);
  });

  test('never more than rate × t + burst, in the order of asking', async () => {
    const clock = fastClock();
    const start = clock.now();
    const bucket = new TokenBucket({ requests_per_second: 4, burst_limit: 3 }, clock);
    const { signal } = new AbortController();
    const at: number[] = [];
    await Promise.all(Array.from({ length: 12 }, () => bucket.take(signal).then(() => at.push(clock.now() - start))));
    expect(at).toEqual([0, 0, 0, 350, 600, 850, 1100, 1350, 1600, 1850, 2100, 2350]);
  });

  test('a cancelled waiter leaves at once and takes no token', async () => {
    const bucket = new TokenBucket({ requests_per_second: 0.1, burst_limit: 1 }, SYSTEM_CLOCK);
    const stop = new AbortController();
    await bucket.take(stop.signal);
    const waiting = bucket.take(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
