import { z } from 'zod';
import { CLOUD_SIGN_INS, cloudCredentialFields, networkFields } from './connection.ts';
import { booleanField, choiceField, integerField, secretField, textField } from './fields.ts';
import { type DestinationType, TABLE_FORMATS } from './kinds.ts';

/**
 * Destinations as the engine receives them: `[destination.KIND]` (then `name` is the kind) or `[destinations.NAME]`.
 * `schema` is where jobs without a `target_schema` go; dlt calls it `dataset_name`.
 */
const common = { name: z.string().min(1), schema: textField().default('raw') };

export const duckdbDestinationModel = z.object({
  ...common,
  type: z.literal('duckdb'),
  path: textField().describe("The database file; default: the pipeline's name with .duckdb"),
});
export type DuckdbDestination = z.infer<typeof duckdbDestinationModel>;

export const filesystemDestinationModel = z.object({
  ...common,
  type: z.literal('filesystem'),
  bucket_url: textField().describe('A folder, file://, az://, abfss://, s3:// or gs://'),
  table_format: choiceField(TABLE_FORMATS).default('parquet'),
  ...cloudCredentialFields,
});
export type FilesystemDestination = z.infer<typeof filesystemDestinationModel>;

export const databricksDestinationModel = z.object({
  ...common,
  type: z.literal('databricks'),
  server_hostname: textField(),
  http_path: textField(),
  port: integerField(1, 65535).default(443),
  catalog: textField().default('main'),
  auth_type: choiceField(CLOUD_SIGN_INS)
    .optional()
    .describe('browser: a person signs in to the workspace (OAuth U2M); default: the credentials that are set'),
  access_token: secretField().optional(),
  client_id: textField()
    .optional()
    .describe('OAuth M2M: the service principal; with browser, a public client in place of databricks-cli'),
  client_secret: secretField().optional(),
  azure_tenant_id: textField().optional().describe('Entra ID: the tenant of the service principal'),
  type_widening: booleanField()
    .default(false)
    .describe('Widen columns in place (Delta type widening); readers must know that table feature'),
  ...networkFields,
  staging: textField()
    .optional()
    .describe('Name of the filesystem destination to stage files in; default: the one there is'),
  staging_volume: textField().optional().describe('A Unity Catalog volume in place of a storage location'),
  staging_credential: textField()
    .optional()
    .describe('A Unity Catalog storage credential that reads the staging location'),
});
export type DatabricksDestination = z.infer<typeof databricksDestinationModel>;

/** The model of each kind of destination. */
export const destinationModels = {
  duckdb: duckdbDestinationModel,
  filesystem: filesystemDestinationModel,
  databricks: databricksDestinationModel,
} satisfies Record<DestinationType, z.ZodType>;

export const destinationModel = z.discriminatedUnion('type', [
  duckdbDestinationModel,
  filesystemDestinationModel,
  databricksDestinationModel,
]);
export type DestinationConfig = z.infer<typeof destinationModel>;
