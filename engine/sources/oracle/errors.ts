import { type IngestError, messageOf } from '../../errors.ts';
import type { OracleConnection } from '../../spec/connection.ts';
import {
  certificateOfOther,
  connectionLost,
  connectTimeout,
  type ErrorRule,
  type Explanation,
  explainByRule,
  explained,
  explainNetwork,
  type Failure,
  hostNotFound,
  type NetworkHints,
  PASSES_BY,
  passwordMissing,
  queryTimeout,
  saidBy,
  tlsFailed,
} from '../database/explain-error.ts';
import { addressOf, databaseOf, targetOf } from './connect-options.ts';

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

/**
 * Turns what the driver, the socket or the server threw into an IngestError with a plain cause and a way out. Transient failures (connection lost,
 * listener or instance not up, too many sessions, deadlock, snapshot too old) are retryable. The password is in none of these texts.
 */
export function explainError(error: unknown, context: ErrorContext): IngestError {
  const { query_timeout: seconds } = context.connection;
  if (driverCode(error as DriverError) === CALL_TIMEOUT) return queryTimeout(context.doing, seconds);
  return explained(error, () => explain(error as DriverError, context));
}

/** The number of a server's error, else null. The driver wraps errors that end the connection: the server's own comes after its. */
function oracleCode(error: unknown): number | null {
  const number = /\bORA-(\d{5})\b/.exec(messageOf(error))?.[1];
  return number === undefined ? null : Number(number);
}

/** The driver's own number, else undefined: see `lib/errors.js` of node-oracledb. */
function driverCode(error: DriverError): string | undefined {
  return /\bNJS-(\d{3})\b/.exec(`${error.code} ${messageOf(error)}`)?.[1];
}

const CALL_TIMEOUT = '123';

interface OracleFailure extends Failure {
  username: string;
  database: string;
  connectionName: string;
  wallet: string | undefined;
}

function explain(error: DriverError, { connection, doing }: ErrorContext): Explanation {
  const { username, connect_timeout: connectSeconds, wallet_location: wallet, name: connectionName } = connection;
  const address = addressOf(connection);
  const failure: OracleFailure = {
    doing,
    address,
    host: targetOf(connection)?.host ?? address,
    said: saidBy(messageOf(error).replace(/\s*Help: https?:\S+|\s*\(CONNECTION_ID=[^)]*\)/g, '')),
    code: error.code ?? '',
    connectSeconds,
    username,
    database: databaseOf(connection),
    connectionName,
    wallet,
  };
  const number = oracleCode(error);
  const known = explainByRule(SERVER_RULES, number, failure);
  if (known !== null) return known;
  if (number !== null && TRANSIENT.has(number)) return connectionLost(failure);
  const driver = explainDriver(driverCode(error), failure);
  if (driver !== null) return driver;
  if (number === null) return { code: 'SOURCE_FAILED', message: `${doing}: ${failure.said}.` };
  return {
    code: 'SOURCE_QUERY_FAILED',
    message: `${doing}: the server said "${failure.said}".`,
    hint: 'docs.oracle.com/error-help explains the number; a filter is the usual cause.',
  };
}

const nativeEncryption = {
  code: 'NATIVE_ENCRYPTION_REQUIRED',
  message: ({ address }) =>
    `${address} demands Oracle's native network encryption or checksums, which only Oracle's own client libraries speak.`,
  hint: 'Connect with TLS instead: encrypt = true and the TCPS port, which the administrator opens; or have SQLNET.ENCRYPTION_SERVER set to ACCEPTED.',
} satisfies Omit<ErrorRule<OracleFailure>, 'on'>;

/** See "Database Error Messages" in Oracle's manual. */
const SERVER_RULES: readonly ErrorRule<OracleFailure>[] = [
  {
    on: [1017],
    code: 'LOGIN_FAILED',
    message: ({ address, username }) => `${address} refused user "${username}" or its password.`,
    hint: 'Check username and password of the connection (both mind upper and lower case); `ingest secrets explain` shows where the password came from.',
  },
  {
    on: [28000],
    code: 'LOGIN_FAILED',
    message: ({ address, username }) => `The account "${username}" is locked on ${address}.`,
    hint: 'Too many wrong passwords lock it. Ask the administrator for: ALTER USER … ACCOUNT UNLOCK, and check the password first.',
  },
  {
    on: [28001, 28002],
    code: 'LOGIN_FAILED',
    message: ({ address, username }) => `The password of "${username}" has expired on ${address}.`,
    hint: 'Set a new one (ALTER USER … IDENTIFIED BY …) and store it in the connection.',
  },
  {
    on: [1045],
    code: 'LOGIN_FAILED',
    message: ({ address, username }) => `User "${username}" may not log in to ${address}: it lacks CREATE SESSION.`,
    hint: ({ username }) => `Ask the administrator for: GRANT CREATE SESSION TO ${username}.`,
  },
  {
    on: [942],
    code: 'SOURCE_TABLE_NOT_FOUND',
    hint: 'It does not exist, or this user has no grant on it, which Oracle does not tell apart. Check the name, or ask its owner for GRANT SELECT.',
  },
  {
    on: [904],
    code: 'SOURCE_COLUMN_NOT_FOUND',
    hint: 'Check the columns that the filter names; names in lower case need double quotes in SQL.',
  },
  {
    on: [1031, 41900],
    code: 'PERMISSION_DENIED',
    message: ({ doing, username, said }) => `${doing}: user "${username}" may not do that: ${said}.`,
    hint: ({ username }) =>
      `Ask the owner for GRANT SELECT ON … TO ${username}; partitioned reads need GRANT FLASHBACK ON … too.`,
  },
  {
    on: [900, 907, 911, 920, 933, 936, 1756],
    code: 'SOURCE_SYNTAX',
    message: ({ doing, said }) => `${doing}: the server cannot read the statement: ${said}.`,
    hint: "The job's filter is the usual cause: write one condition as it would stand after WHERE; texts in single quotes.",
  },
  {
    on: [932, 1722, 1830, 1839, 1840, 1841, 1843, 1847, 1858, 1861, 6502],
    code: 'SOURCE_CONVERSION',
    hint: 'A filter compares a column with a value of another type, or a view computes with texts that are no numbers or dates.',
  },
  {
    on: [1456, 14551, 14552],
    code: 'READ_ONLY',
    hint: 'Sources are read in a read-only transaction: a filter or view must not call a function that writes.',
  },
  {
    on: [1555, 22924],
    code: 'SNAPSHOT_TOO_OLD',
    message: ({ doing, said }) =>
      `${doing}: the server no longer has the rows as they were when the read began (${said}).`,
    hint: 'The read took longer than the undo keeps old rows. It is tried again; if it fails each time, read less (INCREMENTAL, filter), use partitions, or have UNDO_RETENTION raised.',
    retryable: true,
  },
  {
    on: [8181, 8180],
    code: 'SNAPSHOT_TOO_OLD',
    message: ({ doing, said }) => `${doing}: the snapshot of the partitioned read is gone (${said}).`,
    hint: 'The undo does not reach back so far. It is tried again; set partitions to 1, or have UNDO_RETENTION raised.',
    retryable: true,
  },
  {
    on: [1466],
    code: 'SNAPSHOT_TOO_OLD',
    message: ({ doing, said }) => `${doing}: the table was changed or created a moment ago (${said}).`,
    hint: 'Oracle cannot read it as it was before the change. It is tried again.',
    retryable: true,
  },
  {
    on: [60, 8177, 4021, 54],
    code: 'SOURCE_CONFLICT',
    message: ({ doing, said }) => `${doing}: another session was in the way (${said}).`,
    hint: PASSES_BY,
    retryable: true,
  },
  {
    on: [18, 20, 2391, 12516, 12519, 12520],
    code: 'TOO_MANY_CONNECTIONS',
    message: ({ address, said }) => `${address} has no free session: ${said}.`,
    hint: 'Run fewer jobs at once (max_workers, partitions), or have SESSIONS, PROCESSES or SESSIONS_PER_USER raised.',
    retryable: true,
  },
  {
    on: [1033, 1034, 1109, 12526, 12528],
    code: 'SERVER_NOT_READY',
    message: ({ address, said }) => `${address}: the database is starting or stopping (${said}).`,
    hint: 'The read is tried again; if it stays so, ask the administrator whether it is open.',
    retryable: true,
  },
  { on: [12660, 12599, 12661, 12650], ...nativeEncryption },
  {
    on: [1013],
    code: 'QUERY_CANCELLED',
    message: ({ doing, said }) => `${doing}: the server ended the statement (${said}).`,
    hint: 'An administrator or a resource limit ended it. Read fewer rows (columns, filter, INCREMENTAL) or have the limit raised.',
  },
];

/** Errors after which the connection is gone and the same statement may succeed on a new one. */
const TRANSIENT = new Set([
  22, 28, 31, 45, 603, 609, 1012, 1041, 1043, 1089, 1092, 2396, 3113, 3114, 3122, 3135, 12153, 12170, 12514, 12537,
  12541, 12547, 12570, 12571, 12583, 25408, 27146, 28511, 56600,
]);

const HINTS: NetworkHints = {
  refused: 'Check host and port, that the listener runs (`lsnrctl status`), and that no firewall rejects it.',
  hostMismatch:
    'Use the host name that the certificate has, give its whole name in ssl_server_cert_dn, or, in a network that you trust, set ssl_server_dn_match to false.',
  notTrusted:
    'Set ssl_root_cert to the PEM file of the authority that signed it, or wallet_location to the folder with ewallet.pem.',
  tlsFailed:
    'Check that the port is one for TCPS (2484 as a rule) and which TLS versions the listener allows; without TLS set encrypt to false.',
};

/** The driver's own numbers: see `lib/errors.js` of node-oracledb. */
const DRIVER_RULES: readonly ErrorRule<OracleFailure>[] = [
  {
    on: ['511'],
    code: 'CONNECTION_REFUSED',
    message: ({ address, said }) => `The listener at ${address} refused the connection: ${said}.`,
    hint: 'Check the service name, and ask the administrator what the listener’s log says.',
    retryable: true,
  },
  {
    on: ['518', '519'],
    code: 'DATABASE_NOT_FOUND',
    message: ({ address, database }) => `The listener at ${address} does not know ${database}.`,
    hint: 'Check service_name or sid (`lsnrctl status` lists them). A database that is just starting is not registered yet: the read is tried again.',
    retryable: true,
  },
  { on: ['531', '532', '533'], ...nativeEncryption },
  {
    on: ['116'],
    code: 'LOGIN_FAILED',
    message: ({ username }) =>
      `The password of "${username}" is kept in a form that only Oracle's own client libraries speak (10G verifier).`,
    hint: 'Have the password set again with SQLNET.ALLOWED_LOGON_VERSION_SERVER at 11 or higher.',
  },
  {
    on: ['138'],
    code: 'SERVER_TOO_OLD',
    message: ({ address }) => `${address} is older than Oracle Database 12.1, which is the oldest that can be read.`,
    hint: 'Read from a newer database, for example through a replica.',
  },
  {
    on: ['512', '514', '515', '516', '517', '520'],
    code: 'CONNECTION_INVALID',
    message: ({ connectionName, said }) => `The descriptor of connection ${connectionName} cannot be used: ${said}.`,
    hint: 'Write (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=…)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=…))), host:port/service, or an alias of the tnsnames.ora in TNS_ADMIN.',
  },
];

function explainDriver(number: string | undefined, failure: OracleFailure): Explanation | null {
  switch (number) {
    case '500':
    case '501':
    case '513':
    case '521':
      return connectionLost(failure);
    case '510':
      return connectTimeout(failure);
    case '530':
      return hostNotFound(failure.host);
    case '101':
      return passwordMissing(failure);
    default:
      return explainByRule(DRIVER_RULES, number, failure) ?? explainTransport(number, failure);
  }
}

/** Sockets, TLS and wallets, of which the driver keeps what Node said in its text alone. */
function explainTransport(number: string | undefined, failure: OracleFailure): Explanation | null {
  const { address, said, wallet, code } = failure;
  // TLS has a port of its own: one that hangs up during the handshake speaks something else.
  if (/before (secure )?TLS/.test(said)) return tlsFailed(address, said, HINTS);
  // Behind NJS-506, which says no more than that the handshake failed.
  if (/\bNJS-50[78]\b/.test(said)) return certificateOfOther(address, said, HINTS);
  const network = explainNetwork(failure, HINTS);
  if (network !== null) return network;
  if (number === '505' || (code === 'ENOENT' && wallet !== undefined)) {
    return {
      code: 'WALLET_UNUSABLE',
      message: `The wallet in ${wallet ?? 'wallet_location'} cannot be used: ${said}.`,
      hint: 'wallet_location is the folder with ewallet.pem (not cwallet.sso), wallet_password the password of that file.',
    };
  }
  if (number === '506' || number === '529') return tlsFailed(address, said, HINTS);
  return number === '503' ? explainNetwork({ ...failure, code: 'ECONNREFUSED', said: '' }, HINTS) : null;
}
