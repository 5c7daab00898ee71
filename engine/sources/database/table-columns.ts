import { IngestError } from '../../errors.ts';
import { parseColumnType } from '../../spec/column-types.ts';
import { normalizeName } from '../../spec/naming.ts';
import { didYouMean } from '../../spec/suggest.ts';
import type { ReadRequest } from '../source.ts';

/** A table or view as a dialect's catalogue knows it. */
export interface TableLike<Column extends { name: string }> {
  schema: string;
  name: string;
  columns: Column[];
}

/** The name for people: `SALES.ORDERS`. */
export function objectName({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

/** A column that a job names: as it stands, else the only one that differs by case alone. `cell` says where it is named. */
export function findColumn<Column extends { name: string }>(
  object: TableLike<Column>,
  name: string,
  cell: string,
): Column {
  const exact = object.columns.find((column) => column.name === name);
  if (exact) return exact;
  const folded = object.columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  if (folded.length === 1 && folded[0]) return folded[0];
  const names = object.columns.map((column) => column.name);
  const near = didYouMean(name, names) ?? didYouMean(name.toUpperCase(), names);
  throw new IngestError('SOURCE_COLUMN_NOT_FOUND', `${objectName(object)} has no column "${name}" (${cell}).`, {
    hint: near === null ? `It has: ${shortList(names)}.` : `Did you mean "${near}"?`,
  });
}

/** The job's columns in the table's order, always with its key and watermark; all where it names none. */
export function chooseColumns<Column extends { name: string }>(
  object: TableLike<Column>,
  { job, incremental }: ReadRequest,
): Column[] {
  const key = job.primary_key.map((name) => findColumn(object, name, 'primary_key'));
  const watermark = incremental ? [findColumn(object, incremental.column, 'watermark_column')] : [];
  if (object.columns.length === 0) {
    throw new IngestError('SOURCE_TABLE_EMPTY', `${objectName(object)} has no columns that can be seen.`);
  }
  if (job.columns.length === 0) return object.columns;
  const chosen = job.columns.map((name) => findColumn(object, name, 'columns'));
  const wanted = new Set([...chosen, ...key, ...watermark]);
  return object.columns.filter((column) => wanted.has(column));
}

/** The types that the job's `column_types` give, by the table's own names. */
export function columnOverrides<Column extends { name: string }>(
  object: TableLike<Column>,
  { job }: Pick<ReadRequest, 'job'>,
): ReadonlyMap<string, string> {
  const types = Object.entries(job.column_types);
  return new Map(types.map(([name, type]) => [findColumn(object, name, 'column_types').name, type]));
}

/** The column that landed under a name: by the name itself, or by what normalising makes of it. @throws IngestError MEASURE_COLUMN */
export function columnLanded<Column extends { name: string }>(object: TableLike<Column>, name: string): Column {
  const found =
    object.columns.find((column) => column.name === name) ??
    object.columns.find((column) => normalizeName(column.name) === name);
  if (found) return found;
  throw new IngestError('MEASURE_COLUMN', `${objectName(object)} has no column that lands as ${name}.`, {
    hint: `It has: ${shortList(object.columns.map((column) => column.name))}.`,
  });
}

/** The DuckDB type that `column_types` gives a column. @throws IngestError COLUMN_TYPE_INVALID */
export function overrideType(column: { name: string }, text: string): string {
  const parsed = parseColumnType(text);
  if (parsed.ok) return parsed.type;
  throw new IngestError('COLUMN_TYPE_INVALID', `column_types: ${column.name}:${text} is no type: ${parsed.problem}.`, {
    hint: parsed.suggestion === null ? undefined : `Did you mean "${parsed.suggestion}"?`,
  });
}

/** Names in a sentence, the first twenty. */
export function shortList(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
}
