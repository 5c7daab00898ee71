import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Destination } from '../../engine/destinations/destination.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { messageOf } from '../../engine/errors.ts';
import type { LoadPackage } from '../../engine/load/load-package.ts';
import { buildPackage, creations, ordersWithChildren, type PackageContent } from './build-package.ts';
import type { Kind } from './kinds.ts';

export const never: AbortSignal = new AbortController().signal;
const target = { schema: 'raw', table: 'orders' };
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };

/** What every destination must do. */
export function describeDestination(kind: Kind): void {
  describe(`${kind.name} destination`, () => {
    let root: string;
    let spill: string;
    let workspace: Workspace;
    let destination: Destination;

    beforeAll(async () => {
      spill = await mkdtemp(join(tmpdir(), 'destination spill '));
      workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 2, tempDirectory: spill });
    });
    afterAll(async () => {
      workspace.close();
      await rm(spill, { recursive: true, force: true });
    });
    beforeEach(async () => {
      // The folder would be a partition to DuckDB, whose value hides the column of that name.
      root = join(await mkdtemp(join(tmpdir(), 'destination ')), 'id=7');
      await mkdir(root);
      destination = await kind.create(root, workspace);
      await destination.open(never);
    });
    afterEach(async () => {
      await destination.close();
      await rm(dirname(root), { recursive: true, force: true });
    });

    const landed = (type: string) => kind.landed?.(type) ?? type;
    const build = (content: PackageContent) => buildPackage(root, content);
    const load = (pack: LoadPackage, changes = creations(pack)) => destination.load(pack, changes, never);
    /** Lets the file go, reads, and opens it again. */
    const read = async (table: string, select?: string, schema = 'raw') => {
      await destination.close();
      const rows = await kind.read(root, schema, table, select);
      await destination.open(never);
      return rows;
    };
    const orders = (loadId: string, ids: number[], rest: Partial<PackageContent> = {}) =>
      build({
        loadId,
        ...rest,
        tables: [
          {
            name: 'orders',
            columns: { id: 'BIGINT', name: 'VARCHAR', _dlt_load_id: 'VARCHAR', _dlt_id: 'VARCHAR' },
            rows: `SELECT unnest([${ids}]) AS id, 'n' || id AS name, '${loadId}' AS _dlt_load_id, '${loadId}-' || id AS _dlt_id`,
            files: 2,
          },
        ],
      });

    it('has nothing at first', async () => {
      expect(await destination.describeTables(target)).toEqual([]);
      expect(await destination.readState(key)).toBeNull();
      expect(await destination.listStates(null)).toEqual([]);
    });

    it('appends, and commits the state with the data', async () => {
      expect(await load(await orders('1.1', [1, 2], { watermark: '2' }))).toEqual({ loaded: true, rows: 2 });
      expect(await load(await orders('1.2', [3, 4, 5], { watermark: '5' }), [])).toEqual({ loaded: true, rows: 3 });
      expect(await read('orders', 'id, name, _dlt_load_id')).toEqual(
        [1, 2, 3, 4, 5].map((id) => ({ id: String(id), name: `n${id}`, _dlt_load_id: id < 3 ? '1.1' : '1.2' })),
      );
      expect(await destination.readState(key)).toMatchObject({
        watermark: '5',
        load_id: '1.2',
        source_state: { note: "it's" },
      });
      expect(await destination.describeTables(target)).toEqual([
        {
          name: 'orders',
          columns: ['id', 'name', '_dlt_load_id', '_dlt_id'].map((name) => ({
            name,
            type: name === 'id' ? 'BIGINT' : 'VARCHAR',
            nullable: true,
          })),
        },
      ]);
    });

    it('loads a load id once', async () => {
      const pack = await orders('1.1', [1, 2]);
      await load(pack);
      expect(await load(pack, [])).toEqual({ loaded: false, rows: 0 });
      await destination.close();
      await destination.open(never);
      expect(await load(pack, [])).toEqual({ loaded: false, rows: 0 });
      expect(await read('orders', 'id')).toHaveLength(2);
    });

    it('leaves the state alone for a package without one', async () => {
      await load(await orders('1.1', [1], { watermark: '1' }));
      await load(await orders('1.2', [2], { state: false }), []);
      expect(await destination.readState(key)).toMatchObject({ watermark: '1', load_id: '1.1' });
    });

    it('replaces the table and its children, those that the new load lacks too', async () => {
      const first = ordersWithChildren('1.1', [
        { id: 1, name: 'a', lines: 2 },
        { id: 2, name: 'b', lines: 1 },
      ]);
      await load(await build({ loadId: '1.1', disposition: 'replace', tables: first }));
      const second = ordersWithChildren('1.2', [{ id: 7, name: 'x', lines: 1 }]).slice(0, 2);
      await load(await build({ loadId: '1.2', disposition: 'replace', tables: second }), []);
      expect(await read('orders', 'id, name')).toEqual([{ id: '7', name: 'x' }]);
      expect(await read('orders__lines', 'sku')).toEqual([{ sku: 'x-0' }]);
      const described = await destination.describeTables(target);
      expect(described.map((table) => table.name)).toEqual(['orders', 'orders__lines', 'orders__lines__discounts']);
      const connection = await workspace.connect();
      const discounts = await destination.from(target, 'orders__lines__discounts');
      expect(await connection.rows(`SELECT percent, _dlt_parent_id FROM ${discounts}`)).toEqual([]);
      connection.close();
    });

    it('replaces by nothing', async () => {
      await load(await orders('1.1', [1, 2], { disposition: 'replace' }));
      const tables = ordersWithChildren('1.2', []).slice(0, 1);
      await load(await build({ loadId: '1.2', disposition: 'replace', tables }), []);
      const connection = await workspace.connect();
      expect(await connection.rows(`SELECT id, name FROM ${await destination.from(target, 'orders')}`)).toEqual([]);
      connection.close();
    });

    for (const rootIds of [false, true]) {
      it(`merges on the key and replaces the children (${rootIds ? 'by root id' : 'by parent chain'})`, async () => {
        const merge = { disposition: 'merge' as const, key: ['id'] };
        const first = ordersWithChildren(
          '1.1',
          [
            { id: 1, name: 'a', lines: 2 },
            { id: 2, name: 'b', lines: 3 },
            { id: 3, name: 'c', lines: 1 },
          ],
          rootIds,
        );
        await load(await build({ loadId: '1.1', ...merge, tables: first }));
        const second = ordersWithChildren(
          '1.2',
          [
            { id: 2, name: 'B', lines: 1 },
            { id: 4, name: 'd', lines: 0 },
          ],
          rootIds,
        );
        expect(await load(await build({ loadId: '1.2', ...merge, tables: second }), [])).toEqual({
          loaded: true,
          rows: 2,
        });
        expect(await read('orders', 'id, name')).toEqual([
          { id: '1', name: 'a' },
          { id: '2', name: 'B' },
          { id: '3', name: 'c' },
          { id: '4', name: 'd' },
        ]);
        expect((await read('orders__lines', 'sku')).map((row) => row.sku)).toEqual(['B-0', 'a-0', 'a-1', 'c-0']);
        expect((await read('orders__lines__discounts', '_dlt_parent_id')).map((row) => row._dlt_parent_id)).toEqual([
          '1.1-1-0',
          '1.1-1-1',
          '1.1-3-0',
          '1.2-2-0',
        ]);
        // A load without any child rows takes the old ones of its rows away, too.
        const third = ordersWithChildren('1.3', [{ id: 1, name: 'A', lines: 0 }], rootIds).slice(0, 1);
        await load(await build({ loadId: '1.3', ...merge, tables: third }), []);
        expect((await read('orders__lines', 'sku')).map((row) => row.sku)).toEqual(['B-0', 'c-0']);
        expect(await read('orders__lines__discounts', '_dlt_parent_id')).toHaveLength(2);
      });
    }

    it('merges on several columns, empty ones among them', async () => {
      const content = (loadId: string, rows: string): PackageContent => ({
        loadId,
        disposition: 'merge',
        key: ['a', 'b'],
        tables: [
          {
            name: 'orders',
            columns: { a: 'INTEGER', b: 'VARCHAR', v: 'INTEGER' },
            rows: `FROM (VALUES ${rows}) t(a, b, v)`,
          },
        ],
      });
      await load(await build(content('1.1', "(1, 'x', 1), (1, NULL, 2), (NULL, NULL, 3), (2, 'x', 4)")));
      await load(await build(content('1.2', "(1, NULL, 20), (NULL, NULL, 30), (2, 'y', 5)")), []);
      expect(await read('orders', 'a, b, v')).toEqual(
        [
          [1, 'x', 1],
          [1, null, 20],
          [2, 'x', 4],
          [2, 'y', 5],
          [null, null, 30],
        ].map(([a, b, v]) => ({ a, b, v })),
      );
    });

    it('merges an empty package, which changes nothing but the state', async () => {
      await load(await orders('1.1', [1, 2], { disposition: 'merge', key: ['id'] }));
      const tables = ordersWithChildren('1.2', []).slice(0, 1);
      await load(await build({ loadId: '1.2', disposition: 'merge', key: ['id'], watermark: '9', tables }), []);
      expect(await read('orders', 'id')).toHaveLength(2);
      expect(await destination.readState(key)).toMatchObject({ watermark: '9' });
    });

    it('evolves: a new column, wider types, allowed nulls', async () => {
      const table = (columns: Record<string, string>, rows: string, notNull: string[] = []) => [
        { name: 'orders', columns, rows, notNull },
      ];
      const narrow = { id: 'INTEGER', ratio: 'FLOAT', price: 'DECIMAL(6,2)', must: 'VARCHAR' };
      await load(
        await build({
          loadId: '1.1',
          tables: table(narrow, "SELECT 1 AS id, 0.5 AS ratio, 12.34 AS price, 'm' AS must", ['must']),
        }),
      );
      const wide = { id: 'BIGINT', ratio: 'DOUBLE', price: 'DECIMAL(20,4)', must: 'VARCHAR', extra: 'DATE' };
      const rows =
        "SELECT 5000000000 AS id, 0.1 AS ratio, 1234567890.1234 AS price, NULL AS must, DATE '2024-02-29' AS extra";
      const pack = await build({ loadId: '1.2', tables: table(wide, rows) });
      const widen = (column: 'id' | 'ratio' | 'price') =>
        ({ kind: 'widen_column', table: 'orders', column, from: narrow[column], to: wide[column] }) as const;
      await load(pack, [
        {
          kind: 'add_column',
          table: 'orders',
          column: { name: 'extra', type: 'DATE', stored_type: 'DATE', nullable: false },
        },
        widen('id'),
        widen('ratio'),
        widen('price'),
        { kind: 'allow_null', table: 'orders', column: 'must' },
      ]);
      expect(await read('orders', 'id, ratio, price, must, extra')).toEqual([
        { id: '1', ratio: 0.5, price: '12.3400', must: 'm', extra: null },
        { id: '5000000000', ratio: 0.1, price: '1234567890.1234', must: null, extra: '2024-02-29' },
      ]);
      const [described] = await destination.describeTables(target);
      expect(described?.columns.map((column) => [column.name, column.type])).toEqual(Object.entries(wide));
      for (const [from, to] of Object.entries({
        TINYINT: 'INTEGER',
        SMALLINT: 'BIGINT',
        INTEGER: 'BIGINT',
        FLOAT: 'DOUBLE',
        'DECIMAL(6,2)': 'DECIMAL(8,3)',
      })) {
        expect([from, destination.capabilities.canWiden(from, to)]).toEqual([from, true]);
        expect([to, destination.capabilities.canWiden(to, from)]).toEqual([to, false]);
      }
    });

    it('quotes whatever names there are', async () => {
      const column = kind.oddColumn ?? 'select "from"; \'x\'';
      const [schema, table] = kind.oddNames ?? ['my "odd" schema', 'täble "x" --'];
      const tables = [
        {
          name: table,
          columns: { [column]: 'VARCHAR', id: 'INTEGER' },
          rows: `SELECT 'v' AS "${column.replaceAll('"', '""')}", 1 AS id`,
        },
      ];
      for (const loadId of ['1.1', '1.2']) {
        const pack = await build({ loadId, schema, table, disposition: 'merge', key: ['id'], tables });
        await load(pack, loadId === '1.1' ? creations(pack) : []);
      }
      expect(await destination.describeTables({ schema, table })).toMatchObject([
        { name: table, columns: [{ name: column }, { name: 'id' }] },
      ]);
      expect(await destination.readState({ ...key, target_schema: schema, target_table: table })).toMatchObject({
        load_id: '1.2',
      });
      const connection = await workspace.connect();
      expect(await connection.rows(`SELECT * FROM ${await destination.from({ schema, table }, table)}`)).toEqual([
        { [column]: 'v', id: 1 },
      ]);
      connection.close();
    });

    it('casts what Parquet could not hold to its own type', async () => {
      const tables = [
        {
          name: 'orders',
          columns: { span: 'INTERVAL' },
          stored: { span: 'VARCHAR' },
          rows: "SELECT INTERVAL '2 months 3 days 04:05:06' AS span",
        },
      ];
      await load(await build({ loadId: '1.1', tables }));
      const connection = await workspace.connect();
      const from = await destination.from(target, 'orders');
      expect(await connection.rows(`SELECT typeof(span) AS type, span::VARCHAR AS text FROM ${from}`)).toEqual([
        { type: landed('INTERVAL'), text: '2 months 3 days 04:05:06' },
      ]);
      connection.close();
    });

    it('keeps every value of every type that Parquet holds', async () => {
      const values: Record<string, [type: string, sql: string, json: unknown]> = {
        truth: ['BOOLEAN', 'true', true],
        tiny: ['TINYINT', '-128', -128],
        big: ['BIGINT', "'-9223372036854775808'", '-9223372036854775808'],
        positive: ['UBIGINT', "'18446744073709551615'", '18446744073709551615'],
        price: [
          'DECIMAL(38,9)',
          "'-12345678901234567890123456789.123456789'",
          '-12345678901234567890123456789.123456789',
        ],
        ratio: ['DOUBLE', '0.1', 0.1],
        nan: ['DOUBLE', "'nan'", 'NaN'],
        text: [
          'VARCHAR',
          "'tab\t line\n quote '' emoji 🦆 combining e\u0301 '",
          "tab\t line\n quote ' emoji 🦆 combining e\u0301 ",
        ],
        empty: ['VARCHAR', "''", ''],
        nothing: ['VARCHAR', 'NULL', null],
        bytes: ['BLOB', "'\\x00\\xFF'", '\\x00\\xFF'],
        day: ['DATE', "'0001-01-01'", '0001-01-01'],
        hour: ['TIME', "'23:59:59.999999'", '23:59:59.999999'],
        at: ['TIMESTAMP', "'2024-02-29 12:34:56.123456'", '2024-02-29 12:34:56.123456'],
        instant: ['TIMESTAMP WITH TIME ZONE', "'2024-02-29 12:34:56.123456+05:30'", '2024-02-29 07:04:56.123456+00'],
        id: ['UUID', "'00112233-4455-6677-8899-aabbccddeeff'", '00112233-4455-6677-8899-aabbccddeeff'],
        list: ['INTEGER[]', '[1, NULL, 3]', [1, null, 3]],
        part: ['STRUCT(a INTEGER, b VARCHAR)', "{'a': 1, 'b': 'x'}", { a: 1, b: 'x' }],
      };
      const columns = Object.fromEntries(Object.entries(values).map(([name, [type]]) => [name, type]));
      const rows = `SELECT ${Object.entries(values).map(([name, [type, sql]]) => `CAST(${sql} AS ${type}) AS ${name}`)}`;
      await load(await build({ loadId: '1.1', tables: [{ name: 'orders', columns, rows }] }));
      const connection = await workspace.connect();
      const from = await destination.from(target, 'orders');
      const expected = Object.fromEntries(Object.entries(values).map(([name, [, , json]]) => [name, json]));
      expect(await connection.rows(`SELECT * FROM ${from}`)).toEqual([expected]);
      const described = await destination.describeTables(target);
      expect(Object.fromEntries((described[0]?.columns ?? []).map((column) => [column.name, column.type]))).toEqual(
        Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, landed(type)])),
      );
      connection.close();
    });

    it('sets, lists and removes states by hand', async () => {
      const pack = await orders('1.1', [1], { watermark: '1' });
      await load(pack);
      const other = { ...key, pipeline: 'other', target_table: 'customers' };
      const state = pack.manifest.state;
      if (!state) throw new Error('unreachable');
      await destination.writeState(key, { ...state, watermark: '77' });
      await destination.writeState(other, { ...state, ...other });
      expect(await destination.readState(key)).toEqual({ ...state, watermark: '77' });
      expect(
        (await destination.listStates(null)).map((found) => `${found.pipeline} ${found.target_table}`).toSorted(),
      ).toEqual(['other customers', 'test_pipeline orders']);
      expect(await destination.listStates('other')).toHaveLength(1);
      await destination.writeState(key, null);
      await destination.writeState({ ...key, target_table: 'nothing_here' }, null);
      expect(await destination.readState(key)).toBeNull();
      expect(await read('orders', 'id')).toHaveLength(1);
      expect(await load(pack, [])).toEqual({ loaded: false, rows: 0 });
    });

    it('keeps the states of two pipelines and jobs apart', async () => {
      await load(await orders('1.1', [1], { watermark: '1' }));
      await load(await orders('1.2', [2], { watermark: '2', pipeline: 'second' }), []);
      expect(await destination.readState(key)).toMatchObject({ watermark: '1' });
      expect(await destination.readState({ ...key, pipeline: 'second' })).toMatchObject({ watermark: '2' });
    });

    it('loads two tables at the same time', async () => {
      const customers = {
        table: 'customers',
        tables: [{ name: 'customers', columns: { id: 'BIGINT' }, rows: 'FROM range(1000) t(id)' }],
      };
      const packs = [
        await orders('1.1', [1, 2, 3]),
        await build({ loadId: '1.2', ...customers }),
        await build({ loadId: '1.3', table: 'c3', tables: [{ ...customers.tables[0], name: 'c3' } as never] }),
      ];
      await Promise.all(packs.map((pack) => load(pack)));
      expect(await read('orders', 'id')).toHaveLength(3);
      expect(await read('customers', 'id')).toHaveLength(1000);
      expect(await destination.listStates('test_pipeline')).toHaveLength(3);
    });

    it('rolls back what is cancelled', async () => {
      await load(await orders('1.1', [1, 2], { disposition: 'replace', watermark: '1' }));
      const big = await build({
        loadId: '1.2',
        disposition: 'merge',
        key: ['id'],
        watermark: '2',
        tables: [
          {
            name: 'orders',
            columns: { id: 'BIGINT', name: 'VARCHAR', _dlt_load_id: 'VARCHAR', _dlt_id: 'VARCHAR' },
            rows: "SELECT i AS id, 'x' || i AS name, '1.2' AS _dlt_load_id, '1.2-' || i AS _dlt_id FROM range(300000) t(i)",
          },
        ],
      });
      const controller = new AbortController();
      const loading = destination.load(big, [], controller.signal);
      setTimeout(() => controller.abort(), 5);
      await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(destination.load(big, [], AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await destination.readState(key)).toMatchObject({ watermark: '1' });
      expect(await read('orders', 'id')).toHaveLength(2);
      expect(await load(big, [])).toEqual({ loaded: true, rows: 300_000 });
      expect(await read('orders', 'count(*) AS n')).toEqual([{ n: '300000' }]);
    });

    it('shows a reader the old or the new table, never a mix', async () => {
      const size = kind.readerRows ?? 20_000;
      const version = (n: number) =>
        build({
          loadId: `2.${n}`,
          disposition: 'replace',
          tables: [
            {
              name: 'orders',
              columns: { version: 'INTEGER', _dlt_id: 'VARCHAR' },
              rows: `SELECT ${n} AS version, i::VARCHAR AS _dlt_id FROM range(${size}) t(i)`,
            },
            {
              name: 'orders__lines',
              parent: 'orders',
              columns: { version: 'INTEGER', _dlt_parent_id: 'VARCHAR' },
              rows: `SELECT ${n} AS version, i::VARCHAR AS _dlt_parent_id FROM range(${size}) t(i)`,
            },
          ],
        });
      const packs = await Promise.all([1, 2, 3, 4].map(version));
      const [first, ...rest] = packs as [LoadPackage, ...LoadPackage[]];
      await load(first);
      let done = false;
      const seen = new Set<string>();
      const reading = (async () => {
        const connection = await workspace.connect();
        while (!done) {
          const sql = `SELECT count(*) AS n, min(version) AS low, max(version) AS high FROM ${await destination.from(target, 'orders')}`;
          const rows = await connection.rows<Record<string, unknown>>(sql).catch((error: unknown) => {
            // A Parquet folder's file may be gone after the swap; asking again gives the new ones. A transaction has no such gap.
            expect([destination.capabilities.types, messageOf(error)]).toEqual([
              'portable',
              expect.stringContaining('.parquet'),
            ]);
            return [];
          });
          for (const row of rows) seen.add(JSON.stringify(row));
        }
        connection.close();
      })();
      for (const pack of rest) await load(pack, []);
      done = true;
      await reading;
      for (const row of [...seen].map((text) => JSON.parse(text))) {
        expect(row).toEqual({ n: String(size), low: row.low, high: row.low });
      }
      expect(seen.size).toBeGreaterThan(0);
      expect(await read('orders__lines', 'DISTINCT version')).toEqual([{ version: 4 }]);
    });

    it('locks a target against a second run', async () => {
      const owner = { runId: 'run-a', pid: process.pid, host: 'elsewhere' };
      const held = await destination.lock(target, owner);
      const second = await kind.create(root, workspace);
      await second.open(never);
      await expect(second.lock(target, { ...owner, runId: 'run-b' })).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringMatching(/raw\.orders is being loaded by run run-a \(process \d+ on elsewhere\) since/),
        hint: expect.stringContaining('Wait'),
      });
      const other = await second.lock({ ...target, table: 'customers' }, owner);
      await other.release();
      await held.release();
      await held.release();
      const again = await second.lock(target, { ...owner, runId: 'run-b' });
      await again.release();
      await second.close();
    });
  });
}
