import { parseType, type SqlType } from './tds-values.ts';

/**
 * Rewrites the T-SQL that the product sends into DuckDB's SQL, token by token. Anything else falls through to DuckDB, whose parser refuses it:
 * the server then answers 102, "Incorrect syntax".
 */
export interface Statement {
  kind: 'query' | 'begin' | 'commit' | 'rollback' | 'wait' | 'nothing';
  sql: string;
  /** Tables that it reads, `schema.name` in lower case. */
  tables: string[];
  /** Types of result columns that a CAST says. */
  casts: Map<string, SqlType>;
  /** Of WAITFOR DELAY. */
  seconds: number;
}

interface Token {
  kind: 'space' | 'quoted' | 'string' | 'hex' | 'number' | 'word' | 'operator';
  text: string;
}

const TOKENS =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")|([Nn]?'(?:[^']|'')*')|(0[xX][0-9a-fA-F]*)|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(@?[A-Za-z_#@\u0080-\uffff][\w$#]*)|(<>|<=|>=|!=|\|\||[\s\S])/y;
const KINDS: Token['kind'][] = ['space', 'quoted', 'string', 'hex', 'number', 'word', 'operator'];

/** DuckDB's type for a type of T-SQL: times are 100 ns in a BIGINT, so that all of their seven digits and all years are there. */
export function storageOf(type: SqlType): string {
  switch (type.name) {
    case 'bit':
      return 'BOOLEAN';
    case 'tinyint':
      return 'UTINYINT';
    case 'smallint':
      return 'SMALLINT';
    case 'int':
      return 'INTEGER';
    case 'bigint':
    case 'time':
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
    case 'datetimeoffset':
      return 'BIGINT';
    case 'real':
      return 'FLOAT';
    case 'float':
      return 'DOUBLE';
    case 'money':
      return 'DECIMAL(19,4)';
    case 'smallmoney':
      return 'DECIMAL(10,4)';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'date':
      return 'DATE';
    case 'uniqueidentifier':
      return 'UUID';
    case 'binary':
    case 'varbinary':
    case 'timestamp':
    case 'image':
    case 'geometry':
      return 'BLOB';
    case 'char':
    case 'varchar':
    case 'nchar':
    case 'nvarchar':
    case 'text':
    case 'ntext':
    case 'xml':
    case 'hierarchyid':
    case 'sql_variant':
      return 'VARCHAR';
    default:
      throw new TypeError(`The server knows no type ${type.name}`);
  }
}

/** Whether DuckDB keeps its values as 100 ns. */
export function isTime(type: SqlType): boolean {
  return ['time', 'datetime', 'smalldatetime', 'datetime2', 'datetimeoffset'].includes(type.name);
}

/** The one function that gives rows, which is a table here. */
const HISTOGRAM = /CROSS APPLY sys\.dm_db_stats_histogram\((\S+), (\S+)\) (\w+)/g;
const HISTOGRAM_JOIN = 'JOIN sys.dm_db_stats_histogram $3 ON $3.object_id = $1 AND $3.stats_id = $2';

/** The statements of a batch. */
export function parseBatch(batch: string): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  for (const token of [
    ...tokensOf(batch.replace(HISTOGRAM, HISTOGRAM_JOIN)),
    { kind: 'operator', text: ';' } as const,
  ]) {
    if (token.text !== ';') {
      if (token.kind !== 'space') tokens.push(token);
      continue;
    }
    if (tokens.length > 0) statements.push(parseStatement(tokens));
    tokens = [];
  }
  return statements;
}

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  TOKENS.lastIndex = 0;
  for (let match = TOKENS.exec(sql); match !== null; match = TOKENS.exec(sql)) {
    const group = match.findIndex((text, index) => index > 0 && text !== undefined);
    tokens.push({ kind: KINDS[group - 1] as Token['kind'], text: match[0] });
    if (TOKENS.lastIndex >= sql.length) break;
  }
  return tokens;
}

function parseStatement(tokens: Token[]): Statement {
  const [first, second] = tokens.map(({ text }) => text.toUpperCase());
  const plain = (kind: Statement['kind'], seconds = 0): Statement => ({
    kind,
    sql: '',
    tables: [],
    casts: new Map(),
    seconds,
  });
  if (first === 'SET') return plain('nothing');
  if (first === 'BEGIN' && second?.startsWith('TRAN')) return plain('begin');
  if (first === 'COMMIT') return plain('commit');
  if (first === 'ROLLBACK') return plain('rollback');
  if (first === 'WAITFOR') {
    const [hours = 0, minutes = 0, seconds = 0] = (tokens[2]?.text ?? '')
      .replace(/^N?'|'$/g, '')
      .split(':')
      .map(Number);
    return plain('wait', (hours * 60 + minutes) * 60 + seconds);
  }
  const translation = new Translation(tokens);
  return { ...plain('query'), sql: translation.sql(), tables: translation.tables, casts: translation.casts };
}

/** Functions that are called otherwise in DuckDB; the rest are macros of the catalogue. */
const FUNCTIONS: Record<string, string> = {
  ISNULL: 'COALESCE',
  COUNT_BIG: 'COUNT',
  LEN: 'LENGTH',
  DATALENGTH: 'OCTET_LENGTH',
};

class Translation {
  readonly tables: string[] = [];
  readonly casts = new Map<string, SqlType>();
  readonly #tokens: Token[];
  readonly #out: string[] = [];
  /** TOP becomes a LIMIT at the end of its SELECT. */
  readonly #limits: { depth: number; rows: string }[] = [];
  #at = 0;
  #depth = 0;
  /** The type of the CAST that was closed last. */
  #lastCast: SqlType | null = null;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  sql(): string {
    while (this.#at < this.#tokens.length) this.#step();
    this.#endSelect();
    return this.#out.join(' ');
  }

  #text(offset = 0): string {
    return this.#tokens[this.#at + offset]?.text ?? '';
  }

  #word(offset = 0): string {
    return this.#text(offset).toUpperCase();
  }

  #put(text: string, tokens = 1): void {
    this.#out.push(text);
    this.#at += tokens;
  }

  #step(): void {
    const token = this.#tokens[this.#at] as Token;
    switch (token.kind) {
      case 'string':
        this.#put(token.text.replace(/^[Nn]/, ''));
        return;
      case 'hex':
        this.#put(`'${token.text.slice(2).replace(/(..)/g, '\\x$1')}'::BLOB`);
        return;
      case 'operator':
        this.#operator(token.text);
        return;
      case 'word':
        if (this.#keyword(this.#word())) return;
        this.#name();
        return;
      case 'quoted':
        this.#name();
        return;
      default:
        this.#put(token.text);
    }
  }

  #operator(text: string): void {
    if (text === '(') this.#depth += 1;
    if (text === ')') {
      this.#endSelect();
      this.#depth -= 1;
    }
    const besideText = [-1, 1].some((side) => this.#tokens[this.#at + side]?.kind === 'string');
    this.#put(text === '+' && besideText ? '||' : text);
  }

  #endSelect(): void {
    const limit = this.#limits.at(-1);
    if (limit?.depth !== this.#depth) return;
    this.#out.push(`LIMIT ${limit.rows}`);
    this.#limits.pop();
  }

  /** True where the word was dealt with. */
  #keyword(word: string): boolean {
    switch (word) {
      case 'TOP': {
        const inParentheses = this.#text(1) === '(';
        this.#limits.push({ depth: this.#depth, rows: this.#text(inParentheses ? 2 : 1) });
        this.#at += inParentheses ? 4 : 2;
        return true;
      }
      case 'WITH':
        if (!/^(NOLOCK|TABLOCK|HOLDLOCK|READPAST)$/.test(this.#word(2))) return false;
        while (this.#text() !== ')') this.#at += 1;
        this.#at += 1;
        return true;
      case 'COLLATE':
        this.#at += 2;
        return true;
      case 'CONVERT':
        this.#convert();
        return true;
      case 'AS':
        return this.#as();
      default:
        if (this.#text(1) !== '(') return false;
        if (word === 'DATEADD') {
          // The unit is no value.
          this.#put(`dateadd_${this.#text(2).toLowerCase()}(`, 4);
          this.#depth += 1;
          return true;
        }
        this.#put(FUNCTIONS[word] ?? word);
        return true;
    }
  }

  /** `AS type)` of a CAST, or `AS name` behind one, whose type the result's column has. */
  #as(): boolean {
    const type = this.#typeAt(1);
    if (type && this.#text(1 + type.tokens) === ')') {
      this.#lastCast = type.type;
      this.#put(`AS ${storageOf(type.type)}`, 1 + type.tokens);
      return true;
    }
    if (this.#lastCast && this.#text(-1) === ')' && this.#depth === 0) {
      this.casts.set(unquoted(this.#text(1)), this.#lastCast);
    }
    this.#lastCast = null;
    this.#put('AS');
    return true;
  }

  /** `CONVERT(type, value[, style])`. */
  #convert(): void {
    const found = this.#typeAt(2);
    if (!found) throw new SyntaxError('CONVERT');
    this.#at += 2 + found.tokens + 1;
    const value: Token[] = [];
    let depth = 0;
    for (; depth > 0 || ![',', ')'].includes(this.#text()); this.#at += 1) {
      if (this.#text() === '(') depth += 1;
      if (this.#text() === ')') depth -= 1;
      value.push(this.#tokens[this.#at] as Token);
    }
    const style = this.#text() === ',' ? this.#text(1) : null;
    this.#at += style === null ? 1 : 3;
    const inner = new Translation(value);
    const sql = inner.sql();
    const { type } = found;
    this.#out.push(converted(sql, type, style));
    this.#lastCast = type;
  }

  #typeAt(offset: number): { type: SqlType; tokens: number } | null {
    const name = this.#text(offset);
    const hasNumbers = this.#text(offset + 1) === '(';
    let tokens = 1;
    let text = name;
    if (hasNumbers) {
      do {
        text += this.#text(offset + tokens);
        tokens += 1;
      } while (this.#text(offset + tokens - 1) !== ')');
    }
    try {
      const type = parseType(text);
      storageOf(type);
      return { type, tokens };
    } catch {
      return null;
    }
  }

  /** A name of one or several parts. */
  #name(): void {
    const isTable = ['FROM', 'JOIN'].includes(this.#word(-1));
    const isQuoted = this.#tokens[this.#at]?.kind === 'quoted';
    const parts = [unquoted(this.#text())];
    let tokens = 1;
    while (this.#text(tokens) === '.') {
      parts.push(unquoted(this.#text(tokens + 1)));
      tokens += 2;
    }
    if (parts.length > 1 && parts[0]?.toLowerCase() === 'sys') parts[0] = 'mssql_sys';
    if (isTable && parts.length === 1) parts.unshift('dbo');
    if (isTable) this.tables.push(parts.join('.').toLowerCase());
    const isPlain = parts.length === 1 && !isQuoted;
    this.#put(isPlain ? (parts[0] as string) : parts.map(quoted).join('.'), tokens);
  }
}

function converted(sql: string, type: SqlType, style: string | null): string {
  if (isTime(type)) return `ticks_of(${sql})`;
  if (type.name === 'date') return `CAST(${sql} AS DATE)`;
  if (style === '121') return `text_of(${sql})`;
  if (style === '1') return `('0x' || hex(${sql}))`;
  return `CAST(${sql} AS ${storageOf(type)})`;
}

function unquoted(text: string): string {
  if (text.startsWith('[')) return text.slice(1, -1).replaceAll(']]', ']');
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
