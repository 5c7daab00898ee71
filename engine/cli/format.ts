/** `12345` → `12,345`, the same in every locale. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1`, `row` → `1 row`; `2`, `row` → `2 rows`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
