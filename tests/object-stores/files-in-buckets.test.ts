import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Workspace } from '../../engine/duckdb/workspace.ts';
import type { ObjectStore } from '../../engine/object-stores/object-store.ts';
import { testDestination } from '../../engine/service/test-destination.ts';
import { createFilesystemSource } from '../../engine/sources/filesystem/filesystem-source.ts';
import type { ReadRequest, ReadSummary, Source, TestStage } from '../../engine/sources/source.ts';
import type { Job } from '../../engine/spec/job.ts';
import { incremental, makeJob, options } from '../sources/filesystem/harness.ts';
import { openTestStore, type Place, QUICK, STORE_KINDS, type StoreServer } from './stores.ts';

const { signal } = new AbortController();

for (const kind of STORE_KINDS.filter(({ name }) => name !== 'local')) {
  describe(`files in ${kind.name}`, () => {
    let server: StoreServer;
    let root: string;
    let workspace: Workspace;
    let place: Place;
    let store: ObjectStore;
    let spool: string;
    beforeAll(async () => {
      server = await kind.start();
      root = await mkdtemp(join(tmpdir(), 'bucket-files-'));
      workspace = await Workspace.open({ memoryLimitMiB: 400, threads: 2, tempDirectory: join(root, 'duckdb') });
    }, 60_000);
    afterAll(async () => {
      workspace?.close();
      await server?.stop();
      await rm(root, { recursive: true, force: true });
    });
    beforeEach(async () => {
      place = await server.place();
      store = await openTestStore(place);
      return () => store.close();
    });

    const source = (bytesKept?: number): Source =>
      createFilesystemSource(
        { bucket_url: place.bucketUrl, ...place.credentials },
        {
          projectDirectory: root,
          store: { environment: {}, retry: QUICK },
          ...(bytesKept === undefined ? {} : { bytesKept }),
        },
      );
    const request = (job: Partial<Job> & { file_format: Job['file_format'] }, more: Partial<ReadRequest> = {}) => ({
      job: makeJob(job),
      types: 'portable' as const,
      incremental: null,
      sourceState: null,
      sampleRows: null,
      ...more,
    });
    const context = async () => {
      spool = await mkdtemp(join(root, 'spool-'));
      return { workspace, spoolDirectory: spool, signal, progress: () => {}, warn: () => {}, log: () => {} };
    };
    const sql = async <Row>(statement: string): Promise<Row[]> => {
      const connection = await workspace.connect();
      try {
        return await connection.rows<Row>(statement);
      } finally {
        connection.close();
      }
    };
    /** Reads all; `select` runs on each segment. */
    const readAll = async (asked: ReadRequest, select: string, from = source()) => {
      const reading = from.read(asked, await context());
      const rows: Record<string, unknown>[] = [];
      let mostSpooled = 0;
      for (;;) {
        const next = await reading.next();
        if (next.done) {
          await from.close();
          return { rows, summary: next.value as ReadSummary, mostSpooled };
        }
        rows.push(...(await sql<Record<string, unknown>>(`SELECT ${select} FROM ${next.value.from} AS s`)));
        const copies = await readdir(join(spool, 'copies')).catch(() => []);
        mostSpooled = Math.max(mostSpooled, copies.length);
        await next.value.release();
      }
    };
    const parquet = async (key: string, select: string) => {
      const path = join(root, 'made.parquet');
      await sql(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
      await store.put(key, await readFile(path), null);
    };

    test('CSV, JSONL and Parquet by glob, hidden ones left out, and no copy is left', async () => {
      await store.put('in/a.csv', 'id,name\n1,ä\n2,b\n', null);
      await store.put('in/deep/b.csv', 'id,name\n3,c\n', null);
      await store.put('in/_tmp/c.csv', 'id,name\n9,x\n', null);
      await store.put('in/.hidden.csv', 'id,name\n9,x\n', null);
      await store.put('other/d.csv', 'id,name\n9,x\n', null);
      const csv = request({
        file_format: 'csv',
        file_glob: 'in/**/*.csv',
        options: options({ include_file_name: true }),
      });
      const { rows, summary } = await readAll(csv, 'id, name, _file_name AS f');
      expect(rows).toEqual([
        { id: '1', name: 'ä', f: 'in/a.csv' },
        { id: '2', name: 'b', f: 'in/a.csv' },
        { id: '3', name: 'c', f: 'in/deep/b.csv' },
      ]);
      expect(summary.verdict).toMatchObject({ reason: 'end_of_files', files: 2, records: 3 });
      expect(await readdir(join(spool, 'copies'))).toEqual([]);
      await store.put('rows.jsonl', '\ufeff{"id": 12345678901234567890, "v": 0.10}\n', null);
      const json = request({ file_format: 'jsonl', file_glob: '*.jsonl' });
      expect((await readAll(json, 'id::VARCHAR AS id, v::VARCHAR AS v')).rows).toEqual([
        { id: '12345678901234567890', v: '0.1' },
      ]);
      // Large enough that only its footer is fetched first; another schema makes a part of its own.
      await parquet('p/big.parquet', 'SELECT i AS id, md5(i::VARCHAR) AS t FROM range(40000) r(i)');
      await parquet('p/small.parquet', 'SELECT 40000::INTEGER AS id');
      const many = await readAll(
        request({ file_format: 'parquet', file_glob: 'p/*.parquet' }),
        'count(*)::INTEGER AS n, sum(id)::BIGINT::VARCHAR AS s, min(t) AS t',
      );
      expect(many.rows.map(({ n, s }) => [n, s])).toEqual([
        [40000, String((39999 * 40000) / 2)],
        [1, '40000'],
      ]);
      expect(
        (await readAll(request({ file_format: 'csv', file_glob: '*.csv', source_object: 'in' }), 'id')).rows,
      ).toHaveLength(2);
    });

    test('each file once: new and changed ones by their etag', async () => {
      await store.put('d/2024-01-01/a.csv', 'id\n1\n', null);
      await store.put('d/2024-01-02/b.csv', 'id\n2\n', null);
      const asked = (sourceState: unknown, from: string | null) =>
        request(
          { file_format: 'csv', file_glob: 'd/**/*.csv', load_type: 'INCREMENTAL', incremental_mode: 'folder_date' },
          { sourceState, incremental: incremental({ from, continued: from !== null }) },
        );
      const first = await readAll(asked(null, null), 'id');
      expect(first.rows).toEqual([{ id: '1' }, { id: '2' }]);
      expect(first.summary.watermark).toBe('2024-01-02');
      const again = await readAll(asked(first.summary.sourceState, '2024-01-02'), 'id');
      expect(again.summary.verdict.reason).toBe('no_new_files');
      // The same size, maybe within the same second: only the etag tells.
      await store.put('d/2024-01-01/a.csv', 'id\n7\n', null);
      await store.put('d/2024-01-03/c.csv', 'id\n3\n', null);
      const third = await readAll(asked(first.summary.sourceState, '2024-01-02'), 'id');
      expect(third.rows).toEqual([{ id: '7' }, { id: '3' }]);
    });

    test('hundreds of files within a small cache, and a file that changes meanwhile', async () => {
      const count = 40;
      await Promise.all(
        Array.from({ length: count }, (_, at) => store.put(`m/${at}.csv`, `id,pad\n${at},${'x'.repeat(2000)}\n`, null)),
      );
      const asked = request({ file_format: 'csv', file_glob: 'm/*.csv' });
      const all = await readAll(asked, 'count(*)::INTEGER AS n, sum(id)::INTEGER AS s', source(9_000));
      expect(all.rows).toEqual([{ n: count, s: ((count - 1) * count) / 2 }]);
      const reading = source(9_000).read(asked, await context());
      const { value: segment } = await reading.next();
      await (segment as { release(): Promise<void> }).release();
      await reading.return(undefined as never);
      const changing = source(1);
      const plan = changing.read(asked, {
        ...(await context()),
        progress: () => void store.put('m/7.csv', 'id,pad\n7,changed\n', null),
      });
      await expect(plan.next()).rejects.toMatchObject({ code: 'FILE_CHANGED_WHILE_READ', retryable: true });
    });

    test('test, discover, preview and explain', async () => {
      await store.put('in/2024-01-01/a.csv', 'id,name\n1,a\n', null);
      await store.put('in/2024-01-02/a.csv', 'id,name\n2,b\n', null);
      await parquet('out/p.parquet', 'SELECT 1::BIGINT AS id');
      const from = source();
      const stages = await Array.fromAsync(from.test(signal));
      expect(stages.map(({ stage, status }) => `${stage} ${status}`)).toEqual([
        // The server is an address, and http.
        'dns skipped',
        'tcp passed',
        'tls skipped',
        ...['login', 'permission', 'first_read'].map((stage) => `${stage} passed`),
      ]);
      const found = await from.discover({ withColumns: true }, signal);
      expect(found.map(({ name, columns }) => [name, columns.map((column) => column.name)])).toEqual([
        ['in/**/*.csv', ['id', 'name']],
        ['out/*.parquet', ['id']],
      ]);
      expect(await from.discover({ schema: 'out', withColumns: false }, signal)).toHaveLength(1);
      const asked = request({ file_format: 'csv', file_glob: 'in/**/*.csv' });
      const preview = await from.preview(asked, await context(), { pages: 1, rows: 5 });
      expect(preview.pages.map(({ records }) => records)).toEqual([[{ id: '1', name: 'a' }]]);
      expect(await from.explain(asked, signal)).toContain('in/2024-01-02/a.csv');
      await from.close();
      const bad = { ...place, bucketUrl: place.bucketUrl.replace('lake-', 'nowhere-') };
      const missing = createFilesystemSource(
        { bucket_url: bad.bucketUrl, ...bad.credentials },
        { projectDirectory: root },
      );
      expect((await Array.fromAsync(missing.test(signal))).at(-1)).toMatchObject({
        stage: 'permission',
        status: 'failed',
        error: { code: 'OBJECT_STORE_NOT_FOUND' },
      });
    });

    test('a destination is tested by a probe object, which goes again', async () => {
      const stages = async (bucketUrl = place.bucketUrl): Promise<TestStage[]> => {
        const config = { name: 'lake', type: 'filesystem', schema: 'raw', table_format: 'parquet' } as const;
        const destination = { ...config, bucket_url: bucketUrl, ...place.credentials };
        return await Array.fromAsync(testDestination(destination, { baseDirectory: root, signal }));
      };
      const passed = await stages();
      expect(passed.map(({ stage, status }) => `${stage} ${status}`)).toEqual([
        // The server is an address, and http.
        'dns skipped',
        'tcp passed',
        'tls skipped',
        ...['login', 'permission', 'first_read'].map((stage) => `${stage} passed`),
      ]);
      expect(passed[4]?.detail).toContain('conditional writes are honoured');
      expect([...(await server.objects(place)).keys()]).toEqual([]);
      const missing = await stages(place.bucketUrl.replace('lake-', 'nowhere-'));
      expect(missing.at(-1)).toMatchObject({ status: 'failed', error: { code: 'OBJECT_STORE_NOT_FOUND' } });
    });
  });
}
