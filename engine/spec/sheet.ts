import { type FindingList, meant } from './finding-list.ts';
import type { RawSheet } from './project.ts';
import { didYouMean } from './suggest.ts';

/** Where a sheet's columns stand. */
export interface SheetColumns<Name extends string> {
  /** Index into `cells` by column; a column that the sheet does not have is left out. */
  index: ReadonlyMap<Name, number>;
  /** False where a required header is missing: rows cannot be judged then. */
  usable: boolean;
}

/** `C` for index 2, as Excel names columns. */
export function columnLetters(index: number): string {
  const rest = index % 26;
  const letter = String.fromCharCode(65 + rest);
  return index < 26 ? letter : columnLetters(Math.floor(index / 26) - 1) + letter;
}

/** A header as a name: any case, spaces and hyphens for underscores. */
export function headerName(header: string): string {
  return header
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
}

/** Finds a sheet's columns; missing required, doubled and unknown headers become findings. Unknown columns are kept by all who write the sheet. */
export function readHeaders<Name extends string>(
  list: FindingList,
  sheet: RawSheet,
  names: readonly Name[],
  required: readonly Name[],
): SheetColumns<Name> {
  const index = new Map<Name, number>();
  const known = new Set<string>(names);
  const unknown: { header: string; position: number }[] = [];
  let usable = true;
  for (const [position, header] of sheet.headers.entries()) {
    const name = headerName(header);
    if (name === '') continue;
    if (!known.has(name)) {
      unknown.push({ header, position });
      continue;
    }
    const first = index.get(name as Name);
    if (first === undefined) index.set(name as Name, position);
    else {
      usable = false;
      list.add(
        { sheet: sheet.name, row: sheet.headerRow, column: name, value: header.trim() },
        {
          severity: 'error',
          code: 'HEADER_TWICE',
          problem: `this header stands over columns ${columnLetters(first)} and ${columnLetters(position)}; keep one`,
          hint: 'Rename or delete one of the two columns.',
        },
      );
    }
  }
  const missing = names.filter((name) => !index.has(name));
  for (const { header, position } of unknown) {
    const name = didYouMean(header, missing);
    list.add(
      { sheet: sheet.name, row: sheet.headerRow, column: header.trim(), value: header.trim() },
      {
        severity: 'warning',
        code: 'HEADER_UNKNOWN',
        problem: `column ${columnLetters(position)} is not one of the product's; it is kept and has no effect`,
        hint: meant(name),
        fix: name,
      },
    );
  }
  for (const name of required.filter((column) => !index.has(column))) {
    usable = false;
    const near = didYouMean(
      name,
      unknown.map(({ header }) => header.trim()),
    );
    list.add(
      { sheet: sheet.name, row: sheet.headerRow, column: name },
      {
        severity: 'error',
        code: 'HEADER_MISSING',
        problem: 'this required column is missing',
        hint: near === null ? `Add a column with the header ${name}.` : `Rename the column ${near} to ${name}.`,
      },
    );
  }
  reportValuesWithoutHeader(list, sheet);
  return { index, usable };
}

function reportValuesWithoutHeader(list: FindingList, sheet: RawSheet): void {
  const width = sheet.rows.reduce((most, { cells }) => Math.max(most, cells.length), 0);
  for (let position = 0; position < width; position++) {
    if ((sheet.headers[position] ?? '').trim() !== '') continue;
    const filled = sheet.rows.find(({ cells }) => (cells[position] ?? '').trim() !== '');
    if (filled === undefined) continue;
    list.add(
      { sheet: sheet.name, row: filled.row, column: columnLetters(position), value: filled.cells[position] },
      { severity: 'warning', code: 'CELL_WITHOUT_HEADER', problem: 'this column has no header and no effect' },
    );
  }
}
