import { whereClause } from '../database/read-plan.ts';
import type { Parts } from './partitions.ts';
import { fromClause, type ReadPlan } from './read-plan.ts';
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
