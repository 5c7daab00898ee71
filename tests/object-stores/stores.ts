import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { StoreCredentials } from '../../engine/object-stores/credentials.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { ACCOUNT, ACCOUNT_KEY, type Azurite, startAzurite } from '../servers/azurite.ts';
import { ObjectBuckets, type ObjectServer } from '../servers/object-server.ts';
import { startGcs } from '../servers/object-server-gcs.ts';
import { startS3 } from '../servers/object-server-s3.ts';

/** A kind of store with its server. */
export interface StoreKind {
  name: ObjectStore['kind'];
  start(): Promise<StoreServer>;
}

export interface Place {
  bucketUrl: string;
  credentials: StoreCredentials;
}

export interface StoreServer {
  /** A new, empty place. */
  place(): Promise<Place>;
  /** What lies in a place, by key, read without the product's code. */
  objects(place: Place): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
  /** Missing where it is not of our own making. */
  server?: ObjectServer;
}

/** Short waits, for tests. */
export const QUICK = { attempts: 5, firstWait: 1, longestWait: 20 };

export async function openTestStore(
  { bucketUrl, credentials }: Place,
  folder: string | null = null,
): Promise<ObjectStore> {
  return await openObjectStore(bucketUrl, credentials, {
    baseDirectory: tmpdir(),
    environment: {},
    retry: QUICK,
    folder,
  });
}

export const AZURE_KEYS = { azure_storage_account_name: ACCOUNT, azure_storage_account_key: ACCOUNT_KEY };

/** Makes a container and gives its credentials by account key. */
export async function azurePlace(server: Pick<Azurite, 'url'>, container: string) {
  const service = new BlobServiceClient(server.url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
  await service.getContainerClient(container).create();
  return { bucketUrl: `az://${container}/lake`, credentials: { ...AZURE_KEYS, azure_account_host: server.url } };
}

/** Not secrets: keys of the test's own servers. */
export const S3_KEYS = { aws_access_key_id: 'AKTEST', aws_secret_access_key: 'test-secret/not+one' };
export const SERVICE_ACCOUNT = 'ingest@project.iam.gserviceaccount.com';
export const SERVICE_ACCOUNT_KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let places = 0;

/** Container or bucket of a place, and the prefix of its keys. */
function partsOf({ bucketUrl }: Place): [bucket: string, prefix: string] {
  const [, bucket = '', ...rest] = /^[a-z0-9]+:\/\/([^/]+)\/(.*)$/.exec(bucketUrl) ?? [];
  return [bucket, `${rest.join('/')}/`];
}

async function blobs(url: string, place: Place): Promise<Map<string, Buffer>> {
  const [bucket, prefix] = partsOf(place);
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
  const container = service.getContainerClient(bucket);
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix })) names.push(name);
  const bodies = await Promise.all(names.map((name) => container.getBlobClient(name).downloadToBuffer()));
  return new Map(names.map((name, at) => [name.slice(prefix.length), bodies[at] as Buffer]));
}

async function kept(buckets: ObjectBuckets, place: Place): Promise<Map<string, Buffer>> {
  const [bucket, prefix] = partsOf(place);
  const all = [...(buckets.get(bucket) ?? [])].filter(([key]) => key.startsWith(prefix));
  return new Map(all.map(([key, { body }]) => [key.slice(prefix.length), body]));
}

async function filesBelow(folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      found.set(relative(folder, path).split(sep).join('/'), await readFile(path));
    }
  return found;
}

export const STORE_KINDS: StoreKind[] = [
  {
    name: 'local',
    async start() {
      const root = await mkdtemp(join(tmpdir(), 'store '));
      return {
        place: async () => {
          places += 1;
          return { bucketUrl: join(root, `made here ${places}`, 'lake [1]'), credentials: {} };
        },
        objects: ({ bucketUrl }) => filesBelow(bucketUrl),
        stop: () => rm(root, { recursive: true, force: true }),
      };
    },
  },
  {
    name: 'azure',
    async start() {
      const server = await startAzurite();
      return {
        place: async () => {
          places += 1;
          return await azurePlace(server, `lake-${places}`);
        },
        objects: (place) => blobs(server.url, place),
        stop: server.stop,
      };
    },
  },
  {
    name: 's3',
    async start() {
      const buckets = new ObjectBuckets();
      const server = await startS3(buckets, { keys: { AKTEST: S3_KEYS.aws_secret_access_key } });
      return {
        place: async () => {
          places += 1;
          buckets.create(`lake-${places}`);
          return { bucketUrl: `s3://lake-${places}/lake`, credentials: { ...S3_KEYS, endpoint_url: server.url } };
        },
        objects: (place) => kept(buckets, place),
        stop: server.stop,
        server,
      };
    },
  },
  {
    name: 'gcs',
    async start() {
      const buckets = new ObjectBuckets();
      const server = await startGcs(buckets, { accounts: { [SERVICE_ACCOUNT]: SERVICE_ACCOUNT_KEYS.publicKey } });
      return {
        place: async () => {
          places += 1;
          buckets.create(`lake-${places}`);
          const credentials = { client_email: SERVICE_ACCOUNT, private_key: SERVICE_ACCOUNT_KEYS.privateKey };
          return { bucketUrl: `gs://lake-${places}/lake`, credentials: { ...credentials, endpoint_url: server.url } };
        },
        objects: (place) => kept(buckets, place),
        stop: server.stop,
        server,
      };
    },
  },
];

/**
 * Real buckets: `INGEST_TEST_AZURE`, `INGEST_TEST_S3` and `INGEST_TEST_GCS` hold JSON with bucket_url and credentials, as in config.toml.
 * Each run works in a folder of its own there and empties it.
 */
export const LIVE_KINDS: StoreKind[] = (['azure', 's3', 'gcs'] as const).flatMap((name) => {
  const setting = process.env[`INGEST_TEST_${name.toUpperCase()}`];
  if (!setting) return [];
  const { bucket_url: url, ...credentials } = JSON.parse(setting) as StoreCredentials & { bucket_url: string };
  const root = `${url.replace(/\/+$/, '')}/ingest-test-${randomBytes(4).toString('hex')}`;
  const all = async (place: Place, use: (store: ObjectStore, key: string) => Promise<void>) => {
    const store = await openTestStore(place);
    for await (const page of store.list('')) for (const { key } of page.objects) await use(store, key);
    await store.close();
  };
  return [
    {
      name,
      start: async () => ({
        place: async () => {
          places += 1;
          return { bucketUrl: `${root}/lake-${places}`, credentials };
        },
        objects: async (place) => {
          const found = new Map<string, Buffer>();
          await all(place, async (store, key) => void found.set(key, await buffer(await store.read(key))));
          return found;
        },
        stop: () => all({ bucketUrl: root, credentials }, (store, key) => store.delete([key])),
      }),
    },
  ];
});
