import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresServer } from '../helpers/postgres-server.ts';
import type { ProjectTexts } from '../helpers/project.ts';

/** Tables of a small shop: keys, change times, a view, a name that no table_name may be, and one table without any key. */
export async function fillShop(server: PostgresServer): Promise<void> {
  await server.query(`
    CREATE SCHEMA shop;
    CREATE TABLE shop.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, updated_at timestamptz NOT NULL);
    CREATE INDEX ON shop.customers (updated_at);
    COMMENT ON COLUMN shop.customers.email IS 'As entered; may be wrong';
    CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id int NOT NULL, total numeric(12,2), updated_at timestamptz);
    CREATE TABLE shop.order_lines (order_id bigint, line int, sku text, created_at timestamp, PRIMARY KEY (order_id, line));
    CREATE TABLE shop."Price list 2026" (sku text, price numeric);
    CREATE VIEW shop.open_orders AS SELECT * FROM shop.orders WHERE total IS NULL;
    CREATE SCHEMA hr;
    CREATE TABLE hr.people (id int PRIMARY KEY, name text, modified_at timestamptz);
    INSERT INTO shop.customers (email, updated_at) SELECT 'a' || i, now() FROM generate_series(1, 500) i;
    INSERT INTO shop.orders SELECT i, i % 500, i, now() FROM generate_series(1, 2000) i;
    ANALYZE;`);
}

/** A project with a database, an API and files, jobs on each, and two destinations. */
export function shopProject(server: { host: string; port: number; username: string; database?: string }): ProjectTexts {
  const { host, port, username, database = 'postgres' } = server;
  return {
    jobs: [
      { source_type: 'postgresql', source_name: 'shop', schema_name: 'shop', table_name: 'orders', load_type: 'FULL' },
      { source_type: 'postgresql', source_name: 'shop', schema_name: 'shop', table_name: 'gone', load_type: 'FULL' },
      { source_type: 'api', source_name: 'catalogue', table_name: 'products', load_type: 'FULL' },
      { source_type: 'filesystem', source_name: 'files', table_name: 'sales', load_type: 'FULL' },
    ],
    settings: { destination: 'dry_run' },
    config: `# Connections of the shop
[sources.shop]
type = "postgresql"
host = "${host}"
port = ${port}
database = "${database}"
username = "${username}"

[sources.catalogue]
type = "api"
base_url = "sample:shop"

[sources.catalogue.auth]
type = "bearer"

[sources.files]
type = "filesystem"
bucket_url = "data"

[sources.erp]
type = "oracle"
host = "erp-db.corp.example"
service_name = "ERP"
username = "ingest_reader"

[destinations.dry_run]
type = "duckdb"
path = "output/dry_run.duckdb"

[destinations.lake]
type = "filesystem"
bucket_url = "output/lake"
`,
  };
}

/** Files as a connection to a folder finds them: dated folders, one Parquet-less format each. */
export async function shopFiles(folder: string): Promise<void> {
  for (const day of ['2026-01-01', '2026-01-02']) {
    const place = path.join(folder, 'data', 'sales', day);
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, 'sales.csv'), 'id,amount\n1,2.50\n2,3.75\n');
  }
  await writeFile(path.join(folder, 'data', 'stores.csv'), 'store,city\n1,Köln\n');
}
