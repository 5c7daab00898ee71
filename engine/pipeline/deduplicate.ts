import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { identifier, literal, literalList } from '../duckdb/sql.ts';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { IngestError } from '../errors.ts';
import type { PackageTable } from '../load/load-package.ts';
import type { Lag } from '../spec/job.ts';
import type { WriteDisposition } from '../spec/kinds.ts';
import { LIST_INDEX, ROOT_ID, ROW_ID } from './table-plan.ts';

/** Boundary rows beyond this are not remembered for a merge: meeting them again costs an update, never a row. */
const MERGE_BOUNDARY_LIMIT = 10_000;

export interface Boundary {
  /** `[hash, count]` of the rows that the next `>=` read will meet again. */
  rows: [string, number][];
  /** Columns that the hash was made of. */
  columns: string[];
}

export interface DeduplicateInput {
  connection: WorkspaceConnection;
  /** The package's folder. */
  folder: string;
  /** The job's own table first. */
  tables: PackageTable[];
  job: string;
  writeDisposition: WriteDisposition;
  /** Normalised; empty for none. */
  primaryKey: string[];
  /** Null for loads without a watermark. */
  watermark: {
    /** Normalised. */
    column: string;
    /** Of the last committed load; null at first. */
    last: string | null;
    /** The source's own text, where the source said it; undefined takes it from what landed. */
    read: string | null | undefined;
    lag: Lag | null;
    /** Of the last committed load. */
    boundary: Boundary;
  } | null;
}

export interface Deduplicated {
  tables: PackageTable[];
  /** Rows left out because an earlier load brought them. */
  knownRows: number;
  /** Rows left out because this batch holds their key with a higher watermark, or the very same row. */
  repeatedRows: number;
  /** Watermark and boundary after this load. */
  watermark: string | null;
  boundary: Boundary;
}

/**
 * Takes out of a package what must not be loaded (spec section 3): boundary rows that an earlier load brought, and repeated keys inside a merge's batch,
 * where the highest watermark wins, an exact repeat counts once, and a tie with different values is an error.
 * Says the watermark and the boundary that hold after the load. Works on the Parquet files; only files that hold such rows are written anew.
 * @throws IngestError PRIMARY_KEY_NULL, PRIMARY_KEY_MISSING, PRIMARY_KEY_TIE, WATERMARK_MISSING
 */
export async function deduplicate(input: DeduplicateInput): Promise<Deduplicated> {
  const root = input.tables[0];
  const last = input.watermark?.last ?? null;
  const unchanged: Deduplicated = {
    tables: input.tables,
    knownRows: 0,
    repeatedRows: 0,
    watermark: last,
    boundary: input.watermark?.boundary ?? { rows: [], columns: [] },
  };
  if (!root || root.files.length === 0) return unchanged;
  const batch = new Batch(input, root);
  await batch.checkKey();
  const next = await batch.nextBoundary();
  const drops = identifier(`drops_${batch.token}`);
  await input.connection.run(`CREATE TEMP TABLE ${drops} (${ROW_ID} VARCHAR)`);
  try {
    const knownRows = await batch.dropKnownRows(drops);
    const repeatedRows = input.writeDisposition === 'merge' ? await batch.dropRepeatedKeys(drops) : 0;
    const tables = knownRows + repeatedRows > 0 ? await rewrite(input, drops) : input.tables;
    return { tables, knownRows, repeatedRows, ...next };
  } finally {
    await input.connection.run(`DROP TABLE ${drops}`);
  }
}

let batches = 0;

class Batch {
  readonly token = `${process.pid}_${++batches}`;
  readonly #input: DeduplicateInput;
  readonly #root: PackageTable;
  readonly #rows: string;

  constructor(input: DeduplicateInput, root: PackageTable) {
    this.#input = input;
    this.#root = root;
    const files = root.files.map((file) => path.join(input.folder, file.name));
    this.#rows = `read_parquet(${literalList(files)}, hive_partitioning = false)`;
  }

  async checkKey(): Promise<void> {
    const { primaryKey, job, watermark } = this.#input;
    const names = this.#root.columns.map((column) => column.name);
    const missing = primaryKey.filter((key) => !names.includes(key));
    if (missing.length > 0) {
      throw new IngestError(
        'PRIMARY_KEY_MISSING',
        `${job}: primary_key names ${missing.join(', ')}, but the rows have no such column. They have ${names.slice(0, 30).join(', ')}.`,
        {
          hint: 'Correct primary_key, or add the column to `columns`.',
        },
      );
    }
    if (watermark && !names.includes(watermark.column)) {
      throw new IngestError(
        'WATERMARK_MISSING',
        `${job}: watermark_column lands as ${watermark.column}, but the rows have no such column. They have ${names.slice(0, 30).join(', ')}.`,
        {
          hint: 'Correct watermark_column, or add it to `columns`.',
        },
      );
    }
    if (primaryKey.length === 0 || this.#input.writeDisposition !== 'merge') return;
    const nulls = await this.#one<{ n: string }>(
      `SELECT count(*) AS n FROM ${this.#rows} WHERE ${primaryKey.map((key) => `${identifier(key)} IS NULL`).join(' OR ')}`,
    );
    if (Number(nulls.n) > 0) {
      throw new IngestError(
        'PRIMARY_KEY_NULL',
        `${job}: ${nulls.n} rows have no value in primary_key (${primaryKey.join(', ')}), so they cannot be merged.`,
        {
          hint: 'Choose a key that is never null, or leave such rows out with `filter`.',
        },
      );
    }
  }

  /** Watermark and boundary as they stand after everything in the batch is loaded. */
  async nextBoundary(): Promise<Pick<Deduplicated, 'watermark' | 'boundary'>> {
    const { watermark } = this.#input;
    if (!watermark) return { watermark: null, boundary: { rows: [], columns: [] } };
    const column = this.#comparable(identifier(watermark.column));
    const { top } = await this.#one<{ top: string | null }>(
      `SELECT CAST(max(${column}) AS VARCHAR) AS top FROM ${this.#rows}`,
    );
    if (top === null) return { watermark: watermark.last, boundary: watermark.boundary };
    const read = watermark.read ?? top;
    const { advance } = await this.#one<{ advance: number }>(
      `SELECT CASE WHEN ${watermark.last === null} THEN 1 WHEN ${this.#value(top)} > ${this.#value(watermark.last ?? '')} THEN 1 WHEN ${this.#value(top)} = ${this.#value(watermark.last ?? '')} THEN 0 ELSE -1 END AS advance`,
    );
    if (advance < 0) return { watermark: watermark.last, boundary: watermark.boundary };
    const columns = this.#hashColumns();
    const from = watermark.lag ? this.#minusLag(this.#value(top), watermark.lag) : this.#value(top);
    const region = this.#hashed(`SELECT * FROM ${this.#rows} WHERE ${column} >= ${from}`, columns);
    const found = await this.#input.connection.rows<{ hash: string; n: string }>(
      `${region} SELECT _dlt_hash AS hash, count(*) AS n FROM hashed GROUP BY 1`,
    );
    const counts = new Map(found.map((row) => [row.hash, Number(row.n)]));
    if (advance === 0) {
      // what the source did not show again is still loaded
      for (const [key, count] of watermark.boundary.rows) counts.set(key, Math.max(count, counts.get(key) ?? 0));
    }
    const rows = [...counts];
    const tooMany = this.#input.writeDisposition === 'merge' && rows.length > MERGE_BOUNDARY_LIMIT;
    return { watermark: advance === 0 ? watermark.last : read, boundary: { rows: tooMany ? [] : rows, columns } };
  }

  async dropKnownRows(drops: string): Promise<number> {
    const { watermark, connection } = this.#input;
    if (!watermark || watermark.last === null || watermark.boundary.rows.length === 0) return 0;
    const known = identifier(`known_${this.token}`);
    await connection.run(
      `CREATE TEMP TABLE ${known} AS SELECT unnest(${literalList(watermark.boundary.rows.map(([key]) => key))}) AS _dlt_hash, unnest([${watermark.boundary.rows.map(([, count]) => count).join(', ')}]) AS _dlt_count`,
    );
    try {
      const available = new Set(this.#root.columns.map((column) => column.name));
      const columns = watermark.boundary.columns.filter((column) => available.has(column));
      const met = `SELECT * FROM ${this.#rows} WHERE ${this.#comparable(identifier(watermark.column))} <= ${this.#value(watermark.last)}`;
      await connection.run(
        `INSERT INTO ${drops} ${this.#hashed(met, columns)} SELECT ${ROW_ID} FROM (
           SELECT *, row_number() OVER (PARTITION BY _dlt_hash ORDER BY ${ROW_ID}) AS _dlt_nth FROM hashed
         ) JOIN ${known} USING (_dlt_hash) WHERE _dlt_nth <= _dlt_count`,
      );
    } finally {
      await connection.run(`DROP TABLE ${known}`);
    }
    return this.#count(drops);
  }

  async dropRepeatedKeys(drops: string): Promise<number> {
    const { primaryKey, connection, job, watermark } = this.#input;
    const keys = primaryKey.map(identifier).join(', ');
    const before = await this.#count(drops);
    const repeated = identifier(`repeated_${this.token}`);
    const order = watermark ? `${this.#comparable(identifier(watermark.column))} DESC NULLS LAST` : '1';
    const left = `(SELECT * FROM ${this.#rows} r WHERE NOT EXISTS (SELECT 1 FROM ${drops} d WHERE d.${ROW_ID} = r.${ROW_ID}))`;
    const several = `SELECT ${keys} FROM ${left} GROUP BY ${keys} HAVING count(*) > 1`;
    await connection.run(
      `CREATE TEMP TABLE ${repeated} AS ${this.#hashed(`SELECT * FROM ${left} SEMI JOIN (${several}) USING (${keys})`, this.#dataColumns())}
       SELECT ${ROW_ID}, ${keys}, _dlt_hash, rank() OVER (PARTITION BY ${keys} ORDER BY ${order}) AS _dlt_place,
         row_number() OVER (PARTITION BY ${keys} ORDER BY ${order}, ${ROW_ID}) AS _dlt_nth
       FROM hashed`,
    );
    try {
      const ties = await connection.rows(
        `SELECT ${keys} FROM ${repeated} WHERE _dlt_place = 1 GROUP BY ${keys} HAVING count(DISTINCT _dlt_hash) > 1 ORDER BY ALL LIMIT 3`,
      );
      if (ties.length > 0) {
        const shown = ties
          .map((row) => primaryKey.map((key) => `${key} = ${JSON.stringify(row[key])}`).join(', '))
          .join('; ');
        throw new IngestError(
          'PRIMARY_KEY_TIE',
          `${job}: the batch holds different rows with the same primary_key and the same watermark, so neither can be preferred: ${shown}.`,
          {
            hint: 'Add the column that tells them apart to primary_key, or choose a watermark_column that orders them.',
          },
        );
      }
      await connection.run(`INSERT INTO ${drops} SELECT ${ROW_ID} FROM ${repeated} WHERE _dlt_nth > 1`);
    } finally {
      await connection.run(`DROP TABLE ${repeated}`);
    }
    return (await this.#count(drops)) - before;
  }

  /**
   * A WITH clause that gives `hashed`: the picked root rows with the hash of what they hold, the rows of their child tables included.
   * `picked` is a SELECT over the root's files.
   */
  #hashed(picked: string, columns: string[]): string {
    const children = this.#input.tables.slice(1).flatMap((table) => {
      if (table.files.length === 0) return [];
      const files = literalList(table.files.map((file) => path.join(this.#input.folder, file.name)));
      const text = `concat(${literal(table.name)}, ${LIST_INDEX}, ${content(dataColumns(table))})`;
      return [
        `SELECT ${ROOT_ID} AS _dlt_root, ${text} AS _dlt_text FROM read_parquet(${files}, hive_partitioning = false) SEMI JOIN picked ON picked.${ROW_ID} = ${ROOT_ID}`,
      ];
    });
    // a boundary remembers the keys alone where keys decide; then children do not matter
    const keys = this.#hashesKeys();
    const onlyKeys = keys.length > 0 && columns.every((column) => keys.includes(column));
    if (children.length === 0 || onlyKeys) {
      return `WITH picked AS (${picked}), hashed AS (SELECT *, md5(${content(columns)}) AS _dlt_hash FROM picked)`;
    }
    return `WITH picked AS (${picked}), children AS (
        SELECT _dlt_root, string_agg(_dlt_text, ',' ORDER BY _dlt_text) AS _dlt_texts FROM (${children.join(' UNION ALL ')}) GROUP BY _dlt_root),
      hashed AS (SELECT picked.*, md5(concat(${content(columns)}, children._dlt_texts)) AS _dlt_hash FROM picked LEFT JOIN children ON children._dlt_root = picked.${ROW_ID})`;
  }

  #dataColumns(): string[] {
    return dataColumns(this.#root);
  }

  /** For an append with a key, the key (with its watermark) says which rows are known; else the whole row does. */
  #hashColumns(): string[] {
    const keys = this.#hashesKeys();
    return keys.length > 0 ? keys : this.#dataColumns();
  }

  #hashesKeys(): string[] {
    const { primaryKey, writeDisposition, watermark } = this.#input;
    if (writeDisposition !== 'append' || primaryKey.length === 0 || !watermark) return [];
    return [...new Set([...primaryKey, watermark.column])];
  }

  #type(): string {
    const name = this.#input.watermark?.column;
    return this.#root.columns.find((column) => column.name === name)?.stored_type ?? 'VARCHAR';
  }

  /** With a lag in time, text watermarks are compared as the instants they stand for. */
  #asInstant(): boolean {
    return this.#type() === 'VARCHAR' && this.#input.watermark?.lag?.kind === 'duration';
  }

  #comparable(expression: string): string {
    return this.#asInstant() ? `TRY_CAST(${expression} AS TIMESTAMP WITH TIME ZONE)` : expression;
  }

  #value(text: string): string {
    return `CAST(${literal(text)} AS ${this.#asInstant() ? 'TIMESTAMP WITH TIME ZONE' : this.#type()})`;
  }

  #minusLag(value: string, lag: Lag): string {
    return lag.kind === 'duration' ? `${value} - to_seconds(${lag.seconds})` : `${value} - ${lag.value}`;
  }

  async #count(table: string): Promise<number> {
    return Number((await this.#one<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).n);
  }

  async #one<Row>(sql: string): Promise<Row> {
    return (await this.#input.connection.rows<Row>(sql))[0] as Row;
  }
}

function dataColumns(table: PackageTable): string[] {
  return table.columns.map((column) => column.name).filter((name) => !name.startsWith('_dlt_'));
}

/**
 * A row's values as text. Names are sorted and nulls left out (a JSON merge patch drops them), so that a column which one batch lacks
 * and another holds empty changes nothing.
 */
function content(columns: string[]): string {
  const fields = columns.toSorted().map((name) => `${literal(name)}: ${identifier(name)}`);
  return `CAST(json_merge_patch('{}', to_json({${fields.join(', ')}})) AS VARCHAR)`;
}

/** Writes the files that hold dropped rows anew, child tables' rows with them. */
async function rewrite(input: DeduplicateInput, drops: string): Promise<PackageTable[]> {
  const tables: PackageTable[] = [];
  for (const [index, table] of input.tables.entries()) {
    const files: PackageTable['files'] = [];
    for (const file of table.files) {
      const source = path.join(input.folder, file.name);
      const id = index === 0 ? ROW_ID : ROOT_ID;
      const rows = `read_parquet(${literal(source)}, hive_partitioning = false) r`;
      const match = `d.${ROW_ID} = r.${id}`;
      const [hit] = await input.connection.rows<{ n: string }>(
        `SELECT count(*) AS n FROM ${rows} WHERE EXISTS (SELECT 1 FROM ${drops} d WHERE ${match})`,
      );
      if (Number(hit?.n ?? 0) === 0) {
        files.push(file);
        continue;
      }
      const name = file.name.replace(/\.parquet$/, '.d.parquet');
      const kept = path.join(input.folder, name);
      const columns = table.columns.map((column) => identifier(column.name)).join(', ');
      const result = await input.connection.runAndReadAll(
        `COPY (SELECT ${columns} FROM ${rows} WHERE NOT EXISTS (SELECT 1 FROM ${drops} d WHERE ${match})) TO ${literal(kept)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const count = Number(result.getRows()[0]?.[0] ?? 0);
      await rm(source, { force: true });
      if (count > 0) files.push({ name, rows: count, bytes: (await stat(kept)).size });
      else await rm(kept, { force: true });
    }
    tables.push({ ...table, files });
  }
  return tables;
}
