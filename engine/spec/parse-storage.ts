import { decoded, type Found, pairOf, searchPairs, splitSettings } from './connection-text.ts';
import type { Table } from './project.ts';

const PUBLIC_AZURE = /^([a-z0-9]+)\.(?:blob|dfs)\.core\.windows\.net$/i;

/**
 * An address of a place in a bucket: `az://`, `abfss://`, `s3://`, `gs://`, or as the portals and browsers show it
 * (`https://account.blob.core.windows.net/container?sv=…`); or the JSON of a service account's key. A signature in it is a secret.
 */
export function parseStorage(text: string): Found | null {
  if (text.startsWith('{')) return keyFile(text);
  if (/\s/.test(text)) return null;
  const [, scheme = '', user, authority = '', path = '', query = ''] =
    /^([a-z0-9]+):\/\/(?:([^@/?#]+)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?/i.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case 'az':
    case 'azure':
    case 'abfs':
    case 'abfss':
      return azure(`${scheme}://${user === undefined ? '' : `${user}@`}${authority}${path}`, {}, query);
    case 's3':
    case 's3a':
      return s3(authority, path, query, user);
    case 'gs':
    case 'gcs':
      return storage({ bucket_url: `gs://${authority}${path}` });
    case 'http':
    case 'https':
      return webAddress(authority, path, query);
    default:
      return null;
  }
}

/** `DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…`, as “Access keys” of a storage account shows it. */
export function parseStoragePairs(text: string): Found | null {
  const pairs = new Map(
    splitSettings(text)
      .map((setting) => pairOf(setting))
      .map(([key, value]) => [key.toLowerCase(), value]),
  );
  const opens = pairs.has('accountkey') || pairs.has('sharedaccesssignature');
  if (!opens || !(pairs.has('accountname') || pairs.has('blobendpoint'))) return null;
  const found = storage({ bucket_url: 'az://' }, { azure_storage_connection_string: text });
  return {
    ...found,
    form: 'connection string',
    notes: ['It names no container: add it to the address, az://CONTAINER'],
  };
}

function storage(values: Table, secrets: Record<string, string> = {}, notes: string[] = []): Found {
  return { section: 'sources', type: 'filesystem', form: 'storage address', values, secrets, notes };
}

function azure(url: string, values: Table, query: string): Found {
  const signed = /(^|&)sig=/i.test(query);
  return storage({ bucket_url: url, ...values }, signed ? { azure_storage_sas_token: query } : {}, []);
}

function s3(bucket: string, path: string, query: string, user: string | undefined): Found {
  const values: Table = { bucket_url: `s3://${bucket}${path}` };
  const secrets: Record<string, string> = {};
  if (user !== undefined) {
    const colon = user.indexOf(':');
    values.aws_access_key_id = decoded(colon < 0 ? user : user.slice(0, colon));
    if (colon >= 0) secrets.aws_secret_access_key = decoded(user.slice(colon + 1));
  }
  for (const [key, value] of searchPairs(query)) {
    if (/^region$/i.test(key)) values.region_name = value;
    else if (/^endpoint(_?url|_?override)?$/i.test(key)) values.endpoint_url = value;
  }
  return storage(values, secrets);
}

/** Of the clouds' own addresses; null for any other, which is a web service. */
function webAddress(authority: string, path: string, query: string): Found | null {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  const place = decoded(path).replace(/^\/+/, '');
  if (/\.(blob|dfs)\./.test(host)) {
    const account = host.split('.')[0] as string;
    const values: Table = { azure_storage_account_name: account };
    if (!PUBLIC_AZURE.test(host)) values.azure_account_host = authority.replace('.dfs.', '.blob.');
    const found = azure(`az://${place}`, values, query);
    return place === '' ? { ...found, notes: ['It names no container: add it to the address, az://CONTAINER'] } : found;
  }
  const amazon = /^(?:(.+)\.)?s3[.-](?:([a-z]{2}-[a-z-]+-\d)\.)?amazonaws\.com(?:\.cn)?$/.exec(host);
  if (amazon !== null) {
    const [, bucket, region] = amazon;
    const found = storage({
      bucket_url: `s3://${bucket === undefined ? place : `${bucket}/${place}`}`.replace(/\/$/, ''),
      ...(region === undefined ? {} : { region_name: region }),
    });
    const signed = /(^|&)x-amz-signature=/i.test(query);
    const note = 'Its signature opens one object only and was left out: sign in with an access key or a profile';
    return signed ? { ...found, notes: [note] } : found;
  }
  if (/^storage\.(googleapis|cloud\.google)\.com$/.test(host)) return storage({ bucket_url: `gs://${place}` });
  return null;
}

function keyFile(text: string): Found | null {
  try {
    const key: unknown = JSON.parse(text);
    if (key === null || typeof key !== 'object' || !('private_key' in key) || !('client_email' in key)) return null;
    const found = storage({ bucket_url: 'gs://' }, { service_account_key: text });
    return { ...found, form: 'key file', notes: ['It names no bucket: add it to the address, gs://BUCKET'] };
  } catch {
    return null;
  }
}
