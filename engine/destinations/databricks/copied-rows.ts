import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSparkType, type SparkType } from '../../duckdb/spark-type.ts';
import * as duckdb from '../../duckdb/sql.ts';
import { IngestError } from '../../errors.ts';
import type { LiveTable } from './check-fit.ts';
import { identifier } from './sql-text.ts';
import type { Row, Warehouse } from './warehouse.ts';

/** More rows are not copied to this computer. */
export const MOST_COPIED_ROWS = 1_000_000;
/** DuckDB takes several buffers of the longest line's size at once. */
const LEAST_LINE_BYTES = 2 ** 20;

/** Copies of tables on this computer, for whatever reads with DuckDB. Values travel as text, exactly. */
export class CopiedRows {
  readonly #warehouse: Warehouse;
  readonly #folder: string;
  #copies = 0;

  constructor(warehouse: Warehouse, folder: string) {
    this.#warehouse = warehouse;
    this.#folder = folder;
  }

  /**
   * Copies a table as it is now; gives a DuckDB FROM item that lasts until {@link close}.
   * @throws IngestError TABLE_TOO_LARGE_TO_COPY
   */
  async copy(table: string, live: LiveTable, signal: AbortSignal): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#copies += 1;
    const file = join(this.#folder, `copy-${this.#copies}.jsonl`);
    const columns = live.columns.map((column, index) => ({
      ...column,
      key: `c${index}`,
      spark: parseSparkType(column.sparkType),
    }));
    const select = columns.map(({ name, key, spark }) => `${asText(identifier(name), spark)} AS ${key}`).join(', ');
    let rows = 0;
    let longest = 0;
    await this.#warehouse.stream(
      `SELECT ${select} FROM ${table} LIMIT ${MOST_COPIED_ROWS + 1}`,
      signal,
      async (part: Row[]) => {
        rows += part.length;
        const lines = part.map((row) => `${JSON.stringify(row)}\n`);
        for (const line of lines) longest = Math.max(longest, Buffer.byteLength(line));
        if (lines.length > 0) await appendFile(file, lines.join(''));
      },
      async () => {
        rows = 0;
        await writeFile(file, '', { mode: 0o600 });
      },
    );
    if (rows > MOST_COPIED_ROWS) {
      await rm(file, { force: true });
      throw new IngestError(
        'TABLE_TOO_LARGE_TO_COPY',
        `${table} has more than ${MOST_COPIED_ROWS.toLocaleString('en')} rows; it is not copied to this computer.`,
        {
          hint: 'Look at it in Databricks, or write the check as custom_sql with sql_databricks.',
        },
      );
    }
    const fields = columns.map(({ key }) => `${key}: 'VARCHAR'`).join(', ');
    const values = columns.map(
      ({ name, key, type, spark }) => `${fromText(key, type, spark)} AS ${duckdb.identifier(name)}`,
    );
    return `(SELECT ${values.join(', ')} FROM read_json(${duckdb.literal(file)}, format = 'newline_delimited', columns = {${fields}}, maximum_object_size = ${Math.max(LEAST_LINE_BYTES, longest)}))`;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function asText(column: string, type: SparkType): string {
  if (type.kind === 'array' || type.kind === 'struct' || type.kind === 'map') return `to_json(${column})`;
  if (type.kind === 'scalar' && type.name === 'binary') return `hex(${column})`;
  return `CAST(${column} AS STRING)`;
}

function fromText(key: string, duckDbType: string, type: SparkType): string {
  if (type.kind === 'scalar' && type.name === 'binary') return `unhex(${key})`;
  if (type.kind === 'scalar' || type.kind === 'decimal') return `CAST(${key} AS ${duckDbType})`;
  return `CAST(CAST(${key} AS JSON) AS ${duckDbType})`;
}
