/**
 * The test server with a table of so many rows, in a process of its own, so that it takes no time from what is measured:
 * `node bench/oracle-server.ts ROWS`. Prints its port, and ends with its standard input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { OracleServer } from '../tests/servers/oracle/oracle-server.ts';

export const ORACLE_TABLE = 'ORDERS';
/** Rows that are encoded, and sent over and over. */
const BLOCK_ROWS = 20_000;

/** Twelve columns of mixed types, as the other benchmarks have them. */
const COLUMNS = {
  ID: 'NUMBER(18)!',
  CUSTOMER_ID: 'NUMBER(9)!',
  ORDER_NO: 'VARCHAR2(20)',
  STATUS: 'VARCHAR2(10)',
  AMOUNT: 'NUMBER(12,2)',
  SCORE: 'BINARY_DOUBLE',
  IS_GIFT: 'NUMBER(1)',
  CREATED_AT: 'DATE',
  UPDATED_AT: 'TIMESTAMP(6)',
  SHIP_DATE: 'DATE',
  NOTE: 'VARCHAR2(200)',
  ATTRS: 'VARCHAR2(400)',
};

const ROWS = `SELECT i, i * 7919 % 100000, 'ORD-' || lpad(i::VARCHAR, 10, '0'), list_extract(['new', 'paid', 'shipped', 'delivered', 'cancelled'], 1 + i % 5),
  (i % 1000000 / 100.0)::DECIMAL(12, 2), sqrt(i), i % 3 = 0, TIMESTAMP '2020-01-01' + to_seconds(i), TIMESTAMP '2020-01-01' + to_microseconds(i * 1500321),
  TIMESTAMP '2020-01-01' + to_days((i % 2000)::INT), CASE WHEN i % 4 = 0 THEN 'Leave it at the door of number ' || i || ', please' END,
  '{"color": "red", "weight": ' || (i % 100) || ', "tags": ["a", "b"]}'
  FROM range(1, ${BLOCK_ROWS + 1}) t(i)`;

export interface RunningServer extends AsyncDisposable {
  port: number;
}

/** Starts the server in a process of its own. */
export async function startOracleProcess(rows: number): Promise<RunningServer> {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename, String(rows)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [port] = (await once(lines, 'line')) as [string];
  return {
    port: Number(port),
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end();
      await once(child, 'exit');
    },
  };
}

if (import.meta.main) {
  const server = await OracleServer.start();
  await server.createTable(ORACLE_TABLE, { columns: COLUMNS, primaryKey: ['ID'], query: ROWS });
  server.preload(ORACLE_TABLE, Number(process.argv[2]));
  console.log(server.port);
  process.stdin.resume();
  process.stdin.once('end', () => process.exit());
}
