import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { IngestError, messageOf } from '../errors.ts';
import { type LoadPackage, PACKAGE_VERSION, type PackageManifest, packageManifestModel } from './load-package.ts';

const MANIFEST = 'manifest.json';

/** What a package is for; packages of other targets are other jobs' business. */
export interface PackageScope {
  pipeline: string;
  destination: string;
  target_schema: string;
  target_table: string;
}

/**
 * Load packages on disk: `<root>/<pipeline>/<destination>/<schema>.<table>/<load id>/`. A folder without a manifest is incomplete, whatever else it holds.
 * Packages hold the source's rows: folders are readable by their owner only, and go away once they are loaded.
 */
export class PackageStore {
  readonly #folder: string;

  constructor(root: string, scope: PackageScope) {
    this.#folder = path.join(
      root,
      safe(scope.pipeline),
      safe(scope.destination),
      `${safe(scope.target_schema)}.${safe(scope.target_table)}`,
    );
  }

  /** Makes the folder of a new package. */
  async create(loadId: string): Promise<string> {
    const folder = path.join(this.#folder, loadId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Makes a package complete: files and manifest reach the disk, and only then the manifest gets its name. */
  async complete(folder: string, manifest: PackageManifest): Promise<LoadPackage> {
    for (const table of manifest.tables) {
      for (const file of table.files) await sync(path.join(folder, file.name));
    }
    const temporary = path.join(folder, `${MANIFEST}.tmp`);
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(manifest));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path.join(folder, MANIFEST));
    await syncFolder(folder);
    return { folder, manifest };
  }

  /**
   * What earlier runs left: complete packages, oldest first; incomplete ones are removed.
   * @throws IngestError PACKAGE_UNREADABLE, PACKAGE_NEWER
   */
  async leftovers(): Promise<LoadPackage[]> {
    return await this.#complete((folder) => this.remove(folder));
  }

  /** The packages of {@link leftovers}, to look at: nothing is removed. */
  async waiting(): Promise<LoadPackage[]> {
    return await this.#complete(async () => undefined);
  }

  async #complete(onIncomplete: (folder: string) => Promise<void>): Promise<LoadPackage[]> {
    const names = await readdir(this.#folder).catch(() => [] as string[]);
    const packages: LoadPackage[] = [];
    for (const name of names.sort()) {
      const folder = path.join(this.#folder, name);
      const text = await readFile(path.join(folder, MANIFEST), 'utf8').catch(() => null);
      if (text === null) await onIncomplete(folder);
      else packages.push({ folder, manifest: parseManifest(text, folder) });
    }
    return packages;
  }

  async remove(folder: string): Promise<void> {
    // maxRetries: on Windows a virus scanner may hold a file for a moment
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function parseManifest(text: string, folder: string): PackageManifest {
  let version: unknown;
  try {
    const json = JSON.parse(text);
    version = json?.version;
    return packageManifestModel.parse(json);
  } catch (error) {
    if (typeof version === 'number' && version > PACKAGE_VERSION) {
      throw new IngestError(
        'PACKAGE_NEWER',
        `The load package ${folder} was written by a newer version (format ${version}, this one reads ${PACKAGE_VERSION}).`,
        {
          hint: 'Run with the version that wrote it, or delete the folder to read its rows again from the source.',
        },
      );
    }
    throw new IngestError(
      'PACKAGE_UNREADABLE',
      `The manifest of load package ${folder} cannot be read: ${messageOf(error).slice(0, 200)}`,
      {
        hint: 'Delete the folder; its rows are read again from the source.',
        cause: error,
      },
    );
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A renamed file is only safe once its folder is; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Names become folder names: what some file system refuses is replaced, and a hash is not needed since names were validated as identifiers. */
function safe(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (c) => `%${c.codePointAt(0)?.toString(16).padStart(2, '0')}`);
}
