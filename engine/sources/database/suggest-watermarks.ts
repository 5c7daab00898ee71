import type { DiscoveredObject } from '../source.ts';

/** What a catalogue knows of a column that may serve as watermark. */
export interface WatermarkCandidate {
  name: string;
  /** A time with its clock, a mere date, a whole number; null for what has no use here. */
  kind: 'time' | 'date' | 'integer' | null;
  nullable: boolean;
  /** The first column of an index. */
  indexed: boolean;
  /** An identity, or a number that a sequence gives. */
  generated: boolean;
  /** From the statistics, where there are any: how many values differ. */
  distinct?: number | null;
}

const CHANGE_NAMES =
  /(^|_)(updated?|modified|changed?|last_?(update|modified|change)|mtime|edited|lastmodified|updatedat|modifiedat)(_|$|at$|on$|date|time|ts)/i;
const CREATION_NAMES =
  /(^|_)(created?|inserted|added|event|logged|occurred|recorded|createdat)(_|$|at$|on$|date|time|ts)/i;

/** Rows that share one value, on average, are many from here on. */
const FEW = 1000;

/**
 * Columns that would serve as watermark, best first: change times before creation times before growing numbers; an index is worth more than a name.
 * `rows` is the statistics' count of the table, where there is one.
 */
export function suggestWatermarks(
  columns: readonly WatermarkCandidate[],
  rows: number | null = null,
): DiscoveredObject['watermarkSuggestions'] {
  const scored: { column: string; reason: string; score: number }[] = [];
  for (const column of columns) {
    const [score, reason] = judge(column);
    if (score === 0) continue;
    const notes = [reason, column.indexed ? 'indexed' : 'no index: each run scans the table'];
    if (column.nullable) notes.push('may be NULL');
    if (column.distinct != null && rows !== null && rows > 0) {
      const { distinct } = column;
      const few = distinct * FEW < rows ? ': each run reads many rows again' : '';
      notes.push(`${distinct} ${distinct === 1 ? 'value' : 'values'} in ${rows} rows by the statistics${few}`);
    }
    scored.push({ column: column.name, reason: notes.join(', '), score: score + (column.indexed ? 20 : 0) });
  }
  return scored.sort((one, other) => other.score - one.score).map(({ column, reason }) => ({ column, reason }));
}

function judge({ name, kind, indexed, generated }: WatermarkCandidate): [score: number, reason: string] {
  const snake = name.replace(/([a-z\d])([A-Z])/g, '$1_$2');
  const isChange = CHANGE_NAMES.test(snake);
  const isCreation = CREATION_NAMES.test(snake);
  if (kind === 'time' && isChange) return [100, 'time of the last change'];
  if (kind === 'time' && isCreation) return [60, 'time of creation: later changes of a row are not seen'];
  if (kind === 'integer' && generated) return [50, 'growing number: later changes of a row are not seen'];
  if (kind === 'time' && indexed) return [40, 'indexed time'];
  if (kind === 'date' && (isChange || isCreation)) return [30, 'date: rows of the last day are read again each time'];
  return [0, ''];
}
