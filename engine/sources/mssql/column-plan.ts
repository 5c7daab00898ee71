import { SAFE_DIGITS } from '../../duckdb/decimal-store.ts';
import { IngestError } from '../../errors.ts';
import type { TypePolicy } from '../../spec/kinds.ts';
import { type DriverColumn, offsetWarning, planAs } from '../database/planned-column.ts';
import { overrideType } from '../database/table-columns.ts';
import { adaptDecimal, adaptSqlServerType } from '../type-adapters.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier } from './literal.ts';

export type PlannedColumn = DriverColumn<CatalogColumn>;

/** Longest nvarchar that is not `max`. */
const LONGEST_PLAIN = 4000;
const ANY_TEXT = 'nvarchar(max)';

/** Types of .NET whose texts leave something out (a geometry's SRID), so that somebody has to want them. */
const TYPES_OF_NET = new Set(['geometry', 'geography']);

/** Plans how a column is read, so that every value arrives as it is and the pipeline's cast to `landedType` can be exact. */
export function planColumn(column: CatalogColumn, policy: TypePolicy, override: string | undefined): PlannedColumn {
  const adapted = adaptSqlServerType({ ...column, name: column.baseType }, policy);
  const landedType = override === undefined ? adapted.landedType : overrideType(column, override);
  const source = `q.${quoteIdentifier(column.name)}`;
  const isFolded = override === undefined && adapted.loss === 'offset_folded_into_utc';
  const plan = planAs(column, landedType, isFolded ? offsetWarning(column) : null);
  const text = (expression: string) => plan(expression, 'text', 'VARCHAR');
  const cast = (type: string) => `CAST(${source} AS ${type})`;
  const isText = landedType === 'VARCHAR';

  switch (column.baseType) {
    case 'bit':
      return isText ? text(cast('nvarchar(1)')) : plan(source, 'boolean', 'BOOLEAN');
    case 'tinyint':
    case 'smallint':
      return isText ? text(cast('nvarchar(6)')) : plan(source, 'integer', 'SMALLINT');
    case 'int':
      return isText ? text(cast('nvarchar(11)')) : plan(source, 'integer', 'INTEGER');
    case 'bigint':
      return isText ? text(cast('nvarchar(20)')) : plan(source, 'number_text', 'BIGINT');
    case 'real':
    case 'float':
      // Style 3 is the shortest text that leads back to the same number.
      if (isText) return text(`CONVERT(nvarchar(32), ${source}, 3)`);
      return plan(source, 'double', column.baseType === 'real' ? 'FLOAT' : 'DOUBLE');
    case 'decimal':
    case 'numeric':
      return planDecimal(column.precision ?? 18, cast('nvarchar(41)'));
    case 'money':
      // Without a style the text would be rounded to two digits.
      return planDecimal(19, `CONVERT(nvarchar(30), ${source}, 2)`);
    case 'smallmoney':
      return planDecimal(10, `CONVERT(nvarchar(30), ${source}, 2)`);
    case 'date':
      return isText ? text(cast('nvarchar(10)')) : plan(source, 'driver_date', 'DATE');
    case 'time':
      return isText ? text(`CONVERT(nvarchar(16), ${source}, 121)`) : plan(source, 'driver_date', 'TIME');
    case 'smalldatetime':
    case 'datetime':
    case 'datetime2':
      return isText ? text(`CONVERT(nvarchar(27), ${source}, 121)`) : plan(source, 'driver_date', 'TIMESTAMP');
    case 'datetimeoffset':
      if (isText) return text(`CONVERT(nvarchar(34), ${source}, 121)`);
      return plan(source, 'driver_date', 'TIMESTAMP WITH TIME ZONE');
    case 'uniqueidentifier':
      return landedType === 'UUID' ? plan(source, 'uuid_text', 'UUID') : text(source);
    case 'char':
    case 'varchar':
      // In Unicode the driver needs no code page: its tables of them are not the server's.
      return text(
        cast(column.length === null || column.length > LONGEST_PLAIN ? ANY_TEXT : `nvarchar(${column.length})`),
      );
    case 'nchar':
    case 'nvarchar':
    case 'sysname':
      return text(source);
    case 'hierarchyid':
      return text(cast('nvarchar(4000)'));
    case 'text':
    case 'ntext':
    case 'xml':
    case 'json':
    case 'vector':
      return text(cast(ANY_TEXT));
    case 'sql_variant':
      return text(variantText(source));
    case 'binary':
    case 'varbinary':
    case 'timestamp':
    case 'rowversion':
      return isText ? text(`CONVERT(${ANY_TEXT}, ${cast('varbinary(max)')}, 1)`) : plan(source, 'bytes', 'BLOB');
    case 'image':
      if (isText) return text(`CONVERT(${ANY_TEXT}, ${cast('varbinary(max)')}, 1)`);
      return plan(cast('varbinary(max)'), 'bytes', 'BLOB');
    default:
      if (override !== undefined && TYPES_OF_NET.has(column.baseType) && isText) return text(`${source}.ToString()`);
      if (override !== undefined && landedType === 'BLOB') return plan(cast('varbinary(max)'), 'bytes', 'BLOB');
      throw unsupported(column);
  }

  function planDecimal(precision: number, asText: string): PlannedColumn {
    if (isText) return text(asText);
    if (landedType === 'DOUBLE' || landedType === 'FLOAT') return plan(cast('float'), 'double', 'DOUBLE');
    // The pipeline casts from the column's own type, and says where that does not go.
    const scale = column.baseType.endsWith('money') ? 4 : (column.scale ?? 0);
    const own = adaptDecimal(precision, scale);
    return precision <= SAFE_DIGITS ? plan(source, 'decimal_number', own) : plan(asText, 'number_text', own);
  }
}

/** The driver would turn a variant's decimals into doubles, and CAST alone would round its floats, moneys and times. */
function variantText(source: string): string {
  const own = `CAST(SQL_VARIANT_PROPERTY(${source}, 'BaseType') AS nvarchar(128))`;
  return `CASE ${own}
    WHEN N'float' THEN CONVERT(nvarchar(4000), CAST(${source} AS float), 3)
    WHEN N'real' THEN CONVERT(nvarchar(4000), CAST(${source} AS real), 3)
    WHEN N'money' THEN CONVERT(nvarchar(4000), CAST(${source} AS money), 2)
    WHEN N'smallmoney' THEN CONVERT(nvarchar(4000), CAST(${source} AS smallmoney), 2)
    WHEN N'datetime' THEN CONVERT(nvarchar(4000), CAST(${source} AS datetime), 121)
    WHEN N'smalldatetime' THEN CONVERT(nvarchar(4000), CAST(${source} AS smalldatetime), 121)
    WHEN N'binary' THEN CONVERT(${ANY_TEXT}, CAST(${source} AS varbinary(8000)), 1)
    WHEN N'varbinary' THEN CONVERT(${ANY_TEXT}, CAST(${source} AS varbinary(8000)), 1)
    ELSE CAST(${source} AS ${ANY_TEXT}) END`;
}

/** A column that cannot arrive ends the read: dropping it would be a loss that nobody sees. */
function unsupported(column: CatalogColumn): IngestError {
  const { name, sourceType, baseType } = column;
  const asText = TYPES_OF_NET.has(baseType)
    ? `column_types: ${name}:varchar reads it as well-known text, without its SRID; `
    : '';
  return new IngestError('COLUMN_TYPE_UNSUPPORTED', `Column "${name}" is ${sourceType}, which has no plain value.`, {
    hint: `${asText}column_types: ${name}:binary reads its bytes; or leave it out with columns, or read a view that turns it into text.`,
  });
}
