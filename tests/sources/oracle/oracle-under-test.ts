import type { OracleConnection } from '../../../engine/spec/connection.ts';
import { oracleConnectionModel } from '../../../engine/spec/connection.ts';

/** A connection to a server, as the configuration gives it. */
export function connectionTo(
  server: { host: string; port: number },
  changes: Partial<OracleConnection> = {},
): OracleConnection {
  const connection = oracleConnectionModel.parse({
    type: 'oracle',
    name: 'erp',
    host: server.host,
    port: server.port,
    service_name: 'FREEPDB1',
    username: 'etl',
    password: 's3cret',
  });
  return { ...connection, ...changes };
}
