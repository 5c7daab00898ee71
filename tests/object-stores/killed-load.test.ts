import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { buildPackage, ordersWithChildren } from '../destinations/build-package.ts';
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

describe('loads into S3 by processes', () => {
  let root: string;
  let started: StoreServer;
  let server: ObjectServer;
  let workspace: Workspace;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'killed-'));
    started = await STORE_KINDS.find(({ name }) => name === 's3')!.start();
    server = started.server as ObjectServer;
    workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: join(root, 'spill') });
  });
  afterAll(async () => {
    workspace?.close();
    await started?.stop();
    await rm(root, { recursive: true, force: true });
  });

  const pack = async (folder: string, loadId: string, ids: number[], watermark: string): Promise<LoadPackage> => {
    const rows = ids.map((id) => ({ id, name: `n${id}`, lines: 1 }));
    await mkdir(join(root, folder), { recursive: true });
    const built = await buildPackage(join(root, folder), {
      loadId,
      disposition: 'merge',
      key: ['id'],
      watermark,
      tables: ordersWithChildren(loadId, rows).slice(0, 2),
    });
    await writeFile(join(built.folder, 'manifest.json'), JSON.stringify(built.manifest));
    return built;
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
  const look = async (place: Place) => {
    const destination = await opened(place);
    const connection = await workspace.connect();
    try {
      if ((await destination.describeTables(target)).length === 0) return { rows: [], lines: 0, watermark: null };
      const rows = await connection.rows<{ id: number; load: string }>(
        `SELECT id::INTEGER AS id, _dlt_load_id AS load FROM ${await destination.from(target, 'orders')} ORDER BY id`,
      );
      const [lines] = await connection.rows<{ n: number }>(
        `SELECT count(*)::INTEGER AS n FROM ${await destination.from(target, 'orders__lines')}`,
      );
      const state = await destination.readState({
        pipeline: 'test_pipeline',
        target_schema: 'raw',
        target_table: 'orders',
      });
      return {
        rows: rows.map(({ id, load }) => `${id}:${load}`),
        lines: lines?.n,
        watermark: state?.watermark ?? null,
      };
    } finally {
      connection.close();
      await destination.close();
    }
  };
  /** Loads in this process, with the lock, as the next run does. */
  const run = async (place: Place, { manifest, folder }: LoadPackage, withLock = true) => {
    const destination = await opened(place);
    const owner = { runId: 'next', pid: process.pid, host: hostname() };
    const lock = withLock ? await destination.lock(target, owner) : null;
    const known = new Set((await destination.describeTables(target)).map(({ name }) => name));
    const missing = manifest.tables.filter(({ name }) => !known.has(name));
    const creations = missing.map(({ name, columns }) => ({ kind: 'create_table' as const, table: name, columns }));
    await destination.load({ manifest, folder }, creations, signal);
    await lock?.release();
    await destination.close();
  };
  const BEFORE = { rows: ['1:1.1', '2:1.1'], lines: 2, watermark: '1' };
  const AFTER = { rows: ['1:1.1', '2:1.2', '3:1.2'], lines: 3, watermark: '2' };

  it('shows the old or the new state whatever request of a merge the process dies at, and the next run completes it', async () => {
    const place = await started.place();
    const first = await pack('every-step', '1.1', [1, 2], '1');
    const second = await pack('every-step', '1.2', [2, 3], '2');
    let steps = 0;
    const seen = new Set<string>();
    for (let step = 0, done = false; !done; step += 1) {
      const own = { ...place, bucketUrl: `${place.bucketUrl}/step-${step}` };
      await run(own, first);
      // Every eighth step kills a process; at the others nothing more that this process sends arrives, which is the same to the store.
      const dying = step % 8 === 3 ? start({ place: own, root, folders: [second.folder] }) : null;
      const exited = new Promise((resolve) => (dying ? dying.child.once('exit', resolve) : resolve(null)));
      let writes = 0;
      let dead = false;
      server.fault = ({ method, url }) => {
        if (!url.includes(`step-${step}`)) return undefined;
        if (dead) return { status: 403, code: 'AccessDenied' };
        // Only what changes something can leave something behind.
        if (method === 'GET' || method === 'HEAD' || ++writes !== Math.floor(step / 2) + 1) return undefined;
        dead = true;
        // Even steps: it was not done any more. Odd ones: it was, and nobody heard of it.
        setTimeout(() => dying?.child.kill('SIGKILL'), 0);
        return step % 2 === 1 ? { losesAnswer: true } : { status: 403, code: 'AccessDenied' };
      };
      if (dying) await dying.lines;
      else await run(own, second, false).catch(() => undefined);
      await exited;
      done = !dead;
      server.fault = () => undefined;
      const now = await look(own);
      expect([BEFORE, AFTER], `step ${step}`).toContainEqual(now);
      seen.add(now === AFTER || now.watermark === '2' ? 'after' : 'before');
      // The next run: after a process that died another process, which has to break its lock.
      if (dying) {
        const next = start({ place: own, root, folders: [second.folder] });
        expect((await next.lines).at(-1), `step ${step}`).toMatch(/^done/);
      } else await run(own, second);
      expect(await look(own), `step ${step}`).toEqual(AFTER);
      const left = [...(await started.objects(own)).keys()].filter((key) => /\.loading$|_lock/.test(key));
      expect(left, `step ${step}`).toEqual([]);
      steps = step;
    }
    expect(steps).toBeGreaterThan(8);
    expect(seen).toEqual(new Set(['before', 'after']));
  }, 240_000);

  it('takes back the room of uploads that a dead process left', async () => {
    const place = await started.place();
    const first = await pack('orphans', '1.1', [1, 2], '1');
    await run(place, first);
    // As a run leaves it that dies in the midst of a large file.
    const store = await openTestStore(place);
    const manifests = 'raw/orders/_manifests/';
    const note = { load_id: '0.9', base: 0, tables: ['orders'] };
    await store.put(`${manifests}0.9.loading`, JSON.stringify(note), null);
    const uploads = (server as S3Server).uploads;
    const [bucket = ''] = place.bucketUrl.slice('s3://'.length).split('/');
    const upload = { bucket, metadata: {}, parts: new Map([[1, { body: Buffer.alloc(9), etag: 'x' }]]) };
    uploads.set('dead', { ...upload, key: 'lake/raw/orders/0.9.0.parquet' });
    uploads.set('alive', { ...upload, key: 'lake/raw/orders/1.9.0.parquet' });
    await store.close();
    const second = await pack('orphans', '1.2', [2, 3], '2');
    await run(place, second);
    expect([...uploads.keys()]).toEqual(['alive']);
    uploads.clear();
    expect(await look(place)).toEqual(AFTER);
  }, 60_000);

  it('loads every package once, though two processes write the same table', async () => {
    const place = await started.place();
    const ids = (n: number) => [n * 10, n * 10 + 1];
    const packs = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => pack(`rivals-${n}`, `2.${n}`, ids(n), String(n))));
    const folders = packs.map(({ folder }) => folder);
    const rivals = [folders.slice(0, 3), folders.slice(3)].map((some) =>
      start({ place, root, folders: some, withoutLock: true }),
    );
    for (const { lines } of rivals) expect((await lines).at(-1)).toMatch(/^done/);
    const { rows, lines } = await look(place);
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
    const place = await started.place();
    const bytes = 200_000_000;
    const { lines } = start({ place, root, upload: bytes });
    const [, mebibytes] = /^done (\d+)$/.exec((await lines).at(-1) ?? '') ?? [];
    expect((await started.objects(place)).get('large.bin')).toHaveLength(bytes);
    // Five parts of 8 MiB at the most, what the SDK signs of them, and the SDK itself.
    expect(Number(mebibytes)).toBeLessThan(150);
  }, 60_000);
});
