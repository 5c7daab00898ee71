import net from 'node:net';
import { Catalog, literal, type TableDefinition } from './catalog.ts';
import type { ServerError } from './errors.ts';
import type { BatchFault, SqlServerOptions } from './options.ts';
import { Session, type SessionHost } from './session.ts';

export type { BatchFault, ServerError, SqlServerOptions };

/**
 * A server that speaks TDS 7.4 on 127.0.0.1, with DuckDB behind it. It proves how the protocol is handled, not what the vendor's SQL means: what ran
 * against it alone is protocol-verified.
 */
export class SqlServer implements SessionHost, AsyncDisposable {
  readonly catalog: Catalog;
  readonly options: SqlServerOptions;
  /** Batches as they came. */
  readonly batches: string[] = [];
  /** Statements that clients cancelled. */
  attentions = 0;
  logins = 0;
  readonly #server: net.Server;
  readonly #sessions = new Set<Session>();

  private constructor(catalog: Catalog, options: SqlServerOptions) {
    this.catalog = catalog;
    this.options = options;
    this.#server = net.createServer((socket) => {
      const session = new Session(this, socket);
      this.#sessions.add(session);
      socket.once('close', () => {
        this.#sessions.delete(session);
        session.close();
      });
    });
  }

  static async start(options: SqlServerOptions = {}): Promise<SqlServer> {
    const server = new SqlServer(await Catalog.open(options.database ?? 'appdb'), options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get openConnections(): number {
    return this.#sessions.size;
  }

  createTable(name: string, definition: TableDefinition): Promise<void> {
    return this.catalog.createTable(name, definition);
  }

  /** Runs DuckDB's SQL on the tables. */
  async run(sql: string): Promise<void> {
    await this.catalog.connection.run(sql);
  }

  /** Takes a login's right to read an object (`[dbo].[orders]`) or a column of it (`[secret]`). */
  async deny(login: string, object: string, column?: string): Promise<void> {
    await this.run(
      `INSERT INTO mssql_sys.denied VALUES (${literal(login)}, ${literal(object)}, ${column === undefined ? 'NULL' : literal(column)})`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
