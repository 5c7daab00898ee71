import { mkdir, stat } from 'node:fs/promises';
import { isNumericWidening } from '../../duckdb/widening.ts';
import type { Workspace } from '../../duckdb/workspace.ts';
import { cancelled, IngestError, isIngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { namesBelow, readText } from '../../object-stores/small-objects.ts';
import { isObjectGone } from '../../object-stores/store-errors.ts';
import type { JobState, StateKey } from '../../state/job-state.ts';
import { encodeState, parseState } from '../../state/state-text.ts';
import type { HeldLock } from '../../state/target-lock.ts';
import type {
  Destination,
  ExistingTable,
  LoadResult,
  LockOwner,
  SchemaChange,
  TargetLock,
  TargetRef,
} from '../destination.ts';
import { Mutex } from '../mutex.ts';
import { type LocalCopies, localCopies } from './local-copies.ts';
import { Manifests, type StoreManifest, tablePrefix } from './manifest.ts';
import { describeStoreError } from './store-errors.ts';
import { keysOf, stageLoad } from './store-load.ts';
import { StoreLock } from './store-lock.ts';
import { tableRows } from './stored-rows.ts';

export interface ObjectStoreDestinationConfig {
  /** Name in the project. */
  name: string;
  /** Default schema: the first folder below the root. */
  schema: string;
}

export interface ObjectStoreDestinationOptions {
  store: ObjectStore;
  workspace: Workspace;
  /** A private folder for rewritten files; made when missing. */
  tempDirectory: string;
  /** Look only: a folder that is not there is not made. */
  lookOnly?: boolean;
  /** The clock; default: the system's. */
  now?: () => Date;
}

/**
 * Parquet files `<schema>/<table>/<load_id>.<n>.parquet` in a folder or bucket. A target's manifest says which of them count;
 * it covers the job's table, its child tables and the state, and changes in one step.
 */
export function createObjectStoreDestination(
  config: ObjectStoreDestinationConfig,
  options: ObjectStoreDestinationOptions,
): Destination {
  return new ObjectStoreDestination(config, options);
}

/** One writer a target inside this process, whatever destinations it has open; between processes the lock and the exclusive manifest do it. */
const writers = new Map<string, Mutex>();

const NEVER = new AbortController().signal;
/** Times that a reader looks at the manifest when others write faster than it reads. */
const MOST_LOOKS = 10;

class ObjectStoreDestination implements Destination {
  readonly name: string;
  readonly defaultSchema: string;
  readonly capabilities = {
    types: 'portable',
    // A name becomes a folder's name, and Windows' paths are short.
    maxIdentifierLength: 120,
    transactional: true,
    canWiden: isNumericWidening,
  } as const;
  readonly #store: ObjectStore;
  readonly #workspace: Workspace;
  readonly #tempDirectory: string;
  readonly #lookOnly: boolean;
  readonly #now: () => Date;
  /** A folder that is only looked at, and is not there. */
  #isAbsent = false;
  /** What {@link from} copied; queries read it until the end. */
  readonly #copies: LocalCopies[] = [];

  constructor(config: ObjectStoreDestinationConfig, options: ObjectStoreDestinationOptions) {
    this.name = config.name;
    this.defaultSchema = config.schema;
    this.#store = options.store;
    this.#workspace = options.workspace;
    this.#tempDirectory = options.tempDirectory;
    this.#lookOnly = options.lookOnly ?? false;
    this.#now = options.now ?? (() => new Date());
  }

  async open(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await mkdir(this.#tempDirectory, { recursive: true });
    if (this.#lookOnly && this.#store.kind === 'local') {
      this.#isAbsent = (await stat(this.#store.location).catch(() => null)) === null;
      return;
    }
    await this.#described('opening it', () => this.#store.prepare(signal));
  }

  async lock(target: TargetRef, owner: LockOwner): Promise<TargetLock> {
    return await this.#described(`locking ${label(target)}`, () =>
      new StoreLock(this.#store, target).take(owner, this.#now()),
    );
  }

  async lockHolder(target: TargetRef): Promise<HeldLock | null> {
    if (this.#isAbsent) return null;
    return await this.#described(`looking at the lock of ${label(target)}`, () =>
      new StoreLock(this.#store, target).liveHolder(),
    );
  }

  async breakLock(target: TargetRef): Promise<HeldLock | null> {
    return await this.#described(`unlocking ${label(target)}`, () => new StoreLock(this.#store, target).break());
  }

  async readState(key: StateKey): Promise<JobState | null> {
    const target = targetOf(key);
    const manifest = await this.#latest(target);
    const state = manifest?.states[key.pipeline];
    return state === undefined ? null : parseState(state, this.#place(target));
  }

  async listStates(pipeline: string | null): Promise<JobState[]> {
    return await this.#described('listing states', async () => {
      const states: JobState[] = [];
      for (const schema of (await namesBelow(this.#store, '')).folders) {
        for (const table of (await namesBelow(this.#store, `${schema}/`)).folders) {
          const manifest = await Manifests.at(this.#store, `${schema}/${table}/`).latest();
          for (const [name, state] of Object.entries(manifest?.states ?? {})) {
            if (manifest && (pipeline === null || pipeline === name))
              states.push(parseState(state, this.#place(manifest)));
          }
        }
      }
      return states;
    });
  }

  async writeState(key: StateKey, state: JobState | null): Promise<void> {
    const target = targetOf(key);
    await this.#exclusively(target, NEVER, `writing the state of ${label(target)}`, async (manifests) => {
      const current = await manifests.latest();
      if (!state && current?.states[key.pipeline] === undefined) return;
      const { [key.pipeline]: _, ...states } = current?.states ?? {};
      if (state) states[key.pipeline] = JSON.parse(encodeState(state));
      if (!(await manifests.commit({ ...(current ?? manifests.empty()), states }, this.#now())))
        throw overtaken(target);
    });
  }

  async describeTables(target: TargetRef): Promise<ExistingTable[]> {
    const manifest = await this.#latest(target);
    return (manifest?.tables ?? []).map((table) => ({
      name: table.name,
      columns: table.columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    }));
  }

  async load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult> {
    const { manifest: packed } = pack;
    const target = { schema: packed.target_schema, table: packed.target_table };
    return await this.#exclusively(target, signal, `loading ${label(target)}`, async (manifests) => {
      const current = (await manifests.latest()) ?? manifests.empty();
      await this.#cleanUp(target, current);
      if (hasLoad(current, packed.load_id)) return { loaded: false, rows: 0 };
      const note = await this.#announce(pack, current);
      const written: string[] = [];
      try {
        const staged = await this.#stage(pack, changes, current, signal, written);
        throwIfCancelled(signal);
        await this.#commit(manifests, this.#completed(staged, pack), target, packed.load_id);
      } catch (error) {
        await this.#undo(manifests, packed.load_id, [...written, note]);
        throw signal.aborted && !isIngestError(error) ? cancelled(signal) : error;
      }
      // The load is visible. What cannot be removed now is removed by the next load.
      const after = await manifests.latest().catch(() => null);
      if (after) await this.#cleanUp(target, after).catch(() => undefined);
      await manifests.prune().catch(() => undefined);
      return { loaded: true, rows: (packed.tables[0]?.files ?? []).reduce((sum, file) => sum + file.rows, 0) };
    });
  }

  async from(target: TargetRef, table: string): Promise<string> {
    // A load may replace files between the look at the manifest and their copying: the next manifest names others.
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#described(`reading ${target.schema}.${table}`, () => this.#from(target, table));
      } catch (error) {
        if (!isObjectGone(error) || attempt === MOST_LOOKS) throw error;
      }
    }
  }

  async #from(target: TargetRef, table: string): Promise<string> {
    const stored = (await this.#latest(target))?.tables.find((candidate) => candidate.name === table);
    if (!stored) {
      throw new IngestError(
        'TABLE_NOT_FOUND',
        `There is no table ${target.schema}.${table} in ${this.#store.location}.`,
        {
          hint: 'Load it first.',
        },
      );
    }
    const prefix = tablePrefix(target.schema, table);
    const keys = stored.files.map((file) => prefix + file.name);
    const copies = await localCopies(this.#store, keys, this.#tempDirectory, NEVER);
    this.#copies.push(copies);
    return tableRows(stored.columns, copies.paths);
  }

  location(): string {
    return this.#store.location;
  }

  async close(): Promise<void> {
    await Promise.all(this.#copies.splice(0).map((copies) => copies.release()));
    await this.#store.close();
  }

  async #stage(
    pack: LoadPackage,
    changes: SchemaChange[],
    current: StoreManifest,
    signal: AbortSignal,
    written: string[],
  ) {
    const connection = await this.#workspace.connect();
    const unwatch = connection.interruptOn(signal);
    try {
      const uniqueName = (prefix: string) => this.#workspace.uniqueName(prefix);
      return await stageLoad(
        pack,
        changes,
        current,
        { store: this.#store, connection, tempDirectory: this.#tempDirectory, uniqueName, signal },
        written,
      );
    } finally {
      unwatch();
      connection.close();
    }
  }

  #completed(staged: StoreManifest, pack: LoadPackage): StoreManifest {
    const { load_id, pipeline, state, tables } = pack.manifest;
    const rows = (tables[0]?.files ?? []).reduce((sum, file) => sum + file.rows, 0);
    return {
      ...staged,
      states: state ? { ...staged.states, [pipeline]: JSON.parse(encodeState(state)) } : staged.states,
      loads: [...staged.loads, { load_id, pipeline, status: 0, inserted_at: this.#now().toISOString(), rows }],
    };
  }

  /** The one step that makes a load visible. When its answer is lost, the newest manifest tells what happened. */
  async #commit(manifests: Manifests, next: StoreManifest, target: TargetRef, loadId: string): Promise<void> {
    const failed = await manifests.commit(next, this.#now()).then(
      (first) => (first ? null : overtaken(target)),
      (error: unknown) => error,
    );
    if (failed !== null && !hasLoad(await manifests.latest(), loadId)) throw failed;
  }

  /** Says which load writes files before it does, so that the next one finds what a killed one left. */
  async #announce(pack: LoadPackage, current: StoreManifest): Promise<string> {
    const { target_schema: schema, target_table: table, load_id: loadId, tables } = pack.manifest;
    const key = `${tablePrefix(schema, table)}_manifests/${loadId}.loading`;
    const names = new Set([...current.tables, ...tables].map((candidate) => candidate.name));
    const note = { load_id: loadId, base: current.number, tables: [...names] } satisfies Announcement;
    await this.#store.put(key, JSON.stringify(note), 'absent');
    return key;
  }

  /** Takes away what a failed load wrote, unless it became visible after all or that cannot be told. */
  async #undo(manifests: Manifests, loadId: string, keys: string[]): Promise<void> {
    try {
      if (hasLoad(await manifests.latest(), loadId)) return;
      await this.#store.delete(keys);
    } catch {
      // The announcement is still there: the next load cleans up.
    }
  }

  /**
   * Removes files that no longer count: those the manifest lists as garbage, and those of announced loads that never became visible
   * and never will, since the manifest that they would have to commit is another's. (One that may still run is left alone.)
   * Nothing else is touched, whatever lies in the folder. A file that cannot be removed (Windows: somebody reads it) waits for the next load.
   */
  async #cleanUp(target: TargetRef, manifest: StoreManifest): Promise<void> {
    const used = new Set(keysOf(manifest));
    manifest.garbage = await this.#remove(manifest.garbage.filter((key) => !used.has(key)));
    const prefix = `${tablePrefix(target.schema, target.table)}_manifests/`;
    const { objects } = await namesBelow(this.#store, prefix);
    for (const note of objects.filter((name) => name.endsWith('.loading'))) {
      const announced = parseNote(await readText(this.#store, prefix + note));
      if (announced && announced.base >= manifest.number) continue;
      const left: string[] = [];
      for (const table of announced?.tables ?? []) {
        const folder = tablePrefix(target.schema, table);
        await this.#store.dropUploads?.(`${folder}${announced?.load_id}.`);
        for (const name of (await namesBelow(this.#store, folder)).objects)
          if (isFileOfLoad(name, announced?.load_id ?? '') && !used.has(folder + name)) left.push(folder + name);
      }
      if ((await this.#remove(left)).length === 0) await this.#store.delete([prefix + note]);
    }
  }

  /** Gives back the keys that could not be removed. */
  async #remove(keys: readonly string[]): Promise<string[]> {
    if (keys.length === 0) return [];
    try {
      await this.#store.delete(keys);
      return [];
    } catch {
      const left: string[] = [];
      for (const key of keys) await this.#store.delete([key]).catch(() => left.push(key));
      return left;
    }
  }

  async #latest(target: TargetRef): Promise<StoreManifest | null> {
    if (this.#isAbsent) return null;
    return await this.#described(`reading the manifest of ${label(target)}`, () =>
      new Manifests(this.#store, target).latest(),
    );
  }

  async #exclusively<T>(
    target: TargetRef,
    signal: AbortSignal,
    doing: string,
    task: (manifests: Manifests) => Promise<T>,
  ): Promise<T> {
    const key = `${this.#store.location}|${tablePrefix(target.schema, target.table)}`;
    const mutex = writers.get(key) ?? new Mutex();
    writers.set(key, mutex);
    return await mutex.run(signal, () => this.#described(doing, () => task(new Manifests(this.#store, target))));
  }

  async #described<T>(doing: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw describeStoreError(error, this.#store.location, doing);
    }
  }

  #place(target: TargetRef): string {
    return `${label(target)} in ${this.#store.location}`;
  }
}

function hasLoad(manifest: StoreManifest | null, loadId: string): boolean {
  return manifest?.loads.some((load) => load.load_id === loadId) ?? false;
}

function isFileOfLoad(name: string, loadId: string): boolean {
  return loadId !== '' && name.startsWith(`${loadId}.`) && /^\d+\.parquet$/.test(name.slice(loadId.length + 1));
}

/** What a load says before it writes: which files may be its own, and the number of the manifest that it builds on. */
interface Announcement {
  load_id: string;
  base: number;
  tables: string[];
}

function parseNote(text: string | null): Announcement | null {
  try {
    const note = JSON.parse(text ?? 'null');
    return typeof note?.load_id === 'string' && Number.isInteger(note.base) && Array.isArray(note.tables) ? note : null;
  } catch {
    return null;
  }
}

function targetOf(key: StateKey): TargetRef {
  return { schema: key.target_schema, table: key.target_table };
}

function label(target: TargetRef): string {
  return `${target.schema}.${target.table}`;
}

function overtaken(target: TargetRef): IngestError {
  return new IngestError('DESTINATION_CHANGED', `Another run changed ${label(target)} at the same time.`, {
    hint: 'Nothing of this load is visible; run again.',
    retryable: true,
  });
}
