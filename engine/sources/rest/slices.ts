import { IngestError } from '../../errors.ts';
import type { Job } from '../../spec/job.ts';
import { parseLag } from '../../spec/lag.ts';
import type { IncrementalRead } from '../source.ts';
import type { Clock } from './clock.ts';
import { carriesEnd, carriesStart } from './placeholders.ts';
import { instantOf, moveBack } from './timestamps.ts';
import { addDecimals, compareDecimals, laggedFrom } from './watermark.ts';

/** More slices than this are a mistyped width rather than a wish. */
const MAX_SLICES = 100_000;

/**
 * The ranges that a backfill reads one after the other (options.slice): from the watermark to end_value, or to now, where the last one stays open.
 * One range where no slice is set. Bounds lie on steps from the first one.
 * @throws IngestError API_SLICE
 */
export function slicesOf(job: Job, incremental: IncrementalRead | null, clock: Clock): (IncrementalRead | null)[] {
  const { slice } = job.options;
  if (slice === undefined || incremental === null) return [incremental];
  const wrong = (problem: string, hint: string) =>
    new IngestError('API_SLICE', `${job.table_name}: slice "${slice}" ${problem}.`, { hint });
  if (!carriesStart(job) || !carriesEnd(job)) {
    throw wrong(
      'needs an API that takes both bounds',
      'Name incremental.start_param and incremental.end_param, or remove slice.',
    );
  }
  const from = laggedFrom(incremental);
  if (from === null) throw wrong('needs a beginning', 'Set last_watermark of this job to where the backfill begins.');
  const width = parseLag(slice);
  if (width === null || (width.kind === 'duration' ? width.seconds < 1 : Number(width.value) <= 0))
    throw wrong('is no width', 'Write it like 1d, 6h or a number.');
  const { end } = incremental;
  const bounds = [from];
  for (;;) {
    const last = bounds.at(-1) as string;
    const next = width.kind === 'duration' ? moveBack(last, -width.seconds) : addDecimals(last, width.value);
    if (next === null) {
      throw wrong(
        `does not fit the watermark "${last}"`,
        width.kind === 'duration'
          ? 'Give the width as a number, as the watermark is no ISO timestamp.'
          : 'Give the width as a duration such as 1d, as the watermark is no number.',
      );
    }
    if (isBeyond(next, end, width.kind, clock)) break;
    bounds.push(next);
    if (bounds.length > MAX_SLICES) throw wrong(`makes more than ${MAX_SLICES} slices`, 'Choose a larger one.');
  }
  if (width.kind === 'number' && end === null)
    throw wrong('is a number, and nothing says where to end', "Set end_value in the resource's options.");
  return bounds.map((bound, index) => ({ ...incremental, from: bound, lag: null, end: bounds[index + 1] ?? end }));
}

/** Is a bound at or behind the end: end_value, or now? */
function isBeyond(bound: string, end: string | null, kind: 'duration' | 'number', clock: Clock): boolean {
  // Without end_value a number has no end; the caller says so.
  if (kind === 'number') return end === null || (compareDecimals(bound, end) ?? 0) >= 0;
  const limit = end === null ? BigInt(Math.floor(clock.now())) * 1_000_000n : instantOf(end);
  return limit === null || (instantOf(bound) ?? limit) >= limit;
}
