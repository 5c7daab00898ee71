import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRows } from '../../../engine/sources/database/read-rows.ts';
import { RowClient } from '../../../engine/sources/database/row-client.ts';
import type { RowColumn } from '../../../engine/sources/database/row-protocol.ts';
import { mssqlDialect } from '../../../engine/sources/mssql/driver-session.ts';
import { openTokenSource } from '../../../engine/sources/mssql/entra-token.ts';
import type { MssqlConnection } from '../../../engine/spec/connection.ts';
import { azureSqlConnection, mssqlConnection } from '../../helpers/mssql-connection.ts';
import { ReadBench } from '../../helpers/read-bench.ts';
import { type BatchFault, SqlServer } from '../../servers/sql-server/sql-server.ts';
import { inThread } from '../database/list-dialect.ts';

let server: SqlServer;
let bench: ReadBench;
let fault: (sql: string) => BatchFault | undefined = () => undefined;

beforeAll(async () => {
  [server, bench] = await Promise.all([SqlServer.start({ onBatch: (sql) => fault(sql) }), ReadBench.open()]);
  await server.createTable('dbo.moments', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'day', type: 'date' },
      { name: 'clock', type: 'time(3)' },
      { name: 'fine', type: 'datetime2(7)' },
      { name: 'whole', type: 'datetime2(0)' },
      { name: 'old', type: 'datetime' },
      { name: 'minute', type: 'smalldatetime' },
      { name: 'zoned', type: 'datetimeoffset(2)' },
      { name: 'version', type: 'rowversion' },
      { name: 'flag', type: 'bit' },
      { name: 'big', type: 'bigint' },
      { name: 'ratio', type: 'float' },
      { name: 'note', type: 'nvarchar(max)' },
    ],
    select: `SELECT i, DATE '2024-02-29', ticks_of('01:02:03.004'), ticks_of('2024-02-29 23:59:59.0000000') + i, ticks_of('2024-02-29 23:59:59'),
      ticks_of('1900-01-01 00:00:00.003'), ticks_of('2024-02-29 23:59:00'), ticks_of('2024-02-29 23:59:59.12'), unhex('00000000000007d1'), true,
      9007199254740993, 0.1, CASE WHEN i % 2 = 0 THEN 'x' END FROM range(30000) t(i)`,
  });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const signal = () => new AbortController().signal;

async function open(changes: Partial<MssqlConnection> = {}): Promise<RowClient> {
  const client = RowClient.over(inThread(mssqlDialect));
  await client.open({ connection: mssqlConnection(server, changes), accessToken: null }, signal());
  return client;
}

const column = (name: string, type: string, format: RowColumn['format']) => ({
  name,
  sourceType: type,
  segmentType: type,
  landedType: type,
  nullable: true,
  format,
});

const read = (client: RowClient, columns: ReturnType<typeof column>[], sql: string, until = signal()) =>
  readRows(
    [client],
    {
      name: 'dbo.moments',
      columns,
      watermark: { column: columns[0]?.name ?? '', order: 'text' },
      statements: [sql],
      sampleRows: null,
      fetchRows: 1000,
    },
    bench.context({ signal: until }),
  );

test('a small statement gives the canonical texts of every type', async () => {
  const client = await open();
  const rows = await client.execute('SELECT * FROM dbo.moments WHERE id < 2', 'Looking', signal());
  expect(rows).toEqual([
    {
      id: '0',
      day: '2024-02-29',
      clock: '01:02:03.004',
      fine: '2024-02-29 23:59:59.0000000',
      whole: '2024-02-29 23:59:59',
      old: '1900-01-01 00:00:00.003',
      minute: '2024-02-29 23:59:00.000',
      zoned: '2024-02-29 23:59:59.12 +00:00',
      version: '0x00000000000007D1',
      flag: '1',
      big: '9007199254740993',
      ratio: '0.1',
      note: 'x',
    },
    expect.objectContaining({ id: '1', fine: '2024-02-29 23:59:59.0000001', note: null }),
  ]);
  await client.close();
});

test('rows are streamed with pauses, and the greatest watermark is the value’s own text', async () => {
  const client = await open();
  const segments = read(client, [column('fine', 'TIMESTAMP', 'driver_date')], 'SELECT fine FROM dbo.moments');
  let rows = 0;
  let next = await segments.next();
  for (; !next.done; next = await segments.next()) {
    rows += next.value.rows ?? 0;
    await next.value.release();
  }
  expect(rows).toBe(30_000);
  expect(next.value.watermark).toBe('2024-02-29 23:59:59.0029999');
});

test('a value that has no place ends the statement', async () => {
  const client = await open();
  const segments = read(client, [column('note', 'DECIMAL(4,2)', 'number_text')], 'SELECT note FROM dbo.moments');
  await expect(segments.next()).rejects.toMatchObject({ code: 'VALUE_NOT_FINITE' });
  expect(await bench.tables()).toEqual([]);
});

test('a cancel and a silent server end what runs; a lost connection ends what waits', async () => {
  fault = (sql) => (sql.startsWith('SELECT') ? { seconds: 600 } : undefined);
  const controller = new AbortController();
  const client = await open();
  const waiting = client.execute('SELECT 1 AS one', 'Looking', controller.signal);
  setTimeout(() => controller.abort(), 20);
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await client.close();
  const impatient = await open({ query_timeout: 0.3 });
  await expect(impatient.execute('SELECT 1 AS one', 'Looking', signal())).rejects.toMatchObject({
    code: 'QUERY_TIMEOUT',
  });
  await impatient.close();
  fault = (sql) => (sql.startsWith('SELECT') ? { cutAfterRows: 10 } : undefined);
  const cut = await open();
  await expect(cut.execute('SELECT id FROM dbo.moments', 'Looking', signal())).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    retryable: true,
  });
  fault = () => undefined;
  await expect(cut.execute('SELECT 1 AS one', 'Looking', signal())).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await cut.close();
});

test('logins that fail are explained', async () => {
  await expect(open({ password: 'no' })).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  await expect(open({ authentication: 'ntlm', domain: 'CORP' })).rejects.toMatchObject({ code: expect.any(String) });
  const aborted = AbortSignal.abort();
  const client = RowClient.over(inThread(mssqlDialect));
  await expect(client.open({ connection: mssqlConnection(server), accessToken: null }, aborted)).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});

test('Entra ID: only for who signs in with it, and a principal that is not complete is told so', async () => {
  expect(openTokenSource(mssqlConnection(server))).toBeNull();
  const host = 'shop.database.usgovcloudapi.net';
  const tokens = openTokenSource(
    azureSqlConnection(server, { authentication: 'service_principal', host, tenant_id: 'no tenant' }),
  );
  await expect(tokens?.(signal())).rejects.toMatchObject({
    code: 'LOGIN_FAILED',
    hint: expect.stringContaining('tenant_id'),
  });
});
