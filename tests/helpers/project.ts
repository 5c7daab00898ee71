import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Excel from 'exceljs';

export interface ProjectTexts {
  /** Rows of SourceConfig; the columns are all keys that any row has. */
  jobs: Record<string, string | number>[];
  checks?: Record<string, string | number>[];
  settings?: Record<string, string | number>;
  /** `.dlt/config.toml` */
  config?: string;
  /** `.dlt/secrets.toml` */
  secrets?: string;
}

/** Writes a project's files as a person would have made them, through a library of another hand than ours. */
export async function writeProject(folder: string, texts: ProjectTexts): Promise<void> {
  await mkdir(path.join(folder, '.dlt'), { recursive: true });
  const workbook = new Excel.Workbook();
  addSheet(workbook, 'SourceConfig', texts.jobs);
  if (texts.checks) addSheet(workbook, 'DataQuality', texts.checks);
  if (texts.settings) {
    addSheet(
      workbook,
      'Pipeline',
      Object.entries(texts.settings).map(([key, value]) => ({ key, value })),
    );
  }
  await workbook.xlsx.writeFile(path.join(folder, 'ingestion_config.xlsx'));
  if (texts.config !== undefined) await writeFile(path.join(folder, '.dlt', 'config.toml'), texts.config);
  if (texts.secrets !== undefined) await writeFile(path.join(folder, '.dlt', 'secrets.toml'), texts.secrets);
}

function addSheet(workbook: Excel.Workbook, name: string, rows: Record<string, string | number>[]): void {
  const sheet = workbook.addWorksheet(name);
  const headers = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  sheet.addRow(headers);
  for (const row of rows) sheet.addRow(headers.map((header) => row[header] ?? null));
}
