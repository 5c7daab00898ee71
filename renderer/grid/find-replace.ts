import { contains, type Extent, type Position, type Rectangle } from './selection.ts';

/** Finding and replacing text in the cells as they are shown. Pure. */
export interface FindQuery {
  text: string;
  matchCase: boolean;
  wholeCell: boolean;
  /** Search here only; null searches everywhere. */
  within: Rectangle | null;
}

/** A test of one cell's text, or null for an empty query, which finds nothing. */
export function matcher({ text, matchCase, wholeCell }: FindQuery): ((value: string) => boolean) | null {
  if (text === '') return null;
  const fold = matchCase ? (value: string) => value : (value: string) => value.toLocaleLowerCase();
  const wanted = fold(text);
  return wholeCell ? (value) => fold(value) === wanted : (value) => fold(value).includes(wanted);
}

/** All cells that match, row by row; at most `limit`. */
export function findAll(
  query: FindQuery,
  extent: Extent,
  textAt: (position: Position) => string,
  limit = 100_000,
): Position[] {
  const matches = matcher(query);
  const found: Position[] = [];
  if (matches === null) return found;
  const { top, bottom, left, right } = query.within ?? {
    top: 0,
    bottom: extent.rows - 1,
    left: 0,
    right: extent.columns - 1,
  };
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      if (!matches(textAt({ row, column }))) continue;
      found.push({ row, column });
      if (found.length === limit) return found;
    }
  }
  return found;
}

/** Index of the match behind (or before) a cell, going round; -1 where there is none. */
export function nextMatch(found: readonly Position[], from: Position, backwards: boolean): number {
  if (found.length === 0) return -1;
  const after = (one: Position, other: Position) => one.row - other.row || one.column - other.column;
  if (backwards) {
    const index = found.findLastIndex((position) => after(position, from) < 0);
    return index < 0 ? found.length - 1 : index;
  }
  const index = found.findIndex((position) => after(position, from) > 0);
  return Math.max(0, index);
}

/** The cell's text with every match replaced; `$` and the like in the replacement are plain text. */
export function replaceText(value: string, replacement: string, query: FindQuery): string {
  if (query.text === '') return value;
  if (query.wholeCell) return matcher(query)?.(value) === true ? replacement : value;
  if (query.matchCase) return value.replaceAll(query.text, () => replacement);
  const pattern = new RegExp(query.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  return value.replace(pattern, () => replacement);
}

/** Whether a range is worth searching in: more than one cell. */
export function searchableRange(box: Rectangle): Rectangle | null {
  return box.top === box.bottom && box.left === box.right ? null : box;
}

/** Which of the matches the active cell is; -1 for none. */
export function matchIndex(found: readonly Position[], active: Position): number {
  return found.findIndex((position) =>
    contains({ top: active.row, bottom: active.row, left: active.column, right: active.column }, position),
  );
}
