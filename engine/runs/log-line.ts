import { LOG_LEVELS, type LogLevel, type RunEvent } from './events.ts';

/** Types by their number in an index of lines: new ones come last. */
export const LINE_TYPES = [
  'log',
  'job_progress',
  'run_started',
  'job_started',
  'job_stage',
  'job_retry',
  'job_schema_change',
  'job_warning',
  'job_finished',
  'run_finished',
  'job_check',
] as const satisfies RunEvent['type'][];
export type LineType = (typeof LINE_TYPES)[number];

const AT = Buffer.from('{"at":');
const LEVEL = Buffer.from('"level":"');
const TYPE = Buffer.from('","type":"');
const JOB = Buffer.from(',"job":"');
const LOG = Buffer.from('log"');
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

/** Level in the low four bits, type in the high; null where there is no such level or type. */
export function kindOf(level: string, type: string): number | null {
  const [l, t] = [LOG_LEVELS.indexOf(level as LogLevel), LINE_TYPES.indexOf(type as LineType)];
  return l === -1 || t === -1 ? null : (t << 4) | l;
}

/** Null for a line that is no event. */
export function parseEvent(line: string): RunEvent | null {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== 'object' || event === null || !('level' in event) || !('type' in event) || !('at' in event))
      return null;
    return kindOf(String(event.level), String(event.type)) === null ? null : (event as RunEvent);
  } catch {
    return null;
  }
}

/** Where level, type and job begin in a line as the recorder writes it, behind its time; -1 for any other. */
export function headBegin(block: Buffer, begin: number, end: number): number {
  if (!has(block, begin, end, AT)) return -1;
  let at = begin + AT.length;
  while (at < end && block[at]! >= 0x30 && block[at]! <= 0x39) at += 1;
  return block[at] === COMMA && has(block, at + 1, end, LEVEL) ? at + 1 : -1;
}

/** Where they end; -1 where the order of keys is another one, or where a job may follow later. */
export function headEnd(block: Buffer, begin: number, end: number): number {
  const levelEnd = wordEnd(block, begin + LEVEL.length, end);
  if (levelEnd === -1 || !has(block, levelEnd, end, TYPE)) return -1;
  const typeEnd = wordEnd(block, levelEnd + TYPE.length, end);
  if (typeEnd === -1) return -1;
  if (has(block, typeEnd + 1, end, JOB)) {
    const jobEnd = wordEnd(block, typeEnd + 1 + JOB.length, end);
    return jobEnd === -1 ? -1 : jobEnd + 1;
  }
  return has(block, levelEnd + TYPE.length, end, LOG) ? -1 : typeEnd + 1;
}

/** The quote that ends a text without escapes; -1 where it has some. */
function wordEnd(block: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = block[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) return -1;
  }
  return -1;
}

function has(block: Buffer, at: number, end: number, what: Buffer): boolean {
  if (at + what.length > end) return false;
  for (let i = 0; i < what.length; i += 1) if (block[at + i] !== what[i]) return false;
  return true;
}
