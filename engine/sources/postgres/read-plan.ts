import { IngestError } from '../../errors.ts';
import { chooseColumns, findColumn, objectName } from '../database/table-columns.ts';
import type { ReadRequest } from '../source.ts';
import { type CatalogColumn, type CatalogObject, findObject } from './catalog.ts';
import { type PlannedColumn, planColumn } from './column-plan.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import type { PostgresSession } from './session.ts';
import { checkBounds, planWatermark, type WatermarkPlan } from './watermark.ts';

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
export async function planRead(session: PostgresSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  const { job, incremental } = request;
  if (job.filter !== null) checkFilter(job.filter);
  const object = await findObject(session, job, signal);
  const columns = chooseColumns(object, request);
  const hidden = columns.filter((column) => !column.readable);
  if (hidden.length > 0) {
    const names = hidden.map((column) => column.name);
    throw new IngestError(
      'PERMISSION_DENIED',
      `${objectName(object)}: the connection's user may not read ${names.join(', ')}.`,
      { hint: 'Leave them out with the job’s columns, or ask the owner for GRANT SELECT on the table.' },
    );
  }
  const overrides = new Map(
    Object.entries(job.column_types).map(([name, type]) => [findColumn(object, name, 'column_types').name, type]),
  );
  const planned = columns.map((column) => planColumn(column, request.types, overrides.get(column.name)));
  let watermark: WatermarkPlan | null = null;
  if (incremental) {
    const column = findColumn(object, incremental.column, 'watermark_column');
    watermark = planWatermark(column, incremental);
    await checkBounds(session, column, incremental, signal);
    const landing = planned.find((candidate) => candidate.name === column.name);
    // An infinite watermark would hide every later row from the next run.
    if (landing) landing.infinities = false;
    watermark.fromSegments = landing !== undefined && ordersAlike(column, landing.segmentType);
  }
  return {
    object,
    name: objectName(object),
    columns: planned,
    watermark,
    filter: job.filter,
    sampleRows: request.sampleRows,
  };
}

/** Whether DuckDB orders the landed values as PostgreSQL does, and writes them as text that means the same: then the greatest is known without asking. */
function ordersAlike(column: CatalogColumn, segmentType: string): boolean {
  switch (column.baseType) {
    case 'text':
    case 'varchar':
    case 'name':
      return true;
    case 'numeric':
      return column.precision !== null && segmentType.startsWith('DECIMAL(');
    case 'int2':
    case 'int4':
    case 'int8':
    case 'oid':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return segmentType !== 'VARCHAR';
    default:
      return false;
  }
}

export interface StatementOptions {
  /** Condition on the object itself, for one part of a partitioned read. */
  part?: string;
  limit?: number | null;
}

/** The SELECT of a read: the filter sees the object's own columns, the watermark what the subquery gives. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const list = plan.columns.map((column) => `${column.expression} AS ${quoteIdentifier(column.name)}`).join(', ');
  const limit = options.limit ?? plan.sampleRows;
  return [
    `SELECT ${list}`,
    fromClause(plan, options.part),
    whereClause(plan.watermark?.conditions ?? []),
    limit === null ? '' : `LIMIT ${Math.floor(limit)}`,
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
