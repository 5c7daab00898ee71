import { IngestError } from '../../errors.ts';

/** Ends the check; `reason` goes on with "filter "…": ". */
export type Refuse = (reason: string) => never;

/**
 * The position behind a token that begins at `at` and whose inside has no meaning for parentheses (comment, string, quoted name), else null.
 * A dialect's own.
 */
export type SkipOpaque = (filter: string, at: number, refuse: Refuse) => number | null;

/**
 * Checks that a filter is one predicate that stays inside its parentheses: no second statement, no unbalanced parenthesis, nothing left open.
 * What it does is limited by the server, which runs it in a transaction that only reads.
 * @throws IngestError FILTER_INVALID
 */
export function checkPredicate(filter: string, skipOpaque: SkipOpaque): void {
  const refuse: Refuse = (reason) => {
    throw new IngestError('FILTER_INVALID', `filter "${filter}": ${reason}.`, {
      hint: "Write one condition as it would stand after WHERE, e.g. status = 'open' AND amount > 0.",
    });
  };
  let depth = 0;
  let at = 0;
  while (at < filter.length) {
    const behind = skipOpaque(filter, at, refuse);
    if (behind !== null) {
      at = behind;
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
