import { join } from 'node:path';
import { createDuckDbDestination } from '../../engine/destinations/duckdb/duckdb-destination.ts';
import { identifier } from '../../engine/duckdb/sql.ts';
import { describeDestination } from './conformance.ts';
import { query } from './read-back.ts';

const file = (root: string) => join(root, 'made here', 'dry_run.duckdb');

describeDestination({
  name: 'DuckDB',
  create: (root, workspace) =>
    createDuckDbDestination({ name: 'dest', path: file(root), schema: 'raw' }, { workspace }),
  read: (root, schema, table, select = '*') =>
    query(file(root), `SELECT ${select} FROM ${identifier(schema)}.${identifier(table)} ORDER BY ALL`),
});
