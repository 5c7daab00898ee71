import { stat } from 'node:fs/promises';
import Excel from 'exceljs';
import { IngestError } from '../errors.ts';
import { SETTING_KEYS } from '../spec/settings.ts';
import { columnLetters } from '../spec/sheet.ts';
import { SHEET_NAMES } from './read-workbook.ts';
import { type SheetColumn, sheetColumns, VALIDATED_ROWS, validationOf } from './sheet-columns.ts';
import { errorCode, writeFileAtomic } from './write-atomic.ts';

/** The rows of a new workbook by header; every value is written as text or number, as it reads. */
export interface NewWorkbook {
  jobs?: readonly Readonly<Record<string, string | number>>[];
  checks?: readonly Readonly<Record<string, string | number>>[];
  /** By key; keys without a value stand with their default. */
  settings?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Writes a new project's workbook: our three sheets with header style, frozen header row, widths and drop-downs.
 * @throws IngestError `WORKBOOK_EXISTS` where there is one, and what {@link writeFileAtomic} raises.
 */
export async function createWorkbook(path: string, content: NewWorkbook = {}): Promise<void> {
  const workbook = new Excel.Workbook();
  addSheet(workbook, SHEET_NAMES.jobs, sheetColumns(SHEET_NAMES.jobs), content.jobs ?? []);
  addSheet(workbook, SHEET_NAMES.checks, sheetColumns(SHEET_NAMES.checks), content.checks ?? []);
  const settings = SETTING_KEYS.map(({ name, default: usual, help }) => ({
    key: name,
    value: String(content.settings?.[name] ?? usual ?? ''),
    help,
  }));
  addSheet(
    workbook,
    SHEET_NAMES.settings,
    [text('key', 'Setting', 20, true), text('value', 'Its value', 24), text('help', 'What it does', 60)],
    settings,
  );
  const bytes = Buffer.from(await workbook.xlsx.writeBuffer());
  await writeFileAtomic(path, bytes, { beforeReplace: () => refuseExisting(path) });
}

async function refuseExisting(path: string): Promise<void> {
  const there = await stat(path).then(
    () => true,
    (error: unknown) => errorCode(error) !== 'ENOENT',
  );
  if (!there) return;
  throw new IngestError('WORKBOOK_EXISTS', `${path} exists already; nothing was written.`, {
    hint: 'Open that project, or choose another folder.',
  });
}

function text(header: string, help: string, width: number, required = false): SheetColumn {
  return { header, help, width, required, text: true };
}

function addSheet(
  workbook: Excel.Workbook,
  name: string,
  columns: readonly SheetColumn[],
  rows: readonly Readonly<Record<string, string | number>>[],
): void {
  const sheet = workbook.addWorksheet(name, { views: [{ state: 'frozen', ySplit: 1 }] });
  // A header that only the rows know is kept, like a column that a person adds.
  const known = new Set(columns.map((column) => column.header));
  const extra = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((header) => !known.has(header));
  const all = [...columns, ...extra.map((header) => text(header, '', 20))];
  sheet.columns = all.map(({ header, width, text: isText }) => ({
    header,
    key: header,
    width,
    style: isText ? { numFmt: '@' } : {},
  }));
  for (const row of rows) sheet.addRow(row);
  for (const [index, column] of all.entries()) {
    const letters = columnLetters(index);
    const header = sheet.getCell(`${letters}1`);
    header.font = { bold: true, color: { argb: 'FFFFFFFF' } };
    header.fill = { type: 'pattern', pattern: 'solid', fgColor: { argb: column.required ? 'FF1F4E79' : 'FF5B7FA6' } };
    header.alignment = { vertical: 'middle' };
    const validation = validationOf(column);
    // @ts-expect-error exceljs has the model of ranges, but its types know single cells only.
    if (validation) sheet.dataValidations.add(`${letters}2:${letters}${VALIDATED_ROWS}`, validation);
  }
  sheet.autoFilter = { from: 'A1', to: `${columnLetters(all.length - 1)}${Math.max(2, rows.length + 1)}` };
}
