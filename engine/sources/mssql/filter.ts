import { checkPredicate, type SkipOpaque } from '../database/predicate.ts';

/** Comments (which nest), strings, names in brackets or quotes. */
const OPAQUE = /--[^\n]*|\/\*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]/y;
const COMMENT_MARK = /\/\*|\*\//g;

const skipOpaque: SkipOpaque = (filter, at, refuse) => {
  OPAQUE.lastIndex = at;
  const opaque = OPAQUE.exec(filter);
  if (opaque === null) return filter[at] === '[' ? refuse('a [ has no ]') : null;
  if (opaque[0] !== '/*') return OPAQUE.lastIndex;
  COMMENT_MARK.lastIndex = at;
  for (let depth = 0; ; ) {
    const mark = COMMENT_MARK.exec(filter);
    if (mark === null) return refuse('a /* has no */');
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return COMMENT_MARK.lastIndex;
  }
};

/** Checks that a filter is one predicate in T-SQL. Inside its parentheses no statement can begin that writes. */
export function checkFilter(filter: string): void {
  checkPredicate(filter, skipOpaque);
}
