import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IngestError } from '../errors.ts';
import { errorCode } from './write-atomic.ts';

export const BUNDLE_FILE = 'bundle.json';
export const BUNDLE_FORMAT = 'ingest-studio-bundle';
export const BUNDLE_VERSION = 1;

/** Path inside a bundle: relative, with slashes, never out of it. */
const insidePath = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\\:]+$/);

/** What an exported project says of itself. Persisted: a change of form needs a new version. */
export const bundleModel = z.object({
  format: z.literal(BUNDLE_FORMAT),
  version: z.literal(BUNDLE_VERSION),
  app: z.object({ name: z.string(), version: z.string() }),
  /** Runners of an older version refuse it. */
  minimum_runner_version: z.string(),
  created_at: z.iso.datetime(),
  project: z.string(),
  validation: z.object({
    errors: z.int(),
    warnings: z.int(),
    jobs: z.int(),
    enabled_jobs: z.int(),
    checks: z.int(),
  }),
  /** Every file of the bundle but this one. `sha256` is of the bytes; text files have LF at their line ends. */
  files: z.array(z.object({ path: insidePath, bytes: z.int(), sha256: z.string() })),
  /** What the place that runs it must provide; never values. `key_vault` says where a vault is asked for it; the variable counts before it. */
  secrets: z.array(
    z.object({
      path: z.string(),
      environment: z.string(),
      key_vault: z.object({ vault: z.string(), secret: z.string() }).optional(),
    }),
  ),
});
export type BundleDocument = z.infer<typeof bundleModel>;

/**
 * The bundle document of a folder; null where the folder is no bundle.
 * @throws IngestError BUNDLE_CHANGED where it cannot be read, BUNDLE_TOO_NEW where it is of a newer form
 */
export async function readBundleDocument(folder: string): Promise<BundleDocument | null> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(join(folder, BUNDLE_FILE), 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return null;
    throw damaged(error);
  }
  const head = z.object({ format: z.literal(BUNDLE_FORMAT), version: z.number() }).safeParse(raw);
  // Another tool's file of this name is none of our business.
  if (!head.success) return null;
  if (head.data.version > BUNDLE_VERSION) {
    throw new IngestError(
      'BUNDLE_TOO_NEW',
      `${BUNDLE_FILE} has version ${head.data.version}; this runner knows up to ${BUNDLE_VERSION}.`,
      {
        hint: 'Upgrade this runner to the version that exported the bundle.',
      },
    );
  }
  const parsed = bundleModel.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw damaged(parsed.error);
}

/** Hash of a file as bundles name it. Text that a tool gave CRLF on its way (git on Windows) counts as unchanged. */
export function bundleHashes(path: string, bytes: Uint8Array): string[] {
  const hash = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
  if (!/\.(toml|example|json|md|yml|py)$|^\.gitignore$/.test(path)) return [hash(bytes)];
  return [hash(bytes), hash(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n'), 'latin1'))];
}

function damaged(cause: unknown): IngestError {
  return new IngestError('BUNDLE_CHANGED', `${BUNDLE_FILE} cannot be read: it was changed or only partly copied.`, {
    hint: 'Export the bundle again, or copy it again as a whole.',
    cause,
  });
}
