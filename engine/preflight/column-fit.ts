import type { DestinationCapabilities } from '../destinations/capabilities.ts';
import type { ExistingTable, FitColumn, FitFinding } from '../destinations/destination.ts';
import { canonicalType } from '../duckdb/type-text.ts';
import { isSafeWidening } from '../duckdb/widening.ts';
import { isIngestError } from '../errors.ts';
import { columnFate } from '../pipeline/evolution.ts';
import type { TablePlan } from '../pipeline/table-plan.ts';
import { parseColumnType } from '../spec/column-types.ts';
import type { SchemaContract } from '../spec/kinds.ts';
import type { ColumnReport } from './preflight-report.ts';

export interface FitInput {
  /** Planned as for a target that is not there yet. */
  plan: Pick<TablePlan, 'root' | 'children' | 'names'>;
  existing: readonly ExistingTable[];
  contract: SchemaContract;
  replaces: boolean;
  capabilities: Pick<DestinationCapabilities, 'canWiden'>;
  /** The destination's own predictions for {@link fitColumnsOf}; null where the pipeline's rules say everything. */
  checked: readonly FitFinding[] | null;
  /** Records need not have every field each time: a column that is missing says nothing. */
  sparse: boolean;
}

/** The columns that would land, without those that the load adds. */
export function fitColumnsOf(plan: Pick<TablePlan, 'root' | 'children'>): FitColumn[] {
  return [plan.root, ...plan.children].flatMap((table) =>
    table.columns
      .filter(({ name }) => !name.startsWith('_dlt_'))
      .map(({ name, type, nullable }) => ({ table: table.name, name, type, nullable })),
  );
}

/** What becomes of each column in the light of the live tables: pure, all columns, not only the first that fails. */
export function fitColumns(input: FitInput): ColumnReport[] {
  const sources = new Map([...input.plan.names].map(([source, name]) => [name, source]));
  const live = new Map(input.existing.map((table) => [table.name.toLowerCase(), table]));
  const reports = fitColumnsOf(input.plan).map((column, index) => {
    const source = column.table === input.plan.root.name ? (sources.get(column.name) ?? null) : null;
    const report = fitColumn(input, column, live.get(column.table.toLowerCase()), input.checked?.[index] ?? null);
    const keep = keepsType(report.columnTypes, column.name, source);
    const { columnTypes: _, ...rest } = report;
    return {
      ...rest,
      source,
      hint:
        rest.hint === null || keep === null
          ? rest.hint
          : rest.hint.replace(`${column.name}:${typeOf(keep)}`, () => keep),
      suggestion: keep === null ? null : ({ cell: 'column_types', entry: keep } as const),
    };
  });
  return input.sparse ? reports : [...reports, ...goneColumns(input, live)];
}

/** The type of an entry of column_types. */
function typeOf(entry: string): string {
  return entry.slice(entry.lastIndexOf(':') + 1);
}

/** column_types speaks of the source's names; a field below a column has none there. */
function keepsType(entry: string | null, name: string, source: string | null): string | null {
  if (entry === null || source === null || source.includes('.')) return null;
  const type = entry.slice(name.length + 1);
  if (!parseColumnType(type).ok) return null;
  const quoted = /[,"()]/.test(source) ? `"${source.replaceAll('"', '""')}"` : source;
  return `${quoted}:${type}`;
}

type Fit = Omit<ColumnReport, 'source' | 'suggestion'> & { columnTypes: string | null };

function fitColumn(
  { existing, contract, replaces, capabilities }: FitInput,
  column: FitColumn,
  table: ExistingTable | undefined,
  checked: FitFinding | null,
): Fit {
  const there = table?.columns.find(({ name }) => name.toLowerCase() === column.name.toLowerCase());
  const incoming = canonicalType(column.type);
  const current = there === undefined ? null : canonicalType(there.type);
  const base = {
    table: column.table,
    column: column.name,
    incoming: checked?.incoming ?? incoming,
    live: checked?.live ?? current,
    error: null,
    hint: null,
    columnTypes: null,
  };
  if (table === undefined && existing.length > 0 && contract !== 'evolve') return newTable(base, contract);
  try {
    const state = table === undefined ? undefined : current;
    const fate = columnFate(
      { table: column.table, column: column.name },
      incoming,
      state,
      contract,
      capabilities,
      replaces,
    );
    switch (fate.kind) {
      case 'discard_row':
      case 'discard_value':
        return { ...base, verdict: 'discarded', message: discardText(fate, base) };
      case 'land':
        if (checked === null) return { ...base, ...landed(fate, base, current, table !== undefined) };
        return checked.verdict === 'new' && table !== undefined ? { ...checked, verdict: 'added' } : checked;
      default:
        return fate satisfies never;
    }
  } catch (error) {
    if (!isIngestError(error)) throw error;
    // the destination says the same in its own words, but for a contract that it knows nothing of
    if (checked?.verdict === 'fails' && contract === 'evolve') return checked;
    const columnTypes = current === null ? null : `${column.name}:${current.toLowerCase()}`;
    return {
      ...base,
      verdict: 'fails',
      error: error.code,
      message: error.message,
      hint: error.hint ?? null,
      columnTypes,
    };
  }
}

type Words = Pick<Fit, 'incoming' | 'live'>;

function landed(
  fate: { type: string; change: 'add' | 'widen' | 'retype' | null },
  { incoming, live }: Words,
  current: string | null,
  tableIsThere: boolean,
): Pick<Fit, 'verdict' | 'message' | 'hint'> {
  switch (fate.change) {
    case 'add':
      return { verdict: 'added', message: `The column will be added as ${incoming}.`, hint: null };
    case 'widen':
      return { verdict: 'widens', message: `The column will be widened from ${live} to ${fate.type}.`, hint: null };
    case 'retype':
      return {
        verdict: 'replaced',
        message: `The replace gives the column the type ${incoming} in place of ${live}, together with its rows.`,
        hint: null,
      };
    case null:
      break;
    default:
      return fate.change satisfies never;
  }
  if (!tableIsThere)
    return { verdict: 'new', message: `The table will be created, with this column as ${incoming}.`, hint: null };
  if (current === fate.type && live === incoming)
    return { verdict: 'fits', message: `It is ${live} on both sides.`, hint: null };
  if (isSafeWidening(incoming, fate.type) || fate.type === 'VARCHAR')
    return { verdict: 'fits', message: `${incoming} is cast to ${live}; every value arrives.`, hint: null };
  return {
    verdict: 'depends',
    message: `Each ${incoming} value is checked against ${live} before anything is written; one that does not fit fails the job by name.`,
    hint: 'Where values may not fit, load into a new table, or give the column another type with --full-refresh.',
  };
}

function newTable(base: Omit<Fit, 'verdict' | 'message'>, contract: SchemaContract): Fit {
  if (contract === 'freeze') {
    return {
      ...base,
      verdict: 'fails',
      error: 'SCHEMA_FROZEN',
      message: `The source has a new list that would become table ${base.table}, and schema_contract is freeze.`,
      hint: 'Set schema_contract to evolve for one run, or set max_table_nesting so that lists stay JSON text.',
    };
  }
  const rows = contract === 'discard_row' ? ', with the rows that have one' : '';
  return {
    ...base,
    verdict: 'discarded',
    message: `The new list ${base.table} is left out${rows} (schema_contract ${contract}).`,
  };
}

function discardText(fate: { kind: 'discard_row' | 'discard_value'; type: string | null }, words: Words): string {
  const contract = `(schema_contract ${fate.kind})`;
  if (fate.type === null) {
    const rows = fate.kind === 'discard_row' ? ', with the rows that have a value' : '';
    return `The new column is left out${rows} ${contract}.`;
  }
  const become = fate.kind === 'discard_row' ? 'are left out with their rows' : 'become null';
  return `It is ${words.incoming} now; values that do not fit ${words.live} ${become} ${contract}.`;
}

/** Columns of the live table that no longer arrive: new rows have null there. */
function goneColumns({ plan }: FitInput, live: ReadonlyMap<string, ExistingTable>): ColumnReport[] {
  const arriving = new Set(plan.root.columns.map(({ name }) => name.toLowerCase()));
  const there = live.get(plan.root.name.toLowerCase())?.columns ?? [];
  return there
    .filter(({ name }) => !arriving.has(name.toLowerCase()) && !name.startsWith('_dlt_'))
    .map(({ name, type }) => ({
      table: plan.root.name,
      column: name,
      source: null,
      verdict: 'gone',
      incoming: '',
      live: canonicalType(type),
      error: null,
      message: 'The source does not bring it any more: new rows have null there.',
      hint: null,
      suggestion: null,
    }));
}
