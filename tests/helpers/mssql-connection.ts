import type { AzureSqlConnection, MssqlConnection } from '../../engine/spec/connection.ts';
import { azureSqlConnectionModel, mssqlConnectionModel } from '../../engine/spec/connection.ts';

/** A connection to a test server, as user `etl`, without TLS unless said otherwise. */
export function mssqlConnection(server: { port: number }, changes: Partial<MssqlConnection> = {}): MssqlConnection {
  const base = mssqlConnectionModel.parse({
    type: 'mssql',
    name: 'crm',
    host: '127.0.0.1',
    port: server.port,
    database: 'appdb',
    username: 'etl',
    password: 's3cret',
    encrypt: false,
  });
  return { ...base, ...changes };
}

/** The same as an Azure SQL database. */
export function azureSqlConnection(
  server: { port: number },
  changes: Partial<AzureSqlConnection> = {},
): AzureSqlConnection {
  const { instance: _instance, ...base } = mssqlConnection(server);
  return { ...azureSqlConnectionModel.parse({ ...base, type: 'azure_sql' }), ...changes };
}
