/** A DuckDB type as a tree: what nests is taken apart, everything else stays text. */
export type TypeTree =
  | { kind: 'scalar'; text: string }
  | { kind: 'list'; element: TypeTree }
  | { kind: 'struct'; fields: { name: string; type: TypeTree }[] };

/**
 * Parses a type as DuckDB prints it, e.g. `STRUCT(id BIGINT, "a b" VARCHAR[])[]`. Fixed-size arrays count as lists; MAP and UNION stay scalars.
 * @throws Error where the text is not a type
 */
export function parseType(text: string): TypeTree {
  const parser = new TypeParser(text);
  const tree = parser.type();
  parser.end();
  return tree;
}

/** Prints a tree so that DuckDB (and {@link parseType}) reads it back. */
export function printType(tree: TypeTree): string {
  switch (tree.kind) {
    case 'scalar':
      return tree.text;
    case 'list':
      return `${printType(tree.element)}[]`;
    case 'struct':
      return `STRUCT(${tree.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${printType(field.type)}`).join(', ')})`;
    default:
      return tree satisfies never;
  }
}

const SYNONYMS: Record<string, string> = {
  INT: 'INTEGER',
  INT4: 'INTEGER',
  SIGNED: 'INTEGER',
  INT8: 'BIGINT',
  LONG: 'BIGINT',
  INT2: 'SMALLINT',
  SHORT: 'SMALLINT',
  INT1: 'TINYINT',
  FLOAT8: 'DOUBLE',
  'DOUBLE PRECISION': 'DOUBLE',
  FLOAT4: 'FLOAT',
  REAL: 'FLOAT',
  BOOL: 'BOOLEAN',
  LOGICAL: 'BOOLEAN',
  TEXT: 'VARCHAR',
  STRING: 'VARCHAR',
  CHAR: 'VARCHAR',
  BPCHAR: 'VARCHAR',
  BYTEA: 'BLOB',
  BINARY: 'BLOB',
  VARBINARY: 'BLOB',
  TIMESTAMPTZ: 'TIMESTAMP WITH TIME ZONE',
  DATETIME: 'TIMESTAMP',
  TIMETZ: 'TIME WITH TIME ZONE',
  DECIMAL: 'DECIMAL(18,3)',
  NUMERIC: 'DECIMAL(18,3)',
};

/** One spelling a scalar type, DuckDB's own: `timestamptz` → `TIMESTAMP WITH TIME ZONE`, `numeric(12, 2)` → `DECIMAL(12,2)`, `varchar(20)` → `VARCHAR`. */
export function canonicalType(text: string): string {
  const tree = parseType(text);
  if (tree.kind === 'scalar') return canonicalScalar(tree.text);
  return printType(canonicalTree(tree));
}

function canonicalTree(tree: TypeTree): TypeTree {
  switch (tree.kind) {
    case 'scalar':
      return { kind: 'scalar', text: canonicalScalar(tree.text) };
    case 'list':
      return { kind: 'list', element: canonicalTree(tree.element) };
    case 'struct':
      return {
        kind: 'struct',
        fields: tree.fields.map((field) => ({ name: field.name, type: canonicalTree(field.type) })),
      };
    default:
      return tree satisfies never;
  }
}

function canonicalScalar(text: string): string {
  const decimal = decimalOf(text);
  if (decimal) return `DECIMAL(${decimal.precision},${decimal.scale})`;
  if (/^ENUM\s*\(|^MAP\s*\(|^UNION\s*\(/i.test(text)) return text;
  const bare = text
    .replace(/\s*\(.*\)$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toUpperCase();
  return SYNONYMS[bare] ?? bare;
}

/** Precision and scale of `DECIMAL(p,s)`, or null for any other type. */
export function decimalOf(text: string): { precision: number; scale: number } | null {
  const match = /^\s*(?:DECIMAL|NUMERIC|DEC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*$/i.exec(text);
  return match ? { precision: Number(match[1]), scale: Number(match[2] ?? 0) } : null;
}

class TypeParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  type(): TypeTree {
    this.#space();
    let tree: TypeTree;
    if (/^STRUCT\s*\(/i.test(this.#text.slice(this.#at))) {
      this.#at = this.#text.indexOf('(', this.#at) + 1;
      tree = { kind: 'struct', fields: this.#fields() };
    } else {
      tree = { kind: 'scalar', text: this.#scalar() };
    }
    for (let array = this.#array(); array; array = this.#array()) tree = { kind: 'list', element: tree };
    return tree;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw new Error(`Not a DuckDB type: ${this.#text}`);
  }

  #fields(): { name: string; type: TypeTree }[] {
    const fields: { name: string; type: TypeTree }[] = [];
    for (;;) {
      this.#space();
      const name = this.#text[this.#at] === '"' ? this.#quoted() : this.#word();
      fields.push({ name, type: this.type() });
      this.#space();
      const next = this.#text[this.#at++];
      if (next === ')') return fields;
      if (next !== ',') throw new Error(`Not a DuckDB type: ${this.#text}`);
    }
  }

  /** A name with its parameters, up to a comma, bracket or closing parenthesis of the surrounding type. */
  #scalar(): string {
    const start = this.#at;
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at];
      if (c === '"') {
        this.#quoted();
        this.#at -= 1;
      } else if (c === "'") {
        this.#at = this.#text.indexOf("'", this.#at + 1);
        if (this.#at < 0) throw new Error(`Not a DuckDB type: ${this.#text}`);
      } else if (c === '(') depth += 1;
      else if (c === ')' && depth-- === 0) break;
      else if (depth === 0 && (c === ',' || c === '[')) break;
    }
    const text = this.#text.slice(start, this.#at).trim();
    if (text === '') throw new Error(`Not a DuckDB type: ${this.#text}`);
    return text;
  }

  #array(): boolean {
    this.#space();
    const match = /^\[\d*\]/.exec(this.#text.slice(this.#at));
    if (!match) return false;
    this.#at += match[0].length;
    return true;
  }

  #quoted(): string {
    let name = '';
    for (this.#at += 1; ; this.#at++) {
      const c = this.#text[this.#at];
      if (c === undefined) throw new Error(`Not a DuckDB type: ${this.#text}`);
      if (c !== '"') name += c;
      else if (this.#text[this.#at + 1] === '"') {
        name += '"';
        this.#at += 1;
      } else {
        this.#at += 1;
        return name;
      }
    }
  }

  #word(): string {
    const match = /^\S+/.exec(this.#text.slice(this.#at));
    if (!match) throw new Error(`Not a DuckDB type: ${this.#text}`);
    this.#at += match[0].length;
    return match[0];
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1;
  }
}
