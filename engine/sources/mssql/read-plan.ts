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
import { quoteIdentifier, quoteName } from './literal.ts';
import type { MssqlSession } from './session.ts';
import { planWatermark, type WatermarkPlan } from './watermark.ts';

export type ReadPlan = TablePlan<CatalogObject, PlannedColumn, WatermarkPlan>;

/** Looks the object up and plans its read. */
export function planRead(session: MssqlSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  return planTable<CatalogColumn, CatalogObject, PlannedColumn, WatermarkPlan>(request, {
    checkFilter,
    findObject: () => findObject(session, request.job, signal),
    refuseColumns: refuseHidden,
    planColumn: (column, override) => planColumn(column, request.types, override),
    planWatermark: (column, incremental, planned) => {
      refuseTextsWithOffsets(planned, column.name);
      return planWatermark(session, column, incremental, signal);
    },
  });
}

/** The greatest watermark is found among the values as they arrive: other types' texts order as the values do, but not texts with offsets. */
function refuseTextsWithOffsets(columns: readonly PlannedColumn[], watermark: string): void {
  const column = columns.find(({ name }) => name === watermark);
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

/** The SELECT of a read. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const limit = options.limit ?? plan.sampleRows;
  return statementOf(
    `SELECT ${limit === null ? '' : `TOP (${Math.floor(limit)}) `}${selectList(plan.columns, quoteIdentifier)}`,
    fromClause(plan, options.part),
    whereClause(plan.watermark?.conditions ?? []),
  );
}

export function fromClause(plan: ReadPlan, part?: string): string {
  return fromSubquery(plan, quoteIdentifier, { part });
}
