import type { Finding } from '../../../engine/spec/finding.ts';
import { type JobColumnName, jobColumns } from '../../../engine/spec/job-columns.ts';
import { validateProject } from '../../../engine/spec/validate-project.ts';
import type { CellMark, GridColumn } from '../../../renderer/grid/grid-types.ts';
import type { Marks, Row } from './memory-store.ts';

/** Job rows as an analyst writes them, judged by the engine's own validation: what the grid looks like in the application. */
const WIDTHS: Partial<Record<JobColumnName, number>> = {
  enabled: 30,
  source_type: 80,
  source_name: 90,
  table_name: 136,
  schema_name: 90,
  load_type: 112,
  watermark_column: 116,
  api_endpoint: 96,
  pagination_type: 102,
  page_size: 68,
  file_glob: 104,
  file_format: 78,
  target_table: 112,
  primary_key: 92,
  write_disposition: 120,
};
const FIRST = Object.keys(WIDTHS) as JobColumnName[];
const SKIPPED: JobColumnName[] = ['auth_type', 'chunk_size'];

export const JOB_COLUMNS: JobColumnName[] = [
  ...FIRST,
  ...(Object.keys(jobColumns) as JobColumnName[]).filter((name) => !FIRST.includes(name) && !SKIPPED.includes(name)),
];

const checked = (text: string) =>
  text === '' ? null : /^(y|yes|true|1)$/i.test(text) ? true : /^(n|no|false|0)$/i.test(text) ? false : null;

export function gridColumns(names: readonly JobColumnName[]): GridColumn[] {
  return names
    .map((id): GridColumn => {
      const { group, kind, values, help } = jobColumns[id];
      const column: GridColumn = {
        id,
        group: id === 'enabled' ? 'Source' : group,
        description: help,
        width: WIDTHS[id] ?? 104,
      };
      if (kind === 'flag') return { ...column, align: 'center', editor: { kind: 'flag', on: 'Y', off: 'N', checked } };
      if (kind === 'integer') return { ...column, align: 'right', numeric: true };
      if (kind === 'enum') {
        return { ...column, editor: { kind: 'choice', options: (values ?? []).map((value) => ({ value })) } };
      }
      return column;
    })
    .sort((one, other) => GROUPS.indexOf(one.group ?? '') - GROUPS.indexOf(other.group ?? ''));
}
const GROUPS = ['Source', 'What', 'How', 'API', 'Files', 'Target'];

type Cells = Partial<Record<JobColumnName, string>>;
const base = { enabled: 'Y', load_type: 'INCREMENTAL' } as const;
const shop = (table_name: string, cells: Cells = {}): Cells => ({
  ...base,
  source_type: 'postgresql',
  source_name: 'shop_pg',
  schema_name: 'shop',
  watermark_column: 'updated_at',
  table_name,
  ...cells,
});
const erp = (schema_name: string, table_name: string, cells: Cells = {}): Cells => ({
  ...base,
  source_type: 'oracle',
  source_name: 'erp_oracle',
  schema_name,
  watermark_column: 'MODIFIED_DATE',
  table_name,
  ...cells,
});
const crm = (table_name: string, cells: Cells = {}): Cells => ({
  ...base,
  source_type: 'mssql',
  source_name: 'crm_mssql',
  schema_name: 'dbo',
  watermark_column: 'modified_on',
  table_name,
  ...cells,
});
const stripe = (table_name: string, cells: Cells = {}): Cells => ({
  ...base,
  source_type: 'api',
  source_name: 'stripe_api',
  watermark_column: 'created',
  table_name,
  api_endpoint: `/v1/${table_name}`,
  pagination_type: 'cursor',
  page_size: '100',
  primary_key: 'id',
  ...cells,
});
const lake = (table_name: string, file_glob: string, file_format: string, cells: Cells = {}): Cells => ({
  ...base,
  source_type: 'filesystem',
  source_name: 'landing',
  incremental_mode: 'file_modified',
  table_name,
  file_glob,
  file_format,
  ...cells,
});
const full = { load_type: 'FULL', watermark_column: '' } as const;

export const SAMPLE_JOBS: Cells[] = [
  shop('orders', { primary_key: 'order_id' }),
  shop('order_lines', { primary_key: 'order_id, line_no' }),
  shop('customers', { primary_key: 'customer_id' }),
  shop('products', { ...full, primary_key: 'product_id' }),
  shop('price_lists', full),
  shop('inventory_levels', { load_type: 'INCREMENT', primary_key: 'sku, warehouse_id', target_table: 'inventory' }),
  shop('returns', { primary_key: 'return_id' }),
  erp('FIN', 'GL_ACCOUNTS', { ...full, primary_key: 'ACCOUNT_ID' }),
  erp('FIN', 'GL_JOURNAL_LINES', {
    watermark_column: 'POSTED_AT',
    primary_key: 'JOURNAL_ID, LINE_NO',
    target_table: 'journal_lines',
  }),
  erp('AP', 'AP_INVOICES', { primary_key: 'INVOICE_ID', target_table: 'invoices' }),
  erp('AP', 'AP_PAYMENTS', { primary_key: 'PAYMENT_ID', target_table: 'payments' }),
  erp('', 'PURCHASE_ORDERS', { primary_key: 'PO_HEADER_ID' }),
  erp('PO', 'SUPPLIERS', { ...full, primary_key: 'VENDOR_ID' }),
  crm('accounts', { primary_key: 'account_id', target_table: 'crm_accounts' }),
  crm('contacts', { primary_key: 'contact_id', target_table: 'crm_contacts' }),
  crm('opportunities', { primary_key: 'opportunity_id', target_table: 'crm_deals' }),
  crm('activities', { enabled: '', primary_key: 'activity_id' }),
  stripe('charges', { page_size: '200' }),
  stripe('invoices', { target_table: 'stripe_invoices' }),
  stripe('customers', { enabled: 'N', target_table: 'stripe_customers' }),
  stripe('refunds', { page_size: '20000' }),
  stripe('payouts', { ...full, page_size: '' }),
  lake('pos_sales', 'pos/**/*.parquet', 'parquet', { write_disposition: 'append' }),
  lake('store_traffic', 'traffic/*.csv', 'csv'),
  lake('loyalty_events', 'loyalty/**/*.jsonl', 'jsonl', { primary_key: 'event_id' }),
  lake('exchange_rates', 'fx/rates_*.csv', 'csv', { load_type: 'FULL', incremental_mode: '' }),
];

/** As many rows as asked for; beyond the samples every table has its own name. */
export function jobRows(count: number): Row[] {
  return Array.from({ length: count }, (_, index) => {
    const cells = SAMPLE_JOBS[index % SAMPLE_JOBS.length] as Cells;
    if (index < SAMPLE_JOBS.length) return cells as Row;
    const turn = Math.floor(index / SAMPLE_JOBS.length);
    const { target_table: target } = cells;
    return {
      ...cells,
      table_name: `${cells.table_name}_${turn}`,
      ...(target === undefined ? {} : { target_table: `${target}_${turn}` }),
    } as Row;
  });
}

const CONFIG = {
  sources: {
    shop_pg: { type: 'postgresql', host: 'db', database: 'shop', username: 'reader', password: 'x'.repeat(8) },
    erp_oracle: { type: 'oracle', host: 'erp', service_name: 'ERP', username: 'reader', password: 'x'.repeat(8) },
    crm_mssql: { type: 'mssql', host: 'crm', database: 'crm', username: 'reader', password: 'x'.repeat(8) },
    stripe_api: { type: 'api', base_url: 'https://api.example.com', pagination: { cursor_path: 'next' } },
    landing: { type: 'filesystem', bucket_url: 'file:///landing' },
  },
  destination: { type: 'duckdb', duckdb: { database: 'dry_run.duckdb' } },
};

/** Findings of all rows, by the row's place from 0. */
export function judge(rows: readonly Row[]): Map<number, Finding[]> {
  const { findings } = validateProject({
    jobs: {
      name: 'SourceConfig',
      headerRow: 1,
      headers: [...JOB_COLUMNS],
      rows: rows.map((row, index) => ({ row: index + 2, cells: JOB_COLUMNS.map((name) => row[name] ?? '') })),
    },
    checks: null,
    settings: null,
    config: CONFIG,
    secretPaths: new Set(),
    deferredPaths: new Set(),
  });
  const byRow = new Map<number, Finding[]>();
  for (const finding of findings) {
    if (finding.sheet !== 'SourceConfig' || finding.row === null) continue;
    const list = byRow.get(finding.row - 2);
    if (list === undefined) byRow.set(finding.row - 2, [finding]);
    else list.push(finding);
  }
  return byRow;
}

const STATUSES = ['ok', 'ok', 'ok', 'ok', 'failed', 'ok', 'running', 'none', 'queued'] as const;

export function marksOfJob(row: Row, index: number, findings: readonly Finding[]): Marks {
  const cells: Record<string, CellMark> = {};
  const type = row['source_type'] as (typeof jobColumns)['source_type']['appliesTo'][number];
  for (const name of JOB_COLUMNS) {
    const { appliesTo, default: preset } = jobColumns[name];
    if (!(appliesTo as readonly string[]).includes(type)) cells[name] = { hatched: true };
    else if (name === 'watermark_column' && row['load_type'] === 'FULL') cells[name] = { hatched: true };
    else if (name === 'target_table') cells[name] = { placeholder: (row['table_name'] ?? '').toLowerCase() };
    else if (preset !== null && preset !== undefined && name !== 'enabled') cells[name] = { placeholder: preset };
  }
  let worst: 'error' | 'warning' | undefined;
  for (const { severity, column, message, hint } of findings) {
    if (severity === 'notice' && column !== 'enabled') continue;
    const grade = severity === 'error' ? 'error' : 'warning';
    if (worst !== 'error') worst = grade;
    if (column === null) continue;
    const said = hint === null || message.includes(hint) ? message : `${message}. ${hint}`;
    cells[column] = {
      severity: grade,
      message: said,
      ...((row[column] ?? '') === '' && grade === 'error' ? { missing: 'required' } : {}),
    };
  }
  const off = row['enabled'] === 'N';
  const status =
    worst === 'error'
      ? 'invalid'
      : off
        ? 'off'
        : worst === 'warning'
          ? 'warning'
          : (STATUSES[index % STATUSES.length] ?? 'ok');
  return { row: { status, dimmed: off }, cells };
}
