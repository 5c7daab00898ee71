import { createHash, randomBytes } from 'node:crypto';
import { isIngestError } from '../../errors.ts';
import { type JobState, STATE_VERSION, type StateKey } from '../../state/job-state.ts';
import { contentHash, decodeState, encodeState, stateName } from '../../state/state-text.ts';
import type { DltSchema } from '../dlt-schema.ts';
import { identifier, literal, qualifier, timestamp } from './sql-text.ts';
import type { RunSql } from './warehouse-lock.ts';

/** Versions of a state that are kept, newest first. */
const STATE_VERSIONS_KEPT = 5;

/** dlt's own tables as its Databricks destination creates them, and the locks, which are ours. */
const TABLES = {
  _dlt_loads: {
    load_id: 'STRING NOT NULL',
    schema_name: 'STRING',
    status: 'BIGINT NOT NULL',
    inserted_at: 'TIMESTAMP NOT NULL',
    schema_version_hash: 'STRING',
  },
  _dlt_pipeline_state: {
    version: 'BIGINT NOT NULL',
    engine_version: 'BIGINT NOT NULL',
    pipeline_name: 'STRING NOT NULL',
    state: 'STRING NOT NULL',
    created_at: 'TIMESTAMP NOT NULL',
    version_hash: 'STRING',
    _dlt_load_id: 'STRING NOT NULL',
    _dlt_id: 'STRING NOT NULL',
  },
  _dlt_version: {
    version: 'BIGINT NOT NULL',
    engine_version: 'BIGINT NOT NULL',
    inserted_at: 'TIMESTAMP NOT NULL',
    schema_name: 'STRING NOT NULL',
    version_hash: 'STRING NOT NULL',
    schema: 'STRING NOT NULL',
  },
  _dlt_locks: {
    target: 'STRING NOT NULL',
    token: 'STRING NOT NULL',
    run_id: 'STRING NOT NULL',
    pid: 'BIGINT NOT NULL',
    host: 'STRING NOT NULL',
    locked_at: 'TIMESTAMP NOT NULL',
  },
} as const;
type SystemTable = keyof typeof TABLES;

/** A load's `status` in `_dlt_loads`; dlt reads those with 0 only. */
export const LOAD_STATUS = {
  complete: 0,
  /** An append whose rows may be there; its state is not. */
  begunAppend: 1,
  /** Taken back: its rows were read again by a later load. */
  undone: 2,
  /** A merge or replace of which some tables may be done: done again, it gives the same. */
  begun: 3,
} as const;
export type LoadStatus = (typeof LOAD_STATUS)[keyof typeof LOAD_STATUS];

/**
 * dlt's system tables of one schema. No transaction holds these statements together: each may be carried out twice without harm,
 * since a lost answer makes the warehouse get it again.
 */
export class SystemTables {
  readonly #run: RunSql;
  readonly #catalog: string;
  readonly #schema: string;
  /** For messages. */
  readonly #place: string;
  /** Columns by table, once {@link ensure} has looked. */
  #columns = new Map<string, Set<string>>();

  constructor(run: RunSql, catalog: string, schema: string, place: string) {
    this.#run = run;
    this.#catalog = catalog;
    this.#schema = schema;
    this.#place = place;
  }

  /** Creates the schema and what is missing in it; a table begun by dlt keeps its form and gets the columns that an older dlt did not have. */
  async ensure(): Promise<void> {
    const information = `${identifier(this.#catalog)}.information_schema`;
    const found = await this.#run(
      `SELECT 1 AS found FROM ${information}.schemata WHERE schema_name = ${literal(this.#schema.toLowerCase())}`,
    );
    // Asked first: CREATE SCHEMA needs a right that loading into an existing one does not.
    if (found.length === 0)
      await this.#run(`CREATE SCHEMA IF NOT EXISTS ${identifier(this.#catalog)}.${identifier(this.#schema)}`);
    const names = Object.keys(TABLES) as SystemTable[];
    const rows = await this.#run<{ table_name: string; column_name: string }>(
      `SELECT table_name, column_name FROM ${information}.columns WHERE table_schema = ${literal(this.#schema.toLowerCase())} AND table_name IN (${names.map(literal).join(', ')})`,
    );
    const have = Map.groupBy(rows, (row) => row.table_name);
    for (const table of names) {
      const columns = Object.entries(TABLES[table]);
      const there = new Set(have.get(table)?.map((row) => row.column_name));
      if (there.size === 0) {
        const list = columns.map(([name, type]) => `${identifier(name)} ${type}`).join(', ');
        await this.#run(`CREATE TABLE IF NOT EXISTS ${this.table(table)} (${list}) USING DELTA`);
        for (const [name] of columns) there.add(name);
      } else {
        // _dlt_id is left out where dlt left it out: it depends on dlt's version and nothing reads it.
        for (const [name, type] of columns.filter(([name]) => name !== '_dlt_id' && !there.has(name))) {
          await this.#run(
            `ALTER TABLE ${this.table(table)} ADD COLUMNS (${identifier(name)} ${type.replace(' NOT NULL', '')})`,
          );
          there.add(name);
        }
      }
      this.#columns.set(table, there);
    }
  }

  /** The asked load, and those of the same pipeline and target that were begun and never ended. */
  async loads(loadId: string, key: StateKey): Promise<{ loadId: string; status: number }[]> {
    const begun = `status IN (${LOAD_STATUS.begunAppend}, ${LOAD_STATUS.begun}) AND schema_version_hash = ${literal(stateName(key))}`;
    const rows = await this.#run<{ load_id: string; status: unknown }>(
      `SELECT load_id, status FROM ${this.table('_dlt_loads')} WHERE load_id = ${literal(loadId)} OR (${begun})`,
    );
    return rows.map((row) => ({ loadId: row.load_id, status: Number(row.status) }));
  }

  /** Notes a load before its data. Until it ends, the place of the schema's hash says whose it is: dlt reads complete loads only. */
  async beginLoad(loadId: string, schemaName: string, key: StateKey, status: LoadStatus, at: Date): Promise<void> {
    await this.#insertOnce('_dlt_loads', ['load_id'], {
      load_id: literal(loadId),
      schema_name: literal(schemaName),
      status: String(status),
      inserted_at: timestamp(at),
      schema_version_hash: literal(stateName(key)),
    });
  }

  async endLoad(loadId: string, status: LoadStatus, schemaHash: string | null): Promise<void> {
    const hash = schemaHash === null ? 'NULL' : literal(schemaHash);
    await this.#run(
      `UPDATE ${this.table('_dlt_loads')} SET status = ${status}, schema_version_hash = ${hash} WHERE load_id = ${literal(loadId)}`,
    );
  }

  /** Stores the schema unless its newest stored version is the same. */
  async addSchema(schema: DltSchema, at: Date): Promise<void> {
    const [newest] = await this.#run<{ version: unknown; version_hash: string }>(
      `SELECT version, version_hash FROM ${this.table('_dlt_version')} WHERE schema_name = ${literal(schema.name)} ORDER BY version DESC LIMIT 1`,
    );
    if (newest?.version_hash === schema.version_hash) return;
    const version = Number(newest?.version ?? 0) + 1;
    await this.#insertOnce('_dlt_version', ['schema_name', 'version'], {
      version: String(version),
      engine_version: String(schema.engine_version),
      inserted_at: timestamp(at),
      schema_name: literal(schema.name),
      version_hash: literal(schema.version_hash),
      schema: literal(JSON.stringify({ ...schema, version })),
    });
  }

  /** The load whose state is the newest version; null where there is none. */
  async readState(key: StateKey): Promise<JobState | null> {
    const rows = await this.#unlessMissing<{ state: string }>(
      `SELECT state FROM ${this.table('_dlt_pipeline_state')} WHERE pipeline_name = ${literal(stateName(key))} ORDER BY version DESC LIMIT 1`,
    );
    return rows[0] ? decodeState(rows[0].state, `${key.target_schema}.${key.target_table} in ${this.#place}`) : null;
  }

  async hasState(loadId: string): Promise<boolean> {
    const rows = await this.#unlessMissing(
      `SELECT 1 AS found FROM ${this.table('_dlt_pipeline_state')} WHERE _dlt_load_id = ${literal(loadId)} LIMIT 1`,
    );
    return rows.length > 0;
  }

  /** The newest state of each target that was loaded by us; dlt's own pipelines have no `/` in their names. */
  async listStates(): Promise<JobState[]> {
    const rows = await this.#unlessMissing<{ pipeline_name: string; state: string }>(
      `SELECT pipeline_name, max_by(state, version) AS state FROM ${this.table('_dlt_pipeline_state')} WHERE contains(pipeline_name, '/') GROUP BY pipeline_name ORDER BY pipeline_name`,
    );
    return rows.map((row) => decodeState(row.state, `${row.pipeline_name} in ${this.#place}`));
  }

  /**
   * Adds the state as the newest version; null removes every version.
   * @param loadId of the load that the state belongs to: its state is added once; null for a state set by hand
   */
  async writeState(key: StateKey, state: JobState | null, loadId: string | null, at: Date): Promise<void> {
    const table = this.table('_dlt_pipeline_state');
    const mine = `pipeline_name = ${literal(stateName(key))}`;
    if (!state) {
      await this.#unlessMissing(`DELETE FROM ${table} WHERE ${mine}`);
      return;
    }
    const [newest] = await this.#run<{ version: unknown }>(
      `SELECT max(version) AS version FROM ${table} WHERE ${mine}`,
    );
    const version = Number(newest?.version ?? 0) + 1;
    const text = encodeState(state);
    const id =
      loadId === null
        ? randomBytes(10)
        : createHash('sha256')
            .update(`${stateName(key)} ${loadId}`)
            .digest();
    const once = this.#columns.get('_dlt_pipeline_state')?.has('_dlt_id') ? ['_dlt_id'] : ['pipeline_name', 'version'];
    await this.#insertOnce('_dlt_pipeline_state', once, {
      version: String(version),
      engine_version: String(STATE_VERSION),
      pipeline_name: literal(stateName(key)),
      state: literal(text),
      created_at: timestamp(at),
      version_hash: literal(contentHash(text)),
      _dlt_load_id: literal(state.load_id),
      _dlt_id: literal(id.subarray(0, 10).toString('base64url')),
    });
    if (version > STATE_VERSIONS_KEPT)
      await this.#run(`DELETE FROM ${table} WHERE ${mine} AND version <= ${version - STATE_VERSIONS_KEPT}`);
  }

  table(name: SystemTable): string {
    return qualifier(this.#catalog, this.#schema)(name);
  }

  /** Inserts a row unless one has the same values in the columns of `once`. Values are SQL; those without a column are left out. */
  async #insertOnce(table: SystemTable, once: readonly string[], values: Record<string, string>): Promise<void> {
    const have = this.#columns.get(table);
    const entries = Object.entries(values).filter(([name]) => have?.has(name) ?? true);
    const source = entries.map(([name, value]) => `${value} AS ${identifier(name)}`).join(', ');
    const names = entries.map(([name]) => identifier(name)).join(', ');
    const match = once.map((name) => `_old.${identifier(name)} = _new.${identifier(name)}`).join(' AND ');
    const news = entries.map(([name]) => `_new.${identifier(name)}`).join(', ');
    await this.#run(
      `MERGE INTO ${this.table(table)} AS _old USING (SELECT ${source}) AS _new ON ${match} WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${news})`,
    );
  }

  /** The rows of a statement about a table or schema that need not be there. */
  async #unlessMissing<T>(sql: string): Promise<T[]> {
    try {
      return await this.#run<T>(sql);
    } catch (error) {
      if (isIngestError(error) && error.code === 'DESTINATION_NOT_FOUND') return [];
      throw error;
    }
  }
}
