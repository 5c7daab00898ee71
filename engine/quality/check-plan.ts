import type { Check, UnknownCheck } from '../spec/check.ts';
import type { Job } from '../spec/job.ts';
import type { TableRef } from './check-runner.ts';

/** The checks of one table, in the order of the sheet. */
export interface TableChecks {
  ref: TableRef;
  checks: Check[];
  unknown: UnknownCheck[];
}

export interface CheckSheet {
  checks: readonly Check[];
  unknownChecks: readonly UnknownCheck[];
}

/** Enabled checks by table, in the order in which the sheet names the tables; pure. */
export function checksByTable({ checks, unknownChecks }: CheckSheet, defaultSchema: string): TableChecks[] {
  const tables = new Map<string, TableChecks>();
  const tableOf = (check: { target_schema: string | null; target_table: string }): TableChecks => {
    const ref = { schema: check.target_schema ?? defaultSchema, table: check.target_table };
    const key = JSON.stringify(ref);
    const known = tables.get(key) ?? { ref, checks: [], unknown: [] };
    tables.set(key, known);
    return known;
  };
  for (const check of checks) if (check.enabled) tableOf(check).checks.push(check);
  for (const check of unknownChecks) tableOf(check).unknown.push(check);
  return [...tables.values()];
}

/** Where a job's rows go. */
export function targetOfJob(job: Pick<Job, 'target_schema' | 'target_table'>, defaultSchema: string): TableRef {
  return { schema: job.target_schema ?? defaultSchema, table: job.target_table };
}

/** The target whose load brings a table: its own, or that of the parent of a child table (`orders__lines`). Null where no job does. */
export function loadingTarget(ref: TableRef, targets: readonly TableRef[]): TableRef | null {
  const candidates = targets.filter(
    (target) =>
      target.schema === ref.schema && (target.table === ref.table || ref.table.startsWith(`${target.table}__`)),
  );
  return candidates.sort((a, b) => b.table.length - a.table.length)[0] ?? null;
}
