import { posix, resolve, win32 } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IngestError, messageOf } from '../errors.ts';

/** What a bucket_url names. `prefix` is '' or ends in `/`; `display` is the URL without secrets. */
export type StoreLocation = LocalLocation | AzureLocation | BucketLocation;

export interface LocalLocation {
  kind: 'local';
  /** Absolute. */
  folder: string;
}

export interface AzureLocation {
  kind: 'azure';
  container: string;
  prefix: string;
  /** Null where only the credentials say it. */
  account: string | null;
  /** The URL's own host, maybe with a scheme; null where only the credentials say it. */
  host: string | null;
  /** Of a URL with a signature in its query. */
  sas: string | null;
  display: string;
}

export interface BucketLocation {
  kind: 's3' | 'gcs';
  bucket: string;
  prefix: string;
  display: string;
}

const SCHEMES: Readonly<Record<string, 'azure' | 's3' | 'gcs'>> = {
  az: 'azure',
  abfs: 'azure',
  abfss: 'azure',
  azure: 'azure',
  s3: 's3',
  s3a: 's3',
  gs: 'gcs',
  gcs: 'gcs',
};

/**
 * The place that a bucket_url names: a path (relative ones start at `baseDirectory`), `file://`, `az://container/path`,
 * `abfss://container@account.dfs.core.windows.net/path`, `https://account.blob.core.windows.net/container/path`, `s3://bucket/path`, `gs://bucket/path`.
 * @throws IngestError OBJECT_STORE_LOCATION
 */
export function parseLocation(bucketUrl: string, baseDirectory: string, platform = process.platform): StoreLocation {
  const text = bucketUrl.trim();
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined && !/^file:/i.test(text))
    return { kind: 'local', folder: localPath(text, baseDirectory, platform) };
  if (scheme === 'file' || scheme === undefined) return { kind: 'local', folder: fileUrlPath(text) };
  if (scheme === 'https' || scheme === 'http') return azureUrl(text);
  const kind = SCHEMES[scheme];
  const shown = text.split('?')[0] as string;
  if (kind === undefined) {
    throw unusable(shown, `${scheme}:// is no store`, 'Use a folder, file://, az://, abfss://, s3:// or gs://.');
  }
  const [, authority = '', path = ''] = /^[^:]+:\/\/([^/?#]*)([^?#]*)/.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const container = decodeURIComponent(at < 0 ? authority : authority.slice(0, at));
  if (container === '') {
    throw unusable(shown, 'it names no container or bucket', `Write ${scheme}://NAME/path.`);
  }
  const prefix = prefixOf(path);
  if (kind !== 'azure') return { kind, bucket: container, prefix, display: shown.replace(/\/+$/, '') };
  const host = at < 0 ? null : authority.slice(at + 1);
  const query = text.includes('?') ? text.slice(text.indexOf('?') + 1) : null;
  return {
    kind,
    container,
    prefix,
    account: host?.split('.')[0] ?? null,
    host,
    sas: signatureIn(query),
    display: shown.replace(/\/+$/, ''),
  };
}

/** `https://account.blob.core.windows.net/container/path`, as the portal shows it, maybe with a SAS behind it. */
function azureUrl(text: string): AzureLocation {
  const shown = text.split('?')[0] as string;
  const url = URL.canParse(text) ? new URL(text) : null;
  const hint = 'Write https://account.blob.core.windows.net/container/path, or az://, abfss://, s3://, gs://.';
  if (url === null || !/\.(?:blob|dfs)\./i.test(url.hostname))
    throw unusable(shown, 'it is no address of an Azure storage account', hint);
  const [, container = '', ...rest] = url.pathname.split('/');
  if (container === '') throw unusable(shown, 'it names no container', hint);
  return {
    kind: 'azure',
    container: decodeURIComponent(container),
    prefix: prefixOf(rest.map(decodeURIComponent).join('/')),
    account: url.hostname.split('.')[0] as string,
    host: `${url.protocol}//${url.host}`,
    sas: signatureIn(url.search.replace(/^\?/, '')),
    display: shown.replace(/\/+$/, ''),
  };
}

function signatureIn(query: string | null): string | null {
  return query !== null && /(?:^|&)sig=/i.test(query) ? query : null;
}

function prefixOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.length === 0 ? '' : `${parts.join('/')}/`;
}

function fileUrlPath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw unusable(
      text,
      `it is no usable file URL: ${messageOf(error)}`,
      'Write file:///folder, file:///C:/folder on Windows, or simply the path.',
      error,
    );
  }
}

function localPath(text: string, baseDirectory: string, platform: NodeJS.Platform): string {
  const windowsPath = /^[A-Za-z]:[\\/]/.test(text) || text.startsWith('\\\\');
  if (windowsPath && platform !== 'win32') {
    throw unusable(
      text,
      'it is a Windows path, and this is not Windows',
      'Override it for this environment in .dlt/config.<environment>.toml, or use a path relative to the project.',
    );
  }
  return resolve(baseDirectory, platform === 'win32' ? text : text.replaceAll('\\', '/'));
}

/**
 * The place of a folder below another place; `folder` may have either separator.
 * @throws IngestError OBJECT_STORE_LOCATION where it leads out
 */
export function locationBelow(location: StoreLocation, folder: string): StoreLocation {
  const parts = folder.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || posix.isAbsolute(folder) || win32.isAbsolute(folder)) {
    throw unusable(
      folder,
      'it leads out of the place that it is to lie in',
      'Name a folder below bucket_url, such as sales/2024.',
    );
  }
  if (location.kind === 'local') return { ...location, folder: resolve(location.folder, ...parts) };
  const below = parts.map((part) => `${part}/`).join('');
  const display = [location.display, ...parts].join('/');
  return { ...location, prefix: location.prefix + below, display };
}

function unusable(text: string, why: string, hint: string, cause?: unknown): IngestError {
  return new IngestError('OBJECT_STORE_LOCATION', `"${text}" cannot be used: ${why}.`, { hint, cause });
}
