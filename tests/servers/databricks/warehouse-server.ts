import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { makeCertificate } from '../../helpers/certificate.ts';
import type { PeopleService } from '../sign-in-authority.ts';
import { DeltaTables, type StageReader } from './delta-tables.ts';
import { answerFiles } from './files-api.ts';
import { fetched, metadataOf, NO_ROWS, type ResultRows, succeeded, thriftTypes } from './warehouse-results.ts';

const require = createRequire(import.meta.url);
const Service = require('@databricks/sql/thrift/TCLIService');
const thrift = require('thrift');

/** What a test lets go wrong with a statement. */
export interface StatementFault {
  /** Milliseconds before it is carried out. */
  wait?: number;
  /** In place of carrying it out. */
  error?: { message: string; sqlState: string };
  /** The connection is cut before or after it is carried out; the answer is lost. */
  cut?: 'before' | 'after';
}

/** An answer in place of the server's own. */
export interface RequestFault {
  status: number;
  headers?: Record<string, string>;
}

export interface Faults {
  /** `method` of Thrift (`OpenSession`, `ExecuteStatement`…), `files` or `token`. */
  onRequest?(method: string): RequestFault | 'cut' | undefined;
  onStatement?(sql: string): StatementFault | undefined;
}

export interface WarehouseServer {
  port: number;
  /** PEM of the authority to trust. */
  authority: string;
  tables: DeltaTables;
  /** All statements that were asked for, in order. */
  statements: string[];
  /** May be changed at any time. */
  faults: Faults;
  /** All sessions end, as when a warehouse stops. */
  loseSessions(): void;
  /** How many statements were cancelled by their clients. */
  cancelled(): number;
  /** Reads with DuckDB, without the product's code; `main.raw.orders` is `"main.raw"."orders"`. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export interface WarehouseServerOptions {
  stage?: StageReader;
  /** Folder behind `/Volumes`; with it the Files API answers, and COPY INTO reads from there. */
  volumes?: string;
  token?: string;
  /** Client id and secret of a service principal: `/oidc/v1/token` answers. */
  principal?: { id: string; secret: string };
  /** People sign in at `/oidc/v1/authorize`; their tokens are let in. */
  people?: PeopleService;
}

/** The tenant that Entra ID has here. */
export const TENANT = '11111111-2222-3333-4444-555555555555';
export const TOKEN = 'dapi-0123456789abcdef';

interface Operation {
  state: number;
  result: ResultRows;
  error: { message: string; sqlState: string } | null;
  at: number;
  done: Promise<void>;
  connection: DuckDBConnection;
}

/** A SQL warehouse: HTTPS and Thrift with the driver's own generated code, DuckDB behind it. */
export async function startWarehouse(options: WarehouseServerOptions = {}): Promise<WarehouseServer> {
  const authority = makeCertificate({ name: 'Test authority' });
  const server = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const admin = await connect(instance);
  await admin.run(
    "CREATE SCHEMA server; CREATE TABLE server.catalogs(name VARCHAR); INSERT INTO server.catalogs VALUES ('main')",
  );
  await admin.run('CREATE TABLE server.comments("schema" VARCHAR, "table" VARCHAR, "column" VARCHAR, text VARCHAR)');
  for (const macro of [
    'startswith(a, b) AS starts_with(a, b)',
    'unix_millis(t) AS epoch_ms(t)',
    'max_by(v, k) AS arg_max(v, k)',
  ])
    await admin.run(`CREATE MACRO IF NOT EXISTS ${macro}`).catch(() => undefined);
  const warehouse = new Warehouse(instance, options);
  const https = createServer({ key: server.key, cert: server.certificate }, (request, response) => {
    warehouse.answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  return {
    port: (https.address() as AddressInfo).port,
    authority: authority.certificate,
    tables: warehouse.tables,
    statements: warehouse.statements,
    faults: warehouse.faults,
    loseSessions: () => warehouse.sessions.clear(),
    cancelled: () => warehouse.cancelled,
    async query(sql) {
      return (await admin.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
    },
    close: () => close(https, instance),
  };
}

async function close(https: Server, instance: DuckDBInstance): Promise<void> {
  https.closeAllConnections();
  await new Promise((resolve) => https.close(resolve));
  instance.closeSync();
}

async function connect(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return connection;
}

class Warehouse {
  readonly tables: DeltaTables;
  readonly statements: string[] = [];
  readonly faults: Faults = {};
  readonly #instance: DuckDBInstance;
  readonly #options: WarehouseServerOptions;
  readonly sessions = new Set<string>();
  cancelled = 0;
  readonly #operations = new Map<string, Operation>();
  /** Tokens that `/oidc/v1/token` gave. */
  readonly #tokens = new Set<string>();

  constructor(instance: DuckDBInstance, options: WarehouseServerOptions) {
    this.#instance = instance;
    this.#options = options;
    this.#tokens.add(options.token ?? TOKEN);
    const stage = options.stage ?? (options.volumes === undefined ? null : answerFiles.stage(options.volumes));
    this.tables = new DeltaTables(stage ?? { list: async () => [], read: async () => new Uint8Array() });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'https://localhost');
    if (pathname.startsWith(`/${TENANT}/`)) return await this.#entra(pathname, request, response);
    const { people } = this.#options;
    if (people !== undefined && pathname.startsWith('/oidc/v1/')) return people.handler(request, response);
    if (pathname === '/oidc/v1/token') return await this.#token(request, response);
    if (pathname.startsWith('/api/2.0/fs/')) {
      if (this.#isRefused('files', request, response)) return;
      return await answerFiles.answer(request, response, this.#options.volumes ?? '');
    }
    if (!/^\/sql\/1\.0\/warehouses\/\w+$/.test(pathname)) return void response.writeHead(404).end();
    const body = await bodyOf(request);
    // A strict TBinaryProtocol message begins with a version word, then the method's name.
    const method = body.toString('utf8', 8, 8 + body.readInt32BE(4));
    if (this.#isRefused(method, request, response)) return;
    const processor = new Service.Processor(this.#handlers(response));
    const receive = thrift.TBufferedTransport.receiver((transport: unknown) => {
      const out = new thrift.TBufferedTransport(undefined, (answer: Buffer) => {
        if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/x-thrift' }).end(answer);
      });
      processor.process(new thrift.TBinaryProtocol(transport), new thrift.TBinaryProtocol(out));
    }, 0);
    receive(body);
  }

  #isRefused(method: string, request: IncomingMessage, response: ServerResponse): boolean {
    const fault = this.faults.onRequest?.(method);
    if (fault === 'cut') {
      response.destroy();
      return true;
    }
    if (fault) {
      response.writeHead(fault.status, fault.headers).end();
      return true;
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (this.#tokens.has(token) || this.#options.people?.tokens.includes(token)) return false;
    response.writeHead(403, { 'x-databricks-reason-phrase': 'Invalid access token.' }).end();
    return true;
  }

  /** Entra ID, as far as a service principal needs it. */
  async #entra(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const base = `https://${request.headers.host}/${TENANT}`;
    const form = new URLSearchParams((await bodyOf(request)).toString());
    const send = (status: number, body: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname.endsWith('/openid-configuration')) {
      return send(200, {
        issuer: `${base}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/keys`,
      });
    }
    const { principal } = this.#options;
    const isRight = form.get('client_id') === principal?.id && form.get('client_secret') === principal?.secret;
    if (!isRight || form.get('scope') !== '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default')
      return send(401, {
        error: 'invalid_client',
        error_description: 'AADSTS7000215: Invalid client secret provided.',
      });
    const token = `entra-${randomUUID()}`;
    this.#tokens.add(token);
    send(200, { access_token: token, token_type: 'Bearer', expires_in: 3600 });
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { principal } = this.#options;
    const form = new URLSearchParams((await bodyOf(request)).toString());
    const basic = principal && Buffer.from(`${principal.id}:${principal.secret}`).toString('base64');
    const isRight = request.headers.authorization === `Basic ${basic}` && form.get('scope') === 'all-apis';
    if (!principal || !isRight) {
      response.writeHead(401, { 'content-type': 'application/json' });
      return void response.end('{"error":"invalid_client","error_description":"Client authentication failed"}');
    }
    const token = `oauth-${randomUUID()}`;
    this.#tokens.add(token);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }));
  }

  #handlers(response: ServerResponse): object {
    type Ask = {
      sessionHandle: Handle;
      operationHandle: Handle;
      statement: string;
      maxRows: unknown;
      getDirectResults?: { maxRows: unknown };
    };
    type Handle = { sessionId: { guid: Buffer }; operationId: { guid: Buffer } };
    const types = thriftTypes;
    const failed = (what: string) =>
      new types.TStatus({ statusCode: types.TStatusCode.INVALID_HANDLE_STATUS, errorMessage: `Invalid ${what}` });
    const operationOf = (ask: Ask) => this.#operations.get(ask.operationHandle.operationId.guid.toString('hex'));
    const handler = (task: (ask: Ask) => Promise<object>) => async (ask: Ask) => await task(ask);
    return {
      OpenSession: handler(async () => {
        const guid = newGuid();
        this.sessions.add(guid.toString('hex'));
        const version = types.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8;
        const sessionId = new types.THandleIdentifier({ guid, secret: newGuid() });
        return new types.TOpenSessionResp({
          status: succeeded(),
          serverProtocolVersion: version,
          sessionHandle: new types.TSessionHandle({ sessionId, serverProtocolVersion: version }),
        });
      }),
      CloseSession: handler(async (ask) => {
        this.sessions.delete(ask.sessionHandle.sessionId.guid.toString('hex'));
        return new types.TCloseSessionResp({ status: succeeded() });
      }),
      ExecuteStatement: handler(async (ask) => {
        if (!this.sessions.has(ask.sessionHandle.sessionId.guid.toString('hex')))
          return new types.TExecuteStatementResp({ status: failed('SessionHandle') });
        const guid = newGuid();
        const operation = await this.#start(ask.statement, response);
        this.#operations.set(guid.toString('hex'), operation);
        // Like a warehouse: results at once where it is quick, else a handle to poll.
        await Promise.race([operation.done, delay(150)]);
        const operationHandle = new types.TOperationHandle({
          operationId: new types.THandleIdentifier({ guid, secret: newGuid() }),
          operationType: types.TOperationType.EXECUTE_STATEMENT,
          hasResultSet: true,
        });
        const direct =
          operation.state === types.TOperationState.RUNNING_STATE
            ? {}
            : { directResults: this.#direct(operation, ask) };
        return new types.TExecuteStatementResp({ status: succeeded(), operationHandle, ...direct });
      }),
      GetOperationStatus: handler(async (ask) => {
        const operation = operationOf(ask);
        if (!operation) return new types.TGetOperationStatusResp({ status: failed('OperationHandle') });
        await Promise.race([operation.done, delay(100)]);
        return statusOf(operation);
      }),
      GetResultSetMetadata: handler(async (ask) => metadataOf(operationOf(ask)!.result)),
      FetchResults: handler(async (ask) => {
        const operation = operationOf(ask)!;
        const { answer, end } = fetched(operation.result, operation.at, Number(ask.maxRows));
        operation.at = end;
        return answer;
      }),
      CancelOperation: handler(async (ask) => {
        const operation = operationOf(ask);
        if (operation && operation.state === types.TOperationState.RUNNING_STATE) {
          operation.state = types.TOperationState.CANCELED_STATE;
          this.cancelled += 1;
          operation.connection.interrupt();
          await operation.done;
        }
        return new types.TCancelOperationResp({ status: succeeded() });
      }),
      CloseOperation: handler(async (ask) => {
        this.#operations.delete(ask.operationHandle.operationId.guid.toString('hex'));
        return new types.TCloseOperationResp({ status: succeeded() });
      }),
    };
  }

  #direct(operation: Operation, ask: { getDirectResults?: { maxRows: unknown } }): object {
    const parts: Record<string, unknown> = { operationStatus: statusOf(operation) };
    if (operation.error === null) {
      const { answer, end } = fetched(operation.result, 0, Number(ask.getDirectResults?.maxRows ?? 1));
      operation.at = end;
      parts.resultSetMetadata = metadataOf(operation.result);
      parts.resultSet = answer;
      if (end >= operation.result.rows.length)
        parts.closeOperation = new thriftTypes.TCloseOperationResp({ status: succeeded() });
    }
    return new thriftTypes.TSparkDirectResults(parts);
  }

  async #start(sql: string, response: ServerResponse): Promise<Operation> {
    this.statements.push(sql);
    const fault = this.faults.onStatement?.(sql);
    const states = thriftTypes.TOperationState;
    const operation: Operation = {
      state: states.RUNNING_STATE,
      result: NO_ROWS,
      error: null,
      at: 0,
      done: Promise.resolve(),
      connection: await connect(this.#instance),
    };
    if (fault?.cut === 'before') {
      response.destroy();
      operation.state = states.CLOSED_STATE;
      operation.connection.closeSync();
      return operation;
    }
    const run = async () => {
      try {
        if (fault?.wait) await delay(fault.wait);
        if (operation.state !== states.RUNNING_STATE) return;
        if (fault?.error) throw Object.assign(new Error(fault.error.message), fault.error);
        const result = await this.tables.run(operation.connection, sql);
        if (operation.state !== states.RUNNING_STATE) return;
        operation.result = result;
        operation.state = states.FINISHED_STATE;
      } catch (error) {
        if (operation.state !== states.RUNNING_STATE) return;
        const { message, sqlState = 'HY000' } = error as Error & { sqlState?: string };
        operation.state = states.ERROR_STATE;
        operation.error = { message, sqlState };
      } finally {
        operation.connection.closeSync();
      }
    };
    operation.done = run();
    if (fault?.cut === 'after') {
      await operation.done;
      response.destroy();
    }
    return operation;
  }
}

function statusOf(operation: Operation): object {
  const { state, error } = operation;
  const trouble =
    error === null ? {} : { errorMessage: error.message, displayMessage: error.message, sqlState: error.sqlState };
  return new thriftTypes.TGetOperationStatusResp({
    status: succeeded(),
    operationState: state,
    hasResultSet: true,
    ...trouble,
  });
}

function newGuid(): Buffer {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
