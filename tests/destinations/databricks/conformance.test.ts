import { afterAll, beforeAll } from 'vitest';
import { identifier } from '../../../engine/duckdb/sql.ts';
import { describeDestination } from '../conformance.ts';
import { LANDED } from './landed-types.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

let warehouse: TestWarehouse;
/** The catalog of each test, by its root folder. */
const catalogs = new Map<string, string>();
const catalogOf = (root: string): string => {
  const catalog = catalogs.get(root) ?? warehouse.catalog();
  catalogs.set(root, catalog);
  return catalog;
};

beforeAll(async () => {
  warehouse = await startTestWarehouse();
});
afterAll(() => warehouse.close());

describeDestination({
  name: 'databricks',
  create: (root, workspace) => warehouse.destination(workspace, root, { catalog: catalogOf(root) }),
  read: (root, schema, table, select = '*') =>
    warehouse.server.query(
      `SELECT ${select} FROM ${identifier(`${catalogOf(root)}.${schema}`)}.${identifier(table)} ORDER BY ALL`,
    ),
  // each look copies the table
  readerRows: 3000,
  landed: (type) => LANDED[type] ?? type,
  oddNames: ['my_"odd"_`schema`', 'täble_"x"_--'],
});
