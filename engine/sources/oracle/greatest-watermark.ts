import { IngestError } from '../../errors.ts';
import type { Parts } from './partitions.ts';
import { fromClause, type ReadPlan, whereClause } from './read-plan.ts';
import type { OracleSession } from './session.ts';

/**
 * The greatest watermark of the rows that are about to be read, for texts, whose order only the server knows (it is that of its character set).
 * Asked in the snapshot of the read. Undefined: it is taken from the rows as they come, or there is none to keep.
 */
export async function greatestWatermark(
  session: OracleSession,
  plan: ReadPlan,
  { scn }: Parts,
  signal: AbortSignal,
): Promise<string | null | undefined> {
  const { watermark } = plan;
  // A sample leaves no state.
  if (!watermark || watermark.order !== null || plan.sampleRows !== null) return undefined;
  const { column, reference, conditions } = watermark;
  const [row] = await session.query(
    `SELECT MAX(${reference}) AS "greatest" ${fromClause(plan, { scn })}
     ${whereClause([...conditions, `${reference} IS NOT NULL`])}`,
    `Finding the greatest ${column.name} of ${plan.name}`,
    signal,
  );
  return row?.greatest ?? null;
}

/** Nothing is greater than infinity: every later run would read nothing but these rows. */
export function refuseEndless(greatest: string | null, plan: ReadPlan): string | null {
  if (greatest === null || !/inf|nan|~/i.test(greatest)) return greatest;
  const column = plan.watermark?.column.name;
  throw new IngestError('WATERMARK_NOT_FINITE', `${plan.name}: watermark_column "${column}" holds ${greatest}.`, {
    hint: 'No later row would ever be read. Correct these rows, or leave them out with filter.',
  });
}
