import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { createLocalStore } from '../../engine/object-stores/local-store.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { buildPackage, creations, ordersWithChildren, type PackageContent } from './build-package.ts';
import { query } from './read-back.ts';

const never = new AbortController().signal;
const target = { schema: 'raw', table: 'orders' };
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };
const merge = { disposition: 'merge' as const, key: ['id'] };

/** A store with some of its operations replaced: the way to a full disk, a locked file, a lost answer. */
function withFaults(store: ObjectStore, faults: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get(real, name: keyof ObjectStore) {
      const value = faults[name] ?? real[name];
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: it does not work`), { code });
}

describe('Parquet folder', () => {
  let root: string;
  let lake: string;
  let workspace: Workspace;
  let store: ObjectStore;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'lake-'));
    lake = join(root, 'lake');
    workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 2, tempDirectory: join(root, 'spill') });
    store = createLocalStore(lake);
  });
  afterEach(async () => {
    workspace.close();
    await rm(root, { recursive: true, force: true });
  });

  const opened = async (faults: Partial<ObjectStore> = {}) => {
    const destination = createObjectStoreDestination(
      { name: 'dest', schema: 'raw' },
      { store: withFaults(store, faults), workspace, tempDirectory: join(root, 'temporary') },
    );
    await destination.open(never);
    return destination;
  };
  const load = async (pack: LoadPackage, faults: Partial<ObjectStore> = {}, changes = creations(pack)) =>
    await (await opened(faults)).load(pack, changes, never);
  const orders = (loadId: string, ids: number[], rest: Partial<PackageContent> = {}) =>
    buildPackage(root, {
      loadId,
      ...rest,
      tables: ordersWithChildren(
        loadId,
        ids.map((id) => ({ id, name: `n${id}`, lines: 1 })),
      ),
    });
  const files = async (table = 'orders') => (await readdir(join(lake, 'raw', table)).catch(() => [])).toSorted();
  const ids = async () => {
    const rows = await query(
      null,
      `SELECT id::INTEGER AS id FROM read_parquet(${literal(join(lake, 'raw/orders/*.parquet'))}) ORDER BY id`,
    );
    return rows.map((row) => row.id);
  };

  it('lays files and manifests out as promised', async () => {
    await load(await orders('1.1', [1, 2], { watermark: '2' }));
    await load(await orders('1.2', [3]), {}, []);
    expect(await files()).toEqual(['1.1.0.parquet', '1.2.0.parquet', '_manifests']);
    expect(await files('orders__lines')).toEqual(['1.1.0.parquet', '1.2.0.parquet']);
    expect(await files('orders/_manifests')).toEqual(['00000001.json', '00000002.json']);
    const manifest = JSON.parse(await readFile(join(lake, 'raw/orders/_manifests/00000002.json'), 'utf8'));
    expect(manifest).toMatchObject({
      version: 1,
      number: 2,
      schema: 'raw',
      table: 'orders',
      tables: [
        {
          name: 'orders',
          parent: null,
          files: [
            { name: '1.1.0.parquet', rows: 2 },
            { name: '1.2.0.parquet', rows: 1 },
          ],
        },
        { name: 'orders__lines', parent: 'orders' },
        { name: 'orders__lines__discounts', parent: 'orders__lines' },
      ],
      loads: [{ load_id: '1.1', pipeline: 'test_pipeline', status: 0, rows: 2 }, { load_id: '1.2' }],
      states: { test_pipeline: { load_id: '1.2' } },
      garbage: [],
    });
    const destination = await opened();
    expect(destination.location()).toBe(lake);
    await expect(destination.from(target, 'orders__nothing')).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' });
  });

  it('keeps a few manifests only', async () => {
    for (let n = 1; n <= 9; n += 1) {
      const pack = await buildPackage(root, {
        loadId: `1.${n}`,
        tables: [{ name: 'orders', columns: { id: 'INTEGER' }, rows: 'SELECT 1 AS id' }],
      });
      await load(pack, {}, n === 1 ? creations(pack) : []);
    }
    expect(await files('orders/_manifests')).toEqual([4, 5, 6, 7, 8, 9].map((n) => `0000000${n}.json`));
  });

  it('rewrites the files that a merge touches and no others', async () => {
    await load(await orders('1.1', [1, 2, 3], merge));
    await load(await orders('1.2', [4, 5], merge), {}, []);
    await load(await orders('1.3', [2], merge), {}, []);
    expect(await files()).toEqual(['1.2.0.parquet', '1.3.0.parquet', '1.3.1.parquet', '_manifests']);
    expect(await files('orders__lines')).toEqual(['1.2.0.parquet', '1.3.0.parquet', '1.3.1.parquet']);
    expect(await ids()).toEqual([1, 2, 3, 4, 5]);
    await load(await orders('1.4', [4, 5], merge), {}, []);
    expect(await files()).toEqual(['1.3.0.parquet', '1.3.1.parquet', '1.4.0.parquet', '_manifests']);
  });

  it('writes old files anew when a column becomes wider, so that each reader finds one type', async () => {
    const table = (type: string, value: string) => [
      { name: 'orders', columns: { id: type }, rows: `SELECT ${value} AS id` },
    ];
    await load(await buildPackage(root, { loadId: '1.1', tables: table('INTEGER', '1') }));
    const widen = { kind: 'widen_column', table: 'orders', column: 'id', from: 'INTEGER', to: 'BIGINT' } as const;
    await load(await buildPackage(root, { loadId: '1.2', tables: table('BIGINT', '5000000000') }), {}, [widen]);
    const schemas = await query(
      null,
      `SELECT DISTINCT type FROM parquet_schema(${literal(join(lake, 'raw/orders/*.parquet'))}) WHERE name = 'id'`,
    );
    expect(schemas).toEqual([{ type: 'INT64' }]);
    expect(
      await query(null, `SELECT id FROM read_parquet(${literal(join(lake, 'raw/orders/*.parquet'))}) ORDER BY id`),
    ).toEqual([{ id: '1' }, { id: '5000000000' }]);
  });

  it('can only widen what readers of Parquet follow', async () => {
    const { canWiden } = (await opened()).capabilities;
    for (const [from, to] of [
      ['INTEGER', 'VARCHAR'],
      ['INTEGER', 'DOUBLE'],
      ['BIGINT', 'HUGEINT'],
      ['DATE', 'TIMESTAMP'],
      ['INTEGER', 'DECIMAL(20,2)'],
    ] as const) {
      expect([from, to, canWiden(from, to)]).toEqual([from, to, false]);
    }
    expect(canWiden('UINTEGER', 'BIGINT')).toBe(true);
  });

  describe('when the disk becomes full', () => {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      it(`in write ${at}: shows the old data, leaves no new file, and loads later`, async () => {
        await load(await orders('1.1', [1, 2], { ...merge, watermark: '1' }));
        const before = await files('orders__lines');
        const pack = await orders('1.2', [2, 3], { ...merge, watermark: '2' });
        let writes = 0;
        const faults: Partial<ObjectStore> = {
          async write(name: string, body: Readable, bytes: number, signal?: AbortSignal) {
            writes += 1;
            if (writes < at) return await store.write(name, body, bytes, signal);
            body.destroy();
            throw failure('ENOSPC');
          },
        };
        await expect(load(pack, faults, [])).rejects.toMatchObject({
          code: 'DISK_FULL',
          retryable: true,
          hint: expect.stringContaining('Free space'),
        });
        expect(await ids()).toEqual([1, 2]);
        expect(await files('orders__lines')).toEqual(before);
        expect(await (await opened()).readState(key)).toMatchObject({ watermark: '1' });
        expect(await load(pack, {}, [])).toEqual({ loaded: true, rows: 2 });
        expect(await ids()).toEqual([1, 2, 3]);
      });
    }

    it('at the manifest: the same', async () => {
      await load(await orders('1.1', [1]));
      const pack = await orders('1.2', [2]);
      const put = async (name: string, text: string) => {
        if (name.endsWith('.json')) throw failure('ENOSPC');
        return await store.put(name, text, 'absent');
      };
      await expect(load(pack, { put }, [])).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(await files()).toEqual(['1.1.0.parquet', '_manifests']);
      expect(await load(pack, {}, [])).toEqual({ loaded: true, rows: 1 });
      expect(await ids()).toEqual([1, 2]);
    });
  });

  it('counts a load whose manifest was written though the answer was lost', async () => {
    const pack = await orders('1.1', [1]);
    const put = async (name: string, text: string) => {
      const done = await store.put(name, text, 'absent');
      if (name.endsWith('.json')) throw failure('ETIMEDOUT');
      return done;
    };
    expect(await load(pack, { put })).toEqual({ loaded: true, rows: 1 });
    expect(await load(pack, {}, [])).toEqual({ loaded: false, rows: 0 });
    expect(await ids()).toEqual([1]);
  });

  it('gives way to another writer that was first', async () => {
    await load(await orders('1.1', [1]));
    const rival = await orders('1.2', [2]);
    let raced = false;
    const manifest = await readFile(join(lake, 'raw/orders/_manifests/00000001.json'), 'utf8');
    const put = async (name: string, text: string) => {
      if (name.endsWith('.json') && !raced) {
        raced = true;
        await store.put(name, manifest.replace('"number": 1', '"number": 2'), 'absent');
      }
      return await store.put(name, text, 'absent');
    };
    await expect(load(rival, { put }, [])).rejects.toMatchObject({
      code: 'DESTINATION_CHANGED',
      retryable: true,
    });
    expect(await ids()).toEqual([1]);
    const state = rival.manifest.state;
    raced = false;
    const destination = await opened({
      put: async () => false,
    });
    await expect(destination.writeState(key, state)).rejects.toMatchObject({ code: 'DESTINATION_CHANGED' });
  });

  it('leaves an old file that somebody reads, and removes it with the next load', async () => {
    await load(await orders('1.1', [1], { disposition: 'replace' }));
    const locked = async (names: readonly string[]) => {
      if (names.some((name) => name.endsWith('1.1.0.parquet'))) throw failure('EBUSY');
      await store.delete(names);
    };
    expect(await load(await orders('1.2', [2], { disposition: 'replace' }), { delete: locked }, [])).toEqual({
      loaded: true,
      rows: 1,
    });
    expect(await files()).toEqual(['1.1.0.parquet', '1.2.0.parquet', '_manifests']);
    const connection = await workspace.connect();
    expect(await connection.rows(`SELECT id FROM ${await (await opened()).from(target, 'orders')}`)).toEqual([
      { id: '2' },
    ]);
    connection.close();
    await load(await orders('1.3', [3], { disposition: 'replace' }), { delete: locked }, []);
    await load(await orders('1.4', [4]), {}, []);
    expect(await files()).toEqual(['1.3.0.parquet', '1.4.0.parquet', '_manifests']);
  });

  it('never removes what is not its own', async () => {
    await mkdir(join(lake, 'raw', 'orders'), { recursive: true });
    const foreign = ['1.1.summary.parquet', '1.10.0.parquet', '2020.0.parquet', 'notes.txt'];
    for (const name of foreign) await writeFile(join(lake, 'raw', 'orders', name), name);
    const pack = await orders('1.1', [1], { disposition: 'replace' });
    // A run that died after its files and before its manifest.
    const dies = async (name: string, text: string) => {
      if (name.endsWith('.json')) throw failure('EIO');
      return await store.put(name, text, 'absent');
    };
    const undeletable = async () => {
      throw failure('EIO');
    };
    await expect(load(pack, { put: dies, delete: undeletable })).rejects.toMatchObject({
      code: 'DESTINATION_FAILED',
      retryable: true,
    });
    expect(await files()).toContain('1.1.0.parquet');
    const other = await orders('1.2', [2], { disposition: 'replace' });
    await load(other);
    expect(await files()).toEqual([...foreign, '1.2.0.parquet', '_manifests'].toSorted());
    expect(await files('orders__lines')).toEqual(['1.2.0.parquet']);
    expect(await files('orders/_manifests')).toEqual(['00000001.json']);
    await load(pack, {}, []);
    expect(await files()).toEqual([...foreign, '1.1.0.parquet', '_manifests'].toSorted());
  });

  it('does not take the files of a load that still runs, though its lock was broken', async () => {
    await load(await orders('1.1', [1]));
    const slow = await orders('1.2', [2]);
    const gate = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const put = async (name: string, text: string) => {
      if (name.endsWith('.json')) {
        arrived.resolve();
        await gate.promise;
      }
      return await store.put(name, text, 'absent');
    };
    const running = load(slow, { put }, []);
    await arrived.promise;
    // Another process, which shares no memory with this one, comes to the same target and fails.
    const other = createObjectStoreDestination(
      { name: 'dest', schema: 'raw' },
      {
        store: withFaults(store, {
          location: `${lake} seen from elsewhere`,
          write: async () => Promise.reject(failure('EIO')),
        }),
        workspace,
        tempDirectory: join(root, 'temporary'),
      },
    );
    await expect(other.load(await orders('1.3', [3]), [], never)).rejects.toMatchObject({ code: 'DESTINATION_FAILED' });
    gate.resolve();
    expect(await running).toEqual({ loaded: true, rows: 1 });
    expect(await ids()).toEqual([1, 2]);
    expect(await files('orders/_manifests')).toEqual(['00000001.json', '00000002.json']);
  });

  it('refuses a manifest of a newer version, a damaged one, and a newer state', async () => {
    const pack = await orders('1.1', [1]);
    await load(pack);
    const destination = await opened();
    const path = join(lake, 'raw/orders/_manifests/00000001.json');
    const text = await readFile(path, 'utf8');
    const manifest = JSON.parse(text);
    const check = async (changed: string, expected: unknown) => {
      await writeFile(path, changed);
      await expect(destination.readState(key)).rejects.toMatchObject(expected as object);
    };
    await check(JSON.stringify({ ...manifest, version: 2 }), {
      code: 'DESTINATION_TOO_NEW',
      hint: expect.stringContaining('Upgrade'),
    });
    await expect(load(await orders('1.2', [2]), {}, [])).rejects.toMatchObject({ code: 'DESTINATION_TOO_NEW' });
    await check(text.slice(0, 100), { code: 'DESTINATION_CORRUPT', message: expect.stringContaining('00000001.json') });
    await check(JSON.stringify({ ...manifest, tables: 7 }), {
      code: 'DESTINATION_CORRUPT',
      message: expect.stringContaining('tables'),
    });
    const states = { test_pipeline: { ...manifest.states.test_pipeline, version: 2 } };
    await check(JSON.stringify({ ...manifest, states }), { code: 'STATE_NEWER' });
    await expect(destination.listStates(null)).rejects.toMatchObject({ code: 'STATE_NEWER' });
    // Another pipeline may go on, and does not damage what it does not understand.
    await load(await orders('1.2', [2], { pipeline: 'second' }), {}, []);
    await expect(destination.readState(key)).rejects.toMatchObject({ code: 'STATE_NEWER' });
  });

  it('refuses a load that was planned for another table than the one there is', async () => {
    const pack = await orders('1.1', [1]);
    await expect(load(pack, {}, [])).rejects.toMatchObject({
      code: 'DESTINATION_CHANGED',
      message: expect.stringContaining('orders'),
    });
    await load(pack);
    const tables = [{ name: 'orders', columns: { surprise: 'INTEGER' }, rows: 'SELECT 1 AS surprise' }];
    await expect(load(await buildPackage(root, { loadId: '1.2', tables }), {}, [])).rejects.toMatchObject({
      message: expect.stringContaining('surprise'),
    });
    const keyless = await orders('1.3', [1], { disposition: 'merge' });
    await expect(load(keyless, {}, [])).rejects.toMatchObject({ code: 'MERGE_WITHOUT_KEY' });
  });

  describe('lock', () => {
    const owner = { runId: 'mine', pid: process.pid, host: hostname() };
    const lockFile = () => join(lake, 'raw', 'orders', '_lock');
    const held = async (holder: unknown) => {
      await mkdir(join(lake, 'raw', 'orders'), { recursive: true });
      await writeFile(lockFile(), typeof holder === 'string' ? holder : JSON.stringify(holder));
    };
    const at = new Date(Date.now() - 3 * 3600 * 1000).toISOString();

    it('of a dead process of this computer is broken', async () => {
      await held({ runId: 'dead', pid: 2 ** 22 + 12345, host: hostname(), at });
      const lock = await (await opened()).lock(target, owner);
      expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject(owner);
      await lock.release();
      expect(await files()).toEqual([]);
    });

    it('of an earlier process with the same id is broken, too', async () => {
      await held({ runId: 'before the container restarted', pid: process.pid, host: hostname(), at });
      await (await (await opened()).lock(target, owner)).release();
    });

    it('of a living process or another computer holds, and says how to go on', async () => {
      await held({ runId: 'parent', pid: process.ppid, host: hostname(), at });
      const destination = await opened();
      const rejection = expect(destination.lock(target, owner)).rejects;
      await rejection.toMatchObject({
        code: 'LOCKED',
        message: expect.stringMatching(/run parent \(process \d+ on this computer\) since 3 hours/),
      });
      await held({ runId: 'far', pid: 7, host: 'build-agent-9', at });
      await expect(destination.lock(target, owner)).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining('build-agent-9'),
        hint: expect.stringContaining('ingest state unlock raw.orders'),
      });
      await held('{half a');
      await expect(destination.lock(target, owner)).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining('unknown'),
      });
      expect(await destination.breakLock?.(target)).toMatchObject({ runId: 'unknown' });
      expect(await destination.breakLock?.(target)).toBeNull();
      const lock = await destination.lock(target, owner);
      // Somebody broke it and another run took it: it is theirs now.
      await held({ runId: 'thief', pid: 7, host: 'elsewhere', at });
      await lock.release();
      expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ runId: 'thief' });
    });

    it('that is stale goes to one of many who want it', async () => {
      await held({ runId: 'dead', pid: 2 ** 22 + 12345, host: hostname(), at });
      const destination = await opened();
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) => destination.lock(target, { ...owner, runId: `run-${n}` })),
      );
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    });
  });

  it('explains a path that cannot be', async () => {
    await writeFile(join(root, 'note.txt'), 'x');
    for (const path of [join(root, 'note.txt'), join(root, 'note.txt', 'deeper')]) {
      store = createLocalStore(path);
      await expect(opened()).rejects.toMatchObject({
        code: 'DESTINATION_PATH',
        message: expect.stringContaining('note.txt'),
      });
    }
    store = createLocalStore(lake);
    const prepare = async () => {
      throw failure('EROFS');
    };
    await expect(load(await orders('1.1', [1]), { write: prepare })).rejects.toMatchObject({
      code: 'DESTINATION_READ_ONLY',
      hint: expect.stringContaining('Allow writing'),
    });
  });
});
