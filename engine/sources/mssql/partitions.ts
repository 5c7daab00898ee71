import { IngestError } from '../../errors.ts';
import { equalCuts, positionOf, rangeParts, timeAt } from '../database/partition-ranges.ts';
import { findColumn } from '../database/table-columns.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier, quoteName, typedLiteral } from './literal.ts';
import type { ReadPlan } from './read-plan.ts';
import type { MssqlSession } from './session.ts';

const NUMBERS = new Set(['tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric']);
const TIMES = new Set(['date', 'smalldatetime', 'datetime', 'datetime2']);
/** A smaller piece is not worth a connection. */
const MIN_PART_ROWS = 5000;

export interface PartitionOptions {
  partitions: number;
  partitionColumn: string | undefined;
}

/** How many parts a table is worth. */
export function partCount(plan: ReadPlan, { partitions }: PartitionOptions): number {
  if (plan.sampleRows !== null || plan.object.kind === 'view') return 1;
  return Math.max(1, Math.min(partitions, Math.floor(plan.object.rows / MIN_PART_ROWS)));
}

/**
 * Conditions that cut a table into ranges of `partition_column`, or of the primary key's first column: each row is in exactly one. One part: nothing
 * to cut, or no value to cut by.
 */
export async function planParts(
  session: MssqlSession,
  plan: ReadPlan,
  count: number,
  { partitionColumn }: PartitionOptions,
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  if (count <= 1) return [undefined];
  const column = rangeColumn(plan, partitionColumn);
  const own = quoteIdentifier(column.name);
  const shown = (value: string) =>
    NUMBERS.has(column.baseType) ? `CAST(${value} AS nvarchar(41))` : `CONVERT(nvarchar(27), ${value}, 121)`;
  const [row] = await session.query(
    `SELECT ${shown(`MIN(${own})`)} AS [low], ${shown(`MAX(${own})`)} AS [high] FROM ${quoteName(plan.object.schema, plan.object.name)}`,
    `Finding the range of ${column.name} in ${plan.name}`,
    signal,
  );
  if (row?.low == null || row.high == null) return [undefined];
  const cuts = equalCuts(positionOf(row.low), positionOf(row.high), count);
  return rangeParts(
    own,
    cuts.map((cut) => typedLiteral(place(cut, column), column)),
  );
}

function rangeColumn(plan: ReadPlan, configured: string | undefined): CatalogColumn {
  const name = configured ?? plan.object.primaryKey[0];
  const column = name === undefined ? undefined : findColumn(plan.object, name, 'partition_column');
  if (column && (NUMBERS.has(column.baseType) || TIMES.has(column.baseType))) return column;
  const hint = 'Set partition_column to a whole number, decimal, date or datetime column, or partitions to 1.';
  if (configured === undefined) {
    throw new IngestError(
      'PARTITION_COLUMN_MISSING',
      `${plan.name} has no primary key that could cut it into ranges.`,
      {
        hint,
      },
    );
  }
  throw new IngestError('PARTITION_COLUMN_TYPE', `partition_column "${name}" is ${column?.sourceType}.`, { hint });
}

function place(cut: bigint, column: CatalogColumn): string {
  if (NUMBERS.has(column.baseType)) return String(cut);
  return column.baseType === 'date' ? timeAt(cut).slice(0, 10) : timeAt(cut);
}
