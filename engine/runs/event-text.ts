import type { CheckResult } from '../spec/metrics.ts';
import { type JobResult, LOG_LEVELS, type RunEvent } from './events.ts';

const LEVEL_WIDTH = Math.max(...LOG_LEVELS.map((level) => level.length));

/**
 * One line for people that says what an event says, without a time or a colour: the terminal and the log view add theirs.
 * The event is taken as redacted already.
 */
export function eventText(event: RunEvent): string {
  switch (event.type) {
    case 'run_started':
      return `Run ${event.run_id} of ${event.pipeline} into ${event.destination}: ${plural(event.jobs, 'job')}, ${plural(event.workers, 'worker')}`;
    case 'job_started':
      return `${event.job}: started${event.attempt > 1 ? ` (attempt ${event.attempt})` : ''}`;
    case 'job_stage':
      return `${event.job}: ${event.stage}`;
    case 'job_progress':
      return `${event.job}: ${event.stage} ${countsText(event)}`;
    case 'job_retry':
      return `${event.job}: attempt ${event.attempt} failed, next in ${secondsText(event.wait_ms / 1000)}: ${event.code}: ${event.message}`;
    case 'job_schema_change':
      // A change names its table itself where it may be a child table.
      return `${event.job}: ${event.change.startsWith(`${event.table}: `) ? '' : `${event.table}: `}${event.change}`;
    case 'job_warning':
      return `${event.job}: ${event.code}${event.column === undefined ? '' : ` (${event.column})`}: ${withHint(event)}`;
    case 'job_check':
      return `${event.job}: check ${checkText(event.result)}`;
    case 'job_finished':
      return `${event.job}: ${resultText(event.result)}`;
    case 'log':
      return event.job === undefined ? event.message : `${event.job}: ${event.message}`;
    case 'run_finished':
      return `Run ${event.run_id}: ${event.status}; metrics in ${event.metrics_path}`;
    default:
      event satisfies never;
      return '';
  }
}

/** An event as a plain line of a log: time (UTC), level, text. */
export function eventLine(event: RunEvent): string {
  return `${new Date(event.at).toISOString()} ${event.level.padEnd(LEVEL_WIDTH)} ${eventText(event)}`;
}

/** `1,234 rows, 5.6 MB, 3 pages` */
export function countsText(counts: { rows: number; bytes: number; pages?: number | null }): string {
  const parts = [plural(counts.rows, 'row'), bytesText(counts.bytes)];
  if (counts.pages !== undefined && counts.pages !== null) parts.push(plural(counts.pages, 'page'));
  return parts.join(', ');
}

/** Decimal units, as file managers show them. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min` */
export function secondsText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function resultText(result: JobResult): string {
  const parts = [
    `${result.status}, ${countsText({ rows: result.rows_processed, bytes: result.bytes, pages: result.pages })}`,
  ];
  parts.push(`in ${secondsText(result.durations.total_seconds)}`);
  if (result.watermark_after !== null && result.watermark_after !== result.watermark_before) {
    parts.push(`watermark ${result.watermark_before ?? 'none'} → ${result.watermark_after}`);
  }
  if (result.stop !== null)
    parts.push(result.stop.looksTruncated ? `${result.stop.detail} (looks truncated)` : result.stop.detail);
  if (result.error !== null) parts.push(`${result.error.code}: ${withHint(result.error)}`);
  return parts.join('; ');
}

/** `orders_key passed: …`, `orders_key failed (critical): …` */
function checkText({ check_name, status, severity, message }: CheckResult): string {
  return `${check_name} ${status}${status === 'failed' ? ` (${severity})` : ''}: ${message}`;
}

function withHint({ message, hint }: { message: string; hint?: string }): string {
  return hint === undefined ? message : `${message} → ${hint}`;
}

function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1,234,567`. Logs have millions of counts: `toLocaleString` takes a microsecond each. */
function grouped(count: number): string {
  let rest = String(count);
  let text = '';
  while (rest.length > 3) {
    text = `,${rest.slice(-3)}${text}`;
    rest = rest.slice(0, -3);
  }
  return rest + text;
}
