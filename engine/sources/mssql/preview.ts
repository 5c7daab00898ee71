import type { Preview, PreviewLimits, ReadContext, ReadRequest } from '../source.ts';
import type { PlannedColumn } from './column-plan.ts';
import { planRead, selectStatement } from './read-plan.ts';
import type { MssqlSession } from './session.ts';

/** Longer texts are cut: a preview is for looking at. */
const LONGEST_TEXT = 10_000;

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
  const reached = rows.length >= limits.rows;
  return {
    pages: [
      {
        request: { statement },
        records: rows.map((row) =>
          Object.fromEntries(plan.columns.map((column) => [column.name, value(row[column.name] ?? null, column)])),
        ),
      },
    ],
    schema: plan.columns.map(({ name, sourceType, landedType, nullable }) => ({
      name,
      source_type: sourceType,
      type: landedType,
      nullable,
    })),
    stop: reached
      ? { reason: 'preview_limit', detail: `The first ${rows.length} rows.` }
      : { reason: 'end_of_table', detail: `All ${rows.length} rows.` },
    detected: {},
    warnings: plan.columns.flatMap(({ warning }) => (warning ? [warning] : [])),
  };
}

/** Numbers that a double holds and booleans as such, the rest as the server's text. */
function value(text: string | null, column: PlannedColumn): unknown {
  if (text === null) return null;
  switch (column.segmentType) {
    case 'BOOLEAN':
      return text === '1';
    case 'SMALLINT':
    case 'INTEGER':
    case 'FLOAT':
    case 'DOUBLE':
      return Number(text);
    default:
      return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  }
}
