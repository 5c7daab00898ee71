import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createWorkbook } from '../bundle/create-workbook.ts';
import { editWorkbook, planEdits } from '../bundle/edit-workbook.ts';
import { readFingerprinted } from '../bundle/fingerprint.ts';
import { checkProjectFile, isProjectFile, projectFileName, projectFileText } from '../bundle/project-file.ts';
import { CONFIG_FILE, locateProject, WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import { parseTomlBytes } from '../bundle/toml.ts';
import { editTomlFile, tomlFingerprint } from '../bundle/toml-file.ts';
import { errorCode, writeFileAtomic } from '../bundle/write-atomic.ts';
import type { ProjectDocument } from '../contract.ts';
import { IngestError } from '../errors.ts';
import { leafPaths } from '../secrets/table.ts';
import type { HandlerGroup } from './handlers.ts';
import { readDocument, refusePlaceholders } from './project-document.ts';
import { parseFingerprint, projectFingerprints } from './project-fingerprint.ts';
import { forgetProject, recentProjects, rememberProject } from './recent-projects.ts';
import { dropRecovery } from './recovery.ts';
import { saveCopy } from './save-copy.ts';
import type { ServiceContext } from './service-context.ts';

type ProjectCalls =
  | 'project.recent'
  | 'project.forget'
  | 'project.open'
  | 'project.open_sample'
  | 'project.create'
  | 'project.save'
  | 'project.save_copy'
  | 'project.save_warnings'
  | 'project.close';

const NEW_CONFIG = `# Connections ([sources.NAME]) and destinations of this project. Secrets never stand here: they are kept in the keychain,
# in environment variables (SOURCES__NAME__PASSWORD) or in .dlt/secrets.toml, which git ignores.

[destinations.duckdb]
type = "duckdb"
path = "output/NAME.duckdb"
`;

const GITIGNORE = '.dlt/secrets.toml\nmetadata/\noutput/\n';

export const projectHandlers: HandlerGroup<ProjectCalls> = (service) => ({
  'project.recent': () => recentProjects(service),
  'project.forget': ({ directory }) => forgetProject(service, directory),
  'project.open': ({ directory, env }, { client }) => open(service, directory, env, client),
  async 'project.open_sample'(_input, { client }) {
    const directory = await freeFolder(service.documentsDirectory, 'Ingest Studio sample');
    await copySample(service.sampleDirectory, directory);
    await writeProjectFile(directory, path.basename(directory));
    return open(service, directory, null, client);
  },
  async 'project.create'({ directory, name }, { client }) {
    await createProject(directory, name);
    return open(service, directory, null, client);
  },
  'project.save': (input, { client }) =>
    service.projects.exclusive(input.directory, async () => {
      await save(input);
      // The edits are in the workbook now. What could not be forgotten would only be offered once more.
      if (input.edits.length > 0) await dropRecovery(service, input.directory).catch(() => undefined);
      return readDocument(service, input.directory, input.env, client);
    }),
  async 'project.save_copy'(input, { client }) {
    for (const { path: key, value } of input.config) refusePlaceholders(value, key.join('.'));
    await prepareFolder(input.target);
    await saveCopy(service, input);
    await writeProjectFile(input.target, path.basename(input.target));
    await dropRecovery(service, input.directory).catch(() => undefined);
    return open(service, input.target, null, client);
  },
  'project.save_warnings': async ({ directory, edits }) =>
    planEdits((await locateProject(directory)).workbookPath, edits),
  'project.close': ({ directory }, { client }) => service.projects.leave(client, directory),
});

async function open(
  service: ServiceContext,
  given: string,
  env: string | null,
  client: string,
): Promise<ProjectDocument> {
  const directory = await projectFolder(given);
  const document = await readDocument(service, directory, env, client);
  await rememberProject(service, document);
  return document;
}

/** The folder of what a person chose: a folder, or the workbook or the project's file in it. */
async function projectFolder(given: string): Promise<string> {
  const found = await stat(given).catch(() => null);
  const directory = found?.isFile() === true ? path.dirname(given) : path.resolve(given);
  if (found?.isFile() === true && isProjectFile(given)) await checkProjectFile(given);
  else if (found?.isFile() === true && path.basename(given) !== WORKBOOK_FILE) {
    throw new IngestError('WORKBOOK_NAME', `${path.basename(given)} is not a project's workbook.`, {
      hint: `A project is a folder with a workbook named ${WORKBOOK_FILE}. Rename it, or make a new project and copy its rows.`,
    });
  }
  const { workbookPath, settingsDirectory } = await locateProject(directory);
  const isThere = async (file: string) => (await stat(file).catch(() => null)) !== null;
  if (!(await isThere(workbookPath)) && !(await isThere(path.join(settingsDirectory, '.dlt')))) {
    throw new IngestError('PROJECT_NOT_FOUND', `${directory} holds no ${WORKBOOK_FILE}: it is not a project.`, {
      hint: 'Choose the folder that holds the workbook, or make a new project there.',
    });
  }
  return directory;
}

/** A name that is not taken yet: `NAME`, `NAME 2`, … */
async function freeFolder(parent: string, name: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (let number = 1; ; number += 1) {
    const directory = path.join(parent, number === 1 ? name : `${name} ${number}`);
    try {
      await mkdir(directory);
      return directory;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw notWritable(parent, error);
    }
  }
}

/** Scripts that make the sample stay behind. */
async function copySample(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    filter: (source) => !source.endsWith('.ts') && !['next-day', 'output', 'metadata'].includes(path.basename(source)),
  });
}

/** Makes the folder of a new project, with what keeps secrets and data out of git. Never lays one over another. */
async function prepareFolder(directory: string): Promise<void> {
  const entries = await readdir(directory).catch((error: unknown): string[] => {
    if (errorCode(error) === 'ENOENT') return [];
    throw notWritable(directory, error);
  });
  if (entries.includes(WORKBOOK_FILE) || entries.includes('.dlt')) {
    throw new IngestError('PROJECT_EXISTS', `${directory} holds a project already; nothing was written.`, {
      hint: 'Open it, or choose another folder.',
    });
  }
  try {
    await mkdir(path.join(directory, '.dlt'), { recursive: true });
  } catch (error) {
    throw notWritable(directory, error);
  }
  if (!entries.includes('.gitignore')) await writeFileAtomic(path.join(directory, '.gitignore'), GITIGNORE);
}

async function createProject(directory: string, name: string): Promise<void> {
  await prepareFolder(directory);
  const file = name.replace(/[^\p{L}\p{N}_-]+/gu, '_') || 'project';
  await writeFileAtomic(path.join(directory, CONFIG_FILE), NEW_CONFIG.replace('NAME.duckdb', `${file}.duckdb`));
  await createWorkbook(path.join(directory, WORKBOOK_FILE), { settings: { name } });
  await writeProjectFile(directory, name);
}

/** What a double click opens. One that is there, perhaps under another name, stays. */
async function writeProjectFile(directory: string, name: string): Promise<void> {
  if ((await readdir(directory)).some(isProjectFile)) return;
  await writeFileAtomic(path.join(directory, projectFileName(name)), projectFileText());
}

function notWritable(directory: string, error: unknown): IngestError {
  return new IngestError('FOLDER_NOT_WRITABLE', `${directory} cannot be written (${errorCode(error)}).`, {
    hint: 'Choose another folder, or check that you may write there.',
    cause: error,
  });
}

type SaveInput = Parameters<ReturnType<typeof projectHandlers>['project.save']>[0];

/** Workbook and configuration, or neither. */
async function save({ directory, env, fingerprint, configFingerprint, edits, config }: SaveInput): Promise<void> {
  for (const { path: key, value } of config) refusePlaceholders(value, key.join('.'));
  const places = await locateProject(directory);
  const now = await projectFingerprints(places);
  // Both are looked at before either is written.
  if (edits.length > 0 && now.fingerprint !== fingerprint) throw changed('WORKBOOK_CHANGED', places.workbookPath);
  const configPath = path.join(places.settingsDirectory, CONFIG_FILE);
  if (config.length > 0 && now.configFingerprint !== configFingerprint) throw changed('TOML_CHANGED', configPath);

  const before = edits.length > 0 ? await readFingerprinted(places.workbookPath).catch(() => null) : null;
  const written =
    edits.length > 0
      ? await editWorkbook(places.workbookPath, edits, { expected: parseFingerprint(fingerprint) })
      : null;
  if (config.length === 0) return;
  try {
    await editConfig(places.settingsDirectory, env, config);
  } catch (error) {
    if (before !== null && written !== null && written.sha256 !== before.fingerprint.sha256) {
      await writeFileAtomic(places.workbookPath, before.bytes);
    }
    throw error;
  }
}

/** Each key goes to the file that it stands in: an overlay's keys to the overlay, all others to config.toml. */
export async function editConfig(
  settingsDirectory: string,
  env: string | null,
  edits: readonly { path: readonly string[]; value: unknown }[],
): Promise<void> {
  const base = path.join(settingsDirectory, CONFIG_FILE);
  const overlay = env === null ? null : path.join(settingsDirectory, '.dlt', `config.${env}.toml`);
  const inOverlay = overlay === null ? new Set<string>() : await keysOf(overlay);
  const toOverlay = (key: readonly string[]) =>
    [...inOverlay].some((there) => there === key.join('\n') || there.startsWith(`${key.join('\n')}\n`));
  for (const file of [base, overlay]) {
    if (file === null) continue;
    const own = edits.filter(({ path: key }) => toOverlay(key) === (file === overlay));
    if (own.length === 0) continue;
    await editTomlFile(
      file,
      own.map(({ path: key, value }) => ({ path: key, value: value ?? undefined })),
      { expected: await tomlFingerprint(file) },
    );
  }
}

async function keysOf(file: string): Promise<Set<string>> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  return new Set(leafPaths(parseTomlBytes(bytes, path.basename(file)).table).map((key) => key.join('\n')));
}

function changed(code: string, file: string): IngestError {
  return new IngestError(code, `${file} was changed by another program since it was opened; nothing was written.`, {
    hint: 'Reload it to see the other changes, then repeat yours; your edits are kept until then.',
  });
}
