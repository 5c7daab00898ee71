import { z } from 'zod';
import { API_ALIASES } from './api-table.ts';
import { connectionModels } from './connection.ts';
import { DATABASE_ALIASES } from './database-table.ts';
import { destinationModels } from './destination.ts';
import { type JobColumnName, jobColumn } from './job-columns.ts';
import type { DestinationType, SourceType } from './kinds.ts';
import type { Table } from './project.ts';
import { resourceOptionsModel } from './resource.ts';
import { isSecretKey } from './secret-keys.ts';
import { isTable } from './toml-table.ts';

/**
 * The one table of connection fields: it drives the window's forms and the documents. What a field takes (type, range, choices, default,
 * whether it must be given) is read from the models of `connection.ts` and `destination.ts`; only its words and its place stand here.
 */
export type Section = 'sources' | 'destinations';

/** How a field is entered. `map`: names with values, such as headers. */
export type FieldControl = 'text' | 'integer' | 'number' | 'choice' | 'flag' | 'secret' | 'map';

export interface ConnectionField {
  /** Where the canonical TOML says it below its section: `['host']`, `['auth', 'token']`. */
  path: readonly string[];
  /** The same with dots; also the key of a secret in `connection.save`. */
  key: string;
  label: string;
  help: string;
  tab: string;
  /** Heading that it stands below, within its tab. */
  group: string | null;
  control: FieldControl;
  /** Its value goes to the keychain, not into config.toml. In a map: each value whose name says so. */
  secret: boolean;
  /** The connection cannot do without it, whatever the other fields say. */
  required: boolean;
  /** As the field shows it where nothing is set; null where that means nothing. */
  default: string | number | boolean | null;
  choices: readonly string[];
  min: number | null;
  max: number | null;
  /** Shown only where another field has one of these values. */
  shown: { key: string; in: readonly string[] } | null;
  example: string | null;
  /** Other places where the TOML may say it, strongest first; {@link path} is the first of them. */
  spellings: readonly (readonly string[])[];
}

export interface ConnectionKind {
  section: Section;
  type: SourceType | DestinationType;
  label: string;
  /** One line for the choice of a new connection. */
  about: string;
  /** False: it can be written down, but this version cannot connect to it. */
  available: boolean;
  tabs: readonly string[];
  fields: readonly ConnectionField[];
}

export const LATER = 'Arrives with a later version';

/** What the table says of a field, over what the model says. */
interface Words {
  label: string;
  help?: string;
  tab?: string;
  group?: string;
  shown?: [key: string, ...values: string[]];
  example?: string;
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** What a model takes, its wrappers taken off. */
interface Facts {
  control: FieldControl;
  required: boolean;
  default: string | number | boolean | null;
  choices: readonly string[];
  min: number | null;
  max: number | null;
  description: string | null;
  shape: Shape | null;
}

/** Looks through defaults, optionality and preprocessing at what a model takes. */
function factsOf(model: z.ZodType): Facts {
  let inner: unknown = model;
  let required = true;
  let preset: Facts['default'] = null;
  let description = model.description ?? null;
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      required = false;
      const value: unknown = inner.def.defaultValue;
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') preset = value;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      required = false;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPipe) inner = inner.def.out;
    else break;
    description ??= (inner as z.ZodType).description ?? null;
  }
  const facts: Facts = {
    control: 'text',
    required,
    default: preset === '' ? null : preset,
    choices: [],
    min: null,
    max: null,
    description,
    shape: null,
  };
  if (inner instanceof z.ZodEnum) return { ...facts, control: 'choice', choices: inner.options.map(String) };
  if (inner instanceof z.ZodBoolean) return { ...facts, control: 'flag' };
  if (inner instanceof z.ZodRecord) return { ...facts, control: 'map' };
  if (inner instanceof z.ZodObject) return { ...facts, shape: inner.shape as Shape };
  if (inner instanceof z.ZodNumber) {
    return {
      ...facts,
      control: inner.isInt ? 'integer' : 'number',
      min: inner.minValue,
      max: inner.maxValue === Number.MAX_SAFE_INTEGER ? null : inner.maxValue,
    };
  }
  return facts;
}

/** The model below a key path, through tables. */
function modelAt(shape: Shape, path: readonly string[]): z.ZodType | undefined {
  const [key, ...rest] = path as [string, ...string[]];
  const model = Object.hasOwn(shape, key) ? shape[key] : undefined;
  if (model === undefined || rest.length === 0) return model;
  const below = factsOf(model).shape;
  return below === null ? undefined : modelAt(below, rest);
}

function aliasesOf(aliases: Readonly<Record<string, string>>, name: string): string[] {
  return [name, ...Object.keys(aliases).filter((alias) => aliases[alias] === name)];
}

/** dlt's and the plan's names inside `auth`. */
const AUTH_TABLE_KEYS = { ...API_ALIASES, name: 'api_key_name', location: 'api_key_location', access_token: 'token' };
/** dlt's names inside `pagination`. */
const PAGINATION_KEYS = {
  type: 'pagination_type',
  limit: 'page_size',
  per_page: 'page_size',
  page: 'base_page',
  maximum_page: 'max_pages',
};
const FILE_ALIASES = { path: 'bucket_url', url: 'bucket_url' };
const DESTINATION_ALIASES: Record<DestinationType, Readonly<Record<string, string>>> = {
  duckdb: { dataset_name: 'schema', database: 'path', credentials: 'path' },
  filesystem: { dataset_name: 'schema', ...FILE_ALIASES },
  databricks: { dataset_name: 'schema', host: 'server_hostname', token: 'access_token' },
};

/** All places that say a field, in the order in which the readers of TOML (source-table, destination-table) look at them. */
function spellingsOf(section: Section, type: string, path: readonly string[], pagination: boolean): string[][] {
  const [key] = path as [string];
  const leaf = path.at(-1) as string;
  if (section === 'destinations') {
    const flat = aliasesOf(DESTINATION_ALIASES[type as DestinationType], key).map((name) => [name]);
    return [...flat, ...flat.map(([name]) => ['credentials', name as string])];
  }
  if (type === 'api') {
    if (key === 'auth') {
      const below = leaf === 'type' ? ['type', 'auth_type'] : aliasesOf(AUTH_TABLE_KEYS, leaf);
      const flat = leaf === 'type' ? ['auth_type'] : aliasesOf({ ...API_ALIASES }, leaf);
      const places = [...below.map((name) => ['auth', name]), ...flat.map((name) => [name])];
      return [...places, ...places.map((place) => ['client', ...place])];
    }
    if (pagination) {
      const below = aliasesOf(PAGINATION_KEYS, key);
      return [
        [key],
        ...below.map((name) => ['pagination', name]),
        ...below.map((name) => ['paginator', name]),
        ...below.map((name) => ['client', 'paginator', name]),
      ];
    }
    const flat = aliasesOf(API_ALIASES, key).map((name) => [name, ...path.slice(1)]);
    return [...flat, ...flat.map((place) => ['client', ...place])];
  }
  const aliases = type === 'filesystem' ? FILE_ALIASES : DATABASE_ALIASES;
  const flat = aliasesOf(aliases, key).map((name) => [name]);
  return [...flat, ...flat.map(([name]) => ['credentials', name as string])];
}

function field(
  section: Section,
  type: string,
  path: readonly string[],
  facts: Facts,
  words: Words & { tab: string },
  pagination = false,
): ConnectionField {
  const key = path.join('.');
  const secret = isSecretKey([section, 'NAME', ...path]);
  return {
    path,
    key,
    label: words.label,
    help: words.help ?? facts.description ?? '',
    tab: words.tab,
    group: words.group ?? null,
    control: secret ? 'secret' : facts.control,
    secret: secret || key === 'headers',
    required: facts.required,
    default: facts.default,
    choices: facts.choices,
    min: facts.min,
    max: facts.max,
    shown: words.shown === undefined ? null : { key: words.shown[0], in: words.shown.slice(1) },
    example: words.example ?? null,
    spellings: spellingsOf(section, type, path, pagination),
  };
}

type TabWords = readonly [tab: string, fields: Readonly<Record<string, Words>>];

function kind(
  section: Section,
  type: SourceType | DestinationType,
  about: Pick<ConnectionKind, 'label' | 'about' | 'available'>,
  tabs: readonly TabWords[],
): ConnectionKind {
  const model =
    section === 'sources' ? connectionModels[type as SourceType] : destinationModels[type as DestinationType];
  const fields = tabs.flatMap(([tab, entries]) =>
    Object.entries(entries).map(([key, words]) => {
      const path = key.split('.');
      const own = modelAt(model.shape, path);
      const facts = own === undefined ? jobDefaultFacts(key) : factsOf(own);
      return field(section, type, path, facts, { tab, ...words }, own === undefined);
    }),
  );
  return { section, type, ...about, tabs: tabs.map(([tab]) => tab), fields };
}

/** What the jobs of a connection take over from it: a column of the workbook, or an option that has none. */
function jobDefaultFacts(key: string): Facts {
  if (Object.hasOwn(resourceOptionsModel.shape, key)) {
    return { ...factsOf(resourceOptionsModel.shape[key as keyof typeof resourceOptionsModel.shape]), required: false };
  }
  const column = jobColumn(key as JobColumnName);
  const control = column.kind === 'enum' ? 'choice' : column.kind === 'integer' ? 'integer' : 'text';
  return {
    control,
    required: false,
    default: column.kind === 'integer' && column.default !== null ? Number(column.default) : column.default,
    choices: column.values ?? [],
    min: column.min ?? null,
    max: column.max ?? null,
    description: column.help,
    shape: null,
  };
}

const TIMEOUTS: Record<string, Words> = {
  connect_timeout: { label: 'Connect within (seconds)', help: 'How long to wait for the server to answer' },
  query_timeout: { label: 'Statement within (seconds)', help: 'A statement that takes longer is cancelled' },
};
const SIGN_IN = { group: 'Sign-in' };
const DATABASE_SIGN_IN: Record<string, Words> = {
  username: { label: 'User name', help: 'It only needs the right to read', example: 'ingest_reader', ...SIGN_IN },
  password: { label: 'Password', help: 'Kept in the keychain; never shown again, never in the workbook', ...SIGN_IN },
};

const SQL_SERVER: readonly TabWords[] = [
  [
    'General',
    {
      host: { label: 'Host', help: 'Name or address of the server', example: 'sql.example.com' },
      port: { label: 'Port', help: '1433 unless an instance is named' },
      database: { label: 'Database', example: 'CRM' },
      authentication: { label: 'Method', help: 'SQL login, NTLM (a Windows account), or Entra ID', ...SIGN_IN },
      domain: { label: 'Domain', shown: ['authentication', 'ntlm'], ...SIGN_IN },
      username: {
        label: 'User name',
        help: 'It only needs the right to read',
        shown: ['authentication', 'sql', 'ntlm'],
        ...SIGN_IN,
      },
      password: {
        label: 'Password',
        help: 'Kept in the keychain; never shown again, never in the workbook',
        shown: ['authentication', 'sql', 'ntlm'],
        ...SIGN_IN,
      },
      tenant_id: { label: 'Tenant', shown: ['authentication', 'service_principal'], ...SIGN_IN },
      client_id: { label: 'Application (client) ID', shown: ['authentication', 'service_principal'], ...SIGN_IN },
      client_secret: {
        label: 'Client secret',
        help: 'Kept in the keychain; never shown again',
        shown: ['authentication', 'service_principal'],
        ...SIGN_IN,
      },
    },
  ],
  [
    'Security',
    {
      encrypt: { label: 'Encrypt the connection', help: 'Azure SQL takes no other' },
      trust_server_certificate: {
        label: 'Trust the server’s certificate without checking it',
        help: 'For test servers only: anybody in between could read along',
      },
      ssl_root_cert: { label: 'Root certificate', help: 'PEM file of the authority that signed the server’s' },
    },
  ],
];

/** Credentials of the clouds, shared by the filesystem source and destination. */
const CLOUD: Record<string, Words> = {
  azure_storage_account_name: { label: 'Storage account', group: 'Azure' },
  azure_storage_account_key: { label: 'Account key', group: 'Azure' },
  azure_storage_sas_token: { label: 'SAS token', group: 'Azure' },
  azure_storage_connection_string: { label: 'Connection string', group: 'Azure' },
  azure_account_host: { label: 'Account host', group: 'Azure' },
  azure_tenant_id: { label: 'Tenant', group: 'Azure' },
  azure_client_id: { label: 'Application (client) ID', group: 'Azure' },
  azure_client_secret: { label: 'Client secret', group: 'Azure' },
  aws_access_key_id: { label: 'Access key ID', group: 'Amazon S3' },
  aws_secret_access_key: { label: 'Secret access key', group: 'Amazon S3' },
  aws_session_token: { label: 'Session token', group: 'Amazon S3' },
  region_name: { label: 'Region', group: 'Amazon S3', example: 'eu-central-1' },
  profile_name: { label: 'Profile', group: 'Amazon S3' },
  role_arn: { label: 'Role to assume', group: 'Amazon S3', example: 'arn:aws:iam::123456789012:role/ingest' },
  endpoint_url: { label: 'Endpoint', help: 'Of a compatible service; blank for the cloud’s own', group: 'Amazon S3' },
  project_id: { label: 'Project', group: 'Google Cloud Storage' },
  client_email: { label: 'Service account', group: 'Google Cloud Storage' },
  private_key: { label: 'Private key', group: 'Google Cloud Storage' },
  private_key_id: { label: 'Private key ID', group: 'Google Cloud Storage' },
  service_account_key: {
    label: 'Service account key',
    help: 'The JSON, or the path of its file; in place of the three above',
    group: 'Google Cloud Storage',
  },
  client_id: { label: 'OAuth client ID', group: 'Google Cloud Storage' },
  client_secret: { label: 'OAuth client secret', group: 'Google Cloud Storage' },
  refresh_token: { label: 'Refresh token', group: 'Google Cloud Storage' },
};

const NETWORK: Record<string, Words> = {
  proxy: {
    label: 'Proxy',
    help: 'Address of the proxy, or “direct” for none. Without it the system’s settings hold',
    example: 'http://proxy.example.com:8080',
  },
  ca_file: {
    label: 'Authorities to trust',
    help: 'A PEM file, from the project’s folder on, for servers that a company’s own authority signs',
    example: 'certificates/company-ca.pem',
  },
};

const PAGES = (...types: string[]): Pick<Words, 'shown'> => ({ shown: ['pagination_type', ...types] });

/** Every kind of source, in the order of the choice for a new one. */
export const SOURCE_KINDS: readonly ConnectionKind[] = [
  kind(
    'sources',
    'postgresql',
    { label: 'PostgreSQL', about: 'Tables and views of a PostgreSQL server', available: true },
    [
      [
        'General',
        {
          database: { label: 'Database', example: 'warehouse' },
          host: { label: 'Host', help: 'Name or address of the server', example: 'db.example.com' },
          port: { label: 'Port', help: '5432 on most servers' },
          ...DATABASE_SIGN_IN,
        },
      ],
      [
        'Security',
        {
          ssl_mode: {
            label: 'Encryption',
            help: 'prefer: encrypted where the server can. require: always. verify-ca and verify-full also check who answers',
          },
          ssl_root_cert: {
            label: 'Authority to trust',
            help: 'Path of a PEM file; blank: the authorities that this computer trusts',
            shown: ['ssl_mode', 'verify-ca', 'verify-full', 'require'],
            example: 'certificates/company-ca.pem',
          },
        },
      ],
      ['Advanced', TIMEOUTS],
    ],
  ),
  kind(
    'sources',
    'api',
    { label: 'REST API', about: 'Records that a web service hands out page by page', available: true },
    [
      [
        'Request',
        {
          base_url: {
            label: 'Base URL',
            help: 'What all endpoints begin with; each job adds its own path',
            example: 'https://api.example.com/v2',
          },
          headers: { label: 'Headers', help: 'Sent with every request. Values that are secrets go to the keychain' },
          params: { label: 'Query parameters', help: 'Added to every request; a job’s own are laid over them' },
        },
      ],
      [
        'Sign-in',
        {
          'auth.type': { label: 'Method', help: 'How requests are authorised; a job may say otherwise in auth_type' },
          'auth.api_key': {
            label: 'API key',
            help: 'Kept in the keychain; never shown again',
            shown: ['auth.type', 'api_key'],
          },
          'auth.api_key_name': {
            label: 'Name',
            help: 'Of the header, the parameter or the cookie',
            shown: ['auth.type', 'api_key'],
          },
          'auth.api_key_location': { label: 'Sent as', shown: ['auth.type', 'api_key'] },
          'auth.token': {
            label: 'Token',
            help: 'Kept in the keychain; never shown again',
            shown: ['auth.type', 'bearer'],
          },
          'auth.username': { label: 'User name', shown: ['auth.type', 'basic'] },
          'auth.password': {
            label: 'Password',
            help: 'Kept in the keychain; never shown again',
            shown: ['auth.type', 'basic'],
          },
          'auth.token_url': {
            label: 'Token URL',
            help: 'Where a token is asked for (client credentials)',
            shown: ['auth.type', 'oauth2'],
            example: 'https://login.example.com/oauth2/token',
          },
          'auth.client_id': { label: 'Client ID', shown: ['auth.type', 'oauth2'] },
          'auth.client_secret': {
            label: 'Client secret',
            help: 'Kept in the keychain; never shown again',
            shown: ['auth.type', 'oauth2'],
          },
          'auth.scope': { label: 'Scope', help: 'Where the service asks for one', shown: ['auth.type', 'oauth2'] },
          'auth.audience': {
            label: 'Audience',
            help: 'Where the service asks for one',
            shown: ['auth.type', 'oauth2'],
          },
          'auth.client_secret_in': { label: 'Client ID and secret in', shown: ['auth.type', 'oauth2'] },
          'auth.token_params': { label: 'More token parameters', shown: ['auth.type', 'oauth2'] },
        },
      ],
      [
        'Pagination',
        {
          pagination_type: {
            label: 'Pagination',
            help: 'For jobs that do not say otherwise. Preview detects and proposes it',
          },
          page_size: { label: 'Page size', ...PAGES('offset', 'page_number', 'cursor', 'header_link', 'json_link') },
          data_selector: { label: 'Records at', example: '$.data' },
          limit_param: { label: 'Page size parameter', ...PAGES('offset', 'cursor', 'header_link', 'json_link') },
          offset_param: { label: 'Offset parameter', ...PAGES('offset') },
          cursor_param: { label: 'Cursor parameter', ...PAGES('cursor') },
          cursor_path: { label: 'Next cursor at', ...PAGES('cursor') },
          cursor_header: { label: 'Next cursor in header', ...PAGES('cursor') },
          page_param: { label: 'Page parameter', ...PAGES('page_number') },
          per_page_param: { label: 'Page size parameter', ...PAGES('page_number') },
          base_page: { label: 'First page is', ...PAGES('page_number') },
          total_path: { label: 'Total at', ...PAGES('offset') },
          total_pages_path: { label: 'Page count at', ...PAGES('page_number') },
          has_more_path: { label: 'More pages at', ...PAGES('offset', 'cursor', 'page_number') },
          next_url_path: { label: 'Next link at', ...PAGES('header_link', 'json_link') },
          max_pages: {
            label: 'Stop after pages',
            ...PAGES('offset', 'page_number', 'cursor', 'header_link', 'json_link'),
          },
        },
      ],
      [
        'Limits',
        {
          'rate_limit.requests_per_second': {
            label: 'Requests a second',
            help: 'All jobs of this connection together',
          },
          'rate_limit.burst_limit': { label: 'At once', help: 'Requests that may be sent without waiting' },
          timeout: { label: 'Answer within (seconds)', help: 'A request that takes longer is tried again' },
        },
      ],
      [
        'Network',
        {
          ...NETWORK,
          openapi_url: {
            label: 'API description',
            help: 'An OpenAPI document (JSON) to list resources from; default: openapi.json below the base URL',
            example: '/openapi.json',
          },
        },
      ],
    ],
  ),
  kind(
    'sources',
    'filesystem',
    { label: 'Files', about: 'Parquet, CSV and JSON lines in folders and buckets', available: true },
    [
      [
        'General',
        {
          bucket_url: {
            label: 'Folder or bucket',
            help: 'A path, from the project’s folder on, or az://container/path, abfss://, s3://bucket/path, gs://',
            example: 'data',
          },
        },
      ],
      ['Cloud storage', CLOUD],
      ['Network', NETWORK],
    ],
  ),
  kind(
    'sources',
    'mssql',
    { label: 'SQL Server', about: 'Tables and views of a Microsoft SQL Server', available: true },
    [
      ...SQL_SERVER,
      [
        'Advanced',
        { instance: { label: 'Instance', help: 'Found through SQL Server Browser, in place of a port' }, ...TIMEOUTS },
      ],
    ],
  ),
  kind(
    'sources',
    'azure_sql',
    { label: 'Azure SQL', about: 'Tables and views of an Azure SQL database', available: true },
    [...SQL_SERVER, ['Advanced', TIMEOUTS]],
  ),
  kind('sources', 'oracle', { label: 'Oracle', about: 'Tables and views of an Oracle database', available: true }, [
    [
      'General',
      {
        host: { label: 'Host', help: 'Name or address of the server', example: 'erp-db.example.com' },
        port: { label: 'Port', help: '1521 on most servers' },
        service_name: { label: 'Service name', help: 'Give one of service name, SID and descriptor' },
        sid: { label: 'SID' },
        ...DATABASE_SIGN_IN,
      },
    ],
    [
      'Security',
      {
        encrypt: { label: 'Encrypt', help: 'TLS; servers use port 2484 for it as a rule' },
        ssl_root_cert: { label: 'Root certificate', help: 'PEM file of the authority that signed the server’s' },
        ssl_server_dn_match: {
          label: 'Check the server name',
          help: 'Whether the certificate must be for this server',
        },
        ssl_server_cert_dn: { label: 'Certificate name', help: 'Distinguished name that the certificate must have' },
        wallet_location: { label: 'Wallet folder', help: 'Folder with ewallet.pem, for encrypted connections' },
        wallet_password: { label: 'Wallet password', help: 'Kept in the keychain; never shown again' },
      },
    ],
    [
      'Advanced',
      { descriptor: { label: 'TNS descriptor', help: 'In place of host, port and service name' }, ...TIMEOUTS },
    ],
  ]),
];

const TARGET_SCHEMA: Words = { label: 'Schema', help: 'Where jobs without a target_schema go' };

/** Every kind of destination. */
export const DESTINATION_KINDS: readonly ConnectionKind[] = [
  kind('destinations', 'duckdb', { label: 'DuckDB', about: 'A database file on this computer', available: true }, [
    [
      'General',
      {
        path: {
          label: 'Database file',
          help: 'A path, from the project’s folder on; made by the first run',
          example: 'output/warehouse.duckdb',
        },
        schema: TARGET_SCHEMA,
      },
    ],
  ]),
  kind(
    'destinations',
    'filesystem',
    { label: 'Parquet folder', about: 'Parquet files in a folder or bucket', available: true },
    [
      [
        'General',
        {
          bucket_url: {
            label: 'Folder or bucket',
            help: 'A path, from the project’s folder on, or az://container/path, abfss://, s3://bucket/path, gs://',
            example: 'output/parquet',
          },
          schema: TARGET_SCHEMA,
          table_format: { label: 'Table format', help: 'delta arrives with a later version' },
        },
      ],
      ['Cloud storage', CLOUD],
      ['Network', NETWORK],
    ],
  ),
  kind('destinations', 'databricks', { label: 'Databricks', about: 'Tables of a SQL warehouse', available: true }, [
    [
      'General',
      {
        server_hostname: { label: 'Host', help: 'Of the workspace', example: 'adb-0000.azuredatabricks.net' },
        http_path: { label: 'HTTP path', help: 'Of the SQL warehouse', example: '/sql/1.0/warehouses/0000' },
        catalog: { label: 'Catalog', help: 'Of Unity Catalog; it must be there already' },
        schema: TARGET_SCHEMA,
        access_token: { label: 'Access token', help: 'Kept in the keychain; never shown again', ...SIGN_IN },
        client_id: { label: 'Client ID', help: 'Of a service principal, in place of an access token', ...SIGN_IN },
        client_secret: { label: 'Client secret', help: 'Kept in the keychain; never shown again', ...SIGN_IN },
        azure_tenant_id: {
          label: 'Entra ID tenant',
          help: 'Where the service principal is one of Entra ID; alone, the sign-in of Azure (CLI, managed identity) is used',
          ...SIGN_IN,
        },
      },
    ],
    [
      'Staging',
      {
        staging: {
          label: 'Destination for staging',
          help: 'A filesystem destination in Azure, S3 or Google Cloud that the warehouse can read',
        },
        staging_volume: { label: 'Volume', help: 'In place of it', example: '/Volumes/main/staging/files' },
        staging_credential: {
          label: 'Storage credential',
          help: 'Of Unity Catalog; without one, the SAS token or account key of the staging place is used',
        },
      },
    ],
    [
      'Advanced',
      {
        type_widening: {
          label: 'Widen columns',
          help: 'Delta type widening: integers, floats and decimals grow in place. Every reader must know that table feature',
        },
        port: { label: 'Port' },
      },
    ],
    ['Network', NETWORK],
  ]),
];

export const CONNECTION_KINDS: readonly ConnectionKind[] = [...SOURCE_KINDS, ...DESTINATION_KINDS];

/** A kind by its section and type; undefined for what is no kind. */
export function connectionKind(section: Section, type: string): ConnectionKind | undefined {
  return CONNECTION_KINDS.find((known) => known.section === section && known.type === type);
}

/** The value under a key path, or undefined. */
export function valueAt(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of path) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** What a section says of a field, with the path that says it; null where none does. */
export function fieldEntry(
  table: Table,
  { spellings, key }: ConnectionField,
): { value: unknown; path: string[] } | null {
  for (const path of spellings) {
    const value = valueAt(table, path);
    if (value !== undefined && value !== null && value !== '') return { value, path: [...path] };
  }
  // A word in place of a table is its type; a number is requests a minute.
  const short = key === 'auth.type' ? table.auth : key === 'pagination_type' ? table.pagination : undefined;
  if (typeof short === 'string') return { value: short, path: [key === 'auth.type' ? 'auth' : 'pagination'] };
  if (typeof table.rate_limit !== 'number') return null;
  if (key === 'rate_limit.requests_per_second') return { value: table.rate_limit / 60, path: ['rate_limit'] };
  return key === 'rate_limit.burst_limit' ? { value: 1, path: ['rate_limit'] } : null;
}

/** Does the form show a field, given the other fields' values (or defaults)? */
export function isShown(
  kindOf: ConnectionKind,
  { shown }: ConnectionField,
  valueFor: (key: string) => unknown,
): boolean {
  if (shown === null) return true;
  const value = valueFor(shown.key) ?? kindOf.fields.find(({ key }) => key === shown.key)?.default;
  return typeof value === 'string' && shown.in.includes(value.toLowerCase());
}
