import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isIngestError } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import { BUNDLE_FILE, type BundleDocument, bundleHashes, readBundleDocument } from './bundle-document.ts';

export interface VerifyOptions {
  /** Version of this runner. */
  runner: string;
  /** The environment that a run lays over, whose file must be part of the bundle. */
  env?: string;
}

/** What stands against running the bundle in a folder: files that are not those that were exported. Empty for a folder that is no bundle. */
export async function verifyBundle(folder: string, options: VerifyOptions): Promise<Finding[]> {
  let bundle: BundleDocument | null;
  try {
    bundle = await readBundleDocument(folder);
  } catch (error) {
    if (!isIngestError(error)) throw error;
    return [finding(BUNDLE_FILE, error.code, error.message, error.hint ?? null)];
  }
  if (bundle === null) return [];
  if (isOlder(options.runner, bundle.minimum_runner_version)) {
    return [
      finding(
        BUNDLE_FILE,
        'BUNDLE_TOO_NEW',
        `The bundle needs ingest ${bundle.minimum_runner_version} or later; this is ${options.runner}.`,
        'Upgrade this runner.',
      ),
    ];
  }
  const findings: Finding[] = [];
  for (const { path, sha256 } of bundle.files) {
    const bytes = await readFile(join(folder, ...path.split('/'))).catch(() => null);
    if (bytes !== null && bundleHashes(path, bytes).includes(sha256)) continue;
    // What explains the bundle to people decides nothing.
    if (!/\.(xlsx|toml)$/.test(path)) continue;
    findings.push(
      bytes === null
        ? changed(path, `${path} is missing from the bundle.`)
        : changed(path, `${path} is not the file that was exported: it was changed since, or only partly copied.`),
    );
  }
  const overlay = `.dlt/config.${options.env}.toml`;
  if (options.env !== undefined && !bundle.files.some(({ path }) => path === overlay)) {
    const there = await readFile(join(folder, ...overlay.split('/'))).catch(() => null);
    if (there !== null) findings.push(changed(overlay, `${overlay} is not part of the bundle that was exported.`));
  }
  return findings;
}

function changed(path: string, message: string): Finding {
  return finding(
    path,
    'BUNDLE_CHANGED',
    message,
    `Export the project again, or copy the bundle again as a whole. To run the files as they are, delete ${BUNDLE_FILE}.`,
  );
}

function finding(sheet: string, code: string, message: string, hint: string | null): Finding {
  return { severity: 'error', code, sheet, row: null, column: null, value: null, message, hint, fix: null };
}

/** Compares `1.2.3` part by part; what is no version is never older. */
function isOlder(version: string, minimum: string): boolean {
  const parts = (text: string) => text.split(/[.+-]/).slice(0, 3).map(Number);
  const [have, need] = [parts(version), parts(minimum)];
  for (let at = 0; at < 3; at += 1) {
    const [h, n] = [have[at] ?? 0, need[at] ?? 0];
    if (Number.isNaN(h) || Number.isNaN(n)) return false;
    if (h !== n) return h < n;
  }
  return false;
}
