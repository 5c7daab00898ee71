import { IngestError } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { FilesystemDestination } from '../../spec/destination.ts';
import type { StagingCredential, StagingPlace } from './staging.ts';

/** How long a SAS holds that is made from an account key: a COPY INTO reads with it from its first to its last file. */
const SAS_MILLISECONDS = 4 * 3600_000;
/** Clocks differ. */
const SAS_EARLY_MILLISECONDS = 10 * 60_000;

/**
 * An object store as the staging place. The warehouse reads it by the first of: `staging_credential` (named, Unity Catalog), a SAS made for the statement
 * from the account key, the SAS token, AWS session keys; else by an external location of its own.
 * @throws IngestError STAGING_LOCAL
 */
export function createStoreStaging(
  store: ObjectStore,
  config: FilesystemDestination,
  namedCredential: string | undefined,
): StagingPlace {
  if (store.kind === 'local') {
    throw new IngestError('STAGING_LOCAL', `Databricks cannot read the folder ${store.location}.`, {
      hint: 'Let `staging` name a filesystem destination in Azure, S3 or Google Cloud, or set staging_volume.',
    });
  }
  return {
    location: store.location,
    url: (folder) => store.url(folder),
    credential: () => credentialOf(store, config, namedCredential),
    write: (key, body, bytes, signal) => store.write(key, body, bytes, signal),
    async list(folder, signal) {
      const keys: string[] = [];
      for await (const page of store.list(folder, { signal })) keys.push(...page.objects.map(({ key }) => key));
      return keys;
    },
    remove: (keys, signal) => store.delete(keys, signal),
    close: () => store.close(),
  };
}

async function credentialOf(
  store: ObjectStore,
  config: FilesystemDestination,
  named: string | undefined,
): Promise<StagingCredential | null> {
  if (named) return { kind: 'named', name: named };
  if (store.kind === 'azure') {
    const text = config.azure_storage_connection_string ?? '';
    const part = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`, 'i').exec(text)?.[1];
    const given = config.azure_storage_sas_token ?? part('SharedAccessSignature') ?? sasInUrl(config.bucket_url);
    const key = config.azure_storage_account_key ?? part('AccountKey');
    if (key) return { kind: 'azure_sas', token: await accountSas(store, config, key, part('AccountName')) };
    return given ? { kind: 'azure_sas', token: given.trim().replace(/^\?/, '') } : null;
  }
  const { aws_access_key_id: accessKey, aws_secret_access_key: secretKey, aws_session_token: sessionToken } = config;
  return store.kind === 's3' && accessKey && secretKey && sessionToken
    ? { kind: 'aws_session', accessKey, secretKey, sessionToken }
    : null;
}

/** A token for reading and listing the container, signed by us: the key itself never leaves. */
async function accountSas(
  store: ObjectStore,
  config: FilesystemDestination,
  key: string,
  accountName: string | undefined,
): Promise<string> {
  const blob = await loadDriver('@azure/storage-blob', () => import('@azure/storage-blob'));
  const [, container = '', host = ''] = /^abfss:\/\/([^@/]+)@([^/]+)/.exec(store.url('')) ?? [];
  const account = config.azure_storage_account_name ?? accountName ?? host.split('.')[0] ?? '';
  const now = Date.now();
  return blob
    .generateBlobSASQueryParameters(
      {
        containerName: container,
        permissions: blob.ContainerSASPermissions.parse('rl'),
        startsOn: new Date(now - SAS_EARLY_MILLISECONDS),
        expiresOn: new Date(now + SAS_MILLISECONDS),
      },
      new blob.StorageSharedKeyCredential(account, key.trim()),
    )
    .toString();
}

function sasInUrl(url: string): string | undefined {
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  return /(?:^|&)sig=/i.test(query) ? query : undefined;
}
