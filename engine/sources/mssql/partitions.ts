import { IngestError } from '../../errors.ts';
import { findColumn } from '../database/table-columns.ts';
import { daysFromCivil } from '../database/time-text.ts';
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
  const cuts = rangeCuts(position(row.low), position(row.high), count);
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

/** Inner bounds of equal ranges. */
function rangeCuts(low: bigint, high: bigint, count: number): bigint[] {
  const cuts = new Set<bigint>();
  for (let index = 1n; index < BigInt(count); index += 1n) {
    const cut = low + ((high - low) * index) / BigInt(count);
    if (cut > low && cut <= high) cuts.add(cut);
  }
  return [...cuts];
}

/** A whole number, or the seconds of a time; where exactly the cuts lie matters to nobody. */
function position(text: string): bigint {
  const time = /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d))?/.exec(text);
  if (time === null) return BigInt(text.replace(/\..*$/, ''));
  const days = daysFromCivil(Number(time[1]), Number(time[2]), Number(time[3]));
  const seconds = Number(time[4] ?? 0) * 3600 + Number(time[5] ?? 0) * 60 + Number(time[6] ?? 0);
  return BigInt(days * 86_400 + seconds);
}

function place(cut: bigint, column: CatalogColumn): string {
  if (NUMBERS.has(column.baseType)) return String(cut);
  const text = new Date(Number(cut) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return column.baseType === 'date' ? text.slice(0, 10) : text;
}

function rangeParts(column: string, cuts: readonly string[]): (string | undefined)[] {
  if (cuts.length === 0) return [undefined];
  return [...cuts, null].map((cut, index) => {
    // NULL is in no range: the first part takes it.
    if (index === 0) return `(${column} < ${cut} OR ${column} IS NULL)`;
    const from = `${column} >= ${cuts[index - 1]}`;
    return cut === null ? from : `${from} AND ${column} < ${cut}`;
  });
}
