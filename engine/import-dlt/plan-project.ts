import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readProjectFiles } from '../bundle/read-project-files.ts';
import { formatToml, isTable, layOver } from '../bundle/toml.ts';
import { IngestError } from '../errors.ts';
import { isSecretFromSecretPlace, isSecretValue } from '../secrets/secret-values.ts';
import { leafPaths, setAt, valueAt } from '../secrets/table.ts';
import { AUTH_KEYS } from '../spec/api-table.ts';
import { connectionUses } from '../spec/connections.ts';
import type { SourceType } from '../spec/kinds.ts';
import type { RawSheet, Table } from '../spec/project.ts';
import { collectSecrets } from '../spec/secret-keys.ts';
import { ImportDraft, type ImportedSecret, type ImportNote } from './dlt-import.ts';

/**
 * A project of the Python framework that wrote its jobs into a workbook and everything else, flat, into `.dlt/secrets.toml`:
 * what its files become. The workbook is not among them: it is copied as it is.
 */
export interface PlanImport {
  /** Absolute path of the workbook. */
  workbook: string;
  /** Rows of SourceConfig. */
  jobs: number;
  /** Names of the connections. */
  connections: string[];
  /** The text of `.dlt/config.toml`; no secret is in it. */
  config: string;
  secrets: ImportedSecret[];
  notes: ImportNote[];
}

/** Pagination keys that stood flat beside the connection's. */
const PAGINATION_KEYS = [
  'pagination_type',
  'page_size',
  'limit_param',
  'offset_param',
  'cursor_param',
  'cursor_path',
  'page_param',
  'per_page_param',
  'base_page',
  'next_url_path',
  'max_pages',
];

/** The tables of TOML that are read here. */
const OTHER_SECTIONS = ['destinations', 'notifications', 'telemetry', 'key_vault', 'history'];
const SECTIONS = ['sources', 'destination', ...OTHER_SECTIONS];

/** Keys of its databases that meant something to Python's drivers only. */
const DRIVER_KEYS = ['driver', 'drivername'];

/** What lies beside the workbook and is not taken over, by the name's form. */
const LEFT_OUT: readonly [name: RegExp, message: string][] = [
  [/^databricks\.ya?ml$/i, 'make it anew: ingest export -o BUNDLE --dab'],
  [/^(\.github|azure-pipelines\.ya?ml)$/i, 'make it anew: ingest export -o BUNDLE --ci github (or azure-devops)'],
  [
    /^(src|tests|pyproject\.toml|requirements.*\.txt|setup\.(py|cfg)|.*\.py)$/i,
    'Python code; the engine of this program does its work',
  ],
  [/^(metadata|logs?)$/i, 'logs and metrics of earlier runs stay where they are'],
];

/**
 * The project in `folder`, or null where it holds no workbook (it is then a project of dlt's own). Nothing is written.
 * @throws IngestError IMPORT_INVALID where the workbook or a TOML file cannot be read
 */
export async function readPlanProject(folder: string): Promise<PlanImport | null> {
  const files = await readProjectFiles(folder);
  if (files.findings.some(({ code }) => code === 'WORKBOOK_NOT_FOUND')) return null;
  const problem = files.findings.find(({ severity }) => severity === 'error');
  if (problem) {
    throw new IngestError('IMPORT_INVALID', problem.message, problem.hint === null ? {} : { hint: problem.hint });
  }
  const draft = new ImportDraft();
  const { plain, secret } = apart(files.config, files.secrets);
  const kinds = kindsOf(files.jobs, isTable(plain.sources) ? plain.sources : {});
  const sections = sourceSections(draft, plain, kinds);
  const destination = destinationTable(draft, plain, secret);
  for (const key of Object.keys(plain)) {
    if (!SECTIONS.includes(key)) draft.leftOut(`[${key}]`, 'is a setting of dlt itself and means nothing here');
  }
  for (const key of leafPaths(secret)) draft.secrets.push({ path: key, value: String(valueAt(secret, key)) });
  notesOfWorkbook(draft, files.jobs);
  await notesOfFiles(draft, new Set([path.resolve(folder), files.directory, files.settingsDirectory]));
  return {
    workbook: files.workbookPath,
    jobs: files.jobs?.rows.length ?? 0,
    connections: [...sections.keys()],
    config: configText(sections, { ...destination, ...otherSections(plain) }, draft.secrets),
    secrets: draft.secrets,
    notes: draft.notes,
  };
}

/** What may be shown, and what may not: the flat form keeps both in secrets.toml, which counts before config.toml. */
function apart(config: Table, secrets: Table): { plain: Table; secret: Table } {
  const plain: Table = {};
  const secret: Table = {};
  for (const [table, isSecret] of [
    [config, isSecretValue],
    [secrets, (key: readonly string[]) => isSecretFromSecretPlace(key) && !isKnownPlain(key)],
  ] as const) {
    for (const key of leafPaths(table)) {
      const value = valueAt(table, key);
      if (value === '') continue;
      const within = new Set<string>();
      collectSecrets(value, key, new Set(), within);
      const isHidden = SECTIONS.includes(key[0] ?? '') && (isSecret(key) || within.size > 0);
      setAt(isHidden ? secret : plain, key, value);
    }
  }
  return { plain, secret };
}

/** Keys of the framework that no model of ours has, and that are no secrets. */
function isKnownPlain(key: readonly string[]): boolean {
  return [...PAGINATION_KEYS, ...DRIVER_KEYS, 'type', 'source_type'].includes(key.at(-1) ?? '');
}

function kindsOf(sheet: RawSheet | null, sections: Table): Map<string, SourceType> {
  const index = new Map(sheet?.headers.map((header, at) => [header.trim().toLowerCase(), at]));
  const kinds = new Map<string, SourceType>();
  for (const [name, { type }] of connectionUses(sheet, index, sections)) if (type !== null) kinds.set(name, type);
  return kinds;
}

/** `[sources.NAME]` with `auth` and `pagination` as tables of their own, by name. */
function sourceSections(draft: ImportDraft, plain: Table, kinds: ReadonlyMap<string, SourceType>): Map<string, Table> {
  const sections = new Map<string, Table>();
  for (const [name, table] of Object.entries(isTable(plain.sources) ? plain.sources : {})) {
    if (!isTable(table)) continue;
    const place = `sources.${name}`;
    const kind = kinds.get(name) ?? table.type ?? table.source_type;
    const { type: _type, source_type: _sourceType, ...given } = table;
    const section: Table = kind === undefined ? {} : { type: kind };
    const nested: Record<'auth' | 'pagination', Table> = { auth: {}, pagination: {} };
    for (const [key, value] of Object.entries(given)) {
      if (DRIVER_KEYS.includes(key)) draft.leftOut(`${place}.${key}`, 'is not needed: drivers are built in');
      else if (kind === 'api' && AUTH_NAMES[key] !== undefined) nested.auth[AUTH_NAMES[key]] = value;
      else if (kind === 'api' && PAGINATION_KEYS.includes(key))
        nested.pagination[key === 'pagination_type' ? 'type' : key] = value;
      else section[RENAMED[String(kind)]?.[key] ?? key] = value;
    }
    const moved = (['auth', 'pagination'] as const).filter((part) => Object.keys(nested[part]).length > 0);
    for (const part of moved) section[part] = layOver(nested[part], isTable(section[part]) ? section[part] : {});
    if (moved.length > 0)
      draft.changed(place, `${moved.join(' and ')}: now ${moved.map((part) => `[${place}.${part}]`).join(' and ')}`);
    if (!kinds.has(name)) draft.changed(place, 'no job of the workbook names it; it is kept');
    sections.set(name, section);
  }
  return sections;
}

/** The framework's flat keys and how they are called inside `auth`. */
const AUTH_NAMES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(AUTH_KEYS.map((key) => [key, key])),
  auth_type: 'type',
  oauth_url: 'token_url',
};

/** The framework's other spellings, by kind. */
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  api: { url: 'base_url' },
  filesystem: { path: 'bucket_url' },
  oracle: { database: 'service_name' },
};

/** `[destination]`: what stood twice, flat and below `credentials`, stands once, and it is said which one a run uses. */
function destinationTable(draft: ImportDraft, plain: Table, secret: Table): Table {
  const destination: Table = isTable(plain.destination) ? { ...plain.destination } : {};
  for (const [kind, table] of Object.entries(destination)) {
    if (!isTable(table)) continue;
    const { credentials, type: _type, ...flat } = table;
    const place = `destination.${kind}`;
    if (isTable(credentials)) {
      for (const [key, value] of Object.entries(credentials)) {
        if (flat[key] !== undefined && flat[key] !== value)
          draft.changed(`${place}.${key}`, 'stood twice with different values; the one outside of credentials counts');
        else if (flat[key] !== undefined) draft.changed(`${place}.${key}`, 'stood twice; it stands once');
        flat[key] ??= value;
      }
    }
    destination[kind] = flat;
    const hidden = valueAt(secret, ['destination', kind]);
    if (isTable(hidden) && isTable(hidden.credentials)) {
      for (const [key, value] of Object.entries(hidden.credentials)) {
        if (hidden[key] === undefined) hidden[key] = value;
        else draft.changed(`${place}.${key}`, 'stood twice; the one outside of credentials counts');
      }
      delete hidden.credentials;
    }
  }
  const kinds = Object.keys(destination).filter((key) => isTable(destination[key]));
  if (kinds.length > 0 && destination.type === undefined) {
    // The framework's own default where it is not told.
    const type = kinds.includes('filesystem') ? 'filesystem' : (kinds[0] as string);
    draft.changed('destination.type', `was not said; "${type}" is what the framework used`);
    return { destination: { type, ...destination } };
  }
  if (kinds.length === 0 && destination.type === undefined && !isTable(plain.destinations)) {
    draft.changed('destination', 'there was none: jobs load into output.duckdb until you name another');
    return { destination: { type: 'duckdb', duckdb: { path: 'output.duckdb' } } };
  }
  return { destination };
}

/** What the framework had not, and a project may hold all the same. */
function otherSections(plain: Table): Table {
  return Object.fromEntries(OTHER_SECTIONS.flatMap((name) => (isTable(plain[name]) ? [[name, plain[name]]] : [])));
}

function notesOfWorkbook(draft: ImportDraft, sheet: RawSheet | null): void {
  const at = (name: string) => sheet?.headers.findIndex((header) => header.trim().toLowerCase() === name) ?? -1;
  const load = at('load_type');
  const incremental = sheet?.rows.filter(({ cells }) => /^incremental$/i.test((cells[load] ?? '').trim())).length ?? 0;
  if (incremental > 0)
    draft.changed(
      'watermarks',
      `the first run of an INCREMENTAL job begins at its last_watermark, or with everything; ingest state set JOB VALUE begins elsewhere`,
    );
}

async function notesOfFiles(draft: ImportDraft, folders: ReadonlySet<string>): Promise<void> {
  const seen = new Set<string>();
  for (const folder of folders) {
    for (const name of (await readdir(folder).catch((): string[] => [])).sort()) {
      const message = LEFT_OUT.find(([pattern]) => pattern.test(name))?.[1];
      if (message === undefined || seen.has(name)) continue;
      seen.add(name);
      draft.leftOut(name, message);
    }
  }
}

/** config.toml with a line above each connection that says where its secrets come from. */
function configText(sections: ReadonlyMap<string, Table>, rest: Table, secrets: readonly ImportedSecret[]): string {
  const parts = [
    '# Connections and destinations. Secrets never stand here: they come from the environment (SOURCES__NAME__PASSWORD),\n' +
      '# from .dlt/secrets.toml, which git ignores, or from the keychain.',
  ];
  const needed = (head: string, name: string) =>
    secrets
      .filter(({ path: [first, second] }) => first === head && second === name)
      .map(({ path: key }) => `# Secret: ${key.map((part) => part.toUpperCase()).join('__')}`);
  for (const [name, table] of sections) {
    const lines = needed('sources', name);
    if (typeof table.rate_limit === 'number') lines.push('# rate_limit: requests a minute');
    parts.push([...lines, formatToml({ sources: { [name]: table } }).trim()].join('\n'));
  }
  for (const [head, table] of Object.entries(rest)) {
    const lines = isTable(table) ? Object.keys(table).flatMap((name) => needed(head, name)) : [];
    parts.push([...lines, formatToml({ [head]: table }).trim()].join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}
