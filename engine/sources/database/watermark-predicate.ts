import { IngestError } from '../../errors.ts';
import type { Lag } from '../../spec/job.ts';
import type { IncrementalRead } from '../source.ts';

/** The slice of a catalogue's column that a predicate over it needs. */
export interface WatermarkColumn {
  name: string;
  sourceType: string;
  nullable: boolean;
}

/** The bounds with what becomes of NULL, which no bound lets through. */
export function withNulls(
  bounds: string[],
  reference: string,
  column: WatermarkColumn,
  { nullWatermarks }: Pick<IncrementalRead, 'nullWatermarks'>,
): string[] {
  if (!column.nullable) return bounds;
  if (nullWatermarks === 'include') {
    return bounds.length === 0 ? [] : [`(${reference} IS NULL OR (${bounds.join(' AND ')}))`];
  }
  return bounds.length === 0 ? [`${reference} IS NOT NULL`] : bounds;
}

/** How a column is compared, from a dialect's table. `growing`: what the dialect has besides that only grows. @throws IngestError WATERMARK_TYPE */
export function watermarkKind<Kind>(
  kinds: Readonly<Record<string, Kind>>,
  column: WatermarkColumn & { baseType: string },
  growing = '',
): Kind {
  const kind = Object.hasOwn(kinds, column.baseType) ? kinds[column.baseType] : undefined;
  if (kind !== undefined) return kind;
  throw new IngestError(
    'WATERMARK_TYPE',
    `watermark_column "${column.name}" is ${column.sourceType}, which has no order to continue from.`,
    { hint: `Use a column that only grows: ${growing}an update time, a date, an identity or sequence number.` },
  );
}

/** The lag where it goes with the kind: seconds of a time, or a number's text. Null: there is none. @throws IngestError LAG_INVALID */
export function lagOf(lag: Lag | null, kind: string, column: WatermarkColumn): Lag | null {
  if (lag === null) return null;
  if (lag.kind === 'duration' && kind === 'time') return lag;
  if (lag.kind === 'number' && kind === 'number') return lag;
  throw new IngestError('LAG_INVALID', `lag does not fit watermark_column "${column.name}" (${column.sourceType}).`, {
    hint:
      kind === 'time'
        ? 'Write a duration, e.g. 2h or 1d.'
        : kind === 'number'
          ? 'Write a number, e.g. 1000.'
          : 'Only times and numbers can have a lag.',
  });
}

const STORED = 'the stored watermark';

/** What the lower bound is called: where it came from. */
export function fromCell({ continued }: Pick<IncrementalRead, 'continued'>): string {
  return continued ? STORED : 'last_watermark';
}

/** The bounds that there are, each with the cell that it came from. */
export function boundCells(incremental: IncrementalRead): { cell: string; text: string }[] {
  const bounds = [
    { cell: fromCell(incremental), text: incremental.from },
    { cell: 'end_value', text: incremental.end },
  ];
  return bounds.flatMap(({ cell, text }) => (text === null ? [] : [{ cell, text }]));
}

/** A bound that is no value of the column. `wanted` goes on with "Write ". */
export function invalidWatermark(
  cell: string,
  text: string,
  column: WatermarkColumn,
  wanted: string,
  cause?: unknown,
): IngestError {
  return new IngestError(
    'WATERMARK_INVALID',
    `${cell} "${text}" is no value of watermark_column "${column.name}" (${column.sourceType}).`,
    { hint: cell === STORED ? 'Set it right with `ingest state set`.' : `Write ${wanted}.`, cause },
  );
}

/** Nothing is greater than infinity or NaN: every later run would read nothing but these rows. For numbers and times. @throws IngestError WATERMARK_NOT_FINITE */
export function refuseEndless(greatest: string | null, name: string, column: WatermarkColumn): string | null {
  if (greatest === null || !/^\+?(inf(inity)?|nan|~)$/i.test(greatest)) return greatest;
  throw new IngestError('WATERMARK_NOT_FINITE', `${name}: watermark_column "${column.name}" holds ${greatest}.`, {
    hint: 'No later row would ever be read. Correct these rows, or leave them out with filter.',
  });
}
