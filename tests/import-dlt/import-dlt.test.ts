import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorkbook } from '../../engine/bundle/create-workbook.ts';
import { readDltImport } from '../../engine/import-dlt/import-dlt.ts';
import { openProject } from '../../engine/open-project.ts';
import { cli } from '../cli/cli-process.ts';
import { tempFolder } from '../cli/cli-project.ts';
import { chainedPages, type RestApi, startRestApi } from '../servers/rest-api.ts';

let folder = '';
let remove: () => Promise<void>;
let api: RestApi | null = null;
beforeEach(async () => {
  ({ folder, remove } = await tempFolder());
});
afterEach(async () => {
  await api?.close();
  api = null;
  await remove();
});

async function save(name: string, content: unknown): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const read = (name: string) => readFile(path.join(folder, name), 'utf8');
const resource = (values: object, client: object = {}) => ({
  client: { base_url: 'https://api.example/v1', ...client },
  resources: [values],
});
/** The one job of a config with one resource, its options, and what was said. */
async function one(config: object) {
  const imported = await readDltImport(await save('it.json', config));
  const [job] = imported.jobs;
  const tables = imported.connections.it?.resources as Record<string, object> | undefined;
  return {
    ...imported,
    job,
    options: tables?.[job?.table_name ?? ''] ?? {},
    notes: imported.notes.map(({ kind, place }) => `${kind} ${place}`),
  };
}

describe('a rest_api config', () => {
  test('resource_defaults, params and json are laid as dlt lays them', async () => {
    const imported = await readDltImport(
      await save('shop.json', {
        client: { base_url: 'https://api.example/v1' },
        resource_defaults: {
          primary_key: 'id',
          write_disposition: 'merge',
          endpoint: { params: { limit: 100, a: 1 }, json: { x: { y: 1 } }, paginator: 'single_page' },
        },
        resources: [
          'plain',
          {
            name: 'own',
            primary_key: ['a', 'b'],
            endpoint: { params: { a: 2 }, method: 'post', json: { x: { z: 2 } }, data_selector: 'items' },
          },
        ],
      }),
    );
    expect(imported.jobs).toEqual([
      {
        source_type: 'api',
        source_name: 'shop',
        table_name: 'plain',
        load_type: 'FULL',
        enabled: 'Y',
        write_disposition: 'merge',
        primary_key: 'id',
        api_endpoint: 'plain',
        pagination_type: 'single_page',
      },
      {
        source_type: 'api',
        source_name: 'shop',
        table_name: 'own',
        load_type: 'FULL',
        enabled: 'Y',
        write_disposition: 'merge',
        primary_key: 'a, b',
        api_endpoint: 'own',
        pagination_type: 'single_page',
        data_selector: 'items',
      },
    ]);
    expect(imported.connections.shop?.resources).toEqual({
      plain: { params: { limit: 100, a: 1 }, body: { x: { y: 1 } } },
      own: { params: { limit: 100, a: 2 }, body: { x: { y: 1, z: 2 } }, method: 'POST' },
    });
    expect(imported.notes).toEqual([]);
  });

  test.each<[unknown, string | undefined, object]>([
    ['header_link', 'header_link', {}],
    [{ type: 'header_link', links_next_key: 'n' }, 'header_link', { next_url_path: 'links.n' }],
    ['json_response', 'json_link', {}],
    [{ type: 'json_link', next_url_path: 'a.b' }, 'json_link', { next_url_path: 'a.b' }],
    ['cursor', 'cursor', { cursor_path: 'cursors.next' }],
    [
      { type: 'cursor', cursor_path: 'c', cursor_body_path: 'q.c', has_more_path: 'm' },
      'cursor',
      { cursor_path: 'c', cursor_body_path: 'q.c', has_more_path: 'm' },
    ],
    [{ type: 'header_cursor', cursor_key: 'X-N' }, 'cursor', { cursor_header: 'X-N' }],
    [
      { type: 'offset', limit: 50, maximum_offset: 500, offset_param: 'skip' },
      'offset',
      { maximum_offset: 500, offset_param: 'skip', total_path: 'total' },
    ],
    [{ type: 'offset', limit: 50, total_path: null }, 'offset', {}],
    [
      { type: 'page_number', base_page: 1, maximum_page: 7, total_path: 'pages' },
      'page_number',
      { base_page: 1, max_pages: 7, total_pages_path: 'pages' },
    ],
    ['page_number', 'page_number', { base_page: 0, total_pages_path: 'total' }],
    ['auto', undefined, {}],
    ['MyPaginator', undefined, {}],
  ])('paginator %j', async (paginator, type, options) => {
    const result = await one(resource({ name: 'x', endpoint: { paginator } }));
    expect(result.job?.pagination_type).toBe(type);
    expect(result.options).toEqual(options);
    if (type === undefined) expect(result.notes.length).toBeGreaterThan(0);
  });

  test.each<[unknown, object | undefined, Record<string, string>]>([
    [{ token: 'T' }, { type: 'bearer' }, { token: 'T' }],
    [{ type: 'bearer', token: 'dlt.secrets["x"]' }, { type: 'bearer' }, { token: '' }],
    ['bearer', { type: 'bearer' }, { token: '' }],
    [{ type: 'api_key', api_key: 'K' }, { type: 'api_key', api_key_name: 'Authorization' }, { api_key: 'K' }],
    [
      { type: 'api_key', name: 'k', api_key: 'K', location: 'param' },
      { type: 'api_key', api_key_name: 'k', api_key_location: 'query' },
      { api_key: 'K' },
    ],
    [{ type: 'http_basic', username: 'u', password: 'P' }, { type: 'basic', username: 'u' }, { password: 'P' }],
    [
      {
        type: 'oauth2_client_credentials',
        access_token_url: 'https://t',
        client_id: 'c',
        client_secret: 'S',
        access_token_request_data: { grant_type: 'client_credentials', scope: 's', resource: 'r' },
      },
      { type: 'oauth2', token_url: 'https://t', client_id: 'c', scope: 's', token_params: { resource: 'r' } },
      { client_secret: 'S' },
    ],
    ['MyAuth', undefined, {}],
  ])('auth %j', async (auth, expected, secrets) => {
    const result = await one(resource({ name: 'x', endpoint: { paginator: 'single_page' } }, { auth }));
    expect(result.connections.it?.auth).toEqual(expected);
    expect(Object.fromEntries(result.secrets.map(({ path: keys, value }) => [keys.at(-1), value]))).toEqual(secrets);
    expect(JSON.stringify(result.connections)).not.toMatch(/"[TKPS]"/);
  });

  test('incremental parameters and configs', async () => {
    const first = await one(
      resource({
        name: 'x',
        primary_key: 'id',
        endpoint: {
          params: {
            since: { type: 'incremental', cursor_path: 'at', initial_value: '2024-01-01T00:00:00Z', lag: 3600 },
            q: 1,
          },
          paginator: 'single_page',
        },
      }),
    );
    expect(first.job).toMatchObject({
      load_type: 'INCREMENTAL',
      watermark_column: 'at',
      last_watermark: '2024-01-01T00:00:00Z',
      lag: '3600s',
      write_disposition: 'append',
    });
    expect(first.options).toEqual({
      params: { q: 1 },
      null_watermarks: 'raise',
      incremental: { start_param: 'since' },
    });
    const second = await one(
      resource({
        name: 'x',
        endpoint: {
          incremental: {
            cursor_path: 'id',
            start_param: 'a',
            end_param: 'b',
            end_value: 9,
            lag: 5,
            convert: 'f',
            on_cursor_value_missing: 'include',
          },
          paginator: 'single_page',
        },
      }),
    );
    expect(second.options).toEqual({
      null_watermarks: 'include',
      end_value: '9',
      incremental: { start_param: 'a', end_param: 'b' },
    });
    expect(second.notes).toEqual([
      'changed it.x.incremental.lag',
      'left_out it.x.incremental.lag',
      'left_out it.x.incremental.convert',
    ]);
  });

  test('parents, names that are no table names, single entities', async () => {
    const imported = await readDltImport(
      await save('it.json', {
        client: { base_url: 'https://a', paginator: 'header_link' },
        resources: [
          { name: 'my posts', selected: false },
          {
            name: 'comments',
            endpoint: {
              path: 'posts/{post_id}/comments',
              params: { post_id: { type: 'resolve', resource: 'my posts', field: 'id' } },
            },
            include_from_parent: ['title'],
            parallelized: true,
          },
          { name: 'post', endpoint: { path: 'posts/{resources.my posts.id}' } },
        ],
      }),
    );
    expect(imported.jobs).toMatchObject([
      { table_name: 'my_posts', enabled: 'N', api_endpoint: 'my posts', pagination_type: 'header_link' },
      { api_endpoint: 'posts/{resources.my_posts.id}/comments', pagination_type: 'header_link' },
      { api_endpoint: 'posts/{resources.my_posts.id}', pagination_type: 'single_page', data_selector: '$' },
    ]);
    expect(imported.connections.it?.resources).toEqual({
      comments: { include_from_parent: ['title'], concurrency: 5 },
    });
    expect(imported.notes).toEqual([
      { kind: 'changed', place: 'it.my posts', message: 'the table is named my_posts here' },
    ]);
  });

  test('hints, and what is code', async () => {
    const result = await one(
      resource({
        name: 'x',
        table_name: 'Orders',
        write_disposition: { disposition: 'merge', strategy: 'scd2' },
        merge_key: 'day',
        columns: {
          amount: { data_type: 'decimal', precision: 12, scale: 2 },
          at: { data_type: 'timestamp', nullable: false },
        },
        schema_contract: { tables: 'evolve', columns: 'freeze', data_type: 'freeze' },
        max_table_nesting: 0,
        processing_steps: [{ filter: 'f' }],
        endpoint: {
          paginator: 'single_page',
          data: 'a=1',
          headers: { 'X-Api-Key': 'K', 'X-Tenant': 't' },
          response_actions: [
            { status_code: 404, action: 'ignore' },
            { status_code: 200, action: ['f'] },
          ],
        },
      }),
    );
    expect(result.job).toMatchObject({
      target_table: 'Orders',
      write_disposition: 'append',
      column_types: 'amount: decimal(12,2), at: timestamptz',
      schema_contract: 'freeze',
    });
    expect(result.options).toEqual({
      max_table_nesting: 0,
      headers: { 'X-Tenant': 't' },
      response_actions: [{ status_code: 404, action: 'ignore' }],
    });
    expect(result.secrets).toEqual([{ path: ['sources', 'it', 'resources', 'x', 'headers', 'X-Api-Key'], value: 'K' }]);
    expect(result.notes).toEqual([
      'left_out it.x.write_disposition.strategy',
      'left_out it.x.merge_key',
      'changed it.x',
      'left_out it.x.columns',
      'changed it.x.schema_contract',
      'left_out it.x.endpoint.data',
      'left_out it.x.response_actions[1]',
      'left_out it.x.processing_steps',
    ]);
  });

  test('an auth of its own gets a connection of its own', async () => {
    const result = await one(
      resource(
        { name: 'x', endpoint: { paginator: 'single_page', auth: { token: 'B' }, params: { a: 1 } } },
        { auth: { token: 'A' } },
      ),
    );
    expect(result.job?.source_name).toBe('it_x');
    expect(result.connections.it_x).toEqual({
      type: 'api',
      base_url: 'https://api.example/v1',
      auth: { type: 'bearer' },
      resources: { x: { params: { a: 1 } } },
    });
    expect(result.secrets.map(({ path: keys }) => keys.join('.'))).toEqual([
      'sources.it.auth.token',
      'sources.it_x.auth.token',
    ]);
  });
});

describe('what is found', () => {
  test("a dlt project's folder: config and secrets, sections, databases, scripts", async () => {
    await save(
      '.dlt/config.toml',
      '[sources.pipeline.github]\nresources = ["issues"]\n[sources.pipeline.github.client]\nbase_url = "https://api.github.com"\npaginator = "header_link"\n[sources.sql_database]\ntable_names = ["orders", "line items"]\n[sources.sql_database.credentials]\ndrivername = "postgresql+psycopg2"\nhost = "db"\nusername = "u"\ndatabase = "d"\n',
    );
    await save(
      '.dlt/secrets.toml',
      '[sources.pipeline.github.client.auth]\ntoken = "T"\n[sources.sql_database.credentials]\npassword = "PP"\n',
    );
    await save('pipeline.py', 'import dlt');
    const imported = await readDltImport(folder);
    expect(imported.connections).toEqual({
      github: { type: 'api', base_url: 'https://api.github.com', auth: { type: 'bearer' } },
      sql_database: { type: 'postgresql', host: 'db', username: 'u', database: 'd' },
    });
    expect(imported.jobs).toMatchObject([
      { source_name: 'github', table_name: 'issues', pagination_type: 'header_link' },
      { source_type: 'postgresql', table_name: 'orders', write_disposition: 'append' },
      { table_name: 'line_items', source_object: 'line items' },
    ]);
    expect(imported.secrets).toEqual([
      { path: ['sources', 'github', 'auth', 'token'], value: 'T' },
      { path: ['sources', 'sql_database', 'password'], value: 'PP' },
    ]);
    expect(imported.notes).toMatchObject([{ kind: 'left_out', place: 'pipeline.py' }]);
  });

  test.each<[string, string, string]>([
    ['missing.json', '', 'IMPORT_NOT_FOUND'],
    ['broken.json', '{"client": {"token": "s3cr3t", }', 'IMPORT_INVALID'],
    ['list.json', '[1]', 'IMPORT_INVALID'],
    ['broken.toml', 'a = = "s3cr3t"', 'IMPORT_INVALID'],
    ['empty.toml', 'a = 1', 'IMPORT_NOTHING'],
    ['pipeline.py', 'x', 'IMPORT_NOTHING'],
  ])('%s: %s', async (name, content, code) => {
    const file = name.startsWith('missing') ? path.join(folder, name) : await save(name, content);
    const error = await readDltImport(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).not.toContain('s3cr3t');
  });
});

describe('ingest import-dlt', () => {
  const config = (url: string) => ({
    client: { base_url: url, auth: { token: 'the-token' }, paginator: { type: 'json_link', next_url_path: 'next' } },
    resource_defaults: { primary_key: 'id', write_disposition: 'merge' },
    resources: [
      'users',
      { name: 'posts', endpoint: { path: 'users/{resources.users.id}/posts' }, include_from_parent: ['name'] },
    ],
  });

  test('makes a project that runs: parents, children, and the token from secrets.toml', async () => {
    const users = [
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Bob' },
      { id: 3, name: 'Cy' },
    ];
    const guarded =
      (body: object[]): Parameters<typeof startRestApi>[0][string] =>
      (request, self) =>
        request.headers.authorization === 'Bearer the-token'
          ? chainedPages(body, 2, (next) => ({ next: next === null ? null : `?at=${next}` }))(request, self)
          : { status: 401 };
    api = await startRestApi({
      '/users': guarded(users),
      ...Object.fromEntries(
        users.map(({ id }) => [
          `/users/${id}/posts`,
          guarded(Array.from({ length: id }, (_none, index) => ({ id: id * 10 + index }))),
        ]),
      ),
    });
    const file = await save('blog.json', config(api.url));
    const project = path.join(folder, 'project');
    const imported = await cli(['-c', project, 'import-dlt', file, '--with-secrets']);
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(imported.stdout).toContain('2 jobs, 1 connection');
    expect(imported.stdout).not.toContain('the-token');
    expect(await read('project/.dlt/config.toml')).not.toContain('the-token');
    expect(await read('project/.dlt/secrets.toml')).toContain('the-token');
    expect(await read('project/.dlt/secrets.toml.example')).toMatch(/\[sources\.blog\.auth\]\s+token = ""/);
    const ran = await cli(['-c', project, '--json', 'run']);
    expect(JSON.parse(ran.stdout).jobs).toMatchObject([
      { table_name: 'users', status: 'SUCCESS', rows_processed: 3 },
      { table_name: 'posts', status: 'SUCCESS', rows_processed: 6 },
    ]);
    // Two pages of users, asked once for both jobs; posts of 1, 1 and 2 pages.
    expect(api.requests).toHaveLength(6);
  });

  test('adds to a project: columns that lack are made, what is there stays, a second import changes nothing', async () => {
    const project = path.join(folder, 'project');
    await mkdir(path.join(project, '.dlt'), { recursive: true });
    await createWorkbook(path.join(project, 'ingestion_config.xlsx'), {
      jobs: [
        {
          source_type: 'api',
          source_name: 'blog',
          table_name: 'users',
          load_type: 'FULL',
          enabled: 'N',
          my_column: 'kept',
        },
      ],
    });
    await writeFile(path.join(project, '.dlt', 'config.toml'), '# mine\n[destination.duckdb]\npath = "x.duckdb"\n');
    const file = await save('blog.json', config('https://api.example'));
    const first = await cli(['-c', project, '--json', 'import-dlt', file]);
    const result = JSON.parse(first.stdout);
    expect(result.notes).toEqual([
      { kind: 'left_out', place: 'blog.users', message: expect.stringContaining('already') },
    ]);
    expect(result.findings).toEqual([]);
    expect(result.secrets).toEqual(['sources.blog.auth.token']);
    expect(await read('project/.dlt/config.toml')).toMatch(/^# mine\n/);
    const { project: opened } = await openProject(project, { environment: {}, secrets: false });
    expect(
      opened.jobs.map(({ table_name, enabled, options }) => [table_name, enabled, options.include_from_parent]),
    ).toEqual([
      ['users', false, []],
      ['posts', true, ['name']],
    ]);
    const second = JSON.parse((await cli(['-c', project, '--json', 'import-dlt', file])).stdout);
    expect(second.files).toEqual([]);
    expect(second.notes).toHaveLength(3);
  });

  test('--dry-run writes nothing, --name names the connection', async () => {
    const file = await save('blog.json', config('https://api.example'));
    const project = path.join(folder, 'project');
    const { stdout, code } = await cli(['-c', project, 'import-dlt', file, '--dry-run', '--name', 'web']);
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing was written');
    expect(stdout).toContain('sources.web.auth.token');
    await expect(read('project/.dlt/config.toml')).rejects.toThrow();
  });

  test('what holds nothing exits with 2', async () => {
    const { code, stderr } = await cli(['import-dlt', await save('x.toml', 'a = 1')]);
    expect(code).toBe(2);
    expect(stderr).toContain('rest_api');
  });
});
