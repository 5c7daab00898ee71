import { identifier, literal } from '../duckdb/sql.ts';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { IngestError, isIngestError, messageOf } from '../errors.ts';
import { trimStatement } from '../results/sql-text.ts';
import type { CheckedTable, CheckRunner, LoadScope, TableRef } from './check-runner.ts';
import { duckDbDialect } from './duckdb-dialect.ts';
import { notReadOnly, readOnlyTables } from './read-only-sql.ts';

export interface DuckDbRunnerOptions {
  /** For these checks alone: views of theirs come and go in it. */
  connection: WorkspaceConnection;
  /** A FROM item for a table; null where there is none. */
  find(ref: TableRef): Promise<string | null>;
}

/**
 * Runs checks in DuckDB. Each table under a check is a temporary view of a name that the engine chose, so that what a person wrote never sees
 * how the rows are reached; and it runs in a transaction that DuckDB itself keeps from writing.
 */
export function createDuckDbRunner({ connection, find }: DuckDbRunnerOptions): CheckRunner {
  const views = new Map<string, CheckedTable>();
  const columnsOf = (from: string) =>
    connection.rows<{ name: string; type: string }>(
      `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM ${from})`,
    );

  const makeView = async (name: string, ref: TableRef, scope: LoadScope | null): Promise<CheckedTable | null> => {
    const rows = await find(ref);
    if (rows === null) return null;
    const columns = await columnsOf(rows);
    if (scope !== null && !columns.some((column) => column.name === '_dlt_load_id')) throw scopeUnknown(ref);
    const wanted =
      scope === null
        ? ''
        : scope === 'newest'
          ? ` WHERE _dlt_load_id = (SELECT max(_dlt_load_id) FROM ${rows} AS loads)`
          : ` WHERE _dlt_load_id = ${literal(scope.loadId)}`;
    const view = identifier(name);
    await connection.run(`CREATE OR REPLACE TEMP VIEW ${view} AS SELECT * FROM ${rows} AS source${wanted}`);
    return { ref, from: view, columns };
  };

  /** Makes the tables that a statement names beside its own; what is no table of the destination is refused. */
  const makeNamed = async (sql: string, schema: string): Promise<void> => {
    for (const { catalog, schema: named, table } of await readOnlyTables(connection, sql)) {
      if ([...views.values()].some(({ from }) => from === identifier(table)) && named === '') continue;
      if (catalog !== '' || named !== '')
        throw notReadOnly(`It names ${[catalog, named, table].filter((part) => part !== '').join('.')}.`);
      const made = await makeView(table, { schema, table }, null);
      if (made === null) throw notReadOnly(`There is no table ${table} in schema ${schema}.`);
      views.set(`named ${schema} ${table}`, made);
    }
  };

  return {
    dialect: duckDbDialect,
    async table(ref, scope) {
      const key = JSON.stringify([ref, scope]);
      const known = views.get(key);
      if (known !== undefined) return known;
      const made = await makeView(`ingest_checked_${views.size + 1}`, ref, scope);
      if (made !== null) views.set(key, made);
      return made;
    },
    rows: (sql) => connection.rows(sql),
    async userValue(sql, table) {
      const statement = trimStatement(sql).replaceAll('{table}', table.from);
      try {
        await makeNamed(statement, table.ref.schema);
        return await inReadOnlyTransaction(connection, async () => {
          const reader = await connection.runAndReadAll(
            `SELECT * FROM (SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n${statement}\n) AS answer) LIMIT 2`,
          );
          const rows = reader.getRowsJson() as (string | null)[][];
          if (rows.length !== 1 || rows[0]!.length !== 1) {
            const what =
              rows.length === 1 ? `${rows[0]!.length} columns` : rows.length === 0 ? 'no row' : 'several rows';
            throw new IngestError('CHECK_SQL_NOT_SCALAR', `The statement gives ${what}; a check needs one value.`, {
              hint: 'Select one expression, such as count(*).',
            });
          }
          return rows[0]![0] ?? null;
        });
      } catch (error) {
        if (isIngestError(error) || /^INTERRUPT/i.test(messageOf(error))) throw error;
        throw new IngestError('CHECK_SQL_FAILED', messageOf(error).trim().slice(0, 1000), {
          hint: 'Try it in the console of Results, with the table in place of {table}.',
          cause: error,
        });
      }
    },
  };
}

async function inReadOnlyTransaction<Result>(
  connection: WorkspaceConnection,
  task: () => Promise<Result>,
): Promise<Result> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    return await task();
  } finally {
    await connection.run('ROLLBACK');
  }
}

function scopeUnknown(ref: TableRef): IngestError {
  return new IngestError(
    'CHECK_SCOPE_UNKNOWN',
    `${ref.schema}.${ref.table} does not say which load its rows are from.`,
    {
      hint: 'Use scope table: only rows of a job’s own table carry _dlt_load_id.',
    },
  );
}
