import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { buildPackage, creations } from './build-package.ts';
import { KINDS } from './kinds.ts';

const CHILD = fileURLToPath(new URL('load-in-child.ts', import.meta.url));
const ROWS = 40_000;
const PACKAGES = 4;
const KILLS = 3;
const target = { schema: 'raw', table: 'orders' };
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };
const never = new AbortController().signal;

/** Each package brings ROWS rows, of which the first half has the keys of the package before. */
async function packages(root: string, disposition: 'append' | 'merge'): Promise<LoadPackage[]> {
  const packs: LoadPackage[] = [];
  for (let n = 0; n < PACKAGES; n += 1) {
    const loadId = `17000000${n}.000000001`;
    const first = disposition === 'merge' ? (n * ROWS) / 2 : n * ROWS;
    const pack = await buildPackage(root, {
      loadId,
      disposition,
      key: disposition === 'merge' ? ['id'] : [],
      watermark: String(n),
      tables: [
        {
          name: 'orders',
          columns: { id: 'BIGINT', text: 'VARCHAR', _dlt_load_id: 'VARCHAR', _dlt_id: 'VARCHAR' },
          rows: `SELECT ${first} + i AS id, md5(i::VARCHAR) AS text, '${loadId}' AS _dlt_load_id, '${loadId}-' || i AS _dlt_id FROM range(${ROWS}) t(i)`,
          files: 3,
        },
        {
          name: 'orders__lines',
          parent: 'orders',
          columns: { sku: 'VARCHAR', _dlt_parent_id: 'VARCHAR' },
          rows: `SELECT md5(i::VARCHAR) AS sku, '${loadId}-' || i AS _dlt_parent_id FROM range(${ROWS}) t(i)`,
        },
      ],
    });
    await writeFile(join(pack.folder, 'manifest.json'), JSON.stringify(pack.manifest));
    packs.push(pack);
  }
  return packs;
}

/** Starts a run and kills it `delay` milliseconds after it began to load; gives the load ids that it said were loaded. */
async function runAndKill(kind: string, root: string, packs: LoadPackage[], delay: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, kind, root, ...packs.map((pack) => pack.folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const loaded: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'opened') setTimeout(() => child.kill('SIGKILL'), delay);
    if (line.startsWith('loaded ')) loaded.push(line.slice(7));
  }
  await exited;
  return loaded;
}

for (const kind of KINDS) {
  describe(`a killed load into ${kind.name}`, () => {
    let root: string;
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), 'killed-'));
    });
    afterEach(async () => {
      await rm(root, { recursive: true, force: true });
    });

    for (const disposition of ['append', 'merge'] as const) {
      it(`is there completely or not at all, and exactly once after it was loaded again (${disposition})`, async () => {
        const packs = await packages(root, disposition);
        for (let kill = 0; kill < KILLS; kill += 1) {
          const loaded = await runAndKill(kind.name, root, packs, Math.random() ** 2 * 300);
          const workspace = await Workspace.open({
            memoryLimitMiB: 300,
            threads: 1,
            tempDirectory: join(root, 'spill'),
          });
          const destination = await kind.create(root, workspace);
          await destination.open(never);
          // The dead run's lock is broken without anybody's help.
          const lock = await destination.lock(target, { runId: `after-${kill}`, pid: process.pid, host: hostname() });
          const state = await destination.readState(key);
          const complete = state === null ? 0 : Number(state.watermark) + 1;
          expect(complete).toBeGreaterThanOrEqual(loaded.length);
          const there = (await destination.describeTables(target)).map(({ name }) => name);
          if (there.length > 0) {
            const connection = await workspace.connect();
            const count = async (table: string, columns: string) =>
              await connection.rows(`SELECT ${columns} FROM ${await destination.from(target, table)}`);
            const rowsAfter = (n: number) => (disposition === 'append' ? n * ROWS : ((n + 1) * ROWS) / 2);
            // Where the state follows the data, one load more may be there, of child tables first.
            const possible = destination.capabilities.transactional ? [complete] : [complete, complete + 1];
            const loads = 'count(*)::INTEGER AS n, count(DISTINCT _dlt_load_id)::INTEGER AS loads';
            const [orders] = there.includes('orders') ? await count('orders', loads) : [{ n: 0, loads: 0 }];
            const wholeLoads = (n: number) => (n === 0 ? { n: 0, loads: 0 } : { n: rowsAfter(n), loads: n });
            expect(possible.map(wholeLoads)).toContainEqual(orders);
            const [lines] = await count('orders__lines', 'count(*)::INTEGER AS n');
            expect(possible.map((n) => wholeLoads(n).n)).toContain(lines?.n);
            expect(Number(lines?.n)).toBeGreaterThanOrEqual(Number(orders?.n));
            connection.close();
          } else {
            expect(complete).toBe(0);
          }
          await lock.release();
          await destination.close();
          workspace.close();
        }
        const workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: join(root, 'spill') });
        const destination = await kind.create(root, workspace);
        await destination.open(never);
        for (const pack of packs) {
          const there = (await destination.describeTables(target)).map(({ name }) => name);
          const missing = creations(pack).filter((change) => !there.includes(change.table));
          await destination.load(pack, missing, never);
        }
        await destination.close();
        workspace.close();
        const total = disposition === 'append' ? PACKAGES * ROWS : ((PACKAGES + 1) * ROWS) / 2;
        // Read without the manifest: nothing that a dead run left is lying about, either.
        const columns =
          'count(*)::INTEGER AS n, count(DISTINCT _dlt_id)::INTEGER AS ids, count(DISTINCT id)::INTEGER AS keys';
        expect(await kind.read(root, 'raw', 'orders', columns)).toEqual([{ n: total, ids: total, keys: total }]);
        expect(await kind.read(root, 'raw', 'orders__lines', 'count(*)::INTEGER AS n')).toEqual([{ n: total }]);
      });
    }
  });
}
