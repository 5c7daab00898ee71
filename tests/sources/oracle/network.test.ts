import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import type { TestStage } from '../../../engine/sources/source.ts';
import type { OracleConnection } from '../../../engine/spec/connection.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { silentServer } from '../../helpers/silent-server.ts';
import { startTcpProxy } from '../../helpers/tcp-proxy.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { connectionTo } from './oracle-under-test.ts';

let server: OracleServer;
let secure: OracleServer;
let expired: OracleServer;
let bench: ReadBench;
let folder: { path: string } & AsyncDisposable;
let root: string;

const columns = { ID: 'NUMBER(10)!', BODY: 'VARCHAR2(100)' };

beforeAll(async () => {
  folder = await temporaryFolder();
  const authority = makeCertificate({ name: 'Test authority' });
  root = path.join(folder.path, 'root.pem');
  await writeFile(root, authority.certificate);
  await writeFile(path.join(folder.path, 'ewallet.pem'), authority.certificate);
  const forHost = (days: number) =>
    makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority, days });
  [server, secure, expired, bench] = await Promise.all([
    OracleServer.start(),
    OracleServer.start({ tls: forHost(2) }),
    OracleServer.start({ tls: forHost(-1) }),
    ReadBench.open(),
  ]);
  const query = `SELECT i, md5(i::VARCHAR) FROM range(1, 60001) t(i)`;
  await server.createTable('NUMBERS', { columns, query });
  await server.createTable('SLOW', { columns, query: "SELECT 1, 'x'" });
  await secure.createTable('NUMBERS', { columns, query: "SELECT 1, 'x'" });
  for (const [name, state] of [
    ['LOCKED', 'locked'],
    ['EXPIRED', 'expired'],
  ] as const) {
    server.users.set(name, { password: 's3cret', state });
  }
});

beforeEach(() => {
  server.onStatement = (sql) => (sql.includes('"SLOW"') && sql.includes('q.') ? { delayMs: 600_000 } : undefined);
  server.refuseWith = null;
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await Promise.all([server, secure, expired].map((each) => each[Symbol.asyncDispose]()));
  await folder[Symbol.asyncDispose]();
});

const job = (table_name: string, changes: Partial<ReturnType<typeof request>['job']> = {}) =>
  request({ table_name, schema_name: 'ETL', ...changes });

async function read(connection: OracleConnection, asked = job('NUMBERS'), signal = new AbortController().signal) {
  const source = createOracleSource(connection);
  try {
    return await bench.read(source, asked, { signal });
  } finally {
    await source.close();
  }
}

async function stages(connection: OracleConnection, signal = new AbortController().signal): Promise<TestStage[]> {
  const source = createOracleSource(connection);
  const result = await Array.fromAsync(source.test(signal));
  await source.close();
  return result;
}

const statuses = (result: TestStage[]) => result.map(({ stage, status }) => `${stage} ${status}`);
const lastCode = (result: TestStage[]) => result.at(-1)?.error?.code;

const idle = () => expect.poll(() => server.sessions, { timeout: 15_000 }).toEqual([]);

// First, since it only waits; what follows waits for threads to start.
describe.concurrent('silence', () => {
  test('a server that takes the connection and says nothing is a timeout', async () => {
    await using silent = await silentServer();
    const connection = connectionTo({ host: '127.0.0.1', port: silent.port }, { connect_timeout: 1 });
    await expect(read(connection)).rejects.toMatchObject({ code: 'CONNECTION_TIMEOUT', retryable: true });
  });

  test('a server that falls silent does not hang the read', async ({ expect }) => {
    await using falling = await OracleServer.start();
    await falling.createTable('SLOW', { columns, query: "SELECT 1, 'x'" });
    falling.onStatement = (sql) => (sql.includes('"SLOW"') && sql.includes('q.') ? { delayMs: 600_000 } : undefined);
    await using proxy = await startTcpProxy(falling);
    const connection = connectionTo({ host: '127.0.0.1', port: proxy.port }, { query_timeout: 1 });
    const reading = read(connection, job('SLOW'));
    await expect.poll(() => falling.sessions.some(({ running }) => running?.includes('"SLOW"'))).toBe(true);
    proxy.stall();
    await expect(reading).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
  });
});

describe.concurrent('login', () => {
  test.each([
    [{ password: 'wrong' }, 'LOGIN_FAILED', /refused user "etl"/],
    [{ username: 'nobody' }, 'LOGIN_FAILED', /refused user "nobody"/],
    [{ username: 'locked' }, 'LOGIN_FAILED', /locked/],
    [{ username: 'expired' }, 'LOGIN_FAILED', /expired/],
    [{ service_name: 'NO_SUCH' }, 'DATABASE_NOT_FOUND', /service NO_SUCH/],
    [{ service_name: undefined, sid: 'NONE' }, 'DATABASE_NOT_FOUND', /SID NONE/],
    [{ host: 'no-such-host.invalid' }, 'HOST_NOT_FOUND', /no-such-host/],
    [{ port: 1 }, 'CONNECTION_REFUSED', /127\.0\.0\.1:1/],
    [{ descriptor: '(DESCRIPTION=(' }, 'CONNECTION_INVALID', /descriptor/],
    [{ service_name: 'A)(B' }, 'CONNECTION_INVALID', /service_name/],
  ])('%j ends as %s, and names no password', async (changes, code, message) => {
    const failure = await read(connectionTo(server, changes)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'IngestError', code, hint: expect.any(String) });
    expect(String(failure)).toMatch(message);
    expect(JSON.stringify(failure)).not.toContain('s3cret');
  });

  test.each([
    ['SID', { service_name: undefined, sid: 'FREE' }],
    [
      'TNS descriptor',
      (port: number) =>
        `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${port}))(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))`,
    ],
    ['Easy Connect', (port: number) => `127.0.0.1:${port}/FREEPDB1`],
  ])('a connection by %s', async (_how, how) => {
    const changes =
      typeof how === 'function' ? { host: undefined, service_name: undefined, descriptor: how(server.port) } : how;
    const result = await stages(connectionTo(server, changes));
    expect(statuses(result)).toEqual([
      'dns skipped',
      'tcp passed',
      'tls skipped',
      'login passed',
      'permission passed',
      'first_read passed',
    ]);
    expect(result[3]?.detail).toMatch(/19\.0\.0\.0\.0.*node-oracledb 26/);
  });

  test('an alias of tnsnames.ora is the driver’s to resolve', async () => {
    const result = await stages(connectionTo(server, { descriptor: 'erp_alias' }));
    expect(statuses(result).slice(0, 4)).toEqual(['dns skipped', 'tcp skipped', 'tls skipped', 'login failed']);
    expect(lastCode(result)).toBe('CONNECTION_INVALID');
  });

  test('a missing grant looks like a missing table, and says so; one that can be seen is told apart', async () => {
    await server.createTable('HIDDEN', { columns, grant: 'none' });
    await server.createTable('SEEN', { columns, grant: 'visible' });
    await expect(read(connectionTo(server), job('HIDDEN'))).rejects.toMatchObject({
      code: 'SOURCE_TABLE_NOT_FOUND',
      hint: expect.stringContaining('GRANT SELECT'),
    });
    await expect(read(connectionTo(server), job('SEEN'))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('GRANT SELECT'),
    });
  });

  test('what can be seen is looked into: a user that may read nothing is told so at stage permission', async () => {
    await using own = await OracleServer.start();
    expect((await stages(connectionTo(own))).slice(-2).map(({ detail }) => detail)).toEqual([
      'This user sees no table or view yet.',
      'One value read; there is no table to read yet.',
    ]);
    await own.createTable('A_SEEN', { columns, grant: 'visible' });
    expect((await stages(connectionTo(own))).at(-1)).toMatchObject({
      stage: 'permission',
      status: 'failed',
      error: {
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('none of the 1 tables and views that it sees. Looked into: ETL.A_SEEN.'),
        hint: expect.stringContaining('GRANT SELECT'),
      },
    });
    await own.createTable('READABLE', { columns });
    expect((await stages(connectionTo(own))).slice(-2).map(({ detail }) => detail)).toEqual([
      '2 tables and views can be seen. Looked into: ETL.READABLE can be read; ETL.A_SEEN cannot.',
      'ETL.READABLE read; it is empty.',
    ]);
  });

  test('a test that is cancelled ends', async () => {
    await using silent = await silentServer();
    const controller = new AbortController();
    const testing = stages(connectionTo({ host: '127.0.0.1', port: silent.port }), controller.signal);
    await silent.asked;
    controller.abort();
    await expect(testing).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe.concurrent('TLS', () => {
  const encrypted = (changes: Partial<OracleConnection> = {}) =>
    connectionTo({ host: 'localhost', port: secure.port }, { encrypt: true, ssl_root_cert: root, ...changes });

  test('with the authority, or with a wallet', async () => {
    const result = await stages(encrypted());
    expect(statuses(result)).toContain('tls passed');
    expect(result.at(-1)?.status).toBe('passed');
    expect(result[3]?.detail).toContain(', encrypted');
    expect((await read(encrypted())).rows).toHaveLength(1);
  });

  test.each([
    ['an authority that is not known', () => encrypted({ ssl_root_cert: undefined }), 'CERTIFICATE_NOT_TRUSTED'],
    ['another host', () => encrypted({ host: '127.0.0.1' }), 'CERTIFICATE_HOST_MISMATCH'],
    ['an expired certificate', () => encrypted({ port: expired.port }), 'CERTIFICATE_NOT_TRUSTED'],
    ['a server without TLS', () => encrypted({ port: server.port }), 'TLS_FAILED'],
  ])('%s ends in stage tls, and the read in the same error', async (_what, connection, code) => {
    const result = await stages(connection());
    expect([result.at(-1)?.stage, lastCode(result)]).toEqual(['tls', code]);
    await expect(read(connection())).rejects.toMatchObject({ code, hint: expect.any(String) });
  });

  test('the host of the certificate may be left unchecked', async () => {
    expect((await read(encrypted({ host: '127.0.0.1', ssl_server_dn_match: false }))).rows).toHaveLength(1);
  });

  test('a wallet that is not there is explained', async () => {
    const result = await stages(
      encrypted({ ssl_root_cert: undefined, wallet_location: path.join(folder.path, 'none') }),
    );
    expect(lastCode(result)).toBe('WALLET_UNUSABLE');
  });
});

describe('what ends in the middle', () => {
  test('a cancelled read ends on the server too, while the server computes', async () => {
    const controller = new AbortController();
    const reading = read(connectionTo(server), job('SLOW'), controller.signal);
    await expect.poll(() => server.sessions.some(({ running }) => running?.includes('"SLOW"'))).toBe(true);
    server.cancelled.length = 0;
    controller.abort(new Error('by the user'));
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(server.cancelled.join()).toContain('"SLOW"');
    await idle();
    expect(await bench.tables()).toEqual([]);
  });

  test('a cancelled read ends while the server waits for a reader that takes nothing', async () => {
    const source = createOracleSource(connectionTo(server));
    const controller = new AbortController();
    const segments = source.read(job('NUMBERS'), bench.context({ signal: controller.signal }));
    const first = await segments.next();
    if (!first.done) await first.value.release();
    controller.abort();
    await expect(Array.fromAsync(segments)).rejects.toMatchObject({ code: 'CANCELLED' });
    await source.close();
    await idle();
    expect(await bench.tables()).toEqual([]);
  });

  test('a connection that is cut in mid-result is retryable, and reading again gives every row once', async () => {
    server.onStatement = (sql) => (sql.includes('q."BODY"') ? { cutAfterRows: 25_000 } : undefined);
    await expect(read(connectionTo(server))).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    server.onStatement = () => undefined;
    const { rows } = await read(connectionTo(server));
    expect(new Set(rows.map((row) => row.ID)).size).toBe(60_000);
    expect(rows).toHaveLength(60_000);
    expect(await bench.tables()).toEqual([]);
    await idle();
  });

  test('rows that arrive in pieces are put together again', async () => {
    await using proxy = await startTcpProxy(server);
    proxy.split(700);
    const connection = connectionTo({ host: '127.0.0.1', port: proxy.port });
    const { rows } = await read(connection, job('NUMBERS', { filter: 'ID <= 2000' }));
    expect(rows.map((row) => Number(row.ID)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 2000 }, (_, i) => i + 1),
    );
  });

  test('a statement that takes longer than query_timeout ends on the server', async () => {
    server.cancelled.length = 0;
    const reading = read(connectionTo(server, { query_timeout: 1 }), job('SLOW'));
    await expect(reading).rejects.toMatchObject({
      code: 'QUERY_TIMEOUT',
      hint: expect.stringContaining('query_timeout'),
    });
    expect(server.cancelled).toHaveLength(1);
    await idle();
  });
});

test.each([
  [1555, 'SNAPSHOT_TOO_OLD', true],
  [8181, 'SNAPSHOT_TOO_OLD', true],
  [60, 'SOURCE_CONFLICT', true],
  [18, 'TOO_MANY_CONNECTIONS', true],
  [3113, 'CONNECTION_LOST', true],
  [3135, 'CONNECTION_LOST', true],
  [1013, 'QUERY_CANCELLED', false],
  [1456, 'READ_ONLY', false],
  [1031, 'PERMISSION_DENIED', false],
  [1722, 'SOURCE_CONVERSION', false],
  [936, 'SOURCE_SYNTAX', false],
  [1476, 'SOURCE_QUERY_FAILED', false],
])('ORA-%i while reading is %s', async (number, code, retryable) => {
  const message = 'as the server says it';
  server.onStatement = (sql) => (sql.includes('q."BODY"') ? { error: { number, message } } : undefined);
  await expect(read(connectionTo(server))).rejects.toMatchObject({ code, retryable, hint: expect.any(String) });
  await idle();
});

test.each([
  [12514, 'DATABASE_NOT_FOUND', true],
  [12528, 'SERVER_NOT_READY', true],
  [12520, 'TOO_MANY_CONNECTIONS', true],
  [12541, 'CONNECTION_LOST', true],
])('a listener that refuses with ORA-%i is %s', async (number, code, retryable) => {
  server.refuseWith = number;
  await expect(read(connectionTo(server))).rejects.toMatchObject({ code, retryable });
});
