import { IngestError, isIngestError, messageOf } from '../../errors.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import { addressOf, databaseOf } from './connect-options.ts';

/** The slice of node-oracledb's and of sockets' errors that says what happened. */
interface DriverError extends Error {
  /** `ORA-00942`, `NJS-503`, or errno of a socket. */
  code?: string;
}

export interface ErrorContext {
  connection: OracleConnection;
  /** What was being done, e.g. `Reading SALES.ORDERS`. */
  doing: string;
}

interface Explanation {
  code: string;
  message: string;
  hint?: string;
  retryable?: boolean;
}

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures (connection lost,
 * listener or instance not up, too many sessions, deadlock, snapshot too old) are retryable. The password is in none of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  if (isIngestError(error)) return error;
  const { code, message, hint, retryable } = explain(error as DriverError, context);
  return new IngestError(code, message, { hint, retryable, cause: error });
}

/** The server gave nothing for so long. */
export function queryTimeout(doing: string, seconds: number): IngestError {
  return new IngestError('QUERY_TIMEOUT', `${doing}: the server gave nothing for ${seconds} s.`, {
    hint: 'Raise query_timeout of the connection (up to 3600 s), or read less: columns, filter, INCREMENTAL; an index on the watermark column helps.',
  });
}

/** The number of a server's error, else null. The driver wraps errors that end the connection: the server's own comes after its. */
export function oracleCode(error: unknown): number | null {
  const number = /\bORA-(\d{5})\b/.exec(messageOf(error))?.[1];
  return number === undefined ? null : Number(number);
}

/** What the driver or the server said, in one line without links and connection ids. */
function saidBy(error: unknown): string {
  const text = messageOf(error)
    .replace(/\s*Help: https?:\S+/g, '')
    .replace(/\s*\(CONNECTION_ID=[^)]*\)/g, '');
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}

function explain(error: DriverError, context: ErrorContext): Explanation {
  const number = oracleCode(error);
  const known = number === null ? null : explainServer(number, error, context);
  return known ?? explainDriver(error, context) ?? unknownFailure(error, number, context);
}

function explainServer(number: number, error: DriverError, { connection, doing }: ErrorContext): Explanation | null {
  const { username } = connection;
  const said = saidBy(error);
  const address = addressOf(connection);
  switch (number) {
    case 1017:
      return {
        code: 'LOGIN_FAILED',
        message: `${address} refused user "${username}" or its password.`,
        hint: 'Check username and password of the connection (both mind upper and lower case); `ingest secrets explain` shows where the password came from.',
      };
    case 28000:
      return {
        code: 'LOGIN_FAILED',
        message: `The account "${username}" is locked on ${address}.`,
        hint: 'Too many wrong passwords lock it. Ask the administrator for: ALTER USER … ACCOUNT UNLOCK, and check the password first.',
      };
    case 28001:
    case 28002:
      return {
        code: 'LOGIN_FAILED',
        message: `The password of "${username}" has expired on ${address}.`,
        hint: 'Set a new one (ALTER USER … IDENTIFIED BY …) and store it in the connection.',
      };
    case 1045:
      return {
        code: 'LOGIN_FAILED',
        message: `User "${username}" may not log in to ${address}: it lacks CREATE SESSION.`,
        hint: `Ask the administrator for: GRANT CREATE SESSION TO ${username}.`,
      };
    case 942:
      return {
        code: 'SOURCE_TABLE_NOT_FOUND',
        message: `${doing}: ${said}.`,
        hint: 'It does not exist, or this user has no grant on it, which Oracle does not tell apart. Check the name, or ask its owner for GRANT SELECT.',
      };
    case 904:
      return {
        code: 'SOURCE_COLUMN_NOT_FOUND',
        message: `${doing}: ${said}.`,
        hint: 'Check the columns that the filter names; names in lower case need double quotes in SQL.',
      };
    case 1031:
    case 41900:
      return {
        code: 'PERMISSION_DENIED',
        message: `${doing}: user "${username}" may not do that: ${said}.`,
        hint: `Ask the owner for GRANT SELECT ON … TO ${username}; partitioned reads need GRANT FLASHBACK ON … too.`,
      };
    case 1456:
    case 14551:
    case 14552:
      return {
        code: 'READ_ONLY',
        message: `${doing}: ${said}.`,
        hint: 'Sources are read in a read-only transaction: a filter or view must not call a function that writes.',
      };
    case 1555:
    case 22924:
      return {
        code: 'SNAPSHOT_TOO_OLD',
        message: `${doing}: the server no longer has the rows as they were when the read began (${said}).`,
        hint: 'The read took longer than the undo keeps old rows. It is tried again; if it fails each time, read less (INCREMENTAL, filter), use partitions, or have UNDO_RETENTION raised.',
        retryable: true,
      };
    case 8181:
    case 8180:
      return {
        code: 'SNAPSHOT_TOO_OLD',
        message: `${doing}: the snapshot of the partitioned read is gone (${said}).`,
        hint: 'The undo does not reach back so far. It is tried again; set partitions to 1, or have UNDO_RETENTION raised.',
        retryable: true,
      };
    case 1466:
      return {
        code: 'SNAPSHOT_TOO_OLD',
        message: `${doing}: the table was changed or created a moment ago (${said}).`,
        hint: 'Oracle cannot read it as it was before the change. It is tried again.',
        retryable: true,
      };
    case 60:
    case 8177:
    case 4021:
    case 54:
      return {
        code: 'SOURCE_CONFLICT',
        message: `${doing}: another session was in the way (${said}).`,
        hint: 'This passes by itself as a rule; the read is tried again.',
        retryable: true,
      };
    case 18:
    case 20:
    case 2391:
    case 12516:
    case 12519:
    case 12520:
      return {
        code: 'TOO_MANY_CONNECTIONS',
        message: `${address} has no free session: ${said}.`,
        hint: 'Run fewer jobs at once (max_workers, partitions), or have SESSIONS, PROCESSES or SESSIONS_PER_USER raised.',
        retryable: true,
      };
    case 1033:
    case 1034:
    case 1109:
    case 12526:
    case 12528:
      return {
        code: 'SERVER_NOT_READY',
        message: `${address}: the database is starting or stopping (${said}).`,
        hint: 'The read is tried again; if it stays so, ask the administrator whether it is open.',
        retryable: true,
      };
    case 12660:
    case 12599:
    case 12661:
    case 12650:
      return nativeEncryption(address);
    case 1013:
      return {
        code: 'QUERY_CANCELLED',
        message: `${doing}: the server ended the statement (${said}).`,
        hint: 'An administrator or a resource limit ended it. Read fewer rows (columns, filter, INCREMENTAL) or have the limit raised.',
      };
    default:
      return TRANSIENT.has(number) ? lost(doing, address, said) : null;
  }
}

/** Errors after which the connection is gone and the same statement may succeed on a new one. */
const TRANSIENT = new Set([
  22, 28, 31, 45, 603, 609, 1012, 1041, 1043, 1089, 1092, 2396, 3113, 3114, 3122, 3135, 12153, 12170, 12514, 12537,
  12541, 12547, 12570, 12571, 12583, 25408, 27146, 28511, 56600,
]);

function lost(doing: string, address: string, said: string): Explanation {
  return {
    code: 'CONNECTION_LOST',
    message: `${doing}: the connection to ${address} was lost (${said}).`,
    hint: 'The server, a firewall or the network ended it; the read is tried again.',
    retryable: true,
  };
}

function nativeEncryption(address: string): Explanation {
  return {
    code: 'NATIVE_ENCRYPTION_REQUIRED',
    message: `${address} demands Oracle's native network encryption or checksums, which only Oracle's own client libraries speak.`,
    hint: 'Connect with TLS instead: encrypt = true and the TCPS port, which the administrator opens; or have SQLNET.ENCRYPTION_SERVER set to ACCEPTED.',
  };
}

/** The driver's own numbers: see `lib/errors.js` of node-oracledb. */
function explainDriver(error: DriverError, { connection, doing }: ErrorContext): Explanation | null {
  const { connect_timeout: connectSeconds, query_timeout: querySeconds } = connection;
  const address = addressOf(connection);
  const said = saidBy(error);
  switch (/\bNJS-(\d{3})\b/.exec(`${error.code} ${said}`)?.[1]) {
    case '123':
      return queryTimeout(doing, querySeconds);
    case '500':
    case '501':
    case '513':
    case '521':
      return lost(doing, address, said);
    case '503':
      return explainSocket(said, connection);
    case '510':
      return {
        code: 'CONNECTION_TIMEOUT',
        message: `${address} did not answer within ${connectSeconds} s.`,
        hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
        retryable: true,
      };
    case '511':
      return {
        code: 'CONNECTION_REFUSED',
        message: `The listener at ${address} refused the connection: ${said}.`,
        hint: 'Check the service name, and ask the administrator what the listener’s log says.',
        retryable: true,
      };
    case '518':
    case '519':
      return {
        code: 'DATABASE_NOT_FOUND',
        message: `The listener at ${address} does not know ${databaseOf(connection)}.`,
        hint: 'Check service_name or sid (`lsnrctl status` lists them). A database that is just starting is not registered yet: the read is tried again.',
        retryable: true,
      };
    case '530':
      return hostNotFound(connection);
    case '531':
    case '532':
    case '533':
      return nativeEncryption(address);
    case '116':
      return {
        code: 'LOGIN_FAILED',
        message: `The password of "${connection.username}" is kept in a form that only Oracle's own client libraries speak (10G verifier).`,
        hint: 'Have the password set again with SQLNET.ALLOWED_LOGON_VERSION_SERVER at 11 or higher.',
      };
    case '138':
      return {
        code: 'SERVER_TOO_OLD',
        message: `${address} is older than Oracle Database 12.1, which is the oldest that can be read.`,
        hint: 'Read from a newer database, for example through a replica.',
      };
    case '101':
      return {
        code: 'LOGIN_FAILED',
        message: `${address} asks for a password, and the connection has none.`,
        hint: 'Set the password in the environment, the keychain or .dlt/secrets.toml.',
      };
    case '512':
    case '514':
    case '515':
    case '516':
    case '517':
    case '520':
      return {
        code: 'CONNECTION_INVALID',
        message: `The descriptor of connection ${connection.name} cannot be used: ${said}.`,
        hint: 'Write (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=…)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=…))), host:port/service, or an alias of the tnsnames.ora in TNS_ADMIN.',
      };
    default:
      return explainTls(error, connection, said);
  }
}

/** What a socket said, which the driver keeps in its text alone. */
function explainSocket(said: string, connection: OracleConnection): Explanation {
  const address = addressOf(connection);
  if (/ENOTFOUND|EAI_AGAIN/.test(said)) return hostNotFound(connection);
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(said)) {
    return {
      code: 'CONNECTION_TIMEOUT',
      message: `${address} cannot be reached (${said}).`,
      hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
      retryable: true,
    };
  }
  return {
    code: 'CONNECTION_REFUSED',
    message: `Nothing accepts connections at ${address}.`,
    hint: 'Check host and port, that the listener runs (`lsnrctl status`), and that no firewall rejects it.',
    retryable: true,
  };
}

function hostNotFound(connection: OracleConnection): Explanation {
  const address = addressOf(connection);
  return {
    code: 'HOST_NOT_FOUND',
    message: `The host of ${address} has no address.`,
    hint: 'Check host of the connection, and whether a VPN or another DNS server is needed.',
  };
}

/** Certificates, which Node and the driver explain in words. */
function explainTls(error: DriverError, connection: OracleConnection, said: string): Explanation | null {
  const address = addressOf(connection);
  const text = `${error.code ?? ''} ${said}`;
  if (/NJS-50[78]|ALTNAME_INVALID|does not match certificate/.test(text)) {
    return {
      code: 'CERTIFICATE_HOST_MISMATCH',
      message: `The certificate of ${address} is for another server: ${said}.`,
      hint: 'Use the host name that the certificate has, give its whole name in ssl_server_cert_dn, or, in a network that you trust, set ssl_server_dn_match to false.',
    };
  }
  if (/certificate (has expired|is not yet valid)|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(text)) {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} has expired or is not valid yet.`,
      hint: "Renew it at the server, and check this machine's clock.",
    };
  }
  if (/self.signed|unable to (get|verify)|UNABLE_TO|SELF_SIGNED|unauthorized/i.test(text)) {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} is not signed by an authority that is trusted here.`,
      hint: 'Set ssl_root_cert to the PEM file of the authority that signed it, or wallet_location to the folder with ewallet.pem.',
    };
  }
  if (/NJS-505/.test(text) || (/ENOENT/.test(text) && connection.wallet_location !== undefined)) {
    return {
      code: 'WALLET_UNUSABLE',
      message: `The wallet in ${connection.wallet_location ?? 'wallet_location'} cannot be used: ${said}.`,
      hint: 'wallet_location is the folder with ewallet.pem (not cwallet.sso), wallet_password the password of that file.',
    };
  }
  if (/NJS-506|NJS-529|ERR_(SSL|TLS|OSSL)|EPROTO|wrong version number|before (secure )?TLS/.test(text)) {
    return {
      code: 'TLS_FAILED',
      message: `TLS with ${address} failed: ${said}.`,
      hint: 'Check that the port is one for TCPS (2484 as a rule) and which TLS versions the listener allows; without TLS set encrypt to false.',
    };
  }
  return null;
}

function unknownFailure(error: DriverError, number: number | null, { connection, doing }: ErrorContext): Explanation {
  const said = saidBy(error);
  if (number !== null) {
    return {
      code: 'SOURCE_QUERY_FAILED',
      message: `${doing}: the server said "${said}".`,
      hint: 'docs.oracle.com/error-help explains the number; a filter is the usual cause.',
    };
  }
  const isSocket = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(error.code ?? '');
  if (isSocket) return explainSocket(`${error.code} ${said}`, connection);
  if (/timeout expired/.test(said)) return explainSocket(`ETIMEDOUT, ${said}`, connection);
  if (/ECONNRESET|EPIPE|socket hang up/.test(`${error.code} ${said}`)) {
    return lost(doing, addressOf(connection), said);
  }
  return { code: 'SOURCE_FAILED', message: `${doing}: ${said}` };
}
