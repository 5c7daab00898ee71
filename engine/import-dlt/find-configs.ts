import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isTable, layOver, parseTomlBytes } from '../bundle/toml.ts';
import { IngestError, messageOf } from '../errors.ts';
import type { Table } from '../spec/project.ts';

/** A dlt config as it was found. */
export interface FoundConfig {
  /** What the connection may be called. */
  name: string;
  kind: 'rest_api' | 'sql_database';
  table: Table;
}

export interface FoundConfigs {
  configs: FoundConfig[];
  /** Code, which nobody but Python can read: the files that may hold more. */
  scripts: string[];
}

/**
 * The rest_api and sql_database configs of a file (TOML or JSON) or of a dlt project's folder (`.dlt/config.toml` with `.dlt/secrets.toml` laid over it,
 * and JSON and TOML files beside them).
 * @throws IngestError IMPORT_NOT_FOUND, IMPORT_INVALID, IMPORT_NOTHING
 */
export async function findDltConfigs(file: string): Promise<FoundConfigs> {
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      throw new IngestError('IMPORT_NOT_FOUND', `${file} cannot be read (${error.code}).`, {
        hint: 'Give a TOML or JSON file with a rest_api config, or the folder of a dlt project.',
        cause: error,
      });
    },
  );
  const found: FoundConfigs = { configs: [], scripts: [] };
  if (isFolder) await searchFolder(file, found);
  else if (/\.py$/i.test(file)) found.scripts.push(path.basename(file));
  else search(await readTable(file), [], path.basename(file).replace(/\.[^.]*$/, ''), found.configs);
  if (found.configs.length > 0) return found;
  throw new IngestError(
    'IMPORT_NOTHING',
    `${file} holds no rest_api config (client and resources), no sql_database${isFolder ? ' and no ingestion_config.xlsx' : ''}.`,
    {
      hint:
        found.scripts.length > 0
          ? `${found.scripts.slice(0, 3).join(', ')}: a config in Python is code. Print it once with json.dumps(config) and import that file.`
          : 'A rest_api config has the keys client (with base_url) and resources.',
    },
  );
}

async function searchFolder(folder: string, found: FoundConfigs): Promise<void> {
  const settings: Table[] = [];
  for (const name of ['config.toml', 'secrets.toml']) {
    const table = await readTable(path.join(folder, '.dlt', name)).catch((error: unknown) => {
      if ((error as { code?: string }).code === 'IMPORT_NOT_FOUND') return null;
      throw error;
    });
    if (table) settings.push(table);
  }
  search(settings.reduce(layOver, {}), [], 'dlt', found.configs);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    if (/\.py$/i.test(entry.name)) found.scripts.push(entry.name);
    if (!/\.(json|toml)$/i.test(entry.name) || /^(package(-lock)?|tsconfig|pyproject|bundle)\./i.test(entry.name))
      continue;
    const name = entry.name.replace(/\.[^.]*$/, '');
    search(await readTable(path.join(folder, entry.name)).catch(() => ({})), [], name, found.configs);
  }
}

async function readTable(file: string): Promise<Table> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new IngestError('IMPORT_NOT_FOUND', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
  if (/\.json$/i.test(file)) {
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
      if (isTable(value)) return value;
    } catch (error) {
      // The message of JSON.parse quotes the text, which may be a secret.
      const place = /position \d+/.exec(messageOf(error))?.[0] ?? '';
      throw new IngestError(
        'IMPORT_INVALID',
        `${path.basename(file)} is no valid JSON${place === '' ? '' : ` (${place})`}.`,
      );
    }
    throw new IngestError('IMPORT_INVALID', `${path.basename(file)} holds no JSON object.`);
  }
  const parsed = parseTomlBytes(bytes, path.basename(file));
  const problem = parsed.findings.find(({ severity }) => severity === 'error');
  if (problem)
    throw new IngestError('IMPORT_INVALID', problem.message, problem.hint === null ? {} : { hint: problem.hint });
  return parsed.table;
}

/** Section names that say nothing about the API. */
const GENERAL = new Set(['sources', 'rest_api', 'config', 'source', 'data', 'client']);

/** Looks for tables that are configs, however deep dlt's sections nest them. */
function search(table: Table, sections: readonly string[], fallback: string, configs: FoundConfig[]): void {
  const kind = kindOf(table, sections);
  if (kind) {
    const name = sections.findLast((section) => !GENERAL.has(section)) ?? fallback;
    configs.push({ name, kind, table });
    return;
  }
  for (const [key, value] of Object.entries(table)) {
    if (key === 'destination' || key === 'runtime') continue;
    if (isTable(value)) search(value, [...sections, key], fallback, configs);
  }
}

function kindOf(table: Table, sections: readonly string[]): FoundConfig['kind'] | null {
  const { resources, client, base_url, credentials } = table;
  const hasResources = Array.isArray(resources) || isTable(resources);
  if (hasResources && (isTable(client) || typeof base_url === 'string')) return 'rest_api';
  const isSql = sections[0] === 'sources' && (sections.includes('sql_database') || Array.isArray(table.table_names));
  return isSql && (isTable(credentials) || typeof credentials === 'string') ? 'sql_database' : null;
}
