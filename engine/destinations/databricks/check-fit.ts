import { parseSparkType, sparkTypeOf, sparkTypeText } from '../../duckdb/spark-type.ts';
import { canonicalType } from '../../duckdb/type-text.ts';
import { commonDecimal, isSafeWidening, isValueChecked } from '../../duckdb/widening.ts';
import type { WriteDisposition } from '../../spec/kinds.ts';
import type { ExistingTable, FitColumn, FitFinding } from '../destination.ts';
import { bareFit, type FitStatement, isDeltaWidening } from './type-fit.ts';

/** A live table with its columns' types in Databricks' words beside DuckDB's. */
export interface LiveTable extends ExistingTable {
  columns: (ExistingTable['columns'][number] & { sparkType: string })[];
}

export interface FitRules {
  disposition: WriteDisposition;
  /** Columns may be widened in place (`type_widening`). */
  typeWidening: boolean;
}

const STATEMENTS: Readonly<Record<WriteDisposition, FitStatement>> = {
  append: 'copy',
  merge: 'merge',
  replace: 'overwrite',
};

/** What a load of `columns` would meet in the live tables: pure, one finding a column in the order given. */
export function checkColumns(live: readonly LiveTable[], columns: readonly FitColumn[], rules: FitRules): FitFinding[] {
  const tables = new Map(live.map((table) => [table.name.toLowerCase(), table]));
  return columns.map((column) => {
    const table = tables.get(column.table.toLowerCase());
    const there = table?.columns.find(({ name }) => name.toLowerCase() === column.name.toLowerCase());
    if (there) return checkColumn(column, there.sparkType, there.type, rules);
    const type = sparkTypeText(sparkTypeOf(column.type));
    return {
      table: column.table,
      column: column.name,
      verdict: 'new',
      incoming: type,
      live: null,
      error: null,
      message: table
        ? `The column will be added as ${type}.`
        : `The table will be created, with this column as ${type}.`,
      hint: null,
      columnTypes: null,
    };
  });
}

function checkColumn(column: FitColumn, sparkText: string, liveDuckDb: string, rules: FitRules): FitFinding {
  const incoming = sparkTypeOf(column.type);
  const live = parseSparkType(sparkText);
  const [batch, current] = [canonicalType(column.type), canonicalType(liveDuckDb)];
  const words = { from: sparkTypeText(incoming), to: sparkTypeText(live) };
  const bare = bareFit(incoming, live, STATEMENTS[rules.disposition]);
  const finding = {
    table: column.table,
    column: column.name,
    incoming: words.from,
    live: words.to,
    error: bare.fit === 'fails' || bare.fit === 'checked' ? bare.error : null,
    hint: null,
    columnTypes: null,
  };
  if (bare.fit === 'same' && batch === current)
    return { ...finding, verdict: 'fits', message: `It is ${words.to} on both sides.` };
  // the pipeline's own rule (pipeline/evolution.ts): what is safe is cast, numbers are judged by value, text takes everything
  if (batch === current || isSafeWidening(batch, current) || current === 'VARCHAR') {
    return { ...finding, verdict: 'fits', message: `${words.from} is cast to ${words.to}; every value arrives.` };
  }
  const wider = isSafeWidening(current, batch) ? batch : commonDecimal(current, batch);
  const widens = wider !== null && isDeltaWidening(live, sparkTypeOf(wider));
  if (widens && rules.typeWidening) {
    return {
      ...finding,
      verdict: 'widens',
      message: `The column will be widened from ${words.to} to ${sparkTypeText(sparkTypeOf(wider))}.`,
    };
  }
  const keep = `${column.name}:${current.toLowerCase()}`;
  if (isValueChecked(batch, current)) {
    return {
      ...finding,
      verdict: 'depends',
      message: `Each ${words.from} value is checked against ${words.to} before anything is written; one that does not fit fails the job by name.`,
      hint: widens
        ? 'Set type_widening = true at the destination to let the column grow.'
        : `Where values may not fit, load into a new table, or give the column another type with --full-refresh.`,
      columnTypes: keep,
    };
  }
  if (rules.disposition === 'replace') {
    return {
      ...finding,
      verdict: 'replaced',
      message: `The replace gives the column the type ${words.from} in place of ${words.to}, together with its rows.`,
    };
  }
  const error = finding.error ?? 'SCHEMA_CHANGE_UNSAFE';
  return {
    ...finding,
    error,
    verdict: 'fails',
    message: `${words.from} cannot become ${words.to} without a loss (${error}).`,
    hint: [
      `Keep the old type with column_types (${keep})`,
      ...(widens ? ['set type_widening = true at the destination'] : []),
      'name another target_table',
      'or load anew with --full-refresh.',
    ].join(', '),
    columnTypes: keep,
  };
}
