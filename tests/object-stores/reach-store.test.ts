import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreCredentials } from '../../engine/object-stores/credentials.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { reachStore } from '../../engine/object-stores/reach-store.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { freePort } from '../servers/azurite.ts';
import { startProxy } from '../servers/proxy.ts';
import { type Place, QUICK, STORE_KINDS, type StoreServer } from './stores.ts';

const authority = makeCertificate({ name: 'Company CA' });
const { certificate: cert, key } = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority });

/** Gives what stands behind it a certificate of the company's. */
async function startTls(port: number): Promise<Server> {
  const server = createServer({ cert, key }, (socket) => {
    const behind = connect(port, '127.0.0.1');
    pipeline(socket, behind, socket, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe.each(STORE_KINDS.filter(({ name }) => name !== 'local'))('the way to $name', ({ name, start }) => {
  const setting = name === 'azure' ? 'azure_account_host' : 'endpoint_url';
  let root: string;
  let server: StoreServer;
  let place: Place;
  let front: Server;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'reach-'));
    await writeFile(join(root, 'company.pem'), authority.certificate);
    server = await start();
    place = await server.place();
    front = await startTls(Number(new URL(place.credentials[setting]!).port));
  });
  afterAll(async () => {
    front?.close();
    await server?.stop();
    await rm(root, { recursive: true, force: true });
  });
  const open = (credentials: StoreCredentials, bucketUrl = place.bucketUrl) =>
    openObjectStore(bucketUrl, credentials, { baseDirectory: root, environment: {}, retry: QUICK });
  /** Stages of a bucket at another address, as `stage status code-or-detail`. */
  const stages = async (address: string, change: StoreCredentials = {}, signal = new AbortController().signal) => {
    const host = place.credentials[setting]!.replace(/^http:\/\/[^/]+/, address);
    const store = open({ ...place.credentials, ca_file: 'company.pem', [setting]: host, ...change });
    const seen: string[] = [];
    for await (const { stage, status, detail, error, durationMs } of reachStore(() => store, signal)) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      seen.push(`${stage} ${status} ${error?.code ?? detail}`);
    }
    await (await store).close();
    return seen;
  };
  const secure = () => `https://localhost:${(front.address() as AddressInfo).port}`;

  it('shows name, connection, encryption and login each by itself', async () => {
    expect(await stages(secure())).toEqual([
      expect.stringMatching(/^dns passed .*127\.0\.0\.1/),
      expect.stringMatching(/^tcp passed localhost:\d+ \(127\.0\.0\.1\)$/),
      'tls passed TLSv1.3, certificate of localhost (checked).',
      expect.stringMatching(/^login passed Listed /),
    ]);
  });

  it('says which of them fails, and goes no further', async () => {
    const unknown = await stages('https://bucket.invalid');
    expect(unknown).toEqual([expect.stringMatching(/^dns failed OBJECT_STORE_(NOT_FOUND|UNREACHABLE)$/)]);
    const closed = await stages(`https://localhost:${await freePort()}`);
    expect(closed.slice(1)).toEqual(['tcp failed OBJECT_STORE_UNREACHABLE']);
    const untrusted = await stages(secure(), { ca_file: undefined as never });
    expect(untrusted.slice(2)).toEqual(['tls failed OBJECT_STORE_CERTIFICATE']);
    const noCa = await Array.fromAsync(reachStore(() => open({ ca_file: 'none.pem' }), new AbortController().signal));
    expect(noCa.map(({ stage, status }) => `${stage} ${status}`)).toEqual(['dns skipped', 'tcp skipped', 'tls failed']);
  });

  it('takes the proxy for the service up to the encryption', async () => {
    const proxy = await startProxy();
    try {
      expect(await stages(secure(), { proxy: proxy.url })).toEqual([
        `dns skipped The proxy ${new URL(proxy.url).host} looks it up.`,
        `tcp passed ${new URL(proxy.url).host}`,
        'tls passed TLSv1.3, certificate of localhost (checked).',
        expect.stringMatching(/^login passed Listed /),
      ]);
    } finally {
      proxy.close();
    }
    const gone = await stages(secure(), { proxy: `http://127.0.0.1:${await freePort()}` });
    expect(gone.slice(1)).toEqual(['tcp failed OBJECT_STORE_UNREACHABLE']);
    const nameless = await stages(secure(), { proxy: 'http://proxy.invalid:8080' });
    expect(nameless.slice(1)).toEqual(['tcp failed OBJECT_STORE_UNREACHABLE']);
  });

  it('can be cancelled while it waits', async () => {
    const silent = createTcpServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const stop = new AbortController();
    silent.once('connection', () => silent.once('connection', () => stop.abort()));
    const address = `https://localhost:${(silent.address() as AddressInfo).port}`;
    await expect(stages(address, {}, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    silent.close();
  });

  it('can be cancelled after each of them', async () => {
    for (const last of ['dns', 'tcp', 'tls']) {
      const stop = new AbortController();
      const store = await open({ ...place.credentials, ca_file: 'company.pem' });
      const seen: string[] = [];
      const tested = (async () => {
        for await (const { stage } of reachStore(async () => store, stop.signal)) {
          seen.push(stage);
          if (stage === last) stop.abort();
        }
      })();
      await expect(tested).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(seen.at(-1)).toBe(last);
      await store.close();
    }
  });
});

it("asks the clouds' own addresses", async () => {
  const routes: [bucketUrl: string, credentials: StoreCredentials, url: string][] = [
    ['az://lake/x', { azure_storage_account_name: 'shop' }, 'https://shop.blob.core.windows.net/'],
    ['abfss://lake@shop.dfs.core.windows.net/x', {}, 'https://shop.blob.core.windows.net/'],
    ['s3://lake/x', { region_name: 'eu-central-1' }, 'https://lake.s3.eu-central-1.amazonaws.com/'],
    ['s3://lake.with.dots/x', { region_name: 'us-east-1' }, 'https://s3.us-east-1.amazonaws.com/'],
    ['gs://lake/x', {}, 'https://storage.googleapis.com/'],
  ];
  for (const [bucketUrl, credentials, url] of routes) {
    const store = await openObjectStore(bucketUrl, credentials, { baseDirectory: tmpdir(), environment: {} });
    const route = await store.route!();
    expect(route.url.href).toBe(url);
    expect(route.choice.proxy).toBeNull();
    await store.close();
  }
});
