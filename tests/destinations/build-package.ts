import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { SchemaChange } from '../../engine/destinations/destination.ts';
import { identifier, literal } from '../../engine/duckdb/sql.ts';
import type { LoadPackage, PackageColumn, PackageManifest, PackageTable } from '../../engine/load/load-package.ts';
import type { JobState } from '../../engine/state/job-state.ts';

export interface TableContent {
  name: string;
  parent?: string | null;
  /** DuckDB types by column name. */
  columns: Record<string, string>;
  /** Types in the file where they differ. */
  stored?: Record<string, string>;
  notNull?: string[];
  /** A query that gives the rows, by column name. Null for none. */
  rows: string | null;
  /** Files that the rows are spread over; default 1. */
  files?: number;
}

export interface PackageContent {
  loadId: string;
  schema?: string;
  table?: string;
  pipeline?: string;
  disposition?: PackageManifest['write_disposition'];
  key?: string[];
  watermark?: string | null;
  /** False for a load that leaves the state untouched. */
  state?: boolean;
  tables: TableContent[];
}

/** One for all packages: opening one costs more than writing one. */
const writer = DuckDBInstance.create(':memory:');

/** A complete load package in `folder`, its Parquet files written by an independent DuckDB. */
export async function buildPackage(folder: string, content: PackageContent): Promise<LoadPackage> {
  const { loadId, schema = 'raw', table = 'orders', pipeline = 'test_pipeline', watermark = null } = content;
  const home = join(folder, `package-${loadId}-${table.replaceAll(/\W/g, '_')}`);
  await mkdir(home, { recursive: true });
  const connection = await (await writer).connect();
  await connection.run("SET TimeZone = 'UTC'");
  const tables: PackageTable[] = [];
  for (const [index, part] of content.tables.entries()) {
    const files: PackageTable['files'] = [];
    const parts = part.files ?? 1;
    for (let n = 0; part.rows !== null && n < parts; n += 1) {
      const name = `${loadId}.${index}_${n}.parquet`;
      const select = Object.entries(part.columns).map(([column, type]) => {
        const stored = part.stored?.[column] ?? type;
        return `CAST(${identifier(column)} AS ${stored}) AS ${identifier(column)}`;
      });
      const rows = `(SELECT *, row_number() OVER () AS "#" FROM (${part.rows}))`;
      const sql = `SELECT ${select.join(', ')} FROM ${rows} WHERE "#" % ${parts} = ${n}`;
      const path = join(home, name);
      const result = await connection.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
      files.push({ name, rows: result.rowsChanged, bytes: (await stat(path)).size });
    }
    const columns: PackageColumn[] = Object.entries(part.columns).map(([name, type]) => ({
      name,
      type,
      stored_type: part.stored?.[name] ?? type,
      nullable: !part.notNull?.includes(name),
    }));
    tables.push({ name: part.name, parent: part.parent ?? null, columns, files });
  }
  connection.closeSync();
  const state: JobState = {
    version: 1,
    pipeline,
    destination: 'dest',
    target_schema: schema,
    target_table: table,
    source_name: 'shop',
    table_name: table,
    watermark,
    boundary: [['abc', 1]],
    boundary_columns: ['id'],
    source_state: { note: "it's" },
    load_id: loadId,
    updated_at: '2024-05-06T07:08:09.000Z',
  };
  const manifest: PackageManifest = {
    version: 1,
    load_id: loadId,
    run_id: 'run-1',
    pipeline,
    destination: 'dest',
    target_schema: schema,
    target_table: table,
    write_disposition: content.disposition ?? 'append',
    schema_contract: 'evolve',
    primary_key: content.key ?? [],
    created_at: '2024-05-06T07:08:09.000Z',
    tables,
    state: content.state === false ? null : state,
  };
  return { folder: home, manifest };
}

/** `create_table` for every table of the package. */
export function creations(pack: LoadPackage): SchemaChange[] {
  return pack.manifest.tables.map(({ name, columns }) => ({ kind: 'create_table', table: name, columns }));
}

/** An orders table of `count` rows, with lines as its children and discounts as theirs. */
export function ordersWithChildren(
  loadId: string,
  rows: { id: number; name: string; lines: number }[],
  rootIds = false,
): TableContent[] {
  const values = rows.map((row) => `(${row.id}, ${literal(row.name)}, ${row.lines})`).join(', ');
  const orders = rows.length === 0 ? null : `SELECT * FROM (VALUES ${values}) v(id, name, lines)`;
  const own = (sql: string) => (orders ? sql : null);
  const root: Record<string, string> = rootIds ? { _dlt_root_id: 'VARCHAR' } : {};
  return [
    {
      name: 'orders',
      columns: { id: 'BIGINT', name: 'VARCHAR', _dlt_load_id: 'VARCHAR', _dlt_id: 'VARCHAR' },
      notNull: ['_dlt_load_id', '_dlt_id'],
      rows: own(`SELECT id, name, '${loadId}' AS _dlt_load_id, '${loadId}-' || id AS _dlt_id FROM (${orders})`),
    },
    {
      name: 'orders__lines',
      parent: 'orders',
      columns: { sku: 'VARCHAR', _dlt_parent_id: 'VARCHAR', _dlt_list_idx: 'BIGINT', _dlt_id: 'VARCHAR', ...root },
      rows: own(`SELECT name || '-' || i AS sku, '${loadId}-' || id AS _dlt_parent_id, i AS _dlt_list_idx,
        '${loadId}-' || id || '-' || i AS _dlt_id, '${loadId}-' || id AS _dlt_root_id FROM (${orders}), range(lines) r(i)`),
    },
    {
      name: 'orders__lines__discounts',
      parent: 'orders__lines',
      columns: { percent: 'INTEGER', _dlt_parent_id: 'VARCHAR', _dlt_list_idx: 'BIGINT', _dlt_id: 'VARCHAR', ...root },
      rows: own(`SELECT 5 AS percent, '${loadId}-' || id || '-' || i AS _dlt_parent_id, 0 AS _dlt_list_idx,
        '${loadId}-' || id || '-' || i || '-d' AS _dlt_id, '${loadId}-' || id AS _dlt_root_id FROM (${orders}), range(lines) r(i)`),
    },
  ];
}
