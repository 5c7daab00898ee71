import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withRetry } from '../../../engine/retry.ts';
import type { SqlServerConnection } from '../../../engine/sources/mssql/connect-options.ts';
import { createMssqlSource, type MssqlDependencies } from '../../../engine/sources/mssql/mssql-source.ts';
import type { TestStage } from '../../../engine/sources/source.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { azureSqlConnection, mssqlConnection } from '../../helpers/mssql-connection.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { startTcpProxy } from '../../helpers/tcp-proxy.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';
import { type BatchFault, type ServerError, SqlServer } from '../../servers/sql-server/sql-server.ts';

let server: SqlServer;
let secure: SqlServer;
let expired: SqlServer;
let bench: ReadBench;
let folder: { path: string } & AsyncDisposable;
let root: string;
let fault: (sql: string) => BatchFault | undefined = () => undefined;
let loginFault: (count: number) => ServerError | undefined = () => undefined;

beforeAll(async () => {
  const authority = makeCertificate({ name: 'Test authority' });
  folder = await temporaryFolder();
  root = path.join(folder.path, 'root.pem');
  await writeFile(root, authority.certificate);
  const certificate = (days: number) => {
    const made = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority, days });
    return { key: made.key, cert: made.certificate };
  };
  [server, secure, expired, bench] = await Promise.all([
    SqlServer.start({ onBatch: (sql) => fault(sql), onLogin: (_login, count) => loginFault(count) }),
    SqlServer.start({ tls: certificate(2), requiresTls: true, accessToken: 'token-of-entra' }),
    SqlServer.start({ tls: certificate(-1) }),
    ReadBench.open(),
  ]);
  const numbers = {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'body', type: 'nvarchar(100)' },
    ],
    select: 'SELECT i, md5(i::VARCHAR) || md5(i::VARCHAR) FROM range(30000) t(i)',
  };
  await server.createTable('dbo.numbers', numbers);
  await secure.createTable('dbo.numbers', { ...numbers, select: "SELECT i, 'x' FROM range(10) t(i)" });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await Promise.all([server, secure, expired].map((each) => each[Symbol.asyncDispose]()));
  await folder[Symbol.asyncDispose]();
});

const numbers = request({ source_type: 'mssql', table_name: 'numbers' });
const isRead = (sql: string) => sql.includes('AS [body]');
const read = (connection: SqlServerConnection = mssqlConnection(server), dependencies: MssqlDependencies = {}) =>
  bench.read(createMssqlSource(connection, dependencies), numbers);
const idle = () => expect.poll(() => server.openConnections, { timeout: 15_000 }).toBe(0);

async function stages(connection: SqlServerConnection, dependencies: MssqlDependencies = {}): Promise<TestStage[]> {
  const source = createMssqlSource(connection, dependencies);
  const result = await Array.fromAsync(source.test(new AbortController().signal));
  await source.close();
  return result;
}

const statuses = (result: TestStage[]) => Object.fromEntries(result.map(({ stage, status }) => [stage, status]));

test('a cancelled read ends on the server too, while the server computes', async () => {
  fault = (sql) => (isRead(sql) ? { seconds: 600 } : undefined);
  const controller = new AbortController();
  const source = createMssqlSource(mssqlConnection(server));
  const reading = bench.read(source, numbers, { signal: controller.signal });
  await expect.poll(() => server.batches.some(isRead)).toBe(true);
  const before = server.attentions;
  controller.abort(new Error('by the user'));
  await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(server.attentions).toBe(before + 1);
  fault = () => undefined;
  await idle();
  expect(await bench.tables()).toEqual([]);
});

test('a cancelled read ends while nobody takes its rows', async () => {
  const controller = new AbortController();
  const source = createMssqlSource(mssqlConnection(server));
  const segments = source.read(
    request({ source_type: 'mssql', table_name: 'numbers' }),
    bench.context({ signal: controller.signal }),
  );
  const first = await segments.next();
  if (!first.done) await first.value.release();
  controller.abort();
  await expect(Array.fromAsync(segments)).rejects.toMatchObject({ code: 'CANCELLED' });
  await idle();
  expect(await bench.tables()).toEqual([]);
});

test('a connection that is cut in mid-result is retryable, and reading again repeats no row', async () => {
  let cuts = 0;
  fault = (sql) => (isRead(sql) && cuts++ < 1 ? { cutAfterRows: 20_000 } : undefined);
  const retries: string[] = [];
  const { rows } = await withRetry(() => read(), {
    signal: new AbortController().signal,
    firstWait: 1,
    onRetry: ({ error }) => retries.push(error.code),
  });
  expect(retries).toEqual(['CONNECTION_LOST']);
  expect(new Set(rows.map((row) => row.id)).size).toBe(30_000);
  expect(rows).toHaveLength(30_000);
  fault = () => undefined;
  expect(await bench.tables()).toEqual([]);
});

test.each([1205, 40613, 40197, 40501, 49918, 10928])('error %i is tried again', async (number) => {
  fault = (sql) => (isRead(sql) ? { error: { number, message: 'Not now.', severity: 13 } } : undefined);
  await expect(read()).rejects.toMatchObject({ retryable: true, message: expect.stringContaining(String(number)) });
  fault = () => undefined;
});

test.each<[number, string]>([
  [229, 'PERMISSION_DENIED'],
  [207, 'SOURCE_COLUMN_NOT_FOUND'],
  [208, 'SOURCE_TABLE_NOT_FOUND'],
  [102, 'SOURCE_SYNTAX'],
  [137, 'SOURCE_SYNTAX'],
  [245, 'SOURCE_CONVERSION'],
  [8134, 'SOURCE_QUERY_FAILED'],
])('error %i is explained as %s', async (number, code) => {
  fault = (sql) => (isRead(sql) ? { error: { number, message: 'The server said so.' } } : undefined);
  await expect(read()).rejects.toMatchObject({ code, retryable: false, hint: expect.any(String) });
  fault = () => undefined;
});

test.each<[number, string, boolean]>([
  [18452, 'LOGIN_FAILED', false],
  [18487, 'LOGIN_FAILED', false],
  [40615, 'FIREWALL_BLOCKED', false],
  [40613, 'CONNECTION_LOST', true],
])('a login that ends with %i', async (number, code, retryable) => {
  loginFault = () => ({ number, message: 'Sorry.' });
  await expect(read()).rejects.toMatchObject({ code, retryable });
  loginFault = () => undefined;
});

test('a wrong password and a missing database say so, and tell no secret', async () => {
  const wrong = await read(mssqlConnection(server, { password: 'hunter2-wrong' })).catch((error: Error) => error);
  expect(wrong).toMatchObject({ code: 'LOGIN_FAILED', retryable: false });
  expect(JSON.stringify([wrong, (wrong as Error).message, (wrong as Error).stack])).not.toContain('hunter2');
  await expect(read(mssqlConnection(server, { database: 'nope' }))).rejects.toMatchObject({
    code: 'DATABASE_NOT_FOUND',
    message: expect.stringContaining('"nope"'),
  });
});

test('nobody there, no such host, and a server that falls silent', async () => {
  await expect(read(mssqlConnection({ port: 1 }))).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  await expect(read(mssqlConnection(server, { host: 'nowhere.invalid' }))).rejects.toMatchObject({
    code: 'HOST_NOT_FOUND',
  });
  await using proxy = await startTcpProxy({ host: '127.0.0.1', port: server.port });
  fault = (sql) => (isRead(sql) ? { seconds: 600 } : undefined);
  await expect(read(mssqlConnection(proxy, { query_timeout: 1 }))).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
  fault = () => undefined;
  proxy.stall();
  await expect(read(mssqlConnection(proxy, { connect_timeout: 1 }))).rejects.toMatchObject({
    code: 'CONNECTION_TIMEOUT',
    retryable: true,
  });
});

test('rows that arrive in pieces are put together again', async () => {
  await using proxy = await startTcpProxy({ host: '127.0.0.1', port: server.port });
  proxy.split(7);
  const source = createMssqlSource(mssqlConnection(proxy));
  const { rows } = await bench.read(
    source,
    request({ source_type: 'mssql', table_name: 'numbers', filter: 'id < 50' }),
  );
  expect(rows.map((row) => row.id)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
});

test('TLS: trusted authority, unknown authority, expired certificate, other host, none at all', async () => {
  const over = (changes: Partial<SqlServerConnection>) =>
    read({ ...mssqlConnection(secure), encrypt: true, host: 'localhost', ...changes } as SqlServerConnection);
  expect((await over({ ssl_root_cert: root })).rows).toHaveLength(10);
  expect((await over({ trust_server_certificate: true })).rows).toHaveLength(10);
  await expect(over({})).rejects.toMatchObject({ code: 'CERTIFICATE_NOT_TRUSTED' });
  await expect(over({ ssl_root_cert: root, host: '127.0.0.1' })).rejects.toMatchObject({
    code: 'CERTIFICATE_HOST_MISMATCH',
  });
  await expect(over({ ssl_root_cert: root, port: expired.port })).rejects.toMatchObject({
    code: 'CERTIFICATE_NOT_TRUSTED',
    message: expect.stringContaining('expired'),
  });
  await expect(over({ encrypt: false })).rejects.toMatchObject({ code: 'TLS_REQUIRED' });
  // A server, or who stands in between, that claims to know no TLS must not get the password.
  const logins = server.logins;
  await expect(over({ port: server.port })).rejects.toMatchObject({ code: 'TLS_NOT_SUPPORTED' });
  expect(server.logins).toBe(logins);
  await expect(over({ ssl_root_cert: path.join(folder.path, 'missing.pem') })).rejects.toMatchObject({
    code: 'CERTIFICATE_NOT_FOUND',
  });
});

test('Azure SQL with a token of Entra ID', async () => {
  const connection = azureSqlConnection(secure, {
    encrypt: true,
    host: 'localhost',
    ssl_root_cert: root,
    authentication: 'default_credential',
  });
  expect((await read(connection, { tokens: async () => 'token-of-entra' })).rows).toHaveLength(10);
  await expect(read(connection, { tokens: async () => 'another' })).rejects.toMatchObject({
    code: 'LOGIN_FAILED',
    hint: expect.stringContaining('CREATE USER'),
  });
  expect(statuses(await stages(connection, { tokens: async () => 'token-of-entra' }))).toMatchObject({
    tls: 'passed',
    login: 'passed',
    first_read: 'passed',
  });
});

test('the stages of a test, each with what was found', async () => {
  const result = await stages({ ...mssqlConnection(secure), encrypt: true, host: 'localhost', ssl_root_cert: root });
  expect(statuses(result)).toEqual({
    dns: 'passed',
    tcp: 'passed',
    tls: 'passed',
    login: 'passed',
    permission: 'passed',
    first_read: 'passed',
  });
  const details = result.map(({ detail }) => detail).join('\n');
  expect(details).toContain('certificate of localhost (checked)');
  expect(details).toMatch(
    /SQL Server 16\.0\.4135\.4 \(Test Edition\), etl, database appdb, encrypted; driver tedious \d+\.\d+\.\d+/,
  );
  expect(details).toContain('1 of 1 tables and views can be read. Looked into: dbo.numbers can be read.');
  expect(details).toContain('First row of dbo.numbers read.');
});

test('a user that may read nothing is told so at stage permission; one table is enough', async () => {
  await using own = await SqlServer.start({ users: { etl: 's3cret', poor: 's3cret' } });
  expect((await stages(mssqlConnection(own))).slice(-2)).toMatchObject([
    { stage: 'permission', status: 'passed', detail: 'This user sees no table or view yet.' },
    { stage: 'first_read', status: 'passed', detail: expect.stringContaining('One value read') },
  ]);
  const columns = [{ name: 'id', type: 'int' }];
  await own.createTable('dbo.a', { columns, rows: [[1]] });
  await own.deny('poor', '[dbo].[a]');
  const poor = mssqlConnection(own, { username: 'poor' });
  expect((await stages(poor)).at(-1)).toMatchObject({
    stage: 'permission',
    status: 'failed',
    error: {
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('none of the 1 tables and views that it sees. Looked into: dbo.a.'),
      hint: expect.stringContaining('GRANT SELECT'),
    },
  });
  await own.createTable('dbo.b', { columns });
  expect((await stages(poor)).slice(-2)).toMatchObject([
    { detail: '1 of 2 tables and views can be read. Looked into: dbo.b can be read.' },
    { detail: 'dbo.b read; it is empty.' },
  ]);
});

test.each<[string, () => SqlServerConnection, string, string]>([
  ['dns', () => mssqlConnection(server, { host: 'nowhere.invalid' }), 'dns', 'HOST_NOT_FOUND'],
  ['tcp', () => mssqlConnection({ port: 1 }), 'tcp', 'CONNECTION_REFUSED'],
  [
    'tls',
    () => ({ ...mssqlConnection(expired), encrypt: true, host: 'localhost', ssl_root_cert: root }),
    'tls',
    'CERTIFICATE_NOT_TRUSTED',
  ],
  ['tls that is not there', () => ({ ...mssqlConnection(server), encrypt: true }), 'tls', 'TLS_NOT_SUPPORTED'],
  ['login', () => mssqlConnection(server, { password: 'wrong' }), 'login', 'LOGIN_FAILED'],
])('a test that fails at %s ends there', async (_name, connection, stage, code) => {
  const result = await stages(connection());
  expect(result.at(-1)).toMatchObject({ stage, status: 'failed', error: { code, hint: expect.any(String) } });
});

test('a test can be cancelled', async () => {
  fault = () => ({ seconds: 600 });
  const controller = new AbortController();
  const source = createMssqlSource(mssqlConnection(server));
  const before = server.batches.length;
  const testing = Array.fromAsync(source.test(controller.signal));
  await expect.poll(() => server.batches.length).toBeGreaterThan(before);
  controller.abort();
  await expect(testing).rejects.toMatchObject({ code: 'CANCELLED' });
  fault = () => undefined;
  await idle();
});
