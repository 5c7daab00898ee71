import { identifier } from '../duckdb/sql.ts';
import { IngestError } from '../errors.ts';
import { didYouMean } from '../spec/suggest.ts';
import type { OpenResults } from './open-results.ts';
import { cellTextOf } from './value-text.ts';

export interface PageRequest {
  schema: string;
  table: string;
  offset: number;
  limit: number;
  /** A column; null keeps the order of loading. */
  orderBy: string | null;
  descending: boolean;
}

export interface Page {
  columns: { name: string; type: string }[];
  /** Values as text; null is null. */
  rows: (string | null)[][];
  /** Rows of the table. */
  total: number;
}

/**
 * Rows of a table. Nulls come last; rows of equal value keep one order over all pages.
 * @throws IngestError TABLE_NOT_FOUND, COLUMN_NOT_FOUND
 */
export async function readPage(results: OpenResults, request: PageRequest): Promise<Page> {
  const { columns, rows: total, from } = results.table(request.schema, request.table);
  const select = columns.map(({ name, type }) => cellTextOf(name, type)).join(', ');
  const order = orderOf(
    request,
    columns.map(({ name }) => name),
  );
  const reader = await results.connection.runAndReadAll(
    // The page is cut out first: only its cells become text.
    `SELECT ${select} FROM (SELECT * FROM ${from} AS source${order} LIMIT ${request.limit} OFFSET ${request.offset})`,
  );
  return { columns, rows: reader.getRowsJson() as (string | null)[][], total };
}

function orderOf({ orderBy, descending, table }: PageRequest, names: string[]): string {
  if (orderBy === null) return '';
  if (!names.includes(orderBy)) {
    const near = didYouMean(orderBy, names);
    throw new IngestError('COLUMN_NOT_FOUND', `Table ${table} has no column ${orderBy}.`, {
      hint: near === null ? undefined : `Did you mean ${near}?`,
    });
  }
  const ties = names.includes('_dlt_id') && orderBy !== '_dlt_id' ? ', _dlt_id' : '';
  return ` ORDER BY ${identifier(orderBy)} ${descending ? 'DESC' : 'ASC'} NULLS LAST${ties}`;
}
