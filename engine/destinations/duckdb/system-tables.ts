import { randomBytes } from 'node:crypto';
import { identifier, literal } from '../../duckdb/sql.ts';
import type { WorkspaceConnection } from '../../duckdb/workspace.ts';
import { type JobState, STATE_VERSION, type StateKey } from '../../state/job-state.ts';
import { contentHash, decodeState, encodeState, stateName } from '../../state/state-text.ts';
import type { DltSchema } from '../dlt-schema.ts';

/** Versions of a state that are kept, newest first. */
const STATE_VERSIONS_KEPT = 5;

/** dlt's own tables: names, columns and types as dlt's DuckDB destination creates them (dlt/common/schema/utils.py). */
const TABLES = {
  _dlt_loads: {
    load_id: 'VARCHAR NOT NULL',
    schema_name: 'VARCHAR',
    status: 'BIGINT NOT NULL',
    inserted_at: 'TIMESTAMP WITH TIME ZONE NOT NULL',
    schema_version_hash: 'VARCHAR',
  },
  _dlt_pipeline_state: {
    version: 'BIGINT NOT NULL',
    engine_version: 'BIGINT NOT NULL',
    pipeline_name: 'VARCHAR NOT NULL',
    state: 'VARCHAR NOT NULL',
    created_at: 'TIMESTAMP WITH TIME ZONE NOT NULL',
    version_hash: 'VARCHAR',
    _dlt_load_id: 'VARCHAR NOT NULL',
    _dlt_id: 'VARCHAR NOT NULL',
  },
  _dlt_version: {
    version: 'BIGINT NOT NULL',
    engine_version: 'BIGINT NOT NULL',
    inserted_at: 'TIMESTAMP WITH TIME ZONE NOT NULL',
    schema_name: 'VARCHAR NOT NULL',
    version_hash: 'VARCHAR NOT NULL',
    schema: 'VARCHAR NOT NULL',
  },
} as const;

type SystemTable = keyof typeof TABLES;

/** dlt's system tables of one schema, through a connection whose transaction the caller holds. */
export class SystemTables {
  readonly #connection: WorkspaceConnection;
  readonly #alias: string;
  readonly #schema: string;
  /** For messages. */
  readonly #place: string;

  constructor(connection: WorkspaceConnection, alias: string, schema: string, place: string) {
    this.#connection = connection;
    this.#alias = alias;
    this.#schema = schema;
    this.#place = place;
  }

  async exists(table: SystemTable): Promise<boolean> {
    return (await this.#columns(table)).size > 0;
  }

  /** Creates what is missing; a table begun by dlt keeps its form and gets the columns that an older dlt did not have. */
  async ensure(): Promise<void> {
    for (const table of Object.keys(TABLES) as SystemTable[]) {
      const columns = Object.entries(TABLES[table]);
      const have = await this.#columns(table);
      if (have.size === 0) {
        const list = columns.map(([name, type]) => `${identifier(name)} ${type}`).join(', ');
        await this.#connection.run(`CREATE TABLE ${this.#name(table)} (${list})`);
        continue;
      }
      // _dlt_id is left out where dlt left it out: it depends on dlt's version and nothing reads it.
      for (const [name, type] of columns.filter(([name]) => name !== '_dlt_id' && !have.has(name))) {
        await this.#connection.run(
          `ALTER TABLE ${this.#name(table)} ADD COLUMN ${identifier(name)} ${type.replace(' NOT NULL', '')}`,
        );
      }
    }
  }

  async isLoaded(loadId: string): Promise<boolean> {
    if (!(await this.exists('_dlt_loads'))) return false;
    const where = `load_id = ${literal(loadId)} AND status = 0`;
    return (await this.#connection.rows(`SELECT 1 FROM ${this.#name('_dlt_loads')} WHERE ${where} LIMIT 1`)).length > 0;
  }

  async addLoad(loadId: string, schema: DltSchema, at: Date): Promise<void> {
    await this.#insert('_dlt_loads', {
      load_id: literal(loadId),
      schema_name: literal(schema.name),
      status: '0',
      inserted_at: timestamp(at),
      schema_version_hash: literal(schema.version_hash),
    });
  }

  /** Stores the schema unless its newest stored version is the same. */
  async addSchema(schema: DltSchema, at: Date): Promise<void> {
    const [newest] = await this.#connection.rows<{ version: string; version_hash: string }>(
      `SELECT version, version_hash FROM ${this.#name('_dlt_version')} WHERE schema_name = ${literal(schema.name)} ORDER BY version DESC LIMIT 1`,
    );
    if (newest?.version_hash === schema.version_hash) return;
    const version = Number(newest?.version ?? 0) + 1;
    await this.#insert('_dlt_version', {
      version: String(version),
      engine_version: String(schema.engine_version),
      inserted_at: timestamp(at),
      schema_name: literal(schema.name),
      version_hash: literal(schema.version_hash),
      schema: literal(JSON.stringify({ ...schema, version })),
    });
  }

  async readState(key: StateKey): Promise<JobState | null> {
    if (!(await this.exists('_dlt_pipeline_state'))) return null;
    const [newest] = await this.#connection.rows<{ state: string }>(
      `SELECT state FROM ${this.#name('_dlt_pipeline_state')} WHERE pipeline_name = ${literal(stateName(key))} ORDER BY version DESC LIMIT 1`,
    );
    return newest ? decodeState(newest.state, `${key.target_schema}.${key.target_table} in ${this.#place}`) : null;
  }

  /** The newest state of each target that was loaded by us; dlt's own pipelines have no `/` in their names. */
  async listStates(): Promise<JobState[]> {
    if (!(await this.exists('_dlt_pipeline_state'))) return [];
    const rows = await this.#connection.rows<{ pipeline_name: string; state: string }>(
      `SELECT pipeline_name, arg_max(state, version) AS state FROM ${this.#name('_dlt_pipeline_state')}
       WHERE contains(pipeline_name, '/') GROUP BY pipeline_name ORDER BY pipeline_name`,
    );
    return rows.map((row) => decodeState(row.state, `${row.pipeline_name} in ${this.#place}`));
  }

  /** Adds the state as the newest version; null removes every version. */
  async writeState(key: StateKey, state: JobState | null, at: Date): Promise<void> {
    const table = this.#name('_dlt_pipeline_state');
    const mine = `pipeline_name = ${literal(stateName(key))}`;
    if (!state) {
      if (await this.exists('_dlt_pipeline_state')) await this.#connection.run(`DELETE FROM ${table} WHERE ${mine}`);
      return;
    }
    const [newest] = await this.#connection.rows<{ version: string | null }>(
      `SELECT max(version) AS version FROM ${table} WHERE ${mine}`,
    );
    const version = Number(newest?.version ?? 0) + 1;
    const text = encodeState(state);
    await this.#insert('_dlt_pipeline_state', {
      version: String(version),
      engine_version: String(STATE_VERSION),
      pipeline_name: literal(stateName(key)),
      state: literal(text),
      created_at: timestamp(at),
      version_hash: literal(contentHash(text)),
      _dlt_load_id: literal(state.load_id),
      _dlt_id: literal(randomBytes(10).toString('base64url')),
    });
    await this.#connection.run(`DELETE FROM ${table} WHERE ${mine} AND version <= ${version - STATE_VERSIONS_KEPT}`);
  }

  /** `values` are SQL expressions; those without a column in the table are left out. */
  async #insert(table: SystemTable, values: Record<string, string>): Promise<void> {
    const have = await this.#columns(table);
    const entries = Object.entries(values).filter(([name]) => have.has(name));
    const names = entries.map(([name]) => identifier(name)).join(', ');
    await this.#connection.run(
      `INSERT INTO ${this.#name(table)} (${names}) VALUES (${entries.map(([, value]) => value).join(', ')})`,
    );
  }

  async #columns(table: SystemTable): Promise<Set<string>> {
    const rows = await this.#connection.rows<{ column_name: string }>(
      `SELECT column_name FROM duckdb_columns() WHERE database_name = ${literal(this.#alias)}
       AND lower(schema_name) = lower(${literal(this.#schema)}) AND table_name = ${literal(table)}`,
    );
    return new Set(rows.map((row) => row.column_name));
  }

  #name(table: SystemTable): string {
    return [this.#alias, this.#schema, table].map(identifier).join('.');
  }
}

function timestamp(at: Date): string {
  return `TIMESTAMPTZ ${literal(at.toISOString())}`;
}
