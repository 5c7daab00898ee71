import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DriverSession } from '../../../engine/sources/mssql/driver-session.ts';
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { describeSource } from '../conformance.ts';
import { EXTREMES } from './extremes.ts';

/**
 * The same suites against a real server: `INGEST_TEST_MSSQL_URL=mssql://user:password@host:1433/DATABASE`, with a user that may create tables, in a database
 * of its own that allows SNAPSHOT isolation. `tests/docker-compose.yml` starts a server; docs/CONTRIBUTING.md says how.
 */
const url = process.env.INGEST_TEST_MSSQL_URL;
const skipped =
  'INGEST_TEST_MSSQL_URL is not set: nothing was asked of a real SQL Server, the source is protocol-verified only';

if (url === undefined) {
  console.warn(skipped);
  test.skip(skipped, () => undefined);
} else {
  const { hostname, port, pathname, username, password } = new URL(url);
  const connection = mssqlConnection(
    { port: Number(port || 1433) },
    {
      host: hostname,
      database: decodeURIComponent(pathname.slice(1)),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      encrypt: true,
      trust_server_certificate: true,
    },
  );
  const signal = new AbortController().signal;
  const sql = async (...statements: string[]): Promise<void> => {
    const session = await DriverSession.open({ connection, accessToken: null }, signal);
    try {
      for (const statement of statements) await session.execute(statement, 'Preparing', signal);
    } finally {
      await session.close();
    }
  };

  for (const partitions of [1, 2]) {
    describeSource(`real SQL Server (partitions = ${partitions})`, async () => {
      const table = `ingest_mixed_${partitions}`;
      await sql(
        `DROP TABLE IF EXISTS dbo.${table}`,
        `CREATE TABLE dbo.${table} (id int PRIMARY KEY, amount decimal(12,2), note nvarchar(40), at datetime2(7), code uniqueidentifier, even bit)`,
        `WITH digits AS (SELECT n FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) d(n))
         INSERT INTO dbo.${table} SELECT i, i * 1.5, CONCAT(N'text ', i), SYSUTCDATETIME(), NEWID(), i % 2
         FROM (SELECT TOP (12000) ROW_NUMBER() OVER (ORDER BY a.n) AS i FROM digits a, digits b, digits c, digits d, digits e) n`,
      );
      const options = { ...makeJob({}).options, partitions };
      return {
        open: () => createMssqlSource(connection),
        request: request({ source_type: 'mssql', table_name: table, options }),
        rows: 12_000,
        missing: request({ source_type: 'mssql', table_name: 'ingest_mixt', options }),
        [Symbol.asyncDispose]: () => sql(`DROP TABLE dbo.${table}`),
      };
    });
  }

  describe('every type of a real SQL Server', () => {
    let bench: ReadBench;

    beforeAll(async () => {
      bench = await ReadBench.open();
    });

    afterAll(() => bench[Symbol.asyncDispose]());

    // The server gives rowversions itself.
    test.for(EXTREMES.filter(([type]) => type !== 'rowversion'))('%s', async ([type, stored, landed]) => {
      const table = `ingest_type_${type.replace(/\W+/g, '_')}`;
      await sql(
        `DROP TABLE IF EXISTS dbo.${table}`,
        `CREATE TABLE dbo.${table} (id int, v ${type} NULL)`,
        ...stored.map((value, index) => `INSERT INTO dbo.${table} VALUES (${index}, ${literal(value, type)})`),
      );
      const source = createMssqlSource(connection);
      const { rows } = await bench.read(source, request({ source_type: 'mssql', table_name: table }));
      await source.close();
      await sql(`DROP TABLE dbo.${table}`);
      rows.sort((one, other) => Number(one.id) - Number(other.id));
      expect(rows.map((row) => row.v)).toEqual(landed);
    });
  });
}

/** A stored value as T-SQL writes it. */
function literal(value: string | number | boolean | Uint8Array | null, type: string): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'boolean') return value ? '1' : '0';
  const text = `N'${String(value).replaceAll("'", "''")}'`;
  if (/^(date|time|smalldatetime)/.test(type)) return `CONVERT(${type}, ${text}, 121)`;
  return /^(float|real|money|smallmoney|decimal|numeric|bigint)/.test(type) ? String(value) : text;
}
