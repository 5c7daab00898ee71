import { z } from 'zod';
import { CHECK_SCOPES, CHECK_SEVERITIES, type CheckSeverity, type CheckType, RECONCILE_METHODS } from './kinds.ts';

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
