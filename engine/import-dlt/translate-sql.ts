import { isTable } from '../bundle/toml.ts';
import type { SOURCE_TYPES } from '../spec/kinds.ts';
import type { Table } from '../spec/project.ts';
import type { ImportDraft } from './dlt-import.ts';
import { setValue } from './translate-endpoint.ts';
import { tableName, writeDisposition } from './translate-hints.ts';

const DRIVERS: Record<string, (typeof SOURCE_TYPES)[number]> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  redshift: 'postgresql',
  oracle: 'oracle',
  mssql: 'mssql',
};

/** dlt's `[sources.sql_database]`: credentials become a connection, table_names become rows. */
export function translateSqlDatabase(draft: ImportDraft, name: string, config: Table): void {
  const { credentials } = config;
  const path = ['sources', name];
  const driver = isTable(credentials) ? String(credentials.drivername ?? '') : String(credentials).replace(/:.*/s, '');
  const type = DRIVERS[driver.replace(/\+.*/, '')];
  if (type === undefined) {
    draft.leftOut(name, `the driver "${driver}" is not one of ${Object.keys(DRIVERS).join(', ')}`);
    return;
  }
  const connection: Table = { type };
  if (isTable(credentials)) {
    for (const [key, value] of Object.entries(credentials)) {
      if (key === 'drivername' || value === null) continue;
      if (key === 'query' && isTable(value)) {
        if (typeof value.sslmode === 'string' && type === 'postgresql') connection.ssl_mode = value.sslmode;
        else draft.leftOut(`${name}.credentials.query`, 'options of the driver have no counterpart');
      } else setValue(draft, connection, path, key, value);
    }
    if (!('password' in credentials)) draft.secrets.push({ path: [...path, 'password'], value: '' });
  } else {
    draft.secrets.push({ path: [...path, 'credentials'], value: String(credentials) });
    draft.changed(`${name}.credentials`, 'a connection string is a secret as a whole; it is read as it stands');
  }
  draft.connections[name] = connection;
  const tables = Array.isArray(config.table_names)
    ? config.table_names
    : typeof config.table === 'string'
      ? [config.table]
      : [];
  for (const table of tables.map(String)) {
    const row: Record<string, string> = {
      source_type: type,
      source_name: name,
      table_name: tableName(table),
      load_type: 'FULL',
      enabled: 'Y',
      write_disposition: writeDisposition(draft, `${name}.${table}`, config.write_disposition ?? 'append'),
    };
    if (row.table_name !== table) row.source_object = table;
    if (typeof config.schema === 'string') row.schema_name = config.schema;
    draft.jobs.push(row);
  }
  if (tables.length === 0)
    draft.leftOut(`${name}.table_names`, 'no tables are listed: dlt reads all; `ingest discover` lists them');
  for (const key of Object.keys(config)) {
    if (!['credentials', 'table_names', 'table', 'schema', 'write_disposition'].includes(key))
      draft.leftOut(`${name}.${key}`, 'this key of sql_database has no counterpart');
  }
}
