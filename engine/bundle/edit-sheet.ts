import { cellName, cellPlace, encodeCellText } from './cell-text.ts';
import { dateSerial, type NumberFormat, numberText } from './number-format.ts';
import {
  mapFormula,
  mapRanges,
  mapRuleFormula,
  mapSpan,
  movesRows,
  type RowMap,
  rowMapper,
  translateFormula,
} from './row-map.ts';
import {
  type ElementSpan,
  type LaidCell,
  type LaidFormula,
  type LaidRange,
  type LaidRow,
  layOutSheet,
  Splices,
  withAttribute,
} from './sheet-layout.ts';
import { firstFreeRow, growingSpan, invalid, rowMapOf, type SheetEdits, type SheetFacts } from './workbook-edits.ts';
import type { WorkbookPackage } from './workbook-package.ts';
import { escapeXml } from './xml.ts';

export interface EditedSheet {
  xml: string;
  /** True where a formula went or moved: the workbook's calculation chain no longer fits. */
  movedFormulas: boolean;
}

/** A row to be made, with its number in the edited sheet. */
interface NewRow {
  row: number;
  cells: readonly string[];
}

/**
 * The sheet's XML with the edits made. Cells' styles stay, new rows take those of the row above; merged cells,
 * validations, conditional formats, links and the sheet's own formulas follow the rows.
 */
export function editSheetXml(
  xml: string,
  edits: SheetEdits,
  facts: SheetFacts,
  workbook: WorkbookPackage,
): EditedSheet {
  if (edits.deletes.has(facts.headerRow))
    throw invalid(`${facts.name}: row ${facts.headerRow} holds the headers and cannot be deleted.`);
  const layout = layOutSheet(xml, facts.part, workbook);
  const map = rowMapOf(edits);
  const toRow = rowMapper(map);
  const moves = movesRows(map);
  const p = layout.prefix;
  const splices = new Splices();
  const newRows = listNewRows(edits, facts, toRow);
  const styles = styleRow(layout.rows, facts);
  let movedFormulas = false;
  let lastColumn = 0;

  const replacesFormula = (cell: LaidCell) =>
    edits.deletes.has(cell.row) || edits.sets.get(cell.row)?.has(cell.column) === true;
  const formulas = layout.rows.flatMap((row) => row.cells.filter((cell) => cell.formula));
  const lostFormula = formulas.some(replacesFormula);
  const plainFormulas = moves || lostFormula ? unshare(formulas) : new Map<LaidCell, string>();

  /** The edited form of one cell: another text, another row, another formula, or the same. */
  function rewriteCell(cell: LaidCell, text: string | undefined, row: number): void {
    if (text !== undefined) {
      const style = cell.tag.attributes.s;
      splices.replace(
        cell.start,
        cell.end,
        renderCell(p, cellName(cell.column, row), style, text, kindOf(cell), workbook),
      );
      if (cell.formula) movedFormulas = true;
      return;
    }
    const name = cellName(cell.column, row);
    if (cell.tag.attributes.r !== name) {
      splices.replace(cell.start, cell.tag.end, withAttribute(xml.slice(cell.start, cell.tag.end), 'r', name));
    }
    if (!cell.formula || !(moves || lostFormula)) return;
    if (moves) movedFormulas = true;
    rewriteFormula(cell.formula, plainFormulas.get(cell));
  }

  function rewriteFormula(formula: LaidFormula, plain: string | undefined): void {
    const text = plain ?? formula.text;
    if (text === '') return;
    let start = xml.slice(formula.start, formula.tag.end);
    if (plain !== undefined) for (const name of ['t', 'si', 'ref']) start = withAttribute(start, name, null);
    const area = formula.tag.attributes.ref;
    if (plain === undefined && area)
      start = withAttribute(start, 'ref', mapRanges(area, (span) => mapSpan(map, span)) ?? area);
    const open = start.replace(/\s*\/>$/, '>');
    splices.replace(
      formula.start,
      formula.end,
      `${open}${escapeXml(mapFormula(text, facts.name, facts.name, map))}</${formula.tag.name}>`,
    );
  }

  function rewriteRow(row: LaidRow, added: readonly string[] | undefined): void {
    const number = toRow(row.row);
    const texts = new Map(edits.sets.get(row.row));
    for (const [column, text] of (added ?? []).entries()) if (text !== '') texts.set(column, text);
    if (texts.size === 0 && !moves && !(lostFormula && row.cells.some((cell) => plainFormulas.has(cell)))) return;
    let start = xml.slice(row.start, row.tag.end);
    if (row.tag.attributes.r !== String(number)) start = withAttribute(start, 'r', String(number));
    for (const cell of row.cells) {
      lastColumn = Math.max(lastColumn, cell.column);
      rewriteCell(cell, texts.get(cell.column), number);
      texts.delete(cell.column);
    }
    const fresh = [...texts].filter(([, text]) => text !== '').sort(([a], [b]) => a - b);
    if (fresh.length > 0) start = withAttribute(start, 'spans', null);
    const rendered = fresh.map(([column, text]) => {
      lastColumn = Math.max(lastColumn, column);
      const style = added ? styles.get(column) : undefined;
      return { column, xml: renderCell(p, cellName(column, number), style, text, 'none', workbook) };
    });
    if (row.tag.selfClosing && rendered.length > 0) {
      splices.replace(
        row.start,
        row.end,
        `${start.replace(/\s*\/>$/, '>')}${rendered.map((cell) => cell.xml).join('')}</${row.tag.name}>`,
      );
      return;
    }
    splices.replace(row.start, row.tag.end, start);
    for (const cell of rendered) {
      const next = row.cells.find((other) => other.column > cell.column);
      splices.insert(next?.start ?? row.contentEnd, cell.xml);
    }
  }

  const kept = layout.rows.filter((row) => !edits.deletes.has(row.row));
  const there = new Set(kept.map((row) => toRow(row.row)));
  const byRow = new Map(newRows.map((row) => [row.row, row.cells]));
  for (const row of layout.rows) {
    if (edits.deletes.has(row.row)) {
      if (row.cells.some((cell) => cell.formula)) movedFormulas = true;
      splices.replace(row.start, row.end, '');
    } else {
      rewriteRow(row, byRow.get(toRow(row.row)));
    }
  }
  for (const [row, cells] of edits.sets) {
    if (there.has(toRow(row)) || [...cells.values()].every((text) => text === '')) continue;
    const texts: string[] = [];
    for (const [column, text] of cells) texts[column] = text;
    newRows.push({ row: toRow(row), cells: Array.from(texts, (text) => text ?? '') });
  }
  // Rows of the file stand in ascending order, and new ones go before the first that comes later.
  const missing = newRows.filter((row) => !there.has(row.row)).sort((a, b) => a.row - b.row);
  const pieces = new Map<number, string>();
  let next = 0;
  for (const { row, cells } of missing) {
    while (next < kept.length && toRow((kept[next] as LaidRow).row) < row) next += 1;
    const at = kept[next]?.start ?? layout.data.contentEnd;
    const isSet = edits.sets.size > 0 && !byRow.has(row);
    pieces.set(at, (pieces.get(at) ?? '') + renderRow(p, row, cells, isSet ? null : styles, workbook));
    lastColumn = Math.max(lastColumn, cells.length - 1);
  }
  const { data } = layout;
  if (data.tag.selfClosing && pieces.size > 0) {
    const start = xml.slice(data.start, data.end).replace(/\s*\/>$/, '>');
    splices.replace(data.start, data.end, `${start}${[...pieces.values()].join('')}</${data.tag.name}>`);
  } else {
    for (const [at, text] of pieces) splices.insert(at, text);
  }

  editRanges(xml, layout.ranges, edits, map, facts, splices);
  for (const range of layout.extensionRanges) {
    const mapped = mapRanges(range.text, growingSpan(edits, map, facts)) ?? range.text;
    if (mapped !== range.text.trim()) splices.replace(range.start, range.end, mapped);
    editRules(range.rule, range.text, mapped, map, facts, splices);
  }
  if (layout.dimension)
    editDimension(xml, layout.dimension, [...there, ...missing.map((row) => row.row)], lastColumn, splices);
  return { xml: splices.apply(xml), movedFormulas };
}

function listNewRows(edits: SheetEdits, facts: SheetFacts, toRow: (row: number) => number): NewRow[] {
  const rows: NewRow[] = [];
  for (const [before, inserted] of edits.inserts) {
    // The row that was there has moved down by all of them; a deleted one left its place to the row behind it.
    const first = toRow(before) - inserted.length;
    for (const [index, cells] of inserted.entries()) rows.push({ row: first + index, cells });
  }
  const free = toRow(firstFreeRow(facts));
  for (const [index, cells] of edits.appends.entries()) rows.push({ row: free + index, cells });
  return rows;
}

/** Styles by column for new rows: those of the last filled row, unless it is the header. */
function styleRow(rows: readonly LaidRow[], facts: SheetFacts): Map<number, string> {
  const styles = new Map<number, string>();
  const model = facts.lastRow > facts.headerRow ? rows.findLast((row) => row.row === facts.lastRow) : undefined;
  for (const cell of model?.cells ?? []) if (cell.tag.attributes.s) styles.set(cell.column, cell.tag.attributes.s);
  return styles;
}

/** The formulas of cells that take theirs from a shared one, as texts of their own. */
function unshare(cells: readonly LaidCell[]): Map<LaidCell, string> {
  const first = new Map<string, LaidCell>();
  const plain = new Map<LaidCell, string>();
  for (const cell of cells) {
    const formula = cell.formula;
    const id = formula?.tag.attributes.si;
    if (formula?.tag.attributes.t !== 'shared' || id === undefined) continue;
    if (formula.text !== '') first.set(id, cell);
    const master = first.get(id);
    if (!master?.formula) continue;
    plain.set(cell, translateFormula(master.formula.text, cell.row - master.row, cell.column - master.column));
  }
  return plain;
}

function renderRow(
  p: string,
  row: number,
  cells: readonly string[],
  styles: Map<number, string> | null,
  workbook: WorkbookPackage,
): string {
  const columns = new Set([...(styles?.keys() ?? []), ...cells.keys()]);
  const rendered = [...columns]
    .sort((a, b) => a - b)
    .map((column) => renderCell(p, cellName(column, row), styles?.get(column), cells[column] ?? '', 'none', workbook));
  return `<${p}row r="${row}">${rendered.join('')}</${p}row>`;
}

type CellForm = 'none' | 'number' | 'boolean' | 'text';

function kindOf(cell: LaidCell): CellForm {
  const type = cell.tag.attributes.t ?? 'n';
  if (type === 'b') return 'boolean';
  if (type !== 'n') return 'text';
  return cell.tag.selfClosing || cell.contentEnd === cell.tag.end ? 'none' : 'number';
}

/**
 * A cell that reads back as exactly `text`: a number or date where the cell was one (or is new) and shows the same
 * text, else an inline string, which leaves the shared strings untouched.
 */
function renderCell(
  p: string,
  name: string,
  style: string | undefined,
  text: string,
  was: CellForm,
  workbook: WorkbookPackage,
): string {
  const s = style === undefined ? '' : ` s="${escapeXml(style)}"`;
  if (text === '') return s === '' ? '' : `<${p}c r="${name}"${s}/>`;
  if (was === 'boolean' && (text === 'TRUE' || text === 'FALSE')) {
    return `<${p}c r="${name}"${s} t="b"><${p}v>${text === 'TRUE' ? 1 : 0}</${p}v></${p}c>`;
  }
  const number =
    was === 'none' || was === 'number' ? asNumber(text, workbook.formats[Number(style ?? 0)], workbook.date1904) : null;
  if (number !== null) return `<${p}c r="${name}"${s}><${p}v>${number}</${p}v></${p}c>`;
  const space = /^\s|\s$|[\n\t]/.test(text) ? ' xml:space="preserve"' : '';
  return `<${p}c r="${name}"${s} t="inlineStr"><${p}is><${p}t${space}>${encodeCellText(text)}</${p}t></${p}is></${p}c>`;
}

function asNumber(text: string, format: NumberFormat = { kind: 'plain' }, date1904: boolean): string | null {
  if (format.kind === 'text') return null;
  const serial = format.kind === 'date' ? dateSerial(text, date1904) : null;
  // Fifteen digits are what Excel keeps of a number.
  const digits = /^-?[\d-]+(\.\d+)?$/.test(text) && text.replace(/\D/g, '').length <= 15;
  const stored =
    serial !== null
      ? String(serial)
      : digits
        ? String(Number(format.kind === 'digits' ? text.replace(/\D/g, '') : text))
        : null;
  return stored !== null && stored !== 'NaN' && numberText(stored, format, date1904) === text ? stored : null;
}

function editRanges(
  xml: string,
  ranges: readonly LaidRange[],
  edits: SheetEdits,
  map: RowMap,
  facts: SheetFacts,
  splices: Splices,
): void {
  const grow = growingSpan(edits, map, facts);
  const gone = new Map<NonNullable<LaidRange['container']>, number>();
  for (const range of ranges) {
    const text = range.tag.attributes[range.attribute] as string;
    const mapped = mapRanges(text, range.grows ? grow : (span) => mapSpan(map, span));
    // A merge of one cell is none, and Excel refuses the file.
    if (mapped === null || (range.tag.local === 'mergeCell' && !mapped.includes(':'))) {
      splices.replace(range.start, range.end, '');
      if (range.container) gone.set(range.container, (gone.get(range.container) ?? 0) + 1);
      continue;
    }
    if (mapped !== text.trim()) {
      splices.replace(
        range.start,
        range.tag.end,
        withAttribute(xml.slice(range.start, range.tag.end), range.attribute, mapped),
      );
    }
    editRules(range.formulas, text, mapped, map, facts, splices);
  }
  for (const [container, count] of gone) {
    if (count === container.children) {
      splices.replace(container.start, container.end, '');
    } else if (container.tag.attributes.count !== undefined) {
      const start = xml.slice(container.start, container.tag.end);
      splices.replace(
        container.start,
        container.tag.end,
        withAttribute(start, 'count', String(container.children - count)),
      );
    }
  }
}

function editRules(
  rules: readonly LaidFormula[],
  before: string,
  after: string,
  map: RowMap,
  facts: SheetFacts,
  splices: Splices,
): void {
  if (!movesRows(map)) return;
  const rows = topRow(after) - topRow(before);
  for (const rule of rules) {
    const mapped = mapRuleFormula(rule.text, facts.name, map, rows);
    if (mapped !== rule.text) splices.replace(rule.tag.end, rule.contentEnd, escapeXml(mapped));
  }
}

/** The row that the relative references of a rule count from. */
function topRow(ranges: string): number {
  return cellPlace(/^\s*([^\s:]+)/.exec(ranges)?.[1] ?? '')?.row ?? 1;
}

/** The used range is a hint, yet some readers trust it. */
function editDimension(
  xml: string,
  dimension: ElementSpan,
  rows: readonly number[],
  column: number,
  splices: Splices,
): void {
  const [from = 'A1', to = from] = (dimension.tag.attributes.ref ?? '').split(':');
  const first = cellPlace(from) ?? { column: 0, row: 1 };
  const last = cellPlace(to) ?? first;
  let [top, bottom] = [first.row, 1];
  for (const row of rows) {
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  }
  const ref = `${cellName(first.column, top)}:${cellName(Math.max(last.column, column), bottom)}`;
  if (ref === dimension.tag.attributes.ref) return;
  splices.replace(
    dimension.start,
    dimension.tag.end,
    withAttribute(xml.slice(dimension.start, dimension.tag.end), 'ref', ref),
  );
}
