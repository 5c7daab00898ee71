import { isIngestError } from '../../errors.ts';
import type { Lag } from '../../spec/job.ts';
import type { WatermarkOrder } from '../database/watermark-order.ts';
import { boundCells, invalidWatermark, lagOf, watermarkKind, withNulls } from '../database/watermark-predicate.ts';
import type { IncrementalRead } from '../source.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier, textLiteral, typedLiteral } from './literal.ts';
import type { MssqlSession } from './session.ts';

/** How a watermark column is compared. */
type WatermarkKind = 'number' | 'time' | 'text' | 'version';

const KINDS: Record<string, WatermarkKind> = {
  tinyint: 'number',
  smallint: 'number',
  int: 'number',
  bigint: 'number',
  decimal: 'number',
  numeric: 'number',
  money: 'number',
  smallmoney: 'number',
  real: 'number',
  float: 'number',
  date: 'time',
  smalldatetime: 'time',
  datetime: 'time',
  datetime2: 'time',
  datetimeoffset: 'time',
  char: 'text',
  varchar: 'text',
  nchar: 'text',
  nvarchar: 'text',
  timestamp: 'version',
  rowversion: 'version',
};

export interface WatermarkPlan {
  column: CatalogColumn;
  /** The column over `q`. */
  reference: string;
  /** Conditions of the outer WHERE; empty: every row. */
  conditions: string[];
  /** How the values' own texts are compared. */
  order: WatermarkOrder;
}

/** Plans the predicate of an incremental read. Throws where the type, the value or the lag do not go together. */
export async function planWatermark(
  session: MssqlSession,
  column: CatalogColumn,
  incremental: IncrementalRead,
  signal: AbortSignal,
): Promise<WatermarkPlan> {
  const { kind, reference, comparable } = comparison(column);
  const bounds: string[] = [];
  if (incremental.from !== null) {
    bounds.push(`${comparable} >= ${lowerBound(incremental.from, lagOf(incremental.lag, kind, column), kind, column)}`);
  }
  if (incremental.end !== null) bounds.push(`${comparable} < ${literal(incremental.end, kind, column)}`);
  await checkBounds(session, column, kind, incremental, signal);
  if (kind === 'version') bounds.push(`${reference} < ${await settledVersions(session, signal)}`);
  const order = kind === 'number' ? 'number' : 'text';
  return { column, reference, conditions: withNulls(bounds, reference, column, incremental), order };
}

/** The condition that a row's watermark is not above a stored one. */
export function upTo(column: CatalogColumn, text: string): string {
  const { kind, comparable } = comparison(column);
  return `${comparable} <= ${literal(text, kind, column)}`;
}

function comparison(column: CatalogColumn): { kind: WatermarkKind; reference: string; comparable: string } {
  const kind = watermarkKind(KINDS, column, 'a rowversion, ');
  const reference = `q.${quoteIdentifier(column.name)}`;
  // Only the order of code units is the same everywhere; a collation's changes with the server's version.
  return { kind, reference, comparable: kind === 'text' ? `${reference} COLLATE Latin1_General_BIN2` : reference };
}

/**
 * A transaction takes its row versions when it writes and shows them when it commits: what is at or above the least of those that still run would be
 * passed by for ever. Asked for before the read's snapshot begins.
 */
async function settledVersions(session: MssqlSession, signal: AbortSignal): Promise<string> {
  const [row] = await session.query(
    'SELECT MIN_ACTIVE_ROWVERSION() AS [version]',
    'Asking for the row versions that are settled',
    signal,
  );
  return row?.version ?? '0xFFFFFFFFFFFFFFFF';
}

function literal(text: string, kind: WatermarkKind, column: CatalogColumn): string {
  return kind === 'text' ? textLiteral(text) : typedLiteral(text, column);
}

function lowerBound(from: string, lag: Lag | null, kind: WatermarkKind, column: CatalogColumn): string {
  if (lag === null) return literal(from, kind, column);
  return lag.kind === 'duration'
    ? earlier(from, lag.seconds, column)
    : typedLiteral(lower(from, lag.value, column), column);
}

/** DATEADD knows no seconds of a date, and takes 32 bits. */
function earlier(from: string, seconds: number, column: CatalogColumn): string {
  const whole = Math.floor(seconds / 86_400);
  const rest = Math.round((seconds - whole * 86_400) * 1000);
  const type = column.baseType === 'datetimeoffset' ? column.typeSql : 'datetime2(7)';
  const time = typedLiteral(from, { ...column, baseType: 'datetime2', typeSql: type });
  return `CAST(DATEADD(MILLISECOND, ${-rest}, DATEADD(DAY, ${-whole}, ${time})) AS ${column.typeSql})`;
}

const DECIMAL = /^\s*([+-]?)(\d*)(?:\.(\d*))?\s*$/;
const LEAST: Record<string, bigint> = {
  tinyint: 0n,
  smallint: -32_768n,
  int: -2_147_483_648n,
  bigint: -9_223_372_036_854_775_808n,
};

/** `from - lag` in decimal, so that the literal keeps the column's own type; floats as the doubles that they are. */
function lower(from: string, lag: string, column: CatalogColumn): string {
  const [one, other] = [DECIMAL.exec(from), DECIMAL.exec(lag)];
  if (one === null || other === null) return String(Number(from) - Number(lag));
  const scale = Math.max(one[3]?.length ?? 0, other[3]?.length ?? 0);
  const units = ([, sign, whole = '', fraction = '']: RegExpExecArray) => {
    const magnitude = BigInt(`0${whole}${fraction.padEnd(scale, '0')}`);
    return sign === '-' ? -magnitude : magnitude;
  };
  const difference = units(one) - units(other);
  const least = LEAST[column.baseType];
  if (least !== undefined) {
    // Down to the next whole number.
    const power = 10n ** BigInt(scale);
    const floor = difference / power - (difference % power < 0n ? 1n : 0n);
    return String(floor < least ? least : floor);
  }
  const digits = String(difference < 0n ? -difference : difference).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return difference < 0n ? `-${text}` : text;
}

/** Asks the server whether the bounds are values of the column's type: an error of the read itself would not say which. */
async function checkBounds(
  session: MssqlSession,
  column: CatalogColumn,
  kind: WatermarkKind,
  incremental: IncrementalRead,
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'text') return;
  for (const { cell, text } of boundCells(incremental)) {
    const wanted = `it as SQL Server does, e.g. ${example(column)}`;
    if (kind === 'version') {
      if (!/^0x(?:[0-9a-f]{2}){1,8}$/i.test(text)) throw invalidWatermark(cell, text, column, wanted);
      continue;
    }
    try {
      await session.query(`SELECT ${typedLiteral(text, column)} AS [value]`, `Reading ${cell}`, signal);
    } catch (error) {
      const isValue = isIngestError(error) && error.code === 'SOURCE_CONVERSION';
      throw isValue ? invalidWatermark(cell, text, column, wanted, error) : error;
    }
  }
}

function example(column: CatalogColumn): string {
  switch (KINDS[column.baseType]) {
    case 'number':
      return '1000';
    case 'version':
      return '0x00000000000007D1';
    default:
      return column.baseType === 'date'
        ? '2025-12-31'
        : `2025-12-31 23:59:59${column.baseType.endsWith('2') ? '.9999999' : '.997'}`;
  }
}
