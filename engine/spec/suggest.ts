/** "Did you mean": the candidate nearest to what was typed. */

/**
 * Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; gives up beyond `limit` and says `limit + 1`.
 * Optimal string alignment distance.
 */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/** Longer texts are not misspelt names. */
const LONGEST = 100;

const comparable = (text: string) =>
  text
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');

/**
 * The candidate that was most likely meant, or null. Case, and spaces or hyphens for underscores, count as nothing; one edit
 * in three characters is allowed; a beginning of three or more characters is taken for the rest (`incr` → `INCREMENTAL`).
 */
export function didYouMean(text: string, candidates: Iterable<string>): string | null {
  const typed = comparable(text);
  if (typed === '' || typed.length > LONGEST) return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const name = comparable(candidate);
    const limit = Math.max(1, Math.floor(Math.max(typed.length, name.length) / 3));
    const begins = typed.length >= 3 && (name.startsWith(typed) || (name.length >= 3 && typed.startsWith(name)));
    // Two letters of two, or one of one, would turn anything into anything.
    const distance = begins ? 0.5 : editDistance(typed, name, Math.min(limit, typed.length - 1));
    if (distance <= (begins ? 1 : Math.min(limit, typed.length - 1)) && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
