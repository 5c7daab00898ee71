import { tablePreview } from '../database/table-preview.ts';
import type { Preview, PreviewLimits, ReadContext, ReadRequest } from '../source.ts';
import { planRead, selectStatement } from './read-plan.ts';
import type { PostgresSession } from './session.ts';

/** The first rows as the next read would get them, with the statement. */
export async function previewTable(
  session: PostgresSession,
  request: ReadRequest,
  context: ReadContext,
  limits: PreviewLimits,
): Promise<Preview> {
  const { signal } = context;
  const doing = `Previewing ${request.job.table_name}`;
  await session.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', [], doing, signal);
  const plan = await planRead(session, request, signal);
  const statement = selectStatement(plan, { limit: limits.rows });
  const start = performance.now();
  const rows = await session.query(statement, [], doing, signal);
  context.log('DEBUG', `${plan.name}: ${rows.length} rows in ${Math.round(performance.now() - start)} ms`);
  return tablePreview(statement, rows, plan.columns, limits.rows);
}
