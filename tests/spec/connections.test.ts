import { describe, expect, it } from 'vitest';
import { connectionModel, connectionOf } from '../../engine/spec/connection.ts';
import type { Table } from '../../engine/spec/project.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import { API, jobRow, rawProject, SHOP, sheet } from './raw-project.ts';

/** One job of a kind on one connection of these keys. */
function connect(type: string, table: Table, cells: Record<string, string> = {}, secrets = false) {
  const row = jobRow({ source_type: type, source_name: 'it', ...cells });
  const config = { sources: { it: table }, destination: { duckdb: {} } };
  const { project, findings, invalidJobs } = validateProject(rawProject([row], { config }), { secrets });
  const connection = connectionOf(project.connections, { source_name: 'it', source_type: type as 'api' });
  if (connection !== undefined) expect(connectionModel.safeParse(connection).error).toBeUndefined();
  return {
    connection,
    job: project.jobs[0],
    invalidJobs,
    messages: findings.map(({ severity, message }) => `${severity}: ${message}`),
  };
}

const config = (key: string, value: string | null, problem: string, severity = 'error') =>
  `${severity}: .dlt/config.toml, sources.it${key === '' ? '' : `.${key}`}${value === null ? '' : ` "${value}"`}: ${problem}`;

const db = { host: 'h', database: 'd', username: 'u', password: 'a-password' };

describe('databases', () => {
  it('fills in defaults', () => {
    expect(connect('postgresql', db).connection).toEqual({
      type: 'postgresql',
      name: 'it',
      ...db,
      port: 5432,
      ssl_mode: 'prefer',
      connect_timeout: 30,
      query_timeout: 300,
    });
    expect(connect('mssql', db).connection).toMatchObject({
      port: 1433,
      encrypt: true,
      trust_server_certificate: false,
      authentication: 'sql',
    });
    expect(connect('oracle', db, { schema_name: 'S' }).connection).toMatchObject({ port: 1521, service_name: 'd' });
  });

  it('reads numbers and booleans from environment variables', () => {
    expect(connect('postgresql', { ...db, port: '5433' }).connection).toMatchObject({ port: 5433 });
    expect(connect('mssql', { ...db, encrypt: 'false' }).connection).toMatchObject({ encrypt: false });
  });

  it('reads .credentials, its own keys over it', () => {
    const { connection, messages } = connect('postgresql', {
      host: 'over',
      credentials: { ...db, drivername: 'postgresql' },
    });
    expect(messages).toEqual([]);
    expect(connection).toMatchObject({ host: 'over', username: 'u', password: 'a-password' });
  });

  it('reads a connection string', () => {
    const { connection } = connect('postgresql', {
      credentials: 'postgresql://loader:p%40ss@db.example:6543/sales?sslmode=require',
    });
    expect(connection).toMatchObject({
      host: 'db.example',
      port: 6543,
      username: 'loader',
      password: 'p@ss',
      database: 'sales',
    });
    expect(connect('postgresql', { credentials: 'not one with pw-hidden' }).messages.join()).not.toContain('pw-hidden');
  });

  it('takes driver and says that it is not needed', () => {
    const { connection, messages } = connect('mssql', { ...db, driver: 'ODBC Driver 17 for SQL Server' });
    expect(connection).toBeDefined();
    expect(messages).toEqual([
      config('driver', 'ODBC Driver 17 for SQL Server', 'is not needed: drivers are built in', 'notice'),
    ]);
  });

  it.each<[string, Table, Record<string, string>, string]>([
    ['postgresql', { ...db, host: undefined }, {}, config('host', null, 'is missing')],
    ['postgresql', { ...db, port: 'abc' }, {}, config('port', 'abc', 'must be a number')],
    ['postgresql', { ...db, port: 70_000 }, {}, config('port', '70000', 'use at most 65535')],
    ['postgresql', { ...db, connect_timeout: 4 }, {}, config('connect_timeout', '4', 'use at least 5')],
    ['postgresql', { ...db, query_timeout: 3601 }, {}, config('query_timeout', '3601', 'use at most 3600')],
    [
      'postgresql',
      { ...db, ssl_mode: 'on' },
      {},
      config('ssl_mode', 'on', 'use disable, allow, prefer, require, verify-ca or verify-full'),
    ],
    ['postgresql', { ...db, password: true }, {}, config('password', null, 'must be text')],
    [
      'oracle',
      { host: 'h', username: 'u' },
      { schema_name: 'S' },
      config('', null, 'service_name is missing; give exactly one of service_name, sid and descriptor'),
    ],
    [
      'oracle',
      { ...db, sid: 'X', service_name: 'Y' },
      { schema_name: 'S' },
      config('', null, 'has service_name and sid; give exactly one of service_name, sid and descriptor'),
    ],
    ['mssql', { host: 'h', database: 'd' }, {}, config('username', null, 'is missing; authentication sql needs it')],
    [
      'mssql',
      { ...db, authentication: 'windows' },
      {},
      config('authentication', 'windows', 'the driver cannot sign in with the Windows user (SSPI)'),
    ],
    [
      'azure_sql',
      { host: 'h', database: 'd', client_id: 'c' },
      {},
      config('tenant_id', null, 'is missing; authentication service_principal needs it'),
    ],
    [
      'filesystem',
      { bucket_url: 'ftp://x' },
      {},
      config('bucket_url', 'ftp://x', 'use a folder, file://, az://, abfss://, s3:// or gs://'),
    ],
    ['filesystem', {}, {}, config('bucket_url', null, 'is missing')],
    [
      'api',
      { base_url: 'api.example.com' },
      {},
      config('base_url', 'api.example.com', 'begin with https:// or http://'),
    ],
    ['api', { ...API, timeout: 301 }, {}, config('timeout', '301', 'use at most 300')],
    [
      'api',
      { ...API, rate_limit: 0 },
      {},
      config('rate_limit', '0', 'use 1 to 60000 requests a minute, or { requests_per_second = 10, burst_limit = 10 }'),
    ],
    [
      'api',
      { ...API, rate_limit: { requests_per_second: 0.01 } },
      {},
      config('rate_limit.requests_per_second', '0.01', 'use a number from 0.1 to 1000'),
    ],
    [
      'api',
      { ...API, auth: { type: 'digest' } },
      {},
      config('auth.type', 'digest', 'use none, api_key, bearer, basic or oauth2'),
    ],
    [
      'api',
      { ...API, pagination: 'auto' },
      {},
      config('pagination', 'auto', 'name the pagination; it is not guessed in a run'),
    ],
    ['api', { ...API, page_size: 0 }, {}, config('page_size', '0', 'use a whole number from 1 to 10000')],
    [
      'api',
      { ...API, resources: { orders: { base_page: 2 } } },
      {},
      config('resources.orders.base_page', '2', 'use at most 1'),
    ],
  ])('%s %j is refused and its job cannot run', (type, table, cells, message) => {
    const { job, invalidJobs, messages } = connect(type, table, cells);
    expect(messages).toContain(message);
    expect(job).toBeUndefined();
    expect(invalidJobs).toHaveLength(1);
  });

  it('takes a descriptor and Entra ID', () => {
    expect(
      connect('oracle', { descriptor: '(DESCRIPTION=…)', username: 'u', password: 'secret' }, { schema_name: 'S' })
        .connection,
    ).toMatchObject({ port: 1521 });
    const entra = { host: 'h', database: 'd', tenant_id: 't', client_id: 'c', client_secret: 'very-secret' };
    expect(connect('azure_sql', entra, {}, true)).toMatchObject({
      connection: { authentication: 'service_principal' },
      messages: [],
    });
    expect(
      connect('azure_sql', { host: 'h', database: 'd', authentication: 'default_credential' }, {}, true).messages,
    ).toEqual([]);
  });
});

describe('APIs', () => {
  it("reads the plan's flat keys", () => {
    const { connection, job, messages } = connect(
      'api',
      {
        url: 'https://api.example.com',
        auth_type: 'api_key',
        api_key: 'a-key-of-mine',
        api_key_name: 'x-key',
        api_key_location: 'query',
        pagination_type: 'cursor',
        cursor_param: 'starting_after',
        cursor_path: 'data[-1].id',
        page_size: 50,
        rate_limit: 30,
        data_selector: 'data',
      },
      {},
      true,
    );
    expect(messages).toEqual([]);
    expect(connection).toMatchObject({
      base_url: 'https://api.example.com',
      auth: { type: 'api_key', api_key: 'a-key-of-mine', api_key_name: 'x-key', api_key_location: 'query' },
      rate_limit: { requests_per_second: 0.5, burst_limit: 1 },
      timeout: 30,
    });
    expect(job).toMatchObject({
      pagination_type: 'cursor',
      auth_type: 'api_key',
      page_size: 50,
      data_selector: 'data',
    });
    expect(job?.options).toMatchObject({ cursor_param: 'starting_after', cursor_path: 'data[-1].id' });
  });

  it("reads dlt's client, paginator and resources", () => {
    const { connection, job, messages } = connect(
      'api',
      {
        client: {
          base_url: 'https://api.example.com',
          headers: { 'X-A': '1' },
          auth: {
            type: 'oauth2_client_credentials',
            access_token_url: 'https://id/token',
            client_id: 'c',
            client_secret: 'a-secret',
            access_token_request_data: { scope: 's' },
          },
        },
        resources: [
          {
            name: 'orders',
            primary_key: ['id', 'line'],
            write_disposition: 'merge',
            endpoint: {
              path: '/v1/orders',
              method: 'post',
              json: { q: 1 },
              data_selector: 'items',
              paginator: {
                type: 'page_number',
                base_page: 0,
                page_param: 'p',
                total_path: 'pages',
                maximum_page: 9,
                stop_after_empty_page: true,
              },
            },
          },
        ],
      },
      {},
      true,
    );
    expect(messages).toEqual([]);
    expect(connection).toMatchObject({
      headers: { 'X-A': '1' },
      auth: { type: 'oauth2', token_url: 'https://id/token', scope: 's' },
    });
    expect(job).toMatchObject({
      auth_type: 'oauth2',
      api_endpoint: '/v1/orders',
      pagination_type: 'page_number',
      data_selector: 'items',
      primary_key: ['id', 'line'],
      write_disposition: 'merge',
    });
    expect(job?.options).toMatchObject({
      method: 'POST',
      body: { q: 1 },
      base_page: 0,
      page_param: 'p',
      total_pages_path: 'pages',
      max_pages: 9,
    });
    expect(job?.options.total_path).toBeUndefined();
  });

  it.each([
    ['OffsetPaginator', 'offset'],
    ['offset', 'offset'],
    ['PageNumberPaginator', 'page_number'],
    ['JSONResponseCursorPaginator', 'cursor'],
    ['header_link', 'header_link'],
    ['json_response', 'json_link'],
    ['JSONLinkPaginator', 'json_link'],
    ['SinglePagePaginator', 'single_page'],
  ])('paginator %s is %s', (name, type) => {
    expect(connect('api', { ...API, paginator: { type: name } }).job?.pagination_type).toBe(type);
    expect(connect('api', { ...API, paginator: name }).job?.pagination_type).toBe(type);
  });

  it('reads cursors and links of headers', () => {
    expect(connect('api', { ...API, paginator: { type: 'header_cursor', cursor_key: 'X-Next' } }).job).toMatchObject({
      pagination_type: 'cursor',
      options: { cursor_header: 'X-Next' },
    });
    expect(connect('api', { ...API, paginator: { type: 'header_link', links_next_key: 'more' } }).job).toMatchObject({
      options: { next_url_path: 'links.more' },
    });
  });

  it('says when a token is never sent', () => {
    const { findings } = validateProject(
      rawProject([jobRow({ source_type: 'api', source_name: 'api' })], {
        config: { sources: { api: { ...API, token: 'a-token-of-mine' } }, destination: { duckdb: {} } },
      }),
    );
    expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: .dlt/config.toml, sources.api.auth_type: is not set, so token is never sent',
    ]);
  });

  it('settles job cell over resource over connection over built-in', () => {
    const table = {
      ...API,
      page_size: 20,
      max_pages: 5,
      offset_param: 'o',
      resources: { orders: { page_size: 30, max_pages: 7 } },
    };
    expect(connect('api', table).job).toMatchObject({
      page_size: 30,
      options: { max_pages: 7, offset_param: 'o', limit_param: 'limit' },
    });
    expect(connect('api', table, { page_size: '40' }).job?.page_size).toBe(40);
    expect(connect('api', table, { table_name: 'other' }).job).toMatchObject({
      page_size: 20,
      options: { max_pages: 5 },
    });
    expect(connect('api', API).job?.page_size).toBe(100);
  });
});

describe('which connection a job has', () => {
  it('looks by name, then by type', () => {
    const jobs = [jobRow({ source_name: 'shop' }), jobRow({ source_name: 'anything', table_name: 'b' })];
    const { project } = validateProject(
      rawProject(jobs, {
        config: { sources: { shop: SHOP, postgresql: { ...SHOP, host: 'by-type' } }, destination: { duckdb: {} } },
      }),
    );
    expect(project.jobs.map((job) => connectionOf(project.connections, job)?.name)).toEqual(['shop', 'postgresql']);
  });

  it('refuses a job of another kind', () => {
    const { findings, invalidJobs } = validateProject(
      rawProject([jobRow(), jobRow({ source_type: 'mssql', table_name: 'b' })]),
    );
    expect(findings.map(({ message }) => message)).toContain(
      'SourceConfig row 3, source_type "mssql": connection shop is postgresql',
    );
    expect(invalidJobs.map(({ row }) => row)).toEqual([3]);
  });

  it('names unused connections and resources, and what was meant', () => {
    const { findings } = validateProject(
      rawProject([jobRow()], {
        config: { sources: { shop: { ...SHOP, resources: { order: {} } }, old: SHOP }, destination: { duckdb: {} } },
      }),
    );
    expect(findings.map(({ severity, message, hint }) => [severity, message, hint])).toEqual([
      [
        'warning',
        '.dlt/config.toml, sources.old: no job uses this connection',
        'Name it in source_name of a job, or remove it.',
      ],
      ['warning', '.dlt/config.toml, sources.shop.resources.order: no job reads this resource', 'Did you mean orders?'],
    ]);
  });

  it.each([
    ['hots', 'host'],
    ['pasword', 'password'],
    ['chunksize', 'chunk_size'],
    ['max_table_nestin', 'max_table_nesting'],
  ])('warns of the unknown key %s', (key, meant) => {
    const { messages, connection } = connect('postgresql', { ...db, [key]: 'x' });
    expect(messages).toEqual([config(key, null, 'this key is not known and has no effect', 'warning')]);
    expect(connection).toBeDefined();
    const { findings } = validateProject(
      rawProject([jobRow()], { config: { sources: { shop: { ...SHOP, [key]: 'x' } }, destination: { duckdb: {} } } }),
    );
    expect(findings[0]?.fix).toBe(meant);
  });

  it('lowers errors of connections that only disabled jobs use', () => {
    const { findings } = validateProject(
      rawProject([jobRow({ enabled: 'N' })], { config: { sources: { shop: {} }, destination: { duckdb: {} } } }),
    );
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(findings.filter(({ severity }) => severity === 'warning').length).toBeGreaterThan(0);
  });
});

describe('missing secrets', () => {
  const without = (keys: Table, jobs = [jobRow()], over = {}) =>
    validateProject(
      rawProject(jobs, { config: { sources: { shop: keys, api: API }, destination: { duckdb: {} } }, ...over }),
    );
  const { password: _, ...noPassword } = SHOP;

  it('names the secret once with the rows that need it', () => {
    const { findings, invalidJobs } = without(noPassword, [
      jobRow(),
      jobRow({ table_name: 'b' }),
      jobRow({ table_name: 'c', enabled: 'N' }),
    ]);
    const missing = findings.filter(({ code }) => code === 'SECRET_MISSING');
    expect(missing.map(({ message }) => message)).toEqual([
      '.dlt/config.toml, sources.shop.password: is missing; SourceConfig rows 2, 3 need it',
    ]);
    expect(missing[0]?.hint).toMatch(/^Set the environment variable SOURCES__SHOP__PASSWORD, or the key/);
    const atHand = validateProject(rawProject([jobRow()], { config: { sources: { shop: noPassword } } }), {
      keychain: true,
    }).findings.find(({ code }) => code === 'SECRET_MISSING');
    expect(atHand?.hint).toMatch(
      /^Type it in the form of the connection .* keychain. Without one: Set .* SOURCES__SHOP__PASSWORD/,
    );
    expect(invalidJobs.map(({ row }) => row)).toEqual([2, 3]);
  });

  it('takes an empty password for one, and leaves secrets out when told', () => {
    expect(without({ ...SHOP, password: '' }).findings.some(({ code }) => code === 'SECRET_MISSING')).toBe(false);
    const raw = rawProject([jobRow()], { config: { sources: { shop: noPassword }, destination: { duckdb: {} } } });
    expect(validateProject(raw, { secrets: false })).toMatchObject({ findings: [], invalidJobs: [] });
  });

  it('defers what a vault holds', () => {
    const { findings, invalidJobs } = without(noPassword, [jobRow()], {
      deferredPaths: new Set(['sources.shop.password']),
    });
    expect(findings.filter(({ severity }) => severity === 'notice').map(({ code }) => code)).toEqual([
      'SECRET_DEFERRED',
    ]);
    expect(invalidJobs).toEqual([]);
  });

  it.each([
    ['api_key', ['api_key']],
    ['bearer', ['token']],
    ['basic', ['username', 'password']],
    ['oauth2', ['token_url', 'client_id', 'client_secret']],
    ['none', []],
  ])('an API with %s needs %j', (auth_type, keys) => {
    const { findings } = without(SHOP, [jobRow({ source_type: 'api', source_name: 'api', auth_type })]);
    expect(findings.filter(({ code }) => code === 'SECRET_MISSING').map(({ column }) => column)).toEqual(
      keys.map((key) => `sources.api.${key}`),
    );
  });
});

describe('two jobs on one target', () => {
  it.each([
    [{ table_name: 'Orders' }, 'table_name'],
    [{ table_name: 'b', target_table: 'ORDERS' }, 'target_table'],
    [{ table_name: 'b', target_table: 'orders', target_schema: 'raw' }, 'target_table'],
  ])('%j is refused', (cells, column) => {
    const { findings, project, invalidJobs } = validateProject(rawProject([jobRow(), jobRow(cells)]));
    const value = (cells as Record<string, string>)[column];
    expect(findings.map(({ message }) => message)).toContain(
      `SourceConfig row 3, ${column} "${value}": row 2 (shop.orders) loads into raw.orders already`,
    );
    expect(project.jobs.map(({ row }) => row)).toEqual([2]);
    expect(invalidJobs.map(({ row }) => row)).toEqual([3]);
  });

  it('is fine where one is disabled or goes elsewhere', () => {
    const jobs = [jobRow(), jobRow({ enabled: 'N' }), jobRow({ target_schema: 'other' })];
    expect(validateProject(rawProject(jobs)).project.jobs).toHaveLength(3);
  });

  it('finds parents that are not there', () => {
    const sources = { api: { ...API, resources: { lines: { parent: { resource: 'order', field: 'id' } } } } };
    const jobs = ['orders', 'lines'].map((table_name) =>
      jobRow({ source_type: 'api', source_name: 'api', table_name }),
    );
    const raw = {
      ...rawProject([], { config: { sources, destination: { duckdb: {} } } }),
      jobs: sheet('SourceConfig', jobs),
    };
    expect(validateProject(raw).findings).toMatchObject([
      { code: 'JOB_PARENT_UNKNOWN', row: 3, hint: 'Did you mean orders?' },
    ]);
  });
});

it('what a person signs in to with the browser needs no secret, and is told to be for here only', () => {
  const browser = { authentication: 'ActiveDirectoryInteractive' };
  const lake = { bucket_url: 'az://raw', azure_client_id: 'app', azure_authentication: 'browser' };
  const config = (databricks: Table) => ({
    sources: {
      az: { host: 'a', database: 'd', ...browser },
      ms: { host: 'm', database: 'd', ...browser },
      lake: { type: 'filesystem', ...lake },
    },
    destination: { type: 'databricks' },
    destinations: {
      databricks: {
        type: 'databricks',
        server_hostname: 'h',
        http_path: '/p',
        staging_volume: '/Volumes/a/b/c',
        ...databricks,
      },
    },
    key_vault: { vault_url: 'corp', authentication: 'browser' },
  });
  const jobs = [
    jobRow({ source_type: 'azure_sql', source_name: 'az' }),
    jobRow({ source_type: 'azure_sql', source_name: 'az', table_name: 'lines' }),
    jobRow({ source_type: 'mssql', source_name: 'ms', table_name: 'c', enabled: 'N' }),
    jobRow({ source_type: 'filesystem', source_name: 'lake', table_name: 'd', file_format: 'parquet' }),
  ];
  const { findings, project } = validateProject(rawProject(jobs, { config: config({ auth_type: 'browser' }) }));
  expect(project.jobs).toHaveLength(4);
  expect(findings.map(({ severity, code, column }) => [severity, code, column])).toEqual(
    ['sources.az', 'sources.lake', 'destinations.databricks', 'key_vault'].map((column) => [
      'warning',
      'SIGN_IN_NOT_HEADLESS',
      column,
    ]),
  );
  expect(findings[2]?.hint).toContain('M2M');
  // Of another cloud it means nothing.
  const elsewhere = config({ access_token: 'dapi-x' });
  elsewhere.sources.lake.bucket_url = 's3://raw';
  const other = validateProject(rawProject(jobs, { config: elsewhere })).findings;
  expect(other.map(({ column }) => column)).toEqual(['sources.az', 'key_vault']);
});
