import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Fingerprint, readFingerprinted } from '../bundle/fingerprint.ts';
import { errorCode } from '../bundle/write-atomic.ts';

/** Where a project's files are. */
export interface ProjectPlaces {
  workbookPath: string;
  /** The folder that holds `.dlt`. */
  settingsDirectory: string;
}

/** What a project's files are at a moment, as texts that a window keeps and gives back. */
export interface ProjectFingerprints {
  fingerprint: string;
  configFingerprint: string;
}

/** Of a file that is not there. */
const NONE = 'none';

export function fingerprintText({ size, sha256 }: Fingerprint): string {
  return `${size}-${sha256}`;
}

/** The fingerprint behind a text; the time in it means nothing. */
export function parseFingerprint(text: string): Fingerprint {
  const [size = '', sha256 = ''] = text.split('-');
  return { size: Number(size), mtimeMs: 0, sha256 };
}

/** Reads what the files are now. A file that cannot be read counts as one that is not there. */
export async function projectFingerprints(places: ProjectPlaces): Promise<ProjectFingerprints> {
  const hash = createHash('sha256');
  for (const file of await configFiles(places.settingsDirectory)) {
    hash.update(`${path.basename(file)}\n${await fileText(file)}\n`);
  }
  return { fingerprint: await fileText(places.workbookPath), configFingerprint: hash.digest('hex') };
}

/** `config.toml` and its overlays. */
export async function configFiles(settingsDirectory: string): Promise<string[]> {
  const folder = path.join(settingsDirectory, '.dlt');
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errorCode(error))) return [];
    throw error;
  });
  return names
    .filter((name) => /^config(\.[\w-]+)?\.toml$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

/** NAME of each `.dlt/config.NAME.toml`. */
export async function environmentsOf(settingsDirectory: string): Promise<string[]> {
  return (await configFiles(settingsDirectory)).flatMap(
    (file) => /^config\.(.+)\.toml$/.exec(path.basename(file))?.[1] ?? [],
  );
}

async function fileText(file: string): Promise<string> {
  try {
    return fingerprintText((await readFingerprinted(file)).fingerprint);
  } catch {
    return NONE;
  }
}
