import { isAbsolute, resolve } from 'node:path';
import { identifier, literal } from '../../duckdb/sql.ts';
import { isSafeWidening } from '../../duckdb/widening.ts';
import type { Workspace, WorkspaceConnection } from '../../duckdb/workspace.ts';
import { IngestError, throwIfCancelled } from '../../errors.ts';
import type { LoadPackage } from '../../load/load-package.ts';
import type { JobState, StateKey } from '../../state/job-state.ts';
import { ProcessLocks } from '../../state/target-lock.ts';
import type {
  Destination,
  ExistingTable,
  LoadResult,
  LockOwner,
  SchemaChange,
  TargetLock,
  TargetRef,
} from '../destination.ts';
import { dltSchemaOf } from '../dlt-schema.ts';
import { type Attachment, attach, attachToLook, inConnection } from './attachment.ts';
import { describeLoadError } from './duckdb-errors.ts';
import { changeStatements, insertStatement, mergeDeletes, type Qualify } from './load-statements.ts';
import { SystemTables } from './system-tables.ts';

export interface DuckDbDestinationConfig {
  /** Name in the project. */
  name: string;
  /** The file; relative to the working directory. Made with its folder when missing. */
  path: string;
  /** Default schema; `main` is DuckDB's own. */
  schema: string;
}

export interface DuckDbDestinationOptions {
  workspace: Workspace;
  /** Open the file to look only; one that is not there is not made. */
  lookOnly?: boolean;
  /** The clock; default: the system's. */
  now?: () => Date;
}

/** Locks of this process; between processes DuckDB's own file lock does it. */
const locks = new ProcessLocks();

/** A DuckDB file. Everything of a load, with its state, is one transaction. */
export function createDuckDbDestination(
  config: DuckDbDestinationConfig,
  options: DuckDbDestinationOptions,
): Destination {
  return new DuckDbDestination(config, options);
}

class DuckDbDestination implements Destination {
  readonly name: string;
  readonly defaultSchema: string;
  readonly capabilities = {
    types: 'native',
    // dlt's own figure for DuckDB, which has no limit.
    maxIdentifierLength: 65_536,
    transactional: true,
    canWiden: isSafeWidening,
  } as const;
  readonly #path: string;
  readonly #workspace: Workspace;
  readonly #lookOnly: boolean;
  readonly #now: () => Date;
  #attachment: Attachment | null = null;

  constructor(config: DuckDbDestinationConfig, options: DuckDbDestinationOptions) {
    this.name = config.name;
    this.defaultSchema = config.schema;
    this.#path = isAbsolute(config.path) ? config.path : resolve(config.path);
    this.#workspace = options.workspace;
    this.#lookOnly = options.lookOnly ?? false;
    this.#now = options.now ?? (() => new Date());
  }

  async open(signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    this.#attachment ??= this.#lookOnly
      ? await attachToLook(this.#path, this.name, this.#workspace)
      : await attach(this.#path, this.name, this.#workspace);
  }

  async lock(target: TargetRef, owner: LockOwner): Promise<TargetLock> {
    const label = `${target.schema}.${target.table}`;
    const release = locks.take(`${this.#open().key}|${label.toLowerCase()}`, label, owner, this.#now());
    return {
      async release() {
        release();
      },
    };
  }

  async readState(key: StateKey): Promise<JobState | null> {
    return await this.#connected((connection) => this.#system(connection, key.target_schema).readState(key));
  }

  async listStates(pipeline: string | null): Promise<JobState[]> {
    return await this.#connected(async (connection) => {
      const schemas = await connection.rows<{ schema_name: string }>(
        `SELECT schema_name FROM duckdb_schemas() WHERE database_name = ${literal(this.#open().alias)} AND NOT internal ORDER BY schema_name`,
      );
      const states: JobState[] = [];
      // `main` counts as internal, but it is a schema like any other for its user.
      for (const schema of new Set(['main', ...schemas.map((row) => row.schema_name)])) {
        states.push(...(await this.#system(connection, schema).listStates()));
      }
      return states.filter((state) => pipeline === null || state.pipeline === pipeline);
    });
  }

  async writeState(key: StateKey, state: JobState | null): Promise<void> {
    const never = new AbortController().signal;
    await this.#transaction(
      `writing the state of ${key.target_schema}.${key.target_table}`,
      never,
      async (connection) => {
        const system = this.#system(connection, key.target_schema);
        if (state) {
          await this.#createSchema(connection, key.target_schema);
          await system.ensure();
        }
        await system.writeState(key, state, this.#now());
      },
    );
  }

  async describeTables(target: TargetRef): Promise<ExistingTable[]> {
    return await this.#connected((connection) => this.#describe(connection, target));
  }

  async load(pack: LoadPackage, changes: SchemaChange[], signal: AbortSignal): Promise<LoadResult> {
    const { manifest } = pack;
    const doing = `loading ${manifest.target_schema}.${manifest.target_table}`;
    return await this.#transaction(doing, signal, async (connection) => {
      const system = this.#system(connection, manifest.target_schema);
      if (await system.isLoaded(manifest.load_id)) return { loaded: false, rows: 0 };
      const run = async (sql: string | null) => {
        throwIfCancelled(signal);
        return sql === null ? 0 : (await connection.run(sql)).rowsChanged;
      };
      const qualify = this.#qualifier(manifest.target_schema);
      await this.#createSchema(connection, manifest.target_schema);
      for (const sql of changes.flatMap((change) => changeStatements(change, qualify))) await run(sql);
      const target = { schema: manifest.target_schema, table: manifest.target_table };
      const existing = await this.#describe(connection, target);
      for (const sql of this.#clearing(pack, existing, qualify)) await run(sql);
      const inserted: number[] = [];
      for (const table of manifest.tables) inserted.push(await run(insertStatement(pack, table, qualify)));
      const schema = dltSchemaOf(manifest);
      const at = this.#now();
      await system.ensure();
      await system.addSchema(schema, at);
      await system.addLoad(manifest.load_id, schema, at);
      if (manifest.state) await system.writeState(manifest.state, manifest.state, at);
      return { loaded: true, rows: inserted[0] ?? 0 };
    });
  }

  async from(target: TargetRef, table: string): Promise<string> {
    return this.#qualifier(target.schema)(table);
  }

  location(): string {
    return this.#path;
  }

  async close(): Promise<void> {
    const attachment = this.#attachment;
    this.#attachment = null;
    await attachment?.detach();
  }

  /** What must go before the package's rows come. */
  #clearing(pack: LoadPackage, existing: ExistingTable[], qualify: Qualify): string[] {
    const disposition = pack.manifest.write_disposition;
    switch (disposition) {
      case 'append':
        return [];
      case 'replace':
        // Emptied, not dropped: comments, indexes, views and grants of people stay.
        return existing.toReversed().map((table) => `DELETE FROM ${qualify(table.name)}`);
      case 'merge':
        if (pack.manifest.primary_key.length === 0) {
          throw new IngestError(
            'MERGE_WITHOUT_KEY',
            `${pack.manifest.target_schema}.${pack.manifest.target_table} has no primary key to merge on.`,
            {
              hint: 'Set primary_key, or write_disposition append.',
            },
          );
        }
        return mergeDeletes(pack, existing, qualify);
      default:
        return disposition satisfies never;
    }
  }

  /** The target first. A child table is told from another job's table of such a name by its `_dlt_parent_id`. */
  async #describe(connection: WorkspaceConnection, target: TargetRef): Promise<ExistingTable[]> {
    const rows = await connection.rows<{
      table_name: string;
      column_name: string;
      data_type: string;
      is_nullable: boolean;
    }>(
      `SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
       WHERE database_name = ${literal(this.#open().alias)} AND lower(schema_name) = lower(${literal(target.schema)})
       AND (lower(table_name) = lower(${literal(target.table)}) OR starts_with(table_name, ${literal(`${target.table}__`)}))
       ORDER BY length(table_name), table_name, column_index`,
    );
    const tables = Map.groupBy(rows, (row) => row.table_name);
    return [...tables]
      .map(([name, columns]) => ({
        name,
        columns: columns.map((column) => ({
          name: column.column_name,
          type: column.data_type,
          nullable: column.is_nullable,
        })),
      }))
      .filter(
        (table) =>
          sameName(table.name, target.table) || table.columns.some((column) => column.name === '_dlt_parent_id'),
      );
  }

  async #transaction<T>(
    doing: string,
    signal: AbortSignal,
    task: (connection: WorkspaceConnection) => Promise<T>,
  ): Promise<T> {
    return await this.#open().loads.run(signal, () =>
      this.#connected(async (connection) => {
        const unwatch = connection.interruptOn(signal);
        try {
          await connection.run('BEGIN TRANSACTION');
          const result = await task(connection);
          throwIfCancelled(signal);
          unwatch();
          await connection.run('COMMIT');
          return result;
        } catch (error) {
          unwatch();
          // A failed COMMIT has rolled back already.
          await connection.run('ROLLBACK').catch(() => undefined);
          throw describeLoadError(error, this.#path, doing, signal);
        }
      }),
    );
  }

  async #createSchema(connection: WorkspaceConnection, schema: string): Promise<void> {
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(this.#open().alias)}.${identifier(schema)}`);
  }

  async #connected<T>(task: (connection: WorkspaceConnection) => Promise<T>): Promise<T> {
    this.#open();
    return await inConnection(this.#workspace, task);
  }

  #system(connection: WorkspaceConnection, schema: string): SystemTables {
    return new SystemTables(connection, this.#open().alias, schema, this.#path);
  }

  #qualifier(schema: string): Qualify {
    const { alias } = this.#open();
    return (table) => [alias, schema, table].map(identifier).join('.');
  }

  #open(): Attachment {
    if (!this.#attachment) throw new Error(`The destination ${this.name} was used before it was opened.`);
    return this.#attachment;
  }
}

/** DuckDB's names differ by more than letter case. */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
