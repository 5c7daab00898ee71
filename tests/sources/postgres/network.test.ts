import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import type { TestStage } from '../../../engine/sources/source.ts';
import type { PostgresConnection } from '../../../engine/spec/connection.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { type PostgresServer, startPostgres } from '../../helpers/postgres-server.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { startTcpProxy } from '../../helpers/tcp-proxy.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';

let server: PostgresServer;
let secure: PostgresServer;
let bench: ReadBench;
let folder: { path: string } & AsyncDisposable;
let rootCertificate: string;
let otherCertificate: string;

const HBA = `hostnossl all plain_only 127.0.0.1/32 scram-sha-256
hostssl all tls_only 127.0.0.1/32 scram-sha-256
host all postgres 127.0.0.1/32 scram-sha-256
host all reader 127.0.0.1/32 scram-sha-256
`;

beforeAll(async () => {
  const authority = makeCertificate({ name: 'Test authority' });
  const certificate = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority });
  folder = await temporaryFolder();
  rootCertificate = path.join(folder.path, 'root.pem');
  otherCertificate = path.join(folder.path, 'other.pem');
  await writeFile(rootCertificate, authority.certificate);
  await writeFile(otherCertificate, makeCertificate({ name: 'Another authority' }).certificate);
  [server, secure, bench] = await Promise.all([
    startPostgres(),
    startPostgres({ tls: certificate, hba: HBA }),
    ReadBench.open(),
  ]);
  await server.query(`CREATE TABLE numbers AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, 200000) i;
    CREATE VIEW slow AS SELECT i AS id, pg_sleep(600)::text AS nap FROM generate_series(1, 10) i`);
  await secure.query(`CREATE ROLE plain_only LOGIN PASSWORD 'x'; CREATE ROLE tls_only LOGIN PASSWORD 'x'; CREATE TABLE t AS SELECT 1 AS id;
    GRANT SELECT ON t TO plain_only, tls_only`);
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await Promise.all([server.stop(), secure.stop()]);
  await folder[Symbol.asyncDispose]();
});

const idle = () =>
  expect
    .poll(() => server.query("SELECT state, query FROM pg_stat_activity WHERE application_name = 'ingest-studio'"), {
      timeout: 15_000,
    })
    .toEqual([]);

async function stages(connection: PostgresConnection, signal = new AbortController().signal): Promise<TestStage[]> {
  const source = createPostgresSource(connection);
  const result = await Array.fromAsync(source.test(signal));
  await source.close();
  return result;
}

const statuses = (result: TestStage[]) => Object.fromEntries(result.map(({ stage, status }) => [stage, status]));

test('a cancelled read ends on the server too, while the server computes', async () => {
  const source = createPostgresSource(server.connection());
  const controller = new AbortController();
  const reading = bench.read(source, request({ table_name: 'slow' }), { signal: controller.signal });
  await expect.poll(() => server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).toHaveLength(1);
  controller.abort(new Error('by the user'));
  await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  await idle();
  expect(await bench.tables()).toEqual([]);
});

test('a cancelled read ends while the server waits for a reader that takes nothing', async () => {
  await server.query(
    'CREATE TABLE wide AS SELECT i AS id, repeat(md5(i::text), 100) AS body FROM generate_series(1, 20000) i',
  );
  const source = createPostgresSource(server.connection());
  const controller = new AbortController();
  const segments = source.read(request({ table_name: 'wide' }), bench.context({ signal: controller.signal }));
  const first = await segments.next();
  if (!first.done) await first.value.release();
  controller.abort();
  await expect(Array.fromAsync(segments)).rejects.toMatchObject({ code: 'CANCELLED' });
  await idle();
  expect(await bench.tables()).toEqual([]);
});

test('a connection lost in mid-read is retryable, and reading again gives everything', async () => {
  await using proxy = await startTcpProxy(server);
  const source = createPostgresSource(server.connection({ port: proxy.port, ssl_mode: 'disable' }));
  proxy.cutAfter(3_000_000);
  await expect(bench.read(source, request({ table_name: 'numbers' }))).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    retryable: true,
  });
  proxy.cutAfter(Number.POSITIVE_INFINITY);
  expect((await bench.read(source, request({ table_name: 'numbers' }))).rows).toHaveLength(200_000);
  expect(await bench.tables()).toEqual([]);
  await idle();
});

test('a table that is dropped in mid-run arrives whole; the next read says that it is gone', async () => {
  await server.query(
    'CREATE TABLE doomed AS SELECT i AS id, repeat(md5(i::text), 20) AS body FROM generate_series(1, 100000) i',
  );
  const source = createPostgresSource(server.connection());
  const segments = source.read(request({ table_name: 'doomed' }), bench.context());
  let rows = 0;
  let dropping: Promise<unknown> | undefined;
  for (let next = await segments.next(); !next.done; next = await segments.next()) {
    dropping ??= server.client().then((client) => client.query('DROP TABLE doomed'));
    rows += next.value.rows ?? 0;
    await next.value.release();
  }
  expect(rows).toBe(100_000);
  await dropping;
  await expect(bench.read(source, request({ table_name: 'doomed' }))).rejects.toMatchObject({
    code: 'SOURCE_TABLE_NOT_FOUND',
    retryable: false,
  });
  await source.close();
});

test.each([1, 3, 7, 1000])('rows that arrive in pieces of %i bytes are put together again', async (bytes) => {
  await using proxy = await startTcpProxy(server);
  proxy.split(bytes);
  const source = createPostgresSource(server.connection({ port: proxy.port, ssl_mode: 'disable' }));
  const { rows } = await bench.read(
    source,
    request({ table_name: 'numbers', filter: `id <= ${Math.min(bytes * 40, 4000)}` }),
  );
  const expected = await server.query<{ id: string; body: string }>(
    `SELECT id::text, body FROM numbers WHERE id <= ${Math.min(bytes * 40, 4000)} ORDER BY numbers.id`,
  );
  expect(rows).toEqual(expected);
});

test('notices and settings that change in mid-read do not disturb it', async () => {
  await server.query(`CREATE FUNCTION noisy(i int) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN RAISE WARNING 'row %', i; IF i = 500 THEN PERFORM set_config('application_name', 'changed', true); END IF; RETURN true; END $$`);
  const source = createPostgresSource(server.connection());
  const { rows } = await bench.read(source, request({ table_name: 'numbers', filter: 'id <= 1000 AND noisy(id)' }));
  expect(rows.map((row) => Number(row.id))).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
});

test('an ended backend and a full server are retryable', async () => {
  const source = createPostgresSource(server.connection());
  const reading = bench.read(source, request({ table_name: 'slow' }));
  await expect.poll(() => server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).toHaveLength(1);
  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ingest-studio'");
  await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
  await server.query("CREATE ROLE crowded LOGIN PASSWORD 'x' CONNECTION LIMIT 0");
  const full = createPostgresSource(server.connection({ username: 'crowded', password: 'x' }));
  await expect(bench.read(full, request({ table_name: 'numbers' }))).rejects.toMatchObject({
    code: 'TOO_MANY_CONNECTIONS',
    retryable: true,
  });
});

test('a server that falls silent does not hang the read', async () => {
  await using proxy = await startTcpProxy(server);
  const connection = { ...server.connection({ port: proxy.port, ssl_mode: 'disable' }), query_timeout: 1 };
  const source = createPostgresSource(connection);
  const reading = bench.read(source, request({ table_name: 'slow' }));
  await expect.poll(() => server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).toHaveLength(1);
  await expect(reading).rejects.toMatchObject({
    code: 'QUERY_TIMEOUT',
    hint: expect.stringContaining('query_timeout'),
  });
  await idle();
});

test.concurrent('a reader that pauses for longer than query_timeout is no timeout', async () => {
  const source = createPostgresSource({ ...server.connection(), query_timeout: 1 });
  const segments = source.read(request({ table_name: 'wide' }), bench.context());
  let rows = 0;
  for await (const segment of segments) {
    if (rows === 0) await sleep(1500);
    rows += segment.rows ?? 0;
    await segment.release();
  }
  expect(rows).toBe(20_000);
});

test.concurrent('a lock that is waited for too long, and a table that is gone, are plain errors', async () => {
  await server.query('CREATE TABLE locked AS SELECT 1 AS id');
  const blocker = await server.client();
  await blocker.query('BEGIN; LOCK TABLE locked');
  const source = createPostgresSource({ ...server.connection(), query_timeout: 1 });
  await expect(bench.read(source, request({ table_name: 'locked' }))).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
  await blocker.query('COMMIT');
  await blocker.end();
  const dropped = bench.read(
    createPostgresSource(server.connection()),
    request({ table_name: 'locked', filter: 'id IN (SELECT id FROM gone)' }),
  );
  await expect(dropped).rejects.toMatchObject({
    code: 'SOURCE_TABLE_NOT_FOUND',
    message: expect.stringContaining('gone'),
  });
});

test.concurrent('a server that accepts and says nothing ends after connect_timeout', async () => {
  await using proxy = await startTcpProxy(server);
  proxy.stall();
  const source = createPostgresSource({ ...server.connection({ port: proxy.port }), connect_timeout: 1 });
  await expect(bench.read(source, request({ table_name: 'numbers' }))).rejects.toMatchObject({
    code: 'CONNECTION_TIMEOUT',
    retryable: true,
  });
});

test('all stages of a test pass, with times and the version', async () => {
  const result = await stages(server.connection({ host: 'localhost' }));
  expect(statuses(result)).toEqual({
    dns: 'passed',
    tcp: 'passed',
    tls: 'skipped',
    login: 'passed',
    permission: 'passed',
    first_read: 'passed',
  });
  expect(result.find(({ stage }) => stage === 'login')?.detail).toMatch(/PostgreSQL 18\.\d+, user postgres/);
  expect(result.every(({ durationMs }) => durationMs >= 0)).toBe(true);
});

test('a user that may read nothing is told so at stage permission; one table is enough', async () => {
  await server.query(`CREATE USER poor PASSWORD 'poor'; CREATE SCHEMA closed; CREATE TABLE closed.a (id int);
    GRANT USAGE ON SCHEMA closed TO poor; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC`);
  const poor = server.connection({ username: 'poor', password: 'poor' });
  expect((await stages(poor)).at(-1)).toMatchObject({
    stage: 'permission',
    status: 'failed',
    error: {
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('closed.a'),
      hint: expect.stringContaining('GRANT SELECT'),
    },
  });
  await server.query('CREATE VIEW closed.b AS SELECT 1 AS one; GRANT SELECT ON closed.b TO poor');
  expect((await stages(poor)).slice(-2)).toMatchObject([
    { status: 'passed', detail: expect.stringMatching(/^1 of \d+ tables .* Looked into: closed\.b can be read\.$/) },
    { status: 'passed', detail: 'First row of closed.b read.' },
  ]);
});

test.each([
  ['host', { host: 'no-such-host.invalid' }, 'dns', 'HOST_NOT_FOUND'],
  ['port', { port: 1 }, 'tcp', 'CONNECTION_REFUSED'],
  ['password', { password: 'wrong-Secret' }, 'login', 'LOGIN_FAILED'],
  ['no password', { password: '' }, 'login', 'LOGIN_FAILED'],
  ['database', { database: 'nowhere' }, 'login', 'DATABASE_NOT_FOUND'],
  ['TLS', { ssl_mode: 'require' }, 'tls', 'TLS_NOT_SUPPORTED'],
] as const)('a test stops at what is wrong: %s', async (_what, changes, stage, code) => {
  const result = await stages(server.connection(changes));
  expect(result.at(-1)).toMatchObject({ stage, status: 'failed', error: { code, hint: expect.any(String) } });
  expect(JSON.stringify(result)).not.toContain('wrong-Secret');
  // A read says the same.
  const reading = bench.read(createPostgresSource(server.connection(changes)), request({ table_name: 'numbers' }));
  await expect(reading).rejects.toMatchObject({ code });
});

const localhost = { host: 'localhost' };
test.each([
  // mode, other settings, then what must happen: encrypted, plain, or an error
  ['disable', {}, 'plain'],
  ['disable', { username: 'tls_only', password: 'x' }, 'LOGIN_FAILED'],
  ['allow', {}, 'plain'],
  ['allow', { username: 'tls_only', password: 'x' }, 'encrypted'],
  ['prefer', {}, 'encrypted'],
  ['prefer', { username: 'plain_only', password: 'x' }, 'plain'],
  ['require', {}, 'encrypted'],
  ['require', { username: 'plain_only', password: 'x' }, 'LOGIN_FAILED'],
  ['require', { root: 'other' }, 'CERTIFICATE_NOT_TRUSTED'],
  ['require', { root: 'right' }, 'encrypted'],
  ['verify-ca', {}, 'CERTIFICATE_NOT_TRUSTED'],
  ['verify-ca', { root: 'right' }, 'encrypted'],
  ['verify-ca', { root: 'other' }, 'CERTIFICATE_NOT_TRUSTED'],
  ['verify-ca', { root: 'missing' }, 'CERTIFICATE_NOT_FOUND'],
  ['verify-full', { root: 'right' }, 'CERTIFICATE_HOST_MISMATCH'],
  ['verify-full', { root: 'right', ...localhost }, 'encrypted'],
  ['verify-full', { root: 'other', ...localhost }, 'CERTIFICATE_NOT_TRUSTED'],
] as const)('ssl_mode %s with %o: %s', async (ssl_mode, changes, expected) => {
  const { root, ...others } = changes as { root?: string } & Partial<PostgresConnection>;
  const roots: Record<string, string> = {
    right: rootCertificate,
    other: otherCertificate,
    missing: path.join(folder.path, 'no.pem'),
  };
  const connection = secure.connection({
    ssl_mode,
    ...others,
    ...(root === undefined ? {} : { ssl_root_cert: roots[root] }),
  });
  const result = await stages(connection);
  if (/^[A-Z]/.test(expected)) {
    expect(result.at(-1)).toMatchObject({ status: 'failed', error: { code: expected } });
    return;
  }
  const login = result.find(({ stage }) => stage === 'login')?.detail;
  expect(login).toMatch(expected === 'encrypted' ? /, encrypted\.$/ : /, not encrypted\.$/);
  const read = await bench.read(createPostgresSource(connection), request({ table_name: 't' }));
  expect(read.rows).toEqual([{ id: '1' }]);
});

test('cancelling works over TLS', async () => {
  await secure.query('CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(600)::text AS nap');
  const controller = new AbortController();
  const reading = bench.read(
    createPostgresSource(secure.connection({ ssl_mode: 'require' })),
    request({ table_name: 'slow' }),
    {
      signal: controller.signal,
    },
  );
  const sleeping = () => secure.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
  await expect.poll(sleeping).toHaveLength(1);
  controller.abort();
  await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect.poll(sleeping).toEqual([]);
});

test('closing the source ends what still runs', async () => {
  const source = createPostgresSource(server.connection());
  const reading = bench.read(source, request({ table_name: 'slow' })).catch((error: unknown) => error);
  await expect.poll(() => server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).toHaveLength(1);
  await source.close();
  await source.close();
  expect(await reading).toBeInstanceOf(Error);
  await idle();
});
