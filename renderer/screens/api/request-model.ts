import type { Detection, JobPreview } from '../../../engine/contract.ts';
import type { Job } from '../../../engine/spec/job.ts';
import { jobColumns } from '../../../engine/spec/job-columns.ts';
import type { PaginationType } from '../../../engine/spec/kinds.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import type { RequestDraft } from '../../stores/preview-store.ts';

/** What the request of a job is made of, before and after the changes of the draft. */
export interface RequestModel {
  connectionName: string;
  connection: Table;
  /** The resource's own options as the files have them. */
  resource: Table;
  /** The job as it is valid now; null where its row has an error. */
  job: Job | null;
  draft: RequestDraft;
  cells: Readonly<Record<string, string>>;
}

/** `[sources.NAME]` of a job, looked up by name, then by type; and its resource's table. */
export function sectionsOf(
  config: Table,
  cells: Readonly<Record<string, string>>,
): { section: string; connection: Table; resource: Table } {
  const sources = isTable(config['sources']) ? config['sources'] : {};
  const name = cells['source_name']?.trim() ?? '';
  const section = Object.hasOwn(sources, name) || !Object.hasOwn(sources, 'api') ? name : 'api';
  const connection = isTable(sources[section]) ? sources[section] : {};
  const resources = isTable(connection['resources']) ? connection['resources'] : {};
  const resource = resources[cells['table_name']?.trim() ?? ''];
  return { section, connection, resource: isTable(resource) ? resource : {} };
}

/** The text of a column's field: changed, else the cell's. */
export function cellText({ draft, cells }: RequestModel, column: string): string {
  return draft.cells[column] ?? cells[column] ?? '';
}

/** What a blank field means: what the connection or the built-in default says. */
export function cellDefault({ job }: RequestModel, column: keyof typeof jobColumns): string {
  const value = job === null ? null : (job as Readonly<Record<string, unknown>>)[column];
  if (Array.isArray(value)) return value.join(', ');
  return value === null || value === undefined ? (jobColumns[column].default ?? '') : String(value);
}

export function paginationOf(model: RequestModel): PaginationType {
  const text = cellText(model, 'pagination_type').trim().toLowerCase();
  const effective = text === '' ? cellDefault(model, 'pagination_type') : text;
  return effective as PaginationType;
}

export function optionText({ draft, resource }: RequestModel, key: string): string {
  const value = Object.hasOwn(draft.options, key) ? draft.options[key] : resource[key];
  return value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function optionDefault({ job }: RequestModel, key: string): string {
  const value = (job?.options as Readonly<Record<string, unknown>> | undefined)?.[key];
  return value === null || value === undefined ? '' : String(value);
}

/** Fields of a pagination: option, label, and what kind of value it is. */
export interface OptionField {
  key: string;
  label: string;
  /** Default: text. */
  number?: boolean;
  placeholder?: string;
  unit?: string;
}

const MAX_PAGES: OptionField = {
  key: 'max_pages',
  label: 'At most',
  number: true,
  placeholder: 'no limit',
  unit: 'pages',
};
const TOTAL: OptionField = { key: 'total_path', label: 'Records in all', placeholder: 'none' };
const HAS_MORE: OptionField = { key: 'has_more_path', label: 'More pages while', placeholder: 'none' };

export const PAGINATION_FIELDS: Readonly<Record<PaginationType, readonly OptionField[]>> = {
  single_page: [],
  offset: [
    { key: 'offset_param', label: 'Offset parameter' },
    { key: 'limit_param', label: 'Size parameter' },
    TOTAL,
    HAS_MORE,
    MAX_PAGES,
  ],
  page_number: [
    { key: 'page_param', label: 'Page parameter' },
    { key: 'per_page_param', label: 'Size parameter' },
    { key: 'base_page', label: 'First page', number: true },
    { key: 'total_pages_path', label: 'Pages in all', placeholder: 'none' },
    TOTAL,
    HAS_MORE,
    MAX_PAGES,
  ],
  cursor: [
    { key: 'cursor_path', label: 'Cursor path' },
    { key: 'cursor_param', label: 'Cursor parameter' },
    HAS_MORE,
    MAX_PAGES,
  ],
  header_link: [{ key: 'next_url_path', label: 'Link relation', placeholder: 'links.next' }, MAX_PAGES],
  json_link: [{ key: 'next_url_path', label: 'Next link', placeholder: 'next' }, MAX_PAGES],
};

/** A line of the query or the headers, and what put it there. */
export interface Pair {
  name: string;
  value: string;
  from: string;
  /** It is the job's own parameter and can be changed here. */
  own?: boolean;
  /** Said in words rather than shown. */
  computed?: boolean;
}

/** Parameters of the request: the job's own, those of the connection, and what pagination and watermark add. */
export function queryPairs(model: RequestModel): Pair[] {
  const { connection, job } = model;
  const option = (key: string) => optionText(model, key) || optionDefault(model, key);
  const pairs: Pair[] = [];
  const size = cellText(model, 'page_size') || cellDefault(model, 'page_size');
  const type = paginationOf(model);
  if (type === 'offset') {
    pairs.push({ name: option('limit_param') || 'limit', value: size, from: 'page_size' });
    pairs.push({
      name: option('offset_param') || 'offset',
      value: `from ${option('offset') || '0'} on`,
      from: 'paginator',
      computed: true,
    });
  } else if (type === 'page_number') {
    pairs.push({ name: option('per_page_param') || 'per_page', value: size, from: 'page_size' });
    pairs.push({
      name: option('page_param') || 'page',
      value: `from ${option('base_page') || '1'} on`,
      from: 'paginator',
      computed: true,
    });
  } else if (type === 'cursor') {
    pairs.push({
      name: option('cursor_param') || 'cursor',
      value: 'from page 2 on',
      from: 'paginator',
      computed: true,
    });
  }
  pairs.push(...signPairs(model, 'query'));
  const start = job?.options.incremental?.start_param;
  if (start !== undefined) {
    const first = cellText(model, 'last_watermark');
    pairs.push({
      name: start,
      value: first === '' ? 'from the second load on' : first,
      from: 'watermark',
      computed: first === '',
    });
  }
  const own = ownParams(model);
  const shared = isTable(connection['params']) ? connection['params'] : {};
  for (const [name, value] of Object.entries(shared)) {
    if (!Object.hasOwn(own, name)) pairs.push({ name, value: plain(value), from: 'connection' });
  }
  for (const [name, value] of Object.entries(own)) {
    pairs.push({ name, value: plain(value), from: 'params', own: typeof value !== 'object' });
  }
  return pairs;
}

export function ownParams({ draft, resource }: RequestModel): Table {
  const value = Object.hasOwn(draft.options, 'params') ? draft.options['params'] : resource['params'];
  return isTable(value) ? value : {};
}

export function headerPairs(model: RequestModel): Pair[] {
  const { connection, resource, draft } = model;
  const tableAt = (value: unknown) => (isTable(value) ? value : {});
  const own = tableAt(Object.hasOwn(draft.options, 'headers') ? draft.options['headers'] : resource['headers']);
  const shared = tableAt(connection['headers']);
  const pairs: Pair[] = signPairs(model, 'header');
  for (const [name, value] of Object.entries(shared)) {
    if (!Object.keys(own).some((other) => other.toLowerCase() === name.toLowerCase()))
      pairs.push({ name, value: plain(value), from: 'connection' });
  }
  for (const [name, value] of Object.entries(own)) pairs.push({ name, value: plain(value), from: 'job' });
  if (!pairs.some(({ name }) => name.toLowerCase() === 'accept'))
    pairs.push({ name: 'Accept', value: 'application/json', from: 'default' });
  return pairs;
}

/** What the sign-in adds to the headers or the query; its value never comes into this window. */
function signPairs(model: RequestModel, place: 'header' | 'query'): Pair[] {
  const { connection } = model;
  const auth = isTable(connection['auth']) ? connection['auth'] : connection;
  const type = cellText(model, 'auth_type') || cellDefault(model, 'auth_type');
  const from = 'sign-in';
  if (type === 'api_key') {
    const name = String(auth['api_key_name'] ?? 'X-API-Key');
    const where = auth['api_key_location'];
    if (where === 'cookie') return place === 'header' ? [{ name: 'Cookie', value: `${name}=${HIDDEN}`, from }] : [];
    return (where === 'query' ? 'query' : 'header') === place ? [{ name, value: HIDDEN, from }] : [];
  }
  if (place === 'query' || type === '' || type === 'none') return [];
  return [{ name: 'Authorization', value: `${type === 'basic' ? 'Basic' : 'Bearer'} ${HIDDEN}`, from }];
}

const HIDDEN = '••••••••';

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}

/** Settings that were detected, in the order of the engine. */
export function detectionsOf(preview: JobPreview | null): [setting: string, detection: Detection][] {
  return Object.entries(preview?.detected ?? {}).filter((entry): entry is [string, Detection] => {
    const [, value] = entry;
    return typeof value === 'object' && value !== null && 'evidence' in value && 'confidence' in value;
  });
}

export const SETTING_LABELS: Readonly<Record<string, string>> = {
  pagination_type: 'Pagination',
  page_size: 'Page size',
  data_selector: 'Data selector',
  primary_key: 'Primary key',
  watermark_column: 'Incremental field',
  base_page: 'First page',
  cursor_path: 'Cursor path',
  cursor_param: 'Cursor parameter',
  next_url_path: 'Next link',
  total_path: 'Records in all',
  total_pages_path: 'Pages in all',
  has_more_path: 'More pages while',
};

/** A detection as a change of the request. */
export function changeOf(setting: string, { value, place }: Detection): RequestDraft {
  return place === 'column'
    ? { cells: { [setting]: String(value) }, options: {} }
    : { cells: {}, options: { [setting]: value } };
}

/** Lays a change over a draft; what is as the job has it already is no change. */
export function withChange(model: RequestModel, change: RequestDraft): RequestDraft {
  const cells = { ...model.draft.cells, ...change.cells };
  for (const [column, text] of Object.entries(cells)) if ((model.cells[column] ?? '') === text) delete cells[column];
  const options = { ...model.draft.options, ...change.options };
  for (const [key, value] of Object.entries(options)) {
    const own = model.resource[key];
    if (JSON.stringify(own ?? null) === JSON.stringify(value ?? null)) delete options[key];
  }
  return { cells, options };
}

export function changeCount({ cells, options }: RequestDraft): number {
  return Object.keys(cells).length + Object.keys(options).length;
}

export function isSameDraft(one: RequestDraft, other: RequestDraft): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
