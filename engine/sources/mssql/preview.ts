import { tablePreview } from '../database/table-preview.ts';
import type { Preview, PreviewLimits, ReadContext, ReadRequest } from '../source.ts';
import { planRead, selectStatement } from './read-plan.ts';
import type { MssqlSession } from './session.ts';

/** The first rows as the next read would get them, with the statement. */
export async function previewTable(
  session: MssqlSession,
  request: ReadRequest,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<Preview> {
  const { signal } = context;
  const plan = await planRead(session, request, signal);
  const statement = selectStatement(plan, { limit: limits.rows });
  const start = performance.now();
  const rows = await session.query(statement, `Previewing ${plan.name}`, signal);
  context.log('DEBUG', `${plan.name}: ${rows.length} rows in ${Math.round(performance.now() - start)} ms`);
  return tablePreview(statement, rows, plan.columns, limits.rows);
}
