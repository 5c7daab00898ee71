import type { CatalogColumn } from './catalog.ts';

/** Quotes an identifier for SQL Server. */
export function quoteIdentifier(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

/** A schema-qualified name. */
export function quoteName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The one encoder of text literals for SQL Server: Unicode, whatever the database's code page. */
export function textLiteral(text: string): string {
  return `N'${text.replaceAll("'", "''")}'`;
}

/** Types whose texts depend on the session's language unless a style says how they are written. */
const TIMES = new Set(['date', 'datetime', 'smalldatetime', 'datetime2', 'datetimeoffset', 'time']);

/**
 * A literal of a column's own type, so that an index on it can be used. Binary values are written `0x…`; times as `2024-05-01 12:00:00.123` or, with a
 * T, as ISO 8601.
 */
export function typedLiteral(text: string, column: CatalogColumn): string {
  if (isBinary(column)) return hexLiteral(text);
  if (!TIMES.has(column.baseType)) return `CAST(${textLiteral(text)} AS ${column.typeSql})`;
  return `CONVERT(${column.typeSql}, ${textLiteral(text)}, ${timeStyle(text)})`;
}

export function isBinary({ baseType }: Pick<CatalogColumn, 'baseType'>): boolean {
  return ['timestamp', 'rowversion', 'binary', 'varbinary'].includes(baseType);
}

/** Styles of CONVERT: 126 is ISO 8601, 127 with a zone, 121 the canonical form of ODBC. */
function timeStyle(text: string): number {
  if (!text.includes('T')) return 121;
  return text.endsWith('Z') ? 127 : 126;
}

/** Anything but hexadecimal digits becomes a text, which the server then refuses to compare. */
function hexLiteral(text: string): string {
  return /^0x(?:[0-9a-f]{2})*$/i.test(text) ? text : textLiteral(text);
}
