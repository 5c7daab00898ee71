import type { TypePolicy } from '../../spec/kinds.ts';
import { overrideType } from '../database/table-columns.ts';
import type { SourceColumn } from '../source.ts';
import { adaptPostgresType } from '../type-adapters.ts';
import type { WireFormat } from './binary-decoder.ts';
import type { CatalogColumn } from './catalog.ts';
import { quoteIdentifier } from './literal.ts';

/** How one column is selected, sent, decoded and landed. */
export interface PlannedColumn extends SourceColumn {
  catalog: CatalogColumn;
  /** What stands in the SELECT list, over the subquery `q`. */
  expression: string;
  wire: WireFormat;
  /** PostgreSQL's infinite dates and timestamps become DuckDB's; else they end the read. */
  infinities: boolean;
}

/** Types whose binary form is decoded straight into a vector: wire format and the DuckDB type that holds every value. */
const DIRECT: Record<string, { wire: WireFormat; segmentType: string }> = {
  bool: { wire: 'bool', segmentType: 'BOOLEAN' },
  int2: { wire: 'int2', segmentType: 'SMALLINT' },
  int4: { wire: 'int4', segmentType: 'INTEGER' },
  int8: { wire: 'int8', segmentType: 'BIGINT' },
  float4: { wire: 'float4', segmentType: 'FLOAT' },
  float8: { wire: 'float8', segmentType: 'DOUBLE' },
  date: { wire: 'date', segmentType: 'DATE' },
  time: { wire: 'time', segmentType: 'TIME' },
  timestamp: { wire: 'timestamp', segmentType: 'TIMESTAMP' },
  timestamptz: { wire: 'timestamp', segmentType: 'TIMESTAMP WITH TIME ZONE' },
  interval: { wire: 'interval', segmentType: 'INTERVAL' },
  uuid: { wire: 'uuid', segmentType: 'UUID' },
  text: { wire: 'text', segmentType: 'VARCHAR' },
  varchar: { wire: 'text', segmentType: 'VARCHAR' },
  bpchar: { wire: 'text', segmentType: 'VARCHAR' },
  name: { wire: 'text', segmentType: 'VARCHAR' },
  bytea: { wire: 'bytes', segmentType: 'BLOB' },
  json: { wire: 'text', segmentType: 'JSON' },
  jsonb: { wire: 'jsonb', segmentType: 'JSON' },
};

const INTEGER_DIGITS: Record<string, number> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19, HUGEINT: 38 };

/** Plans how a column is read, so that every value arrives as it is and the pipeline's cast to `landedType` can be exact. */
export function planColumn(column: CatalogColumn, policy: TypePolicy, override: string | undefined): PlannedColumn {
  const adapted = adaptPostgresType({ ...column, name: column.baseType }, policy).landedType;
  const landedType = override === undefined ? adapted : overrideType(column, override);
  const source = `q.${quoteIdentifier(column.name)}`;
  const plan = (expression: string, wire: WireFormat, segmentType: string): PlannedColumn => ({
    name: column.name,
    sourceType: column.sourceType,
    nullable: column.nullable,
    catalog: column,
    expression,
    wire,
    segmentType,
    landedType,
    infinities: policy === 'native' || landedType === 'VARCHAR',
  });
  const asText = () => plan(`${source}::text`, 'text', 'VARCHAR');

  if (column.isArray) {
    return plan(`to_json(${source})::text`, 'text', landedType === 'JSON' ? 'JSON' : 'VARCHAR');
  }
  const isNumber = column.baseType === 'numeric' || column.baseType === 'money';
  if (isNumber && (column.baseType === 'numeric' || override !== undefined)) return planNumber();
  if (column.baseType === 'oid') return plan(`${source}::int8`, 'int8', 'BIGINT');
  if (column.baseKind === 'e') return plan(source, 'text', 'VARCHAR');
  if (landedType === 'JSON' && !(column.baseType in DIRECT)) {
    return plan(`to_json(${source})::text`, 'text', 'JSON');
  }
  const direct = Object.hasOwn(DIRECT, column.baseType) ? DIRECT[column.baseType] : undefined;
  if (!direct) return asText();
  // Text and uuid land as VARCHAR without the server's help; of other types VARCHAR means the server's own text.
  const isText = direct.segmentType === 'VARCHAR' || direct.segmentType === 'JSON';
  if (landedType === 'VARCHAR' && !isText && direct.segmentType !== 'UUID') return asText();
  const segmentType = direct.segmentType === 'JSON' && landedType !== 'JSON' ? 'VARCHAR' : direct.segmentType;
  return plan(source, direct.wire, segmentType);

  function planNumber(): PlannedColumn {
    const number = column.baseType === 'money' ? `${source}::numeric` : source;
    if (landedType.startsWith('DECIMAL(')) return plan(number, 'numeric', landedType);
    const digits = INTEGER_DIGITS[landedType];
    if (digits !== undefined) return plan(number, 'numeric', `DECIMAL(${digits},0)`);
    if (landedType === 'DOUBLE') return plan(`${number}::float8`, 'float8', 'DOUBLE');
    if (landedType === 'FLOAT') return plan(`${number}::float4`, 'float4', 'FLOAT');
    return asText();
  }
}
