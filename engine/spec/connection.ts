import { z } from 'zod';
import { booleanField, choiceField, integerField, numberField, secretField, textField } from './fields.ts';
import { AUTH_TYPES, type SourceType } from './kinds.ts';

/**
 * Connections as the sources receive them: defaults filled in, secrets resolved.
 * The TOML's aliases (`url`, `bearer_token`, `.credentials` …) are settled by `connection-table.ts` before these models see them.
 * `name` is the section (`[sources.NAME]`), `type` the kind of source that reads it.
 */
export const PG_SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type PgSslMode = (typeof PG_SSL_MODES)[number];

export const SQL_SERVER_SIGN_INS = ['sql', 'ntlm', 'service_principal', 'default_credential', 'browser'] as const;
export type SqlServerSignIn = (typeof SQL_SERVER_SIGN_INS)[number];

const timeouts = {
  connect_timeout: integerField(5, 300).default(30).describe('Seconds to wait for a connection'),
  query_timeout: integerField(30, 3600).default(300).describe('Seconds that a statement may take'),
};

const databaseBase = {
  host: textField(),
  database: textField(),
  username: textField(),
  password: secretField().default(''),
  ...timeouts,
};

export const postgresConnectionModel = z.object({
  type: z.literal('postgresql'),
  name: z.string().min(1),
  ...databaseBase,
  port: integerField(1, 65535).default(5432),
  ssl_mode: choiceField(PG_SSL_MODES).default('prefer'),
  ssl_root_cert: textField().optional().describe('Path of a PEM file with the authority to trust'),
});
export type PostgresConnection = z.infer<typeof postgresConnectionModel>;

export const oracleConnectionModel = z.object({
  type: z.literal('oracle'),
  name: z.string().min(1),
  host: textField().optional(),
  port: integerField(1, 65535).default(1521),
  service_name: textField().optional(),
  sid: textField().optional(),
  descriptor: textField().optional().describe('A whole TNS descriptor, in place of host, port and service_name'),
  username: textField(),
  password: secretField().default(''),
  encrypt: booleanField()
    .default(false)
    .describe('TLS (TCPS); the native encryption of Oracle Net is not possible without its client'),
  ssl_root_cert: textField().optional().describe('Path of a PEM file with the authority to trust'),
  ssl_server_dn_match: booleanField().default(true).describe('Check that the certificate is for this server'),
  ssl_server_cert_dn: textField().optional().describe('The whole distinguished name that the certificate must have'),
  wallet_location: textField().optional().describe('Folder with ewallet.pem, for TLS'),
  wallet_password: secretField().optional(),
  ...timeouts,
});
export type OracleConnection = z.infer<typeof oracleConnectionModel>;

const sqlServerBase = {
  host: textField(),
  port: integerField(1, 65535).default(1433),
  database: textField(),
  username: textField().optional(),
  password: secretField().default(''),
  encrypt: booleanField().default(true),
  trust_server_certificate: booleanField().default(false),
  ssl_root_cert: textField().optional().describe('Path of a PEM file with the authority to trust'),
  domain: textField().optional().describe('Windows domain for NTLM'),
  tenant_id: textField().optional().describe('Entra ID tenant'),
  client_id: textField()
    .optional()
    .describe('Entra ID application: of the service principal; with browser, a public client in place of Azure CLI'),
  client_secret: secretField().optional(),
  authentication: choiceField(SQL_SERVER_SIGN_INS).default('sql'),
  ...timeouts,
};

export const mssqlConnectionModel = z.object({
  type: z.literal('mssql'),
  name: z.string().min(1),
  ...sqlServerBase,
  instance: textField().optional().describe('Named instance, found through SQL Server Browser'),
});
export type MssqlConnection = z.infer<typeof mssqlConnectionModel>;

export const azureSqlConnectionModel = z.object({
  type: z.literal('azure_sql'),
  name: z.string().min(1),
  ...sqlServerBase,
});
export type AzureSqlConnection = z.infer<typeof azureSqlConnectionModel>;

/** How clients reach a service. */
export const networkFields = {
  proxy: textField()
    .optional()
    .describe(
      'Address of the proxy, pac+http://… of a script that chooses one, or "direct" for none; default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, else the system',
    ),
  ca_file: textField()
    .optional()
    .describe("PEM file with authorities to trust beside the system's, from the project's folder"),
};

/** What a cloud is signed in with: the credentials that are set, or a person in the browser. */
export const CLOUD_SIGN_INS = ['credentials', 'browser'] as const;

/** Credentials of the object stores, by dlt's key names; shared by the filesystem source and destination. */
export const cloudCredentialFields = {
  azure_storage_account_name: textField().optional(),
  azure_storage_account_key: secretField().optional(),
  azure_storage_sas_token: secretField().optional(),
  azure_storage_connection_string: secretField().optional(),
  azure_account_host: textField().optional().describe('e.g. account.blob.core.usgovcloudapi.net'),
  azure_tenant_id: textField().optional(),
  azure_client_id: textField().optional(),
  azure_client_secret: secretField().optional(),
  azure_authentication: choiceField(CLOUD_SIGN_INS)
    .optional()
    .describe('browser: a person signs in with Entra ID; default: the credentials that are set'),
  aws_access_key_id: textField().optional(),
  aws_secret_access_key: secretField().optional(),
  aws_session_token: secretField().optional(),
  region_name: textField().optional(),
  profile_name: textField().optional(),
  role_arn: textField().optional().describe('A role to assume, such as arn:aws:iam::123456789012:role/ingest'),
  endpoint_url: textField().optional().describe('S3- or GCS-compatible service'),
  project_id: textField().optional(),
  client_email: textField().optional(),
  private_key: secretField().optional(),
  private_key_id: textField().optional(),
  client_id: textField().optional(),
  client_secret: secretField().optional(),
  refresh_token: secretField().optional(),
  service_account_key: secretField()
    .optional()
    .describe("A service account's key: the JSON, or the path of its file from the project's folder"),
  ...networkFields,
};

export const filesystemConnectionModel = z.object({
  type: z.literal('filesystem'),
  name: z.string().min(1),
  bucket_url: textField().describe('A folder, file://, az://, abfss://, s3:// or gs://'),
  ...cloudCredentialFields,
});
export type FilesystemConnection = z.infer<typeof filesystemConnectionModel>;

export const apiAuthModel = z.object({
  type: choiceField(AUTH_TYPES).default('none'),
  api_key: secretField().optional(),
  api_key_name: textField().default('X-API-Key'),
  api_key_location: choiceField(['header', 'query', 'cookie']).default('header'),
  token: secretField().optional(),
  username: textField().optional(),
  password: secretField().optional(),
  token_url: textField().optional(),
  client_id: textField().optional(),
  client_secret: secretField().optional(),
  scope: textField().optional(),
  audience: textField().optional(),
  client_secret_in: choiceField(['form', 'basic']).default('form').describe('Where client id and secret are sent'),
  token_params: z
    .record(z.string(), secretField())
    .default({})
    .describe('More parameters of the token request, for example resource'),
});
export type ApiAuth = z.infer<typeof apiAuthModel>;

export const rateLimitModel = z.object({
  requests_per_second: numberField(0.001, 1000).default(10),
  burst_limit: integerField(1, 100).default(10),
});
export type RateLimit = z.infer<typeof rateLimitModel>;

export const apiConnectionModel = z.object({
  type: z.literal('api'),
  name: z.string().min(1),
  base_url: textField(),
  headers: z
    .record(z.string(), secretField())
    .default({})
    .describe('Sent with every request; a resource may add to them'),
  params: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Query parameters of every request; a resource may add to them'),
  timeout: integerField(5, 300).default(30).describe('Seconds'),
  auth: apiAuthModel.prefault({}),
  rate_limit: rateLimitModel.optional().describe('A number in the TOML means requests a minute'),
  ...networkFields,
  openapi_url: textField()
    .optional()
    .describe('Description of the API (OpenAPI, JSON), a path or a URL; default: openapi.json'),
});
export type ApiConnection = z.infer<typeof apiConnectionModel>;

/** The model of each kind of connection. */
export const connectionModels = {
  postgresql: postgresConnectionModel,
  oracle: oracleConnectionModel,
  mssql: mssqlConnectionModel,
  azure_sql: azureSqlConnectionModel,
  api: apiConnectionModel,
  filesystem: filesystemConnectionModel,
} satisfies Record<SourceType, z.ZodType>;

export const connectionModel = z.discriminatedUnion('type', [
  postgresConnectionModel,
  oracleConnectionModel,
  mssqlConnectionModel,
  azureSqlConnectionModel,
  apiConnectionModel,
  filesystemConnectionModel,
]);
export type Connection = z.infer<typeof connectionModel>;

/** A job's connection: looked up by `source_name`, then by `source_type` (the plan's `[sources.postgresql]`). */
export function connectionOf(
  connections: Readonly<Record<string, Connection>>,
  job: { source_name: string; source_type: SourceType },
): Connection | undefined {
  if (Object.hasOwn(connections, job.source_name)) return connections[job.source_name];
  return Object.hasOwn(connections, job.source_type) ? connections[job.source_type] : undefined;
}
