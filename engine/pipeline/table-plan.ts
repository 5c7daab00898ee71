import type { DestinationCapabilities } from '../destinations/capabilities.ts';
import type { ExistingTable } from '../destinations/destination.ts';
import { identifier } from '../duckdb/sql.ts';
import { canonicalType, parseType, printType, type TypeTree } from '../duckdb/type-text.ts';
import { IngestError } from '../errors.ts';
import type { PackageColumn } from '../load/load-package.ts';
import type { SourceColumn } from '../sources/source.ts';
import type { SchemaContract } from '../spec/kinds.ts';
import { normalizeName, normalizePath } from '../spec/naming.ts';
import { columnFate } from './evolution.ts';
import { castOrNull, exactCast, fits, storedType } from './exact-cast.ts';

export const LOAD_ID = '_dlt_load_id';
export const ROW_ID = '_dlt_id';
export const PARENT_ID = '_dlt_parent_id';
export const ROOT_ID = '_dlt_root_id';
export const LIST_INDEX = '_dlt_list_idx';

export interface TablePlanInput {
  /** Name of the job, for messages. */
  job: string;
  /** Normalised target table. */
  table: string;
  columns: SourceColumn[];
  /** Flatten objects and make child tables of lists; off where nested values stay as they are (databases, Parquet). */
  unnest: boolean;
  /** Levels of child tables; lists below stay JSON text. */
  maxNesting: number;
  existing: ExistingTable[];
  contract: SchemaContract;
  /** The load replaces every row, so an old column's type binds less. */
  replaces: boolean;
  capabilities: Pick<DestinationCapabilities, 'canWiden' | 'maxIdentifierLength' | 'types'>;
}

/** How segments become tables of a load package: pure data, written as SQL by `normalize.ts`. */
export interface TablePlan {
  root: PlannedTable;
  /** Parents before children. */
  children: ChildTable[];
  /** Predicates over a segment; rows for which one is not true are left out (contract `discard_row`). */
  keep: string[];
  /** Source columns without any value, left out until they have one. */
  empty: string[];
  /** What the contract left out of the batch, a sentence each. */
  discarded: string[];
  /** Source column → its name in the destination, for keys and watermarks. Paths of nested fields are joined with `.`. */
  names: Map<string, string>;
}

export interface PlannedTable {
  name: string;
  parent: string | null;
  columns: PlannedColumn[];
}

export interface PlannedColumn extends PackageColumn {
  /** Over the row of the table's own rows: a segment's row, or `item` for a child table. */
  expression: string;
}

export interface ChildTable extends PlannedTable {
  parent: string;
  /** Over the parent's row: the list whose elements are this table's rows. */
  list: string;
}

/**
 * Plans the tables of a batch.
 * @throws IngestError COLUMN_NAMES_COLLIDE, COLUMN_NAME_RESERVED, SCHEMA_FROZEN, SCHEMA_CHANGE_UNSAFE
 */
export function planTables(input: TablePlanInput): TablePlan {
  const plan: TablePlan = {
    root: { name: input.table, parent: null, columns: [] },
    children: [],
    keep: [],
    empty: [],
    discarded: [],
    names: new Map(),
  };
  const rows: Row = { table: plan.root, depth: 0, path: [] };
  for (const column of input.columns) {
    const landed = parseType(column.landedType);
    addValue(
      input,
      plan,
      rows,
      [column.name],
      identifier(column.name),
      parseType(column.segmentType),
      landed,
      column.nullable,
    );
  }
  for (const table of [plan.root, ...plan.children]) {
    for (const column of dltColumns(table.parent === null)) table.columns.push(column);
    checkNames(input, table);
  }
  return plan;
}

interface Row {
  table: PlannedTable;
  /** 0 for the job's own table. */
  depth: number;
  /** Path of the table's list below the job's table. */
  path: string[];
}

function addValue(
  input: TablePlanInput,
  plan: TablePlan,
  row: Row,
  path: string[],
  expression: string,
  from: TypeTree,
  to: TypeTree,
  nullable: boolean,
): void {
  if (from.kind === 'scalar' && /^"?NULL"?$/.test(from.text)) {
    plan.empty.push(path.join('.'));
    return;
  }
  if (input.unnest && from.kind === 'struct' && to.kind === 'struct') {
    for (const field of from.fields) {
      const landed = to.fields.find((candidate) => candidate.name === field.name);
      if (landed)
        addValue(
          input,
          plan,
          row,
          [...path, field.name],
          `${expression}.${identifier(field.name)}`,
          field.type,
          landed.type,
          true,
        );
    }
    return;
  }
  if (input.unnest && from.kind === 'list' && to.kind === 'list' && row.depth < input.maxNesting) {
    const childPath = [...row.path, ...path];
    const child: ChildTable = {
      name: normalizePath([input.table, ...childPath], input.capabilities.maxIdentifierLength),
      parent: row.table.name,
      list: expression,
      columns: [],
    };
    if (isNewBesideOld(input, child.name) && input.contract !== 'evolve') {
      refuseTable(input, plan, row, child);
      return;
    }
    plan.children.push(child);
    // a list of lists has no field names: its elements are called value, as in dlt
    const elementPath = from.element.kind === 'struct' ? [] : ['value'];
    addValue(
      input,
      plan,
      { table: child, depth: row.depth + 1, path: childPath },
      elementPath,
      'item',
      from.element,
      to.element,
      true,
    );
    return;
  }
  addColumn(input, plan, row, path, expression, from, to, nullable);
}

function isNewBesideOld(input: TablePlanInput, child: string): boolean {
  return input.existing.length > 0 && !input.existing.some((table) => table.name.toLowerCase() === child.toLowerCase());
}

/** A new child table under a contract that takes no new tables: dlt's contracts hold for tables as for columns. */
function refuseTable(input: TablePlanInput, plan: TablePlan, row: Row, child: ChildTable): void {
  if (input.contract === 'freeze') {
    throw new IngestError(
      'SCHEMA_FROZEN',
      `${input.job}: the source has a new list that would become table ${child.name}, and schema_contract is freeze.`,
      {
        hint: 'Set schema_contract to evolve for one run, or set max_table_nesting so that lists stay JSON text.',
      },
    );
  }
  const rows = input.contract === 'discard_row' && row.depth === 0;
  plan.discarded.push(
    `${child.name}: new list ${rows ? 'not taken, with the rows that have one' : 'left out'} (schema_contract ${input.contract})`,
  );
  if (rows) plan.keep.push(`(${child.list} IS NULL OR len(${child.list}) = 0)`);
}

function addColumn(
  input: TablePlanInput,
  plan: TablePlan,
  row: Row,
  path: string[],
  expression: string,
  from: TypeTree,
  to: TypeTree,
  nullable: boolean,
): void {
  const name = normalizePath(path, input.capabilities.maxIdentifierLength);
  let fromType = canonicalType(printType(from));
  let toType = canonicalType(printType(to));
  let value = expression;
  if (from.kind !== 'scalar' && (input.unnest || to.kind === 'scalar')) {
    // what still nests here becomes JSON text
    value = `CAST(to_json(${expression}) AS VARCHAR)`;
    fromType = 'VARCHAR';
    if (to.kind !== 'scalar') toType = input.capabilities.types === 'native' ? 'JSON' : 'VARCHAR';
  }
  const table = input.existing.find((candidate) => candidate.name.toLowerCase() === row.table.name.toLowerCase());
  const existing =
    table && (table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.type ?? null);
  const fate = columnFate(
    { table: row.table.name, column: name },
    toType,
    existing,
    input.contract,
    input.capabilities,
    input.replaces,
  );
  if (name.startsWith('_dlt_')) {
    throw new IngestError(
      'COLUMN_NAME_RESERVED',
      `${input.job}: the source has a column ${path.join('.')}, and names that begin with _dlt_ belong to the load itself.`,
      {
        hint: 'Leave it out with `columns`, or rename it in a view.',
      },
    );
  }
  if (row.depth === 0) plan.names.set(path.join('.'), name);
  switch (fate.kind) {
    case 'land':
      row.table.columns.push(column(name, fate.type, exactCast(value, fromType, fate.type, name), nullable));
      return;
    case 'discard_value':
      plan.discarded.push(discardText(row.table.name, name, toType, fate, 'left out', 'become null'));
      if (fate.type !== null)
        row.table.columns.push(column(name, fate.type, castOrNull(value, fromType, fate.type), true));
      return;
    case 'discard_row':
      plan.discarded.push(
        row.depth === 0
          ? discardText(
              row.table.name,
              name,
              toType,
              fate,
              'not taken, with the rows that have a value',
              'are left out with their rows',
            )
          : discardText(row.table.name, name, toType, fate, 'left out', 'become null'),
      );
      if (fate.type !== null)
        row.table.columns.push(column(name, fate.type, castOrNull(value, fromType, fate.type), nullable));
      // rows of child tables have no say in whether their root row stays: there a value that does not fit becomes null
      if (row.depth === 0)
        plan.keep.push(
          fate.type === null ? `${value} IS NULL` : `(${value} IS NULL OR ${fits(value, fromType, fate.type)})`,
        );
      return;
    default:
      fate satisfies never;
  }
}

function discardText(
  table: string,
  column: string,
  type: string,
  fate: { kind: string; type: string | null },
  ofNew: string,
  ofOther: string,
): string {
  return fate.type === null
    ? `${table}: new column ${column} ${type} ${ofNew} (schema_contract ${fate.kind})`
    : `${table}: column ${column} is ${type} now; values that do not fit ${fate.type} ${ofOther} (schema_contract ${fate.kind})`;
}

function column(name: string, type: string, expression: string, nullable: boolean): PlannedColumn {
  const stored = storedType(type);
  return {
    name,
    type,
    stored_type: stored,
    nullable,
    expression: stored === type ? expression : `CAST(${expression} AS ${stored})`,
  };
}

function dltColumns(isRoot: boolean): PlannedColumn[] {
  const text = (name: string): PlannedColumn => ({
    name,
    type: 'VARCHAR',
    stored_type: 'VARCHAR',
    nullable: false,
    expression: identifier(name),
  });
  if (isRoot) return [text(LOAD_ID), text(ROW_ID)];
  return [text(ROW_ID), text(PARENT_ID), text(ROOT_ID), { ...text(LIST_INDEX), type: 'BIGINT', stored_type: 'BIGINT' }];
}

function checkNames(input: TablePlanInput, table: PlannedTable): void {
  const seen = new Map<string, string>();
  for (const { name, expression } of table.columns) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new IngestError(
        'COLUMN_NAMES_COLLIDE',
        `${input.job}: two columns of the source would both be called ${name} in ${table.name}: ${other} and ${expression}.`,
        {
          hint: 'Leave one out with `columns`, or rename one in the source (a view, or an alias in the API).',
        },
      );
    }
    seen.set(name.toLowerCase(), expression);
  }
}

/** The destination's name of a source column or field path (`a.b`), whether or not the batch has it. */
export function landedName(
  sourcePath: string,
  capabilities: Pick<DestinationCapabilities, 'maxIdentifierLength'>,
  plan?: TablePlan,
): string {
  return (
    plan?.names.get(sourcePath) ??
    (sourcePath.includes('.')
      ? normalizePath(sourcePath.split('.'), capabilities.maxIdentifierLength)
      : normalizeName(sourcePath, capabilities.maxIdentifierLength))
  );
}
