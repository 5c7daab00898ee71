import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import { openObjectStore } from '../../../engine/object-stores/open-object-store.ts';
import { type FilesystemDestination, filesystemDestinationModel } from '../../../engine/spec/destination.ts';
import { ACCOUNT, ACCOUNT_KEY, type Azurite, startAzurite } from '../../servers/azurite.ts';
import type { StageReader } from '../../servers/databricks/delta-tables.ts';
import { buildPackage, creations } from '../build-package.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

const never = new AbortController().signal;
const CONTAINER = 'staging';
const shared = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY);

let root: string;
let workspace: Workspace;
let azurite: Azurite;
let service: BlobServiceClient;
let warehouse: TestWarehouse;
/** The only named credential that the warehouse has. */
const CREDENTIAL = 'lake_credential';

/** Like a warehouse of another tenant: no access of its own, only what the statement brings. */
const stage: StageReader = {
  async list(url, access) {
    const [container, folder] = containerOf(url, access);
    const names: string[] = [];
    for await (const blob of container.listBlobsFlat({ prefix: folder })) names.push(blob.name.slice(folder.length));
    return names;
  },
  async read(url, name, access) {
    const [container, folder] = containerOf(url, access);
    return await container.getBlobClient(folder + name).downloadToBuffer();
  },
};

function containerOf(url: string, { sas, credential }: { sas: string | null; credential: string | null }) {
  const [, container = '', account = '', folder = ''] =
    /^abfss:\/\/([^@]+)@([^.]+)\.dfs\.core\.windows\.net\/(.*)$/.exec(url) ?? [];
  if (account !== ACCOUNT) throw new Error(`No access to ${url}`);
  if (credential === CREDENTIAL) return [service.getContainerClient(container), folder] as const;
  if (sas === null) throw new Error(`This request is not authorized to perform this operation: ${url}`);
  return [new BlobServiceClient(`${azurite.url}?${sas}`).getContainerClient(container), folder] as const;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'staging-'));
  workspace = await Workspace.open({ memoryLimitMiB: 200, threads: 1, tempDirectory: join(root, 'spill') });
  azurite = await startAzurite();
  service = new BlobServiceClient(azurite.url, shared);
  await service.getContainerClient(CONTAINER).create();
  warehouse = await startTestWarehouse({ stage });
});
afterAll(async () => {
  await warehouse.close();
  await azurite.stop();
  workspace.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  warehouse.server.statements.length = 0;
  const container = service.getContainerClient(CONTAINER);
  for (const name of await stagedBlobs()) await container.deleteBlob(name);
});

const token = (expires: number, permissions = 'rwdl') =>
  generateBlobSASQueryParameters(
    {
      containerName: CONTAINER,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + expires),
    },
    shared,
  ).toString();

const filesystem = (values: Partial<FilesystemDestination>): FilesystemDestination =>
  filesystemDestinationModel.parse({
    type: 'filesystem',
    name: 'lake',
    bucket_url: `az://${CONTAINER}/landing zone`,
    azure_account_host: azurite.url,
    azure_storage_account_name: ACCOUNT,
    ...values,
  });

let loads = 0;
const orders = () =>
  buildPackage(root, {
    loadId: `20${loads++}.5`,
    watermark: '1',
    tables: [
      {
        name: 'orders',
        columns: { id: 'BIGINT', _dlt_load_id: 'VARCHAR' },
        rows: `SELECT i AS id, '20${loads - 1}.5' AS _dlt_load_id FROM range(60) t(i)`,
        files: 6,
      },
    ],
  });

async function open(
  config: FilesystemDestination,
  catalog: string,
  credential?: string,
  store = () => openStore(config),
) {
  const values = { catalog, staging_volume: undefined, staging: 'lake', staging_credential: credential };
  const destination = warehouse.destination(workspace, root, values, { staging: { config, open: store } });
  await destination.open(never);
  return destination;
}

const openStore = (config: FilesystemDestination) =>
  openObjectStore(config.bucket_url, config, {
    baseDirectory: root,
    environment: {},
    retry: { attempts: 2, firstWait: 1 },
  });

const stagedBlobs = async () => {
  const names: string[] = [];
  for await (const blob of service.getContainerClient(CONTAINER).listBlobsFlat()) names.push(blob.name);
  return names;
};
const rowsIn = async (catalog: string) =>
  (await warehouse.server.query(`SELECT count(*)::INTEGER AS n FROM "${catalog}.raw".orders`))[0]?.n;
const copies = () => warehouse.server.statements.filter((sql) => sql.startsWith('COPY INTO'));

describe('staging in a storage account of another tenant', () => {
  it('hands a SAS token to COPY INTO, with or without its question mark, and cleans up', async () => {
    const catalog = warehouse.catalog();
    const sas = token(600_000);
    const destination = await open(filesystem({ azure_storage_sas_token: `?${sas}` }), catalog);
    const pack = await orders();
    expect(await destination.load(pack, creations(pack), never)).toEqual({ loaded: true, rows: 60 });
    await destination.close();
    expect(await rowsIn(catalog)).toBe(60);
    expect(copies()).toEqual([expect.stringContaining(`WITH (CREDENTIAL (AZURE_SAS_TOKEN = '${sas}'))`)]);
    expect(copies()[0]).toContain(
      `FROM 'abfss://${CONTAINER}@${ACCOUNT}.dfs.core.windows.net/landing zone/ingest-staging/`,
    );
    expect(await stagedBlobs()).toEqual([]);
  });

  it('signs a token for reading from the account key, which itself never leaves', async () => {
    const catalog = warehouse.catalog();
    const destination = await open(filesystem({ azure_storage_account_key: ACCOUNT_KEY }), catalog);
    const pack = await orders();
    await destination.load(pack, creations(pack), never);
    await destination.close();
    expect(await rowsIn(catalog)).toBe(60);
    const given = new URLSearchParams(/AZURE_SAS_TOKEN = '([^']+)'/.exec(copies()[0] ?? '')?.[1]);
    expect(given.get('sp')).toBe('rl');
    expect(given.get('sr')).toBe('c');
    const hours = (Date.parse(given.get('se') ?? '') - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(3);
    expect(hours).toBeLessThanOrEqual(4);
    expect(warehouse.server.statements.join('\n')).not.toContain(ACCOUNT_KEY);
  });

  it('names a storage credential of Unity Catalog in place of any secret', async () => {
    const catalog = warehouse.catalog();
    const destination = await open(filesystem({ azure_storage_account_key: ACCOUNT_KEY }), catalog, CREDENTIAL);
    const pack = await orders();
    await destination.load(pack, creations(pack), never);
    await destination.close();
    expect(await rowsIn(catalog)).toBe(60);
    expect(copies()[0]).toContain(`WITH (CREDENTIAL \`${CREDENTIAL}\`)`);
    expect(copies()[0]).not.toContain('sig=');
  });

  it('explains a token that ended in the middle of the upload; a new one brings every row once', async () => {
    const catalog = warehouse.catalog();
    const pack = await orders();
    const valid = filesystem({ azure_storage_sas_token: token(600_000) });
    const expired = filesystem({ azure_storage_sas_token: token(-60_000) });
    const destination = await open(valid, catalog, undefined, async () => {
      const [before, after] = [await openStore(valid), await openStore(expired)];
      let written = 0;
      const write: typeof before.write = (...of) => (++written > 3 ? after : before).write(...of);
      const close = async () => void (await Promise.all([before.close(), after.close()]));
      return new Proxy(before, {
        get(store, name) {
          if (name === 'write') return write;
          if (name === 'close') return close;
          const member = Reflect.get(store, name);
          return typeof member === 'function' ? member.bind(store) : member;
        },
      });
    });
    const error = await destination.load(pack, creations(pack), never).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      name: 'IngestError',
      message: expect.stringMatching(/expired|ended|token/i),
      hint: expect.stringContaining('new one'),
    });
    const signature = new URLSearchParams(expired.azure_storage_sas_token).get('sig') ?? '?';
    expect(JSON.stringify([(error as Error).message, (error as Error).stack])).not.toContain(signature);
    await destination.close();
    expect(copies()).toEqual([]);
    expect((await stagedBlobs()).length).toBeGreaterThan(0);

    const again = await open(valid, catalog);
    expect(await again.load(pack, creations(pack), never)).toEqual({ loaded: true, rows: 60 });
    expect(await rowsIn(catalog)).toBe(60);
    expect(await stagedBlobs()).toEqual([]);
    await again.close();
  });

  it('says that the warehouse may not read, and shows no signature', async () => {
    const catalog = warehouse.catalog();
    // good for writing and deleting, but not for the warehouse
    const sas = token(600_000, 'wdl');
    const destination = await open(filesystem({ azure_storage_sas_token: sas }), catalog);
    warehouse.server.faults.onStatement = (sql) =>
      sql.startsWith('COPY INTO')
        ? {
            error: { message: `[CLOUD_STORAGE_ACCESS_DENIED] Refused with ${sas}. SQLSTATE: 42501`, sqlState: '42501' },
          }
        : undefined;
    const pack = await orders();
    const error = await destination.load(pack, creations(pack), never).catch((thrown: unknown) => thrown as Error);
    delete warehouse.server.faults.onStatement;
    expect(error).toMatchObject({ code: 'STAGING_FORBIDDEN', hint: expect.stringContaining('READ FILES') });
    expect((error as Error).message).not.toContain(new URLSearchParams(sas).get('sig'));
    await expect(destination.load(pack, [], never)).rejects.toMatchObject({ code: 'STAGING_FORBIDDEN' });
    await destination.close();
  });

  it('removes what a load that died left there', async () => {
    const catalog = warehouse.catalog();
    const config = filesystem({ azure_storage_account_key: ACCOUNT_KEY });
    const destination = await open(config, catalog);
    const dead = await orders();
    const controller = new AbortController();
    warehouse.server.faults.onStatement = (sql) => {
      if (sql.startsWith('COPY INTO')) controller.abort();
      return undefined;
    };
    await expect(destination.load(dead, creations(dead), controller.signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    delete warehouse.server.faults.onStatement;
    expect(await stagedBlobs()).not.toEqual([]);
    const pack = await orders();
    await destination.load(pack, [], never);
    await destination.close();
    expect(await stagedBlobs()).toEqual([]);
    expect(await rowsIn(catalog)).toBe(60);
  });

  it('refuses to stage in a folder of this computer', async () => {
    const config = filesystem({ bucket_url: join(root, 'folder'), azure_account_host: undefined });
    await expect(open(config, 'main')).rejects.toMatchObject({ code: 'STAGING_LOCAL' });
  });
});
