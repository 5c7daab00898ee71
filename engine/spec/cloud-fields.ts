import type { WayWords, Words } from './connection-fields.ts';

/** Credentials of the clouds, shared by the filesystem source and destination: each cloud's own, shown by where bucket_url leads. */
const azure: Pick<Words, 'shown'> = { shown: ['bucket_url', 'azure'] };
const s3: Pick<Words, 'shown'> = { shown: ['bucket_url', 's3'] };
const gcs: Pick<Words, 'shown'> = { shown: ['bucket_url', 'gcs'] };
const KEPT = 'Kept in the keychain; never shown again, never in the workbook';

export const CLOUD_TAB = 'Sign-in';

export const CLOUD_FIELDS: Record<string, Words> = {
  azure_storage_account_name: {
    label: 'Storage account',
    help: 'Its name; not needed where the address or the connection string says it',
    example: 'examplelake',
    ...azure,
  },
  azure_storage_account_key: { label: 'Account key', help: `key1 or key2 of “Access keys”. ${KEPT}`, ...azure },
  azure_storage_sas_token: {
    label: 'SAS token',
    help: `With or without the leading “?”. Give it the rights read and list; to load also create, write and delete. ${KEPT}`,
    ...azure,
  },
  azure_storage_connection_string: { label: 'Connection string', help: KEPT, ...azure },
  azure_tenant_id: {
    label: 'Tenant ID',
    help: 'Of Entra ID: the directory of the application; for the browser blank: that of your account',
    ...azure,
  },
  azure_authentication: { label: 'Sign-in', ...azure },
  azure_client_id: { label: 'Application (client) ID', ...azure },
  azure_client_secret: { label: 'Client secret', help: `The secret’s value, not its ID. ${KEPT}`, ...azure },
  azure_account_host: {
    label: 'Account host',
    help: 'For other clouds than the public one',
    example: 'examplelake.blob.core.usgovcloudapi.net',
    ...azure,
  },
  aws_access_key_id: { label: 'Access key ID', example: 'AKIAIOSFODNN7EXAMPLE', ...s3 },
  aws_secret_access_key: { label: 'Secret access key', help: KEPT, ...s3 },
  aws_session_token: { label: 'Session token', help: `Of temporary keys only. ${KEPT}`, ...s3 },
  profile_name: { label: 'Profile', help: 'Of ~/.aws/config or ~/.aws/credentials; after “aws sso login”, too', ...s3 },
  role_arn: {
    label: 'Role to assume',
    help: 'Where the sign-in above is to take a role; else blank',
    example: 'arn:aws:iam::123456789012:role/ingest',
    ...s3,
  },
  region_name: { label: 'Region', help: 'Of the bucket', example: 'eu-central-1', ...s3 },
  service_account_key: {
    label: 'Service account key',
    help: `The JSON of the key file, or the path of that file. ${KEPT}`,
    ...gcs,
  },
  client_email: { label: 'Service account', example: 'ingest@example.iam.gserviceaccount.com', ...gcs },
  private_key: { label: 'Private key', help: `“private_key” of the key file. ${KEPT}`, ...gcs },
  private_key_id: { label: 'Private key ID', ...gcs },
  client_id: { label: 'OAuth client ID', ...gcs },
  client_secret: { label: 'OAuth client secret', help: KEPT, ...gcs },
  refresh_token: { label: 'Refresh token', help: KEPT, ...gcs },
  project_id: { label: 'Project', help: 'Needed by some compatible services only', ...gcs },
  endpoint_url: {
    label: 'Endpoint',
    help: 'Of a compatible service, such as MinIO; blank for the cloud’s own',
    example: 'https://minio.example.com:9000',
    shown: ['bucket_url', 's3', 'gcs', 'azure'],
  },
};

/** In the order in which the clients look at them. */
export const CLOUD_WAYS: readonly WayWords[] = [
  {
    key: 'azure_sign_in',
    label: 'Sign in to Azure with',
    tab: CLOUD_TAB,
    shown: { key: 'bucket_url', in: ['azure'] },
    options: [
      {
        value: 'connection_string',
        label: 'Connection string',
        help: 'As “Access keys” of the storage account shows it',
        fields: ['azure_storage_connection_string'],
        tells: ['azure_storage_connection_string'],
      },
      {
        value: 'account_key',
        label: 'Account key',
        help: 'Opens the whole storage account',
        fields: ['azure_storage_account_name', 'azure_storage_account_key'],
        tells: ['azure_storage_account_key'],
      },
      {
        value: 'sas',
        label: 'SAS token',
        help: 'Opens what it was made for, until it expires; works across tenants',
        fields: ['azure_storage_account_name', 'azure_storage_sas_token'],
        tells: ['azure_storage_sas_token'],
      },
      {
        value: 'service_principal',
        label: 'Service principal',
        help: 'An application of Entra ID with the role Storage Blob Data Reader; to load: Contributor',
        fields: ['azure_storage_account_name', 'azure_tenant_id', 'azure_client_id', 'azure_client_secret'],
        tells: ['azure_client_secret'],
      },
      {
        value: 'browser',
        label: 'Your browser',
        help: 'You sign in with Entra ID, also with a second factor; your account has the role Storage Blob Data Reader, to load: Contributor',
        fields: ['azure_storage_account_name', 'azure_tenant_id', 'azure_client_id'],
        tells: [],
        sets: { key: 'azure_authentication', value: 'browser' },
      },
      {
        value: 'default',
        label: 'This computer’s sign-in',
        help: 'The first that is there: AZURE_ variables, a managed identity, “az login”',
        fields: ['azure_storage_account_name'],
        tells: [],
      },
    ],
  },
  {
    key: 'aws_sign_in',
    label: 'Sign in to AWS with',
    tab: CLOUD_TAB,
    shown: { key: 'bucket_url', in: ['s3'] },
    options: [
      {
        value: 'keys',
        label: 'Access key',
        help: 'Of a user that may read the bucket',
        fields: ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'],
        tells: ['aws_access_key_id'],
      },
      {
        value: 'profile',
        label: 'Profile',
        help: 'One of this computer’s AWS configuration',
        fields: ['profile_name'],
        tells: ['profile_name'],
      },
      {
        value: 'default',
        label: 'This computer’s sign-in',
        help: 'The first that is there: AWS_ variables, the default profile, the machine’s role',
        fields: [],
        tells: [],
      },
    ],
  },
  {
    key: 'gcp_sign_in',
    label: 'Sign in to Google Cloud with',
    tab: CLOUD_TAB,
    shown: { key: 'bucket_url', in: ['gcs'] },
    options: [
      {
        value: 'service_account_key',
        label: 'Key file',
        help: 'The JSON file of a service account’s key',
        fields: ['service_account_key'],
        tells: ['service_account_key'],
      },
      {
        value: 'private_key',
        label: 'Service account',
        help: 'The parts of its key, one by one',
        fields: ['client_email', 'private_key', 'private_key_id'],
        tells: ['private_key'],
      },
      {
        value: 'oauth',
        label: 'OAuth',
        help: 'A person’s sign-in, kept as a refresh token',
        fields: ['client_id', 'client_secret', 'refresh_token'],
        tells: ['refresh_token'],
      },
      {
        value: 'default',
        label: 'This computer’s sign-in',
        help: 'The application default credentials: “gcloud auth application-default login”, or the machine’s service account',
        fields: [],
        tells: [],
      },
    ],
  },
];
