/** Databricks SQL, as far as an ingestion engine sends it, turned into DuckDB's. A catalog and schema become one schema of DuckDB, `catalog.schema`. */

type Token = { kind: 'identifier' | 'text' | 'number' | 'word' | 'symbol'; text: string };

/** A statement taken apart. */
export interface Statement {
  /** The first words, upper case: `SELECT`, `CREATE TABLE`, `COPY INTO`. */
  verb: string;
  /** DuckDB's form, where there is one. */
  sql: string;
  /** The table it is about. */
  table: TableName | null;
  /** What DuckDB has no word for. */
  columns: { name: string; type: string }[];
  properties: Record<string, string>;
  comment: string | null;
  clustering: string[];
  column: string | null;
  type: string | null;
  copy: { select: string; url: string; sas: string | null; credential: string | null } | null;
}

export interface TableName {
  catalog: string;
  schema: string;
  table: string;
}

const LEXER =
  /\s+|(`(?:[^`]|``)*`)|('(?:[^'\\]|\\[\s\S])*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w$]*)|(<=>|<>|<=|>=|!=|\|\||::|[\s\S])/y;

function tokens(sql: string): Token[] {
  const found: Token[] = [];
  LEXER.lastIndex = 0;
  while (LEXER.lastIndex < sql.length) {
    const match = LEXER.exec(sql);
    if (!match) throw new Error(`cannot read ${sql}`);
    const kinds = ['identifier', 'text', 'number', 'word', 'symbol'] as const;
    const index = kinds.findIndex((_, n) => match[n + 1] !== undefined);
    if (index >= 0) found.push({ kind: kinds[index]!, text: match[0] });
  }
  return found;
}

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const bare = (token: Token) =>
  token.kind === 'identifier' ? token.text.slice(1, -1).replaceAll('``', '`') : token.text;
const plain = (token: Token) =>
  token.text
    .slice(1, -1)
    .replaceAll(/\\([\s\S])/g, (_, c: string) => ({ n: '\n', t: '\t', r: '\r', '0': '\0' })[c] ?? c);
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
export const duckTable = (name: TableName) => `${quote(`${name.catalog}.${name.schema}`)}.${quote(name.table)}`;

/** @throws Error where the statement is none that this server knows */
export function parseStatement(sql: string): Statement {
  return new Parser(tokens(sql)).statement();
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(all: Token[]) {
    this.#tokens = all;
  }

  statement(): Statement {
    const word = this.#word();
    if (word === 'SELECT') return this.#made('SELECT', { sql: this.#rest() });
    if (word === 'CREATE') return this.#create();
    if (word === 'ALTER') return this.#alter();
    if (word === 'COPY') return this.#copy();
    if (word === 'DROP') {
      this.#take('DROP', 'TABLE', 'IF', 'EXISTS');
      const table = this.#name();
      return this.#made('DROP TABLE', { table, sql: `DROP TABLE IF EXISTS ${duckTable(table)}` });
    }
    if (word === 'DESCRIBE') {
      this.#take('DESCRIBE', 'DETAIL');
      return this.#made('DESCRIBE DETAIL', { table: this.#name() });
    }
    if (word === 'INSERT') {
      this.#take('INSERT');
      const verb = this.#skip('OVERWRITE') ? 'INSERT OVERWRITE' : 'INSERT INTO';
      if (verb === 'INSERT INTO') this.#take('INTO');
      const table = this.#name();
      return this.#made(verb, { table, sql: `INSERT INTO ${duckTable(table)} ${this.#rest()}` });
    }
    if (word === 'MERGE') {
      this.#take('MERGE', 'INTO');
      const table = this.#name();
      return this.#made('MERGE INTO', { table, sql: `MERGE INTO ${duckTable(table)} ${this.#rest()}` });
    }
    if (word === 'DELETE') {
      this.#take('DELETE', 'FROM');
      const table = this.#name();
      return this.#made('DELETE', { table, sql: `DELETE FROM ${duckTable(table)} ${this.#rest()}` });
    }
    if (word === 'UPDATE') {
      this.#take('UPDATE');
      const table = this.#name();
      return this.#made('UPDATE', { table, sql: `UPDATE ${duckTable(table)} ${this.#rest()}` });
    }
    throw new Error(`[PARSE_SYNTAX_ERROR] Syntax error at or near '${this.#tokens[0]?.text}'. SQLSTATE: 42601`);
  }

  #create(): Statement {
    this.#take('CREATE');
    if (this.#skip('SCHEMA')) {
      this.#take('IF', 'NOT', 'EXISTS');
      const catalog = bare(this.#next());
      this.#take('.');
      const schema = bare(this.#next());
      return this.#made('CREATE SCHEMA', {
        table: { catalog, schema, table: '' },
        sql: `CREATE SCHEMA IF NOT EXISTS ${quote(`${catalog}.${schema}`)}`,
      });
    }
    const replaces = this.#skip('OR', 'REPLACE');
    this.#take('TABLE');
    if (!replaces) this.#take('IF', 'NOT', 'EXISTS');
    const table = this.#name();
    const columns = this.#peek('(') ? this.#columnList() : [];
    const made = this.#made(replaces ? 'CREATE OR REPLACE TABLE' : 'CREATE TABLE', { table, columns });
    this.#take('USING', 'DELTA');
    for (;;) {
      if (this.#skip('TBLPROPERTIES')) made.properties = this.#properties();
      else if (this.#skip('COMMENT')) made.comment = plain(this.#next());
      else if (this.#skip('CLUSTER', 'BY')) made.clustering = this.#names();
      else break;
    }
    if (replaces) {
      this.#take('AS');
      made.sql = this.#rest();
    } else {
      const list = columns.map(({ name, type, notNull }) => `${quote(name)} ${type}${notNull ? ' NOT NULL' : ''}`);
      made.sql = `CREATE TABLE IF NOT EXISTS ${duckTable(table)} (${list.join(', ')})`;
    }
    return made;
  }

  #columnList(): { name: string; type: string; notNull: boolean }[] {
    this.#take('(');
    const columns = [];
    do {
      const name = bare(this.#next());
      const type = this.#type();
      columns.push({ name, type, notNull: this.#skip('NOT', 'NULL') });
    } while (this.#skip(','));
    this.#take(')');
    return columns;
  }

  #alter(): Statement {
    this.#take('ALTER', 'TABLE');
    const table = this.#name();
    const head = `ALTER TABLE ${duckTable(table)}`;
    if (this.#skip('SET', 'TBLPROPERTIES'))
      return this.#made('SET PROPERTIES', { table, properties: this.#properties() });
    if (this.#skip('ADD', 'COLUMNS')) {
      const columns = this.#columnList();
      const [column] = columns;
      return this.#made('ADD COLUMN', {
        table,
        columns,
        sql: `${head} ADD COLUMN ${quote(column!.name)} ${column!.type}`,
      });
    }
    this.#take('ALTER', 'COLUMN');
    const column = bare(this.#next());
    if (this.#skip('DROP', 'NOT', 'NULL'))
      return this.#made('ALLOW NULL', { table, column, sql: `${head} ALTER COLUMN ${quote(column)} DROP NOT NULL` });
    if (this.#skip('COMMENT')) return this.#made('COMMENT COLUMN', { table, column, comment: plain(this.#next()) });
    this.#take('TYPE');
    const type = this.#type();
    return this.#made('WIDEN', {
      table,
      column,
      type,
      sql: `${head} ALTER COLUMN ${quote(column)} SET DATA TYPE ${type}`,
    });
  }

  #copy(): Statement {
    this.#take('COPY', 'INTO');
    const table = this.#name();
    this.#take('FROM', '(', 'SELECT');
    const start = this.#at;
    while (!(this.#word() === 'FROM' && this.#tokens[this.#at + 1]?.kind === 'text')) this.#at += 1;
    const select = this.#duck(start, this.#at);
    this.#take('FROM');
    const copy: NonNullable<Statement['copy']> = { select, url: plain(this.#next()), sas: null, credential: null };
    if (this.#skip('WITH')) {
      this.#take('(', 'CREDENTIAL');
      if (this.#skip('(')) {
        do {
          const key = this.#next().text.toUpperCase();
          this.#take('=');
          const value = plain(this.#next());
          if (key === 'AZURE_SAS_TOKEN') copy.sas = value;
        } while (this.#skip(','));
        this.#take(')');
      } else {
        copy.credential = bare(this.#next());
      }
      this.#take(')');
    }
    this.#take(')', 'FILEFORMAT', '=', 'PARQUET');
    return this.#made('COPY INTO', { table, copy });
  }

  #properties(): Record<string, string> {
    this.#take('(');
    const found: Record<string, string> = {};
    do {
      const key = plain(this.#next());
      this.#take('=');
      found[key] = plain(this.#next());
    } while (this.#skip(','));
    this.#take(')');
    return found;
  }

  #names(): string[] {
    this.#take('(');
    const names = [];
    do names.push(bare(this.#next()));
    while (this.#skip(','));
    this.#take(')');
    return names;
  }

  /** A type of Databricks in DuckDB's words. */
  #type(): string {
    const name = this.#next().text.toUpperCase();
    if (this.#skip('<')) {
      if (name === 'STRUCT') {
        const fields = [];
        do {
          const field = bare(this.#next());
          this.#take(':');
          fields.push(`${quote(field)} ${this.#type()}`);
        } while (this.#skip(','));
        this.#take('>');
        return `STRUCT(${fields.join(', ')})`;
      }
      const parts = [this.#type()];
      while (this.#skip(',')) parts.push(this.#type());
      this.#take('>');
      return name === 'ARRAY' ? `${parts[0]}[]` : `MAP(${parts.join(', ')})`;
    }
    if (this.#peek('(')) {
      const start = this.#at;
      while (!this.#peek(')')) this.#at += 1;
      this.#at += 1;
      return (
        name +
        this.#tokens
          .slice(start, this.#at)
          .map(({ text }) => text)
          .join('')
      );
    }
    return { TIMESTAMP: 'TIMESTAMPTZ', TIMESTAMP_NTZ: 'TIMESTAMP', STRING: 'VARCHAR', BINARY: 'BLOB' }[name] ?? name;
  }

  #name(): TableName {
    const parts = [bare(this.#next())];
    while (this.#skip('.')) parts.push(bare(this.#next()));
    const [catalog = '', schema = '', table = ''] = parts;
    if (parts.length !== 3)
      throw new Error(`[TABLE_OR_VIEW_NOT_FOUND] ${parts.join('.')} has not three parts. SQLSTATE: 42P01`);
    return { catalog: catalog.toLowerCase(), schema: schema.toLowerCase(), table: table.toLowerCase() };
  }

  #rest(): string {
    return this.#duck(this.#at, this.#tokens.length);
  }

  /** Expressions: names, literals, types and operators are turned one by one. */
  #duck(from: number, to: number): string {
    const kept = this.#at;
    const parts: string[] = [];
    this.#at = from;
    while (this.#at < to) parts.push(this.#duckPart());
    this.#at = Math.max(kept, to);
    return parts.join(' ');
  }

  #duckPart(): string {
    const token = this.#tokens[this.#at]!;
    const upper = token.text.toUpperCase();
    if (token.kind === 'identifier') return this.#duckName();
    this.#at += 1;
    if (token.kind === 'text') return literal(plain(token));
    if (token.text === '<=>') return 'IS NOT DISTINCT FROM';
    if (token.kind !== 'word') return token.text;
    const isCast = this.#tokens[this.#at - 2]?.text !== '.' && upper === 'AS' && this.#isInCast();
    if (isCast) return `AS ${this.#type()}`;
    if (upper === 'TIMESTAMP' && this.#tokens[this.#at]?.kind === 'text') return 'TIMESTAMPTZ';
    return token.text;
  }

  /** `AS` of a CAST: the nearest open parenthesis before it follows the word. */
  #isInCast(): boolean {
    let depth = 0;
    for (let at = this.#at - 2; at > 0; at -= 1) {
      const { text } = this.#tokens[at]!;
      if (text === ')') depth += 1;
      if (text === '(' && depth-- === 0) return this.#tokens[at - 1]?.text.toUpperCase() === 'CAST';
    }
    return false;
  }

  #duckName(): string {
    const parts = [bare(this.#next())];
    while (this.#peek('.') && ['identifier', 'word'].includes(this.#tokens[this.#at + 1]?.kind ?? '')) {
      this.#at += 1;
      parts.push(bare(this.#next()));
    }
    const [first = '', second = '', third] = parts;
    if (second.toLowerCase() === 'information_schema') return informationSchema(first, third ?? '');
    if (third !== undefined)
      return duckTable({ catalog: first.toLowerCase(), schema: second.toLowerCase(), table: third.toLowerCase() });
    return parts.map(quote).join('.');
  }

  #made(verb: string, fields: Partial<Statement>): Statement {
    return {
      verb,
      sql: '',
      table: null,
      columns: [],
      properties: {},
      comment: null,
      clustering: [],
      column: null,
      type: null,
      copy: null,
      ...fields,
    };
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw new Error('[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601');
    return token;
  }

  #word(): string {
    const token = this.#tokens[this.#at];
    return token?.kind === 'word' ? token.text.toUpperCase() : '';
  }

  #peek(text: string): boolean {
    return this.#tokens[this.#at]?.text === text;
  }

  #skip(...texts: string[]): boolean {
    const isThere = texts.every((text, n) => {
      const token = this.#tokens[this.#at + n];
      return (
        token !== undefined && token.kind !== 'text' && token.kind !== 'identifier' && token.text.toUpperCase() === text
      );
    });
    if (isThere) this.#at += texts.length;
    return isThere;
  }

  #take(...texts: string[]): void {
    if (this.#skip(...texts)) return;
    const near = this.#tokens[this.#at]?.text ?? 'end of input';
    throw new Error(
      `[PARSE_SYNTAX_ERROR] Syntax error at or near '${near}': expected ${texts.join(' ')}. SQLSTATE: 42601`,
    );
  }
}

/** `information_schema` of a catalog, from DuckDB's own lists and the server's table of what DuckDB has no place for. */
function informationSchema(catalog: string, table: string): string {
  const mine = `starts_with(schema_name, ${literal(`${catalog.toLowerCase()}.`)})`;
  const schema = "split_part(schema_name, '.', 2)";
  const missing = `[NO_SUCH_CATALOG_EXCEPTION] Catalog '${catalog}' was not found. SQLSTATE: 42704`;
  switch (table.toLowerCase()) {
    case 'schemata':
      return `(SELECT ${schema} AS schema_name FROM duckdb_schemas() WHERE CASE WHEN EXISTS (SELECT 1 FROM server.catalogs WHERE name = ${literal(catalog.toLowerCase())}) THEN ${mine} ELSE error(${literal(missing)}) END)`;
    case 'tables':
      return `(SELECT ${schema} AS table_schema, table_name FROM duckdb_tables() WHERE ${mine})`;
    case 'columns':
      return (
        `(SELECT ${schema} AS table_schema, table_name, column_name, column_index - 1 AS ordinal_position, data_type AS full_data_type, ` +
        "CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable, " +
        '(SELECT text FROM server.comments c WHERE c."schema" = duckdb_columns.schema_name AND c."table" = duckdb_columns.table_name AND c."column" = duckdb_columns.column_name) AS comment ' +
        `FROM duckdb_columns() WHERE ${mine})`
      );
    default:
      throw new Error(`[TABLE_OR_VIEW_NOT_FOUND] information_schema.${table} cannot be found. SQLSTATE: 42P01`);
  }
}
