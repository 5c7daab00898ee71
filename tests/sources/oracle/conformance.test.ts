import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { request } from '../../helpers/read-bench.ts';
import { OracleServer } from '../../servers/oracle/oracle-server.ts';
import { describeSource } from '../conformance.ts';
import { connectionTo } from './oracle-under-test.ts';

for (const partitions of [1, 2]) {
  describeSource(`Oracle (partitions = ${partitions})`, async () => {
    const server = await OracleServer.start();
    await server.createTable('MIXED', {
      columns: {
        ID: 'NUMBER(10)!',
        AMOUNT: 'NUMBER(12,2)',
        NOTE: 'VARCHAR2(40)',
        AT: 'TIMESTAMP(6)',
        DAY: 'DATE',
        SCORE: 'BINARY_DOUBLE',
        CODE: 'RAW(8)',
        BODY: 'CLOB',
      },
      primaryKey: ['ID'],
      query: `SELECT i, i * 1.5, 'text ' || i, TIMESTAMP '2024-01-01' + to_milliseconds(i), TIMESTAMP '2024-01-01', i / 3, 'abc'::BLOB, 'body ' || i
        FROM range(1, 24001) t(i)`,
    });
    const job = { schema_name: 'ETL', options: { ...makeJob({}).options, partitions } };
    return {
      open: () => createOracleSource(connectionTo(server)),
      request: request({ ...job, table_name: 'MIXED' }),
      rows: 24_000,
      missing: request({ ...job, table_name: 'MIXT' }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}
