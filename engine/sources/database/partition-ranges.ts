import { IngestError } from '../../errors.ts';
import { daysFromCivil } from './time-text.ts';

/** Inner bounds of equal ranges between the least and the greatest value, which are whole. */
export function equalCuts(low: bigint, high: bigint, parts: number): bigint[] {
  const cuts = new Set<bigint>();
  for (let index = 1n; index < BigInt(parts); index += 1n) {
    const cut = low + ((high - low) * index) / BigInt(parts);
    if (cut > low && cut <= high) cuts.add(cut);
  }
  return [...cuts];
}

/** Conditions that cut a column's values at the literals: each row is in exactly one. No cut: one part without a condition. */
export function rangeParts(column: string, cuts: readonly string[], { nullable = true } = {}): (string | undefined)[] {
  if (cuts.length === 0) return [undefined];
  return [...cuts, null].map((cut, index) => {
    if (index > 0) return `${column} >= ${cuts[index - 1]}${cut === null ? '' : ` AND ${column} < ${cut}`}`;
    // NULL is in no range: the first part takes it.
    return nullable ? `(${column} < ${cut} OR ${column} IS NULL)` : `${column} < ${cut}`;
  });
}

const TIME = /^(-?)(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d))?/;

/** Where a value lies: a number without its decimals, or the seconds of a time `YYYY-MM-DD[ hh:mm:ss]`. Where exactly the cuts lie matters to nobody. */
export function positionOf(text: string): bigint {
  const time = TIME.exec(text);
  if (time !== null) {
    const [, sign, year, month, day, hour = 0, minute = 0, second = 0] = time;
    const days = daysFromCivil(sign === '-' ? 1 - Number(year) : Number(year), Number(month), Number(day));
    return BigInt(days) * 86_400n + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  }
  const whole = /^-?\d+/.exec(text)?.[0];
  if (whole !== undefined) return BigInt(whole);
  throw new IngestError('PARTITION_COLUMN_TYPE', `"${text}" cannot be cut into ranges.`);
}

/** The time at a position, as `YYYY-MM-DD hh:mm:ss`. Cuts before the first year move into it. */
export function timeAt(position: bigint): string {
  const at = new Date(Number(position) * 1000);
  const year = String(Math.max(1, at.getUTCFullYear())).padStart(4, '0');
  return `${year}${at.toISOString().replace(/^[+-]?\d+(-\d\d-\d\d)T(\d\d:\d\d:\d\d).*/, '$1 $2')}`;
}
