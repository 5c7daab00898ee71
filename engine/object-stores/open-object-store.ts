import { Redactor } from '../secrets/redaction.ts';
import { currentSignInDesk, type SignInPlace } from '../sign-in/sign-in-desk.ts';
import { isSecretKey } from '../spec/secret-keys.ts';
import type { CloudClient } from './cloud-client.ts';
import { type CloudStoreOptions, createCloudStore } from './cloud-store.ts';
import type { StoreCredentials, StoreNetwork } from './credentials.ts';
import { createLocalStore } from './local-store.ts';
import { locationBelow, parseLocation, type StoreLocation } from './location.ts';
import type { ObjectStore } from './object-store.ts';
import { openStoreNetwork } from './store-network.ts';

export interface OpenStoreOptions extends Pick<CloudStoreOptions, 'retry' | 'onRetry'> {
  /** Relative paths (a local folder, `ca_file`) start here. */
  baseDirectory: string;
  /** A folder below the bucket_url that the store's keys are to lie in. Default none. */
  folder?: string | null;
  /** Whose sign-in in the browser it is. Default: that of the storage as such. */
  place?: SignInPlace;
  /** Default: the process's. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/** A store that is opened by its address alone. */
const NOWHERE: SignInPlace = { section: 'sources', name: 'storage' };

/**
 * Opens the place that a bucket_url names, see {@link parseLocation}. Nothing is sent yet.
 * @throws IngestError OBJECT_STORE_LOCATION, OBJECT_STORE_CREDENTIALS, DRIVER_MISSING, CA_FILE_UNUSABLE, PROXY_UNUSABLE
 */
export async function openObjectStore(
  bucketUrl: string,
  credentials: StoreCredentials,
  options: OpenStoreOptions,
): Promise<ObjectStore> {
  const { baseDirectory, folder, environment = process.env, place = NOWHERE, ...rest } = options;
  const root = parseLocation(bucketUrl, baseDirectory);
  const location = folder ? locationBelow(root, folder) : root;
  if (location.kind === 'local') return createLocalStore(location.folder);
  const network = await openStoreNetwork(credentials, baseDirectory, environment);
  try {
    const client = await openClient(location, credentials, { ...network, place }, baseDirectory);
    const redactor = redactorOf(location, credentials);
    currentSignInDesk()?.sessions.tell(redactor);
    return createCloudStore(client, {
      ...rest,
      prefix: location.prefix,
      network,
      redact: (text) => redactor.text(text),
      close: network.close,
    });
  } catch (error) {
    network.close();
    throw error;
  }
}

async function openClient(
  location: Exclude<StoreLocation, { kind: 'local' }>,
  credentials: StoreCredentials,
  network: StoreNetwork,
  baseDirectory: string,
): Promise<CloudClient> {
  switch (location.kind) {
    case 'azure': {
      const { openAzureClient } = await import('./azure-client.ts');
      return await openAzureClient(location, credentials, network);
    }
    case 's3': {
      const { openS3Client } = await import('./s3-client.ts');
      return await openS3Client(location, credentials, network);
    }
    case 'gcs': {
      const { openGcsClient } = await import('./gcs-client.ts');
      return await openGcsClient(location, credentials, network, baseDirectory);
    }
    default:
      return location satisfies never;
  }
}

function redactorOf(location: StoreLocation, credentials: StoreCredentials): Redactor {
  const secrets = Object.entries(credentials).flatMap(([path, value]) =>
    isSecretKey([path]) && typeof value === 'string' && value !== '' ? [{ path, value }] : [],
  );
  const sas = [credentials.azure_storage_sas_token, location.kind === 'azure' ? location.sas : null];
  // A service quotes parts of a token, too: the signature by itself.
  for (const text of sas) {
    const signature = new URLSearchParams(text?.trim().replace(/^\?/, '') ?? '').get('sig');
    if (signature) secrets.push({ path: 'azure_storage_sas_token', value: signature });
  }
  const keyed = /(?:^|;)(?:AccountKey|SharedAccessSignature)=([^;]+)/gi;
  for (const [, value = ''] of (credentials.azure_storage_connection_string ?? '').matchAll(keyed))
    secrets.push({ path: 'azure_storage_connection_string', value });
  return new Redactor(secrets);
}
