/** The closed vocabularies of the product: one list, one union type, used by models, screens, help texts and documents alike. */

export const SOURCE_TYPES = ['postgresql', 'oracle', 'mssql', 'azure_sql', 'api', 'filesystem'] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

/** What people write for them, in lower case. */
export const SOURCE_ALIASES: Readonly<Record<string, SourceType>> = {
  postgres: 'postgresql',
  sqlserver: 'mssql',
  sql_server: 'mssql',
  azuresql: 'azure_sql',
  rest_api: 'api',
};

/** Source types that are databases and share their options. */
export const DATABASE_SOURCE_TYPES = ['postgresql', 'oracle', 'mssql', 'azure_sql'] as const;
export type DatabaseSourceType = (typeof DATABASE_SOURCE_TYPES)[number];

export const LOAD_TYPES = ['FULL', 'INCREMENTAL'] as const;
export type LoadType = (typeof LOAD_TYPES)[number];

export const WRITE_DISPOSITIONS = ['replace', 'append', 'merge'] as const;
export type WriteDisposition = (typeof WRITE_DISPOSITIONS)[number];

export const PAGINATION_TYPES = ['single_page', 'offset', 'cursor', 'page_number', 'header_link', 'json_link'] as const;
export type PaginationType = (typeof PAGINATION_TYPES)[number];

/** dlt's own names of paginators, in lower case; its class names too. */
export const PAGINATION_ALIASES: Readonly<Record<string, PaginationType>> = {
  offsetpaginator: 'offset',
  pagenumberpaginator: 'page_number',
  jsonresponsecursorpaginator: 'cursor',
  header_cursor: 'cursor',
  headercursorpaginator: 'cursor',
  headerlinkpaginator: 'header_link',
  json_response: 'json_link',
  jsonresponsepaginator: 'json_link',
  jsonlinkpaginator: 'json_link',
  singlepagepaginator: 'single_page',
};

export const AUTH_TYPES = ['none', 'api_key', 'bearer', 'basic', 'oauth2'] as const;
export type AuthType = (typeof AUTH_TYPES)[number];

/** dlt's own names of authentications, in lower case; its class names too. */
export const AUTH_ALIASES: Readonly<Record<string, AuthType>> = {
  http_basic: 'basic',
  httpbasicauth: 'basic',
  bearertokenauth: 'bearer',
  apikeyauth: 'api_key',
  oauth2_client_credentials: 'oauth2',
  oauth2clientcredentials: 'oauth2',
};

export const FILE_FORMATS = ['parquet', 'csv', 'jsonl'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export const INCREMENTAL_MODES = ['none', 'file_modified', 'file_name', 'folder_date'] as const;
export type IncrementalMode = (typeof INCREMENTAL_MODES)[number];

export const SCHEMA_CONTRACTS = ['evolve', 'freeze', 'discard_row', 'discard_value'] as const;
export type SchemaContract = (typeof SCHEMA_CONTRACTS)[number];

export const NULL_WATERMARKS = ['exclude', 'include', 'raise'] as const;
export type NullWatermarks = (typeof NULL_WATERMARKS)[number];

export const DESTINATION_TYPES = ['duckdb', 'filesystem', 'databricks'] as const;
export type DestinationType = (typeof DESTINATION_TYPES)[number];

/** How values should land: `native` keeps DuckDB's own types, `portable` applies the type adapters (spec section 2) that Parquet readers such as Spark need. */
export const TYPE_POLICIES = ['native', 'portable'] as const;
export type TypePolicy = (typeof TYPE_POLICIES)[number];

export const JOB_STATUSES = ['SUCCESS', 'FAILED', 'SKIPPED', 'CANCELLED'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const CHECK_TYPES = ['row_count', 'null_rate', 'uniqueness', 'freshness', 'custom_sql', 'reconcile'] as const;
export type CheckType = (typeof CHECK_TYPES)[number];

export const CHECK_SEVERITIES = ['warning', 'error', 'critical'] as const;
export type CheckSeverity = (typeof CHECK_SEVERITIES)[number];

/** What a check looks at: the whole table, or only the rows of this load. */
export const CHECK_SCOPES = ['table', 'load'] as const;
export type CheckScope = (typeof CHECK_SCOPES)[number];

export const CHECK_STATUSES = ['passed', 'failed', 'skipped'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** What a reconcile check compares between source and target. */
export const RECONCILE_METHODS = ['count', 'sum', 'checksum'] as const;
export type ReconcileMethod = (typeof RECONCILE_METHODS)[number];

export const TABLE_FORMATS = ['parquet', 'delta'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** CI systems that an export writes a pipeline for. */
export const CI_SYSTEMS = ['github', 'azure-devops'] as const;
export type CiSystem = (typeof CI_SYSTEMS)[number];
