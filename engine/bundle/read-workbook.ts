import { IngestError } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import type { RawSheet } from '../spec/project.ts';
import { headerName } from '../spec/sheet.ts';
import { cellName, cellPlace } from './cell-text.ts';
import { readSheetCells, type SheetContent } from './sheet-cells.ts';
import { openWorkbookPackage, partText, type SheetEntry, type WorkbookPackage } from './workbook-package.ts';

/** Our sheets; a workbook may hold any others. */
export const SHEET_NAMES = { jobs: 'SourceConfig', checks: 'DataQuality', settings: 'Pipeline' } as const;
export type SheetKey = keyof typeof SHEET_NAMES;

export interface WorkbookSheets {
  jobs: RawSheet | null;
  checks: RawSheet | null;
  settings: RawSheet | null;
  findings: Finding[];
}

/** Headers by which the header row is known below a title; two of them are enough. */
const LANDMARKS: Record<SheetKey, readonly string[]> = {
  jobs: ['source_type', 'source_name', 'table_name', 'load_type'],
  checks: ['table', 'type', 'severity', 'column', 'columns'],
  settings: ['key', 'value'],
};

/** Rows in which the header is looked for. */
const HEADER_WITHIN = 20;
/** A header far out to the right is a slip; a cell a column a row would fill the memory. */
const MOST_COLUMNS = 1_000;
const MOST_CELLS = 50_000_000;
const MOST_FINDINGS = 200;

/**
 * Reads our three sheets from the bytes of an xlsx file; names count in any case.
 * `file` is how messages name it.
 * @throws IngestError `WORKBOOK_…` where the file as a whole cannot be read.
 */
export async function readWorkbook(bytes: Buffer, file: string): Promise<WorkbookSheets> {
  const workbook = await openWorkbookPackage(bytes, file);
  const findings: Finding[] = [];
  const sheets: Pick<WorkbookSheets, SheetKey> = { jobs: null, checks: null, settings: null };
  for (const key of Object.keys(SHEET_NAMES) as SheetKey[]) {
    const name = SHEET_NAMES[key];
    const [found, ...more] = findSheets(workbook, name);
    if (more.length > 0) {
      const names = [found, ...more].map((sheet) => `"${sheet?.name}"`).join(', ');
      findings.push(
        about(
          name,
          'SHEET_DUPLICATE',
          `${file} holds ${more.length + 1} sheets named ${name}: ${names}.`,
          'Rename or delete all but one of them.',
        ),
      );
    } else if (found) {
      sheets[key] = readSheet(workbook, found, key, findings);
    } else if (key === 'jobs') {
      const names = workbook.sheets.map((sheet) => `"${sheet.name}"`).join(', ');
      findings.push(
        about(
          name,
          'SHEET_NOT_FOUND',
          `${file} has no sheet ${name}; it has ${names || 'none'}.`,
          `Rename the sheet that lists the jobs to ${name}.`,
        ),
      );
    }
  }
  return { ...sheets, findings };
}

/** The sheets of that name, in any case, with any spaces around it. */
export function findSheets(workbook: WorkbookPackage, name: string): SheetEntry[] {
  const wanted = name.trim().toLowerCase();
  return workbook.sheets.filter((sheet) => sheet.name.trim().toLowerCase() === wanted);
}

function readSheet(workbook: WorkbookPackage, entry: SheetEntry, key: SheetKey, findings: Finding[]): RawSheet {
  const content = readSheetCells(partText(workbook, entry.part), entry.part, workbook);
  const sheet = toRawSheet(SHEET_NAMES[key], key, content, workbook.file);
  const found = [...cellFindings(sheet, content), ...mergeFindings(sheet, content.merges)];
  findings.push(...found.slice(0, MOST_FINDINGS));
  return sheet;
}

/** The row that holds the headers: the first with two known headers, else the first filled one. */
export function headerRowOf(content: SheetContent, key: SheetKey): number {
  const filled = content.rows.filter((row) => row.cells.some((cell) => cell.text.trim() !== ''));
  const known = filled.slice(0, HEADER_WITHIN).find((row) => {
    const texts = new Set(row.cells.map((cell) => headerName(cell.text)));
    return LANDMARKS[key].filter((landmark) => texts.has(landmark)).length >= 2;
  });
  return (known ?? filled[0])?.row ?? 1;
}

function toRawSheet(name: string, key: SheetKey, content: SheetContent, file: string): RawSheet {
  const headerRow = headerRowOf(content, key);
  const filled = content.rows.filter(
    ({ row, cells }) => row >= headerRow && cells.some((cell) => cell.text.trim() !== '' || cell.kind === 'formula'),
  );
  let width = 0;
  for (const { cells } of filled) for (const cell of cells) width = Math.max(width, cell.column + 1);
  width = Math.min(width, MOST_COLUMNS);
  if (width * filled.length > MOST_CELLS) {
    throw new IngestError(
      'WORKBOOK_TOO_LARGE',
      `${file}, sheet ${name}: ${filled.length} rows × ${width} columns are too many.`,
      {
        hint: 'Delete the rows and columns that are not part of the configuration.',
      },
    );
  }
  const rows = filled.map(({ row, cells }) => {
    const texts = new Array<string>(width).fill('');
    for (const cell of cells) if (cell.column < width) texts[cell.column] = cell.text;
    return { row, cells: texts };
  });
  const header = rows[0]?.row === headerRow ? rows.shift() : undefined;
  return { name, headerRow, headers: header?.cells ?? new Array<string>(width).fill(''), rows };
}

/** Cells that show no value a person typed: failed formulas and formulas that were never computed. */
function* cellFindings(sheet: RawSheet, content: SheetContent): Generator<Finding> {
  for (const { row, cells } of content.rows) {
    if (row < sheet.headerRow) continue;
    for (const cell of cells) {
      if (cell.kind !== 'error' && cell.kind !== 'formula') continue;
      const header = sheet.headers[cell.column]?.trim() || null;
      const place = `${sheet.name} row ${row}${header ? `, ${header}` : ''} (cell ${cellName(cell.column, row)})`;
      yield {
        severity: header ? 'error' : 'warning',
        code: cell.kind === 'error' ? 'CELL_ERROR' : 'FORMULA_NOT_COMPUTED',
        sheet: sheet.name,
        row,
        column: header,
        value: cell.text || null,
        message:
          cell.kind === 'error'
            ? `${place} shows ${cell.text}.`
            : `${place} holds a formula whose result is not in the file.`,
        hint:
          cell.kind === 'error'
            ? 'Correct the formula, or type the value.'
            : 'Open the workbook in Excel and save it, so that the result is stored, or type the value.',
        fix: null,
      };
    }
  }
}

/** A merged range holds one value; the other cells only look as if they had it. */
function* mergeFindings(sheet: RawSheet, merges: readonly string[]): Generator<Finding> {
  for (const range of merges) {
    const [first, last] = range.split(':').map(cellPlace);
    if (!first || !last || last.row <= sheet.headerRow) continue;
    // A merge that begins in the header row and goes down only hides empty rows.
    if (first.row <= sheet.headerRow || first.column >= sheet.headers.length) continue;
    const cell = cellName(first.column, first.row);
    yield {
      severity: 'warning',
      code: 'CELLS_MERGED',
      sheet: sheet.name,
      row: first.row,
      column: sheet.headers[first.column]?.trim() || null,
      value: null,
      message: `${sheet.name} row ${first.row}: cells ${range} are merged; only ${cell} holds the value, the others are blank.`,
      hint: 'Unmerge them (Home > Merge & Center) and fill in each cell.',
      fix: null,
    };
  }
}

function about(sheet: string, code: string, message: string, hint: string): Finding {
  return { severity: 'error', code, sheet, row: null, column: null, value: null, message, hint, fix: null };
}
