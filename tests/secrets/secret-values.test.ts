import { expect, test } from 'vitest';
import { isSecretFromSecretPlace, isSecretValue } from '../../engine/secrets/secret-values.ts';

test.each([
  'password',
  'PASSWORD',
  'wallet_password',
  'client_secret',
  'apiKey',
  'api_key',
  'X-Api-Key',
  'access_token',
  'azure_storage_sas_token',
  'azure_storage_account_key',
  'aws_secret_access_key',
  'azure_storage_connection_string',
  'Authorization',
  'private_key',
  'Cookie',
  'apikey',
  'bearer_token',
  'sas',
  'credentials',
])('%s holds a secret', (key) => {
  expect(isSecretValue(['sources', 'x', key])).toBe(true);
});

test.each([
  'host',
  'username',
  'token_url',
  'private_key_id',
  'api_key_name',
  'primary_key',
  'client_secret_in',
  'keyspace',
  'monkey',
  'client_id',
  'port',
  'bucket_url',
  'oauth_url',
])('%s holds none', (key) => {
  expect(isSecretValue(['sources', 'x', key])).toBe(false);
});

test('in a file of secrets only what a model knows to be plain is plain', () => {
  expect(isSecretFromSecretPlace(['sources', 'x', 'host'])).toBe(false);
  expect(isSecretFromSecretPlace(['sources', 'x', 'headers', 'X-Tenant'])).toBe(true);
});
