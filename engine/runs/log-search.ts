import { eventText } from './event-text.ts';
import type { RunEvent } from './events.ts';
import { type LineType, parseEvent } from './log-line.ts';

/** Words that a rendering has and its line has not, by type. Types that are not here are rare and rendered each time. */
const WORDS: Partial<Record<LineType, string>> = {
  job_progress: 'rows b kb mb gb tb pages',
  job_started: 'started attempt',
  job_stage: '',
  job_retry: 'attempt failed next in s min h',
  job_schema_change: '',
  job_warning: '',
  job_check: 'check',
};
/** Types whose numbers stand in the line as they are shown. */
const SHOWS_NUMBERS_AS_THEY_ARE: ReadonlySet<LineType> = new Set([
  'job_stage',
  'job_schema_change',
  'job_warning',
  'job_check',
]);
const HAS_MESSAGE: ReadonlySet<LineType> = new Set(['job_retry', 'job_warning', 'job_check']);
const MESSAGE = '"message":"';
const PROGRESS = /"stage":"([a-z]+)","rows":(\d+),"bytes":(\d+)(?:,"pages":(\d+))?\}/y;
const RETRY = /"attempt":(\d+),"wait_ms":(\d+(?:\.\d+)?),"code":"([^"]*)","message":"([^"]*)"\}/y;

/**
 * Looks for a text in what lines of a run log say to people, in any case. Nearly every line is decided by its bytes: what it says is in them,
 * but for the words and numbers that {@link eventText} adds. Only what bytes cannot decide is rendered.
 */
export class LogSearch {
  readonly #text: string;
  /** The text can be looked for in bytes: ASCII, and nothing that JSON writes another way. */
  readonly #isPlain: boolean;
  /** By number of the job: true where every line of it matches; else how a message must begin where the text begins in the job's name. */
  readonly #jobs: readonly SearchedJob[];
  readonly #needed = new Map<LineType, Occurrences | null>();
  readonly #occurrences = new Map<string, Occurrences>();
  readonly #backslash: Occurrences;
  readonly #plain: Occurrences;
  #block: Buffer = Buffer.alloc(0);
  /** Its bytes as characters: ASCII is found in them, and all else is rendered. */
  #bytes = '';

  /** @param text in lower case, not empty; @param jobs names by number, null for no job */
  constructor(text: string, jobs: readonly (string | null)[]) {
    this.#text = text;
    this.#isPlain = /^[ !#-[\]-~]+$/.test(text);
    this.#jobs = jobs.map((job) => searchedJob(text, job));
    this.#backslash = this.#occurrencesOf('\\');
    this.#plain = this.#occurrencesOf(text);
  }

  /** Takes the bytes that the next lines lie in. Some ten kilobytes at a time are looked through fastest. */
  open(block: Buffer): void {
    this.#block = block;
    this.#bytes = block.toString('latin1');
    for (const occurrences of this.#occurrences.values()) occurrences.open(this.#bytes);
  }

  /** Whether a line matches; lines of a block come in ascending order. */
  matches(from: number, to: number, type: LineType, jobNumber: number): boolean {
    const job = this.#jobs[jobNumber]!;
    if (job.always) return true;
    if (type === 'log') return this.#matchesMessage(from, to, job);
    if (job.begins.length > 0) return this.#isRendered(from, to, type, job.name);
    let needed = this.#needed.get(type);
    if (needed === undefined) {
      needed = this.#neededOf(type);
      this.#needed.set(type, needed);
      needed?.open(this.#bytes);
    }
    if (needed?.isWithin(from, to) === false) return false;
    if (HAS_MESSAGE.has(type) && this.#isInMessage(from, to)) return true;
    return this.#isRendered(from, to, type, job.name);
  }

  #matchesMessage(from: number, to: number, { begins, isInMessage }: SearchedJob): boolean {
    if (!this.#isPlain || this.#backslash.isWithin(from, to)) return this.#isRendered(from, to, 'log', '');
    const found = this.#plain.isWithin(from, to);
    if (!found && begins.length === 0) return false;
    if (found && isInMessage) return true;
    if (found && this.#isInMessage(from, to)) return true;
    const key = this.#bytes.indexOf(MESSAGE, from);
    if (key === -1 || key > to) return this.#isRendered(from, to, 'log', '');
    const message = key + MESSAGE.length;
    const end = this.#bytes.indexOf('"', message);
    return begins.some(
      (begin) =>
        message + begin.length <= end && this.#bytes.slice(message, message + begin.length).toLowerCase() === begin,
    );
  }

  /** Whether the text is in a message as it is written. Where false, it may still be in its rendering. */
  #isInMessage(from: number, to: number): boolean {
    if (!this.#isPlain || !this.#plain.isWithin(from, to) || this.#backslash.isWithin(from, to)) return false;
    const message = this.#bytes.indexOf(MESSAGE, from) + MESSAGE.length;
    return message >= from + MESSAGE.length && this.#plain.isBetween(message, this.#bytes.indexOf('"', message));
  }

  #isRendered(from: number, to: number, type: LineType, job: string): boolean {
    const event = this.#quick(from, type, job) ?? parseEvent(this.#block.toString('utf8', from, to));
    return event !== null && eventText(event).toLowerCase().includes(this.#text);
  }

  /** Of the types that come by the hundred thousand: the event without what its text does not need; null where it is not that simple. */
  #quick(from: number, type: LineType, job: string): RunEvent | null {
    const common = { at: 0, level: 'DEBUG', job } as const;
    if (type === 'job_progress') {
      const [, stage, rows, bytes, pages] = this.#inLine(PROGRESS, from, '"stage"') ?? [];
      if (rows === undefined) return null;
      const counts = {
        rows: Number(rows),
        bytes: Number(bytes),
        ...(pages === undefined ? {} : { pages: Number(pages) }),
      };
      return { ...common, type, stage: stage as 'extract', ...counts };
    }
    if (type === 'job_retry') {
      const [, attempt, wait, code, message] = this.#inLine(RETRY, from, '"attempt"') ?? [];
      if (code === undefined || message === undefined || /[\\\x80-\xff]/.test(message)) return null;
      return { ...common, type, attempt: Number(attempt), wait_ms: Number(wait), code, message };
    }
    return null;
  }

  #inLine(pattern: RegExp, from: number, first: string): RegExpExecArray | null {
    const at = this.#bytes.indexOf(first, from);
    if (at === -1) return null;
    pattern.lastIndex = at;
    return pattern.exec(this.#bytes);
  }

  /** What a line must have in its bytes to match; null where nothing can be said. */
  #neededOf(type: LineType): Occurrences | null {
    const words = WORDS[type];
    if (words === undefined) return null;
    const asIs = SHOWS_NUMBERS_AS_THEY_ARE.has(type);
    // What a rendering adds stands between these characters; JSON writes them and all that is not ASCII in ways of its own.
    const [needed] = this.#text
      .split(/[\s:(),"\\]+|[^!-~]+/)
      .filter((part) => part !== '' && !words.includes(part) && (asIs || !/^[\d.]+$/.test(part)))
      .sort((a, b) => b.length - a.length);
    return needed === undefined ? null : this.#occurrencesOf(needed);
  }

  #occurrencesOf(text: string): Occurrences {
    const known = this.#occurrences.get(text) ?? new Occurrences(text);
    this.#occurrences.set(text, known);
    return known;
  }
}

interface SearchedJob {
  name: string;
  /** Every line of it matches. */
  always: boolean;
  /** How a message must begin where the text begins in the job's name. */
  begins: string[];
  /** What is found in a `log` line of it can only be in its message. */
  isInMessage: boolean;
}

function searchedJob(text: string, job: string | null): SearchedJob {
  const name = job === null ? '' : `${job.toLowerCase()}: `;
  const begins: string[] = [];
  for (let cut = 1; cut < text.length; cut += 1) if (name.endsWith(text.slice(0, cut))) begins.push(text.slice(cut));
  const head = `at level debug info warning error type log job ${name} message`;
  const isInMessage = !/^\d+$|[,:{} ]/.test(text) && !head.includes(text);
  return { name: job ?? '', always: name.includes(text), begins, isInMessage };
}

/** Where a text occurs in a block, in any case, asked for line by line. */
class Occurrences {
  readonly #pattern: RegExp;
  readonly #length: number;
  readonly #character: string | null;
  #block = '';
  #next = -1;

  constructor(text: string) {
    this.#pattern = new RegExp(RegExp.escape(text), 'gi');
    this.#length = text.length;
    this.#character = /^[^a-z]$/.test(text) ? text : null;
  }

  open(block: string): void {
    this.#block = block;
    this.#next = this.#from(0);
  }

  /** Lines are asked for in ascending order. */
  isWithin(from: number, to: number): boolean {
    if (this.#next !== -1 && this.#next < from) this.#next = this.#from(from);
    return this.#next !== -1 && this.#next + this.#length <= to;
  }

  isBetween(from: number, to: number): boolean {
    const at = this.#next >= from ? this.#next : this.#from(from);
    return at !== -1 && at + this.#length <= to;
  }

  #from(at: number): number {
    // A single character is found by the processor's own instructions.
    if (this.#character !== null) return this.#block.indexOf(this.#character, at);
    this.#pattern.lastIndex = at;
    return this.#pattern.test(this.#block) ? this.#pattern.lastIndex - this.#length : -1;
  }
}
