import { randomBytes } from 'node:crypto';
import type { PackageManifest } from '../../../load/load-package.ts';
import type { ObjectStore } from '../../../object-stores/object-store.ts';
import { namesBelow, readText } from '../../../object-stores/small-objects.ts';
import type { WriteDisposition } from '../../../spec/kinds.ts';
import { hasLoad, manifestPrefix, type StoreManifest, tablePrefix } from '../manifest.ts';
import type { DeltaSnapshot } from './actions.ts';
import type { DeltaLog } from './delta-log.ts';

/** What an attempt to load says before it writes: which files may be its own. */
interface LoadNote {
  load_id: string;
  pipeline: string;
  disposition: WriteDisposition;
  /** With which the names of its files begin. */
  files: string;
  tables: string[];
}

/** An attempt that another took over from, and the versions of its tables then; a table's files go once it has a later version. */
interface CondemnedNote extends LoadNote {
  /** Null until the attempt's own note is gone. */
  versions: Record<string, number> | null;
}

export interface LoadNotesContext {
  store: ObjectStore;
  schema: string;
  /** The job's table, next to whose files the notes lie. */
  table: string;
  log(table: string): DeltaLog;
}

/**
 * Notes of loads that are under way. A load looks for its note right before each commit, after it read the version that the commit builds on. So once a
 * note was taken away and the table has gone on, its load cannot commit any more, and what it wrote can be removed: whether it died or only slept.
 */
export class LoadNotes {
  readonly #context: LoadNotesContext;
  readonly #prefix: string;

  constructor(context: LoadNotesContext) {
    this.#context = context;
    this.#prefix = manifestPrefix(tablePrefix(context.schema, context.table));
  }

  /** Announces an attempt. */
  async announce(
    { load_id, pipeline, write_disposition: disposition }: PackageManifest,
    tables: readonly string[],
  ): Promise<{ key: string; token: string }> {
    const token = randomBytes(4).toString('hex');
    const key = `${this.#prefix}${load_id}.${token}.loading`;
    const note: LoadNote = { load_id, pipeline, disposition, files: `${load_id}.${token}.`, tables: [...tables] };
    await this.#context.store.put(key, JSON.stringify(note), 'absent');
    return { key, token };
  }

  /**
   * Takes over from every attempt that has not ended. Gives the appends of a pipeline that began and never got their state: where such a package was lost
   * with its computer, its rows come again in another load.
   */
  async takeOver(manifest: StoreManifest | null, pipeline: string, signal: AbortSignal): Promise<Set<string>> {
    const { store } = this.#context;
    const { objects } = await namesBelow(store, this.#prefix, signal);
    for (const name of objects.filter((candidate) => candidate.endsWith('.loading'))) {
      const note = parsed<LoadNote>(await readText(store, this.#prefix + name, signal));
      const key = `${this.#prefix}${name.replace(/loading$/, 'condemned')}`;
      if (note) await store.put(key, JSON.stringify({ ...note, versions: null } satisfies CondemnedNote), null, signal);
      await store.delete([this.#prefix + name], signal);
    }
    const abandoned = new Set<string>();
    for (const { note } of await this.#condemned(signal))
      if (note.pipeline === pipeline && isStateless(note, manifest)) abandoned.add(note.load_id);
    return abandoned;
  }

  /** Removes what attempts left that cannot commit any more. Files that any version names stay. */
  async cleanUp(manifest: StoreManifest | null, signal: AbortSignal): Promise<void> {
    const { store } = this.#context;
    for (const { key, note } of await this.#condemned(signal)) {
      if (note.versions === null) {
        // A death in between may have left the attempt's own note.
        await store.delete([key.replace(/condemned$/, 'loading')], signal);
        const versions: Record<string, number> = {};
        for (const table of note.tables) versions[table] = await this.#context.log(table).version(signal);
        await store.put(key, JSON.stringify({ ...note, versions } satisfies CondemnedNote), null, signal);
        continue;
      }
      const { isClean, hasRows } = await this.#removeFiles(note, note.versions, signal);
      if (isClean && !(hasRows && isStateless(note, manifest))) await store.delete([key], signal);
    }
  }

  async #condemned(signal: AbortSignal): Promise<{ key: string; note: CondemnedNote }[]> {
    const { store } = this.#context;
    const { objects } = await namesBelow(store, this.#prefix, signal);
    const found: { key: string; note: CondemnedNote }[] = [];
    for (const name of objects.filter((candidate) => candidate.endsWith('.condemned'))) {
      const note = parsed<CondemnedNote>(await readText(store, this.#prefix + name, signal));
      if (note) found.push({ key: this.#prefix + name, note });
    }
    return found;
  }

  /** `isClean` is false while some files have to wait; `hasRows` says that a table has rows of the load. */
  async #removeFiles(note: LoadNote, versions: Record<string, number>, signal: AbortSignal) {
    const { store, schema } = this.#context;
    const found = { isClean: true, hasRows: false };
    for (const table of note.tables) {
      const folder = tablePrefix(schema, table);
      const { objects } = await namesBelow(store, folder, signal);
      const left = objects.filter((name) => name.startsWith(note.files) && name.endsWith('.parquet'));
      if (left.length > 0) {
        const snapshot = await this.#context.log(table).snapshot(signal);
        found.hasRows ||= left.some((name) => snapshot?.files.has(name));
        const useless = left.filter((name) => !isNamed(snapshot, name)).map((name) => folder + name);
        if (useless.length === 0) continue;
        if ((snapshot?.version ?? -1) <= (versions[table] ?? -1)) found.isClean = false;
        else await store.delete(useless, signal);
      }
      await store.dropUploads?.(folder + note.files, signal);
    }
    return found;
  }
}

/** An append of which the manifest knows nothing. What merges and replaces brought, the next load brings again without harm. */
function isStateless({ load_id, disposition }: LoadNote, manifest: StoreManifest | null): boolean {
  return disposition === 'append' && !hasLoad(manifest, load_id);
}

function isNamed(snapshot: DeltaSnapshot | null, name: string): boolean {
  return snapshot !== null && (snapshot.files.has(name) || snapshot.tombstones.has(name));
}

function parsed<Note>(text: string | null): Note | null {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
