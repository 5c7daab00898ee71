import ExcelJS from 'exceljs';
import {
  AUTH_TYPES,
  FILE_FORMATS,
  INCREMENTAL_MODES,
  LOAD_TYPES,
  PAGINATION_TYPES,
  SCHEMA_CONTRACTS,
  SOURCE_TYPES,
  WRITE_DISPOSITIONS,
} from '../../engine/spec/kinds.ts';

/** One column of a sheet: its header, width in characters, the values a cell may have, and what the header's comment says. */
interface Column {
  header: string;
  width: number;
  values?: readonly string[];
  note?: string;
}

type Row = Record<string, string | number>;

const JOB_COLUMNS: Column[] = [
  { header: 'enabled', width: 9, values: ['Y', 'N'], note: 'Y or N. A run leaves out what says N.' },
  { header: 'source_type', width: 13, values: SOURCE_TYPES },
  { header: 'source_name', width: 13, note: 'A connection: [sources.NAME] in .dlt/config.toml.' },
  {
    header: 'table_name',
    width: 18,
    note: 'Names the job. Also the table in the source, unless source_object or api_endpoint says otherwise.',
  },
  {
    header: 'load_type',
    width: 14,
    values: LOAD_TYPES,
    note: 'FULL reads everything each time, INCREMENTAL only what is new.',
  },
  {
    header: 'watermark_column',
    width: 18,
    note: 'INCREMENTAL: the column (for an API, the field) that tells what is new.',
  },
  { header: 'primary_key', width: 18, note: 'Comma-separated. With it, INCREMENTAL merges; without it, it appends.' },
  {
    header: 'write_disposition',
    width: 17,
    values: WRITE_DISPOSITIONS,
    note: 'Blank: FULL replaces; INCREMENTAL merges with a primary_key, else appends.',
  },
  { header: 'api_endpoint', width: 14 },
  { header: 'pagination_type', width: 16, values: PAGINATION_TYPES },
  { header: 'page_size', width: 10 },
  { header: 'data_selector', width: 15, note: 'JSONPath to the records in an answer.' },
  { header: 'auth_type', width: 10, values: AUTH_TYPES },
  { header: 'file_glob', width: 24, note: 'Files below the connection’s folder, e.g. sales/**/*.csv' },
  { header: 'file_format', width: 12, values: FILE_FORMATS },
  {
    header: 'incremental_mode',
    width: 17,
    values: INCREMENTAL_MODES,
    note: 'Files: by folder date, file name or time of change. Each file is loaded once.',
  },
  { header: 'schema_name', width: 13 },
  { header: 'target_table', width: 16, note: 'Blank: the table_name in snake_case.' },
  { header: 'column_types', width: 36, note: 'Overrides, e.g. id:bigint, amount:decimal(18,2)' },
  { header: 'schema_contract', width: 15, values: SCHEMA_CONTRACTS },
  { header: 'tags', width: 14, note: 'ingest run --job tag:daily' },
  { header: 'description', width: 58 },
];

const JOBS: Row[] = [
  api({
    table_name: 'countries',
    load_type: 'FULL',
    api_endpoint: '/countries',
    pagination_type: 'single_page',
    tags: 'reference',
    description: 'A list that comes in one page',
  }),
  api({
    table_name: 'products',
    load_type: 'FULL',
    api_endpoint: '/products',
    pagination_type: 'offset',
    page_size: 100,
    data_selector: 'data',
    tags: 'reference',
    description: 'limit and offset, with the total in the answer',
  }),
  api({
    table_name: 'customers',
    load_type: 'INCREMENTAL',
    watermark_column: 'updatedAt',
    primary_key: 'id',
    api_endpoint: '/customers',
    pagination_type: 'page_number',
    page_size: 50,
    data_selector: 'customers',
    tags: 'daily',
    description: 'Changed customers only, merged by id',
  }),
  api({
    table_name: 'orders',
    load_type: 'INCREMENTAL',
    watermark_column: 'updatedAt',
    primary_key: 'id',
    api_endpoint: '/orders',
    pagination_type: 'header_link',
    tags: 'daily',
    description: 'Order lines and their discounts become child tables',
  }),
  api({
    table_name: 'events',
    load_type: 'INCREMENTAL',
    watermark_column: 'occurredAt',
    api_endpoint: '/events',
    pagination_type: 'cursor',
    data_selector: 'events',
    tags: 'daily',
    description: 'No key: new events are appended, the boundary is de-duplicated',
  }),
  api({
    table_name: 'reviews',
    load_type: 'FULL',
    api_endpoint: '/reviews',
    pagination_type: 'json_link',
    data_selector: 'items',
    tags: 'reference',
    description: 'The next page’s address stands in the answer',
  }),
  files({
    table_name: 'stores',
    load_type: 'FULL',
    file_glob: 'stores.csv',
    file_format: 'csv',
    column_types: 'store_id:varchar, postal_code:varchar',
    tags: 'reference',
    description: 'CSV with leading zeros, quotes and line breaks in cells',
  }),
  files({
    table_name: 'exchange_rates',
    load_type: 'FULL',
    file_glob: 'exchange_rates.parquet',
    file_format: 'parquet',
    tags: 'reference',
    description: 'Parquet with exact decimals',
  }),
  files({
    table_name: 'tickets',
    load_type: 'FULL',
    file_glob: 'tickets/*.jsonl*',
    file_format: 'jsonl',
    tags: 'support',
    description: 'Nested JSON Lines, plain and gzipped',
  }),
  files({
    table_name: 'sales',
    load_type: 'INCREMENTAL',
    file_glob: 'sales/**/*.csv',
    file_format: 'csv',
    incremental_mode: 'folder_date',
    column_types: 'store_id:varchar, sku:varchar, amount:decimal(10,2)',
    tags: 'daily',
    description: 'A folder a day: only new days are read',
  }),
  files({
    table_name: 'sensor_readings',
    load_type: 'INCREMENTAL',
    file_glob: 'sensors/*.parquet',
    file_format: 'parquet',
    incremental_mode: 'file_name',
    tags: 'daily',
    description: 'A file a day, by its name',
  }),
  files({
    table_name: 'inventory',
    load_type: 'INCREMENTAL',
    primary_key: 'warehouse, sku',
    file_glob: 'inventory/*.csv',
    file_format: 'csv',
    incremental_mode: 'file_modified',
    column_types: 'sku:varchar',
    tags: 'daily',
    description: 'New or changed files, merged by warehouse and article',
  }),
  {
    enabled: 'N',
    source_type: 'postgresql',
    source_name: 'warehouse',
    table_name: 'invoices',
    load_type: 'INCREMENTAL',
    watermark_column: 'updated_at',
    primary_key: 'invoice_id',
    schema_name: 'public',
    tags: 'daily',
    description: 'A database job; fill in [sources.warehouse] and set enabled to Y',
  },
];

const CHECK_COLUMNS: Column[] = [
  { header: 'enabled', width: 9, values: ['Y', 'N'] },
  { header: 'table', width: 18 },
  { header: 'type', width: 14, values: ['row_count', 'null_rate', 'uniqueness', 'freshness', 'custom_sql'] },
  { header: 'name', width: 30 },
  { header: 'columns', width: 18 },
  { header: 'min_rows', width: 10 },
  { header: 'max_rows', width: 10 },
  { header: 'max_null_rate', width: 14 },
  { header: 'max_age_hours', width: 14 },
  { header: 'sql', width: 58 },
  { header: 'expected_value', width: 15 },
  { header: 'severity', width: 10, values: ['warning', 'error', 'critical'] },
];

const CHECKS: Row[] = [
  {
    enabled: 'Y',
    table: 'countries',
    type: 'row_count',
    name: 'all countries are there',
    min_rows: 20,
    max_rows: 250,
    severity: 'critical',
  },
  {
    enabled: 'Y',
    table: 'customers',
    type: 'uniqueness',
    name: 'one row a customer',
    columns: 'id',
    severity: 'error',
  },
  {
    enabled: 'Y',
    table: 'customers',
    type: 'null_rate',
    name: 'most customers have e-mail',
    columns: 'email',
    max_null_rate: 0.15,
    severity: 'warning',
  },
  {
    enabled: 'Y',
    table: 'sales',
    type: 'freshness',
    name: 'sales are fresh',
    columns: 'sold_at',
    max_age_hours: 48,
    severity: 'warning',
  },
  {
    enabled: 'Y',
    table: 'orders',
    type: 'custom_sql',
    name: 'every order has a customer',
    sql: 'SELECT count(*) FROM {table} WHERE customer_id IS NULL',
    expected_value: 0,
    severity: 'error',
  },
];

const SETTING_COLUMNS: Column[] = [
  { header: 'key', width: 18 },
  { header: 'value', width: 22 },
];

const SETTINGS: Row[] = [
  { key: 'name', value: 'sample_shop' },
  { key: 'destination', value: 'duckdb' },
  { key: 'parallel', value: 'true' },
  { key: 'max_workers', value: 4 },
  { key: 'stop_on_error', value: 'false' },
  { key: 'schema_contract', value: 'evolve' },
  { key: 'timezone', value: 'UTC' },
];

/** Rows below the last one that already have the drop-downs, so that a person can type on. */
const SPARE_ROWS = 200;

/** Writes the sample's `ingestion_config.xlsx`: frozen headers with comments, drop-downs, filters, and widths that fit. */
export async function writeSampleWorkbook(file: string): Promise<void> {
  const workbook = new ExcelJS.Workbook();
  workbook.creator = 'Ingest Studio';
  workbook.created = workbook.modified = new Date(Date.UTC(2026, 0, 31));
  addSheet(workbook, 'SourceConfig', 'FF364AB8', JOB_COLUMNS, JOBS, 4);
  addSheet(workbook, 'DataQuality', 'FF17753F', CHECK_COLUMNS, CHECKS, 2);
  addSheet(workbook, 'Pipeline', 'FF4E535C', SETTING_COLUMNS, SETTINGS, 0);
  await workbook.xlsx.writeFile(file);
}

function addSheet(
  workbook: ExcelJS.Workbook,
  name: string,
  color: string,
  columns: Column[],
  rows: Row[],
  frozenColumns: number,
): void {
  const sheet = workbook.addWorksheet(name, {
    properties: { tabColor: { argb: color } },
    views: [{ state: 'frozen', ySplit: 1, xSplit: frozenColumns }],
  });
  sheet.columns = columns.map(({ header, width }) => ({ header, key: header, width }));
  for (const row of rows) sheet.addRow(row);
  sheet.autoFilter = { from: { row: 1, column: 1 }, to: { row: rows.length + 1, column: columns.length } };

  const header = sheet.getRow(1);
  header.height = 20;
  columns.forEach((column, index) => {
    const cell = header.getCell(index + 1);
    cell.font = { bold: true, color: { argb: 'FFFFFFFF' } };
    cell.fill = { type: 'pattern', pattern: 'solid', fgColor: { argb: color } };
    cell.alignment = { vertical: 'middle' };
    if (column.note !== undefined) cell.note = column.note;
    for (let row = 2; row <= rows.length + 1 + SPARE_ROWS && column.values !== undefined; row += 1) {
      sheet.getCell(row, index + 1).dataValidation = {
        type: 'list',
        allowBlank: true,
        formulae: [`"${column.values.join(',')}"`],
        showErrorMessage: true,
        errorTitle: column.header,
        error: `Use one of: ${column.values.join(', ')}`,
      };
    }
  });
  for (let row = 2; row <= rows.length + 1; row += 1) {
    if (sheet.getCell(row, 1).value === 'N') sheet.getRow(row).font = { color: { argb: 'FF9AA0A9' } };
  }
}

function api(row: Row): Row {
  return { enabled: 'Y', source_type: 'api', source_name: 'shop', auth_type: 'none', ...row };
}

function files(row: Row): Row {
  return { enabled: 'Y', source_type: 'filesystem', source_name: 'files', ...row };
}
