import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { withRetry } from '../../../engine/retry.ts';
import { readRows } from '../../../engine/sources/database/read-rows.ts';
import { RowClient } from '../../../engine/sources/database/row-client.ts';
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import type { ReadRequest, Source } from '../../../engine/sources/source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { makeJob, PipelineBench } from '../../helpers/pipeline.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { silentServer } from '../../helpers/silent-server.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { SqlServer } from '../../servers/sql-server/sql-server.ts';
import { connectionTo } from '../oracle/oracle-under-test.ts';
import type { ListStatement } from './list-dialect.ts';

const ROWS = 40_000;

let sqlServer: SqlServer;
let oracle: OracleServer;
let bench: ReadBench;

/** Workers of this process. */
const workers: Worker[] = [];
let onWorker: (worker: Worker) => void = () => undefined;
const watch = (worker: Worker) => {
  workers.push(worker);
  onWorker(worker);
};
/** Those that live: an ended one has no number any more. */
const living = () => workers.filter(({ threadId }) => threadId !== -1);
const endAll = () => Promise.all(living().map((worker) => worker.terminate()));

beforeAll(async () => {
  process.on('worker', watch);
  [sqlServer, oracle, bench] = await Promise.all([SqlServer.start(), OracleServer.start(), ReadBench.open()]);
  await sqlServer.createTable('dbo.numbers', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'body', type: 'nvarchar(100)' },
    ],
    primaryKey: ['id'],
    select: `SELECT i, md5(i::VARCHAR) FROM range(${ROWS}) t(i)`,
  });
  await oracle.createTable('NUMBERS', {
    columns: { ID: 'NUMBER(10)!', BODY: 'VARCHAR2(100)' },
    primaryKey: ['ID'],
    query: `SELECT i, md5(i::VARCHAR) FROM range(${ROWS}) t(i)`,
  });
});

afterEach(() => {
  onWorker = () => undefined;
});

afterAll(async () => {
  process.off('worker', watch);
  await bench[Symbol.asyncDispose]();
  await Promise.all([sqlServer, oracle].map((each) => each[Symbol.asyncDispose]()));
});

const options = (partitions: number) => ({ ...makeJob({}).options, partitions });
const KINDS = [
  {
    kind: 'SQL Server',
    open: (server?: { port: number }): Source => createMssqlSource(mssqlConnection(server ?? sqlServer)),
    request: (partitions = 1): ReadRequest =>
      request({ source_type: 'mssql', table_name: 'numbers', options: options(partitions) }),
    id: 'id',
    idle: () => expect.poll(() => sqlServer.openConnections).toBe(0),
  },
  {
    kind: 'Oracle',
    open: (server?: { port: number }): Source =>
      createOracleSource(connectionTo({ host: '127.0.0.1', port: (server ?? oracle).port })),
    request: (partitions = 1): ReadRequest =>
      request({ table_name: 'NUMBERS', schema_name: 'ETL', options: options(partitions) }),
    id: 'ID',
    idle: () => expect.poll(() => oracle.sessions).toEqual([]),
  },
];

describe.each(KINDS)('threads that read from $kind', ({ open, request: asked, id, idle }) => {
  const ids = (rows: Record<string, string | null>[]) => new Set(rows.map((row) => row[id])).size;

  // Zero: while it connects.
  const moments = [0, 1, ...Array.from({ length: 2 }, () => Math.floor(Math.random() * ROWS))];
  test.each(moments)(
    'one that is killed after %i rows is a retryable error, and the next read is whole',
    async (at) => {
      const source = open();
      const partitions = at % 2 === 0 ? 1 : 2;
      // Those that wait for the next read would be killed in place of the one that reads.
      await endAll();
      let killed = false;
      const kill = () => {
        if (!killed) void endAll();
        killed = true;
      };
      if (at === 0) onWorker = kill;
      const codes: string[] = [];
      const { rows, summary } = await withRetry(
        () =>
          bench.read(
            source,
            asked(partitions),
            {
              progress: (counts) => {
                if (at > 0 && counts.rows >= at) kill();
              },
            },
            id,
          ),
        { signal: new AbortController().signal, firstWait: 1, onRetry: ({ error }) => codes.push(error.code) },
      );
      // Killed in the last moment, it may have given its last row already.
      expect(codes.every((code) => code === 'READER_FAILED')).toBe(true);
      if (at < ROWS / 4) expect(codes).toHaveLength(1);
      expect([rows.length, ids(rows), summary.verdict.records]).toEqual([ROWS, ROWS, ROWS]);
      await source.close();
      expect(await bench.tables()).toEqual([]);
      await idle();
    },
  );

  test('a job whose thread is killed twice lands every row once', async () => {
    await using pipeline = await PipelineBench.open();
    const source = open();
    await endAll();
    let begun = 0;
    onWorker = (worker) => {
      begun += 1;
      // The first two die while they start, connect or read.
      if (begun <= 2) setTimeout(() => void worker.terminate(), Math.random() * 150);
    };
    const job = makeJob({ ...asked().job, target_table: 'numbers', primary_key: [id] });
    expect(await pipeline.run(job, source)).toMatchObject({ status: 'SUCCESS' });
    expect(begun).toBeGreaterThan(1);
    expect(
      await pipeline.rows('SELECT count(*)::INT AS rows, count(DISTINCT id)::INT AS ids FROM {t}', 'numbers'),
    ).toEqual([{ rows: ROWS, ids: ROWS }]);
    await source.close();
  });

  test('a connect that is cancelled is over at once: the thread and its socket are gone', async () => {
    await using silent = await silentServer();
    const source = open(silent);
    const controller = new AbortController();
    const reading = bench.read(source, asked(), { signal: controller.signal });
    await silent.asked;
    const before = living().length;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(living()).toHaveLength(before - 1);
    // connect_timeout is 30 s: longer than this poll.
    await expect.poll(() => silent.connections(), { timeout: 5000 }).toBe(0);
    await source.close();
  });
});

test('five jobs in parallel: memory does not grow with their rows', async () => {
  const body = 'x'.repeat(2000);
  const rows = Array.from({ length: 500 }, (_, index) => [index, body]);
  const columns = [
    {
      name: 'id',
      sourceType: 'int',
      segmentType: 'INTEGER',
      landedType: 'INTEGER',
      nullable: false,
      format: 'integer',
    },
    { name: 'body', sourceType: 'text', segmentType: 'VARCHAR', landedType: 'VARCHAR', nullable: true, format: 'text' },
  ] as const;
  const readAll = async (times: number): Promise<number> => {
    const clients = Array.from({ length: 5 }, () => RowClient.start(new URL('./list-worker.ts', import.meta.url)));
    for (const client of clients) await client.open({}, new AbortController().signal);
    let peak = 0;
    const reads = clients.map(async (client) => {
      const statement: ListStatement = { rows, times };
      const plan = { name: 'list', columns, watermark: null, sampleRows: null, fetchRows: 1000 };
      let read = 0;
      for await (const segment of readRows(
        [client],
        { ...plan, statements: [JSON.stringify(statement)] },
        bench.context(),
      )) {
        peak = Math.max(peak, process.memoryUsage().rss);
        read += segment.rows ?? 0;
        await segment.release();
      }
      expect(read).toBe(rows.length * times);
    });
    await Promise.all(reads);
    return peak;
  };
  // 40 MB a job fill a segment and what is on its way; three times as much must not need more.
  const short = await readAll(40);
  const long = await readAll(120);
  expect((long - short) / (1 << 20)).toBeLessThan(250);
});
