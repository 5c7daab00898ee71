import { IngestError, isIngestError } from '../../errors.ts';
import type { Lag } from '../../spec/job.ts';
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
  /** The column as it is compared, over `q`. */
  comparable: string;
  /** Conditions of the outer WHERE; empty: every row. */
  conditions: string[];
  /** The greatest watermark can be taken from what landed; {@link planRead} knows. */
  fromSegments: boolean;
}

/** Plans the predicate of an incremental read. Throws where the type, the value or the lag do not go together. */
export function planWatermark(column: CatalogColumn, incremental: IncrementalRead): WatermarkPlan {
  const kind = kindOf(column);
  const reference = `q.${quoteIdentifier(column.name)}`;
  // Only byte order is the same everywhere; a locale's order changes with the server's libraries.
  const comparable = kind === 'text' ? `${reference}::text COLLATE "C"` : reference;
  const literal = (text: string) => watermarkLiteral(text, column);
  const bounds: string[] = [];
  if (incremental.from !== null) {
    bounds.push(`${comparable} >= ${minusLag(literal(incremental.from), incremental.lag, kind, column)}`);
  }
  if (incremental.end !== null) bounds.push(`${comparable} < ${literal(incremental.end)}`);
  return {
    column,
    comparable,
    conditions: withNulls(bounds, reference, column, incremental),
    fromSegments: false,
  };
}

/** A watermark as it is compared with its column. */
export function watermarkLiteral(text: string, column: CatalogColumn): string {
  return kindOf(column) === 'text' ? `${textLiteral(text)}::text COLLATE "C"` : typedLiteral(text, column.baseTypeSql);
}

function withNulls(bounds: string[], reference: string, column: CatalogColumn, incremental: IncrementalRead): string[] {
  if (!column.nullable) return bounds;
  if (incremental.nullWatermarks === 'include') {
    return bounds.length === 0 ? [] : [`(${reference} IS NULL OR (${bounds.join(' AND ')}))`];
  }
  return bounds.length === 0 ? [`${reference} IS NOT NULL`] : bounds;
}

function kindOf(column: CatalogColumn): WatermarkKind {
  if (column.baseKind === 'e') return 'other';
  if (column.baseType.endsWith('.citext')) return 'text';
  const kind = column.isArray || !Object.hasOwn(KINDS, column.baseType) ? undefined : KINDS[column.baseType];
  if (kind) return kind;
  throw new IngestError(
    'WATERMARK_TYPE',
    `watermark_column "${column.name}" is ${column.sourceType}, which has no order to continue from.`,
    { hint: 'Use a column that only grows: an update time, a date, an identity or sequence number.' },
  );
}

function minusLag(literal: string, lag: Lag | null, kind: WatermarkKind, column: CatalogColumn): string {
  if (lag === null) return literal;
  if (lag.kind === 'duration' && kind === 'time') return `(${literal} - interval '${lag.seconds} seconds')`;
  if (lag.kind === 'number' && kind === 'number') return `(${literal} - ${typedLiteral(lag.value, 'numeric')})`;
  throw new IngestError('LAG_INVALID', `lag does not fit watermark_column "${column.name}" (${column.sourceType}).`, {
    hint:
      kind === 'time'
        ? 'Write a duration, e.g. 2h or 1d.'
        : kind === 'number'
          ? 'Write a number, e.g. 1000.'
          : 'Only times and numbers can have a lag.',
  });
}

/** Asks the server whether the bounds are values of the column's type: an error of the read itself would not say which. */
export async function checkBounds(
  session: PostgresSession,
  column: CatalogColumn,
  incremental: IncrementalRead,
  signal: AbortSignal,
): Promise<void> {
  const bounds = [
    [incremental.continued ? 'the stored watermark' : 'last_watermark', incremental.from],
    ['end_value', incremental.end],
  ] as const;
  for (const [name, text] of bounds) {
    if (text === null) continue;
    try {
      await session.query(`SELECT ${typedLiteral(text, column.baseTypeSql)}::text`, [], `Reading ${name}`, signal);
    } catch (error) {
      const isValue = isIngestError(error) && sqlState(error.cause)?.startsWith('22');
      if (!isValue) throw error;
      throw new IngestError(
        'WATERMARK_INVALID',
        `${name} "${text}" is no value of watermark_column "${column.name}" (${column.sourceType}).`,
        {
          hint:
            name === 'the stored watermark'
              ? 'Set it right with `ingest state set`.'
              : `Write it as PostgreSQL does, e.g. ${example(column)}.`,
          cause: error,
        },
      );
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
