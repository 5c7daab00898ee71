import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { request } from '../../helpers/read-bench.ts';
import { SqlServer } from '../../servers/sql-server/sql-server.ts';
import { describeSource } from '../conformance.ts';

for (const partitions of [1, 2]) {
  describeSource(`SQL Server (partitions = ${partitions})`, async () => {
    const server = await SqlServer.start();
    await server.createTable('dbo.mixed', {
      columns: [
        { name: 'id', type: 'int' },
        { name: 'amount', type: 'decimal(12,2)' },
        { name: 'wide', type: 'decimal(38,10)' },
        { name: 'note', type: 'nvarchar(100)' },
        { name: 'at', type: 'datetime2(7)' },
        { name: 'code', type: 'uniqueidentifier' },
        { name: 'even', type: 'bit' },
        { name: 'raw', type: 'varbinary(16)' },
      ],
      primaryKey: ['id'],
      select: `SELECT i, i * 1.5, i / 3, 'text ' || i, ticks_of('2024-01-01 00:00:00') + i, uuid(), i % 2 = 0, unhex('00ff') FROM range(12000) t(i)`,
    });
    const options = { ...makeJob({}).options, partitions };
    return {
      open: () => createMssqlSource(mssqlConnection(server)),
      request: request({ source_type: 'mssql', table_name: 'mixed', options }),
      rows: 12_000,
      missing: request({ source_type: 'mssql', table_name: 'mixt', options }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}
