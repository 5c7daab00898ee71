import { constants, copyFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { CONFIG_FILE, SECRETS_FILE, WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import { editTomlFile } from '../bundle/toml-file.ts';
import { writeFileAtomic } from '../bundle/write-atomic.ts';
import { IngestError } from '../errors.ts';
import type { PlanImport } from './plan-project.ts';

/**
 * Makes a project of an import in `directory`, which must hold none: the workbook byte for byte, `.dlt/config.toml`,
 * the secrets' names in `.dlt/secrets.toml.example` and, with `withSecrets`, their values in `.dlt/secrets.toml`.
 * Returns the absolute paths of the files that were made.
 * @throws IngestError PROJECT_EXISTS, and as writeFileAtomic and editTomlFile
 */
export async function writePlanProject(
  directory: string,
  imported: PlanImport,
  withSecrets: boolean,
): Promise<string[]> {
  const there = await readdir(directory).catch((): string[] => []);
  if (there.includes(WORKBOOK_FILE) || there.includes('.dlt') || there.includes('config')) {
    throw new IngestError('PROJECT_EXISTS', `${directory} holds a project already; nothing was written.`, {
      hint: 'Name an empty or new folder: ingest -c NEW import-dlt FOLDER',
    });
  }
  await mkdir(path.join(directory, '.dlt'), { recursive: true });
  const file = (name: string) => path.join(directory, ...name.split('/'));
  const written: string[] = [];
  if (!there.includes('.gitignore')) {
    await writeFileAtomic(file('.gitignore'), `${SECRETS_FILE}\nmetadata/\noutput/\n`);
    written.push(file('.gitignore'));
  }
  await writeFileAtomic(file(CONFIG_FILE), imported.config);
  written.push(file(CONFIG_FILE));
  const secrets = (name: string, textOf: (value: string) => string) =>
    editTomlFile(
      file(name),
      imported.secrets.map(({ path: key, value }) => ({ path: key, value: textOf(value) })),
      { expected: null },
    ).then(() => written.push(file(name)));
  if (imported.secrets.length > 0) {
    await secrets(`${SECRETS_FILE}.example`, () => '');
    if (withSecrets) await secrets(SECRETS_FILE, (value) => value);
  }
  // Last: a folder with a workbook is a project, whole.
  await copyFile(imported.workbook, file(WORKBOOK_FILE), constants.COPYFILE_EXCL);
  written.push(file(WORKBOOK_FILE));
  return written;
}
