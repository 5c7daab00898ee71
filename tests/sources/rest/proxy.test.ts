import { afterEach, expect, test } from 'vitest';
import { startProxy, type TestProxy } from '../../servers/proxy.ts';
import { type RestApi, rows, startRestApi } from '../../servers/rest-api.ts';
import { readApi } from './rest-reader.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function openProxy(refuse = false): Promise<TestProxy> {
  const proxy = await startProxy(refuse);
  open.push(proxy);
  return proxy;
}

async function startApi(): Promise<RestApi> {
  const api = await startRestApi({ '/orders': () => ({ body: rows(3) }) });
  open.push(api);
  return api;
}

test('the proxy of the environment is used, and NO_PROXY leaves it out', async () => {
  const [api, proxy] = await Promise.all([startApi(), openProxy()]);
  const through = await readApi(api.url, {}, { deps: { environment: { HTTP_PROXY: proxy.url } } });
  expect(through.rows).toHaveLength(3);
  expect(proxy.tunnels).toEqual([`127.0.0.1:${api.port}`]);
  const past = await readApi(api.url, {}, { deps: { environment: { http_proxy: proxy.url, NO_PROXY: '127.0.0.1' } } });
  expect(past.rows).toHaveLength(3);
  expect(proxy.tunnels).toHaveLength(1);
});

test('a proxy that refuses is named, its password is not', async () => {
  const [api, proxy] = await Promise.all([startApi(), openProxy(true)]);
  const url = proxy.url.replace('//', '//ann:pr0xy-pass@');
  const error = await readApi(api.url, {}, { deps: { environment: { HTTP_PROXY: url } } }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({
    code: 'API_PROXY',
    hint: expect.stringContaining('HTTP_PROXY'),
    message: expect.stringContaining('407'),
  });
  expect(String((error as Error).message)).not.toContain('pr0xy-pass');
  expect(api.requests).toHaveLength(0);
  const tunnelled = readApi(api.url.replace('http:', 'https:'), {}, { deps: { environment: { HTTPS_PROXY: url } } });
  await expect(tunnelled).rejects.toMatchObject({ code: 'API_PROXY', message: expect.stringContaining('407') });
  expect(proxy.tunnels).toHaveLength(2);
});
