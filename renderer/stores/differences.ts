import type { RawSheet } from '../../engine/spec/project.ts';
import { SHEETS, type SheetName } from './edited-sheet.ts';
import type { ProjectStore } from './project-store.ts';
import { type Cells, columnIds, isBlank, sameCells } from './sheet-model.ts';

/** One row that is other than in the workbook; `sheet`: a whole sheet that it lacks, without its rows. */
export interface RowDifference {
  sheet: SheetName;
  kind: 'added' | 'removed' | 'changed' | 'moved' | 'header' | 'sheet';
  /** Row after saving; of a removed one its row in the workbook. */
  row: number | null;
  /** `source.table` of a job, what names a check or a setting. */
  name: string;
  cells: { column: string; before: string; after: string }[];
}

const NAME_COLUMNS: Readonly<Record<SheetName, readonly string[]>> = {
  SourceConfig: ['source_name', 'table_name'],
  DataQuality: ['table', 'check_type'],
  Pipeline: ['key'],
};

function nameOf(sheet: SheetName, columns: readonly string[], cells: Cells): string {
  const named = NAME_COLUMNS[sheet].map((column) => cells[columns.indexOf(column)] ?? '').filter((text) => text !== '');
  return named.length > 0 ? named.join('.') : (cells.find((text) => text !== '') ?? '');
}

function cellDifferences(headers: readonly string[], before: Cells, after: Cells): RowDifference['cells'] {
  const length = Math.max(before.length, after.length);
  const cells: RowDifference['cells'] = [];
  for (let position = 0; position < length; position++) {
    const [old, now] = [before[position] ?? '', after[position] ?? ''];
    if (old !== now) cells.push({ column: headers[position] ?? `column ${position + 1}`, before: old, after: now });
  }
  return cells;
}

/** What saving will change in the workbook, row by row and cell by cell. */
export function unsavedDifferences(project: ProjectStore): RowDifference[] {
  return SHEETS.flatMap((sheet) => {
    const saved = project.savedSheet(sheet);
    if (saved === null) return [];
    const headers = project.headers(sheet);
    const columns = project.columns(sheet);
    const differences: RowDifference[] = [];
    if (saved.isNew) differences.push({ sheet, kind: 'sheet', row: null, name: 'headers and drop-downs', cells: [] });
    for (const [position, header] of headers.entries()) {
      const before = saved.headers[position] ?? '';
      if (header === before) continue;
      const cells = [{ column: 'header', before, after: header }];
      differences.push({ sheet, kind: 'header', row: null, name: header, cells });
    }
    const ids = project.rowIds(sheet);
    for (const id of ids) {
      const after = project.rowCells(sheet, id);
      const was = saved.rows.get(id);
      const row = project.rowNumber(sheet, id);
      const name = nameOf(sheet, columns, after);
      if (was === undefined) {
        if (isBlank(after)) continue;
        differences.push({ sheet, kind: 'added', row, name, cells: cellDifferences(headers, [], after) });
      } else if (!sameCells(was.cells, after)) {
        differences.push({ sheet, kind: 'changed', row, name, cells: cellDifferences(headers, was.cells, after) });
      } else if (project.isDirty(sheet, id)) differences.push({ sheet, kind: 'moved', row, name, cells: [] });
    }
    const there = new Set(ids);
    for (const [id, { row, cells }] of saved.rows) {
      if (there.has(id)) continue;
      const name = nameOf(sheet, columns, cells);
      differences.push({ sheet, kind: 'removed', row, name, cells: cellDifferences(headers, cells, []) });
    }
    return differences;
  });
}

/** The same between two workbooks that share no row ids: rows are paired by name, the rest by their order. */
export function sheetDifferences(sheet: SheetName, theirs: RawSheet | null, mine: RawSheet | null): RowDifference[] {
  if (mine === null) return [];
  const byName = new Map<string, { row: number; cells: Cells }[]>();
  const theirColumns = columnIds((theirs ?? mine).headers);
  const myColumns = columnIds(mine.headers);
  /** A row of theirs with its cells where my columns stand. */
  const aligned = (cells: Cells): string[] => myColumns.map((column) => cells[theirColumns.indexOf(column)] ?? '');
  for (const { row, cells } of theirs?.rows ?? []) {
    const name = nameOf(sheet, theirColumns, cells);
    byName.set(name, [...(byName.get(name) ?? []), { row, cells: aligned(cells) }]);
  }
  const differences: RowDifference[] = [];
  for (const { row, cells } of mine.rows) {
    const name = nameOf(sheet, myColumns, cells);
    const pair = byName.get(name)?.shift();
    if (pair === undefined) {
      differences.push({ sheet, kind: 'added', row, name, cells: cellDifferences(mine.headers, [], cells) });
    } else if (!sameCells(pair.cells, cells)) {
      differences.push({ sheet, kind: 'changed', row, name, cells: cellDifferences(mine.headers, pair.cells, cells) });
    }
  }
  for (const [name, rows] of byName) {
    for (const { row, cells } of rows) {
      differences.push({ sheet, kind: 'removed', row, name, cells: cellDifferences(mine.headers, cells, []) });
    }
  }
  return differences;
}
