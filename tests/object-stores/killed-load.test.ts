import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Destination } from '../../engine/destinations/destination.ts';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { buildPackage, creations, ordersWithChildren } from '../destinations/build-package.ts';
import { startAzuriteProxy } from '../servers/azurite-proxy.ts';
import type { ObjectServer } from '../servers/object-server.ts';
import type { S3Server } from '../servers/object-server-s3.ts';
import type { ChildTask } from './load-in-child.ts';
import { openTestStore, type Place, STORE_KINDS, type StoreServer } from './stores.ts';

const CHILD = fileURLToPath(new URL('load-in-child.ts', import.meta.url));
const { signal } = new AbortController();
const target = { schema: 'raw', table: 'orders' };

function start(task: ChildTask): { child: ChildProcess; lines: Promise<string[]> } {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = Array.fromAsync(createInterface({ input: child.stdout! }));
  return { child, lines };
}

/** A real SIGKILL of a process at one step of each cloud; at the others nothing more that the run sends arrives, which is the same to the store. */
const CLOUDS = [
  { cloud: 'azure', tables: 1, killedAt: 7 },
  { cloud: 's3', tables: 2, killedAt: 11 },
  { cloud: 'gcs', tables: 1, killedAt: 10 },
] as const;

describe.concurrent('loads into buckets', () => {
  let root: string;
  let workspace: Workspace;
  const started = new Map<string, StoreServer>();
  const servers = new Map<string, ObjectServer>();
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'killed-'));
    workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: join(root, 'spill') });
    await Promise.all(
      CLOUDS.map(async ({ cloud }) => {
        const store = await STORE_KINDS.find(({ name }) => name === cloud)!.start();
        started.set(cloud, store);
        const { azure_account_host: azurite } = (await store.place()).credentials;
        servers.set(cloud, store.server ?? (await startAzuriteProxy(azurite!)));
      }),
    );
  });
  afterAll(async () => {
    workspace?.close();
    for (const server of servers.values()) await server.stop();
    for (const store of started.values()) await store.stop();
    await rm(root, { recursive: true, force: true });
  });

  const pack = async (folder: string, loadId: string, ids: number[], watermark: string, tables = 2) => {
    const rows = ids.map((id) => ({ id, name: `n${id}`, lines: 1 }));
    await mkdir(join(root, folder), { recursive: true });
    const built = await buildPackage(join(root, folder), {
      loadId,
      disposition: 'merge',
      key: ['id'],
      watermark,
      tables: ordersWithChildren(loadId, rows).slice(0, tables),
    });
    await writeFile(join(built.folder, 'manifest.json'), JSON.stringify(built.manifest));
    return built;
  };
  const placeIn = async (cloud: string): Promise<Place> => {
    const place = await started.get(cloud)!.place();
    if (cloud === 'azure') place.credentials.azure_account_host = servers.get(cloud)!.url;
    return place;
  };
  const opened = async (place: Place) => {
    const tempDirectory = join(root, 'temporary');
    const store = await openTestStore(place);
    const destination = createObjectStoreDestination(
      { name: 'dest', schema: 'raw' },
      { store, workspace, tempDirectory },
    );
    await destination.open(signal);
    return destination;
  };
  /** Ids by load, and the counts of the child rows; the watermark. */
  const look = async (destination: Destination, tables: number) => {
    const connection = await workspace.connect();
    try {
      const rows = await connection.rows<{ id: number; load: string }>(
        `SELECT id::INTEGER AS id, _dlt_load_id AS load FROM ${await destination.from(target, 'orders')} ORDER BY id`,
      );
      const lines =
        tables === 1 ? [] : await connection.rows(`SELECT 1 FROM ${await destination.from(target, 'orders__lines')}`);
      const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };
      const watermark = (await destination.readState(key))?.watermark;
      return { rows: rows.map(({ id, load }) => `${id}:${load}`), lines: lines.length, watermark };
    } finally {
      connection.close();
    }
  };
  /** As {@link look}, but from all files that lie there, without the product's code: nothing that a dead run left is among them. */
  const lookAtFiles = async (cloud: string, place: Place) => {
    const objects = await started.get(cloud)!.objects(place);
    const connection = await workspace.connect();
    const folder = await mkdtemp(join(root, 'files-'));
    const rowsOf = async (table: string, columns: string) => {
      const files: string[] = [];
      for (const [key, body] of objects) {
        if (!key.startsWith(`raw/${table}/`) || !key.endsWith('.parquet')) continue;
        files.push(literal(join(folder, `${table}-${files.length}.parquet`)));
        await writeFile(join(folder, `${table}-${files.length - 1}.parquet`), body);
      }
      if (files.length === 0) return [];
      return await connection.rows<Record<string, string | number>>(
        `SELECT ${columns} FROM read_parquet([${files}]) ORDER BY ALL`,
      );
    };
    try {
      const rows = await rowsOf('orders', 'id::INTEGER AS id, _dlt_load_id AS load');
      const lines = await rowsOf('orders__lines', '_dlt_parent_id');
      return { keys: [...objects.keys()], rows: rows.map(({ id, load }) => `${id}:${load}`), lines: lines.length };
    } finally {
      connection.close();
    }
  };
  const load = async (destination: Destination, loaded: LoadPackage, isFirst = false) => {
    await destination.load(loaded, isFirst ? creations(loaded) : [], signal);
  };
  const inProcess = async (place: Place, work: (destination: Destination) => Promise<void>) => {
    const destination = await opened(place);
    await work(destination).finally(() => destination.close());
  };

  /** Load n of a ring of three ids: it replaces a row of a file that keeps another one, and the last row of a file. */
  const ring = (n: number) => [n % 3, (n + 1) % 3];
  const packs = new Map<string, Promise<LoadPackage>>();
  const packOf = (n: number, tables: number, loadId = `1.${n}`): Promise<LoadPackage> => {
    const known = packs.get(`${loadId} ${tables}`) ?? pack(`tables-${tables}`, loadId, ring(n), String(n), tables);
    packs.set(`${loadId} ${tables}`, known);
    return known;
  };
  /** @param again loads that came under another id */
  const stateAfter = (n: number, tables: number, again: ReadonlySet<number>) => {
    const newest = new Map([n - 2, n - 1, n].flatMap((at) => ring(at).map((id) => [id, at] as const)));
    const rows = [0, 1, 2].map((id) => `${id}:1.${newest.get(id)}${again.has(newest.get(id)!) ? '.again' : ''}`);
    return { rows, lines: tables === 1 ? 0 : 3, watermark: String(n) };
  };

  it.for(CLOUDS)(
    '$cloud shows the old or the new state whatever request of a merge the process dies at, and the next run completes it',
    {
      timeout: 240_000,
    },
    async ({ cloud, tables, killedAt }) => {
      const server = servers.get(cloud)!;
      const place = await placeIn(cloud);
      const [, bucket] = /^[a-z0-9]+:\/\/([^/]+)/.exec(place.bucketUrl) ?? [];
      const here = new RegExp(`/${bucket}[/?]`);
      for (const n of [0, 1, 2])
        await inProcess(place, async (destination) => load(destination, await packOf(n, tables), n === 0));
      let killed = 0;
      const seen = new Set<string>();
      const again = new Set<number>();
      for (let step = 0, done = false; !done; step += 1) {
        const n = step + 3;
        const loaded = await packOf(n, tables);
        const dying = step === killedAt ? start({ place, root, folders: [loaded.folder] }) : null;
        const exited = new Promise((resolve) => (dying ? dying.child.once('exit', resolve) : resolve(null)));
        let writes = 0;
        let dead = false;
        server.fault = ({ method, url }) => {
          if (!here.test(url)) return undefined;
          if (dead) return { status: 403, code: 'AccessDenied' };
          // Only what changes something can leave something behind.
          if (method === 'GET' || method === 'HEAD' || ++writes !== Math.floor(step / 2) + 1) return undefined;
          dead = true;
          if (dying?.child.kill('SIGKILL')) killed += 1;
          // Even steps: it was not done any more. Odd ones: it was, and nobody heard of it.
          return step % 2 === 1 ? { losesAnswer: true } : { status: 403, code: 'AccessDenied' };
        };
        if (dying) await dying.lines;
        else await inProcess(place, (destination) => load(destination, loaded)).catch(() => undefined);
        await exited;
        done = !dead;
        server.fault = () => undefined;
        await inProcess(place, async (destination) => {
          // The next run: after a process that died it has to break its lock.
          const lock = dying && (await destination.lock(target, { runId: 'next', pid: process.pid, host: hostname() }));
          const before = await look(destination, tables);
          expect([stateAfter(n - 1, tables, again), stateAfter(n, tables, again)], `step ${step}`).toContainEqual(
            before,
          );
          seen.add(before.watermark === String(n) ? 'after' : 'before');
          // The package may be lost with the computer: then its rows are read again, and nothing is to be left of the first time.
          if (Math.floor(step / 2) % 2 === 1 && before.watermark !== String(n)) {
            again.add(n);
            await load(destination, await packOf(n, tables, `1.${n}.again`));
          } else await load(destination, loaded);
          await lock?.release();
        });
        // What it wrote as the watermark shows at the next step.
        const { keys, ...after } = await lookAtFiles(cloud, place);
        expect({ ...after, watermark: String(n) }, `step ${step}`).toEqual(stateAfter(n, tables, again));
        expect(
          keys.filter((key) => /\.loading$|_lock/.test(key)),
          `step ${step}`,
        ).toEqual([]);
        if (done) expect(step).toBeGreaterThan(8);
      }
      expect(seen).toEqual(new Set(['before', 'after']));
      expect(killed).toBe(1);
    },
  );

  it('takes back the room of uploads that a dead process left', async () => {
    const place = await placeIn('s3');
    const first = await pack('orphans', '1.1', [1, 2], '1');
    await inProcess(place, (destination) => load(destination, first, true));
    // As a run leaves it that dies in the midst of a large file.
    const store = await openTestStore(place);
    const manifests = 'raw/orders/_manifests/';
    const note = { load_id: '0.9', base: 0, tables: ['orders'] };
    await store.put(`${manifests}0.9.loading`, JSON.stringify(note), null);
    const uploads = (servers.get('s3') as S3Server).uploads;
    const [bucket = ''] = place.bucketUrl.slice('s3://'.length).split('/');
    const upload = { bucket, metadata: {}, parts: new Map([[1, { body: Buffer.alloc(9), etag: 'x' }]]) };
    uploads.set('dead', { ...upload, key: 'lake/raw/orders/0.9.0.parquet' });
    uploads.set('alive', { ...upload, key: 'lake/raw/orders/1.9.0.parquet' });
    await store.close();
    const second = await pack('orphans', '1.2', [2, 3], '2');
    await inProcess(place, (destination) => load(destination, second));
    expect([...uploads.keys()]).toEqual(['alive']);
    uploads.clear();
    expect(await lookAtFiles('s3', place)).toMatchObject({ rows: ['1:1.1', '2:1.2', '3:1.2'], lines: 3 });
  }, 60_000);

  it('loads every package once, though two processes write the same table', async () => {
    const place = await placeIn('s3');
    const ids = (n: number) => [n * 10, n * 10 + 1];
    const packs = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => pack(`rivals-${n}`, `2.${n}`, ids(n), String(n))));
    const folders = packs.map(({ folder }) => folder);
    const rivals = [folders.slice(0, 3), folders.slice(3)].map((some) =>
      start({ place, root, folders: some, withoutLock: true }),
    );
    for (const { lines } of rivals) expect((await lines).at(-1)).toMatch(/^done/);
    const { rows, lines } = await lookAtFiles('s3', place);
    expect(rows).toEqual([1, 2, 3, 4, 5, 6].flatMap((n) => ids(n).map((id) => `${id}:2.${n}`)));
    expect(lines).toBe(12);
    // With the lock, the second one is told who is there.
    const destination = await opened(place);
    const lock = await destination.lock(target, { runId: 'the-first', pid: process.pid, host: hostname() });
    const other = spawn(process.execPath, [CHILD, JSON.stringify({ place, root, folders })], { stdio: 'pipe' });
    const said = (await Array.fromAsync(other.stderr)).join('');
    expect(said).toContain('LOCKED');
    expect(said).toContain('the-first');
    await lock.release();
    await destination.close();
  }, 60_000);

  it('uploads 200 MB in bounded memory', async () => {
    const place = await placeIn('s3');
    const bytes = 200_000_000;
    const { lines } = start({ place, root, upload: bytes });
    const [, mebibytes] = /^done (\d+)$/.exec((await lines).at(-1) ?? '') ?? [];
    expect((await started.get('s3')!.objects(place)).get('large.bin')).toHaveLength(bytes);
    // Five parts of 8 MiB at the most, what the SDK signs of them, and the SDK itself.
    expect(Number(mebibytes)).toBeLessThan(150);
  }, 60_000);
});
