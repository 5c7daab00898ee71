import { IngestError } from '../../errors.ts';
import type { ReadContext, ReadRequest } from '../source.ts';

/** Rows that are worth counting among those without a watermark, and one more. */
export const NULL_COUNT_LIMIT = 10_001;

/** The slice of a plan that matters here. */
interface WatermarkedPlan {
  name: string;
  watermark: { column: { name: string; nullable: boolean }; reference: string } | null;
  sampleRows: number | null;
}

/**
 * Says what becomes of rows without a watermark: an error, or a warning for those that are left out. `count` gives how many rows of the read meet
 * a condition, up to {@link NULL_COUNT_LIMIT}.
 * @throws IngestError WATERMARK_NULL
 */
export async function handleNullWatermarks(
  { name, watermark, sampleRows }: WatermarkedPlan,
  { incremental }: Pick<ReadRequest, 'incremental'>,
  context: Pick<ReadContext, 'warn'>,
  count: (condition: string, doing: string) => Promise<string | null | undefined>,
): Promise<void> {
  // A sample is for looking at: it is not worth a scan of the table.
  if (!watermark || !incremental || sampleRows !== null) return;
  const { column, reference } = watermark;
  if (!column.nullable || incremental.nullWatermarks === 'include') return;
  const found = Number((await count(`${reference} IS NULL`, `Counting rows of ${name} without ${column.name}`)) ?? 0);
  if (found === 0) return;
  const counted = found >= NULL_COUNT_LIMIT ? `more than ${NULL_COUNT_LIMIT - 1}` : String(found);
  const message = `${name}: ${counted} ${found === 1 ? 'row has' : 'rows have'} no value in watermark_column "${column.name}"`;
  if (incremental.nullWatermarks === 'raise') {
    throw new IngestError('WATERMARK_NULL', `${message}.`, {
      hint: 'Correct the rows, or set null_watermarks to exclude (leave them out) or include (read them every time).',
    });
  }
  context.warn({
    code: 'WATERMARK_NULL',
    column: column.name,
    message: `${message}: left out.`,
    hint: 'null_watermarks = "include" reads them every time, "raise" stops the job.',
  });
}
