import { canonicalType, decimalOf, parseType, printType, type TypeTree } from './type-text.ts';

/** A type of Databricks SQL: what nests is taken apart. Names are lower case, `decimal` has its digits beside it. */
export type SparkType =
  | { kind: 'scalar'; name: string }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'array'; element: SparkType }
  | { kind: 'map'; key: SparkType; value: SparkType }
  | { kind: 'struct'; fields: { name: string; type: SparkType }[] };

/** Most digits that a DECIMAL of Spark has. */
const MOST_DIGITS = 38;

/** DuckDB's scalar types. What is missing here becomes STRING: TIME, INTERVAL, UUID, JSON, ENUM and whatever else Spark has no type for. */
const FROM_DUCKDB: Readonly<Record<string, string>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'tinyint',
  SMALLINT: 'smallint',
  INTEGER: 'int',
  BIGINT: 'bigint',
  UTINYINT: 'smallint',
  USMALLINT: 'int',
  UINTEGER: 'bigint',
  FLOAT: 'float',
  DOUBLE: 'double',
  BLOB: 'binary',
  DATE: 'date',
  TIMESTAMP: 'timestamp_ntz',
  TIMESTAMP_S: 'timestamp_ntz',
  TIMESTAMP_MS: 'timestamp_ntz',
  TIMESTAMP_NS: 'timestamp_ntz',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
};

const TO_DUCKDB: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
};

const SYNONYMS: Readonly<Record<string, string>> = {
  byte: 'tinyint',
  short: 'smallint',
  integer: 'int',
  long: 'bigint',
  real: 'float',
  timestamp_ltz: 'timestamp',
};

/**
 * The column type that a DuckDB type of a load package gets in Databricks.
 * Unsigned and 128-bit integers become the smallest type that holds every value; HUGEINT has up to 39 digits, of which DECIMAL(38,0) takes 38.
 */
export function sparkTypeOf(duckDbType: string): SparkType {
  return fromTree(parseType(duckDbType));
}

function fromTree(tree: TypeTree): SparkType {
  switch (tree.kind) {
    case 'list':
      return { kind: 'array', element: fromTree(tree.element) };
    case 'struct':
      return { kind: 'struct', fields: tree.fields.map(({ name, type }) => ({ name, type: fromTree(type) })) };
    case 'scalar': {
      const text = canonicalType(tree.text);
      const decimal = decimalOf(text);
      if (decimal) return { kind: 'decimal', ...decimal };
      if (text === 'UBIGINT') return { kind: 'decimal', precision: 20, scale: 0 };
      if (text === 'HUGEINT' || text === 'UHUGEINT') return { kind: 'decimal', precision: MOST_DIGITS, scale: 0 };
      return { kind: 'scalar', name: FROM_DUCKDB[text] ?? 'string' };
    }
    default:
      return tree satisfies never;
  }
}

/** As Databricks SQL writes it, upper case: `DECIMAL(10,2)`, `ARRAY<STRUCT<`a`: INT>>`. */
export function sparkTypeText(type: SparkType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name.toUpperCase();
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `ARRAY<${sparkTypeText(type.element)}>`;
    case 'map':
      return `MAP<${sparkTypeText(type.key)}, ${sparkTypeText(type.value)}>`;
    case 'struct':
      return `STRUCT<${type.fields.map(({ name, type: field }) => `\`${name.replaceAll('`', '``')}\`: ${sparkTypeText(field)}`).join(', ')}>`;
    default:
      return type satisfies never;
  }
}

/** The DuckDB type whose values a Databricks column gives; VARCHAR for what DuckDB does not have. */
export function duckDbTypeOf(type: SparkType): string {
  switch (type.kind) {
    case 'scalar':
      return TO_DUCKDB[type.name] ?? 'VARCHAR';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${duckDbTypeOf(type.element)}[]`;
    case 'map':
      return `MAP(${duckDbTypeOf(type.key)}, ${duckDbTypeOf(type.value)})`;
    case 'struct':
      return canonicalType(
        printType({
          kind: 'struct',
          fields: type.fields.map((field) => ({ name: field.name, type: parseType(duckDbTypeOf(field.type)) })),
        }),
      );
    default:
      return type satisfies never;
  }
}

/**
 * Reads a type as `information_schema.columns.full_data_type` or DESCRIBE print it: `decimal(10,2)`, `array<struct<a:int>>`, `varchar(20)`.
 * @throws Error where the text is not a type
 */
export function parseSparkType(text: string): SparkType {
  const parser = new Parser(text);
  const type = parser.type();
  parser.end();
  return type;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(): SparkType {
    const name = this.#word().toLowerCase();
    if (name === 'array' && this.#skip('<')) {
      const element = this.type();
      this.#need('>');
      return { kind: 'array', element };
    }
    if (name === 'map' && this.#skip('<')) {
      const key = this.type();
      this.#need(',');
      const value = this.type();
      this.#need('>');
      return { kind: 'map', key, value };
    }
    if (name === 'struct' && this.#skip('<')) return { kind: 'struct', fields: this.#fields() };
    const digits = this.#parameters();
    if (name === 'decimal' || name === 'numeric' || name === 'dec') {
      return { kind: 'decimal', precision: digits[0] ?? 10, scale: digits[1] ?? 0 };
    }
    if (name === 'varchar' || name === 'char') return { kind: 'scalar', name: 'string' };
    return { kind: 'scalar', name: SYNONYMS[name] ?? name };
  }

  end(): void {
    this.#space();
    // What follows a type's name (`string collate UTF8_LCASE`, `interval day to second`) changes nothing here.
    const rest = this.#text.slice(this.#at);
    if (!/^[\w\s()]*$/.test(rest)) throw new Error(`Not a Databricks type: ${this.#text}`);
  }

  #fields(): { name: string; type: SparkType }[] {
    const fields: { name: string; type: SparkType }[] = [];
    if (this.#skip('>')) return fields;
    for (;;) {
      this.#space();
      const name = this.#text[this.#at] === '`' ? this.#quoted() : this.#until(':').trim();
      this.#need(':');
      fields.push({ name, type: this.type() });
      this.#match(/^(?:\s*(?:NOT NULL|COMMENT\s+'(?:[^'\\]|\\.)*'))*/i);
      if (this.#skip('>')) return fields;
      this.#need(',');
    }
  }

  #parameters(): number[] {
    const match = this.#match(/^\s*\(([\d,\s]*)\)/);
    return match?.[1] === undefined ? [] : match[1].split(',').map(Number);
  }

  #word(): string {
    const match = this.#match(/^\s*([A-Za-z_]\w*)/);
    if (match?.[1] === undefined) throw new Error(`Not a Databricks type: ${this.#text}`);
    return match[1];
  }

  #quoted(): string {
    const match = this.#match(/^`((?:[^`]|``)*)`/);
    return (match?.[1] ?? '').replaceAll('``', '`');
  }

  #until(end: string): string {
    const to = this.#text.indexOf(end, this.#at);
    if (to < 0) throw new Error(`Not a Databricks type: ${this.#text}`);
    const text = this.#text.slice(this.#at, to);
    this.#at = to;
    return text;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.#text.slice(this.#at));
    if (match) this.#at += match[0].length;
    return match;
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #need(character: string): void {
    if (!this.#skip(character)) throw new Error(`Not a Databricks type: ${this.#text}`);
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1;
  }
}
