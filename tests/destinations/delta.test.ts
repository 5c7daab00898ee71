import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDestination, openDestinationReader } from '../../engine/connectors.ts';
import type { SchemaChange } from '../../engine/destinations/destination.ts';
import type { Action, AddFile } from '../../engine/destinations/object-store/delta/actions.ts';
import { createDeltaDestination } from '../../engine/destinations/object-store/delta/delta-destination.ts';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { createLocalStore } from '../../engine/object-stores/local-store.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { destinationModel } from '../../engine/spec/destination.ts';
import { openTestStore, type Place, STORE_KINDS, type StoreServer } from '../object-stores/stores.ts';
import { buildPackage, creations, ordersWithChildren, type PackageContent } from './build-package.ts';
import { describeDestination } from './conformance.ts';
import { KINDS } from './kinds.ts';
import { query } from './read-back.ts';
import { deltaCommits, readDeltaTable } from './read-delta.ts';

const never = new AbortController().signal;
const target = { schema: 'raw', table: 'orders' };
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };
const merge = { disposition: 'merge' as const, key: ['id'] };

/** A store whose calls pass by a hook first, and whose writes pass by another afterwards. */
function hooked(
  store: ObjectStore,
  before: (call: string, key: string) => Promise<void>,
  after: (call: string, key: string) => Promise<void> = async () => undefined,
  location = store.location,
): ObjectStore {
  return new Proxy(store, {
    get(real, name: keyof ObjectStore) {
      if (name === 'location') return location;
      const value = real[name];
      if (typeof value !== 'function') return value;
      if (!['put', 'write', 'delete'].includes(name)) return value.bind(real);
      return async (...args: unknown[]) => {
        const at = String(Array.isArray(args[0]) ? args[0][0] : args[0]);
        await before(name, at);
        const result = await (value as (...all: unknown[]) => Promise<unknown>).apply(real, args);
        await after(name, at);
        return result;
      };
    },
  });
}

const isCommit = (call: string, at: string) => call === 'put' && /_delta_log\/\d+\.json$/.test(at);
const failure = () => Object.assign(new Error('EIO: it does not work'), { code: 'EIO' });

describe('Delta tables', () => {
  let root: string;
  let lake: string;
  let workspace: Workspace;
  let store: ObjectStore;

  beforeAll(async () => {
    const spill = await mkdtemp(join(tmpdir(), 'delta-spill-'));
    workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: spill });
  });
  afterAll(() => workspace.close());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'delta-'));
    lake = join(root, 'lake');
    store = createLocalStore(lake);
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const opened = (using = store) =>
    createDeltaDestination(
      { name: 'dest', schema: 'raw' },
      { store: using, workspace, tempDirectory: join(root, 'temporary') },
    );
  const load = async (pack: LoadPackage, using = store, changes?: SchemaChange[]) => {
    const destination = opened(using);
    await destination.open(never);
    const there = (await destination.describeTables(target)).map(({ name }) => name);
    const missing = creations(pack).filter((change) => !there.includes(change.table));
    return await destination.load(pack, changes ?? missing, never);
  };
  const orders = (loadId: string, ids: number[], rest: Partial<PackageContent> = {}) =>
    buildPackage(root, {
      loadId,
      ...rest,
      tables: [
        {
          name: 'orders',
          columns: { id: 'BIGINT', name: 'VARCHAR' },
          rows: `SELECT unnest([${ids}]::BIGINT[]) AS id, '${loadId}' AS name`,
        },
      ],
    });
  const folder = (table = 'orders') => join(lake, 'raw', table);
  const rows = async () => (await readDeltaTable(folder(), "id::INTEGER || ' ' || name AS row")).map(({ row }) => row);
  const parquetFiles = async (table = 'orders') =>
    (await readdir(folder(table))).filter((name) => name.endsWith('.parquet'));
  /** What another program does: appends one row in a commit of its own. */
  const appendForeign = async (id: number, rest: Action[] = []) => {
    const name = `part-${id}-c000 x.snappy.parquet`;
    await query(null, `COPY (SELECT ${id}::BIGINT AS id, 'foreign' AS name) TO ${literal(join(folder(), name))}`);
    const { length: version } = await deltaCommits(folder());
    const add: AddFile = {
      path: encodeURIComponent(name),
      partitionValues: {},
      size: (await readFile(join(folder(), name))).length,
      modificationTime: 1,
      dataChange: true,
    };
    await commit(version, [...rest, { add }]);
  };
  const commit = async (version: number, actions: object[]) => {
    await mkdir(join(folder(), '_delta_log'), { recursive: true });
    const path = join(folder(), '_delta_log', `${String(version).padStart(20, '0')}.json`);
    await writeFile(path, actions.map((action) => `${JSON.stringify(action)}\n`).join(''), { flag: 'wx' });
  };

  it('writes what the protocol asks for, and types that Spark reads', async () => {
    const columns = {
      id: 'BIGINT',
      price: 'DECIMAL(38,9)',
      at: 'TIMESTAMP',
      instant: 'TIMESTAMP WITH TIME ZONE',
      day: 'DATE',
      ratio: 'FLOAT',
      whole: 'DOUBLE',
      text: 'VARCHAR',
      id2: 'UUID',
      big: 'UBIGINT',
    };
    const tables = [
      {
        name: 'orders',
        columns,
        notNull: ['id'],
        rows: `FROM (VALUES
          (9007199254740993, 12345678901234567890123456789.123456789, '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56.999999+00', '2024-02-29', 0.1, 'nan', repeat('é', 40), uuid(), 18446744073709551615),
          (1, NULL, '0001-01-01', NULL, '0044-03-15 (BC)', 1, '1', 'a"b', NULL, 0)) t(${Object.keys(columns).map((name) => `"${name}"`)})`,
      },
    ];
    await load(await buildPackage(root, { loadId: '1700000000.123456789', tables }));
    const [first = []] = await deltaCommits(folder());
    expect(first.map((action) => Object.keys(action)[0])).toEqual(['commitInfo', 'protocol', 'metaData', 'txn', 'add']);
    expect(first[1]).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } });
    expect(first[3]).toMatchObject({
      txn: { appId: 'ingest-studio/test_pipeline/raw.orders', version: 1_700_000_000_123_456 },
    });
    const { fields } = JSON.parse(first[2]?.metaData?.schemaString ?? '');
    expect(fields.map(({ name, type }: { name: string; type: string }) => `${name} ${type}`)).toEqual([
      'id long',
      'price decimal(38,9)',
      'at timestamp',
      'instant timestamp',
      'day date',
      'ratio float',
      'whole double',
      'text string',
      'id2 string',
      'big decimal(20,0)',
    ]);
    expect(fields[0]).toMatchObject({ nullable: false });
    const stats = first[4]?.add?.stats ?? '';
    // Digits that a JavaScript number would lose, bounds that are wider where JSON says less, none where it has no word.
    expect(stats).toContain('"id":9007199254740993');
    expect(stats).toContain('"price":12345678901234567890123456789.123456789');
    expect(JSON.parse(stats)).toMatchObject({
      numRecords: 2,
      minValues: { at: '0001-01-01T00:00:00.000Z', ratio: 0.10000000149011612, text: 'a"b', whole: 1 },
      maxValues: { at: '2024-02-29T12:34:56.124Z', instant: '2024-02-29T12:34:57.000Z', day: '2024-02-29' },
      nullCount: { id: 0, price: 1, instant: 1 },
    });
    expect(Object.keys(JSON.parse(stats).maxValues)).not.toContain('text');
    expect(Object.keys(JSON.parse(stats).maxValues)).not.toContain('whole');
    expect(Object.keys(JSON.parse(stats).minValues)).not.toContain('day');
    const file = literal(join(folder(), first[4]?.add?.path ?? ''));
    const physical = await query(
      null,
      `SELECT name, type, converted_type FROM parquet_schema(${file}) WHERE type IS NOT NULL`,
    );
    expect(physical.filter(({ type }) => type === 'INT96')).toEqual([]);
    expect(physical).toContainEqual({ name: 'at', type: 'INT64', converted_type: 'TIMESTAMP_MICROS' });
    // A second batch meets the types that the first one was declared with.
    const described = await opened().describeTables(target);
    expect(described[0]?.columns.map(({ type }) => type)).toEqual([
      ...Object.values(columns).slice(0, 8),
      'VARCHAR',
      'DECIMAL(20,0)',
    ]);
  });

  it('writes checkpoints, and reads tables of which only they and the newest commits are left', async () => {
    for (let n = 0; n < 12; n += 1) await load(await orders(`1.${10 + n}`, [n], { watermark: String(n) }));
    const log = join(folder(), '_delta_log');
    const checkpoint = `${'10'.padStart(20, '0')}.checkpoint.parquet`;
    expect(await readdir(log)).toContain(checkpoint);
    expect(JSON.parse(await readFile(join(log, '_last_checkpoint'), 'utf8'))).toEqual({ version: 10, size: 14 });
    const columns = await query(null, `DESCRIBE SELECT * FROM read_parquet(${literal(join(log, checkpoint))})`);
    expect(Object.fromEntries(columns.map((row) => [row.column_name, row.column_type]))).toMatchObject({
      add: 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))',
      protocol:
        'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
      txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
    });
    for (let n = 0; n < 10; n += 1) await rm(join(log, `${String(n).padStart(20, '0')}.json`));
    expect(await load(await orders('2.1', [0, 5], merge))).toEqual({ loaded: true, rows: 2 });
    const connection = await workspace.connect();
    const read = async () =>
      await connection.rows(
        `SELECT id::INTEGER AS id, name FROM ${await opened().from(target, 'orders')} WHERE id IN (0, 4, 5, 11) ORDER BY id`,
      );
    const merged = [
      { id: 0, name: '2.1' },
      { id: 4, name: '1.14' },
      { id: 5, name: '2.1' },
      { id: 11, name: '1.21' },
    ];
    expect(await read()).toEqual(merged);
    // Spark writes large ones in several parts; an incomplete set does not count.
    const part = (n: number, of: number) =>
      `${'12'.padStart(20, '0')}.checkpoint.${String(n).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`;
    const current = literal(join(log, checkpoint));
    await query(
      null,
      `COPY (SELECT * FROM read_parquet(${current}) WHERE add IS NULL) TO ${literal(join(log, part(1, 2)))}`,
    );
    expect(await read()).toEqual(merged);
    const { add: adds, remove: removes } = Object.groupBy(
      (await deltaCommits(folder())).flat().filter(({ add, remove }) => add ?? remove),
      ({ add }) => (add ? 'add' : 'remove'),
    );
    expect([adds?.length, removes?.length]).toEqual([3, 2]);
    await query(
      null,
      `COPY (SELECT * FROM read_parquet(${current}) WHERE add IS NOT NULL AND add.path NOT LIKE '1.10.%' AND add.path NOT LIKE '1.15.%') TO ${literal(join(log, part(2, 2)))}`,
    );
    for (const n of [10, 11, 12]) await rm(join(log, `${String(n).padStart(20, '0')}.json`));
    await rm(join(log, checkpoint));
    expect(await read()).toEqual([merged[1]]);
    connection.close();
  });

  it('appends to a table that another program goes on writing to: nothing is lost on either side', async () => {
    await load(await orders('1.0', [0]));
    const foreign = (async () => {
      for (let n = 0; n < 12; n += 1) {
        await appendForeign(100 + n).catch(async (error) => {
          if (error.code !== 'EEXIST') throw error;
          n -= 1;
        });
      }
    })();
    for (let n = 1; n <= 8; n += 1) await load(await orders(`1.${n}`, [n]));
    await foreign;
    const found = await readDeltaTable(folder(), 'id::INTEGER AS id');
    expect(found.map(({ id }) => id)).toEqual([
      ...Array.from({ length: 9 }, (_, n) => n),
      ...Array.from({ length: 12 }, (_, n) => 100 + n),
    ]);
  });

  describe('when another writer is first', () => {
    /** Another program's commit takes the number that ours was to have. */
    const raced = (act: () => Promise<void>) => {
      let done = false;
      return hooked(store, async (call, at) => {
        if (!isCommit(call, at) || done) return;
        done = true;
        await act();
      });
    };

    it('an append follows it', async () => {
      await load(await orders('1.1', [1]));
      await load(
        await orders('1.2', [2]),
        raced(() => appendForeign(9)),
      );
      expect(await rows()).toEqual(['1 1.1', '2 1.2', '9 foreign']);
    });

    it('a merge is done anew, with its rows too', async () => {
      await load(await orders('1.1', [1, 9]));
      await load(
        await orders('1.2', [2, 9], merge),
        raced(() => appendForeign(9)),
      );
      expect(await rows()).toEqual(['1 1.1', '2 1.2', '9 1.2']);
      const named = (await deltaCommits(folder()))
        .flat()
        .flatMap(({ add }) => (add ? [decodeURIComponent(add.path)] : []));
      expect((await parquetFiles()).toSorted()).toEqual(named.toSorted());
    });

    it('a replace takes its rows away', async () => {
      await load(await orders('1.1', [1]));
      await load(
        await orders('1.2', [2], { disposition: 'replace' }),
        raced(() => appendForeign(9)),
      );
      expect(await rows()).toEqual(['2 1.2']);
      expect(await deltaCommits(folder())).toHaveLength(3);
    });

    it('a column that it added stays, one that it changed stops the load', async () => {
      await load(await orders('1.1', [1]));
      const metaData = (change: (fields: object[]) => object[]) => async () => {
        const commits = await deltaCommits(folder());
        const old = commits.flat().findLast((action) => action.metaData)?.metaData;
        const { fields } = JSON.parse(old?.schemaString ?? '');
        await commit(commits.length, [
          { metaData: { ...old, schemaString: JSON.stringify({ type: 'struct', fields: change(fields) }) } },
        ]);
      };
      const extra = { name: 'extra', type: 'date', nullable: true, metadata: { comment: 'kept' } };
      await load(await orders('1.2', [2]), raced(metaData((fields) => [...fields, extra])));
      expect(await rows()).toEqual(['1 1.1', '2 1.2']);
      const retype = metaData(([id, ...rest]) => [{ ...id, type: 'string' }, ...rest]);
      await expect(load(await orders('1.3', [3]), raced(retype))).rejects.toMatchObject({
        code: 'DESTINATION_CHANGED',
        message: expect.stringContaining('"id"'),
      });
      expect(await parquetFiles()).toHaveLength(2);
    });

    it('and again, and again: the load gives up and leaves nothing', async () => {
      await load(await orders('1.1', [1]));
      let id = 100;
      const always = hooked(store, async (call, at) => {
        if (isCommit(call, at)) await appendForeign(id++);
      });
      await expect(load(await orders('1.2', [2]), always)).rejects.toMatchObject({
        code: 'DESTINATION_BUSY',
        retryable: true,
      });
      expect((await parquetFiles()).filter((name) => name.startsWith('1.2.'))).toEqual([]);
      expect(await load(await orders('1.2', [2]))).toEqual({ loaded: true, rows: 1 });
    });
  });

  it('is exactly once, and leaves no file behind, at whatever step a load dies', async () => {
    const children = (loadId: string, ids: number[]) =>
      buildPackage(join(root, loadId), {
        loadId,
        ...merge,
        watermark: loadId,
        tables: ordersWithChildren(
          loadId,
          ids.map((id) => ({ id, name: loadId, lines: 1 })),
        ).slice(0, 2),
      });
    for (const loadId of ['1.1', '1.2', '1.3']) await mkdir(join(root, loadId));
    const packs = [
      await children('1.1', [1, 2]),
      await children('1.2', [2, 3]),
      await children('1.3', [3, 4]),
    ] as const;
    const expected = ['1 1.1', '2 1.2', '3 1.3', '4 1.3'];
    let steps = 0;
    const before = lake;
    await load(packs[0]);
    for (let dies = true; dies; steps += 1) {
      lake = join(root, `lake-${steps}`);
      await cp(before, lake, { recursive: true });
      store = createLocalStore(lake);
      let calls = 0;
      dies = false;
      const fail = async () => {
        throw failure();
      };
      // Even steps: it was not done any more. Odd ones: it was, and nobody heard of it. Nothing that follows arrives.
      const dying = hooked(
        store,
        async () => {
          calls += 1;
          if (dies) await fail();
          dies = calls === Math.floor(steps / 2) + 1;
          if (dies && steps % 2 === 0) await fail();
        },
        async () => {
          if (dies) await fail();
        },
      );
      await load(packs[1], dying).catch(() => undefined);
      const there = await rows();
      expect(
        [
          ['1 1.1', '2 1.1'],
          ['1 1.1', '2 1.2', '3 1.2'],
        ],
        `step ${steps}`,
      ).toContainEqual(there);
      await load(packs[1]);
      expect(await opened().readState(key)).toMatchObject({ watermark: '1.2' });
      // The next load has what the dead one left removed.
      await load(packs[2]);
      expect(await rows(), `step ${steps}`).toEqual(expected);
      expect(await readDeltaTable(folder('orders__lines'), 'sku')).toHaveLength(4);
      for (const table of ['orders', 'orders__lines']) {
        const named = (await deltaCommits(folder(table))).flat().flatMap(({ add }) => (add ? [add.path] : []));
        expect((await parquetFiles(table)).toSorted(), `step ${steps}`).toEqual(named.toSorted());
      }
      const notes = (await readdir(join(folder(), '_manifests'))).filter((name) => !name.endsWith('.json'));
      expect(notes, `step ${steps}`).toEqual([]);
    }
    expect(steps).toBeGreaterThan(15);
  }, 60_000);

  it('takes back an append that never got its state, when its package is lost with its computer', async () => {
    const children = (loadId: string, ids: number[], pipeline = 'test_pipeline') => {
      const content = ids.map((id) => ({ id, name: loadId, lines: 1 }));
      return buildPackage(root, { loadId, pipeline, tables: ordersWithChildren(loadId, content).slice(0, 2) });
    };
    await load(await children('1.1', [1]));
    // It dies when so many of its commits are there: that of the child table, then that of the table itself.
    for (const [loadId, most] of [
      ['1.2', 1],
      ['1.3', 2],
    ] as const) {
      let commits = 0;
      const dying = hooked(
        store,
        async () => {
          if (commits === most) throw failure();
        },
        async (call, at) => {
          if (isCommit(call, at)) commits += 1;
        },
      );
      await expect(load(await children(loadId, [2]), dying)).rejects.toMatchObject({ code: 'DESTINATION_FAILED' });
      // Another pipeline knows nothing of it.
      await load(await children(`${loadId}5`, [50 + most], 'other'));
      const lines = await readDeltaTable(folder('orders__lines'), 'sku');
      expect(lines.map(({ sku }) => sku)).toContain(`${loadId}-0`);
    }
    await load(await children('1.4', [2]));
    expect(await rows()).toEqual(['1 1.1', '2 1.4', '51 1.25', '52 1.35']);
    const lines = await readDeltaTable(folder('orders__lines'), 'sku');
    expect(lines.map(({ sku }) => sku)).toEqual(['1.1-0', '1.25-0', '1.35-0', '1.4-0']);
    expect((await readdir(join(folder(), '_manifests'))).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  describe('a load that sleeps while its lock is broken', () => {
    /** Loads 1.2, which stops at a call; gives that it has arrived there, and what lets it go on. */
    const sleeping = async (isThere: (call: string, at: string) => boolean) => {
      const gate = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      const stop = async (call: string, at: string) => {
        if (!isThere(call, at)) return;
        arrived.resolve();
        await gate.promise;
      };
      // Another process, which shares no memory with this one.
      const loading = load(await orders('1.2', [2]), hooked(store, stop, undefined, 'seen from elsewhere'));
      await arrived.promise;
      return { loading, wake: gate.resolve };
    };

    for (const pipeline of ['test_pipeline', 'other']) {
      it(`does not commit any more once ${pipeline} has loaded, and its files go`, async () => {
        await load(await orders('1.1', [1]));
        const { loading, wake } = await sleeping((call) => call === 'write');
        await load(await orders('1.3', [3], { pipeline }));
        wake();
        await expect(loading).rejects.toMatchObject({ code: 'DESTINATION_CHANGED', retryable: true });
        expect(await rows()).toEqual(['1 1.1', '3 1.3']);
        await load(await orders('1.4', [4]));
        expect((await parquetFiles()).some((name) => name.startsWith('1.2.'))).toBe(false);
      });
    }

    it('keeps its files as long as its commit may still arrive', async () => {
      await load(await orders('1.1', [1]));
      const { loading, wake } = await sleeping(isCommit);
      // Two loads without rows commit nothing.
      for (const loadId of ['1.3', '1.4']) await load(await orders(loadId, [], { pipeline: 'other' }));
      wake();
      expect(await loading).toEqual({ loaded: true, rows: 1 });
      expect(await rows()).toEqual(['1 1.1', '2 1.2']);
    });
  });

  it('keeps the files of a commit that arrives after all, when nobody waits for it any more', async () => {
    await load(await orders('1.1', [1]));
    let late = async (): Promise<unknown> => undefined;
    const losing = new Proxy(store, {
      get(real, name: keyof ObjectStore) {
        const value = real[name];
        if (name !== 'put') return typeof value === 'function' ? value.bind(real) : value;
        return async (...args: Parameters<ObjectStore['put']>) => {
          if (!isCommit('put', args[0])) return await real.put(...args);
          late = () => real.put(...args);
          throw failure();
        };
      },
    });
    await expect(load(await orders('1.2', [2]), losing)).rejects.toMatchObject({ code: 'DESTINATION_FAILED' });
    expect(await late()).toBe(true);
    expect(await rows()).toEqual(['1 1.1', '2 1.2']);
    expect(await load(await orders('1.2', [2]))).toEqual({ loaded: true, rows: 1 });
    expect(await rows()).toEqual(['1 1.1', '2 1.2']);
  });

  it('refuses tables with features that it does not know, and names them', async () => {
    await load(await orders('1.1', [1]));
    const base = (await deltaCommits(folder())).flat();
    const metaData = base.find((action) => action.metaData)?.metaData;
    const protocol = (readerFeatures: string[], writerFeatures: string[]) => ({
      protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures, writerFeatures },
    });
    const settings = (configuration: Record<string, string>) => ({ metaData: { ...metaData, configuration } });
    const field = (rest: object) => {
      const fields = [{ name: 'id', type: 'long', nullable: true, metadata: {}, ...rest }];
      return { metaData: { ...metaData, schemaString: JSON.stringify({ type: 'struct', fields }) } };
    };
    const cases: [action: object, said: string, disposition?: 'merge' | 'replace'][] = [
      [protocol(['deletionVectors'], ['deletionVectors']), 'deletionVectors'],
      [
        protocol([], ['icebergCompatV1', 'domainMetadata', 'clustering']),
        'icebergCompatV1, domainMetadata, clustering',
      ],
      [protocol(['v2Checkpoint'], ['v2Checkpoint']), 'v2Checkpoint'],
      [{ protocol: { minReaderVersion: 4, minWriterVersion: 8 } }, 'reader version 4'],
      [{ protocol: { minReaderVersion: 1, minWriterVersion: 8 } }, 'writer version 8'],
      [settings({ 'delta.columnMapping.mode': 'name' }), 'columnMapping (name)'],
      [settings({ 'delta.constraints.positive': 'id > 0' }), 'checkConstraints'],
      [settings({ 'delta.enableChangeDataFeed': 'true' }), 'changeDataFeed with a merge', 'merge'],
      [settings({ 'delta.appendOnly': 'true' }), 'delta.appendOnly', 'replace'],
      [field({ metadata: { 'delta.generationExpression': '1' } }), 'generatedColumns'],
      [field({ type: 'variant' }), 'variant'],
      [{ metaData: { ...metaData, partitionColumns: ['name'] } }, 'partitions by name'],
      [
        {
          add: { path: 's3://else/where.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true },
        },
        'files of other tables',
      ],
      [
        {
          add: {
            path: 'x.parquet',
            partitionValues: {},
            size: 1,
            modificationTime: 1,
            dataChange: true,
            deletionVector: { storageType: 'u' },
          },
        },
        'deletionVectors',
      ],
    ];
    const path = join(folder(), '_delta_log', `${'1'.padStart(20, '0')}.json`);
    for (const [action, said, disposition = 'append'] of cases) {
      await rm(path, { force: true });
      await commit(1, [action]);
      const pack = await orders('1.2', [2], { disposition, key: ['id'] });
      await expect(opened().load(pack, [], never), said).rejects.toMatchObject({
        code: said === 'delta.appendOnly' ? 'TABLE_APPEND_ONLY' : 'TABLE_FEATURE',
        message: expect.stringContaining(said),
        hint: expect.any(String),
      });
    }
    // What is listed and not used is no hindrance; nor are times without a zone, which Spark makes.
    await rm(path);
    const at = { name: 'at', type: 'timestamp_ntz', nullable: true, metadata: {} };
    await commit(1, [
      protocol(['timestampNtz', 'columnMapping'], ['timestampNtz', 'columnMapping', 'appendOnly', 'invariants']),
      field(at),
    ]);
    await rm(join(folder(), (await parquetFiles())[0] as string));
    const { fields } = JSON.parse(field(at).metaData.schemaString);
    expect(fields).toHaveLength(1);
    const tables = [
      { name: 'orders', columns: { at: 'TIMESTAMP' }, rows: "SELECT TIMESTAMP '2024-02-29 12:00:00' AS at" },
    ];
    await load(await buildPackage(root, { loadId: '1.3', disposition: 'replace', tables }));
    expect(await readDeltaTable(folder())).toEqual([{ at: '2024-02-29 12:00:00' }]);
  });

  it('says what is wrong with a damaged log', async () => {
    await load(await orders('1.1', [1]));
    await load(await orders('1.2', [2]));
    const log = join(folder(), '_delta_log');
    const check = async (message: string, code = 'DESTINATION_CORRUPT') =>
      await expect(opened().describeTables(target)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
    await writeFile(join(log, `${'1'.padStart(20, '0')}.json`), '{"add":');
    await check('version 1 is not JSON');
    await rm(join(log, `${'0'.padStart(20, '0')}.json`));
    await check('version 0 is missing');
    await writeFile(join(log, `${'1'.padStart(20, '0')}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`), '{}');
    await check('v2 checkpoints', 'TABLE_FEATURE');
    await rm(log, { recursive: true });
    await commit(0, [{ commitInfo: {} }]);
    await check('neither protocol nor schema');
  });

  it('keeps formats apart, and refuses names that Delta does not take', async () => {
    await load(await orders('1.1', [1]));
    const parquet = createObjectStoreDestination(
      { name: 'dest', schema: 'raw' },
      { store, workspace, tempDirectory: join(root, 'temporary') },
    );
    await parquet.open(never);
    await expect(parquet.describeTables(target)).rejects.toMatchObject({
      code: 'DESTINATION_FORMAT',
      hint: expect.stringContaining('table_format to delta'),
    });
    const other = await buildPackage(root, {
      loadId: '1.2',
      table: 'c',
      tables: [{ name: 'c', columns: { id: 'BIGINT' }, rows: 'SELECT 1 AS id' }],
    });
    await parquet.load(other, creations(other), never);
    await expect(opened().load(other, creations(other), never)).rejects.toMatchObject({ code: 'DESTINATION_FORMAT' });
    for (const name of ['a b', 'a,b', 'a;b', 'a{b', 'a(b', 'a\tb', 'a=b']) {
      const pack = await buildPackage(root, {
        loadId: '1.3',
        table: 'd',
        tables: [{ name: 'd', columns: { [name]: 'BIGINT' }, rows: `SELECT 1 AS "${name}"` }],
      });
      await expect(opened().load(pack, creations(pack), never)).rejects.toMatchObject({
        code: 'NAME_NOT_ALLOWED',
        message: expect.stringContaining(`"${name}"`),
      });
    }
  });

  it('goes on with a table that another program began, and widens it without a feature', async () => {
    const fields = [
      { name: 'Id', type: 'integer', nullable: false, metadata: { comment: 'key' } },
      { name: 'name', type: 'string', nullable: true, metadata: {} },
    ];
    await commit(0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 4 } },
      {
        metaData: {
          id: 'theirs',
          name: 'shop orders',
          format: { provider: 'parquet', options: {} },
          schemaString: JSON.stringify({ type: 'struct', fields }),
          partitionColumns: [],
          configuration: { 'delta.checkpointInterval': '2', own: 'kept' },
        },
      },
      { txn: { appId: 'stream', version: 7 } },
    ]);
    await query(null, `COPY (SELECT 1::INTEGER AS "Id", 'theirs' AS name) TO ${literal(join(folder(), 'a.parquet'))}`);
    await commit(1, [
      { add: { path: 'a.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } },
    ]);
    const widen: SchemaChange = { kind: 'widen_column', table: 'orders', column: 'Id', from: 'INTEGER', to: 'BIGINT' };
    await load(await orders('1.1', [5_000_000_000]), store, [widen]);
    expect(await readDeltaTable(folder(), '"Id", name')).toEqual([
      { Id: '1', name: 'theirs' },
      { Id: '5000000000', name: '1.1' },
    ]);
    const last = (await deltaCommits(folder())).at(-1) ?? [];
    expect(last.find((action) => action.metaData)?.metaData).toMatchObject({
      id: 'theirs',
      name: 'shop orders',
      configuration: { own: 'kept' },
    });
    expect(JSON.parse(last.find((action) => action.metaData)?.metaData?.schemaString ?? '').fields[0]).toEqual({
      ...fields[0],
      type: 'long',
    });
    expect(await readdir(join(folder(), '_delta_log'))).toContain(`${'2'.padStart(20, '0')}.checkpoint.parquet`);
    const [checkpoint] = await query(
      null,
      `SELECT txn.version::INTEGER AS version FROM read_parquet(${literal(join(folder(), '_delta_log', `${'2'.padStart(20, '0')}.checkpoint.parquet`))}) WHERE txn.appId = 'stream'`,
    );
    expect(checkpoint).toEqual({ version: 7 });
  });

  it('is opened by its configuration, and shows what is there, with reasons where it cannot', async () => {
    const config = destinationModel.parse({
      type: 'filesystem',
      name: 'lake',
      bucket_url: lake,
      table_format: 'delta',
    });
    const options = { workspace, baseDirectory: root, tempDirectory: join(root, 'temporary') };
    const destination = await openDestination(config, options);
    await destination.open(never);
    const tables = ordersWithChildren('1.1', [{ id: 1, name: 'a', lines: 2 }]);
    const pack = await buildPackage(root, { loadId: '1.1', tables });
    await destination.load(pack, creations(pack), never);
    await appendForeign(2);
    await mkdir(join(lake, 'raw', 'theirs', '_delta_log'), { recursive: true });
    const foreign = (await deltaCommits(folder()))[0]?.filter((action) => action.metaData) ?? [];
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
      writerFeatures: [],
    };
    await writeFile(
      join(lake, 'raw', 'theirs', '_delta_log', `${'0'.padStart(20, '0')}.json`),
      [...foreign, { protocol }].map((action) => JSON.stringify(action)).join('\n'),
    );
    const own = await Workspace.open({ memoryLimitMiB: 100, threads: 1, tempDirectory: join(root, 'look') });
    const connection = await own.connect();
    const reader = await openDestinationReader(config, { connection, baseDirectory: root, onStop: () => undefined });
    expect(reader.tables.map(({ table, parent, rows: n }) => `${table} ${parent} ${n}`)).toEqual([
      'orders null 2',
      'orders__lines orders 2',
      'orders__lines__discounts orders__lines 2',
      'theirs null 0',
    ]);
    expect(reader.tables[0]?.loadedAt).toMatch(/^\d{4}-/);
    expect(await connection.rows('SELECT id::INTEGER AS id, name FROM raw.orders ORDER BY id')).toEqual([
      { id: 1, name: 'a' },
      { id: 2, name: 'foreign' },
    ]);
    await expect(connection.rows('SELECT * FROM raw.theirs')).rejects.toThrow(/deletionVectors/);
    await reader.close();
    own.close();
    await destination.close();
  });
});

/** A Python with the package `deltalake` (delta-rs), a reader and writer that shares nothing with ours. */
const python = process.env.INGEST_TEST_PYTHON ?? 'python3';
const hasDeltaRs = spawnSync(python, ['-c', 'import deltalake, pyarrow']).status === 0;
const DELTA_RS = `
import json, os, sys
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
path, first = sys.argv[1], int(sys.argv[2])
before = DeltaTable(path).to_pyarrow_table().select(['id', 'name']).to_pylist()
row = DeltaTable(path).to_pyarrow_table().slice(0, 1)
def row_of(id):
    return row.set_column(row.schema.get_field_index('id'), row.schema.field('id'), pa.array([id], pa.int64()))
write_deltalake(path, pa.concat_tables([row_of(first), row_of(first + 1)]), mode='append')
table = DeltaTable(path)
table.merge(row_of(first), 't.id = s.id', 's', 't').when_matched_update_all().execute()
table.optimize.compact()
table.create_checkpoint()
print(json.dumps({'before': len(before), 'after': DeltaTable(path).to_pyarrow_table().num_rows, 'filtered': DeltaTable(path).to_pyarrow_table(filters=[('id', '>=', first)]).num_rows}))
sys.stdout.flush()
os._exit(0)
`;

describe(`Delta tables and delta-rs${hasDeltaRs ? '' : ' (not run: INGEST_TEST_PYTHON names no Python with deltalake and pyarrow)'}`, () => {
  it.runIf(hasDeltaRs)(
    'read and write the same table in turn',
    async () => {
      const root = await mkdtemp(join(tmpdir(), 'delta-rs-'));
      const workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 1, tempDirectory: join(root, 'spill') });
      const destination = createDeltaDestination(
        { name: 'dest', schema: 'raw' },
        { store: createLocalStore(join(root, 'lake')), workspace, tempDirectory: join(root, 'temporary') },
      );
      await destination.open(never);
      const load = async (loadId: string, first: number, rest: Partial<PackageContent> = {}) => {
        const columns = { id: 'BIGINT', name: 'VARCHAR', at: 'TIMESTAMP', price: 'DECIMAL(38,9)', list: 'INTEGER[]' };
        const rows = `SELECT ${first} + i AS id, '${loadId}' AS name, TIMESTAMP '2024-02-29 12:34:56.123456' AS at, 1.5 AS price, [1, NULL] AS list FROM range(3) t(i)`;
        const pack = await buildPackage(root, {
          loadId,
          ...rest,
          tables: [{ name: 'orders', columns, rows, notNull: ['id'] }],
        });
        const isNew = (await destination.describeTables(target)).length === 0;
        await destination.load(pack, isNew ? creations(pack) : [], never);
      };
      const count = async () => {
        const connection = await workspace.connect();
        const [row] = await connection.rows(
          `SELECT count(*)::INTEGER AS n, count(DISTINCT id)::INTEGER AS ids FROM ${await destination.from(target, 'orders')}`,
        );
        connection.close();
        return row;
      };
      const foreign = (first: number) => {
        const { stdout, stderr, status } = spawnSync(
          python,
          ['-c', DELTA_RS, join(root, 'lake', 'raw', 'orders'), String(first)],
          { encoding: 'utf8' },
        );
        expect([status, stderr]).toEqual([0, expect.any(String)]);
        return JSON.parse(stdout);
      };
      for (let n = 0; n < 11; n += 1) await load(`1.${10 + n}`, n * 3);
      expect(foreign(1000)).toEqual({ before: 33, after: 35, filtered: 2 });
      expect(await count()).toEqual({ n: 35, ids: 35 });
      await load('2.1', 1000, merge);
      await load('2.2', 2000);
      expect(await count()).toEqual({ n: 39, ids: 39 });
      expect(foreign(3000)).toEqual({ before: 39, after: 41, filtered: 2 });
      await load('2.3', 1, { disposition: 'replace' });
      expect(foreign(4000)).toEqual({ before: 3, after: 5, filtered: 2 });
      expect(await count()).toEqual({ n: 5, ids: 5 });
      await destination.close();
      workspace.close();
      await rm(root, { recursive: true, force: true });
    },
    60_000,
  );
});

describe('Delta in a bucket', () => {
  let server: StoreServer;
  const places = new Map<string, Place>();
  beforeAll(async () => {
    server = await STORE_KINDS.find(({ name }) => name === 's3')!.start();
  });
  afterAll(() => server?.stop());

  describeDestination({
    ...KINDS.find(({ name }) => name === 'delta')!,
    name: 'delta in s3',
    async create(root, workspace) {
      const place = places.get(root) ?? (await server.place());
      places.set(root, place);
      return createDeltaDestination(
        { name: 'dest', schema: 'raw' },
        { store: await openTestStore(place), workspace, tempDirectory: join(root, 'temporary') },
      );
    },
    async read(root, schema, table, select) {
      const folder = join(dirname(root), 'read back');
      for (const [at, body] of await server.objects(places.get(root) as Place)) {
        await mkdir(dirname(join(folder, at)), { recursive: true });
        await writeFile(join(folder, at), body);
      }
      return await readDeltaTable(join(folder, schema, table), select);
    },
  });
});
