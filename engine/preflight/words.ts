import type { Lag } from '../spec/job.ts';

/** How distances of watermarks are measured: in seconds, in whole days, or in units of a number. */
export type WatermarkScale = 'time' | 'date' | 'number';

const STEPS: readonly (readonly [text: string, seconds: number])[] = [
  ['1m', 60],
  ['5m', 300],
  ['15m', 900],
  ['30m', 1800],
  ['1h', 3600],
  ['2h', 7200],
  ['4h', 14_400],
  ['8h', 28_800],
  ['12h', 43_200],
  ['1d', 86_400],
  ['2d', 172_800],
  ['3d', 259_200],
  ['7d', 604_800],
];
const DAY = 86_400;

/** The next round value for `lag` that covers a distance, as a cell holds it. */
export function lagFor(scale: WatermarkScale, distance: number): string {
  if (scale === 'number') return roundNumber(distance);
  const [least] = STEPS.filter(([, seconds]) => seconds >= distance && (scale === 'time' || seconds >= DAY));
  return least === undefined ? `${Math.ceil(distance / DAY)}d` : least[0];
}

/** 1, 2 or 5 times a power of ten. */
function roundNumber(distance: number): string {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, distance)));
  return String([1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= distance) ?? Math.ceil(distance));
}

/** A distance for people: `42 min`, `3 h`, `2 days`, `1,200`. */
export function spanText(scale: WatermarkScale, distance: number): string {
  if (scale === 'number') return Math.ceil(distance).toLocaleString('en');
  if (distance < 60) return `${Math.ceil(distance)} s`;
  if (distance < 2 * 3600) return `${Math.ceil(distance / 60)} min`;
  if (distance < 2 * DAY) return `${Math.ceil(distance / 3600)} h`;
  return `${Math.ceil(distance / DAY)} days`;
}

/** A lag for people. */
export function lagText(lag: Lag): string {
  return lag.kind === 'number' ? lag.value : spanText('time', lag.seconds);
}

/** `1 row`, `1,200 rows`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
