import type { ReadRequest } from '../source.ts';
import { chooseColumns, columnOverrides, findColumn, objectName, type TableLike } from './table-columns.ts';

/** What a job's read sends: planned from the catalogue, without touching the table. */
export interface TablePlan<Table, Column, Watermark> {
  object: Table;
  /** `schema.name`, for people. */
  name: string;
  columns: Column[];
  watermark: Watermark | null;
  filter: string | null;
  sampleRows: number | null;
}

/** What a dialect plans with. Each throws where the job asks for what cannot be. */
export interface TablePlanner<Column extends { name: string }, Table extends TableLike<Column>, Planned, Watermark> {
  checkFilter(filter: string): void;
  findObject(): Promise<Table>;
  /** Refuses columns that could not arrive: dropping one would be a loss that nobody sees. */
  refuseColumns(table: Table, columns: readonly Column[]): void;
  planColumn(column: Column, override: string | undefined): Planned;
  planWatermark(
    column: Column,
    incremental: NonNullable<ReadRequest['incremental']>,
    planned: readonly Planned[],
  ): Watermark | Promise<Watermark>;
}

/** Looks the object up and plans its read. */
export async function planTable<Column extends { name: string }, Table extends TableLike<Column>, Planned, Watermark>(
  request: ReadRequest,
  planner: TablePlanner<Column, Table, Planned, Watermark>,
): Promise<TablePlan<Table, Planned, Watermark>> {
  const { job, incremental, sampleRows } = request;
  if (job.filter !== null) planner.checkFilter(job.filter);
  const object = await planner.findObject();
  const chosen = chooseColumns(object, request);
  planner.refuseColumns(object, chosen);
  const overrides = columnOverrides(object, request);
  const columns = chosen.map((column) => planner.planColumn(column, overrides.get(column.name)));
  const watermark = incremental
    ? await planner.planWatermark(findColumn(object, incremental.column, 'watermark_column'), incremental, columns)
    : null;
  return { object, name: objectName(object), columns, watermark, filter: job.filter, sampleRows };
}

/** The slice of a plan that its FROM clause needs. */
interface FromPlan {
  object: { schema: string; name: string };
  columns: readonly { name: string }[];
  watermark: { column: { name: string } } | null;
  filter: string | null;
}

export interface FromOptions {
  /** Condition on the object itself, for one part of a partitioned read. */
  part?: string | undefined;
  /** Behind the object's name: the moment at which it is read. */
  at?: string | undefined;
}

/**
 * `FROM (SELECT … FROM object WHERE (filter)) q`: the filter sees the object's own columns, the watermark what the subquery gives. Only the read
 * columns are named: a grant may be for them alone.
 */
export function fromSubquery(
  { object, columns, watermark, filter }: FromPlan,
  quote: (name: string) => string,
  { part, at }: FromOptions = {},
): string {
  const names = new Set(columns.map((column) => column.name));
  if (watermark) names.add(watermark.column.name);
  const list = [...names].map(quote).join(', ');
  const target = `${quote(object.schema)}.${quote(object.name)}${at === undefined ? '' : ` ${at}`}`;
  // The line break ends a comment that the filter may end with.
  const conditions = [filter === null ? null : `(${filter}\n)`, part].filter((text) => text != null);
  return `FROM (SELECT ${[list, `FROM ${target}`, whereClause(conditions)].filter((text) => text !== '').join(' ')}) q`;
}

export function whereClause(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** What stands in a SELECT list. */
export function selectList(
  columns: readonly { name: string; expression: string }[],
  quote: (name: string) => string,
): string {
  return columns.map(({ name, expression }) => `${expression} AS ${quote(name)}`).join(', ');
}

/** A statement of its clauses; empty ones are left out. */
export function statementOf(...clauses: readonly string[]): string {
  return clauses.filter((clause) => clause !== '').join('\n');
}
