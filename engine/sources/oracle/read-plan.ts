import { IngestError } from '../../errors.ts';
import { chooseColumns, findColumn, objectName } from '../database/table-columns.ts';
import type { ReadRequest } from '../source.ts';
import { type CatalogColumn, type CatalogObject, findObject } from './catalog.ts';
import { canBeRead, type PlannedColumn, planColumn } from './column-plan.ts';
import { checkFilter } from './filter.ts';
import { quoteIdentifier, quoteName } from './literal.ts';
import type { OracleSession } from './session.ts';
import { planWatermark, type WatermarkPlan } from './watermark.ts';

/** What a job's read sends: planned from the dictionary, without touching the table. */
export interface ReadPlan {
  object: CatalogObject;
  /** `SCHEMA.NAME`, for people. */
  name: string;
  columns: PlannedColumn[];
  watermark: WatermarkPlan | null;
  filter: string | null;
  sampleRows: number | null;
}

/** Looks the object up and plans its read. */
export async function planRead(session: OracleSession, request: ReadRequest, signal: AbortSignal): Promise<ReadPlan> {
  const { job, incremental } = request;
  if (job.filter !== null) checkFilter(job.filter);
  const object = await findObject(session, job, signal);
  const columns = chooseColumns(object, request);
  refuseUnsupported(object, columns);
  const overrides = new Map(
    Object.entries(job.column_types).map(([name, type]) => [findColumn(object, name, 'column_types').name, type]),
  );
  const policy = { types: request.types, numbers: job.options.numbers };
  const watermarkColumn = incremental ? findColumn(object, incremental.column, 'watermark_column') : null;
  return {
    object,
    name: objectName(object),
    columns: columns.map((column) => planColumn(column, policy, overrides.get(column.name))),
    watermark: incremental && watermarkColumn ? planWatermark(watermarkColumn, incremental) : null,
    filter: job.filter,
    sampleRows: request.sampleRows,
  };
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

/** The SELECT of a read: the filter sees the object's own columns, the watermark what the subquery gives. */
export function selectStatement(plan: ReadPlan, options: StatementOptions = {}): string {
  const list = plan.columns.map((column) => `${column.expression} AS ${quoteIdentifier(column.name)}`).join(', ');
  const limit = options.limit ?? plan.sampleRows;
  // FETCH FIRST cannot be had where a column is LONG.
  const first = limit === null ? [] : [`ROWNUM <= ${Math.floor(limit)}`];
  return [`SELECT ${list}`, fromClause(plan, options), whereClause([...(plan.watermark?.conditions ?? []), ...first])]
    .filter((part) => part !== '')
    .join('\n');
}

/** `FROM (SELECT … FROM object [AS OF SCN n] WHERE (filter)) q`. Only the read columns are named: a grant may be for them alone. */
export function fromClause(plan: ReadPlan, { part, scn }: StatementOptions = {}): string {
  const names = new Set(plan.columns.map((column) => column.name));
  if (plan.watermark) names.add(plan.watermark.column.name);
  const list = [...names].map(quoteIdentifier).join(', ');
  const at = scn === undefined ? '' : ` AS OF SCN ${scn}`;
  // The line break ends a comment that the filter may end with.
  const conditions = [plan.filter === null ? null : `(${plan.filter}\n)`, part].filter((text) => text != null);
  return `FROM (SELECT ${list} FROM ${quoteName(plan.object.schema, plan.object.name)}${at}${
    conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  }) q`;
}

export function whereClause(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}
