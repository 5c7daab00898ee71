import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Destination } from '../../engine/destinations/destination.ts';
import { createDuckDbDestination } from '../../engine/destinations/duckdb/duckdb-destination.ts';
import { describeFileError, describeLoadError } from '../../engine/destinations/duckdb/duckdb-errors.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import { buildPackage, creations, ordersWithChildren, type PackageContent } from './build-package.ts';
import { query } from './read-back.ts';

const never = new AbortController().signal;
const key = { pipeline: 'test_pipeline', target_schema: 'raw', target_table: 'orders' };

describe('DuckDB file', () => {
  let root: string;
  let file: string;
  let workspace: Workspace;
  const open: Destination[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'duckdb-'));
    file = join(root, 'data.duckdb');
    workspace = await Workspace.open({ memoryLimitMiB: 300, threads: 2, tempDirectory: join(root, 'spill') });
  });
  afterEach(async () => {
    for (const destination of open.splice(0)) await destination.close();
    workspace.close();
    await rm(root, { recursive: true, force: true });
  });

  const create = (path = file, options: { workspace?: Workspace; now?: () => Date } = {}) => {
    const destination = createDuckDbDestination({ name: 'dest', path, schema: 'raw' }, { workspace, ...options });
    open.push(destination);
    return destination;
  };
  const opened = async (path = file) => {
    const destination = create(path);
    await destination.open(never);
    return destination;
  };
  const simple = (loadId: string, rest: Partial<PackageContent> = {}) =>
    buildPackage(root, {
      loadId,
      ...rest,
      tables: [{ name: 'orders', columns: { id: 'BIGINT' }, rows: 'SELECT 1 AS id' }],
    });
  /** Runs SQL in the file with a DuckDB that is not the product's. */
  const inFile = async (statements: string[]) => {
    await query(null, [`ATTACH ${literal(file)} AS f`, 'USE f', ...statements, 'USE memory', 'DETACH f'].join('; '));
  };

  it("keeps dlt's own tables with dlt's own columns", async () => {
    const destination = create(file, { now: () => new Date('2024-05-06T07:08:09.123Z') });
    await destination.open(never);
    const pack = await buildPackage(root, {
      loadId: '1.1',
      watermark: '5',
      tables: ordersWithChildren('1.1', [{ id: 1, name: 'a', lines: 1 }]),
    });
    await destination.load(pack, creations(pack), never);
    await destination.close();
    const columns = await query(
      file,
      "SELECT table_name AS t, list(column_name || ' ' || data_type || if(is_nullable, '', ' NOT NULL') ORDER BY column_index) AS c FROM duckdb_columns() WHERE table_name LIKE '\\_dlt%' ESCAPE '\\' GROUP BY t ORDER BY t",
    );
    // As dlt 1.31 creates them (dlt/common/schema/utils.py; looked at in a file that it wrote).
    const time = 'TIMESTAMP WITH TIME ZONE NOT NULL';
    expect(columns).toEqual([
      {
        t: '_dlt_loads',
        c: [
          'load_id VARCHAR NOT NULL',
          'schema_name VARCHAR',
          'status BIGINT NOT NULL',
          `inserted_at ${time}`,
          'schema_version_hash VARCHAR',
        ],
      },
      {
        t: '_dlt_pipeline_state',
        c: [
          ...[
            'version BIGINT NOT NULL',
            'engine_version BIGINT NOT NULL',
            'pipeline_name VARCHAR NOT NULL',
            'state VARCHAR NOT NULL',
          ],
          ...[
            `created_at ${time}`,
            'version_hash VARCHAR',
            '_dlt_load_id VARCHAR NOT NULL',
            '_dlt_id VARCHAR NOT NULL',
          ],
        ],
      },
      {
        t: '_dlt_version',
        c: [
          ...['version BIGINT NOT NULL', 'engine_version BIGINT NOT NULL', `inserted_at ${time}`],
          ...['schema_name VARCHAR NOT NULL', 'version_hash VARCHAR NOT NULL', 'schema VARCHAR NOT NULL'],
        ],
      },
    ]);
    const [load] = await query(
      file,
      'SELECT load_id, schema_name, status, epoch_ms(inserted_at) AS at, schema_version_hash AS hash FROM raw._dlt_loads',
    );
    const at = String(Date.parse('2024-05-06T07:08:09.123Z'));
    expect(load).toMatchObject({ load_id: '1.1', schema_name: 'ingest_orders', status: '0', at });
    const [version] = await query(file, 'SELECT * FROM raw._dlt_version');
    expect(version).toMatchObject({
      version: '1',
      engine_version: '11',
      schema_name: 'ingest_orders',
      version_hash: load?.hash,
    });
    expect(JSON.parse(String(version?.schema))).toMatchObject({
      name: 'ingest_orders',
      tables: {
        _dlt_version: { columns: { schema: { data_type: 'text' } } },
        orders: { columns: { id: { data_type: 'bigint', nullable: true } }, write_disposition: 'append' },
        orders__lines: { parent: 'orders', columns: { _dlt_list_idx: { data_type: 'bigint' } } },
      },
    });
    const [state] = await query(
      file,
      'SELECT version, engine_version, pipeline_name, _dlt_load_id FROM raw._dlt_pipeline_state',
    );
    expect(state).toEqual({
      version: '1',
      engine_version: '1',
      pipeline_name: 'test_pipeline/raw.orders',
      _dlt_load_id: '1.1',
    });
  });

  it('goes on with what an older dlt began and leaves its state alone', async () => {
    await inFile([
      'CREATE SCHEMA raw',
      'CREATE TABLE raw._dlt_loads (load_id VARCHAR NOT NULL, schema_name VARCHAR, status BIGINT NOT NULL, inserted_at TIMESTAMPTZ NOT NULL)',
      "INSERT INTO raw._dlt_loads VALUES ('1.0', 'shop', 0, now())",
      'CREATE TABLE raw._dlt_pipeline_state (version BIGINT NOT NULL, engine_version BIGINT NOT NULL, pipeline_name VARCHAR NOT NULL, state VARCHAR NOT NULL, created_at TIMESTAMPTZ NOT NULL)',
      "INSERT INTO raw._dlt_pipeline_state VALUES (7, 4, 'test_pipeline', 'eNp…', now())",
      'CREATE TABLE raw.orders (id BIGINT, _dlt_id VARCHAR)',
      "INSERT INTO raw.orders VALUES (1, 'x'), (2, 'y')",
      'CREATE TABLE raw.orders__lines (sku VARCHAR, _dlt_root_id VARCHAR, _dlt_parent_id VARCHAR)',
      "INSERT INTO raw.orders__lines VALUES ('x1', 'x', 'x'), ('y1', 'y', 'y'), ('by parent', NULL, 'x')",
      "CREATE TABLE raw.orders__archive AS SELECT 'another job''s' AS note",
    ]);
    const destination = await opened();
    expect((await destination.describeTables({ schema: 'raw', table: 'orders' })).map((table) => table.name)).toEqual([
      'orders',
      'orders__lines',
    ]);
    const tables = [
      { name: 'orders', columns: { id: 'BIGINT', _dlt_id: 'VARCHAR' }, rows: "SELECT 1 AS id, 'new' AS _dlt_id" },
    ];
    await destination.load(
      await buildPackage(root, { loadId: '1.1', disposition: 'merge', key: ['id'], tables }),
      [],
      never,
    );
    expect(await destination.listStates(null)).toHaveLength(1);
    await destination.close();
    expect(await query(file, 'FROM raw.orders ORDER BY ALL')).toEqual([
      { id: '1', _dlt_id: 'new' },
      { id: '2', _dlt_id: 'y' },
    ]);
    expect(await query(file, 'SELECT sku FROM raw.orders__lines')).toEqual([{ sku: 'y1' }]);
    expect(await query(file, 'FROM raw.orders__archive')).toHaveLength(1);
    expect(
      await query(file, "SELECT version, state FROM raw._dlt_pipeline_state WHERE pipeline_name = 'test_pipeline'"),
    ).toEqual([{ version: '7', state: 'eNp…' }]);
  });

  it('keeps the latest few versions of a state, and a new version of a changed schema', async () => {
    const destination = await opened();
    const first = await simple('1.0');
    await destination.load(first, creations(first), never);
    for (let n = 1; n <= 8; n += 1) await destination.load(await simple(`1.${n}`, { watermark: String(n) }), [], never);
    expect(await destination.readState(key)).toMatchObject({ watermark: '8' });
    const wider = [{ name: 'orders', columns: { id: 'BIGINT', more: 'DATE' }, rows: 'SELECT 1 AS id, NULL AS more' }];
    const column = { name: 'more', type: 'DATE', stored_type: 'DATE', nullable: true };
    await destination.load(
      await buildPackage(root, { loadId: '1.9', tables: wider }),
      [{ kind: 'add_column', table: 'orders', column }],
      never,
    );
    await destination.close();
    expect(await query(file, 'SELECT version FROM raw._dlt_pipeline_state ORDER BY version')).toEqual(
      ['6', '7', '8', '9', '10'].map((version) => ({ version })),
    );
    expect(await query(file, 'SELECT version FROM raw._dlt_version ORDER BY version')).toEqual([
      { version: '1' },
      { version: '2' },
    ]);
  });

  it('gives a column another type in a replace', async () => {
    const destination = await opened();
    const tables = (type: string, value: string, notNull: string[] = []) => [
      { name: 'orders', columns: { id: type, name: 'VARCHAR' }, notNull, rows: `SELECT ${value} AS id, 'n' AS name` },
    ];
    const first = await buildPackage(root, {
      loadId: '1.1',
      disposition: 'replace',
      tables: tables('BIGINT', '7', ['id']),
    });
    await destination.load(first, creations(first), never);
    const second = await buildPackage(root, {
      loadId: '1.2',
      disposition: 'replace',
      tables: tables('DATE', "DATE '2024-01-02'"),
    });
    await destination.load(
      second,
      [{ kind: 'retype_column', table: 'orders', column: 'id', from: 'BIGINT', to: 'DATE' }],
      never,
    );
    await destination.close();
    expect(await query(file, 'FROM raw.orders')).toEqual([{ id: '2024-01-02', name: 'n' }]);
  });

  it('refuses a state of a newer version and one that is none, and changes nothing', async () => {
    const destination = await opened();
    const pack = await simple('1.1');
    await destination.load(pack, creations(pack), never);
    await destination.close();
    await inFile(['UPDATE raw._dlt_pipeline_state SET state = \'{"version": 2, "pipeline": "test_pipeline"}\'']);
    await destination.open(never);
    const newer = {
      code: 'STATE_NEWER',
      message: expect.stringContaining('version 2'),
      hint: expect.stringContaining('Upgrade'),
    };
    await expect(destination.readState(key)).rejects.toMatchObject(newer);
    await expect(destination.listStates(null)).rejects.toMatchObject(newer);
    await destination.close();
    for (const text of ['{"version": 1}', '{not json', '[]']) {
      await inFile([`UPDATE raw._dlt_pipeline_state SET state = ${literal(text)}`]);
      await destination.open(never);
      await expect(destination.readState(key)).rejects.toMatchObject({
        code: 'STATE_UNREADABLE',
        hint: expect.stringContaining('state reset'),
      });
      await destination.close();
    }
  });

  it('rolls everything back when a value does not fit, and says where', async () => {
    const destination = await opened();
    const first = await simple('1.1', { watermark: '1' });
    await destination.load(first, creations(first), never);
    const tables = [
      { name: 'orders', columns: { id: 'BIGINT' }, stored: { id: 'VARCHAR' }, rows: "SELECT 'many' AS id" },
    ];
    const bad = await buildPackage(root, { loadId: '1.2', disposition: 'replace', watermark: '2', tables });
    await expect(destination.load(bad, [], never)).rejects.toMatchObject({
      code: 'DESTINATION_FAILED',
      message: expect.stringMatching(/loading raw\.orders.*many/s),
    });
    const keyless = await simple('1.3', { disposition: 'merge' });
    await expect(destination.load(keyless, [], never)).rejects.toMatchObject({ code: 'MERGE_WITHOUT_KEY' });
    expect(await destination.readState(key)).toMatchObject({ watermark: '1' });
    await destination.close();
    expect(await query(file, 'FROM raw.orders')).toEqual([{ id: '1' }]);
  });

  it('names what hangs on a table that must change', async () => {
    await inFile([
      'CREATE SCHEMA raw',
      'CREATE TABLE raw.orders (id INTEGER, x VARCHAR)',
      'CREATE INDEX i ON raw.orders (x)',
    ]);
    const destination = await opened();
    const widen = { kind: 'widen_column', table: 'orders', column: 'id', from: 'INTEGER', to: 'BIGINT' } as const;
    await expect(destination.load(await simple('1.1'), [widen], never)).rejects.toMatchObject({
      code: 'DESTINATION_DEPENDENCY',
      hint: expect.stringContaining('Drop the index'),
    });
  });

  it('says which program holds the file', async () => {
    const script = `import { DuckDBInstance } from '@duckdb/node-api';
      await DuckDBInstance.create(process.argv[1]); process.stdout.write('open'); setInterval(() => {}, 60000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      await once(child.stdout, 'data');
      const destination = create();
      await expect(destination.open(never)).rejects.toMatchObject({
        code: 'LOCKED',
        retryable: true,
        message: expect.stringMatching(
          process.platform === 'win32'
            ? /is open in another program/
            : new RegExp(`data\\.duckdb is open in another program: .*node.* \\(process ${child.pid}\\)`),
        ),
        hint: expect.stringContaining('Close that program'),
      });
      child.kill('SIGKILL');
      await exited;
      await destination.open(never);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is shared by two destinations of one workspace and refused to another one, by whatever path', async () => {
    const first = await opened();
    const link = join(root, 'link.duckdb');
    await symlink(file, link);
    const second = await opened(link);
    const other = await Workspace.open({ memoryLimitMiB: 100, threads: 1, tempDirectory: join(root, 'spill') });
    const third = create(link, { workspace: other });
    await expect(third.open(never)).rejects.toMatchObject({ code: 'LOCKED', retryable: true });
    await first.close();
    const pack = await simple('1.1');
    await second.load(pack, creations(pack), never);
    await second.close();
    await third.open(never);
    expect(await third.readState(key)).toMatchObject({ load_id: '1.1' });
    await third.close();
    await Promise.all([first.open(never), second.open(never)]);
    await Promise.all([first.close(), second.open(never), second.close()]);
    other.close();
  });

  it('explains a path that cannot be', async () => {
    await writeFile(join(root, 'note.txt'), 'not a database, and longer than a header is '.repeat(200));
    await expect(opened(join(root, 'note.txt'))).rejects.toMatchObject({ code: 'DESTINATION_NOT_DUCKDB' });
    expect(await readFile(join(root, 'note.txt'), 'utf8')).toContain('not a database');
    await mkdir(join(root, 'folder'));
    await expect(opened(join(root, 'folder'))).rejects.toMatchObject({
      code: 'DESTINATION_PATH',
      message: expect.stringContaining('folder'),
    });
    await expect(opened(join(root, 'note.txt', 'x', 'data.duckdb'))).rejects.toMatchObject({
      code: 'DESTINATION_PATH',
    });
    // And again, for the refused path must not be remembered as open.
    await expect(opened(join(root, 'note.txt'))).rejects.toMatchObject({ code: 'DESTINATION_NOT_DUCKDB' });
    await expect(create().open(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it.runIf(process.platform === 'linux')('explains a file that may not be written', async () => {
    const first = await opened();
    await first.close();
    await chmod(file, 0o444);
    await chmod(root, 0o555);
    // Root may write everything: another user tries.
    const script = `const { Workspace } = await import(process.argv[2]); const { createDuckDbDestination } = await import(process.argv[3]);
      if (process.getuid() === 0) process.setuid(65534);
      const workspace = await Workspace.open({ memoryLimitMiB: 100, threads: 1, tempDirectory: process.argv[4] });
      const destination = createDuckDbDestination({ name: 'dest', path: process.argv[1], schema: 'raw' }, { workspace });
      const error = await destination.open(new AbortController().signal).catch((error) => error);
      process.stdout.write(JSON.stringify({ code: error.code, message: error.message, hint: error.hint })); process.exit(0);`;
    const modules = ['../../engine/duckdb/workspace.ts', '../../engine/destinations/duckdb/duckdb-destination.ts'].map(
      (path) => new URL(path, import.meta.url).href,
    );
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file, ...modules, tmpdir()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    for await (const chunk of child.stdout) output.push(String(chunk));
    expect(JSON.parse(output.join(''))).toMatchObject({
      code: 'DESTINATION_READ_ONLY',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('Allow writing'),
    });
    await chmod(root, 0o755);
  });

  it.runIf(process.platform === 'linux')('explains a full disk', async () => {
    // A device that is always full.
    await expect(opened('/dev/full')).rejects.toMatchObject({
      code: 'DISK_FULL',
      retryable: true,
      hint: expect.stringContaining('Free space'),
    });
  });

  it('explains what only other machines say', () => {
    const texts: [string, string][] = [
      [
        'IO Error: Cannot open file "C:\\data.duckdb": The process cannot access the file because it is being used by another process.',
        'LOCKED',
      ],
      [
        'IO Error: Trying to read a database file with version number 69, but we can only read versions between 64 and 68.\nThe database file was created with a newer version of DuckDB.',
        'DESTINATION_TOO_NEW',
      ],
      [
        'IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 0',
        'DESTINATION_CORRUPT',
      ],
      [
        'Binder Error: Unique file handle conflict: Cannot attach "x2" - the database file "/x" is already attached by database "x"',
        'LOCKED',
      ],
      ['Something new', 'DESTINATION_FAILED'],
    ];
    for (const [text, code] of texts) expect(describeFileError(new Error(text), '/x').code).toBe(code);
    expect(
      describeLoadError(new Error('Out of Memory Error: could not allocate'), '/x', 'loading a.b', never).code,
    ).toBe('OUT_OF_MEMORY');
    expect(
      describeLoadError(new Error('INTERRUPT Error: Interrupted!'), '/x', 'loading a.b', AbortSignal.abort()).code,
    ).toBe('CANCELLED');
  });

  it('cannot be used before it is open', async () => {
    await expect(create().readState(key)).rejects.toThrow('before it was opened');
  });
});
