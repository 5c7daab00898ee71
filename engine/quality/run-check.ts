import { IngestError, isIngestError, messageOf, throwIfCancelled } from '../errors.ts';
import { CHECK_CRASH_SEVERITY, type Check } from '../spec/check.ts';
import { CHECK_SEVERITIES, type CheckSeverity } from '../spec/kinds.ts';
import type { CheckResult } from '../spec/metrics.ts';
import { didYouMean } from '../spec/suggest.ts';
import type { CheckedTable, CheckRunner, LoadScope } from './check-runner.ts';
import { countText, percentTexts, sameValue } from './values.ts';

/** Duplicates that a message shows; all are counted. */
const SHOWN = 10;
const HOUR_MICROS = 3_600_000_000;

export interface CheckPlace {
  runner: CheckRunner;
  /** The schema of tables whose check names none. */
  defaultSchema: string;
  /** Rows that scope `load` means; null where nothing was loaded, so that there are none. */
  load: LoadScope | null;
  /** Milliseconds since the epoch. */
  now(): number;
  signal: AbortSignal;
  /** What a reconcile check finds; null where there is no source to compare with. */
  reconcile: ((check: ReconcileCheck, table: CheckedTable) => Promise<Outcome>) | null;
}

export type ReconcileCheck = Check & { type: 'reconcile' };

/** What a check found: the fields of its result that depend on its type. */
export type Outcome = Pick<CheckResult, 'status' | 'message'> &
  Partial<Pick<CheckResult, 'severity' | 'actual_value' | 'expected_value' | 'threshold'>>;

/**
 * Runs one check (spec section 4). Never throws but for a cancellation: a check that cannot be run has failed, with the severity that its type has then.
 */
export async function runCheck(check: Check, place: CheckPlace): Promise<CheckResult> {
  const started = performance.now();
  const finish = (outcome: Outcome): CheckResult => ({
    check_name: check.name,
    check_type: check.type,
    severity: check.severity,
    actual_value: null,
    expected_value: null,
    threshold: null,
    ...outcome,
    execution_time_ms: Math.round((performance.now() - started) * 100) / 100,
  });
  try {
    throwIfCancelled(place.signal);
    return finish(await judge(check, place));
  } catch (error) {
    throwIfCancelled(place.signal);
    return finish({
      status: 'failed',
      severity: worse(check.severity, CHECK_CRASH_SEVERITY[check.type]),
      message: `The check could not be run: ${failureText(error)}`,
    });
  }
}

async function judge(check: Check, place: CheckPlace): Promise<Outcome> {
  const { runner } = place;
  if (check.scope === 'load' && check.type === 'reconcile')
    return skipped('Source and target are compared as a whole: reconcile has no scope load.');
  if (check.scope === 'load' && place.load === null)
    return skipped('This run loaded nothing that scope load could mean.');
  const ref = { schema: check.target_schema ?? place.defaultSchema, table: check.target_table };
  const table = await runner.table(ref, check.scope === 'load' ? place.load : null);
  if (table === null) {
    throw new IngestError('CHECK_TABLE_MISSING', `There is no table ${ref.schema}.${ref.table} in the destination.`, {
      hint: 'Run the job that loads it.',
    });
  }
  switch (check.type) {
    case 'row_count':
      return await rowCount(check, table, runner);
    case 'null_rate':
      return await nullRate(check, table, runner);
    case 'uniqueness':
      return await uniqueness(check, table, runner);
    case 'freshness':
      return await freshness(check, table, runner, place.now());
    case 'custom_sql': {
      const statement = runner.dialect.statement === 'sql_databricks' ? (check.sql_databricks ?? check.sql) : check.sql;
      const actual = await runner.userValue(statement, table);
      const passed = sameValue(actual, check.expected_value);
      return {
        ...verdict(passed, `Custom check: ${shown(actual)} ${passed ? '==' : '!='} ${shown(check.expected_value)}`),
        actual_value: actual,
        expected_value: check.expected_value,
      };
    }
    case 'reconcile':
      return place.reconcile === null
        ? skipped('There is no source to compare with here.')
        : await place.reconcile(check, table);
    default:
      return check satisfies never;
  }
}

async function rowCount(check: Check & { type: 'row_count' }, table: CheckedTable, runner: CheckRunner) {
  const [row] = await runner.rows(`SELECT count(*) AS n FROM ${table.from}`);
  const count = Number(row?.['n'] ?? 0);
  const { min_rows: min, max_rows: max } = check;
  return {
    ...verdict(
      count >= min && (max === null || count <= max),
      `Row count: ${countText(count)} (expected: ${min.toLocaleString('en-US')} - ${max?.toLocaleString('en-US') ?? '∞'})`,
    ),
    actual_value: count,
    expected_value: min,
    threshold: max,
  };
}

async function nullRate(check: Check & { type: 'null_rate' }, table: CheckedTable, runner: CheckRunner) {
  const { dialect } = runner;
  const { expression, column } = columnOf(table, check.column, runner);
  const nans = dialect.isFloat(column.type)
    ? `count(CASE WHEN ${dialect.isNaN(expression)} THEN 1 END)`
    : 'CAST(0 AS BIGINT)';
  const [row] = await runner.rows(
    `SELECT count(*) AS rows_, count(${expression}) AS filled, ${nans} AS nans FROM ${table.from}`,
  );
  const [rows, filled, nan] = [row?.['rows_'], row?.['filled'], row?.['nans']].map(Number) as [number, number, number];
  const rate = rows === 0 ? 0 : (rows - filled) / rows;
  const [found, most] = percentTexts(rate, check.max_null_rate);
  // NaN is a number's value, not a missing one; whoever counts nulls should know of it all the same.
  const note = nan > 0 ? `; ${countText(nan)} ${nan === 1 ? 'value is' : 'values are'} NaN, which is not null` : '';
  return {
    ...verdict(
      rate <= check.max_null_rate,
      `Null rate for ${check.column}: ${found} (max: ${most}), ${countText(rows - filled)} of ${countText(rows)} rows${note}`,
    ),
    actual_value: rate,
    threshold: check.max_null_rate,
  };
}

async function uniqueness(check: Check & { type: 'uniqueness' }, table: CheckedTable, runner: CheckRunner) {
  const expressions = check.columns.map((name) => columnOf(table, name, runner).expression);
  const list = expressions.join(', ');
  // Nulls are one value here, as in GROUP BY: a key that is missing twice is no key.
  const repeated = `SELECT count(*) AS times FROM ${table.from} GROUP BY ${list} HAVING count(*) > 1`;
  const [row] = await runner.rows(`SELECT count(*) AS keys_, sum(times) AS rows_ FROM (${repeated}) AS repeated`);
  const keys = Number(row?.['keys_'] ?? 0);
  const names = check.columns.join(', ');
  if (keys === 0)
    return { ...verdict(true, `Uniqueness check for (${names}): no duplicates`), actual_value: 0, expected_value: 0 };
  const texts = expressions.map((expression, at) => `${runner.dialect.text(expression)} AS k${at}`);
  const examples = await runner.rows(
    `SELECT ${texts.join(', ')}, count(*) AS times FROM ${table.from} GROUP BY ${list} HAVING count(*) > 1
     ORDER BY times DESC, ${expressions.map((_, at) => `k${at}`).join(', ')} LIMIT ${SHOWN}`,
  );
  const lines = examples.map((example) => {
    const key = expressions.map((_, at) => shown(example[`k${at}`] ?? null)).join(', ');
    return `(${key}) × ${countText(example['times'] ?? 0)}`;
  });
  const rest = keys > lines.length ? ` and ${countText(keys - lines.length)} more` : '';
  return {
    ...verdict(
      false,
      `Uniqueness check for (${names}): ${countText(keys)} ${keys === 1 ? 'key is' : 'keys are'} there more than once, in ${countText(row?.['rows_'] ?? 0)} rows: ${lines.join('; ')}${rest}`,
    ),
    actual_value: keys,
    expected_value: 0,
  };
}

async function freshness(
  check: Check & { type: 'freshness' },
  table: CheckedTable,
  runner: CheckRunner,
  now: number,
): Promise<Outcome> {
  const { expression, column } = columnOf(table, check.column, runner);
  const micros = runner.dialect.epochMicros(expression, column.type);
  if (micros === null) {
    throw new IngestError('CHECK_COLUMN_TYPE', `Column ${check.column} is ${column.type}, which holds no time.`, {
      hint: 'Name a column of dates or timestamps.',
    });
  }
  const [row] = await runner.rows(`SELECT max(${micros}) AS latest, count(${expression}) AS filled FROM ${table.from}`);
  const threshold = check.max_age_hours;
  const latest = row?.['latest'] ?? null;
  if (latest === null) {
    if (Number(row?.['filled'] ?? 0) > 0)
      throw new IngestError('CHECK_COLUMN_TYPE', `Column ${check.column} holds no value that is a time.`);
    return { status: 'failed', severity: 'warning', message: `No data found in ${labelOf(table)}`, threshold };
  }
  const hours = (now * 1000 - Number(latest)) / HOUR_MICROS;
  const newest = new Date(Number(latest) / 1000);
  const moment = Number.isNaN(newest.getTime()) ? '' : `; newest ${newest.toISOString()} (UTC)`;
  const age =
    hours < 0 ? `Data is from ${hoursText(-hours)} hours in the future` : `Data age: ${hoursText(hours)} hours`;
  return {
    ...verdict(hours <= threshold, `${age} (max: ${threshold} hours)${moment}`),
    actual_value: Math.round(hours * 1e4) / 1e4,
    threshold,
  };
}

function hoursText(hours: number): string {
  return hours.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** @throws IngestError CHECK_COLUMN_MISSING with what it may have meant */
export function columnOf(table: CheckedTable, name: string, { dialect }: Pick<CheckRunner, 'dialect'>) {
  const column =
    table.columns.find((candidate) => candidate.name === name) ??
    table.columns.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (column !== undefined) return { column, expression: dialect.identifier(column.name) };
  const names = table.columns.map((candidate) => candidate.name);
  const near = didYouMean(name, names);
  throw new IngestError('CHECK_COLUMN_MISSING', `${labelOf(table)} has no column ${name}.`, {
    hint: near === null ? `It has: ${names.slice(0, 20).join(', ')}.` : `Did you mean ${near}?`,
  });
}

function labelOf({ ref }: CheckedTable): string {
  return `${ref.schema}.${ref.table}`;
}

export function verdict(passed: boolean, message: string): Outcome {
  return { status: passed ? 'passed' : 'failed', message };
}

export function skipped(reason: string): Outcome {
  return { status: 'skipped', message: reason };
}

/** A value for people: null is not the text `null`. */
function shown(value: string | null): string {
  if (value === null) return 'NULL';
  return value.length > 200 ? `${value.slice(0, 200)}…` : value;
}

function worse(a: CheckSeverity, b: CheckSeverity): CheckSeverity {
  return CHECK_SEVERITIES.indexOf(a) > CHECK_SEVERITIES.indexOf(b) ? a : b;
}

export function failureText(error: unknown): string {
  const message = messageOf(error).trim().slice(0, 1500);
  return isIngestError(error) && error.hint !== undefined ? `${message} ${error.hint}` : message;
}
