import { mkdir, stat } from 'node:fs/promises';
import type { Workspace, WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { namesBelow } from '../../object-stores/small-objects.ts';
import { isObjectGone } from '../../object-stores/store-errors.ts';
import type { TableFormat } from '../../spec/kinds.ts';
import type { JobState, StateKey } from '../../state/job-state.ts';
import { encodeState, parseState } from '../../state/state-text.ts';
import type { HeldLock } from '../../state/target-lock.ts';
import type { DestinationCapabilities } from '../capabilities.ts';
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
import type { StoreLoadContext } from './rewrite.ts';
import { describeStoreError } from './store-errors.ts';
import { StoreLock } from './store-lock.ts';

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

/** One writer a target inside this process, whatever destinations it has open; between processes the lock and exclusive writes do it. */
const writers = new Map<string, Mutex>();

export const NEVER: AbortSignal = new AbortController().signal;
/** Times that a reader looks anew when others write faster than it reads. */
const MOST_LOOKS = 10;

/** What the formats share: folders, locks, and states in manifests next to the data. A format says what a table is. */
export abstract class StoreDestination implements Destination {
  readonly name: string;
  readonly defaultSchema: string;
  abstract readonly capabilities: DestinationCapabilities;
  protected readonly store: ObjectStore;
  protected readonly workspace: Workspace;
  protected readonly tempDirectory: string;
  protected readonly now: () => Date;
  readonly #format: TableFormat;
  readonly #lookOnly: boolean;
  /** A folder that is only looked at, and is not there. */
  #isAbsent = false;
  /** What {@link from} copied; queries read it until the end. */
  readonly #copies: LocalCopies[] = [];

  constructor(format: TableFormat, config: ObjectStoreDestinationConfig, options: ObjectStoreDestinationOptions) {
    this.#format = format;
    this.name = config.name;
    this.defaultSchema = config.schema;
    this.store = options.store;
    this.workspace = options.workspace;
    this.tempDirectory = options.tempDirectory;
    this.#lookOnly = options.lookOnly ?? false;
    this.now = options.now ?? (() => new Date());
  }

  async open(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await mkdir(this.tempDirectory, { recursive: true });
    if (this.#lookOnly && this.store.kind === 'local') {
      this.#isAbsent = (await stat(this.store.location).catch(() => null)) === null;
      return;
    }
    await this.described('opening it', () => this.store.prepare(signal));
  }

  async lock(target: TargetRef, owner: LockOwner): Promise<TargetLock> {
    return await this.described(`locking ${label(target)}`, () =>
      new StoreLock(this.store, target).take(owner, this.now()),
    );
  }

  async lockHolder(target: TargetRef): Promise<HeldLock | null> {
    if (this.#isAbsent) return null;
    return await this.described(`looking at the lock of ${label(target)}`, () =>
      new StoreLock(this.store, target).liveHolder(),
    );
  }

  async breakLock(target: TargetRef): Promise<HeldLock | null> {
    return await this.described(`unlocking ${label(target)}`, () => new StoreLock(this.store, target).break());
  }

  async readState(key: StateKey): Promise<JobState | null> {
    const target = targetOf(key);
    const manifest = await this.latest(target);
    const state = manifest?.states[key.pipeline];
    return state === undefined ? null : parseState(state, this.#place(target));
  }

  async listStates(pipeline: string | null): Promise<JobState[]> {
    return await this.described('listing states', async () => {
      const states: JobState[] = [];
      for (const schema of (await namesBelow(this.store, '')).folders) {
        for (const table of (await namesBelow(this.store, `${schema}/`)).folders) {
          const manifest = await Manifests.at(this.store, `${schema}/${table}/`).latest();
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
    await this.exclusively(target, NEVER, `writing the state of ${label(target)}`, async (manifests) => {
      const current = await manifests.latest();
      if (!state && current?.states[key.pipeline] === undefined) return;
      const { [key.pipeline]: _, ...states } = current?.states ?? {};
      if (state) states[key.pipeline] = JSON.parse(encodeState(state));
      if (!(await manifests.commit({ ...(current ?? manifests.empty()), states }, this.now()))) throw overtaken(target);
    });
  }

  abstract describeTables(target: TargetRef): Promise<ExistingTable[]>;
  abstract load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult>;
  /** As {@link from}, once. */
  protected abstract rowsOf(target: TargetRef, table: string): Promise<string>;

  async from(target: TargetRef, table: string): Promise<string> {
    // A load may replace files between the look at what counts and their copying: the next look names others.
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.described(`reading ${target.schema}.${table}`, () => this.rowsOf(target, table));
      } catch (error) {
        if (!isObjectGone(error) || attempt === MOST_LOOKS) throw error;
      }
    }
  }

  location(): string {
    return this.store.location;
  }

  async close(): Promise<void> {
    await Promise.all(this.#copies.splice(0).map((copies) => copies.release()));
    await this.store.close();
  }

  /** Paths of objects that queries read until {@link close}. */
  protected async copied(keys: readonly string[]): Promise<string[]> {
    const copies = await localCopies(this.store, keys, this.tempDirectory, NEVER);
    this.#copies.push(copies);
    return copies.paths;
  }

  /** Gives a load a connection that its signal interrupts. */
  protected async withConnection<T>(signal: AbortSignal, task: (context: StoreLoadContext) => Promise<T>): Promise<T> {
    const connection: WorkspaceConnection = await this.workspace.connect();
    const unwatch = connection.interruptOn(signal);
    try {
      const uniqueName = (prefix: string) => this.workspace.uniqueName(prefix);
      return await task({ store: this.store, connection, tempDirectory: this.tempDirectory, uniqueName, signal });
    } finally {
      unwatch();
      connection.close();
    }
  }

  /** What the load and its state add to a manifest. */
  protected completed(staged: StoreManifest, pack: LoadPackage): StoreManifest {
    const { load_id, pipeline, state } = pack.manifest;
    const inserted_at = this.now().toISOString();
    return {
      ...staged,
      states: state ? { ...staged.states, [pipeline]: JSON.parse(encodeState(state)) } : staged.states,
      loads: [...staged.loads, { load_id, pipeline, status: 0, inserted_at, rows: rowsOfPackage(pack) }],
    };
  }

  /** Gives back the keys that could not be removed. */
  protected async removed(keys: readonly string[]): Promise<string[]> {
    if (keys.length === 0) return [];
    try {
      await this.store.delete(keys);
      return [];
    } catch {
      const left: string[] = [];
      for (const key of keys) await this.store.delete([key]).catch(() => left.push(key));
      return left;
    }
  }

  protected async latest(target: TargetRef): Promise<StoreManifest | null> {
    if (this.#isAbsent) return null;
    return await this.described(`reading the manifest of ${label(target)}`, () => this.#manifests(target).latest());
  }

  protected async exclusively<T>(
    target: TargetRef,
    signal: AbortSignal,
    doing: string,
    task: (manifests: Manifests) => Promise<T>,
  ): Promise<T> {
    const key = `${this.store.location}|${tablePrefix(target.schema, target.table)}`;
    const mutex = writers.get(key) ?? new Mutex();
    writers.set(key, mutex);
    return await mutex.run(signal, () => this.described(doing, () => task(this.#manifests(target))));
  }

  protected async described<T>(doing: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw describeStoreError(error, this.store.location, doing);
    }
  }

  #manifests(target: TargetRef): Manifests {
    return Manifests.of(this.store, target, this.#format);
  }

  #place(target: TargetRef): string {
    return `${label(target)} in ${this.store.location}`;
  }
}

/** Rows that a package brings to the job's own table. */
export function rowsOfPackage({ manifest: { tables } }: LoadPackage): number {
  return (tables[0]?.files ?? []).reduce((sum, file) => sum + file.rows, 0);
}

export function label(target: TargetRef): string {
  return `${target.schema}.${target.table}`;
}

export function overtaken(target: TargetRef): IngestError {
  return new IngestError('DESTINATION_CHANGED', `Another run changed ${label(target)} at the same time.`, {
    hint: 'Nothing of this load is visible; run again.',
    retryable: true,
  });
}

export function tableNotFound(schema: string, table: string, location: string): IngestError {
  return new IngestError('TABLE_NOT_FOUND', `There is no table ${schema}.${table} in ${location}.`, {
    hint: 'Load it first.',
  });
}

function targetOf(key: StateKey): TargetRef {
  return { schema: key.target_schema, table: key.target_table };
}
