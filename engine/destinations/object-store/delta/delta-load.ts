import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { cancelled, IngestError, throwIfCancelled } from '../../../errors.ts';
import type { LoadPackage, PackageColumn } from '../../../load/load-package.ts';
import type { SchemaChange } from '../../destination.ts';
import { type StoredFile, type StoredTable, tablePrefix } from '../manifest.ts';
import { keyColumns, type Rewriting, rewritten, type StoreLoadContext, takeOutMerged } from '../rewrite.ts';
import { label, overtaken } from '../store-destination.ts';
import { storedFiles } from '../stored-rows.ts';
import type { Action, DeltaSnapshot } from './actions.ts';
import { writeCheckpoint } from './checkpoint.ts';
import type { DeltaLog } from './delta-log.ts';
import { evolveFields } from './evolve-table.ts';
import { type LandedFiles, landedFiles } from './landed-files.ts';
import { checkWritable, LEAST_PROTOCOL } from './protocol.ts';
import { columnsOf, type DeltaField, fieldsOf, schemaString } from './schema.ts';
import { fileStats } from './stats.ts';

/** Times that a load is fitted to what other writers did meanwhile. */
const MOST_ROUNDS = 20;
const LONGEST_PAUSE = 200;
/** Delta's default of `delta.checkpointInterval`. */
const CHECKPOINT_INTERVAL = 10;

export interface DeltaLoadContext extends StoreLoadContext {
  /** The rest of the names of this attempt's files: no attempt ever writes over another's. */
  token: string;
  log(table: string): DeltaLog;
  /** A table for people. */
  place(table: string): string;
  now(): Date;
  /** Loads that are taken back in the same commits. */
  abandoned: ReadonlySet<string>;
  /** Throws where another run has taken over; called right before each commit. */
  fence(): Promise<void>;
}

/** What an attempt to load has done so far. */
export interface LoadAttempt {
  /** Keys of files that no commit names (yet). */
  written: Set<string>;
  /** Some table has the load. */
  hasCommitted: boolean;
  /** A commit was sent and nobody knows whether it arrived: what it names must stay. */
  isUncertain: boolean;
}

/** A table of the target: the job's own first, parents before children. */
export interface TargetTable {
  name: string;
  parent: string | null;
}

/** A table that the load still has to reach. */
interface PendingTable extends TargetTable {
  snapshot: DeltaSnapshot | null;
  fields: DeltaField[];
  stored: StoredTable;
}

/**
 * Brings a package into its tables, one commit a table: child tables first, the deepest before its parents, so that a row that is seen has its children, and
 * so that a merge that died can still tell by the parents' old rows what goes. A table that has the load already is passed over.
 * Where another writer was first, the rest is fitted to what that writer left, and tried again.
 */
export async function loadTables(
  pack: LoadPackage,
  changes: SchemaChange[],
  tables: readonly TargetTable[],
  context: DeltaLoadContext,
  attempt: LoadAttempt,
): Promise<void> {
  const folder = await mkdtemp(join(context.tempDirectory, 'landed-'));
  try {
    await new DeltaLoad(pack, changes, tables, context, attempt, folder).run();
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

class DeltaLoad {
  readonly #pack: LoadPackage;
  readonly #changes: SchemaChange[];
  readonly #tables: readonly TargetTable[];
  readonly #context: DeltaLoadContext;
  readonly #attempt: LoadAttempt;
  readonly #folder: string;
  readonly #schema: string;
  #files = 0;
  /** By name of a file of this attempt. */
  readonly #stats = new Map<string, string>();
  /** The package's own files, made and brought once, by table. */
  readonly #landed = new Map<string, { columns: string; landed: LandedFiles; files: StoredFile[] }>();
  /** How far this pipeline had come in each table when the load began. */
  readonly #before = new Map<string, number | null>();

  constructor(
    pack: LoadPackage,
    changes: SchemaChange[],
    tables: readonly TargetTable[],
    context: DeltaLoadContext,
    attempt: LoadAttempt,
    folder: string,
  ) {
    this.#pack = pack;
    this.#changes = changes;
    this.#tables = tables;
    this.#context = context;
    this.#attempt = attempt;
    this.#folder = folder;
    this.#schema = pack.manifest.target_schema;
  }

  async run(): Promise<void> {
    for (let round = 1; ; round += 1) {
      throwIfCancelled(this.#context.signal);
      const pending = await this.#pending();
      await this.#stage(pending);
      if (await this.#commitAll(pending)) return;
      if (round === MOST_ROUNDS) throw this.#tooBusy();
      await setTimeout(Math.random() * Math.min(LONGEST_PAUSE, 10 * 2 ** round), null, {
        signal: this.#context.signal,
      }).catch(() => {
        throw cancelled(this.#context.signal);
      });
    }
  }

  async #pending(): Promise<PendingTable[]> {
    const { manifest } = this.#pack;
    const pending: PendingTable[] = [];
    const rewrites = ({ append: 'nothing', replace: 'everything', merge: 'some' } as const)[manifest.write_disposition];
    for (const { name, parent } of this.#tables) {
      const snapshot = await this.#context.log(name).snapshot(this.#context.signal);
      const part = manifest.tables.find((table) => table.name === name) ?? null;
      if (snapshot === null && part === null) continue;
      if (snapshot) {
        if (hasLanded(snapshot, this.#pack)) continue;
        this.#checkRival(name, snapshot);
        checkWritable(snapshot, rewrites, this.#context.place(name));
      } else this.#before.set(name, null);
      const old = snapshot && fieldsOf(snapshot.metadata.schemaString, this.#context.place(name));
      const { fields, rewrite } = evolveFields(name, old, this.#changes, part);
      if (snapshot && rewrite) checkWritable(snapshot, 'everything', this.#context.place(name));
      const files = filesOf(snapshot).filter((file) => !this.#isAbandoned(file.name));
      pending.push({ name, parent, snapshot, fields, stored: { name, parent, columns: columnsOf(fields), files } });
    }
    return pending;
  }

  #isAbandoned(file: string): boolean {
    return [...this.#context.abandoned].some((loadId) => file.startsWith(`${loadId}.`));
  }

  /** Another run of this pipeline has loaded since: its rows may be the same as ours. */
  #checkRival(table: string, snapshot: DeltaSnapshot): void {
    const reached = snapshot.transactions.get(applicationOf(this.#pack))?.version ?? null;
    const before = this.#before.get(table);
    if (before === undefined) this.#before.set(table, reached);
    else if (before !== reached) throw overtaken({ schema: this.#schema, table: this.#pack.manifest.target_table });
  }

  /** Brings the files that the tables are to have; `stored.files` becomes those. */
  async #stage(pending: readonly PendingTable[]): Promise<void> {
    const { manifest } = this.#pack;
    const work: Rewriting = {
      schema: this.#schema,
      tables: pending.map(({ stored }) => stored),
      rewrite: new Set(pending.flatMap((table) => (this.#isRewritten(table) ? [table.name] : []))),
      put: (table, path, bytes) => {
        const columns = pending.find(({ name }) => name === table)?.stored.columns ?? [];
        return this.#put(table, path, bytes, columns);
      },
      context: this.#context,
    };
    const landed = new Map<string, LandedFiles>();
    for (const table of pending) landed.set(table.name, await this.#land(table));
    const keys = manifest.write_disposition === 'merge' ? keyColumns(this.#pack) : [];
    const root = landed.get(manifest.target_table);
    if (manifest.write_disposition === 'replace') for (const { stored } of pending) stored.files = [];
    else if (keys.length > 0 && root && root.files.length > 0) {
      const rows = storedFiles(
        root.columns,
        root.files.map(({ path }) => path),
      );
      await takeOutMerged(work, { columns: keys, rows });
    } else {
      for (const { stored } of pending)
        if (work.rewrite.has(stored.name)) stored.files = await rewritten(work, stored, stored.files, null);
    }
    for (const { stored } of pending) stored.files.push(...(await this.#brought(stored)));
  }

  #isRewritten({ name, snapshot, fields }: PendingTable): boolean {
    if (snapshot === null) return false;
    const old = fieldsOf(snapshot.metadata.schemaString, name);
    return old.some(
      (field) =>
        JSON.stringify(field.type) !== JSON.stringify(fields.find((candidate) => candidate.name === field.name)?.type),
    );
  }

  /** The package's files of a table with the table's types. */
  async #land({ stored }: PendingTable): Promise<LandedFiles> {
    const part = this.#pack.manifest.tables.find((table) => table.name === stored.name);
    if (!part) return { columns: [], files: [] };
    const columns = JSON.stringify(stored.columns);
    const known = this.#landed.get(stored.name);
    if (known?.columns === columns) return known.landed;
    const landed = await landedFiles(
      this.#pack,
      part,
      stored.columns,
      join(this.#folder, String(this.#files)),
      this.#context,
    );
    this.#landed.set(stored.name, { columns, landed, files: [] });
    return landed;
  }

  /** The same in the store. */
  async #brought(stored: StoredTable): Promise<StoredFile[]> {
    const own = this.#landed.get(stored.name);
    if (!own) return [];
    for (const { path, rows, bytes } of own.landed.files.slice(own.files.length))
      own.files.push({ name: await this.#put(stored.name, path, bytes, own.landed.columns), rows, bytes });
    return own.files;
  }

  async #put(table: string, path: string, bytes: number, columns: readonly PackageColumn[]): Promise<string> {
    const { store, signal, token, connection } = this.#context;
    throwIfCancelled(signal);
    const name = `${this.#pack.manifest.load_id}.${token}.${this.#files}.parquet`;
    this.#files += 1;
    this.#stats.set(name, await fileStats(path, columns, connection));
    const key = tablePrefix(this.#schema, table) + name;
    this.#attempt.written.add(key);
    await store.write(key, createReadStream(path), bytes, signal);
    return name;
  }

  /** False where another writer was first; then nothing of the tables that remain is to be seen. */
  async #commitAll(pending: readonly PendingTable[]): Promise<boolean> {
    for (const table of pending.toReversed()) {
      const actions = this.#actions(table);
      if (actions.length === 0) continue;
      const { signal } = this.#context;
      throwIfCancelled(signal);
      const version = (table.snapshot?.version ?? -1) + 1;
      await this.#context.fence();
      const log = this.#context.log(table.name);
      if (!(await this.#commit(log, version, actions))) {
        await this.#dropRewritten(pending);
        return false;
      }
      for (const { add } of actions)
        if (add) this.#attempt.written.delete(tablePrefix(this.#schema, table.name) + add.path);
      // The commit stands, whatever becomes of its checkpoint.
      await this.#checkpoint(log, version, table.snapshot).catch(() => undefined);
    }
    return true;
  }

  /** When the answer is lost, the log tells what happened; where it does not know of the commit, it may still come. */
  async #commit(log: DeltaLog, version: number, actions: readonly Action[]): Promise<boolean> {
    try {
      return await log.commit(version, actions, this.#context.signal);
    } catch (error) {
      this.#attempt.isUncertain = true;
      const snapshot = await log.snapshot(this.#context.signal).catch(() => null);
      if (snapshot && snapshot.version >= version && hasLanded(snapshot, this.#pack)) {
        this.#attempt.isUncertain = false;
        return true;
      }
      throw error;
    }
  }

  #actions({ snapshot, fields, stored }: PendingTable): Action[] {
    const before = filesOf(snapshot);
    const now = this.#context.now().getTime();
    const old = new Set(before.map(({ name }) => name));
    const kept = new Set(stored.files.map(({ name }) => name));
    const removes: Action[] = before
      .filter(({ name }) => !kept.has(name))
      .map(({ name, bytes }) => ({
        remove: {
          path: snapshot?.files.get(name)?.path ?? name,
          deletionTimestamp: now,
          dataChange: true,
          extendedFileMetadata: true,
          partitionValues: {},
          size: bytes,
        },
      }));
    const adds: Action[] = stored.files
      .filter(({ name }) => !old.has(name))
      .map(({ name, bytes }) => ({
        add: {
          path: name,
          partitionValues: {},
          size: bytes,
          modificationTime: now,
          dataChange: true,
          stats: this.#stats.get(name) ?? null,
        },
      }));
    const dress = this.#dress(snapshot, fields, now);
    if (dress.length + removes.length + adds.length === 0) return [];
    const { load_id, write_disposition } = this.#pack.manifest;
    const appId = applicationOf(this.#pack);
    return [
      {
        commitInfo: {
          timestamp: now,
          ...operationOf(this.#pack),
          engineInfo: 'Ingest Studio',
          isBlindAppend: removes.length === 0 && write_disposition === 'append',
          txnId: randomUUID(),
          loadId: load_id,
        },
      },
      ...dress,
      { txn: { appId, version: transactionVersion(load_id), lastUpdated: now } },
      ...removes,
      ...adds,
    ];
  }

  #dress(snapshot: DeltaSnapshot | null, fields: readonly DeltaField[], now: number): Action[] {
    const schema = schemaString(fields);
    if (snapshot === null) {
      const metaData = {
        id: randomUUID(),
        format: { provider: 'parquet', options: {} },
        schemaString: schema,
        partitionColumns: [],
        configuration: {},
        createdTime: now,
      };
      return [{ protocol: LEAST_PROTOCOL }, { metaData }];
    }
    const old = schemaString((JSON.parse(snapshot.metadata.schemaString) as { fields: DeltaField[] }).fields);
    return old === schema ? [] : [{ metaData: { ...snapshot.metadata, schemaString: schema } }];
  }

  /** What was written anew from files of an older version is of no use; the package's own files are. */
  async #dropRewritten(pending: readonly PendingTable[]): Promise<void> {
    const own = new Set(
      pending.flatMap(({ name }) =>
        (this.#landed.get(name)?.files ?? []).map((file) => tablePrefix(this.#schema, name) + file.name),
      ),
    );
    const useless = [...this.#attempt.written].filter((key) => !own.has(key));
    if (useless.length === 0) return;
    // What cannot be removed now goes with what a dead load would leave.
    await this.#context.store.delete(useless, this.#context.signal).catch(() => undefined);
  }

  async #checkpoint(log: DeltaLog, version: number, before: DeltaSnapshot | null): Promise<void> {
    const asked = Number(before?.metadata.configuration?.['delta.checkpointInterval']);
    const interval = asked > 0 ? asked : CHECKPOINT_INTERVAL;
    if (version - (before?.checkpointVersion ?? 0) < interval) return;
    const { store, connection, tempDirectory, now, signal } = this.#context;
    // The newest version may be another's by now: any of them will do.
    const snapshot = await log.snapshot(signal);
    if (snapshot) await writeCheckpoint(snapshot, log, { store, connection, tempDirectory, now: now(), signal });
  }

  #tooBusy(): IngestError {
    const target = { schema: this.#schema, table: this.#pack.manifest.target_table };
    return new IngestError(
      'DESTINATION_BUSY',
      `Others write to ${label(target)} faster than this load can follow (${MOST_ROUNDS} attempts).`,
      {
        hint: 'Run again when less is written to it. Tables that have the load already are passed over then.',
        retryable: true,
      },
    );
  }
}

/** Under this name the log says which load of a pipeline came last. */
function applicationOf({ manifest }: LoadPackage): string {
  return `ingest-studio/${manifest.pipeline}/${manifest.target_schema}.${manifest.target_table}`;
}

/** What the table's history says (`DESCRIBE HISTORY`). Spark wants parameters that are texts. */
function operationOf({ manifest }: LoadPackage): { operation: string; operationParameters: Record<string, string> } {
  if (manifest.write_disposition === 'merge')
    return { operation: 'MERGE', operationParameters: { matchedOn: JSON.stringify(manifest.primary_key) } };
  const mode = manifest.write_disposition === 'append' ? 'Append' : 'Overwrite';
  return { operation: 'WRITE', operationParameters: { mode, partitionBy: '[]' } };
}

/** Microseconds of a load id: its last digits would not survive as a JSON number. */
function transactionVersion(loadId: string): number {
  const [seconds = '0', fraction = ''] = loadId.split('.');
  return Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Is the load in the table? By its files too, since another load may have come in between. */
function hasLanded(snapshot: DeltaSnapshot, pack: LoadPackage): boolean {
  const { load_id } = pack.manifest;
  if (snapshot.transactions.get(applicationOf(pack))?.version === transactionVersion(load_id)) return true;
  const isOurs = (path: string) => path.startsWith(`${load_id}.`);
  return [...snapshot.files.keys()].some(isOurs) || [...snapshot.tombstones.keys()].some(isOurs);
}

function filesOf(snapshot: DeltaSnapshot | null): StoredFile[] {
  return [...(snapshot?.files ?? [])].map(([name, { size, stats }]) => ({ name, rows: rowsIn(stats), bytes: size }));
}

/** The count of rows that a file's statistics say; 0 where they say nothing. */
export function rowsIn(stats: string | null | undefined): number {
  try {
    const { numRecords } = JSON.parse(stats ?? '{}') as { numRecords?: number };
    return numRecords ?? 0;
  } catch {
    return 0;
  }
}
