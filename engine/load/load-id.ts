import { randomInt } from 'node:crypto';

let last = 0n;

/**
 * A load id in dlt's form: seconds since the epoch with a fraction, as text, e.g. `1763858123.104217388`. Later ids of a process are greater as text and as number;
 * three random digits keep processes apart that start in the same microsecond.
 */
export function newLoadId(nowMilliseconds: number): string {
  let micros = BigInt(Math.floor(nowMilliseconds)) * 1000n;
  if (micros <= last) micros = last + 1n;
  last = micros;
  const seconds = micros / 1_000_000n;
  const fraction = String(micros % 1_000_000n).padStart(6, '0');
  return `${seconds}.${fraction}${String(randomInt(1000)).padStart(3, '0')}`;
}

/** A short text that stands for a load id in row ids: the same digits in base 36. */
export function loadToken(loadId: string): string {
  return BigInt(loadId.replace('.', '')).toString(36);
}
