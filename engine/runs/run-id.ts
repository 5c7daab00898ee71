import { randomBytes } from 'node:crypto';

/** `YYYYMMDD_HHMMSS` of a moment, UTC. */
export function timestampText(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '_');
}

/** A new run's id, e.g. `20260131_060000_1f9c3a`: sorts by time, and no two runs that begin in one second share it. */
export function newRunId(at: number, random: (bytes: number) => Buffer = randomBytes): string {
  return `${timestampText(at)}_${random(3).toString('hex')}`;
}

/** A name as part of a file name on every system: Windows refuses some characters, names that end in a dot, and long paths. */
export function fileNamePart(name: string): string {
  const safe = name
    .replace(/[<>:"/\\|?*\p{Cc}\s]+/gu, '_')
    .slice(0, 80)
    .replace(/[. ]+$/, '');
  return safe === '' ? '_' : safe;
}
