import { IngestError } from '../../errors.ts';
import { rangeParts } from '../database/partition-ranges.ts';
import { findColumn } from '../database/table-columns.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier, quoteName, typedLiteral } from './literal.ts';
import type { ReadPlan } from './read-plan.ts';
import type { PostgresSession } from './session.ts';

/** Types whose ranges can be cut into equal pieces by arithmetic, with the cast back from the cut. */
const TIMES = new Set(['date', 'timestamp', 'timestamptz']);
const CUTTABLE = new Set(['int2', 'int4', 'int8', 'numeric', ...TIMES]);
/** A smaller piece is not worth a connection. */
const MIN_PAGES = 64;

/**
 * Conditions that cut an object into parts: each row is in exactly one. Tables are cut by where rows lie (ctid), which is even and needs no
 * index; with `partition_column`, and for views, by ranges of a number, date or time. One part: not worth cutting, or empty.
 */
export async function planParts(
  session: PostgresSession,
  plan: ReadPlan,
  options: { partitions: number; partitionColumn: string | undefined; primaryKey: readonly string[] },
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  if (options.partitions <= 1 || plan.sampleRows !== null) return [undefined];
  const hasPlaces = ['r', 'm', 'p'].includes(plan.object.kind);
  if (options.partitionColumn === undefined && hasPlaces) return placeParts(plan.object.pages, options.partitions);
  const name = options.partitionColumn ?? options.primaryKey[0];
  if (name === undefined) {
    throw new IngestError(
      'PARTITION_COLUMN_MISSING',
      `${plan.name} is a view: partitions needs a column to cut it by.`,
      {
        hint: 'Set partition_column to a number, date or time column, or partitions to 1.',
      },
    );
  }
  const column = findColumn(plan.object, name, 'partition_column');
  if (!CUTTABLE.has(column.baseType)) {
    throw new IngestError('PARTITION_COLUMN_TYPE', `partition_column "${name}" is ${column.sourceType}.`, {
      hint: 'Use a number, date or time column; a table needs none: leave partition_column out.',
    });
  }
  const cuts = await rangeCuts(session, plan, column, options.partitions, signal);
  return rangeParts(
    quoteIdentifier(column.name),
    cuts.map((cut) => typedLiteral(cut, column.baseTypeSql)),
  );
}

/** Equal page ranges; the last is open, for pages that came after the count. A partitioned table's ranges hold for each of its partitions. */
export function placeParts(pages: number, partitions: number): (string | undefined)[] {
  const count = Math.min(partitions, Math.floor(pages / MIN_PAGES));
  if (count <= 1) return [undefined];
  const cuts = Array.from({ length: count - 1 }, (_, index) => Math.ceil(((index + 1) * pages) / count));
  return rangeParts(
    'ctid',
    cuts.map((page) => `'(${page},0)'::tid`),
    { nullable: false },
  );
}

/** Inner bounds of equal ranges between the column's least and greatest finite value. */
async function rangeCuts(
  session: PostgresSession,
  plan: ReadPlan,
  column: CatalogColumn,
  partitions: number,
  signal: AbortSignal,
): Promise<string[]> {
  const own = quoteIdentifier(column.name);
  const share = `i / ${partitions}::numeric`;
  const [finite, cut] = TIMES.has(column.baseType)
    ? [`isfinite(${own})`, `low + (high - low) * (${share})::float8`]
    : [
        `${own}::text NOT IN ('NaN', 'Infinity', '-Infinity')`,
        `floor(low::numeric + (high::numeric - low::numeric) * ${share})`,
      ];
  // A date and a number of days that is not whole have no sum.
  const exact = column.baseType === 'date' ? `low + ((high - low) * ${share})::int` : cut;
  const object = quoteName(plan.object.schema, plan.object.name);
  const rows = await session.query(
    `SELECT cut::text AS cut FROM (
       SELECT DISTINCT (${exact})::${column.baseTypeSql} AS cut
       FROM (SELECT min(${own}) AS low, max(${own}) AS high FROM ${object} WHERE ${finite}) bounds, generate_series(1, ${partitions - 1}) i
       WHERE low < high) cuts ORDER BY cuts.cut`,
    `Finding the range of ${column.name} in ${plan.name}`,
    signal,
  );
  return rows.map((row) => row.cut as string);
}
