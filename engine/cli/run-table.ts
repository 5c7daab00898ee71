import type { RunOutcome } from '../pipeline/run-project.ts';
import { bytesText, secondsText } from '../runs/event-text.ts';
import type { JobResult } from '../runs/events.ts';
import type { JobStatus } from '../spec/kinds.ts';
import { formatCount, plural } from './format.ts';
import { shortPath } from './paths.ts';
import { renderTable, type TableColumn } from './table.ts';
import type { Style, Terminal } from './terminal.ts';

/** Shape and colour of a status; its word always stands beside them. */
export const STATUS_LOOKS: Record<JobStatus, { sign: string; style: Style }> = {
  SUCCESS: { sign: '✔', style: 'green' },
  FAILED: { sign: '✖', style: 'red' },
  SKIPPED: { sign: '–', style: 'dim' },
  CANCELLED: { sign: '■', style: 'yellow' },
};

const COLUMNS: TableColumn[] = [
  { header: 'status' },
  { header: 'job' },
  { header: 'target' },
  { header: 'rows', align: 'right' },
  { header: 'bytes', align: 'right' },
  { header: 'time', align: 'right' },
  { header: 'watermark before → after' },
  { header: 'why the read ended', yields: true },
];

type Printing = Pick<Terminal, 'style' | 'printColumns'>;

/** Below so many columns the target, which mostly repeats the job's name, is left out. */
const WIDE = 120;
const TARGET = COLUMNS.findIndex(({ header }) => header === 'target');

/** What an analyst wants to see of a run: one line a job. */
export function runTable(metrics: RunOutcome['metrics'], terminal: Printing): string {
  const rows = metrics.jobs.map((job) => [
    statusText(job.status, terminal),
    `${job.source_name}.${job.table_name}`,
    job.target,
    formatCount(job.rows_processed),
    bytesText(job.bytes),
    secondsText(job.durations.total_seconds),
    watermarkText(job),
    job.error === null ? stopText(job) : ownWords(job, job.error.message),
  ]);
  const narrow = <Item>(items: Item[]) => (terminal.printColumns < WIDE ? items.toSpliced(TARGET, 1) : items);
  return renderTable(narrow(COLUMNS), rows.map(narrow), {
    width: terminal.printColumns,
    style: (style, text) => terminal.style(style, text),
  });
}

/** Totals, what needs attention, and where data, metrics and log lie. */
export function runSummary(outcome: RunOutcome, terminal: Printing): string {
  const { jobs, summary, health_score } = outcome.metrics;
  const lines = ['', summaryLine(jobs, summary, health_score)];
  for (const job of jobs) {
    const name = `${job.source_name}.${job.table_name}`;
    if (job.error !== null) {
      lines.push(
        '',
        `${terminal.style('red', '✖')} ${terminal.style('bold', name)}: ${ownWords(job, job.error.message)}`,
      );
      if (job.error.hint !== undefined) lines.push(`    what to do: ${job.error.hint}`);
      lines.push(terminal.style('dim', `    code: ${job.error.code}`));
    }
    for (const warning of job.warnings) {
      lines.push(
        `${terminal.style('yellow', '▲')} ${name}: ${ownWords(job, warning.message)}${warning.hint === undefined ? '' : ` ${warning.hint}`}`,
      );
    }
  }
  lines.push(
    '',
    `data     ${shortPath(outcome.location)}`,
    `metrics  ${shortPath(outcome.metricsPath)}`,
    ...(outcome.qualityPaths === null ? [] : [`quality  ${shortPath(outcome.qualityPaths.html)}`]),
    `log      ${outcome.logPath === null ? 'could not be written' : shortPath(outcome.logPath)}`,
  );
  return lines.join('\n');
}

/** `✔ SUCCESS`: shape, word and colour. */
export function statusText(status: JobStatus, terminal: Pick<Terminal, 'style'>): string {
  const { sign, style } = STATUS_LOOKS[status];
  return terminal.style(style, `${sign} ${status}`);
}

/** `before → after`, or `after` alone where it did not move; blank for a full load. */
export function watermarkText({
  watermark_before: before,
  watermark_after: after,
}: Pick<JobResult, 'watermark_before' | 'watermark_after'>): string {
  if (before === null && after === null) return '';
  if (before === after) return `${after} (unmoved)`;
  return `${before ?? '–'} → ${after ?? '–'}`;
}

/** Messages name their job so that they are whole by themselves; beside its name once is enough. */
function ownWords({ source_name, table_name }: JobResult, message: string): string {
  const prefix = `${source_name}.${table_name}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function stopText({ stop }: JobResult): string {
  if (stop === null) return '';
  return stop.looksTruncated ? `${stop.detail} (looks truncated)` : stop.detail;
}

function summaryLine(jobs: readonly JobResult[], summary: RunOutcome['metrics']['summary'], health: number): string {
  const counts = (['SUCCESS', 'FAILED', 'CANCELLED', 'SKIPPED'] as const)
    .map((status) => ({ status, count: jobs.filter((job) => job.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(
      ({ status, count }) =>
        `${count} ${{ SUCCESS: 'succeeded', FAILED: 'failed', CANCELLED: 'cancelled', SKIPPED: 'skipped' }[status]}`,
    );
  return `${plural(summary.total_jobs, 'job')}: ${counts.join(', ') || 'nothing to run'} · ${plural(summary.total_rows, 'row')} in ${secondsText(summary.total_duration_seconds)} · health ${Math.round(health)}`;
}
