const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Are two texts the same value? Numbers by value, every digit of them; `true` and `FALSE` in any case; else letter by letter. Null only equals null.
 */
export function sameValue(actual: string | null, expected: string | null): boolean {
  if (actual === null || expected === null) return actual === expected;
  const [left, right] = [actual.trim(), expected.trim()];
  if (NUMBER.test(left) && NUMBER.test(right)) return canonicalNumber(left) === canonicalNumber(right);
  if (/^(true|false)$/i.test(left)) return left.toLowerCase() === right.toLowerCase();
  return actual === expected || left === right;
}

/** One text for each number: `1.50`, `+1.5` and `15e-1` are all `15e-1`. */
export function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign === '-' ? '-' : ''}${significant}e${scale}`;
}

/** Do two sums of floating point numbers agree, whatever order they were added in? */
export function nearlyEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

/** `12,345` */
export function countText(count: number | string): string {
  return BigInt(count).toLocaleString('en-US');
}

/** Two rates as percentages, with as many digits as tell them apart. */
export function percentTexts(a: number, b: number): [string, string] {
  const texts = (digits: number): [string, string] => [
    `${(a * 100).toFixed(digits)}%`,
    `${(b * 100).toFixed(digits)}%`,
  ];
  for (const digits of [2, 4]) {
    const [left, right] = texts(digits);
    if (a === b || left !== right) return [left, right];
  }
  return texts(8);
}
