import type { Lag } from '../../spec/job.ts';
import type { WatermarkOrder } from '../database/watermark-order.ts';
import { fromCell, invalidWatermark, lagOf, watermarkKind, withNulls } from '../database/watermark-predicate.ts';
import type { IncrementalRead } from '../source.ts';
import type { CatalogColumn } from './catalog.ts';
import { nationalLiteral, quoteIdentifier, SECONDS_MASK, textLiteral } from './literal.ts';

/** How a watermark column is compared. */
type WatermarkKind = 'number' | 'time' | 'text';

const KINDS: Record<string, WatermarkKind> = {
  number: 'number',
  float: 'number',
  binary_float: 'number',
  binary_double: 'number',
  date: 'time',
  timestamp: 'time',
  'timestamp with time zone': 'time',
  'timestamp with local time zone': 'time',
  char: 'text',
  varchar2: 'text',
  nchar: 'text',
  nvarchar2: 'text',
};

export interface WatermarkPlan {
  column: CatalogColumn;
  /** The column over `q`. */
  reference: string;
  /** Conditions of the outer WHERE; empty: every row. */
  conditions: string[];
  /** How the texts of the rows are compared; null: only the server knows its order, and is asked. */
  order: WatermarkOrder | null;
}

/** Plans the predicate of an incremental read. Throws where the type, the value or the lag do not go together. */
export function planWatermark(column: CatalogColumn, incremental: IncrementalRead): WatermarkPlan {
  const kind = watermarkKind(KINDS, column);
  const reference = `q.${quoteIdentifier(column.name)}`;
  const bounds: string[] = [];
  if (incremental.from !== null) {
    const literal = watermarkLiteral(column, incremental.from, fromCell(incremental));
    bounds.push(`${reference} >= ${minusLag(literal, lagOf(incremental.lag, kind, column))}`);
  }
  if (incremental.end !== null) bounds.push(`${reference} < ${watermarkLiteral(column, incremental.end, 'end_value')}`);
  const orders = { number: 'number', time: 'text', text: null } as const;
  return { column, reference, conditions: withNulls(bounds, reference, column, incremental), order: orders[kind] };
}

function minusLag(literal: string, lag: Lag | null): string {
  if (lag === null) return literal;
  return lag.kind === 'duration'
    ? `(${literal} - NUMTODSINTERVAL(${lag.seconds}, 'SECOND'))`
    : `(${literal} - ${lag.value})`;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TIME =
  /^([+-]?)(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/**
 * A value of the column's type, as a literal that no setting of the session changes the meaning of. `cell` says where it came from.
 * @throws IngestError WATERMARK_INVALID
 */
export function watermarkLiteral(column: CatalogColumn, value: string, cell: string): string {
  const text = value.trim();
  switch (column.baseType) {
    case 'number':
    case 'float':
      return NUMBER.test(text) ? text : refuse(column, value, cell, 'a number, e.g. 1000');
    case 'binary_float':
    case 'binary_double':
      if (!NUMBER.test(text)) return refuse(column, value, cell, 'a number, e.g. 1000');
      return `${column.baseType === 'binary_float' ? 'TO_BINARY_FLOAT' : 'TO_BINARY_DOUBLE'}('${text}')`;
    case 'nchar':
    case 'nvarchar2':
      return nationalLiteral(value);
    case 'char':
    case 'varchar2':
      return textLiteral(value);
    default:
      return timeLiteral(column, value, cell);
  }
}

function timeLiteral(column: CatalogColumn, value: string, cell: string): string {
  const isZoned = column.baseType.includes('zone');
  const example = `a time, e.g. 2025-12-31 23:59:59${column.baseType === 'date' ? '' : '.999999'}${isZoned ? '+00:00' : ''}`;
  const match = TIME.exec(value.trim());
  if (match === null || !isDay(match)) return refuse(column, value, cell, example);
  const [, sign, year = '', month = '', day = '', hour = '0', minute = '00', second = '00', fraction = '', zone] =
    match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return refuse(column, value, cell, example);
  if (zone !== undefined && !isZoned)
    return refuse(column, value, cell, `${example}, without a zone: the column has none`);
  const two = (digits: string) => digits.padStart(2, '0');
  const isBeforeChrist = sign === '-';
  const mask = isBeforeChrist ? SECONDS_MASK : SECONDS_MASK.slice(1);
  const text = `${isBeforeChrist ? '-' : ''}${year.padStart(4, '0')}-${two(month)}-${two(day)} ${two(hour)}:${minute}:${second}`;
  const isWhole = /^0*$/.test(fraction);
  if (column.baseType === 'date' && isWhole) return `TO_DATE('${text}', '${mask}')`;
  const fine = `${text}.${fraction.padEnd(9, '0')}`;
  if (!isZoned) return `TO_TIMESTAMP('${fine}', '${mask}.FF9')`;
  return `TO_TIMESTAMP_TZ('${fine} ${offset(zone)}', '${mask}.FF9 TZH:TZM')`;
}

/** `+02:00`; without a zone it is UTC, which the session's zone is too. */
function offset(zone: string | undefined): string {
  if (zone === undefined || /^z$/i.test(zone)) return '+00:00';
  return `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
}

/** Whether there is such a day. Before October 1582 Oracle counts in the Julian calendar, in which every fourth year is a leap year. */
function isDay([, , yearText, monthText, dayText]: RegExpExecArray): boolean {
  const [year, month, day] = [Number(yearText), Number(monthText), Number(dayText)];
  const isLeap = year % 4 === 0 && (year <= 1582 || year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return year > 0 && day > 0 && day <= (days[month - 1] ?? 0);
}

function refuse(column: CatalogColumn, value: string, cell: string, wanted: string): never {
  throw invalidWatermark(cell, value, column, wanted);
}
