import { IconCheck } from '@tabler/icons-react';
import { JOB_COLUMN_NAMES, type JobColumnName, jobColumn } from '../../../engine/spec/job-columns.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import type { CellEditor, GridColumn, GridOption } from '../../grid/grid-types.ts';
import type { AppStores } from '../../stores/app-stores.ts';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { flagOf, jobColumnOfId, sourceTypeOfRow } from '../../stores/job-cells.ts';
import { whenText } from '../connections/test-words.ts';

const WIDTHS: Partial<Record<JobColumnName, number>> = {
  source_type: 92,
  source_name: 104,
  table_name: 136,
  load_type: 108,
  enabled: 32,
  schema_name: 92,
  watermark_column: 120,
  last_watermark: 112,
  chunk_size: 80,
  api_endpoint: 152,
  pagination_type: 108,
  auth_type: 80,
  page_size: 72,
  data_selector: 104,
  file_glob: 136,
  file_format: 88,
  incremental_mode: 120,
  target_table: 128,
  primary_key: 128,
  column_types: 168,
  description: 240,
  filter: 168,
};

/** What most jobs say, in the order in which people read it. */
const MAIN: readonly JobColumnName[] = [
  'enabled',
  'source_type',
  'source_name',
  'table_name',
  'schema_name',
  'load_type',
  'watermark_column',
  'api_endpoint',
  'pagination_type',
  'page_size',
  'file_glob',
  'file_format',
  'incremental_mode',
  'target_table',
  'primary_key',
  'write_disposition',
];

/** The rest, behind: shown where something stands in it, or where somebody asks for it. */
const DETAILS: readonly JobColumnName[] = JOB_COLUMN_NAMES.filter((name) => !MAIN.includes(name));

const READING_ORDER: readonly JobColumnName[] = [...MAIN, ...DETAILS];

/** Columns of the grid: those of the workbook, and those that the product knows beside them. */
export function jobGridColumns(stores: AppStores, order: 'groups' | 'workbook'): GridColumn[] {
  const own = stores.project.columns('SourceConfig');
  const headers = stores.project.headers('SourceConfig');
  const there = new Set(own);
  const known = READING_ORDER.filter((name) => order === 'groups' || !there.has(name));
  const others = own.filter((id) => jobColumnOfId(id) === null && isShown(stores, id));
  const ids: readonly string[] =
    order === 'groups' ? [...known, ...others] : [...own.filter((id) => isShown(stores, id)), ...known];
  return ids.map((id) => columnOf(stores, id, headers[own.indexOf(id)] ?? id, order));
}

/** Columns that the workbook does not have, and those of the details that say nothing in any row: hidden until somebody asks for them. */
export function quietColumns({ project }: AppStores): string[] {
  const there = new Set(project.columns('SourceConfig'));
  const rowIds = project.rowIds('SourceConfig');
  const says = (name: string) => rowIds.some((rowId) => project.cell('SourceConfig', rowId, name) !== '');
  return JOB_COLUMN_NAMES.filter((name) => !there.has(name) || (DETAILS.includes(name) && !says(name)));
}

/** A column without a header is shown where something stands in it. */
function isShown({ project }: AppStores, id: string): boolean {
  const position = project.columns('SourceConfig').indexOf(id);
  if ((project.headers('SourceConfig')[position] ?? '').trim() !== '') return true;
  return project.rowIds('SourceConfig').some((rowId) => project.cell('SourceConfig', rowId, id) !== '');
}

/** Where a column stands beside others than those of its own group. */
const GROUPS: Partial<Record<JobColumnName, string>> = { enabled: 'Source', primary_key: 'Target' };

function columnOf(stores: AppStores, id: string, header: string, order: 'groups' | 'workbook'): GridColumn {
  const name = jobColumnOfId(id);
  if (name === null) {
    const shown = header.trim() === '' ? '(no header)' : header;
    const description = 'Not one of the product’s columns: it is kept and has no effect.';
    return { id, header: shown, group: order === 'groups' ? 'Other' : undefined, description, width: 120 };
  }
  const column = jobColumn(name);
  return {
    id,
    header: id,
    headerIcon: name === 'enabled' ? <IconCheck size={13} aria-hidden /> : undefined,
    group: order === 'workbook' ? undefined : DETAILS.includes(name) ? 'Details' : (GROUPS[name] ?? column.group),
    description: `${column.label}. ${column.help}`,
    width: WIDTHS[name] ?? 112,
    align: name === 'enabled' ? 'center' : column.kind === 'integer' ? 'right' : undefined,
    numeric: column.kind === 'integer',
    editor: editorOf(stores, name),
  };
}

function editorOf(stores: AppStores, name: JobColumnName): CellEditor {
  const column = jobColumn(name);
  if (column.kind === 'flag') return { kind: 'flag', on: 'Y', off: 'N', checked: flagOf };
  if (column.kind === 'enum') {
    const options = (column.values ?? []).map((value) => ({ value }));
    return { kind: 'choice', options };
  }
  const options = (rowId: string) => suggestions(stores, rowId, name);
  const note = name === 'source_name' ? () => null : (rowId: string) => discoveryNote(stores, rowId);
  if (LISTED.has(name)) return { kind: 'list', options, note };
  if (SUGGESTED.has(name)) return { kind: 'suggest', options, note };
  return { kind: 'text' };
}

export const SUGGESTED = new Set<JobColumnName>([
  'source_name',
  'schema_name',
  'table_name',
  'source_object',
  'watermark_column',
]);

/** Several columns of the table, with commas between them. */
export const LISTED = new Set<JobColumnName>(['primary_key', 'columns']);

/** When the connection of a row was looked into: what it has now may be another thing. */
function discoveryNote({ project, connections }: AppStores, rowId: string): string | null {
  const discovery = connections.getState().discoveries[project.cell('SourceConfig', rowId, 'source_name').trim()];
  return discovery === undefined ? null : `As discovered ${whenText(discovery.at)}; Discover looks again`;
}

/** What is known to stand in a cell of this row: connections of the project, and what was discovered of them. */
export function suggestions(stores: AppStores, rowId: string, name: JobColumnName): GridOption[] {
  const { project, connections } = stores;
  if (name === 'source_name') return connectionOptions(stores, rowId);
  const connection = project.cell('SourceConfig', rowId, 'source_name').trim();
  const objects = connections.getState().discovered[connection] ?? [];
  if (name === 'schema_name') {
    return [...new Set(objects.map(({ schema }) => schema))]
      .filter((schema) => schema !== null)
      .map((value) => ({ value }));
  }
  const schema = project.cell('SourceConfig', rowId, 'schema_name').trim();
  const inSchema = objects.filter((object) => schema === '' || object.schema === schema);
  if (name === 'table_name' || name === 'source_object') return inSchema.map(tableOption);
  const table = project.cell('SourceConfig', rowId, 'table_name').trim();
  const exact = project.cell('SourceConfig', rowId, 'source_object');
  const object = inSchema.find((candidate) => candidate.name === (exact === '' ? table : exact));
  if (object === undefined) return [];
  if (LISTED.has(name)) {
    const { primaryKey } = object;
    const isKey = (value: string) => primaryKey.includes(value);
    const columns = object.columns.map(({ name: value, sourceType }) => ({
      value,
      detail: isKey(value) ? `${sourceType}, primary key` : sourceType,
    }));
    // Of a key its own columns first, in the key's order.
    if (name === 'columns') return columns;
    return columns.sort((a, b) => rankIn(primaryKey, a.value) - rankIn(primaryKey, b.value));
  }
  const suggested = object.watermarkSuggestions.map(({ column, reason }) => ({ value: column, detail: reason }));
  const first = new Set(suggested.map(({ value }) => value));
  const rest = object.columns.filter((column) => !first.has(column.name));
  return [...suggested, ...rest.map((column) => ({ value: column.name, detail: column.sourceType }))];
}

function rankIn(values: readonly string[], value: string): number {
  const at = values.indexOf(value);
  return at < 0 ? values.length : at;
}

function tableOption({ name, kind, rowEstimate }: DiscoveredObject): GridOption {
  const rows = rowEstimate === null ? '' : ` · about ${rowEstimate.toLocaleString('en')} rows`;
  return { value: name, detail: `${kind.replaceAll('_', ' ')}${rows}` };
}

function connectionOptions({ project }: AppStores, rowId: string): GridOption[] {
  const sources = project.getState().document?.config['sources'];
  if (!isTable(sources)) return [];
  const wanted = sourceTypeOfRow(project, rowId);
  const options = Object.entries(sources).map(([value, table]) => {
    const type = isTable(table) ? (table['type'] ?? table['source_type']) : undefined;
    return typeof type === 'string' ? { value, detail: type } : { value };
  });
  // Connections of the row's own kind first.
  return options.sort((a, b) => Number(b.detail === wanted) - Number(a.detail === wanted));
}
