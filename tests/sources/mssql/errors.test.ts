import { expect, test } from 'vitest';
import type { SqlServerConnection } from '../../../engine/sources/mssql/connect-options.ts';
import { explainError } from '../../../engine/sources/mssql/errors.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';

const explain = (error: object, changes: Partial<SqlServerConnection> = {}) =>
  explainError(Object.assign(new Error('It failed.'), error), {
    connection: { ...mssqlConnection({ port: 1433 }), ...changes } as SqlServerConnection,
    doing: 'Reading dbo.Orders',
  });

test.each<[object, string, boolean]>([
  [{ number: 18456 }, 'LOGIN_FAILED', false],
  [{ number: 18486 }, 'LOGIN_FAILED', false],
  [{ number: 911 }, 'DATABASE_NOT_FOUND', false],
  [{ number: 40914 }, 'FIREWALL_BLOCKED', false],
  [{ number: 916 }, 'PERMISSION_DENIED', false],
  [{ number: 156 }, 'SOURCE_SYNTAX', false],
  [{ number: 3952 }, 'SNAPSHOT_NOT_ALLOWED', false],
  [{ number: 3961 }, 'SOURCE_TABLE_CHANGED', true],
  [{ number: 8115 }, 'SOURCE_CONVERSION', false],
  [{ number: 3960 }, 'SOURCE_CONFLICT', true],
  [{ number: 1222 }, 'SOURCE_CONFLICT', true],
  [{ number: 10929 }, 'CONNECTION_LOST', true],
  [{ number: 49919 }, 'CONNECTION_LOST', true],
  [{ number: 8134 }, 'SOURCE_QUERY_FAILED', false],
  [{ code: 'EAI_AGAIN' }, 'HOST_NOT_FOUND', true],
  [{ code: 'EHOSTUNREACH' }, 'CONNECTION_TIMEOUT', true],
  [{ code: 'ETIMEOUT' }, 'CONNECTION_TIMEOUT', true],
  [{ code: 'EENCRYPT' }, 'TLS_REQUIRED', false],
  [{ code: 'ELOGIN' }, 'LOGIN_FAILED', false],
  [{ code: 'EINSTLOOKUP', message: 'Port for SQLEXPRESS not found in sql' }, 'INSTANCE_NOT_FOUND', false],
  [{ code: 'CERT_HAS_EXPIRED' }, 'CERTIFICATE_NOT_TRUSTED', false],
  [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'CERTIFICATE_NOT_TRUSTED', false],
  [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'CERTIFICATE_HOST_MISMATCH', false],
  [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'TLS_FAILED', false],
  [{ code: 'ESOCKET', message: 'Connection lost - read ECONNRESET' }, 'CONNECTION_LOST', true],
  [{ code: 'ESOCKET', cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }, 'CONNECTION_REFUSED', true],
  [{ message: 'Something else' }, 'SOURCE_FAILED', false],
])('%j is %s', (error, code, retryable) => {
  expect(explain(error)).toMatchObject({ name: 'IngestError', code, retryable });
});

test('who signs in, and the way out, are those of the sign-in', () => {
  expect(explain({ number: 18456 }).hint).toContain('mixed mode');
  expect(explain({ number: 18456 }, { authentication: 'default_credential' }).hint).toContain('EXTERNAL PROVIDER');
  const domain = explain({ number: 18452 }, { authentication: 'ntlm', domain: 'CORP', username: 'anna' });
  expect(domain).toMatchObject({
    message: expect.stringContaining('CORP\\anna'),
    hint: expect.stringContaining('SSPI'),
  });
  const principal = explain({ number: 4060 }, { authentication: 'service_principal', client_id: '4711' });
  expect(principal.message).toContain('service principal 4711');
  expect(explain({ code: 'ECONNREFUSED' }, { instance: 'SQLEXPRESS' }).message).toContain('127.0.0.1\\SQLEXPRESS');
});

test('in the main thread the worker’s module does nothing', async () => {
  expect(Object.keys(await import('../../../engine/sources/mssql/mssql-worker.ts'))).toEqual([]);
});
