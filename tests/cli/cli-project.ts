import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import ExcelJS from 'exceljs';

export type SheetRow = Record<string, string | number>;

/** A folder of its own for a test; `remove()` it afterwards. */
export async function tempFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ingest-cli-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

/** Writes a project: job rows by header, settings, config.toml and, where given, secrets.toml. */
export async function writeProject(
  folder: string,
  project: { jobs: SheetRow[]; settings?: Record<string, string>; config: string; secrets?: string },
): Promise<void> {
  const workbook = new ExcelJS.Workbook();
  addSheet(workbook, 'SourceConfig', project.jobs);
  const settings = Object.entries(project.settings ?? {}).map(([key, value]) => ({ key, value }));
  if (settings.length > 0) addSheet(workbook, 'Pipeline', settings);
  await mkdir(path.join(folder, '.dlt'), { recursive: true });
  await workbook.xlsx.writeFile(path.join(folder, 'ingestion_config.xlsx'));
  await writeFile(path.join(folder, '.dlt', 'config.toml'), project.config);
  if (project.secrets !== undefined) await writeFile(path.join(folder, '.dlt', 'secrets.toml'), project.secrets);
}

function addSheet(workbook: ExcelJS.Workbook, name: string, rows: SheetRow[]): void {
  const sheet = workbook.addWorksheet(name);
  sheet.columns = [...new Set(rows.flatMap(Object.keys))].map((header) => ({ header, key: header }));
  for (const row of rows) sheet.addRow(row);
}
