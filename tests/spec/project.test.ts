import { describe, expect, it } from 'vitest';
import type { RawProject, Table } from '../../engine/spec/project.ts';
import { type ValidateOptions, validateProject } from '../../engine/spec/validate-project.ts';
import { jobRow, rawProject, SHOP, sheet } from './raw-project.ts';

function messagesOf(raw: RawProject, options?: ValidateOptions): string[] {
  return validateProject(raw, options)
    .findings.filter(({ code }) => code !== 'CONNECTION_UNUSED')
    .map(({ severity, message }) => `${severity}: ${message}`);
}

describe('sheets and headers', () => {
  it('misses the sheet of jobs', () => {
    const { findings } = validateProject(rawProject([], { jobs: null }));
    expect(findings[0]).toMatchObject({
      code: 'SHEET_MISSING',
      message: 'SourceConfig: this sheet is missing',
      severity: 'error',
    });
  });

  it('does without the other sheets', () => {
    expect(messagesOf(rawProject([jobRow()]))).toEqual([]);
  });

  it('misses required headers, and puts all rows in the way of a run', () => {
    const raw = {
      ...rawProject([]),
      jobs: sheet('SourceConfig', [
        { source_type: 'postgresql', source: 'shop', table_name: 'orders', 'Load Type': 'FULL' },
      ]),
    };
    const { findings, project, invalidJobs } = validateProject(raw);
    expect(findings.map(({ severity, message, hint }) => [severity, message, hint])).toContainEqual([
      'error',
      'SourceConfig row 1, source_name: this required column is missing',
      'Rename the column source to source_name.',
    ]);
    expect(project.jobs).toEqual([]);
    expect(invalidJobs).toEqual([{ row: 2, source_name: '', table_name: 'orders', tags: [], enabled: true }]);
  });

  it('refuses doubled headers', () => {
    const jobs = sheet('SourceConfig', [jobRow()]);
    jobs.headers.push('Load_Type');
    expect(messagesOf({ ...rawProject([]), jobs })).toEqual([
      'error: SourceConfig row 1, load_type "Load_Type": this header stands over columns D and F; keep one',
    ]);
  });

  it('keeps unknown columns and says what may be meant', () => {
    const { findings, project } = validateProject(rawProject([jobRow({ watermark_colum: '', owner: 'me' })]));
    expect(project.jobs).toHaveLength(1);
    const unknown = findings.filter(({ code }) => code === 'HEADER_UNKNOWN');
    expect(unknown.map(({ column, fix, severity }) => [column, fix, severity])).toEqual([
      ['watermark_colum', 'watermark_column', 'warning'],
      ['owner', null, 'warning'],
    ]);
  });

  it('sees values under no header, and does without the column enabled', () => {
    const jobs = sheet('SourceConfig', [
      { source_type: 'postgresql', source_name: 'shop', table_name: 'orders', load_type: 'FULL', '': 'lost' },
    ]);
    const { findings, project } = validateProject({ ...rawProject([]), jobs });
    expect(findings.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'SourceConfig row 2, E "lost": this column has no header and no effect',
        'SourceConfig row 1, enabled: blank means Y',
      ]),
    );
    expect(project.jobs[0]?.enabled).toBe(true);
  });
});

describe('settings', () => {
  const settings = (rows: [string, string][]) =>
    rawProject([jobRow()], {
      settings: sheet(
        'Pipeline',
        rows.map(([key, value]) => ({ key, value })),
        ['key', 'value'],
      ),
    });

  it('has defaults', () => {
    const defaults = {
      name: 'dlt_pipeline',
      parallel: false,
      max_workers: 5,
      stop_on_error: false,
      destination: null,
      schema_contract: 'evolve',
      timezone: 'UTC',
    };
    expect(validateProject(rawProject([jobRow()])).project.settings).toEqual(defaults);
    expect(validateProject(settings([['name', '']])).project.settings).toEqual(defaults);
  });

  it('reads them as people write them', () => {
    const raw = settings([
      ['Name', 'sales'],
      ['parallel', 'YES'],
      ['Max Workers', '20'],
      ['stop_on_error', '1'],
      ['timezone', 'Europe/Berlin'],
      ['schema_contract', 'FREEZE'],
      ['destination', 'duckdb'],
    ]);
    const { project } = validateProject(raw);
    expect(project.settings).toEqual({
      name: 'sales',
      parallel: true,
      max_workers: 20,
      stop_on_error: true,
      timezone: 'Europe/Berlin',
      schema_contract: 'freeze',
      destination: 'duckdb',
    });
    expect(project.jobs[0]?.schema_contract).toBe('freeze');
    expect(messagesOf(raw)).toEqual([]);
  });

  it.each([
    ['max_workers', '0', 'use a whole number from 1 to 20'],
    ['max_workers', '21', 'use a whole number from 1 to 20'],
    ['parallel', 'maybe', 'use true or false'],
    ['timezone', 'Mars/Base', 'use the name of a time zone, e.g. UTC or Europe/Berlin'],
    ['schema_contract', 'none', 'use evolve, freeze, discard_row or discard_value'],
    ['name', 'a/b', 'use up to 100 letters, digits, _, - and .'],
    ['destination', 'databrics', 'no destination of this name; known: duckdb'],
  ])('refuses %s %s', (key, value, problem) => {
    expect(messagesOf(settings([[key, value]]))).toEqual([`error: Pipeline row 2, ${key} "${value}": ${problem}`]);
  });

  it('warns of unknown keys and refuses doubled ones', () => {
    const { findings } = validateProject(
      settings([
        ['paralel', 'true'],
        ['name', 'a'],
        ['name', 'b'],
      ]),
    );
    expect(findings.filter(({ sheet: at }) => at === 'Pipeline').map(({ code, fix }) => [code, fix])).toEqual([
      ['SETTING_UNKNOWN', 'parallel'],
      ['SETTING_TWICE', null],
    ]);
  });
});

describe('destinations', () => {
  const open = (config: Table, options?: ValidateOptions, destination = '') =>
    validateProject(
      rawProject([jobRow()], {
        config: { sources: { shop: SHOP }, ...config },
        settings: sheet('Pipeline', [{ key: 'destination', value: destination }]),
      }),
      options,
    );
  const two = {
    destinations: { local: { type: 'duckdb', path: 'a.duckdb' }, lake: { type: 'filesystem', bucket_url: 'out' } },
  };

  it("takes the one asked for, then the sheet's, then [destination].type, then the only one", () => {
    expect(open({ ...two, destination: { type: 'local' } }, { destination: 'lake' }, 'local').project.destination).toBe(
      'lake',
    );
    expect(open({ ...two, destination: { type: 'local' } }, {}, 'lake').project.destination).toBe('lake');
    expect(open({ ...two, destination: { type: 'local' } }).project.destination).toBe('local');
    expect(open({ ...two, destination: { type: 'filesystem' } }).project.destination).toBe('lake');
    expect(open({ destination: { duckdb: {} } }).project.destination).toBe('duckdb');
  });

  it('says when it cannot tell', () => {
    expect(open(two).findings).toMatchObject([
      {
        code: 'DESTINATION_AMBIGUOUS',
        message: '.dlt/config.toml, destination: there are local, lake; say which one a run uses',
      },
    ]);
    expect(open({}).findings).toMatchObject([{ code: 'DESTINATION_MISSING' }]);
    expect(open(two, { destination: 'lak' }).findings).toMatchObject([{ code: 'DESTINATION_UNKNOWN', fix: 'lake' }]);
  });

  it('reads DuckDB in all its forms', () => {
    const expected = { name: 'duckdb', type: 'duckdb', path: 'x.db', schema: 'raw' };
    for (const table of [
      { path: 'x.db' },
      { credentials: 'x.db' },
      { database: 'x.db' },
      { credentials: { database: 'x.db' } },
    ]) {
      expect(open({ destination: { duckdb: table } }).project.destinations.duckdb).toEqual(expected);
    }
    expect(open({ destination: { type: 'duckdb', path: 'x.db' } }).project.destinations.duckdb).toEqual(expected);
    expect(open({ destination: 'duckdb' }).project.destinations.duckdb).toEqual({
      ...expected,
      path: 'dlt_pipeline.duckdb',
    });
    expect(open({ destination: { duckdb: { dataset_name: 'bronze' } } }).project.destinations.duckdb).toMatchObject({
      schema: 'bronze',
    });
  });

  it("reads the plan's Databricks with its staging", () => {
    const { project, findings } = open({
      destination: {
        type: 'databricks',
        databricks: { server_hostname: 'adb', http_path: '/sql', credentials: { access_token: 'dapi-very-secret' } },
        filesystem: {
          bucket_url: 'az://staging@acc.dfs.core.windows.net',
          credentials: { azure_storage_account_name: 'acc', azure_storage_sas_token: '?sv=secret' },
        },
      },
    });
    expect(findings).toEqual([]);
    expect(project.destination).toBe('databricks');
    expect(project.destinations.databricks).toMatchObject({
      catalog: 'main',
      schema: 'raw',
      access_token: 'dapi-very-secret',
    });
    expect(project.destinations.filesystem).toMatchObject({
      azure_storage_sas_token: '?sv=secret',
      table_format: 'parquet',
    });
  });

  it('refuses Databricks without staging or token', () => {
    const { findings } = open({ destination: { databricks: { server_hostname: 'adb', http_path: '/sql' } } });
    expect(findings.map(({ code }) => code)).toEqual(['DESTINATION_STAGING', 'SECRET_MISSING']);
  });

  it('warns of faults in destinations that the run does not use', () => {
    const { findings, project } = open({
      destination: { type: 'duckdb', duckdb: {}, filesystem: { table_format: 'iceberg' } },
    });
    expect(findings.map(({ severity }) => severity)).toEqual(['warning', 'warning']);
    expect(Object.keys(project.destinations)).toEqual(['duckdb']);
  });

  it.each<[Table, string]>([
    [
      { destination: { filesystem: { bucket_url: 'x', table_format: 'iceberg' } } },
      'error: .dlt/config.toml, destination.filesystem.table_format "iceberg": use parquet or delta',
    ],
    [{ destination: { filesystem: {} } }, 'error: .dlt/config.toml, destination.filesystem.bucket_url: is missing'],
    [
      { destinations: { x: { type: 'duckdbb' } } },
      'error: .dlt/config.toml, destinations.x.type "duckdbb": use duckdb, filesystem or databricks',
    ],
    [
      { destination: { duckdb: { pth: 'x' } } },
      'warning: .dlt/config.toml, destination.duckdb.pth: this key is not known and has no effect',
    ],
    [
      { destination: { duckdb: {} }, source: {} },
      'warning: .dlt/config.toml, source: this key is not known and has no effect',
    ],
    [{ destination: 5 }, 'error: .dlt/config.toml, destination "5": must be a table'],
    [{ destinations: [] }, 'error: .dlt/config.toml, destinations: must be tables: [destinations.NAME]'],
  ])('%j', (config, message) => {
    expect(open(config).findings.map(({ severity, message: text }) => `${severity}: ${text}`)).toContain(message);
  });
});

describe('data quality', () => {
  const check = (cells: Record<string, string>) => {
    const checks = sheet('DataQuality', [{ table: 'orders', type: 'row_count', ...cells }]);
    const { project, findings } = validateProject(rawProject([jobRow()], { checks }));
    return {
      check: project.checks[0],
      messages: findings
        .filter(({ sheet: at }) => at === 'DataQuality')
        .map(({ severity, message }) => `${severity}: ${message}`),
    };
  };

  it.each<[Record<string, string>, Table]>([
    [
      {},
      {
        type: 'row_count',
        name: 'row_count_orders',
        min_rows: 0,
        max_rows: null,
        severity: 'error',
        scope: 'table',
        enabled: true,
        target_table: 'orders',
      },
    ],
    [
      { type: 'ROW_COUNT', min_rows: '1', max_rows: '9', scope: 'Load', enabled: 'N' },
      { min_rows: 1, max_rows: 9, scope: 'load', enabled: false },
    ],
    [
      { type: 'null_rate', column: 'a' },
      { column: 'a', max_null_rate: 0.05, severity: 'warning' },
    ],
    [
      { type: 'null_rate', column: 'a', max_null_rate: '10%', severity: 'Critical' },
      { max_null_rate: 0.1, severity: 'critical' },
    ],
    [
      { type: 'uniqueness', columns: 'a, b' },
      { columns: ['a', 'b'], severity: 'error' },
    ],
    [{ type: 'uniqueness', column: 'a' }, { columns: ['a'] }],
    [
      { type: 'freshness', column: 'a', max_age_hours: '0.5' },
      { max_age_hours: 0.5, severity: 'warning' },
    ],
    [
      { type: 'custom_sql', sql: 'SELECT 1', expected_value: '1', sql_databricks: 'SELECT 2' },
      { sql: 'SELECT 1', expected_value: '1', sql_databricks: 'SELECT 2', severity: 'error' },
    ],
    [{ type: 'reconcile' }, { compare: 'count', columns: [] }],
    [
      { type: 'reconcile', columns: 'amount' },
      { compare: 'sum', columns: ['amount'] },
    ],
    [
      { table: 'raw.orders', type: 'reconcile' },
      { target_schema: 'raw', target_table: 'orders' },
    ],
    [{ table: 'shop.orders' }, { target_schema: null, target_table: 'orders' }],
  ])('takes %j', (cells, expected) => {
    const result = check(cells);
    expect(result.messages).toEqual([]);
    expect(result.check).toMatchObject(expected);
  });

  it.each<[Record<string, string>, string]>([
    [
      { type: 'rowcount' },
      'warning: DataQuality row 2, type "rowcount": this type of check is not known and skipped; use row_count, null_rate, uniqueness, freshness, custom_sql or reconcile',
    ],
    [
      { type: '' },
      'error: DataQuality row 2, type: fill in row_count, null_rate, uniqueness, freshness, custom_sql or reconcile',
    ],
    [{ table: '' }, 'error: DataQuality row 2, table: fill in this cell, e.g. orders'],
    [
      { table: 'ordres' },
      'warning: DataQuality row 2, table "ordres": no job loads this table; the check will not run',
    ],
    [{ min_rows: '-1' }, 'error: DataQuality row 2, min_rows "-1": use a number from 0 on'],
    [{ min_rows: '5', max_rows: '4' }, 'error: DataQuality row 2, max_rows "4": use at least min_rows, 5'],
    [{ column: 'a' }, 'warning: DataQuality row 2, column "a": means nothing for row_count and has no effect'],
    [{ type: 'null_rate' }, 'error: DataQuality row 2, column: fill in the column; null_rate needs it'],
    [
      { type: 'null_rate', column: 'a', max_null_rate: '2' },
      'error: DataQuality row 2, max_null_rate "2": use a number from 0 to 1',
    ],
    [{ type: 'uniqueness' }, 'error: DataQuality row 2, columns: fill in the columns that are unique together'],
    [
      { type: 'freshness', column: 'a', max_age_hours: '0' },
      'error: DataQuality row 2, max_age_hours "0": use a number above 0',
    ],
    [{ type: 'custom_sql' }, 'error: DataQuality row 2, sql: fill in the statement; custom_sql needs it'],
    [{ type: 'reconcile', compare: 'checksum' }, 'error: DataQuality row 2, columns: fill in the columns for checksum'],
    [{ severity: 'fatal' }, 'error: DataQuality row 2, severity "fatal": use warning, error or critical'],
    [{ scope: 'rows' }, 'error: DataQuality row 2, scope "rows": use table or load'],
  ])('refuses %j', (cells, message) => {
    expect(check(cells).messages).toEqual([message]);
  });
});
