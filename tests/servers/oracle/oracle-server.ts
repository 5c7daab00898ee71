import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { OracleDatabase, type TableDefinition } from './database.ts';
import { type EncodedRows, PreloadedRows } from './preloaded-rows.ts';
import { ServerSession } from './session.ts';

export interface OracleUser {
  password: string;
  state?: 'open' | 'locked' | 'expired';
}

/** What a statement suffers. */
export interface Fault {
  error?: { number: number; message: string };
  /** Computes so long before the first row. */
  delayMs?: number;
  /** The connection is cut after so many rows. */
  cutAfterRows?: number;
}

export interface OracleServerOptions {
  /** PEM; the server speaks TLS only. */
  tls?: { certificate: string; key: string };
}

/**
 * A server that speaks Oracle's protocol (TNS 315, TTC of 12.1: the smallest that the thin drivers take) and keeps its tables in DuckDB.
 * It proves that the protocol is handled rightly, not that Oracle takes the SQL: `INGEST_TEST_ORACLE_URL` names a real server for that.
 */
export class OracleServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly service = 'FREEPDB1';
  readonly sid = 'FREE';
  readonly users = new Map<string, OracleUser>([['ETL', { password: 's3cret' }]]);
  readonly database: OracleDatabase;
  /** Statements that ran, in order. */
  readonly log: string[] = [];
  /** Statements that a client cancelled while they ran. */
  readonly cancelled: string[] = [];
  fetches = 0;
  /** The listener refuses whoever comes, with this code. */
  refuseWith: number | null = null;
  /** Called before each statement. */
  onStatement: (sql: string) => Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #sessions = new Set<ServerSession>();
  readonly #sockets = new Set<Socket>();
  readonly #preloaded = new Map<string, PreloadedRows>();

  private constructor(database: OracleDatabase, options: OracleServerOptions) {
    this.database = database;
    const accept = (socket: Socket) => this.#accept(socket);
    this.#server = options.tls
      ? createTlsServer({ cert: options.tls.certificate, key: options.tls.key }, accept)
      : createServer(accept);
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(options: OracleServerOptions = {}): Promise<OracleServer> {
    const server = new OracleServer(await OracleDatabase.open(), options);
    await server.database.createUser('ETL');
    await new Promise<void>((resolve) => server.#server.listen(0, server.host, resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Clients that are logged in. */
  get sessions(): ServerSession[] {
    return [...this.#sessions].filter(({ user }) => user !== '');
  }

  createTable(name: string, definition: TableDefinition, owner = 'ETL'): Promise<void> {
    return this.database.createTable(owner, name, definition);
  }

  /** DuckDB's own SQL, as the DBA. */
  async run(sql: string): Promise<void> {
    await this.database.dba.run(sql);
  }

  /**
   * Statements that read this table send its rows, encoded once, over and over until there were so many: the server is then as fast
   * as the protocol allows, and no filter is applied.
   */
  preload(table: string, rows: number): void {
    this.#preloaded.set(table, new PreloadedRows(this.database, rows));
  }

  async preloaded(sql: string): Promise<EncodedRows | null> {
    for (const [table, rows] of this.#preloaded) {
      if (sql.includes(`"${table}"`)) return await rows.cursor(sql);
    }
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    this.database.close();
  }

  #accept(socket: Socket): void {
    const session = new ServerSession(this, socket);
    this.#sockets.add(socket);
    this.#sessions.add(session);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#sessions.delete(session);
    });
  }
}
