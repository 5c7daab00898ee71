import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import type { PostgresConnection } from '../../spec/connection.ts';

/** The slice of node-postgres's and of sockets' errors that says what happened. */
interface DriverError extends Error {
  /** SQLSTATE, or errno of a socket. */
  code?: string;
  detail?: string;
  hint?: string;
  schema?: string;
  table?: string;
  column?: string;
}

export interface ErrorContext {
  connection: PostgresConnection;
  /** What was being done, e.g. `Reading public.orders`. */
  doing: string;
}

interface Explanation {
  code: string;
  message: string;
  hint?: string;
  retryable?: boolean;
}

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures
 * (connection lost, serialization, shutdown, too many connections) are retryable. The password is in none of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  if (isIngestError(error)) return error;
  const { code, message, hint, retryable } = explain(error as DriverError, context);
  return new IngestError(code, message, { hint, retryable, cause: error });
}

/** SQLSTATE of a server's error, else null. */
export function sqlState(error: unknown): string | null {
  const code = (error as DriverError | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : null;
}

/** Server classes and codes after which the same statement may succeed: see "PostgreSQL Error Codes" in the manual. */
function isTransient(state: string): boolean {
  return /^(08...|40001|40P01|53300|57P0[123])$/.test(state);
}

function explain(error: DriverError, context: ErrorContext): Explanation {
  const state = sqlState(error);
  return state === null ? explainConnection(error, context) : explainServer(state, error, context);
}

function explainServer(state: string, error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { host, port, database, username } = connection;
  const said = error.message.replace(/\.?$/, '.');
  const serverHint = error.hint ?? error.detail;
  switch (state) {
    case '28P01':
      return {
        code: 'LOGIN_FAILED',
        message: `${host}:${port} refused the password of user "${username}".`,
        hint: 'Check username and password of the connection; `ingest secrets explain` shows where the password came from.',
      };
    case '28000':
      return {
        code: 'LOGIN_FAILED',
        message: `${host}:${port} does not let user "${username}" in: ${said}`,
        hint: 'Check the username. If the message names pg_hba.conf, the server wants another ssl_mode, or this machine allowed in pg_hba.conf.',
      };
    case '3D000':
      return {
        code: 'DATABASE_NOT_FOUND',
        message: `There is no database "${database}" on ${host}:${port}.`,
        hint: 'Check database of the connection; names are case-sensitive.',
      };
    case '42501':
      return {
        code: 'PERMISSION_DENIED',
        message: `${doing}: user "${username}" may not do that: ${said}`,
        hint: `Ask the owner for GRANT USAGE ON SCHEMA … and GRANT SELECT ON … TO "${username}".`,
      };
    case '42P01':
      return {
        code: 'SOURCE_TABLE_NOT_FOUND',
        message: `${doing}: ${said}`,
        hint: 'The table was dropped or renamed meanwhile, or the filter names a table that is not there.',
      };
    case '42703':
      return {
        code: 'SOURCE_COLUMN_NOT_FOUND',
        message: `${doing}: ${said}`,
        hint: 'Check the columns that the filter names; names with capital letters need double quotes in SQL.',
      };
    case '57014':
      return {
        code: 'QUERY_CANCELLED',
        message: `${doing}: the server ended the statement: ${said}`,
        hint: 'An administrator or a statement_timeout ended it. Read fewer rows (columns, filter, INCREMENTAL) or have the limit raised.',
      };
    case '22021':
    case '22P05':
      return {
        code: 'VALUE_NOT_UTF8',
        message: `${doing}: a text is not UTF-8: ${said}`,
        hint: 'The database keeps bytes of another encoding (SQL_ASCII). Correct the rows, or read a view that converts the column with convert_from().',
      };
    case '25006':
      return {
        code: 'READ_ONLY',
        message: `${doing}: ${said}`,
        hint: 'Sources are read in a READ ONLY transaction: a filter or view must not call a function that writes.',
      };
    case '53300':
      return {
        code: 'TOO_MANY_CONNECTIONS',
        message: `${host}:${port} has no free connection: ${said}`,
        hint: 'Run fewer jobs at once (max_workers, partitions), or raise max_connections.',
        retryable: true,
      };
    default:
      break;
  }
  const transient = isTransient(state);
  const code = transient ? 'CONNECTION_LOST' : 'SOURCE_QUERY_FAILED';
  const hint = transient ? 'This passes by itself as a rule; the read is tried again.' : serverHint;
  return {
    code: state === '40001' || state === '40P01' ? 'SOURCE_CONFLICT' : code,
    message: `${doing}: the server said "${error.message}" (${state}).`,
    hint: hint ?? 'Look the code up in "PostgreSQL Error Codes"; a filter is the usual cause.',
    retryable: transient,
  };
}

function explainConnection(error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { host, port, connect_timeout: seconds, ssl_mode: mode } = connection;
  const address = `${host}:${port}`;
  const said = messageOf(error);
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
        hint: 'Check host and port, that the server runs and listens on that address, and that no firewall rejects it.',
        retryable: true,
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return {
        code: 'CONNECTION_TIMEOUT',
        message: `${address} cannot be reached (${error.code}).`,
        hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
        retryable: true,
      };
    default:
      break;
  }
  if (/timeout expired/.test(said)) {
    return {
      code: 'CONNECTION_TIMEOUT',
      message: `${address} did not answer within ${seconds} s.`,
      hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
      retryable: true,
    };
  }
  if (/does not support SSL/.test(said)) {
    return {
      code: 'TLS_NOT_SUPPORTED',
      message: `${address} does not speak TLS, and ssl_mode "${mode}" insists on it.`,
      hint: 'Turn TLS on at the server; in a network that you trust, ssl_mode prefer connects without it.',
    };
  }
  if (/SCRAM.*password|password must be a string/i.test(said)) {
    return {
      code: 'LOGIN_FAILED',
      message: `${address} asks for a password, and the connection has none.`,
      hint: 'Set the password in the environment, the keychain or .dlt/secrets.toml.',
    };
  }
  return explainTls(error, connection) ?? explainLoss(error, doing, address);
}

const TRUST_HINT =
  'Set ssl_root_cert to the PEM file of the authority that signed it, or, in a network that you trust, ssl_mode require.';

/** OpenSSL's and Node's codes for certificates, see "X509 certificate error codes" in Node's manual of tls. */
function explainTls(error: DriverError, connection: PostgresConnection): Explanation | null {
  const address = `${connection.host}:${connection.port}`;
  const code = error.code ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      code: 'CERTIFICATE_HOST_MISMATCH',
      message: `The certificate of ${address} is for another host: ${error.message.replace(/^.*?cert's/, "cert's")}`,
      hint: 'Use the host name that the certificate has, or ssl_mode verify-ca, which checks only who signed it.',
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
      hint: TRUST_HINT,
    };
  }
  if (/^ERR_(SSL|TLS|OSSL)|EPROTO/.test(code)) {
    return {
      code: 'TLS_FAILED',
      message: `TLS with ${address} failed: ${error.message}`,
      hint: 'Check that the port is the one of PostgreSQL itself and which TLS versions the server allows.',
    };
  }
  return null;
}

function explainLoss(error: DriverError, doing: string, address: string): Explanation {
  const said = messageOf(error);
  const isLoss = /Connection terminated|ECONNRESET|EPIPE|socket hang up|not queryable|before secure TLS/.test(
    `${said} ${error.code ?? ''}`,
  );
  if (isLoss) {
    return {
      code: 'CONNECTION_LOST',
      message: `${doing}: the connection to ${address} was lost (${said.replace(/\.$/, '')}).`,
      hint: 'The server, a proxy or the network ended it; the read is tried again.',
      retryable: true,
    };
  }
  return { code: 'SOURCE_FAILED', message: `${doing}: ${said}` };
}
