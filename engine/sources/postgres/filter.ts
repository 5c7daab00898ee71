import { checkPredicate, type Refuse, type SkipOpaque } from '../database/predicate.ts';

/** One token of SQL whose inside has no meaning for parentheses: comments, strings, quoted names, dollar-quoted strings. */
const OPAQUE =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)/y;

const skipOpaque: SkipOpaque = (filter, at, refuse) => {
  OPAQUE.lastIndex = at;
  const opaque = isWordBefore(filter, at) ? null : OPAQUE.exec(filter);
  if (opaque === null) return null;
  const behind = OPAQUE.lastIndex;
  if (opaque[0] === '/*') return commentEnd(filter, at, refuse);
  if (opaque[1] === undefined) return behind;
  const close = filter.indexOf(opaque[1], behind);
  return close === -1 ? refuse(`the string that begins with ${opaque[1]} does not end`) : close + opaque[1].length;
};

/** Checks that a filter is one predicate in PostgreSQL's SQL. It runs in a READ ONLY transaction. */
export function checkFilter(filter: string): void {
  checkPredicate(filter, skipOpaque);
}

/** In `name$1$` and `some'…` (never valid) or `note'` the dollar or E belongs to a word. */
function isWordBefore(filter: string, at: number): boolean {
  const character = filter[at] as string;
  return /[$eE]/.test(character) && at > 0 && /[\w$\u0080-\uffff]/.test(filter[at - 1] as string);
}

/** PostgreSQL's comments nest. */
function commentEnd(filter: string, start: number, refuse: Refuse): number {
  let depth = 0;
  for (let at = start; at < filter.length - 1; at += 1) {
    const pair = filter.slice(at, at + 2);
    if (pair === '/*' || pair === '*/') {
      depth += pair === '/*' ? 1 : -1;
      at += 1;
      if (depth === 0) return at + 1;
    }
  }
  return refuse('a /* has no */');
}
