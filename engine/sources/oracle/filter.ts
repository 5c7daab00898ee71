import { checkPredicate, type SkipOpaque } from '../database/predicate.ts';

/** Comments (which do not nest), strings, quoted names; the q'[…]' form begins with its group. */
const OPAQUE = /--[^\n]*|\/\*|([nN]?[qQ]')|'(?:[^']|'')*'|"[^"]*"/y;
/** Delimiters of q'…' that close with another character. */
const CLOSING: Record<string, string> = { '[': ']', '{': '}', '<': '>', '(': ')' };

const skipOpaque: SkipOpaque = (filter, at, refuse) => {
  OPAQUE.lastIndex = at;
  const isInWord = /[qn]/i.test(filter[at] ?? '') && at > 0 && /[\w$#\u0080-\uffff]/.test(filter[at - 1] ?? '');
  const opaque = isInWord ? null : OPAQUE.exec(filter);
  if (opaque === null) return null;
  const behind = OPAQUE.lastIndex;
  if (opaque[0] === '/*') {
    const close = filter.indexOf('*/', behind);
    return close === -1 ? refuse('a /* has no */') : close + 2;
  }
  if (opaque[1] === undefined) return behind;
  const delimiter = filter[behind] ?? '';
  const end = `${CLOSING[delimiter] ?? delimiter}'`;
  const close = delimiter === '' ? -1 : filter.indexOf(end, behind + 1);
  return close === -1
    ? refuse(`the string that begins with ${opaque[1]}${delimiter} does not end`)
    : close + end.length;
};

/** Checks that a filter is one predicate in Oracle's SQL. It runs in a read-only transaction, or in a flashback query. */
export function checkFilter(filter: string): void {
  checkPredicate(filter, skipOpaque);
}
