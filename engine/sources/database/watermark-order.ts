/**
 * How watermarks are compared, as the source's own texts: `number` by value, `text` by UTF-16 units, which is right for times that are written in
 * fixed width (`2024-05-01 12:00:00.1234567`), for hexadecimal digits, and for binary collations.
 */
export const WATERMARK_ORDERS = ['number', 'text'] as const;
export type WatermarkOrder = (typeof WATERMARK_ORDERS)[number];

/** True where `one` is greater than `other`; null is less than everything. */
export function isGreater(order: WatermarkOrder, one: string, other: string | null): boolean {
  if (other === null) return true;
  if (one === other) return false;
  return order === 'text' ? one > other : isGreaterNumber(one, other);
}

const NUMBER = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?(?:[eE]([+-]?\d+))?$/;

function isGreaterNumber(one: string, other: string): boolean {
  const [a, b] = [NUMBER.exec(one.trim()), NUMBER.exec(other.trim())];
  // An exponent comes from a floating type only, whose values doubles are.
  if (!a || !b || a[4] !== undefined || b[4] !== undefined) return Number(one) > Number(other);
  const [negativeA, negativeB] = [isNegative(a), isNegative(b)];
  if (negativeA !== negativeB) return negativeB;
  const order = compareMagnitudes(a, b);
  return negativeA ? order < 0 : order > 0;
}

function isNegative(match: RegExpExecArray): boolean {
  return match[1] === '-' && ((match[2] ?? '') !== '' || (match[3] ?? '') !== '');
}

function compareMagnitudes(a: RegExpExecArray, b: RegExpExecArray): number {
  const [wholeA, wholeB] = [a[2] ?? '', b[2] ?? ''];
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length;
  if (wholeA !== wholeB) return wholeA > wholeB ? 1 : -1;
  const [fractionA, fractionB] = [a[3] ?? '', b[3] ?? ''];
  return fractionA === fractionB ? 0 : fractionA > fractionB ? 1 : -1;
}
