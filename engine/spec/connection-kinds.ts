import { CLOUD_FIELDS, CLOUD_TAB, CLOUD_WAYS } from './cloud-fields.ts';
import { type ConnectionKind, kind, type Section, type TabWords, type Words } from './connection-fields.ts';

const KEPT = 'Kept in the keychain; never shown again, never in the workbook';

const TIMEOUTS: Record<string, Words> = {
  connect_timeout: { label: 'Connect within (seconds)', help: 'How long to wait for the server to answer' },
  query_timeout: { label: 'Statement within (seconds)', help: 'A statement that takes longer is cancelled' },
};
const SIGN_IN = { group: 'Sign-in' };
const DATABASE_SIGN_IN: Record<string, Words> = {
  username: { label: 'User name', help: 'It only needs the right to read', example: 'ingest_reader', ...SIGN_IN },
  password: { label: 'Password', help: KEPT, ...SIGN_IN },
};

const sqlServer = (host: Words, encrypt: string): readonly TabWords[] => [
  [
    'General',
    {
      host,
      port: { label: 'Port', help: '1433 unless an instance is named' },
      database: { label: 'Database', example: 'CRM' },
      authentication: {
        label: 'Method',
        help: 'Windows sign-in without a password (SSPI, “Trusted_Connection”) is not possible for this driver: use NTLM with the same account, or Entra ID. “browser”: you sign in with Entra ID in your browser, also with a second factor; it runs only where somebody is signed in',
        ...SIGN_IN,
      },
      domain: {
        label: 'Domain',
        help: 'Of the Windows account',
        example: 'CORP',
        shown: ['authentication', 'ntlm'],
        ...SIGN_IN,
      },
      username: {
        label: 'User name',
        help: 'It only needs the right to read',
        example: 'ingest_reader',
        shown: ['authentication', 'sql', 'ntlm', 'browser'],
        ...SIGN_IN,
      },
      password: { label: 'Password', help: KEPT, shown: ['authentication', 'sql', 'ntlm'], ...SIGN_IN },
      tenant_id: {
        label: 'Tenant ID',
        help: 'The directory of the application; for the browser blank: that of your account',
        shown: ['authentication', 'service_principal', 'browser'],
        ...SIGN_IN,
      },
      client_id: {
        label: 'Application (client) ID',
        help: 'Of the service principal, which must be a user of the database (CREATE USER … FROM EXTERNAL PROVIDER); for the browser blank, or a public client of your organisation',
        shown: ['authentication', 'service_principal', 'browser'],
        ...SIGN_IN,
      },
      client_secret: {
        label: 'Client secret',
        help: `The secret’s value, not its ID. ${KEPT}`,
        shown: ['authentication', 'service_principal'],
        ...SIGN_IN,
      },
    },
  ],
  [
    'Security',
    {
      encrypt: { label: 'Encrypt the connection', help: encrypt },
      trust_server_certificate: {
        label: 'Trust the server’s certificate without checking it',
        help: 'For test servers only: anybody in between could read along',
      },
      ssl_root_cert: {
        label: 'Root certificate',
        help: 'PEM file of the authority that signed the server’s; blank: the authorities that this computer trusts',
        example: 'certificates/company-ca.pem',
      },
    },
  ],
];

const NETWORK: Record<string, Words> = {
  proxy: {
    label: 'Proxy',
    help: 'Address of the proxy, “pac+http://…” of a script that chooses, or “direct” for none. Without it the Settings hold, else the system’s proxy',
    example: 'http://proxy.example.com:8080',
  },
  ca_file: {
    label: 'Authorities to trust',
    help: 'A PEM file, from the project’s folder on, for servers that a company’s own authority signs',
    example: 'certificates/company-ca.pem',
  },
};

/** Of a folder on this computer there is no network. */
const NETWORK_OF_CLOUDS: Record<string, Words> = Object.fromEntries(
  Object.entries(NETWORK).map(([key, words]) => [key, { ...words, shown: ['bucket_url', 'azure', 's3', 'gcs'] }]),
);

const PAGES = (...types: string[]): Pick<Words, 'shown'> => ({ shown: ['pagination_type', ...types] });

/** Every kind of source, in the order of the choice for a new one. */
export const SOURCE_KINDS: readonly ConnectionKind[] = [
  kind('sources', 'postgresql', { label: 'PostgreSQL', about: 'Tables and views of a PostgreSQL server' }, [
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
  ]),
  kind('sources', 'api', { label: 'REST API', about: 'Records that a web service hands out page by page' }, [
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
  ]),
  kind(
    'sources',
    'filesystem',
    { label: 'Files', about: 'Parquet, CSV and JSON lines in folders and buckets' },
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
      [CLOUD_TAB, CLOUD_FIELDS],
      ['Network', NETWORK_OF_CLOUDS],
    ],
    CLOUD_WAYS,
  ),
  kind('sources', 'mssql', { label: 'SQL Server', about: 'Tables and views of a Microsoft SQL Server' }, [
    ...sqlServer(
      { label: 'Host', help: 'Name or address of the server', example: 'sql.example.com' },
      'On unless the server is too old for it: without it, passwords and rows can be read on the way',
    ),
    [
      'Advanced',
      { instance: { label: 'Instance', help: 'Found through SQL Server Browser, in place of a port' }, ...TIMEOUTS },
    ],
  ]),
  kind('sources', 'azure_sql', { label: 'Azure SQL', about: 'Tables and views of an Azure SQL database' }, [
    ...sqlServer(
      { label: 'Host', help: 'Server name of the database’s overview', example: 'example.database.windows.net' },
      'Azure SQL takes no other',
    ),
    ['Advanced', TIMEOUTS],
  ]),
  kind(
    'sources',
    'oracle',
    { label: 'Oracle', about: 'Tables and views of an Oracle database' },
    [
      [
        'General',
        {
          host: { label: 'Host', help: 'Name or address of the server', example: 'erp-db.example.com' },
          port: { label: 'Port', help: '1521 on most servers, 2484 with TLS' },
          service_name: { label: 'Service name', example: 'ERP.EXAMPLE.COM' },
          sid: { label: 'SID', help: 'Of older databases', example: 'ORCL' },
          descriptor: {
            label: 'Connect descriptor',
            help: 'A TNS descriptor or an Easy Connect string',
            wide: true,
            example: '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=…)(PORT=2484))(CONNECT_DATA=(SERVICE_NAME=…)))',
          },
          ...DATABASE_SIGN_IN,
        },
      ],
      [
        'Security',
        {
          encrypt: {
            label: 'Encrypt the connection (TLS)',
            help: 'The driver cannot do Oracle’s native encryption (SQLNET.ENCRYPTION_SERVER = REQUIRED, ORA-12660): such a server needs a TLS listener (TCPS, as a rule port 2484)',
          },
          ssl_root_cert: { label: 'Root certificate', help: 'PEM file of the authority that signed the server’s' },
          ssl_server_dn_match: {
            label: 'Check the server name',
            help: 'Whether the certificate must be for this server',
          },
          ssl_server_cert_dn: { label: 'Certificate name', help: 'Distinguished name that the certificate must have' },
          wallet_location: {
            label: 'Wallet folder',
            help: 'Folder with ewallet.pem, such as the unpacked wallet of an Autonomous Database',
          },
          wallet_password: { label: 'Wallet password', help: KEPT },
        },
      ],
      ['Advanced', TIMEOUTS],
    ],
    [
      {
        key: 'connect_by',
        label: 'Database by',
        tab: 'General',
        options: [
          {
            value: 'service_name',
            label: 'Service name',
            help: 'What most databases are known by',
            fields: ['host', 'port', 'service_name'],
            tells: ['service_name'],
          },
          {
            value: 'sid',
            label: 'SID',
            help: 'For databases that have no service name',
            fields: ['host', 'port', 'sid'],
            tells: ['sid'],
          },
          {
            value: 'descriptor',
            label: 'Descriptor',
            help: 'A whole TNS descriptor, as tnsnames.ora has it',
            fields: ['descriptor'],
            tells: ['descriptor'],
          },
        ],
      },
    ],
  ),
];

const TARGET_SCHEMA: Words = { label: 'Schema', help: 'Where jobs without a target_schema go' };

/** Every kind of destination. */
export const DESTINATION_KINDS: readonly ConnectionKind[] = [
  kind('destinations', 'duckdb', { label: 'DuckDB', about: 'A database file on this computer' }, [
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
    { label: 'Files', about: 'Parquet files or Delta tables in a folder or bucket' },
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
          table_format: {
            label: 'Table format',
            help: 'parquet: files and a manifest a load. delta: a Delta table, so that Spark, Fabric and DuckDB see whole loads only',
          },
        },
      ],
      [CLOUD_TAB, CLOUD_FIELDS],
      ['Network', NETWORK_OF_CLOUDS],
    ],
    CLOUD_WAYS,
  ),
  kind(
    'destinations',
    'databricks',
    { label: 'Databricks', about: 'Tables of Unity Catalog, loaded through a SQL warehouse' },
    [
      [
        'General',
        {
          server_hostname: {
            label: 'Host',
            help: 'As “Connection details” of the SQL warehouse show it',
            example: 'adb-0000.0.azuredatabricks.net',
          },
          http_path: {
            label: 'HTTP path',
            help: 'It stands below the host there',
            example: '/sql/1.0/warehouses/0000',
          },
          catalog: { label: 'Catalog', help: 'Of Unity Catalog; it must be there already' },
          schema: TARGET_SCHEMA,
          auth_type: { label: 'Sign-in', ...SIGN_IN },
          access_token: { label: 'Access token', help: KEPT, ...SIGN_IN },
          azure_tenant_id: { label: 'Tenant ID', help: 'Of Entra ID', ...SIGN_IN },
          client_id: {
            label: 'Application (client) ID',
            help: 'Of the service principal; for the browser blank, or a public client of your account console with the redirect http://localhost:8020',
            ...SIGN_IN,
          },
          client_secret: { label: 'Client secret', help: KEPT, ...SIGN_IN },
        },
      ],
      [
        'Staging',
        {
          staging: {
            label: 'Destination',
            help: 'A bucket among the destinations. Blank: the only one there is',
            offers: 'bucket destinations',
          },
          staging_credential: {
            label: 'Storage credential',
            help: 'Of Unity Catalog, that reads there. Blank: the SAS token or account key of the destination is used',
          },
          staging_volume: { label: 'Volume', example: '/Volumes/main/staging/files' },
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
    ],
    [
      {
        key: 'sign_in',
        label: 'Sign in with',
        tab: 'General',
        ...SIGN_IN,
        options: [
          {
            value: 'token',
            label: 'Access token',
            help: 'A personal access token; it expires',
            fields: ['access_token'],
            tells: ['access_token'],
          },
          {
            value: 'entra',
            label: 'Entra ID application',
            help: 'A service principal of Entra ID that is a member of the workspace',
            fields: ['azure_tenant_id', 'client_id', 'client_secret'],
            tells: ['azure_tenant_id', 'client_id'],
          },
          {
            value: 'oauth',
            label: 'OAuth (M2M)',
            help: 'A service principal of Databricks with an OAuth secret: best for what runs by itself',
            fields: ['client_id', 'client_secret'],
            tells: ['client_id'],
          },
          {
            value: 'browser',
            label: 'Your browser',
            help: 'You sign in to the workspace (OAuth U2M); it runs only where somebody is signed in',
            fields: ['client_id'],
            tells: [],
            sets: { key: 'auth_type', value: 'browser' },
          },
          {
            value: 'default',
            label: 'This computer’s Azure sign-in',
            help: 'AZURE_ variables, a managed identity, or “az login”',
            fields: ['azure_tenant_id'],
            tells: ['azure_tenant_id'],
          },
        ],
      },
      {
        key: 'stage_in',
        label: 'Files wait in',
        tab: 'Staging',
        options: [
          {
            value: 'destination',
            label: 'A bucket',
            help: 'Of Azure, S3 or Google Cloud, that this computer writes and the warehouse reads',
            fields: ['staging', 'staging_credential'],
            tells: ['staging'],
          },
          {
            value: 'volume',
            label: 'A volume',
            help: 'Of Unity Catalog: needs WRITE VOLUME and no credentials of a cloud',
            fields: ['staging_volume'],
            tells: ['staging_volume'],
          },
        ],
      },
    ],
  ),
];

export const CONNECTION_KINDS: readonly ConnectionKind[] = [...SOURCE_KINDS, ...DESTINATION_KINDS];

/** A kind by its section and type; undefined for what is no kind. */
export function connectionKind(section: Section, type: string): ConnectionKind | undefined {
  return CONNECTION_KINDS.find((known) => known.section === section && known.type === type);
}
