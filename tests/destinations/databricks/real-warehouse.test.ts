import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDatabricksDestination } from '../../../engine/destinations/databricks/databricks-destination.ts';
import { bareFit, castFit } from '../../../engine/destinations/databricks/type-fit.ts';
import { Warehouse } from '../../../engine/destinations/databricks/warehouse.ts';
import { openWorkspaceNetwork } from '../../../engine/destinations/databricks/workspace-network.ts';
import { parseSparkType } from '../../../engine/duckdb/spark-type.ts';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import { messageOf } from '../../../engine/errors.ts';
import { databricksDestinationModel } from '../../../engine/spec/destination.ts';
import { describeDestination } from '../conformance.ts';
import { LANDED, TYPES } from './landed-types.ts';

/**
 * The same suite against a real warehouse, and the type matrix against what it really says:
 * `INGEST_TEST_DATABRICKS_URL=databricks://token:dapi…@HOST/sql/1.0/warehouses/ID?catalog=scratch&volume=/Volumes/scratch/staging/files`.
 * The catalog is for nothing else: each test drops its schemas `raw` and `my_"odd"_schema`. The token needs CREATE SCHEMA there.
 */
const url = process.env.INGEST_TEST_DATABRICKS_URL;
const skipped =
  'INGEST_TEST_DATABRICKS_URL is not set: nothing was asked of a real warehouse, the destination is protocol-verified only';

if (url === undefined) {
  console.warn(skipped);
  test.skip(skipped, () => undefined);
} else {
  const { hostname, port, pathname, password, searchParams } = new URL(url);
  const never = new AbortController().signal;
  const config = databricksDestinationModel.parse({
    type: 'databricks',
    name: 'dest',
    server_hostname: hostname,
    port: Number(port || 443),
    http_path: pathname,
    access_token: decodeURIComponent(password),
    catalog: searchParams.get('catalog'),
    staging_volume: searchParams.get('volume'),
    type_widening: true,
  });
  const ODD_SCHEMA = 'my_"odd"_schema';
  const create = (root: string, workspace: Workspace) =>
    createDatabricksDestination(config, {
      workspace,
      baseDirectory: root,
      tempDirectory: join(root, 'temporary'),
      staging: null,
    });
  const statements = async (task: (run: (sql: string) => Promise<unknown>) => Promise<void>) => {
    const network = await openWorkspaceNetwork(config, process.cwd(), process.env);
    const warehouse = new Warehouse({
      host: config.server_hostname,
      port: config.port,
      path: config.http_path,
      network,
      signIn: { kind: 'access token', token: async () => config.access_token ?? '' },
      hide: (text) => text,
    });
    await task((sql) => warehouse.run(sql, never)).finally(() => warehouse.close());
    network.close();
  };

  beforeEach(async () => {
    await statements(async (run) => {
      for (const schema of ['raw', ODD_SCHEMA])
        await run(`DROP SCHEMA IF EXISTS \`${config.catalog}\`.\`${schema}\` CASCADE`);
    });
  }, 900_000);

  describeDestination({
    name: 'real Databricks',
    create,
    async read(_root, schema, table, select = '*') {
      const folder = await mkdtemp(join(tmpdir(), 'real-warehouse-'));
      const workspace = await Workspace.open({ memoryLimitMiB: 500, threads: 1, tempDirectory: join(folder, 'spill') });
      const destination = create(folder, workspace);
      try {
        await destination.open(never);
        const connection = await workspace.connect();
        const from = await destination.from({ schema, table: table.split('__')[0]! }, table);
        return await connection.rows(`SELECT ${select} FROM ${from} ORDER BY ALL`);
      } finally {
        await destination.close();
        workspace.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
    landed: (type) => LANDED[type] ?? type,
    oddNames: [ODD_SCHEMA, 'täble_"x"_--'],
  });

  describe('the type matrix of a real warehouse', () => {
    test('refuses what is predicted to be refused, and nothing else', async () => {
      const wrong: string[] = [];
      await statements(async (run) => {
        const table = (name: string) => `\`${config.catalog}\`.raw.${name}`;
        const isRefused = async (sql: string) => await run(sql).then(() => null, messageOf);
        await run(`CREATE SCHEMA IF NOT EXISTS \`${config.catalog}\`.raw`);
        for (const [n, from] of TYPES.entries()) await run(`CREATE OR REPLACE TABLE ${table(`t${n}`)} (v ${from})`);
        for (const [n, from] of TYPES.entries()) {
          for (const [m, to] of TYPES.entries()) {
            const [source, target] = [parseSparkType(from), parseSparkType(to)];
            const cases = [
              [castFit(source, target), `SELECT CAST(v AS ${to}) FROM ${table(`t${n}`)}`],
              [
                bareFit(source, target, 'overwrite'),
                `INSERT OVERWRITE ${table(`t${m}`)} SELECT v FROM ${table(`t${n}`)}`,
              ],
              [
                bareFit(source, target, 'merge'),
                `MERGE INTO ${table(`t${m}`)} AS a USING ${table(`t${n}`)} AS b ON false WHEN NOT MATCHED THEN INSERT (v) VALUES (b.v)`,
              ],
            ] as const;
            for (const [fits, sql] of cases) {
              const refusal = await isRefused(sql);
              const asPredicted = fits.fit === 'fails' ? refusal?.includes(fits.error) : refusal === null;
              if (!asPredicted) wrong.push(`${sql}: predicted ${JSON.stringify(fits)}, got ${refusal}`);
            }
          }
        }
      });
      expect(wrong).toEqual([]);
    }, 3_600_000);
  });
}
