import type { ReadWarning } from '../source.ts';
import type { ReadColumn } from './read-rows.ts';
import type { ValueFormat } from './value-writer.ts';

/** The slice of a catalogue's column that a plan carries on. */
interface CatalogColumn {
  name: string;
  sourceType: string;
  nullable: boolean;
}

/** How one column is selected, given by the driver and landed. */
export interface DriverColumn<Column extends CatalogColumn> extends ReadColumn {
  catalog: Column;
  /** What stands in the SELECT list, over the subquery `q`. */
  expression: string;
  /** A permitted loss that the column's type brings, with the way out. */
  warning: ReadWarning | null;
}

/** Plans a column: what is selected, how the driver gives it, and the DuckDB type that holds every value. */
export type PlanAs<Column extends CatalogColumn> = (
  expression: string,
  format: ValueFormat,
  segmentType: string,
) => DriverColumn<Column>;

export function planAs<Column extends CatalogColumn>(
  column: Column,
  landedType: string,
  warning: ReadWarning | null,
): PlanAs<Column> {
  const { name, sourceType, nullable } = column;
  return (expression, format, segmentType) => ({
    name,
    sourceType,
    nullable,
    catalog: column,
    expression,
    format,
    segmentType,
    landedType,
    warning,
  });
}

/** Times with offsets land as instants. */
export function offsetWarning({ name, sourceType }: CatalogColumn): ReadWarning {
  return {
    code: 'OFFSET_FOLDED_INTO_UTC',
    column: name,
    message: `Column "${name}" is ${sourceType}: the instants land in UTC, the offsets that they were written with do not.`,
    hint: `column_types: ${name}:varchar keeps the offsets, as text.`,
  };
}
