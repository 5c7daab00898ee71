import stringWidth from 'string-width';

export interface TableColumn {
  header: string;
  align?: 'left' | 'right';
  /** Widest that the column may be; longer texts end in `…`. */
  maxWidth?: number;
  /** Where space is short, this column is cut before the others are. */
  yields?: boolean;
}

export interface TableOptions {
  /** Columns of the terminal: the widest columns are cut so that a row fits. Default: as wide as it gets. */
  width?: number;
  style?: (style: 'bold' | 'dim', text: string) => string;
}

const GAP = '  ';
/** A column is not cut below this, however narrow the terminal is. */
const NARROWEST = 6;
/** What a column that yields keeps before the others are cut as well. */
const YIELDS_TO = 30;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
const COLORS = /\u001b\[[0-9;]*m/g;

/** Renders rows as an aligned table with a header. Widths count what a terminal shows (umlauts, CJK, emoji), not UTF-16 units. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const style = options.style ?? ((_style, text) => text);
  const cells = rows.map((row) => row.map(oneLine));
  const widths = columns.map((column, index) => {
    const widest = Math.max(stringWidth(column.header), ...cells.map((row) => stringWidth(row[index] ?? '')));
    return Math.min(widest, column.maxWidth ?? Number.POSITIVE_INFINITY);
  });
  shrink(widths, columns, options.width ?? Number.POSITIVE_INFINITY);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => pad(cut(text, widths[index] as number), widths[index] as number, columns[index]?.align))
      .join(GAP)
      .trimEnd();
  return [
    style('bold', line(columns.map((column) => column.header))),
    style('dim', widths.map((width) => '─'.repeat(width)).join(GAP)),
    ...cells.map(line),
  ].join('\n');
}

/** Cuts a text to `width` terminal columns; `…` stands for what is left out. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let result = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text.replace(COLORS, ''))) {
    const next = stringWidth(segment);
    if (used + next > width - 1) break;
    result += segment;
    used += next;
  }
  return `${result}…`;
}

function shrink(widths: number[], columns: readonly TableColumn[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - available;
  for (const yielding of [true, false]) {
    while (excess > 0) {
      let widest = -1;
      for (const [index, width] of widths.entries()) {
        const mayShrink = width > (yielding ? YIELDS_TO : NARROWEST) && (!yielding || columns[index]?.yields === true);
        if (mayShrink && (widest === -1 || width > (widths[widest] as number))) widest = index;
      }
      if (widest === -1) break;
      widths[widest] = (widths[widest] as number) - 1;
      excess -= 1;
    }
  }
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'right' ? space + text : text + space;
}

/** Line breaks would tear the table apart, and control characters of a source must not reach the terminal. */
function oneLine(text: string): string {
  const kept = text.replace(/\r\n|\r|\n/g, '↵').replace(/\t/g, ' ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for; colours stay
  return kept.replace(/\u001b(?!\[[0-9;]*m)|[\u0000-\u001a\u001c-\u001f\u007f-\u009f]/g, '�');
}
