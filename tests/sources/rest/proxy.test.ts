import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type RestApi, rows, startRestApi } from '../../servers/rest-api.ts';
import { readApi } from './rest-reader.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

/** A proxy that forwards http and tunnels https; `refuse` answers 407. */
async function startProxy(refuse = false): Promise<{ url: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const server = http.createServer((request, response) => {
    const target = new URL(request.url ?? '');
    tunnels.push(target.host);
    if (refuse) {
      response.writeHead(407).end();
      return;
    }
    http.get(target, { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
  });
  server.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    if (refuse) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}

async function startApi(): Promise<RestApi> {
  const api = await startRestApi({ '/orders': () => ({ body: rows(3) }) });
  open.push(api);
  return api;
}

test('the proxy of the environment is used, and NO_PROXY leaves it out', async () => {
  const [api, proxy] = await Promise.all([startApi(), startProxy()]);
  const through = await readApi(api.url, {}, { deps: { environment: { HTTP_PROXY: proxy.url } } });
  expect(through.rows).toHaveLength(3);
  expect(proxy.tunnels).toEqual([`127.0.0.1:${api.port}`]);
  const past = await readApi(api.url, {}, { deps: { environment: { http_proxy: proxy.url, NO_PROXY: '127.0.0.1' } } });
  expect(past.rows).toHaveLength(3);
  expect(proxy.tunnels).toHaveLength(1);
});

test('a proxy that refuses is named, its password is not', async () => {
  const [api, proxy] = await Promise.all([startApi(), startProxy(true)]);
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
