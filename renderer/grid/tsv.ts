/**
 * Cells on the clipboard, both ways with Excel, Google Sheets and LibreOffice. Pure.
 *
 * Excel ends every row with CRLF, the last one too. It quotes a cell only where it holds a tab or a line break, and doubles quotes only inside such
 * a cell: the text `"Order Details"` arrives as it is. So a quoted field is taken for quoted only where it needs it, or has doubled quotes.
 */

/** Rows of cells; a row may be shorter than the first. One line break at the very end is no row. An empty text is no cell at all. */
export function parseTsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quoted = text[at] === '"' ? quotedField(text, at) : null;
    let end: number;
    if (quoted !== null) {
      row.push(quoted.value);
      end = quoted.end;
    } else {
      end = at;
      while (end < text.length && !isBreak(text[end])) end += 1;
      row.push(text.slice(at, end));
    }
    if (end >= text.length) {
      rows.push(row);
      return rows;
    }
    if (text[end] === '\t') {
      at = end + 1;
      // A tab at the very end has a blank cell behind it.
      if (at === text.length) {
        row.push('');
        rows.push(row);
      }
      continue;
    }
    rows.push(row);
    row = [];
    at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
  }
  return rows;
}

function isBreak(character: string | undefined): boolean {
  return character === '\t' || character === '\n' || character === '\r';
}

/** The field that starts with the quote at `start`, or null where the quotes are part of its text. */
function quotedField(text: string, start: number): { value: string; end: number } | null {
  let needed = false;
  let at = start + 1;
  for (;;) {
    const character = text[at];
    if (character === undefined) return null;
    if (character === '"') {
      if (text[at + 1] !== '"') break;
      needed = true;
      at += 1;
    } else if (isBreak(character)) needed = true;
    at += 1;
  }
  const end = at + 1;
  if (end < text.length && !isBreak(text[end])) return null;
  // `""` alone is two quotes that somebody typed.
  if (!needed || end - start === 2) return null;
  const value = text
    .slice(start + 1, at)
    .replaceAll('""', '"')
    .replace(/\r\n?/g, '\n');
  return { value, end };
}

/** Without a line break behind the last row, so that one cell is its text alone. */
export function formatTsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(tsvField).join('\t')).join('\r\n');
}

function tsvField(value: string): string {
  return /[\t\n\r]|^"/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A table for `text/html`: the format `@` tells Excel to keep leading zeros and long numbers, `same-cell` to keep a cell's lines together. */
export function formatHtmlTable(rows: readonly (readonly string[])[]): string {
  const body = rows.map((row) => `<tr>${row.map((value) => `<td>${escapeHtml(value)}</td>`).join('')}</tr>`).join('\n');
  const style = 'td{mso-number-format:"\\@";white-space:pre-wrap}br{mso-data-placement:same-cell}';
  return `<meta charset="utf-8"><style>${style}</style><table>${body}</table>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/\r\n?|\n/g, '<br>');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** The first table of a page's markup, or null where there is none. For sources that put no plain text on the clipboard. */
export function parseHtmlTable(html: string): string[][] | null {
  const table = /<table\b[^>]*>([\s\S]*?)<\/table>/i.exec(html)?.[1];
  if (table === undefined) return null;
  const rows: string[][] = [];
  for (const [, markup = ''] of table.matchAll(/<tr\b[^>]*>([\s\S]*?)(?=<tr\b|<\/tr>|$)/gi)) {
    const row: string[] = [];
    for (const [, attributes = '', content = ''] of markup.matchAll(
      /<t[dh]\b([^>]*)>([\s\S]*?)(?=<t[dh]\b|<\/t[dhr]>|$)/gi,
    )) {
      row.push(htmlText(content));
      const span = Math.min(1000, Number(/\bcolspan\s*=\s*["']?(\d+)/i.exec(attributes)?.[1] ?? 1));
      for (let extra = 1; extra < span; extra += 1) row.push('');
    }
    rows.push(row);
  }
  return rows.length === 0 ? null : rows;
}

function htmlText(markup: string): string {
  return markup
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/\s+/g, ' ')
    .replace(/<br\b[^>]*> ?|<\/(?:p|div|li)> ?(?=<(?:p|div|li)\b)/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .trim();
}

/** What a paste holds: the plain text, else the markup's table, else nothing. */
export function clipboardCells(text: string, html: string): string[][] {
  if (text !== '') return parseTsv(text);
  return parseHtmlTable(html) ?? [];
}
