import { isNumericWidening } from '../../../duckdb/widening.ts';
import { cancelled, IngestError, isIngestError } from '../../../errors.ts';
import type { LoadPackage } from '../../../load/load-package.ts';
import type { Destination, ExistingTable, LoadResult, SchemaChange, TargetRef } from '../../destination.ts';
import { hasLoad, type Manifests, type StoreManifest, tablePrefix } from '../manifest.ts';
import type { StoreLoadContext } from '../rewrite.ts';
import {
  label,
  NEVER,
  type ObjectStoreDestinationConfig,
  type ObjectStoreDestinationOptions,
  overtaken,
  rowsOfPackage,
  StoreDestination,
  tableNotFound,
} from '../store-destination.ts';
import { tableRows } from '../stored-rows.ts';
import type { DeltaSnapshot } from './actions.ts';
import { checkpointReader } from './checkpoint.ts';
import { type LoadAttempt, loadTables, type TargetTable } from './delta-load.ts';
import { DeltaLog } from './delta-log.ts';
import { LoadNotes } from './load-notes.ts';
import { checkReadable } from './protocol.ts';
import { columnsOf, fieldsOf } from './schema.ts';

/** Times that a manifest is written anew after others were first. */
const MOST_COMMITS = 20;

/**
 * Delta tables `<schema>/<table>/` in a folder or bucket: the files of a Parquet folder, with a log that Spark, Fabric, DuckDB and others read.
 * A load is one commit a table. The state and the list of loads follow in the target's manifest; that a load comes only once, the logs say.
 */
export function createDeltaDestination(
  config: ObjectStoreDestinationConfig,
  options: ObjectStoreDestinationOptions,
): Destination {
  return new DeltaDestination(config, options);
}

class DeltaDestination extends StoreDestination {
  readonly capabilities = {
    types: 'portable',
    // A name becomes a folder's name, and Windows' paths are short.
    maxIdentifierLength: 120,
    transactional: false,
    // Old files are written anew in the same commit, so that no reader needs the feature typeWidening.
    canWiden: isNumericWidening,
  } as const;

  constructor(config: ObjectStoreDestinationConfig, options: ObjectStoreDestinationOptions) {
    super('delta', config, options);
  }

  async describeTables(target: TargetRef): Promise<ExistingTable[]> {
    const manifest = await this.latest(target);
    return await this.described(`reading ${label(target)}`, async () => {
      const tables: ExistingTable[] = [];
      for (const { name } of tablesOf(target, manifest)) {
        const snapshot = await this.#snapshot(target.schema, name);
        if (snapshot === null) continue;
        const columns = columnsOf(fieldsOf(snapshot.metadata.schemaString, this.#place(target.schema, name)));
        tables.push({ name, columns: columns.map(({ name, type, nullable }) => ({ name, type, nullable })) });
      }
      return tables;
    });
  }

  async load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult> {
    const { target_schema: schema, target_table: table, load_id: loadId } = pack.manifest;
    const target = { schema, table };
    return await this.exclusively(target, signal, `loading ${label(target)}`, (manifests) =>
      this.withConnection(signal, async (context) => {
        const log = (name: string) => this.#log(schema, name, context);
        const notes = new LoadNotes({ store: this.store, schema, table, log });
        // Whoever loads holds the target's lock: what others began there is over.
        const current = (await manifests.latest()) ?? manifests.empty();
        const abandoned = await notes.takeOver(current, pack.manifest.pipeline, signal);
        await notes.cleanUp(current, signal);
        if (hasLoad(current, loadId)) return { loaded: false, rows: 0 };
        abandoned.delete(loadId);
        const tables = tablesOf(target, current, pack);
        const note = await notes.announce(
          pack.manifest,
          tables.map(({ name }) => name),
        );
        const attempt: LoadAttempt = { written: new Set(), hasCommitted: false, isUncertain: false };
        try {
          await this.#listTables(manifests, target, tables);
          const place = (name: string) => this.#place(schema, name);
          const fence = async () => {
            if ((await this.store.stat(note.key, signal)) === null) throw takenOver(target);
          };
          const load = { ...context, token: note.token, log, place, now: this.now, fence, abandoned };
          await loadTables(pack, changes, tables, load, attempt);
          await this.#commitState(manifests, target, pack);
        } catch (error) {
          await this.#undo(attempt, note.key);
          throw signal.aborted && !isIngestError(error) ? cancelled(signal) : error;
        }
        // What cannot be removed now is removed by the next load.
        if ((await this.removed([...attempt.written])).length === 0) await this.removed([note.key]);
        const after = await manifests.latest().catch(() => null);
        if (after) await notes.cleanUp(after, signal).catch(() => undefined);
        await manifests.prune().catch(() => undefined);
        return { loaded: true, rows: rowsOfPackage(pack) };
      }),
    );
  }

  protected async rowsOf(target: TargetRef, table: string): Promise<string> {
    const snapshot = await this.#snapshot(target.schema, table);
    if (snapshot === null) throw tableNotFound(target.schema, table, this.store.location);
    const columns = columnsOf(fieldsOf(snapshot.metadata.schemaString, this.#place(target.schema, table)));
    const prefix = tablePrefix(target.schema, table);
    return tableRows(columns, await this.copied([...snapshot.files.keys()].map((path) => prefix + path)));
  }

  /** The target's tables are known before the first of them is made: no death may leave one that nobody knows. */
  async #listTables(manifests: Manifests, target: TargetRef, tables: readonly TargetTable[]): Promise<void> {
    await this.#update(manifests, target, (manifest) => {
      const known = new Set(manifest.tables.map(({ name }) => name));
      const fresh = tables.filter(({ name }) => !known.has(name));
      if (fresh.length === 0) return null;
      return {
        ...manifest,
        tables: [...manifest.tables, ...fresh.map((table) => ({ ...table, columns: [], files: [] }))],
      };
    });
  }

  async #commitState(manifests: Manifests, target: TargetRef, pack: LoadPackage): Promise<void> {
    await this.#update(manifests, target, (manifest) =>
      hasLoad(manifest, pack.manifest.load_id) ? null : this.completed(manifest, pack),
    );
  }

  /** Another pipeline's state may be written to the same manifest meanwhile. */
  async #update(
    manifests: Manifests,
    target: TargetRef,
    change: (manifest: StoreManifest) => StoreManifest | null,
  ): Promise<void> {
    for (let attempt = 0; attempt < MOST_COMMITS; attempt += 1) {
      const next = change((await manifests.latest()) ?? manifests.empty());
      if (next === null || (await manifests.commit(next, this.now()))) return;
    }
    throw overtaken(target);
  }

  /** Takes away what a failed load wrote and no commit names. Where that fails, cannot be told or is not all, its note says so to the next. */
  async #undo({ written, hasCommitted, isUncertain }: LoadAttempt, note: string): Promise<void> {
    if (isUncertain || (await this.removed([...written])).length > 0 || hasCommitted) return;
    await this.removed([note]);
  }

  #log(schema: string, table: string, context: Pick<StoreLoadContext, 'connection'>): DeltaLog {
    const reader = checkpointReader(this.store, context.connection, this.tempDirectory);
    return new DeltaLog(this.store, tablePrefix(schema, table), reader);
  }

  async #snapshot(schema: string, table: string): Promise<DeltaSnapshot | null> {
    return await this.withConnection(NEVER, async (context) => {
      const snapshot = await this.#log(schema, table, context).snapshot(NEVER);
      if (snapshot) checkReadable(snapshot, this.#place(schema, table));
      return snapshot;
    });
  }

  #place(schema: string, table: string): string {
    return `${schema}.${table} in ${this.store.location}`;
  }
}

/** The job's own table first, parents before children. */
function tablesOf(target: TargetRef, manifest: StoreManifest | null, pack?: LoadPackage): TargetTable[] {
  const tables = new Map<string, TargetTable>([[target.table, { name: target.table, parent: null }]]);
  for (const { name, parent } of [...(manifest?.tables ?? []), ...(pack?.manifest.tables ?? [])])
    if (!tables.has(name)) tables.set(name, { name, parent });
  return [...tables.values()];
}

function takenOver(target: TargetRef): IngestError {
  return new IngestError('DESTINATION_CHANGED', `Another run has taken over ${label(target)}: its lock was broken.`, {
    hint: 'Run again when the other run has ended. Tables that have this load already are passed over then.',
    retryable: true,
  });
}
