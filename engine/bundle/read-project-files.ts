import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { IngestError, isIngestError } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import type { RawSheet, Table } from '../spec/project.ts';
import { openElsewhere } from './lock-file.ts';
import { readWorkbook } from './read-workbook.ts';
import { layOver, type ParsedToml, parseTomlBytes } from './toml.ts';
import { errorCode, isLocked } from './write-atomic.ts';

export const WORKBOOK_FILE = 'ingestion_config.xlsx';
export const CONFIG_FILE = '.dlt/config.toml';
export const SECRETS_FILE = '.dlt/secrets.toml';

/** What the files of a project say, before secrets and validation. */
export interface ProjectFiles {
  /** Absolute path of the folder that holds the workbook. */
  directory: string;
  /** Absolute path of the folder that holds `.dlt`; the same one but in the plan's layout. */
  settingsDirectory: string;
  /** Absolute path of `ingestion_config.xlsx`, there or not. */
  workbookPath: string;
  jobs: RawSheet | null;
  checks: RawSheet | null;
  settings: RawSheet | null;
  /** `.dlt/config.toml` with `.dlt/config.ENV.toml` laid over it; dates are their TOML text. */
  config: Table;
  /** `.dlt/secrets.toml`; in the plan's flat form it holds the connections, too. */
  secrets: Table;
  /** Where each key path (`sources.shop.port`) stands; what config says counts before secrets, an overlay before both. */
  lines: ReadonlyMap<string, TomlPlace>;
  /** Problems of the files themselves; their messages never hold a TOML value. */
  findings: Finding[];
}

/** A line of a TOML file, named as findings name it. */
export interface TomlPlace {
  /** `.dlt/config.toml` */
  file: string;
  /** 1-based. */
  line: number;
}

export interface ReadProjectOptions {
  /** Lays `.dlt/config.ENV.toml` over `config.toml`. */
  env?: string;
}

/**
 * Reads the files of the project in `directory` (or in its `config` sub-folder; `.dlt` may then lie in either).
 * Problems of single files are findings; an IngestError is thrown where the folder itself cannot be read
 * (`PROJECT_NOT_FOUND`, `PROJECT_NOT_READABLE`).
 */
export async function readProjectFiles(directory: string, options: ReadProjectOptions = {}): Promise<ProjectFiles> {
  const { folder, settingsFolder } = await locate(resolve(directory));
  const findings: Finding[] = [];
  const workbookPath = join(folder, WORKBOOK_FILE);
  const [sheets, config, secrets] = await Promise.all([
    readSheets(workbookPath),
    readConfig(settingsFolder, options.env),
    readToml(settingsFolder, SECRETS_FILE),
  ]);
  findings.push(...sheets.findings, ...config.findings, ...(secrets?.findings ?? []));
  if (!config.found && !secrets) {
    findings.push(
      finding(
        'warning',
        'CONFIG_NOT_FOUND',
        CONFIG_FILE,
        `${join(settingsFolder, CONFIG_FILE)} does not exist: the project has no connections.`,
        'Create it with a [sources.NAME] table for each connection.',
      ),
    );
  }
  return {
    directory: folder,
    settingsDirectory: settingsFolder,
    workbookPath,
    jobs: sheets.jobs,
    checks: sheets.checks,
    settings: sheets.settings,
    config: config.table,
    secrets: secrets?.table ?? {},
    lines: new Map([...placesOf(secrets, SECRETS_FILE), ...config.places]),
    findings,
  };
}

/**
 * Where the files of the project in `directory` are, as {@link readProjectFiles} finds them; whether they exist is not asked.
 * @throws IngestError `PROJECT_NOT_FOUND`, `PROJECT_NOT_READABLE`
 */
export async function locateProject(
  directory: string,
): Promise<Pick<ProjectFiles, 'directory' | 'settingsDirectory' | 'workbookPath'>> {
  const { folder, settingsFolder } = await locate(resolve(directory));
  return { directory: folder, settingsDirectory: settingsFolder, workbookPath: join(folder, WORKBOOK_FILE) };
}

/** The folder with the workbook and the folder with `.dlt`. */
async function locate(directory: string): Promise<{ folder: string; settingsFolder: string }> {
  const names = await listFolder(directory);
  const hasWorkbook = names.some((entry) => entry.name === WORKBOOK_FILE);
  if (!hasWorkbook && names.some((entry) => entry.name === 'config' && !entry.isFile())) {
    const folder = join(directory, 'config');
    const inner = await listFolder(folder);
    if (inner.some((entry) => entry.name === WORKBOOK_FILE)) {
      return { folder, settingsFolder: inner.some((entry) => entry.name === '.dlt') ? folder : directory };
    }
  }
  // The plan's layout once more, with `-c` naming the inner folder.
  if (hasWorkbook && !names.some((entry) => entry.name === '.dlt') && basename(directory) === 'config') {
    const outer = dirname(directory);
    const above = await readdir(outer).catch((): string[] => []);
    if (above.includes('.dlt')) return { folder: directory, settingsFolder: outer };
  }
  return { folder: directory, settingsFolder: directory };
}

async function listFolder(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') {
      throw new IngestError('PROJECT_NOT_FOUND', `There is no folder ${directory}.`, {
        hint: `Name the folder that holds ${WORKBOOK_FILE} with --config.`,
        cause: error,
      });
    }
    if (code === 'ENOTDIR') {
      throw new IngestError('PROJECT_NOT_FOUND', `${directory} is a file, not a folder.`, {
        hint: `Name the folder that holds ${WORKBOOK_FILE}: ${dirname(directory)}`,
        cause: error,
      });
    }
    throw new IngestError(
      'PROJECT_NOT_READABLE',
      `The folder ${directory} cannot be read (${code || 'unknown error'}).`,
      {
        hint: 'Check that you may read it.',
        cause: error,
      },
    );
  }
}

type Sheets = Pick<ProjectFiles, 'jobs' | 'checks' | 'settings' | 'findings'>;

async function readSheets(path: string): Promise<Sheets> {
  const nothing = { jobs: null, checks: null, settings: null };
  try {
    const bytes = await readFile(path);
    const sheets = await readWorkbook(bytes, WORKBOOK_FILE);
    const owner = await openElsewhere(path);
    if (owner) {
      sheets.findings.push(
        finding(
          'notice',
          'WORKBOOK_OPEN',
          WORKBOOK_FILE,
          `${WORKBOOK_FILE} is open in ${owner}; what was saved last is read.`,
          'Save it there before you run.',
        ),
      );
    }
    sheets.findings.push(...(await conflictFindings(path)));
    return sheets;
  } catch (error) {
    if (isIngestError(error))
      return { ...nothing, findings: [finding('error', error.code, WORKBOOK_FILE, error.message, error.hint ?? null)] };
    return { ...nothing, findings: [await unreadable(path, error)] };
  }
}

/** Copies that a sync client (OneDrive, Dropbox, Nextcloud, Syncthing) made because two people saved at once. */
async function conflictFindings(path: string): Promise<Finding[]> {
  const stem = WORKBOOK_FILE.replace('.xlsx', '');
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const copies = names.filter((name) => name.startsWith(stem) && /conflict.*\.xlsx$/i.test(name));
  if (copies.length === 0) return [];
  return [
    finding(
      'warning',
      'WORKBOOK_CONFLICT',
      WORKBOOK_FILE,
      `A sync client has kept a second version of ${WORKBOOK_FILE}: ${copies.slice(0, 3).join(', ')}.`,
      'Bring its changes over by hand and delete it; it is not read.',
    ),
  ];
}

async function unreadable(path: string, error: unknown): Promise<Finding> {
  const code = errorCode(error);
  if (code === 'ENOENT') {
    const others = (await readdir(dirname(path)).catch(() => [])).filter(
      (name) => /\.(xlsx|xlsm|xls|ods|csv)$/i.test(name) && !name.startsWith('~$'),
    );
    const found = others.length > 0 ? ` The folder holds ${others.slice(0, 5).join(', ')}.` : '';
    return finding(
      'error',
      'WORKBOOK_NOT_FOUND',
      WORKBOOK_FILE,
      `${path} does not exist.${found}`,
      others.length > 0
        ? `Rename the project's workbook to ${WORKBOOK_FILE}.`
        : `Name the folder that holds ${WORKBOOK_FILE} with --config.`,
    );
  }
  if (isLocked(error)) {
    const owner = await openElsewhere(path);
    return finding(
      'error',
      'WORKBOOK_LOCKED',
      WORKBOOK_FILE,
      `${path} cannot be opened (${code})${owner ? `: it is open in ${owner}` : ''}.`,
      'Close it in Excel, wait until the sync client has finished, and check that you may read it.',
    );
  }
  if (code === 'EISDIR')
    return finding(
      'error',
      'WORKBOOK_NOT_FOUND',
      WORKBOOK_FILE,
      `${path} is a folder.`,
      'Put the workbook in its place.',
    );
  return finding(
    'error',
    'WORKBOOK_NOT_READABLE',
    WORKBOOK_FILE,
    `${path} cannot be read (${code || 'unknown error'}).`,
    'Copy it to a local disk and try again.',
  );
}

interface Config {
  table: Table;
  places: [string, TomlPlace][];
  findings: Finding[];
  found: boolean;
}

async function readConfig(folder: string, env: string | undefined): Promise<Config> {
  const base = await readToml(folder, CONFIG_FILE);
  const config: Config = {
    table: base?.table ?? {},
    places: placesOf(base, CONFIG_FILE),
    findings: base?.findings ?? [],
    found: base !== null,
  };
  if (env === undefined) return config;
  const file = `.dlt/config.${env}.toml`;
  // A name, never a path.
  const overlay = /^[\w-]+$/.test(env) ? await readToml(folder, file) : null;
  if (overlay) {
    return {
      table: layOver(config.table, overlay.table),
      places: [...config.places, ...placesOf(overlay, file)],
      findings: [...config.findings, ...overlay.findings],
      found: true,
    };
  }
  const names = (await readdir(join(folder, '.dlt')).catch((): string[] => [])).flatMap(
    (name) => /^config\.([\w-]+)\.toml$/.exec(name)?.[1] ?? [],
  );
  const missing = finding(
    'error',
    'ENV_NOT_FOUND',
    file,
    `There is no environment "${env}": ${file} does not exist.`,
    names.length > 0
      ? `Use one of ${names.sort().join(', ')}.`
      : `Create ${file} with what differs from ${CONFIG_FILE}.`,
  );
  return { ...config, findings: [...config.findings, missing] };
}

function placesOf(parsed: ParsedToml | null, file: string): [string, TomlPlace][] {
  return [...(parsed?.lines ?? [])].map(([path, line]) => [path, { file, line }]);
}

/** Null where the file does not exist. */
async function readToml(folder: string, file: string): Promise<ParsedToml | null> {
  try {
    return parseTomlBytes(await readFile(join(folder, file)), file);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    return {
      table: {},
      lines: new Map(),
      findings: [
        finding(
          'error',
          'TOML_NOT_READABLE',
          file,
          `${join(folder, file)} cannot be read (${code || 'unknown error'}).`,
          'Check that it is a file and that you may read it.',
        ),
      ],
    };
  }
}

function finding(
  severity: Finding['severity'],
  code: string,
  sheet: string,
  message: string,
  hint: string | null,
): Finding {
  return { severity, code, sheet, row: null, column: null, value: null, message, hint, fix: null };
}
