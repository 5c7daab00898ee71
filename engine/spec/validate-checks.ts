import { alternatives, type CellParser, enumParser, numberParser, parseFlag, parseList } from './cells.ts';
import {
  CHECK_COLUMN_NAMES,
  CHECK_COLUMNS,
  type Check,
  type CheckColumn,
  type CheckColumnName,
  checkModel,
  DEFAULT_CHECK_SEVERITY,
  type UnknownCheck,
} from './check.ts';
import { type FindingList, meant, type Place } from './finding-list.ts';
import { type Job, jobName } from './job.ts';
import { CHECK_TYPES, type CheckType, type ReconcileMethod } from './kinds.ts';
import { normalizeName } from './naming.ts';
import type { RawSheet } from './project.ts';
import { readHeaders } from './sheet.ts';
import { didYouMean } from './suggest.ts';

function parserOf(column: CheckColumn): CellParser {
  switch (column.kind) {
    case 'enum':
      return enumParser(column.values ?? []);
    case 'flag':
      return parseFlag;
    case 'number':
      return numberParser(
        0,
        column.name === 'max_null_rate' ? 1 : Number.POSITIVE_INFINITY,
        column.name === 'max_null_rate',
      );
    case 'list':
      return parseList;
    case 'text':
      return (text) => ({ ok: true, value: text.trim() });
    default:
      return column.kind satisfies never;
  }
}

const READERS = CHECK_COLUMNS.map((column) => ({ column, parse: parserOf(column) }));
const REQUIRED = CHECK_COLUMNS.filter(({ required }) => required).map(({ name }) => name);
const parseType = enumParser(CHECK_TYPES);

type Values = Partial<Record<CheckColumnName, unknown>>;

/** What a check's `table` may name: what is known of the jobs, disabled and invalid ones too. */
export interface CheckTarget {
  schema: string | null;
  table: string;
}

/** Rows of `DataQuality` as checks; wrong ones are reported and left out, unknown types are skipped with a warning. */
export function validateChecks(
  list: FindingList,
  sheet: RawSheet | null,
  jobs: readonly Job[],
  invalidJobs: readonly { source_name: string; table_name: string }[],
): { checks: Check[]; unknownChecks: UnknownCheck[] } {
  const checks: Check[] = [];
  const unknownChecks: UnknownCheck[] = [];
  const nothing = { checks, unknownChecks };
  if (sheet === null || (sheet.rows.length === 0 && sheet.headers.every((header) => header.trim() === '')))
    return nothing;
  const { index, usable } = readHeaders(list, sheet, CHECK_COLUMN_NAMES, REQUIRED);
  if (!usable) return nothing;
  const targets = checkTargets(jobs, invalidJobs);
  for (const { row, cells } of sheet.rows) {
    const text = (name: CheckColumnName) => cells[index.get(name) ?? -1] ?? '';
    const check = readCheck(list, sheet.name, row, text, targets);
    if (check !== null) checks.push(check);
    else unknownChecks.push(...unknownCheck(row, text, targets));
  }
  return { checks, unknownChecks };
}

/** What a report says of a row that cannot be run because nobody knows its type. */
function unknownCheck(
  row: number,
  text: (name: CheckColumnName) => string,
  targets: ReadonlyMap<string, CheckTarget>,
): UnknownCheck[] {
  const [type, table] = [text('type').trim(), text('table').trim()];
  const enabled = parseFlag(text('enabled'));
  if (type === '' || table === '' || parseType(type).ok || (enabled.ok && enabled.value === false)) return [];
  const target = targetNamed(table, targets) ?? { schema: null, table: normalizeName(table) };
  const name = text('name').trim() || `${type}_${target.table}`;
  return [{ row, name, type, target_schema: target.schema, target_table: target.table }];
}

function checkTargets(
  jobs: readonly Job[],
  invalidJobs: readonly { source_name: string; table_name: string }[],
): Map<string, CheckTarget> {
  const targets = new Map<string, CheckTarget>();
  const add = (name: string, target: CheckTarget) => {
    if (!targets.has(name)) targets.set(name, target);
  };
  for (const job of jobs) {
    const target = { schema: job.target_schema, table: job.target_table };
    for (const name of [job.target_table, `${job.target_schema}.${job.target_table}`, jobName(job), job.table_name])
      add(name, target);
  }
  // The check itself may be right where its job is not.
  for (const job of invalidJobs) {
    if (job.table_name === '') continue;
    const target = { schema: null, table: normalizeName(job.table_name) };
    for (const name of [job.table_name, target.table, jobName(job)]) add(name, target);
  }
  return targets;
}

function readCheck(
  list: FindingList,
  sheet: string,
  row: number,
  text: (name: CheckColumnName) => string,
  targets: ReadonlyMap<string, CheckTarget>,
): Check | null {
  const at = (name: CheckColumnName): Place => ({ sheet, row, column: name, value: text(name) });
  const typeText = text('type').trim();
  const type = parseType(typeText);
  if (typeText !== '' && !type.ok) {
    const problem = `this type of check is not known and skipped; ${type.problem}`;
    list.add(at('type'), {
      severity: 'warning',
      code: 'CHECK_TYPE_UNKNOWN',
      problem,
      hint: meant(type.fix),
      fix: type.fix,
    });
    return null;
  }
  const kind = type.ok ? (type.value as CheckType) : null;
  const values: Values = {};
  let failed = false;
  for (const { column, parse } of READERS) {
    const cell = text(column.name);
    if (cell.trim() === '') {
      if (!column.required) continue;
      failed = true;
      const problem =
        column.values === undefined
          ? `fill in this cell, e.g. ${column.example}`
          : `fill in ${alternatives(column.values)}`;
      list.add(at(column.name), { severity: 'error', code: 'CHECK_VALUE_MISSING', problem });
      continue;
    }
    if (kind !== null && !column.appliesTo.includes(kind)) {
      list.add(at(column.name), {
        severity: 'warning',
        code: 'CHECK_CELL_NOT_APPLICABLE',
        problem: `means nothing for ${kind} and has no effect`,
      });
      continue;
    }
    const result = parse(cell);
    if (result.ok) values[column.name] = result.value;
    else {
      failed = true;
      list.add(at(column.name), {
        severity: 'error',
        code: 'CHECK_VALUE_NOT_ALLOWED',
        problem: result.problem,
        hint: meant(result.fix),
        fix: result.fix,
      });
    }
  }
  if (failed || kind === null) return null;
  return completeCheck(list, at, row, kind, values, targets);
}

function completeCheck(
  list: FindingList,
  at: (name: CheckColumnName) => Place,
  row: number,
  type: CheckType,
  values: Values,
  targets: ReadonlyMap<string, CheckTarget>,
): Check | null {
  const table = values.table as string;
  const target = resolveTarget(list, at('table'), table, targets);
  const columns = [
    ...new Set([
      ...((values.columns as string[] | undefined) ?? []),
      ...(values.column === undefined ? [] : [values.column as string]),
    ]),
  ];
  const problem = problemOf(type, values, columns);
  if (problem !== null) {
    list.add(at(problem.column), { severity: 'error', code: 'CHECK_VALUE_MISSING', problem: problem.text });
    return null;
  }
  const severity = values.severity ?? DEFAULT_CHECK_SEVERITY[type];
  if (values.hold_back === true && severity !== 'critical') {
    list.add(at('hold_back'), {
      severity: 'warning',
      code: 'CHECK_HOLDS_NOTHING_BACK',
      problem: `only a critical failure holds a load back, and this check's severity is ${severity}`,
      hint: 'Set severity to critical.',
    });
  }
  // One model for all: what is not of a type is dropped by it.
  return checkModel.parse({
    row,
    type,
    table,
    target_schema: target.schema,
    target_table: target.table,
    name: values.name ?? `${type}_${target.table}`,
    severity,
    enabled: values.enabled ?? true,
    scope: values.scope ?? (values.hold_back === true ? 'load' : 'table'),
    hold_back: values.hold_back ?? false,
    min_rows: values.min_rows ?? 0,
    max_rows: values.max_rows ?? null,
    column: columns[0],
    columns,
    max_null_rate: values.max_null_rate ?? 0.05,
    max_age_hours: values.max_age_hours ?? 24,
    sql: values.sql,
    sql_databricks: values.sql_databricks ?? null,
    expected_value: values.expected_value ?? null,
    compare: values.compare ?? ((columns.length > 0 ? 'sum' : 'count') satisfies ReconcileMethod),
  });
}

/** What a type needs that is not there, and values that cannot be together. */
function problemOf(
  type: CheckType,
  values: Values,
  columns: readonly string[],
): { column: CheckColumnName; text: string } | null {
  if (values.hold_back === true && values.scope === 'table')
    return { column: 'scope', text: 'use load, or leave it blank: hold_back looks at the rows of the load' };
  switch (type) {
    case 'row_count': {
      const [min, max] = [values.min_rows as number | undefined, values.max_rows as number | undefined];
      return min !== undefined && max !== undefined && max < min
        ? { column: 'max_rows', text: `use at least min_rows, ${min}` }
        : null;
    }
    case 'null_rate':
    case 'freshness':
      if (type === 'freshness' && values.max_age_hours === 0)
        return { column: 'max_age_hours', text: 'use a number above 0' };
      return columns.length === 1
        ? null
        : { column: 'column', text: columns.length === 0 ? `fill in the column; ${type} needs it` : 'name one column' };
    case 'uniqueness':
      return columns.length > 0 ? null : { column: 'columns', text: 'fill in the columns that are unique together' };
    case 'custom_sql':
      return values.sql === undefined ? { column: 'sql', text: 'fill in the statement; custom_sql needs it' } : null;
    case 'reconcile': {
      const needs = values.compare === 'sum' || values.compare === 'checksum';
      return needs && columns.length === 0
        ? { column: 'columns', text: `fill in the columns for ${String(values.compare)}` }
        : null;
    }
    default:
      return type satisfies never;
  }
}

function targetNamed(table: string, targets: ReadonlyMap<string, CheckTarget>): CheckTarget | undefined {
  const known = targets.get(table) ?? targets.get(normalizeName(table));
  if (known !== undefined) return known;
  // A child table (`orders__lines`) comes with its job's own table.
  const [parent, ...lists] = table.split('__');
  const target = lists.length === 0 || parent === undefined ? undefined : targets.get(parent);
  return target && { schema: target.schema, table: [target.table, ...lists.map(normalizeName)].join('__') };
}

function resolveTarget(
  list: FindingList,
  place: Place,
  table: string,
  targets: ReadonlyMap<string, CheckTarget>,
): CheckTarget {
  const known = targetNamed(table, targets);
  if (known !== undefined) return known;
  const [first = '', ...rest] = table.split('.');
  const target =
    rest.length === 0
      ? { schema: null, table: normalizeName(table) }
      : { schema: normalizeName(first), table: normalizeName(rest.join('.')) };
  // `raw.orders` also where raw is the destination's own schema.
  const bare = targets.get(target.table);
  if (rest.length > 0 && bare !== undefined && bare.schema === null)
    return { schema: target.schema, table: target.table };
  const fix = didYouMean(table, targets.keys());
  list.add(place, {
    severity: 'warning',
    code: 'CHECK_TABLE_UNKNOWN',
    problem: 'no job loads this table; the check will not run',
    hint: meant(fix),
    fix,
  });
  return target;
}
