import { IngestError } from '../../errors.ts';
import {
  fromSubquery,
  planTable,
  selectList,
  statementOf,
  type TablePlan,
  whereClause,
} from '../database/read-plan.ts';
import { objectName } from '../database/table-columns.ts';
import type { ReadRequest } from '../source.ts';
import { type CatalogColumn, type CatalogObject, findObject } from './catalog.ts';
import { type PlannedColumn, planColumn } from './column-plan.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier } from './literal.ts';
import type { PostgresSession } from './session.ts';
import { checkBounds, planWatermark, type WatermarkPlan } from './watermark.ts';

export type ReadPlan = TablePlan<CatalogObject, PlannedColumn, WatermarkPlan>;

/** Looks the object up and plans its read. */
export function planRead(session: PostgresSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  return planTable<CatalogColumn, CatalogObject, PlannedColumn, WatermarkPlan>(request, {
    checkFilter,
    findObject: () => findObject(session, request.job, signal),
    refuseColumns: refuseHidden,
    planColumn: (column, override) => planColumn(column, request.types, override),
    planWatermark: async (column, incremental, planned) => {
      const watermark = planWatermark(column, incremental);
      await checkBounds(session, column, incremental, signal);
      const landing = planned.find((candidate) => candidate.name === column.name);
      // An infinite watermark would hide every later row from the next run.
      if (landing) landing.infinities = false;
      return { ...watermark, fromSegments: landing !== undefined && ordersAlike(column, landing.segmentType) };
    },
  });
}

function refuseHidden(object: CatalogObject, columns: readonly CatalogColumn[]): void {
  const hidden = columns.filter((column) => !column.readable).map(({ name }) => name);
  if (hidden.length === 0) return;
  throw new IngestError(
    'PERMISSION_DENIED',
    `${objectName(object)}: the connection's user may not read ${hidden.join(', ')}.`,
    { hint: 'Leave them out with the job’s columns, or ask the owner for GRANT SELECT on the table.' },
  );
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
  part?: string | undefined;
  limit?: number | null;
}

/** The SELECT of a read. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const limit = options.limit ?? plan.sampleRows;
  return statementOf(
    `SELECT ${selectList(plan.columns, quoteIdentifier)}`,
    fromClause(plan, options.part),
    whereClause(plan.watermark?.conditions ?? []),
    limit === null ? '' : `LIMIT ${Math.floor(limit)}`,
  );
}

export function fromClause(plan: ReadPlan, part?: string): string {
  return fromSubquery(plan, quoteIdentifier, { part });
}
