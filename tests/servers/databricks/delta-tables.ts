import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { counted, NO_ROWS, type ResultRows, resultOf, sparkName } from './warehouse-results.ts';
import { duckTable, parseStatement, type Statement } from './warehouse-sql.ts';

/** How the warehouse reads staged files, with its own access or with a credential of the statement. */
export interface StageReader {
  /** Names of all files below a URL's folder. */
  list(url: string, access: StageAccess): Promise<string[]>;
  read(url: string, name: string, access: StageAccess): Promise<Uint8Array>;
}

export interface StageAccess {
  sas: string | null;
  credential: string | null;
}

/** What Databricks raises: its class, message and SQLSTATE. */
export class WarehouseError extends Error {
  readonly sqlState: string;

  constructor(errorClass: string, message: string, sqlState: string) {
    super(`[${errorClass}] ${message} SQLSTATE: ${sqlState}`);
    this.sqlState = sqlState;
  }
}

/** What a Delta table has besides rows. */
interface Traits {
  properties: Record<string, string>;
  clustering: string[];
  comment: string | null;
  /** Files that COPY INTO has loaded. */
  loaded: Set<string>;
}

const NEEDS_MAPPING = /[ ,;{}()\n\t=]/;
/** Delta type widening, as its documentation lists it. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  TINYINT: ['SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE'],
  SMALLINT: ['INTEGER', 'BIGINT', 'DOUBLE'],
  INTEGER: ['BIGINT', 'DOUBLE'],
  FLOAT: ['DOUBLE'],
  DATE: ['TIMESTAMP'],
};

/** Delta tables on DuckDB: the rules of Databricks that a load may run into, and DuckDB for everything else. */
export class DeltaTables {
  readonly #traits = new Map<string, Traits>();
  readonly #stage: StageReader;

  constructor(stage: StageReader) {
    this.#stage = stage;
  }

  /** What the tests look at. */
  traits(table: string): Traits | undefined {
    return this.#traits.get(table);
  }

  async run(connection: DuckDBConnection, sql: string): Promise<ResultRows> {
    const statement = parseStatement(sql);
    try {
      return await this.#run(connection, statement);
    } catch (error) {
      throw error instanceof WarehouseError ? error : translated(error as Error);
    }
  }

  async #run(connection: DuckDBConnection, statement: Statement): Promise<ResultRows> {
    const { verb, sql, table } = statement;
    const name = table === null ? '' : duckTable(table);
    switch (verb) {
      case 'SELECT':
        return await select(connection, sql);
      case 'CREATE SCHEMA':
        checkName(table!.schema);
        await connection.run(sql);
        return NO_ROWS;
      case 'CREATE TABLE':
        checkName(table!.table);
        checkColumns(statement.columns, statement.properties);
        await connection.run(sql);
        if (!this.#traits.has(name)) this.#traits.set(name, newTraits(statement));
        return NO_ROWS;
      case 'CREATE OR REPLACE TABLE':
        await connection.run(`CREATE OR REPLACE TABLE ${name} AS ${sql}`);
        this.#traits.set(name, newTraits(statement));
        return NO_ROWS;
      case 'DROP TABLE':
        await connection.run(sql);
        this.#traits.delete(name);
        return NO_ROWS;
      case 'SET PROPERTIES':
        Object.assign(this.#of(name).properties, statement.properties);
        return NO_ROWS;
      case 'ADD COLUMN':
        checkColumns(statement.columns, this.#of(name).properties);
        await this.#checkFeature(connection, name, statement.columns[0]!.type);
        await connection.run(sql);
        return NO_ROWS;
      case 'WIDEN':
        await this.#checkWidening(connection, name, statement);
        await connection.run(sql);
        return NO_ROWS;
      case 'ALLOW NULL':
        await connection.run(sql);
        return NO_ROWS;
      case 'COMMENT COLUMN': {
        const key = [`${table!.catalog}.${table!.schema}`, table!.table, statement.column!];
        await connection.run(`DELETE FROM server.comments WHERE "schema" = $1 AND "table" = $2 AND "column" = $3`, key);
        await connection.run('INSERT INTO server.comments VALUES ($1, $2, $3, $4)', [...key, statement.comment]);
        return NO_ROWS;
      }
      case 'DESCRIBE DETAIL': {
        const { comment, clustering, properties } = this.#of(name);
        const names = ['description', 'clusteringColumns', 'partitionColumns', 'properties'];
        const row = [comment, JSON.stringify(clustering), '[]', JSON.stringify(properties)];
        return { names, types: names.map(() => 'string'), rows: [row] };
      }
      case 'COPY INTO':
        return await this.#copy(connection, name, statement.copy!);
      case 'INSERT OVERWRITE':
        return await inTransaction(connection, async () => {
          await connection.run(`DELETE FROM ${name}`);
          return await changed(connection, sql);
        });
      case 'MERGE INTO':
        return await merge(connection, name, sql);
      default:
        return await changed(connection, sql);
    }
  }

  #of(name: string): Traits {
    const traits = this.#traits.get(name);
    if (!traits)
      throw new WarehouseError('TABLE_OR_VIEW_NOT_FOUND', `The table or view ${name} cannot be found.`, '42P01');
    return traits;
  }

  async #checkFeature(connection: DuckDBConnection, table: string, type: string): Promise<void> {
    if (type !== 'TIMESTAMP') return;
    const columns = await columnTypes(connection, `SELECT * FROM ${table}`);
    const isKnown =
      [...columns.values()].includes('TIMESTAMP') || 'delta.feature.timestampNtz' in this.#of(table).properties;
    if (!isKnown)
      throw new WarehouseError('DELTA_FEATURES_REQUIRE_MANUAL_ENABLEMENT', 'timestampNtz must be enabled.', '56038');
  }

  async #checkWidening(connection: DuckDBConnection, table: string, { column, type }: Statement): Promise<void> {
    const from = (await columnTypes(connection, `SELECT * FROM ${table}`)).get(column!.toLowerCase()) ?? '';
    const to = type === 'INT' ? 'INTEGER' : type!;
    const digits = (text: string) => /^DECIMAL\((\d+),(\d+)\)/.exec(text)?.slice(1).map(Number);
    const [narrow, wide] = [digits(from), digits(to)];
    const growsDigits = narrow && wide && wide[1]! >= narrow[1]! && wide[0]! - wide[1]! >= narrow[0]! - narrow[1]!;
    const holdsInteger = wide && /INT/.test(from) && wide[0]! - wide[1]! >= (from === 'BIGINT' ? 20 : 10);
    const isAllowed = WIDER[from]?.includes(to) || growsDigits || holdsInteger;
    if (!isAllowed || this.#of(table).properties['delta.enableTypeWidening'] !== 'true') {
      throw new WarehouseError(
        'DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP',
        `ALTER TABLE CHANGE COLUMN is not supported for changing column ${column} from ${from} to ${to}.`,
        '0AKDC',
      );
    }
  }

  /** Each file once, all of a statement's files or none. */
  async #copy(connection: DuckDBConnection, table: string, copy: NonNullable<Statement['copy']>): Promise<ResultRows> {
    const { url, sas, credential, select: expressions } = copy;
    const { loaded } = this.#of(table);
    const access = { sas, credential };
    let names: string[];
    const parts: Uint8Array[] = [];
    const fresh: string[] = [];
    try {
      names = await this.#stage.list(url, access);
      for (const name of names.filter((candidate) => !loaded.has(url + candidate))) {
        parts.push(await this.#stage.read(url, name, access));
        fresh.push(url + name);
      }
    } catch (error) {
      throw new WarehouseError('CLOUD_STORAGE_ACCESS_DENIED', `${(error as Error).message.split('\n')[0]}`, '42501');
    }
    if (names.length === 0)
      throw new WarehouseError(
        'COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED',
        `${url} holds no files of type PARQUET.`,
        '42KD9',
      );
    if (fresh.length === 0) return counted(0);
    const folder = await mkdtemp(join(tmpdir(), 'warehouse-'));
    try {
      const files = await Promise.all(
        parts.map(async (bytes, index) => {
          const path = join(folder, `${index}.parquet`);
          await writeFile(path, bytes);
          return path;
        }),
      );
      const list = `[${files.map((file) => `'${file}'`).join(', ')}]`;
      await refuseIllegalTypes(connection, list);
      const rows = `SELECT ${expressions} FROM read_parquet(${list}, union_by_name = true, hive_partitioning = false)`;
      await checkTypes(connection, table, rows);
      const result = await changed(connection, `INSERT INTO ${table} BY NAME ${rows}`);
      for (const file of fresh) loaded.add(file);
      return result;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function newTraits({ properties, clustering, comment }: Statement): Traits {
  return { properties: { ...properties }, clustering, comment, loaded: new Set() };
}

function checkName(name: string): void {
  if (/[\s./]/.test(name))
    throw new WarehouseError('INVALID_SCHEMA_OR_RELATION_NAME', `\`${name}\` is not a valid name.`, '42602');
}

function checkColumns(columns: readonly { name: string }[], properties: Record<string, string>): void {
  const bad = columns.find(({ name }) => NEEDS_MAPPING.test(name));
  if (bad && properties['delta.columnMapping.mode'] !== 'name')
    throw new WarehouseError(
      'DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES',
      `Found invalid character(s) in ${bad.name}.`,
      '42K05',
    );
}

async function columnTypes(connection: DuckDBConnection, query: string): Promise<Map<string, string>> {
  const rows = (await connection.runAndReadAll(`DESCRIBE ${query}`)).getRows();
  return new Map(rows.map((row) => [String(row[0]).toLowerCase(), String(row[1])]));
}

/** COPY INTO does not cast: what comes must have the table's types. */
async function checkTypes(connection: DuckDBConnection, table: string, rows: string): Promise<void> {
  const have = await columnTypes(connection, rows);
  const want = await columnTypes(connection, `SELECT * FROM ${table}`);
  for (const [name, type] of have) {
    const wanted = want.get(name);
    if (wanted === undefined)
      throw new WarehouseError(
        'DELTA_METADATA_MISMATCH',
        `Column ${name} is not in the table; set mergeSchema.`,
        '42KDG',
      );
    if (wanted !== type)
      throw new WarehouseError(
        'DELTA_FAILED_TO_MERGE_FIELDS',
        `Failed to merge fields '${name}' and '${name}' (${sparkName(wanted)} and ${sparkName(type)}).`,
        '22005',
      );
  }
}

/** Types of Parquet that Spark's reader does not know. */
async function refuseIllegalTypes(connection: DuckDBConnection, files: string): Promise<void> {
  const sql = `SELECT name, logical_type FROM parquet_schema(${files}) WHERE regexp_matches(logical_type::VARCHAR, 'TimeType|UUIDType|NANOS=Nano') OR converted_type::VARCHAR IN ('INTERVAL', 'TIME_MICROS') LIMIT 1`;
  const [row] = (await connection.runAndReadAll(sql)).getRows();
  if (row) throw new WarehouseError('PARQUET_TYPE_ILLEGAL', `Illegal Parquet type: ${row[1]} of ${row[0]}.`, '42846');
}

async function select(connection: DuckDBConnection, sql: string): Promise<ResultRows> {
  const reader = await connection.runAndReadAll(sql);
  const result = resultOf(reader.columnNames(), reader.columnTypes(), reader.getRows());
  const typeColumn = result.names.indexOf('full_data_type');
  if (typeColumn >= 0) for (const row of result.rows) row[typeColumn] = sparkName(String(row[typeColumn]));
  return result;
}

async function changed(connection: DuckDBConnection, sql: string): Promise<ResultRows> {
  return counted((await connection.run(sql)).rowsChanged);
}

/** A row of the target that several rows of the source would update ends the statement, as Delta does. */
async function merge(connection: DuckDBConnection, table: string, sql: string): Promise<ResultRows> {
  const [, source = '', condition = ''] =
    /^MERGE INTO \S+ AS _old USING ([\s\S]+?) ON ([\s\S]+?) WHEN (?:NOT )?MATCHED/.exec(sql) ?? [];
  if (/WHEN MATCHED THEN UPDATE/.test(sql)) {
    const check = `SELECT 1 FROM ${table} AS _old JOIN ${source} ON ${condition} GROUP BY _old.rowid HAVING count(*) > 1 LIMIT 1`;
    if ((await connection.runAndReadAll(check)).getRows().length > 0)
      throw new WarehouseError(
        'DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE',
        'Multiple source rows matched and attempted to modify the same target row.',
        '21506',
      );
  }
  return await changed(connection, sql);
}

async function inTransaction<T>(connection: DuckDBConnection, task: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await task();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function translated(error: Error): Error {
  const text = error.message;
  if ('sqlState' in error || text.startsWith('[')) return error;
  const named: [RegExp, string, string][] = [
    [/(?:Table|Schema) with name .* does not exist|Catalog Error/, 'TABLE_OR_VIEW_NOT_FOUND', '42P01'],
    [/already exists/, 'FIELD_ALREADY_EXISTS', '42710'],
    [/Could not convert string|invalid .* format/i, 'CAST_INVALID_INPUT', '22018'],
    [/out of range|overflow/i, 'CAST_OVERFLOW', '22003'],
    [/Unimplemented type for cast|Cannot cast/i, 'DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION', '42K09'],
    [/NOT NULL constraint/, 'DELTA_NOT_NULL_CONSTRAINT_VIOLATED', '23502'],
    [/Conflict on|TransactionContext|write-write conflict|Transaction conflict/i, 'DELTA_CONCURRENT_WRITE', '2D521'],
    [/Parser Error/, 'PARSE_SYNTAX_ERROR', '42601'],
  ];
  const found = named.find(([pattern]) => pattern.test(text));
  return found ? new WarehouseError(found[1], text, found[2]) : error;
}
