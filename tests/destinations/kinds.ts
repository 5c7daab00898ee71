import { join } from 'node:path';
import type { Destination } from '../../engine/destinations/destination.ts';
import { createDuckDbDestination } from '../../engine/destinations/duckdb/duckdb-destination.ts';
import { createDeltaDestination } from '../../engine/destinations/object-store/delta/delta-destination.ts';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { identifier, literal } from '../../engine/duckdb/sql.ts';
import type { Workspace } from '../../engine/duckdb/workspace.ts';
import { createLocalStore } from '../../engine/object-stores/local-store.ts';
import { query } from './read-back.ts';
import { readDeltaTable } from './read-delta.ts';

/** One kind of destination, as the suite needs it. */
export interface Kind {
  name: string;
  create(root: string, workspace: Workspace): Destination | Promise<Destination>;
  /** The DuckDB type that a column of a type has once it is there; default: the same. */
  landed?(type: string): string;
  /** Rows of the table that is read all the while it is replaced; default 20,000. */
  readerRows?: number;
  /** Schema and table with as odd names as the place takes. */
  oddNames?: [schema: string, table: string];
  /** The same of a column. */
  oddColumn?: string;
  /** Reads a table of a closed destination by a DuckDB of its own, without the product's code. Rows are JSON values. */
  read(root: string, schema: string, table: string, select?: string): Promise<Record<string, unknown>[]>;
}

/** The file and the folder below a test's root; neither they nor their parent exist at first. */
export const duckDbFile = (root: string): string => join(root, 'made here', 'dry_run.duckdb');
export const lakeFolder = (root: string): string => join(root, 'made here', 'lake [1]');

export const deltaFolder = (root: string): string => join(root, 'made here', 'delta [1]');

export const KINDS: Kind[] = [
  {
    name: 'duckdb',
    create: (root, workspace) =>
      createDuckDbDestination({ name: 'dest', path: duckDbFile(root), schema: 'raw' }, { workspace }),
    read: (root, schema, table, select = '*') =>
      query(duckDbFile(root), `SELECT ${select} FROM ${identifier(schema)}.${identifier(table)} ORDER BY ALL`),
  },
  {
    name: 'parquet-folder',
    create: (root, workspace) =>
      createObjectStoreDestination(
        { name: 'dest', schema: 'raw' },
        { store: createLocalStore(lakeFolder(root)), workspace, tempDirectory: join(root, 'temporary') },
      ),
    read(root, schema, table, select = '*') {
      const pattern = join(root, 'made here', 'lake [[]1]', schema, table, '*.parquet');
      return query(
        null,
        `SELECT ${select} FROM read_parquet(${literal(pattern)}, union_by_name = true, hive_partitioning = false) ORDER BY ALL`,
      );
    },
  },
  {
    name: 'delta',
    create: (root, workspace) =>
      createDeltaDestination(
        { name: 'dest', schema: 'raw' },
        { store: createLocalStore(deltaFolder(root)), workspace, tempDirectory: join(root, 'temporary') },
      ),
    // Spark has none of these, and every reader knows the ones in their place.
    landed: (type) =>
      ({
        'STRUCT(a INTEGER, b VARCHAR)': 'STRUCT("a" INTEGER, "b" VARCHAR)',
        TIME: 'VARCHAR',
        UUID: 'VARCHAR',
        INTERVAL: 'VARCHAR',
        UBIGINT: 'DECIMAL(20,0)',
      })[type] ?? type,
    oddColumn: `select"from"'x'--täble`,
    read: (root, schema, table, select) => readDeltaTable(join(deltaFolder(root), schema, table), select),
  },
];

export async function createDestination(name: string, root: string, workspace: Workspace): Promise<Destination> {
  const kind = KINDS.find((candidate) => candidate.name === name);
  if (!kind) throw new Error(`No destination kind ${name}.`);
  return await kind.create(root, workspace);
}
