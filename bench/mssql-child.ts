/**
 * One read in a process of its own, so that its peak memory is its own: `node bench/mssql-child.ts MODE PORT`. Prints what {@link MssqlRun} says.
 * `drain`: the server's packets, unread; `driver`: tedious' rows, dropped; `source`: segments of the product's source, released; `cancel`: how long a
 * cancel takes.
 */
import { connectDriver, loadTedious } from '../engine/sources/mssql/driver-session.ts';
import { createMssqlSource } from '../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../tests/helpers/mssql-connection.ts';
import { ReadBench, request } from '../tests/helpers/read-bench.ts';

export interface MssqlRun {
  milliseconds: number;
  rows: number;
  peakMemoryMiB: number;
}

/** The slice of tedious' connection through which packets come without being parsed. */
interface Packets {
  messageIo: {
    sendMessage(type: number, data: Buffer): void;
    readMessage(): Promise<AsyncIterable<Buffer>>;
  };
}

const SQL_BATCH = 1;
const connection = mssqlConnection({ port: Number(process.argv[3]) });
const job = request({ source_type: 'mssql', table_name: 'orders' });
const source = createMssqlSource(connection);
const signal = new AbortController().signal;

async function connect() {
  return await connectDriver(await loadTedious(), { connection, accessToken: null }, signal);
}

async function drain(statement: string): Promise<number> {
  const { messageIo } = (await connect()) as unknown as Packets;
  // ALL_HEADERS: the transaction descriptor of none.
  const headers = Buffer.alloc(22);
  for (const [at, value] of [
    [0, 22],
    [4, 18],
    [18, 1],
  ] as const)
    headers.writeUInt32LE(value, at);
  headers.writeUInt16LE(2, 8);
  messageIo.sendMessage(SQL_BATCH, Buffer.concat([headers, Buffer.from(statement, 'utf16le')]));
  let bytes = 0;
  for await (const chunk of await messageIo.readMessage()) bytes += chunk.byteLength;
  if (bytes === 0) throw new Error('Nothing was drained.');
  return 0;
}

async function driver(statement: string): Promise<number> {
  const { Request } = await loadTedious();
  const opened = await connect();
  let rows = 0;
  const done = Promise.withResolvers<void>();
  const asked = new Request(statement, (error) => (error ? done.reject(error) : done.resolve()));
  asked.on('row', () => {
    rows += 1;
  });
  opened.execSqlBatch(asked);
  await done.promise;
  return rows;
}

async function throughSource(): Promise<number> {
  const bench = await ReadBench.open();
  const segments = source.read(job, bench.context());
  for (let next = await segments.next(); ; next = await segments.next()) {
    if (next.done) return next.value.verdict.records;
    await next.value.release();
  }
}

/** Milliseconds from a cancel in the middle of a read to its end. */
async function cancel(): Promise<number> {
  const bench = await ReadBench.open();
  const controller = new AbortController();
  let start = 0;
  const segments = source.read(job, {
    ...bench.context(),
    signal: controller.signal,
    progress: ({ rows }) => {
      if (rows < 20_000 || start > 0) return;
      start = performance.now();
      controller.abort();
    },
  });
  await segments.next().catch(() => undefined);
  return performance.now() - start;
}

const statement = await source.explain(job, signal);
const start = performance.now();
const run: MssqlRun = { milliseconds: 0, rows: 0, peakMemoryMiB: 0 };
switch (process.argv[2]) {
  case 'drain':
    run.rows = await drain(statement);
    break;
  case 'driver':
    run.rows = await driver(statement);
    break;
  case 'source':
    run.rows = await throughSource();
    break;
  default:
    run.milliseconds = await cancel();
}
run.milliseconds ||= performance.now() - start;
run.peakMemoryMiB = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify(run), () => process.exit());
