import { afterEach, describe, expect, test } from 'vitest';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import { type Answer, offsetPages, type RestApi, rows, startRestApi } from '../../servers/rest-api.ts';
import { apiConnection, apiJob, fastClock, type JobValues, readApi, readRequest } from './rest-reader.ts';

let api: RestApi | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

const SECRET = 'the-client-secret';
const paged: JobValues = { auth_type: 'oauth2', pagination_type: 'offset', page_size: 10 };
const connection = (url: string, more: object = {}) => ({
  auth: { type: 'oauth2', token_url: `${url}/token`, client_id: 'client', client_secret: SECRET, ...more },
});

/** Tokens are token-1, token-2 …; only the newest is valid. */
async function oauthApi(
  tokens: (number: number) => Answer = (number) => ({
    body: { access_token: `token-${number}`, token_type: 'bearer' },
  }),
  refuses: (calls: number) => boolean = () => false,
) {
  let issued = 0;
  let calls = 0;
  const pages = offsetPages(rows(25));
  return startRestApi({
    '/token': async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      issued += 1;
      return tokens(issued);
    },
    '/orders': (request, self) => {
      calls += 1;
      if (request.headers.authorization !== `Bearer token-${issued}` || refuses(calls))
        return { status: 401, body: { error: 'expired', token: request.headers.authorization } };
      return pages(request, self);
    },
  });
}
const tokenRequests = () => api?.requests.filter(({ path }) => path === '/token') ?? [];

describe('client credentials', () => {
  test('more parameters of the token request', async () => {
    api = await oauthApi();
    await readApi(api.url, paged, {
      connection: connection(api.url, {
        token_params: { resource: 'https://api.example', tenant: '7' },
        scope: 'a b',
        audience: 'x',
      }),
    });
    expect(Object.fromEntries(new URLSearchParams(tokenRequests()[0]?.body as string))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'client',
      client_secret: SECRET,
      scope: 'a b',
      audience: 'x',
      resource: 'https://api.example',
      tenant: '7',
    });
  });

  test('parallel jobs share one token, and one renewal when it is refused in mid-run', async () => {
    let refused = 0;
    // Once each of the four jobs has read a page, the token dies.
    api = await oauthApi(undefined, (calls) => calls > 4 && tokenRequests().length === 1 && ++refused > 0);
    const source = createRestSource(apiConnection(api.url, connection(api.url)), { clock: fastClock() });
    const context = {
      workspace: null as never,
      spoolDirectory: '',
      signal: new AbortController().signal,
      progress: () => undefined,
      warn: () => undefined,
      log: () => undefined,
    };
    try {
      const all = await Promise.all(
        [1, 2, 3, 4].map(() => source.preview(readRequest(apiJob(paged)), context, { pages: 9, rows: 99 })),
      );
      expect(all.map(({ pages }) => pages.reduce((sum, { records }) => sum + records.length, 0))).toEqual([
        25, 25, 25, 25,
      ]);
      expect(tokenRequests()).toHaveLength(2);
      expect(refused).toBeGreaterThan(0);
    } finally {
      await source.close();
    }
  });

  test('a renewed token that is refused too is an error after two requests, without the token', async () => {
    api = await oauthApi(undefined, () => true);
    const error = await readApi(api.url, paged, { connection: connection(api.url) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'API_UNAUTHORIZED', message: expect.not.stringContaining('token-2') });
    expect(tokenRequests()).toHaveLength(2);
    expect(api.requests.filter(({ path }) => path === '/orders')).toHaveLength(2);
  });

  test('a token endpoint in trouble is asked again', async () => {
    const answers: Answer[] = [{ status: 503 }, { status: 429, headers: { 'retry-after': '3' } }];
    api = await oauthApi((number) => answers[number - 1] ?? { body: { access_token: `token-${number}` } });
    const clock = fastClock();
    const result = await readApi(api.url, paged, { connection: connection(api.url), deps: { clock } });
    expect(result.rows).toHaveLength(25);
    expect(clock.sleeps).toEqual([750, 3000]);
  });

  test.each<[string, Answer, RegExp, RegExp]>([
    [
      'invalid_client',
      { status: 401, body: { error: 'invalid_client', error_description: `no ${SECRET}` } },
      /401 \(invalid_client: no \*\*\*\)/,
      /client_secret_in/,
    ],
    ['invalid_scope', { status: 400, body: { error: 'invalid_scope' } }, /400 \(invalid_scope/, /Check scope/],
    ['unauthorized_client', { status: 400, body: { error: 'unauthorized_client' } }, /unauthorized_client/, /grant/],
    ['an error with status 200', { body: { error: 'invalid_target' } }, /200 \(invalid_target/, /audience/],
    ['a web page', { body: '<html>Sign in</html>' }, /web page .*Sign in/, /token_url/],
    [
      'a redirect to a web page',
      { status: 302, headers: { location: 'https://login.example/start' } },
      /redirects to https:\/\/login\.example; the secret is not sent/,
      /token_url/,
    ],
    ['no JSON', { body: 'ok' }, /without access_token \(no JSON object\)/, /token_url/],
    ['other JSON', { body: { id_token: 'x' } }, /only id_token/, /token_url/],
    ['404', { status: 404, body: { message: 'no such path' } }, /404/, /token_url/],
    ['a token of another type', { body: { access_token: 'x-y-z', token_type: 'mac' } }, /type "mac"/, /Bearer/],
  ])('%s is explained', async (_name, answer, message, hint) => {
    api = await oauthApi(() => answer);
    const error = await readApi(api.url, paged, { connection: connection(api.url) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'API_TOKEN_REFUSED',
      retryable: false,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect((error as Error).message).not.toContain(SECRET);
    expect(tokenRequests()).toHaveLength(1);
    expect(api.requests).toHaveLength(1);
  });

  test('token_url that is no address', async () => {
    await expect(
      readApi('http://127.0.0.1:9', paged, { connection: connection('', { token_url: 'login' }) }),
    ).rejects.toMatchObject({ code: 'API_URL' });
  });
});
