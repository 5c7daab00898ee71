import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import type {
  BlobItem,
  BlobServiceClient,
  ContainerClient,
  StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { entraOptions } from '../entra.ts';
import { IngestError } from '../errors.ts';
import { loadDriver } from '../load-driver.ts';
import { browserCredential } from '../sign-in/entra-sign-in.ts';
import { type CloudClient, type CloudFailure, type CloudUpload, retryAfterOf } from './cloud-client.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';
import type { AzureLocation } from './location.ts';
import type { ObjectInfo, PutCondition } from './object-store.ts';

/** A block blob has 50,000 blocks at most. */
const MOST_BLOCKS = 50_000;
const BLOCK_BYTES = 8 * 2 ** 20;
/** Metadata key of {@link CloudClient.put}'s stamp. */
const STAMP = 'ingeststamp';

/**
 * A container of Azure Blob Storage or ADLS Gen2, through its blob endpoint.
 * Signs in with the first that is given: connection string, account key, SAS token, service principal, a person's browser; else with the default
 * credential (environment, workload and managed identity, Azure CLI).
 * @throws IngestError DRIVER_MISSING, OBJECT_STORE_CREDENTIALS
 */
export async function openAzureClient(
  location: AzureLocation,
  credentials: StoreCredentials,
  network: StoreNetwork,
): Promise<CloudClient> {
  const blob = await loadDriver('@azure/storage-blob', () => import('@azure/storage-blob'));
  const options = (secure: boolean) =>
    ({
      retryOptions: { maxTries: 1 },
      agent: secure ? network.httpsAgent : network.httpAgent,
    }) satisfies StoragePipelineOptions & { agent: Agent } as StoragePipelineOptions;
  const endpoint = endpointOf(location, credentials);
  const text = credentials.azure_storage_connection_string;
  let service: BlobServiceClient;
  if (text !== undefined && text !== '') {
    try {
      service = blob.BlobServiceClient.fromConnectionString(text, options(!/(?:^|;)BlobEndpoint=http:/i.test(text)));
    } catch {
      // Its own message quotes what it could not read.
      throw unusable('azure_storage_connection_string is no connection string of a storage account.', {
        hint: 'Copy it from the storage account (Access keys, or Shared access signature).',
      });
    }
  } else if (endpoint === null) {
    throw unusable(`"${location.display}" does not say which storage account it is in.`, {
      hint: 'Set azure_storage_account_name, or write abfss://container@account.dfs.core.windows.net/path.',
    });
  } else {
    const secure = !/^http:/i.test(endpoint);
    const key = credentials.azure_storage_account_key;
    const sas = (credentials.azure_storage_sas_token ?? location.sas)?.trim().replace(/^\?/, '');
    if (key) {
      service = new blob.BlobServiceClient(
        endpoint,
        sharedKey(blob.StorageSharedKeyCredential, accountOf(location, credentials, endpoint), key),
        options(secure),
      );
    } else if (sas) {
      service = new blob.BlobServiceClient(`${endpoint}?${sas}`, new blob.AnonymousCredential(), options(secure));
    } else {
      service = new blob.BlobServiceClient(endpoint, await tokenCredential(credentials, network), options(secure));
    }
  }
  const container = service.getContainerClient(location.container);
  return new AzureClient(container, location, service.accountName);
}

/** The blob endpoint without `/` at its end; null where nothing names the account. `dfs` endpoints speak another protocol. */
function endpointOf(location: AzureLocation, credentials: StoreCredentials): string | null {
  const host = location.host ?? credentials.azure_account_host ?? credentials.endpoint_url;
  if (host !== undefined && host !== null && host !== '') {
    const url = /^https?:\/\//i.test(host) ? host : `https://${host}`;
    return url.replace(/\/+$/, '').replace(/^(https?:\/\/[^./]+)\.dfs\./i, '$1.blob.');
  }
  const account = credentials.azure_storage_account_name;
  return account ? `https://${account}.blob.core.windows.net` : null;
}

function accountOf(location: AzureLocation, credentials: StoreCredentials, endpoint: string): string {
  const { hostname, pathname } = new URL(endpoint);
  const inPath = pathname.split('/').find((part) => part !== '');
  return credentials.azure_storage_account_name ?? location.account ?? inPath ?? (hostname.split('.')[0] as string);
}

function sharedKey(
  Credential: typeof StorageSharedKeyCredential,
  account: string,
  key: string,
): StorageSharedKeyCredential {
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(key.trim())) {
    throw unusable('azure_storage_account_key is no account key: keys are base64.', {
      hint: 'Copy key1 or key2 from the storage account (Access keys). A SAS token belongs into azure_storage_sas_token.',
    });
  }
  return new Credential(account, key.trim());
}

async function tokenCredential(credentials: StoreCredentials, network: StoreNetwork) {
  const { azure_tenant_id: tenant, azure_client_id: client, azure_client_secret: secret } = credentials;
  if (credentials.azure_authentication === 'browser') {
    const { httpsAgent: agent, environment, place } = network;
    return browserCredential({ ...place, agent, environment, tenant, client });
  }
  const identity = await loadDriver('@azure/identity', () => import('@azure/identity'));
  const options = entraOptions(network.httpsAgent, network.environment);
  if (!secret) return new identity.DefaultAzureCredential(options);
  if (!tenant || !client) {
    throw unusable(`azure_client_secret needs ${tenant ? 'azure_client_id' : 'azure_tenant_id'} beside it.`, {
      hint: 'A service principal has a tenant, a client id and a client secret.',
    });
  }
  return new identity.ClientSecretCredential(tenant, client, secret, options);
}

class AzureClient implements CloudClient {
  readonly kind = 'azure';
  readonly location: string;
  readonly removeAtOnce = 1;
  readonly #container: ContainerClient;
  /** Empty blobs were seen that may be folders. */
  #hasFolders = false;

  constructor(container: ContainerClient, location: AzureLocation, account: string) {
    this.#container = container;
    const { hostname } = new URL(container.url);
    const host = hostname.includes('.blob.') ? hostname.replace('.blob.', '.dfs.') : `${account}.dfs.core.windows.net`;
    this.location = `abfss://${location.container}@${host}`;
  }

  async endpoint(): Promise<URL> {
    return new URL(new URL(this.#container.url).origin);
  }

  async listPage(
    prefix: string,
    token: string | null,
    { shallow, most, signal }: Parameters<CloudClient['listPage']>[2],
  ): ReturnType<CloudClient['listPage']> {
    const paging = { maxPageSize: most ?? 5000, ...(token === null ? {} : { continuationToken: token }) };
    const look = async () => {
      const metadata = this.#hasFolders ? { includeMetadata: true } : {};
      const options = { ...(prefix === '' ? {} : { prefix }), ...metadata, abortSignal: signal };
      const pages = shallow
        ? this.#container.listBlobsByHierarchy('/', options).byPage(paging)
        : this.#container.listBlobsFlat(options).byPage(paging);
      return (await pages.next()).value;
    };
    let page = await look();
    // Accounts with a hierarchical namespace list folders as empty blobs, which only their metadata tells; it makes listings slower.
    if (!this.#hasFolders && (page?.segment.blobItems ?? []).some(mayBeFolder)) {
      this.#hasFolders = true;
      page = await look();
    }
    const segment = page?.segment;
    const prefixes = (segment && 'blobPrefixes' in segment ? (segment.blobPrefixes ?? []) : []) as { name: string }[];
    return {
      objects: ((segment?.blobItems ?? []) as BlobItem[]).filter((item) => !isFolder(item)).map(infoOf),
      folders: prefixes.map(({ name }) => name),
      next: page?.continuationToken ? page.continuationToken : null,
    };
  }

  async stat(key: string, signal: AbortSignal): ReturnType<CloudClient['stat']> {
    const found = await this.#container.getBlobClient(key).getProperties({ abortSignal: signal });
    return {
      key,
      bytes: found.contentLength ?? 0,
      modified: found.lastModified?.getTime() ?? 0,
      etag: tidyEtag(found.etag),
      stamp: found.metadata?.[STAMP] ?? null,
    };
  }

  async read(
    key: string,
    { start = 0, end, etag, signal }: Parameters<CloudClient['read']>[1],
  ): ReturnType<CloudClient['read']> {
    const answer = await this.#container
      .getBlobClient(key)
      .download(start, end === undefined ? undefined : end - start, {
        abortSignal: signal,
        maxRetryRequests: 0,
        ...(etag ? { conditions: { ifMatch: `"${etag}"` } } : {}),
      });
    return (answer.readableStreamBody as Readable | undefined) ?? Readable.from([]);
  }

  async put(
    key: string,
    body: Buffer,
    condition: PutCondition | null,
    stamp: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#container.getBlockBlobClient(key).upload(body, body.length, {
      abortSignal: signal,
      ...(stamp === null ? {} : { metadata: { [STAMP]: stamp } }),
      ...(condition === null
        ? {}
        : { conditions: condition === 'absent' ? { ifNoneMatch: '*' } : { ifMatch: `"${condition.etag}"` } }),
    });
  }

  partBytes(bytes: number): number {
    return Math.max(BLOCK_BYTES, Math.ceil(bytes / (MOST_BLOCKS - 1)));
  }

  async upload(key: string): Promise<CloudUpload> {
    const client = this.#container.getBlockBlobClient(key);
    const ids: string[] = [];
    return {
      concurrency: 4,
      async part(number, _start, body, _last, abortSignal) {
        const id = Buffer.from(String(number).padStart(8, '0')).toString('base64');
        ids[number] = id;
        await client.stageBlock(id, body, body.length, { abortSignal });
      },
      async complete(abortSignal) {
        await client.commitBlockList(ids, { abortSignal });
      },
      async abort() {
        // Blocks that were never committed are nowhere to be seen, and the service drops them after a week; there is no call for it.
      },
    };
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) await this.#container.getBlobClient(key).delete({ abortSignal: signal });
  }

  failureOf(error: unknown): CloudFailure {
    const { statusCode, code, message, response, details } = error as {
      statusCode?: number;
      code?: string;
      message?: string;
      response?: { headers?: { get(name: string): string | undefined } };
      details?: { errorCode?: string; authenticationErrorDetail?: string; AuthenticationErrorDetail?: string };
    };
    const detail = details?.AuthenticationErrorDetail ?? details?.authenticationErrorDetail ?? this.#expiry(statusCode);
    return {
      status: statusCode ?? null,
      code: details?.errorCode ?? code ?? (error as Error).name ?? '',
      message: [firstLine(message), detail].filter((part) => part !== undefined && part !== '').join(' '),
      retryAfter: retryAfterOf(response?.headers?.get('retry-after')),
    };
  }

  /** A refused SAS token that is past its time: the service itself does not always say so. */
  #expiry(status: number | undefined): string | undefined {
    const expires = new URL(this.#container.url).searchParams.get('se');
    if (status !== 403 || expires === null || !(Date.parse(expires) < Date.now())) return undefined;
    return `The token expired at ${expires}.`;
  }

  close(): void {
    // The agents are the store's.
  }
}

/** Folders have neither content nor its checksum. */
function mayBeFolder({ properties }: BlobItem): boolean {
  return properties.contentLength === 0 && !properties.contentMD5?.length;
}

function isFolder(item: BlobItem): boolean {
  return item.properties.contentLength === 0 && item.metadata?.hdi_isfolder === 'true';
}

function infoOf({ name, properties }: BlobItem): ObjectInfo {
  return {
    key: name,
    bytes: properties.contentLength ?? 0,
    modified: properties.lastModified.getTime(),
    etag: tidyEtag(properties.etag),
  };
}

/** Listings give etags without the quotes that headers have. */
function tidyEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}

/** Behind it come a request id and the time. */
function firstLine(message: string | undefined): string {
  return message?.split('\n')[0]?.trim() ?? '';
}

function unusable(message: string, { hint }: { hint: string }): IngestError {
  return new IngestError('OBJECT_STORE_CREDENTIALS', message, { hint });
}
