import { IngestError, isIngestError, throwIfCancelled } from '../../errors.ts';
import { loadDriver } from '../../load-driver.ts';
import { type RetryOptions, withRetry } from '../../retry.ts';
import type { SignIn } from './sign-in.ts';
import { askedWait, describeWarehouseError } from './warehouse-errors.ts';
import type { WorkspaceNetwork } from './workspace-network.ts';

/** The slice of `@databricks/sql` that is used. */
interface DriverClient {
  connect(options: object): Promise<unknown>;
  openSession(request: object): Promise<DriverSession>;
  on(event: 'error', listener: () => void): unknown;
  /** Not in the driver's documents: makes what gives its HTTP client the agent. */
  createConnectionProvider(options: object): { getAgent(): Promise<unknown> };
  close(): Promise<unknown>;
}
interface DriverSession {
  executeStatement(sql: string, options: object): Promise<DriverOperation>;
  close(): Promise<unknown>;
}
interface DriverOperation {
  fetchChunk(options: { maxRows: number; disableBuffering?: boolean }): Promise<object[]>;
  hasMoreRows(): Promise<boolean>;
  finished(): Promise<void>;
  cancel(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** `attempts` of a statement that met a lost connection, a lost session or a concurrent change; default 6. */
export type WarehouseRetry = Pick<RetryOptions, 'attempts' | 'firstWait' | 'longestWait'>;

export interface WarehouseOptions {
  host: string;
  port: number;
  path: string;
  network: WorkspaceNetwork;
  signIn: SignIn;
  /** Waits between tries; the defaults give a stopped warehouse about ten minutes to start. */
  retry?: WarehouseRetry;
  /** Takes secrets out of texts that leave. */
  hide(text: string): string;
}

/** Tries while the warehouse is starting or busy; at most 30 s apart. */
const BUSY_ATTEMPTS = 25;
const TROUBLE_ATTEMPTS = 6;
const CHUNK_ROWS = 10_000;

export type Row = Record<string, unknown>;

/**
 * A SQL warehouse (or cluster) of a Databricks workspace: one session, opened by the first statement.
 *
 * The driver tries neither OpenSession nor ExecuteStatement again, and an answer may be lost after the statement was carried out.
 * So statements are sent again from here, and every caller sends only statements that may be carried out twice.
 */
export class Warehouse {
  readonly #options: WarehouseOptions;
  #session: Promise<{ client: DriverClient; session: DriverSession }> | null = null;
  /** Cancellations under way; {@link close} waits for them. */
  readonly #ending = new Set<Promise<unknown>>();

  constructor(options: WarehouseOptions) {
    this.#options = options;
  }

  /** Runs a statement to its end and gives its rows: integers beyond 32 bits as bigint, decimals as text, times as Date. */
  async run<T = Row>(sql: string, signal: AbortSignal): Promise<T[]> {
    return await this.#retried(signal, async () => {
      const rows: object[] = [];
      await this.#execute(sql, signal, async (part) => void rows.push(...part));
      return rows as T[];
    });
  }

  /** Hands the rows of a query over in parts, from the start again where `restart` is told so. */
  async stream(
    sql: string,
    signal: AbortSignal,
    take: (rows: Row[]) => Promise<void>,
    restart: () => Promise<void>,
  ): Promise<void> {
    await this.#retried(signal, async () => {
      await restart();
      await this.#execute(sql, signal, (part) => take(part as Row[]));
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#ending);
    const opened = this.#session;
    this.#session = null;
    const { client, session } = (await opened?.catch(() => null)) ?? {};
    await session?.close().catch(() => undefined);
    await client?.close().catch(() => undefined);
  }

  async #retried<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { host, hide, retry: { attempts = TROUBLE_ATTEMPTS, ...waits } = {} } = this.#options;
    let troubles = 0;
    try {
      return await withRetry(
        async () => {
          try {
            return await work();
          } catch (error) {
            const described = describeWarehouseError(error, host, hide, signal);
            if (described.code === 'DATABRICKS_SESSION_LOST') this.#forgetSession();
            if (described.retryable && described.code !== 'DATABRICKS_BUSY' && ++troubles >= attempts)
              throw final(described);
            throw described;
          }
        },
        { attempts: BUSY_ATTEMPTS, ...waits, signal, askedWait },
      );
    } catch (error) {
      // Whoever asked need not try again what was tried so often.
      throw isIngestError(error) && error.retryable ? final(error) : error;
    }
  }

  async #execute(sql: string, signal: AbortSignal, take: (rows: object[]) => Promise<void>): Promise<void> {
    throwIfCancelled(signal);
    const { session } = await this.#open();
    const started = session.executeStatement(sql, { useCloudFetch: false, maxRows: CHUNK_ROWS });
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    const cancel = () => {
      // The statement may have been accepted while nobody knows its handle yet.
      const ended = started.then((operation) => operation.cancel()).catch(() => undefined);
      this.#ending.add(ended);
      void ended.then(() => {
        this.#ending.delete(ended);
        aborted.reject(new Error('cancelled'));
      });
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const operation = await Promise.race([started, aborted.promise]);
      try {
        await Promise.race([operation.finished(), aborted.promise]);
        do {
          const rows = await Promise.race([
            operation.fetchChunk({ maxRows: CHUNK_ROWS, disableBuffering: true }),
            aborted.promise,
          ]);
          await take(rows);
          throwIfCancelled(signal);
        } while (await operation.hasMoreRows());
      } finally {
        await operation.close().catch(() => undefined);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #open(): Promise<{ client: DriverClient; session: DriverSession }> {
    this.#session ??= this.#connect().catch((error: unknown) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<{ client: DriverClient; session: DriverSession }> {
    const { host, port, path, network, signIn } = this.#options;
    const driver = await loadDriver('@databricks/sql', () => import('@databricks/sql'));
    // Fails by its own name, not somewhere inside the driver.
    await signIn.token();
    const client = new driver.DBSQLClient({ logger: { log: () => undefined } }) as unknown as DriverClient;
    // Without a listener a lost connection would end the process; the statement that met it fails anyway.
    client.on('error', () => undefined);
    // The driver's own agent forgets the authorities when there is a proxy, and reads all of them anew for each connection.
    const provide = client.createConnectionProvider.bind(client);
    client.createConnectionProvider = (options) =>
      Object.assign(provide(options), { getAgent: async () => network.agent });
    await client.connect({
      host,
      port,
      path,
      authType: 'custom',
      provider: { authenticate: async () => ({ Authorization: `Bearer ${await signIn.token()}` }) },
      userAgentEntry: 'IngestStudio',
      preserveBigNumericPrecision: true,
      telemetryEnabled: false,
      // What the driver itself tries again: polling, fetching, closing.
      retryMaxAttempts: Math.min(4, this.#options.retry?.attempts ?? 4),
      retryDelayMin: this.#options.retry?.firstWait ?? 1000,
      retryDelayMax: this.#options.retry?.longestWait ?? 30_000,
    });
    try {
      const session = await client.openSession({ configuration: { ANSI_MODE: 'true', TIMEZONE: 'UTC' } });
      return { client, session };
    } catch (error) {
      await client.close().catch(() => undefined);
      throw error;
    }
  }

  #forgetSession(): void {
    const lost = this.#session;
    this.#session = null;
    void lost?.then(({ client }) => client.close()).catch(() => undefined);
  }
}

function final(error: IngestError): IngestError {
  return new IngestError(error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error.cause,
  });
}
