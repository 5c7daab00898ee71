import type { JsonRecord } from './records.ts';

export interface CsvOptions {
  delimiter: string;
  /** One character; empty where nothing is quoted. */
  quote: string;
  /** Unquoted cells with this text are null. */
  nullText: string;
  /** False: columns are named column_1, column_2 … */
  header: boolean;
}

export interface CsvProblem {
  /** 1-based. */
  line: number;
  problem: string;
}

/** The rows of a CSV text (RFC 4180) as records; every value is text or null. What is not a table is told, never guessed. */
export function parseCsv(text: string, options: CsvOptions): JsonRecord[] | CsvProblem {
  const rows = readRows(text, options);
  if (!Array.isArray(rows)) return rows;
  const [first, ...rest] = rows;
  if (first === undefined) return [];
  const names = options.header
    ? first.cells.map((cell) => cell ?? '')
    : first.cells.map((_cell, index) => `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { line: first.line, problem: `the header has the column "${twice}" twice` };
  const records: JsonRecord[] = [];
  for (const { line, cells } of options.header ? rest : rows) {
    if (cells.length !== names.length)
      return { line, problem: `${cells.length} cells where the first line has ${names.length}` };
    records.push(Object.fromEntries(names.map((name, index) => [name, cells[index] ?? null])));
  }
  return records;
}

interface Row {
  line: number;
  cells: (string | null)[];
}

function readRows(text: string, { delimiter, quote, nullText }: CsvOptions): Row[] | CsvProblem {
  const rows: Row[] = [];
  let cells: (string | null)[] = [];
  let line = 1;
  let rowLine = 1;
  let at = 0;
  while (at < text.length) {
    let quoted = false;
    let cell = '';
    if (quote !== '' && text[at] === quote) {
      quoted = true;
      at += 1;
      for (;;) {
        const end = text.indexOf(quote, at);
        if (end < 0) return { line: rowLine, problem: 'a quotation mark is not closed' };
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== quote) break;
        cell += quote;
        at += 1;
      }
      line += cell.split('\n').length - 1;
    } else {
      const start = at;
      while (at < text.length && text[at] !== '\n' && text[at] !== '\r' && !text.startsWith(delimiter, at)) at += 1;
      cell = text.slice(start, at);
    }
    cells.push(!quoted && cell === nullText ? null : cell);
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length;
      // The delimiter at the very end begins one more cell.
      if (at < text.length && text[at] !== '\n' && text[at] !== '\r') continue;
      cells.push(nullText === '' ? null : '');
    }
    if (at < text.length) {
      if (text[at] !== '\n' && text[at] !== '\r') return { line, problem: 'text follows a closing quotation mark' };
      at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1;
    }
    // A blank line is no row, unless a table has one column; there it would be a null.
    if (cells.length > 1 || quoted || cell !== '') rows.push({ line: rowLine, cells });
    cells = [];
    line += 1;
    rowLine = line;
  }
  return rows;
}
