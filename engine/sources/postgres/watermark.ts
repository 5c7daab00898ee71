import { isIngestError } from '../../errors.ts';
import type { Lag } from '../../spec/job.ts';
import { boundCells, invalidWatermark, lagOf, watermarkKind, withNulls } from '../database/watermark-predicate.ts';
import type { IncrementalRead } from '../source.ts';
import type { CatalogColumn } from './catalog.ts';
import { sqlState } from './errors.ts';
import { quoteIdentifier, textLiteral, typedLiteral } from './literal.ts';
import type { PostgresSession } from './session.ts';

/** How a watermark column is compared. */
type WatermarkKind = 'number' | 'time' | 'text' | 'other';

const KINDS: Record<string, WatermarkKind> = {
  int2: 'number',
  int4: 'number',
  int8: 'number',
  oid: 'number',
  numeric: 'number',
  float4: 'number',
  float8: 'number',
  date: 'time',
  timestamp: 'time',
  timestamptz: 'time',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  name: 'text',
  uuid: 'other',
  time: 'other',
  timetz: 'other',
  interval: 'other',
  inet: 'other',
  pg_lsn: 'other',
  xid8: 'other',
};

export interface WatermarkPlan {
  column: CatalogColumn;
  /** The column over `q`. */
  reference: string;
  /** The column as it is compared, over `q`. */
  comparable: string;
  /** Any text may be a value, `NaN` too. */
  isText: boolean;
  /** Conditions of the outer WHERE; empty: every row. */
  conditions: string[];
  /** The greatest watermark can be taken from what landed. */
  fromSegments: boolean;
}

/** Plans the predicate of an incremental read. Throws where the type, the value or the lag do not go together. */
export function planWatermark(
  column: CatalogColumn,
  incremental: IncrementalRead,
): Omit<WatermarkPlan, 'fromSegments'> {
  const kind = kindOf(column);
  const reference = `q.${quoteIdentifier(column.name)}`;
  // Only byte order is the same everywhere; a locale's order changes with the server's libraries.
  const comparable = kind === 'text' ? `${reference}::text COLLATE "C"` : reference;
  const literal = (text: string) => watermarkLiteral(text, column);
  const bounds: string[] = [];
  if (incremental.from !== null) {
    bounds.push(`${comparable} >= ${minusLag(literal(incremental.from), lagOf(incremental.lag, kind, column))}`);
  }
  if (incremental.end !== null) bounds.push(`${comparable} < ${literal(incremental.end)}`);
  return {
    column,
    reference,
    isText: kind === 'text',
    comparable,
    conditions: withNulls(bounds, reference, column, incremental),
  };
}

/** A watermark as it is compared with its column. */
export function watermarkLiteral(text: string, column: CatalogColumn): string {
  return kindOf(column) === 'text' ? `${textLiteral(text)}::text COLLATE "C"` : typedLiteral(text, column.baseTypeSql);
}

function kindOf(column: CatalogColumn): WatermarkKind {
  if (column.baseKind === 'e') return 'other';
  if (column.baseType.endsWith('.citext')) return 'text';
  return watermarkKind<WatermarkKind>(column.isArray ? {} : KINDS, column);
}

function minusLag(literal: string, lag: Lag | null): string {
  if (lag === null) return literal;
  const less = lag.kind === 'duration' ? `interval '${lag.seconds} seconds'` : typedLiteral(lag.value, 'numeric');
  return `(${literal} - ${less})`;
}

/** Asks the server whether the bounds are values of the column's type: an error of the read itself would not say which. */
export async function checkBounds(
  session: PostgresSession,
  column: CatalogColumn,
  incremental: IncrementalRead,
  signal: AbortSignal,
): Promise<void> {
  for (const { cell, text } of boundCells(incremental)) {
    try {
      await session.query(`SELECT ${typedLiteral(text, column.baseTypeSql)}::text`, `Reading ${cell}`, signal);
    } catch (error) {
      const isValue = isIngestError(error) && sqlState(error.cause)?.startsWith('22');
      if (!isValue) throw error;
      throw invalidWatermark(cell, text, column, `it as PostgreSQL does, e.g. ${example(column)}`, error);
    }
  }
}

function example(column: CatalogColumn): string {
  switch (KINDS[column.baseType]) {
    case 'number':
      return '1000';
    case 'time':
      return column.baseType === 'date' ? '2025-12-31' : '2025-12-31 23:59:59.999999';
    default:
      return 'a value of the column';
  }
}
