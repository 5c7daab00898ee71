import { type FileHandle, open } from 'node:fs/promises';
import { CompactEvents } from './compact-events.ts';
import { eventText } from './event-text.ts';
import { LOG_LEVELS, type LogLevel, type RunEvent } from './events.ts';

const BLOCK_BYTES = 1024 * 1024;
/** A line that is longer is no event of ours. */
const LINE_BYTES = 16 * BLOCK_BYTES;
/** Filters whose matches are remembered. */
const FILTERS_KEPT = 3;
const NO_JOB = 0;

const TYPES = [
  'log',
  'job_progress',
  'run_started',
  'job_started',
  'job_stage',
  'job_retry',
  'job_schema_change',
  'job_warning',
  'job_finished',
  'run_finished',
  'job_check',
] as const satisfies RunEvent['type'][];

/** The begin of a line as the recorder writes it; any other order of keys is read the slow way. */
const HEAD = /^\{"at":\d+,"level":"([A-Z]+)","type":"([a-z_]+)"(?:,"job":"((?:[^"\\]|\\.)*)")?/;

/** Stands for a line that begins like an event and does not end like one: a full disk, a power cut. */
const DAMAGED: RunEvent = { at: 0, level: 'WARNING', type: 'log', message: 'This line of the log is damaged.' };

export interface LogFilter {
  /** Empty: all. */
  levels: readonly LogLevel[];
  /** `source.table`; null: all, and what belongs to none. */
  job: string | null;
  /** In what the line says to people, in any case. */
  text: string | null;
}

export interface LogLines {
  /** Lines that match. */
  total: number;
  /** Number of the first line in here among them. */
  offset: number;
  events: RunEvent[];
}

/**
 * Where the lines of a run log begin, and their level, type and job: 14 bytes a line, so that any page of a million lines is read
 * without reading the others. Follows a log that still grows; lines that are no events are passed over.
 */
export class LogIndex {
  readonly path: string;
  #begins = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #jobs = new Uint32Array(1024);
  /** Level in the low four bits, type in the high. */
  #kinds = new Uint8Array(1024);
  #count = 0;
  /** Bytes that are indexed. */
  #end = 0;
  readonly #jobIds = new Map<string, number>();
  readonly #filters = new Map<string, { matches: number[]; seen: number }>();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * A page of the lines that match, and how many match by now. An offset past the end gives the last page.
   * @throws the system's error where the file cannot be read; the signal's reason
   */
  async page(filter: LogFilter, offset: number, limit: number, signal: AbortSignal): Promise<LogLines> {
    return await this.#exclusively(async (file) => {
      await this.#grow(file, signal);
      const matches = await this.#matches(filter, file, signal);
      const total = matches?.length ?? this.#count;
      const first = offset < total ? offset : Math.max(0, total - limit);
      const lines = matches
        ? matches.slice(first, first + limit)
        : Array.from({ length: Math.min(limit, total - first) }, (_, at) => first + at);
      return { total, offset: first, events: await this.#read(file, lines) };
    });
  }

  /** What happened, in short; see {@link CompactEvents}. */
  async compact(signal: AbortSignal): Promise<RunEvent[]> {
    return await this.#exclusively(async (file) => {
      await this.#grow(file, signal);
      const lines: number[] = [];
      const progress = new Map<number, number>();
      for (let line = 0; line < this.#count; line += 1) {
        const type = TYPES[this.#kinds[line]! >> 4];
        if (type === 'job_progress') progress.set(this.#jobs[line]!, line);
        else if (type !== 'log') lines.push(line);
      }
      const events = new CompactEvents();
      for (const event of await this.#read(
        file,
        [...lines, ...progress.values()].sort((a, b) => a - b),
      ))
        events.add(event);
      return events.list();
    });
  }

  /** One reader at a time: they share the arrays. */
  async #exclusively<Result>(task: (file: FileHandle) => Promise<Result>): Promise<Result> {
    const run = this.#busy.then(async () => {
      const file = await open(this.path, 'r');
      try {
        return await task(file);
      } finally {
        await file.close();
      }
    });
    this.#busy = run.catch(() => undefined);
    return await run;
  }

  /** Indexes what was written since. A last line without its end waits for it. */
  async #grow(file: FileHandle, signal: AbortSignal): Promise<void> {
    let block = Buffer.allocUnsafe(BLOCK_BYTES);
    let kept = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(block, kept, block.length - kept, this.#end + kept);
      if (bytesRead === 0) return;
      const filled = kept + bytesRead;
      let begin = 0;
      for (let end = block.indexOf(10, 0); end !== -1 && end < filled; end = block.indexOf(10, begin)) {
        this.#add(block, begin, end);
        begin = end + 1;
      }
      this.#end += begin;
      kept = filled - begin;
      if (begin > 0) block.copyWithin(0, begin, filled);
      else if (filled === block.length) {
        if (block.length >= LINE_BYTES) throw new Error(`${this.path} has a line of more than ${LINE_BYTES} bytes`);
        block = Buffer.concat([block], block.length * 2);
      }
    }
  }

  #add(block: Buffer, begin: number, end: number): void {
    const head = HEAD.exec(block.toString('utf8', begin, Math.min(end, begin + 600)));
    let level = head?.[1];
    let type = head?.[2];
    let job =
      head?.[3] === undefined ? undefined : head[3].includes('\\') ? (JSON.parse(`"${head[3]}"`) as string) : head[3];
    if (!head || (type === 'log' && job === undefined)) {
      const event = parseEvent(block.toString('utf8', begin, end));
      if (event === null) return;
      level = event.level;
      type = event.type;
      job = 'job' in event ? event.job : undefined;
    }
    const kind = kindOf(level, type);
    if (kind === null) return;
    if (this.#count === this.#kinds.length) this.#double();
    this.#begins[this.#count] = this.#end + begin;
    this.#lengths[this.#count] = end - begin;
    this.#kinds[this.#count] = kind;
    this.#jobs[this.#count] = job === undefined ? NO_JOB : this.#jobId(job);
    this.#count += 1;
  }

  #jobId(job: string): number {
    const known = this.#jobIds.get(job);
    if (known !== undefined) return known;
    this.#jobIds.set(job, this.#jobIds.size + 1);
    return this.#jobIds.size;
  }

  #double(): void {
    const room = this.#kinds.length * 2;
    const grown = <A extends Float64Array | Uint32Array | Uint8Array>(made: A, old: A): A => {
      made.set(old);
      return made;
    };
    this.#begins = grown(new Float64Array(room), this.#begins);
    this.#lengths = grown(new Uint32Array(room), this.#lengths);
    this.#jobs = grown(new Uint32Array(room), this.#jobs);
    this.#kinds = grown(new Uint8Array(room), this.#kinds);
  }

  /** Numbers of the lines that match; null for all. */
  async #matches(filter: LogFilter, file: FileHandle, signal: AbortSignal): Promise<number[] | null> {
    const text = filter.text?.trim().toLowerCase() ?? '';
    if (filter.levels.length === 0 && filter.job === null && text === '') return null;
    const key = JSON.stringify([[...filter.levels].sort(), filter.job, text]);
    const found = this.#filters.get(key) ?? { matches: [], seen: 0 };
    this.#filters.delete(key);
    this.#filters.set(key, found);
    for (const old of [...this.#filters.keys()].slice(0, -FILTERS_KEPT)) this.#filters.delete(old);

    const levels = new Set(filter.levels.map((level) => LOG_LEVELS.indexOf(level)));
    const job = filter.job === null ? null : (this.#jobIds.get(filter.job) ?? -1);
    const candidate = (line: number) =>
      (levels.size === 0 || levels.has(this.#kinds[line]! & 15)) && (job === null || this.#jobs[line] === job);
    while (found.seen < this.#count) {
      signal.throwIfAborted();
      const lines: number[] = [];
      let bytes = 0;
      let line = found.seen;
      for (; line < this.#count && bytes < BLOCK_BYTES; line += 1) {
        if (!candidate(line)) continue;
        lines.push(line);
        if (text !== '') bytes += this.#lengths[line]!;
      }
      if (text === '') for (const match of lines) found.matches.push(match);
      else {
        const events = await this.#read(file, lines);
        for (const [at, event] of events.entries()) {
          if (eventText(event).toLowerCase().includes(text)) found.matches.push(lines[at]!);
        }
      }
      found.seen = line;
    }
    return found.matches;
  }

  /** Events of lines in ascending order; lines that lie together are read together. */
  async #read(file: FileHandle, lines: readonly number[]): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    for (let at = 0; at < lines.length; ) {
      const begin = this.#begins[lines[at]!]!;
      let last = at;
      while (last + 1 < lines.length && this.#endOf(lines[last + 1]!) - begin <= BLOCK_BYTES) last += 1;
      const block = Buffer.allocUnsafe(this.#endOf(lines[last]!) - begin);
      await file.read(block, 0, block.length, begin);
      for (; at <= last; at += 1) {
        const line = lines[at]!;
        const from = this.#begins[line]! - begin;
        events.push(parseEvent(block.toString('utf8', from, from + this.#lengths[line]!)) ?? DAMAGED);
      }
    }
    return events;
  }

  #endOf(line: number): number {
    return this.#begins[line]! + this.#lengths[line]!;
  }
}

function kindOf(level: string | undefined, type: string | undefined): number | null {
  const [l, t] = [LOG_LEVELS.indexOf(level as LogLevel), TYPES.indexOf(type as RunEvent['type'])];
  return l === -1 || t === -1 ? null : (t << 4) | l;
}

/** Null for a line that is no event. */
export function parseEvent(line: string): RunEvent | null {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== 'object' || event === null || !('level' in event) || !('type' in event) || !('at' in event))
      return null;
    return kindOf(String(event.level), String(event.type)) === null ? null : (event as RunEvent);
  } catch {
    return null;
  }
}
