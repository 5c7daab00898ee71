import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { describeTls, type Outcome, openSocket, reachPort, resolveHost } from '../../connection-stages.ts';
import { loadDriver } from '../../load-driver.ts';
import { readAuthorities, trustedAuthorities } from '../../network/authorities.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import { LOOKED_AT, type TableChecks } from '../database/table-probe.ts';
import { testStages } from '../database/test-stages.ts';
import type { TestStage } from '../source.ts';
import { READABLE_KINDS } from './catalog.ts';
import { databaseOf, type Target, targetOf } from './connect-options.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { type OracleSession, openSession } from './session.ts';

/** The file of a wallet that can be read without Oracle's own libraries. */
const WALLET_FILE = 'ewallet.pem';

/** Tests a connection stage by stage. */
export function testConnection(connection: OracleConnection, signal: AbortSignal): AsyncGenerator<TestStage> {
  // Null for an alias of tnsnames.ora, which only the driver resolves.
  const target = targetOf(connection);
  const timeout = connection.connect_timeout * 1000;
  const atTarget = async (run: (target: Target) => Promise<Outcome>): Promise<Outcome> => {
    if (target !== null) return await run(target);
    return { detail: 'The driver finds the address of this alias itself.', skipped: true };
  };
  return testStages<OracleSession>(
    {
      dns: () => atTarget(({ host }) => resolveHost(host, signal)),
      tcp: () => atTarget(({ host, port }) => reachPort(host, port, timeout, signal)),
      tls: () => atTarget((reached) => negotiateTls(connection, reached, signal)),
      open: () => openSession(connection, signal),
      greet: (session) => greet(session, signal),
      tables: TABLES,
      explain: (error) => explainError(error, { connection, doing: `Testing ${connection.name}` }),
    },
    signal,
  );
}

async function negotiateTls(connection: OracleConnection, target: Target, signal: AbortSignal): Promise<Outcome> {
  if (!target.isEncrypted) return { detail: 'encrypt is false.', skipped: true };
  const options = await tlsOptions(connection, target.host);
  const socket = await openSocket(target.host, target.port, connection.connect_timeout * 1000, signal);
  try {
    const secure = await new Promise<TLSSocket>((resolve, reject) => {
      const encrypted = connectTls({ ...options, socket }, () => resolve(encrypted));
      encrypted.once('error', reject);
      encrypted.once('close', () => reject(new Error('Connection closed before TLS')));
    });
    secure.on('error', () => undefined);
    return { detail: describeTls(secure, { rejectUnauthorized: true }) };
  } finally {
    socket.destroy();
  }
}

/** As the driver will check the server; a whole distinguished name is compared at the login. */
async function tlsOptions(connection: OracleConnection, host: string): Promise<ConnectionOptions> {
  const { wallet_location: wallet, wallet_password: passphrase, ssl_root_cert: root } = connection;
  const { ssl_server_dn_match: matches, ssl_server_cert_dn: name } = connection;
  const options: ConnectionOptions = { rejectUnauthorized: true, host };
  if (isIP(host) === 0) options.servername = host;
  if (!matches || name !== undefined) options.checkServerIdentity = () => undefined;
  if (wallet === undefined) {
    return { ...options, ca: trustedAuthorities(root === undefined ? [] : await readAuthorities(root)) };
  }
  const pem = await readFile(path.join(wallet, WALLET_FILE));
  const key = pem.includes('PRIVATE KEY') ? { cert: pem, key: pem, passphrase } : {};
  return { ...options, ca: pem, ...key };
}

async function greet(session: OracleSession, signal: AbortSignal): Promise<string> {
  const driver = await loadDriver('oracledb', async () => (await import('oracledb')).default);
  const [product] = await session.query(
    `SELECT PRODUCT AS "product", VERSION AS "version" FROM PRODUCT_COMPONENT_VERSION
     WHERE PRODUCT LIKE 'Oracle%' FETCH FIRST 1 ROWS ONLY`,
    'Asking for the version',
    signal,
  );
  const { options: connection } = session;
  const server = product ? `${product.product} ${product.version}`.replace(/\s+/g, ' ') : 'Oracle Database';
  const secured = targetOf(connection)?.isEncrypted ? 'encrypted' : 'not encrypted';
  return `${server}, user ${connection.username}, ${databaseOf(connection)}, ${secured}; node-oracledb ${driver.versionString}, thin mode.`;
}

const TABLES: TableChecks = {
  // What can be seen may only be inserted into: the dictionary does not say in one place what can be read.
  count: `SELECT COUNT(*) AS "tables" FROM ALL_OBJECTS o JOIN ALL_USERS u ON u.USERNAME = o.OWNER
    WHERE u.ORACLE_MAINTAINED = 'N' AND o.OBJECT_TYPE IN (${READABLE_KINDS})`,
  candidates: `SELECT o.OWNER AS "schema", o.OBJECT_NAME AS "name" FROM ALL_OBJECTS o JOIN ALL_USERS u ON u.USERNAME = o.OWNER
    LEFT JOIN ALL_TABLES t ON t.OWNER = o.OWNER AND t.TABLE_NAME = o.OBJECT_NAME
    WHERE u.ORACLE_MAINTAINED = 'N' AND o.OBJECT_TYPE IN (${READABLE_KINDS}) AND t.IOT_TYPE IS NULL
    ORDER BY CASE o.OBJECT_TYPE WHEN 'VIEW' THEN 1 ELSE 0 END, NVL(t.NUM_ROWS, 0) DESC, 1, 2 FETCH FIRST ${LOOKED_AT} ROWS ONLY`,
  select: ({ schema, name }, rows) => `SELECT 1 AS "one" FROM ${quoteName(schema, name)} WHERE ROWNUM <= ${rows}`,
  nothing: 'SELECT 1 AS "one" FROM SYS.DUAL',
  grant: 'Ask the owner for GRANT SELECT ON … TO the user of the connection.',
};
