import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { asOracleError, OracleError } from './errors.ts';
import { MACROS, translate } from './translate.ts';
import { type OracleType, parseOracleType, typeOfStorage } from './types.ts';

export interface TableDefinition {
  kind?: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW';
  /** Columns by name, with Oracle's type text; `!` at its end: NOT NULL. */
  columns: Record<string, string>;
  /** DuckDB types of columns that need another than theirs, e.g. an unbounded NUMBER that is compared. */
  storage?: Record<string, string>;
  primaryKey?: string[];
  uniqueKeys?: string[][];
  /** Columns with an index of their own. */
  indexed?: string[];
  identity?: string;
  comment?: string;
  columnComments?: Record<string, string>;
  numRows?: number;
  /** Values as DuckDB's own literals, or null. */
  rows?: (string | null)[][];
  /** A DuckDB query that gives the rows. */
  query?: string;
  /** What a user that was not granted anything gets to see. */
  grant?: 'select' | 'visible' | 'none';
  /** AS OF SCN is refused: no FLASHBACK privilege. */
  noFlashback?: boolean;
}

interface Table {
  owner: string;
  name: string;
  columns: Map<string, OracleType>;
  grant: 'select' | 'visible' | 'none';
  noFlashback: boolean;
}

export interface ResultColumn {
  name: string;
  type: OracleType;
}

export interface ResultSet {
  columns: ResultColumn[];
  /** Batches of rows; null at the end. */
  next(): Promise<DuckDBValue[][] | null>;
}

/** The dictionary views that are there, as tables. */
const DICTIONARY = `
CREATE SCHEMA SYS;
CREATE TABLE SYS.DUAL(DUMMY VARCHAR); INSERT INTO SYS.DUAL VALUES ('X');
CREATE TABLE SYS.PRODUCT_COMPONENT_VERSION(PRODUCT VARCHAR, VERSION VARCHAR);
INSERT INTO SYS.PRODUCT_COMPONENT_VERSION VALUES ('Oracle Database 19c Test Edition', '19.0.0.0.0');
CREATE TABLE SYS.ALL_USERS(USERNAME VARCHAR, ORACLE_MAINTAINED VARCHAR); INSERT INTO SYS.ALL_USERS VALUES ('SYS', 'Y');
CREATE TABLE SYS.ALL_OBJECTS(OWNER VARCHAR, OBJECT_NAME VARCHAR, OBJECT_TYPE VARCHAR);
CREATE TABLE SYS.ALL_SYNONYMS(OWNER VARCHAR, SYNONYM_NAME VARCHAR, TABLE_OWNER VARCHAR, TABLE_NAME VARCHAR, DB_LINK VARCHAR);
CREATE TABLE SYS.ALL_TABLES(OWNER VARCHAR, TABLE_NAME VARCHAR, NUM_ROWS BIGINT, AVG_ROW_LEN BIGINT, LAST_ANALYZED TIMESTAMP, IOT_TYPE VARCHAR, PARTITIONED VARCHAR);
CREATE TABLE SYS.ALL_TAB_COLS(OWNER VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR, DATA_TYPE VARCHAR, DATA_TYPE_OWNER VARCHAR, DATA_LENGTH BIGINT,
  CHAR_LENGTH BIGINT, DATA_PRECISION BIGINT, DATA_SCALE BIGINT, NULLABLE VARCHAR, COLUMN_ID BIGINT, HIDDEN_COLUMN VARCHAR, IDENTITY_COLUMN VARCHAR, NUM_DISTINCT BIGINT);
CREATE TABLE SYS.ALL_CONSTRAINTS(OWNER VARCHAR, CONSTRAINT_NAME VARCHAR, CONSTRAINT_TYPE VARCHAR, TABLE_NAME VARCHAR, STATUS VARCHAR);
CREATE TABLE SYS.ALL_CONS_COLUMNS(OWNER VARCHAR, CONSTRAINT_NAME VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR, POSITION BIGINT);
CREATE TABLE SYS.ALL_IND_COLUMNS(TABLE_OWNER VARCHAR, TABLE_NAME VARCHAR, INDEX_NAME VARCHAR, COLUMN_NAME VARCHAR, COLUMN_POSITION BIGINT);
CREATE TABLE SYS.ALL_TAB_COMMENTS(OWNER VARCHAR, TABLE_NAME VARCHAR, COMMENTS VARCHAR);
CREATE TABLE SYS.ALL_COL_COMMENTS(OWNER VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR, COMMENTS VARCHAR);
`;

const quoted = (name: string) => `"${name}"`;
const literal = (value: string | number | null | undefined): string =>
  value === null || value === undefined
    ? 'NULL'
    : typeof value === 'number'
      ? String(value)
      : `'${value.replaceAll("'", "''")}'`;

/** Tables, dictionary and snapshots, kept in DuckDB. */
export class OracleDatabase {
  /** The DBA's connection: DuckDB's own SQL. */
  readonly dba: DuckDBConnection;
  /** Whether DBMS_FLASHBACK and V$DATABASE may be used. */
  mayAskScn = true;
  readonly #instance: DuckDBInstance;
  readonly #tables = new Map<string, Table>();
  readonly #snapshots = new Map<number, { connection: DuckDBConnection; busy: Promise<unknown> }>();
  #scn = 1_000_000;

  private constructor(instance: DuckDBInstance, dba: DuckDBConnection) {
    this.#instance = instance;
    this.dba = dba;
  }

  static async open(): Promise<OracleDatabase> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const dba = await instance.connect();
    await dba.run(`SET TimeZone = 'UTC'; ${DICTIONARY} ${MACROS}`);
    return new OracleDatabase(instance, dba);
  }

  async createUser(name: string): Promise<void> {
    await this.dba.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(name)}`);
    await this.dba.run(`INSERT INTO SYS.ALL_USERS VALUES (${literal(name)}, 'N')`);
  }

  async createTable(owner: string, name: string, definition: TableDefinition): Promise<void> {
    const { kind = 'TABLE', grant = 'select', noFlashback = false } = definition;
    const columns = new Map<string, OracleType>();
    const declared: string[] = [];
    for (const [column, text] of Object.entries(definition.columns)) {
      const parsed = parseOracleType(text.replace(/!$/, ''));
      const type = { ...parsed, storage: definition.storage?.[column] ?? parsed.storage };
      columns.set(column, type);
      declared.push(`${quoted(column)} ${type.storage}`);
    }
    this.#tables.set(`${owner}.${name}`, { owner, name, columns, grant, noFlashback });
    const target = `${quoted(owner)}.${quoted(name)}`;
    await this.dba.run(`CREATE TABLE ${target} (${declared.join(', ')})`);
    if (definition.query !== undefined) await this.dba.run(`INSERT INTO ${target} ${definition.query}`);
    for (const row of definition.rows ?? []) {
      await this.dba.run(`INSERT INTO ${target} VALUES (${row.map((value) => value ?? 'NULL').join(', ')})`);
    }
    if (grant !== 'none') await this.#describe(owner, name, kind, definition, columns);
  }

  async #describe(
    owner: string,
    name: string,
    kind: string,
    definition: TableDefinition,
    columns: ReadonlyMap<string, OracleType>,
  ): Promise<void> {
    const insert = (view: string, ...values: (string | number | null | undefined)[]) =>
      this.dba.run(`INSERT INTO SYS.${view} VALUES (${values.map(literal).join(', ')})`);
    await insert('ALL_OBJECTS', owner, name, kind);
    if (kind === 'MATERIALIZED VIEW') await insert('ALL_OBJECTS', owner, name, 'TABLE');
    if (kind !== 'VIEW') {
      const analyzed = definition.numRows === undefined ? null : '2024-05-01 00:00:00';
      await insert('ALL_TABLES', owner, name, definition.numRows, definition.numRows && 100, analyzed, null, 'NO');
    }
    if (definition.comment !== undefined) await insert('ALL_TAB_COMMENTS', owner, name, definition.comment);
    const key = definition.primaryKey ?? [];
    for (const [index, [column, type]] of [...columns].entries()) {
      const text = definition.columns[column] as string;
      const hasPrecision = type.code === 2 && type.precision > 0;
      const isTime = type.name.startsWith('TIMESTAMP') || type.name.startsWith('INTERVAL');
      await insert(
        'ALL_TAB_COLS',
        owner,
        name,
        column,
        type.name,
        /^(SDO_GEOMETRY|T_\w+)$/.test(type.name) ? 'MDSYS' : null,
        type.size,
        type.charset === 2 ? type.size / 2 : type.size,
        hasPrecision ? type.precision : null,
        isTime || (type.code === 2 && type.scale !== -127) ? type.scale : null,
        text.endsWith('!') || key.includes(column) ? 'N' : 'Y',
        index + 1,
        'NO',
        definition.identity === column ? 'YES' : 'NO',
        null,
      );
      const comment = definition.columnComments?.[column];
      if (comment !== undefined) await insert('ALL_COL_COMMENTS', owner, name, column, comment);
    }
    const keys = [{ type: 'P', names: key }, ...(definition.uniqueKeys ?? []).map((names) => ({ type: 'U', names }))];
    for (const [index, { type, names }] of keys.entries()) {
      if (names.length === 0) continue;
      await insert('ALL_CONSTRAINTS', owner, `${type}${index}_${name}`, type, name, 'ENABLED');
      for (const [position, column] of names.entries()) {
        await insert('ALL_CONS_COLUMNS', owner, `${type}${index}_${name}`, name, column, position + 1);
      }
    }
    for (const column of [...key.slice(0, 1), ...(definition.indexed ?? [])]) {
      await insert('ALL_IND_COLUMNS', owner, name, `I_${name}_${column}`, column, 1);
    }
  }

  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /** Runs a query of a session; its rows are taken at the client's pace. */
  async query(session: DuckDBConnection, oracle: string, values: (string | null)[]): Promise<ResultSet> {
    try {
      this.#checkGrants(oracle);
      const { sql, scn } = translate(await this.#withScn(oracle));
      if (scn !== null) return await this.#queryAt(scn, oracle, sql);
      const result = await session.stream(sql, values);
      const columns = this.#describeResult(oracle, result.columnNames(), result.columnTypes().map(String));
      return {
        columns,
        next: async () => {
          const chunk = await result.fetchChunk();
          return chunk === null || chunk.rowCount === 0 ? null : chunk.getRows();
        },
      };
    } catch (error) {
      throw asOracleError(error);
    }
  }

  close(): void {
    for (const { connection } of this.#snapshots.values()) connection.closeSync();
    this.dba.closeSync();
    this.#instance.closeSync();
  }

  /** Where the statement asks for the system change number: a number that stands for a snapshot that is taken now. */
  async #withScn(oracle: string): Promise<string> {
    if (!/\bDBMS_FLASHBACK\b|\bV\$DATABASE\b/i.test(oracle)) return oracle;
    if (!this.mayAskScn) {
      throw /V\$DATABASE/i.test(oracle)
        ? new OracleError(942, 'table or view does not exist')
        : new OracleError(904, '"DBMS_FLASHBACK"."GET_SYSTEM_CHANGE_NUMBER": invalid identifier');
    }
    this.#scn += 1;
    const connection = await this.connect();
    await connection.run("SET TimeZone = 'UTC'; BEGIN TRANSACTION");
    // DuckDB takes the snapshot with the first statement.
    await connection.run('SELECT * FROM SYS.DUAL');
    this.#snapshots.set(this.#scn, { connection, busy: Promise.resolve() });
    return oracle
      .replace(/DBMS_FLASHBACK\.GET_SYSTEM_CHANGE_NUMBER|\bCURRENT_SCN\b/gi, String(this.#scn))
      .replace(/\bV\$DATABASE\b/gi, 'SYS.DUAL');
  }

  /** Reads of one snapshot share its connection, one after another. */
  async #queryAt(scn: number, oracle: string, sql: string): Promise<ResultSet> {
    const snapshot = this.#snapshots.get(scn);
    if (!snapshot) throw new OracleError(8181, 'specified number is not a valid system change number');
    for (const table of this.#mentioned(oracle)) {
      if (table.noFlashback) throw new OracleError(1031, 'insufficient privileges');
    }
    const reading = snapshot.busy.then(() => snapshot.connection.runAndReadAll(sql));
    snapshot.busy = reading.catch(() => undefined);
    const result = await reading;
    const columns = this.#describeResult(oracle, result.columnNames(), result.columnTypes().map(String));
    let rows: DuckDBValue[][] | null = result.getRows();
    return {
      columns,
      next: () => {
        const taken = rows;
        rows = null;
        return Promise.resolve(taken !== null && taken.length > 0 ? taken : null);
      },
    };
  }

  #checkGrants(oracle: string): void {
    for (const table of this.#mentioned(oracle)) {
      if (table.grant === 'none') throw new OracleError(942, 'table or view does not exist');
      if (table.grant === 'visible') throw new OracleError(1031, 'insufficient privileges');
    }
  }

  #mentioned(oracle: string): Table[] {
    return [...this.#tables.values()].filter(({ owner, name }) => oracle.includes(`${quoted(owner)}.${quoted(name)}`));
  }

  /** A plain column of a table that the statement names has the column's type; of anything else DuckDB knows the type. */
  #describeResult(oracle: string, names: readonly string[], types: readonly string[]): ResultColumn[] {
    const tables = this.#mentioned(oracle);
    return names.map((name, index) => {
      const storage = (types[index] as string).replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ');
      const isLob = new RegExp(`(XMLSERIALIZE|JSON_SERIALIZE)\\([^)]*\\) AS "${escaped(name)}"`).test(oracle);
      if (isLob) return { name, type: parseOracleType('CLOB') };
      const isPlain = oracle.includes(`q."${name}" AS "${name}"`);
      const table = isPlain ? tables.find(({ columns }) => columns.get(name)?.storage === storage) : undefined;
      return { name, type: table?.columns.get(name) ?? typeOfStorage(storage) };
    });
  }
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
