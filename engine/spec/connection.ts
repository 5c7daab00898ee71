import { z } from 'zod';
import { AUTH_TYPES } from './kinds.ts';

/**
 * Connections as the sources receive them: defaults filled in, secrets resolved.
 * The TOML's aliases (`url`, `bearer_token`, `.credentials` …) are settled before these models see them.
 */
export const PG_SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type PgSslMode = (typeof PG_SSL_MODES)[number];

const databaseBase = {
  host: z.string().min(1),
  database: z.string().min(1),
  username: z.string().min(1),
  password: z.string().default(''),
  connect_timeout: z.number().min(5).max(300).default(30).describe('Seconds'),
  query_timeout: z.number().min(30).max(3600).default(300).describe('Seconds'),
};

export const postgresConnectionModel = z.object({
  ...databaseBase,
  port: z.int().min(1).max(65535).default(5432),
  ssl_mode: z.enum(PG_SSL_MODES).default('prefer'),
  ssl_root_cert: z.string().optional().describe('Path of a PEM file with the CA to trust'),
});
export type PostgresConnection = z.infer<typeof postgresConnectionModel>;

export const filesystemConnectionModel = z.object({
  bucket_url: z.string().min(1).describe('A folder, file://, az://, abfss://, s3:// or gs://'),
});
export type FilesystemConnection = z.infer<typeof filesystemConnectionModel>;

export const apiAuthModel = z.object({
  type: z.enum(AUTH_TYPES).default('none'),
  api_key: z.string().optional(),
  api_key_name: z.string().default('X-API-Key'),
  api_key_location: z.enum(['header', 'query']).default('header'),
  token: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  token_url: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  scope: z.string().optional(),
  audience: z.string().optional(),
  client_secret_in: z.enum(['form', 'basic']).default('form'),
});
export type ApiAuth = z.infer<typeof apiAuthModel>;

export const apiConnectionModel = z.object({
  base_url: z.string().min(1),
  headers: z.record(z.string(), z.string()).default({}),
  params: z.record(z.string(), z.unknown()).default({}),
  timeout: z.number().min(5).max(300).default(30).describe('Seconds'),
  auth: apiAuthModel.prefault({}),
  rate_limit: z.object({
    requests_per_second: z.number().min(0.1).max(1000).default(10),
    burst_limit: z.int().min(1).max(100).default(10),
  }).optional(),
});
export type ApiConnection = z.infer<typeof apiConnectionModel>;
