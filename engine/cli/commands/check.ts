import path from 'node:path';
import type { CheckResult } from '../../spec/metrics.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { shortPath } from '../paths.ts';
import { selectJobs } from '../selection.ts';
import { renderTable } from '../table.ts';
import type { Style } from '../terminal.ts';

export interface CheckOptions {
  job?: string[];
  destination?: string;
}

const LOOKS: Record<CheckResult['status'], { sign: string; style: Style }> = {
  passed: { sign: '✔', style: 'green' },
  failed: { sign: '✖', style: 'red' },
  skipped: { sign: '–', style: 'dim' },
};

/** `ingest check`: data quality of what is loaded. The report is on stdout and in `metadata/`; a critical failure is exit code 1. */
export async function check(context: CommandContext, options: CheckOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, {
      vault: {
        scope: {
          selectors: options.job ?? [],
          ...(options.destination === undefined ? {} : { destination: options.destination }),
        },
        signal: cancellation.signal,
      },
    });
    const { checkProject } = await import('../../quality/check-project.ts');
    const { json, html, document } = await checkProject(opened, {
      jobs: options.job === undefined ? null : selectJobs(opened, options.job),
      signal: cancellation.signal,
      ...(options.destination === undefined ? {} : { destination: options.destination }),
      ...(globals.workDir === undefined ? {} : { workDirectory: path.resolve(globals.workDir) }),
    });
    const checks = document.reports.flatMap(({ checks: of }) => of);
    const critical = document.reports.reduce((sum, { critical_failures }) => sum + critical_failures, 0);
    if (globals.json) {
      terminal.printJson(document);
    } else {
      const rows = document.reports.flatMap((report) =>
        report.checks.map((result) => {
          const { sign, style } = LOOKS[result.status];
          return [
            terminal.style(style, `${sign} ${result.status}`),
            report.table_name,
            result.check_name,
            result.severity,
            result.message,
          ];
        }),
      );
      const columns = ['status', 'table', 'check', 'severity'].map((header) => ({ header }));
      terminal.print(
        renderTable([...columns, { header: 'what was found', yields: true }], rows, {
          width: terminal.printColumns,
          style: (style, text) => terminal.style(style, text),
        }),
      );
      const count = (status: CheckResult['status']) => checks.filter((result) => result.status === status).length;
      terminal.print(
        `\n${plural(checks.length, 'check')}: ${count('passed')} passed, ${count('failed')} failed (${critical} critical), ${count('skipped')} skipped`,
      );
      terminal.print(`report   ${shortPath(html)}\njson     ${shortPath(json)}`);
    }
    return critical > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    cancellation.dispose();
  }
}
