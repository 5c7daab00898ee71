import { isNumericWidening } from '../../duckdb/widening.ts';
import { cancelled, isIngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import { namesBelow, readText } from '../../object-stores/small-objects.ts';
import type { Destination, ExistingTable, LoadResult, SchemaChange, TargetRef } from '../destination.ts';
import { hasLoad, type Manifests, manifestPrefix, type StoreManifest, tablePrefix } from './manifest.ts';
import {
  label,
  type ObjectStoreDestinationConfig,
  type ObjectStoreDestinationOptions,
  overtaken,
  rowsOfPackage,
  StoreDestination,
  tableNotFound,
} from './store-destination.ts';
import { keysOf, stageLoad } from './store-load.ts';
import { tableRows } from './stored-rows.ts';

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

class ObjectStoreDestination extends StoreDestination {
  readonly capabilities = {
    types: 'portable',
    // A name becomes a folder's name, and Windows' paths are short.
    maxIdentifierLength: 120,
    transactional: true,
    canWiden: isNumericWidening,
  } as const;

  constructor(config: ObjectStoreDestinationConfig, options: ObjectStoreDestinationOptions) {
    super('parquet', config, options);
  }

  async describeTables(target: TargetRef): Promise<ExistingTable[]> {
    const manifest = await this.latest(target);
    return (manifest?.tables ?? []).map((table) => ({
      name: table.name,
      columns: table.columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    }));
  }

  async load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult> {
    const { manifest: packed } = pack;
    const target = { schema: packed.target_schema, table: packed.target_table };
    return await this.exclusively(target, signal, `loading ${label(target)}`, async (manifests) => {
      const current = (await manifests.latest()) ?? manifests.empty();
      await this.#cleanUp(target, current);
      if (hasLoad(current, packed.load_id)) return { loaded: false, rows: 0 };
      const note = await this.#announce(pack, current);
      const written: string[] = [];
      try {
        const staged = await this.withConnection(signal, (context) =>
          stageLoad(pack, changes, current, context, written),
        );
        throwIfCancelled(signal);
        await this.#commit(manifests, this.completed(staged, pack), target, packed.load_id);
      } catch (error) {
        await this.#undo(manifests, packed.load_id, [...written, note]);
        throw signal.aborted && !isIngestError(error) ? cancelled(signal) : error;
      }
      // The load is visible. What cannot be removed now is removed by the next load.
      const after = await manifests.latest().catch(() => null);
      if (after) await this.#cleanUp(target, after).catch(() => undefined);
      await manifests.prune().catch(() => undefined);
      return { loaded: true, rows: rowsOfPackage(pack) };
    });
  }

  protected async rowsOf(target: TargetRef, table: string): Promise<string> {
    const stored = (await this.latest(target))?.tables.find((candidate) => candidate.name === table);
    if (!stored) throw tableNotFound(target.schema, table, this.store.location);
    const prefix = tablePrefix(target.schema, table);
    return tableRows(stored.columns, await this.copied(stored.files.map((file) => prefix + file.name)));
  }

  /** The one step that makes a load visible. When its answer is lost, the newest manifest tells what happened. */
  async #commit(manifests: Manifests, next: StoreManifest, target: TargetRef, loadId: string): Promise<void> {
    const failed = await manifests.commit(next, this.now()).then(
      (first) => (first ? null : overtaken(target)),
      (error: unknown) => error,
    );
    if (failed !== null && !hasLoad(await manifests.latest(), loadId)) throw failed;
  }

  /** Says which load writes files before it does, so that the next one finds what a killed one left. */
  async #announce(pack: LoadPackage, current: StoreManifest): Promise<string> {
    const { target_schema: schema, target_table: table, load_id: loadId, tables } = pack.manifest;
    const key = `${manifestPrefix(tablePrefix(schema, table))}${loadId}.loading`;
    const names = new Set([...current.tables, ...tables].map((candidate) => candidate.name));
    const note = { load_id: loadId, base: current.number, tables: [...names] } satisfies Announcement;
    await this.store.put(key, JSON.stringify(note), 'absent');
    return key;
  }

  /** Takes away what a failed load wrote, unless it became visible after all or that cannot be told. */
  async #undo(manifests: Manifests, loadId: string, keys: string[]): Promise<void> {
    try {
      if (hasLoad(await manifests.latest(), loadId)) return;
      await this.store.delete(keys);
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
    manifest.garbage = await this.removed(manifest.garbage.filter((key) => !used.has(key)));
    const prefix = manifestPrefix(tablePrefix(target.schema, target.table));
    const { objects } = await namesBelow(this.store, prefix);
    for (const note of objects.filter((name) => name.endsWith('.loading'))) {
      const announced = parseNote(await readText(this.store, prefix + note));
      if (announced && announced.base >= manifest.number) continue;
      const left: string[] = [];
      for (const table of announced?.tables ?? []) {
        const folder = tablePrefix(target.schema, table);
        await this.store.dropUploads?.(`${folder}${announced?.load_id}.`);
        for (const name of (await namesBelow(this.store, folder)).objects)
          if (isFileOfLoad(name, announced?.load_id ?? '') && !used.has(folder + name)) left.push(folder + name);
      }
      if ((await this.removed(left)).length === 0) await this.store.delete([prefix + note]);
    }
  }
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
