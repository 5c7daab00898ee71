import { mkdir } from 'node:fs/promises';
import { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

export interface WorkspaceOptions {
  /** MiB that DuckDB may use for everything in this workspace. */
  memoryLimitMiB: number;
  /** DuckDB threads. */
  threads: number;
  /** Where DuckDB spills what exceeds the limit; created if missing. */
  tempDirectory: string;
}

/**
 * One in-memory DuckDB of the engine. Segments live in it as tables, files are read and written through it, and file destinations are attached to it.
 * Extensions are neither loaded nor installed: what it can do is what was built in.
 */
export class Workspace {
  readonly #database: duckdb.Database;
  readonly #connections = new Set<WorkspaceConnection>();
  #names = 0;

  private constructor(database: duckdb.Database) {
    this.#database = database;
  }

  static async open(options: WorkspaceOptions): Promise<Workspace> {
    await mkdir(options.tempDirectory, { recursive: true });
    const config = duckdb.create_config();
    for (const [key, value] of Object.entries({
      memory_limit: `${options.memoryLimitMiB}MiB`,
      threads: String(options.threads),
      temp_directory: options.tempDirectory,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      preserve_insertion_order: 'true',
    })) {
      duckdb.set_config(config, key, value);
    }
    return new Workspace(await duckdb.open(':memory:', config));
  }

  /** A connection of its own for each thing that runs at the same time. The session's time zone is UTC. */
  async connect(): Promise<WorkspaceConnection> {
    const handle = await duckdb.connect(this.#database);
    const connection = new WorkspaceConnection(handle, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  }

  /** A table name that nothing else in this workspace has. */
  uniqueName(prefix: string): string {
    this.#names += 1;
    return `${prefix}_${this.#names}`;
  }

  close(): void {
    for (const connection of [...this.#connections]) connection.close();
    duckdb.close_sync(this.#database);
  }
}

/** A node-api connection that also shows the binding's handle, which the chunk writer needs. */
export class WorkspaceConnection extends DuckDBConnection {
  readonly handle: duckdb.Connection;
  readonly #onClose: () => void;

  constructor(handle: duckdb.Connection, onClose: () => void) {
    super(handle);
    this.handle = handle;
    this.#onClose = onClose;
  }

  /** Runs a query and gives its rows as objects with plain JSON values (bigints and decimals as text). */
  async rows<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
    const reader = await this.runAndReadAll(sql);
    return reader.getRowObjectsJson() as Row[];
  }

  /** Interrupts what runs in this connection when the signal aborts; gives back the function that stops watching. */
  interruptOn(signal: AbortSignal): () => void {
    const interrupt = () => this.interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    return () => signal.removeEventListener('abort', interrupt);
  }

  close(): void {
    this.#onClose();
    this.closeSync();
  }
}
