import { IngestError } from '../../errors.ts';

/** One token of SQL whose inside has no meaning for parentheses: comments, strings, quoted names, dollar-quoted strings. */
const OPAQUE =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)/y;

/**
 * Checks that a filter is one predicate that stays inside its parentheses: no second statement, no unbalanced parenthesis, nothing left open.
 * What it does is limited by the server: it runs in a READ ONLY transaction.
 */
export function checkFilter(filter: string): void {
  const refuse = (reason: string): never => {
    throw new IngestError('FILTER_INVALID', `filter "${filter}": ${reason}.`, {
      hint: "Write one condition as it would stand after WHERE, e.g. status = 'open' AND amount > 0.",
    });
  };
  let depth = 0;
  let at = 0;
  while (at < filter.length) {
    OPAQUE.lastIndex = at;
    const opaque = isWordBefore(filter, at) ? null : OPAQUE.exec(filter);
    if (opaque) {
      at = opaque[0] === '/*' ? commentEnd(filter, at, refuse) : OPAQUE.lastIndex;
      if (opaque[1] !== undefined) {
        const close = filter.indexOf(opaque[1], at);
        if (close === -1) refuse(`the string that begins with ${opaque[1]} does not end`);
        at = close + opaque[1].length;
      }
      continue;
    }
    const character = filter[at];
    if (character === "'" || character === '"') refuse(`a ${character} has no partner`);
    if (character === ';') refuse('it holds a semicolon');
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) refuse('a ) comes before its (');
    at += 1;
  }
  if (depth > 0) refuse('a ( has no )');
  if (filter.trim() === '') refuse('it is empty');
}

/** In `name$1$` and `some'…` (never valid) or `note'` the dollar or E belongs to a word. */
function isWordBefore(filter: string, at: number): boolean {
  const character = filter[at] as string;
  return /[$eE]/.test(character) && at > 0 && /[\w$\u0080-\uffff]/.test(filter[at - 1] as string);
}

/** PostgreSQL's comments nest. */
function commentEnd(filter: string, start: number, refuse: (reason: string) => never): number {
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
