import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createWorkbook } from '../bundle/create-workbook.ts';
import { editWorkbook } from '../bundle/edit-workbook.ts';
import { readFingerprinted } from '../bundle/fingerprint.ts';
import { readProjectFiles, WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import { isTable, type TomlEdit } from '../bundle/toml.ts';
import { editTomlFile, tomlFingerprint } from '../bundle/toml-file.ts';
import type { WorkbookEdit } from '../bundle/workbook-edits.ts';
import type { RawSheet, Table } from '../spec/project.ts';
import type { DltImport, ImportNote } from './dlt-import.ts';

export interface WrittenImport {
  /** Absolute paths of files that were made or changed. */
  files: string[];
  /** Rows that were added. */
  jobs: number;
  /** What was there already, and stays as it is. */
  notes: ImportNote[];
}

/**
 * Adds an import to the project in `directory`, or makes one there. Rows and connections that are there already stay as they are.
 * Secrets go to `.dlt/secrets.toml.example` as names; with `withSecrets` their values go to `.dlt/secrets.toml`.
 * @throws IngestError as editWorkbook, createWorkbook and editTomlFile do; files written before then stay
 */
export async function writeImport(
  directory: string,
  imported: DltImport,
  withSecrets: boolean,
): Promise<WrittenImport> {
  await mkdir(directory, { recursive: true });
  const project = await readProjectFiles(directory);
  const written: WrittenImport = { files: [], jobs: 0, notes: [] };
  await writeConnections(path.join(project.settingsDirectory, '.dlt'), project.config, imported, withSecrets, written);
  const rows = newRows(project.jobs, imported.jobs, written);
  if (rows.length === 0) return written;
  if (await exists(project.workbookPath)) {
    const { fingerprint } = await readFingerprinted(project.workbookPath);
    await editWorkbook(project.workbookPath, rowEdits(project.jobs, rows), { expected: fingerprint });
    written.files.push(project.workbookPath);
  } else {
    const workbook = path.join(project.directory, WORKBOOK_FILE);
    await createWorkbook(workbook, { jobs: rows });
    written.files.push(workbook);
  }
  written.jobs = rows.length;
  return written;
}

async function writeConnections(
  folder: string,
  config: Table,
  imported: DltImport,
  withSecrets: boolean,
  written: WrittenImport,
): Promise<void> {
  const known = isTable(config.sources) ? config.sources : {};
  const edits: TomlEdit[] = [];
  const added = new Set<string>();
  for (const [name, table] of Object.entries(imported.connections)) {
    if (Object.hasOwn(known, name)) {
      written.notes.push({
        kind: 'left_out',
        place: `sources.${name}`,
        message: 'a connection of this name is there already; it stays as it is',
      });
      continue;
    }
    added.add(name);
    edits.push({ path: ['sources', name], value: table });
  }
  if (config.destination === undefined && config.destinations === undefined && edits.length > 0) {
    edits.push(
      { path: ['destination', 'type'], value: 'duckdb' },
      { path: ['destination', 'duckdb', 'path'], value: 'output.duckdb' },
    );
    written.notes.push({
      kind: 'changed',
      place: 'destination',
      message: 'there was none: jobs load into output.duckdb until you name another',
    });
  }
  await edit(path.join(folder, 'config.toml'), edits, written);
  const secrets = imported.secrets.filter((secret) => added.has(secret.path[1] ?? ''));
  const examples = secrets.map((secret): TomlEdit => ({ path: secret.path, value: '' }));
  await edit(path.join(folder, 'secrets.toml.example'), examples, written);
  const values = secrets.filter(({ value }) => value !== '');
  if (withSecrets)
    await edit(
      path.join(folder, 'secrets.toml'),
      values.map(({ path: key, value }) => ({ path: key, value })),
      written,
    );
}

async function edit(file: string, edits: readonly TomlEdit[], written: WrittenImport): Promise<void> {
  if (edits.length === 0) return;
  await editTomlFile(file, edits, { expected: await tomlFingerprint(file) });
  written.files.push(file);
}

/** Rows that the workbook does not have, by connection and table. */
function newRows(
  sheet: RawSheet | null,
  jobs: readonly Record<string, string>[],
  written: WrittenImport,
): Record<string, string>[] {
  const [source, table] = ['source_name', 'table_name'].map((name) => columnOf(sheet, name)) as [number, number];
  const known = new Set(sheet?.rows.map(({ cells }) => `${cells[source] ?? ''}\n${cells[table] ?? ''}`.toLowerCase()));
  return jobs.filter((job) => {
    if (!known.has(`${job.source_name}\n${job.table_name}`.toLowerCase())) return true;
    written.notes.push({
      kind: 'left_out',
      place: `${job.source_name}.${job.table_name}`,
      message: 'this job is in the workbook already; it stays as it is',
    });
    return false;
  });
}

function columnOf(sheet: RawSheet | null, name: string): number {
  return sheet?.headers.findIndex((header) => header.trim().toLowerCase() === name) ?? -1;
}

/** Rows at the end of the sheet; columns that it lacks are added behind the others. */
function rowEdits(sheet: RawSheet | null, rows: readonly Record<string, string>[]): WorkbookEdit[] {
  if (!sheet) return rows.map((row) => ({ kind: 'append', sheet: 'SourceConfig', cells: Object.values(row) }));
  const edits: WorkbookEdit[] = [];
  const columns = new Map<string, number>();
  let next = sheet.headers.length;
  for (const name of new Set(rows.flatMap((row) => Object.keys(row)))) {
    const at = columnOf(sheet, name);
    columns.set(name, at >= 0 ? at : next);
    if (at >= 0) continue;
    edits.push({ kind: 'set', sheet: sheet.name, row: sheet.headerRow, column: next, text: name });
    next += 1;
  }
  for (const row of rows) {
    const cells = Array.from({ length: next }, () => '');
    for (const [name, text] of Object.entries(row)) cells[columns.get(name) as number] = text;
    edits.push({ kind: 'append', sheet: sheet.name, cells });
  }
  return edits;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
