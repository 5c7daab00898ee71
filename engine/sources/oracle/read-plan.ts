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
import { canBeRead, type PlannedColumn, planColumn } from './column-plan.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier } from './literal.ts';
import type { OracleSession } from './session.ts';
import { planWatermark, type WatermarkPlan } from './watermark.ts';

export type ReadPlan = TablePlan<CatalogObject, PlannedColumn, WatermarkPlan>;

/** Looks the object up and plans its read. */
export function planRead(session: OracleSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  const policy = { types: request.types, numbers: request.job.options.numbers };
  return planTable<CatalogColumn, CatalogObject, PlannedColumn, WatermarkPlan>(request, {
    checkFilter,
    findObject: () => findObject(session, request.job, signal),
    refuseColumns: refuseUnsupported,
    planColumn: (column, override) => planColumn(column, policy, override),
    planWatermark,
  });
}

/** A column that cannot arrive ends the read: dropping it would be a loss that nobody sees. */
function refuseUnsupported(object: CatalogObject, columns: readonly CatalogColumn[]): void {
  const unsupported = columns.filter((column) => !canBeRead(column));
  if (unsupported.length === 0) return;
  const named = unsupported.map(({ name, sourceType }) => `"${name}" (${sourceType})`).join(', ');
  const others = object.columns.filter(canBeRead).map(({ name }) => name);
  const leaveOut =
    others.length === 0
      ? 'Read a view'
      : `Leave ${unsupported.length === 1 ? 'it' : 'them'} out with columns (${others.slice(0, 8).join(', ')}${others.length > 8 ? ', …' : ''}), or read a view`;
  throw new IngestError('COLUMN_TYPE_UNSUPPORTED', `${objectName(object)}: these columns cannot be read: ${named}.`, {
    hint: `${leaveOut} that turns them into text or numbers, e.g. SDO_UTIL.TO_WKTGEOMETRY(…) or VECTOR_SERIALIZE(…).`,
  });
}

export interface StatementOptions {
  /** Condition on the object itself, for one part of a partitioned read. */
  part?: string | undefined;
  /** System change number at which the object is read. */
  scn?: string | undefined;
  limit?: number | null;
}

/** The SELECT of a read. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const limit = options.limit ?? plan.sampleRows;
  // FETCH FIRST cannot be had where a column is LONG.
  const first = limit === null ? [] : [`ROWNUM <= ${Math.floor(limit)}`];
  return statementOf(
    `SELECT ${selectList(plan.columns, quoteIdentifier)}`,
    fromClause(plan, options),
    whereClause([...(plan.watermark?.conditions ?? []), ...first]),
  );
}

export function fromClause(plan: ReadPlan, { part, scn }: StatementOptions = {}): string {
  return fromSubquery(plan, quoteIdentifier, { part, at: scn === undefined ? undefined : `AS OF SCN ${scn}` });
}
