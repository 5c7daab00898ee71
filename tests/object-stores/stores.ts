import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { StoreCredentials } from '../../engine/object-stores/credentials.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { ACCOUNT, ACCOUNT_KEY, type Azurite, startAzurite } from '../servers/azurite.ts';

/** A kind of store with its server. */
export interface StoreKind {
  name: ObjectStore['kind'];
  start(): Promise<StoreServer>;
}

export interface StoreServer {
  /** A new, empty place. */
  place(): Promise<{ bucketUrl: string; credentials: StoreCredentials }>;
  stop(): Promise<void>;
}

/** Short waits, for tests. */
export const QUICK = { attempts: 5, firstWait: 1, longestWait: 20 };

export async function openTestStore(
  { bucketUrl, credentials }: Awaited<ReturnType<StoreServer['place']>>,
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

let places = 0;

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
        stop: server.stop,
      };
    },
  },
];
