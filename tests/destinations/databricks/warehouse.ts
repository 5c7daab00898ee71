import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDatabricksDestination,
  type DatabricksOptions,
} from '../../../engine/destinations/databricks/databricks-destination.ts';
import type { Destination } from '../../../engine/destinations/destination.ts';
import type { Workspace } from '../../../engine/duckdb/workspace.ts';
import { type DatabricksDestination, databricksDestinationModel } from '../../../engine/spec/destination.ts';
import {
  startWarehouse,
  TOKEN,
  type WarehouseServer,
  type WarehouseServerOptions,
} from '../../servers/databricks/warehouse-server.ts';

/** Catalogs that the server has; each test takes one of its own. */
const CATALOGS = 200;

export interface TestWarehouse {
  server: WarehouseServer;
  /** The folder that is the staging volume. */
  volume: string;
  /** A catalog that no other test uses. */
  catalog(): string;
  config(values?: Partial<DatabricksDestination>): DatabricksDestination;
  destination(
    workspace: Workspace,
    root: string,
    values?: Partial<DatabricksDestination>,
    options?: Partial<DatabricksOptions>,
  ): Destination;
  close(): Promise<void>;
}

/** A warehouse whose volume is a folder of this computer. */
export async function startTestWarehouse(options: WarehouseServerOptions = {}): Promise<TestWarehouse> {
  const folder = await mkdtemp(join(tmpdir(), 'databricks-'));
  const server = await startWarehouse({ volumes: folder, ...options });
  await server.query(`INSERT INTO server.catalogs SELECT 'c' || i FROM range(${CATALOGS}) t(i)`);
  const authority = join(folder, 'authority.pem');
  await writeFile(authority, server.authority);
  let catalogs = 0;
  const config = (values: Partial<DatabricksDestination> = {}) =>
    databricksDestinationModel.parse({
      type: 'databricks',
      name: 'dest',
      server_hostname: 'localhost',
      port: server.port,
      http_path: '/sql/1.0/warehouses/abc123',
      access_token: TOKEN,
      ca_file: authority,
      type_widening: true,
      staging_volume: '/Volumes/main/raw/staging',
      proxy: 'direct',
      ...values,
    });
  return {
    server,
    volume: join(folder, 'Volumes/main/raw/staging'),
    catalog: () => `c${catalogs++}`,
    config,
    destination: (workspace, root, values, more) =>
      createDatabricksDestination(config(values), {
        workspace,
        baseDirectory: root,
        tempDirectory: join(root, 'temporary'),
        staging: null,
        environment: {},
        retry: { firstWait: 4, longestWait: 40 },
        ...more,
      }),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
