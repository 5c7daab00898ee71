import { basename } from 'node:path';
import { IngestError } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import { addSheet } from './add-sheet.ts';
import { cellName } from './cell-text.ts';
import { editSheetXml } from './edit-sheet.ts';
import { editTableXml, layOutTable } from './edit-table.ts';
import { type Fingerprint, readFingerprinted, sameFingerprint } from './fingerprint.ts';
import { openElsewhere } from './lock-file.ts';
import { findSheets, headerRowOf, SHEET_NAMES, type SheetKey } from './read-workbook.ts';
import { mapRow, movesRows } from './row-map.ts';
import { readSheetCells, type SheetContent } from './sheet-cells.ts';
import {
  groupEdits,
  invalid,
  rowMapOf,
  type SheetEdit,
  type SheetEdits,
  type SheetFacts,
  type WorkbookEdit,
} from './workbook-edits.ts';
import { findPart, openWorkbookPackage, partText, relationships, type WorkbookPackage } from './workbook-package.ts';
import { rowMoveFindings, staleFormulaFindings } from './workbook-warnings.ts';
import { errorCode, type WriteAtomicOptions, writeFileAtomic } from './write-atomic.ts';
import { encodeXml } from './xml.ts';
import { withContent, writeZip, type ZipPart } from './zip.ts';

export interface EditWorkbookOptions extends Pick<WriteAtomicOptions, 'rename'> {
  /** The file as it was when it was read; with another content on disk nothing is written. */
  expected: Fingerprint;
}

/** One of our sheets, ready to be edited. */
interface OpenSheet {
  facts: SheetFacts;
  xml: string;
  edits: SheetEdits;
  /** Parts of its tables. */
  tables: string[];
}

/**
 * What the edits would do beyond their cells: formulas, names, charts and comments that rows move away from. Nothing is written.
 * @throws IngestError as {@link editWorkbook}, but for the file system's.
 */
export async function planEdits(path: string, edits: readonly WorkbookEdit[]): Promise<Finding[]> {
  const file = basename(path);
  const { bytes, sheetEdits } = await withNewSheets((await readWorkbookFile(path)).bytes, edits, file);
  const workbook = await openWorkbookPackage(bytes, file);
  return openSheets(workbook, sheetEdits).flatMap((sheet) => [
    ...(movesRows(rowMapOf(sheet.edits)) ? rowMoveFindings(workbook, sheet.facts, rowMapOf(sheet.edits)) : []),
    ...staleFormulaFindings(sheet.facts, sheet.xml, sheet.edits, workbook),
  ]);
}

/**
 * Edits our sheets of a workbook in place and returns the new fingerprint. Only the sheets' own parts (and their
 * tables) change, and for a sheet that is made the lists that name it; every other part keeps its packed bytes. The new file takes the old one's place in one step.
 * @throws IngestError `WORKBOOK_CHANGED` (somebody else saved it), `WORKBOOK_LOCKED` (open in Excel), `EDIT_INVALID`,
 * `CELL_TOO_LONG`, and what {@link writeFileAtomic} and reading raise; the file is then as it was.
 */
export async function editWorkbook(
  path: string,
  edits: readonly WorkbookEdit[],
  options: EditWorkbookOptions,
): Promise<Fingerprint> {
  const { bytes, fingerprint } = await readWorkbookFile(path);
  refuseChanged(path, options.expected, fingerprint);
  const edited = await editWorkbookBytes(bytes, edits, basename(path));
  if (edited === bytes) return fingerprint;
  await refuseOpen(path);
  await writeFileAtomic(path, edited, {
    rename: options.rename,
    beforeReplace: async () => {
      await refuseOpen(path);
      refuseChanged(path, options.expected, (await readWorkbookFile(path)).fingerprint);
    },
  });
  return (await readFingerprinted(path)).fingerprint;
}

/** As {@link editWorkbook}, from bytes to bytes. `file` is how messages name it. */
export async function editWorkbookBytes(given: Buffer, edits: readonly WorkbookEdit[], file: string): Promise<Buffer> {
  const { bytes, sheetEdits } = await withNewSheets(given, edits, file);
  const workbook = await openWorkbookPackage(bytes, file);
  const changed = new Map<string, string>();
  let movedFormulas = false;
  for (const sheet of openSheets(workbook, sheetEdits)) {
    const { sets, inserts, appends, deletes } = sheet.edits;
    if (sets.size + inserts.size + appends.length + deletes.size === 0) continue;
    const result = editSheetXml(sheet.xml, sheet.edits, sheet.facts, workbook);
    changed.set(sheet.facts.part, result.xml);
    movedFormulas ||= result.movedFormulas;
    for (const part of sheet.tables) {
      const xml = partText(workbook, part);
      const edited = editTableXml(xml, part, sheet.edits, sheet.facts, workbook);
      if (edited !== xml) changed.set(part, edited);
    }
  }
  if (changed.size === 0) return bytes;
  const dropped = movedFormulas ? dropCalcChain(workbook, changed) : null;
  const contents = new Map([...changed].map(([name, xml]) => [findPart(workbook, name) as ZipPart, encodeXml(xml)]));
  const parts = workbook.parts.filter((part) => part !== dropped);
  const edited = writeZip(
    parts.map((part) => (contents.has(part) ? withContent(part, contents.get(part) as Buffer) : part)),
  );
  await verify(edited, sheetEdits, file);
  return edited;
}

/** Sheets that are to be made come first: the other edits then find them. */
async function withNewSheets(
  given: Buffer,
  edits: readonly WorkbookEdit[],
  file: string,
): Promise<{ bytes: Buffer; sheetEdits: SheetEdit[] }> {
  let bytes = given;
  const sheetEdits: SheetEdit[] = [];
  for (const edit of edits) {
    if (edit.kind === 'create') bytes = await addSheet(bytes, edit.sheet, file);
    else sheetEdits.push(edit);
  }
  return { bytes, sheetEdits };
}

async function readWorkbookFile(path: string): Promise<{ bytes: Buffer; fingerprint: Fingerprint }> {
  try {
    return await readFingerprinted(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new IngestError('WORKBOOK_NOT_FOUND', `${path} does not exist any more; nothing was written.`, {
        hint: 'Save under its name again, or reopen the project from where it was moved to.',
        cause: error,
      });
    }
    const owner = await openElsewhere(path);
    throw new IngestError('WORKBOOK_LOCKED', `${path} cannot be opened${owner ? `: it is open in ${owner}` : ''}.`, {
      hint: 'Close it in Excel, wait until the sync client has finished, and save again.',
      retryable: true,
      cause: error,
    });
  }
}

function refuseChanged(path: string, expected: Fingerprint, found: Fingerprint): void {
  if (sameFingerprint(expected, found)) return;
  throw new IngestError(
    'WORKBOOK_CHANGED',
    `${path} was changed by another program since it was opened; nothing was written.`,
    {
      hint: 'Reload it to see the other changes, then repeat yours; or save yours under another name.',
    },
  );
}

async function refuseOpen(path: string): Promise<void> {
  const owner = await openElsewhere(path);
  if (!owner) return;
  const lockFile = owner.startsWith('Excel') ? `~$${basename(path)}` : `.~lock.${basename(path)}#`;
  throw new IngestError('WORKBOOK_LOCKED', `${path} is open in ${owner}; nothing was written.`, {
    hint: `Close it there and save again. If it is not open anywhere, delete the file ${lockFile} beside it.`,
    retryable: true,
  });
}

function openSheets(workbook: WorkbookPackage, edits: readonly SheetEdit[]): OpenSheet[] {
  return [...groupEdits(edits)].map(([name, sheetEdits]) => openSheet(workbook, name, sheetEdits));
}

function openSheet(workbook: WorkbookPackage, name: string, edits: SheetEdits): OpenSheet {
  const key = (Object.keys(SHEET_NAMES) as SheetKey[]).find((known) => SHEET_NAMES[known].toLowerCase() === name);
  if (!key) throw invalid(`Sheet "${name}" is not one of ${Object.values(SHEET_NAMES).join(', ')}.`);
  const [entry, ...more] = findSheets(workbook, name);
  if (!entry || more.length > 0) {
    throw invalid(`${workbook.file} holds ${entry ? 'several sheets' : 'no sheet'} named ${SHEET_NAMES[key]}.`);
  }
  const xml = partText(workbook, entry.part);
  const content = readSheetCells(xml, entry.part, workbook);
  const headerRow = headerRowOf(content, key);
  const lastRow = content.rows.findLast(({ cells }) =>
    cells.some((cell) => cell.text.trim() !== '' || cell.kind === 'formula'),
  )?.row;
  const facts: SheetFacts = {
    name: entry.name,
    part: entry.part,
    headerRow,
    lastRow: Math.max(headerRow, lastRow ?? 0),
  };
  const tables = relationships(workbook, entry.part)
    .filter((related) => related.type === 'table')
    .map((related) => related.target);
  return { facts, xml, edits: aboveTotals(workbook, tables, facts, changesOnly(edits, content)), tables };
}

/** Cells that show the text already are left alone: their formula, number or rich text is worth more than the text. */
function changesOnly(edits: SheetEdits, content: SheetContent): SheetEdits {
  if (edits.sets.size === 0) return edits;
  const rows = new Map(content.rows.map((row) => [row.row, row.cells]));
  const sets: SheetEdits['sets'] = new Map();
  for (const [row, cells] of edits.sets) {
    const changed = [...cells].filter(([column, text]) => {
      const now = rows.get(row)?.find((cell) => cell.column === column);
      return now?.kind === 'formula' || (now?.text ?? '') !== text;
    });
    if (changed.length > 0) sets.set(row, new Map(changed));
  }
  return { ...edits, sets };
}

/** Rows are added above a table's totals row, not below it. */
function aboveTotals(
  workbook: WorkbookPackage,
  tables: readonly string[],
  facts: SheetFacts,
  edits: SheetEdits,
): SheetEdits {
  if (edits.appends.length === 0) return edits;
  const hasTotals = tables.some((part) => {
    const [table] = layOutTable(partText(workbook, part), part, workbook).ranges;
    return (
      table !== undefined && table.totals > 0 && table.tag.attributes.ref?.endsWith(String(facts.lastRow)) === true
    );
  });
  if (!hasTotals) return edits;
  const before = edits.inserts.get(facts.lastRow) ?? [];
  return { ...edits, appends: [], inserts: new Map(edits.inserts).set(facts.lastRow, [...before, ...edits.appends]) };
}

/**
 * The calculation chain lists the cells with formulas; Excel calls a file damaged whose chain names a cell without one,
 * and makes a new chain where there is none.
 */
function dropCalcChain(workbook: WorkbookPackage, changed: Map<string, string>): ZipPart | null {
  const chain = relationships(workbook, workbook.workbookPart).find((related) => related.type === 'calcChain');
  const part = chain && findPart(workbook, chain.target);
  if (!chain || !part) return null;
  const slash = workbook.workbookPart.lastIndexOf('/') + 1;
  const rels = `${workbook.workbookPart.slice(0, slash)}_rels/${workbook.workbookPart.slice(slash)}.rels`;
  removeElement(workbook, changed, rels, (tag) => /\/calcChain["']/.test(tag));
  removeElement(workbook, changed, '[Content_Types].xml', (tag) =>
    tag.toLowerCase().includes(`"/${part.name.toLowerCase()}"`),
  );
  return part;
}

/** Takes the empty elements out of a part whose tag answers to `matches`. */
function removeElement(
  workbook: WorkbookPackage,
  changed: Map<string, string>,
  name: string,
  matches: (tag: string) => boolean,
): void {
  const part = findPart(workbook, name);
  if (!part) return;
  const xml = partText(workbook, name);
  changed.set(
    part.name,
    xml.replace(/<[^<>?!/][^<>]*\/>/g, (tag) => (matches(tag.replaceAll("'", '"')) ? '' : tag)),
  );
}

/** Reads the edited file back: what was written is what was asked for, or nothing is. */
async function verify(bytes: Buffer, edits: readonly SheetEdit[], file: string): Promise<void> {
  const workbook = await openWorkbookPackage(bytes, file);
  for (const [name, sheet] of groupEdits(edits)) {
    const [entry] = findSheets(workbook, name);
    if (!entry) throw invalid(`${file} has lost its sheet ${name}.`);
    const rows = new Map(
      readSheetCells(partText(workbook, entry.part), entry.part, workbook).rows.map((row) => [row.row, row.cells]),
    );
    const map = rowMapOf(sheet);
    for (const [row, cells] of sheet.sets) {
      const at = mapRow(map, row);
      for (const [column, text] of cells) {
        const found = rows.get(at)?.find((cell) => cell.column === column)?.text ?? '';
        if (found !== text)
          throw invalid(`${file}: ${entry.name} ${cellName(column, at)} would not read back as it was written.`);
      }
    }
  }
}
