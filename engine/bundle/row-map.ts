import { columnLetters } from '../spec/sheet.ts';
import { cellName, cellPlace, columnIndex } from './cell-text.ts';

/** Where the rows of a sheet go when rows are inserted and deleted; all numbers are those before the edit. */
export interface RowMap {
  deleted: ReadonlySet<number>;
  /** Row before which rows are inserted → how many. */
  inserted: ReadonlyMap<number, number>;
}

/** True where any row changes its number. */
export function movesRows(map: RowMap): boolean {
  return map.deleted.size > 0 || map.inserted.size > 0;
}

/** The new number of a row, or of the place where a deleted row was. */
export function mapRow(map: RowMap, row: number): number {
  let mapped = row;
  for (const gone of map.deleted) if (gone < row) mapped -= 1;
  for (const [before, count] of map.inserted) if (before <= row) mapped += count;
  return mapped;
}

/** A mapper that answers {@link mapRow} in constant time; for the hundred thousands of cells of a sheet. */
export function rowMapper(map: RowMap): (row: number) => number {
  const changes = [...map.inserted, ...[...map.deleted].map((row): [number, number] => [row + 1, -1])];
  if (changes.length === 0) return (row) => row;
  changes.sort(([a], [b]) => a - b);
  const steps = changes.map(([row]) => row);
  let sum = 0;
  const shifts = changes.map(([, rows]) => {
    sum += rows;
    return sum;
  });
  return (row) => {
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((steps[middle] as number) <= row) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? row : row + (shifts[low - 1] as number);
  };
}

export interface RowSpan {
  first: number;
  last: number;
}

/** Where a span of rows goes; null where all of its rows are deleted. */
export function mapSpan(map: RowMap, span: RowSpan): RowSpan | null {
  let { first, last } = span;
  while (first <= last && map.deleted.has(first)) first += 1;
  while (last >= first && map.deleted.has(last)) last -= 1;
  return first > last ? null : { first: mapRow(map, first), last: mapRow(map, last) };
}

/** Maps the ranges of an attribute such as `sqref="A2:B9 D2"`; null where nothing is left of them. */
export function mapRanges(ranges: string, span: (span: RowSpan) => RowSpan | null): string | null {
  const mapped = ranges
    .trim()
    .split(/\s+/)
    .flatMap((range) => mapRange(range, span) ?? []);
  return mapped.length > 0 ? mapped.join(' ') : null;
}

function mapRange(range: string, span: (span: RowSpan) => RowSpan | null): string | null {
  const [from = '', to] = range.split(':');
  const first = cellPlace(from);
  const last = to === undefined ? first : cellPlace(to);
  // Whole columns (`A:A`) have no rows to map.
  if (!first || !last) return range;
  const rows = span({ first: first.row, last: last.row });
  if (!rows) return null;
  const start = cellName(first.column, rows.first);
  const end = cellName(last.column, rows.last);
  return start === end ? start : `${start}:${end}`;
}

/**
 * What a formula is made of, as far as rows go: texts, references into other files and structured references are
 * skipped; a reference has an optional sheet and one or two cells (or rows).
 */
const FORMULA_TOKEN =
  /"(?:[^"]|"")*"|\[\d+\][^!'"]*!\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?|'\[(?:[^']|'')*'!\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?|\[[^[\]]*\]|(?:('(?:[^']|'')+'|[\p{L}_\\][\p{L}\p{N}_.\\]*)!)?(?<![\p{L}\p{N}_.$])(?:(\$?[A-Z]{1,3}\$?\d{1,7})(?::(\$?[A-Z]{1,3}\$?\d{1,7}))?|(\$?\d{1,7}):(\$?\d{1,7}))(?![\p{L}\p{N}_(.!])/giu;

type ReferenceMapper = (reference: { sheet: string | null; first: string; last: string | null }) => string | null;

function mapReferences(formula: string, map: ReferenceMapper): string {
  return formula.replace(FORMULA_TOKEN, (token, sheet, cell, cellTo, row, rowTo) => {
    const first: string | undefined = cell ?? row;
    if (first === undefined) return token;
    const name = sheet === undefined ? null : String(sheet).replace(/^'|'$/g, '').replaceAll("''", "'");
    const mapped = map({ sheet: name, first, last: cellTo ?? rowTo ?? null });
    if (mapped === null) return token;
    return sheet === undefined ? mapped : `${sheet}!${mapped}`;
  });
}

function rowOf(reference: string): number {
  return Number(/\d+$/.exec(reference)?.[0]);
}

function withRow(reference: string, row: number): string {
  return reference.replace(/\d+$/, String(row));
}

/**
 * A formula after the rows of `sheet` have moved. `home` is the sheet that the formula stands in: what names no sheet
 * points there. A reference whose rows are all deleted becomes `#REF!`, as in Excel.
 */
export function mapFormula(formula: string, home: string, sheet: string, map: RowMap): string {
  return mapReferences(formula, ({ sheet: named, first, last }) => {
    if (!sameName(named ?? home, sheet)) return null;
    const span = mapSpan(map, { first: rowOf(first), last: rowOf(last ?? first) });
    if (!span) return '#REF!';
    return last === null ? withRow(first, span.first) : `${withRow(first, span.first)}:${withRow(last, span.last)}`;
  });
}

/** A rule's formula (validation, conditional format) whose range now begins `rows` lower: relative rows go with it, fixed ones by the map. */
export function mapRuleFormula(formula: string, sheet: string, map: RowMap, rows: number): string {
  return mapReferences(formula, ({ sheet: named, first, last }) => {
    if (!sameName(named ?? sheet, sheet)) return null;
    const relative = (reference: string) => !/\$\d+$/.test(reference);
    const span = mapSpan(map, { first: rowOf(first), last: rowOf(last ?? first) });
    const place = (reference: string, mapped: number | undefined) =>
      relative(reference)
        ? withRow(reference, Math.max(1, rowOf(reference) + rows))
        : withRow(reference, mapped as number);
    if (!span && !(relative(first) && (last === null || relative(last)))) return '#REF!';
    const start = place(first, span?.first);
    return last === null ? start : `${start}:${place(last, span?.last)}`;
  });
}

/** A shared formula as it reads `rows` lower and `columns` to the right of its first cell. */
export function translateFormula(formula: string, rows: number, columns: number): string {
  const move = (reference: string) =>
    reference.replace(/^(\$?)([A-Za-z]*)(\$?)(\d+)$/, (_, fixedColumn, letters: string, fixedRow, digits) => {
      // `$5` alone is a fixed row: its dollar was taken for the column's.
      const fixed = letters === '' ? fixedColumn : fixedRow;
      const column =
        letters === '' || fixedColumn ? letters : columnLetters(Math.max(0, columnIndex(letters) + columns));
      return `${fixedColumn}${column}${fixedRow}${fixed ? digits : Math.max(1, Number(digits) + rows)}`;
    });
  return mapReferences(formula, ({ first, last }) => (last === null ? move(first) : `${move(first)}:${move(last)}`));
}

/** True where a formula of `sheet` reads a cell that `holds` answers to (0-based columns); long ranges are followed cell by cell. */
export function formulaTouches(
  formula: string,
  sheet: string,
  holds: (row: number, column: number) => boolean,
): boolean {
  let touches = false;
  mapReferences(formula, ({ sheet: named, first, last }) => {
    const from = cellPlace(first);
    const to = cellPlace(last ?? first);
    if (touches || !from || !to || !sameName(named ?? sheet, sheet)) return null;
    const cells = (to.row - from.row + 1) * (to.column - from.column + 1);
    for (let at = 0; at < Math.min(cells, 100_000) && !touches; at += 1) {
      const width = to.column - from.column + 1;
      touches = holds(from.row + Math.floor(at / width), from.column + (at % width));
    }
    return null;
  });
  return touches;
}

/** Sheets' names count in any case. */
export function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
