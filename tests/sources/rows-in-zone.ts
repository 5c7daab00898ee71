import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMssqlSource } from '../../engine/sources/mssql/mssql-source.ts';
import { createOracleSource } from '../../engine/sources/oracle/oracle-source.ts';
import { createPostgresSource } from '../../engine/sources/postgres/postgres-source.ts';
import type { Source } from '../../engine/sources/source.ts';
import type { MssqlConnection, OracleConnection, PostgresConnection } from '../../engine/spec/connection.ts';
import type { Job } from '../../engine/spec/job.ts';
import { ReadBench, type ReadResult, request } from '../helpers/read-bench.ts';

type DatabaseConnection = PostgresConnection | MssqlConnection | OracleConnection;

/** A process in which no local time is the same as UTC's, one that changes its clocks, and UTC. */
export const ZONES = ['Europe/Berlin', 'UTC', 'Asia/Kathmandu'] as const;

/** Rows of a table, read by a process of another time zone. */
export async function rowsInZone(
  zone: string,
  connection: DatabaseConnection,
  job: Partial<Job>,
): Promise<ReadResult['rows']> {
  const script = fileURLToPath(import.meta.url);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, JSON.stringify(connection), JSON.stringify(job)],
    { env: { ...process.env, TZ: zone }, maxBuffer: 1 << 26 },
  );
  return JSON.parse(stdout) as ReadResult['rows'];
}

function openSource(connection: DatabaseConnection): Source {
  switch (connection.type) {
    case 'postgresql':
      return createPostgresSource(connection);
    case 'mssql':
      return createMssqlSource(connection);
    case 'oracle':
      return createOracleSource(connection);
    default:
      return connection satisfies never;
  }
}

if (import.meta.main) {
  const [connection = '', job = ''] = process.argv.slice(2);
  const source = openSource(JSON.parse(connection) as DatabaseConnection);
  await using bench = await ReadBench.open();
  const { rows } = await bench.read(source, request(JSON.parse(job) as Partial<Job>));
  await source.close();
  process.stdout.write(JSON.stringify(rows));
}
