import { runPreview } from '../database/table-preview.ts';
import type { Preview, PreviewLimits, ReadContext, ReadRequest } from '../source.ts';
import { planRead, selectStatement } from './read-plan.ts';
import { BEGIN_READ, type OracleSession } from './session.ts';

/** The first rows as the next read would get them, with the statement. */
export async function previewTable(
  session: OracleSession,
  request: ReadRequest,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<Preview> {
  await session.query(BEGIN_READ, `Previewing ${request.job.table_name}`, context.signal);
  const plan = await planRead(session, request, context.signal);
  return await runPreview(session, plan, selectStatement(plan, { limit: limits.rows }), context, limits);
}
