import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUUIDValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { isTime, storageOf } from './t-sql.ts';
import { parseType, type SqlColumn, type SqlType, type SqlValue } from './tds-values.ts';

export interface TableColumn {
  name: string;
  /** As T-SQL declares it. */
  type: string;
  nullable?: boolean;
  identity?: boolean;
  comment?: string;
  /** The first column of an index of its own. */
  indexed?: boolean;
}

export interface TableDefinition {
  columns: TableColumn[];
  primaryKey?: string[];
  comment?: string;
  /** Values as DuckDB's SQL, or texts for times and anything else. */
  rows?: (string | number | boolean | null | Uint8Array)[][];
  /** A SELECT in DuckDB's SQL that gives the rows; times as `ticks_of('…')`. */
  select?: string;
  inMemory?: boolean;
  isView?: boolean;
}

/** System types with their numbers in sys.types. */
const SYSTEM_TYPES: Record<string, number> = {
  image: 34,
  text: 35,
  uniqueidentifier: 36,
  date: 40,
  time: 41,
  datetime2: 42,
  datetimeoffset: 43,
  tinyint: 48,
  smallint: 52,
  int: 56,
  smalldatetime: 58,
  real: 59,
  money: 60,
  datetime: 61,
  float: 62,
  sql_variant: 98,
  ntext: 99,
  bit: 104,
  decimal: 106,
  smallmoney: 122,
  bigint: 127,
  varbinary: 165,
  varchar: 167,
  binary: 173,
  char: 175,
  timestamp: 189,
  nvarchar: 231,
  nchar: 239,
  xml: 241,
};
/** Types of .NET share one system type. */
const NET_TYPES: Record<string, number> = { hierarchyid: 128, geometry: 129 };
const NET_SYSTEM_TYPE = 240;

/** The parts of sys that the product asks, and what stands for T-SQL's functions. `login` is a variable of each session. */
const SETUP = `SET TimeZone = 'UTC';
CREATE SCHEMA dbo;
CREATE SCHEMA mssql_sys;
CREATE SEQUENCE mssql_sys.ids START 1000;
CREATE TABLE mssql_sys.schemas (schema_id INT, name VARCHAR);
INSERT INTO mssql_sys.schemas VALUES (1, 'dbo');
CREATE TABLE mssql_sys.objects (object_id INT, schema_id INT, name VARCHAR, type VARCHAR, is_ms_shipped INT);
CREATE TABLE mssql_sys.tables (object_id INT, is_memory_optimized INT);
CREATE TABLE mssql_sys.types (name VARCHAR, system_type_id INT, user_type_id INT);
CREATE TABLE mssql_sys.columns (object_id INT, column_id INT, name VARCHAR, system_type_id INT, user_type_id INT, max_length INT, precision INT,
  scale INT, is_nullable INT, is_identity INT);
CREATE TABLE mssql_sys.indexes (object_id INT, index_id INT, is_primary_key INT);
CREATE TABLE mssql_sys.index_columns (object_id INT, index_id INT, column_id INT, key_ordinal INT);
CREATE TABLE mssql_sys.stats_columns (object_id INT, stats_id INT, stats_column_id INT, column_id INT);
CREATE TABLE mssql_sys.dm_db_stats_histogram (object_id INT, stats_id INT, range_high_key VARCHAR, distinct_range_rows BIGINT);
CREATE TABLE mssql_sys.extended_properties (class INT, major_id INT, minor_id INT, name VARCHAR, value VARCHAR);
CREATE TABLE mssql_sys.databases (name VARCHAR, snapshot_isolation_state INT, is_read_committed_snapshot_on INT);
CREATE TABLE mssql_sys.denied (login VARCHAR, object VARCHAR, "column" VARCHAR);
CREATE TABLE mssql_sys.settings (name VARCHAR, value VARCHAR);
CREATE VIEW mssql_sys.partitions AS SELECT o.object_id, o.object_id AS partition_id, 1 AS index_id, t.estimated_size AS rows
  FROM duckdb_tables() t JOIN mssql_sys.schemas s ON s.name = t.schema_name JOIN mssql_sys.objects o ON o.schema_id = s.schema_id AND o.name = t.table_name;
CREATE VIEW mssql_sys.allocation_units AS SELECT object_id AS container_id, 1 + rows // 50 AS total_pages FROM mssql_sys.partitions;
CREATE MACRO quotename(name) AS '[' || replace(name, ']', ']]') || ']';
CREATE MACRO charindex(part, whole) AS instr(whole, part);
CREATE MACRO has_perms_by_name(p_object, p_class, p_permission) AS (SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM mssql_sys.denied d
    WHERE d.login = getvariable('login') AND d.object = p_object AND d."column" IS NULL),
  (p_object, p_class, p_permission, p_column, p_kind) AS (SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM mssql_sys.denied d
    WHERE d.login = getvariable('login') AND d.object = p_object AND (d."column" IS NULL OR d."column" = p_column));
CREATE MACRO schema_name() AS 'dbo';
CREATE MACRO db_name() AS (SELECT name FROM mssql_sys.databases);
CREATE MACRO serverproperty(name) AS CASE WHEN name = 'ProductVersion' THEN '16.0.4135.4' ELSE 'Test Edition' END;
CREATE MACRO min_active_rowversion() AS (SELECT unhex(value) FROM mssql_sys.settings WHERE name = 'min_active_rowversion');
CREATE MACRO ticks_of_time(t) AS CAST(substr(t, 1, 2) AS BIGINT) * 36000000000 + CAST(substr(t, 4, 2) AS BIGINT) * 600000000
  + CAST(substr(t, 7, 2) AS BIGINT) * 10000000 + CAST(rpad(regexp_extract(t, '\\.(\\d+)', 1), 7, '0') AS BIGINT);
CREATE MACRO ticks_of_date(t) AS date_diff('day', DATE '0001-01-01', CAST(substr(t, 1, 10) AS DATE)) * 864000000000::BIGINT;
CREATE MACRO ticks_of(t) AS CASE WHEN t IS NULL THEN NULL WHEN t LIKE '____-%' THEN ticks_of_date(t) + CASE WHEN length(t) > 10 THEN ticks_of_time(substr(t, 12)) ELSE 0 END
  ELSE ticks_of_time(t) END;
CREATE MACRO text_of_ticks(n) AS CASE WHEN n >= 864000000000 THEN strftime(DATE '0001-01-01' + CAST(n // 864000000000 AS INT), '%Y-%m-%d') || ' ' ELSE '' END
  || lpad(CAST(n % 864000000000 // 36000000000 AS VARCHAR), 2, '0') || ':' || lpad(CAST(n % 36000000000 // 600000000 AS VARCHAR), 2, '0')
  || ':' || lpad(CAST(n % 600000000 // 10000000 AS VARCHAR), 2, '0') || '.' || lpad(CAST(n % 10000000 AS VARCHAR), 7, '0');
CREATE MACRO text_of(x) AS coalesce(text_of_ticks(TRY_CAST(CAST(x AS VARCHAR) AS BIGINT)), CAST(x AS VARCHAR));
CREATE MACRO dateadd_millisecond(n, x) AS x + n * 10000;
CREATE MACRO dateadd_day(n, x) AS x + n * 864000000000;`;

/** Tables with their declared types, in DuckDB. */
export class Catalog {
  readonly instance: DuckDBInstance;
  /** For tests: rows are added and changed here, in DuckDB's SQL. */
  readonly connection: DuckDBConnection;
  readonly database: string;
  readonly #tables = new Map<string, Map<string, SqlColumn>>();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, database: string) {
    this.instance = instance;
    this.connection = connection;
    this.database = database;
  }

  static async open(database: string): Promise<Catalog> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    await connection.run(SETUP);
    const types = [
      ...Object.entries(SYSTEM_TYPES).map(([name, id]) => `('${name}', ${id}, ${id})`),
      ...Object.entries(NET_TYPES).map(([name, id]) => `('${name}', ${NET_SYSTEM_TYPE}, ${id})`),
    ];
    await connection.run(`INSERT INTO mssql_sys.types VALUES ${types.join(', ')};
      INSERT INTO mssql_sys.databases VALUES (${literal(database)}, 1, 0);
      INSERT INTO mssql_sys.settings VALUES ('min_active_rowversion', 'FFFFFFFFFFFFFFFF')`);
    return new Catalog(instance, connection, database);
  }

  /** `name` is `schema.name`; the first dot divides. */
  async createTable(name: string, definition: TableDefinition): Promise<void> {
    const dot = name.indexOf('.');
    const [schema, table] = [name.slice(0, dot), name.slice(dot + 1)];
    const key = definition.primaryKey ?? [];
    const columns = definition.columns.map((column) => ({
      ...column,
      type: parseType(column.type),
      nullable: column.nullable ?? !key.includes(column.name),
    }));
    const target = `${identifier(schema)}.${identifier(table)}`;
    await this.connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)};
      INSERT INTO mssql_sys.schemas SELECT nextval('mssql_sys.ids'), ${literal(schema)} WHERE ${literal(schema)} NOT IN (SELECT name FROM mssql_sys.schemas)`);
    const list = columns.map(({ name: own, type }) => `${identifier(own)} ${storageOf(type)}`).join(', ');
    await this.connection.run(
      definition.isView ? `CREATE VIEW ${target} AS ${definition.select}` : `CREATE TABLE ${target} (${list})`,
    );
    this.#tables.set(name.toLowerCase(), new Map(columns.map((column) => [column.name.toLowerCase(), column])));
    await this.#register(schema, table, definition, columns, key);
    if (definition.isView) return;
    if (definition.select !== undefined) await this.connection.run(`INSERT INTO ${target} ${definition.select}`);
    for (const row of definition.rows ?? []) {
      const values = row.map((value, index) => valueSql(value, columns[index]?.type as SqlType));
      await this.connection.run(`INSERT INTO ${target} VALUES (${values.join(', ')})`);
    }
  }

  async #register(
    schema: string,
    table: string,
    definition: TableDefinition,
    columns: (SqlColumn & TableColumnFacts)[],
    key: string[],
  ): Promise<void> {
    const reader = await this.connection.runAndReadAll("SELECT nextval('mssql_sys.ids')");
    const id = Number(reader.getRows()[0]?.[0]);
    const statements = [
      `INSERT INTO mssql_sys.objects SELECT ${id}, schema_id, ${literal(table)}, '${definition.isView ? 'V' : 'U'}', 0 FROM mssql_sys.schemas WHERE name = ${literal(schema)}`,
      `INSERT INTO mssql_sys.tables VALUES (${id}, ${definition.inMemory ? 1 : 0})`,
      `INSERT INTO mssql_sys.indexes VALUES (${id}, 1, ${key.length > 0 ? 1 : 0})`,
    ];
    if (definition.comment) {
      statements.push(
        `INSERT INTO mssql_sys.extended_properties VALUES (1, ${id}, 0, 'MS_Description', ${literal(definition.comment)})`,
      );
    }
    for (const [index, column] of columns.entries()) {
      const { type } = column;
      const user = NET_TYPES[type.name] ?? SYSTEM_TYPES[type.name];
      const system = type.name in NET_TYPES ? NET_SYSTEM_TYPE : user;
      const bytes = type.length === null ? -1 : type.length * (type.name.startsWith('n') ? 2 : 1);
      statements.push(
        `INSERT INTO mssql_sys.columns VALUES (${id}, ${index + 1}, ${literal(column.name)}, ${system}, ${user}, ${bytes}, ${type.precision}, ${type.scale},
          ${column.nullable ? 1 : 0}, ${column.identity ? 1 : 0})`,
      );
      const position = key.indexOf(column.name) + 1;
      if (position > 0)
        statements.push(`INSERT INTO mssql_sys.index_columns VALUES (${id}, 1, ${index + 1}, ${position})`);
      if (column.indexed)
        statements.push(`INSERT INTO mssql_sys.index_columns VALUES (${id}, ${index + 2}, ${index + 1}, 1)`);
      if (column.comment) {
        statements.push(
          `INSERT INTO mssql_sys.extended_properties VALUES (1, ${id}, ${index + 1}, 'MS_Description', ${literal(column.comment)})`,
        );
      }
    }
    for (const statement of statements) await this.connection.run(statement);
  }

  /** What a result's column is announced as: what a CAST says, the declared type where the values are a table's own, else what DuckDB has. */
  columnOf(name: string, type: DuckDBType, tables: readonly string[], casts: ReadonlyMap<string, SqlType>): SqlColumn {
    const cast = casts.get(name);
    if (cast && storageOf(cast) === type.toString()) return { name, type: sendable(cast), nullable: true };
    for (const table of tables) {
      const column = this.#tables.get(table)?.get(name.toLowerCase());
      if (column && storageOf(column.type) === type.toString()) return { ...column, name, type: sendable(column.type) };
    }
    return { name, type: parseType(fallback(type)), nullable: true };
  }
}

type TableColumnFacts = Pick<TableColumn, 'identity' | 'comment' | 'indexed'>;

/** Texts go out as nvarchar: the product asks for no other. */
function sendable(type: SqlType): SqlType {
  if (['char', 'varchar', 'text', 'ntext', 'xml', 'hierarchyid', 'sql_variant'].includes(type.name)) {
    return { ...type, name: 'nvarchar', length: type.length };
  }
  return ['image', 'geometry'].includes(type.name) ? { ...type, name: 'varbinary', length: null } : type;
}

function fallback(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return 'bit';
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.SQLNULL:
      return 'int';
    case DuckDBTypeId.BIGINT:
      return 'bigint';
    case DuckDBTypeId.HUGEINT:
      return 'decimal(38,0)';
    case DuckDBTypeId.DOUBLE:
      return 'float';
    case DuckDBTypeId.BLOB:
      return 'varbinary(max)';
    case DuckDBTypeId.DATE:
      return 'date';
    case DuckDBTypeId.DECIMAL:
      return type.toString();
    default:
      return 'nvarchar(max)';
  }
}

/** Days from 0001-01-01 to 1970-01-01. */
const EPOCH_DAYS = 719_162;

/** DuckDB's value as the wire's. */
export function wireValue(value: DuckDBValue, type: SqlType): SqlValue {
  if (value === null) return null;
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (value instanceof DuckDBDateValue) return value.days + EPOCH_DAYS;
  if (value instanceof DuckDBUUIDValue) return value.toString();
  if (value instanceof DuckDBBlobValue) return value.bytes;
  if (type.name === 'decimal') return BigInt(value as bigint);
  return value as SqlValue;
}

function valueSql(value: string | number | boolean | null | Uint8Array, type: SqlType): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `unhex('${Buffer.from(value).toString('hex')}')`;
  if (isTime(type)) return `ticks_of(${literal(String(value))})`;
  return typeof value === 'string' ? literal(value) : String(value);
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
