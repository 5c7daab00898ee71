import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { loadDriver } from '../../load-driver.ts';
import { readAuthorities, trustedAuthorities } from '../../network.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import {
  describeTls,
  type Outcome,
  openSocket,
  reachPort,
  resolveHost,
  runStages,
  type Steps,
} from '../database/connection-stages.ts';
import type { TestStage } from '../source.ts';
import { READABLE_KINDS } from './catalog.ts';
import { databaseOf, type Target, targetOf } from './connect-options.ts';
import { explainError } from './errors.ts';
import { quoteName } from './literal.ts';
import { OracleSession } from './session.ts';

/** The file of a wallet that can be read without Oracle's own libraries. */
const WALLET_FILE = 'ewallet.pem';

/** Tests a connection stage by stage, so that the first that fails says where the trouble is. */
export async function* testConnection(connection: OracleConnection, signal: AbortSignal): AsyncGenerator<TestStage> {
  const steps = new ConnectionSteps(connection, signal);
  try {
    const doing = `Testing ${connection.name}`;
    yield* runStages(steps.all, (error) => explainError(error, { connection, doing }), signal);
  } finally {
    await steps.close();
  }
}

class ConnectionSteps {
  readonly #connection: OracleConnection;
  readonly #signal: AbortSignal;
  /** Null for an alias of tnsnames.ora, which only the driver resolves. */
  readonly #target: Target | null;
  #session: OracleSession | null = null;

  constructor(connection: OracleConnection, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    this.#target = targetOf(connection);
  }

  get all(): Steps {
    return [
      ['dns', () => this.#atTarget(({ host }) => resolveHost(host))],
      ['tcp', () => this.#atTarget(({ host, port }) => reachPort(host, port, this.#timeout, this.#signal))],
      ['tls', () => this.#atTarget((target) => this.#tls(target))],
      ['login', () => this.#login()],
      ['permission', () => this.#permission()],
      ['first_read', () => this.#firstRead()],
    ];
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  get #timeout(): number {
    return this.#connection.connect_timeout * 1000;
  }

  async #atTarget(run: (target: Target) => Promise<Outcome>): Promise<Outcome> {
    if (this.#target !== null) return await run(this.#target);
    return { detail: 'The driver finds the address of this alias itself.', skipped: true };
  }

  async #tls(target: Target): Promise<Outcome> {
    if (!target.isEncrypted) return { detail: 'encrypt is false.', skipped: true };
    const options = await this.#tlsOptions(target.host);
    const socket = await openSocket(target.host, target.port, this.#timeout, this.#signal);
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
  async #tlsOptions(host: string): Promise<ConnectionOptions> {
    const { wallet_location: wallet, wallet_password: passphrase, ssl_root_cert: root } = this.#connection;
    const { ssl_server_dn_match: matches, ssl_server_cert_dn: name } = this.#connection;
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

  async #login(): Promise<Outcome> {
    this.#session = await OracleSession.open(this.#connection, this.#signal);
    const driver = await loadDriver('oracledb', async () => (await import('oracledb')).default);
    const [product] = await this.#query(
      `SELECT PRODUCT AS "product", VERSION AS "version" FROM PRODUCT_COMPONENT_VERSION
       WHERE PRODUCT LIKE 'Oracle%' FETCH FIRST 1 ROWS ONLY`,
      'Asking for the version',
    );
    const server = product ? `${product.product} ${product.version}`.replace(/\s+/g, ' ') : 'Oracle Database';
    const { username } = this.#connection;
    const secured = this.#target?.isEncrypted ? 'encrypted' : 'not encrypted';
    return {
      detail: `${server}, user ${username}, ${databaseOf(this.#connection)}, ${secured}; node-oracledb ${driver.versionString}, thin mode.`,
    };
  }

  async #permission(): Promise<Outcome> {
    const [row] = await this.#query(
      `SELECT COUNT(*) AS "objects" FROM ALL_OBJECTS o JOIN ALL_USERS u ON u.USERNAME = o.OWNER
       WHERE u.ORACLE_MAINTAINED = 'N' AND o.OBJECT_TYPE IN (${READABLE_KINDS})`,
      'Counting readable tables',
    );
    return { detail: `${row?.objects} tables and views can be seen.` };
  }

  async #firstRead(): Promise<Outcome> {
    const [table] = await this.#query(
      `SELECT t.OWNER AS "schema", t.TABLE_NAME AS "name" FROM ALL_TABLES t JOIN ALL_USERS u ON u.USERNAME = t.OWNER
       WHERE u.ORACLE_MAINTAINED = 'N' AND t.IOT_TYPE IS NULL
       ORDER BY NVL(t.NUM_ROWS, 0) DESC, 1, 2 FETCH FIRST 1 ROWS ONLY`,
      'Finding a table to read',
    );
    if (!table) {
      await this.#query('SELECT 1 AS "one" FROM SYS.DUAL', 'Reading one value');
      return { detail: 'One value read; this user can read no table yet.' };
    }
    const name = `${table.schema}.${table.name}`;
    const target = quoteName(table.schema as string, table.name as string);
    const rows = await this.#query(`SELECT 1 AS "one" FROM ${target} FETCH FIRST 1 ROWS ONLY`, `Reading ${name}`);
    return { detail: rows.length === 0 ? `${name} read; it is empty.` : `First row of ${name} read.` };
  }

  async #query(sql: string, doing: string) {
    if (!this.#session) throw new Error('login comes first');
    return await this.#session.query(sql, doing, this.#signal);
  }
}
