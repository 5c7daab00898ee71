import path from 'node:path';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import type { ExitCode } from '../failure.ts';
import { Reporter } from '../reporter.ts';
import { runSummary, runTable } from '../run-table.ts';

export interface RunCommandOptions {
  job?: string[];
  parallel?: boolean;
  workers?: number;
  destination?: string;
  sample?: number;
  fullRefresh?: boolean;
  stopOnError?: boolean;
  skipInvalid?: boolean;
}

/** `ingest run`: progress to stderr while it goes on, the table of jobs (or the metrics document) to stdout at the end. */
export async function run(context: CommandContext, options: RunCommandOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  const reporter = new Reporter(terminal, globals.logLevel);
  try {
    const project = await openForCommand(context, {
      vault: {
        scope: { selectors: options.job ?? [], ...given('destination', options.destination) },
        signal: cancellation.signal,
      },
      // The run says them itself, in its log too.
      warn: false,
    });
    const { runProject } = await import('../../pipeline/run-project.ts');
    const outcome = await runProject(project, {
      selectors: options.job ?? [],
      signal: cancellation.signal,
      onEvent: (event) => reporter.onEvent(event),
      ...given('destination', options.destination),
      ...given('parallel', options.workers === undefined ? options.parallel : true),
      ...given('workers', options.workers),
      ...given('stopOnError', options.stopOnError),
      ...given('sampleRows', options.sample),
      ...given('fullRefresh', options.fullRefresh),
      ...given('skipInvalid', options.skipInvalid),
      ...given('workDirectory', globals.workDir === undefined ? undefined : path.resolve(globals.workDir)),
    });
    reporter.close();
    if (globals.json) {
      terminal.printJson(outcome.metrics);
    } else {
      terminal.print(runTable(outcome.metrics, terminal));
      terminal.print(runSummary(outcome, terminal));
    }
    return outcome.exitCode;
  } finally {
    reporter.close();
    cancellation.dispose();
  }
}

/** `{ [key]: value }`, or nothing where the value was not given: a blank option means "not set". */
function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}
