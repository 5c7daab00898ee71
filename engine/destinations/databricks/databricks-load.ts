import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../duckdb/workspace.ts';
import { IngestError, isIngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage, PackageTable } from '../../load/load-package.ts';
import type { LoadResult, SchemaChange, TargetRef } from '../destination.ts';
import { dltSchemaOf } from '../dlt-schema.ts';
import type { LiveTable } from './check-fit.ts';
import {
  copyInto,
  createTable,
  insertOverwrite,
  liveType,
  type MergeTables,
  mergeChild,
  mergeRows,
  replaceTable,
  typeText,
} from './load-statements.ts';
import { readableFiles, someParentId } from './readable-files.ts';
import { applyChanges, commentColumns, dressOf, type RetypedColumns } from './schema-changes.ts';
import { literal, type Qualify } from './sql-text.ts';
import type { Staging } from './staging.ts';
import { LOAD_STATUS, type SystemTables } from './system-tables.ts';
import type { Warehouse } from './warehouse.ts';

/** What a load works with. */
export interface LoadContext {
  warehouse: Warehouse;
  system: SystemTables;
  staging: Staging;
  workspace: Workspace;
  /** A private folder for rewritten files. */
  tempDirectory: string;
  qualify: Qualify;
  /** The catalog's information_schema, qualified. */
  information: string;
  /** The target's tables as they are; `stage` are the staging tables of its loads. */
  describe(target: TargetRef): Promise<{ live: LiveTable[]; stages: string[] }>;
  typeWidening: boolean;
  now(): Date;
  /** Keeps a statement's secrets out of whatever texts leave from now on. */
  learnSecrets(secrets: readonly string[]): void;
}

/** Begins the names of a target's staging tables: they are dropped by the next load where their own did not. */
export function stagePrefix(table: string): string {
  return `_dlt_stage_${createHash('sha256').update(table.toLowerCase()).digest('hex').slice(0, 10)}_`;
}

/**
 * Loads a package. Databricks has no transaction over several statements, so each table changes in one statement, the state follows, and the
 * load's own row in `_dlt_loads` ends it. Every statement may be carried out twice: a load that died anywhere is simply loaded again.
 */
export async function loadPackage(
  pack: LoadPackage,
  changes: SchemaChange[],
  context: LoadContext,
  signal: AbortSignal,
): Promise<LoadResult> {
  return await new Load(pack, context, signal).run(changes);
}

class Load {
  readonly #pack: LoadPackage;
  readonly #context: LoadContext;
  readonly #signal: AbortSignal;
  readonly #target: TargetRef;
  readonly #id: string;
  /** Staging tables of this load, unqualified. */
  readonly #stages: string[] = [];

  constructor(pack: LoadPackage, context: LoadContext, signal: AbortSignal) {
    this.#pack = pack;
    this.#context = context;
    this.#signal = signal;
    this.#id = pack.manifest.load_id;
    this.#target = { schema: pack.manifest.target_schema, table: pack.manifest.target_table };
  }

  async run(changes: SchemaChange[]): Promise<LoadResult> {
    const { manifest } = this.#pack;
    const { system, staging, now } = this.#context;
    if (manifest.write_disposition === 'merge' && manifest.primary_key.length === 0) {
      throw new IngestError('MERGE_WITHOUT_KEY', `${this.#label()} has no primary key to merge on.`, {
        hint: 'Set primary_key, or write_disposition append.',
      });
    }
    const schema = dltSchemaOf(manifest);
    const known = await system.loads(this.#id, manifest);
    const own = known.find(({ loadId }) => loadId === this.#id);
    if (own?.status === LOAD_STATUS.complete || own?.status === LOAD_STATUS.undone) return { loaded: false, rows: 0 };
    const before = await this.#context.describe(this.#target);
    await this.#clearUp(before.stages);
    for (const load of known.filter((other) => other !== own)) await this.#settle(load, before.live);
    try {
      await this.#upload();
      const isAppend = manifest.write_disposition === 'append';
      await system.beginLoad(
        this.#id,
        schema.name,
        manifest,
        isAppend ? LOAD_STATUS.begunAppend : LOAD_STATUS.begun,
        now(),
      );
      const retyped = await applyChanges(changes, before.live, this.#context, this.#signal);
      const { live } = await this.#context.describe(this.#target);
      await this.#bring(live, retyped, own !== undefined);
      await system.addSchema(schema, now());
      if (manifest.state) await system.writeState(manifest.state, manifest.state, this.#id, now());
      await system.endLoad(this.#id, LOAD_STATUS.complete, schema.version_hash);
    } finally {
      await rm(this.#rewritten(), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      await this.#tidy(this.#stages);
    }
    // The load is there; what cannot be removed now the next load removes.
    await staging.clear(null, this.#signal).catch(() => undefined);
    return { loaded: true, rows: rowsOf(manifest.tables[0]) };
  }

  /** What loads that died left in the staging place. */
  async #clearUp(stages: readonly string[]): Promise<void> {
    await this.#tidy(stages);
    await this.#context.staging.clear(this.#id, this.#signal);
  }

  async #tidy(stages: readonly string[]): Promise<void> {
    const { signal } = new AbortController();
    for (const stage of stages) {
      await this.#context.warehouse
        .run(`DROP TABLE IF EXISTS ${this.#context.qualify(stage)}`, signal)
        .catch(() => undefined);
    }
  }

  /**
   * Ends a load that began and whose package is nowhere any more (its rows are being read again): where its state is there it was complete;
   * else the rows that it appended go, and child rows without a parent.
   */
  async #settle({ loadId, status }: { loadId: string; status: number }, live: readonly LiveTable[]): Promise<void> {
    const { system, qualify } = this.#context;
    if (await system.hasState(loadId)) {
      await system.endLoad(loadId, LOAD_STATUS.complete, null);
      return;
    }
    const root = live.find(({ name }) => this.#isTarget(name));
    if (status === LOAD_STATUS.begunAppend && root && has(root, '_dlt_load_id')) {
      await this.#run(`DELETE FROM ${qualify(root.name)} WHERE _dlt_load_id = ${literal(loadId)}`);
    }
    for (const child of live.filter(({ name }) => !this.#isTarget(name))) {
      const parent = longestParent(child.name, live) ?? root;
      if (!parent || !has(parent, '_dlt_id')) continue;
      await this.#run(
        `DELETE FROM ${qualify(child.name)} AS _child WHERE _child._dlt_parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ${qualify(parent.name)} AS _parent WHERE _parent._dlt_id = _child._dlt_parent_id)`,
      );
    }
    await system.endLoad(loadId, LOAD_STATUS.undone, null);
  }

  async #upload(): Promise<void> {
    const { staging, workspace } = this.#context;
    for (const [index, table] of this.#pack.manifest.tables.entries()) {
      const files = await readableFiles(this.#pack, table, workspace, this.#rewritten(), this.#signal);
      if (files.length > 0) await staging.put(this.#id, index, files, this.#signal);
    }
  }

  async #bring(live: readonly LiveTable[], retyped: RetypedColumns, again: boolean): Promise<void> {
    const { manifest } = this.#pack;
    switch (manifest.write_disposition) {
      case 'append':
        for (const table of manifest.tables.filter((part) => rowsOf(part) > 0))
          await this.#append(table, this.#liveOf(live, table.name), again);
        return;
      case 'replace':
        for (const table of live) await this.#replace(table, retyped.has(table.name));
        return;
      case 'merge':
        return await this.#merge(live);
      default:
        manifest.write_disposition satisfies never;
    }
  }

  /** Straight into the table: COPY INTO passes over files that it has loaded, and a load that is tried again is looked for first. */
  async #append(table: PackageTable, live: LiveTable, again: boolean): Promise<void> {
    if (again && (await this.#isThere(table, live))) return;
    const answer = await this.#copy(table, this.#context.qualify(live.name), live);
    if (answer === rowsOf(table)) return;
    // The answer to the first sending got lost, and the second found every file loaded.
    const isThere = await this.#isThere(table, live);
    if (isThere === true || (isThere === null && answer === 0)) return;
    throw new IngestError(
      'LOAD_MISCOUNTED',
      `COPY INTO brought ${answer} of ${rowsOf(table)} rows to ${this.#context.qualify(live.name)}.`,
      {
        hint: `Delete them (DELETE FROM … WHERE _dlt_load_id = '${this.#id}'), then run again: the package is loaded anew.`,
      },
    );
  }

  /** Did this load bring its rows to the table already? One COPY INTO is one commit: all of them or none. Null where the rows do not tell. */
  async #isThere(table: PackageTable, live: LiveTable): Promise<boolean | null> {
    const name = this.#context.qualify(live.name);
    if (has(live, '_dlt_load_id')) {
      const found = await this.#count(`${name} WHERE _dlt_load_id = ${literal(this.#id)}`);
      if (found === 0 || found === rowsOf(table)) return found > 0;
      throw new IngestError(
        'LOAD_MISCOUNTED',
        `${name} has ${found} rows of load ${this.#id}, which brings ${rowsOf(table)}.`,
        {
          hint: `Delete them (DELETE FROM ${name} WHERE _dlt_load_id = '${this.#id}'), then run again.`,
        },
      );
    }
    const parent = await someParentId(this.#pack, table, this.#context.workspace);
    if (parent === null) return null;
    return (await this.#count(`${name} WHERE _dlt_parent_id = ${literal(parent)}`)) > 0;
  }

  async #replace(live: LiveTable, retype: boolean): Promise<void> {
    const { qualify, warehouse } = this.#context;
    const table = this.#pack.manifest.tables.find((part) => part.name.toLowerCase() === live.name.toLowerCase());
    const name = qualify(live.name);
    if (!table || (rowsOf(table) === 0 && !retype)) {
      await this.#run(`DELETE FROM ${name}`);
      return;
    }
    const stage = await this.#stage(table);
    if (!retype) {
      await this.#run(insertOverwrite(name, stage, table.columns, live));
      return;
    }
    const dress = await dressOf(name, warehouse, this.#signal);
    const columns = table.columns.map((column) => ({ name: column.name, type: typeText(column) }));
    const kept = live.columns.filter((column) => !has({ columns: table.columns }, column.name));
    const left = kept.map((column) => ({ name: column.name, type: liveType(live, column.name) }));
    const comments = await commentColumns(this.#target.schema, live.name, this.#context, this.#signal);
    await this.#run(replaceTable(name, stage, columns, left, dress));
    for (const sql of comments) await this.#run(sql);
  }

  async #merge(live: readonly LiveTable[]): Promise<void> {
    const { manifest } = this.#pack;
    const { qualify } = this.#context;
    const root = manifest.tables[0];
    if (!root || rowsOf(root) === 0) return;
    const stages = new Map<string, string>();
    for (const table of manifest.tables) if (rowsOf(table) > 0) stages.set(table.name, await this.#stage(table));
    const tables: MergeTables = {
      target: root.name,
      live,
      qualify,
      stages,
      key: manifest.primary_key,
      parents: new Map(manifest.tables.flatMap(({ name, parent }) => (parent === null ? [] : [[name, parent]]))),
    };
    const children = live.filter(({ name }) => !this.#isTarget(name)).toSorted((a, b) => b.name.length - a.name.length);
    for (const child of children) {
      const part = manifest.tables.find(({ name }) => name.toLowerCase() === child.name.toLowerCase()) ?? null;
      await this.#run(mergeChild(child, part, tables));
    }
    const stage = stages.get(root.name)!;
    const target = this.#liveOf(live, root.name);
    await this.#run(mergeRows(qualify(target.name), stage, manifest.primary_key, root.columns, target));
  }

  /** The package's rows of a table in a staging table of this attempt's own. */
  async #stage(table: PackageTable): Promise<string> {
    const { qualify } = this.#context;
    const index = this.#pack.manifest.tables.indexOf(table);
    const name = `${stagePrefix(this.#target.table)}${index}_${randomBytes(5).toString('hex')}`;
    this.#stages.push(name);
    const columns = table.columns.map((column) => ({ ...column, nullable: true }));
    await this.#run(createTable(qualify(name), columns, false));
    const expected = rowsOf(table);
    if (expected === 0) return qualify(name);
    const answer = await this.#copy(table, qualify(name), null);
    if (answer === expected) return qualify(name);
    const found = await this.#count(qualify(name));
    if (found === expected) return qualify(name);
    throw new IngestError('STAGING_INCOMPLETE', `${found} of ${expected} staged rows of ${this.#label()} arrived.`, {
      hint: 'Run again. Nothing of this load is visible.',
      retryable: true,
    });
  }

  /** Rows that COPY INTO says it brought. */
  async #copy(table: PackageTable, name: string, live: LiveTable | null): Promise<number> {
    const source = await this.#context.staging.source(this.#id, this.#pack.manifest.tables.indexOf(table));
    this.#context.learnSecrets(source.secrets);
    const [answer] = await this.#run<{ num_inserted_rows?: unknown; num_affected_rows?: unknown }>(
      copyInto(name, table.columns, live, source.sql),
    );
    return Number(answer?.num_inserted_rows ?? answer?.num_affected_rows ?? 0);
  }

  async #count(from: string): Promise<number> {
    const [row] = await this.#run<{ n: unknown }>(`SELECT count(*) AS n FROM ${from}`);
    return Number(row?.n ?? 0);
  }

  async #run<T>(sql: string): Promise<T[]> {
    throwIfCancelled(this.#signal);
    try {
      return await this.#context.warehouse.run<T>(sql, this.#signal);
    } catch (error) {
      if (!isIngestError(error) || error.code === 'CANCELLED') throw error;
      throw new IngestError(error.code, `Loading ${this.#label()}: ${error.message}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        retryable: error.retryable,
        cause: error,
      });
    }
  }

  #liveOf(live: readonly LiveTable[], name: string): LiveTable {
    const found = live.find((table) => table.name.toLowerCase() === name.toLowerCase());
    if (found) return found;
    throw new IngestError(
      'DESTINATION_CHANGED',
      `The destination is not as it was when the load was planned: the table ${name} is not there.`,
      {
        hint: 'Run again.',
        retryable: true,
      },
    );
  }

  #isTarget(name: string): boolean {
    return name.toLowerCase() === this.#target.table.toLowerCase();
  }

  #rewritten(): string {
    return join(this.#context.tempDirectory, `databricks-${this.#id}`);
  }

  #label(): string {
    return `${this.#target.schema}.${this.#target.table}`;
  }
}

const rowsOf = (table: PackageTable | undefined): number => table?.files.reduce((sum, file) => sum + file.rows, 0) ?? 0;

function has(table: { columns: readonly { name: string }[] }, column: string): boolean {
  return table.columns.some(({ name }) => name.toLowerCase() === column.toLowerCase());
}

function longestParent(child: string, live: readonly LiveTable[]): LiveTable | undefined {
  return live
    .filter(({ name }) => name !== child && child.startsWith(`${name}__`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}
