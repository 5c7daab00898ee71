import { IngestError } from '../../errors.ts';
import type { NullWatermarks } from '../../spec/kinds.ts';
import type { ReadContext } from '../source.ts';

/** Rows that are worth counting among those without a watermark. */
export const NULL_COUNT_LIMIT = 10_000;

/**
 * Says what becomes of rows without a watermark: an error, or a warning for those that are left out. `found` was counted up to one more
 * than {@link NULL_COUNT_LIMIT}.
 */
export function reportNullWatermarks(
  found: number,
  { name, column }: { name: string; column: string },
  policy: NullWatermarks,
  context: Pick<ReadContext, 'warn'>,
): void {
  if (found === 0 || policy === 'include') return;
  const count = found > NULL_COUNT_LIMIT ? `more than ${NULL_COUNT_LIMIT}` : String(found);
  const message = `${name}: ${count} ${found === 1 ? 'row has' : 'rows have'} no value in watermark_column "${column}"`;
  if (policy === 'raise') {
    throw new IngestError('WATERMARK_NULL', `${message}.`, {
      hint: 'Correct the rows, or set null_watermarks to exclude (leave them out) or include (read them every time).',
    });
  }
  context.warn({
    code: 'WATERMARK_NULL',
    column,
    message: `${message}: left out.`,
    hint: 'null_watermarks = "include" reads them every time, "raise" stops the job.',
  });
}
