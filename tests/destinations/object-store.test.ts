import { join } from 'node:path';
import { createLocalStore } from '../../engine/destinations/object-store/local-store.ts';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { describeDestination } from './conformance.ts';
import { query } from './read-back.ts';

const folder = (root: string) => join(root, 'made here', 'lake [1]');

describeDestination({
  name: 'Parquet folder',
  create: (root, workspace) =>
    createObjectStoreDestination(
      { name: 'dest', schema: 'raw' },
      { store: createLocalStore(folder(root)), workspace, tempDirectory: join(root, 'temporary') },
    ),
  async read(root, schema, table, select = '*') {
    const pattern = join(root, 'made here', 'lake [[]1]', schema, table, '*.parquet');
    return await query(
      null,
      `SELECT ${select} FROM read_parquet(${literal(pattern)}, union_by_name = true) ORDER BY ALL`,
    );
  },
});
