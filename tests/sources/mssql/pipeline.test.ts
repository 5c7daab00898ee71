import { expect, test } from 'vitest';
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { makeJob, PipelineBench } from '../../helpers/pipeline.ts';
import { SqlServer } from '../../servers/sql-server/sql-server.ts';

test('a job whose connection is cut is read again, and its next run brings only what changed: no row lost, none twice', async () => {
  let cuts = 0;
  await using server = await SqlServer.start({
    onBatch: (sql) => (sql.includes('AS [note]') && cuts++ === 0 ? { cutAfterRows: 3000 } : undefined),
  });
  await server.createTable('dbo.orders', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'note', type: 'nvarchar(20)' },
      { name: 'at', type: 'datetime2(7)' },
    ],
    primaryKey: ['id'],
    select: "SELECT i, 'n' || i, ticks_of('2024-01-01 00:00:00') + i // 2 FROM range(4000) t(i)",
  });
  await using bench = await PipelineBench.open();
  const source = createMssqlSource(mssqlConnection(server));
  const job = makeJob({
    source_type: 'mssql',
    source_name: 'crm',
    load_type: 'INCREMENTAL',
    watermark_column: 'at',
    primary_key: ['id'],
    write_disposition: 'merge',
  });
  const first = await bench.run(job, source);
  expect(first).toMatchObject({ status: 'SUCCESS' });
  expect(cuts).toBe(2);
  await server.run(`UPDATE dbo.orders SET note = 'changed', "at" = ticks_of('2024-01-02 00:00:00') WHERE id = 7;
    INSERT INTO dbo.orders VALUES (4000, 'new', ticks_of('2024-01-02 00:00:00'))`);
  expect(await bench.run(job, source)).toMatchObject({ status: 'SUCCESS' });
  expect(
    await bench.rows(`SELECT count(*)::INT AS rows, count(DISTINCT id)::INT AS ids, max("at")::VARCHAR AS at,
      max(note) FILTER (id = 7) AS changed FROM {t}`),
  ).toEqual([{ rows: 4001, ids: 4001, at: '2024-01-02 00:00:00', changed: 'changed' }]);
  await source.close();
});

test('without a primary key, rows at the watermark come once, whatever its seventh digit is', async () => {
  await using server = await SqlServer.start();
  await server.createTable('dbo.orders', {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'at', type: 'datetime2(7)' },
    ],
    rows: [
      [1, '2024-01-01 00:00:00.1234561'],
      [2, '2024-01-01 00:00:00.1234567'],
      [2, '2024-01-01 00:00:00.1234567'],
      [3, '2024-01-01 00:00:00.1234567'],
    ],
  });
  await using bench = await PipelineBench.open();
  const source = createMssqlSource(mssqlConnection(server));
  const job = makeJob({
    source_type: 'mssql',
    source_name: 'crm',
    load_type: 'INCREMENTAL',
    watermark_column: 'at',
    write_disposition: 'append',
  });
  expect(await bench.run(job, source)).toMatchObject({ watermark_after: '2024-01-01 00:00:00.1234567' });
  await server.run(
    `INSERT INTO dbo.orders VALUES (4, ticks_of('2024-01-01 00:00:00.1234567')), (5, ticks_of('2024-01-01 00:00:00.1234569'))`,
  );
  for (let run = 0; run < 2; run += 1) expect(await bench.run(job, source)).toMatchObject({ status: 'SUCCESS' });
  expect(await bench.rows('SELECT list(id ORDER BY id) AS ids FROM {t}')).toEqual([{ ids: [1, 2, 2, 3, 4, 5] }]);
  await source.close();
});
