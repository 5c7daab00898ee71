import { IngestError } from '../../errors.ts';
import type { ResourceOptions } from '../../spec/resource.ts';
import type { CsvDialect } from './csv-scan.ts';
import { addText, KIND, newFacts } from './value-facts.ts';

/** What the first records of a CSV file say about it. */
export interface CsvLayout {
  dialect: CsvDialect;
  /** Column names: the header's, `column0`, `column1` … where there is none or a cell is blank. */
  names: string[];
  /** The header was not told by the options: the first row looked like data. */
  guessedNoHeader: boolean;
}

const DELIMITERS = [',', ';', '\t', '|'];
const SAMPLE_RECORDS = 200;

/** The layout of a file from its first bytes (UTF-8, no byte order mark); null for a file without a record. `whole` tells that the bytes are all of it. */
export function sniffCsv(head: string, whole: boolean, options: ResourceOptions): CsvLayout | null {
  const quote = oneCharacter('quote', options.quote, true);
  const delimiter =
    options.delimiter === undefined
      ? findDelimiter(head, whole, quote)
      : oneCharacter('delimiter', options.delimiter === '\\t' ? '\t' : options.delimiter, false);
  const records = readRecords(head, whole, delimiter, quote);
  const [first, ...rest] = records;
  if (first === undefined) return null;
  const header = options.header ?? !looksLikeData(first, rest);
  const names = first.map((cell, index) => (header && cell.trim() !== '' ? cell.trim() : `column${index}`));
  return {
    dialect: { delimiter, quote, header, nullText: options.null_text },
    names,
    guessedNoHeader: options.header === undefined && !header,
  };
}

function oneCharacter(option: string, value: string, emptyAllowed: boolean): string {
  if (
    (value.length === 1 && value.charCodeAt(0) < 128 && value !== '\n' && value !== '\r') ||
    (emptyAllowed && value === '')
  )
    return value;
  throw new IngestError('CSV_OPTION', `${option} "${value}" cannot be used.`, {
    hint: `Use one ASCII character for ${option}, such as ${emptyAllowed ? '"\'"' : '";"'}.`,
  });
}

/** The delimiter that cuts the most records into the same number of cells, more than one; a comma where none does. */
function findDelimiter(head: string, whole: boolean, quote: string): string {
  let best = { delimiter: ',', agreeing: 0, cells: 1 };
  for (const delimiter of DELIMITERS) {
    const widths = readRecords(head, whole, delimiter, quote).map((record) => record.length);
    const cells = widths[0] ?? 1;
    if (cells < 2) continue;
    const agreeing = widths.filter((width) => width === cells).length;
    if (agreeing > best.agreeing || (agreeing === best.agreeing && cells > best.cells))
      best = { delimiter, agreeing, cells };
  }
  return best.delimiter;
}

/** Cells of the first records; a record that the head cuts off is left out. */
function readRecords(head: string, whole: boolean, delimiter: string, quote: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = '';
  let at = 0;
  while (at < head.length && records.length < SAMPLE_RECORDS) {
    const character = head[at] as string;
    if (character === quote && cell === '' && quote !== '') {
      const start = at;
      at += 1;
      while (at < head.length) {
        if (head[at] !== quote) cell += head[at];
        else if (head[at + 1] === quote) {
          cell += quote;
          at += 1;
        } else break;
        at += 1;
      }
      at += 1;
      if (at === start + 2) continue;
      while (at < head.length && head[at] !== delimiter && head[at] !== '\n' && head[at] !== '\r') cell += head[at++];
    } else if (character === delimiter) {
      record.push(cell);
      cell = '';
      at += 1;
    } else if (character === '\n' || character === '\r') {
      at += character === '\r' && head[at + 1] === '\n' ? 2 : 1;
      if (record.length > 0 || cell !== '') records.push([...record, cell]);
      record = [];
      cell = '';
    } else {
      cell += character;
      at += 1;
    }
  }
  if (whole && (record.length > 0 || cell !== '')) records.push([...record, cell]);
  return records;
}

const DATA = KIND.integer | KIND.decimal | KIND.date | KIND.timestamp | KIND.timestamptz | KIND.boolean;

/** True when the first record has the kinds of values of the ones behind it: then it is no header, and reading it as one would lose it. */
function looksLikeData(first: readonly string[], rest: readonly string[][]): boolean {
  const kinds = first.map(kindOf);
  if (!kinds.some((kind) => (kind & DATA) !== 0)) return false;
  return kinds.every((kind, index) => {
    let others = 0;
    for (const record of rest) others |= kindOf(record[index] ?? '');
    // Integers and decimals go together.
    const family = (bits: number) =>
      (bits & (KIND.integer | KIND.decimal)) !== 0 ? (bits & ~(KIND.integer | KIND.decimal)) | KIND.integer : bits;
    return (
      kind === 0 ||
      others === 0 ||
      (family(others) & ~family(kind)) === 0 ||
      ((kind & KIND.text) !== 0 && (others & KIND.text) !== 0)
    );
  });
}

function kindOf(cell: string): number {
  if (cell === '') return 0;
  const facts = newFacts();
  const bytes = new TextEncoder().encode(`${cell}\n`);
  addText(bytes, 0, bytes.length - 1, facts);
  return facts.kinds;
}
