import { IngestError } from '../../errors.ts';
import { chooseColumns, findColumn, objectName } from '../database/table-columns.ts';
import type { ReadRequest } from '../source.ts';
import { type CatalogColumn, type CatalogObject, findObject } from './catalog.ts';
import { type PlannedColumn, planColumn } from './column-plan.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import type { MssqlSession } from './session.ts';
import { planWatermark, type WatermarkPlan } from './watermark.ts';

/** What a job's read sends: planned from the catalogue, without touching the table. */
export interface ReadPlan {
  object: CatalogObject;
  /** `schema.name`, for people. */
  name: string;
  columns: PlannedColumn[];
  watermark: WatermarkPlan | null;
  filter: string | null;
  sampleRows: number | null;
}

/** Looks the object up and plans its read. */
export async function planRead(session: MssqlSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  const { job, incremental } = request;
  if (job.filter !== null) checkFilter(job.filter);
  const object = await findObject(session, job, signal);
  const columns = chooseColumns(object, request);
  refuseHidden(object, columns);
  const overrides = new Map(
    Object.entries(job.column_types).map(([name, type]) => [findColumn(object, name, 'column_types').name, type]),
  );
  const planned = columns.map((column) => planColumn(column, request.types, overrides.get(column.name)));
  const watermark = incremental
    ? await planWatermark(session, findColumn(object, incremental.column, 'watermark_column'), incremental, signal)
    : null;
  refuseTextsWithOffsets(planned, watermark);
  return {
    object,
    name: objectName(object),
    columns: planned,
    watermark,
    filter: job.filter,
    sampleRows: request.sampleRows,
  };
}

/** The greatest watermark is found among the values as they arrive: other types' texts order as the values do, but not texts with offsets. */
function refuseTextsWithOffsets(columns: readonly PlannedColumn[], watermark: WatermarkPlan | null): void {
  const column = columns.find(({ name }) => name === watermark?.column.name);
  if (column?.catalog.baseType !== 'datetimeoffset' || column.format !== 'text') return;
  throw new IngestError(
    'WATERMARK_TYPE',
    `watermark_column "${column.name}" is ${column.sourceType} and would land as text: texts with offsets have no order.`,
    { hint: 'Leave it out of column_types.' },
  );
}

function refuseHidden(object: CatalogObject, columns: readonly CatalogColumn[]): void {
  const hidden = columns.filter((column) => !column.readable).map(({ name }) => name);
  if (hidden.length === 0) return;
  const grant = `GRANT SELECT ON ${quoteName(object.schema, object.name)} TO the user of the connection`;
  const all = hidden.length === object.columns.length;
  throw new IngestError(
    'PERMISSION_DENIED',
    `${objectName(object)}: the connection's user may not read ${all ? 'it' : hidden.join(', ')}.`,
    {
      hint: all
        ? `Ask the owner for ${grant}.`
        : `Leave them out with the job’s columns, or ask the owner for ${grant}.`,
    },
  );
}

export interface StatementOptions {
  /** Condition on the object itself, for one part of a partitioned read. */
  part?: string | undefined;
  limit?: number | null;
}

/** The SELECT of a read: the filter sees the object's own columns, the watermark what the subquery gives. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const list = plan.columns.map((column) => `${column.expression} AS ${quoteIdentifier(column.name)}`).join(', ');
  const limit = options.limit ?? plan.sampleRows;
  return [
    `SELECT ${limit === null ? '' : `TOP (${Math.floor(limit)}) `}${list}`,
    fromClause(plan, options.part),
    whereClause(plan.watermark?.conditions ?? []),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** `FROM (SELECT … FROM object WHERE (filter)) q`. Only the read columns are named: a grant may be for them alone. */
export function fromClause(plan: ReadPlan, part?: string): string {
  const names = new Set(plan.columns.map((column) => column.name));
  if (plan.watermark) names.add(plan.watermark.column.name);
  const list = [...names].map(quoteIdentifier).join(', ');
  // The line break ends a comment that the filter may end with.
  const conditions = [plan.filter === null ? null : `(${plan.filter}\n)`, part].filter((text) => text != null);
  return `FROM (SELECT ${list} FROM ${quoteName(plan.object.schema, plan.object.name)}${
    conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  }) q`;
}

export function whereClause(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}
