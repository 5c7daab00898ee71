import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RowQuery } from '../../../engine/sources/database/row-protocol.ts';
import type { RowSession, RowSink } from '../../../engine/sources/database/serve-rows.ts';
import { oracleDialect } from '../../../engine/sources/oracle/driver-session.ts';
import type { OracleConnection } from '../../../engine/spec/connection.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { silentServer } from '../../helpers/silent-server.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { connectionTo } from './oracle-under-test.ts';

/** The dialect without its thread: what the worker runs. */
let server: OracleServer;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await OracleServer.start();
  const query = `SELECT i, repeat('x', (i % 100)::INT), TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i), 'b'::BLOB FROM range(1, 12001) t(i)`;
  const columns = { ID: 'NUMBER(10)!', BODY: 'CLOB', AT: 'TIMESTAMP(6) WITH TIME ZONE', IMAGE: 'BLOB' };
  await server.createTable('NOTES', { columns, query });
});

beforeEach(() => {
  server.onStatement = () => undefined;
});

afterAll(() => server[Symbol.asyncDispose]());

const open = (changes: Partial<OracleConnection> = {}, signal = never) =>
  oracleDialect.connect(connectionTo(server, changes), signal);

const QUERY: RowQuery = {
  sql: `SELECT q."ID" AS "ID", q."BODY" AS "BODY", LTRIM(TO_CHAR(SYS_EXTRACT_UTC(q."AT"), 'SYYYY-MM-DD HH24:MI:SS.FF6')) AS "AT", q."IMAGE" AS "IMAGE"
    FROM (SELECT * FROM "ETL"."NOTES") q`,
  columns: [
    { name: 'ID', type: 'BIGINT', format: 'number_text' },
    { name: 'BODY', type: 'VARCHAR', format: 'text' },
    { name: 'AT', type: 'TIMESTAMP WITH TIME ZONE', format: 'timestamp_text' },
    { name: 'IMAGE', type: 'BLOB', format: 'bytes' },
  ],
  object: 'ETL.NOTES',
  fetchRows: 4000,
  watermark: { index: 2, order: 'text' },
};

async function using<Result>(session: RowSession, use: (session: RowSession) => Promise<Result>): Promise<Result> {
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

test('rows come as digits, texts and bytes; the sink is waited for', async () => {
  const rows: unknown[][] = [];
  let rests = 0;
  const sink: RowSink = {
    write: (values) => {
      rows.push(Array.from(values));
      return rows.length % 1000 !== 0;
    },
    drained: () => {
      rests += 1;
      return Promise.resolve();
    },
  };
  await using(await open(), (session) => session.stream(QUERY, sink, never));
  expect(rows).toHaveLength(12_000);
  expect(rows[98]).toEqual(['99', 'x'.repeat(99), '2024-01-01 00:01:39.000000', Buffer.from('b')]);
  expect(rests).toBeGreaterThan(2);
  expect(sink.watermarkText?.('2024-01-01 00:00:00.000000')).toBe('2024-01-01 00:00:00.000000+00:00');
});

test('a session is set to what texts and literals rely on', async () => {
  server.log.length = 0;
  const rows = await using(await open(), (session) =>
    session.execute(
      `SELECT 1 AS "one", NULL AS "none", CAST('ab' AS BLOB) AS "bytes", true AS "yes" FROM SYS.DUAL`,
      'Trying',
      never,
    ),
  );
  expect(rows).toEqual([{ one: '1', none: null, bytes: '6162', yes: 'true' }]);
  const settings = server.log.find((sql) => sql.startsWith('ALTER SESSION'));
  for (const name of [
    'NLS_TERRITORY',
    'NLS_CALENDAR',
    'NLS_NUMERIC_CHARACTERS',
    'NLS_SORT',
    'NLS_COMP',
    "TIME_ZONE = '+00:00'",
  ]) {
    expect(settings).toContain(name);
  }
});

test('a cancel ends what runs on the server, and leaves a quiet session alone', async () => {
  server.onStatement = (sql) => (sql.includes('"SLOW"') ? { delayMs: 600_000 } : undefined);
  const session = await open();
  const controller = new AbortController();
  const running = session.execute('SELECT 1 AS "SLOW" FROM SYS.DUAL', 'Waiting', controller.signal);
  await expect.poll(() => server.sessions.some(({ running: sql }) => sql?.includes('"SLOW"'))).toBe(true);
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(server.cancelled.at(-1)).toContain('"SLOW"');
  expect(await session.execute('SELECT 8 AS "n" FROM SYS.DUAL', 'Again', never)).toEqual([{ n: '8' }]);

  const resting = new AbortController();
  const sink: RowSink = { write: () => false, drained: () => new Promise((resolve) => setTimeout(resolve, 50)) };
  const stream = session.stream({ ...QUERY, fetchRows: 100 }, sink, resting.signal);
  setTimeout(() => resting.abort(), 75);
  await expect(stream).rejects.toMatchObject({ code: 'CANCELLED' });
  await session.close();
});

test('errors say what was done; a value that the sink refuses ends the read', async () => {
  await expect(open({ password: 'wrong' })).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  const session = await open();
  await expect(
    session.execute('SELECT q."X" FROM (SELECT "ID" FROM "ETL"."NOTES") q', 'Trying', never),
  ).rejects.toMatchObject({
    code: 'SOURCE_COLUMN_NOT_FOUND',
    message: expect.stringContaining('Trying'),
  });
  const refusing: RowSink = {
    write: () => {
      throw new TypeError('no place');
    },
    drained: () => Promise.resolve(),
  };
  await expect(session.stream(QUERY, refusing, never)).rejects.toMatchObject({
    message: 'Reading ETL.NOTES: no place.',
  });
  await session.close();
});

test('time limits: a slow statement, a server that never answers, a login that takes too long', async () => {
  server.onStatement = (sql) => (sql.includes('"SLOW"') ? { delayMs: 600_000 } : undefined);
  const session = await open({ query_timeout: 1 });
  const slow = session.execute('SELECT 1 AS "SLOW" FROM SYS.DUAL', 'Waiting', never);
  await expect(slow).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
  await session.close();
  await using silent = await silentServer();
  await expect(open({ port: silent.port, connect_timeout: 1 })).rejects.toMatchObject({ code: 'CONNECTION_TIMEOUT' });
  const controller = new AbortController();
  await using mute = await silentServer();
  const connecting = open({ port: mute.port }, controller.signal);
  await mute.asked;
  controller.abort();
  await expect(connecting).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('what one connection trusts, the next does not', async () => {
  const authority = makeCertificate({ name: 'Test authority' });
  await using folder = await temporaryFolder();
  const root = path.join(folder.path, 'root.pem');
  await writeFile(root, authority.certificate);
  await using secure = await OracleServer.start({
    tls: makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority }),
  });
  const encrypted = { host: 'localhost', port: secure.port, encrypt: true };
  await (await open({ ...encrypted, ssl_root_cert: root })).close();
  await expect(open(encrypted)).rejects.toMatchObject({ code: 'CERTIFICATE_NOT_TRUSTED' });
  await expect(open({ ...encrypted, ssl_root_cert: root, ssl_server_cert_dn: 'CN=other' })).rejects.toMatchObject({
    code: 'CERTIFICATE_HOST_MISMATCH',
  });
});

test('in the main thread the worker’s module does nothing', async () => {
  expect(Object.keys(await import('../../../engine/sources/oracle/oracle-worker.ts'))).toEqual([]);
});
