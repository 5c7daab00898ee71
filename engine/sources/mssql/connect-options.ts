import { readFile } from 'node:fs/promises';
import type { ConnectionConfiguration } from 'tedious';
import { IngestError, messageOf } from '../../errors.ts';
import { trustedAuthorities } from '../../network/authorities.ts';
import { personOf } from '../../sign-in/person.ts';
import type { AzureSqlConnection, MssqlConnection } from '../../spec/connection.ts';

export type SqlServerConnection = MssqlConnection | AzureSqlConnection;

/** What a session is opened with; it crosses threads. */
export interface SessionOptions {
  connection: SqlServerConnection;
  /** Of Entra ID, where the connection signs in with it. */
  accessToken: string | null;
}

/** `host:port` or `host\instance`, for people. */
export function addressOf(connection: SqlServerConnection): string {
  const instance = instanceOf(connection);
  return instance === undefined ? `${connection.host}:${connection.port}` : `${connection.host}\\${instance}`;
}

export function instanceOf(connection: SqlServerConnection): string | undefined {
  return connection.type === 'mssql' ? connection.instance : undefined;
}

/** Who signs in, for people; a token may say it better. */
export function userOf(
  { authentication, username, domain, client_id: client }: SqlServerConnection,
  accessToken: string | null = null,
): string {
  switch (authentication) {
    case 'ntlm':
      return `${domain}\\${username}`;
    case 'service_principal':
      return `service principal ${client}`;
    case 'default_credential':
      return 'the default credential';
    case 'browser':
      return (accessToken === null ? null : personOf(accessToken)) ?? username ?? 'a person';
    default:
      return username ?? '';
  }
}

/** A cancelled statement that the server does not acknowledge in so many milliseconds takes its connection with it. */
const CANCEL_TIMEOUT = 500;
/** The largest that TLS lets pass: fewer packets a row. */
const PACKET_BYTES = 16_384;
const LARGEST_VALUE = 2_147_483_647;

/** How tedious connects. Retries and time limits are ours: the driver's would hide what happened. */
export async function driverConfiguration({
  connection,
  accessToken,
}: SessionOptions): Promise<ConnectionConfiguration> {
  const instance = instanceOf(connection);
  return {
    server: connection.host,
    authentication: authenticationOf(connection, accessToken),
    options: {
      ...(instance === undefined ? { port: connection.port } : { instanceName: instance }),
      database: connection.database,
      encrypt: connection.encrypt,
      trustServerCertificate: connection.trust_server_certificate,
      cryptoCredentialsDetails: connection.encrypt ? { ca: await authoritiesOf(connection) } : {},
      connectTimeout: connection.connect_timeout * 1000,
      requestTimeout: 0,
      cancelTimeout: CANCEL_TIMEOUT,
      maxRetriesOnTransientErrors: 0,
      packetSize: PACKET_BYTES,
      textsize: LARGEST_VALUE,
      appName: 'ingest-studio',
      useUTC: true,
      dateFormat: 'ymd',
      language: 'us_english',
    },
  };
}

function authenticationOf(
  connection: SqlServerConnection,
  accessToken: string | null,
): NonNullable<ConnectionConfiguration['authentication']> {
  const { authentication, username, password, domain } = connection;
  if (accessToken !== null) {
    return { type: 'azure-active-directory-access-token', options: { token: accessToken } };
  }
  if (authentication === 'ntlm') {
    return { type: 'ntlm', options: { userName: username ?? '', password, domain: domain ?? '' } };
  }
  return { type: 'default', options: { userName: username ?? '', password } };
}

async function authoritiesOf({ ssl_root_cert: file }: SqlServerConnection): Promise<string[]> {
  if (file === undefined) return trustedAuthorities([]);
  try {
    return [await readFile(file, 'utf8')];
  } catch (error) {
    throw new IngestError('CERTIFICATE_NOT_FOUND', `ssl_root_cert "${file}" cannot be read: ${messageOf(error)}`, {
      hint: 'Give the path of a PEM file with the certificate of the authority that signed the server’s.',
      cause: error,
    });
  }
}
