import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabricksDestination } from '../../../engine/connectors.ts';
import { type TestedStage, testDatabricks } from '../../../engine/destinations/databricks/databricks-test.ts';
import { WarehouseLock } from '../../../engine/destinations/databricks/warehouse-lock.ts';
import type { Destination, SchemaChange } from '../../../engine/destinations/destination.ts';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import type { DatabricksDestination } from '../../../engine/spec/destination.ts';
import type { WriteDisposition } from '../../../engine/spec/kinds.ts';
import { buildPackage, creations } from '../build-package.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

const never = new AbortController().signal;
const target = { schema: 'raw', table: 'orders' };

let root: string;
let workspace: Workspace;
let warehouse: TestWarehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'databricks destination '));
  workspace = await Workspace.open({ memoryLimitMiB: 200, threads: 1, tempDirectory: join(root, 'spill') });
  warehouse = await startTestWarehouse();
});
afterAll(async () => {
  await warehouse.close();
  workspace.close();
  await rm(root, { recursive: true, force: true });
});

async function open(
  values: Partial<DatabricksDestination> = {},
): Promise<{ destination: Destination; catalog: string }> {
  const catalog = values.catalog ?? warehouse.catalog();
  const destination = warehouse.destination(workspace, root, { ...values, catalog });
  await destination.open(never);
  return { destination, catalog };
}

let loads = 0;
const build = (
  columns: Record<string, string>,
  rows: string | null,
  disposition: WriteDisposition = 'append',
  table = 'orders',
) =>
  buildPackage(root, {
    loadId: `21${loads++}.7`,
    disposition,
    key: ['id'],
    table,
    tables: [{ name: table, columns, rows }],
  });

describe('a table that people have dressed', () => {
  it('keeps comments, clustering and properties through replaces, also where a type changes', async () => {
    const { destination, catalog } = await open();
    const first = await build(
      { id: 'BIGINT', code: 'VARCHAR', left: 'DATE' },
      "SELECT 1 AS id, 'x' AS code, DATE '2024-01-01' AS left",
      'replace',
    );
    await destination.load(first, creations(first), never);
    const traits = () => warehouse.server.tables.traits(`"${catalog}.raw"."orders"`)!;
    Object.assign(traits(), { comment: "the shop's orders", clustering: ['id'] });
    Object.assign(traits().properties, { 'team.owner': 'sales', 'delta.minReaderVersion': '3' });
    await warehouse.server.query(
      `INSERT INTO server.comments VALUES ('${catalog}.raw', 'orders', 'code', 'it''s a code')`,
    );

    const same = await build(
      { id: 'BIGINT', code: 'VARCHAR', left: 'DATE' },
      "SELECT 2 AS id, 'y' AS code, NULL AS left",
      'replace',
    );
    await destination.load(same, [], never);
    expect(traits()).toMatchObject({ comment: "the shop's orders", clustering: ['id'] });

    const other = await build({ id: 'BIGINT', code: 'BIGINT' }, 'SELECT 3 AS id, 77 AS code', 'replace');
    const retype: SchemaChange = {
      kind: 'retype_column',
      table: 'orders',
      column: 'code',
      from: 'VARCHAR',
      to: 'BIGINT',
    };
    await destination.load(other, [retype], never);
    expect(await warehouse.server.query(`FROM "${catalog}.raw".orders`)).toEqual([{ id: '3', code: '77', left: null }]);
    expect(traits()).toMatchObject({ comment: "the shop's orders", clustering: ['id'] });
    expect(traits().properties).toEqual({ 'team.owner': 'sales', 'delta.enableTypeWidening': 'true' });
    expect(warehouse.server.statements.at(-1)).toMatch(/^DROP TABLE IF EXISTS/);
    expect(warehouse.server.statements).toContainEqual(
      expect.stringMatching(/ALTER COLUMN `code` COMMENT 'it\\'s a code'$/),
    );
    expect(await destination.describeTables(target)).toMatchObject([
      { columns: [{ name: 'id' }, { name: 'code', type: 'BIGINT' }, { name: 'left', type: 'DATE' }] },
    ]);
    const empty = await build({ id: 'BIGINT', code: 'DATE' }, null, 'replace');
    await destination.load(empty, [{ ...retype, from: 'BIGINT', to: 'DATE' }], never);
    expect(await warehouse.server.query(`SELECT count(*)::INTEGER AS n FROM "${catalog}.raw".orders`)).toEqual([
      { n: 0 },
    ]);
    await destination.close();
  });

  it('gets a column of a type that its features do not know yet, and is not changed twice', async () => {
    const { destination } = await open();
    const first = await build({ id: 'INTEGER' }, 'SELECT 1 AS id');
    await destination.load(first, creations(first), never);
    const changes: SchemaChange[] = [
      {
        kind: 'add_column',
        table: 'orders',
        column: { name: 'at', type: 'TIMESTAMP', stored_type: 'TIMESTAMP', nullable: true },
      },
      {
        kind: 'add_column',
        table: 'orders',
        column: { name: 'a b', type: 'VARCHAR', stored_type: 'VARCHAR', nullable: true },
      },
      { kind: 'widen_column', table: 'orders', column: 'id', from: 'INTEGER', to: 'BIGINT' },
    ];
    const rows = "SELECT 2 AS id, TIMESTAMP '2024-01-02 03:04:05' AS at, 'v' AS \"a b\"";
    for (let again = 0; again < 2; again += 1) {
      const pack = await build({ id: 'BIGINT', at: 'TIMESTAMP', 'a b': 'VARCHAR' }, rows);
      await destination.load(pack, changes, never);
    }
    expect((await destination.describeTables(target))[0]?.columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'BIGINT'],
      ['at', 'TIMESTAMP'],
      ['a b', 'VARCHAR'],
    ]);
    const pack = await build({ id: 'VARCHAR' }, "SELECT 'x' AS id");
    await expect(
      destination.load(
        pack,
        [{ kind: 'widen_column', table: 'orders', column: 'id', from: 'BIGINT', to: 'VARCHAR' }],
        never,
      ),
    ).rejects.toMatchObject({ code: 'SCHEMA_CHANGE_UNSAFE' });
    await destination.close();
  });

  it('widens only where that is allowed', async () => {
    const widening = (await open({ type_widening: true })).destination;
    const plain = (await open({ type_widening: false })).destination;
    for (const [from, to, can] of [
      ['INTEGER', 'BIGINT', true],
      ['BIGINT', 'VARCHAR', false],
      ['DATE', 'TIMESTAMP', true],
      ['UTINYINT', 'BIGINT', true],
      ['BIGINT', 'DOUBLE', false],
    ] as const) {
      expect([from, to, widening.capabilities.canWiden(from, to)]).toEqual([from, to, can]);
      expect(plain.capabilities.canWiden(from, to)).toBe(false);
    }
    const pack = await build({ id: 'INTEGER' }, 'SELECT 1 AS id');
    await plain.load(pack, creations(pack), never);
    expect(
      await plain.checkFit?.(
        target,
        [{ table: 'orders', name: 'id', type: 'BIGINT', nullable: true }],
        'append',
        never,
      ),
    ).toMatchObject([{ verdict: 'fails', live: 'INT', incoming: 'BIGINT', error: 'DELTA_FAILED_TO_MERGE_FIELDS' }]);
    await widening.close();
    await plain.close();
  });
});

describe('what cannot be loaded', () => {
  it('is refused before anything is written', async () => {
    const { destination } = await open();
    const spaced = await build({ id: 'BIGINT' }, 'SELECT 1 AS id', 'append', 'my orders');
    await expect(destination.load(spaced, creations(spaced), never)).rejects.toMatchObject({
      code: 'NAME_NOT_ALLOWED',
    });
    const keyless = await build({ id: 'BIGINT' }, 'SELECT 1 AS id', 'merge');
    keyless.manifest.primary_key = [];
    await expect(destination.load(keyless, creations(keyless), never)).rejects.toMatchObject({
      code: 'MERGE_WITHOUT_KEY',
    });
    await expect(destination.load(await build({ id: 'BIGINT' }, 'SELECT 1 AS id'), [], never)).rejects.toMatchObject({
      code: 'DESTINATION_CHANGED',
      retryable: true,
    });
    await expect(destination.from(target, 'orders')).rejects.toMatchObject({ code: 'DESTINATION_NOT_FOUND' });
    await destination.close();
  });

  it('is found out where rows of the load are there in part', async () => {
    const { destination, catalog } = await open();
    const columns = { id: 'BIGINT', _dlt_load_id: 'VARCHAR' };
    const first = await build(columns, "SELECT 1 AS id, 'x' AS _dlt_load_id");
    await destination.load(first, creations(first), never);
    const loadId = `21${loads}.7`;
    const pack = await build(columns, `SELECT i AS id, '${loadId}' AS _dlt_load_id FROM range(3) t(i)`);
    await warehouse.server.query(
      `INSERT INTO "${catalog}.raw"._dlt_loads VALUES ('${loadId}', 'ingest_orders', 1, now(), 'test_pipeline/raw.orders')`,
    );
    await warehouse.server.query(`INSERT INTO "${catalog}.raw".orders VALUES (0, '${loadId}')`);
    await expect(destination.load(pack, [], never)).rejects.toMatchObject({
      code: 'LOAD_MISCOUNTED',
      message: expect.stringContaining('has 1 rows'),
      hint: expect.stringContaining('DELETE FROM'),
    });
    await destination.close();
  });
});

describe('the lock of a target', () => {
  const owner = (runId: string, pid = process.pid, host = 'elsewhere') => ({ runId, pid, host });

  it('is never held by two, however many come at once', async () => {
    const { destination, catalog } = await open();
    await (await destination.lock(target, owner('first'))).release();
    // Other processes: locks that know nothing of each other but the table.
    let turn = 0;
    const others = await Promise.all([0, 1, 2].map(() => connection(catalog)));
    const run = <T>(sql: string) => others[turn++ % others.length]!.run<T>(sql);
    let holders = 0;
    let taken = 0;
    const contend = async (n: number) => {
      const lock = new WarehouseLock(run, `\`${catalog}\`.\`raw\`.\`_dlt_locks\``, target, `process ${n}`);
      try {
        const held = await lock.take(owner(`run-${n}`), () => new Date());
        holders += 1;
        taken += 1;
        expect(holders).toBe(1);
        await delay(5);
        expect(holders).toBe(1);
        holders -= 1;
        await held.release();
      } catch (error) {
        expect(error).toMatchObject({ code: 'LOCKED' });
      }
    };
    await Promise.all([0, 1, 2, 3, 4].map(contend));
    expect(taken).toBeGreaterThan(0);
    expect(await warehouse.server.query(`FROM "${catalog}.raw"._dlt_locks`)).toEqual([]);
    await Promise.all(others.map((other) => other.close()));
    await destination.close();
  });

  it('of a process that is gone is taken over, of another computer it is broken by hand', async () => {
    const { destination, catalog } = await open();
    await (await destination.lock(target, owner('first'))).release();
    const leave = (runId: string, pid: number, host: string) =>
      warehouse.server.query(
        `INSERT INTO "${catalog}.raw"._dlt_locks VALUES ('raw.orders', '${runId}', '${runId}', ${pid}, '${host}', now() - INTERVAL 3 HOUR)`,
      );
    await leave('dead', 2 ** 22 + 1, hostname());
    await leave('an-earlier-process-of-our-id', process.pid, hostname());
    const lock = await destination.lock(target, owner('second', process.pid, hostname()));
    await lock.release();
    await leave('far', 17, 'build-agent-7');
    await expect(destination.lock(target, owner('third'))).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(/run far \(process 17 on build-agent-7\) since 3 hours/),
      hint: expect.stringContaining('ingest state unlock raw.orders'),
    });
    expect(await destination.breakLock?.(target)).toMatchObject({ runId: 'far', pid: 17, host: 'build-agent-7' });
    expect(await destination.breakLock?.(target)).toBeNull();
    await (await destination.lock(target, owner('fourth'))).release();
    await destination.close();
  });

  /** A session of its own, for statements as they are. */
  async function connection(catalog: string) {
    const { Warehouse } = await import('../../../engine/destinations/databricks/warehouse.ts');
    const { openWorkspaceNetwork } = await import('../../../engine/destinations/databricks/workspace-network.ts');
    const config = warehouse.config({ catalog });
    const network = await openWorkspaceNetwork(config, root, {});
    const session = new Warehouse({
      host: config.server_hostname,
      port: config.port,
      path: config.http_path,
      network,
      signIn: { kind: 'test', token: async () => config.access_token ?? '' },
      retry: { firstWait: 2, longestWait: 20 },
      hide: (text) => text,
    });
    return { run: <T>(sql: string) => session.run<T>(sql, never), close: () => session.close() };
  }
});

describe('the test of a destination', () => {
  const stages = async (values: Partial<DatabricksDestination>) => {
    const found: TestedStage[] = [];
    const options = {
      baseDirectory: root,
      staging: null,
      environment: {},
      retry: { attempts: 2, firstWait: 1, longestWait: 2 },
      signal: never,
    };
    for await (const stage of testDatabricks(warehouse.config(values), options)) found.push(stage);
    return found;
  };
  const outline = (found: TestedStage[]) => found.map(({ stage, status }) => `${stage} ${status}`);
  const PASSED = ['dns passed', 'tcp passed', 'tls passed', 'login passed'];

  it('goes stage by stage to a row that COPY INTO read, and leaves nothing', async () => {
    const { destination, catalog } = await open();
    const pack = await build({ id: 'BIGINT' }, 'SELECT 1 AS id');
    await destination.load(pack, creations(pack), never);
    await destination.close();
    const found = await stages({ catalog });
    expect(outline(found)).toEqual([...PASSED, 'permission passed', 'first_read passed']);
    expect(found[5]?.detail).toContain('read by COPY INTO and deleted');
    const left = `SELECT table_name FROM duckdb_tables() WHERE schema_name = '${catalog}.raw' AND table_name LIKE '%probe%'`;
    expect(await warehouse.server.query(left)).toEqual([]);
  });

  it('says that the schema will be made', async () => {
    const found = await stages({ catalog: warehouse.catalog() });
    expect(outline(found)).toEqual([...PASSED, 'permission passed', 'first_read passed']);
    expect(found[4]?.detail).toContain('CREATE SCHEMA');
  });

  it('ends at the stage that failed, with the way out', async () => {
    const last = async (values: Partial<DatabricksDestination>) => (await stages(values)).at(-1);
    expect(await last({ server_hostname: 'no-such-host.invalid' })).toMatchObject({ stage: 'dns', status: 'failed' });
    expect(await last({ port: 9 })).toMatchObject({ stage: 'tcp', error: { code: 'DATABRICKS_UNREACHABLE' } });
    expect(await last({ ca_file: undefined })).toMatchObject({
      stage: 'tls',
      error: { code: 'DATABRICKS_CERTIFICATE' },
    });
    expect(await last({ access_token: 'dapi-nothing-good' })).toMatchObject({
      stage: 'login',
      error: { code: 'DATABRICKS_SIGN_IN' },
    });
    expect(await last({ catalog: 'nowhere' })).toMatchObject({
      stage: 'permission',
      error: { code: 'DESTINATION_NOT_FOUND' },
    });
    const context = { baseDirectory: root, signal: never };
    const withoutStaging: TestedStage[] = [];
    for await (const stage of testDatabricksDestination(warehouse.config({ staging_volume: undefined }), context))
      withoutStaging.push(stage);
    expect(withoutStaging.at(-1)).toMatchObject({ stage: 'login', error: { code: 'DESTINATION_STAGING' } });
  });
});
