import { expect, test } from 'vitest';
import { databaseOf, targetOf } from '../../../engine/sources/oracle/connect-options.ts';
import { explainError } from '../../../engine/sources/oracle/errors.ts';
import { nationalLiteral, quoteName, textLiteral } from '../../../engine/sources/oracle/literal.ts';
import { connectionTo } from './oracle-under-test.ts';

const connection = connectionTo({ host: 'erp', port: 1521 });

test.each([
  ['ORA-01017: invalid username/password', 'LOGIN_FAILED', /refused user "etl"/, false],
  ['ORA-28000: The account is locked.', 'LOGIN_FAILED', /locked/, false],
  ['ORA-28001: the password has expired', 'LOGIN_FAILED', /expired/, false],
  ['ORA-01045: user ETL lacks CREATE SESSION privilege', 'LOGIN_FAILED', /CREATE SESSION/, false],
  ['NJS-116: password verifier type 0x939 is not supported', 'LOGIN_FAILED', /10G/, false],
  ['NJS-101: no credentials specified', 'LOGIN_FAILED', /has none/, false],
  ['ORA-00942: table or view does not exist', 'SOURCE_TABLE_NOT_FOUND', /Reading A\.B/, false],
  ['ORA-00904: "X": invalid identifier', 'SOURCE_COLUMN_NOT_FOUND', /"X"/, false],
  ['ORA-01031: insufficient privileges', 'PERMISSION_DENIED', /may not/, false],
  ['ORA-14551: cannot perform a DML operation inside a query', 'READ_ONLY', /DML/, false],
  ['ORA-01555: snapshot too old', 'SNAPSHOT_TOO_OLD', /no longer has/, true],
  ['ORA-08181: specified number is not a valid system change number', 'SNAPSHOT_TOO_OLD', /partitioned/, true],
  ['ORA-01466: unable to read data', 'SNAPSHOT_TOO_OLD', /a moment ago/, true],
  ['ORA-00060: deadlock detected', 'SOURCE_CONFLICT', /in the way/, true],
  ['ORA-00018: maximum number of sessions exceeded', 'TOO_MANY_CONNECTIONS', /no free session/, true],
  ['ORA-01033: ORACLE initialization or shutdown in progress', 'SERVER_NOT_READY', /starting or stopping/, true],
  [
    'ORA-12660: Encryption or crypto-checksumming parameters incompatible',
    'NATIVE_ENCRYPTION_REQUIRED',
    /native/,
    false,
  ],
  ['ORA-12599: TNS:cryptographic checksum mismatch', 'NATIVE_ENCRYPTION_REQUIRED', /native/, false],
  ['NJS-533: Advanced Networking Option service negotiation failed.', 'NATIVE_ENCRYPTION_REQUIRED', /native/, false],
  ['ORA-01013: user requested cancel', 'QUERY_CANCELLED', /ended the statement/, false],
  ['ORA-03113: end-of-file on communication channel', 'CONNECTION_LOST', /was lost/, true],
  ['ORA-12537: TNS:connection closed', 'CONNECTION_LOST', /was lost/, true],
  ['ORA-12170: TNS:Connect timeout occurred', 'CONNECTION_LOST', /was lost/, true],
  ['NJS-500: connection to Oracle Database was closed or broken', 'CONNECTION_LOST', /was lost/, true],
  ['ORA-01722: invalid number', 'SOURCE_CONVERSION', /invalid number/, false],
  ['ORA-00936: missing expression', 'SOURCE_SYNTAX', /missing expression/, false],
  ['ORA-01476: divisor is equal to zero', 'SOURCE_QUERY_FAILED', /divisor/, false],
  ['NJS-503: could not be established.\ngetaddrinfo EAI_AGAIN erp', 'HOST_NOT_FOUND', /no address/, true],
  ['NJS-123: call timeout of 1000 ms exceeded', 'QUERY_TIMEOUT', /nothing for 300 s/, false],
  [
    'NJS-503: could not be established. (CONNECTION_ID=x)\nconnect ECONNREFUSED',
    'CONNECTION_REFUSED',
    /Nothing accepts/,
    true,
  ],
  ['NJS-503: could not be established.\nconnect ETIMEDOUT', 'CONNECTION_TIMEOUT', /cannot be reached/, true],
  ['NJS-503: could not be established.\ngetaddrinfo ENOTFOUND erp', 'HOST_NOT_FOUND', /no address/, false],
  ['NJS-510: connection to host erp port 1521 timed out', 'CONNECTION_TIMEOUT', /within 30 s/, true],
  ['NJS-511: connection to listener at host erp port 1521 was refused', 'CONNECTION_REFUSED', /listener/, true],
  ['NJS-518: Service "X" is not registered', 'DATABASE_NOT_FOUND', /service FREEPDB1/, true],
  ['NJS-530: The host addresses are unresolvable', 'HOST_NOT_FOUND', /no address/, false],
  ['NJS-138: connections to this database server version are not supported', 'SERVER_TOO_OLD', /12\.1/, false],
  ['NJS-517: Unable to find "x" in "tnsnames.ora"', 'CONNECTION_INVALID', /descriptor/, false],
  ['NJS-508: TLS detected an invalid certificate. erp not present', 'CERTIFICATE_HOST_MISMATCH', /another host/, false],
  ['NJS-506: TLS handshake failure.\ncertificate has expired', 'CERTIFICATE_NOT_TRUSTED', /expired/, false],
  ['NJS-506: TLS handshake failure.\nself-signed certificate', 'CERTIFICATE_NOT_TRUSTED', /authority/, false],
  ['NJS-505: unable to initiate TLS connection', 'WALLET_UNUSABLE', /wallet/i, false],
  ['NJS-506: TLS handshake failure.\nwrong version number', 'TLS_FAILED', /TLS with/, false],
  ['read ECONNRESET', 'CONNECTION_LOST', /was lost/, true],
  ['timeout expired', 'CONNECTION_TIMEOUT', /within 30 s/, true],
  ['something else', 'SOURCE_FAILED', /something else/, false],
])('%s', (said, code, message, retryable) => {
  const error = explainError(new Error(said), { connection, doing: 'Reading A.B' });
  expect(error).toMatchObject({ code, retryable, message: expect.stringMatching(message) });
  expect(`${error.message} ${error.hint}`).not.toMatch(/CONNECTION_ID|s3cret/);
  if (code !== 'SOURCE_FAILED') expect(error.hint).toEqual(expect.any(String));
});

test('a socket’s own error is explained by its code', () => {
  const error = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  expect(explainError(error, { connection, doing: 'Testing' }).code).toBe('HOST_NOT_FOUND');
});

test('literals mean the same whatever the session and the character set', () => {
  expect(textLiteral("it's \\ :x &y")).toBe("'it''s \\ :x &y'");
  expect(nationalLiteral('plain')).toBe("N'plain'");
  expect(nationalLiteral("ž😀 \\'")).toBe("UNISTR('\\017e\\d83d\\de00 \\005c''')");
  expect(quoteName('A b', 'c.D')).toBe('"A b"."c.D"');
  expect(() => quoteName('A', 'x"y')).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
});

test.each([
  ['(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=a.b)(PORT=2484))(CONNECT_DATA=(SID=X)))', 'a.b', 2484, true, 'SID X'],
  ['(description=(address=(host = h)))', 'h', 1521, false, 'the database of the descriptor'],
  ['tcps://a.b:2484/svc', 'a.b', 2484, true, 'the database of the descriptor'],
  ['[::1]/svc', '::1', 1521, false, 'the database of the descriptor'],
])('where %s leads', (descriptor, host, port, isEncrypted, database) => {
  const described = connectionTo({ host: 'x', port: 1 }, { host: undefined, service_name: undefined, descriptor });
  expect(targetOf(described)).toEqual({ host, port, isEncrypted });
  expect(databaseOf(described)).toBe(database);
});
