import type { JsonRecord } from './records.ts';

/**
 * The records of a page as NDJSON, cut out of the response's own bytes: a third of the work of writing them anew.
 * Where the page is not written in the one way that allows it (no white space, every record begins with the same key, nothing else in the page looks like
 * the gap between two records), it gives null and the records are written by JSON.stringify.
 *
 * Why it is right: with that first key K, each of the n - 1 gaps between the n records is the text `},{"K":`. The text occurs n - 1 times after the list's
 * beginning, so each occurrence is a gap.
 * `longest` is the length of the longest line in bytes.
 * @param bytes UTF-8; the commas between the records are replaced in place
 * @param listKey key of the list in its object, null for a list at the root
 */
export function rawLines(
  bytes: Buffer,
  records: readonly JsonRecord[],
  listKey: string | null,
): { bytes: Buffer; longest: number } | null {
  const last = records.at(-1);
  if (records.length < 2 || last === undefined) return null;
  const start = listStart(bytes, listKey);
  const key = start < 0 ? null : firstKey(records);
  if (key === null) return null;
  const opening = `{${JSON.stringify(key)}:`;
  const gap = Buffer.from(`},${opening}`);
  if (!bytes.subarray(start, start + Buffer.byteLength(opening)).equals(Buffer.from(opening))) return null;
  const commas: number[] = [];
  for (let at = bytes.indexOf(gap, start); at >= 0; at = bytes.indexOf(gap, at + 1)) {
    if (commas.length === records.length - 1) return null;
    commas.push(at + 1);
  }
  if (commas.length !== records.length - 1) return null;
  const end = commas[commas.length - 1] as number;
  const newline = bytes.indexOf(0x0a, start);
  if (newline >= 0 && newline < end) return null;
  // A key that comes twice in a record would stop DuckDB, where JSON.parse takes the last: such an API shows it in the first record.
  if (bytes.toString('utf8', start, commas[0]) !== JSON.stringify(records[0])) return null;
  let longest = 0;
  let line = start;
  for (const comma of commas) {
    bytes[comma] = 0x0a;
    longest = Math.max(longest, comma - line);
    line = comma;
  }
  // Where the last record ends is not known, so it is written anew.
  const rest = Buffer.from(`${JSON.stringify(last)}\n`);
  return { bytes: Buffer.concat([bytes.subarray(start, end + 1), rest]), longest: Math.max(longest, rest.length) };
}

/** Position of the first record; -1 where it is not sure. */
function listStart(bytes: Buffer, listKey: string | null): number {
  if (listKey === null) return bytes[0] === 0x5b && bytes[1] === 0x7b ? 1 : -1;
  const opening = Buffer.from(`${JSON.stringify(listKey)}:[{`);
  const at = bytes.indexOf(opening);
  return at < 0 || bytes.indexOf(opening, at + 1) >= 0 ? -1 : at + opening.length - 1;
}

/** The first key where all records have the same; null else. Integer-like keys are no help: objects hold them in another order than the text. */
function firstKey(records: readonly JsonRecord[]): string | null {
  let first: string | null = null;
  for (const record of records) {
    let own: string | null = null;
    for (const key in record) {
      own = key;
      break;
    }
    if (own === null || /^\d/.test(own) || (first !== null && own !== first)) return null;
    first = own;
  }
  return first;
}
