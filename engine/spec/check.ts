import { z } from 'zod';
import {
  CHECK_SCOPES,
  CHECK_SEVERITIES,
  CHECK_TYPES,
  type CheckSeverity,
  type CheckType,
  RECONCILE_METHODS,
} from './kinds.ts';

/** Severity of a failed check where the row does not say (spec section 4). */
export const DEFAULT_CHECK_SEVERITY: Record<CheckType, CheckSeverity> = {
  row_count: 'error',
  null_rate: 'warning',
  uniqueness: 'error',
  freshness: 'warning',
  custom_sql: 'error',
  reconcile: 'error',
};

/** Severity of a check that could not be run (spec section 4). */
export const CHECK_CRASH_SEVERITY: Record<CheckType, CheckSeverity> = {
  row_count: 'critical',
  null_rate: 'error',
  uniqueness: 'error',
  freshness: 'error',
  custom_sql: 'critical',
  reconcile: 'error',
};

const common = {
  /** 1-based row in sheet `DataQuality`. */
  row: z.int(),
  name: z.string().min(1),
  /** As typed: a target table, `schema.table`, a job's table_name or `source.table`. */
  table: z.string().min(1),
  /** Where it was resolved to; the schema is null for the destination's own. */
  target_schema: z.string().nullable(),
  target_table: z.string().min(1),
  severity: z.enum(CHECK_SEVERITIES),
  enabled: z.boolean(),
  scope: z.enum(CHECK_SCOPES),
  /** Runs on the load package before it is published; a critical failure then holds the load back. Of scope load only. */
  hold_back: z.boolean(),
};

export const checkModel = z.discriminatedUnion('type', [
  z.object({
    ...common,
    type: z.literal('row_count'),
    min_rows: z.number().min(0),
    max_rows: z.number().min(0).nullable(),
  }),
  z.object({
    ...common,
    type: z.literal('null_rate'),
    column: z.string().min(1),
    max_null_rate: z.number().min(0).max(1),
  }),
  z.object({ ...common, type: z.literal('uniqueness'), columns: z.array(z.string().min(1)).min(1) }),
  z.object({
    ...common,
    type: z.literal('freshness'),
    column: z.string().min(1),
    max_age_hours: z.number().positive(),
  }),
  z.object({
    ...common,
    type: z.literal('custom_sql'),
    sql: z.string().min(1),
    sql_databricks: z.string().nullable(),
    /** As typed; compared as a number where both sides are one. Null expects SQL's NULL. */
    expected_value: z.string().nullable(),
  }),
  z.object({
    ...common,
    type: z.literal('reconcile'),
    compare: z.enum(RECONCILE_METHODS),
    /** Columns to sum or checksum; empty for a count. */
    columns: z.array(z.string().min(1)),
  }),
]);
/** A validated row of sheet `DataQuality`. */
export type Check = z.infer<typeof checkModel>;

/** A row of sheet `DataQuality` whose type is not known: it is reported as skipped (spec section 4). */
export interface UnknownCheck {
  row: number;
  name: string;
  type: string;
  target_schema: string | null;
  target_table: string;
}

/** A column of sheet `DataQuality`. */
export interface CheckColumn {
  name: CheckColumnName;
  help: string;
  required: boolean;
  /** Types of check that read it. */
  appliesTo: readonly CheckType[];
  kind: 'text' | 'enum' | 'flag' | 'number' | 'list';
  values?: readonly string[];
  /** What a blank cell means; null where it depends on the type or means nothing. */
  default: string | null;
  example: string;
}

export const CHECK_COLUMN_NAMES = [
  'table',
  'type',
  'column',
  'columns',
  'min_rows',
  'max_rows',
  'max_null_rate',
  'max_age_hours',
  'sql',
  'sql_databricks',
  'expected_value',
  'compare',
  'severity',
  'name',
  'scope',
  'hold_back',
  'enabled',
] as const;
export type CheckColumnName = (typeof CHECK_COLUMN_NAMES)[number];

/** The columns of sheet `DataQuality` in the order of a new workbook (spec section 4). */
export const CHECK_COLUMNS: readonly CheckColumn[] = [
  {
    name: 'table',
    help: "Target table, schema.table, or a job's table_name.",
    required: true,
    appliesTo: CHECK_TYPES,
    kind: 'text',
    default: null,
    example: 'orders',
  },
  {
    name: 'type',
    help: 'What is checked.',
    required: true,
    appliesTo: CHECK_TYPES,
    kind: 'enum',
    values: CHECK_TYPES,
    default: null,
    example: 'row_count',
  },
  {
    name: 'column',
    help: 'The column to look at.',
    required: false,
    appliesTo: ['null_rate', 'freshness', 'uniqueness', 'reconcile'],
    kind: 'text',
    default: null,
    example: 'updated_at',
  },
  {
    name: 'columns',
    help: 'The columns that are unique together, or that are summed, separated by commas.',
    required: false,
    appliesTo: ['uniqueness', 'reconcile', 'null_rate', 'freshness'],
    kind: 'list',
    default: null,
    example: 'order_id, line_no',
  },
  {
    name: 'min_rows',
    help: 'Fewest rows.',
    required: false,
    appliesTo: ['row_count'],
    kind: 'number',
    default: '0',
    example: '1',
  },
  {
    name: 'max_rows',
    help: 'Most rows; blank for no limit.',
    required: false,
    appliesTo: ['row_count'],
    kind: 'number',
    default: null,
    example: '1000000',
  },
  {
    name: 'max_null_rate',
    help: 'Largest share of nulls, 0 to 1 or a percentage.',
    required: false,
    appliesTo: ['null_rate'],
    kind: 'number',
    default: '0.05',
    example: '5%',
  },
  {
    name: 'max_age_hours',
    help: 'Greatest age of the newest value, in hours (UTC).',
    required: false,
    appliesTo: ['freshness'],
    kind: 'number',
    default: '24',
    example: '24',
  },
  {
    name: 'sql',
    help: 'A statement that gives one value; {table} stands for the table.',
    required: false,
    appliesTo: ['custom_sql'],
    kind: 'text',
    default: null,
    example: 'SELECT count(*) FROM {table} WHERE total < 0',
  },
  {
    name: 'sql_databricks',
    help: 'In place of sql on Databricks.',
    required: false,
    appliesTo: ['custom_sql'],
    kind: 'text',
    default: null,
    example: 'SELECT count(*) FROM {table} WHERE total < 0',
  },
  {
    name: 'expected_value',
    help: 'The value that sql must give; blank expects NULL.',
    required: false,
    appliesTo: ['custom_sql'],
    kind: 'text',
    default: null,
    example: '0',
  },
  {
    name: 'compare',
    help: 'What source and target must agree in.',
    required: false,
    appliesTo: ['reconcile'],
    kind: 'enum',
    values: RECONCILE_METHODS,
    default: null,
    example: 'sum',
  },
  {
    name: 'severity',
    help: 'How a failure weighs; critical fails the job.',
    required: false,
    appliesTo: CHECK_TYPES,
    kind: 'enum',
    values: CHECK_SEVERITIES,
    default: null,
    example: 'error',
  },
  {
    name: 'name',
    help: 'Name in reports; blank: type and table.',
    required: false,
    appliesTo: CHECK_TYPES,
    kind: 'text',
    default: null,
    example: 'orders are there',
  },
  {
    name: 'scope',
    help: 'table: the whole table; load: only the rows of this load.',
    required: false,
    appliesTo: CHECK_TYPES,
    kind: 'enum',
    values: CHECK_SCOPES,
    default: 'table',
    example: 'table',
  },
  {
    name: 'hold_back',
    help: 'Y: look at the load before it is published; a critical failure then holds it back.',
    required: false,
    appliesTo: CHECK_TYPES.filter((type) => type !== 'reconcile'),
    kind: 'flag',
    default: 'N',
    example: 'N',
  },
  {
    name: 'enabled',
    help: 'Y or N.',
    required: false,
    appliesTo: CHECK_TYPES,
    kind: 'flag',
    default: 'Y',
    example: 'Y',
  },
];
