import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IngestError, messageOf } from '../../errors.ts';

const CLOUD = /^(?:az|abfss?|adl|s3|s3a|gs|gcs|https?):\/\//i;

/**
 * The folder that a connection's bucket_url and a job's source_object name: a path (relative ones start at the project), a `file://` URL,
 * a Windows drive or share; source_object, where it is set, is a folder below it. Throws FILES_LOCATION_UNSUPPORTED for locations of other systems.
 */
export function resolveLocation(
  bucketUrl: string,
  projectDirectory: string,
  folder: string | null,
  platform = process.platform,
): string {
  const root = resolveRoot(bucketUrl.trim(), projectDirectory, platform);
  if (folder === null) return root;
  const parts = folder.split(/[\\/]/).filter((part) => part !== '');
  if (parts.includes('..') || isAbsolute(folder)) {
    throw new IngestError('FILES_LOCATION_UNSUPPORTED', `source_object "${folder}" leads out of "${bucketUrl}".`, {
      hint: 'For a filesystem job source_object names a folder below bucket_url, such as sales/2024.',
    });
  }
  return join(root, ...parts);
}

function resolveRoot(bucketUrl: string, projectDirectory: string, platform: NodeJS.Platform): string {
  if (CLOUD.test(bucketUrl)) {
    throw new IngestError(
      'FILES_LOCATION_UNSUPPORTED',
      `bucket_url "${bucketUrl.split('?')[0]}" is not supported yet: only folders and file:// URLs are.`,
      {
        hint: 'Use a local or mounted folder.',
      },
    );
  }
  if (/^file:/i.test(bucketUrl)) {
    try {
      return fileURLToPath(bucketUrl);
    } catch (error) {
      throw new IngestError(
        'FILES_LOCATION_UNSUPPORTED',
        `bucket_url "${bucketUrl}" is no usable file URL: ${messageOf(error)}`,
        {
          hint: 'Write file:///folder, file:///C:/folder on Windows, or simply the path.',
          cause: error,
        },
      );
    }
  }
  const windowsPath = /^[A-Za-z]:[\\/]/.test(bucketUrl) || bucketUrl.startsWith('\\\\');
  if (windowsPath && platform !== 'win32') {
    throw new IngestError(
      'FILES_LOCATION_UNSUPPORTED',
      `bucket_url "${bucketUrl}" is a Windows path, and this is not Windows.`,
      {
        hint: 'Override it for this environment in .dlt/config.<environment>.toml, or use a path relative to the project.',
      },
    );
  }
  return resolve(projectDirectory, platform === 'win32' ? bucketUrl : bucketUrl.replaceAll('\\', '/'));
}
