import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download } from '../../engine/object-stores/download.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { ACCOUNT, ACCOUNT_KEY, type Azurite, startAzurite } from '../servers/azurite.ts';
import { startAzuriteProxy } from '../servers/azurite-proxy.ts';
import type { Fault, FaultRequest, ObjectServer } from '../servers/object-server.ts';
import type { S3Server } from '../servers/object-server-s3.ts';
import {
  AZURE_KEYS,
  azurePlace,
  openTestStore,
  type Place,
  QUICK,
  S3_KEYS,
  STORE_KINDS,
  type StoreServer,
} from './stores.ts';

const PART = 8 * 2 ** 20;
const { signal } = new AbortController();
const root = await mkdtemp(join(tmpdir(), 'faults-'));
afterAll(() => rm(root, { recursive: true, force: true }));

/** Everything that an error shows, its causes too. */
function shown(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    const { hint } = at as { hint?: string };
    parts.push(at.message, hint ?? '', at.stack ?? '', JSON.stringify(at));
  }
  return parts.join('\n');
}

const failing = async (work: Promise<unknown>): Promise<Error & { code: string; hint: string; retryable: boolean }> =>
  (await work.then(
    () => expect.fail('It should have failed.'),
    (error: unknown) => error,
  )) as never;

for (const kind of STORE_KINDS.filter(({ name }) => name !== 'local')) {
  describe(`faults of ${kind.name}`, () => {
    let started: StoreServer;
    let server: ObjectServer;
    let place: Place;
    let store: ObjectStore;
    beforeAll(async () => {
      started = await kind.start();
      place = await started.place();
      server =
        started.server ??
        (await startAzuriteProxy((place.credentials as { azure_account_host: string }).azure_account_host));
    }, 60_000);
    afterAll(async () => {
      if (!started?.server) await server?.stop();
      await started?.stop();
    });
    beforeEach(async () => {
      place = await started.place();
      if (kind.name === 'azure') place.credentials.azure_account_host = server.url;
      store = await openTestStore(place);
    });
    afterEach(async () => {
      server.fault = () => undefined;
      await store.close();
    });
    /** Answers every third request with a fault. */
    const storm = (fault: Fault) => {
      server.fault = ({ number }: FaultRequest) => (number % 3 === 1 ? fault : undefined);
    };
    const partsLeft = () => {
      const uploads = [...((server as S3Server).uploads ?? new Map()).values()];
      return uploads.reduce((sum, { parts }) => sum + parts.size, 0);
    };
    const isWrite = ({ method }: FaultRequest) => method === 'PUT' || method === 'POST';

    it('outlasts a storm of 429 and 503, and can be cancelled in it', async () => {
      for (const status of [429, 503]) {
        storm({ status, code: 'SlowDown', headers: { 'retry-after': '0' } });
        const body = Buffer.alloc(PART + 5, `status ${status} `);
        await store.write('storm.bin', Readable.from([body]), body.length);
        expect(await store.put(`${status}.json`, '{}', 'absent')).toBe(true);
        expect(await store.put(`${status}.json`, 'x', 'absent')).toBe(false);
        expect(await text(await store.read(`${status}.json`))).toBe('{}');
        await download(store, (await store.stat('storm.bin'))!, join(root, 'storm.bin'), { signal, retry: QUICK });
        expect((await readFile(join(root, 'storm.bin'))).equals(body)).toBe(true);
        await store.delete([`${status}.json`, 'storm.bin']);
      }
      server.fault = () => ({ status: 429, code: 'SlowDown' });
      const error = await failing(store.put('never', 'x', null));
      expect(error).toMatchObject({ code: 'OBJECT_STORE_BUSY', retryable: true });
      const stop = new AbortController();
      const waiting = openObjectStore(place.bucketUrl, place.credentials, {
        baseDirectory: root,
        environment: {},
        retry: { attempts: 10, firstWait: 60_000, longestWait: 60_000 },
        onRetry: () => stop.abort(),
      });
      await expect((await waiting).put('never', 'x', null, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    });

    it('recognises its own write when the answer got lost', async () => {
      let lost = false;
      server.fault = (request) => {
        if (lost || !isWrite(request) || !request.url.includes(kind.name === 'gcs' ? 'upload' : 'first.json')) return;
        lost = true;
        return { losesAnswer: true };
      };
      expect(await store.put('first.json', 'mine', 'absent')).toBe(true);
      expect(lost).toBe(true);
      server.fault = () => undefined;
      expect(await text(await store.read('first.json'))).toBe('mine');
      // The same loss, but another was first.
      expect(await store.put('second.json', 'theirs', 'absent')).toBe(true);
      let refused = 0;
      server.fault = (request) => (isWrite(request) && refused++ === 0 ? { losesAnswer: true } : undefined);
      expect(await store.put('second.json', 'mine', 'absent')).toBe(false);
      server.fault = () => undefined;
      expect(await text(await store.read('second.json'))).toBe('theirs');
    });

    it('writes once, whatever part of an upload loses its answer', async () => {
      const body = Buffer.alloc(PART + 99, 'part of an upload ');
      // Parts and the end; what begins an upload in S3 and GCS; the parts of GCS end it.
      const steps = { azure: 3, s3: 4, gcs: 3 }[kind.name as 's3'];
      for (let step = 0; step < steps; step += 1) {
        let writes = 0;
        server.fault = (request) => (isWrite(request) && writes++ === step ? { losesAnswer: true } : undefined);
        await store.write(`lost-${step}.bin`, Readable.from([body]), body.length);
        server.fault = () => undefined;
        expect(writes, `step ${step}`).toBeGreaterThan(steps);
        const stored = (await started.objects(place)).get(`lost-${step}.bin`);
        expect(stored?.equals(body), `step ${step}`).toBe(true);
      }
      expect(partsLeft()).toBe(0);
    });

    it('leaves nothing of an upload that fails for good', async () => {
      let writes = 0;
      server.fault = (request) =>
        isWrite(request) && ++writes > 2 ? { status: 403, code: 'AccessDenied' } : undefined;
      const body = Buffer.alloc(3 * PART, 'x');
      expect(await failing(store.write('denied.bin', Readable.from([body]), body.length))).toMatchObject({
        code: 'OBJECT_STORE_FORBIDDEN',
        retryable: false,
      });
      server.fault = () => undefined;
      expect(await started.objects(place)).toEqual(new Map());
      expect(partsLeft()).toBe(0);
      for await (const page of store.list('')) expect(page.objects).toEqual([]);
    });

    it('goes on with a download where it was cut', async () => {
      const body = Buffer.alloc(3_000_000);
      for (let at = 0; at < body.length; at += 4) body.writeUInt32LE(at, at);
      await store.put('cut.bin', body, null);
      const object = (await store.stat('cut.bin'))!;
      const ranges: string[] = [];
      server.fault = (request) => {
        ranges.push(request.method);
        return ranges.length < 4 ? { cutAfter: 700_000 } : undefined;
      };
      await download(store, object, join(root, 'cut.bin'), { signal, retry: QUICK });
      const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
      expect(digest(await readFile(join(root, 'cut.bin')))).toBe(digest(body));
      expect(ranges.length).toBeGreaterThanOrEqual(4);
      server.fault = () => ({ cutAfter: 10 });
      const error = await failing(
        download(store, object, join(root, 'never.bin'), { signal, retry: { ...QUICK, attempts: 3 } }),
      );
      expect(error).toMatchObject({ retryable: true });
      await expect(readFile(join(root, 'never.bin'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('says what is wrong with the credentials, the place and the network, and no secret', async () => {
      const secret = { azure: ACCOUNT_KEY, s3: S3_KEYS.aws_secret_access_key, gcs: 'PRIVATE KEY' }[kind.name as 's3'];
      const open = async (change: object, url = place.bucketUrl) =>
        await openTestStore({ bucketUrl: url, credentials: { ...place.credentials, ...change } });
      const wrong = {
        azure: { azure_storage_account_key: Buffer.alloc(64, 7).toString('base64') },
        s3: { aws_secret_access_key: 'wrong-secret-key' },
        gcs: { client_email: 'nobody@project.iam.gserviceaccount.com' },
      }[kind.name as 's3'];
      const nowhere = { azure_account_host: 'http://127.0.0.1:1/acc', endpoint_url: 'http://127.0.0.1:1' };
      const unknown = { azure_account_host: 'https://acc.blob.invalid', endpoint_url: 'https://storage.invalid' };
      const cases: [ObjectStore, string][] = [
        // Azurite says of a wrong key what Azure says of a missing right.
        [await open(wrong), kind.name === 'azure' ? 'OBJECT_STORE_FORBIDDEN' : 'OBJECT_STORE_CREDENTIALS'],
        [await open({}, place.bucketUrl.replace('lake-', 'nowhere-')), 'OBJECT_STORE_NOT_FOUND'],
        [await open(nowhere), 'OBJECT_STORE_UNREACHABLE'],
        [await open(unknown), 'OBJECT_STORE_NOT_FOUND|OBJECT_STORE_UNREACHABLE'],
      ];
      for (const [other, code] of cases) {
        const error = await failing(other.prepare(signal));
        expect(error.code).toMatch(new RegExp(`^(?:${code})$`));
        expect(error.hint).toBeTruthy();
        expect(shown(error)).not.toContain(secret);
        expect(shown(error)).not.toContain('wrong-secret-key');
        await other.close();
      }
      const clock = { status: 403, code: 'RequestTimeTooSkewed' };
      server.fault = () => clock;
      expect((await failing(store.prepare())).code).toBe('OBJECT_STORE_CLOCK');
    });
  });
}

describe('SAS tokens', () => {
  let azurite: Azurite;
  let place: Place;
  beforeAll(async () => {
    azurite = await startAzurite();
    place = await azurePlace(azurite, 'sas-lake');
  }, 60_000);
  afterAll(() => azurite?.stop());
  const sas = (permissions: string, milliseconds: number) =>
    generateBlobSASQueryParameters(
      {
        containerName: 'sas-lake',
        permissions: ContainerSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - 3_600_000),
        expiresOn: new Date(Date.now() + milliseconds),
      },
      new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY),
    ).toString();
  const open = (token: string, bucketUrl = place.bucketUrl) =>
    openTestStore({
      bucketUrl,
      credentials: {
        azure_storage_account_name: ACCOUNT,
        azure_account_host: azurite.url,
        azure_storage_sas_token: token,
      },
    });

  it('work with and without a question mark, and in a connection string', async () => {
    const token = sas('racwdl', 60_000);
    for (const each of [token, `?${token}`, ` ${token}\n`]) {
      const store = await open(each);
      expect(await store.put('a', 'x', null)).toBe(true);
      expect(await text(await store.read('a'))).toBe('x');
      await store.close();
    }
    const keyed = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${azurite.url};`;
    for (const text of [keyed, `BlobEndpoint=${azurite.url};SharedAccessSignature=${token}`]) {
      const store = await openTestStore({
        bucketUrl: place.bucketUrl,
        credentials: { azure_storage_connection_string: text },
      });
      await store.prepare();
      expect(store.url('a/b')).toBe(`abfss://sas-lake@${ACCOUNT}.dfs.core.windows.net/lake/a/b`);
      await store.close();
    }
    const bad = openTestStore({
      bucketUrl: place.bucketUrl,
      credentials: { azure_storage_connection_string: 'AccountKey=SECRET1' },
    });
    expect(shown(await failing(bad))).not.toContain('SECRET1');
    const nameless = openTestStore({ bucketUrl: 'az://c/x', credentials: { azure_storage_sas_token: token } });
    await expect(nameless).rejects.toMatchObject({
      code: 'OBJECT_STORE_CREDENTIALS',
      hint: expect.stringContaining('account'),
    });
    const notKey = openTestStore({ ...place, credentials: { ...AZURE_KEYS, azure_storage_account_key: `?${token}` } });
    await expect(notKey).rejects.toMatchObject({ code: 'OBJECT_STORE_CREDENTIALS' });
  });

  it('show the files of a hierarchical namespace, not its folders', async () => {
    const service = new BlobServiceClient(azurite.url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
    const container = service.getContainerClient('sas-lake');
    // As such an account lists a folder: an empty blob that says so in its metadata, without a checksum.
    await container.getBlockBlobClient('lake/hns/day').commitBlockList([], { metadata: { hdi_isfolder: 'true' } });
    const store = await open(sas('racwdl', 60_000));
    await store.put('hns/day/a.csv', 'x', null);
    await store.put('hns/empty', '', null);
    const keys: string[] = [];
    for await (const page of store.list('hns/')) keys.push(...page.objects.map(({ key }) => key));
    expect(keys).toEqual(['hns/day/a.csv', 'hns/empty']);
    await store.close();
  });

  it('that only read say so, without showing the signature', async () => {
    const token = sas('rl', 60_000);
    const store = await open(token);
    await store.prepare();
    const error = await failing(store.put('b', 'x', null));
    expect(error).toMatchObject({
      code: 'OBJECT_STORE_FORBIDDEN',
      retryable: false,
      hint: expect.stringContaining('racwdl'),
    });
    const signature = new URLSearchParams(token).get('sig') as string;
    for (const form of [signature, encodeURIComponent(signature)]) expect(shown(error)).not.toContain(form);
    await store.close();
  });

  it('that expire in mid-upload leave nothing, and the load goes through with a new one', async () => {
    const store = await open(sas('racwdl', 1500));
    const slow = async function* () {
      yield Buffer.alloc(2 * PART, 'a');
      await delay(2000);
      yield Buffer.alloc(PART, 'b');
    };
    const error = await failing(store.write('late.bin', Readable.from(slow()), 3 * PART));
    expect(error).toMatchObject({ code: 'OBJECT_STORE_CREDENTIALS', message: expect.stringContaining('expired') });
    await store.close();
    const renewed = await open(sas('racwdl', 60_000));
    expect(await renewed.stat('late.bin')).toBeNull();
    await renewed.write('late.bin', Readable.from([Buffer.alloc(3 * PART, 'c')]), 3 * PART);
    expect(await renewed.stat('late.bin')).toMatchObject({ bytes: 3 * PART });
    await renewed.close();
  });
});
