import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySample } from '../../resources/sample/demo.ts';
import { type CliResult, cli } from './cli-process.ts';
import { tempFolder, writeProject } from './cli-project.ts';

/** A planted secret must never be printed, whatever is asked for. */
const SECRET = 'pl4nted-S3cret/with+signs';

let root: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder: root, remove } = await tempFolder());
  await copySample(path.join(root, 'sample'));
});
afterAll(() => remove());

const sample = () => path.join(root, 'sample');
const json = (text: string) => JSON.parse(text);

describe('validate', () => {
  test('the sample has nothing to complain about', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'validate', '--json']);
    expect(json(stdout)).toEqual({ valid: true, issues: [] });
    expect(code).toBe(0);
    const plain = await cli(['-c', sample(), '--validate']);
    expect(plain.code).toBe(0);
    expect(plain.stdout).toContain('13 valid jobs (12 enabled), 5 checks');
  });

  test('all findings, each in the shape of the documents, with the place, the cell and a way out', async () => {
    const folder = path.join(root, 'broken');
    await writeProject(folder, {
      jobs: [
        { source_type: 'api', source_name: 'shop', table_name: 'orders', load_type: 'INCREMENT' },
        { source_type: 'api', source_name: 'nowhere', table_name: 'a b', load_type: 'FULL' },
      ],
      config:
        '[sources.shop]\nbase_url = "http://127.0.0.1:9"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n',
    });
    const { code, stdout } = await cli(['-c', folder, 'validate', '--json']);
    expect(code).toBe(2);
    const { valid, issues } = json(stdout);
    expect(valid).toBe(false);
    for (const issue of issues) {
      expect(Object.keys(issue).sort()).toEqual([
        'code',
        'column',
        'hint',
        'message',
        'row',
        'severity',
        'sheet',
        'value',
      ]);
    }
    expect(issues).toContainEqual(
      expect.objectContaining({
        sheet: 'SourceConfig',
        row: 2,
        column: 'load_type',
        value: 'INCREMENT',
        severity: 'error',
      }),
    );
    expect(issues.filter(({ row }: { row: number }) => row === 3).length).toBeGreaterThan(0);

    const plain = await cli(['-c', folder, 'validate']);
    expect(plain.code).toBe(2);
    expect(plain.stdout).toContain('SourceConfig row 2, load_type "INCREMENT"');
    expect(plain.stdout).toContain('Did you mean INCREMENTAL?');
  });

  test('a workbook that cannot be read is said to be so by every command, not taken for an empty one', async () => {
    const folder = path.join(root, 'damaged');
    await cp(sample(), folder, { recursive: true });
    const workbook = path.join(folder, 'ingestion_config.xlsx');
    await writeFile(workbook, (await readFile(workbook)).subarray(0, 3000));
    for (const args of [['run', '-j', 'stores'], ['list'], ['preview', 'stores'], ['state', 'show']]) {
      const { code, stderr, stdout } = await cli(['-c', folder, ...args]);
      expect(code).toBe(2);
      expect(stderr).toContain('WORKBOOK_DAMAGED');
      expect(stderr).not.toContain('SELECTOR_UNKNOWN');
      expect(stdout).toBe('');
    }
    const validated = await cli(['-c', folder, 'validate', '--json']);
    expect(json(validated.stdout).issues).toContainEqual(
      expect.objectContaining({ code: 'WORKBOOK_DAMAGED', severity: 'error' }),
    );
  });

  test('a thousand broken rows stay readable, and --json has them all', async () => {
    const folder = path.join(root, 'thousand');
    await writeProject(folder, {
      jobs: Array.from({ length: 1000 }, (_, index) => ({
        source_type: 'api',
        source_name: 'shop',
        table_name: `orders_${index}`,
        load_type: 'SOMETIMES',
      })),
      config:
        '[sources.shop]\nbase_url = "http://127.0.0.1:9"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n',
    });
    const plain = await cli(['-c', folder, 'validate']);
    expect(plain.stdout).toContain('1,000 errors');
    expect(plain.stdout).toContain('950 more errors');
    expect(plain.stdout.split('\n').length).toBeLessThan(250);
    const { stdout } = await cli(['-c', folder, 'validate', '--json']);
    expect(json(stdout).issues.filter(({ severity }: { severity: string }) => severity === 'error')).toHaveLength(1000);
  });
});

describe('list', () => {
  test('all jobs in the workbook’s order, the disabled one too', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'list', '--json']);
    expect(code).toBe(0);
    const jobs = json(stdout);
    expect(jobs).toHaveLength(13);
    expect(jobs[0]).toMatchObject({
      source_name: 'shop',
      table_name: 'countries',
      load_type: 'FULL',
      enabled: true,
      valid: true,
    });
    expect(jobs.at(-1)).toMatchObject({ table_name: 'invoices', enabled: false });
    expect(jobs.map(({ row }: { row: number }) => row)).toEqual(Array.from({ length: 13 }, (_, index) => index + 2));
  });

  test('some jobs, by table, by source.table and by tag', async () => {
    const { stdout } = await cli([
      '-c',
      sample(),
      'list',
      '--json',
      '-j',
      'stores',
      '-j',
      'shop.orders',
      '-j',
      'tag:support',
    ]);
    expect(json(stdout).map(({ table_name }: { table_name: string }) => table_name)).toEqual([
      'orders',
      'stores',
      'tickets',
    ]);
  });

  test('a table for people', async () => {
    const { stdout } = await cli(['--list', '-c', sample()]);
    expect(stdout).toMatch(/^14 +disabled +warehouse\.invoices/m);
    expect(stdout).toContain('13 jobs, 12 enabled');
  });

  test('an unknown selector', async () => {
    const { code, stderr } = await cli(['-c', sample(), 'list', '-j', 'ordres']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean orders?');
  });
});

describe('looking at sources', () => {
  test('preview of an API shows request, response, records and columns', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'preview', 'products', '--json', '--rows', '5']);
    expect(code).toBe(0);
    const shown = json(stdout);
    expect(shown.pages[0].request).toMatchObject({ method: 'GET' });
    expect(shown.pages[0].response.status).toBe(200);
    expect(shown.pages[0].records[0]).toMatchObject({ id: 1, sku: '00000005' });
    expect(shown.schema.map(({ name }: { name: string }) => name)).toContain('dimensions');
    expect(shown.stop.reason).toEqual(expect.any(String));
  });

  test('preview of files, for people', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'preview', 'files.stores', '--rows', '2']);
    expect(code).toBe(0);
    expect(stdout).toContain('0001');
    expect(stdout).toContain('Columns of files.stores');
  });

  test('preview of what is no job, and of a disabled one without its database', async () => {
    expect((await cli(['-c', sample(), 'preview', 'nothing'])).code).toBe(2);
  });

  test('discover finds the files', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'discover', 'files', '--json', '--columns']);
    expect(code).toBe(0);
    expect(json(stdout).length).toBeGreaterThanOrEqual(3);
    expect((await cli(['-c', sample(), 'discover', 'fils'])).stderr).toContain('Did you mean "files"?');
    expect((await cli(['-c', sample(), 'discover', 'files', '--search', 'sales'])).stdout).toContain('sales');
  });

  test('test goes through the stages of every connection in use', async () => {
    const { code, stdout } = await cli(['-c', sample(), 'test', '--json']);
    expect(code).toBe(0);
    const results = json(stdout);
    expect(results.map(({ connection }: { connection: string }) => connection).sort()).toEqual(['files', 'shop']);
    for (const result of results) expect(result).toMatchObject({ passed: true, stages: expect.any(Array) });
  });

  test('a connection that fails ends with exit code 1 and says what to do', async () => {
    const folder = path.join(root, 'unreachable');
    await writeProject(folder, {
      jobs: [
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'a',
          load_type: 'FULL',
          file_format: 'csv',
          file_glob: '*.csv',
        },
      ],
      config:
        '[sources.files]\nbucket_url = "not-there"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n',
    });
    const { code, stdout } = await cli(['-c', folder, 'test', 'files']);
    expect(code).toBe(1);
    expect(stdout).toContain('✖');
    expect(stdout).toContain('what to do:');
  });
});

describe('run and state', () => {
  test('the second run of incremental jobs loads nothing; state can be shown, set and reset', async () => {
    const folder = path.join(root, 'run');
    await cp(sample(), folder, { recursive: true });
    const at = ['-c', folder];
    expect((await cli([...at, 'state', 'show', '--json'])).stdout.trim()).toBe('[]');
    // Asking for state makes no database.
    expect(await readdir(folder)).not.toContain('output');

    const first = await cli([...at, '--json', '--job', 'orders', '--job', 'sales', '--parallel']);
    expect(first.stderr).toContain('INFO');
    expect(first.code).toBe(0);
    const metrics = json(first.stdout);
    expect(metrics.summary).toMatchObject({ total_jobs: 2, successful_jobs: 2, failed_jobs: 0, total_rows: 390 });
    expect(metrics.jobs[0]).toMatchObject({
      status: 'SUCCESS',
      watermark_before: null,
      watermark_after: '2026-01-31T14:04:48Z',
    });

    const second = await cli([...at, 'run', '-j', 'orders', '-j', 'files.sales', '--json', '--log-level', 'ERROR']);
    expect(second.stderr).toBe('');
    expect(json(second.stdout).summary.total_rows).toBe(0);

    const states = json((await cli([...at, 'state', 'show', 'orders', '--json'])).stdout);
    expect(states).toEqual([
      {
        pipeline: 'sample_shop',
        destination: 'duckdb',
        target_schema: 'raw',
        target_table: 'orders',
        source_name: 'shop',
        table_name: 'orders',
        watermark: '2026-01-31T14:04:48Z',
        updated_at: expect.any(String),
      },
    ]);
    const odd = await cli([...at, 'state', 'set', 'orders', 'yesterday']);
    expect(odd.stdout).toContain('It is no date as the one before: look at it again.');
    const set = await cli([...at, 'state', 'set', 'orders', '2026-01-15T00:00:00Z']);
    expect(set.stdout).toContain('yesterday → 2026-01-15T00:00:00Z');
    expect(set.stdout).not.toContain('look at it again');
    expect((await cli([...at, 'state', 'show'])).stdout).toContain('2026-01-15T00:00:00Z');
    const again = json((await cli([...at, 'run', '-j', 'orders', '--json'])).stdout);
    expect(again.jobs[0]).toMatchObject({
      watermark_before: '2026-01-15T00:00:00Z',
      watermark_after: '2026-01-31T14:04:48Z',
    });
    expect(again.summary.total_rows).toBeGreaterThan(50);
    expect(again.summary.total_rows).toBeLessThan(150);

    const reset = await cli([...at, 'state', 'reset', 'orders']);
    expect(reset.stdout).toContain('it was at 2026-01-31T14:04:48Z');
    expect(
      json((await cli([...at, 'state', 'show', '--json'])).stdout).map(
        (state: { table_name: string }) => state.table_name,
      ),
    ).toEqual(['sales']);
    expect((await cli([...at, 'state', 'set', 'sales', 'x'])).code).toBe(2);
    expect((await cli([...at, 'state', 'set', 'countries', 'x'])).code).toBe(2);
    const unlock = await cli([...at, 'state', 'unlock', 'raw.orders', '--destination', 'parquet']);
    expect(unlock.stdout).toContain('raw.orders was not locked');
  });

  test('a sample leaves state as it was', async () => {
    const folder = path.join(root, 'sampled');
    await cp(sample(), folder, { recursive: true });
    const run = await cli(['-c', folder, 'run', '-j', 'customers', '--sample', '5']);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('shop.customers');
    expect(json((await cli(['-c', folder, 'state', 'show', '--json'])).stdout)).toEqual([]);
  });

  test('exit codes: a failed job is 1, an invalid or unselectable one 2, and others go on with --skip-invalid', async () => {
    const folder = path.join(root, 'codes');
    await writeProject(folder, {
      jobs: [
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'good',
          load_type: 'FULL',
          file_format: 'csv',
          file_glob: 'good.csv',
          enabled: 'Y',
        },
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'missing',
          load_type: 'FULL',
          file_format: 'parquet',
          file_glob: 'broken.parquet',
          enabled: 'Y',
        },
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'off',
          load_type: 'FULL',
          file_format: 'csv',
          file_glob: 'good.csv',
          enabled: 'N',
        },
        {
          source_type: 'filesystem',
          source_name: 'files',
          table_name: 'wrong',
          load_type: 'MAYBE',
          file_format: 'csv',
          file_glob: 'good.csv',
          enabled: 'Y',
        },
      ],
      config:
        '[sources.files]\nbucket_url = "."\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n',
    });
    await writeFile(path.join(folder, 'good.csv'), 'id,name\n1,Zoë\n');
    await writeFile(path.join(folder, 'broken.parquet'), 'this is no parquet file');
    expect((await cli(['-c', folder, 'run', '-j', 'good'])).code).toBe(0);
    const failed = await cli(['-c', folder, 'run', '-j', 'good', '-j', 'missing']);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/✖ FAILED +files\.missing/);
    expect(failed.stdout).toContain('code: ');
    const off = await cli(['-c', folder, 'run', '-j', 'off']);
    expect(off.code).toBe(2);
    expect(off.stderr).toContain('Set enabled to Y in SourceConfig row 4');
    const invalid = await cli(['-c', folder, 'run']);
    expect(invalid.code).toBe(2);
    expect(invalid.stderr).toContain('SourceConfig row 5');
    expect(invalid.stdout).toBe('');
    const skipped = await cli(['-c', folder, 'run', '-j', 'good', '-j', 'wrong', '--skip-invalid']);
    expect(skipped.code).toBe(1);
    expect(skipped.stdout).toMatch(/✔ SUCCESS +files\.good/);
    expect((await cli(['-c', folder, 'run', '--destination', 'elsewhere', '-j', 'good'])).code).toBe(2);
    expect((await cli(['-c', folder, 'preview', 'wrong'])).code).toBe(2);
  });

  test('--work-dir takes everything that a run writes: the project may lie on a read-only mount', async () => {
    const before = await filesBelow(sample());
    const work = path.join(root, 'work');
    // For the superuser this forbids nothing; that nothing new lies there is checked below.
    await chmod(sample(), 0o555);
    try {
      const run = await cli(['-c', sample(), '--work-dir', work, 'run', '-j', 'stores', '-j', 'orders']);
      expect(run.stderr).not.toContain('✖');
      expect(run.code).toBe(0);
      const written = await filesBelow(work);
      expect(written.some((name) => name.endsWith('sample.duckdb'))).toBe(true);
      expect(written.some((name) => /metrics_sample_shop_\d{8}_\d{6}_/.test(name))).toBe(true);
      const state = await cli(['-c', sample(), '--work-dir', work, 'state', 'show', '--json']);
      expect(json(state.stdout)).toHaveLength(2);
    } finally {
      await chmod(sample(), 0o755);
    }
    expect(await filesBelow(sample())).toEqual(before);
  });

  test('clean removes what dead runs left, and keeps complete packages', async () => {
    const folder = path.join(root, 'dirty');
    await cp(sample(), folder, { recursive: true });
    const metadata = path.join(folder, 'metadata');
    const packages = path.join(metadata, 'packages', 'sample_shop', 'duckdb', 'raw.orders');
    await mkdir(path.join(metadata, 'spool', 'dead-4194304'), { recursive: true });
    await mkdir(path.join(packages, 'incomplete'), { recursive: true });
    await mkdir(path.join(packages, 'complete'), { recursive: true });
    await writeFile(path.join(metadata, 'spool', 'dead-4194304', 'rows.ndjson'), 'x'.repeat(2000));
    await writeFile(path.join(packages, 'complete', 'manifest.json'), '{}');
    const dry = json((await cli(['-c', folder, 'clean', '--dry-run', '--json'])).stdout);
    expect(dry.removed).toHaveLength(2);
    const cleaned = await cli(['-c', folder, 'clean']);
    expect(cleaned.stdout).toContain('2 folders (2.0 kB) removed');
    expect(cleaned.stdout).toContain('1 complete package kept');
    expect(await readdir(packages)).toEqual(['complete']);
    expect((await cli(['-c', folder, 'clean', '--packages', '--json'])).code).toBe(0);
    expect(await readdir(packages)).toEqual([]);
  });
});

describe('secrets', () => {
  test('explain says where each comes from; no command ever prints a value', async () => {
    const folder = path.join(root, 'secrets');
    await writeProject(folder, {
      jobs: [
        {
          source_type: 'api',
          source_name: 'shop',
          table_name: 'orders',
          load_type: 'FULL',
          auth_type: 'bearer',
          pagination_type: 'single_page',
        },
        {
          source_type: 'api',
          source_name: 'bare',
          table_name: 'things',
          load_type: 'FULL',
          auth_type: 'bearer',
          pagination_type: 'single_page',
        },
      ],
      config: `[sources.shop]\nbase_url = "http://127.0.0.1:9/${encodeURIComponent(SECRET)}"\n[sources.bare]\nbase_url = "http://127.0.0.1:9"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n`,
      secrets: '[sources.shop]\ntoken = "overruled-value-9"\n',
    });
    const env = { SOURCES__SHOP__TOKEN: SECRET };
    const explained = await cli(['-c', folder, 'secrets', 'explain', '--json'], env);
    expect(explained.code).toBe(0);
    const { secrets, missing } = json(explained.stdout);
    expect(secrets).toContainEqual(expect.objectContaining({ origin: 'environment', place: 'SOURCES__SHOP__TOKEN' }));
    expect(missing.length).toBeGreaterThan(0);
    const everything = [
      explained,
      await cli(['-c', folder, 'secrets', 'explain'], env),
      await cli(['-c', folder, 'validate'], env),
      await cli(['-c', folder, 'validate', '--json'], env),
      await cli(['-c', folder, 'list', '--json'], env),
      await cli(['-c', folder, 'test', 'shop'], env),
      await cli(['-c', folder, 'test', 'shop', '--json'], env),
      await cli(['-c', folder, 'preview', 'orders', '--log-level', 'DEBUG'], env),
    ];
    for (const { stdout, stderr } of everything) {
      for (const form of [
        SECRET,
        encodeURIComponent(SECRET),
        Buffer.from(SECRET).toString('base64'),
        'overruled-value-9',
      ]) {
        expect(stdout + stderr).not.toContain(form);
      }
    }
    expect((await cli(['-c', folder, 'validate', '--no-secrets', '--json'], env)).code).toBe(0);
    expect((await cli(['-c', folder, 'validate', '--json'], env)).code).toBe(2);
  });

  test('a server that repeats a secret, and a file that cannot be parsed: it stays out of output, metrics and logs', async () => {
    const server = createServer((request, response) => {
      response.writeHead(403, { 'content-type': 'application/json', 'x-echo': request.headers.authorization ?? '' });
      response.end(JSON.stringify({ error: `${request.headers.authorization} may not read ${request.url}` }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const folder = path.join(root, 'echo');
    await writeProject(folder, {
      jobs: [
        {
          source_type: 'api',
          source_name: 'shop',
          table_name: 'orders',
          load_type: 'FULL',
          auth_type: 'bearer',
          pagination_type: 'single_page',
        },
      ],
      config: `[sources.shop]\nbase_url = "http://127.0.0.1:${(server.address() as AddressInfo).port}"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "x.duckdb"\n`,
      secrets: `[sources.shop]\ntoken = "${SECRET}"\n`,
    });
    try {
      const outputs: CliResult[] = [];
      for (const args of [
        ['run', '--log-level', 'DEBUG'],
        ['run', '--json'],
        ['preview', 'orders', '--json'],
        ['test'],
      ]) {
        outputs.push(await cli(['-c', folder, ...args]));
      }
      expect(outputs.map(({ code }) => code)).toEqual([1, 1, 1, expect.any(Number)]);
      await writeFile(path.join(folder, '.dlt', 'secrets.toml'), `[sources.shop]\ntoken = "${SECRET}" oops\n`);
      outputs.push(await cli(['-c', folder, 'validate']), await cli(['-c', folder, 'run']));
      const metadata = path.join(folder, 'metadata');
      const files = (await readdir(metadata, { recursive: true, withFileTypes: true })).filter((entry) =>
        entry.isFile(),
      );
      expect(files.length).toBeGreaterThanOrEqual(4);
      const written = await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'latin1')));
      const everything = [...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...written].join('\n');
      for (const form of [SECRET, encodeURIComponent(SECRET), JSON.stringify(SECRET).slice(1, -1)])
        expect(everything).not.toContain(form);
      expect(everything).toContain('***');
    } finally {
      server.close();
    }
  });

  test('--env lays another configuration over the first', async () => {
    const folder = path.join(root, 'environments');
    await cp(sample(), folder, { recursive: true });
    await writeFile(path.join(folder, '.dlt', 'config.prod.toml'), '[destinations.duckdb]\npath = "prod.duckdb"\n');
    expect((await cli(['-c', folder, '--env', 'prod', 'run', '-j', 'stores'])).stdout).toContain('prod.duckdb');
    expect((await cli(['-c', folder, 'run', '-j', 'stores'])).stdout).not.toContain('prod.duckdb');
    expect(
      (await cli(['-c', folder, '--env', 'nowhere', 'list'])).stderr +
        (await cli(['-c', folder, '--env', 'nowhere', 'validate'])).stdout,
    ).toContain('nowhere');
  });
});

async function filesBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
