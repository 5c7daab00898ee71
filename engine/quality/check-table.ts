import type { CheckReport, CheckResult } from '../spec/metrics.ts';
import type { TableChecks } from './check-plan.ts';
import { type CheckPlace, runCheck } from './run-check.ts';

/** Runs the checks of a table one after another. `tell` hears of each as it ends. @throws IngestError CANCELLED */
export async function runTableChecks(
  { checks, unknown }: Pick<TableChecks, 'checks' | 'unknown'>,
  place: CheckPlace,
  tell: (result: CheckResult) => void = () => undefined,
): Promise<CheckResult[]> {
  const rows = [
    ...checks.map((check) => ({ row: check.row, run: () => runCheck(check, place) })),
    ...unknown.map((check) => ({ row: check.row, run: async () => unknownResult(check) })),
  ].sort((a, b) => a.row - b.row);
  const results: CheckResult[] = [];
  for (const { run } of rows) {
    const result = await run();
    results.push(result);
    tell(result);
  }
  return results;
}

function unknownResult({ name, type }: TableChecks['unknown'][number]): CheckResult {
  return {
    check_name: name,
    check_type: type,
    status: 'skipped',
    severity: 'warning',
    message: `Unknown check type: ${type}`,
    actual_value: null,
    expected_value: null,
    threshold: null,
    execution_time_ms: 0,
  };
}

/** What the checks of a table found, together (spec section 4): a skipped one is neutral. */
export function reportOf(table: string, at: number, checks: readonly CheckResult[]): CheckReport {
  return {
    table_name: table,
    run_timestamp: new Date(at).toISOString(),
    checks: [...checks],
    passed: checks.every(({ status }) => status !== 'failed'),
    critical_failures: criticalFailures(checks).length,
  };
}

export function criticalFailures(checks: readonly CheckResult[]): CheckResult[] {
  return checks.filter(({ status, severity }) => status === 'failed' && severity === 'critical');
}
