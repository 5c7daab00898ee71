import path from 'node:path';
import { preflightProject } from '../../preflight/preflight-project.ts';
import {
  type ColumnReport,
  isQuiet,
  type JobPreflight,
  type NextRead,
  type PreflightFinding,
  type PreflightVerdict,
} from '../../preflight/preflight-report.ts';
import { parseLag } from '../../spec/lag.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode, usageError } from '../failure.ts';
import { plural } from '../format.ts';
import { selectJobs } from '../selection.ts';
import { renderTable } from '../table.ts';
import type { Style } from '../terminal.ts';

export interface PreflightCommandOptions {
  destination?: string;
  /** False: only state, locks, packages and room. */
  source: boolean;
  /** False: no look below the watermarks. */
  lateRows: boolean;
  lookBack?: string;
}

const LOOKS: Record<PreflightVerdict, { sign: string; style: Style; words: string }> = {
  ready: { sign: '✔', style: 'green', words: 'ready' },
  attention: { sign: '!', style: 'yellow', words: 'look at this first' },
  fails: { sign: '✖', style: 'red', words: 'would fail' },
};

const SIGNS: Record<PreflightFinding['severity'], { sign: string; style: Style }> = {
  error: { sign: '✖', style: 'red' },
  warning: { sign: '!', style: 'yellow' },
  info: { sign: '·', style: 'dim' },
};

const ORIGINS: Record<NonNullable<NextRead['watermark']>['origin'], string> = {
  state: 'the last load',
  package: 'a package that is loaded first',
  last_watermark: 'last_watermark',
};

/** `ingest preflight`: what a run would read and how it would land; writes nothing. Exit code 1 where a job would fail. */
export async function preflight(
  context: CommandContext,
  selectors: string[],
  options: PreflightCommandOptions,
): Promise<ExitCode> {
  const { terminal, globals } = context;
  if (options.lookBack !== undefined && parseLag(options.lookBack) === null)
    throw usageError(
      `--look-back ${options.lookBack} is no distance.`,
      'Write a duration (12h, 7d) or a number (50000).',
    );
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, {
      // Disabled jobs may be named here.
      vault: { scope: selectors.length > 0 ? 'everything' : { selectors }, signal: cancellation.signal },
    });
    const selected = selectJobs(opened, selectors);
    // who names a job wants it looked at, enabled or not
    const jobs = selectors.length > 0 ? selected : selected.filter(({ enabled }) => enabled);
    if (jobs.length === 0) throw usageError('There is no enabled job without errors.', '`ingest validate` says why.');
    const report = await preflightProject(opened, {
      jobs,
      asksSource: options.source,
      looksForLateRows: options.lateRows,
      lookBack: options.lookBack ?? null,
      signal: cancellation.signal,
      ...(options.destination === undefined ? {} : { destination: options.destination }),
      ...(globals.workDir === undefined ? {} : { workDirectory: path.resolve(globals.workDir) }),
      onJob: (job) => {
        if (globals.json) terminal.tell(`${job.source_name}.${job.table_name}: ${LOOKS[job.verdict].words}`);
        else printJob(context, job);
      },
    });
    if (globals.json) terminal.printJson(report);
    else {
      const { ready, attention, fails } = report.summary;
      terminal.print(
        `${plural(report.jobs.length, 'job')} into ${report.destination}: ${ready} ready, ${attention} to look at, ${fails} would fail. Nothing was written.`,
      );
    }
    return report.summary.fails > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    cancellation.dispose();
  }
}

function printJob({ terminal }: CommandContext, job: JobPreflight): void {
  const { sign, style, words } = LOOKS[job.verdict];
  const name = `${job.source_name}.${job.table_name}`;
  terminal.print(
    `${terminal.style(style, sign)} ${terminal.style('bold', `${name} → ${job.target}`)}  ${terminal.style(style, words)}`,
  );
  terminal.print(`  next run: ${nextReadText(job.next_read)}`);
  if (job.next_read.statement !== null) terminal.print(terminal.style('dim', indented(job.next_read.statement, 4)));
  const notable = job.columns.filter((column) => !isQuiet(column));
  if (job.columns.length > 0) terminal.print(`  columns: ${columnCounts(job.columns)}`);
  if (notable.length > 0) {
    const rows = notable.map((column) => [
      column.verdict,
      column.table === job.target.split('.').at(-1) ? column.column : `${column.table}.${column.column}`,
      column.message,
    ]);
    const table = renderTable(
      [{ header: 'verdict' }, { header: 'column' }, { header: 'what happens', yields: true }],
      rows,
      {
        width: terminal.printColumns - 4,
        style: (kind, text) => terminal.style(kind, text),
      },
    );
    terminal.print(indented(table, 4));
    for (const { column, hint, verdict } of notable)
      if (hint !== null && verdict === 'fails') terminal.print(`    ${column}, what to do: ${hint}`);
  }
  for (const { severity, message, hint, code } of job.findings) {
    terminal.print(`  ${terminal.style(SIGNS[severity].style, SIGNS[severity].sign)} ${message}`);
    if (hint !== null) terminal.print(`      what to do: ${hint}`);
    if (severity !== 'info') terminal.print(terminal.style('dim', `      code: ${code}`));
  }
  terminal.print();
}

/** What the next run reads, in one line. */
export function nextReadText({ load_type, write_disposition, watermark, watermark_column, lag }: NextRead): string {
  const what = load_type === 'FULL' ? `everything (${write_disposition})` : `what is new (${write_disposition})`;
  if (load_type === 'FULL') return what;
  if (watermark === null) return `everything, for the first time (${write_disposition})`;
  const column = watermark_column ?? 'files';
  const since = watermark.since === null ? '' : `, ${watermark.since}`;
  const behind = lag === null ? '' : `, and ${lag} behind it once more`;
  return `${what}: ${column} from ${watermark.value} (${ORIGINS[watermark.origin]}${since})${behind}`;
}

function columnCounts(columns: readonly ColumnReport[]): string {
  const counts = Map.groupBy(columns, ({ verdict }) => verdict);
  return [...counts].map(([verdict, of]) => `${of.length} ${verdict}`).join(', ');
}

function indented(text: string, by: number): string {
  return text
    .split('\n')
    .map((line) => ' '.repeat(by) + line)
    .join('\n');
}
