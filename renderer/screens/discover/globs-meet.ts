/**
 * Whether two globs can match the same path. Of the syntax of `file_glob` (`**`, `*`, `?`, `[…]`, `{a,b}`); a class in brackets counts as any letter,
 * so that the answer is rather yes than no.
 */
export function globsMeet(one: string, other: string): boolean {
  return alternatives(tidy(one)).some((first) =>
    alternatives(tidy(other)).some((second) => pathsMeet(first.split('/'), second.split('/'))),
  );
}

/** Windows' separators, and `./` in front, mean nothing else. */
function tidy(glob: string): string {
  return glob
    .trim()
    .replaceAll('\\', '/')
    .replace(/^(?:\.?\/)+/, '');
}

/** Braces written out; at most some hundred, of more the first ones. */
function alternatives(glob: string): string[] {
  const waiting = [glob];
  const done: string[] = [];
  while (waiting.length > 0 && done.length < 200) {
    const next = waiting.shift() as string;
    const found = /\{([^{}]*)\}/.exec(next);
    if (found === null) done.push(next);
    else {
      const behind = next.slice(found.index + found[0].length);
      waiting.push(...(found[1] ?? '').split(',').map((part) => next.slice(0, found.index) + part + behind));
    }
  }
  return done;
}

/** `**` stands for any number of folders. */
function pathsMeet(one: readonly string[], other: readonly string[]): boolean {
  return meet(one, other, (part) => part === '**', segmentsMeet);
}

function segmentsMeet(one: string, other: string): boolean {
  if (one === '**' || other === '**') return true;
  return meet(
    letters(one),
    letters(other),
    (letter) => letter === '*',
    (a, b) => a === '?' || b === '?' || a === '*' || b === '*' || a === b,
  );
}

function letters(segment: string): string[] {
  return segment
    .replace(/\[[^\]]*\]/g, '?')
    .replace(/\*+/g, '*')
    .split('');
}

/** Whether two rows of parts can be the same row, where some parts stand for any number of parts. */
function meet(
  one: readonly string[],
  other: readonly string[],
  isAny: (part: string) => boolean,
  same: (a: string, b: string) => boolean,
): boolean {
  // ends[j]: what is left of `one` from i can meet what is left of `other` from j.
  let below: boolean[] = [];
  for (let i = one.length; i >= 0; i -= 1) {
    const row = new Array<boolean>(other.length + 1).fill(false);
    for (let j = other.length; j >= 0; j -= 1) {
      const [a, b] = [one[i], other[j]];
      if (a === undefined && b === undefined) row[j] = true;
      else if (a !== undefined && isAny(a)) row[j] = (below[j] ?? false) || (b !== undefined && (row[j + 1] ?? false));
      else if (b !== undefined && isAny(b)) row[j] = (row[j + 1] ?? false) || (a !== undefined && (below[j] ?? false));
      else row[j] = a !== undefined && b !== undefined && same(a, b) && (below[j + 1] ?? false);
    }
    below = row;
  }
  return below[0] ?? false;
}
