import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { editWorkbookBytes } from '../bundle/edit-workbook.ts';
import { CONFIG_FILE, locateProject, WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import { editToml, parseTomlBytes } from '../bundle/toml.ts';
import { writeFileAtomic } from '../bundle/write-atomic.ts';
import { IngestError } from '../errors.ts';
import { leafPaths, valueAt } from '../secrets/table.ts';
import { collectSecrets } from '../spec/secret-keys.ts';
import { configFiles } from './project-fingerprint.ts';
import type { ServiceContext } from './service-context.ts';

export interface CopyRequest {
  directory: string;
  /** Of the workbook as the window read it. */
  fingerprint: string;
  target: string;
  /** Against the workbook as it was read. */
  edits: Parameters<typeof editWorkbookBytes>[1];
  /** The configuration as the window has it, without secrets; for a project whose own files are gone. */
  config: readonly { path: readonly string[]; value: unknown }[];
}

/**
 * Writes what a window shows as a project of its own: the workbook as it was read, with everything that is in it, and the edits laid over it;
 * the configuration with its comments and without secrets; the secrets of the keychain, where it can be asked.
 * @throws IngestError `WORKBOOK_CHANGED` where the version that was read is known no more
 */
export async function saveCopy(service: ServiceContext, request: CopyRequest): Promise<void> {
  const { directory, fingerprint, target, edits, config } = request;
  const places = await locateProject(directory).catch(() => null);
  const read = service.workbooks.find(fingerprint);
  if (read === null) {
    throw new IngestError(
      'WORKBOOK_CHANGED',
      'The version of the workbook that this window read is not known any more.',
      {
        hint: 'Read the files again and repeat your changes, or copy the rows of the grid into another workbook.',
      },
    );
  }
  // Everything is made before anything is written.
  const workbook = await editWorkbookBytes(read, edits, WORKBOOK_FILE);
  const files = places === null ? [] : await configFiles(places.settingsDirectory).catch((): string[] => []);
  const copies = await Promise.all(
    files.map(async (file) => ({
      name: path.join('.dlt', path.basename(file)),
      text: withoutSecrets(await readFile(file), path.basename(file)),
    })),
  );
  if (!copies.some(({ name }) => name === path.normalize(CONFIG_FILE))) {
    const edits = config.map(({ path: key, value }) => ({ path: [...key], value: value ?? undefined }));
    copies.push({ name: path.normalize(CONFIG_FILE), text: editToml('', edits, CONFIG_FILE) });
  }
  for (const { name, text } of copies) await writeFileAtomic(path.join(target, name), text);
  await writeFileAtomic(path.join(target, WORKBOOK_FILE), workbook);
  await copySecrets(service, directory, target);
}

/** Comments and order stay. A file that cannot be read as TOML could hold anything: it stays behind. */
function withoutSecrets(bytes: Buffer, name: string): string {
  const { table, findings } = parseTomlBytes(bytes, name);
  if (findings.some(({ severity }) => severity === 'error')) return '';
  const edits = leafPaths(table).flatMap((key) => {
    const secrets = new Set<string>();
    collectSecrets(valueAt(table, key), key, NO_PATHS, secrets);
    return secrets.size === 0 ? [] : [{ path: key, value: undefined }];
  });
  return editToml(bytes.toString('utf8'), edits, name);
}

const NO_PATHS: ReadonlySet<string> = new Set();

/** The person's own secrets, for the copy too. Where the keychain cannot be asked they are entered again. */
async function copySecrets({ secretStore }: ServiceContext, from: string, to: string): Promise<void> {
  try {
    const changes: { path: string[]; value: string | null }[] = [];
    for (const key of await secretStore.paths(from))
      changes.push({ path: key, value: await secretStore.get(from, key) });
    await secretStore.set(to, changes);
  } catch {
    // The copy's findings name each secret that it lacks.
  }
}
