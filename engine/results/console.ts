import { StatementType } from '@duckdb/node-api';
import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { IngestError, isIngestError, messageOf } from '../errors.ts';
import type { OpenResults } from './open-results.ts';
import type { Page } from './page.ts';
import { trimStatement } from './sql-text.ts';
import { cellTextOf } from './value-text.ts';

export interface QueryAnswer extends Page {
  /** True where the query has more rows than were asked for. `total` counts those that are here. */
  more: boolean;
}

/**
 * Answers one SELECT (or DESCRIBE, SHOW, SUMMARIZE, EXPLAIN) in what {@link withResults} opened, which forbids everything that is not reading it.
 * @throws IngestError QUERY_NOT_READ_ONLY, QUERY_SEVERAL, QUERY_EMPTY, QUERY_FAILED with DuckDB's own words
 */
export async function answerQuery({ connection }: OpenResults, sql: string, limit: number): Promise<QueryAnswer> {
  const text = trimStatement(sql);
  if (text === '') throw new IngestError('QUERY_EMPTY', 'There is no query.', { hint: 'Write a SELECT.' });
  try {
    const explained = (await typeOf(connection, text)) === StatementType.EXPLAIN;
    if (explained) return await explain(connection, text);
    const columns = await columnsOf(connection, text);
    const names = columns.map((_, at) => `c${at}`);
    const select = columns.map(({ type }, at) => cellTextOf(names[at]!, type)).join(', ');
    const wrapped = `SELECT ${select} FROM (\n${text}\n) AS answer(${names.join(', ')}) LIMIT ${limit + 1}`;
    await typeOf(connection, wrapped);
    const reader = await connection.runAndReadAll(wrapped);
    const rows = reader.getRowsJson() as (string | null)[][];
    const more = rows.length > limit;
    return { columns, rows: more ? rows.slice(0, limit) : rows, total: Math.min(rows.length, limit), more };
  } catch (error) {
    throw describe(error);
  }
}

/** The kind of the one statement in a text; everything but reading is refused before it is run. */
async function typeOf(connection: WorkspaceConnection, sql: string): Promise<StatementType> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) {
    throw new IngestError('QUERY_SEVERAL', 'One statement at a time.', { hint: 'Remove all but one SELECT.' });
  }
  const statement = await statements.prepare(0);
  try {
    const { statementType } = statement;
    if (statementType === StatementType.SELECT && !/^\s*(pragma|call)\b/i.test(sql)) return statementType;
    if (statementType === StatementType.EXPLAIN) return statementType;
  } finally {
    statement.destroySync();
  }
  throw notReadOnly();
}

async function columnsOf(connection: WorkspaceConnection, sql: string): Promise<Page['columns']> {
  const statement = await connection.prepare(sql);
  try {
    return Array.from({ length: statement.columnCount }, (_, at) => ({
      name: statement.columnName(at),
      type: statement.columnType(at).toString(),
    }));
  } finally {
    statement.destroySync();
  }
}

async function explain(connection: WorkspaceConnection, sql: string): Promise<QueryAnswer> {
  const reader = await connection.runAndReadAll(sql);
  const lines = reader.getRowsJson().flatMap((row) => String(row[1]).split('\n'));
  return {
    columns: [{ name: 'plan', type: 'VARCHAR' }],
    rows: lines.map((line) => [line]),
    total: lines.length,
    more: false,
  };
}

function notReadOnly(): IngestError {
  return new IngestError('QUERY_NOT_READ_ONLY', 'The console only reads: SELECT, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN.', {
    hint: 'To change data, change the job and run it; to save a table, export it.',
  });
}

function describe(error: unknown): unknown {
  if (isIngestError(error)) return error;
  const message = messageOf(error);
  if (/read-only mode/i.test(message)) return notReadOnly();
  if (/^Permission Error|configuration has been locked/i.test(message)) {
    return new IngestError('QUERY_NOT_READ_ONLY', `The console reads this destination only. ${wordsOf(message)}`, {
      hint: 'Files elsewhere can be read by a job of source_type filesystem.',
      cause: error,
    });
  }
  if (/^(INTERRUPT|Interrupt)/i.test(message)) return error;
  return new IngestError('QUERY_FAILED', wordsOf(message), {
    hint: /Out of Memory/i.test(message) ? 'Ask for fewer rows or columns, or aggregate.' : undefined,
    cause: error,
  });
}

/** DuckDB's own words, with the line and the mark under it. */
function wordsOf(message: string): string {
  return message
    .replace(/^Failed to extract statements: /, '')
    .trim()
    .slice(0, 2000);
}
