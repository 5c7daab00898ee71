/** A cell as spreadsheets take it from the clipboard: null is nothing, line breaks and tabs are quoted. */
function cellText(value: string | null): string {
  if (value === null) return '';
  return /[\t\n\r"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Rows with their headers as tab-separated values. */
export function tsvOf(columns: readonly { name: string }[], rows: readonly (readonly (string | null)[])[]): string {
  return [columns.map(({ name }) => cellText(name)), ...rows.map((row) => row.map(cellText))]
    .map((cells) => cells.join('\t'))
    .join('\r\n');
}
