import type { ChecksumKind } from '../../duckdb/checksum.ts';
import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import type { CheckDialect, CheckedTable, CheckRunner, LoadScope, TableRef } from '../../quality/check-runner.ts';
import { duckDbDialect } from '../../quality/duckdb-dialect.ts';
import { assertReadOnly } from './read-only-statement.ts';
import { identifier, literal } from './sql-text.ts';

export interface WarehouseCheckRunnerOptions {
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** Full name of a table. */
  qualify(ref: TableRef): string;
  /** A table's columns with DuckDB's types; null where there is none. */
  describe(ref: TableRef): Promise<{ name: string; type: string }[] | null>;
}

/** Runs data quality checks in a Databricks warehouse, in its own SQL: no row leaves it. */
export function createWarehouseCheckRunner({ run, qualify, describe }: WarehouseCheckRunnerOptions): CheckRunner {
  const rows = async (sql: string) =>
    (await run(sql)).map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)])),
    );
  return {
    dialect: databricksDialect,
    async table(ref, scope): Promise<CheckedTable | null> {
      const columns = await describe(ref);
      if (columns === null) return null;
      if (scope !== null && !columns.some(({ name }) => name === '_dlt_load_id')) {
        const place = `${ref.schema}.${ref.table}`;
        throw new IngestError('CHECK_SCOPE_UNKNOWN', `${place} does not say which load its rows are from.`, {
          hint: 'Use scope table: only rows of a job’s own table carry _dlt_load_id.',
        });
      }
      return { ref, from: scopedRows(qualify(ref), scope), columns };
    },
    rows,
    async userValue(sql, table) {
      const statement = sql.trim().replace(/;\s*$/, '').replaceAll('{table}', table.from);
      assertReadOnly(statement);
      let found: Record<string, string | null>[];
      try {
        found = await rows(`SELECT * FROM (\n${statement}\n) AS answer LIMIT 2`);
      } catch (error) {
        if (isIngestError(error) && error.code === 'CANCELLED') throw error;
        throw new IngestError('CHECK_SQL_FAILED', messageOf(error).trim().slice(0, 1000), {
          hint: 'Try it in the workspace’s SQL editor, with the table in place of {table}.',
          cause: error,
        });
      }
      const [first, ...others] = found;
      const values = Object.values(first ?? {});
      if (first !== undefined && others.length === 0 && values.length === 1) return values[0] ?? null;
      const what = first === undefined ? 'no row' : others.length > 0 ? 'several rows' : `${values.length} columns`;
      throw new IngestError('CHECK_SQL_NOT_SCALAR', `The statement gives ${what}; a check needs one value.`, {
        hint: 'Select one expression, such as count(*).',
      });
    },
  };
}

function scopedRows(name: string, scope: LoadScope | null): string {
  if (scope === null) return name;
  const id = identifier('_dlt_load_id');
  const wanted = scope === 'newest' ? `(SELECT max(${id}) FROM ${name})` : literal(scope.loadId);
  return `(SELECT * FROM ${name} WHERE ${id} = ${wanted})`;
}

/** A value of the driver as text: moments in UTC, every digit of numbers. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Databricks SQL in a session in UTC and ANSI mode. Types are told in DuckDB's words, as everywhere in the engine. */
const databricksDialect: CheckDialect = {
  ...duckDbDialect,
  statement: 'sql_databricks',
  identifier,
  text: (expression) => `CAST(${expression} AS STRING)`,
  epochMicros(expression, type) {
    if (duckDbDialect.epochMicros(expression, type) === null) return null;
    if (/^VARCHAR\b/i.test(type)) return `unix_micros(try_cast(${expression} AS TIMESTAMP))`;
    return `unix_micros(CAST(${expression} AS TIMESTAMP))`;
  },
  checksum: (expression, kind) =>
    `CAST(sum(CAST(conv(substr(md5(${canonicalText(expression, kind)}), 1, 15), 16, 10) AS DECIMAL(20,0))) AS STRING)`,
};

function canonicalText(expression: string, kind: ChecksumKind): string {
  const text = `CAST(${expression} AS STRING)`;
  switch (kind) {
    case 'integer':
    case 'text':
    case 'boolean':
    case 'date':
    case 'uuid':
      return text;
    case 'decimal':
      return `CASE WHEN contains(${text}, '.') THEN regexp_replace(${text}, '[.]?0+$', '') ELSE ${text} END`;
    case 'timestamp':
      return `CAST(unix_micros(CAST(${expression} AS TIMESTAMP)) AS STRING)`;
    default:
      return kind satisfies never;
  }
}
