import type { Finding } from '../spec/finding.ts';
import { cellName } from './cell-text.ts';
import { formulaTouches, mapFormula, mapRanges, mapSpan, type RowMap, sameName } from './row-map.ts';
import { layOutSheet } from './sheet-layout.ts';
import type { SheetEdits, SheetFacts } from './workbook-edits.ts';
import { partText, relationships, type WorkbookPackage } from './workbook-package.ts';
import { readXml } from './xml.ts';

/** Formulas of other sheets, defined names, charts, pivot tables and comments that rows would move away from. */
export function rowMoveFindings(workbook: WorkbookPackage, facts: SheetFacts, map: RowMap): Finding[] {
  const findings: Finding[] = [];
  const moves = (formula: string, home: string) => mapFormula(formula, home, facts.name, map) !== formula;
  const say = (what: string, hint: string) => findings.push(warning('ROWS_MOVE_AWAY', facts.name, what, hint));
  const correct = 'Save anyway and correct it in Excel, or move the rows in Excel, which takes it along.';

  for (const { name, formula } of workbook.definedNames) {
    // Excel makes a filter's hidden name anew.
    if (name === '_xlnm._FilterDatabase' || !moves(formula, '')) continue;
    say(`The name ${name} points at rows of ${facts.name} that move (${formula}).`, correct);
  }
  for (const sheet of workbook.sheets) {
    if (sameName(sheet.name, facts.name)) continue;
    const found = formulasOf(workbook, sheet.part).find(({ text }) => moves(text, sheet.name));
    if (found)
      say(
        `${sheet.name} ${found.cell} points at rows of ${facts.name} that move (=${found.text}); perhaps other cells do, too.`,
        correct,
      );
  }
  for (const part of workbook.parts) {
    if (!/^xl\/(charts\/chart[^/]*|pivotcache\/pivotcachedefinition[^/]*)\.xml$/i.test(part.name)) continue;
    const found = sourcesOf(workbook, part.name).find((source) => moves(source, facts.name));
    const kind = /chart/i.test(part.name) ? 'A chart' : 'A pivot table';
    if (found) say(`${kind} reads rows of ${facts.name} that move (${found}).`, correct);
  }
  for (const related of relationships(workbook, facts.part)) {
    if (related.type !== 'comments' && related.type !== 'threadedComment') continue;
    const found = commentsOf(workbook, related.target).find(
      (cell) => mapRanges(cell, (span) => mapSpan(map, span)) !== cell,
    );
    if (found)
      say(
        `Comments of ${facts.name} stay at their cells (first ${found}) while the rows under them move.`,
        'Save anyway and move the comments in Excel, or move the rows in Excel.',
      );
  }
  return findings;
}

/** Formulas of the sheet itself over cells that change: their stored results stay the old ones. */
export function staleFormulaFindings(
  facts: SheetFacts,
  xml: string,
  edits: SheetEdits,
  workbook: WorkbookPackage,
): Finding[] {
  if (edits.sets.size === 0 || !/<(?:\w+:)?f[\s>]/.test(xml)) return [];
  const cells = layOutSheet(xml, facts.part, workbook).rows.flatMap((row) => row.cells);
  const edited = (row: number, column: number) => edits.sets.get(row)?.has(column) === true;
  const stale = cells.filter(
    (cell) => cell.formula && !edited(cell.row, cell.column) && formulaTouches(cell.formula.text, facts.name, edited),
  );
  const [first] = stale;
  if (!first) return [];
  const name = cellName(first.column, first.row);
  const more = stale.length > 1 ? ` and ${stale.length - 1} more` : '';
  return [
    warning(
      'FORMULA_STALE',
      facts.name,
      `${facts.name} ${name}${more}: the formula reads a cell that changes, but its stored result stays the old one.`,
      'Open the workbook in Excel and save it afterwards, so that the results are computed.',
    ),
  ];
}

function formulasOf(workbook: WorkbookPackage, part: string): { cell: string; text: string }[] {
  const found: { cell: string; text: string }[] = [];
  let cell = '';
  let text: string | null = null;
  readXml(
    partText(workbook, part),
    {
      open(tag) {
        if (tag.local === 'c') cell = tag.attributes.r ?? '';
        if (tag.local === 'f' || tag.local === 'formula' || tag.local === 'formula1' || tag.local === 'formula2')
          text = '';
      },
      close() {
        if (text) found.push({ cell, text });
        text = null;
      },
      text(piece) {
        if (text !== null) text += piece;
      },
    },
    part,
    workbook.file,
  );
  return found;
}

/** What a chart (`<c:f>`) or a pivot table's cache (`<worksheetSource>`) reads, as formulas. */
function sourcesOf(workbook: WorkbookPackage, part: string): string[] {
  const sources = formulasOf(workbook, part).map(({ text }) => text);
  readXml(
    partText(workbook, part),
    {
      open(tag) {
        const { ref, sheet } = tag.attributes;
        if (tag.local === 'worksheetSource' && ref && sheet) sources.push(`'${sheet.replaceAll("'", "''")}'!${ref}`);
      },
    },
    part,
    workbook.file,
  );
  return sources;
}

function commentsOf(workbook: WorkbookPackage, part: string): string[] {
  const cells: string[] = [];
  readXml(
    partText(workbook, part),
    {
      open(tag) {
        if ((tag.local === 'comment' || tag.local === 'threadedComment') && tag.attributes.ref)
          cells.push(tag.attributes.ref);
      },
    },
    part,
    workbook.file,
  );
  return cells;
}

function warning(code: string, sheet: string, message: string, hint: string): Finding {
  return { severity: 'warning', code, sheet, row: null, column: null, value: null, message, hint, fix: null };
}
