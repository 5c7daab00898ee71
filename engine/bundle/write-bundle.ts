import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { IngestError } from '../errors.ts';
import { type ComparedProject, type Difference, diffProjects } from '../spec/project-diff.ts';
import { BUNDLE_FILE, type BundleDocument, bundleHashes, readBundleDocument } from './bundle-document.ts';
import type { Bundle } from './export-bundle.ts';
import { readProjectFiles } from './read-project-files.ts';
import { errorCode, writeFileAtomic } from './write-atomic.ts';

/** A bundle that has errors is not written. */
export class BundleRefusedError extends IngestError {
  readonly findings: Bundle['findings'];

  constructor(findings: Bundle['findings']) {
    const count = findings.length === 1 ? 'an error' : `${findings.length} errors`;
    super('EXPORT_REFUSED', `The project has ${count}, so nothing was exported.`, {
      hint: 'Correct them and export again: what is exported can be run.',
    });
    this.findings = findings;
  }
}

/** What a folder holds of an earlier export. */
export interface ExportTarget {
  folder: string;
  /** Null for a new or empty place, or one with other people's files only. */
  previous: Pick<BundleDocument, 'files'> | null;
}

/**
 * Looks at the folder that a bundle is to be written to.
 * @throws IngestError EXPORT_TARGET where it is the project's own folder, a file, or holds a project that was not exported
 */
export async function inspectTarget(target: string, project: string): Promise<ExportTarget> {
  if (!isAbsolute(target)) throw refused(`${target} is not a whole path.`, 'Name the folder with its whole path.');
  const folder = resolve(target);
  const real = async (path: string) => await realpath(path).catch(() => resolve(path));
  const [there, own] = [await real(folder), await real(project)];
  if (there === own || (basename(own) === 'config' && there === dirname(own))) {
    throw refused(`${folder} is the project's own folder.`, 'Choose another folder, e.g. one beside it.');
  }
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (errorCode(error) === 'ENOENT') return [];
    throw refused(`${folder} cannot be used (${errorCode(error)}).`, 'Choose a folder that you may write into.');
  });
  // A bundle.json that was ours and cannot be read any more: its files are written over, none is removed.
  const previous = await readBundleDocument(folder).catch(() => ({ files: [] }));
  if (previous === null && (names.includes('ingestion_config.xlsx') || names.includes('.dlt'))) {
    throw refused(
      `${folder} holds a project that was not exported by Ingest Studio.`,
      'Choose an empty folder: it would be overwritten.',
    );
  }
  return { folder, previous };
}

/** The difference to what was exported into the folder before; null where nothing was, or where it cannot be read. */
export async function differenceTo(
  { folder, previous }: ExportTarget,
  now: ComparedProject,
): Promise<Difference | null> {
  if (previous === null) return null;
  const before = await readProjectFiles(folder).catch(() => null);
  return before === null ? null : diffProjects(before, now);
}

/**
 * Writes a bundle, `bundle.json` last: a half-written one is refused by the runner. Files of an earlier export that are no part of this one
 * go, if nobody changed them; everything else in the folder stays.
 * @returns names of the files written
 * @throws BundleRefusedError; IngestError EXPORT_TARGET and those of writing
 */
export async function writeBundle(bundle: Bundle, { folder, previous }: ExportTarget): Promise<string[]> {
  const errors = bundle.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new BundleRefusedError(errors);
  await mkdir(join(folder, '.dlt'), { recursive: true }).catch((error: unknown) => {
    throw refused(`${folder} cannot be made (${errorCode(error)}).`, 'Choose a folder that you may write into.');
  });
  const place = (name: string) => join(folder, ...name.split('/'));
  await rm(place(BUNDLE_FILE), { force: true });
  const names = new Set(bundle.files.map(({ name }) => name));
  for (const { path, sha256 } of previous?.files ?? []) {
    if (names.has(path)) continue;
    const bytes = await readFile(place(path)).catch(() => null);
    if (bytes !== null && bundleHashes(path, bytes).includes(sha256)) await rm(place(path), { force: true });
  }
  for (const { name, bytes } of bundle.files) {
    await mkdir(dirname(place(name)), { recursive: true });
    await writeFileAtomic(place(name), bytes);
  }
  return [...names];
}

function refused(message: string, hint: string): IngestError {
  return new IngestError('EXPORT_TARGET', message, { hint });
}
