import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import https, { get as httpsGet } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { send } from '../../engine/destinations/databricks/sign-in.ts';
import { openWorkspaceNetwork } from '../../engine/destinations/databricks/workspace-network.ts';
import { agentsThrough, openAgents } from '../../engine/network/agents.ts';
import { dispatcherThrough, openDispatcher } from '../../engine/network/dispatcher.ts';
import type { Environment } from '../../engine/network/environment.ts';
import { proxiesOf } from '../../engine/network/proxies.ts';
import type { SystemProxy } from '../../engine/network/system-proxy.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { createRestSource } from '../../engine/sources/rest/rest-source.ts';
import { type Authority, makeCertificate } from '../helpers/certificate.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { SERVICE_ACCOUNT, SERVICE_ACCOUNT_KEYS } from '../object-stores/stores.ts';
import { startProxy, type TestProxy } from '../servers/proxy.ts';
import { type ScriptServer, scriptFor, startScriptServer } from '../servers/proxy-scripts.ts';
import { type RestApi, rows, startRestApi } from '../servers/rest-api.ts';
import { apiConnection, fastClock, readApi } from '../sources/rest/rest-reader.ts';

let folder: { path: string } & AsyncDisposable;
let server: Authority;
/** On https://localhost, known to ca.pem only. */
let secure: https.Server;
let secureUrl: string;
/** On http://127.0.0.1. */
let api: RestApi;
let proxy: TestProxy;
let scripts: ScriptServer;

beforeAll(async () => {
  folder = await temporaryFolder();
  const company = makeCertificate({ name: 'Company CA' });
  await writeFile(path.join(folder.path, 'ca.pem'), company.certificate);
  server = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: company });
  secure = https.createServer({ cert: server.certificate, key: server.key }, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(rows(3)));
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  secureUrl = `https://localhost:${(secure.address() as AddressInfo).port}`;
  [api, scripts] = await Promise.all([startRestApi({ '/orders': () => ({ body: rows(2) }) }), startScriptServer()]);
});
beforeEach(async () => {
  proxy = await startProxy();
});
afterEach(() => {
  proxy.close();
  vi.restoreAllMocks();
});
afterAll(async () => {
  scripts.close();
  await api.close();
  secure.closeAllConnections();
  secure.close();
  await folder[Symbol.asyncDispose]();
});

const resolvePath = (file: string) => path.resolve(folder.path, file);
const host = () => new URL(proxy.url).host;
/** A port where nobody listens. */
const CLOSED = '127.0.0.1:9';

/** How many rows come through the API's client. */
async function readThrough(url: string, proxyOf: string | undefined, environment: Environment = {}): Promise<number> {
  const connection = { ca_file: 'ca.pem', ...(proxyOf === undefined ? {} : { proxy: proxyOf }) };
  return (await readApi(url, {}, { connection, deps: { resolvePath, environment } })).rows.length;
}

/** The status that comes through the clouds' agents. */
async function askThrough(url: string, own: { proxy?: string }, environment: Environment = {}): Promise<number> {
  const agents = await openAgents(
    { ca_file: 'ca.pem', ...own },
    { baseDirectory: folder.path, environment, silence: 5_000 },
  );
  try {
    const isSecure = url.startsWith('https:');
    const sent = isSecure ? httpsGet(url, { agent: agents.httpsAgent }) : httpGet(url, { agent: agents.httpAgent });
    const [answer] = await once(sent, 'response');
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  } finally {
    agents.close();
  }
}

describe('a script of a connection', () => {
  test('sends one host through the proxy and another directly, and is fetched once', async () => {
    const address = scripts.add(
      `function FindProxyForURL(url, host) { return shExpMatch(host, "local*") ? "PROXY ${host()}" : "DIRECT"; }`,
    );
    expect(await readThrough(secureUrl, `pac+${address}`)).toBe(3);
    expect(proxy.tunnels).toEqual([new URL(secureUrl).host]);
    expect(await askThrough(secureUrl, { proxy: `PAC+${address}` })).toBe(200);
    expect(proxy.tunnels).toHaveLength(2);
    expect(await readThrough(api.url, `pac+${address}`)).toBe(2);
    expect(await askThrough(`${api.url}/orders`, { proxy: `pac+${address}` })).toBe(200);
    expect(proxy.tunnels).toHaveLength(2);
    expect(scripts.asked.filter((one) => address.endsWith(one))).toHaveLength(1);
  });

  test('holds for plain http, through https proxies, and from a file', async () => {
    const file = path.join(folder.path, 'proxy.pac');
    const tls = createTlsServer({ cert: server.certificate, key: server.key }, (socket) => {
      const { port, hostname } = new URL(proxy.url);
      const through = connect(Number(port), hostname);
      socket.pipe(through).pipe(socket);
      for (const one of [socket, through]) one.on('error', () => [socket, through].map((end) => end.destroy()));
    }).listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const offer = `HTTPS localhost:${(tls.address() as AddressInfo).port}`;
    await writeFile(file, `\uFEFF// r\u00e9seau\r\n${scriptFor(offer)}`, 'latin1');
    await writeFile(file, Buffer.concat([Buffer.from('// r\u00e9seau\r\n', 'latin1'), Buffer.from(scriptFor(offer))]));
    const own = `pac+${pathToFileURL(file).href}`;
    try {
      expect(await readThrough(secureUrl, own)).toBe(3);
      expect(await askThrough(secureUrl, { proxy: own })).toBe(200);
      const plain = `pac+${scripts.add(scriptFor(`PROXY ${host()}`))}`;
      expect(await readThrough(api.url, plain)).toBe(2);
      expect(await askThrough(`${api.url}/orders`, { proxy: plain })).toBe(200);
      const [at, there] = [new URL(secureUrl).host, new URL(api.url).host];
      expect(proxy.tunnels).toEqual([at, at, there, there]);
    } finally {
      tls.close();
    }
  });

  test('the next is taken where a proxy takes no connection', async () => {
    const next = `pac+${scripts.add(scriptFor(`PROXY ${CLOSED}; PROXY ${host()}; DIRECT`))}`;
    expect(await readThrough(secureUrl, next)).toBe(3);
    expect(await askThrough(secureUrl, { proxy: next })).toBe(200);
    expect(proxy.tunnels).toHaveLength(2);
    const direct = `pac+${scripts.add(scriptFor(`SOCKS5 127.0.0.1:1080; PROXY ${CLOSED}; DIRECT`))}`;
    expect(await readThrough(secureUrl, direct)).toBe(3);
    expect(proxy.tunnels).toHaveLength(2);
    const none = `pac+${scripts.add(scriptFor(`PROXY ${CLOSED}; PROXY 127.0.0.1:11`))}`;
    await expect(readThrough(secureUrl, none)).rejects.toMatchObject({ code: 'API_CONNECTION' });
    await expect(askThrough(secureUrl, { proxy: none })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a proxy that wants a sign-in is told as such', async () => {
    proxy.close();
    proxy = await startProxy(true);
    const own = `pac+${scripts.add(scriptFor(`PROXY ${host()}`))}`;
    await expect(readThrough(secureUrl, own)).rejects.toMatchObject({
      code: 'API_PROXY',
      message: expect.stringContaining('407'),
    });
    await expect(askThrough(secureUrl, { proxy: own })).rejects.toMatchObject({
      code: 'ERR_PROXY_TUNNEL',
      message: expect.stringContaining('407'),
    });
  });

  test('SOCKS alone is told, with the way out, by every client', async () => {
    const environment = { INGEST_PROXY_SCRIPT: scripts.add(scriptFor('SOCKS5 127.0.0.1:1080; SOCKS 127.0.0.1:1081')) };
    const error = {
      code: 'PROXY_UNUSABLE',
      message: expect.stringContaining('SOCKS'),
      hint: expect.stringContaining('HTTPS_PROXY'),
    };
    await expect(readThrough(secureUrl, undefined, environment)).rejects.toMatchObject(error);
    await expect(askThrough(secureUrl, {}, environment)).rejects.toMatchObject({ code: 'PROXY_UNUSABLE' });
    const keys = {
      azure_storage_account_name: 'shop',
      azure_storage_account_key: Buffer.alloc(64, 1).toString('base64'),
      aws_access_key_id: 'AK',
      aws_secret_access_key: 'secret',
      endpoint_url: 'https://storage.example',
      client_email: SERVICE_ACCOUNT,
      private_key: SERVICE_ACCOUNT_KEYS.privateKey,
    };
    for (const bucket of ['az://lake/raw', 's3://lake/raw', 'gs://lake/raw']) {
      const options = { baseDirectory: folder.path, environment, retry: { attempts: 1, firstWait: 1, longestWait: 1 } };
      const store = await openObjectStore(bucket, keys, options);
      await expect(store.prepare(new AbortController().signal)).rejects.toMatchObject(error);
      await store.close();
    }
  });

  test.each([
    ['that is not there', 404, 'status 404'],
    ['that is none', '<html>Sign in</html>', 'unexpected token'],
    ['without the function', 'var proxy = 1;', 'no function FindProxyForURL'],
    ['that fails', 'function FindProxyForURL() { return nothing.there; }', 'nothing'],
    ['that never ends', 'function FindProxyForURL() { for (;;); }', 'did not end within 1 s'],
    ['that never ends when read', 'while (true) {}', 'did not end within 1 s'],
    ['that takes all memory', 'var a = []; for (;;) a.push(new Array(100000).fill(1));', 'out of memory'],
    ['that is too long', `//${'x'.repeat(1024 * 1024)}`, 'longer than 1024 KiB'],
    ['that answers nonsense', scriptFor('PROXY'), 'answers with no proxy'],
    ['that looks up names without end', MANY_NAMES(), 'more than 20 names'],
  ])('%s: an error with the way out, and nothing is sent', async (_what, script, why) => {
    const address = scripts.add(script);
    const before = api.requests.length;
    await expect(readThrough(api.url, `pac+${address}?token=s3cret`)).rejects.toMatchObject({
      code: 'PROXY_SCRIPT_UNUSABLE',
      message: expect.stringMatching(new RegExp(`^The proxy script ${address} cannot be used: .*${why}`)),
      hint: expect.stringContaining('proxy of the connection'),
    });
    expect(api.requests).toHaveLength(before);
  });

  test('has nothing of this computer but names and addresses', async () => {
    const outside = 'typeof process + typeof require + typeof fetch + typeof WebAssembly + typeof globalThis.Buffer';
    const address = scripts.add(
      `function FindProxyForURL(url, host) {
         if (dnsResolve("localhost") !== "127.0.0.1" || !/^[\\d.]+$/.test(myIpAddress())) return "none";
         if (url !== ${JSON.stringify(`${new URL(secureUrl).origin}/`)}) return "none";
         return /^(undefined)+$/.test(${outside}) ? "PROXY ${host()}" : "none"; }`,
    );
    expect(await readThrough(secureUrl, `pac+${address}`)).toBe(3);
    expect(proxy.tunnels).toHaveLength(1);
  });

  test('that nobody serves is an error at once, not after the vendor client has tried for long', async () => {
    await expect(askThrough(secureUrl, { proxy: `pac+http://${CLOSED}/proxy.pac` })).rejects.toMatchObject({
      code: 'PROXY_SCRIPT_UNUSABLE',
      message: `The proxy script http://${CLOSED}/proxy.pac cannot be used: ECONNREFUSED.`,
    });
    await expect(readThrough(secureUrl, 'pac+file:///no/such/proxy.pac')).rejects.toMatchObject({
      code: 'PROXY_SCRIPT_UNUSABLE',
    });
  });

  test.each(['pac+ftp://proxy.example/p.pac', 'pac+http://ann:pr0xy-pass@proxy.example/p.pac', 'pac+proxy.pac'])(
    '%s is no address of one',
    async (own) => {
      const error = await readThrough(secureUrl, own).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ code: 'PROXY_UNUSABLE', hint: expect.stringContaining('pac+http://') });
      expect(JSON.stringify([(error as Error).message, error])).not.toContain('pr0xy-pass');
    },
  );

  test('is read again after ten minutes; while it is away the one before holds', async () => {
    const url = new URL('https://shop.example');
    const address = scripts.add(scriptFor('PROXY one.example:1'));
    const { choose } = proxiesOf(`pac+${address}`, {});
    const begin = Date.now();
    const now = vi.spyOn(Date, 'now');
    const at = (minutes: number) => now.mockReturnValue(begin + minutes * 60_000);
    const chosen = async () => (await choose(url)).proxy?.host;
    at(0);
    expect(await chosen()).toBe('one.example:1');
    scripts.change(address, scriptFor('PROXY two.example:2'));
    at(9);
    expect(await chosen()).toBe('one.example:1');
    at(11);
    expect(await chosen()).toBe('two.example:2');
    scripts.change(address, 500);
    at(22);
    expect(await chosen()).toBe('two.example:2');
    scripts.change(address, scriptFor('PROXY three.example:3'));
    at(24);
    expect(await chosen()).toBe('three.example:3');
  });

  test('a cancelled read does not wait for it', async () => {
    const cancel = new AbortController();
    const own = `pac+${scripts.add(null)}`;
    const deps = { resolvePath, environment: {} };
    const read = readApi(secureUrl, {}, { connection: { proxy: own }, deps, signal: cancel.signal });
    setTimeout(() => cancel.abort(), 50);
    await expect(read).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('the connection test names the proxy and who chose it', async () => {
    const address = scripts.add(scriptFor(`PROXY ${host()}`));
    const connection = apiConnection(secureUrl, { ca_file: 'ca.pem', proxy: `pac+${address}?user=ann` });
    const source = createRestSource(connection, { clock: fastClock(), resolvePath, environment: {} });
    const seen = [];
    for await (const { stage, status, detail } of source.test(new AbortController().signal))
      seen.push(`${stage} ${status}: ${detail}`);
    await source.close();
    expect(seen[0]).toBe(`dns passed: proxy 127.0.0.1 is 127.0.0.1 (chosen by ${address})`);
    expect(seen.at(-1)).toMatch(/^first_read passed: 200/);
  });
});

/** A script that asks for one name after the other. */
function MANY_NAMES(): string {
  return 'function FindProxyForURL() { for (var i = 0; i < 30; i += 1) dnsResolve("n" + i + ".invalid"); return "DIRECT"; }';
}

describe('precedence', () => {
  const url = new URL('https://shop.example');
  const system: SystemProxy = {
    script: null,
    http: 'http://system.example:1',
    https: 'http://system.example:2',
    bypass: ['*.intern.example'],
  };
  const chosen = async (own: string | undefined, environment: Environment, at = url) => {
    const { proxy: route, by } = await proxiesOf(own, environment, async () => system).choose(at);
    return `${route?.host ?? 'direct'}${by === null ? '' : ` by ${by}`}`;
  };

  test('connection, then the script and the proxies of the environment, then the system', async () => {
    const script = scripts.add(scriptFor('PROXY script.example:3'));
    const all = { INGEST_PROXY_SCRIPT: script, HTTPS_PROXY: 'http://environment.example:4' };
    expect(await chosen('http://own.example:5', all)).toBe('own.example:5');
    expect(await chosen('direct', all)).toBe('direct');
    expect(await chosen(undefined, all)).toBe(`script.example:3 by ${script}`);
    expect(await chosen(undefined, { ...all, no_proxy: '.example' })).toBe('direct');
    expect(await chosen(undefined, { https_proxy: 'environment.example:4' })).toBe('environment.example:4');
    expect(await chosen(undefined, {})).toBe("system.example:2 by the system's settings");
    expect(await chosen(undefined, {}, new URL('http://shop.example'))).toMatch(/^system.example:1 /);
  });

  test('the system has its own exceptions, and can be left out', async () => {
    expect(await chosen(undefined, {}, new URL('https://a.intern.example'))).toBe('direct');
    expect(await chosen(undefined, { NO_PROXY: 'shop.example' })).toBe('direct');
    expect(await chosen(undefined, { INGEST_SYSTEM_PROXY: 'off' })).toBe('direct');
    // The system is not asked where something is named.
    const asked = vi.fn(async () => system);
    await proxiesOf(undefined, { HTTP_PROXY: 'p.example' }, asked).choose(url);
    expect(proxiesOf(undefined, { HTTP_PROXY: 'p.example' }, asked).named).not.toBeNull();
    expect(asked).not.toHaveBeenCalled();
  });
});

describe("the system's script", () => {
  const ofSystem = (script: string, more: Partial<SystemProxy> = {}) =>
    proxiesOf(undefined, {}, async () => ({ script: new URL(script), http: null, https: null, bypass: [], ...more }));

  test('chooses, goes before the proxy beside it, and leaves this computer out', async () => {
    const script = scripts.add(scriptFor(`PROXY ${host()}`));
    const proxies = ofSystem(script, { https: 'http://beside.example:1', bypass: ['*'] });
    await expect(proxies.choose(new URL('https://shop.example'))).resolves.toMatchObject({ by: script });
    await expect(proxies.choose(new URL(secureUrl))).resolves.toEqual({ proxy: null, by: null, unread: null });
    const dispatcher = dispatcherThrough(proxies, { timeout: 2_000 });
    await expect(request('https://nobody.invalid', { dispatcher })).rejects.toThrow();
    expect(proxy.tunnels).toEqual(['nobody.invalid:443']);
    await dispatcher.destroy();
  });

  test('that cannot be had leads directly; where that fails, the error names it', async () => {
    const script = scripts.add(503);
    const proxies = ofSystem(script);
    const choice = await proxies.choose(new URL('https://nobody.invalid'));
    expect(choice).toMatchObject({ proxy: null, unread: { code: 'PROXY_SCRIPT_UNUSABLE' } });
    const error = {
      code: 'PROXY_SCRIPT_UNUSABLE',
      message: expect.stringMatching(
        /^nobody\.invalid cannot be reached directly \(E\w+\), .*\.pac cannot be used: .*503/,
      ),
      hint: expect.stringContaining('HTTPS_PROXY'),
      retryable: true,
    };
    const dispatcher = dispatcherThrough(proxies, { timeout: 2_000 });
    await expect(request('https://nobody.invalid', { dispatcher })).rejects.toMatchObject(error);
    await dispatcher.destroy();
    const agents = agentsThrough(proxies, { keepAlive: true });
    const overTls = httpsGet('https://nobody.invalid', { agent: agents.httpsAgent });
    await expect(once(overTls, 'response')).rejects.toMatchObject(error);
    const plain = httpGet('http://nobody.invalid', { agent: agents.httpAgent });
    await expect(once(plain, 'response')).rejects.toMatchObject(error);
    agents.close();
    const beside = ofSystem(script, { https: 'http://beside.example:1' });
    await expect(beside.choose(new URL('https://shop.example'))).resolves.toMatchObject({
      proxy: new URL('http://beside.example:1'),
      unread: null,
    });
  });
});

test('notifications and telemetry follow the script, and end with their connections', async () => {
  const environment = { INGEST_PROXY_SCRIPT: scripts.add(scriptFor(`PROXY ${host()}`)) };
  const dispatcher = openDispatcher(environment, 2_000);
  const first = await request(`${api.url}/orders`, { dispatcher });
  expect(await first.body.json()).toHaveLength(2);
  const second = await request(`${api.url}/orders`, { dispatcher });
  await second.body.dump();
  expect(proxy.tunnels).toEqual([new URL(api.url).host, new URL(api.url).host]);
  await dispatcher.close();
  await expect(request(`${api.url}/orders`, { dispatcher })).rejects.toThrow(/closed/);
  const waiting = openDispatcher({ INGEST_PROXY_SCRIPT: scripts.add(null) }, 2_000);
  await expect(request(api.url, { dispatcher: waiting, signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/i);
  await waiting.destroy();
});

test('a workspace of Databricks: statements and tokens, and its test names who chose', async () => {
  const address = scripts.add(scriptFor(`PROXY ${host()}`));
  const config = { server_hostname: 'localhost', proxy: `pac+${address}`, ca_file: 'ca.pem' };
  const network = await openWorkspaceNetwork(config, folder.path, {});
  const { port } = new URL(secureUrl);
  const answer = await send(network, { host: 'localhost', port: Number(port), path: '/', method: 'GET', headers: {} });
  expect(JSON.parse(answer.text)).toHaveLength(3);
  expect(proxy.tunnels).toEqual([`localhost:${port}`]);
  expect([network.proxy?.host, network.chosenBy]).toEqual([host(), ` (chosen by ${address})`]);
  network.close();
});
