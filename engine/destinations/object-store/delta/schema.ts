import { duckDbTypeOf, type SparkType, sparkTypeOf } from '../../../duckdb/spark-type.ts';
import { canonicalType } from '../../../duckdb/type-text.ts';
import { IngestError } from '../../../errors.ts';
import type { PackageColumn } from '../../../load/load-package.ts';

/** A column in a table's `schemaString` (PROTOCOL.md, "Schema Serialization Format"). */
export interface DeltaField {
  name: string;
  type: DeltaType;
  nullable: boolean;
  metadata: Record<string, unknown>;
}

export type DeltaType =
  | string
  | { type: 'array'; elementType: DeltaType; containsNull: boolean }
  | { type: 'map'; keyType: DeltaType; valueType: DeltaType; valueContainsNull: boolean }
  | { type: 'struct'; fields: DeltaField[] };

/** Names of types that differ from those of Spark's SQL. */
const NAMES: Readonly<Record<string, string>> = { tinyint: 'byte', smallint: 'short', int: 'integer', bigint: 'long' };
const SQL_NAMES = new Map(Object.entries(NAMES).map(([sql, name]) => [name, sql]));
const PLAIN = ['boolean', 'float', 'double', 'string', 'binary', 'date', 'timestamp', 'timestamp_ntz'];

/** Where a column says which type without a time zone its instants stand for. */
const DECLARED = 'ingest.type';

/** Parquet, and Delta without column mapping, take no such character in a name (Spark's `SchemaUtils.checkFieldNames`). */
const FORBIDDEN = /[ ,;{}()\n\t=]/;

/** @throws IngestError TABLE_FEATURE for a type that is not known here. */
export function fieldsOf(schemaString: string, table: string): DeltaField[] {
  const schema = JSON.parse(schemaString) as { fields: DeltaField[] };
  for (const { name, type } of schema.fields) {
    const unknown = unknownType(type);
    if (unknown === null) continue;
    throw new IngestError('TABLE_FEATURE', `${table}, column "${name}": its Delta type ${unknown} is not known here.`, {
      hint: 'Load into another table.',
    });
  }
  return schema.fields;
}

export function schemaString(fields: readonly DeltaField[]): string {
  return JSON.stringify({ type: 'struct', fields });
}

/**
 * The field that a column of a package gets. Types without a time zone become `timestamp`, an instant in UTC: `timestamp_ntz` is a table feature
 * that shuts readers out. The field's metadata keeps the declared type.
 * @throws IngestError NAME_NOT_ALLOWED
 */
export function fieldFor(column: Pick<PackageColumn, 'name' | 'stored_type' | 'nullable'>, table: string): DeltaField {
  const bad = FORBIDDEN.exec(column.name);
  if (bad) {
    throw new IngestError(
      'NAME_NOT_ALLOWED',
      `${table}: a Delta table takes no column like "${column.name}": it holds ${JSON.stringify(bad[0])}.`,
      {
        hint: 'Rename it in the source (a view, or an alias in the query), or leave it out with `columns`.',
      },
    );
  }
  return { name: column.name, nullable: column.nullable, ...typeFor(column.stored_type) };
}

/** Type and metadata of a field for a DuckDB type. */
export function typeFor(duckDbType: string): Pick<DeltaField, 'type' | 'metadata'> {
  const declared = canonicalType(duckDbType);
  const type = toDelta(withZones(sparkTypeOf(declared)));
  return { type, metadata: isZoneless(declared) ? { [DECLARED]: declared } : {} };
}

/** A table's columns: `stored_type` is what its files hold, `type` what it stands for. */
export function columnsOf(fields: readonly DeltaField[]): PackageColumn[] {
  return fields.map(({ name, type, nullable, metadata }) => {
    const stored = canonicalType(duckDbTypeOf(fromDelta(type)));
    const declared = metadata[DECLARED];
    // Somebody may have given the column another type since.
    const holds = typeof declared === 'string' && JSON.stringify(typeFor(declared).type) === JSON.stringify(type);
    return { name, type: holds ? declared : stored, stored_type: stored, nullable };
  });
}

/** Do values of a package's column go into the field as they are, but for their time zone? */
export function isSameType(field: DeltaField, duckDbType: string): boolean {
  return JSON.stringify(withZones(fromDelta(field.type))) === JSON.stringify(withZones(sparkTypeOf(duckDbType)));
}

/** True for types that hold times without a zone, at whatever depth. */
function isZoneless(declared: string): boolean {
  return /\bTIMESTAMP(?:_\w+)?\b(?! WITH TIME ZONE)/.test(declared);
}

function withZones(type: SparkType): SparkType {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'timestamp_ntz' ? { kind: 'scalar', name: 'timestamp' } : type;
    case 'decimal':
      return type;
    case 'array':
      return { kind: 'array', element: withZones(type.element) };
    case 'map':
      return { kind: 'map', key: withZones(type.key), value: withZones(type.value) };
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(({ name, type: field }) => ({ name, type: withZones(field) })) };
    default:
      return type satisfies never;
  }
}

function toDelta(type: SparkType): DeltaType {
  switch (type.kind) {
    case 'scalar':
      return NAMES[type.name] ?? type.name;
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return { type: 'array', elementType: toDelta(type.element), containsNull: true };
    case 'map':
      return { type: 'map', keyType: toDelta(type.key), valueType: toDelta(type.value), valueContainsNull: true };
    case 'struct': {
      const fields = type.fields.map((field) => ({
        name: field.name,
        type: toDelta(field.type),
        nullable: true,
        metadata: {},
      }));
      return { type: 'struct', fields };
    }
    default:
      return type satisfies never;
  }
}

function fromDelta(type: DeltaType): SparkType {
  if (typeof type === 'string') {
    const decimal = /^decimal\((\d+),(\d+)\)$/.exec(type);
    if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) };
    return { kind: 'scalar', name: SQL_NAMES.get(type) ?? type };
  }
  switch (type.type) {
    case 'array':
      return { kind: 'array', element: fromDelta(type.elementType) };
    case 'map':
      return { kind: 'map', key: fromDelta(type.keyType), value: fromDelta(type.valueType) };
    case 'struct':
      return {
        kind: 'struct',
        fields: type.fields.map((field) => ({ name: field.name, type: fromDelta(field.type) })),
      };
    default:
      return type satisfies never;
  }
}

function unknownType(type: DeltaType): string | null {
  if (typeof type === 'string')
    return PLAIN.includes(type) || SQL_NAMES.has(type) || /^decimal\(\d+,\d+\)$/.test(type) ? null : type;
  switch (type.type) {
    case 'array':
      return unknownType(type.elementType);
    case 'map':
      return unknownType(type.keyType) ?? unknownType(type.valueType);
    case 'struct':
      return type.fields.map((field) => unknownType(field.type)).find((found) => found !== null) ?? null;
    default:
      return JSON.stringify(type);
  }
}
