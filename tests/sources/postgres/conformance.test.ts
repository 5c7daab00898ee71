import { createPostgresSource } from '../../../engine/sources/postgres/postgres-source.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { startPostgres } from '../../helpers/postgres-server.ts';
import { request } from '../../helpers/read-bench.ts';
import { describeSource } from '../conformance.ts';

for (const partitions of [1, 2]) {
  describeSource(`PostgreSQL (partitions = ${partitions})`, async () => {
    const server = await startPostgres();
    await server.query(`CREATE TABLE mixed AS SELECT i AS id, i * 1.5 AS amount, 'text ' || i AS note, now() AS at, ARRAY[i] AS list,
      gen_random_uuid() AS code, interval '1 day' AS span, i % 2 = 0 AS even, '{"a": 1}'::jsonb AS attrs FROM generate_series(1, 24000) i`);
    const options = { ...makeJob({}).options, partitions };
    return {
      open: () => createPostgresSource(server.connection()),
      request: request({ table_name: 'mixed', options }),
      rows: 24_000,
      missing: request({ table_name: 'mixt', options }),
      [Symbol.asyncDispose]: () => server.stop(),
    };
  });
}
