import { expect, test } from 'vitest';
import { Reporter } from '../../engine/cli/reporter.ts';
import { Terminal } from '../../engine/cli/terminal.ts';
import type { JobResult, LogLevel, RunEvent } from '../../engine/runs/events.ts';

const result: JobResult = {
  source_name: 'shop',
  table_name: 'orders',
  target: 'raw.orders',
  status: 'SUCCESS',
  rows_processed: 1234,
  bytes: 5600,
  pages: 3,
  files: null,
  durations: { extract_seconds: 1, normalize_seconds: 1, load_seconds: 1, total_seconds: 3 },
  retries: 0,
  watermark_before: null,
  watermark_after: null,
  stop: { reason: 'no_next_link', detail: 'There is no next link.', records: 1234 },
  schema_changes: [],
  warnings: [],
  checks: [],
  error: null,
  load_id: null,
};

const at = Date.UTC(2026, 0, 31, 6);
const run: RunEvent[] = [
  { at, level: 'INFO', type: 'run_started', run_id: 'r1', pipeline: 'p', destination: 'duckdb', jobs: 2, workers: 2 },
  { at, level: 'INFO', type: 'job_started', job: 'shop.orders', row: 2, attempt: 1 },
  { at, level: 'INFO', type: 'job_started', job: 'shop.events', row: 3, attempt: 1 },
  { at, level: 'DEBUG', type: 'job_stage', job: 'shop.orders', stage: 'extract' },
  { at, level: 'DEBUG', type: 'job_progress', job: 'shop.orders', stage: 'extract', rows: 999, bytes: 4000, pages: 2 },
  {
    at,
    level: 'WARNING',
    type: 'job_retry',
    job: 'shop.orders',
    attempt: 2,
    wait_ms: 1500,
    code: 'API_TIMEOUT',
    message: 'No answer.',
  },
  {
    at,
    level: 'WARNING',
    type: 'job_warning',
    job: 'shop.orders',
    code: 'LOOKS_TRUNCATED',
    message: 'Exactly one page.',
  },
  { at, level: 'INFO', type: 'job_finished', job: 'shop.orders', result },
];

function report(
  options: { isTTY: boolean; columns?: number; level?: LogLevel; aside?: string },
  events: RunEvent[] = run,
): string {
  let written = '';
  const stream = {
    isTTY: options.isTTY,
    columns: options.columns ?? 100,
    write: (text: string) => {
      written += text;
      return true;
    },
  };
  const terminal = new Terminal({ stdout: stream, stderr: stream, color: false, env: {} });
  const reporter = new Reporter(terminal, options.level ?? 'INFO');
  for (const event of events) {
    reporter.onEvent(event);
    if (options.aside !== undefined) terminal.tell(options.aside);
  }
  reporter.close();
  reporter.close();
  return written;
}

/** What a terminal shows in the end, for the control sequences that the reporter uses. */
function screen(written: string): string[] {
  const lines = [''];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is interpreted
  for (const piece of written.split(/(\u001b\[\d+A\u001b\[0J|\n)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const up = /^\u001b\[(\d+)A/.exec(piece)?.[1];
    if (up !== undefined) {
      lines.length = Math.max(0, lines.length - 1 - Number(up));
      lines.push('');
    } else if (piece === '\n') lines.push('');
    else lines[lines.length - 1] += piece;
  }
  return lines;
}

test('plain lines with time and level where there is no terminal; progress alone prints nothing', () => {
  const written = report({ isTTY: false });
  expect(written).not.toContain('\u001b');
  const lines = written.trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^2026-01-31T06:00:00\.000Z INFO +Run r1 of p into duckdb: 2 jobs, 2 workers/);
  expect(lines[1]).toContain('API_TIMEOUT');
  expect(lines.at(-1)).toContain('shop.orders: SUCCESS, 1,234 rows');
});

test('--log-level says how much', () => {
  expect(report({ isTTY: false, level: 'ERROR' })).toBe('');
  expect(report({ isTTY: false, level: 'WARNING' }).trim().split('\n')).toHaveLength(2);
  expect(report({ isTTY: false, level: 'DEBUG' })).toContain('shop.orders: extract');
});

test('a terminal shows bars while it runs and only the lines that stay afterwards', () => {
  const written = report({ isTTY: true });
  expect(written).toContain('█');
  expect(written).toContain('1/2 jobs');
  const left = screen(written);
  expect(left.join('\n')).not.toContain('█');
  expect(left.filter((line) => line !== '')).toHaveLength(4);
  expect(left.join('\n')).toContain('✔ shop.orders: SUCCESS');
  expect(left.join('\n')).toContain('▲ shop.orders: LOOKS_TRUNCATED');
});

test('what others say between the bars stays, such as the page to sign in at', () => {
  const left = screen(report({ isTTY: true, aside: 'open\n\n  https://login.example/' }));
  expect(left.filter((line) => line === '  https://login.example/')).toHaveLength(run.length);
  expect(left.join('\n')).not.toContain('█');
});

test('bars never wrap, however narrow the terminal is', () => {
  const bars = report({ isTTY: true, columns: 40 })
    .split('\n')
    .filter((line) => /█|░|^ {2}shop\.\w+ {2}/.test(line));
  expect(bars.length).toBeGreaterThan(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences take no room
  for (const line of bars) expect(line.replace(/\u001b\[\d*[A-Z]/g, '').length).toBeLessThanOrEqual(39);
});

test('many jobs at once are counted, not listed', () => {
  const started = Array.from(
    { length: 20 },
    (_, index): RunEvent => ({ at, level: 'INFO', type: 'job_started', job: `shop.t${index}`, row: index, attempt: 1 }),
  );
  expect(
    report({ isTTY: true }, [run[0] as RunEvent, ...started, { at, level: 'INFO', type: 'log', message: 'hello' }]),
  ).toContain('… and 12 more jobs');
});
