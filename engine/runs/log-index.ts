import { type FileHandle, open } from 'node:fs/promises';
import { CompactEvents, KEPT_A_JOB } from './compact-events.ts';
import { LOG_LEVELS, type LogLevel, type RunEvent } from './events.ts';
import { headBegin, headEnd, kindOf, LINE_TYPES, parseEvent } from './log-line.ts';
import { LogSearch } from './log-search.ts';

const BLOCK_BYTES = 1024 * 1024;
/** So much of a block is looked through at a time: V8 makes longer texts of bytes ten times as slowly. */
const SEARCHED_BYTES = 64 * 1024;
/** A line that is longer is no event of ours. */
const LINE_BYTES = 16 * 1024 * 1024;
/** Filters whose matches are remembered. */
const FILTERS_KEPT = 3;
/** Beginnings of lines that are remembered: a few a job. */
const HEADS_KEPT = 20_000;
const NO_JOB = 0;

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
  /** What the begin of a line says: many lines begin alike but for their time. */
  readonly #heads = new Map<string, { kind: number; job: number }>();
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
      const counts = new Map<number, number>();
      for (let line = 0; line < this.#count; line += 1) {
        const type = LINE_TYPES[this.#kinds[line]! >> 4]!;
        if (type === 'log') continue;
        const job = this.#jobs[line]!;
        if (type === 'job_progress') progress.set(job, line);
        else if (!CompactEvents.isCounted(type)) lines.push(line);
        else {
          const count = counts.get(job) ?? 0;
          counts.set(job, count + 1);
          if (count < KEPT_A_JOB) lines.push(line);
        }
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
    const head = this.#headOf(block, begin, end);
    if (head === null) return;
    if (this.#count === this.#kinds.length) this.#double();
    this.#begins[this.#count] = this.#end + begin;
    this.#lengths[this.#count] = end - begin;
    this.#kinds[this.#count] = head.kind;
    this.#jobs[this.#count] = head.job;
    this.#count += 1;
  }

  /** Null for a line that is no event. */
  #headOf(block: Buffer, begin: number, end: number): { kind: number; job: number } | null {
    const from = headBegin(block, begin, end);
    const to = from === -1 ? -1 : headEnd(block, from, end);
    const key = to === -1 ? null : block.toString('latin1', from, to);
    const known = key === null ? undefined : this.#heads.get(key);
    if (known !== undefined) return known;
    // What its begin says needs no more of the line, which may be damaged.
    const event = key === null ? null : parseEvent(`{"at":0,${block.toString('utf8', from, to)}}`);
    const told = event ?? parseEvent(block.toString('utf8', begin, end));
    if (told === null) return null;
    const job = 'job' in told && told.job !== undefined ? this.#jobId(told.job) : NO_JOB;
    const head = { kind: kindOf(told.level, told.type) as number, job };
    if (key !== null && event !== null && this.#heads.size < HEADS_KEPT) this.#heads.set(key, head);
    return head;
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
    const search = text === '' ? null : new LogSearch(text, [null, ...this.#jobIds.keys()]);
    if (search === null) {
      for (let line = found.seen; line < this.#count; line += 1) if (candidate(line)) found.matches.push(line);
      found.seen = this.#count;
      return found.matches;
    }
    let next = this.#nextBlock(found.seen, candidate, file);
    try {
      while (found.seen < this.#count) {
        signal.throwIfAborted();
        const { lines, end, block, begin } = await next;
        // The next block is read while this one is looked through.
        next = this.#nextBlock(end, candidate, file);
        this.#searchBlock(search, lines, block, begin, found.matches);
        found.seen = end;
      }
    } finally {
      // The file is closed behind us.
      await next.catch(() => undefined);
    }
    return found.matches;
  }

  #searchBlock(search: LogSearch, lines: readonly number[], block: Buffer, begin: number, matches: number[]): void {
    let part = 0;
    let partEnd = 0;
    for (const line of lines) {
      const from = this.#begins[line]! - begin;
      const to = from + this.#lengths[line]!;
      if (to > partEnd) {
        part = from;
        partEnd = Math.min(block.length, Math.max(to, from + SEARCHED_BYTES));
        search.open(block.subarray(part, partEnd));
      }
      const type = LINE_TYPES[this.#kinds[line]! >> 4]!;
      if (search.matches(from - part, to - part, type, this.#jobs[line]!)) matches.push(line);
    }
  }

  /** The next lines that may match, at most a block of them, with their bytes. `end`: the first line after them. */
  async #nextBlock(
    first: number,
    candidate: (line: number) => boolean,
    file: FileHandle,
  ): Promise<{ lines: number[]; end: number; block: Buffer; begin: number }> {
    const lines: number[] = [];
    let end = first;
    let begin = 0;
    for (; end < this.#count; end += 1) {
      if (!candidate(end)) continue;
      if (lines.length === 0) begin = this.#begins[end]!;
      else if (this.#endOf(end) - begin > BLOCK_BYTES) break;
      lines.push(end);
    }
    const last = lines.at(-1);
    const block = Buffer.allocUnsafe(last === undefined ? 0 : this.#endOf(last) - begin);
    if (block.length > 0) await file.read(block, 0, block.length, begin);
    return { lines, end, block, begin };
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
