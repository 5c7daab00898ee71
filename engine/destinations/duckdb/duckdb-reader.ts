import { identifier, literal } from '../../duckdb/sql.ts';
import type { DestinationReader, ReadableTable, ReaderConnection, ReaderContext } from '../reader.ts';
import { attachForReading } from './attachment.ts';

const SYSTEM_TABLE = /^_dlt_/;

/**
 * Opens a DuckDB file to look at, read-only. A file that is not there yet has no tables.
 * @throws IngestError LOCKED while a run of any program writes to it, and what opening such a file can raise
 */
export async function openDuckDbReader(
  config: { name: string; path: string; schema: string },
  context: ReaderContext,
): Promise<DestinationReader> {
  const attachment = await attachForReading(config.path, config.name, context.connection, context.onStop);
  if (attachment === null) {
    return { tables: [], location: config.path, searchPath: [], files: [], close: async () => undefined };
  }
  try {
    const tables = await listTables(context.connection, config.name);
    const schemas = new Set([config.schema, `${config.schema}_sample`, ...tables.map((table) => table.schema)]);
    const present = new Set(tables.map((table) => table.schema));
    return {
      tables,
      location: config.path,
      searchPath: [...schemas].filter((schema) => present.has(schema)).map((schema) => qualified(config.name, schema)),
      files: [],
      close: () => attachment.detach(),
    };
  } catch (error) {
    await attachment.detach();
    throw error;
  }
}

async function listTables(connection: ReaderConnection, database: string): Promise<ReadableTable[]> {
  const columns = await connection.rows<{ schema_name: string; table_name: string; name: string; type: string }>(
    `SELECT schema_name, table_name, column_name AS name, data_type AS type FROM duckdb_columns()
     WHERE database_name = ${literal(database)} AND NOT (schema_name IN ('information_schema', 'pg_catalog'))
       AND (schema_name, table_name) IN (SELECT (schema_name, table_name) FROM duckdb_tables() WHERE database_name = ${literal(database)})
     ORDER BY schema_name, table_name, column_index`,
  );
  const grouped = [...Map.groupBy(columns, (row) => JSON.stringify([row.schema_name, row.table_name])).values()];
  const tables = grouped.flatMap((rows): ReadableTable[] => {
    const { schema_name: schema, table_name: table } = rows[0]!;
    if (SYSTEM_TABLE.test(table)) return [];
    return [
      {
        schema,
        table,
        parent: null,
        columns: rows.map(({ name, type }) => ({ name, type })),
        rows: 0,
        loadedAt: null,
        from: [database, schema, table].map(identifier).join('.'),
      },
    ];
  });
  for (const table of tables) table.parent = parentOf(table, tables);
  await count(connection, tables);
  await addLoadTimes(connection, database, tables, grouped);
  return tables;
}

/** A child names its parent's rows and begins with its parent's name; the longest such name is the parent. */
function parentOf({ schema, table, columns }: ReadableTable, tables: readonly ReadableTable[]): string | null {
  if (!columns.some(({ name }) => name === '_dlt_parent_id')) return null;
  const names = tables
    .filter((other) => other.schema === schema && other.table !== table && table.startsWith(`${other.table}__`))
    .map((other) => other.table);
  return names.sort((a, b) => b.length - a.length)[0] ?? null;
}

async function count(connection: ReaderConnection, tables: ReadableTable[]): Promise<void> {
  if (tables.length === 0) return;
  const counts = await connection.rows<{ at: number; rows: string }>(
    tables.map(({ from }, at) => `SELECT ${at} AS at, count(*) AS rows FROM ${from}`).join(' UNION ALL '),
  );
  for (const { at, rows } of counts) tables[at]!.rows = Number(rows);
}

/** When each table's newest load came in, from dlt's own list of loads. */
async function addLoadTimes(
  connection: ReaderConnection,
  database: string,
  tables: ReadableTable[],
  all: { schema_name: string; table_name: string }[][],
): Promise<void> {
  const withLoads = new Set(all.filter(([row]) => row!.table_name === '_dlt_loads').map(([row]) => row!.schema_name));
  const loaded = tables.filter(
    ({ schema, columns }) => withLoads.has(schema) && columns.some(({ name }) => name === '_dlt_load_id'),
  );
  if (loaded.length === 0) return;
  const queries = loaded.map(({ schema, from }) => {
    const loads = [database, schema, '_dlt_loads'].map(identifier).join('.');
    return `SELECT ${tables.findIndex((table) => table.from === from)} AS at, max(epoch_ms(inserted_at)) AS ms FROM ${loads}
      WHERE load_id = (SELECT max(_dlt_load_id) FROM ${from})`;
  });
  const found = await connection.rows<{ at: number; ms: string | null }>(queries.join(' UNION ALL '));
  for (const { at, ms } of found) if (ms !== null) tables[at]!.loadedAt = new Date(Number(ms)).toISOString();
  for (const table of tables) {
    const parent = tables.find((other) => other.schema === table.schema && other.table === table.parent);
    table.loadedAt ??= parent?.loadedAt ?? null;
  }
}

function qualified(database: string, schema: string): string {
  return `${identifier(database)}.${identifier(schema)}`;
}
