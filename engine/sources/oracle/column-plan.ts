import type { TypePolicy } from '../../spec/kinds.ts';
import { type DriverColumn, offsetWarning, planAs } from '../database/planned-column.ts';
import { overrideType } from '../database/table-columns.ts';
import type { ReadWarning } from '../source.ts';
import { adaptOracleType } from '../type-adapters.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier, timeMask } from './literal.ts';

export type PlannedColumn = DriverColumn<CatalogColumn>;

export interface ColumnPolicy {
  types: TypePolicy;
  numbers: 'exact' | 'double';
}

const INTEGER_DIGITS: Record<string, number> = { TINYINT: 3, HUGEINT: 38 };
const WRITTEN_INTEGERS = new Set(['SMALLINT', 'INTEGER', 'BIGINT']);

/** Plans how a column is read, so that every value arrives as it is and the pipeline's cast to `landedType` can be exact. */
export function planColumn(column: CatalogColumn, policy: ColumnPolicy, override: string | undefined): PlannedColumn {
  const adapted = adaptOracleType({ ...column, name: column.baseType }, policy.types, policy.numbers);
  const landedType = override === undefined ? adapted.landedType : overrideType(column, override);
  const source = `q.${quoteIdentifier(column.name)}`;
  const plan = planAs(column, landedType, override === undefined ? warningOf(column, adapted.loss) : null);
  const text = (expression: string) =>
    plan(expression, 'text', landedType === 'JSON' && column.baseType === 'json' ? 'JSON' : 'VARCHAR');
  const isText = landedType === 'VARCHAR';

  switch (column.baseType) {
    case 'number':
    case 'float':
      return planNumber();
    case 'binary_float':
      return isText ? text(`TO_CHAR(${source})`) : plan(source, 'double', 'FLOAT');
    case 'binary_double':
      return isText ? text(`TO_CHAR(${source})`) : plan(source, 'double', 'DOUBLE');
    case 'date':
    case 'timestamp': {
      const expression = timeText(source, digitsOf(column));
      return isText ? text(expression) : plan(expression, 'timestamp_text', 'TIMESTAMP');
    }
    case 'timestamp with time zone':
      if (isText) return text(`LTRIM(TO_CHAR(${source}, '${timeMask(digitsOf(column))} TZH:TZM'))`);
      return plan(utcText(source, digitsOf(column)), 'timestamp_text', 'TIMESTAMP WITH TIME ZONE');
    case 'timestamp with local time zone':
      // The session's zone is UTC: so is the text.
      return isText
        ? text(timeText(source, digitsOf(column)))
        : plan(timeText(source, digitsOf(column)), 'timestamp_text', 'TIMESTAMP WITH TIME ZONE');
    case 'interval year to month':
    case 'interval day to second':
      return text(`TO_CHAR(${source})`);
    case 'char':
    case 'varchar2':
    case 'nchar':
    case 'nvarchar2':
    case 'clob':
    case 'nclob':
    case 'long':
    case 'urowid':
      return text(source);
    case 'rowid':
      return text(`ROWIDTOCHAR(${source})`);
    case 'raw':
      return isText ? text(`RAWTOHEX(${source})`) : plan(source, 'bytes', 'BLOB');
    case 'blob':
    case 'long raw':
      return plan(source, 'bytes', 'BLOB');
    case 'json':
      return text(`JSON_SERIALIZE(${source} RETURNING CLOB)`);
    case 'boolean':
      return isText ? text(`TO_CHAR(${source})`) : plan(source, 'boolean', 'BOOLEAN');
    case 'xmltype':
      return text(`XMLSERIALIZE(CONTENT ${source} AS CLOB)`);
    default:
      throw new TypeError(`${column.name}: ${column.sourceType} is not planned`);
  }

  function planNumber(): PlannedColumn {
    if (landedType.startsWith('DECIMAL(') || WRITTEN_INTEGERS.has(landedType)) {
      return plan(source, 'number_text', landedType);
    }
    const digits = INTEGER_DIGITS[landedType];
    if (digits !== undefined) return plan(source, 'number_text', `DECIMAL(${digits},0)`);
    if (landedType === 'DOUBLE' || landedType === 'FLOAT') return plan(source, 'double', landedType);
    return text(source);
  }
}

/** Types that arrive; of others nobody could say what they would mean. */
const PLANNED = new Set([
  'number',
  'float',
  'binary_float',
  'binary_double',
  'date',
  'timestamp',
  'timestamp with time zone',
  'timestamp with local time zone',
  'interval year to month',
  'interval day to second',
  'char',
  'varchar2',
  'nchar',
  'nvarchar2',
  'clob',
  'nclob',
  'long',
  'rowid',
  'urowid',
  'raw',
  'blob',
  'long raw',
  'json',
  'boolean',
  'xmltype',
]);

/** False for object types, SDO_GEOMETRY, VECTOR, BFILE, ANYDATA and what else has no plain value. */
export function canBeRead(column: CatalogColumn): boolean {
  const isBuiltIn = column.typeOwner === null || column.typeOwner === 'SYS' || column.typeOwner === 'PUBLIC';
  return isBuiltIn && PLANNED.has(column.baseType);
}

/** `YYYY-MM-DD hh:mm:ss.ffffff`; the mask's place for a minus is blank in years after Christ. */
function timeText(value: string, digits: number): string {
  return `LTRIM(TO_CHAR(${value}, '${timeMask(digits)}'))`;
}

function utcText(value: string, digits: number): string {
  return timeText(`SYS_EXTRACT_UTC(${value})`, digits);
}

/** Digits of a second to ask for: none of a DATE, six of most timestamps, nine of finer ones. */
function digitsOf({ baseType, scale }: CatalogColumn): number {
  if (baseType === 'date' || scale === 0) return 0;
  return (scale ?? 6) > 6 ? 9 : 6;
}

/** A value of the column as the server writes it for a bound: of times, in the form of a watermark. */
export function boundText(column: CatalogColumn, value: string): string {
  if (column.baseType === 'date' || column.baseType === 'timestamp') return timeText(value, digitsOf(column));
  return column.baseType === 'number' ? `TO_CHAR(FLOOR(${value}), 'TM9')` : value;
}

/** What a type's permitted loss is worth saying. Digits beyond microseconds are told where a value has some. */
function warningOf(column: CatalogColumn, loss: ReturnType<typeof adaptOracleType>['loss']): ReadWarning | null {
  if (loss === 'unbounded_number_as_double') {
    const { name, sourceType } = column;
    return {
      code: 'UNBOUNDED_NUMBER_AS_DOUBLE',
      column: name,
      message: `Column "${name}" is ${sourceType}, which has no limit: it lands as DOUBLE, which keeps about 15 digits.`,
      hint: `If its values are exact, say which: column_types: ${name}:decimal(38,10), or ${name}:varchar for every digit.`,
    };
  }
  return loss === 'offset_folded_into_utc' ? offsetWarning(column) : null;
}
