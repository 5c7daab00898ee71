import { bytesText, eventLine, eventText, secondsText } from '../runs/event-text.ts';
import { LOG_LEVELS, type LogLevel, type RunEvent, type Stage } from '../runs/events.ts';
import { formatCount, plural } from './format.ts';
import { STATUS_LOOKS } from './run-table.ts';
import { cut } from './table.ts';
import type { Terminal } from './terminal.ts';

interface RunningJob {
  stage: Stage | 'start';
  rows: number;
  bytes: number;
  pages: number | undefined;
  startedAt: number;
}

const REDRAW_MS = 100;
/** Lines of the live block; further jobs are counted. */
const JOBS_SHOWN = 8;
const BAR_WIDTH = 24;

/**
 * Renders a run's events on stderr: on a terminal a bar and a line for each running job, redrawn in place, below lines that stay;
 * elsewhere plain lines. Progress alone never prints a line.
 */
export class Reporter {
  readonly #terminal: Terminal;
  readonly #least: number;
  readonly #running = new Map<string, RunningJob>();
  #total = 0;
  #finished = 0;
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

  constructor(terminal: Terminal, level: LogLevel) {
    this.#terminal = terminal;
    this.#least = LOG_LEVELS.indexOf(level);
  }

  onEvent(event: RunEvent): void {
    this.#count(event);
    if (LOG_LEVELS.indexOf(event.level) < this.#least || !isWorthALine(event, this.#least === 0)) return;
    this.#terminal.tell(this.#terminal.interactive ? terminalLine(event, this.#terminal) : eventLine(event));
    this.#drawSoon();
  }

  /** Removes the bars. Safe to call twice. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) {
      this.#erase();
      this.#terminal.beforeTalk = () => undefined;
    }
    this.#timer = undefined;
    this.#total = 0;
  }

  #count(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        this.#total = event.jobs;
        this.#startedAt = event.at;
        this.#start();
        break;
      case 'job_started':
        this.#running.set(event.job, { stage: 'start', rows: 0, bytes: 0, pages: undefined, startedAt: event.at });
        break;
      case 'job_stage':
      case 'job_progress': {
        const job = this.#running.get(event.job);
        if (job === undefined) break;
        job.stage = event.stage;
        if (event.type === 'job_progress')
          Object.assign(job, { rows: event.rows, bytes: event.bytes, pages: event.pages });
        break;
      }
      case 'job_finished':
        this.#running.delete(event.job);
        this.#finished += 1;
        break;
      default:
    }
  }

  #start(): void {
    if (!this.#terminal.interactive || LOG_LEVELS.indexOf('INFO') < this.#least) return;
    this.#terminal.beforeTalk = () => this.#erase();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  #drawSoon(): void {
    if (this.#timer !== undefined) this.#draw();
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#terminal.draw(`\u001b[${this.#drawnLines}A\u001b[0J`);
    this.#drawnLines = 0;
  }

  #draw(): void {
    if (this.#total === 0) return;
    const now = Date.now();
    const width = Math.max(20, this.#terminal.columns - 1);
    const done = Math.round((this.#finished / this.#total) * BAR_WIDTH);
    const bar = '█'.repeat(done) + '░'.repeat(BAR_WIDTH - done);
    const lines = [`${bar} ${this.#finished}/${this.#total} jobs  ${secondsText((now - this.#startedAt) / 1000)}`];
    for (const [name, job] of [...this.#running].slice(0, JOBS_SHOWN)) lines.push(jobLine(name, job, now));
    if (this.#running.size > JOBS_SHOWN) lines.push(`  … and ${plural(this.#running.size - JOBS_SHOWN, 'more job')}`);
    this.#erase();
    this.#terminal.draw(`${lines.map((line) => cut(line, width)).join('\n')}\n`);
    this.#drawnLines = lines.length;
  }
}

function jobLine(name: string, job: RunningJob, now: number): string {
  const seconds = (now - job.startedAt) / 1000;
  const pages = job.pages === undefined ? '' : `  ${plural(job.pages, 'page')}`;
  const speed = seconds > 1 && job.rows > 0 ? `  ${formatCount(Math.round(job.rows / seconds))} rows/s` : '';
  return `  ${name}  ${job.stage}  ${plural(job.rows, 'row')}  ${bytesText(job.bytes)}${pages}${speed}  ${secondsText(seconds)}`;
}

/** What deserves a line of its own; stages and starts are told by the bars and, on request, by --log-level DEBUG. */
function isWorthALine(event: RunEvent, debug: boolean): boolean {
  switch (event.type) {
    case 'job_progress':
    case 'run_finished':
      return false;
    case 'job_started':
    case 'job_stage':
      return debug;
    default:
      return true;
  }
}

/** A line of a terminal: no time, and a sign for what it is. */
function terminalLine(event: RunEvent, terminal: Pick<Terminal, 'styleTalk'>): string {
  const text = eventText(event);
  switch (event.type) {
    case 'job_finished': {
      const { sign, style } = STATUS_LOOKS[event.result.status];
      return `${terminal.styleTalk(style, sign)} ${text}`;
    }
    case 'job_warning':
      return `${terminal.styleTalk('yellow', '▲')} ${text}`;
    case 'job_retry':
      return `${terminal.styleTalk('yellow', '↻')} ${text}`;
    default:
      return `  ${text}`;
  }
}
