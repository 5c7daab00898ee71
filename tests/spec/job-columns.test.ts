import { describe, expect, it } from 'vitest';
import { cellParser } from '../../engine/spec/cells.ts';
import { type Job, jobModel } from '../../engine/spec/job.ts';
import { JOB_COLUMN_NAMES, jobColumn, jobColumnOfHeader } from '../../engine/spec/job-columns.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import { jobRow, rawProject } from './raw-project.ts';

/** Validates one row and gives back its job and the messages about it, unused connections left out. */
function read(cells: Record<string, string>): { job: Job | undefined; messages: string[] } {
  const { project, findings } = validateProject(rawProject([jobRow(cells)]));
  const messages = findings
    .filter(({ code }) => code !== 'CONNECTION_UNUSED')
    .map(({ severity, message }) => `${severity}: ${message}`);
  return { job: project.jobs[0], messages };
}

const incremental = { load_type: 'INCREMENTAL', watermark_column: 'updated_at' };
const api = { source_type: 'api', source_name: 'api' };
const files = { source_type: 'filesystem', source_name: 'files' };
const oracle = { source_type: 'oracle', source_name: 'ora', schema_name: 'SALES' };
/** The beginning of an error's message; long texts are cut in it. */
const at = (column: string, value: string) => {
  const quoted = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return `error: SourceConfig row 2, ${column}${value === '' ? '' : ` "${quoted}"`}: `;
};

describe('the table of job columns', () => {
  it('has an example that its own parser takes, and names a default that it takes too', () => {
    for (const name of JOB_COLUMN_NAMES) {
      const column = jobColumn(name);
      expect(cellParser(column)(column.example), name).toMatchObject({ ok: true });
      if (column.default !== null) expect(cellParser(column)(column.default), name).toMatchObject({ ok: true });
      expect(column.help.length, name).toBeGreaterThan(10);
    }
  });

  it('is the model of a job', () => {
    expect(Object.keys(jobModel.shape)).toEqual(['row', ...JOB_COLUMN_NAMES, 'options']);
  });

  it('finds a column by any spelling of its header', () => {
    expect(jobColumnOfHeader(' Source Type ')).toBe('source_type');
    expect(jobColumnOfHeader('LOAD-TYPE')).toBe('load_type');
    expect(jobColumnOfHeader('owner')).toBeNull();
  });
});

describe('values that are taken', () => {
  const taken: [string, Record<string, string>, Partial<Job>][] = [
    ['source_type in any case', { source_type: ' PostgreSQL ' }, { source_type: 'postgresql' }],
    ['load_type in any case', { load_type: 'full' }, { load_type: 'FULL' }],
    ...['Y', 'y', 'YES', 'True', '1'].map((text): [string, Record<string, string>, Partial<Job>] => [
      `enabled ${text}`,
      { enabled: text },
      { enabled: true },
    ]),
    ...['N', 'n', 'no', 'FALSE', '0'].map((text): [string, Record<string, string>, Partial<Job>] => [
      `enabled ${text}`,
      { enabled: text },
      { enabled: false },
    ]),
    ['chunk_size at its ends', { chunk_size: '1000' }, { chunk_size: 1000 }],
    ['chunk_size with thousands', { chunk_size: '10,000,000' }, { chunk_size: 10_000_000 }],
    ['chunk_size as a spreadsheet shows it', { chunk_size: '50000.0' }, { chunk_size: 50_000 }],
    ['chunk_size by default', {}, { chunk_size: 100_000 }],
    ['a dotted table', { table_name: 'sales.Orders' }, { table_name: 'sales.Orders', target_table: 'sales_orders' }],
    ['an exact name with its spaces', { source_object: ' Order "Lines" ' }, { source_object: ' Order "Lines" ' }],
    ['a key', { primary_key: 'id , line_no' }, { primary_key: ['id', 'line_no'] }],
    ['a quoted column', { columns: '"a, b", "say ""x""", c' }, { columns: ['a, b', 'say "x"', 'c'] }],
    [
      'types',
      { column_types: 'id:bigint, amount:decimal(18, 2)' },
      { column_types: { id: 'BIGINT', amount: 'DECIMAL(18,2)' } },
    ],
    ['FULL replaces', {}, { write_disposition: 'replace' }],
    ['INCREMENTAL appends', incremental, { write_disposition: 'append', watermark_column: 'updated_at' }],
    ['INCREMENTAL merges with a key', { ...incremental, primary_key: 'id' }, { write_disposition: 'merge' }],
    ['a lag in hours', { ...incremental, primary_key: 'id', lag: '2h' }, { lag: { kind: 'duration', seconds: 7200 } }],
    [
      'a lag in days and hours',
      { ...incremental, primary_key: 'id', lag: '1d 12h' },
      { lag: { kind: 'duration', seconds: 129_600 } },
    ],
    [
      'a numeric lag',
      { ...incremental, primary_key: 'id', lag: '9007199254740993' },
      { lag: { kind: 'number', value: '9007199254740993' } },
    ],
    ['a watermark with leading zeros', { ...incremental, last_watermark: '007' }, { last_watermark: '007' }],
    ['tags', { tags: 'daily, sales' }, { tags: ['daily', 'sales'] }],
    [
      'a target',
      { target_schema: 'Staging', target_table: 'createdAt' },
      { target_schema: 'staging', target_table: 'created_at' },
    ],
    ['a contract', { schema_contract: 'Discard_Row' }, { schema_contract: 'discard_row' }],
    ['Oracle', oracle, { schema_name: 'SALES' }],
    ['SQL Server by another word', { source_type: 'sqlserver', source_name: 'ms' }, { source_type: 'mssql' }],
    [
      'an endpoint by default',
      api,
      { api_endpoint: 'orders', pagination_type: 'single_page', auth_type: 'none', page_size: 100 },
    ],
    ["dlt's paginator", { ...api, pagination_type: 'OffsetPaginator' }, { pagination_type: 'offset' }],
    [
      'files',
      { ...files, file_format: 'CSV', file_glob: 'in/*.csv.gz' },
      { file_format: 'csv', file_glob: 'in/*.csv.gz', incremental_mode: 'none' },
    ],
    [
      'new files',
      { ...files, load_type: 'INCREMENTAL', incremental_mode: 'file_name' },
      { incremental_mode: 'file_name', watermark_column: null },
    ],
  ];
  it.each(taken)('%s', (_, cells, expected) => {
    const { job, messages } = read(cells);
    expect(messages.filter((message) => !message.startsWith('notice'))).toEqual([]);
    expect(job).toMatchObject(expected);
    expect(jobModel.safeParse(job).error).toBeUndefined();
  });
});

describe('values that are refused', () => {
  const refused: [string, Record<string, string>, string][] = [
    ['source_type', { source_type: 'postgrs' }, 'use postgresql, oracle, mssql, azure_sql, api or filesystem'],
    ['source_type', { source_type: '' }, 'fill in postgresql, oracle, mssql, azure_sql, api or filesystem'],
    ['table_name', { table_name: 'x'.repeat(201) }, 'use at most 200 characters; these are 201'],
    ['source_name', { source_name: 'shpo' }, 'no connection of this name; known: shop, api, files, ora, ms, az'],
    ['table_name', { table_name: '' }, 'fill in this cell, e.g. orders'],
    ['table_name', { table_name: 'order lines' }, 'use letters, digits, _ and . only, and begin with a letter or _'],
    ['table_name', { table_name: '1st' }, 'use letters, digits, _ and . only, and begin with a letter or _'],
    ['load_type', { load_type: 'INCREMENT' }, 'use FULL or INCREMENTAL'],
    ['load_type', { load_type: '' }, 'fill in FULL or INCREMENTAL'],
    ['enabled', { enabled: 'maybe' }, 'use Y or N'],
    ['schema_name', { ...oracle, schema_name: '' }, 'fill in the schema; Oracle needs it'],
    ['watermark_column', { load_type: 'INCREMENTAL' }, 'fill in the column that tells new rows; INCREMENTAL needs it'],
    [
      'incremental_mode',
      { ...files, load_type: 'INCREMENTAL' },
      'fill in file_modified, file_name or folder_date; INCREMENTAL needs it to tell new files',
    ],
    ['chunk_size', { chunk_size: '999' }, 'use a whole number from 1000 to 10000000'],
    ['chunk_size', { chunk_size: '1e9' }, 'use a whole number from 1000 to 10000000'],
    ['chunk_size', { chunk_size: '12.5' }, 'use a whole number from 1000 to 10000000'],
    [
      'pagination_type',
      { ...api, pagination_type: 'pages' },
      'use single_page, offset, cursor, page_number, header_link or json_link',
    ],
    ['auth_type', { ...api, auth_type: 'berer' }, 'use none, api_key, bearer, basic or oauth2'],
    ['page_size', { ...api, page_size: '0' }, 'use a whole number from 1 to 10000'],
    ['file_format', { ...files, file_format: 'xml' }, 'use parquet, csv or jsonl'],
    ['incremental_mode', { ...files, incremental_mode: 'date' }, 'use none, file_modified, file_name or folder_date'],
    ['write_disposition', { write_disposition: 'upsert' }, 'use replace, append or merge'],
    ['write_disposition', { ...incremental, write_disposition: 'merge' }, 'merge needs a primary_key'],
    ['primary_key', { primary_key: 'id, id' }, 'name id once'],
    ['primary_key', { primary_key: 'userId, user_id' }, 'userId and user_id would both be user_id'],
    ['columns', { columns: 'Id, ID' }, 'Id and ID would both be id'],
    ['columns', { columns: '"a, b' }, 'close the quote'],
    ['columns', { ...incremental, columns: 'id, name' }, 'add updated_at, which primary_key or watermark_column name'],
    ['column_types', { column_types: 'id' }, 'write id as column:type, e.g. id:bigint, amount:decimal(18,2)'],
    [
      'column_types',
      { column_types: 'id:bigin' },
      'id: unknown type bigin (did you mean bigint?); use bigint, integer, smallint, decimal(18,2), double, boolean, text, date, time, timestamp, timestamptz, uuid, json or binary',
    ],
    [
      'lag',
      { ...incremental, primary_key: 'id', lag: 'soon' },
      'use a duration like 2h, 30m or 1d, or a number for numeric watermarks',
    ],
    ['lag', { ...incremental, lag: '2h' }, 'lag needs a primary_key: rows that are read again must be told'],
    ['schema_contract', { schema_contract: 'strict' }, 'use evolve, freeze, discard_row or discard_value'],
  ];
  it.each(refused)('%s %j', (column, cells, problem) => {
    const { job, messages } = read(cells);
    expect(job).toBeUndefined();
    expect(messages).toContain(at(column, jobRow(cells)[column] ?? '') + problem);
  });

  it('says everything about a row at once', () => {
    const { messages } = read({ source_type: 'x', load_type: 'y', enabled: 'z', chunk_size: '1' });
    expect(messages).toHaveLength(4);
  });

  it('proposes the fix', () => {
    const { findings } = validateProject(rawProject([jobRow({ load_type: 'INCREMENT' })]));
    expect(findings.find(({ column }) => column === 'load_type')).toEqual({
      severity: 'error',
      code: 'JOB_VALUE_NOT_ALLOWED',
      sheet: 'SourceConfig',
      row: 2,
      column: 'load_type',
      value: 'INCREMENT',
      message: 'SourceConfig row 2, load_type "INCREMENT": use FULL or INCREMENTAL',
      hint: 'Did you mean INCREMENTAL?',
      fix: 'INCREMENTAL',
    });
  });
});

describe('values that are worth a word', () => {
  const told: [string, Record<string, string>, string][] = [
    ['blank enabled', { enabled: '' }, 'notice: SourceConfig row 2, enabled: blank means Y'],
    [
      'a cell of another kind of source',
      { page_size: '10' },
      'warning: SourceConfig row 2, page_size "10": means nothing for postgresql and has no effect',
    ],
    [
      'a watermark for files',
      { ...files, watermark_column: 'x' },
      'warning: SourceConfig row 2, watermark_column "x": means nothing for filesystem and has no effect',
    ],
    [
      'FULL with append',
      { write_disposition: 'append' },
      'warning: SourceConfig row 2, write_disposition "append": each run adds all rows again',
    ],
    [
      'INCREMENTAL with replace',
      { ...incremental, write_disposition: 'replace' },
      'warning: SourceConfig row 2, write_disposition "replace": only the rows of the last run remain',
    ],
    [
      'a target that is normalised',
      { target_table: 'My Table' },
      'notice: SourceConfig row 2, target_table "My Table": becomes my_table in the destination',
    ],
    [
      'a format that the files do not have',
      { ...files, file_glob: '*.csv' },
      'warning: SourceConfig row 2, file_glob "*.csv": these files look like csv, and file_format says parquet',
    ],
  ];
  it.each(told)('%s', (_, cells, message) => {
    const { job, messages } = read(cells);
    expect(messages).toEqual([message]);
    expect(job).toBeDefined();
  });
});
