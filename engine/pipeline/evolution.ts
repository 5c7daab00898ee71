import type { DestinationCapabilities } from '../destinations/capabilities.ts';
import type { ExistingTable, SchemaChange } from '../destinations/destination.ts';
import { canonicalType } from '../duckdb/type-text.ts';
import { commonDecimal, isSafeWidening, isValueChecked } from '../duckdb/widening.ts';
import { IngestError } from '../errors.ts';
import type { PackageTable } from '../load/load-package.ts';
import type { SchemaContract } from '../spec/kinds.ts';

/** What becomes of one column of a batch in the light of the table that is already there. */
export type ColumnFate =
  /** Lands with this type; values are cast to it exactly. */
  | { kind: 'land'; type: string; change: 'add' | 'widen' | 'retype' | null }
  /** Contract `discard_value`: the column (when new) is left out, or values that do not fit `type` become null. */
  | { kind: 'discard_value'; type: string | null }
  /** Contract `discard_row`: rows with a value here (when new), or with one that does not fit `type`, are left out. */
  | { kind: 'discard_row'; type: string | null };

/**
 * Decides, by the schema contract and the destination's powers, how a batch column meets the existing one (spec section 3, "Schema evolution").
 * @param batch type that the batch brings, canonical
 * @param replaces every old row goes, so that an old type need not take in the new values
 * @param existing the destination's column type, null where the table has no such column, undefined where there is no table yet
 * @throws IngestError SCHEMA_FROZEN, SCHEMA_CHANGE_UNSAFE
 */
export function columnFate(
  where: { table: string; column: string },
  batch: string,
  existing: string | null | undefined,
  contract: SchemaContract,
  capabilities: Pick<DestinationCapabilities, 'canWiden'>,
  replaces = false,
): ColumnFate {
  if (existing === undefined) return { kind: 'land', type: batch, change: null };
  if (existing === null) {
    if (contract === 'evolve') return { kind: 'land', type: batch, change: 'add' };
    if (contract === 'freeze') throw frozen(where, `the source has a new column of type ${batch}`);
    return { kind: contract, type: null };
  }
  const current = canonicalType(existing);
  if (current === batch || isSafeWidening(batch, current) || current === 'VARCHAR') {
    return { kind: 'land', type: current, change: null };
  }
  const wider = isSafeWidening(current, batch) ? batch : commonDecimal(current, batch);
  if (contract === 'evolve' && wider && capabilities.canWiden(current, wider)) {
    return { kind: 'land', type: wider, change: 'widen' };
  }
  if (isValueChecked(batch, current)) return { kind: 'land', type: current, change: null };
  if (contract === 'evolve') {
    if (replaces) return { kind: 'land', type: batch, change: 'retype' };
    throw new IngestError(
      'SCHEMA_CHANGE_UNSAFE',
      `Table ${where.table}, column "${where.column}": it is ${current} in the destination and ${batch} in the source, and ${current} cannot become ${batch} without a loss.`,
      {
        hint: `Keep the old type with column_types (\`${where.column}:${current.toLowerCase()}\`), rename the target table, or load it anew with --full-refresh.`,
      },
    );
  }
  if (contract === 'freeze') {
    throw frozen(where, `its type is ${current} in the destination and ${batch} in the source`);
  }
  return { kind: contract, type: current };
}

function frozen(where: { table: string; column: string }, what: string): IngestError {
  return new IngestError(
    'SCHEMA_FROZEN',
    `Table ${where.table}, column "${where.column}": ${what}, and schema_contract is freeze.`,
    {
      hint: 'Set schema_contract to evolve for one run, leave the column out with `columns`, or talk to whoever changed the source.',
    },
  );
}

/**
 * Steps that bring a destination's tables to a package's columns; pure, so that it can be shown before it is done.
 * @throws IngestError SCHEMA_CHANGE_UNSAFE where the live table changed since the package was made
 */
export function planChanges(
  tables: PackageTable[],
  existing: ExistingTable[],
  capabilities: Pick<DestinationCapabilities, 'canWiden'>,
  replaces: boolean,
): SchemaChange[] {
  const changes: SchemaChange[] = [];
  const byName = new Map(existing.map((table) => [table.name.toLowerCase(), table]));
  for (const table of tables) {
    const live = byName.get(table.name.toLowerCase());
    if (!live) {
      changes.push({ kind: 'create_table', table: table.name, columns: table.columns });
      continue;
    }
    const liveColumns = new Map(live.columns.map((column) => [column.name.toLowerCase(), column]));
    for (const column of table.columns) {
      const current = liveColumns.get(column.name.toLowerCase());
      if (!current) {
        changes.push({ kind: 'add_column', table: table.name, column: { ...column, nullable: true } });
        continue;
      }
      const from = canonicalType(current.type);
      const to = canonicalType(column.type);
      // the package was made for this replace: where its type is another one, it is meant
      if (replaces && from !== to && !capabilities.canWiden(from, to)) {
        changes.push({ kind: 'retype_column', table: table.name, column: current.name, from, to });
        continue;
      }
      const fate = columnFate({ table: table.name, column: column.name }, to, from, 'evolve', capabilities);
      if (fate.kind === 'land' && fate.change === 'widen') {
        changes.push({ kind: 'widen_column', table: table.name, column: current.name, from, to: fate.type });
      }
    }
    const arriving = new Set(table.columns.map((column) => column.name.toLowerCase()));
    for (const column of live.columns) {
      const nullsArrive =
        !arriving.has(column.name.toLowerCase()) ||
        table.columns.some((c) => c.name.toLowerCase() === column.name.toLowerCase() && c.nullable);
      if (!column.nullable && nullsArrive) changes.push({ kind: 'allow_null', table: table.name, column: column.name });
    }
  }
  return changes;
}

/** One line for people. */
export function describeChange(change: SchemaChange): string {
  switch (change.kind) {
    case 'create_table':
      return `${change.table}: created with ${change.columns.length} columns`;
    case 'add_column':
      return `${change.table}: column ${change.column.name} ${change.column.type} added`;
    case 'widen_column':
      return `${change.table}: column ${change.column} widened from ${change.from} to ${change.to}`;
    case 'retype_column':
      return `${change.table}: column ${change.column} changed from ${change.from} to ${change.to}`;
    case 'allow_null':
      return `${change.table}: column ${change.column} may be null now`;
    default:
      return change satisfies never;
  }
}
