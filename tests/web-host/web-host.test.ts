import { mkdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { WireReply } from '../../engine/contract.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import { createEngineService } from '../../engine/service/engine-service.ts';
import { startWebHost, type WebHost } from '../../engine/web-host/web-host.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { memoryKeychain, SAMPLE } from '../service/service-harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let host: WebHost;
let port: number;

beforeAll(async () => {
  folder = await temporaryFolder();
  const pageFolder = path.join(folder.path, 'page');
  await mkdir(path.join(pageFolder, 'assets'), { recursive: true });
  await writeFile(path.join(pageFolder, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(path.join(pageFolder, 'assets/app.js'), '0');
  await writeFile(path.join(folder.path, 'secret.txt'), 'outside');
  const userDataDirectory = path.join(folder.path, 'user');
  host = await startWebHost({
    pageFolder,
    port: 0,
    createService: (emit) =>
      createEngineService({
        emit,
        userDataDirectory,
        documentsDirectory: path.join(folder.path, 'Documents'),
        sampleDirectory: SAMPLE,
        secretStore: createSecretStore({ directory: userDataDirectory, keychain: memoryKeychain() }),
        version: '1.2.3',
        host: 'web',
        environment: {},
      }),
  });
  port = Number(new URL(host.origin).port);
});
afterAll(async () => {
  await host.close();
  await folder[Symbol.asyncDispose]();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request as it is written, without what a browser or fetch would straighten. */
function ask(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path: target, method, headers }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function signIn(): Promise<string> {
  const { headers } = await ask(new URL(host.newUrl()).pathname + new URL(host.newUrl()).search);
  return String(headers['set-cookie']).split(';')[0]!;
}

describe('who may come in', () => {
  test('a link gives a cookie that no script and no other site can use, and works once', async () => {
    const { pathname, search } = new URL(host.newUrl());
    const first = await ask(pathname + search);
    expect(first).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(first.body).toContain('url=/');
    expect(String(first.headers['set-cookie'])).toMatch(/^ingest-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    expect(search).not.toContain(String(first.headers['set-cookie']).split(/[=;]/)[1]);
    expect(await ask(pathname + search)).toMatchObject({ status: 403, body: expect.stringContaining('used already') });
  });

  test('without the cookie, or with a wrong one, nothing is served', async () => {
    const cookie = await signIn();
    expect((await ask('/', { cookie })).status).toBe(200);
    expect((await ask('/', { cookie: `other=1; ${cookie}; x=2` })).status).toBe(200);
    for (const wrong of [
      '',
      `${cookie}x`,
      cookie.slice(0, -1),
      cookie.split('=')[0]!,
      `${cookie.split('=')[0]}=`,
      'ingest=x',
    ]) {
      for (const target of ['/', '/index.html', '/assets/app.js', '/engine']) {
        expect((await ask(target, { cookie: wrong })).status, `${target} ${wrong}`).toBe(403);
      }
    }
    expect((await ask('/?token=')).status).toBe(403);
    expect((await ask('/?token=guess')).status).toBe(403);
  });

  test('a name other than 127.0.0.1 is refused, whoever asks: no foreign site can point its own name here', async () => {
    const cookie = await signIn();
    for (const name of [
      'evil.example',
      `evil.example:${port}`,
      `localhost:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      `[::1]:${port}`,
    ]) {
      expect((await ask('/', { cookie, host: name })).status, name).toBe(421);
    }
    const { search } = new URL(host.newUrl());
    expect((await ask(`/${search}`, { host: `evil.example:${port}` })).status).toBe(421);
    // A refused token is not used up.
    expect((await ask(`/${search}`)).status).toBe(200);
  });

  test('it listens on 127.0.0.1 and on no other address', async () => {
    const { networkInterfaces } = await import('node:os');
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address);
    for (const address of [...others, '::1', '127.0.0.2']) {
      await expect(
        new Promise((resolve, reject) => connect({ host: address, port }, () => resolve('open')).on('error', reject)),
        address,
      ).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/);
    }
  });
});

describe('what is served', () => {
  test('the page with its policy, on every answer', async () => {
    const cookie = await signIn();
    for (const target of ['/', '/assets/app.js', '/missing', '/?token=x']) {
      const { headers } = await ask(target, { cookie });
      expect(headers['content-security-policy'], target).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
    expect((await ask('/', { cookie })).headers['content-type']).toBe('text/html; charset=utf-8');
    const { headers } = await ask('/assets/app.js', { cookie });
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    // What has its content in its name is kept, by this browser only; the page that names it is asked for each time.
    expect(headers['cache-control']).toBe('private, max-age=31536000, immutable');
    expect((await ask('/', { cookie })).headers['cache-control']).toBe('no-cache');
  });

  test('no path climbs out of the page’s folder', async () => {
    const cookie = await signIn();
    const paths = [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/..\\secret.txt',
      '/..%5csecret.txt',
      '/assets/../../secret.txt',
      '//secret.txt',
      '/%00',
      '/%',
      '/assets',
      '/page',
    ];
    for (const target of paths) {
      const { status, body } = await ask(target, { cookie });
      expect([400, 404], target).toContain(status);
      expect(body).not.toContain('outside');
    }
    expect((await ask('http://evil.example/', { cookie })).status).toBe(400);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask('/', { cookie }, method)).status).toBe(405);
  });
});

describe('the socket', () => {
  const open = async (changes: { cookie?: string; origin?: string; host?: string; path?: string } = {}) => {
    const cookie = changes.cookie ?? (await signIn());
    const socket = new WebSocket(`ws://127.0.0.1:${port}${changes.path ?? '/engine'}`, {
      headers: { cookie, ...(changes.host === undefined ? {} : { host: changes.host }) },
      ...(changes.origin === '' ? {} : { origin: changes.origin ?? host.origin }),
    });
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return socket;
  };
  const next = (socket: WebSocket) =>
    new Promise<{ id?: unknown; reply?: WireReply }>((resolve) =>
      socket.once('message', (data) => resolve(JSON.parse(String(data)))),
    );

  test('calls are answered, also bad ones', async () => {
    const socket = await open();
    socket.send(JSON.stringify({ id: 'a', name: 'app.about' }));
    expect(await next(socket)).toMatchObject({
      id: 'a',
      reply: { ok: true, value: { version: '1.2.3', host: 'web' } },
    });
    socket.send(JSON.stringify({ id: 'b', name: 'project.open', input: { directory: 5 } }));
    expect(await next(socket)).toMatchObject({ id: 'b', reply: { ok: false, error: { code: 'CALL_INPUT_INVALID' } } });
    socket.send(JSON.stringify({ id: { x: 1 }, name: 7 }));
    expect(await next(socket)).toMatchObject({ reply: { ok: false, error: { code: 'CALL_ID_INVALID' } } });
    socket.close();
  });

  test('from another site’s page, without a cookie, under another name or path it is refused', async () => {
    for (const origin of ['http://evil.example', `http://localhost:${port}`, `https://127.0.0.1:${port}`, 'null', '']) {
      await expect(open({ origin }), origin).rejects.toThrow('403');
    }
    await expect(open({ cookie: '' })).rejects.toThrow('403');
    await expect(open({ cookie: 'ingest=x' })).rejects.toThrow('403');
    await expect(open({ host: `evil.example:${port}` })).rejects.toThrow('403');
    await expect(open({ path: '/other' })).rejects.toThrow('404');
  });

  test('what is no message ends that socket and nothing else', async () => {
    const other = await open();
    for (const nonsense of ['', 'x', '[]', 'null', '7', '{}', Buffer.from([1, 2, 3]), '{"id":']) {
      const socket = await open();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.send(nonsense);
      expect(await closed, String(nonsense)).toBe(1003);
    }
    other.send(JSON.stringify({ cancel: { x: 1 } }));
    other.send(JSON.stringify({ id: '1', name: 'app.about' }));
    expect(await next(other)).toMatchObject({ reply: { ok: true } });
    other.close();
  });

  test('a page that leaves takes its calls along; other pages hear of its project no more', async () => {
    const [first, second] = [await open(), await open()];
    first.send(JSON.stringify({ id: '1', name: 'project.open_sample' }));
    const { reply } = await next(first);
    const { directory } = (reply as { value: { directory: string } }).value;
    second.send(JSON.stringify({ id: '1', name: 'project.open', input: { directory } }));
    const told: string[] = [];
    first.on('message', (data) => told.push(String(data)));
    await expect.poll(() => told.join('\n'), { timeout: 10_000 }).toContain('another window');
    second.terminate();
    await expect.poll(() => told.at(-1), { timeout: 10_000 }).toContain('"by":null');
    first.close();
  });
});
