import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workspace } from '../../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../../engine/load/load-package.ts';
import type { DatabricksDestination } from '../../../engine/spec/destination.ts';
import type { WriteDisposition } from '../../../engine/spec/kinds.ts';
import { buildPackage, creations, ordersWithChildren } from '../build-package.ts';
import { startTestWarehouse, type TestWarehouse } from './warehouse.ts';

const never = new AbortController().signal;
const target = { schema: 'raw', table: 'orders' };
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };

let root: string;
let workspace: Workspace;
let warehouse: TestWarehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'exactly-once-'));
  workspace = await Workspace.open({ memoryLimitMiB: 200, threads: 1, tempDirectory: join(root, 'spill') });
  warehouse = await startTestWarehouse();
});
afterAll(async () => {
  await warehouse.close();
  workspace.close();
  await rm(root, { recursive: true, force: true });
});

/**
 * A process that loads a package. With `deadAfter` it dies right after its n-th statement that changes something was carried out, and nothing
 * of it is heard again. (Dying after a SELECT is dying after the change before it.) Gives the number of such statements.
 */
async function run(
  catalog: string,
  pack: LoadPackage,
  deadAfter = Number.POSITIVE_INFINITY,
  values: Partial<DatabricksDestination> = {},
): Promise<number> {
  const { faults } = warehouse.server;
  let statements = 0;
  let isDead = false;
  faults.onRequest = () => (isDead ? 'cut' : undefined);
  faults.onStatement = (sql) => {
    if (/^(SELECT|DESCRIBE)/.test(sql)) return undefined;
    statements += 1;
    if (statements <= deadAfter - 1) return undefined;
    isDead = deadAfter !== Number.POSITIVE_INFINITY;
    return isDead ? { cut: 'after' } : undefined;
  };
  const retry = { attempts: 1, firstWait: 1, longestWait: 2 };
  const destination = warehouse.destination(workspace, root, { ...values, catalog }, { retry });
  try {
    await destination.open(never);
    const existing = await destination.describeTables(target);
    const known = new Set(existing.map(({ name }) => name));
    await destination.load(
      pack,
      creations(pack).filter((change) => !known.has(change.table)),
      never,
    );
    expect(isDead).toBe(false);
  } catch (error) {
    if (!isDead) throw error;
  } finally {
    await destination.close();
    delete faults.onRequest;
    delete faults.onStatement;
  }
  return statements;
}

const count = async (catalog: string, table: string, select = 'count(*)') => {
  const [row] = await warehouse.server.query(`SELECT (${select})::INTEGER AS n FROM "${catalog}.raw"."${table}"`);
  return row?.n;
};

/** The n-th load: three orders, of which a merge meets one again, each with two lines. */
function contentOf(n: number, loadId: string, disposition: WriteDisposition) {
  const first = disposition === 'append' ? n * 3 : n * 2;
  const rows = [0, 1, 2].map((i) => ({ id: first + i, name: `v${n}`, lines: 2 }));
  return {
    loadId,
    disposition,
    key: ['id'],
    watermark: String(n),
    tables: ordersWithChildren(loadId, rows).slice(0, 2),
  };
}

async function expectLoaded(catalog: string, n: number, disposition: WriteDisposition): Promise<void> {
  const orders = { append: (n + 1) * 3, merge: n * 2 + 3, replace: 3 }[disposition];
  expect(await count(catalog, 'orders')).toBe(orders);
  expect(await count(catalog, 'orders', 'count(DISTINCT id)')).toBe(orders);
  expect(await count(catalog, 'orders__lines')).toBe(orders * 2);
  const orphans = `SELECT count(*)::INTEGER AS n FROM "${catalog}.raw"."orders__lines" WHERE _dlt_parent_id NOT IN (SELECT _dlt_id FROM "${catalog}.raw"."orders")`;
  expect(await warehouse.server.query(orphans)).toEqual([{ n: 0 }]);
}

/** What a load may leave behind: staging tables in the schema. */
async function leftTables(catalog: string): Promise<unknown[]> {
  return await warehouse.server.query(
    `SELECT table_name FROM duckdb_tables() WHERE schema_name = '${catalog}.raw' AND starts_with(table_name, '_dlt_stage')`,
  );
}

describe('a load that dies after any of its statements', () => {
  for (const disposition of ['append', 'merge', 'replace'] as const) {
    it(`is there exactly once when it was loaded again (${disposition})`, async () => {
      const catalog = warehouse.catalog();
      let n = 0;
      const next = async () => {
        const pack = await buildPackage(root, contentOf(n, `17${n}.${disposition.length}`, disposition));
        return pack;
      };
      await run(catalog, await next());
      n += 1;
      const statements = await run(catalog, await next());
      await expectLoaded(catalog, n, disposition);
      expect(statements).toBeGreaterThanOrEqual(5);
      for (let deadAfter = 1; deadAfter <= statements; deadAfter += 1) {
        n += 1;
        const pack = await next();
        await run(catalog, pack, deadAfter);
        await run(catalog, pack);
        await expectLoaded(catalog, n, disposition);
      }
      const destination = warehouse.destination(workspace, root, { catalog });
      await destination.open(never);
      expect(await destination.readState(key)).toMatchObject({ watermark: String(n) });
      await destination.close();
      expect(await count(catalog, '_dlt_loads')).toBe(n + 1);
      expect(await count(catalog, '_dlt_loads', 'max(status)')).toBe(0);
      expect(await leftTables(catalog)).toEqual([]);
      expect(
        (await readdir(join(warehouse.volume, 'ingest-staging'), { recursive: true })).filter((name) =>
          name.endsWith('.parquet'),
        ),
      ).toEqual([]);
    });
  }

  it('is there exactly once when the staging place was another one by then', async () => {
    const catalog = warehouse.catalog();
    await run(catalog, await buildPackage(root, contentOf(0, '160.0', 'append')));
    const statements = await run(catalog, await buildPackage(root, contentOf(1, '161.0', 'append')));
    for (let deadAfter = 1; deadAfter <= statements; deadAfter += 1) {
      const pack = await buildPackage(root, contentOf(deadAfter + 1, `16${deadAfter + 1}.0`, 'append'));
      await run(catalog, pack, deadAfter);
      // COPY INTO knows files by their paths, which are new to it
      await run(catalog, pack, undefined, { staging_volume: 'main.raw.moved' });
      await expectLoaded(catalog, deadAfter + 1, 'append');
    }
  });

  it('is not taken back by another pipeline that loads the same table', async () => {
    const catalog = warehouse.catalog();
    await run(catalog, await buildPackage(root, contentOf(0, '150.0', 'append')));
    const dead = await buildPackage(root, contentOf(1, '151.0', 'append'));
    const statements = await run(catalog, await buildPackage(root, contentOf(2, '152.0', 'append')));
    // the data is there, its state is not
    await run(catalog, dead, statements - 3);
    await run(catalog, await buildPackage(root, { ...contentOf(3, '153.0', 'append'), pipeline: 'another' }));
    await run(catalog, dead);
    await expectLoaded(catalog, 3, 'append');
    expect(await count(catalog, '_dlt_loads', 'count(*) FILTER (status = 0)')).toBe(4);
  });

  for (const disposition of ['append', 'merge'] as const) {
    it(`is there exactly once when its package was lost with the computer and its rows were read again (${disposition})`, async () => {
      const catalog = warehouse.catalog();
      let n = 0;
      await run(catalog, await buildPackage(root, contentOf(n, '180.0', disposition)));
      n += 1;
      const statements = await run(catalog, await buildPackage(root, contentOf(n, '181.0', disposition)));
      // a merge that is done again under another load id is the same merge: every third statement will do
      for (let deadAfter = 1; deadAfter <= statements; deadAfter += disposition === 'append' ? 1 : 3) {
        n += 1;
        const loadId = `18${n}.0`;
        const lost = await buildPackage(root, contentOf(n, loadId, disposition));
        await run(catalog, lost, deadAfter);
        const destination = warehouse.destination(workspace, root, { catalog });
        await destination.open(never);
        const state = await destination.readState(key);
        await destination.close();
        // A run reads on from the state: where that was not written, the same rows come again under another load id.
        if (state?.watermark !== String(n)) {
          await run(catalog, await buildPackage(root, contentOf(n, `18${n}.1`, disposition)));
          // and a package that turns up later is not loaded any more, where anything of it was
          const begun = await count(catalog, '_dlt_loads', `count(*) FILTER (load_id = '${loadId}')`);
          if (begun === 1) await run(catalog, lost);
        }
        await expectLoaded(catalog, n, disposition);
      }
    });
  }
});
