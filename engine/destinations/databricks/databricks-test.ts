import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import * as duckdb from '../../duckdb/sql.ts';
import { Workspace } from '../../duckdb/workspace.ts';
import { cancelled, IngestError, isIngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { Redactor } from '../../secrets/redaction.ts';
import { currentSignInDesk } from '../../sign-in/sign-in-desk.ts';
import type { DatabricksDestination } from '../../spec/destination.ts';
import { type DatabricksOptions, openStaging } from './databricks-destination.ts';
import { copyInto, createTable } from './load-statements.ts';
import { openSignIn } from './sign-in.ts';
import { identifier, literal, qualifier } from './sql-text.ts';
import { probeStaging, Staging, type StagingPlace } from './staging.ts';
import { Warehouse } from './warehouse.ts';
import { openWorkspaceNetwork, type WorkspaceNetwork } from './workspace-network.ts';

/** One stage as a connection's test shows it. */
export interface TestedStage {
  stage: 'dns' | 'tcp' | 'tls' | 'login' | 'permission' | 'first_read';
  status: 'passed' | 'failed' | 'skipped';
  durationMs: number;
  detail: string;
  error?: { code: string; message: string; hint?: string };
}

const TCP_MILLISECONDS = 15_000;
/** An answer that took longer came from a warehouse that was started for it. */
const STARTED_MILLISECONDS = 8000;

/**
 * Stages of a destination's test: DNS → TCP → TLS → login (`SELECT 1`, which starts a stopped warehouse) → permission (catalog, schema, a table made,
 * and dropped) → staging (a file written, read by COPY INTO into that table, deleted). A failed stage ends it.
 */
export async function* testDatabricks(
  config: DatabricksDestination,
  options: Pick<DatabricksOptions, 'baseDirectory' | 'staging' | 'environment' | 'retry'> & { signal: AbortSignal },
): AsyncGenerator<TestedStage> {
  const { signal, environment = process.env } = options;
  const test = new DatabricksTest(config, options);
  try {
    const network = await openWorkspaceNetwork(config, options.baseDirectory, environment);
    const steps: [TestedStage['stage'], () => Promise<string | null>][] = [
      ['dns', () => test.resolve(network)],
      ['tcp', () => test.reach(network)],
      ['tls', () => test.secure(network)],
      ['login', () => test.login(network)],
      ['permission', () => test.permission()],
      ['first_read', () => test.staging()],
    ];
    for (const [stage, step] of steps) {
      const result = await timed(stage, step, signal);
      yield result;
      if (result.status === 'failed') return;
      throwIfCancelled(signal);
    }
  } finally {
    await test.close();
  }
}

class DatabricksTest {
  readonly #config: DatabricksDestination;
  readonly #options: Parameters<typeof testDatabricks>[1];
  readonly #redactor = new Redactor();
  #network: WorkspaceNetwork | null = null;
  #warehouse: Warehouse | null = null;
  #place: StagingPlace | null = null;
  /** The probe's table, qualified, while it is there. */
  #table: string | null = null;

  constructor(config: DatabricksDestination, options: Parameters<typeof testDatabricks>[1]) {
    this.#config = config;
    this.#options = options;
    for (const key of ['access_token', 'client_secret'] as const) {
      const value = config[key];
      if (value) this.#redactor.add(key, value);
    }
  }

  async resolve(network: WorkspaceNetwork): Promise<string | null> {
    if (network.proxy !== null) return null;
    const { server_hostname: host } = this.#config;
    try {
      return (await lookup(host, { all: true })).map(({ address }) => address).join(', ');
    } catch (error) {
      throw new IngestError(
        'DATABRICKS_UNREACHABLE',
        `The name ${host} is not known (${(error as NodeJS.ErrnoException).code}).`,
        {
          hint: 'Copy server_hostname from the warehouse, Connection details.',
        },
      );
    }
  }

  async reach(network: WorkspaceNetwork): Promise<string> {
    const { host, port, text } = this.#endpoint(network);
    await this.#socket(connectTcp({ host, port }), 'connect', text);
    return network.proxy === null ? `Port ${port} answers.` : `The proxy ${text} answers${network.chosenBy}.`;
  }

  async secure(network: WorkspaceNetwork): Promise<string | null> {
    if (network.proxy !== null) return null;
    const { server_hostname: host, port } = this.#config;
    const socket = connectTls({ host, port, servername: host, secureContext: network.secureContext });
    return await this.#socket(socket, 'secureConnect', host, () => {
      const { issuer } = socket.getPeerCertificate();
      const by = issuer?.O ?? issuer?.CN;
      return `${socket.getProtocol()}${by === undefined ? '' : `, certificate of ${Array.isArray(by) ? by[0] : by}`}`;
    });
  }

  async login(network: WorkspaceNetwork): Promise<string> {
    this.#network = network;
    const { server_hostname: host, port, http_path: path } = this.#config;
    const { retry } = this.#options;
    currentSignInDesk()?.sessions.tell(this.#redactor);
    const signIn = await openSignIn(this.#config, network, this.#options.signal);
    // What a person takes to sign in is no time of the warehouse's.
    await signIn.token();
    const at = { host, port, network, signIn, ...(retry ? { retry } : {}) };
    this.#warehouse = new Warehouse({ ...at, path, hide: (text) => this.#redactor.text(text) });
    const start = performance.now();
    await this.#run('SELECT 1 AS one');
    const took = performance.now() - start;
    this.#place = await openStaging(this.#config, this.#options.staging, at);
    const started =
      took < STARTED_MILLISECONDS
        ? ''
        : ` It took ${Math.round(took / 1000)} s: a stopped warehouse has to start first, which can take some minutes.`;
    const person = signIn.person?.() ?? null;
    return `Signed in ${person === null ? '' : `as ${person} `}with ${signIn.kind}; the warehouse answers.${started}`;
  }

  async permission(): Promise<string> {
    const { catalog, schema } = this.#config;
    const [there] = await this.#run(
      `SELECT 1 AS found FROM ${identifier(catalog)}.information_schema.schemata WHERE schema_name = ${literal(schema.toLowerCase())}`,
    );
    if (!there)
      return `Catalog ${catalog} is there. Schema ${schema} is not: the first run creates it, which needs CREATE SCHEMA on the catalog.`;
    const table = qualifier(catalog, schema)(`_dlt_stage_probe_${randomBytes(6).toString('hex')}`);
    await this.#run(createTable(table, [PROBE_COLUMN], false));
    this.#table = table;
    return `Catalog ${catalog} and schema ${schema} are there, and tables can be made.`;
  }

  async staging(): Promise<string> {
    const { signal } = this.#options;
    const place = this.#place!;
    if (this.#table === null) {
      await probeStaging(place, signal);
      return `${place.location} can be written, listed and cleaned up. Whether the warehouse may read it shows once there is a schema.`;
    }
    const staging = new Staging(place, 'probe', 'probe', randomBytes(6).toString('hex'), this.#options.retry);
    const folder = await mkdtemp(join(tmpdir(), 'databricks-probe-'));
    try {
      await staging.put('probe', 0, [await probeFile(folder)], signal);
      const source = await staging.source('probe', 0);
      for (const secret of source.secrets) this.#redactor.add('staging', secret);
      await this.#run(copyInto(this.#table, [PROBE_COLUMN], null, source.sql));
      const [row] = await this.#run<{ n: unknown }>(`SELECT count(*) AS n FROM ${this.#table}`);
      if (Number(row?.n) !== 1) {
        throw new IngestError('STAGING_UNREADABLE', `COPY INTO found no row in what was staged in ${place.location}.`, {
          hint: 'Check that `staging` of the destination and the place that the warehouse reads are the same.',
        });
      }
      await this.#run(`DELETE FROM ${this.#table}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
      await staging.clear(null, new AbortController().signal).catch(() => undefined);
    }
    return `${place.location}: a file was written, read by COPY INTO and deleted.`;
  }

  async close(): Promise<void> {
    const { signal } = new AbortController();
    if (this.#table !== null)
      await this.#warehouse?.run(`DROP TABLE IF EXISTS ${this.#table}`, signal).catch(() => undefined);
    await this.#warehouse?.close();
    await this.#place?.close();
    this.#network?.close();
  }

  async #run<T>(sql: string): Promise<T[]> {
    return await this.#warehouse!.run<T>(sql, this.#options.signal);
  }

  #endpoint(network: WorkspaceNetwork): { host: string; port: number; text: string } {
    const { server_hostname: host, port } = this.#config;
    if (network.proxy === null) return { host, port, text: `${host}:${port}` };
    const { hostname, port: named, protocol } = network.proxy;
    const proxyPort = Number(named || (protocol === 'https:' ? 443 : 80));
    return { host: hostname, port: proxyPort, text: `${hostname}:${proxyPort}` };
  }

  /** Waits for a socket's event, then closes it. */
  async #socket<T = string>(
    socket: ReturnType<typeof connectTcp>,
    event: 'connect' | 'secureConnect',
    what: string,
    look?: () => T,
  ): Promise<T> {
    const { signal } = this.#options;
    const abort = () => socket.destroy(cancelled(signal));
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        socket.setTimeout(TCP_MILLISECONDS, () => socket.destroy(new Error('no answer')));
        socket.once('error', reject);
        socket.once(event, () => resolve(look?.() as T));
      });
    } catch (error) {
      if (isIngestError(error)) throw error;
      const { code = messageOf(error) } = error as NodeJS.ErrnoException;
      const isCertificate = /CERT|SIGNATURE|VERIFY|ISSUER/.test(code);
      throw new IngestError(
        isCertificate ? 'DATABRICKS_CERTIFICATE' : 'DATABRICKS_UNREACHABLE',
        isCertificate
          ? `${what} showed a certificate that is not trusted (${code}).`
          : `${what} cannot be reached (${code}).`,
        {
          hint: isCertificate
            ? "Set ca_file to your organisation's root certificate, or add it to the system's store."
            : 'Check server_hostname, port, the network and the proxy.',
        },
      );
    } finally {
      signal.removeEventListener('abort', abort);
      socket.destroy();
    }
  }
}

const PROBE_COLUMN = { name: 'probe', type: 'INTEGER', stored_type: 'INTEGER', nullable: true };

/** A Parquet file of one row. */
async function probeFile(folder: string): Promise<string> {
  const file = join(folder, `probe-${randomBytes(6).toString('hex')}.parquet`);
  const workspace = await Workspace.open({ memoryLimitMiB: 100, threads: 1, tempDirectory: join(folder, 'spill') });
  const connection = await workspace.connect();
  try {
    await connection.run(`COPY (SELECT 1::INTEGER AS probe) TO ${duckdb.literal(file)} (FORMAT parquet)`);
    return file;
  } finally {
    connection.close();
    workspace.close();
  }
}

async function timed(
  stage: TestedStage['stage'],
  work: () => Promise<string | null>,
  signal: AbortSignal,
): Promise<TestedStage> {
  const start = performance.now();
  const durationMs = () => performance.now() - start;
  try {
    const detail = await work();
    return detail === null
      ? { stage, status: 'skipped', durationMs: durationMs(), detail: 'The proxy does it.' }
      : { stage, status: 'passed', durationMs: durationMs(), detail };
  } catch (error) {
    throwIfCancelled(signal);
    const { code, message, hint } = isIngestError(error)
      ? error
      : new IngestError('DESTINATION_FAILED', messageOf(error));
    return {
      stage,
      status: 'failed',
      durationMs: durationMs(),
      detail: message,
      error: { code, message, ...(hint === undefined ? {} : { hint }) },
    };
  }
}
