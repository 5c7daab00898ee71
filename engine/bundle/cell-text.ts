import { columnLetters } from '../spec/sheet.ts';
import { escapeXml } from './xml.ts';

/**
 * Excel's way to write what XML cannot hold: `_x000D_` is a carriage return, and a text that looks like one
 * has its underscore written as `_x005F_` (ECMA-376, 22.9.2.19 ST_Xstring).
 */
const ESCAPE = /_x([0-9A-Fa-f]{4})_/g;

/** A lone surrogate, a control character, or the two code points that XML forbids. */
const UNWRITABLE = /(?![\t\n])\p{Cc}|\p{Cs}|[\uFFFE\uFFFF]/gu;

export function decodeCellText(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The inner XML of a `<t>` that reads back as exactly `text`. */
export function encodeCellText(text: string): string {
  const escaped = text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replace(UNWRITABLE, (char) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`);
  return escapeXml(escaped);
}

/** 0-based column index of letters: A → 0, XFD → 16383. */
export function columnIndex(letters: string): number {
  let n = 0;
  for (const letter of letters.toUpperCase()) n = n * 26 + letter.charCodeAt(0) - 64;
  return n - 1;
}

/** `B7` → { column: 1, row: 7 }; null for what is no cell reference of a sheet. */
export function cellPlace(reference: string): { column: number; row: number } | null {
  const match = /^\$?([A-Za-z]{1,3})\$?(\d{1,7})$/.exec(reference);
  if (!match) return null;
  const column = columnIndex(match[1] as string);
  const row = Number(match[2]);
  return column < 16_384 && row >= 1 && row <= 1_048_576 ? { column, row } : null;
}

/** 0-based column and 1-based row → `B7`. */
export function cellName(column: number, row: number): string {
  return `${columnLetters(column)}${row}`;
}
