import { parseSparkType, sparkTypeOf, sparkTypeText } from '../../duckdb/spark-type.ts';
import { IngestError, isIngestError } from '../../errors.ts';
import type { SchemaChange } from '../destination.ts';
import type { LiveTable } from './check-fit.ts';
import {
  createTable,
  MAPPING_PROPERTIES,
  needsMapping,
  setProperties,
  type TableDress,
  typeText,
  WIDENING_PROPERTIES,
  widenedType,
  ZONELESS_PROPERTIES,
} from './load-statements.ts';
import { identifier, literal, type Qualify } from './sql-text.ts';
import type { Warehouse } from './warehouse.ts';

interface ChangeContext {
  warehouse: Warehouse;
  qualify: Qualify;
  typeWidening: boolean;
}

/** Tables with a column whose new type only a replace can give it. */
export type RetypedColumns = ReadonlySet<string>;

/**
 * Brings the tables to a package's columns; what is done already is passed over, since a load may be tried again.
 * A replace's new types wait for its data: a column must not be without values for any reader.
 */
export async function applyChanges(
  changes: readonly SchemaChange[],
  live: readonly LiveTable[],
  context: ChangeContext,
  signal: AbortSignal,
): Promise<RetypedColumns> {
  const retyped = new Set<string>();
  for (const change of changes) {
    const table = live.find(({ name }) => name.toLowerCase() === change.table.toLowerCase());
    if (change.kind === 'retype_column') {
      if (table) retyped.add(table.name);
      continue;
    }
    for (const sql of changeStatements(change, table, context)) {
      try {
        await context.warehouse.run(sql, signal);
      } catch (error) {
        if (!isIngestError(error) || !/FIELD_ALREADY_EXISTS|ALREADY_EXISTS/.test(error.message)) throw error;
      }
    }
  }
  return retyped;
}

type MadeChange = Exclude<SchemaChange, { kind: 'retype_column' }>;

/** The statements of one step of schema evolution; none where it is done already. */
export function changeStatements(
  change: MadeChange,
  live: LiveTable | undefined,
  context: Omit<ChangeContext, 'warehouse'>,
): string[] {
  const table = context.qualify(change.table);
  switch (change.kind) {
    case 'create_table':
      return [createTable(table, change.columns, context.typeWidening)];
    case 'add_column': {
      const { name } = change.column;
      if (columnOf(live, name)) return [];
      const type = typeText(change.column);
      return [
        ...(needsMapping([name]) ? [setProperties(table, MAPPING_PROPERTIES)] : []),
        // A table that was made without such a column does not know the feature yet.
        ...(/TIMESTAMP_NTZ/.test(type) ? [setProperties(table, ZONELESS_PROPERTIES)] : []),
        `ALTER TABLE ${table} ADD COLUMNS (${identifier(name)} ${type})`,
      ];
    }
    case 'widen_column': {
      const there = columnOf(live, change.column);
      const [from, to] = [there?.sparkType ?? '', sparkTypeText(sparkTypeOf(change.to))];
      if (there && sparkTypeText(parseSparkType(from)) === to) return [];
      const type = there && widenedType(from, change.to);
      if (!type) {
        throw new IngestError(
          'SCHEMA_CHANGE_UNSAFE',
          `${change.table}, column "${change.column}": ${from || change.from} cannot become ${to}.`,
          {
            hint: 'Run again; `ingest preflight` shows both sides.',
          },
        );
      }
      return [
        setProperties(table, WIDENING_PROPERTIES),
        `ALTER TABLE ${table} ALTER COLUMN ${identifier(change.column)} TYPE ${type}`,
      ];
    }
    case 'allow_null':
      return [`ALTER TABLE ${table} ALTER COLUMN ${identifier(change.column)} DROP NOT NULL`];
    default:
      return change satisfies never;
  }
}

function columnOf(live: LiveTable | undefined, name: string) {
  return live?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** Properties that Delta keeps for itself, or that come with the columns. */
const OWN_PROPERTIES =
  /^(?:delta\.(?:min(?:Reader|Writer)Version|feature\..*|columnMapping\.maxColumnId|rowTracking\..*)|clusteringColumns|Type|view\..*)$/;

/** What a table that is made anew must keep. */
export async function dressOf(table: string, warehouse: Warehouse, signal: AbortSignal): Promise<TableDress> {
  const [detail] = await warehouse.run(`DESCRIBE DETAIL ${table}`, signal);
  const plain = (value: unknown): unknown =>
    typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;
  const names = (value: unknown) => {
    const list = plain(value);
    return Array.isArray(list) ? list.map(String) : [];
  };
  const properties = plain(detail?.properties);
  return {
    comment: typeof detail?.description === 'string' && detail.description !== '' ? detail.description : null,
    clustering: names(detail?.clusteringColumns),
    partitioning: names(detail?.partitionColumns),
    properties: Object.fromEntries(
      Object.entries((properties ?? {}) as Record<string, unknown>)
        .filter(([key]) => !OWN_PROPERTIES.test(key))
        .map(([key, value]) => [key, String(value)]),
    ),
  };
}

/** Statements that give a table's columns their comments again. */
export async function commentColumns(
  schema: string,
  table: string,
  context: { warehouse: Warehouse; qualify: Qualify; information: string },
  signal: AbortSignal,
): Promise<string[]> {
  const rows = await context.warehouse.run<{ column_name: string; comment: string }>(
    `SELECT column_name, comment FROM ${context.information}.columns WHERE table_schema = ${literal(schema.toLowerCase())} AND table_name = ${literal(table.toLowerCase())} AND comment IS NOT NULL`,
    signal,
  );
  return rows.map(
    (row) =>
      `ALTER TABLE ${context.qualify(table)} ALTER COLUMN ${identifier(row.column_name)} COMMENT ${literal(row.comment)}`,
  );
}
