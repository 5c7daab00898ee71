import { IngestError, throwIfCancelled } from '../../../errors.ts';
import type { ObjectStore } from '../../../object-stores/object-store.ts';
import { namesBelow, readText } from '../../../object-stores/small-objects.ts';
import { type Action, applyAction, type DeltaSnapshot, emptyReplay } from './actions.ts';

/** Times that the log is listed anew when others remove parts of it while it is read. */
const MOST_LOOKS = 10;
/** Commits that are read at the same time. */
const AT_ONCE = 8;

/** What the log needs to read the checkpoints that others, or we, wrote. */
export interface CheckpointReader {
  /** The actions of a checkpoint's parts. */
  read(keys: readonly string[], signal: AbortSignal): Promise<Action[]>;
}

interface Listing {
  /** Numbers of the commits, ascending. */
  commits: number[];
  /** The newest complete checkpoint with the names of its parts. */
  checkpoint: { version: number; parts: string[] } | null;
  /** A checkpoint in a form that is not read here. */
  isV2: boolean;
}

/** The log of one Delta table: numbered commits, each written by whoever is first (PROTOCOL.md, "Delta Log Entries"). */
export class DeltaLog {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #checkpoints: CheckpointReader;

  /** @param tableFolder ends in `/`. */
  constructor(store: ObjectStore, tableFolder: string, checkpoints: CheckpointReader) {
    this.#store = store;
    this.#prefix = `${tableFolder}_delta_log/`;
    this.#checkpoints = checkpoints;
  }

  /**
   * The newest version; null where there is no table.
   * @throws IngestError DESTINATION_CORRUPT, TABLE_FEATURE
   */
  async snapshot(signal: AbortSignal): Promise<DeltaSnapshot | null> {
    for (let attempt = 1; ; attempt += 1) {
      throwIfCancelled(signal);
      const found = await this.#replay(signal);
      if (found !== 'gone') return found;
      if (attempt === MOST_LOOKS) throw this.#damaged('parts of it disappear while it is read');
    }
  }

  /** The newest version's number; -1 where there is no table. */
  async version(signal: AbortSignal): Promise<number> {
    const { commits, checkpoint } = await this.#list(signal);
    return Math.max(commits.at(-1) ?? -1, checkpoint?.version ?? -1);
  }

  /** Makes a version unless another writer was first: then false. */
  async commit(version: number, actions: readonly Action[], signal: AbortSignal): Promise<boolean> {
    const lines = actions.map((action) => `${JSON.stringify(action)}\n`).join('');
    return await this.#store.put(`${this.#prefix}${numbered(version)}.json`, lines, 'absent', signal);
  }

  checkpointKey(version: number): string {
    return `${this.#prefix}${numbered(version)}.checkpoint.parquet`;
  }

  /** Tells readers where to begin. */
  async pointAt(version: number, actions: number): Promise<void> {
    await this.#store.put(`${this.#prefix}_last_checkpoint`, JSON.stringify({ version, size: actions }), null);
  }

  async #replay(signal: AbortSignal): Promise<DeltaSnapshot | null | 'gone'> {
    const { commits, checkpoint, isV2 } = await this.#list(signal);
    const first = checkpoint === null ? 0 : checkpoint.version + 1;
    const later = commits.filter((number) => number >= first);
    if (checkpoint === null && later.length === 0 && !isV2) return null;
    if (later.some((number, at) => number !== first + at)) {
      // Where the commits begin later, only the checkpoint that is not read here says what was before.
      if (isV2) throw this.#v2();
      throw this.#damaged(`version ${later.findIndex((number, at) => number !== first + at) + first} is missing`);
    }
    if (checkpoint === null && later.length === 0) throw this.#v2();
    const snapshot: Partial<DeltaSnapshot> & ReturnType<typeof emptyReplay> = emptyReplay();
    if (checkpoint) {
      const keys = checkpoint.parts.map((name) => this.#prefix + name);
      for (const action of await this.#checkpoints.read(keys, signal)) applyAction(snapshot, action);
    }
    for (let at = 0; at < later.length; at += AT_ONCE) {
      const texts = await Promise.all(
        later.slice(at, at + AT_ONCE).map(async (number) => ({ number, text: await this.#text(number, signal) })),
      );
      for (const { number, text } of texts) {
        if (text === null) return 'gone';
        for (const action of this.#parsed(number, text)) applyAction(snapshot, action);
      }
    }
    const { protocol, metadata } = snapshot;
    if (!protocol || !metadata) throw this.#damaged('it names neither protocol nor schema');
    return {
      ...snapshot,
      version: later.at(-1) ?? first - 1,
      checkpointVersion: checkpoint?.version ?? null,
      protocol,
      metadata,
    };
  }

  async #text(number: number, signal: AbortSignal): Promise<string | null> {
    return await readText(this.#store, `${this.#prefix}${numbered(number)}.json`, signal);
  }

  #parsed(number: number, text: string): Action[] {
    try {
      return text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line));
    } catch (cause) {
      throw this.#damaged(`version ${number} is not JSON`, cause);
    }
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    const { objects } = await namesBelow(this.#store, this.#prefix, signal);
    const commits = objects.flatMap((name) => (/^\d{20}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
    const parts = new Map<string, { version: number; of: number; names: string[] }>();
    for (const name of objects) {
      const match = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/.exec(name);
      if (!match) continue;
      const key = `${match[1]} of ${match[3] ?? ''}`;
      const found = parts.get(key) ?? { version: Number(match[1]), of: Number(match[3] ?? 1), names: [] };
      found.names.push(name);
      parts.set(key, found);
    }
    const complete = [...parts.values()].filter(({ of, names }) => names.length === of);
    const newest = complete.toSorted((one, other) => one.version - other.version).at(-1);
    return {
      commits: commits.sort((one, other) => one - other),
      checkpoint: newest ? { version: newest.version, parts: newest.names.toSorted() } : null,
      isV2: objects.some((name) => /^\d{20}\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)$/.test(name)),
    };
  }

  #v2(): IngestError {
    return new IngestError('TABLE_FEATURE', `The Delta table of ${this.#place()} keeps v2 checkpoints.`, {
      hint: "Set the table's property delta.checkpointPolicy to classic, or load into another table.",
    });
  }

  #damaged(why: string, cause?: unknown): IngestError {
    return new IngestError('DESTINATION_CORRUPT', `The Delta log ${this.#place()} is damaged: ${why}.`, {
      hint: 'Restore it from a backup, or load into another table. The data files are untouched.',
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #place(): string {
    return `${this.#store.location}, ${this.#prefix}`;
  }
}

function numbered(version: number): string {
  return String(version).padStart(20, '0');
}
