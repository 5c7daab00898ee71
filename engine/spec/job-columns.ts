import { z } from 'zod';
import {
  AUTH_ALIASES,
  AUTH_TYPES,
  DATABASE_SOURCE_TYPES,
  FILE_FORMATS,
  INCREMENTAL_MODES,
  LOAD_TYPES,
  PAGINATION_ALIASES,
  PAGINATION_TYPES,
  SCHEMA_CONTRACTS,
  SOURCE_ALIASES,
  SOURCE_TYPES,
  type SourceType,
  WRITE_DISPOSITIONS,
} from './kinds.ts';
import { lagModel } from './lag.ts';

/**
 * The one table of job columns. It drives the job model, the parsers of cells, new workbooks, the grid and form, `--help` and the documents.
 * Names, defaults and ranges: spec section 1.
 */
export const COLUMN_GROUPS = ['Source', 'What', 'How', 'API', 'Files', 'Target'] as const;
export type ColumnGroup = (typeof COLUMN_GROUPS)[number];

/** How a cell is written, and so how it is edited. `list`: comma-separated; `types`: `column:type, …`; `lag`: `2h`, `1d` or a number. */
export const COLUMN_KINDS = ['enum', 'flag', 'text', 'integer', 'list', 'types', 'lag'] as const;
export type ColumnKind = (typeof COLUMN_KINDS)[number];

export interface JobColumn<Model extends z.ZodType = z.ZodType> {
  group: ColumnGroup;
  /** Short, for forms. */
  label: string;
  /** One or two sentences, for tooltips, `--help` and the documents. */
  help: string;
  kind: ColumnKind;
  /** The header must be there and the cell filled. */
  required: boolean;
  /** Kinds of source that read it; a filled cell elsewhere is a warning. */
  appliesTo: readonly SourceType[];
  /** For enums: the values, in the order of a drop-down. */
  values?: readonly string[];
  /** Other words for the values, in lower case; dlt's own names. */
  aliases?: Readonly<Record<string, string>>;
  /** What a blank cell means, as a cell would say it; null where it means nothing set or depends on other cells. */
  default: string | null;
  min?: number;
  max?: number;
  maxLength?: number;
  pattern?: RegExp;
  example: string;
  /**
   * The broadest place that may say it for jobs whose cell is blank: nowhere else (`cell`), in `[sources.X.resources.TABLE]` (`resource`),
   * or there and in `[sources.X]` (`connection`).
   */
  scope: 'cell' | 'resource' | 'connection';
  /** Leading and trailing spaces belong to the value. */
  keepSpaces?: boolean;
  /** Of the value in a {@link Job}. */
  model: Model;
}

const ALL = SOURCE_TYPES;
const DATABASES = DATABASE_SOURCE_TYPES;
const API = ['api'] as const;
const FILES = ['filesystem'] as const;
const DATABASES_AND_API = [...DATABASE_SOURCE_TYPES, 'api'] as const;

/** Identity helper: checks a column against {@link JobColumn} and keeps its model's type. */
const column = <Model extends z.ZodType>(spec: JobColumn<Model>): JobColumn<Model> => spec;

const optionalText = z.string().min(1).nullable();
const nameList = z.array(z.string().min(1));

export const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

export const jobColumns = {
  source_type: column({
    group: 'Source',
    label: 'Source type',
    kind: 'enum',
    values: SOURCE_TYPES,
    aliases: SOURCE_ALIASES,
    required: true,
    appliesTo: ALL,
    default: null,
    scope: 'cell',
    help: 'Kind of system to read from.',
    example: 'postgresql',
    model: z.enum(SOURCE_TYPES),
  }),
  source_name: column({
    group: 'Source',
    label: 'Connection',
    kind: 'text',
    required: true,
    appliesTo: ALL,
    default: null,
    maxLength: 100,
    scope: 'cell',
    help: 'Name of a connection: the section [sources.NAME] of .dlt/config.toml.',
    example: 'shop',
    model: z.string().min(1).max(100),
  }),
  table_name: column({
    group: 'What',
    label: 'Table',
    kind: 'text',
    required: true,
    appliesTo: ALL,
    default: null,
    maxLength: 200,
    pattern: TABLE_NAME,
    scope: 'cell',
    help: 'Table, view, API resource or name for a set of files. Letters, digits, _ and . only; for other names fill source_object too.',
    example: 'orders',
    model: z.string().min(1).max(200).regex(TABLE_NAME),
  }),
  load_type: column({
    group: 'How',
    label: 'Load',
    kind: 'enum',
    values: LOAD_TYPES,
    required: true,
    appliesTo: ALL,
    default: null,
    scope: 'cell',
    help: 'FULL reads everything each time, INCREMENTAL what is new since the last load.',
    example: 'INCREMENTAL',
    model: z.enum(LOAD_TYPES),
  }),
  enabled: column({
    group: 'How',
    label: 'Enabled',
    kind: 'flag',
    values: ['Y', 'N'],
    required: false,
    appliesTo: ALL,
    default: 'Y',
    scope: 'cell',
    help: 'Y or N. A job that is not enabled is listed but never run.',
    example: 'Y',
    model: z.boolean(),
  }),
  schema_name: column({
    group: 'What',
    label: 'Schema',
    kind: 'text',
    required: false,
    appliesTo: DATABASES,
    default: null,
    scope: 'connection',
    help: 'Schema of the table in the source; Oracle needs it. Blank: the schema that the database itself would take.',
    example: 'public',
    model: optionalText,
  }),
  watermark_column: column({
    group: 'How',
    label: 'Watermark column',
    kind: 'text',
    required: false,
    appliesTo: DATABASES_AND_API,
    default: null,
    scope: 'resource',
    help: 'Column that grows with every change; INCREMENTAL reads rows from the last value on. For APIs a field path.',
    example: 'updated_at',
    model: optionalText,
  }),
  last_watermark: column({
    group: 'How',
    label: 'First watermark',
    kind: 'text',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: 'Where the first incremental load begins. After that the stored state rules.',
    example: '2026-01-01',
    model: optionalText,
  }),
  chunk_size: column({
    group: 'How',
    label: 'Rows a fetch',
    kind: 'integer',
    required: false,
    appliesTo: DATABASES,
    default: '100000',
    min: 1000,
    max: 10_000_000,
    scope: 'connection',
    help: 'Rows fetched at a time. It decides neither how much memory is used nor how many files are written.',
    example: '100000',
    model: z.int().min(1000).max(10_000_000),
  }),
  api_endpoint: column({
    group: 'API',
    label: 'Endpoint',
    kind: 'text',
    required: false,
    appliesTo: API,
    default: null,
    scope: 'resource',
    help: 'Path after the base URL; may hold {placeholders}. Blank: table_name.',
    example: '/repos/{owner}/{repo}/issues',
    model: optionalText,
  }),
  pagination_type: column({
    group: 'API',
    label: 'Pagination',
    kind: 'enum',
    values: PAGINATION_TYPES,
    aliases: PAGINATION_ALIASES,
    required: false,
    appliesTo: API,
    default: 'single_page',
    scope: 'connection',
    help: 'How the API hands out more than one page.',
    example: 'offset',
    model: z.enum(PAGINATION_TYPES),
  }),
  auth_type: column({
    group: 'API',
    label: 'Sign-in',
    kind: 'enum',
    values: AUTH_TYPES,
    aliases: AUTH_ALIASES,
    required: false,
    appliesTo: API,
    default: 'none',
    scope: 'connection',
    help: 'How requests are authorised; the keys themselves belong to the connection.',
    example: 'bearer',
    model: z.enum(AUTH_TYPES),
  }),
  page_size: column({
    group: 'API',
    label: 'Page size',
    kind: 'integer',
    required: false,
    appliesTo: API,
    default: '100',
    min: 1,
    max: 10_000,
    scope: 'connection',
    help: 'Records asked for a page.',
    example: '100',
    model: z.int().min(1).max(10_000),
  }),
  data_selector: column({
    group: 'API',
    label: 'Records at',
    kind: 'text',
    required: false,
    appliesTo: API,
    default: null,
    scope: 'connection',
    help: 'JSONPath to the records in a response. Blank: found in the first response.',
    example: 'data.items',
    model: optionalText,
  }),
  file_glob: column({
    group: 'Files',
    label: 'Files',
    kind: 'text',
    required: false,
    appliesTo: FILES,
    default: '**/*.parquet',
    scope: 'connection',
    help: "Which files below the connection's folder; * within a folder, ** across folders.",
    example: 'orders/**/*.csv',
    model: z.string().min(1),
  }),
  file_format: column({
    group: 'Files',
    label: 'Format',
    kind: 'enum',
    values: FILE_FORMATS,
    required: false,
    appliesTo: FILES,
    default: 'parquet',
    scope: 'connection',
    help: 'Format of the files; gzip and zstd are seen by themselves.',
    example: 'csv',
    model: z.enum(FILE_FORMATS),
  }),
  incremental_mode: column({
    group: 'Files',
    label: 'New files by',
    kind: 'enum',
    values: INCREMENTAL_MODES,
    required: false,
    appliesTo: FILES,
    default: 'none',
    scope: 'connection',
    help: 'How INCREMENTAL tells new files: by modified time, by name, or by the date in their folder.',
    example: 'file_modified',
    model: z.enum(INCREMENTAL_MODES),
  }),
  source_object: column({
    group: 'What',
    label: 'Exact name',
    kind: 'text',
    required: false,
    appliesTo: DATABASES,
    default: null,
    scope: 'resource',
    keepSpaces: true,
    help: 'Exact name in the source where table_name is not it: spaces, quotes, any letters, upper or lower case.',
    example: 'Order Lines',
    model: optionalText,
  }),
  target_schema: column({
    group: 'Target',
    label: 'Target schema',
    kind: 'text',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'connection',
    help: "Schema to load into. Blank: the destination's own.",
    example: 'raw',
    model: optionalText,
  }),
  target_table: column({
    group: 'Target',
    label: 'Target table',
    kind: 'text',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: 'Table to load into. Blank: table_name in snake_case.',
    example: 'orders',
    model: z.string().min(1),
  }),
  primary_key: column({
    group: 'How',
    label: 'Primary key',
    kind: 'list',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: 'Columns that name a row, separated by commas. merge, lag and null watermarks need them.',
    example: 'order_id, line_no',
    model: nameList,
  }),
  write_disposition: column({
    group: 'Target',
    label: 'Write',
    kind: 'enum',
    values: WRITE_DISPOSITIONS,
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'connection',
    help: 'replace, append or merge. Blank: FULL replaces; INCREMENTAL merges where there is a primary key, else appends.',
    example: 'merge',
    model: z.enum(WRITE_DISPOSITIONS),
  }),
  columns: column({
    group: 'What',
    label: 'Columns',
    kind: 'list',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: 'Columns to read, separated by commas. Blank: all.',
    example: 'id, name, updated_at',
    model: nameList,
  }),
  column_types: column({
    group: 'What',
    label: 'Column types',
    kind: 'types',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: "Types to land as, where the source's own will not do: column:type, separated by commas.",
    example: 'id:bigint, amount:decimal(18,2)',
    model: z.record(z.string(), z.string()),
  }),
  filter: column({
    group: 'What',
    label: 'Filter',
    kind: 'text',
    required: false,
    appliesTo: DATABASES,
    default: null,
    scope: 'resource',
    help: "SQL predicate of the source's dialect; only rows for which it holds are read.",
    example: "status <> 'draft'",
    model: optionalText,
  }),
  lag: column({
    group: 'How',
    label: 'Lag',
    kind: 'lag',
    required: false,
    appliesTo: DATABASES_AND_API,
    default: null,
    scope: 'connection',
    help: 'Re-read this much behind the watermark for rows that arrive late: 2h, 1d, or a number. Needs a primary_key.',
    example: '2h',
    model: lagModel.nullable(),
  }),
  schema_contract: column({
    group: 'Target',
    label: 'Schema contract',
    kind: 'enum',
    values: SCHEMA_CONTRACTS,
    required: false,
    appliesTo: ALL,
    default: 'evolve',
    scope: 'connection',
    help: 'What happens when the source changes its columns: take the change, fail, or leave out the row or the value.',
    example: 'freeze',
    model: z.enum(SCHEMA_CONTRACTS),
  }),
  tags: column({
    group: 'Target',
    label: 'Tags',
    kind: 'list',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'connection',
    help: 'Words to select jobs by (ingest run -j tag:daily), separated by commas.',
    example: 'daily, sales',
    model: nameList,
  }),
  description: column({
    group: 'Target',
    label: 'Description',
    kind: 'text',
    required: false,
    appliesTo: ALL,
    default: null,
    scope: 'resource',
    help: 'For people.',
    example: 'Orders with their lines',
    model: optionalText,
  }),
};

export type JobColumnName = keyof typeof jobColumns;

/** Names in the order of a new workbook. */
export const JOB_COLUMN_NAMES = Object.keys(jobColumns) as JobColumnName[];

/** A column's entry, without its model's exact type. */
export function jobColumn(name: JobColumnName): JobColumn {
  return jobColumns[name];
}

export const REQUIRED_JOB_COLUMNS: readonly JobColumnName[] = JOB_COLUMN_NAMES.filter(
  (name) => jobColumns[name].required,
);

/** The column that a header means: any case, spaces and hyphens for underscores. Null for a column that is not the product's. */
export function jobColumnOfHeader(header: string): JobColumnName | null {
  const name = header
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  return Object.hasOwn(jobColumns, name) ? (name as JobColumnName) : null;
}

/** Does a kind of source read this column? */
export function appliesTo(name: JobColumnName, sourceType: SourceType): boolean {
  return (jobColumns[name].appliesTo as readonly SourceType[]).includes(sourceType);
}
