import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import { addressOf, type SqlServerConnection, userOf } from './connect-options.ts';

/** The slice of tedious', of sockets' and of TLS's errors that says what happened. */
interface DriverError extends Error {
  /** `ELOGIN`, `ESOCKET`, `ETIMEOUT` …, or errno of a socket. */
  code?: string;
  /** Number of a server's error. */
  number?: number;
  /** Severity, 11 and more for errors. */
  class?: number;
  errors?: unknown[];
}

export interface ErrorContext {
  connection: SqlServerConnection;
  /** What was being done, e.g. `Reading dbo.Orders`. */
  doing: string;
}

interface Explanation {
  code: string;
  message: string;
  hint?: string;
  retryable?: boolean;
}

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures (connection
 * lost, deadlock, Azure SQL's reconfigurations and limits) are retryable. No password is in any of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  if (isIngestError(error)) return error;
  const cause = rootOf(error);
  const { code, message, hint, retryable } = explain(cause, context);
  return new IngestError(code, message, { hint, retryable, cause: error });
}

/** The server gave nothing for so long. */
export function queryTimeout(doing: string, seconds: number): IngestError {
  return new IngestError('QUERY_TIMEOUT', `${doing}: the server gave nothing for ${seconds} s.`, {
    hint: 'Raise query_timeout of the connection (up to 3600 s), or read less: columns, filter, INCREMENTAL; an index on the watermark column helps.',
  });
}

/** The server would have got the password in plain text. */
export function notEncrypted(connection: SqlServerConnection): IngestError {
  return new IngestError(
    'TLS_NOT_SUPPORTED',
    `${addressOf(connection)} does not speak TLS, and the connection's encrypt insists on it.`,
    { hint: 'Turn TLS on at the server; in a network that you trust, encrypt = false connects without it.' },
  );
}

/** What is behind wrappers: a server's error of a login, or the socket's. */
function rootOf(error: unknown): DriverError {
  const own = error as DriverError;
  if (own.number !== undefined) return own;
  const inner = own.errors?.[0] ?? own.cause;
  return inner instanceof Error ? rootOf(inner) : own;
}

/** "Troubleshoot transient connection errors in SQL Database" in Microsoft's manual, and what a restart or a lock brings. */
const TRANSIENT = new Set([
  64, 233, 615, 926, 1205, 1222, 3960, 4221, 10053, 10054, 10060, 10928, 10929, 11001, 40143, 40166, 40197, 40501,
  40540, 40613, 42108, 42109, 49918, 49919, 49920, 18401, 6005, 596, 3635,
]);
const CONFLICTS = new Set([1205, 1222, 3960]);
/** A text that is no value of the type it is converted to. */
const CONVERSIONS = new Set([235, 241, 242, 244, 245, 248, 257, 295, 402, 529, 8114, 8115, 8169, 9807]);

function explain(error: DriverError, context: ErrorContext): Explanation {
  if (error.number !== undefined) return explainServer(error.number, error, context);
  return explainConnection(error, context);
}

function explainServer(number: number, error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const address = addressOf(connection);
  const user = userOf(connection);
  const said = error.message.replace(/\.?$/, '.');
  switch (number) {
    case 18456:
      return {
        code: 'LOGIN_FAILED',
        message: `${address} refused the login of ${user}.`,
        hint:
          connection.authentication === 'sql'
            ? 'Check username and password, and that the server allows SQL logins (mixed mode); `ingest secrets explain` shows where the password came from.'
            : 'Check that this identity is a user of the database (CREATE USER … FROM EXTERNAL PROVIDER), and which database is asked for.',
      };
    case 18452:
      return {
        code: 'LOGIN_FAILED',
        message: `${address} does not trust the domain of ${user}.`,
        hint: 'The driver cannot sign in with the Windows user itself (SSPI): give authentication = "ntlm" with domain, username and password, or use Entra ID.',
      };
    case 18470:
    case 18486:
    case 18487:
    case 18488:
      return {
        code: 'LOGIN_FAILED',
        message: `${address} does not let ${user} in: ${said}`,
        hint: 'The account is disabled, locked, or its password has to be changed: ask the server’s administrator.',
      };
    case 40615:
    case 40914:
      return {
        code: 'FIREWALL_BLOCKED',
        message: `${address} does not allow this machine's address: ${said}`,
        hint: 'Add the address to the firewall rules of the Azure SQL server, or come through the VPN or private endpoint.',
      };
    case 4060:
    case 911:
      return {
        code: 'DATABASE_NOT_FOUND',
        message: `There is no database "${connection.database}" on ${address} that ${user} may open.`,
        hint: 'Check database of the connection, and that the login is a user of it.',
      };
    case 229:
    case 230:
    case 262:
    case 297:
    case 300:
    case 916:
      return {
        code: 'PERMISSION_DENIED',
        message: `${doing}: ${user} may not do that: ${said}`,
        hint: 'Ask the owner for GRANT SELECT ON … TO the user, or for the role db_datareader.',
      };
    case 208:
      return {
        code: 'SOURCE_TABLE_NOT_FOUND',
        message: `${doing}: ${said}`,
        hint: 'The table was dropped or renamed meanwhile, or the filter names a table that is not there.',
      };
    case 207:
      return {
        code: 'SOURCE_COLUMN_NOT_FOUND',
        message: `${doing}: ${said}`,
        hint: 'Check the columns that the filter names.',
      };
    case 102:
    case 105:
    case 137:
    case 156:
    case 170:
    case 4145:
      return {
        code: 'SOURCE_SYNTAX',
        message: `${doing}: the server cannot read the statement: ${said}`,
        hint: "The job's filter is the usual cause: write one condition as it would stand after WHERE; texts in single quotes, no variables.",
      };
    case 3952:
      return {
        code: 'SNAPSHOT_NOT_ALLOWED',
        message: `${doing}: ${said}`,
        hint: 'ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or partitions = 1.',
      };
    case 3961:
      return {
        code: 'SOURCE_TABLE_CHANGED',
        message: `${doing}: the table was altered during the read: ${said}`,
        hint: 'The read is tried again.',
        retryable: true,
      };
    default:
      break;
  }
  if (CONVERSIONS.has(number)) {
    return {
      code: 'SOURCE_CONVERSION',
      message: `${doing}: ${said} (${number})`,
      hint: 'A filter compares a column with a value of another type, or a view computes with texts that are no numbers or dates.',
    };
  }
  const transient = TRANSIENT.has(number);
  return {
    code: CONFLICTS.has(number) ? 'SOURCE_CONFLICT' : transient ? 'CONNECTION_LOST' : 'SOURCE_QUERY_FAILED',
    message: `${doing}: the server said "${error.message}" (${number}).`,
    hint: transient
      ? 'This passes by itself as a rule; the read is tried again.'
      : 'Look the number up in "Database Engine events and errors"; a filter is the usual cause.',
    retryable: transient,
  };
}

function explainConnection(error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { host, connect_timeout: seconds } = connection;
  const address = addressOf(connection);
  const said = messageOf(error).replace(/\.$/, '');
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        code: 'HOST_NOT_FOUND',
        message: `The host "${host}" has no address.`,
        hint: 'Check host of the connection, and whether a VPN or another DNS server is needed.',
        retryable: error.code === 'EAI_AGAIN',
      };
    case 'ECONNREFUSED':
      return {
        code: 'CONNECTION_REFUSED',
        message: `Nothing accepts connections at ${address}.`,
        hint: 'Check host and port, that TCP/IP is enabled for the server, and that no firewall rejects it.',
        retryable: true,
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEOUT':
      return {
        code: 'CONNECTION_TIMEOUT',
        message: `${address} did not answer within ${seconds} s.`,
        hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
        retryable: true,
      };
    case 'EENCRYPT':
      return {
        code: 'TLS_REQUIRED',
        message: `${address} takes encrypted connections only.`,
        hint: 'Set encrypt = true.',
      };
    case 'EFEDAUTH':
    case 'ELOGIN':
      return {
        code: 'LOGIN_FAILED',
        message: `${address} refused ${userOf(connection)}: ${said}.`,
        hint: 'Check the sign-in of the connection.',
      };
    default:
      break;
  }
  if (/SQL Server Browser|^Port for /.test(said)) {
    return {
      code: 'INSTANCE_NOT_FOUND',
      message: `${address}: the instance was not found (${said}).`,
      hint: 'Check instance, that SQL Server Browser runs and UDP port 1434 is open; or set port and leave instance out.',
    };
  }
  return explainTls(error, connection) ?? explainLoss(error, doing, address);
}

/** OpenSSL's and Node's codes for certificates, see "X509 certificate error codes" in Node's manual of tls. */
function explainTls(error: DriverError, connection: SqlServerConnection): Explanation | null {
  const address = addressOf(connection);
  const code = error.code ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      code: 'CERTIFICATE_HOST_MISMATCH',
      message: `The certificate of ${address} is for another host: ${error.message.replace(/^.*?cert's/, "cert's")}`,
      hint: 'Use the host name that the certificate has.',
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} has expired or is not valid yet.`,
      hint: "Renew it at the server, and check this machine's clock.",
    };
  }
  if (/SELF_SIGNED|UNABLE_TO|CERT_|ISSUER|INVALID_CA/.test(code)) {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} is not signed by an authority that is trusted here (${code}).`,
      hint: 'Set ssl_root_cert to the PEM file of the authority that signed it, or, in a network that you trust, trust_server_certificate = true.',
    };
  }
  if (/^ERR_(SSL|TLS|OSSL)|EPROTO/.test(code)) {
    return {
      code: 'TLS_FAILED',
      message: `TLS with ${address} failed: ${error.message}`,
      hint: 'Check that the port is the one of SQL Server itself; servers before 2016 may need an update for TLS 1.2.',
    };
  }
  return null;
}

function explainLoss(error: DriverError, doing: string, address: string): Explanation {
  const said = messageOf(error).replace(/\.$/, '');
  const isLoss =
    /Connection lost|ECONNRESET|EPIPE|ECONNCLOSED|socket hang up|EINVALIDSTATE|ESOCKET|end of data|before secure TLS/;
  if (isLoss.test(`${said} ${error.code ?? ''}`)) {
    return {
      code: 'CONNECTION_LOST',
      message: `${doing}: the connection to ${address} was lost (${said}).`,
      hint: 'The server, a proxy or the network ended it; the read is tried again.',
      retryable: true,
    };
  }
  return { code: 'SOURCE_FAILED', message: `${doing}: ${said}.` };
}
